"""Making kernel text readable for a C grammar, at the same length and on the same lines."""

from __future__ import annotations

import re

from reviewbot.checks.c.conditionals import spaces

_LOOP_MACRO = re.compile(r"\b(\w*for_each\w*|for_each\w*|list_for\w*)(?=\s*\()")
_NOISE = re.compile(
    r"\b(?:__maybe_unused|__always_unused|__unused|__init|__initdata|__user|__iomem|__rcu|__percpu|__force|"
    r"__read_mostly|__ro_after_init|noinline|__always_inline|__must_check|__private|__bitwise|__sched|"
    r"fallthrough\s*;|__weak|asmlinkage|notrace|__latent_entropy)\b;?"
)
_TYPE_ARGUMENT = re.compile(r"(?<=[(,])(\s*)(?:struct|union|enum)(?=\s+\w+\s*[,)])")
_PRIMITIVE = r"(?:unsigned|signed|long|short|int|char|bool|void|u8|u16|u32|u64|size_t)"
_PRIMITIVE_ARGUMENT = re.compile(rf"(?<=[(,])(\s*){_PRIMITIVE}(?:\s+{_PRIMITIVE})*(?=\s*,)")
_LOG_LEVEL = re.compile(r"\bKERN_\w+(?=\s*\")")
_ASSEMBLY = re.compile(r"\b(?:asm|__asm__)\b(?:\s*(?:volatile|__volatile__|goto|inline))*\s*\(")
_BARE_ATTRIBUTE = re.compile(r"\b__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)")


#: GNU's ``goto *p`` reads as an assignment to this name, and ``&&label`` as the label's name
JUMP = "_jump"
_COMPUTED = re.compile(r"\bgoto \*")
_LABEL_ADDRESS = re.compile(r"([={,(?:]\s*)&&(?=\s*\w)")


def _spaces(match: re.Match[str]) -> str:
    return spaces(match.group())


def _while(match: re.Match[str]) -> str:
    return "while".ljust(len(match.group())) if len(match.group()) >= 5 else match.group()


def _type_as_name(match: re.Match[str]) -> str:
    space, kind = match.group(1), match.group()[len(match.group(1)) :]
    return space + "t" + "".join(char if char == "\n" else " " for char in kind[1:])


def _blank_assembly(text: str) -> str:
    while found := _ASSEMBLY.search(text):
        depth, end = 1, found.end()
        while end < len(text) and depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        hidden = "".join(char if char == "\n" else " " for char in text[found.start() : end])
        text = text[: found.start()] + hidden + text[end:]
    return text


def tidy(text: str) -> str:
    """Blank or replace, at the same length, what the C grammar does not know of the kernel's words."""
    text = _BARE_ATTRIBUTE.sub(_spaces, _NOISE.sub(_spaces, text))
    if _COMPUTED.search(text):
        text = _COMPUTED.sub(JUMP + "=", _LABEL_ADDRESS.sub(r"\1  ", text))
    text = _LOG_LEVEL.sub(_spaces, _blank_assembly(text))
    text = _PRIMITIVE_ARGUMENT.sub(_type_as_name, _TYPE_ARGUMENT.sub(_spaces, text))
    return _LOOP_MACRO.sub(_while, text)
