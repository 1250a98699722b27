"""What replies did about a finding: the words that a report quotes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Remark(StrEnum):
    """What a reply did about a finding."""

    RAISED = "raised"
    ANSWERED = "answered"
    PROMISED = "promised"


@dataclass(frozen=True, slots=True)
class Said:
    """What the thread says about a finding: who, when, where, and the words themselves."""

    remark: Remark
    who: str
    date: datetime
    message_id: str
    words: str
