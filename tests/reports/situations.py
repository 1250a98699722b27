"""Situations that a reply is written in, each as a report, and the letters that are no replies to findings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reviewbot.findings import Evidence, Finding, Location, Severity
from reviewbot.mail.message import Address
from reviewbot.mail.parse import parse_message
from reviewbot.reports import letter
from reviewbot.reports.facts import Life, SeriesReport, Told, Verdict
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
    finding = Finding("C09", Severity.ERROR, place, message, path)
    there = replace(
        finding, location=place._replace(file="mm/a.c", function="drop"), message="drop() frees it so, too."
    )
    return with_findings(samples.told(finding, 3, code=()), samples.told(there, 3, code=()))


SITUATIONS |= {"same-elsewhere": same_elsewhere, "elsewhere": elsewhere}


def two_compilers() -> SeriesReport:
    """Return a line that neither compiler takes, each in its own words."""
    gcc = compile_error().findings[0]
    clang = replace(gcc.finding, rule="clang.error", message="use of undeclared identifier 'pmd_t'")
    return with_findings(gcc, replace(gcc, finding=clang))


SITUATIONS |= {"two-compilers": two_compilers}
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


RENAMED = """\
Tables are freed by who made them.

---
diff --git a/mm/tabl.c b/mm/tables.c
similarity index 90%
rename from mm/tabl.c
rename to mm/tables.c
--- a/mm/tabl.c
+++ b/mm/tables.c
@@ -10,9 +10,9 @@ static void early(struct table *table)
 {
 \tif (!table)
 \t\treturn;
-\ttable_dtor(table);
 \ttable_put(table, "LONG");
 \ttable_free(table);
+\tearly_count--;
 }

 static void late(struct table *table)
"""


def renamed() -> Draft:
    """Return the letter about a destructor that is taken away, in a file that gets another name, with endless lines."""
    parent = replace(
        MAILS[samples.V1.format(4)],
        author=Address("Øyvind Nørgård-Þórsson", "oyvind@example.org"),
        subject="[PATCH 3/3] mm/tables: " + "leave the destructor of each table to whoever constructed it, " * 3,
        body=RENAMED.replace("LONG", "x" * 1100),
    )
    place = Location("mm/tables.c", 14, "early", "\ttable_free(table);")
    finding = Finding("C06", Severity.ERROR, place, "early() frees a table without its destructor.")
    report = with_findings(samples.told(finding, 3, code=()))
    return compose(report, report.patches[2], parent, HEAD)


LETTERS: dict[str, Callable[[], Draft]] = {
    "clean": clean,
    "alone": alone,
    "retraction": retraction,
    "mended": mended,
    "unapplied": unapplied,
    "transient-elsewhere": transient_elsewhere,
    "third-version": third_version_with_new,
    "renamed": renamed,
}
