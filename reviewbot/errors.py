"""Errors whose type says who must act.

Retrying is a property of the error, not of the caller: a task retries a
:class:`TransientError` and nothing else. The text of each error is one or two
sentences that can be shown as they are: what happened, and who can do what.
"""

from __future__ import annotations


class ReviewError(Exception):
    """Base of every error that the service states in words."""

    #: exit status of the command line tools
    exit_status = 3
    #: who can mend it, for the sentence on the page
    actor = "the operator"


class AuthorError(ReviewError):
    """The mail or the patch is at fault: it is incomplete, broken, or does not apply."""

    exit_status = 2
    actor = "the author"


class NotFoundError(ReviewError):
    """What was asked for is not known here: a Message-ID, a tree, a run."""

    exit_status = 3
    actor = "the caller"


class OperatorError(ReviewError):
    """The machine or the configuration is at fault: no compiler, no tree, a full disk."""

    exit_status = 3
    actor = "the operator"


class TransientError(ReviewError):
    """Time may mend it: the archive does not answer, a lock is held, a worker died."""

    exit_status = 3
    actor = "nobody: it is tried again"
