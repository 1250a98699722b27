"""From mails to series and topics: the rows that a thread amounts to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction

from reviewbot.mail.message import Message
from reviewbot.series.assemble import assemble
from reviewbot.series.model import Patch
from reviewbot.series.topics import carry_over, link_versions
from threads import conversion, models
from threads.services import answers, topics, versions
from threads.services.bulk import assign, insert
from threads.services.rows import as_json, patch_fields, paths_of, series_fields, standing, update
from threads.services.tying import chunks


def assemble_threads(threads: Iterable[str], rows: Mapping[str, models.Message] | None = None) -> list[models.Series]:
    """Assemble the series of some threads, and link them with other versions of the same work.

    Running it twice over the same mails changes nothing, and the order in which they came leaves no trace.

    :param rows: mails that were just kept, by Message-ID, so that they need not be read again.
    :returns: the series of these threads; of a long thread to which mere answers came, those that are answered.
    """
    wanted = set(threads)
    if not wanted:
        return []
    with transaction.atomic():
        settled = answers.tie(wanted, rows or {})
        found = _Assembly(_mails(wanted - settled, rows or {})).keep() if wanted - settled else []
        keys = {row.series_id for row in (rows or {}).values() if row.thread in settled and row.series_id}
        for chunk in chunks(keys):
            found += models.Series.objects.filter(pk__in=chunk)
        return found


def _mails(threads: set[str], rows: Mapping[str, models.Message]) -> dict[str, models.Message]:
    """Return the mails of some threads by Message-ID."""
    mails = {name: row for name, row in rows.items() if row.thread in threads}
    have = {row.pk for row in mails.values()}
    keys: list[int] = []
    for chunk in chunks(sorted(threads)):
        keys += models.Message.objects.filter(thread__in=chunk).values_list("pk", flat=True)
    for others in chunks([key for key in keys if key not in have]):
        found = models.Message.objects.filter(pk__in=others).select_related("author").defer("raw")
        mails |= {row.message_id: row for row in found}
    return mails


def _message(row: models.Message) -> Message:
    """Return what series are made of: a mail without its bytes and recipients."""
    return conversion.message(row, raw=False, recipients=False)


class _Assembly:
    """Some whole threads, the series that were made of them before, and those that may be other versions.

    :ivar mails: by Message-ID.
    :ivar old: series of these mails, by key.
    :ivar others: series of other mails, by key.
    :ivar patches: of both, by the key of their series, in order of number.
    :ivar rows: what is kept of each series, by Message-ID of its root.
    """

    def __init__(self, mails: dict[str, models.Message]) -> None:
        self.mails = mails
        self.by_key = {row.pk: row for row in mails.values()}
        self.old: dict[int, models.Series] = {}
        for chunk in chunks({row.series_id for row in mails.values() if row.series_id}):
            self.old |= models.Series.objects.in_bulk(chunk)
        self.old = {key: row for key, row in self.old.items() if row.root_msgid in mails}
        self.patches = _patches(self.old)
        self.found = assemble(map(_message, mails.values()), self._known())
        self.others = self._other_versions()
        self.patches |= _patches(self.others)
        recalled = versions.recall(list(self.others.values()), self.patches)
        everything = sorted([*self.found, *recalled], key=lambda one: (one.date, one.root_msgid))
        self.linked = {one.root_msgid: one for one in carry_over(link_versions(everything))}
        self.rows = {row.root_msgid: row for row in self.others.values()}

    def _known(self) -> dict[str, Patch]:
        """Return the patches whose diffs were read before, by the Message-ID of their mail."""
        rows = [row for rows in self.patches.values() for row in rows if row.patch_id and row.message_id in self.by_key]
        mails = [self.by_key[row.message_id] for row in rows]
        return {
            mail.message_id: Patch(row.number, _message(mail), row.subject, "", tuple(row.files), row.patch_id)
            for row, mail in zip(rows, mails, strict=True)
        }

    def _other_versions(self) -> dict[int, models.Series]:
        """Return what may be an earlier or later version of what was found, with everything in their topics."""
        keys = versions.candidates(self.found) - self.old.keys()
        groups = {row.topic_id for row in self.old.values()}
        for chunk in chunks(keys):
            groups |= set(models.Series.objects.filter(pk__in=chunk).values_list("topic_id", flat=True))
        others: dict[int, models.Series] = {}
        for chunk in chunks(groups):
            others |= {row.pk: row for row in models.Series.objects.filter(topic_id__in=chunk)}
        return {key: row for key, row in others.items() if key not in self.old}

    def keep(self) -> list[models.Series]:
        """Write what the mails amount to, and return the rows."""
        self._match()
        ghosts = self._let_go()
        before = {row.topic_id for row in (*self.old.values(), *self.others.values())}
        topics.assign(list(self.linked.values()), self.rows)
        self._keep_series()
        self._bury(ghosts)
        topics.remove_empty(before)
        self._keep_patches()
        self._keep_discussion()
        self._keep_lists()
        return [self.rows[one.root_msgid] for one in self.found]

    def _match(self) -> None:
        """Find the row of each series by its root, else by any of its mails: a root changes when a cover comes late."""
        free = {row.root_msgid: row for row in self.old.values()}
        for one in self.found:
            if row := free.pop(one.root_msgid, None):
                self.rows[one.root_msgid] = row
        homes: dict[str, models.Series] = {}
        for row in sorted(free.values(), key=lambda row: -row.pk):
            keys = [patch.message_id for patch in self.patches[row.pk]] + [row.cover_id]
            parts = [self.by_key[key] for key in keys if key in self.by_key]
            homes |= {part.message_id: row for part in parts if part.series_id == row.pk} | {row.root_msgid: row}
        for one in self.found:
            there = [homes[name] for name in one.message_ids if name in homes and homes[name].root_msgid in free]
            if one.root_msgid not in self.rows and there:
                row = min(there, key=lambda row: (-there.count(row), row.pk))
                del free[row.root_msgid]
                self.rows[one.root_msgid] = row
            elif one.root_msgid not in self.rows:
                self.rows[one.root_msgid] = models.Series()

    def _let_go(self) -> list[models.Series]:
        """Take the cover from each series that has another one now; return the series that are none any more."""
        kept = {self.rows[one.root_msgid].pk: one for one in self.found}
        for row in self.old.values():
            cover = series_fields(kept[row.pk], self.mails)["cover_id"] if row.pk in kept else None
            if row.cover_id not in (None, cover):
                update(row, {"cover_id": None})
        return [row for row in self.old.values() if row.pk not in kept]

    def _keep_series(self) -> None:
        """Write the rows of the series: first the new ones, so that each has a key, then what is new of all."""
        ordered = sorted(self.linked.values(), key=lambda one: (one.version, one.date, one.root_msgid))
        fields = {}
        new: list[models.Series] = []
        for one in ordered:
            row = self.rows[one.root_msgid]
            fields[one.root_msgid] = (
                {} if row.pk in self.others else series_fields(one, self.mails) | standing(row, one)
            )
            if row.pk is None:
                for name, value in fields[one.root_msgid].items():
                    setattr(row, name, value)
                new.append(row)
        models.Series.objects.bulk_create(new)
        for one in ordered:
            previous = self.rows.get(one.previous.root_msgid) if one.previous else None
            how = one.previous.how if one.previous and previous else ""
            linked = {"previous_id": previous.pk if previous else None, "previous_how": how}
            update(self.rows[one.root_msgid], fields[one.root_msgid] | linked)

    def _bury(self, ghosts: Sequence[models.Series]) -> None:
        """Remove series that turned out to be parts of others; what was said about them goes to those."""
        homes = {name: self.rows[one.root_msgid] for one in self.found for name in one.message_ids}
        for ghost in ghosts:
            if heir := homes.get(ghost.root_msgid):
                models.Delivery.objects.filter(series=ghost).update(series=heir)
                models.Submission.objects.filter(series=ghost).update(series=heir)
            for mail in self.mails.values():
                mail.series_id = None if mail.series_id == ghost.pk else mail.series_id
            ghost.delete()

    def _keep_patches(self) -> None:
        """Make the patch rows those of the series; one that has other diffs than before is looked at again."""
        own = {one.root_msgid: [len(patch.trailers) for patch in one.patches] for one in self.found}
        new: list[models.Patch] = []
        touched: list[tuple[int, str]] = []
        for one in self.found:
            row, there = self.rows[one.root_msgid], self.patches.get(self.rows[one.root_msgid].pk, [])
            wanted = [
                patch_fields(patch, self.mails[patch.message.message_id], count)
                for patch, count in zip(self.linked[one.root_msgid].patches, own[one.root_msgid], strict=True)
            ]
            before = [(patch.number, patch.message_id, patch.patch_id) for patch in there]
            after = [(fields["number"], fields["message_id"], fields["patch_id"]) for fields in wanted]
            if before == after:
                for patch, fields in zip(there, wanted, strict=True):
                    update(patch, fields)
                continue
            if there:
                row.patches.all().delete()
                row.paths.all().delete()
                _look_again(row)
            patches = [models.Patch(series=row, **fields) for fields in wanted]
            new += patches
            touched += [(row.pk, path) for path in paths_of(patches)]
        names = [field.attname for field in models.Patch._meta.concrete_fields if not field.primary_key]
        insert(models.Patch, names, ([getattr(patch, name) for name in names] for patch in new))
        insert(models.TouchedPath, ("series_id", "path"), touched)
        for key, row in self.others.items():
            for patch, facts in zip(self.patches.get(key, []), self.linked[row.root_msgid].patches, strict=True):
                update(patch, {"trailers": as_json(facts.trailers)})

    def _keep_discussion(self) -> None:
        """Tie each mail to the series that it is about."""
        homes = {
            name: self.rows[one.root_msgid].pk
            for one in self.found
            for name in (*(reply.message_id for reply in one.replies), *one.message_ids)
        }
        moved: dict[int, int | None] = {}
        for name, mail in self.mails.items():
            if mail.series_id != homes.get(name):
                mail.series_id = moved[mail.pk] = homes.get(name)
        assign(models.Message, "series", moved)

    def _keep_lists(self) -> None:
        """Tie each series to the lists that its own mails are on."""
        homes = {self.mails[name].pk: self.rows[one.root_msgid].pk for one in self.found for name in one.message_ids}
        wanted: set[tuple[int, int]] = set()
        for chunk in chunks(homes):
            on = models.Message.lists.through.objects.filter(message_id__in=chunk)
            wanted |= {(homes[mail], one) for mail, one in on.values_list("message_id", "mailinglist_id")}
        through = models.Series.lists.through
        there: dict[tuple[int, int], int] = {}
        for chunk in chunks(set(homes.values())):
            for key, series, one in through.objects.filter(series_id__in=chunk).values_list(
                "pk", "series_id", "mailinglist_id"
            ):
                there[series, one] = key
        insert(through, ("series_id", "mailinglist_id"), sorted(wanted - there.keys()))
        if left := [key for pair, key in there.items() if pair not in wanted]:
            through.objects.filter(pk__in=left).delete()


def _look_again(row: models.Series) -> None:
    from threads.services.pipeline import start_over  # it loads what applies and builds, which mails do not need

    start_over(row)


def _patches(series: Iterable[int]) -> dict[int, list[models.Patch]]:
    """Return the patches of some series, by the key of their series, in order of number."""
    patches: dict[int, list[models.Patch]] = defaultdict(list)
    for chunk in chunks(series):
        for patch in models.Patch.objects.filter(series_id__in=chunk).order_by("number"):
            patches[patch.series_id].append(patch)
    return patches
