"""Mails to series: one for each posted version, as b4 assembles them, from any set of mails in any order."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from urllib.parse import unquote

from reviewbot.mail.diff import find_diff, parse_diff
from reviewbot.mail.message import Message
from reviewbot.mail.patchid import patch_id
from reviewbot.series.batches import Batch, sort_batches
from reviewbot.series.grouping import group_threads
from reviewbot.series.mails import Conversation, Kind, Mail
from reviewbot.series.model import Patch, Series, Trailer
from reviewbot.series.trailers import given_by, merged

# The lines that say something about the series as a whole.
_HINT = re.compile(
    r"^(?:base(?:d-on|-commit)|change-id|prerequisite-(?:patch|message)-id):.*+", re.IGNORECASE | re.MULTILINE
)
_BASE = re.compile(r"^base-commit:.*?\b([0-9a-f]{7,64})\b", re.IGNORECASE | re.MULTILINE)
_CHANGE = re.compile(r"^change-id:[ \t]+(\S+)", re.MULTILINE)
_PREREQUISITE = re.compile(r"^prerequisite-patch-id:[ \t]+([0-9a-f]{7,64})", re.IGNORECASE | re.MULTILINE)
_BASED_ON = re.compile(r"^(?:based-on|prerequisite-message-id):[ \t]+(\S.*)", re.IGNORECASE | re.MULTILINE)
_MESSAGE_ID = re.compile(r"<?([^\s<>/]+@[^\s<>/]+)>?\s*$")
_LINK = re.compile(r"https?://[^\s<>@]{1,200}/([^\s<>/]{1,200}(?:@|%40)[^\s<>/\"')\],;]{1,200})")
_MAX_LINKS = 100


def assemble(messages: Iterable[Message], known: Mapping[str, Patch] | None = None) -> list[Series]:
    """Return the series that the mails amount to, one for each posted version, oldest first.

    The mails may belong to many threads, lack some of their parts, come in any
    order and several times. ``previous`` is not filled; see
    :func:`reviewbot.series.topics.link_versions`.

    :param known: patches by the Message-ID of their mail, whose diffs were read before and are not read again.
    """
    found: list[Series] = []
    for thread in group_threads(messages):
        found += _series_of(Conversation(thread), known or {})
    return sorted(found, key=lambda series: (series.date, series.root_msgid))


def _series_of(thread: Conversation, known: Mapping[str, Patch]) -> list[Series]:
    """Return the series of one thread."""
    batches = sort_batches(thread)
    patches = {mail.id: known.get(mail.id) or _patch(mail) for batch in batches for mail in batch.patches}
    given = _given(thread)
    replies = _replies(thread, batches)
    alike: dict[str, list[tuple[int, str]]] = defaultdict(list)  # version and Message-ID, by patch-id
    for batch in batches:
        for mail in batch.parts:
            if given[mail.id] and mail.id in patches and (name := patches[mail.id].patch_id):
                alike[name].append((batch.version, mail.id))
    made = []
    for batch in batches:
        posted = []
        for number, mail in batch.numbered():
            patch = patches[mail.id]
            others = [given[other] for version, other in alike[patch.patch_id] if version != batch.version]
            trailers = merged(given[mail.id], *others)
            posted.append(replace(patch, number=number, trailers=trailers))
        cover_trailers = tuple(given[batch.cover.id]) if batch.cover else ()
        made.append(_series(batch, tuple(posted), cover_trailers, replies[id(batch)]))
    return made


def _series(
    batch: Batch, patches: tuple[Patch, ...], cover_trailers: tuple[Trailer, ...], replies: list[Message]
) -> Series:
    cover = batch.cover
    head = cover or batch.patches[0]
    parts = batch.parts
    own = {mail.id for mail in parts}
    firsts = [mail for mail in batch.patches[:1] if mail.subject.number == 1]
    text = "\n".join(_HINT.findall("\n".join(mail.message.body for mail in (cover, *firsts) if mail)))
    based_on = (_MESSAGE_ID.search(value) for value in _BASED_ON.findall(text))
    return Series(
        root_msgid=parts[0].id,
        subject=head.message.subject,
        name=head.subject.name,
        version=batch.version,
        expected=batch.announced,
        author=head.message.author,
        date=parts[0].message.date,
        cover=cover.message if cover else None,
        patches=patches,
        prefixes=head.subject.prefixes,
        base_commit=_first(_BASE, text),
        prerequisites=tuple(dict.fromkeys(_PREREQUISITE.findall(text))),
        based_on=tuple(dict.fromkeys(match[1] for match in based_on if match)),
        change_id=_first(_CHANGE, text),
        links=_links(head.message.body),
        cover_trailers=cover_trailers,
        replies=tuple(replies),
        carried=tuple(mail.id for mail in (cover, *batch.patches) if mail and mail.id not in own),
    )


def _patch(mail: Mail) -> Patch:
    """Return a patch without the trailers that were given to it."""
    body = mail.message.body
    start = find_diff(body)
    text = body[start:] if start >= 0 else ""
    diff = parse_diff(text)
    behind = 0 if diff.oddities else text.count("\n") + 1 - diff.end  # a broken diff is kept as it came
    return Patch(
        number=mail.subject.number,
        message=mail.message,
        subject=mail.subject.name,
        diff=text.rsplit("\n", behind)[0] + "\n" if diff.files else "",
        files=diff.paths,
        patch_id=patch_id(text) if diff.files else "",
    )


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


def _links(text: str) -> tuple[str, ...]:
    """Return the Message-IDs that links to mail archives name."""
    found = (unquote(match[1]).strip(".") for match in _LINK.finditer(text))
    return tuple(dict.fromkeys(found))[:_MAX_LINKS]


def _given(thread: Conversation) -> dict[str, list[Trailer]]:
    """Return the trailers that the replies of a thread give, by the Message-ID of what they are given to."""
    own = {mail.id: given_by(mail.message) for mail in thread.mails.values() if mail.kind is Kind.REPLY}
    seconded = {above.id for msgid, said in own.items() if said for above in thread.replies_above(thread.mails[msgid])}
    given: dict[str, list[Trailer]] = defaultdict(list)
    for msgid, said in own.items():
        if anchor := thread.anchor(thread.mails[msgid]):
            given[anchor.id] += (one._replace(seconded=one.mismatch and msgid in seconded) for one in said)
    return given


def _replies(thread: Conversation, batches: list[Batch]) -> dict[int, list[Message]]:
    """Return the mails that are no part, by the batch below whose parts they stand.

    What stands below no part belongs to the first batch.
    """
    homes = {mail.id: batch for batch in batches for mail in (*batch.replaced, *batch.parts)}
    parts = {mail.id for batch in batches for mail in batch.parts}
    replies: dict[int, list[Message]] = defaultdict(list)
    for mail in thread.mails.values():
        if mail.id in parts or not batches:
            continue
        above: Mail | None = mail
        seen: set[str] = set()
        while above is not None and above.id not in homes and above.id not in seen:
            seen.add(above.id)
            above = thread.anchor(above)
        home = homes[above.id] if above is not None and above.id in homes else batches[0]
        homes.update(dict.fromkeys(seen, home))
        replies[id(home)].append(mail.message)
    return replies
