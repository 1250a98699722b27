"""git-pw, pwclient and b4 work with the Patchwork dialect, unmodified."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from tests import factories, tellings
from tests.contract.conftest import Client

pytestmark = pytest.mark.django_db(transaction=True)


class TestGitPw:
    """git-pw 2.9."""

    def test_it_lists_patches(self, client_tool: Client, talk: factories.Discussion) -> None:
        rows = client_tool("git-pw", "patch", "list", "-f", "csv").splitlines()
        assert len(rows) == 4, "three patches of v2 and the heading; those of v1 are superseded"
        assert "Mira Lindqvist (mira@example.org)" in rows[1]
        assert len(client_tool("git-pw", "patch", "list", "--state", "superseded", "-f", "csv").splitlines()) == 4

    def test_it_shows_a_patch(self, client_tool: Client, talk: factories.Discussion) -> None:
        patch = talk.v2.patches.get(number=2)
        shown = client_tool("git-pw", "patch", "show", str(patch.pk), "-f", "csv")
        for words in (
            f"<{patch.message.message_id}>",
            patch.subject,
            "/project/linux-mm/patch/",
            "linux-mm",
            talk.v2.name,
        ):
            assert words in shown

    def test_it_downloads_a_patch_and_its_diff(
        self, client_tool: Client, talk: factories.Discussion, tmp_path: Path
    ) -> None:
        patch = talk.v2.patches.get(number=1)
        client_tool("git-pw", "patch", "download", str(patch.pk), str(tmp_path / "one.patch"))
        assert (tmp_path / "one.patch").read_text().startswith("From mboxrd@z ")
        client_tool("git-pw", "patch", "download", "--diff", str(patch.pk), str(tmp_path / "one.diff"))
        assert (tmp_path / "one.diff").read_text().startswith("diff --git a/")

    def test_it_lists_shows_and_downloads_series(
        self, client_tool: Client, talk: factories.Discussion, tmp_path: Path
    ) -> None:
        rows = client_tool("git-pw", "series", "list", "-f", "csv").splitlines()
        assert len(rows) == 3
        shown = client_tool("git-pw", "series", "show", str(talk.v2.pk), "-f", "csv")
        assert "3 of 3" in shown
        assert talk.v2.subject in shown
        client_tool("git-pw", "series", "download", str(talk.v2.pk), str(tmp_path / "series.mbox"))
        assert (tmp_path / "series.mbox").read_text().count("From mboxrd@z ") == 4
        folder = tmp_path / "apart"
        folder.mkdir()
        client_tool("git-pw", "series", "download", "--separate", str(talk.v2.pk), str(folder))
        assert len(list(folder.iterdir())) == 3

    def test_it_sets_state_archive_delegate_and_commit(
        self, client_tool: Client, talk: factories.Discussion, token: str
    ) -> None:
        patch = talk.v2.patches.get(number=1)
        told = ("--state", "accepted", "--commit-ref", "abc123", "--archived", "true", "--delegate", "jun")
        shown = client_tool("git-pw", "patch", "update", *told, str(patch.pk), "-f", "csv")
        for words in ("accepted", "abc123", "True", "jun"):
            assert words in shown
        assert str(patch.pk) not in client_tool("git-pw", "patch", "list", "-f", "csv")

    def test_without_a_token_it_is_told_so(self, client_tool: Client, talk: factories.Discussion) -> None:
        patch = talk.v2.patches.get(number=1)
        said = client_tool("git-pw", "patch", "update", "--state", "accepted", str(patch.pk), status=1)
        assert "token is not known" in said


class TestPwclient:
    """pwclient 2.11."""

    def test_it_lists_and_shows_patches(self, client_tool: Client, talk: factories.Discussion) -> None:
        patch = talk.v2.patches.get(number=2)
        assert patch.subject in client_tool("pwclient", "list")
        shown = client_tool("pwclient", "info", str(patch.pk))
        for words in (f"<{patch.message.message_id}>", patch.patch_id, "Mira Lindqvist <mira@example.org>", "new"):
            assert words in shown

    def test_it_reads_every_page(self, client_tool: Client, talk: factories.Discussion) -> None:
        row = factories.series("[PATCH 0/70] mm: many", expected=70)
        for number in range(1, 71):
            factories.patch(row, number, f"mm: number {number} of many", tellings.diff_of(1))
        assert client_tool("pwclient", "list").count("of many") == 70

    def test_it_finds_by_message_id_and_series(self, client_tool: Client, talk: factories.Discussion) -> None:
        patch = talk.v2.patches.get(number=3)
        assert client_tool("pwclient", "list", "-m", f"<{patch.message.message_id}>").count("\n") == 3
        assert factories.SUBJECTS[0] in client_tool("pwclient", "list", "-S", str(talk.v2.pk))

    def test_it_views_and_gets_a_patch(self, client_tool: Client, talk: factories.Discussion, tmp_path: Path) -> None:
        patch = talk.v2.patches.get(number=1)
        assert "diff --git a/" in client_tool("pwclient", "view", str(patch.pk))
        client_tool("pwclient", "get", str(patch.pk))
        (saved,) = tmp_path.glob("*.patch")
        assert saved.read_text().startswith("From mboxrd@z ")

    def test_it_lists_checks_and_projects(self, client_tool: Client, talk: factories.Discussion) -> None:
        patch = talk.v2.patches.get(number=2)
        checks = client_tool("pwclient", "check-list", str(patch.pk))
        assert "reviewbot-pgtable" in checks
        assert "fail" in checks
        one = client_tool("pwclient", "check-info", str(patch.pk), "2")
        assert "reviewbot-pgtable" in one
        assert "linux-mm" in client_tool("pwclient", "projects")

    def test_it_updates_a_patch(self, client_tool: Client, talk: factories.Discussion, token: str) -> None:
        patch = talk.v2.patches.get(number=2)
        client_tool("pwclient", "update", "-s", "Changes Requested", "-c", "abc123", str(patch.pk))
        shown = client_tool("pwclient", "info", str(patch.pk))
        assert "changes-requested" in shown
        assert "abc123" in shown

    def test_it_posts_a_check(self, client_tool: Client, talk: factories.Discussion, token: str) -> None:
        patch = talk.v2.patches.get(number=2)
        client_tool(
            *("pwclient", "check-create", "-c", "smoke", "-s", "warning", "-u", "https://ci.example.org/1"),
            *("-d", "slower than before", str(patch.pk)),
        )
        checks = client_tool("pwclient", "check-list", str(patch.pk))
        assert "smoke" in checks
        number = next(line.split()[0] for line in checks.splitlines() if "smoke" in line)
        shown = client_tool("pwclient", "check-info", str(patch.pk), number)
        for words in ("slower than before", "https://ci.example.org/1", "warning", "jun"):
            assert words in shown

    def test_it_is_told_what_is_wrong_with_a_state(
        self, client_tool: Client, talk: factories.Discussion, token: str
    ) -> None:
        patch = talk.v2.patches.get(number=2)
        assert "Invalid state" in client_tool("pwclient", "update", "-s", "Splendid", str(patch.pk), status=1)


class TestB4:
    """b4 0.16."""

    def test_it_sets_a_state(
        self, client_tool: Client, talk: factories.Discussion, live_server: LiveServer, token: str
    ) -> None:
        patch = talk.v2.patches.get(number=2)
        script = (
            "import sys, b4\n"
            "b4.setup_config(__import__('argparse').Namespace(config={}))\n"
            "session, url = b4.get_patchwork_session(*sys.argv[1:3])\n"
            "query = {'project': 'linux-mm', 'archived': 'false', 'msgid': sys.argv[3]}\n"
            "found = session.get(f'{url}/patches', params=query)\n"
            "patch = found.json()[0]['id']\n"
            "answer = session.patch(f'{url}/patches/{patch}/', data={'state': 'under-review', 'archived': True})\n"
            "answer.raise_for_status()\n"
            "print(answer.json()['state'], answer.json()['archived'])\n"
        )
        said = client_tool("python", "-c", script, token, live_server.url, patch.message.message_id)
        assert said.split()[-2:] == ["under-review", "True"]

    def test_its_review_reads_our_checks(
        self, client_tool: Client, talk: factories.Discussion, live_server: LiveServer
    ) -> None:
        msgid = talk.v2.patches.get(number=2).message.message_id
        script = (
            "import email.message, json, b4, b4.review.checks as checks\n"
            "b4.setup_config(__import__('argparse').Namespace(config={}))\n"
            "mail = email.message.EmailMessage()\n"
            f"mail['Message-Id'] = '<{msgid}>'\n"
            f"print(json.dumps(checks._run_builtin_patchwork(mail, 'whatever', '{live_server.url}')))\n"
        )
        (result,) = json.loads(client_tool("python", "-c", script).splitlines()[-1])
        assert result["status"] == "fail"
        details = {one["context"]: one for one in json.loads(result["details"])}
        assert details["reviewbot-pgtable"]["status"] == "fail"
        assert details["reviewbot-build-defconfig"]["status"] == "warn"
        assert "reviewbot-build-defconfig-16k" not in details, "what was skipped is no check"

    def test_it_takes_our_addresses_for_what_they_are(
        self, client_tool: Client, talk: factories.Discussion, live_server: LiveServer
    ) -> None:
        script = (
            "import sys, b4\n"
            "b4.setup_config(__import__('argparse').Namespace(config={}))\n"
            "before = b4.get_main_config()['midmask']\n"
            "for url in sys.argv[1:]:\n"
            "    print(b4.parse_msgid(url))\n"
            "assert b4.get_main_config()['midmask'] == before, 'b4 took us for an archive'\n"
        )
        msgid = "a/b+c%d@example.org"
        from threads import links

        urls = [
            live_server.url + path
            for path in (
                links.to_patch("linux-mm", msgid),
                links.to_series("linux-mm", msgid),
                links.to_message("linux-mm", msgid),
                links.to_status(msgid),
            )
        ]
        assert client_tool("python", "-c", script, *urls).split() == [msgid] * 4

    def test_am_prints_where_a_patch_stands(
        self, client_tool: Client, talk: factories.Discussion, tmp_path: Path, live_server: LiveServer
    ) -> None:
        mbox = tmp_path / "series.mbox"
        client_tool("git-pw", "series", "download", str(talk.v2.pk), str(mbox))
        said = client_tool("b4", "am", "-m", str(mbox), "-o", str(tmp_path / "out"))
        assert "Total patches: 3" in said
