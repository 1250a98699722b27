#!/usr/bin/env python3
"""Django's command line: ``manage.py review TARGET``, ``manage.py up``, and the rest."""

import errno
import os
import sys

from reviewbot.environment import SettingError


def main() -> None:
    """Run the command that was asked for."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewbot.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except SettingError as error:
        sys.exit(_ours(str(error)))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        sys.exit(_ours(f"{error.filename or 'The data folder'} cannot be written: {error.strerror}."))


def _ours(sentence: str) -> int:
    """Say what the operator has to mend, and return the exit status for it; Python's own, 1, means findings here."""
    sys.stderr.write(f"{sentence}\n")
    return 3


if __name__ == "__main__":
    main()
