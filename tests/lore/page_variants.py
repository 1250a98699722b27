# ruff: noqa: E501 - tables
"""The same invented mail as other versions and other keepers of the four archives show it."""

from __future__ import annotations

from tests.lore.pages import HYPERMAIL, MARC, MHONARC

_QUOTE = b"""\
On Tue, Mar 04, 2025 at 10:00:00AM +0100, Ada Example wrote:
&gt; +	if (!ctor(page)) {
&gt; +		return 0;

Does this leak &lt;page&gt;?
"""

# lkml.iu.edu since 2003: MHonArc that looks like hypermail, with every domain replaced by as many x
LKML = b"""\
<!-- MHonArc v2.6.19+ -->
<!--X-Subject: Re: [PATCH 1/2] mm: check the constructor -->
<!--X-From-R13: Pbo Sknzcyr <oboNkkkkkkkkkkk> -->
<!--X-Date: Tue, 4 Mar 2025 12:15:00 +0100 -->
<!--X-Message-Id: 20250304111500.2&#45;bob@xxxxxxxxxxx -->
<!--X-Content-Type: text/plain -->
<!--X-Reference: 20250304.1&#45;ada@xxxxxxxxxxx -->
<!--X-Head-End-->
<html><head><title>Linux-Kernel Archive: Re: [PATCH 1/2] mm: check the constructor</title>
<meta name="Author" content="Bob Example &lt;bob@xxxxxxxxxxx&gt;">
<meta name="Subject" content="Re: [PATCH 1/2] mm: check the constructor">
</head><body>
<h1>Re: [PATCH 1/2] mm: check the constructor</h1>
<strong>From: </strong> Bob Example<br><strong>Date: </strong> Tue Mar 04 2025 - 06:15:00 EST<br>
<ul>
<li><strong>Next message: </strong><a href="0102.html">Carol: "something else"</a></li>
<li><strong>In reply to: </strong><a href="0099.html">Ada Example: "[PATCH 1/2] mm: check the constructor"</a></li>
<li><strong>Next in thread: </strong><a href="0110.html">Ada Example: "Re: [PATCH 1/2] mm: check"</a></li>
</ul>
<hr>
<!--X-Head-of-Message-End-->
<!--X-Body-of-Message-->
<pre>""" + _QUOTE + b"""</pre>
<!--X-Body-of-Message-End-->
<!--X-MsgBody-End-->
<hr><ul><li><strong>Next message: </strong><a href="0102.html">Carol: "something else"</a></li></ul>
</body></html>
"""  # fmt: skip

# spinics.net: MHonArc's own look, domains hidden
SPINICS = b"""\
<!-- MHonArc v2.6.19+ -->
<!--X-Subject: Re: [PATCH 1/2] mm: check the constructor -->
<!--X-From-R13: Pbo Sknzcyr <oboNrknzcyr.bet> -->
<!--X-Date: Tue, 4 Mar 2025 12:15:00 +0100 -->
<!--X-Message-Id: 20250304111500.2&#45;bob@example.org -->
<!--X-Reference: 20250304.1&#45;ada@example.org -->
<!--X-Head-End-->
<html><head><title>Re: [PATCH 1/2] mm: check the constructor &mdash; Linux Memory Management</title></head><body>
<!--X-Body-Begin-->
<p>[<a href="msg00012.html">Date Prev</a>][<a href="msg00013.html">Date Next</a>]</p>
<!--X-Subject-Header-Begin--><h1>Re: [PATCH 1/2] mm: check the constructor</h1><!--X-Subject-Header-End-->
<!--X-Head-of-Message-->
<ul>
<li><em>To</em>: Ada Example &lt;<a href="mailto:ada@DOMAIN.HIDDEN">ada@xxxxxxxxxxx</a>&gt;</li>
<li><em>From</em>: Bob Example &lt;<a href="mailto:bob@DOMAIN.HIDDEN">bob@xxxxxxxxxxx</a>&gt;</li>
<li><em>Date</em>: Tue, 4 Mar 2025 12:15:00 +0100</li>
<li><em>In-reply-to</em>: &lt;<a href="msg00010.html">20250304.1-ada@xxxxxxxxxxx</a>&gt;</li>
</ul>
<!--X-Head-of-Message-End-->
<!--X-Head-Body-Sep-Begin--><hr><!--X-Head-Body-Sep-End-->
<!--X-Body-of-Message-->
<pre>""" + _QUOTE + b"""</pre>
<!--X-Body-of-Message-End-->
<!--X-MsgBody-End-->
<!--X-Follow-Ups-->
<hr><ul><li><strong>Follow-Ups</strong>:<ul>
<li><strong><a name="00012" href="msg00012.html">Re: [PATCH 1/2] mm: check</a></strong>
<ul><li><em>From:</em> Ada Example</li></ul></li></ul></li></ul>
<!--X-Follow-Ups-End-->
<!--X-References-->
<ul><li><strong>References</strong>:<ul>
<li><strong><a name="00009" href="msg00009.html">[PATCH 0/2] mm: late tables</a></strong></li>
<li><strong><a name="00010" href="msg00010.html">[PATCH 1/2] mm: check the constructor</a></strong></li>
</ul></li></ul>
<!--X-References-End-->
</body></html>
"""  # fmt: skip

# MHonArc before 2.4: no mark at the end of the body, definition lists, the sender in clear
OLD_MHONARC = (
    MHONARC.replace(b"X-From-R13: Pbo Sknzcyr <oboNrknzcyr.bet>", b"X-From: Bob Example <bob@example.org>")
    .replace(b"<!--X-Body-of-Message-End-->\n", b"")
    .replace(b"<ul><li><strong>Follow-Ups</strong>:\n<ul>", b"<DL><DT><B>Follow-Ups from:</B><DD><ul>")
    .replace(b"<ul><li><strong>References</strong>:\n<ul>", b"<DL><DT><B>References:</B><DD><ul>")
)

# fancyquote: quotes are boxes, and lose their marks
FANCY_MHONARC = MHONARC.replace(
    b"&gt; +	if (!ctor(page)) {\n&gt; +		return 0;\n",
    b'</pre><blockquote style="border-left: #5555EE solid 0.2em"><pre style="margin: 0em;">\n'
    b"+	if (!ctor(page)) {\n+		return 0;\n</pre></blockquote><pre>",
)

MAIL_ARCHIVE = b"""\
<!DOCTYPE html>
<html lang="en">
<head>
<title>Re: [PATCH 1/2] mm: check the constructor</title>
<link rel="canonical" href="https://www.mail-archive.example.org/linux-mm@example.org/msg00011.html">
</head>
<body itemscope itemtype="http://schema.org/Article">
<!--X-Body-Begin-->
<div class="page">
<div class="msgHead">
<h1><span class="subject"><a href="/search?q=subject" rel="nofollow"><span itemprop="name">Re: [PATCH 1/2] mm: check the constructor</span></a></span></h1>
<p class="darkgray font13">
<span class="sender pipe"><a href="/search?q=from"><span itemprop="author" itemscope itemtype="http://schema.org/Person"><span itemprop="name">Bob Example</span></span></a></span>
<span class="date"><a href="/search?q=date">Tue, 04 Mar 2025 03:15:00 -0800</a></span>
</p>
</div>
<div itemprop="articleBody" class="msgBody">
<!--X-Body-of-Message-->
<pre>""" + _QUOTE + b"""</pre>
<!--X-Body-of-Message-End-->
<!--X-MsgBody-End-->
</div>
<div class="tSliceList margintopdouble">
<ul class="icons monospace">
<li class="icons-email"><span class="subject"><a href="msg00009.html">[PATCH 0/2] mm: late tables</a></span> <span class="sender italic">Ada Example</span></li>
<li><ul>
<li class="icons-email"><span class="subject"><a href="msg00010.html">[PATCH 1/2] mm: check the constructor</a></span></li>
<li><ul>
<li class="icons-email tSliceCur"><span class="subject">Re: [PATCH 1/2] mm: check the constructor</span></li>
<li><ul>
<li class="icons-email"><span class="subject"><a href="msg00012.html">Re: [PATCH 1/2] mm: check</a></span></li>
<li><ul>
<li class="icons-email"><span class="subject"><a href="msg00013.html">Re: [PATCH 1/2] mm: check</a></span></li>
</ul></li>
</ul></li>
</ul></li>
<li class="icons-email"><span class="subject"><a href="msg00014.html">[PATCH 2/2] mm: destroy</a></span></li>
</ul></li>
</ul>
</div>
<form method="POST" action="/mailto.php">
<input type="hidden" name="subject" value="Re: [PATCH 1/2] mm: check the constructor">
<input type="hidden" name="msgid" value="20250304111500.2-bob@example.org">
</form>
</div>
</body></html>
"""  # fmt: skip

# hypermail 2.2 and later, as lists.w3.org had it
HYPERMAIL_3 = HYPERMAIL.replace(
    b"<pre>\nOn Tue",
    b"""<div class="mail">
<address class="headers">
<span id="from"><dfn>From</dfn>: Bob &lt;<a href="mailto:bob@example.org">bob@example.org</a>&gt;</span><br />
<span id="date"><dfn>Date</dfn>: Tue, 4 Mar 2025 12:15:00 +0100</span><br />
</address>
<pre id="body">
<a name="start" accesskey="j" id="start"></a>On Tue""",
).replace(
    b"</pre>\n<!--", b'</pre>\n<span id="received"><dfn>Received on</dfn> Tuesday, 4 March 2025</span>\n</div>\n<!--'
)
HYPERMAIL_3 = HYPERMAIL_3.replace(b"<li><b>In reply to:</b>", b'<li><span class="heading">In reply to</span>:').replace(
    b"<li><b>Reply:</b>", b'<li><span class="heading">Reply</span>:'
)

# addresses spelled out, list entries that nobody closed
HYPERMAIL_AT = (
    HYPERMAIL.replace(b"bob@xxxxxxxxxxx", b"bob_at_[hidden]")
    .replace(b"2-bob@example.org", b"2-bob_at_example.org")
    .replace(b"1-ada@example.org", b"1-ada_at_example.org")
    .replace(b"</li>", b"")
)

MARC_OLD = MARC.replace(b"[Download RAW", b"[Download message RAW]").replace(
    b'<a href="?q=mbox">message</a> or <a href="?q=raw">body</a>]', b""
).replace(b"<b>List:", b'<b><font size="+1">\nList:').replace(b"org</a></b>", b"org</a></font></b>")  # fmt: skip
MARC_BARE = MARC.replace(b'[Download RAW <a href="?q=mbox">message</a> or <a href="?q=raw">body</a>]\n', b"")
