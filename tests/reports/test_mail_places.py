"""The lines beneath which a reply says something, as b4 and this project read it."""

from __future__ import annotations

import email
from dataclasses import replace

import pytest
from b4 import mbox as b4_mbox
from b4.review import _review as b4_review

from reviewbot.findings import Location
from reviewbot.mail.diff import find_diff
from reviewbot.mail.parse import parse_message
from reviewbot.mail.quoting import quoted_hunks
from reviewbot.reports.facts import SeriesReport
from reviewbot.reports.mail import draft
from tests.reports import samples
from tests.reports.situations import MAILS, SENDER, body, drafted, elsewhere, several_patches, with_findings


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
