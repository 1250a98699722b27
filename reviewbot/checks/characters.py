"""Characters that make source read differently from what the compiler sees.

Bidirectional controls reorder what an editor shows, and invisible characters
make two names look the same ("Trojan Source", CVE-2021-42574 and CVE-2021-42694).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from reviewbot.checks.protocol import Coverage
from reviewbot.findings import Evidence, Finding, Location, Severity
from reviewbot.tree.files import Files

_BIDIRECTIONAL = "\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\u200b-\u200f\u2060-\u2064\u061c\ufeff\u00ad\u180e"
_SUSPECT = re.compile(f"[{_BIDIRECTIONAL}{_INVISIBLE}\U000e0000-\U000e007f]")
_BYTES = re.compile(
    rb"\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xa9]|\xd8\x9c|\xef\xbb\xbf|\xc2\xad|\xe1\xa0\x8e|\xf3\xa0"
)
_CODE = re.compile(r"(?:.*\.(?:[chSs]|rs|py|pl|sh|lds|dts[io]?)|(?:.*/)?(?:Makefile|Kconfig|Kbuild).*)")


class CharactersCheck:
    """Looks for bidirectional controls and invisible characters in source files."""

    name = "characters"
    version = "1"
    title = "Bidirectional and invisible characters"

    def check(self, files: Files, paths: Sequence[str], coverage: Coverage) -> Iterator[Finding]:
        """Yield one finding for each line that holds such characters; see :class:`reviewbot.checks.protocol.Check`."""
        for path in paths or files.paths():
            if not _CODE.fullmatch(path):
                continue
            data = files.read(path)
            if data is None:
                continue
            coverage.files.append(path)
            if _BYTES.search(data):
                yield from _lines(path, data.decode("utf-8", "replace"))


def _lines(path: str, text: str) -> Iterator[Finding]:
    for number, line in enumerate(text.split("\n"), 1):
        found = list(dict.fromkeys(_SUSPECT.findall(line.removeprefix("\ufeff") if number == 1 else line)))
        if not found:
            continue
        names = ", ".join(f"U+{ord(char):04X} {unicodedata.name(char, 'unnamed')}" for char in found)
        shown = _SUSPECT.sub(lambda match: f"<U+{ord(match.group()):04X}>", line).strip()
        reorders = any(re.match(f"[{_BIDIRECTIONAL}]", char) for char in found)
        rule, severity = ("bidirectional", Severity.ERROR) if reorders else ("invisible", Severity.WARNING)
        yield Finding(
            rule,
            severity,
            Location(path, number, "", shown),
            f"The line holds {names}: it does not read as the compiler sees it.",
            (Evidence(path, number, shown),),
        )
