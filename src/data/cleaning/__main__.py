"""The command ``python -m src.data.cleaning``."""

import sys

from src.data.cleaning.stage import main
from src.stages.cli import guarded

if __name__ == "__main__":
    sys.exit(guarded(main))
