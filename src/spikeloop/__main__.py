"""``python -m spikeloop`` is the command ``spikeloop``."""

import sys

from spikeloop.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
