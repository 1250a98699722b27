"""b4 reads our answers: the CI status of ``b4 am --check``; series, checks and comments of ``b4 review``."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from tests import factories
from tests.contract.conftest import Client
from threads import links, models
from threads.services import foreign

pytestmark = pytest.mark.django_db(transaction=True)

_START = "import email.message, json, sys, b4\nb4.setup_config(__import__('argparse').Namespace(config={}))\n"


def script(client_tool: Client, text: str, *arguments: str) -> Any:
    """Run a few lines with b4's modules; return what they print last, as JSON."""
    return json.loads(client_tool("python", "-c", _START + text, *arguments).splitlines()[-1])


class TestAm:
    """``b4 am --check`` prints the CI status of each patch, with a link to its page."""

    @staticmethod
    def am(client_tool: Client, talk: factories.Discussion, tmp_path: Path) -> str:
        mbox = tmp_path / "series.mbox"
        client_tool("git-pw", "series", "download", str(talk.v2.pk), str(mbox))
        return client_tool("b4", "am", "--check", "-m", str(mbox), "-o", str(tmp_path / "out"))

    def test_what_failed_is_said_and_its_link_leads_to_the_patch(
        self, client_tool: Client, talk: factories.Discussion, tmp_path: Path, live_server: LiveServer
    ) -> None:
        said = self.am(client_tool, talk, tmp_path)
        msgid = talk.v2.patches.get(number=2).message.message_id
        link = f"{live_server.url}/project/linux-mm/patch/{msgid}"
        assert f"patchwork: FAIL: {link}" in said
        assert said.count("patchwork: FAIL") == 2, "of the second patch and the third"
        with urllib.request.urlopen(link) as page:
            assert page.status == 200

    def test_a_patch_that_waits_hides_no_other(
        self, client_tool: Client, talk: factories.Discussion, tmp_path: Path
    ) -> None:
        models.Report.objects.filter(series=talk.v2).delete()
        assert "patchwork:" not in self.am(client_tool, talk, tmp_path)


class TestReview:
    """``b4 review``."""

    def test_its_browser_shows_what_is_outstanding_by_series(
        self, client_tool: Client, talk: factories.Discussion, live_server: LiveServer
    ) -> None:
        lines = (
            "from b4.review import _review\n"
            "found = _review.pw_fetch_series('whatever', sys.argv[1], 'linux-mm')\n"
            "print(json.dumps(found.series, default=str))\n"
        )
        (row,) = script(client_tool, lines, live_server.url)
        patches = list(talk.v2.patches.order_by("number"))
        assert (row["id"], row["name"]) == (talk.v2.pk, talk.v2.name)
        assert (row["submitter"], row["submitter_email"]) == factories.AUTHOR
        assert sorted(row["patch_ids"]) == [patch.pk for patch in patches]
        assert (row["state"], row["check"], row["delegate"]) == ("new", "fail", "")

    def test_every_page_of_the_browser_is_read(
        self, client_tool: Client, talk: factories.Discussion, live_server: LiveServer
    ) -> None:
        lines = (
            "from b4.review import _review\n"
            "_review.PW_PER_PAGE = 2\n"
            "told = []\n"
            "found = _review.pw_fetch_series('x', sys.argv[1], 'linux-mm', lambda *done: told.append(done))\n"
            "print(json.dumps([told, sum(len(one['patch_ids']) for one in found.series)]))\n"
        )
        told, patches = script(client_tool, lines, live_server.url)
        assert patches == 3
        assert told[0] == [0, 3], "the number of the last page of one row each is the count"
        assert told[-1] == [3, 3]

    def test_checks_of_other_bots_stand_in_its_column(
        self, client_tool: Client, talk: factories.Discussion, live_server: LiveServer, token: str
    ) -> None:
        mail = talk.v2.patches.get(number=1).message
        user = models.Token.objects.get().user
        link = "https://ci.example.org/1"
        foreign.add_check(mail, user, context="smoke", state="fail", target_url=link, description="it does not boot")
        lines = (
            "import b4.review.checks as checks\n"
            "mail = email.message.EmailMessage()\n"
            "mail['Message-Id'] = f'<{sys.argv[2]}>'\n"
            "print(json.dumps(checks._run_builtin_patchwork(mail, 'whatever', sys.argv[1])))\n"
        )
        (result,) = script(client_tool, lines, live_server.url, mail.message_id)
        assert result["status"] == "fail"
        details = {one["context"]: one for one in json.loads(result["details"])}
        assert (details["smoke"]["status"], details["smoke"]["description"]) == ("fail", "it does not boot")
        assert details["smoke"]["url"] == link
        assert details["reviewbot-apply"]["status"] == "pass"

    def test_the_review_service_fills_the_column_of_cover_and_patches(
        self, client_tool: Client, talk: factories.Discussion, live_server: LiveServer
    ) -> None:
        lines = (
            "import b4.review.checks as checks\n"
            "found = []\n"
            "for msgid in sys.argv[2:]:\n"
            "    mail = email.message.EmailMessage()\n"
            "    mail['Message-Id'] = f'<{msgid}>'\n"
            "    found += checks._run_builtin_sashiko(mail, sys.argv[1])\n"
            "print(json.dumps(found))\n"
        )
        mails = [talk.v2.root_msgid, *(one.message.message_id for one in talk.v2.patches.order_by("number"))]
        cover, first, second, _ = script(client_tool, lines, live_server.url, *mails)
        assert (cover["status"], first["status"], second["status"]) == ("fail", "pass", "fail")
        (detail,) = [one for one in json.loads(second["details"]) if "C01" in one["description"]]
        assert detail["status"] == "fail"

    def test_its_comments_stand_at_the_line_of_the_finding(
        self, client_tool: Client, talk: factories.Discussion, live_server: LiveServer, tmp_path: Path
    ) -> None:
        patch = talk.v2.patches.get(number=2)
        with urllib.request.urlopen(f"{live_server.url}/api/patchset?id={links.msgid(talk.v2.root_msgid)}") as answer:
            review = json.loads(answer.read())["reviews"][1]
        (tmp_path / "review").write_text(review["inline_review"], encoding="utf-8")
        (tmp_path / "diff").write_text(patch.message.body, encoding="utf-8")
        lines = (
            "from b4.review import _review\n"
            "text, diff = (open(name, encoding='utf-8').read() for name in sys.argv[1:])\n"
            "comments = _review._extract_comments_from_quoted_reply(text)\n"
            "_review._resolve_comment_positions(diff, comments)\n"
            "print(json.dumps(comments))\n"
        )
        comments = script(client_tool, lines, str(tmp_path / "review"), str(tmp_path / "diff"))
        told = [one for one in json.loads(review["output"])["findings"] if one["problem"].startswith("C01")]
        (place,) = told[0]["locations"]
        (comment,) = [one for one in comments if one["text"].startswith("C01")]
        assert (comment["path"].removeprefix("b/"), comment["line"]) == (place["file"], place["line"])
        assert comment["text"] == told[0]["problem"]
