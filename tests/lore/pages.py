"""The same invented mail as the pages of four archives show it, and a thread."""

from __future__ import annotations

from reviewbot.lore.html import ArchivedPage, parse_pages


def read_page(html: bytes, url: str, content_type: str = "") -> ArchivedPage:
    """Return the one mail of a page."""
    (page,) = parse_pages(html, url, content_type)
    return page


HYPERMAIL = b"""\
<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN">
<html lang="en"><head>
<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">
<meta name="generator" content="hypermail 2.3.0, see http://www.hypermail-project.org/">
<title>Linux-Kernel Archive: Re: [PATCH 1/2] mm: check the constructor</title>
</head><body>
<h1>Re: [PATCH 1/2] mm: check the constructor</h1>
<!-- received="Tue Mar 04 06:20:41 2025" -->
<!-- isoreceived="20250304112041" -->
<!-- sent="Tue, 4 Mar 2025 12:15:00 +0100" -->
<!-- isosent="20250304111500" -->
<!-- name="Bob &quot;B&quot; Example" -->
<!-- email="bob@xxxxxxxxxxx" -->
<!-- subject="Re: [PATCH 1/2] mm: check the constructor" -->
<!-- id="20250304111500.2-bob@example.org" -->
<!-- charset="UTF-8" -->
<!-- inreplyto="20250304.1-ada@example.org" -->
<!-- expires="-1" -->
<b>From:</b> Bob "B" Example<br><b>Date:</b> Tue Mar 04 2025 - 06:15:00 EST<br>
<ul>
<li><b>Next message:</b> <a href="0102.html">Carol: "something else"</a></li>
<li><b>Previous message:</b> <a href="0100.html">Dave: "before"</a></li>
<li><b>In reply to:</b> <a href="../1903.0/0099.html">Ada Example: "[PATCH 1/2] mm: check the constructor"</a></li>
<li><b>Next in thread:</b> <a href="0110.html">Ada Example: "Re: [PATCH 1/2] mm: check the constructor"</a></li>
<li><b>Reply:</b> <a href="0110.html">Ada Example: "Re: [PATCH 1/2] mm: check the constructor"</a></li>
</ul>
<hr>
<!-- body="start" -->
<pre>
On Tue, Mar 04, 2025 at 10:00:00AM +0100, Ada Example wrote:
<i>&gt; +	if (!ctor(page)) {</i>
<i>&gt; +		return 0;</i>

Does this leak &lt;page&gt;?
</pre>
<!-- body="end" -->
<hr>
<ul><li><b>Next message:</b> <a href="0102.html">Carol: "something else"</a></li></ul>
</body></html>
"""

# the newer look of hypermail: paragraphs, breaks and hard blanks in place of pre
HYPERMAIL_PARAGRAPHS = HYPERMAIL.replace(
    b"""<pre>
On Tue, Mar 04, 2025 at 10:00:00AM +0100, Ada Example wrote:
<i>&gt; +	if (!ctor(page)) {</i>
<i>&gt; +		return 0;</i>

Does this leak &lt;page&gt;?
</pre>""",
    b"""<p>
On Tue, Mar 04, 2025 at 10:00:00AM +0100, Ada Example wrote:<br />
<span class="quotelev1">&gt; + if (!ctor(page)) {</span><br />
<span class="quotelev1">&gt; +&nbsp;&nbsp;&nbsp;return 0;</span><br />
</p>
<p>
Does this leak &lt;page&gt;?<br />
</p>""",
)

PUBLIC_INBOX = b"""\
<html><head><title>Re: [PATCH 1/2] mm: check the constructor - Bob Example</title></head><body><form
action="../"><pre><a
href="../?t=20250304111500"><b>Linux-mm Archive on example.org</b></a></pre></form><pre
id=b>From: Bob &#34;B&#34; Example &lt;bob@example.org&gt;
To: Ada Example &lt;ada@example.org&gt;
Cc: list@example.org,
	linux-mm@kvack.org
Subject: <a
href="#r"
id=t>Re: [PATCH 1/2] mm: check the constructor</a>
Date: Tue, 4 Mar 2025 12:15:00 +0100	<a
href="#r">[thread overview]</a>
Message-ID: &lt;20250304111500.2-bob@example.org&gt; (<a
href="raw">raw</a>)
In-Reply-To: &lt;<a
href="../20250304.1-ada@example.org/">20250304.1-ada@example.org</a>&gt;

On Tue, Mar 04, 2025 at 10:00:00AM +0100, Ada Example wrote:
<span
class="q">&gt; +	if (!ctor(page)) {
&gt; +		return 0;
</span>
Does this leak &lt;page&gt;?

</pre><hr><pre><a
href="../20250304.3-ada@example.org/"
rel=next>next</a> <a
href="#R">reply</a>	other threads:[<a
href="../">newest</a>]

<b>Thread overview: </b>6+ messages / expand[<a
href="T/#u">flat</a>]  <a
href="#b">top</a>
2025-03-04  9:00 <a
href="../20250304.0-ada@example.org/">[PATCH 0/2] mm: late tables</a> Ada Example
2025-03-04  9:00 ` <a
href="../20250304.1-ada@example.org/">[PATCH 1/2] mm: check the constructor</a> Ada Example
<b>2025-03-04 11:15   ` <a
id=r
href="#t">Bob Example [this message]</a></b>
2025-03-04 12:00     ` <a
href="../20250304.3-ada@example.org/">Ada Example</a>
2025-03-04 13:00       ` <a
href="../20250304.4-bob@example.org/">Bob Example</a>
                     ` <a
href="../20250304.5-carol@example.org/">Carol Example</a>
2025-03-04  9:00 ` <a
href="../20250304.2-ada@example.org/">[PATCH 2/2] mm: destroy</a> Ada Example
</pre></body></html>
"""

MHONARC = b"""\
<!-- MHonArc v2.6.19+ -->
<!--X-Subject: Re: [PATCH 1/2] mm: check the constructor -->
<!--X-From-R13: Pbo Sknzcyr <oboNrknzcyr.bet> -->
<!--X-Date: Tue, 4 Mar 2025 12:15:00 +0100 -->
<!--X-Message-Id: 20250304111500.2&#45;bob@example.org -->
<!--X-Content-Type: text/plain -->
<!--X-Reference: 20250304.0&#45;ada@example.org -->
<!--X-Reference: 20250304.1&#45;ada@example.org -->
<!--X-Head-End-->
<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.0 Transitional//EN">
<html><head><title>Re: [PATCH 1/2] mm: check the constructor</title></head><body>
<!--X-Body-Begin-->
<hr><h1>Re: [PATCH 1/2] mm: check the constructor</h1>
<!--X-Head-of-Message-->
<ul><li><em>Subject</em>: Re: [PATCH 1/2] mm: check the constructor</li></ul>
<!--X-Head-of-Message-End-->
<!--X-Head-Body-Sep-Begin--><hr><!--X-Head-Body-Sep-End-->
<!--X-Body-of-Message-->
<pre>On Tue, Mar 04, 2025 at 10:00:00AM +0100, Ada Example wrote:
&gt; +	if (!ctor(page)) {
&gt; +		return 0;

Does this leak &lt;page&gt;?
</pre>
<!--X-Body-of-Message-End-->
<!--X-MsgBody-End-->
<!--X-Follow-Ups-->
<hr>
<ul><li><strong>Follow-Ups</strong>:
<ul>
<li><strong><a name="00012" href="msg00012.html">Re: [PATCH 1/2] mm: check the constructor</a></strong>
<ul><li><em>From:</em> Ada Example</li></ul></li>
</ul></li></ul>
<!--X-Follow-Ups-End-->
<!--X-References-->
<ul><li><strong>References</strong>:
<ul>
<li><strong><a name="00009" href="msg00009.html">[PATCH 0/2] mm: late tables</a></strong></li>
<li><strong><a name="00010" href="msg00010.html">[PATCH 1/2] mm: check the constructor</a></strong></li>
</ul></li></ul>
<!--X-References-End-->
</body></html>
"""

MARC = b"""\
<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN">
<html><head><title>'Re: [PATCH 1/2] mm: check the constructor' - MARC</title></head>
<body bgcolor="beige">
<pre><b>[<a href="?l=linux-mm&amp;m=1">prev in list</a>] [<a href="?l=linux-mm&amp;m=2&amp;w=2">next in list</a>]
</b>
<b>List:       <a href="?l=linux-mm&amp;r=1&amp;w=2">linux-mm</a>
Subject:    <a href="?t=1&amp;r=1&amp;w=2">Re: [PATCH 1/2] mm: check the constructor</a>
From:       <a href="?a=1&amp;r=1&amp;w=2">Bob Example &lt;bob () example ! org&gt;</a>
Date:       <a href="?l=linux-mm&amp;b=202503">2025-03-04 11:15:00</a>
Message-ID: <a href="?i=20250304111500.2-bob">20250304111500.2-bob () example ! org</a></b>
[Download RAW <a href="?q=mbox">message</a> or <a href="?q=raw">body</a>]

On Tue, Mar 04, 2025 at 10:00:00AM +0100, Ada Example wrote:
&gt; +	if (!ctor(page)) {
&gt; +		return 0;

Does this leak &lt;page&gt;?
<b>[<a href="?l=linux-mm&amp;m=1&amp;w=2">prev in list</a>] [<a href="?l=linux-mm&amp;m=2&amp;w=2">next in list</a>]</b>
</pre></body></html>
"""

PUBLIC_INBOX_THREAD = b"""\
<html><head><title>[PATCH 0/2] mm: late tables</title></head><body><form
action="../../"><pre><a
href="../../?t=1"><b>public inbox</b></a></pre></form><pre><a
href=#e0000000000000000000000000000000000000001
id=m0000000000000000000000000000000000000001>*</a> <b>[PATCH 1/2] mm: check the constructor</b>
<b>@ 2025-03-04  9:00 ` Ada Example</b>
  <a
href=#r0000000000000000000000000000000000000001>0 siblings, 1 reply; 4+ messages in thread</a>
From: Ada Example @ 2025-03-04  9:00 UTC (<a
href="../../20250304.1-ada@example.org/">permalink</a> / <a
href="../../20250304.1-ada@example.org/raw">raw</a>)
  To: Ada Example
  Cc: list, linux-mm

Check &lt;it&gt;.
---
 <a
id=ix
href=#x>mm/a.c</a> | 2 +-

<span
class="head"><a
href=#ix
id=x>diff</a> --git a/mm/a.c b/mm/a.c
--- a/mm/a.c
+++ b/mm/a.c
</span><span
class="hunk">@@ -1 +1 @@
</span><span
class="del">-a
</span><span
class="add">+b
</span>--&#32;
2.39.5


<a
href=#m0000000000000000000000000000000000000001
id=e0000000000000000000000000000000000000001>^</a> <a
href="../../20250304.1-ada@example.org/">permalink</a> <a
href="../../20250304.1-ada@example.org/raw">raw</a> <a
href="../../20250304.1-ada@example.org/#R">reply</a>	[<a
href="../../20250304.1-ada@example.org/T/#u"><b>flat</b></a>|<a
href="../../20250304.1-ada@example.org/t/#u">nested</a>] <a
href=#r0000000000000000000000000000000000000001>4+ messages in thread</a></pre><hr><pre><a
href=#e0000000000000000000000000000000000000002
id=m0000000000000000000000000000000000000002>*</a> <b>Re: [PATCH 1/2] mm: check the constructor</b>
<b>@ 2025-03-04 11:15   ` Bob &#34;B&#34; Example</b>
  <a
href=#r0000000000000000000000000000000000000002>0 siblings, 1 reply; 4+ messages in thread</a>
From: Bob &#34;B&#34; Example @ 2025-03-04 11:15 UTC (<a
href="../../20250304111500.2-bob@example.org/">permalink</a> / <a
href="../../20250304111500.2-bob@example.org/raw">raw</a>)
  To: Ada Example
  Cc: list, linux-mm

On Tue, Mar 04, 2025 at 10:00:00AM +0100, Ada Example wrote:
<span
class="q">&gt; +	if (!ctor(page)) {
&gt; +		return 0;
</span>
Does this leak &lt;page&gt;?


<a
href=#m0000000000000000000000000000000000000002
id=e0000000000000000000000000000000000000002>^</a> <a
href="../../20250304111500.2-bob@example.org/">permalink</a> <a
href="../../20250304111500.2-bob@example.org/raw">raw</a> <a
href="../../20250304111500.2-bob@example.org/#R">reply</a>	[<a
href="../../20250304111500.2-bob@example.org/T/#u"><b>flat</b></a>|<a
href="../../20250304111500.2-bob@example.org/t/#u">nested</a>] <a
href=#r0000000000000000000000000000000000000002>4+ messages in thread</a></pre><hr><pre><a
href=#e0000000000000000000000000000000000000003
id=m0000000000000000000000000000000000000003>*</a> <b>Re: [PATCH 1/2] mm: check the constructor</b>
<b>@ 2025-03-04 12:00     ` Carol Example</b>
  <a
href=#r0000000000000000000000000000000000000003>0 siblings, 1 reply; 4+ messages in thread</a>
From: Carol Example @ 2025-03-04 12:00 UTC (<a
href="../../20250304.3%2Fx%2By@example.org/">permalink</a> / <a
href="../../20250304.3%2Fx%2By@example.org/raw">raw</a>)
  To: Ada Example
  Cc: list, linux-mm

From: Mallory @ 2025-01-01 10:00 UTC (permalink / raw)

No.


<a
href=#m0000000000000000000000000000000000000003
id=e0000000000000000000000000000000000000003>^</a> <a
href="../../20250304.3%2Fx%2By@example.org/">permalink</a> <a
href="../../20250304.3%2Fx%2By@example.org/raw">raw</a> <a
href="../../20250304.3%2Fx%2By@example.org/#R">reply</a>	[<a
href="../../20250304.3%2Fx%2By@example.org/T/#u"><b>flat</b></a>|<a
href="../../20250304.3%2Fx%2By@example.org/t/#u">nested</a>] <a
href=#r0000000000000000000000000000000000000003>4+ messages in thread</a></pre><hr><pre><a
href=#e0000000000000000000000000000000000000004
id=m0000000000000000000000000000000000000004>*</a> <b>Re: [PATCH 9/9] lost</b>
<b>@ 2025-03-05 12:00   ` Dan Example</b>
  <a
href=#r0000000000000000000000000000000000000004>0 siblings, 1 reply; 4+ messages in thread</a>
From: Dan Example @ 2025-03-05 12:00 UTC (<a
href="../../20250305.4-dan@example.org/">permalink</a> / <a
href="../../20250305.4-dan@example.org/raw">raw</a>)
  To: Ada Example
  Cc: list, linux-mm

I answer a mail that is not here.


<a
href=#m0000000000000000000000000000000000000004
id=e0000000000000000000000000000000000000004>^</a> <a
href="../../20250305.4-dan@example.org/">permalink</a> <a
href="../../20250305.4-dan@example.org/raw">raw</a> <a
href="../../20250305.4-dan@example.org/#R">reply</a>	[<a
href="../../20250305.4-dan@example.org/T/#u"><b>flat</b></a>|<a
href="../../20250305.4-dan@example.org/t/#u">nested</a>] <a
href=#r0000000000000000000000000000000000000004>4+ messages in thread</a></pre><hr><pre>end of thread, other threads:[<a
href="../../">newest</a>]

<b
id=t>Thread overview:</b> 4+ messages (download: <a
href="../t.mbox.gz">mbox.gz</a>)
-- links below jump to the message on this page --
2025-03-04  9:00 <a
href="#m0000000000000000000000000000000000000001"
id=r0000000000000000000000000000000000000001>[PATCH 1/2] mm: check the constructor</a> Ada Example
2025-03-04 11:15 ` <a
href="#m0000000000000000000000000000000000000002"
id=r0000000000000000000000000000000000000002>Bob &#34;B&#34; Example</a>
2025-03-04 12:00   ` <a
href="#m0000000000000000000000000000000000000003"
id=r0000000000000000000000000000000000000003>Carol Example</a>
     [not found] ` &lt;<a
href="../../gone@example.org/">gone@example.org</a>&gt;
2025-03-05 12:00   ` <a
href="#m0000000000000000000000000000000000000004"
id=r0000000000000000000000000000000000000004>Dan Example</a>
</pre><hr><pre>This is a public inbox</pre></body></html>
"""
