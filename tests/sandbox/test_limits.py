"""What ends a run: its limits, or a person."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from reviewbot import sandbox
from reviewbot.sandbox import MIB, Limits, Outcome, watch
from tests.sandbox.shell import PATIENCE, Shell, perl


class TestLimits:
    """Each excess is stopped and reported as what it was."""

    def test_an_endless_loop(self, shell: Shell) -> None:
        result = shell("while :; do :; done", cpu_seconds=0.5)
        assert result.outcome is Outcome.CPU
        assert "0.5 s of processor time" in result.reason

    def test_work_that_is_spread_over_many_short_processes(self, shell: Shell) -> None:
        assert (
            shell(f"while :; do perl -e '{'$i++;' * 1} for (1..300000) {{}}'; done", cpu_seconds=1).outcome
            is Outcome.CPU
        )

    def test_sleeping_for_ever(self, shell: Shell) -> None:
        result = shell("sleep 1000", wall_seconds=0.3)
        assert (result.outcome, result.exit_code) == (Outcome.TIMED_OUT, -signal.SIGKILL)
        assert result.seconds < PATIENCE

    def test_a_fork_bomb(self, shell: Shell) -> None:
        result = shell("while :; do sleep 100 & done", processes=40)
        assert result.outcome is Outcome.PROCESSES
        assert "more than 40 processes" in result.reason

    def test_a_fork_bomb_of_threads_and_children_ends(self, shell: Shell) -> None:
        result = shell("b() { b | b & }; b; sleep 2", processes=40, wall_seconds=5)
        assert result.outcome in (Outcome.PROCESSES, Outcome.EXITED, Outcome.TIMED_OUT)

    def test_eating_memory(self, shell: Shell) -> None:
        result = shell(perl('my $x = "a" x 150000000; sleep 30'), memory_bytes=100 * MIB)
        # The kernel may refuse the process its memory before the watcher sees that it has taken too much.
        refused = result.outcome is Outcome.EXITED and b"Out of memory" in result.output
        assert refused or (result.outcome is Outcome.MEMORY and "100 MiB of memory" in result.reason)

    def test_eating_memory_in_many_processes(self, shell: Shell) -> None:
        eat = "perl -e 'my $x = \"a\" x 15000000; sleep 30' & "
        assert shell(eat * 8 + "wait", memory_bytes=100 * MIB).outcome is Outcome.MEMORY

    def test_the_temporary_folder_is_of_a_limited_size(self, shell: Shell) -> None:
        result = shell("head -c 50000000 /dev/zero > /tmp/big || echo full", disk_bytes=10 * MIB)
        assert b"No space left" in result.output

    def test_shared_memory_is_of_a_limited_size(self, shell: Shell) -> None:
        assert b"No space left" in shell("head -c 50000000 /dev/zero > /dev/shm/big").output

    def test_filling_the_disk(self, shell: Shell) -> None:
        result = shell("i=0; while :; do head -c 5000000 /dev/zero > f$i; i=$((i+1)); done", disk_bytes=20 * MIB)
        assert result.outcome is Outcome.DISK
        assert "20 MiB to disk" in result.reason

    def test_filling_the_disk_with_a_file_that_has_no_name(self, shell: Shell) -> None:
        result = shell("exec 3> f; rm f; cat /dev/zero >&3", disk_bytes=20 * MIB)
        assert result.outcome is Outcome.DISK

    def test_filling_the_disk_with_empty_files(self, shell: Shell) -> None:
        code = 'for (my $i = 0; ; $i++) { open my $f, ">", "f$i" or die }'
        assert shell(perl(code), disk_bytes=20 * MIB).outcome is Outcome.DISK

    def test_one_file_that_is_too_large(self, shell: Shell) -> None:
        result = shell("exec cat /dev/zero > f", file_bytes=5 * MIB)
        assert result.outcome is Outcome.DISK
        assert "larger file" in result.reason

    def test_a_flood_of_output(self, shell: Shell) -> None:
        result = shell("yes", output_bytes=100_000)
        assert result.outcome is Outcome.OUTPUT
        assert result.truncated
        assert len(result.output) == 100_000

    def test_output_is_bytes_as_they_came(self, shell: Shell) -> None:
        result = shell("printf '\\033[2J\\033]0;title\\007\\377\\000end'")
        assert result.output == b"\x1b[2J\x1b]0;title\x07\xff\x00end"

    def test_a_command_that_is_killed(self, shell: Shell) -> None:
        result = shell("kill -SEGV $$")
        assert (result.outcome, result.exit_code) == (Outcome.KILLED, -signal.SIGSEGV)

    def test_an_orphan_does_not_outlive_the_command(self, shell: Shell, out: Path) -> None:
        orphan = "while :; do date +%s%N > /out/beat; sleep 0.1; done"
        result = shell(f"(setsid sh -c '{orphan}' > /dev/null 2>&1 &); until [ -s /out/beat ]; do sleep 0.1; done")
        assert result.ok
        last = (out / "beat").read_bytes()
        time.sleep(1)
        assert (out / "beat").read_bytes() == last

    def test_an_orphan_that_keeps_the_output_open_does_not_hold_up_the_service(self, shell: Shell) -> None:
        assert shell("sleep 1000 & exit 0").ok

    def test_a_command_that_does_not_exist(self) -> None:
        result = sandbox.run(["/usr/bin/no-such-program"])
        assert not result.ok
        assert b"No such file" in result.output


def test_a_run_can_be_cancelled() -> None:
    started = time.monotonic()
    result = sandbox.run(["/bin/sleep", "100"], cancelled=lambda: time.monotonic() - started > 0.2)
    assert result.outcome is Outcome.CANCELLED
    assert result.seconds < PATIENCE


def test_a_run_that_is_stopped_before_it_has_begun_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    real = watch.usage

    def noted(pid: int) -> watch.Usage:
        started.extend(watch.descendants(pid))
        return real(pid)

    monkeypatch.setattr(watch, "usage", noted)
    for _ in range(20):
        assert sandbox.run(["/bin/sleep", "100"], limits=Limits(wall_seconds=0)).outcome is Outcome.TIMED_OUT
    deadline = time.monotonic() + 5
    while any(map(alive, started)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in started if alive(pid)]


def alive(pid: int) -> bool:
    try:
        return b"bwrap" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
