"""Whatever was changed on both sides, the outcome and the trees are those of ``git am -3``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewbot.tree.apply import apply_series
from reviewbot.tree.model import Method
from reviewbot.tree.store import Store
from tests.tree.project import Project, base_of, patches, source

#: lines of mm/memory.c: number -> what becomes of it
edits = st.dictionaries(
    st.integers(0, 39), st.sampled_from(["", "int changed;\n", "\n", "}\n}\n", "\tlong other = 1;\n"]), max_size=4
)


def edited(changes: dict[int, str]) -> str:
    lines = source("memory").splitlines(keepends=True)
    return "".join(changes.get(number, line) for number, line in enumerate(lines))


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(ours=st.lists(edits, min_size=1, max_size=3), theirs=edits, moved=st.booleans())
def test_outcome_and_trees_are_those_of_git_am(ours: list[dict[int, str]], theirs: dict[int, str], moved: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project, store = Project(Path(folder, "project")), Store(Path(folder, "store"))
        so_far: dict[int, str] = {}
        for step in ours:
            so_far |= step
            project.commit({"mm/memory.c": edited(so_far)})
        mbox = project.mbox(project.start)
        if b"\ndiff --git" not in mbox:
            return
        project.git("checkout", "-q", "--detach", project.start)
        if moved:
            project.git("mv", "mm/memory.c", "mm/core.c")
        base = project.commit({"mm/core.c" if moved else "mm/memory.c": edited(theirs)})
        oracle = project.am(base, mbox)
        result = apply_series(store, base_of(store, project, base), patches(mbox))
        if oracle:
            assert result.applies
            assert result.patches[-1].tree == oracle
        else:
            # git am knows only by a merge that a patch is there already; it may also be seen by reversing it.
            assert not result.applies or Method.ALREADY in {patch.method for patch in result.patches}
