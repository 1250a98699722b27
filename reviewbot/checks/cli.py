"""The checks on the command line, on files, without a database."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Sequence

from reviewbot.checks.pgtable.check import PgtableCheck
from reviewbot.checks.pgtable.facts import epochs_in_words, read_facts
from reviewbot.checks.pgtable.rules import RULES
from reviewbot.checks.protocol import Check, Coverage
from reviewbot.checks.registry import available, find
from reviewbot.checks.sarif import sarif
from reviewbot.errors import NotFoundError, ReviewError
from reviewbot.findings import Finding
from reviewbot.tree.files import Files
from reviewbot.tree.readers import open_tree

NOTHING, FOUND, USAGE, UNREADABLE = range(4)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reviewbot.checks",
        description="Say what the checks find in a kernel tree. Exit status: 0 nothing found, 1 findings, "
        "2 bad usage, 3 something could not be read.",
    )
    parser.add_argument("--tree", help="a directory, or REPOSITORY@REVISION, read without a checkout")
    parser.add_argument("--overlay", metavar="DIR", help="a directory whose files replace those of the tree")
    parser.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    parser.add_argument("--check", metavar="NAME", help="one check only: " + ", ".join(c.name for c in available()))
    parser.add_argument("--rules", metavar="C01,C02", help="some page-table rules only")
    parser.add_argument("--facts", action="store_true", help="print what the tree says about its page-table API")
    parser.add_argument("--explain", metavar="RULE", help="print the page of a rule, e.g. C06")
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="files or folders of the tree; the whole tree when none"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        if options.explain:
            return _explain(options.explain)
        if not options.tree:
            parser.error("--tree is needed: a directory or REPOSITORY@REVISION")
        files = open_tree(options.tree, options.overlay)
        paths = _expand(files, options.paths)
        if options.facts:
            print("\n".join(read_facts(files).describe()))
            return NOTHING
        checks = _chosen(options.check, options.rules)
    except NotFoundError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return USAGE
    except ReviewError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return UNREADABLE
    return _run(checks, files, paths, options.format)


def _explain(code: str) -> int:
    rule = RULES.get(code.upper())
    if rule is None:
        raise NotFoundError(f"There is no rule {code}; there are {', '.join(RULES)}.")
    print(rule.page())
    print(textwrap.fill(epochs_in_words(), 80))
    return NOTHING


def _expand(files: Files, paths: Sequence[str]) -> list[str]:
    expanded: list[str] = []
    for given in paths:
        path = given.removeprefix("./").rstrip("/")
        found = [path] if files.blob(path) is not None else list(files.paths(path)) if path not in ("", ".") else []
        if not found:
            raise NotFoundError(f"The tree has no file or folder {given}.")
        expanded += found
    return expanded


def _chosen(name: str | None, rules: str | None) -> list[Check]:
    codes = [code.strip().upper() for code in rules.split(",")] if rules else []
    for code in codes:
        if code not in RULES:
            raise NotFoundError(f"There is no rule {code}; there are {', '.join(RULES)}.")
    if codes:
        return [PgtableCheck(codes)]
    return [find(name)] if name else [find("pgtable")]


def _run(checks: Sequence[Check], files: Files, paths: Sequence[str], style: str) -> int:
    findings: list[Finding] = []
    status = NOTHING
    for check in checks:
        coverage = Coverage()
        try:
            found = list(check.check(files, paths, coverage))
        except ReviewError as error:
            print(f"{check.name}: {error}", file=sys.stderr)
            status = UNREADABLE
            continue
        findings += found
        print(f"{check.name}: {_summary(len(found), coverage)}", file=sys.stderr)
        for place in coverage.unread:
            print(f"{check.name}: not fully read: {place}", file=sys.stderr)
    _print(findings, style)
    return status or (FOUND if findings else NOTHING)


def _summary(found: int, coverage: Coverage) -> str:
    parts = [f"{_counted(found, 'finding') if found else 'nothing found'} in {_counted(len(coverage.files), 'file')}"]
    if coverage.functions:
        parts.append(_counted(coverage.functions, "function"))
    if coverage.unread:
        parts.append(f"{len(coverage.unread)} not fully read")
    return "; ".join([", ".join(parts), *coverage.facts[:1]])


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _print(findings: Sequence[Finding], style: str) -> None:
    if style == "json":
        print(json.dumps([finding.as_dict() for finding in findings], indent=1))
    elif style == "sarif":
        rules = {code: (rule.name, rule.rationale) for code, rule in RULES.items()}
        print(json.dumps(sarif(findings, tool="reviewbot.checks", rules=rules), indent=1))
    else:
        for finding in findings:
            print(_text(finding))


def _text(finding: Finding) -> str:
    place = finding.location
    lines = [f"{place.file}:{place.line}: {finding.severity.value}: {finding.message} [{finding.rule}]"]
    if place.function:
        lines.append(f"    in {place.function}():  {place.text}")
    lines += [f"    {step.file}:{step.line}: {step.text}" for step in finding.evidence]
    if finding.condition:
        lines.append(f"    when {finding.condition}")
    if finding.assumption:
        lines.append(f"    assuming {finding.assumption}")
    return "\n".join(lines) + "\n"
