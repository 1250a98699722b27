"""Rows in the shape of Patchwork's API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest

from reviewbot.mail.diff import find_diff
from threads import links
from threads.conversion import decompress
from threads.models import Event, MailingList, Message, Patch, Person, Series
from threads.selectors.checks import Check, as_check
from threads.selectors.events import PatchDone, SeriesCame
from threads.selectors.patchwork import NEW, USERS, mailing_lists

#: clients expect an address of every account, and whose it is is nobody's business (RFC 2606 keeps it unused)
NOWHERE = "noreply.invalid"
#: who our own checks are from
OURSELVES = {"id": USERS, "username": "reviewbot", "first_name": "", "last_name": "", "email": f"reviewbot@{NOWHERE}"}


class Shapes:
    """Makes the JSON of one answer: knows the host, the version that was asked for, and the lists.

    :param version: ``(1, 0)`` to ``(1, 4)``; fields that are younger are left out.
    """

    def __init__(self, request: HttpRequest, version: tuple[int, int]) -> None:
        self._site = request.build_absolute_uri("/")[:-1]
        self._version = version
        self._api = f"{self._site}/api/{version[0]}.{version[1]}"
        self._lists = {row.pk: row for row in mailing_lists()}
        self._archives = {row.name: row.archive.rstrip("/") for row in self._lists.values()}
        self._users: dict[str, dict[str, Any] | None] = {}
        self._said: dict[tuple[str, int], dict[str, Any]] = {}

    def _since(self, minor: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        return fields if self._version >= (1, minor) else {}

    def _once(self, kind: str, pk: int, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what stands beside many rows of a list; it is made once for an answer."""
        if (kind, pk) not in self._said:
            self._said[kind, pk] = make()
        return self._said[kind, pk]

    def user(self, row: AbstractUser | None = None) -> dict[str, Any]:
        """Return an account; None is the service itself."""
        if row is None:
            return OURSELVES | {"url": f"{self._api}/users/{USERS}/"}
        number = USERS + row.pk
        return {
            "id": number,
            "url": f"{self._api}/users/{number}/",
            "username": row.get_username(),
            "first_name": row.first_name,
            "last_name": row.last_name,
            "email": f"{row.get_username()}@{NOWHERE}",
        }

    def project(self, row: MailingList | None) -> dict[str, Any]:
        """Return a list as a project; None is the project of what is on no list."""
        return self._once("project", row.pk if row else 0, lambda: self._project(row))

    def _project(self, row: MailingList | None) -> dict[str, Any]:
        row = row or MailingList(pk=0, name=links.ANY_LIST)
        return {
            "id": row.pk,
            "url": f"{self._api}/projects/{row.pk}/",
            "name": row.name,
            "link_name": row.name,
            "list_id": row.list_id,
            "list_email": row.address,
            "web_url": self._site + links.to_list(row.name),
            "scm_url": "",  # as Patchwork has it where nothing is set
            "webscm_url": "",
            **self._since(0, maintainers=[]),
            **self._since(1, subject_match=""),
            **self._since(
                2,
                list_archive_url=row.archive,
                list_archive_url_format=f"{row.archive.rstrip('/')}/{{}}" if row.archive else "",
                commit_url_format="",
            ),
        }

    def person(self, row: Person) -> dict[str, Any]:
        """Return a sender."""
        return self._once("person", row.pk, lambda: self._person(row))

    def _person(self, row: Person) -> dict[str, Any]:
        return {
            "id": row.pk,
            "url": f"{self._api}/people/{row.pk}/",
            "name": row.name or None,
            "email": row.email,
        }

    def patch(self, row: Patch, check: str) -> dict[str, Any]:
        """Return a patch as lists of patches have it.

        :param check: what its checks come to.
        """
        mail = row.message
        own = f"{self._api}/patches/{row.pk}/"
        decision = getattr(mail, "decision", None)
        return {
            **self._mail(row.pk, "patches", mail, row.subject, self._list(row)),
            "project": self.project(self._lists.get(self._project_id(row))),
            "commit_ref": (decision.commit_ref or None) if decision else None,
            "pull_url": None,
            "state": getattr(row, "standing", NEW),
            "archived": decision.archived if decision else False,
            "hash": row.patch_id or None,
            "submitter": self.person(mail.author),
            "delegate": self.user(decision.delegate) if decision and decision.delegate else None,
            "series": [self.series_in_patch(row.series, self._list(row))],
            "check": check,
            "checks": f"{own}checks/",
            "tags": {},
            **self._since(2, related=[]),
        }

    def patch_in_full(self, row: Patch, check: str) -> dict[str, Any]:
        """Return a patch with headers, commit message and diff; needs ``message`` with body and bytes."""
        body = row.message.body
        start = find_diff(body)
        return {
            **self.patch(row, check),
            "headers": _headers(row.message),
            "content": body[:start] if start >= 0 else body,
            "diff": body[start:] if start >= 0 else None,
            "prefixes": row.series.prefixes,
        }

    def series_in_patch(self, row: Series, name: str) -> dict[str, Any]:
        """Return a series as a patch and an event name it."""
        return self._once("series", row.pk, lambda: self._series_in_patch(row, name))

    def _series_in_patch(self, row: Series, name: str) -> dict[str, Any]:
        return {
            "id": row.pk,
            "url": f"{self._api}/series/{row.pk}/",
            **self._since(1, web_url=self._site + links.to_series(name, row.root_msgid)),
            "name": row.name,
            "date": _date(row.date),
            "version": row.version,
            "mbox": f"{self._site}/series/{row.pk}/mbox/",
        }

    def series(self, row: Series, patches: Sequence[Patch]) -> dict[str, Any]:
        """Return a series with its patches."""
        name = self._list(row)
        return {
            **self.series_in_patch(row, name),
            "project": self.project(self._lists.get(self._project_id(row))),
            "submitter": self.person(row.author),
            "total": row.expected,
            "received_total": len(patches),
            "received_all": len(patches) >= row.expected,
            "cover_letter": self._mail(row.cover.pk, "covers", row.cover, row.cover.subject, name)
            if row.cover
            else None,
            "patches": [self._mail(one.pk, "patches", one.message, one.subject, name) for one in patches],
            **self._since(4, dependencies=[], dependents=[]),
        }

    def cover(self, row: Message) -> dict[str, Any]:
        """Return a cover letter; needs ``cover_of``."""
        name = self._list(row)
        return {
            **self._mail(row.pk, "covers", row, row.subject, name),
            "project": self.project(self._lists.get(self._project_id(row))),
            "submitter": self.person(row.author),
            "series": [self.series_in_patch(row.cover_of, name)],
        }

    def cover_in_full(self, row: Message) -> dict[str, Any]:
        """Return a cover letter with its headers and text; needs the bytes."""
        return {**self.cover(row), "headers": _headers(row), "content": row.body}

    def check(self, check: Check, patch: Patch) -> dict[str, Any]:
        """Return one check of a patch, ours or of another bot."""
        if check.user:
            target = check.target_url or None
        else:
            page = links.to_series(self._list(patch), patch.series.root_msgid)
            target = self._site + (links.to_run(check.run) if check.run else page)
        return {
            "id": check.number,
            "url": f"{self._api}/patches/{patch.pk}/checks/{check.number}/",
            "user": self.user(check.user),
            "date": _date(check.date),
            "state": check.state,
            "target_url": target,
            "context": check.context,
            "description": check.description,
        }

    def event(self, one: SeriesCame | PatchDone) -> dict[str, Any]:
        """Return what happened to a series or a patch."""
        about: Series | Patch
        if isinstance(one, SeriesCame):
            about, date, actor = one.series, one.series.received_at, None
            payload: dict[str, Any] = {"series": self.series_in_patch(one.series, self._list(one.series))}
        else:
            about, date, actor = one.patch, one.event.date, one.event.actor
            payload = self._done(one.event, one.patch)
        return {
            "id": one.number,
            "category": one.category,
            "project": self.project(self._lists.get(self._project_id(about))),
            "date": _date(date),
            **self._since(1, actor=self.user(actor) if actor else None),
            "payload": payload,
        }

    def _done(self, event: Event, patch: Patch) -> dict[str, Any]:
        payload = {"patch": self._mail(patch.pk, "patches", patch.message, patch.subject, self._list(patch))}
        if event.check_row:
            return payload | {"check": self.check(as_check(event.check_row), patch)}
        if event.category == "patch-state-changed":
            return payload | {"previous_state": event.before, "current_state": event.after}
        return payload | {
            "previous_delegate": self._delegate(event.before),
            "current_delegate": self._delegate(event.after),
        }

    def _delegate(self, pk: str) -> dict[str, Any] | None:
        """Return an account by its row; it may be gone."""
        if pk not in self._users:
            row = get_user_model()._default_manager.filter(pk=pk).first() if pk else None
            self._users[pk] = self.user(row) if row else None
        return self._users[pk]

    def _project_id(self, row: Patch | Series | Message) -> int:
        return getattr(row, "project", None) or 0

    def _list(self, row: Patch | Series | Message) -> str:
        known = self._lists.get(self._project_id(row))
        return known.name if known else links.ANY_LIST

    def _mail(self, pk: int, kind: str, mail: Message, name: str, list_name: str) -> dict[str, Any]:
        quoted = links.msgid(mail.message_id)
        page = f"/project/{list_name}/{'cover' if kind == 'covers' else 'patch'}/{quoted}/"
        archive = self._archives.get(list_name)
        return {
            "id": pk,
            "url": f"{self._api}/{kind}/{pk}/",
            **self._since(1, web_url=self._site + page),
            "msgid": f"<{mail.message_id}>",
            **self._since(2, list_archive_url=f"{archive}/{quoted}/" if archive else None),
            "date": _date(mail.date),
            "name": name or "(no subject)",
            "mbox": f"{self._site}{page}mbox/",
        }


def _date(moment: datetime) -> str:
    """Return a date as Patchwork writes it: UTC, and no word about it."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def _headers(mail: Message) -> dict[str, Any]:
    """Return the headers of a mail; one that stands there several times has a list."""
    headers: dict[str, Any] = {}
    for name, value in message_from_bytes(decompress(mail.raw)).items():
        text = str(value)
        if name in headers:
            before = headers[name]
            headers[name] = [*before, text] if isinstance(before, list) else [before, text]
        else:
            headers[name] = text
    return headers
