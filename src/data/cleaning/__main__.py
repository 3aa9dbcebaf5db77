"""The command ``python -m src.data.cleaning``."""

import sys

from src.data.cleaning.stage import main
from src.stages.cli import run_command

if __name__ == "__main__":
    sys.exit(run_command(main))
