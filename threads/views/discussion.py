"""A thread as a tree of mails with their quotes folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reviewbot.mail.diff import find_diff
from reviewbot.mail.message import Address
from reviewbot.mail.message import Message as Mail
from reviewbot.mail.thread import build_thread
from threads.models import Message

#: characters of mails on one page; what is beyond is a link to the mail
BUDGET = 40_000
#: deeper answers are not indented any further
MAX_DEPTH = 12
#: quotes up to this many lines are shown as they are
SHORT_QUOTE = 3


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of a mail that are all quoted, or all not."""

    text: str
    quoted: bool = False

    @property
    def lines(self) -> int:
        """Number of lines."""
        return self.text.count("\n") + 1

    @property
    def folded(self) -> bool:
        """True for a quote that is long enough to be folded."""
        return self.quoted and self.lines > SHORT_QUOTE


@dataclass(frozen=True, slots=True)
class Node:
    """One mail of the tree, in the order of the tree.

    :ivar depth: 0 for a root.
    :ivar blocks: its text; empty when it is left to its own page.
    :ivar patch: number of the patch it is, 0 when it is none.
    """

    mail: Message
    depth: int
    blocks: tuple[Block, ...] = ()
    patch: int = 0

    @property
    def who(self) -> str:
        """The sender as this mail writes it."""
        return author_of(self.mail)


def author_of(mail: Message) -> str:
    """Return the sender's name as the mail writes it, else as it is known, else the address."""
    return mail.author_name or mail.author.name or mail.author.email


def blocks_of(text: str) -> tuple[Block, ...]:
    """Split a mail into quoted and own text, without the signature."""
    blocks: list[Block] = []
    run: list[str] = []
    quoted = False
    for line in [*text.partition("\n-- \n")[0].rstrip().split("\n"), None]:
        is_quote = line is not None and line.startswith(">")
        if line is None or is_quote != quoted:
            body = "\n".join(run).strip("\n")
            if body.strip():
                blocks.append(Block(body, quoted))
            run, quoted = [], is_quote
        if line is not None:
            run.append(line)
    return tuple(blocks)


def tree_of(mails: Sequence[Message], patches: dict[str, int]) -> tuple[Node, ...]:
    """Return the mails depth first, answers by date.

    :param mails: each with ``text``.
    :param patches: Message-ID -> number, for the mails that are patches.
    """
    rows = {mail.message_id: mail for mail in mails}
    nodes: list[Node] = []
    budget = BUDGET
    for place in build_thread(map(_bare, mails)).nodes:
        mail = rows[place.message.message_id]
        number = patches.get(mail.message_id, 0)
        blocks = () if number else _within(_text_of(mail), budget)
        budget -= sum(len(block.text) for block in blocks)
        nodes.append(Node(mail, min(place.depth, MAX_DEPTH), blocks, number))
    return tuple(nodes)


def _bare(row: Message) -> Mail:
    """Return what the thread tree needs of a mail: no text, no bytes."""
    return Mail(
        message_id=row.message_id,
        subject=row.subject,
        author=Address(author_of(row), row.author.email),
        date=row.date,
        in_reply_to=row.parent_msgid,
        references=tuple(row.references),
    )


def _text_of(mail: Message) -> str:
    text: str = mail.text  # type: ignore[attr-defined]  # annotated by the selector
    start = -1 if mail.parent_msgid else find_diff(text)
    return text[:start] if start >= 0 else text


def _within(text: str, budget: int) -> tuple[Block, ...]:
    return blocks_of(text) if len(text) <= budget else ()
