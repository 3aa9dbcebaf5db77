"""``python -m mlops.migrate``: bring the schema and the roles of a server up to date."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from src.core.errors import UsageError
from src.stages.arguments import add_config, command_parser
from src.stages.cli import run_command, set_up

SUMMARY = "Bring the schema of DATABASE_URL, its roles and their rights up to date."


def main(argv: Sequence[str] | None = None) -> int:
    """Migrate once, and say to what."""
    parser = command_parser("mlops.migrate", SUMMARY)
    add_config(parser)
    settings, _ = set_up(parser.parse_args(argv))
    if settings.server is None:
        raise UsageError(
            "DATABASE_URL is not set: the embedded server needs no roles, and every command "
            "brings its schema up to date."
        )
    from src.db.connection import normalise_url
    from src.db.migrate import newest_revision
    from src.db.roles import ROLES, migrate_with_roles

    is_changed = migrate_with_roles(normalise_url(settings.server))
    state = "brought to" if is_changed else "already at"
    sys.stdout.write(f"Schema {state} {newest_revision()}; roles {', '.join(ROLES)}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
