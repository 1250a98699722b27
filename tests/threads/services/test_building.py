"""Every patch is cross-built, in the sandbox, and answers only for what it brings."""

from __future__ import annotations

import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from reviewbot.builds import Builder, Progress, toolchains
from reviewbot.errors import NotFoundError, OperatorError
from reviewbot.reports.facts import SeriesReport, State, Verdict
from reviewbot.reports.keeping import unpack
from reviewbot.sandbox import Limits
from reviewbot.tree import remotes
from tests import factories
from tests.lore.fake_lore import Lore, serve
from tests.threads.conftest import CORPUS, Queue
from threads import models
from threads.conversion import decompress
from threads.services import again, ahead, building, following, intake, pipeline, trees


@pytest.fixture
def asked(minikernel: models.Tree, steps: Queue, mails: list[bytes]) -> models.Series:
    """Return v2 of the series, asked for with everything; v1 is asked for with it."""
    row = intake.take_in(mails)
    pipeline.want(row, {})
    return row


def report_of(series: models.Series) -> SeriesReport:
    return unpack(SeriesReport, models.Report.objects.get(series=series).facts)


def test_a_new_warning_is_a_finding_of_the_patch_that_brings_it(asked: models.Series, steps: Queue) -> None:
    steps.drain()
    [warning] = [one for one in report_of(asked.previous).findings if one.check == "build"]
    assert (warning.finding.rule, warning.patch) == ("gcc.-Wunused-variable", 3)
    assert "gcc.-Wunused-variable" in {one.finding.rule for one in report_of(asked).gone}


def test_base_and_every_patch_have_a_run_with_log_command_and_time(asked: models.Series, steps: Queue) -> None:
    steps.drain()
    runs = models.Run.objects.filter(check_name="build")
    assert runs.count() == 6  # base and patch 1 are shared by both versions
    for run in runs:
        assert State(run.state) in (State.PASSED, State.WARNED)
        assert run.seconds is not None
        assert "make " in run.command
    assert any(decompress(run.log) for run in runs)


def test_it_says_what_was_built_and_what_became_of_the_code(asked: models.Series, steps: Queue) -> None:
    steps.drain()
    said = " ".join(report_of(asked).looked_at)
    assert "Built 2 objects for arm64 defconfig with aarch64-linux-gnu-gcc" in said
    assert "generated code" in said.lower() or "symbol" in said


def test_a_missing_compiler_is_the_operators_and_the_findings_stay(
    asked: models.Series, steps: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*arguments: str) -> toolchains.Toolchain:
        raise OperatorError("There is no gcc for arm64 on this machine; the operator must install it.")

    monkeypatch.setattr(toolchains, "find", missing)
    steps.drain()
    asked.refresh_from_db()
    report = report_of(asked)
    assert (asked.verdict, asked.state) == (Verdict.FINDINGS, State.FAILED)
    assert {cell.state for cell in report.cells if cell.check == "build"} == {State.BROKEN}
    assert any("There is no gcc for arm64" in line for line in report.not_looked_at)


def test_a_build_that_is_cut_off_is_done_again(
    asked: models.Series, steps: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = building.settle
    count = 0

    def killed(*arguments: object, **fields: object) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        real(*arguments, **fields)  # type: ignore[arg-type]

    steps.drain(but="build")
    _, (series_id, configuration) = steps[0]
    with monkeypatch.context() as patched:
        patched.setattr(building, "settle", killed)
        with pytest.raises(KeyboardInterrupt):
            building.build(int(series_id), str(configuration))
    pipeline.sweep()
    steps.drain()
    asked.refresh_from_db()
    assert asked.verdict == Verdict.FINDINGS
    assert not models.Run.objects.filter(state=State.RUNNING).exists()


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        ("reviewbot.sandbox.watch.RESERVE_BYTES", 1 << 60, "the operator must make room"),
        ("reviewbot.builds.builder.Limits", lambda: Limits(wall_seconds=0.0001), "it took longer than 0.0001 s"),
    ],
    ids=["full disk", "time limit"],
)
def test_a_limit_of_ours_is_our_state_with_its_reason(
    asked: models.Series, steps: Queue, monkeypatch: pytest.MonkeyPatch, place: str, value: object, sentence: str
) -> None:
    steps.drain(but="build")
    monkeypatch.setattr(place, value)
    steps.drain()
    runs = models.Run.objects.filter(check_name="build")
    assert {State(run.state) for run in runs} == {State.BROKEN}
    assert all(sentence in run.reason for run in runs)
    assert not any(run.findings.exists() for run in runs)


class TestCancelling:
    """What nobody waits for any more is not built; what others wait for is."""

    def test_what_is_not_built_is_skipped_with_its_reason(self, asked: models.Series, steps: Queue) -> None:
        steps.drain(but="build")
        assert building.cancel_older(asked) == 2  # v2 waits for the base and for its first patch, too
        skipped = models.Run.objects.filter(check_name="build", state=State.SKIPPED)
        assert {run.reason for run in skipped} == {"Skipped because v2 was posted."}
        steps.drain()
        asked.refresh_from_db()
        assert asked.verdict == Verdict.FINDINGS
        old = report_of(asked.previous)
        assert State.SKIPPED in {cell.state for cell in old.cells if cell.check == "build"}
        assert "build defconfig: Skipped because v2 was posted." in old.not_looked_at

    def test_a_newer_version_that_arrives_stops_the_older_one(
        self, minikernel: models.Tree, steps: Queue, mails: list[bytes]
    ) -> None:
        older = [mail for mail in mails if b"20260302090000.7001-" in mail.partition(b"\n\n")[0]]
        v1 = intake.take_in(older)
        pipeline.want(v1, {})
        steps.drain(but="build")
        v2 = intake.take_in(mails)
        following.ask([patch.message.message_id for patch in v2.patches.all()])
        steps.drain(but="build")
        of_v1 = models.Run.objects.filter(check_name="build", state=State.SKIPPED)
        assert {run.reason for run in of_v1} == {"Skipped because v2 was posted."}
        steps.drain()
        v2.refresh_from_db()
        assert v2.version == 2
        assert {cell.state for cell in report_of(v2).cells if cell.check == "build"} == {State.PASSED}

    def test_a_version_that_is_overtaken_before_it_is_applied_is_not_built(
        self, minikernel: models.Tree, steps: Queue, mails: list[bytes]
    ) -> None:
        v1 = intake.take_in([mail for mail in mails if b"20260302090000.7001-" in mail.partition(b"\n\n")[0]])
        pipeline.want(v1)
        v2 = intake.take_in(mails)
        following.ask([patch.message.message_id for patch in v2.patches.all()])
        steps.drain(but="build")
        mine = models.AppliedPatch.objects.filter(application__series=v1, application__chosen=True, number__gt=0)
        own = models.Run.objects.filter(check_name="build", tree_id__in=mine.values("tree_id"))
        shared = models.AppliedPatch.objects.filter(application__series=v2).values("tree_id")
        assert {(run.state, run.reason) for run in own.exclude(tree_id__in=shared)} == {
            (State.SKIPPED, "Skipped because v2 was posted.")
        }
        steps.drain()
        v1.refresh_from_db()
        assert State(v1.state).settled
        assert {cell.state for cell in report_of(v2).cells if cell.check == "build"} == {State.PASSED}

    def test_a_higher_version_that_somebody_else_posts_stops_nothing(self, asked: models.Series, steps: Queue) -> None:
        models.Series.objects.filter(pk=asked.pk).update(author=factories.person(("Eve", "eve@example.org")))
        steps.drain(but="build")
        assert building.cancel_older(asked) == 0

    def test_an_old_version_that_arrives_last_is_not_built_unless_it_is_asked_for(
        self, minikernel: models.Tree, steps: Queue, mails: list[bytes]
    ) -> None:
        v2 = intake.take_in(mails)
        v1 = v2.previous
        assert v1 is not None
        following.ask([patch.message.message_id for patch in v1.patches.all()])
        steps.drain()
        reasons = models.Run.objects.filter(check_name="build").values_list("reason", flat=True)
        assert set(reasons) == {"Skipped because v2 was posted."}
        v1.refresh_from_db()
        pipeline.want(v1, again=True)
        steps.drain()
        assert State.SKIPPED not in {cell.state for cell in report_of(v1).cells if cell.check == "build"}

    def test_a_build_that_runs_is_stopped(
        self, asked: models.Series, steps: Queue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = building._Recipe.keep

        def cancelled(self: building._Recipe, *arguments: object) -> None:
            real(self, *arguments)  # type: ignore[arg-type]
            building.cancel(asked, "Cancelled by a test.")
            building.cancel(asked.previous, "Cancelled by a test.")

        monkeypatch.setattr(building._Recipe, "keep", cancelled)
        steps.drain()
        runs = models.Run.objects.filter(check_name="build")
        assert runs.exclude(state=State.SKIPPED).count() <= 2
        assert {run.reason for run in runs.filter(state=State.SKIPPED)} == {"Cancelled by a test."}
        assert not runs.filter(leased_until__isnull=False).exists()

    def test_a_button_does_it(self, asked: models.Series, steps: Queue, client: Client) -> None:
        steps.drain(but="build")
        page = f"/project/linux-mm/series/{asked.root_msgid}/rerun/"
        assert "Stop its builds" in client.get(page).content.decode()
        assert client.post(page, {"what": "cancel"}).status_code == 302
        (run,) = models.Run.objects.filter(check_name="build", state=State.SKIPPED)[:1]
        assert run.reason == "Cancelled on its page; looking at the series again builds it."

    def test_looking_again_builds_what_was_cancelled(self, asked: models.Series, steps: Queue) -> None:
        steps.drain(but="build")
        for series in (asked.previous, asked):
            models.Series.objects.filter(pk=series.pk).update(wanted=False)
            building.cancel(series, "Cancelled by a test.")
        steps.clear()
        asked.refresh_from_db()
        pipeline.want(asked, again=True)
        steps.drain()
        runs = models.Run.objects.filter(check_name="build")
        assert {State(run.state) for run in runs} <= {State.PASSED, State.WARNED}


def elsewhere(home: Path, folder: Path, *argv: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody else would, who has a home of her own and b4."""
    env = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(home)}
    for who in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{who}_NAME": "Mara", f"GIT_{who}_EMAIL": "mara@example.org"}
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (argv, done.stdout, done.stderr)
    return done


class TestAgain:
    """A build is done once more: here, or by lines that need nothing of the service."""

    def test_the_same_comes_of_it_here(self, asked: models.Series, steps: Queue) -> None:
        steps.drain()
        warned = models.Run.objects.filter(check_name="build", state=State.WARNED).first()
        assert warned is not None
        assert again.again(again.find(warned.pk)) == again.Again("warned", ())
        warned.findings.all().delete()
        assert "unused variable" in " ".join(again.again(warned).differences)

    def test_the_printed_lines_do_it_in_a_new_folder(
        self,
        transactional_db: None,
        steps: Queue,
        mails: list[bytes],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(remotes, "SCHEMES", ("file",))
        monkeypatch.setattr(settings, "TREE_HOSTS", [""])
        upstream, new = tmp_path / "upstream", tmp_path / "elsewhere" / "linux"
        shutil.copytree(CORPUS / "minikernel", upstream)
        for words in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "A small kernel")):
            elsewhere(tmp_path, upstream, "git", *words)
        base = elsewhere(tmp_path, upstream, "git", "rev-parse", "main").stdout.strip()
        trees.add("minikernel", f"file://{upstream}", branch="main")
        pipeline.want(intake.take_in(mails), {})
        steps.drain()
        run = models.Run.objects.filter(check_name="build", state=State.WARNED).first()
        assert run is not None
        out = StringIO()
        call_command("reproduce", run.pk, stdout=out)
        lines = out.getvalue().splitlines()
        new.mkdir(parents=True)
        elsewhere(tmp_path, new, "git", "init", "-q")
        with serve(Lore([mails])) as lore:
            elsewhere(tmp_path, new, "git", "config", "--global", "b4.midmask", f"{lore.url}/%s")
            elsewhere(tmp_path, new, "git", "config", "--global", "b4.attestation-policy", "off")
            said = [elsewhere(tmp_path, new, "/bin/sh", "-ec", line).stderr for line in lines]
        assert "Wunused-variable" in said[-1]
        assert elsewhere(tmp_path, new, "git", "rev-parse", "HEAD^{tree}").stdout.strip() == run.tree_id
        assert lines[1] == f"# {toolchains.find().name}, arm64 defconfig"
        assert lines[2:4] == [f"git fetch file://{upstream} main", f"git checkout {base}"]
        assert lines[4].startswith("b4 shazam -v 1 ")

    def test_a_number_that_is_no_build_is_said(self, transactional_db: None) -> None:
        with pytest.raises(NotFoundError, match="There is no build 12"):
            again.find(12)


def test_followed_trees_are_built_ahead_while_nobody_waits(
    minikernel: models.Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ahead.warm() == 0  # a directory does not move
    models.Tree.objects.update(branch="main")
    assert ahead.warm() >= 2
    monkeypatch.setattr(Builder, "warm", None)
    models.Run.objects.create(tree_id="x", commit="x", check_name="build", version="1", scope="x")
    assert ahead.warm() == 0


def test_more_kinds_of_builds_are_asked_for_as_checks_are(
    minikernel: models.Tree, steps: Queue, mails: list[bytes]
) -> None:
    row = intake.take_in(mails)
    pipeline.want(row, {"checks": ["pgtable", "w1"]})
    steps.drain()
    names = set(models.Run.objects.values_list("check_name", "configuration"))
    assert names == {("pgtable", ""), ("build", "defconfig"), ("build", "defconfig-w1")}
    told = [one for one in report_of(row.previous).findings if one.check == "build"]
    assert len({one.finding.fingerprint for one in told}) == len(told)


def test_how_long_it_will_take_is_on_the_row(asked: models.Series, steps: Queue) -> None:
    steps.drain(but="build")
    run = models.Run.objects.filter(check_name="build")[0]
    building._Report([run.pk], run).progress(Progress("prepare", 20, 80, "scripts/basic/fixdep", 41.7))
    run.refresh_from_db()
    assert run.summary == "prepare 20 of 80 scripts/basic/fixdep, about 42 s left"
