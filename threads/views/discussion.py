"""A thread as a tree of mails with their quotes folded, and what it says about the lines of a patch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reviewbot.mail.blocks import Kind, parse_blocks
from reviewbot.mail.message import Address
from reviewbot.mail.message import Message as Mail
from reviewbot.mail.quoting import quoted_hunks
from reviewbot.mail.subject import strip_reply
from reviewbot.mail.thread import build_thread
from threads.models import Message
from threads.selectors.mails import commit_message
from threads.views.diffs import Comment

#: characters of mails on one page, and what a mail takes there besides its text
BUDGET = 30_000
HEAD = 350
#: deeper answers are not indented any further
MAX_DEPTH = 12
#: quotes up to this many lines are shown as they are
SHORT_QUOTE = 3
#: last lines of a folded quote on a page with other mails; all of it stands on the mail's own page
QUOTE_KEPT = 12
#: answers to one patch whose comments are put in place
MAX_PLACED = 60


@dataclass(frozen=True, slots=True)
class Part:
    """Lines of a mail that are all quoted, or all its own.

    :ivar who: who was quoted, if the mail says so.
    :ivar left_out: number of lines that stood before these.
    """

    text: str
    quoted: bool = False
    who: str = ""
    left_out: int = 0

    @property
    def lines(self) -> int:
        """Number of lines, with those that were left out."""
        return self.text.count("\n") + 1 + self.left_out

    @property
    def folded(self) -> bool:
        """True for a quote that is long enough to be folded."""
        return self.quoted and self.lines > SHORT_QUOTE

    def shortened(self) -> Part:
        """Return the part with no more of a quote than stands next to the answer."""
        surplus = self.lines - QUOTE_KEPT
        if not self.quoted or surplus <= 1:
            return self
        return replace(self, text="\n".join(self.text.split("\n")[surplus:]), left_out=surplus)


@dataclass(frozen=True, slots=True)
class Node:
    """One mail of the tree, in the order of the tree.

    :ivar depth: 0 for a root.
    :ivar parts: its text.
    :ivar patch: number of the patch it is, 0 when it is none.
    :ivar same_subject: true for an answer that says no other subject than what it answers.
    """

    mail: Message
    depth: int
    parts: tuple[Part, ...] = ()
    patch: int = 0
    same_subject: bool = False

    @property
    def who(self) -> str:
        """The sender as this mail writes it."""
        return author_of(self.mail)


@dataclass(frozen=True, slots=True)
class Tree:
    """The mails of a thread that one page shows.

    :ivar on_from: row of the first mail that found no room there, 0 when all did.
    """

    nodes: tuple[Node, ...]
    on_from: int = 0


def author_of(mail: Message) -> str:
    """Return the sender's name as the mail writes it, else as it is known, else the address."""
    return mail.author_name or mail.author.name or mail.author.email


def parts_of(text: str) -> tuple[Part, ...]:
    """Divide a mail into quoted and own text; signature and attribution lines are left out."""
    parts: list[Part] = []
    for block in parse_blocks(text):
        if block.kind in (Kind.SIGNATURE, Kind.ATTRIBUTION) or not block.text:
            continue
        quoted = block.kind is Kind.QUOTE
        mark = ">" * max(1, block.level) + " "
        lines = "\n".join((mark + line).rstrip() for line in block.lines) if quoted else block.text
        if parts and parts[-1].quoted == quoted:
            last = parts.pop()
            gap = "\n" if quoted else "\n\n"
            parts.append(Part(f"{last.text}{gap}{lines}", quoted, last.who or block.who))
        else:
            parts.append(Part(lines, quoted, block.who))
    return tuple(parts)


def tree_of(
    mails: Sequence[Message], patches: dict[str, int], budget: int = BUDGET, *, start: int = 0, whole: bool = False
) -> Tree:
    """Return the mails depth first, answers by date, as many as one page has room for.

    :param mails: each with ``text``.
    :param patches: Message-ID -> number, for the mails that are patches.
    :param budget: characters that are shown.
    :param start: the row of the first mail that is shown; 0 for the first of all.
    :param whole: with quotes and patches as they are.
    """
    rows = {mail.message_id: mail for mail in mails}
    nodes: list[Node] = []
    for place in build_thread(_mail(row, "") for row in mails).nodes:
        row = rows[place.message.message_id]
        if not nodes and start not in (0, row.pk):
            continue
        parts = _parts(row, whole=whole)
        budget -= HEAD + sum(len(part.text) for part in parts)
        if budget < 0 and nodes:
            return Tree(tuple(nodes), row.pk)
        repeats = _repeats(row, rows.get(place.parent)) and bool(nodes)
        nodes.append(Node(row, min(place.depth, MAX_DEPTH), parts, patches.get(row.message_id, 0), repeats))
    return Tree(tuple(nodes))


def _repeats(row: Message, parent: Message | None) -> bool:
    subject, is_answer = strip_reply(row.subject)
    return bool(is_answer and parent and strip_reply(parent.subject)[0] == subject)


def answers_to(mails: Sequence[Message], message_id: str, others: Collection[str] = ()) -> list[Message]:
    """Return the mails below one mail of a thread, in the order of the tree.

    :param others: Message-IDs of the other patches of the series. They stand below the first one where there is no
        cover letter, and what answers them is no answer to it.
    """
    all_rows = {mail.message_id: mail for mail in mails}
    rows = {name: mail for name, mail in all_rows.items() if not _astray(mail, all_rows, message_id, others)}
    below = {message_id}
    found = []
    for place in build_thread(_mail(row, "") for row in rows.values()).nodes:
        if place.parent in below:
            below.add(place.message.message_id)
            found.append(rows[place.message.message_id])
    return found


def _astray(mail: Message, rows: Mapping[str, Message], message_id: str, others: Collection[str]) -> bool:
    """True when the way up from a mail comes to one of some patches before it comes to the one that is meant."""
    seen: set[str] = set()
    while mail.message_id not in seen and mail.message_id != message_id:
        seen.add(mail.message_id)
        above = (mail.parent_msgid, *reversed(mail.references))
        nearest = next((name for name in above if name in rows or name in others), "")
        if nearest not in rows:
            return nearest in others
        mail = rows[nearest]
    return False


def comments_on(patch: Message, replies: Iterable[Message]) -> dict[int, list[Comment]]:
    """Return what replies say beneath quoted lines of a patch, by position of the line in the patch's mail."""
    mail = _mail(patch, patch.body)
    comments: dict[int, list[Comment]] = defaultdict(list)
    for reply in list(replies)[:MAX_PLACED]:
        for quote in quoted_hunks(_mail(reply, reply.body), mail):
            comment = Comment(author_of(reply), reply.date, reply.message_id, quote.comment)
            comments[quote.position].append(comment)
    return dict(comments)


def _mail(row: Message, body: str) -> Mail:
    """Return what the thread tree and the quotes need of a mail."""
    return Mail(
        message_id=row.message_id,
        subject=row.subject,
        author=Address(author_of(row), row.author.email),
        date=row.date,
        in_reply_to=row.parent_msgid,
        references=tuple(row.references),
        body=body,
    )


def _parts(mail: Message, *, whole: bool) -> tuple[Part, ...]:
    """Return the text of a mail; of a patch only the message stands on the page of its series."""
    text: str = mail.text  # type: ignore[attr-defined]  # annotated by the selector
    parts = parts_of(text if whole or strip_reply(mail.subject)[1] else commit_message(text))
    return parts if whole else tuple(part.shortened() for part in parts)
