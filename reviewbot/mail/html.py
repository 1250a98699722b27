"""HTML mail to text, for mails that bring nothing else."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning
from bs4.element import CData, NavigableString, Tag

#: in characters, and in tags: parsing HTML is a hundred times slower than reading text
MAX_HTML = 60_000
MAX_TAGS = 2000
MAX_QUOTES = 10

_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "br", "center", "dd", "div", "dl", "dt", "footer", "form"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul"),
    )
)
_HIDDEN = frozenset(("head", "script", "style", "template", "title", "noscript"))
_SPACE = re.compile(r"[ \t\n\r\f]+")
_EMPTY_LINES = re.compile(r"\n{3,}")


def html_to_text(html: str) -> str:
    """Return the readable text: a line per block, quotes with ``> ``, preformatted text as it is.

    What stands beyond 60,000 characters or 2,000 tags is not read.
    """
    html = "<".join(html[:MAX_HTML].split("<", MAX_TAGS)[:MAX_TAGS])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
        soup = BeautifulSoup(html, "lxml")
    return tree_to_text(soup)


def tree_to_text(top: Tag) -> str:
    """Return the text below an element, as :func:`html_to_text` does."""
    lines: list[str] = []
    line = ""
    quotes = pre = hidden = 0

    def end_line(*, always: bool = False) -> None:
        nonlocal line
        if line.strip() or always:
            marks = "> " * min(quotes, MAX_QUOTES)
            lines.append(marks + line if pre else (marks + line.rstrip()).rstrip())
        line = ""

    for node, entering in _walk(top):
        if isinstance(node, Tag):
            step = 1 if entering else -1
            if node.name in _BLOCKS and (entering or node.name != "br"):
                end_line(always=node.name == "br")
            if not entering and node.name in ("p", "pre", "blockquote"):
                lines.append("> " * min(quotes - (node.name == "blockquote"), MAX_QUOTES))
            hidden += step * (node.name in _HIDDEN)
            quotes += step * (node.name == "blockquote")
            pre += step * (node.name == "pre")
        elif not hidden and type(node) in (NavigableString, CData):
            if pre:
                *whole, last = (line + str(node)).split("\n")
                for text in whole:
                    line = text
                    end_line(always=True)
                line = last
            else:
                text = _SPACE.sub(" ", str(node))
                text = text.lstrip(" ") if not line or line.endswith(" ") else text
                line += text.replace("\xa0", " ")  # archives keep the indentation of code with these
    end_line()
    return (
        _EMPTY_LINES.sub("\n\n", "\n".join(text.rstrip() if text.isspace() else text for text in lines)).strip("\n")
        + "\n"
    )


def _walk(top: Tag) -> Iterator[tuple[object, bool]]:
    """Yield every node on the way in, and every element on the way out; without recursion."""
    stack: list[tuple[object, bool]] = [(child, True) for child in reversed(top.contents)]
    while stack:
        node, entering = stack.pop()
        yield node, entering
        if entering and isinstance(node, Tag):
            stack.append((node, False))
            stack.extend((child, True) for child in reversed(node.contents))
