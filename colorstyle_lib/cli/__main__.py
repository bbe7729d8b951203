"""``python -m colorstyle_lib.cli``: the same as the command ``colorstyle``."""

import sys

from colorstyle_lib.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
