"""Files of a tree, cut and lowered once for each content."""

from __future__ import annotations

from functools import lru_cache

from reviewbot.checks.c.conditionals import variants
from reviewbot.checks.c.lower import lower_piece
from reviewbot.checks.c.source import Piece, Source
from reviewbot.checks.c.tree import Graph
from reviewbot.tree.files import Files


@lru_cache(maxsize=65536)
def architecture(path: str) -> str:
    """The architecture that a file belongs to, "" for the generic code."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "arch" else ""


@lru_cache(maxsize=4096)
def _source(path: str, blob: str, data: bytes) -> Source:
    return Source(path, data)


def read_source(files: Files, path: str) -> Source | None:
    """Read and cut a file; the same content is cut once in a process."""
    data = files.read(path)
    return None if data is None else _source(path, files.blob(path) or "", data)


@lru_cache(maxsize=20000)
def graphs(piece: Piece) -> tuple[tuple[Graph, str], ...]:
    """Lower a piece once per combination of its ``#if`` arms; the condition goes with each."""
    return tuple((lower_piece(piece, body), condition) for body, condition in variants(piece.body))
