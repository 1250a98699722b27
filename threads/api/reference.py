"""What the status of a series rests on: submissions, runs, findings, rules, trees, lists."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from reviewbot.findings import Severity
from reviewbot.reports.facts import State
from threads import links
from threads.api import shapes
from threads.api.base import PAGING, ApiView, find, number_of, page_of, paged
from threads.api.problems import problems
from threads.api.series import submission_status
from threads.conversion import storable
from threads.models import Finding, MailingList, Run, Submission
from threads.selectors import rules, service


class IndexView(ApiView):
    """What there is."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Name the addresses."""
        names = (
            *("series", "topics", "submissions", "findings", "runs", "rules", "trees", "lists", "deliveries"),
            *("statistics", "schema", "docs"),
        )
        return Response({name: request.build_absolute_uri(f"/api/v1/{name}/") for name in names})


class SubmissionView(ApiView):
    """What became of what was asked for."""

    @extend_schema(responses={200: shapes.SubmissionStatus} | problems(404))
    def get(self, request: Request, pk: int) -> Response:
        """Return one submission; `series` is set as soon as it has become one."""
        return Response(submission_status(request, find(Submission.objects.select_related("series"), pk, "submission")))


class SubmissionListView(ApiView):
    """What was asked for lately."""

    @extend_schema(
        operation_id="submissions_list",
        parameters=PAGING,
        responses={200: paged("SubmissionPage", shapes.SubmissionStatus)} | problems(),
    )
    def get(self, request: Request) -> Response:
        """List submissions, newest first."""
        return page_of(request, Submission.objects.select_related("series"), submission_status)


def _run(request: Request, run: Run) -> dict[str, Any]:
    return {
        "id": run.pk,
        "url": request.build_absolute_uri(links.to_run(run.pk)),
        "check": run.check_name,
        "configuration": run.configuration,
        "version": run.version,
        "state": run.state,
        "summary": run.summary,
        "reason": run.reason,
        "commit": run.commit,
        "tree": run.tree_id,
        "command": run.command,
        "seconds": run.seconds,
        "started": run.started_at.isoformat() if run.started_at else None,
        "finished": run.finished_at.isoformat() if run.finished_at else None,
        "log": request.build_absolute_uri(f"{links.to_run(run.pk)}log.txt"),
    }


class RunView(ApiView):
    """One check or build."""

    @extend_schema(responses={200: shapes.RunStatus} | problems(404))
    def get(self, request: Request, pk: int) -> Response:
        """Return one run."""
        return Response(_run(request, find(Run.objects.defer("log"), pk, "run")))


class RunListView(ApiView):
    """Checks and builds."""

    @extend_schema(
        operation_id="runs_list",
        parameters=[
            *PAGING,
            OpenApiParameter("check", str),
            OpenApiParameter("state", str, enum=[str(one) for one in State]),
            OpenApiParameter("commit", str),
        ],
        responses={200: paged("RunPage", shapes.RunStatus)} | problems(),
    )
    def get(self, request: Request) -> Response:
        """List runs, newest first."""
        rows = Run.objects.defer("log")
        for name, column in (("check", "check_name"), ("state", "state"), ("commit", "commit")):
            if value := storable(request.query_params.get(name, "")):
                rows = rows.filter(**{column: value})
        return page_of(request, rows, _run)


def _finding(request: Request, row: Finding) -> dict[str, Any]:
    return {
        "id": row.pk,
        "fingerprint": row.fingerprint,
        "rule": row.rule,
        "severity": row.severity,
        "file": row.file,
        "line": row.line,
        "function": row.function,
        "text": row.text,
        "message": row.message,
        "evidence": [{"file": file, "line": line, "text": text} for file, line, text in row.evidence],
        "run": request.build_absolute_uri(f"/api/v1/runs/{row.run_id}/"),
    }


class FindingView(ApiView):
    """One finding of a run."""

    @extend_schema(responses={200: shapes.FindingRow} | problems(404))
    def get(self, request: Request, pk: int) -> Response:
        """Return what a run states about one place; what it means for a series stands in the series."""
        return Response(_finding(request, find(Finding.objects.all(), pk, "finding")))


class FindingListView(ApiView):
    """Findings of the runs."""

    @extend_schema(
        operation_id="findings_list",
        parameters=[
            *PAGING,
            *(OpenApiParameter(name, str) for name in ("rule", "file", "function", "fingerprint")),
            OpenApiParameter("severity", str, enum=[str(one) for one in Severity]),
            OpenApiParameter("run", int),
        ],
        responses={200: paged("FindingPage", shapes.FindingRow)} | problems(),
    )
    def get(self, request: Request) -> Response:
        """List what runs state, newest first."""
        rows = Finding.objects.all()
        for name in ("rule", "file", "function", "fingerprint", "severity"):
            if value := storable(request.query_params.get(name, "")):
                rows = rows.filter(**{name: value})
        if run := number_of(request, "run", 0, 2**62):
            rows = rows.filter(run_id=run)
        return page_of(request, rows, _finding)


class RuleListView(ApiView):
    """The rules of the checks."""

    @extend_schema(operation_id="rules_list", responses={200: shapes.RuleStatus(many=True)} | problems())
    def get(self, request: Request) -> Response:
        """List the rules."""
        return Response([_rule(request, rule) for rule in rules.all_rules()])


class RuleView(ApiView):
    """One rule."""

    @extend_schema(responses={200: shapes.RuleStatus} | problems(404))
    def get(self, request: Request, name: str) -> Response:
        """Return what a rule says, why, and where it comes from."""
        rule = rules.find_rule(name)
        if rule is None:
            raise exceptions.NotFound(f"No rule is called {name!r}; /api/v1/rules/ lists them.")
        return Response(_rule(request, rule))


def _rule(request: Request, rule: rules.RulePage) -> dict[str, Any]:
    return {
        "name": rule.code,
        "title": rule.title,
        "severity": rule.severity,
        "rationale": rule.rationale,
        "epochs": rule.epochs,
        "sources": rule.source,
        "bad": rule.bad,
        "good": rule.good,
        "url": request.build_absolute_uri(links.to_rule(rule.code)),
    }


class TreeListView(ApiView):
    """The kernel trees."""

    @extend_schema(responses={200: shapes.TreeStatus(many=True)} | problems())
    def get(self, request: Request) -> Response:
        """List the trees that series are applied to, in the order they are tried."""
        return Response(
            [
                {
                    "name": tree.name,
                    "branch": tree.branch,
                    "role": tree.role,
                    "lists": tree.lists,
                    "describe": tree.describe,
                    "commit": tree.commit,
                    "synced": tree.synced_at.isoformat() if tree.synced_at else None,
                }
                for tree in service.trees()
            ]
        )


class MailingListView(ApiView):
    """The mailing lists."""

    @extend_schema(responses={200: shapes.ListStatus(many=True)} | problems())
    def get(self, request: Request) -> Response:
        """List the mailing lists that are known."""
        return Response([_list(one) for one in service.mailing_lists()])


def _list(one: MailingList) -> dict[str, Any]:
    return {
        "name": one.name,
        "address": one.address,
        "list_id": one.list_id,
        "archive": one.archive,
        "seen": one.seen_at.isoformat() if one.seen_at else None,
    }


class UnknownView(ApiView):
    """Whatever else is asked for below /api/v1/."""

    schema = None

    def get(self, request: Request, rest: str) -> Response:
        """Say what there is."""
        raise Http404("There is nothing at this address; /api/v1/ names what there is.")

    post = put = patch = delete = get
