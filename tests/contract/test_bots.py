"""Requests of other bots: KPD, which makes pull requests of series, and snowpatch, whose types are strict."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.test import Client

from tests import factories
from threads import models
from threads.services import tokens

pytestmark = pytest.mark.django_db

API = "/api/1.2"


@pytest.fixture
def talk() -> factories.Discussion:
    cache.clear()
    return factories.discussion()


def get(client: Client, path: str, **query: Any) -> Any:
    """Read as a bot with a key does, whether the key is known or not."""
    answer = client.get(f"{API}/{path}", query, headers={"Authorization": "Token unknown"})
    assert answer.status_code == 200, answer.content
    return answer.json()


class TestKpd:
    """Kernel Patches Daemon: forms, times without a zone, and a check only where the last one says something else."""

    def test_it_looks_for_new_patches_and_reads_their_series(self, client: Client, talk: factories.Discussion) -> None:
        query = {"since": "2026-03-01T00:00:00", "archived": "False", "state": "new", "project": "linux-mm"}
        patches = get(client, "patches/", **query)
        assert {patch["series"][0]["id"] for patch in patches} == {talk.v2.pk}
        for patch in patches:
            assert get(client, f"patches/{patch['id']}/")["name"]
        series = get(client, f"series/{talk.v2.pk}/")
        for name in ("id", "name", "date", "url", "web_url", "version", "mbox", "patches"):
            assert series[name], name
        assert series["submitter"]["email"] == factories.AUTHOR[1]
        assert series["cover_letter"]["name"]
        assert client.get(series["mbox"]).content.startswith(b"From ")

    def test_it_finds_the_versions_of_a_work_by_its_subject(self, client: Client, talk: factories.Discussion) -> None:
        assert [one["version"] for one in get(client, "series/", q=talk.v2.name)] == [1, 2]

    def test_it_posts_a_check_once_and_finds_it_again(self, client: Client, talk: factories.Discussion) -> None:
        patch = talk.v2.patches.get(number=1)
        path, headers = f"patches/{patch.pk}/checks/", {"Authorization": f"Token {tokens.create('kpd', ['checks'])}"}
        last = {"context": "kpd-build", "order": "-date", "per_page": "1"}
        assert get(client, path, **last) == []
        form = {
            "context": "kpd-build",
            "target_url": "https://ci.example.org/9",
            "description": "d",
            "state": "success",
        }
        assert client.post(f"{API}/{path}", form, headers=headers).status_code == 201
        (found,) = get(client, path, **last)
        assert {name: found[name] for name in form} == form


#: what snowpatch's structures demand; a type that is None may be null, "url" is an absolute address and never ""
_URL, _OPTION_URL = "url", "url or null"
_PATCH = {
    "id": int, "url": _URL, "project": dict, "msgid": str, "date": str, "name": str, "commit_ref": None,
    "pull_url": _OPTION_URL, "state": str, "archived": bool, "hash": None, "submitter": dict, "delegate": None,
    "mbox": _URL, "series": list, "check": str, "checks": _URL, "tags": dict,
}  # fmt: skip
_SERIES = {
    "cover_letter": None, "date": str, "id": int, "mbox": _URL, "name": None, "patches": list, "project": dict,
    "received_all": bool, "received_total": int, "submitter": dict, "total": int, "url": _URL, "version": int,
}  # fmt: skip
_PROJECT = {"id": int, "url": _URL, "name": str, "link_name": str, "list_email": str, "list_id": str}
_PERSON = {"id": int, "url": _URL, "name": str, "email": str}
_SUMMARY = {"date": str, "id": int, "mbox": _URL, "msgid": str, "name": str, "url": _URL}


def conform(answer: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Check every field as a strict reader does."""
    for name, kind in wanted.items():
        assert name in answer, name
        value = answer[name]
        if kind in (_URL, _OPTION_URL):
            if not (value is None and kind == _OPTION_URL):
                assert urlsplit(value).scheme in ("http", "https"), name
        elif kind is not None:
            assert type(value) is kind, name


class TestSnowpatch:
    """Strict types, no last slash, and the last patch of a series gets the checks."""

    def test_the_index_answers_without_a_last_slash(self, client: Client, talk: factories.Discussion) -> None:
        assert client.get(API).json()["patches"].endswith("/api/1.2/patches/")

    def test_patches_and_series_are_of_the_types_it_wants(self, client: Client, talk: factories.Discussion) -> None:
        alone = factories.series("[PATCH] mm: on no list", expected=1, lists=())
        factories.patch(alone, 1, "mm: on no list", "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n")
        for row in models.Patch.objects.all():
            patch = get(client, f"patches/{row.pk}")
            conform(patch, _PATCH)
            conform(patch["project"], _PROJECT)
            conform(patch["submitter"], _PERSON)
        for series in get(client, "series", order="-id", per_page="20", project="linux-mm"):
            conform(series, _SERIES)
            conform(series["project"], _PROJECT)
            for part in series["patches"]:
                conform(part, _SUMMARY)
        assert [one["id"] for one in get(client, "series", order="-id", project="linux-mm")] == [talk.v2.pk, talk.v1.pk]

    def test_it_posts_json_to_the_last_patch_and_skips_what_is_there(
        self, client: Client, talk: factories.Discussion
    ) -> None:
        last = get(client, f"series/{talk.v2.pk}")["patches"][-1]["id"]
        headers = {"Authorization": f"Token {tokens.create('snowpatch', ['checks'])}"}
        check = {"state": "warning", "target_url": None, "context": "snowpatch_ozlabs-build", "description": "slow"}
        path = f"{API}/patches/{last}/checks/"
        answer = client.post(path, json.dumps(check), content_type="application/json", headers=headers)
        assert answer.status_code == 201
        known = [one["context"] for one in get(client, f"patches/{last}/checks")]
        assert known.count("snowpatch_ozlabs-build") == 1
        assert all(context.replace("-", "").replace("_", "").isalnum() for context in known)
