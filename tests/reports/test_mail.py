"""The reply: to whom, beneath which line, and when there is none."""

from __future__ import annotations

import email
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from b4 import mbox as b4_mbox
from b4.review import _review as b4_review
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.findings import Evidence, Finding, Location, Severity
from reviewbot.mail.diff import find_diff
from reviewbot.mail.message import Address
from reviewbot.mail.parse import parse_message
from reviewbot.mail.quoting import quoted_hunks
from reviewbot.reports import letter
from reviewbot.reports.facts import Life, Reproduce, SeriesReport, Told, Verdict
from reviewbot.reports.mail import (
    MOST,
    Draft,
    Letterhead,
    compose,
    compose_clean,
    compose_note,
    compose_unapplied,
    draft,
)
from tests.reports import samples
from tests.reports.golden import same_as_golden

SENDER = Address("Page-table review", "review@example.org")
MAILS = samples.mails()


def drafted(report: SeriesReport) -> Draft:
    made = draft(report, MAILS, sender=SENDER, site_url=samples.SITE)
    assert made is not None
    return made


def body(report: SeriesReport) -> str:
    return parse_message(drafted(report).raw).body


def with_findings(*findings: Told) -> SeriesReport:
    return samples.report(verdict=Verdict.FINDINGS, findings=findings)


def raised_again() -> SeriesReport:
    """Return a v2 that still has what was raised for v1."""
    told = samples.told(samples.missing_dtor(86), 3, 2, said=samples.raised())
    return samples.second_version(findings=(told,))


def transient() -> SeriesReport:
    place = Location(samples.PAGEATTR, 47, "split_pmd", "\t\tpagetable_free(second);")
    finding = Finding("C06", Severity.ERROR, place, "The table is freed without its destructor.")
    return with_findings(samples.told(finding, 2, life=Life.TRANSIENT, gone_by=3))


def several_patches() -> SeriesReport:
    return with_findings(samples.told(samples.ignored_result(), 2), samples.told(samples.missing_dtor(), 3))


def outside_the_diff() -> SeriesReport:
    finding = replace(samples.old_mistake(), condition="CONFIG_MMU", assumption="The caller frees it with pte_free().")
    code = ((48, "\t\treturn NULL;"), (49, "\tpagetable_pte_ctor(ptdesc);"), (50, ""))
    return with_findings(samples.told(finding, 1, code=code))


def compile_error() -> SeriesReport:
    place = Location(samples.PAGEATTR, 67, "split_pud", "\tpmd_t *pmdp, *last;")
    finding = Finding("gcc.error", Severity.ERROR, place, "unknown type name 'pmd_t'; did you mean 'pud_t'?")
    return with_findings(samples.told(finding, 3, check="build"))


def long_path() -> SeriesReport:
    steps = tuple(Evidence(samples.PAGEATTR, 71 + step, f"step {step}") for step in range(12))
    return with_findings(samples.told(replace(samples.missing_dtor(), evidence=steps), 3))


def too_many() -> SeriesReport:
    finding = samples.missing_dtor()
    numbered = [replace(finding, message=f"Mistake {n}.", evidence=()) for n in range(MOST + 2)]
    return with_findings(*(samples.told(one, 3) for one in numbered))


def bare() -> SeriesReport:
    """Return a report that knows little: no base, no commands, no list."""
    kept = with_findings(samples.told(replace(samples.missing_dtor(), evidence=()), 3))
    return replace(kept, base=None, looked_at=(), not_looked_at=(), reproduce=(), lists=())


SITUATIONS: dict[str, Callable[[], SeriesReport]] = {
    "first-version": samples.first_version,
    "second-version": samples.second_version,
    "raised-again": raised_again,
    "transient": transient,
    "several-patches": several_patches,
    "outside-the-diff": outside_the_diff,
    "compile-error": compile_error,
    "long-path": long_path,
    "too-many": too_many,
    "bare": bare,
}


def warning() -> SeriesReport:
    """Return what a compiler warns of, and nothing else."""
    return with_findings(samples.told(samples.unused_variable(), 3, check="build"))


def in_a_configuration() -> SeriesReport:
    finding = replace(samples.missing_dtor(), condition="CONFIG_ARM64_64K_PAGES", evidence=())
    return with_findings(samples.told(finding, 3))


def partly_looked_at() -> SeriesReport:
    skipped = ("build defconfig: the compiler is not installed here.", "arch/x86/mm/pgtable.c: not of arm64.")
    return replace(warning(), looked_at=samples.report().looked_at[:1], not_looked_at=skipped)


def same_elsewhere() -> SeriesReport:
    """Return what a helper does wrong, with those who call it; one of them does so since the next patch."""
    helper = replace(samples.ignored_result(), evidence=(), condition="defined(CONFIG_MEMORY_HOTPLUG)")
    here = helper.location
    path = (Evidence("mm/a.c", 7, "calls: split_pmd(pmdp);"), Evidence(here.file, here.line, "constructs"))
    callers = [
        replace(
            helper,
            location=Location("mm/a.c", 7, name, "\tsplit_pmd(pmdp);"),
            message=f"{name}() fails.",
            evidence=path,
        )
        for name in ("one", "two")
    ]
    return with_findings(samples.told(helper, 2), *(samples.told(one, n, code=()) for n, one in enumerate(callers, 2)))


SITUATIONS |= {"warning": warning, "configuration": in_a_configuration, "partial": partly_looked_at}


def elsewhere() -> SeriesReport:
    """Return a mistake in a header that the patch does not touch, but comes of a line that it adds."""
    place = Location("arch/arm64/include/asm/stage2.h", 195, "stage2_free", "\tsplit_pud(pudp);")
    path = (
        Evidence(place.file, 195, "calls: split_pud(pudp);"),
        Evidence(samples.PAGEATTR, 75, "constructs: if (!pagetable_pmd_ctor(ptdesc)) {"),
    )
    message = "split_pud() constructs a table that is freed without its destructor."
    return with_findings(samples.told(Finding("C09", Severity.ERROR, place, message, path), 3, code=()))


SITUATIONS |= {"same-elsewhere": same_elsewhere, "elsewhere": elsewhere}
HEAD = Letterhead(SENDER, samples.SITE, "answers@example.org")


def third_version() -> SeriesReport:
    """Return a v3 without the finding that was told about v2."""
    second = samples.second_version()
    versions = (*second.versions, replace(second.versions[1], version=3))
    return replace(samples.report(2, gone=second.findings, versions=versions), version=3)


def clean() -> Draft:
    return compose_clean(third_version(), MAILS[samples.V2.format(1)], HEAD)


def alone() -> Draft:
    report = samples.first_version()
    return compose(several_patches(), report.patches[1], MAILS[samples.V1.format(3)], HEAD, alone=True)


def retraction() -> Draft:
    report = samples.second_version()
    words = letter.retraction(report.findings[0], "The lock is never split\r\nBcc: x@example.org", report, samples.SITE)
    return compose_note(report, report.findings, parse_message(drafted(report).raw), words, HEAD)


def mended() -> Draft:
    report = third_version()
    words = letter.mended(report.gone, report, samples.SITE)
    return compose_note(report, report.gone, parse_message(drafted(samples.second_version()).raw), words, HEAD)


def unapplied() -> Draft:
    return compose_unapplied(samples.does_not_apply(), MAILS[samples.V1.format(1)], HEAD)


def transient_elsewhere() -> Draft:
    """Return the letter about a mistake of a patch that is not the one answered, gone by the next patch."""
    second = transient().findings[0]
    report = with_findings(samples.told(samples.ignored_result(), 1, code=()), second)
    return compose(report, report.patches[2], MAILS[samples.V1.format(4)], HEAD)


def third_version_with_new() -> Draft:
    """Return the letter about a v3 that still has what v1 had, and a finding of its own."""
    second = samples.second_version()
    versions = (*second.versions, replace(second.versions[1], version=3))
    findings = (samples.told(samples.missing_dtor(86), 3), samples.told(samples.ignored_result(), 2, since=3))
    kept = samples.second_version(findings=findings, gone=(), versions=versions)
    report = replace(kept, version=3, message_id=samples.V2.format(1))
    return compose(report, report.patches[2], MAILS[samples.V2.format(4)], HEAD)


LETTERS: dict[str, Callable[[], Draft]] = {
    "clean": clean,
    "alone": alone,
    "retraction": retraction,
    "mended": mended,
    "unapplied": unapplied,
    "transient-elsewhere": transient_elsewhere,
    "third-version": third_version_with_new,
}


@pytest.mark.parametrize("name", [*SITUATIONS, *LETTERS])
def test_it_reads_as_the_golden_file(name: str) -> None:
    made = LETTERS[name]() if name in LETTERS else drafted(SITUATIONS[name]())
    same_as_golden(f"{name}.eml", made.raw.decode())


def test_a_clean_letter_goes_to_its_author_alone_and_a_note_to_whom_the_mail_went() -> None:
    assert [one.email for one in clean().recipients] == ["mara@example.org"]
    first = drafted(samples.second_version())
    assert retraction().recipients == first.recipients
    assert retraction().in_reply_to == first.message_id


def test_alone_a_patch_hears_of_its_own_findings_only() -> None:
    assert "split_pud" not in parse_message(alone().raw).body


@pytest.mark.parametrize("name", SITUATIONS)
def test_prose_is_wrapped_and_code_is_not(name: str) -> None:
    text = body(SITUATIONS[name]())
    prose = [line for line in text.split("\n") if not line.startswith((">", "  ", "On ", "https://"))]
    assert max(map(len, prose)) <= 72


def test_it_answers_the_patch_with_the_worst_finding() -> None:
    warning = samples.told(replace(samples.ignored_result(), severity=Severity.WARNING), 2)
    made = drafted(with_findings(warning, samples.told(samples.missing_dtor(), 3)))
    assert made.in_reply_to == samples.V1.format(4)
    assert drafted(several_patches()).in_reply_to == samples.V1.format(3)


def passing(check: str = "pgtable", *, inherited: bool = True) -> Told:
    """Return what is wrong from patch 2 to patch 3, at a line that patch 2 did not write."""
    fields = {"life": Life.TRANSIENT, "gone_by": 3, "inherited": inherited, "check": check}
    return samples.told(samples.ignored_result(), 2, **fields)


def test_what_a_series_makes_wrong_and_right_without_writing_it_is_not_told_unless_it_does_not_compile() -> None:
    assert draft(with_findings(passing()), MAILS, sender=SENDER, site_url=samples.SITE) is None
    for told in (passing("build"), passing(inherited=False)):
        assert drafted(with_findings(told)).in_reply_to == samples.V1.format(3)


def test_what_stays_comes_before_what_a_later_patch_mends() -> None:
    standing = samples.told(samples.missing_dtor(), 3)
    assert drafted(with_findings(passing(inherited=False), standing)).in_reply_to == samples.V1.format(4)


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
    seen = f"\nTo see the same, in {samples.report().base.describe}, commit adc218676eef:\n{apply}"
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


def test_it_stands_in_the_thread() -> None:
    made = drafted(samples.second_version())
    reply = parse_message(made.raw)
    assert reply.references == (samples.V2.format(1), samples.V2.format(4))
    assert reply.subject == made.subject == "Re: [PATCH v2 3/3] arm64: mm: split PUD blocks of the linear map"
    assert (reply.message_id, reply.in_reply_to) == (made.message_id, made.in_reply_to)
    assert [address.email for address in made.recipients] == [
        "mara@example.org",
        "linux-mm@kvack.org",
        "oke@example.org",
    ]


def test_what_the_thread_has_said_is_not_repeated() -> None:
    said = with_findings(samples.told(samples.ignored_result(), 2, said=samples.raised()))
    assert draft(said, MAILS, sender=SENDER, site_url=samples.SITE) is None


def test_what_was_raised_for_an_earlier_version_and_is_still_there_is_said_with_the_mail_that_raised_it() -> None:
    assert "Oke Brandt raised it for an earlier version:" in body(raised_again())


@pytest.mark.parametrize(
    "report",
    [
        samples.report(),
        samples.does_not_apply(),
        samples.report(preexisting=(samples.told(samples.old_mistake(), 0, life=Life.PRE_EXISTING),)),
        with_findings(samples.told(replace(samples.missing_dtor(), severity=Severity.NOTE), 3)),
        replace(samples.second_version(), patches=()),
    ],
    ids=["clean", "does not apply", "pre-existing only", "notes only", "no mail to answer"],
)
def test_there_is_no_mail_when_there_is_nothing_to_say(report: SeriesReport) -> None:
    assert draft(report, MAILS, sender=SENDER, site_url=samples.SITE) is None


def test_the_same_facts_give_the_same_bytes_and_other_facts_another_mail() -> None:
    one, again = drafted(samples.second_version()), drafted(samples.second_version())
    assert one == again
    other = drafted(samples.second_version(not_looked_at=()))
    assert other.message_id != one.message_id
    assert other.digest != one.digest


def b4_comments(report: SeriesReport) -> list[tuple[str, int, str]]:
    """Go the way of ``b4 review``: the reply is minimised, read, and put at its place in the real diff."""
    made = drafted(report)
    (reply,) = b4_mbox.minimize_thread([email.message_from_bytes(made.raw, policy=b4_mbox.b4.emlpolicy)])
    comments = b4_review._extract_comments_from_quoted_reply(reply.get_payload(decode=True).decode())
    patch = MAILS[made.in_reply_to].body
    b4_review._resolve_comment_positions(patch[find_diff(patch) :].partition("\n-- \n")[0], comments)
    return [(comment["path"], comment["line"], comment["text"]) for comment in comments]


def test_b4_shows_each_finding_at_its_line() -> None:
    path = f"b/{samples.PAGEATTR}"
    unused, freed, rest = b4_comments(samples.first_version())
    assert unused[:2] == (path, 67)
    assert unused[2].startswith("Since this patch, gcc warns in split_pud(): unused variable 'last'")
    assert freed[:2] == (path, 83)
    assert freed[2].startswith("Since this patch, split_pud() frees a table that was constructed")
    assert freed[2].endswith("line 83  and the table is freed")
    assert rest[2].startswith("Applied to linux-source-6.12")


def test_b4_shows_a_finding_elsewhere_at_the_added_line_that_it_comes_of() -> None:
    told, _ = b4_comments(elsewhere())
    assert told[:2] == (f"b/{samples.PAGEATTR}", 75)
    assert "\n\nAt arch/arm64/include/asm/stage2.h:195, in stage2_free():\n  line 195  calls" in told[2]


def test_a_finding_of_another_patch_is_not_put_at_a_line_of_this_one() -> None:
    comments = b4_comments(several_patches())
    assert [line for _, line, text in comments if "Since" in text.split("\n")[0]] == [31]
    assert 'Since patch 3 ("arm64: mm: split PUD blocks of the linear map"),' in body(several_patches())


def test_this_project_reads_its_own_reply_alike() -> None:
    made = drafted(samples.second_version())
    first = quoted_hunks(parse_message(made.raw), MAILS[made.in_reply_to])[0]
    assert (first.file, first.line) == (samples.PAGEATTR, 86)


def test_the_line_is_found_by_its_text_when_later_patches_have_moved_it() -> None:
    moved = with_findings(samples.told(samples.missing_dtor(line=1083), 3, code=()))
    assert "> +\t\tspin_unlock(&split_lock);\n> +\t\tpagetable_free(ptdesc);\n\nSince this patch" in body(moved)


ALIKE = """\
diff --git a/arch/arm64/mm/pageattr.c b/arch/arm64/mm/pageattr.c
--- a/arch/arm64/mm/pageattr.c
+++ b/arch/arm64/mm/pageattr.c
@@ -1,2 +1,15 @@ int before(void)
 #include <linux/mm.h>
 #include <linux/gfp.h>
+static int early(struct ptdesc *ptdesc)
+{
+	pagetable_free(ptdesc);
+	return 0;
+}
+
+#define drop(ptdesc) do {	\\
+	pagetable_free(ptdesc);	\\
+} while (0)
+static int late(struct ptdesc *ptdesc,
+		int order)
+{
+	pagetable_free(ptdesc);
@@ -40,1 +53,2 @@ static void last(void)
 {
+		pagetable_free(ptdesc);
"""


@pytest.mark.parametrize(("function", "line"), [("early", 5), ("late", 15), ("last", 54)])
def test_of_lines_that_read_alike_the_one_in_the_function_of_the_finding_is_meant(function: str, line: int) -> None:
    place = Location(samples.PAGEATTR, 7, function, "\tpagetable_free(ptdesc);")
    told = samples.told(replace(samples.missing_dtor(), location=place), 3, code=())
    parent = replace(MAILS[samples.V1.format(4)], body=ALIKE)
    made = draft(with_findings(told), MAILS | {parent.message_id: parent}, sender=SENDER, site_url=samples.SITE)
    assert made is not None
    assert quoted_hunks(parse_message(made.raw), parent)[0].line == line


def test_a_line_that_reads_alike_in_another_function_is_not_commented_on() -> None:
    place = Location(samples.PAGEATTR, 7, "elsewhere", "\tpagetable_free(ptdesc);")
    told = samples.told(replace(samples.missing_dtor(), location=place), 3, code=())
    parent = replace(MAILS[samples.V1.format(4)], body=ALIKE)
    made = draft(with_findings(told), MAILS | {parent.message_id: parent}, sender=SENDER, site_url=samples.SITE)
    assert made is not None
    assert parse_message(made.raw).body.startswith(f"{samples.PAGEATTR}:7, in elsewhere():\n\nSince this patch,")


def test_the_date_is_that_of_the_newest_mail_it_rests_on() -> None:
    late = samples.raised()[0]
    late = replace_date(late, days=3)
    findings = (samples.told(samples.ignored_result(), 2, said=(late,)), samples.told(samples.missing_dtor(), 3))
    assert parse_message(drafted(with_findings(*findings)).raw).date == late.date


def replace_date(said: samples.Said, days: int) -> samples.Said:
    return replace(said, date=said.date + timedelta(days=days))


def test_a_mail_stays_short_whatever_a_compiler_says() -> None:
    finding = replace(
        samples.missing_dtor(), message="word " * 100_000, evidence=(Evidence("a.c", 1, "x" * 9999),) * 99
    )
    made = drafted(with_findings(*[samples.told(finding, 3)] * 99))
    assert len(made.raw) < 40_000


ANYTHING = st.text(max_size=60)


@settings(max_examples=60)
@given(message=ANYTHING, function=ANYTHING, text=ANYTHING, author=ANYTHING, rule=ANYTHING)
def test_no_text_of_others_becomes_a_header_or_an_escape(
    message: str, function: str, text: str, author: str, rule: str
) -> None:
    place = Location(samples.PAGEATTR, 83, function, "\t\tpagetable_free(ptdesc);")
    step = Evidence(text, 3, text)
    finding = Finding(rule, Severity.ERROR, place, message, (step,), condition=text, assumption=text)
    report = with_findings(samples.told(finding, 3, code=((83, text),)))
    made = drafted(replace(report, author=author, looked_at=(text,), lists=(text,)))
    names = re.findall(rb"(?m)^([A-Za-z-]+):", made.raw.partition(b"\n\n")[0])
    assert names == [
        b"From", b"To", b"Cc", b"Subject", b"Date", b"Message-ID", b"In-Reply-To", b"References", b"Auto-Submitted",
        b"Precedence", b"Feedback-ID", b"List-Unsubscribe", b"X-Reviewbot-Series", b"X-Reviewbot-Version",
        b"X-Reviewbot-Verdict", b"X-Reviewbot-Base", b"X-Reviewbot-Findings", b"MIME-Version", b"Content-Type",
        b"Content-Transfer-Encoding",
    ]  # fmt: skip
    shown = parse_message(made.raw)
    assert shown.references == (samples.V1.format(1), samples.V1.format(4))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", shown.body)
