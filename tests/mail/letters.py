"""Invented mails for the tests of this room."""

from __future__ import annotations

import base64
import quopri

from reviewbot.mail.message import Message
from reviewbot.mail.parse import parse_message

_BODY = """\
Check what the constructor says, and give the page back when it fails.

Signed-off-by: Ada Example <ada@example.org>
---
 mm/late.c | 6 +++++-
 1 file changed, 5 insertions(+), 1 deletion(-)

diff --git a/mm/late.c b/mm/late.c
index 1111111..2222222 100644
--- a/mm/late.c
+++ b/mm/late.c
@@ -20,9 +20,13 @@ static phys_addr_t late_alloc(void)
 {
 \tstruct page *page = alloc_page(GFP_KERNEL);
~
-\tctor(page);
+\tif (!ctor(page)) {
+\t\t__free_page(page);
+\t\treturn 0;
+\t}
+
 \tif (!page)
 \t\treturn 0;
~
 \treturn page_to_phys(page);
 }
@@ -60,4 +64,5 @@ static void late_free(phys_addr_t phys)
 \tstruct page *page = phys_to_page(phys);
~
+\tdtor(page);
 \t__free_page(page);
 }
--~
2.39.5
"""
PATCH_BODY = _BODY.replace("~", " ")  # blanks at the end of a line would not survive an editor


def letter(body: str | bytes = "Hello.\n", /, **fields: str) -> bytes:
    """Return a mail; ``in_reply_to="<a@b>"`` and the like set fields, and ``None`` leaves one out."""
    head = {
        "From": "Ada Example <ada@example.org>",
        "To": "list@example.org",
        "Subject": "[PATCH] mm: check the constructor",
        "Date": "Tue, 4 Mar 2025 10:00:00 +0100",
        "Message-ID": "<one@example.org>",
    }
    head |= {name.replace("_", "-").title().replace("-Id", "-ID"): value for name, value in fields.items()}
    lines = "".join(f"{name}: {value}\n" for name, value in head.items() if value is not None)
    return lines.encode() + b"\n" + (body.encode() if isinstance(body, str) else body)


def mail(body: str = "Hello.\n", /, **fields: str) -> Message:
    """Return the same, parsed."""
    return parse_message(letter(body, **fields))


def large_patch(content: str, encoding: str = "8bit") -> bytes:
    """Return a patch that makes a file of many lines.

    :param encoding: how the body is transferred (RFC 2045).
    """
    count = content.count("\n")
    body = (
        "Bring the table.\n\nSigned-off-by: Ada Example <ada@example.org>\n---\n"
        f" lib/table.h | {count} +\n 1 file changed, {count} insertions(+)\n\n"
        "diff --git a/lib/table.h b/lib/table.h\nnew file mode 100644\nindex 000000000000..111111111111\n"
        f"--- /dev/null\n+++ b/lib/table.h\n@@ -0,0 +1,{count} @@\n"
        + "".join(f"+{line}\n" for line in content.split("\n")[:-1])
        + "-- \n2.39.5\n"
    ).encode()
    encode = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, bytes)
    head = {
        "From": "Ada Example <ada@example.org>",
        "Date": "Tue, 4 Mar 2025 10:00:00 +0100",
        "Message-ID": "<table@example.org>",
        "Subject": "[PATCH] lib: bring the table",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": encoding,
    }
    return "".join(f"{name}: {value}\n" for name, value in head.items()).encode() + b"\n" + encode(body)
