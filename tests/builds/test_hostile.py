"""Patches that attack the service that builds them: by Makefiles, host programs and linker scripts."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reviewbot import sandbox
from reviewbot.builds import BuildResult, State, configurations
from reviewbot.sandbox import MIB
from tests.builds.kernels import LIMITS, MMU, Kernel, kernel, needs_compiler

__all__ = ["kernel"]
pytestmark = needs_compiler

DEFCONFIG = configurations.DEFCONFIG

# What a stranger's program tries; it says of each attempt whether it worked.
PROGRAM = r"""
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
extern char **environ;
static void tell(const char *what, int worked) { fprintf(stderr, "%s: %s\n", what, worked ? "REACHED" : "no"); }
int main(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(@PORT@) };
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int s = socket(AF_INET, SOCK_STREAM, 0);
	tell("network", s >= 0 && connect(s, (void *)&to, sizeof(to)) == 0);
	tell("secret", open("@SECRET@", O_RDONLY) >= 0);
	tell("passwords", open("/etc/shadow", O_RDONLY) >= 0 || open("/etc/passwd", O_RDONLY) >= 0);
	tell("source", open("/build/source/Makefile", O_WRONLY) >= 0 || unlink("/build/source/Makefile") == 0);
	tell("outside", open("@FOLDER@/written", O_CREAT | O_WRONLY, 0600) >= 0);
	tell("system", open("/usr/bin/written", O_CREAT | O_WRONLY, 0600) >= 0);
	tell("root", setuid(0) == 0 || chroot("/") == 0);
	tell("service", kill(@SERVICE@, 0) == 0);
	for (char **e = environ; *e; e++)
		fprintf(stderr, "env %s\n", *e);
	fprintf(stderr, "\033[2J\033]0;owned\007");
	if (fork() == 0) {
		setsid();
		close(1);
		close(2);
		sleep(1);
		open("/build/output/orphan", O_CREAT | O_WRONLY, 0600);
		_exit(0);
	}
	return 0;
}
"""


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def attacked(kernel: Kernel, edits: dict[str, str], wait: float = 0, **limits: float) -> tuple[BuildResult, Path]:
    """Build the base and then a patch; return what came of the patch, and the output that it wrote to."""
    source = kernel.pool.checkout(kernel.state(), "one", fresh=False)
    with kernel.builder.session(source, kernel.state(), DEFCONFIG, [MMU]) as session:
        tight = replace(LIMITS, **limits)  # type: ignore[arg-type]
        session.output.kbuild = replace(session.output.kbuild, limits=tight)
        result = session.build([MMU], kernel.pool.checkout(kernel.state(edits), "one"), reconfigure=True)
        time.sleep(wait)
        assert sandbox.read(session.output.kbuild.output, "orphan") is None
    return result, source


def test_a_program_of_the_build_reaches_nothing(
    kernel: Kernel, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://canary")
    (tmp_path / "secret").write_text("canary")
    words = {"@PORT@": port, "@SECRET@": tmp_path / "secret", "@FOLDER@": tmp_path, "@SERVICE@": os.getpid()}
    program = PROGRAM
    for word, value in words.items():
        program = program.replace(word, str(value))
    run = "$(shell gcc -o $(objtree)/host $(srctree)/scripts/host.c && $(objtree)/host)\n"
    edits = {"Makefile": kernel.files["Makefile"].decode() + run, "scripts/host.c": program}
    result, source = attacked(kernel, edits, wait=1.5)
    said = result.log.decode("utf-8", "replace")
    assert said.count(": no") >= 8
    assert "REACHED" not in said
    assert "canary" not in said
    assert (source / "Makefile").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "secret", "slots", "store.git"]
    # Escapes stay bytes of the log; no sentence and no finding holds one.
    assert "\x1b" in said
    assert "\x1b" not in result.reason + "".join(one.message for one in result.diagnostics)


def test_a_linker_script_includes_no_file_of_the_service(kernel: Kernel, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary")
    run = "$(shell aarch64-linux-gnu-ld -T $(srctree)/evil.lds -o $(objtree)/x /dev/null >&2)\n"
    edits = {"Makefile": kernel.files["Makefile"].decode() + run, "evil.lds": f"INCLUDE {tmp_path}/secret\n"}
    result, _ = attacked(kernel, edits)
    assert b"cannot find" in result.log or b"No such file" in result.log
    assert b"canary" not in result.log


EAT = "perl -e '$$x = q(a) x 90_000_000; sleep 30' & "


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (f"$(shell {EAT * 4} wait)", "memory"),
        ("$(shell head -c 1000000000 /dev/zero | tr '\\0' 'a' >&2)", "output"),
        ("$(shell b() { b | b & }; b; sleep 5)", "processes"),
    ],
    ids=["memory", "a gigabyte of log", "fork bomb"],
)  # fmt: skip
def test_an_excess_is_reported_as_what_it_was(kernel: Kernel, attack: str, reason: str) -> None:
    edits = {"Makefile": kernel.files["Makefile"].decode() + attack + "\n"}
    result, _ = attacked(kernel, edits, memory_bytes=256 * MIB, processes=60)
    assert result.state is State.BROKEN
    assert reason in result.reason
    assert len(result.log) <= LIMITS.output_bytes


def test_killing_what_is_above_ends_nobody_but_the_build(kernel: Kernel) -> None:
    kill = "$(shell kill -9 $$PPID; kill -9 1; kill -9 -1)\n"
    result, _ = attacked(kernel, {"Makefile": kernel.files["Makefile"].decode() + kill})
    assert result.state in (State.BROKEN, State.FAILED)
    again, _ = attacked(kernel, {})
    assert again.state is State.PASSED


@pytest.mark.parametrize("target", ["/build/output/tools/x.o", "/x.o", "//x.o", "../../x.o", "/", "x" * 5000 + ".o"])
def test_whatever_make_says_it_has_made_the_build_ends(kernel: Kernel, target: str) -> None:
    makefile = kernel.files["Makefile"].decode()
    edits = {"Makefile": makefile + f"prepare: lie\nlie:\n\t@echo '  CC      {target}'\n"}
    result, _ = attacked(kernel, edits)
    assert (result.state, result.objects) == (State.PASSED, (MMU,))


def test_an_output_that_is_a_link_is_not_read(kernel: Kernel, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\x7fELF canary")
    link = f"$(shell ln -sf {tmp_path}/secret $(objtree)/{MMU}; ln -sfn {tmp_path} $(objtree)/arch/arm64/lib)\n"
    result, _ = attacked(kernel, {"Makefile": kernel.files["Makefile"].decode() + link})
    assert b"canary" not in result.log
    assert (tmp_path / "secret").read_bytes() == b"\x7fELF canary"
