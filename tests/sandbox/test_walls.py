"""What hostile commands try in the sandbox, and that each is contained and reported as what it was."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from reviewbot import sandbox
from reviewbot.errors import OperatorError, TransientError
from reviewbot.sandbox import Limits, Outcome
from tests.sandbox.shell import PATIENCE, Shell, perl


def test_a_command_says_what_it_says(shell: Shell) -> None:
    result = shell("echo out; echo err >&2; exit 3")
    assert (result.outcome, result.exit_code, result.output) == (Outcome.EXITED, 3, b"out\nerr\n")
    assert not result.ok
    assert result.reason == ""


def test_what_it_writes_is_there_afterwards(shell: Shell, out: Path) -> None:
    assert shell("echo text > /out/file").ok
    assert sandbox.read(out, "file") == b"text\n"


def test_a_service_that_is_asked_to_work_without_a_sandbox_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    sandbox.require.cache_clear()
    with pytest.raises(OperatorError, match="bubblewrap is not installed"):
        sandbox.require()


def test_a_sandbox_that_does_not_work_is_said_loudly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'No permission to create a new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    sandbox.require.cache_clear()
    with pytest.raises(OperatorError, match=r"No permission to create a new namespace.*the operator must"):
        sandbox.require()


def test_a_machine_without_room_for_one_more_sandbox_is_asked_again_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    busy = tmp_path / "bwrap"
    busy.write_text(
        "#!/bin/sh\necho 'bwrap: Creating new namespace failed: Resource temporarily unavailable'\nexit 1\n"
    )
    busy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(TransientError, match="too busy for one more sandbox"):
        sandbox.run(["/usr/bin/true"])


def test_a_command_that_speaks_like_bubblewrap_is_believed_to_have_run(shell: Shell) -> None:
    result = shell("echo 'bwrap: Creating new namespace failed: Resource temporarily unavailable'; exit 1")
    assert (result.outcome, result.exit_code) == (Outcome.EXITED, 1)


class TestSecrets:
    """Nothing of the service or of the machine is to be seen."""

    def test_the_environment_is_not_inherited(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", "canary-in-the-environment")
        result = shell("env; cat /proc/*/environ | tr '\\0' '\\n'")
        assert b"canary" not in result.output
        assert b"PATH=/usr/bin:/bin" in result.output

    def test_files_of_the_service_cannot_be_seen(self, shell: Shell, tmp_path: Path) -> None:
        secret = tmp_path / "settings.env"
        secret.write_text("canary in a file")
        result = shell(
            f"cat {secret}; ls {tmp_path}; cat /etc/passwd /etc/shadow; ls /root /home /var; cat ../settings.env"
        )
        assert b"canary" not in result.output
        assert b"root:" not in result.output
        assert result.output.count(b"No such file") == 8

    def test_no_other_process_can_be_seen_or_signalled(self, shell: Shell) -> None:
        assert shell(f"test -e /proc/{os.getpid()}/cmdline").exit_code != 0 or os.getpid() < 100
        shell("kill -9 -1; kill -9 1; kill -9 $PPID")
        assert subprocess.run(["/bin/true"], check=False).returncode == 0

    def test_no_open_file_is_inherited(self, shell: Shell, tmp_path: Path) -> None:
        with (tmp_path / "secret").open("w+") as file:
            os.set_inheritable(file.fileno(), True)
            listed = shell("ls -l /proc/self/fd").output
        assert b"secret" not in listed

    def test_it_has_no_privilege_and_cannot_get_one(self, shell: Shell) -> None:
        said = shell("id -u; grep -E 'Cap(Prm|Eff|Bnd)|NoNewPrivs|Seccomp:' /proc/self/status").output.decode().split()
        status = dict(zip(said[1::2], said[2::2], strict=True))
        assert said[0] == "65532"
        assert {status["CapPrm:"], status["CapEff:"], status["CapBnd:"]} == {"0" * 16}
        assert (status["NoNewPrivs:"], status["Seccomp:"]) == ("1", "2")

    def test_files_belong_to_a_user_who_owns_nothing_else(self, shell: Shell, out: Path) -> None:
        shell("touch /out/mine")
        owner = (out / "mine").stat().st_uid
        assert owner == (os.geteuid() or 65532)

    @pytest.mark.parametrize("name", ["pid", "ipc", "net", "uts", "mnt", "user"])
    def test_it_has_namespaces_of_its_own(self, shell: Shell, name: str) -> None:
        inside = shell(f"readlink /proc/self/ns/{name}").output.decode().strip()
        assert inside.startswith(f"{name}:")
        assert inside != str(Path(f"/proc/self/ns/{name}").readlink())

    @pytest.mark.parametrize(
        "command", ["unshare --user id", "unshare --net id", "mount -t tmpfs x /tmp", "chroot / id"]
    )
    def test_it_cannot_make_namespaces_or_mounts(self, shell: Shell, command: str) -> None:
        assert shell(command).exit_code != 0


class TestNetwork:
    """Nobody can be reached."""

    def test_a_port_of_this_machine_cannot_be_reached(self, shell: Shell) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            result = shell(
                perl(f'use IO::Socket::INET; print IO::Socket::INET->new("127.0.0.1:{port}") ? "in" : "no: $!"')
            )
        assert result.output.startswith(b"no: ")

    @pytest.mark.parametrize(
        "family", [2, 10, 16, 17, 38, 40], ids=["inet", "inet6", "netlink", "packet", "alg", "vsock"]
    )
    def test_no_socket_but_a_local_one_can_be_made(self, shell: Shell, family: int) -> None:
        assert shell(perl(f'socket(my $s, {family}, 1, 0) and print "made"; print "$!"')).output == (
            b"Address family not supported by protocol"
        )

    def test_a_socket_of_a_database_cannot_be_reached(self, shell: Shell, tmp_path: Path) -> None:
        place = tmp_path / "redis.sock"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(place))
            server.listen()
            code = "use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die;"
            code += f'print connect($s, pack_sockaddr_un("{place}")) ? "in" : "no: $!"'
            assert shell(perl(code)).output == b"no: No such file or directory"

    def test_an_abstract_socket_of_this_machine_cannot_be_reached(self, shell: Shell) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"\0reviewbot-test-{os.getpid()}")
            server.listen()
            name = f"reviewbot-test-{os.getpid()}"
            code = f'my $name = pack("S a*", 1, "\\0{name}");'
            code += "use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; print connect($s, $name) ? 1 : 0"
            assert shell(perl(code)).output == b"0"


class TestFiles:
    """Only the writable folder is written, and what is in it is read with care."""

    @pytest.mark.parametrize("path", ["/x", "/usr/x", "/dev/x", "/etc/x", "/proc/sys/kernel/core_pattern", "/tmp/../x"])
    def test_nothing_outside_can_be_written(self, shell: Shell, path: str) -> None:
        assert shell(f"echo x > {path}").exit_code != 0

    def test_what_is_shown_read_only_stays_as_it_is(self, tmp_path: Path, out: Path) -> None:
        tree = tmp_path / "tree"
        tree.mkdir()
        (tree / "file").write_text("as it was")
        tree.chmod(0o777)
        command = "cat /build/tree/file; echo x > /build/tree/file; touch /build/tree/new; rm /build/tree/file"
        result = sandbox.run(["/bin/sh", "-c", command], read_only={tree: "/build/tree"}, writable={out: "/out"})
        assert result.output.startswith(b"as it was")
        assert [path.read_text() for path in tree.iterdir()] == ["as it was"]

    def test_a_link_in_the_output_is_not_followed(self, shell: Shell, out: Path, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("canary")
        shell(f"ln -s {tmp_path}/secret link; ln -s {tmp_path} folder; mkfifo pipe; mkdir dir; ln -s / top")
        for path in ("link", "folder/secret", "pipe", "dir", "top/etc/passwd", "../secret", "/etc/passwd", "a\0b", ""):
            assert sandbox.read(out, path) is None

    def test_a_long_file_is_cut(self, shell: Shell, out: Path) -> None:
        shell("head -c 1000000 /dev/zero > big")
        assert sandbox.read(out, "big", limit=1000) == bytes(1000)

    def test_removing_an_output_does_not_follow_its_links(self, shell: Shell, out: Path, tmp_path: Path) -> None:
        (tmp_path / "keep").mkdir()
        (tmp_path / "keep" / "file").write_text("kept")
        shell(f"ln -s {tmp_path}/keep link; mkdir -p locked/in; touch locked/in/x; chmod 0 locked/in locked")
        sandbox.remove(out)
        assert not out.exists()
        assert (tmp_path / "keep" / "file").read_text() == "kept"
        out.mkdir()

    def test_a_thousand_folders_in_each_other_can_be_removed(self, shell: Shell, out: Path) -> None:
        shell(perl('for (1..3000) { mkdir "d" x 50; chdir "d" x 50 or die }'))
        sandbox.remove(out)
        assert not out.exists()
        out.mkdir()


def test_output_is_handed_on_as_it_comes(out: Path) -> None:
    pieces: list[bytes] = []

    def answer(data: bytes) -> None:
        pieces.append(data)
        (out / "heard").touch()

    command = "echo one; until [ -e /out/heard ]; do sleep 0.1; done; echo two"
    limits = Limits(wall_seconds=PATIENCE)
    assert sandbox.run(["/bin/sh", "-c", command], writable={out: "/out"}, on_output=answer, limits=limits).ok
    assert pieces == [b"one\n", b"two\n"]


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="is not there"):
        sandbox.run(["/bin/true"], read_only={tmp_path / "gone": "/x"})


def test_nothing_runs_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reviewbot.sandbox.watch.RESERVE_BYTES", 1 << 60)
    with pytest.raises(OperatorError, match="must make room"):
        sandbox.run(["/bin/true"], writable={tmp_path: "/out"})


def test_the_sandbox_dies_with_the_service(tmp_path: Path) -> None:
    pid_file = tmp_path / "alive"
    out = tmp_path / "out"
    out.mkdir()
    code = f"""
        from pathlib import Path
        from reviewbot import sandbox
        sandbox.run(["/bin/sh", "-c", "while :; do date +%s%N > /out/alive; sleep 0.1; done"],
                    writable={{Path({str(out)!r}): "/out"}})
    """
    service = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=Path(__file__).parents[2])
    pid_file = out / "alive"
    deadline = time.monotonic() + PATIENCE
    while not pid_file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert pid_file.exists()
    service.kill()
    service.wait()
    last = b""
    while last != pid_file.read_bytes() and time.monotonic() < deadline:
        last = pid_file.read_bytes()
        time.sleep(1)
    assert pid_file.read_bytes() == last
