"""The checks that run a tool on files: real tools, in the sandbox, new messages only."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from reviewbot.checks import registry
from reviewbot.checks.checkpatch import SCRIPT, CheckpatchCheck
from reviewbot.checks.coccinelle import CoccinelleCheck
from reviewbot.checks.protocol import Check, Coverage
from reviewbot.checks.series import check_series
from reviewbot.errors import NotFoundError, OperatorError
from reviewbot.findings import Severity
from reviewbot.tree.readers import DirectoryFiles, OverlayFiles

#: a stand-in that answers as checkpatch.pl does: it dislikes ``if(``
_PERL = r"""
use strict; my @files; my $take = 0;
for (@ARGV) { if ($_ eq '--') { $take = 1; next } push @files, $_ if $take }
my $bad = 0;
for my $name (@files) {
	open(my $in, '<', $name) or die "$name: $!";
	while (<$in>) {
		next unless /if\(/;
		print "$name:$.: ERROR:SPACING: space required before the open parenthesis '('\n";
		$bad = 1;
	}
}
exit $bad;
"""
_FILE = "mm/toy.c"
_needs_spatch = pytest.mark.skipif(shutil.which("spatch") is None, reason="Coccinelle is not installed")


def _tree(folder: Path, text: str, **more: str) -> OverlayFiles:
    given = {_FILE: text, SCRIPT: _PERL, **more}
    return OverlayFiles(DirectoryFiles(folder), {path: value.encode() for path, value in given.items()})


def test_a_message_is_a_finding_at_its_line(tmp_path: Path) -> None:
    coverage = Coverage()
    (found,) = CheckpatchCheck().check(_tree(tmp_path, "int a;\nif(a)\n"), [_FILE], coverage)
    assert (found.rule, found.severity) == ("checkpatch.SPACING", Severity.WARNING)
    assert (found.location.line, found.location.text) == (2, "if(a)")
    assert coverage.files == [_FILE]


def test_of_a_series_only_new_messages_are_told(tmp_path: Path) -> None:
    states = [_tree(tmp_path, text) for text in ("if(a)\n", "int a;\n  if(a)\n", "int a;\nif(a)\nif(b)\n")]
    result = check_series(CheckpatchCheck(), states, [[_FILE], [_FILE]])
    assert [(life.finding.location.text, life.born) for life in result.new] == [("if(b)", 2)]
    assert not result.preexisting


def test_the_same_content_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reviewbot.checks import tools

    calls: list[object] = []
    real: Callable[..., str] = tools.run

    def counting(*given: object, **named: object) -> str:
        calls.append(given)
        return real(*given, **named)

    monkeypatch.setattr(tools, "run", counting)
    check, tree = CheckpatchCheck(), _tree(tmp_path, "if(a)\n")
    assert len([*check.check(tree, [_FILE], Coverage()), *check.check(tree, [_FILE], Coverage())]) == 2
    assert len(calls) == 1


def test_a_script_that_breaks_is_our_fault_and_not_the_patchs(tmp_path: Path) -> None:
    broken = OverlayFiles(_tree(tmp_path, "int a;\n"), {SCRIPT: b"die 'no';"})
    with pytest.raises(OperatorError, match="came to no answer"):
        list(CheckpatchCheck().check(broken, [_FILE], Coverage()))


def test_the_script_sees_nothing_but_the_files(tmp_path: Path) -> None:
    seen = b"join(' ', sort glob('/check/tree/*'), glob('/home/*'), glob('/etc/pass*'))"
    spy = b'print "mm/toy.c:1: ERROR:SPY: " . ' + seen + b' . "\\n";'
    (found,) = CheckpatchCheck().check(OverlayFiles(_tree(tmp_path, "x\n"), {SCRIPT: spy}), [_FILE], Coverage())
    assert found.message == "/check/tree/mm /check/tree/scripts."


@pytest.mark.parametrize("check", [CheckpatchCheck(), CoccinelleCheck()])
def test_a_whole_tree_is_refused(check: Check, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="name files"):
        list(check.check(_tree(tmp_path, ""), [], Coverage()))


def test_a_tree_without_the_script_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no scripts/checkpatch"):
        list(CheckpatchCheck().check(DirectoryFiles(tmp_path), [_FILE], Coverage()))


def test_noisy_checks_are_off_until_they_are_named() -> None:
    assert [check.name for check in registry.available()] == ["pgtable", "characters"]
    assert registry.find("checkpatch").name == "checkpatch"
    assert registry.find("coccinelle").name == "coccinelle"


_MIXED = """
int toy(void)
{
	struct ptdesc *pt = pagetable_alloc(GFP_KERNEL, 0);

	if (!pt)
		return -ENOMEM;
	%s;
	return 0;
}
"""


@_needs_spatch
def test_a_descriptors_memory_is_not_freed_as_a_page(tmp_path: Path) -> None:
    wrong = _tree(tmp_path, _MIXED % "__free_page(ptdesc_page(pt))")
    (found,) = CoccinelleCheck().check(wrong, [_FILE], Coverage())
    assert (found.rule, found.location.line) == ("coccinelle.ptdesc_mixed_free", 8)
    assert not list(CoccinelleCheck().check(_tree(tmp_path, _MIXED % "pagetable_free(pt)"), [_FILE], Coverage()))


@_needs_spatch
def test_the_trees_own_semantic_patches_report_too(tmp_path: Path) -> None:
    patch = "virtual report\n@r@\nposition p;\n@@\nkfree@p(NULL)\n@script:python@\np << r.p;\n@@\n"
    patch += 'coccilib.report.print_report(p[0], "WARNING: freeing NULL")\n'
    more = {"scripts/coccinelle/free/null.cocci": patch, "scripts/coccinelle/misc/style.cocci": "broken"}
    tree = _tree(tmp_path, "void f(void)\n{\n	kfree(NULL);\n}\n", **more)
    (found,) = CoccinelleCheck().check(tree, [_FILE], Coverage())
    assert (found.rule, found.location.line, found.message) == ("coccinelle.null", 3, "freeing NULL.")


@pytest.mark.kernel
def test_the_real_checkpatch_answers() -> None:
    if "REVIEWBOT_LINUX" not in os.environ:
        pytest.skip("REVIEWBOT_LINUX names no unpacked kernel")
    tree = OverlayFiles(
        DirectoryFiles(Path(os.environ["REVIEWBOT_LINUX"])), {_FILE: b"int f(int a)\n{\n\tif(a)\n\t\treturn 1;\n}\n"}
    )
    rules = {found.rule for found in CheckpatchCheck().check(tree, [_FILE], Coverage())}
    assert "checkpatch.SPACING" in rules
