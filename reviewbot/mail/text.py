"""From the bytes of a text part to text: charsets that lie, flowed lines, HTML, suspicious characters."""

from __future__ import annotations

import re

#: charsets that are believed; others (Python knows "punycode" and "unicode_escape") are guessed
_CHARSET = re.compile(
    r"(?:us-)?ascii|utf-?(?:7|8|16|32)(?:[-_]?[bl]e)?|(?:iso|csiso)[-_]?8859[-_]?\d{1,2}(?:[-_][ei])?|latin-?\d{1,2}"
    r"|(?:windows|cp)[-_]?\d{3,4}|koi8[-_][rut]|gb2312|gbk|gb18030|hz(?:-gb-2312)?|big5(?:-?hkscs)?|euc[-_]?(?:jp|kr|cn)"
    r"|iso-2022-(?:jp|kr)(?:-\d)?|shift[-_]?jis|sjis|ks_c_5601(?:-1987)?|tis-620|mac-?roman|macintosh"
)
_ALIAS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc-cn": "gb18030",
    "ks_c_5601-1987": "cp949",
    "macintosh": "mac-roman",
}
#: ways to write "one byte, one character" that hold every byte string, so that a decoder never notices a lie
_SINGLE_BYTE = re.compile(r"(?:iso|csiso)[-_]?8859|latin|windows|cp\d|cp-|koi8|mac")

#: flowed lines of one mail are joined up to here; longer mails are no prose
MAX_FLOWED_LINES = 8_000
#: a hunk with a context line that a writer of format=flowed would have begun with a second space
_UNSTUFFED = re.compile(r"^@@ -\d.*\n(?:[-+ ].*\n){0,10}? [^ \n]", re.MULTILINE)

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"
    "\U000e0000-\U000e007f"
)
_HIDING = re.compile(f"[{_BIDI}{_INVISIBLE}]")
_KINDS = (("bidirectional control", re.compile(f"[{_BIDI}]")), ("invisible", re.compile(f"[{_INVISIBLE}]")))


def decode(data: bytes, charset: str = "") -> tuple[str, str]:
    """Decode bytes as declared, else as UTF-8, else as Windows-1252.

    :returns: the text, and what is odd about the charset ("" when nothing is).
    """
    if data.isascii() and not _needs_codec(charset):
        return data.decode("ascii"), ""
    name = charset.strip().strip("\"'").lower()
    oddity = ""
    if name and _CHARSET.fullmatch(name):
        utf8 = _as_utf8(data) if _SINGLE_BYTE.match(name) else None
        if utf8 is not None:
            return utf8, f"declared {name}, is utf-8"
        try:
            text = data.decode(_ALIAS.get(name, name))
            return text.encode("utf-8", "replace").decode("utf-8"), ""  # UTF-7 can write lone surrogates
        except (UnicodeDecodeError, LookupError):
            oddity = f"not {name} as declared"
    elif name:
        oddity = f"unknown charset {name[:40]!a}"
    guess = _as_utf8(data)
    return (data.decode("cp1252", "replace") if guess is None else guess), oddity


def _needs_codec(charset: str) -> bool:
    """Return whether ASCII bytes mean something else in this charset (UTF-7, UTF-16, ISO-2022, HZ)."""
    return (
        charset.strip()
        .strip("\"'")
        .lower()
        .startswith(("utf-7", "utf7", "utf-16", "utf16", "utf-32", "utf32", "iso-2022", "hz"))
    )


def _as_utf8(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def plain_lines(text: str) -> str:
    r"""Give the text ``\n`` line ends.

    CR LF throughout is the transport's; CR at the end of some lines only is
    part of a patch to a file with such line ends, and stays.
    """
    if "\r" in text and text.count("\r\n") >= text.rstrip("\n").count("\n"):
        text = text.replace("\r\n", "\n")
    return text


def unflow(text: str, *, delete_space: bool = False, limit: int = MAX_FLOWED_LINES) -> str:
    """Undo format=flowed (RFC 3676): join the lines that end in a space with the next one of the same quote depth.

    A line of white space alone is never taken as flowed: it is the empty
    context line of a quoted patch, whose sender did not trim it. A patch whose
    context lines are not space-stuffed was not made for this format: it is
    left as it is, for unstuffing would break it.

    :param limit: lines that are joined; the rest stays as it is.
    """
    lines = text.split("\n", limit)
    rest = lines.pop() if len(lines) > limit else None
    if _UNSTUFFED.search("\n".join(lines)):
        return text
    joined: list[str] = []
    paragraph: list[str] = []
    depth = 0

    def flush() -> None:
        if paragraph:
            joined.append((">" * depth + " " if depth else "") + "".join(paragraph))
            paragraph.clear()

    for line in lines:
        content = line.lstrip(">")
        quotes = len(line) - len(content)
        stuffed = content.startswith(" ")
        content = content[1:] if stuffed else content
        if paragraph and quotes != depth:
            flush()
        if content == "-- ":
            flush()
        depth = quotes
        flowed = content.endswith(" ") and content != "-- " and not content.isspace()
        paragraph.append(content[:-1] if flowed and delete_space else content)
        if not flowed:
            if not (content or stuffed) and len(paragraph) == 1 and quotes:
                joined.append(">" * quotes)
                paragraph.clear()
            flush()
    flush()
    return "\n".join(joined if rest is None else [*joined, rest])


def suspicious(text: str) -> list[str]:
    """Name the characters that hide what a text says (CVE-2021-42574 and its like); they are kept in the text."""
    found = ["NUL bytes"] if "\0" in text else []
    if text.isascii():
        return found
    first = _HIDING.search(text, 1 if text[0] == "\ufeff" else 0)
    for kind, pattern in _KINDS if first else ():
        match = first and pattern.search(text, first.start())
        if match:
            found.append(f"{kind} character U+{ord(match[0]):04X}")
    return found
