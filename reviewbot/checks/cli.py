"""The checks on the command line, on files, without a database.

``b4 prep``, ``b4 review`` and ``b4 series`` as the first words make it a check
command of b4; see :mod:`reviewbot.checks.b4`.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Sequence

from reviewbot.checks.pgtable.check import PgtableCheck
from reviewbot.checks.pgtable.facts import epochs_in_words, read_facts
from reviewbot.checks.pgtable.rules import RULES
from reviewbot.checks.plain import summary, text
from reviewbot.checks.protocol import Check, Coverage
from reviewbot.checks.registry import available, find, noisy
from reviewbot.checks.sarif import sarif
from reviewbot.checks.waivers import Waiver, load_waivers, run, tree_waivers
from reviewbot.errors import NotFoundError, ReviewError
from reviewbot.findings import Finding
from reviewbot.tree.files import Files
from reviewbot.tree.readers import open_tree

NOTHING, FOUND, USAGE, UNREADABLE = range(4)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reviewbot.checks",
        description="Say what the checks find in a kernel tree, or what a range of commits changes about it. "
        "Exit status: 0 nothing found, 1 findings (of a range: new ones), 2 bad usage, 3 something could not be read.",
        epilog="As a check command of b4: python -m reviewbot.checks b4 prep | review | series.",
    )
    parser.add_argument("--tree", help="a directory, or REPOSITORY@REVISION, read without a checkout")
    parser.add_argument("--range", metavar="BASE..", help="what each commit of a range does, e.g. HEAD~3.. ; "
                        "the tree is then a repository, the folder at hand when none is named")  # fmt: skip
    parser.add_argument("--waivers", metavar="FILE", action="append", default=[], help="findings to leave out, with "
                        "reasons; those of the tree's own file count anyway")  # fmt: skip
    parser.add_argument("--overlay", metavar="DIR", help="a directory whose files replace those of the tree")
    parser.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    parser.add_argument(
        "--check", metavar="NAME", help="one check only: " + ", ".join(c.name for c in [*available(), *noisy()])
    )
    parser.add_argument("--rules", metavar="C01,C02", help="some page-table rules only")
    parser.add_argument("--facts", action="store_true", help="print what the tree says about its page-table API")
    parser.add_argument("--explain", metavar="RULE", help="print the page of a rule, e.g. C06")
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="files or folders of the tree; the whole tree when none"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments[:1] == ["b4"]:
        from reviewbot.checks import b4  # what a tree's check does not need takes a third of its start

        return b4.main(arguments[1:])
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.explain and not options.tree and not options.range:
        parser.error("--tree is needed: a directory or REPOSITORY@REVISION")
    if options.range and (options.paths or options.overlay or options.facts):
        parser.error("--range goes with neither paths nor --overlay nor --facts")
    try:
        return _do(options)
    except NotFoundError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return USAGE
    except ReviewError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return UNREADABLE


def _do(options: argparse.Namespace) -> int:
    if options.explain:
        return _explain(options.explain)
    waivers = [waiver for path in options.waivers for waiver in load_waivers(path)]
    if options.range:
        return _range(options, waivers)
    files = open_tree(options.tree, options.overlay)
    paths = _expand(files, options.paths)
    if options.facts:
        print("\n".join(read_facts(files).describe()))
        return NOTHING
    return _run(_chosen(options.check, options.rules), files, paths, options.format, waivers)


def _range(options: argparse.Namespace, waivers: Sequence[Waiver]) -> int:
    from reviewbot.checks import author
    from reviewbot.checks.commits import open_repository, read_range, uncommitted

    repository = open_repository(options.tree or ".")
    commits = read_range(repository, options.range)
    checks = _chosen(options.check, options.rules) if options.check or options.rules else available()
    if ignored := uncommitted(repository):
        print(f"Not looked at: uncommitted changes to {', '.join(ignored[:5])}"
              f"{' and others' if len(ignored) > 5 else ''}.", file=sys.stderr)  # fmt: skip
    checked = author.check_range(checks, commits, waivers)
    for one in checked:
        _tell(one.check, one.coverage)
    print(author.summary(checked, commits), file=sys.stderr)
    if options.format == "json":
        print(author.as_json(checked, commits))
    elif options.format == "sarif":
        print(author.as_sarif(checked, commits, _rule_texts()))
    elif said := author.as_text(checked, commits):
        print(said)
    return FOUND if author.told(checked) else NOTHING


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


def _run(checks: Sequence[Check], files: Files, paths: Sequence[str], style: str, waivers: Sequence[Waiver]) -> int:
    findings: list[Finding] = []
    status = NOTHING
    waivers = [*waivers, *tree_waivers(files)]
    for check in checks:
        coverage = Coverage()
        try:
            found = list(run(check, files, paths, coverage, waivers))
        except ReviewError as error:
            print(f"{check.name}: {error}", file=sys.stderr)
            status = UNREADABLE
            continue
        findings += found
        print(f"{check.name}: {summary(len(found), coverage)}", file=sys.stderr)
        _tell(check, coverage)
    _print(findings, style)
    return status or (FOUND if findings else NOTHING)


def _tell(check: Check, coverage: Coverage) -> None:
    for place in coverage.unread:
        print(f"{check.name}: not fully read: {place}", file=sys.stderr)
    for sentence in coverage.told:
        print(f"{check.name}: {sentence}", file=sys.stderr)


def _print(findings: Sequence[Finding], style: str) -> None:
    if style == "json":
        print(json.dumps([finding.as_dict() for finding in findings], indent=1))
    elif style == "sarif":
        print(json.dumps(sarif(findings, tool="reviewbot.checks", rules=_rule_texts()), indent=1))
    else:
        for finding in findings:
            print(text(finding))


def _rule_texts() -> dict[str, tuple[str, str]]:
    return {code: (rule.name, rule.rationale) for code, rule in RULES.items()}
