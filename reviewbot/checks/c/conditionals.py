"""The preprocessor's conditions: which are in force, and both arms of each."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

#: one directive from its ``#``, which must be the first on its line
DIRECTIVE = r"\#(?:[^\n\\]++|\\\n|\\[^\n])*+"
DIRECTIVES = re.compile(rf"^[ \t]*+{DIRECTIVE}", re.MULTILINE)
_WORDS = re.compile(r"^\s*#\s*(\w+)\s*((?:[^\\]|\\\n|\\.)*)", re.DOTALL)
_NOT_NEWLINE = re.compile(r"[^\n]")
_OPENING = ("if", "ifdef", "ifndef")
#: how deep conditions are nested at most; C11 asks compilers for 63
MAX_NESTING = 100
#: how many combinations of the conditions inside one function are looked at
MAX_VARIANTS = 8


def spaces(text: str) -> str:
    """Replace a text with as many spaces, lines kept."""
    return _NOT_NEWLINE.sub(" ", text)


class Conditions:
    """The ``#if`` stack while a file is scanned; remembers the brace depth of each arm's start."""

    def __init__(self) -> None:
        self.stack: list[tuple[str, str, int]] = []  # (first condition, condition of this arm, depth)
        self._beyond = 0  # how many more are open than are told apart

    def directive(self, text: str, depth: int) -> int:
        """Follow one directive and return the brace depth after it."""
        found = _WORDS.match(text)
        word, rest = (found.group(1), " ".join(found.group(2).replace("\\\n", " ").split())) if found else ("", "")
        if word in _OPENING and (self._beyond or len(self.stack) >= MAX_NESTING):
            self._beyond += 1
        elif self._beyond:
            self._beyond -= word == "endif"
        elif word in _OPENING:
            condition = {"if": rest, "ifdef": f"defined({rest})", "ifndef": f"!defined({rest})"}[word]
            self.stack.append((condition, condition, depth))
        elif word in ("else", "elif") and self.stack:
            first, _, start = self.stack.pop()
            self.stack.append((first, negate(first) if word == "else" else rest, start))
            return start
        elif word == "endif" and self.stack:
            self.stack.pop()
        return depth

    @property
    def dead(self) -> bool:
        """Inside ``#if 0``."""
        return any(arm in ("0", "!1", "!(1)") for _, arm, _ in self.stack)

    def text(self) -> str:
        """Say the conditions in force, without include guards."""
        kept = [arm for _, arm, _ in self.stack if not re.fullmatch(r"!defined\(_*\w+_H_*\w*\)", arm)]
        return " && ".join(f"({arm})" if "||" in arm else arm for arm in kept)


def negate(condition: str) -> str:
    """Negate a preprocessor condition in the shortest form."""
    if re.fullmatch(r"!\s*(\w+|defined\s*\([^()]*\))", condition):
        return condition[1:].strip()
    if re.fullmatch(r"\w+|defined\s*\([^()]*\)", condition):
        return "!" + condition
    return f"!({condition})"


def variants(body: str) -> Iterator[tuple[str, str]]:
    """Yield (text, condition) for the combinations of the ``#if`` arms inside a body.

    The other arms and the directives are blanked. All arms are looked at, not
    all combinations: at most :data:`MAX_VARIANTS`.
    """
    directives = list(DIRECTIVES.finditer(body))
    atoms: list[str] = []
    for directive in directives:
        atom = _atom(directive.group())[0]
        if atom and atom not in atoms:
            atoms.append(atom)
    if not directives:
        yield body, ""
        return
    seen: set[str] = set()
    for truth in _choices(atoms):
        text, condition = _select(body, directives, truth)
        if text not in seen:
            seen.add(text)
            yield text, condition


def _choices(atoms: list[str]) -> Iterator[dict[str, bool]]:
    if 2 ** len(atoms) <= MAX_VARIANTS:
        for values in itertools.product((True, False), repeat=len(atoms)):
            choice = dict(zip(atoms, values, strict=True))
            if not choice.get("0", False) and choice.get("1", True):
                yield choice
        return
    yield dict.fromkeys(atoms, True)
    yield dict.fromkeys(atoms, False)
    for flipped in atoms[: MAX_VARIANTS - 2]:
        yield {atom: atom == flipped for atom in atoms}


def _atom(text: str) -> tuple[str, bool, str]:
    """Return (condition, negated, directive word) of a conditional directive."""
    found = _WORDS.match(text)
    if not found:
        return "", False, ""
    word, rest = found.group(1), " ".join(found.group(2).replace("\\\n", " ").split())
    if word in ("ifdef", "ifndef"):
        return f"defined({rest})", word == "ifndef", word
    if word in ("if", "elif"):
        bare = re.fullmatch(r"!\s*(defined\s*\([^()]*\)|\w+)", rest)
        return (bare.group(1), True, word) if bare else (rest, False, word)
    return "", False, word


def _select(body: str, directives: list[re.Match[str]], truth: dict[str, bool]) -> tuple[str, str]:
    out: list[str] = []
    used: dict[str, bool] = {}
    stack: list[tuple[bool, bool, bool]] = []  # (outer active, this arm active, an arm was taken)
    position = 0
    active = True
    for directive in directives:
        text = body[position : directive.start()]
        out.append(text if active else spaces(text))
        out.append(spaces(directive.group()))
        position = directive.end()
        atom, negated, word = _atom(directive.group())
        if word in ("if", "ifdef", "ifndef"):
            arm = truth[atom] != negated
            if active:
                used[atom] = truth[atom]
            stack.append((active, arm, arm))
        elif word in ("else", "elif") and stack:
            outer, _, taken = stack.pop()
            arm = not taken and (word == "else" or truth[atom] != negated)
            stack.append((outer, arm, taken or arm))
        elif word == "endif" and stack:
            stack.pop()
        active = all(arm for _, arm, _ in stack) and all(outer for outer, _, _ in stack)
    out.append(body[position:] if active else spaces(body[position:]))
    condition = " && ".join(atom if value else negate(atom) for atom, value in used.items())
    return "".join(out), condition
