"""``python -m tuiconsole``: the same as the ``tuiconsole`` command."""

import sys

from tuiconsole.cli import main

if __name__ == "__main__":
    sys.exit(main())
