"""Examples of what is sent and answered, for the schema: one invented series, all of a piece."""

from __future__ import annotations

from typing import Any

_SITE = "https://review.example.org"
_ROOT, _PATCH = "20260302.1.mira@example.org", "20260302.3.mira@example.org"
_PAGE = f"{_SITE}/project/linux-mm/series/{_ROOT}/"
_STATUS = f"{_SITE}/api/v1/series/{_ROOT}/"
_DATE = "2026-03-02T09:00:00+00:00"
_COMMIT, _PATCH_ID = "4f1c0de5a1e0d9b2c3f4a5b6c7d8e9f00112233a", "9c1185a5c5e9fc54612808977ee8f548b2258d31"
_KEY = "1f3a5c7e9b2d4f60"

PROBLEM: dict[str, Any] = {
    "type": "about:blank",
    "title": "Not Found",
    "status": 404,
    "detail": f"No series is known by <{_ROOT}>. If it is on an archive, POST "
    '{"target": "<message-id>"} to /api/v1/series/ and it is fetched with its thread.',
}
_CHECK: dict[str, Any] = {
    "name": "pgtable",
    "configuration": "",
    "version": "3",
    "state": "failed",
    "summary": "1 new error",
    "new": 1,
    "duration_s": 0.4,
    "log": f"{_SITE}/runs/812/",
    "reproduce": "python -m reviewbot.checks --tree . mm/late.c",
}
_FINDING: dict[str, Any] = {
    "id": _KEY,
    "fingerprint": _KEY,
    "rule": "C01",
    "rule_url": f"{_SITE}/rules/C01/",
    "severity": "error",
    "life": "new",
    "patch": 2,
    "gone_by": 0,
    "since": 1,
    "moved": False,
    "back_from": 0,
    "check": "pgtable",
    "file": "mm/late.c",
    "line": 31,
    "function": "late_alloc",
    "quote": "pagetable_pte_ctor(table);",
    "message": "the result of pagetable_pte_ctor() is ignored, and it can fail",
    "condition": "",
    "assumption": "",
    "evidence": [{"file": "mm/late.c", "line": 27, "text": "the table is allocated here"}],
    "said": [
        {
            "remark": "raised",
            "who": "Jun Abe",
            "date": "2026-03-02T11:30:00+00:00",
            "msgid": "aaa1.jun@example.org",
            "words": "Should the constructor's result be looked at?",
        }
    ],
    "permalink": f"{_PAGE}#f-{_KEY}",
}
_PATCH_STATUS: dict[str, Any] = {
    "n": 2,
    "msgid": _PATCH,
    "url": f"{_SITE}/project/linux-mm/patch/{_PATCH}/",
    "subject": "mm: construct late tables",
    "author": "Mira Lindqvist <mira@example.org>",
    "unseen": "",
    "patch_id": _PATCH_ID,
    "commit": _COMMIT,
    "method": "exact",
    "files": ["mm/late.c"],
    "trailers": ["Signed-off-by: Mira Lindqvist <mira@example.org>"],
    "checks": [_CHECK],
    "other_checks": [
        {
            "bot": "media-ci",
            "context": "smoke",
            "state": "success",
            "description": "boots",
            "url": "https://ci.example.org/7",
            "date": _DATE,
        }
    ],
    "findings": [_KEY],
}
PATCH = _PATCH_STATUS | {"series": _STATUS, "found": [_FINDING]}
SERIES: dict[str, Any] = {
    "msgid": _ROOT,
    "url": _PAGE,
    "lore": f"https://lore.kernel.org/r/{_ROOT}",
    "subject": "[PATCH 0/2] mm: late mappings",
    "name": "mm: late mappings",
    "version": 1,
    "author": {"name": "Mira Lindqvist", "email": "mira@example.org"},
    "date": _DATE,
    "lists": ["linux-mm"],
    "state": "done",
    "verdict": "findings",
    "reason": "",
    "versions": [
        {
            "version": 1,
            "msgid": _ROOT,
            "url": _PAGE,
            "date": _DATE,
            "verdict": "findings",
            "findings": 1,
            "how": "",
        }
    ],
    "base": {
        "tree": "mm-unstable",
        "commit": _COMMIT,
        "describe": "v7.0-rc2",
        "how": "the base-commit that the cover letter names",
        "trace": ["mm-unstable has the base-commit that the cover letter names."],
    },
    "failure": None,
    "expected": 2,
    "missing": [1],
    "patches": [_PATCH_STATUS],
    "base_checks": [_CHECK | {"state": "passed", "summary": "", "new": 0}],
    "findings": [_FINDING],
    "gone": [],
    "looked_at": ["pgtable 3: 14 functions of 2 files, after each of 2 patches."],
    "not_looked_at": ["build: no cross-compiler is installed."],
    "reproduce": [{"what": "the findings", "command": "b4 am -o- MESSAGE-ID | git am"}],
    "replies": 1,
    "mail": {"state": "draft", "msgid": "20260302.9.review@example.org"},
}
PAGE: dict[str, Any] = {
    "next": f"{_SITE}/api/v1/series/?at=o1772442000000000.7",
    "previous": None,
    "results": [
        {
            "msgid": _ROOT,
            "url": _PAGE,
            "api": _STATUS,
            "subject": "[PATCH 0/2] mm: late mappings",
            "version": 1,
            "expected": 2,
            "author": {"name": "Mira Lindqvist", "email": "mira@example.org"},
            "date": _DATE,
            "list": "linux-mm",
            "state": "failed",
            "verdict": "findings",
            "reason": "",
            "new_errors": 1,
            "new_warnings": 0,
            "mails": 4,
            "outdated": False,
        }
    ],
}
SUBMIT: dict[str, Any] = {"target": _ROOT, "options": {"tree": "mm-unstable", "build": False}}
SUBMISSION: dict[str, Any] = {
    "id": 12,
    "target": _ROOT,
    "state": "passed",
    "reason": "",
    "actor": "",
    "series": _STATUS,
    "url": f"{_SITE}/api/v1/submissions/12/",
}
RUN: dict[str, Any] = {
    "id": 812,
    "url": f"{_SITE}/runs/812/",
    "check": "pgtable",
    "configuration": "",
    "version": "3",
    "state": "failed",
    "summary": "1 error",
    "reason": "",
    "commit": _COMMIT,
    "tree": _PATCH_ID,
    "command": "python -m reviewbot.checks --tree . mm/late.c",
    "seconds": 0.4,
    "started": _DATE,
    "finished": _DATE,
    "log": f"{_SITE}/runs/812/log.txt",
}
FINDING: dict[str, Any] = {
    "id": 4711,
    "fingerprint": _KEY,
    "rule": "C01",
    "severity": "error",
    "file": "mm/late.c",
    "line": 31,
    "function": "late_alloc",
    "text": "pagetable_pte_ctor(table);",
    "message": "the result of pagetable_pte_ctor() is ignored, and it can fail",
    "evidence": [{"file": "mm/late.c", "line": 27, "text": "the table is allocated here"}],
    "run": f"{_SITE}/api/v1/runs/812/",
}
TREE: dict[str, Any] = {
    "name": "mm-unstable",
    "branch": "mm-unstable",
    "role": "mm",
    "lists": ["linux-mm"],
    "describe": "v7.0-rc2",
    "commit": _COMMIT,
    "synced": _DATE,
}
LIST: dict[str, Any] = {
    "name": "linux-mm",
    "address": "linux-mm@kvack.org",
    "list_id": "linux-mm.kvack.org",
    "archive": "https://lore.kernel.org/linux-mm",
    "seen": _DATE,
}
RULE: dict[str, Any] = {
    "name": "C01",
    "title": "ctor-ignored",
    "severity": "error",
    "rationale": "A constructor can fail, and then the table must not be used.",
    "epochs": "since v6.6",
    "sources": "Documentation/mm/split_page_table_lock.rst",
    "bad": "pagetable_pte_ctor(table);",
    "good": "if (!pagetable_pte_ctor(table))\n\treturn NULL;",
    "url": f"{_SITE}/rules/C01/",
}
TOPIC: dict[str, Any] = {
    "id": 3,
    "url": f"{_SITE}/api/v1/topics/3/",
    "name": "mm: late mappings",
    "versions": [
        {
            "version": 1,
            "msgid": _ROOT,
            "api": _STATUS,
            "subject": "[PATCH 0/2] mm: late mappings",
            "date": _DATE,
            "state": "failed",
            "verdict": "findings",
            "how": "",
        }
    ],
}
JUDGED: dict[str, Any] = {"judgement": "wrong", "reason": "The table is freed by the caller."}
KEPT = JUDGED | {"rule": "C01", "fingerprint": _KEY, "who": "jun", "at": _DATE}
DELIVERY: dict[str, Any] = {
    "id": 5,
    "url": f"{_SITE}/api/v1/deliveries/5/",
    "series": _STATUS,
    "msgid": "20260302.9.review@example.org",
    "in_reply_to": _PATCH,
    "subject": "Re: [PATCH 2/2] mm: construct late tables",
    "stage": "waiting",
    "reason": "",
    "decided_by": "",
    "decided": None,
    "created": _DATE,
    "text": "From: Page-table review <review@example.org>\n\n> +\tpagetable_pte_ctor(table);\n\nIt can fail.\n",
}
REJECTION: dict[str, Any] = {"reason": "It was answered in the thread."}
EDITED: dict[str, Any] = {"body": "Its result is ignored, and it can fail.\n"}
