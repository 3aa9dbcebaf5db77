"""The command ``python -m src.data.ingest``."""

import sys

from src.data.ingest.stage import main
from src.stages.cli import guarded

if __name__ == "__main__":
    sys.exit(guarded(main))
