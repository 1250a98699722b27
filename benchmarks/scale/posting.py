"""Any number of series on a small kernel, each by somebody else and each with its own mistake, and talk in between."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
_FILE = "mm/scale_{number}.c"
_BODY = """\
#include <linux/mm.h>

int scale_{number}(void)
{{
	struct ptdesc *ptdesc = pagetable_alloc(GFP_KERNEL, 0);

	if (!ptdesc)
		return -ENOMEM;
	{mistake}
	return {number};
}}
"""
_MISTAKES = (
    "pagetable_pte_ctor(ptdesc);",
    "if (!pagetable_pte_ctor(ptdesc))\n\t\treturn -ENOMEM;",
    "if (!pagetable_pte_ctor(ptdesc)) {\n\t\tpagetable_free(ptdesc);\n\t\treturn -ENOMEM;\n\t}",
    "pagetable_free(ptdesc);",
)


def mails(series: int, patches: int, replies: int, seed: int) -> Iterator[bytes]:
    """Yield the mails of a day: every series with its patches, then replies to it.

    :param series: how many.
    :param patches: of each.
    :param replies: to each.
    """
    chance = random.Random(seed)
    for number in range(series):
        root = f"{number}-1@author{number}.example.org"
        author = f"Author {number} <author@author{number}.example.org>"
        for patch in range(1, patches + 1):
            parent = "" if patch == 1 else root
            name = number * patches + patch
            text = _patch(name, chance.choice(_MISTAKES))
            subject = f"[PATCH {patch}/{patches}] mm: add scale_{name}()"
            yield _mail(f"{number}-{patch}@author{number}.example.org", author, subject, text, number, parent)
        for reply in range(replies):
            who = f"Reviewer {reply} <reviewer{reply}@example.org>"
            yield _mail(f"r{number}-{reply}@example.org", who, f"Re: [PATCH 1/{patches}] mm", "Why?\n", number, root)


def _patch(name: int, mistake: str) -> str:
    path = _FILE.format(number=name)
    lines = _BODY.format(number=name, mistake=mistake).splitlines()
    added = "".join(f"+{line}\n" for line in lines)
    return (
        f"Say what it is for.\n\nSigned-off-by: A <a@example.org>\n---\n {path} | {len(lines)} +\n"
        f" 1 file changed, {len(lines)} insertions(+)\n create mode 100644 {path}\n\n"
        f"diff --git a/{path} b/{path}\nnew file mode 100644\nindex 000000000000..111111111111\n"
        f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{len(lines)} @@\n{added}--\n2.47.0\n"
    )


def _mail(name: str, author: str, subject: str, text: str, minute: int, parent: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = author, "linux-mm@kvack.org", subject
    mail["Date"] = format_datetime(START + timedelta(minutes=minute))
    mail["Message-ID"] = f"<{name}>"
    mail["List-Id"] = "<linux-mm.kvack.org>"
    if parent:
        mail["In-Reply-To"] = mail["References"] = f"<{parent}>"
    mail.set_content(text, cte="8bit")
    return mail.as_bytes()
