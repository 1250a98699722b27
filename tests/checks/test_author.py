"""For authors: a range of commits, from anywhere in a repository, and as a check command of the real b4."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reviewbot.checks.cli import main
from reviewbot.checks.pgtable.check import PgtableCheck
from reviewbot.checks.series import check_series
from reviewbot.tree.readers import GitFiles
from tests.checks.minitree import PTE_ALLOC, PTE_ALLOC_UNCHECKED, tree

_PATH = "arch/toy/include/asm/pgalloc.h"
_PROJECT = Path(__file__).parents[2]
_WHO = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
       for what, value in (("NAME", "A. Author"), ("EMAIL", "author@example.org"))},
}  # fmt: skip


def git(top: Path, *words: str) -> str:
    run = subprocess.run(
        ["git", "-C", str(top), *words], env=os.environ | _WHO, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def _commit(top: Path, text: str, subject: str) -> None:
    (top / _PATH).write_text(text)
    git(top, "add", "-A")
    git(top, "commit", "-qm", f"{subject}\n\nThe toy needs it.\n")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A base, a patch that is right, one that is wrong, and one that mends half: three patches on ``base``."""
    for name, value in _WHO.items():
        monkeypatch.setenv(name, value)
    top = tmp_path / "linux"
    for path, data in tree("E0", pgalloc=PTE_ALLOC).items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(data or b"")
    git(tmp_path, "init", "-q", "-b", "main", str(top))
    _commit(top, PTE_ALLOC, "toy: base")
    git(top, "tag", "base")
    _commit(top, PTE_ALLOC + "\n", "toy: add a line")
    _commit(top, PTE_ALLOC_UNCHECKED, "toy: simplify the allocation")
    monkeypatch.chdir(top)
    yield top


def test_a_finding_is_told_with_the_commit_that_makes_it(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tree", ".", "--range", "HEAD~2.."]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("New in patch 2/2 (")
    assert "toy: simplify the allocation" in printed.out
    assert f"{_PATH}:8: error:" in printed.out
    assert "1 new finding in 2 patches" in printed.err


def test_a_range_that_adds_nothing_exits_0(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--range", "base..HEAD~1"]) == 0
    assert "nothing new found in 1 patch" in capsys.readouterr().err


def test_what_a_later_patch_mends_is_transient_and_what_was_there_is_told_apart(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _commit(repository, PTE_ALLOC, "toy: test the result")
    assert main(["--range", "base.."]) == 1
    assert capsys.readouterr().out.startswith("Made by patch 2/3 (")
    assert main(["--range", "HEAD~1.."]) == 0
    assert capsys.readouterr().out.startswith("Fixed by patch 1/1 (")
    _commit(repository, PTE_ALLOC_UNCHECKED, "toy: again")
    _commit(repository, PTE_ALLOC_UNCHECKED.replace("GFP_KERNEL", "GFP_ATOMIC"), "toy: atomic")
    assert main(["--range", "HEAD~1.."]) == 0
    assert capsys.readouterr().out.startswith("There before, in a function that these patches touch:")


def test_fingerprints_are_those_of_the_service(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--range", "base..", "--format", "json"])
    (said,) = json.loads(capsys.readouterr().out)["findings"]
    states = [GitFiles(repository, name) for name in ("base", "HEAD~1", "HEAD")]
    (kept,) = check_series(PgtableCheck(), states, [[_PATH], [_PATH]]).new
    assert said["fingerprint"] == kept.finding.fingerprint
    assert (said["life"], said["patch"], said["commit"]) == ("new", 2, git(repository, "rev-parse", "HEAD"))


def test_a_file_that_commits_rename_and_delete_is_followed(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = "arch/toy/mm/tables.c"
    (repository / other).parent.mkdir(parents=True, exist_ok=True)
    git(repository, "mv", _PATH, other)
    git(repository, "commit", "-qm", "toy: rename the file of the tables")
    assert main(["--range", "HEAD~1..", "--format", "json"]) == 0
    assert [one["life"] for one in json.loads(capsys.readouterr().out)["findings"]] in ([], ["pre-existing"])
    assert main(["--range", "base..", "--format", "json"]) == 1
    [new] = json.loads(capsys.readouterr().out)["findings"]
    assert (new["life"], new["patch"], new["file"]) == ("new", 2, other)
    git(repository, "rm", "-q", other)
    git(repository, "commit", "-qm", "toy: delete it")
    assert main(["--range", "HEAD~1..", "--format", "json"]) == 0
    assert [one["life"] for one in json.loads(capsys.readouterr().out)["findings"]] == ["fixed"]
    assert main(["--range", "base..", "--format", "json"]) == 1
    assert [one["life"] for one in json.loads(capsys.readouterr().out)["findings"]] == ["transient"]


def test_sarif_compares_with_the_base(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--range", "base..", "--format", "sarif"]) == 1
    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert (result["ruleId"], result["baselineState"], result["properties"]["patch"]) == ("C01", "new", 2)


def test_a_folder_below_and_another_work_tree_do_as_well(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    git(repository, "worktree", "add", "-q", "--detach", "../beside", "HEAD")
    for place in ("arch/toy", "../beside", "../beside/include"):
        monkeypatch.chdir(repository / place)
        assert main(["--range", "HEAD~1.."]) == 1
        assert f"{_PATH}:8: error:" in capsys.readouterr().out


def test_uncommitted_changes_are_not_looked_at_and_told(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / _PATH).write_text(PTE_ALLOC)
    assert main(["--range", "HEAD~1.."]) == 1
    assert f"Not looked at: uncommitted changes to {_PATH}." in capsys.readouterr().err


@pytest.mark.parametrize("given", ["nowhere..", "HEAD..", "base...HEAD", "main..base", "HEAD~99.."])
def test_a_range_that_is_none_is_refused_in_one_sentence(
    given: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--range", given]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_merge_in_the_range_is_refused(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(repository, "checkout", "-q", "-b", "side", "base")
    git(repository, "commit", "-q", "--allow-empty", "-m", "side")
    git(repository, "merge", "-q", "--no-edit", "main")
    assert main(["--range", "base.."]) == 2
    assert "holds the merge" in capsys.readouterr().err


def test_outside_a_repository_there_is_no_range(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tree", str(tmp_path), "--range", "HEAD~1.."]) == 2
    assert "is in no git repository" in capsys.readouterr().err


def _command(kind: str) -> str:
    return f"env PYTHONPATH={_PROJECT} {sys.executable} -m reviewbot.checks b4 {kind}"


def _b4(top: Path, home: Path, *words: str) -> str:
    """Run the real b4 in a repository."""
    environment = os.environ | _WHO | {"HOME": str(home), "XDG_CACHE_HOME": str(home), "XDG_DATA_HOME": str(home)}
    run = subprocess.run(
        [sys.executable, "-m", "b4.command", *words],
        cwd=top,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return re.sub(r"\x1b\[\d*m", "", run.stdout + run.stderr)


def test_b4_prep_shows_the_finding_at_its_patch(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Within one second the picked commits would be those of main, and nothing would be left of the series.
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-11-09T07:03:32+0000")
    git(repository, "checkout", "-q", "-b", "b4/toy", "base")
    git(repository, "config", "user.name", "A. Author")
    git(repository, "config", "user.email", "author@example.org")
    git(repository, "config", "b4.prep-perpatch-check-cmd", _command("prep"))
    git(repository, "config", "b4.prep-cover-strategy", "branch-description")
    said = _b4(repository, tmp_path, "--offline-mode", "prep", "-e", "base")
    assert "CRITICAL" not in said
    git(repository, "cherry-pick", "main~1", "main")
    said = _b4(repository, tmp_path, "--offline-mode", "prep", "--check")
    about = [line for line in said.splitlines() if ": toy: " in line]
    assert len(about) == 2, said
    right, wrong = about
    assert right.startswith("●")
    assert "toy: add a line" in right
    assert "toy: simplify the allocation" in wrong
    assert f"{_PATH}:8: ERROR: The result of pgtable_page_ctor() is ignored." in said
    assert "Success: 1, Warning: 0, Error: 1" in said


def _review(kind: str, mail: str, top: Path, **environment: str) -> list[dict[str, str]]:
    """What b4 review makes of the answer: its own code runs the command."""
    code = "import sys, json, email, email.policy, b4, b4.review.checks as c\n"
    code += "m = email.message_from_string(sys.stdin.read(), policy=email.policy.EmailPolicy())\n"
    code += "print(json.dumps(c._run_external_cmd(c.parse_cmd(sys.argv[1]), m, '.', json.loads(sys.argv[2]))))"
    argv = [sys.executable, "-c", code, _command(kind), json.dumps(environment)]
    run = subprocess.run(argv, cwd=top, input=mail, capture_output=True, text=True, check=True)
    answer: list[dict[str, str]] = json.loads(run.stdout)
    return answer


def _mail(top: Path, revision: str) -> str:
    return git(top, "format-patch", "-1", "--stdout", revision) + "\n"


def test_b4_review_gets_status_summary_and_details(repository: Path) -> None:
    (result,) = _review("review", _mail(repository, "main"), repository)
    assert (result["tool"], result["status"]) == ("reviewbot", "fail")
    (detail,) = json.loads(result["details"])
    assert (detail["status"], detail["context"]) == ("fail", "C01")
    (clean,) = _review("review", _mail(repository, "main~1"), repository)
    assert clean["status"] == "pass"
    assert "nothing new found" in clean["summary"]


def test_b4_review_is_told_when_the_patch_is_not_here(repository: Path) -> None:
    mail = _mail(repository, "main")
    git(repository, "reset", "-q", "--hard", "base")
    (result,) = _review("review", mail, repository)
    assert result["status"] == "warn"
    assert "nothing was checked" in result["summary"]


def test_b4_review_checks_the_series_on_the_branch_that_it_made(repository: Path, tmp_path: Path) -> None:
    tracking = tmp_path / "tracking.json"
    first = git(repository, "rev-parse", "main~1")
    tracking.write_text(json.dumps({"series": {"change-id": "toy-1", "first-patch-commit": first}}))
    git(repository, "checkout", "-q", "-b", "b4/review/toy-1", "main")
    git(repository, "commit", "-q", "--allow-empty", "-m", "tracking")
    git(repository, "checkout", "-q", "base")
    cover = "Subject: [PATCH 0/2] toy\nMessage-ID: <cover@example.org>\n\nwords\n"
    (result,) = _review("series", cover, repository, B4_TRACKING_FILE=str(tracking))
    assert result["status"] == "fail"
    assert "1 new finding in 2 patches" in result["summary"]
    (unknown,) = _review("series", cover, repository)
    assert unknown["status"] == "warn"
