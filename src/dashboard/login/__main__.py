"""Print the hash of a password for the settings: `python -m src.dashboard.login`."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence

from src.dashboard.login.passwords import VARIABLE, hash_password
from src.stages.arguments import command_parser

SHORTEST = 8


def main(argv: Sequence[str] | None = None) -> int:
    """Ask for a password twice, without showing it, and print what the settings need."""
    summary = "Ask for the password of the dashboard's controls twice, and print its hash."
    command_parser("src.dashboard.login", summary).parse_args(argv)
    try:
        password = getpass.getpass("Password: ")
        again = getpass.getpass("Again: ")
    except (EOFError, KeyboardInterrupt):
        sys.stderr.write("No password was given.\n")
        return 1
    if len(password) < SHORTEST:
        sys.stderr.write(f"A password needs {SHORTEST} characters at least: try again.\n")
        return 1
    if again != password:
        sys.stderr.write("The two differ: try again.\n")
        return 1
    # In quotes, since a shell would take the $ for variables.
    sys.stdout.write(f"{VARIABLE}='{hash_password(password)}'\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
