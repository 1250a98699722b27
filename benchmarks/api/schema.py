"""Our answers against schemas that others publish: Patchwork's OpenAPI files, and SARIF's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import yaml
from django.test import Client

from benchmarks.api import data
from threads import links
from threads.models import Message, Patch, Token
from threads.services import foreign, tokens

_VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")


def run(patchwork: Path | None, sarif: Path | None) -> bool:
    """Print what does not keep to a schema; tell whether everything does."""
    fine = True
    if patchwork:
        _decide()
        for version in _VERSIONS:
            found = sorted((patchwork / f"v{version}").glob("patchwork.y*ml"))
            fine &= not found or _patchwork(yaml.safe_load(found[0].read_text(encoding="utf-8")), version)
    if sarif:
        log = Client().get(f"{links.to_status(data.root(7))[:-1]}.sarif").json()
        validator = jsonschema.Draft7Validator(json.loads(sarif.read_text(encoding="utf-8")))
        fine &= _say("SARIF", [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(log)])
    return fine


def _decide() -> None:
    """Let there be a check of another bot and a decision, with the events that they make."""
    tokens.create("bot-7", ["checks"])
    user, patch = Token.objects.get().user, Patch.objects.select_related("message").get(pk=7 * data.PLACES + 1)
    foreign.add_check(
        patch.message, user, context="x", state="fail", target_url="https://x.example.org/", description=""
    )
    foreign.decide(patch, user, "new", {"state": "accepted", "delegate": user})


def _patchwork(document: dict[str, Any], version: str) -> bool:
    client, failures, tried = Client(), [], 0
    number, patch = 7, 7 * data.PLACES + 1
    cover = Message.objects.get(message_id=data.root(7)).pk
    project = client.get(f"/api/{version}/projects/linux-mm/").json()["id"]
    places = {"patches": patch, "series": number, "covers": cover, "projects": project, "people": 1, "users": 1}
    for path in ("", *places, "events", f"patches/{patch}/checks"):
        tried += 1
        failures += _check(document, client, version, f"{path}/" if path else "", _name(path, {}))
    for name, key in places.items():
        tried += 1
        failures += _check(document, client, version, f"{name}/{key}/", _name(name, {"detail": True}))
    return _say(f"Patchwork {version}, {tried} addresses", failures)


def _name(path: str, more: dict[str, bool]) -> str:
    """Return how a schema spells an address, without the part in front."""
    if path.endswith("/checks"):
        return "patches/{patch_id}/checks/"
    return (f"{path}/{{id}}/" if more else f"{path}/") if path else ""


def _check(document: dict[str, Any], client: Client, version: str, path: str, name: str) -> list[str]:
    spelled = [known for known in document["paths"] if known.rstrip("/").endswith(("/api/" + name).rstrip("/"))
               or known.rstrip("/").endswith((f"/api/{version}/" + name).rstrip("/"))]  # fmt: skip
    if not spelled:
        return []
    answer = client.get(f"/api/{version}/{path}")
    schema = document["paths"][spelled[0]]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    whole = {"components": _nullable(document["components"]), **_nullable(schema)}
    validator = jsonschema.Draft7Validator(whole)
    return [f"/api/{version}/{path}: {_place(error)}: {error.message[:300]}" for error in
            validator.iter_errors(answer.json())]  # fmt: skip


def _place(error: jsonschema.ValidationError) -> str:
    """Return where an error is, with one name for all rows of a list."""
    return ".".join("*" if isinstance(part, int) else str(part) for part in error.path)


def _nullable(part: Any) -> Any:  # noqa: ANN401 - JSON
    """Write OpenAPI 3.0's ``nullable`` as JSON Schema."""
    if isinstance(part, list):
        return [_nullable(one) for one in part]
    if not isinstance(part, dict):
        return part
    made = {name: _nullable(value) for name, value in part.items() if name != "nullable"}
    return {"anyOf": [{"type": "null"}, made]} if part.get("nullable") is True else made


def _say(what: str, failures: list[str]) -> bool:
    print(f"{what}: {len(failures)} failures")
    for failure in sorted(set(failures))[:40]:
        print(f"  {failure}")
    return not failures
