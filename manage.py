#!/usr/bin/env python3
"""Django's command line: ``manage.py review TARGET``, ``manage.py up``, and the rest."""

import os
import sys


def main() -> None:
    """Run the command that was asked for."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewbot.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
