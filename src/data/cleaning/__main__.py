"""The command ``python -m src.data.cleaning``."""

import sys
from collections.abc import Sequence

from src.data.cleaning.stage import STAGE
from src.stages.cli import run_command, stage_main, stage_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Show what cleaning would do, or do it."""
    return stage_main(STAGE, argv, parser=stage_parser("src.data.cleaning", STAGE.summary))


if __name__ == "__main__":
    sys.exit(run_command(main))
