"""``python -m reviewbot.client``: the status API in a shell."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence

from reviewbot.client.connection import Client, ClientError

EX_USAGE = 64  # sysexits.h


class _Parser(argparse.ArgumentParser):
    """A parser that ends with EX_USAGE; 1 and 2 have a meaning of their own here."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage(sys.stderr)
        self.exit(EX_USAGE, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except ClientError as error:
        print(error, file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m reviewbot.client",
        description="Ask a review service. Exit status: 0 clean, 1 findings, 2 does not apply or is incomplete, "
        "3 not known or not our answer to give.",
    )
    parser.add_argument(
        "--site",
        default=os.environ.get("REVIEWBOT_SITE", "http://localhost:8000"),
        help="address of the service (REVIEWBOT_SITE)",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    actions = parser.add_subparsers(dest="action", required=True)
    status = actions.add_parser("status", help="what is known about a series")
    status.add_argument("msgid", help="Message-ID of its cover, a patch or a reply")
    status.add_argument("--wait", nargs="?", type=int, const=3600, default=0, metavar="SECONDS",
                        help="wait until nothing more will happen, an hour if no number is given")  # fmt: skip
    submit = actions.add_parser("submit", help="ask for a series")
    submit.add_argument("target", help="Message-ID, or link to a mail of it")
    submit.add_argument("--tree", help="name of the tree to apply it to")
    submit.add_argument("--no-build", action="store_true", help="do not cross-build")
    rerun = actions.add_parser("rerun", help="ask to look at a series again")
    rerun.add_argument("msgid")
    verdict = actions.add_parser("verdict", help="say whether a finding is right")
    verdict.add_argument("msgid")
    verdict.add_argument("finding", help="its id, as status --format json names it")
    verdict.add_argument("judgement", choices=("right", "wrong", "not worth it"))
    verdict.add_argument("reason")
    findings = actions.add_parser("findings", help="list what runs state, newest first")
    for name in ("rule", "severity", "file", "function", "fingerprint"):
        findings.add_argument(f"--{name}")
    findings.add_argument("--most", type=int, default=50, help="how many (50)")
    for each in (status, submit, rerun, verdict, findings):
        each.add_argument("--format", choices=("text", "json"), default=argparse.SUPPRESS)
    return parser


def _run(options: argparse.Namespace) -> int:
    client = Client(options.site, os.environ.get("REVIEWBOT_TOKEN", ""))
    as_json = options.format == "json"
    if options.action == "status":
        return _status(client, options.msgid, options.wait, as_json=as_json)
    if options.action == "findings":
        return _findings(client, options, as_json=as_json)
    if options.action == "submit":
        asked = {"build": False} if options.no_build else {}
        answer = client.submit(options.target, **asked, **({"tree": options.tree} if options.tree else {}))
        print(json.dumps(answer, indent=2) if as_json else f"Asked for; see {answer['url']}")
    elif options.action == "rerun":
        client.rerun(options.msgid)
        print("{}" if as_json else "It is looked at again.")
    else:
        kept = client.verdict(options.msgid, options.finding, options.judgement, options.reason)
        print(json.dumps(kept, indent=2) if as_json else f"Kept: {kept['rule']} {kept['judgement']}.")
    return 0


def _status(client: Client, msgid: str, wait: int, *, as_json: bool) -> int:
    series = client.status(msgid, wait=wait)
    if as_json:
        print(json.dumps(series.raw, indent=2, ensure_ascii=False))
    else:
        print(client.text(msgid, width=min(shutil.get_terminal_size().columns, 120)), end="")
    return series.exit_status


def _findings(client: Client, options: argparse.Namespace, *, as_json: bool) -> int:
    names = ("rule", "severity", "file", "function", "fingerprint")
    filters = {name: value for name in names if (value := getattr(options, name))}
    for _, one in zip(range(options.most), client.findings(**filters), strict=False):
        line = f"{one['file']}:{one['line']}: {one['severity']}: {one['rule']}: {one['message']}"
        print(json.dumps(one, ensure_ascii=False) if as_json else "".join(c if c.isprintable() else "?" for c in line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
