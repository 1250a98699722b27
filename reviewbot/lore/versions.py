"""Which other mails an archive should be asked for: earlier and later versions of the same work. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from difflib import SequenceMatcher
from urllib.parse import unquote

from reviewbot.mail.diff import find_diff
from reviewbot.mail.message import Message
from reviewbot.mail.subject import bare, is_patch

#: versions of one work are looked for this long before the first and after the last known mail
WINDOW = timedelta(days=550)
MAX_SUBJECTS = 10
MAX_WORDS = 12

_CHANGE_ID = re.compile(r"^change-id:[ \t]*(\S{1,200})[ \t]*$", re.IGNORECASE | re.MULTILINE)
_LINK = re.compile(r"https?://[^\s<>]{1,200}?/([^\s<>/()\[\]]{1,250}@[^\s<>/()\[\]#?]{1,250})")
_VERSION_TALK = re.compile(
    r"\bv\d+\b|\bversions?\b|\bprevious|\bearlier\b|\brfc\b|\bresen[dt]\b|\bpost(?:ed|ing)\b", re.IGNORECASE
)
_WORD = re.compile(r"\w{2,60}")


def own_patches(mails: Sequence[Message], message_id: str) -> list[Message]:
    """Return the patches and covers in a thread that belong to the work of one mail: those of the same author.

    A reply belongs to the patch it descends from.
    """
    by_id = {mail.message_id: mail for mail in mails}
    current = by_id.get(message_id)
    seen: set[str] = set()
    while current and not is_patch(current.subject) and current.message_id not in seen:
        seen.add(current.message_id)
        current = by_id.get(current.parent)
    if current is None or not is_patch(current.subject):
        return []
    author = current.author.email.lower()
    same = [mail for mail in mails if is_patch(mail.subject) and mail.author.email.lower() == author]
    return [current, *(mail for mail in same if mail is not current)]


def change_ids(patches: Iterable[Message]) -> list[str]:
    """Return the change-ids that b4 writes into covers and single patches, each once."""
    return list(dict.fromkeys(match[1] for mail in patches for match in _CHANGE_ID.finditer(mail.body)))


def version_query(patches: Sequence[Message]) -> str:
    """Return a search for all versions, in the words of public-inbox; "" when nothing could be told apart by it.

    Subjects are asked word by word: a phrase finds nothing in an archive that
    was indexed without positions, and what is found is checked afterwards.
    """
    alternatives = [f'nq:"change-id: {change_id}"' for change_id in change_ids(patches) if '"' not in change_id]
    author = patches[0].author.email if patches else ""
    if author and re.fullmatch(r"[\w.+-]+@[\w.-]+", author):
        subjects = [subject for subject in dict.fromkeys(map(_subject_words, patches)) if subject]
        if subjects:
            alternatives.append(f"(({') OR ('.join(subjects[:MAX_SUBJECTS])})) AND f:{author}")
    if not alternatives:
        return ""
    first = min(mail.date for mail in patches) - WINDOW
    last = max(mail.date for mail in patches) + WINDOW
    return f"({' OR '.join(f'({part})' for part in alternatives)}) AND d:{first:%Y%m%d}..{last:%Y%m%d}"


def _subject_words(mail: Message) -> str:
    """Return a subject as search terms, "" when it has too few words to mean anything."""
    words = [piece.strip(":,.;()[]{}'\"`!?") for piece in bare(mail.subject).split()]
    terms = [word.lower() for piece in words for word in re.split(r"[/:-]", piece) if _WORD.fullmatch(word)]
    return " AND ".join(f"s:{term}" for term in terms[:MAX_WORDS]) if len(terms) > 1 else ""


def same_work(candidate: Message, patches: Sequence[Message]) -> bool:
    """Return whether a mail that the search found is a version of these patches."""
    if not is_patch(candidate.subject):
        return False
    if set(change_ids([candidate])) & set(change_ids(patches)):
        return True
    if candidate.author.email.lower() != patches[0].author.email.lower():
        return False
    subject = bare(candidate.subject).lower()
    return any(SequenceMatcher(None, subject, bare(mail.subject).lower()).ratio() > 0.85 for mail in patches[:50])


def linked_versions(patches: Iterable[Message]) -> list[str]:
    """Return the Message-IDs in links that patches and covers call another version of themselves."""
    found: dict[str, None] = {}
    for mail in patches:
        start = find_diff(mail.body)
        lines = mail.body[: start if start >= 0 else None].split("\n")[:2000]
        for number, line in enumerate(lines):
            if "http" not in line or line.startswith(">"):
                continue
            if _VERSION_TALK.search(" ".join(lines[max(0, number - 2) : number + 1])):
                found.update((unquote(match[1]).strip(".,;"), None) for match in _LINK.finditer(line[:1000]))
    return list(found)
