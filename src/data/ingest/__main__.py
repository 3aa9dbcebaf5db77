"""The command ``python -m src.data.ingest``."""

import sys

from src.data.ingest.stage import main
from src.stages.cli import run_command

if __name__ == "__main__":
    sys.exit(run_command(main))
