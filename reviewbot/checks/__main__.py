"""``python -m reviewbot.checks``: what do the checks say about this tree."""

import sys

from reviewbot.checks.cli import main

sys.exit(main())
