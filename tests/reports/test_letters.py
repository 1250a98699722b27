"""The words of a reply: as the golden files have them, and what decides about single sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reviewbot.mail.parse import parse_message
from reviewbot.reports.facts import Reproduce
from reviewbot.reports.mail import compose_clean, compose_unapplied
from tests.reports import samples
from tests.reports.golden import same_as_golden
from tests.reports.situations import (
    HEAD,
    LETTERS,
    MAILS,
    SITUATIONS,
    body,
    compile_error,
    drafted,
    raised_again,
    with_findings,
)


@pytest.mark.parametrize("name", [*SITUATIONS, *LETTERS])
def test_it_reads_as_the_golden_file(name: str) -> None:
    made = LETTERS[name]() if name in LETTERS else drafted(SITUATIONS[name]())
    same_as_golden(f"{name}.eml", made.raw.decode())


@pytest.mark.parametrize("name", [*SITUATIONS, *LETTERS])
def test_prose_is_wrapped_and_code_is_not(name: str) -> None:
    made = LETTERS[name]() if name in LETTERS else drafted(SITUATIONS[name]())
    text = parse_message(made.raw).body
    prose = [line for line in text.split("\n") if not line.startswith((">", "  ", "On ", "https://"))]
    assert max(map(len, prose)) <= 72


def test_the_author_is_told_that_the_named_base_is_not_here() -> None:
    report = samples.first_version()
    assert report.base is not None
    trace = ("The cover names base-commit 0af2f6be1b42, which no known tree has; it is guessed instead.",)
    said = " ".join(body(replace(report, base=replace(report.base, trace=trace))).split())
    assert f"commit adc218676eef. {trace[0]} Looked at:" in said


def test_the_function_is_named_and_the_command_is_that_of_the_check() -> None:
    finding = replace(samples.missing_dtor(), message="The table is freed without its destructor.")
    text = body(with_findings(samples.told(finding, 3)))
    assert "\nSince this patch, the table is freed without its destructor.\n\nIn split_pud():\n  line 71" in text
    bare = body(with_findings(samples.told(replace(finding, evidence=()), 3)))
    assert "In split_pud(), since this patch, the table is freed without its destructor." in " ".join(bare.split())
    apply = f"  b4 shazam {samples.V1.format(1)} &&\n"
    seen = f"\nTo see the same on that base:\n{apply}"
    assert f"{seen}  python -m reviewbot.checks --tree . --range HEAD~3..\n" in text
    assert f"{seen}  make O=../build ARCH=arm64" in body(compile_error())


def test_a_build_is_shown_in_the_configuration_that_has_the_finding() -> None:
    report = compile_error()
    cells = (*report.cells, replace(report.cells[-1], configuration="defconfig-64k", new=1))
    commands = (*report.reproduce, Reproduce("build defconfig-64k", "b4 shazam x && make 64k"))
    assert "  b4 shazam x && make 64k\n" in body(replace(report, cells=cells, reproduce=commands))


def test_what_a_patch_changes_and_its_mail_does_not_show_is_said() -> None:
    report = samples.first_version()
    hidden = replace(report.patches[0], unseen="Patch 1: git changes mm/x.c, which its mail does not show.")
    assert "\n\nPatch 1: git changes mm/x.c, which its mail does not show.\n\n" in body(
        replace(report, patches=(hidden, *report.patches[1:]))
    )


def test_a_commit_that_nobody_else_has_is_not_named() -> None:
    report = samples.first_version()
    assert report.base is not None
    text = body(replace(report, base=replace(report.base, published=False)))
    assert "\nApplied to linux-source-6.12 (6.12.0).\n" in text
    assert report.base.commit[:12] not in text


def test_a_command_stays_one_line_where_it_is_not_too_long() -> None:
    report = replace(samples.first_version(), reproduce=(Reproduce("check", "b4 shazam a@b && python -m x"),))
    assert "\n  b4 shazam a@b && python -m x\n" in body(report)
    assert max(map(len, body(samples.second_version()).split("\n"))) <= 100


def test_what_was_raised_for_an_earlier_version_and_is_still_there_is_said_with_the_mail_that_raised_it() -> None:
    assert "Oke Brandt raised it for an earlier version:" in body(raised_again())


def test_a_series_of_one_is_called_a_patch() -> None:
    one = replace(samples.report(), expected=1)
    parent = MAILS[samples.V1.format(2)]
    words = {
        parse_message(write(replace(one, version=version), parent, HEAD).raw).body.split("\n")[0]
        for write, version in ((compose_clean, 1), (compose_unapplied, 1), (compose_clean, 2))
    }
    assert words == {
        "The patch applies, and nothing new was found.",
        "The patch does not apply to linux-source-6.12 (6.12.0), commit",
        "v2 applies, and nothing new was found.",
    }
