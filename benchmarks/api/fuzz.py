"""Requests that schemathesis makes up from the schemas: no error of ours, no answer that the schema does not know."""

from __future__ import annotations

from typing import Any

import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from threads.services import tokens

#: of the dialect no schema is served: these are its addresses and the parameters that clients send
DIALECT = {
    "patches": "q state submitter delegate hash archived page per_page order since before project msgid series",
    "series": "q submitter page per_page order since before project",
    "covers": "q submitter page per_page order since before project msgid",
    "events": "category since before project page per_page",
    "people": "q page per_page",
    "projects": "page per_page",
    "users": "q page per_page",
}


def dialect() -> dict[str, Any]:
    """Return a schema of the dialect: every answer is JSON, and 2xx or 4xx."""
    answers = {code: {"description": "", "content": {"application/json": {}}} for code in
               ("200", "201", "400", "401", "403", "404", "405", "415", "429")}  # fmt: skip
    paths: dict[str, Any] = {}
    text = {"schema": {"type": "string"}, "in": "query"}
    key = {"name": "pk", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
    for name, parameters in DIALECT.items():
        query = [{"name": word, **text} for word in parameters.split()]
        paths[f"/api/1.2/{name}/"] = {"get": {"parameters": query, "responses": answers}}
        if name != "events":
            paths[f"/api/1.2/{name}/{{pk}}/"] = {"get": {"parameters": [key], "responses": answers}}
    change = {"type": "object", "properties": {"state": {"type": "string"}, "archived": {"type": "boolean"},
              "delegate": {"type": "string", "nullable": True}, "commit_ref": {"type": "string"}}}  # fmt: skip
    check = {"type": "object", "properties": {name: {"type": "string"} for name in
             ("context", "state", "target_url", "description")}}  # fmt: skip
    paths["/api/1.2/patches/{pk}/"]["patch"] = {
        "parameters": [key], "requestBody": _body(change), "responses": answers
    }  # fmt: skip
    paths["/api/1.2/patches/{pk}/checks/"] = {
        "get": {"parameters": [key], "responses": answers},
        "post": {"parameters": [key], "requestBody": _body(check), "responses": answers},
    }
    return {"openapi": "3.0.3", "info": {"title": "Patchwork's dialect", "version": "1.2"}, "paths": paths}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {kind: {"schema": schema} for kind in ("application/json", "application/x-www-form-urlencoded")}}


def run(examples: int, root: str, *, always_the_same: bool = False) -> bool:
    """Try so many requests of each operation of both; tell whether nothing was found.

    :param root: Message-ID of a series that there is.
    :param always_the_same: make up the same requests at every call.
    """
    key = tokens.create("fuzz", list(tokens.SCOPES))
    native = Client().get("/api/v1/schema/?format=json").json()
    _with_examples(native, root)
    fine = [_try(one, examples, key, always_the_same) for one in (native, dialect())]
    return all(fine)


def _with_examples(schema: dict[str, Any], root: str) -> None:
    """Name a series that there is, so that not everything is 404."""
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path" and parameter["name"] == "msgid" and "{msgid}" in path:
                    parameter["example"] = root


def _try(document: dict[str, Any], examples: int, key: str, always_the_same: bool) -> bool:
    schema = schemathesis.openapi.from_dict(document)
    schema.app = get_wsgi_application()
    schema.config.base_url = "http://127.0.0.1/"
    count, failures = 0, []
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]  # one that cannot be read raises here
        tried, failed = _operation(operation, examples, key, always_the_same)
        count += tried
        failures += failed
    print(f"{document['info']['title']}: {count} requests, {len(failures)} failures")
    for failure in failures[:20]:
        print(f"  {failure}")
    return not failures


def _operation(operation: Any, examples: int, key: str, always_the_same: bool) -> tuple[int, list[str]]:  # noqa: ANN401
    tried: list[int] = []

    @given(case=operation.as_strategy())
    @settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate], derandomize=always_the_same,
    )  # fmt: skip
    def each(case: Any) -> None:  # noqa: ANN401
        tried.append(1)
        headers = {"Authorization": f"Token {key}"} if len(tried) % 2 else {}
        response = case.call(headers=headers)
        case.validate_response(response, checks=CHECKS)

    try:
        each()
    except BaseExceptionGroup as error:
        return len(tried), [f"{operation.label}: {str(error)[:1500]}"]
    return len(tried), []


CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
