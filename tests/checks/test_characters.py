"""Characters that hide are shown by their number."""

from pathlib import Path

import pytest

from reviewbot.checks.characters import CharactersCheck
from reviewbot.checks.protocol import Coverage
from reviewbot.findings import Finding, Severity
from reviewbot.tree.readers import DirectoryFiles, OverlayFiles


def _check(folder: Path, name: str, text: str) -> list[Finding]:
    files = OverlayFiles(DirectoryFiles(folder), {name: text.encode()})
    return list(CharactersCheck().check(files, [name], Coverage()))


@pytest.mark.parametrize("char", ["\u202a", "\u202e", "\u2066", "\u2069"])
def test_bidirectional_controls_are_errors(char: str, tmp_path: Path) -> None:
    (found,) = _check(tmp_path, "mm/a.c", f"int a;\nif (x) {char}/* */\n")
    assert (found.rule, found.severity, found.location.line) == ("bidirectional", Severity.ERROR, 2)
    assert char not in found.location.text + found.message
    assert f"U+{ord(char):04X}" in found.location.text


@pytest.mark.parametrize("char", ["\u200b", "\u200d", "\u2060", "\u00ad"])
def test_invisible_characters_are_warnings(char: str, tmp_path: Path) -> None:
    (found,) = _check(tmp_path, "mm/a.c", f"int a{char}b;\n")
    assert (found.rule, found.severity) == ("invisible", Severity.WARNING)


def test_names_in_other_alphabets_and_a_leading_mark_are_fine(tmp_path: Path) -> None:
    assert _check(tmp_path, "mm/a.c", "\ufeff/* Jörg, Žofie, 山田 */\n") == []


def test_only_source_is_looked_at(tmp_path: Path) -> None:
    assert _check(tmp_path, "Documentation/ar.rst", "\u202e\n") == []
