"""Patches that bring whole tables: some 40,000 lines and a megabyte, as those of the maple tree's tests have."""

from __future__ import annotations

from reviewbot.mail.parse import parse_message
from reviewbot.series.assemble import assemble
from reviewbot.tree.apply import apply_series
from reviewbot.tree.store import Store
from tests.mail.letters import large_patch
from tests.tree.project import Project, base_of

TABLE = "".join(f"\t{{ {number}, 0x{number * 7919:08x}, 0x{number * 104729:08x} }},\n" for number in range(40_000))


def test_a_new_file_of_40_000_lines_applies_whole(store: Store, project: Project) -> None:
    (series,) = assemble([parse_message(large_patch(TABLE))])
    result = apply_series(store, base_of(store, project, project.start), series.patches)
    assert result.reject is None
    tree = store.commit(result.patches[-1].commit).tree
    assert tree["lib/table.h"].data == TABLE.encode()
