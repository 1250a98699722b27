"""What the templates need: addresses, dates, and lines of code with anchors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from reviewbot.mail.parse import is_derived
from reviewbot.reports import rules, sentences
from reviewbot.reports.facts import PatchFacts, State, Told, Verdict
from reviewbot.reports.terminal import visible
from reviewbot.series.rangediff import RangeLine
from threads import links
from threads.models import Series
from threads.views.diffs import Line

register = template.Library()

register.simple_tag(links.to_series, name="series_url")
register.simple_tag(links.to_patch, name="patch_url")
register.simple_tag(links.to_message, name="message_url")
register.simple_tag(links.to_list, name="list_url")
register.simple_tag(links.to_status, name="status_url")
register.simple_tag(links.to_finding, name="finding_url")
register.simple_tag(links.to_thread, name="thread_url")
register.simple_tag(links.to_author, name="author_url")
register.simple_tag(links.to_file, name="file_url")
register.simple_tag(links.to_comparison, name="comparison_url")
register.filter("run_url", links.to_run)
register.filter("rule_url", links.to_rule)
register.filter("msgid", links.msgid)
register.filter("rule_name", rules.full_name)
register.filter("base_name", sentences.base_name)
register.filter("known_by", sentences.known_by)
register.filter("verdict_word", sentences.verdict_word)


@register.filter
def when(date: datetime | None) -> SafeString:
    """Show a moment as date and time, UTC."""
    if date is None:
        return mark_safe("never")
    moment = timezone.localtime(date, timezone.get_default_timezone())
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), f"{moment:%Y-%m-%d %H:%M}")


@register.filter
def age(date: datetime | None) -> SafeString:
    """Show how long ago a moment was, short: ``5 min``, ``3 h``, ``12 d``; the date stands in the title."""
    if date is None:
        return mark_safe("never")
    minutes = max(0, int((timezone.now() - date).total_seconds() // 60))
    if minutes < 60:
        text = f"{minutes} min"
    elif minutes < 48 * 60:
        text = f"{minutes // 60} h"
    elif minutes < 700 * 24 * 60:
        text = f"{minutes // (24 * 60)} d"
    else:
        text = f"{date:%Y-%m}"
    return format_html('<time datetime="{}" title="{} UTC">{}</time>', date.isoformat(), f"{date:%Y-%m-%d %H:%M}", text)


@register.filter
def lasting(time: timedelta) -> str:
    """Show how long something took, in the unit that fits: ``40 s``, ``5 min``, ``3 h``, ``2 d``."""
    seconds = round(time.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


@register.filter
def at_most(time: timedelta) -> str:
    """Show a time as :func:`lasting` does, rounded up: what was done within it was done within what is shown."""
    seconds = math.ceil(time.total_seconds())
    size = next((size for size in (86_400, 3600, 60) if seconds >= 2 * size), 1)
    return lasting(timedelta(seconds=-(-seconds // size) * size))


@register.filter
def standing(series: Series) -> str:
    """Say the verdict on a series, or how far the way to it is."""
    return sentences.standing_word(Verdict(series.verdict), State(series.state), wanted=series.wanted)


@register.filter
def notes(patch: PatchFacts) -> str:
    """Say of a patch how it was applied, if not as it stands, and what it was given in the thread."""
    return " · ".join(
        filter(
            None,
            (
                patch.method if patch.method not in ("", "clean") else "",
                sentences.counted(patch.replies, "reply", "replies") if patch.replies else "",
                sentences.counted(len(patch.trailers), "trailer") if patch.trailers else "",
            ),
        )
    )


@register.filter
def web(url: str) -> bool:
    """Tell whether an address that others gave is one of the web, so that it can be a link."""
    return url.startswith(("https://", "http://"))


@register.filter
def plain(text: str) -> str:
    """Spell out what a browser would hide or reorder, line by line."""
    return "\n".join(map(visible, text.split("\n")))


@register.filter
def life(told: Told, version: int) -> str:
    """Say what a finding is to this version."""
    return sentences.history(told, version)


@register.filter
def diff_lines(lines: Iterable[Line]) -> SafeString:
    """Show lines of a hunk: both numbers, the mark and the text, each with an anchor.

    Sixteen columns stand before the mark, so that tabs reach the same stops as in the mail.
    """
    return mark_safe("".join(map(_diff_line, lines)))  # noqa: S308 - every part is escaped or a number


def _diff_line(line: Line) -> str:
    mark = {"+": "add", "-": "del"}.get(line.kind, "ctx")
    number = f"{line.old or '':>6} {line.new or '':>6}"
    return (
        f'<span class="{mark}" id="{line.anchor}"><a href="#{line.anchor}" tabindex="-1">{number}</a>   '
        f"{line.kind}{escape(visible(line.text))}\n</span>"
    )


@register.filter
def range_lines(lines: Iterable[RangeLine]) -> SafeString:
    """Show lines of the difference of two patches: which version has them, then the line with its own sign."""
    return mark_safe("".join(map(_range_line, lines)))  # noqa: S308 - every part is escaped


def _range_line(line: RangeLine) -> str:
    if line.kind == "@":
        return f'<span class="at">{escape(visible(line.text))}\n</span>'
    mark = {"+": "add", "-": "del"}.get(line.kind, "ctx")
    return f'<span class="{mark}">{line.kind}      {escape(visible(line.text))}\n</span>'


@register.filter
def has_own_id(message_id: str) -> bool:
    """Tell whether a mail came with a Message-ID, so that archives know it by that."""
    return not is_derived(message_id)


@register.filter
def of(rows: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401
    """Return what a mapping has for a key, None when it has nothing."""
    return rows.get(key)


@register.filter
def sender(address: str) -> str:
    """Return the name of a sender, without the address where there is a name."""
    return address.partition(" <")[0].strip('"') or address


@register.filter
def code_lines(told: Told) -> SafeString:
    """Show the source around a finding with its line numbers; the line itself is marked with ``>``."""
    return mark_safe(  # noqa: S308 - every part is escaped or a number
        "".join(
            f"<mark>&gt;{number:>6} {escape(visible(text))}</mark>\n"
            if number == told.finding.location.line
            else f" {number:>6} {escape(visible(text))}\n"
            for number, text in told.code
        )
    )


@register.filter
def log_lines(text: str) -> SafeString:
    """Show a log with an anchor on every line."""
    return mark_safe(  # noqa: S308 - every part is escaped or a number
        "".join(
            f'<span id="L{number}"><a href="#L{number}" tabindex="-1">{number:>5}</a> {escape(visible(line))}\n</span>'
            for number, line in enumerate(text.split("\n"), 1)
        )
    )


@register.filter
def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``{{ n|counted:"patch,patches" }}``."""
    one, _, many = noun.partition(",")
    return sentences.counted(number, one, many)
