"""The status API: one address for any Message-ID, honest states, errors that say what to do."""

from __future__ import annotations

import json
import threading
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from django.test import Client

from reviewbot.errors import NotFoundError
from reviewbot.reports.facts import State
from tests import factories, tellings
from threads import links, models
from threads.api import series as api
from threads.services import intake, tokens

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk() -> factories.Discussion:
    return factories.discussion()


def status(client: Client, row: models.Series) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(links.to_status(row.root_msgid)).json()
    return answer


def test_a_series_is_found_by_cover_patch_and_reply(client: Client, talk: factories.Discussion) -> None:
    for message in talk.v2.messages.all():
        for path in (links.to_status(message.message_id), links.to_status(message.message_id)[:-1]):
            assert client.get(path).json()["msgid"] == talk.v2.root_msgid


def test_the_facts_of_a_series(client: Client, talk: factories.Discussion) -> None:
    answer = status(client, talk.v2)
    assert (answer["state"], answer["verdict"], answer["version"]) == ("done", "findings", 2)
    assert answer["base"]["tree"] == "mm-unstable"
    assert [one["version"] for one in answer["versions"]] == [1, 2]
    assert answer["mail"] == {"state": "draft", "msgid": talk.draft.message_id}
    assert answer["url"].startswith("http://testserver/project/linux-mm/series/")


def test_a_patch_names_its_checks_and_findings(client: Client, talk: factories.Discussion) -> None:
    answer = status(client, talk.v2)
    second = answer["patches"][1]
    row = talk.v2.patches.get(number=2)
    assert (second["n"], second["msgid"], second["patch_id"]) == (2, row.message.message_id, row.patch_id)
    build = next(check for check in second["checks"] if check["configuration"] == "defconfig")
    assert build["state"] == "warned"
    assert build["version"] == talk.run.version
    assert build["log"].endswith(links.to_run(talk.run.pk))
    assert build["reproduce"] == talk.run.command
    skipped = next(check for check in second["checks"] if check["configuration"] == "defconfig-16k")
    assert skipped["state"] == "skipped", "never passed"
    assert set(second["findings"]) <= {finding["id"] for finding in answer["findings"]}


def test_a_finding_has_its_life_evidence_and_link(client: Client, talk: factories.Discussion) -> None:
    findings = status(client, talk.v2)["findings"]
    assert [one["life"] for one in findings] == ["still", "new", "transient", "fixed", "preexisting"]
    first = findings[0]
    assert (first["rule"], first["severity"], first["line"]) == ("C01", "error", 26)
    assert first["evidence"][0]["text"] == "the table is allocated here"
    assert first["permalink"].endswith(f"#f-{first['id']}")
    assert [one["remark"] for one in first["said"]] == ["raised", "promised"]
    page = client.get(links.to_series("linux-mm", talk.v2.root_msgid)).content.decode()
    assert all(f'id="f-{one["id"]}"' in page for one in findings)


def test_two_places_with_one_fingerprint_have_two_ids(client: Client) -> None:
    row = factories.series(expected=1)
    factories.patch(row, 1, "x", tellings.diff_of(1))
    twice = tellings.told(tellings.ignored_result())
    factories.keep(row, factories.report_of(row, findings=(twice, twice)))
    first, second = (one["id"] for one in status(client, row)["findings"])
    assert second == f"{first}-2"


def test_a_series_that_just_arrived_claims_nothing(client: Client) -> None:
    row = factories.series("[PATCH] mm: wait", expected=1, wanted=True)
    factories.patch(row, 1, "mm: wait", tellings.diff_of(1))
    answer = status(client, row)
    assert (answer["state"], answer["verdict"], answer["findings"]) == ("waiting", "unknown", [])
    models.Series.objects.filter(pk=row.pk).update(state=State.RUNNING)
    assert status(client, row)["state"] == "applying"
    factories.under_way(row)
    answer = status(client, row)
    assert answer["state"] == "running"
    assert [check["state"] for check in answer["patches"][0]["checks"]] == ["running", "passed"]


def test_why_it_does_not_apply(client: Client) -> None:
    answer = status(client, factories.does_not_apply())
    assert answer["verdict"] == "does not apply"
    assert answer["failure"]["found"].startswith("static phys_addr_t late_pgtable_alloc(enum level")


def test_answers_keep_to_the_schema(client: Client, talk: factories.Discussion) -> None:
    schema = yaml.safe_load(client.get("/api/v1/schema/").content)
    waiting = factories.series("[PATCH] w", expected=1)
    factories.patch(waiting, 1, "w", tellings.diff_of(1))
    for row in (talk.v1, talk.v2, factories.does_not_apply(), waiting):
        _validate(schema, "SeriesStatus", status(client, row))
    _validate(schema, "SeriesPage", client.get("/api/v1/series/").json())
    _validate(schema, "Problem", client.get("/api/v1/series/none@x/").json())
    _validate(schema, "RuleStatus", client.get("/api/v1/rules/C06/").json())
    _validate(schema, "RunStatus", client.get(f"/api/v1/runs/{talk.run.pk}/").json())


def test_every_shape_that_is_answered_has_an_example_that_keeps_to_it(client: Client) -> None:
    schema = yaml.safe_load(client.get("/api/v1/schema/").content)
    shown = 0
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for media in (media for body in bodies for media in body.get("content", {}).values()):
                if "$ref" not in media["schema"] and media["schema"].get("type") != "array":
                    continue
                for example in media.get("examples", {}).values():
                    rows = example["value"] if isinstance(example["value"], list) else [example["value"]]
                    name = media["schema"].get("$ref", media["schema"].get("items", {}).get("$ref", ""))
                    for row in rows:
                        _validate(schema, name.rpartition("/")[2], row)
                        shown += 1
            assert operation["responses"], f"{method} {path}"
    assert shown > 100


def _validate(schema: dict[str, Any], name: str, answer: object) -> None:
    """Check an answer against OpenAPI's dialect: nullable is spelled apart, and no field may be unnamed."""
    parts = json.loads(json.dumps(schema["components"]["schemas"]))
    for part in parts.values():
        part["additionalProperties"] = part.get("type") != "object"
    text = json.dumps({"components": {"schemas": parts}, "$ref": f"#/components/schemas/{name}"})
    document = json.loads(text, object_hook=_nullable)
    jsonschema.validate(answer, document)


def _nullable(part: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [{"type": "null"}, part]} if part.pop("nullable", False) else part


def test_the_same_answer_is_not_sent_twice(
    client: Client, talk: factories.Discussion, django_assert_max_num_queries: Any
) -> None:
    path = links.to_status(talk.v2.root_msgid)
    first = client.get(path)
    assert first["Cache-Control"] == "no-cache"
    with django_assert_max_num_queries(2):
        second = client.get(path, headers={"If-None-Match": first["ETag"]})
    assert (second.status_code, second.content) == (304, b"")
    models.Delivery.objects.update(stage=models.Delivery.Stage.SENT)
    assert client.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_reading_needs_few_queries(
    client: Client, talk: factories.Discussion, django_assert_max_num_queries: Any
) -> None:
    for _ in range(40):
        factories.series()
    with django_assert_max_num_queries(8):
        client.get(links.to_status(talk.v2.root_msgid))
    with django_assert_max_num_queries(3):
        assert len(client.get("/api/v1/series/?limit=40").json()["results"]) == 40


def test_scripts_of_any_origin_may_read(client: Client, talk: factories.Discussion) -> None:
    assert client.get(links.to_status(talk.v2.root_msgid))["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in client.post("/api/v1/series/", {})


def test_an_unknown_message_id_is_a_problem_that_says_what_to_do(client: Client) -> None:
    answer = client.get("/api/v1/series/none@x/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert "POST" in answer.json()["detail"]
    row = models.Submission.objects.create(target="none@x")
    assert "not fetched yet" in client.get("/api/v1/series/none@x/").json()["detail"]
    models.Submission.objects.filter(pk=row.pk).update(state=State.BROKEN, reason="The archive has no such mail.")
    assert "The archive has no such mail." in client.get("/api/v1/series/none@x/").json()["detail"]


def test_text_for_a_terminal(client: Client, talk: factories.Discussion) -> None:
    answer = client.get(f"{links.to_status(talk.v2.root_msgid)[:-1]}.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert "C01" in answer.content.decode()


@pytest.mark.parametrize("wait", ["-1", "x", "1.5", "²"])
def test_a_wait_that_is_no_number_is_refused(client: Client, talk: factories.Discussion, wait: str) -> None:
    answer = client.get(links.to_status(talk.v2.root_msgid), {"wait": wait})
    assert answer.status_code == 400
    assert "wait takes a whole number" in answer.json()["detail"]


def test_waiting_ends_at_once_when_all_is_done(client: Client, talk: factories.Discussion) -> None:
    assert client.get(links.to_status(talk.v2.root_msgid), {"wait": "50"}).status_code == 200


def test_waiting_ends_when_time_is_up(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "PAUSE", 0.05)
    row = factories.series("[PATCH] w", expected=1, wanted=True)
    factories.patch(row, 1, "w", tellings.diff_of(1))
    tag = client.get(links.to_status(row.root_msgid))["ETag"]
    answer = client.get(links.to_status(row.root_msgid), {"wait": "1"}, headers={"If-None-Match": tag})
    assert answer.status_code == 304


def test_more_waiters_than_there_is_room_for_are_answered_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_waiters", threading.BoundedSemaphore(1))
    api._waiters.acquire()
    row = factories.series("[PATCH] w", expected=1, wanted=True)
    factories.patch(row, 1, "w", tellings.diff_of(1))
    assert client.get(links.to_status(row.root_msgid), {"wait": "60"}).status_code == 200


def test_lists_are_filtered_and_paged(client: Client) -> None:
    for number in range(5):
        factories.series(f"[PATCH] mm: {number}", lists=("linux-mm",) if number else ())
    page = client.get("/api/v1/series/", {"list": "linux-mm", "limit": "3"}).json()
    assert [row["subject"] for row in page["results"]] == ["[PATCH] mm: 4", "[PATCH] mm: 3", "[PATCH] mm: 2"]
    rest = client.get(page["next"]).json()
    assert [row["subject"] for row in rest["results"]] == ["[PATCH] mm: 1"]
    assert rest["next"] is None
    assert client.get(rest["previous"]).json()["results"] == page["results"]
    assert client.get("/api/v1/series/", {"verdict": "nice"}).status_code == 400


def test_a_series_is_found_by_a_link_to_an_archive(client: Client, talk: factories.Discussion) -> None:
    url = "https://lore.kernel.org/linux-mm/aaa1.jun@example.org/T/#u"
    (row,) = client.get("/api/v1/series/", {"url": url}).json()["results"]
    assert row["msgid"] == talk.v2.root_msgid


def test_runs_findings_rules_trees_and_lists(client: Client, talk: factories.Discussion) -> None:
    models.Finding.objects.create(run=talk.run, fingerprint="f" * 16, rule="C01", severity="error", file="a.c", line=1,
                                  message="m", evidence=[["a.c", 1, "step"]])  # fmt: skip
    models.Tree.objects.create(name="mm-unstable", source="x")
    assert client.get(f"/api/v1/runs/{talk.run.pk}/").json()["check"] == "build"
    (row,) = client.get("/api/v1/findings/", {"rule": "C01", "run": str(talk.run.pk)}).json()["results"]
    assert row["evidence"] == [{"file": "a.c", "line": 1, "text": "step"}]
    assert client.get("/api/v1/findings/", {"rule": "C02"}).json()["results"] == []
    assert any(rule["name"] == "C06" for rule in client.get("/api/v1/rules/").json())
    assert client.get("/api/v1/trees/").json()[0]["name"] == "mm-unstable"
    assert "linux-mm" in [one["name"] for one in client.get("/api/v1/lists/").json()]
    for path in ("/api/v1/runs/99999/", "/api/v1/rules/C99/", "/api/v1/findings/99999/"):
        assert client.get(path)["Content-Type"] == "application/problem+json"


class TestSubmitting:
    """Asking for work: open on one's own machine, by token elsewhere."""

    @pytest.fixture(autouse=True)
    def _accept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            intake, "submit", lambda target, options: models.Submission.objects.create(target=target, options=options)
        )

    def test_it_is_accepted_and_says_where_to_ask(self, client: Client) -> None:
        body = {"target": "x@y", "options": {"build": False}}
        answer = client.post("/api/v1/series/", body, content_type="application/json")
        row = models.Submission.objects.get()
        assert answer.status_code == 202
        assert answer["Location"].endswith(f"/api/v1/submissions/{row.pk}/")
        assert row.options == {"build": False}
        assert client.get(answer["Location"]).json() == answer.json()

    def test_a_form_will_do(self, client: Client) -> None:
        assert client.post("/api/v1/series/", {"target": "x@y"}).status_code == 202

    def test_it_needs_a_token_where_it_is_not_open(self, client: Client, settings: Any) -> None:
        settings.OPEN_SUBMISSIONS = False
        answer = client.post("/api/v1/series/", {"target": "x@y"})
        assert answer.status_code == 401
        assert "token" in answer.json()["detail"]
        headers = {"Authorization": f"Token {tokens.create('ci', ['submit'])}"}
        assert client.post("/api/v1/series/", {"target": "x@y"}, headers=headers).status_code == 202

    def test_pages_of_other_sites_cannot_ask(self, client: Client) -> None:
        answer = client.post("/api/v1/series/", {"target": "x@y"}, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403

    def test_nonsense_is_refused_in_a_sentence(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(target: str, options: dict[str, object]) -> models.Submission:
            raise NotFoundError("'x' is neither a Message-ID nor the URL of a mail.")

        monkeypatch.setattr(intake, "submit", refuse)
        answer = client.post("/api/v1/series/", {"target": "x"})
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
        assert client.post("/api/v1/series/", {}).json()["detail"] == "target: This field is required."
        assert client.post("/api/v1/series/", b"{", content_type="application/json").status_code == 400

    def test_a_series_can_be_looked_at_again(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        talk = factories.discussion()
        asked: list[models.Series] = []
        monkeypatch.setattr(api, "rerun", asked.append)
        answer = client.post(f"{links.to_status(talk.v2.root_msgid)}rerun/")
        assert (answer.status_code, asked) == (202, [talk.v2])


def test_the_schema_is_complete_and_unambiguous(capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import call_command

    call_command("spectacular", "--validate", "--fail-on-warn")


def test_unknown_addresses_of_the_api_are_problems_too(client: Client) -> None:
    answer = client.get("/api/v1/nonsense/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
