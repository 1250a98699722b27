"""``python -m reviewbot.tree``: does a series apply to a tree, where, and if not, why."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from reviewbot.errors import AuthorError, NotFoundError, OperatorError, ReviewError
from reviewbot.lore.mbox import read_mailbox
from reviewbot.mail.parse import parse_message
from reviewbot.series.assemble import assemble
from reviewbot.series.model import Series, incomplete
from reviewbot.tree.apply import apply_letters, open_letters
from reviewbot.tree.base import outcome
from reviewbot.tree.evidence import preimages
from reviewbot.tree.history import matching
from reviewbot.tree.importing import borrow_commit
from reviewbot.tree.letter import Letter
from reviewbot.tree.model import Attempt, Base, Reject
from reviewbot.tree.notes import called
from reviewbot.tree.plain import commit_touched, commit_whole
from reviewbot.tree.show import NOTHING, as_dict, print_json, print_text
from reviewbot.tree.store import Store
from reviewbot.tree.upstream import UPSTREAMS, upstream

_PROGRAM = "python -m reviewbot.tree"
_EPILOG = """\
FILE is a mailbox of any kind: mbox, mboxrd, maildir, what git format-patch wrote
(a file or its folder), plain or gzipped.

TREE is a directory, a git repository or checkout (its HEAD), REPOSITORY@REVISION,
or with --store the name of a tree in that store. Nothing is checked out, and
nothing is written to TREE. Of a plain directory only the touched files are read;
for the id of the resulting tree, which JSON has, each file is read once.

Exit status: 0 the series applies, 2 it does not, 3 something else is at fault.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except ReviewError as error:
        if getattr(options, "format", "text") == "json":
            applies = False if isinstance(error, AuthorError) else None
            print_json({**NOTHING, "applies": applies, "reason": str(error)}, sys.stdout)
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(f"{_PROGRAM}: It stopped for a reason of this machine: {error}.", file=sys.stderr)
    return OperatorError.exit_status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="Apply patch series to kernel trees.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    apply = commands.add_parser(
        "apply",
        help="apply a series to a tree, without a checkout",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    apply.add_argument(
        "file", metavar="FILE.mbox", help="the mails of the series, or of its whole thread; - reads them"
    )
    apply.add_argument("--tree", required=True, help="where to apply it")
    apply.add_argument("--version", type=int, metavar="N", help="apply version N of the series; default: the newest")
    apply.add_argument("--fuzz", action="store_true", help="take a patch also where one line of context matches")
    apply.add_argument("--store", metavar="DIR", help="keep the commits in this object store")
    apply.add_argument("--explain", action="store_true", help="say for each patch what happened, and show the hunks")
    apply.add_argument("--format", choices=("text", "json"), default="text")
    apply.set_defaults(run=_apply)
    take = commands.add_parser("import", help="take a directory, a tar archive or a repository into a store")
    take.add_argument("name", metavar="NAME", help="how the tree will be called")
    take.add_argument(
        "path",
        nargs="?",
        metavar="PATH",
        help="directory, archive, repository or REPOSITORY@REVISION; "
        f"not needed for {', '.join(known.name for known in UPSTREAMS)}, whose newest state is fetched",
    )
    take.add_argument("--store", required=True, metavar="DIR")
    take.set_defaults(run=_import)
    known = commands.add_parser("list", help="list the trees of a store")
    known.add_argument("--store", required=True, metavar="DIR")
    known.set_defaults(run=_list)
    return parser


def _import(options: argparse.Namespace) -> int:
    store = Store(options.store)
    published = upstream(options.name)
    if options.path is None and published is None:
        raise NotFoundError(f"Where {options.name} comes from is not known; name a directory or a repository.")
    repository, revision = _repository(options.path or "")
    if options.path is None and published:
        branch = store.import_repository(options.name, published.url, published.branch, depth=1)
    elif repository:
        branch = store.import_repository(options.name, repository, revision)
    elif Path(options.path).exists():
        branch = store.import_directory(options.name, options.path)
    else:
        raise NotFoundError(f"There is no {options.path}; name a directory, a tar archive or a repository.")
    print(f"{branch.describe} {branch.commit}")
    return 0


def _list(options: argparse.Namespace) -> int:
    for branch in Store(options.store).branches():
        print(f"{branch.describe}\t{branch.commit}\t{branch.date:%Y-%m-%d}\t{branch.source}")
    return 0


def _apply(options: argparse.Namespace) -> int:
    series = pick(read_series(options.file), options.version)
    with _store(options.store) as store, store.scratch() as scratch:
        letters = open_letters(store, series.patches, scratch)
        base, whole = find_base(store, options.tree, letters)
        attempt = apply_letters(store, base, letters, scratch, trailers=series.cover_trailers, fuzz=options.fuzz)
        if attempt.applies and not whole and options.format == "json":
            whole, base = True, replace(base, commit=commit_whole(store, Path(options.tree)))
            attempt = apply_letters(store, base, letters, scratch, trailers=series.cover_trailers, fuzz=options.fuzz)
        trace = _trace(store, series, base, letters, attempt)
        if options.format == "json":
            print_json(as_dict(series, attempt, trace, whole=whole), sys.stdout)
        else:
            print_text(series, attempt, trace, options.explain, sys.stdout)
    return 0 if attempt.applies else AuthorError.exit_status


@contextmanager
def _store(path: str | None) -> Iterator[Store]:
    if path is not None:
        yield Store(path)
        return
    with tempfile.TemporaryDirectory(prefix="reviewbot-") as folder:
        yield Store(folder)


def read_series(file: str) -> list[Series]:
    """Return the series that the mails of a mailbox amount to.

    :param file: see :func:`reviewbot.lore.mbox.read_mailbox`.
    :raises NotFoundError: when there is no such file.
    :raises AuthorError: when it is no mailbox.
    """
    return list(assemble([parse_message(raw) for raw in read_mailbox(file)]))


def pick(found: Sequence[Series], version: int | None) -> Series:
    """Return the wanted version of what is in a mailbox, by default the newest.

    :raises AuthorError: when there is no patch at all.
    :raises NotFoundError: when the version is not there.
    """
    with_patches = [series for series in found if series.patches]
    if not with_patches:
        raise AuthorError("There is no patch in the mailbox.")
    if version is not None:
        with_patches = [series for series in with_patches if series.version == version]
        if not with_patches:
            have = ", ".join(sorted({f"v{series.version}" for series in found if series.patches}))
            raise NotFoundError(f"Version {version} is not in the mailbox; it has {have}.")
    return max(with_patches, key=lambda series: (series.version, series.date))


def _repository(spec: str) -> tuple[str, str]:
    """Return the repository and revision that a TREE names, "" for both when it names none."""
    repository, at, revision = spec.rpartition("@")
    if at and revision and not Path(spec).exists() and Path(repository).is_dir():
        return repository, revision
    top = Path(spec)
    if (top / ".git").exists() or ((top / "HEAD").is_file() and (top / "objects").is_dir()):
        return spec, "HEAD"
    return "", ""


def find_base(store: Store, spec: str, letters: Sequence[Letter | Reject]) -> tuple[Base, bool]:
    """Return the base that a TREE of the command line means, and whether it is the whole tree.

    Of a plain directory only what the letters touch is read.

    :raises NotFoundError: when it means nothing.
    """
    repository, revision = _repository(spec)
    if repository:
        commit = borrow_commit(store, Path(repository), revision)
        version = store.version(commit)
        return Base(spec, commit, "named", f"{commit[:12]} of {spec}" + (f" ({version})" if version else "")), True
    if Path(spec).is_dir():
        paths = [path for letter in letters if isinstance(letter, Letter) for path in letter.paths]
        commit = commit_touched(store, Path(spec), paths)
        version = store.version(commit)
        return Base(spec, commit, "named", called(spec, version)), False
    if any(spec == branch.name for branch in store.branches()):
        branch = store.resolve(spec)
        return Base(branch.name, branch.commit, "named", branch.describe), True
    raise NotFoundError(f"There is no tree {spec}; name a directory, a repository or REPOSITORY@REVISION.")


def _trace(store: Store, series: Series, base: Base, letters: Sequence[Letter | Reject], attempt: Attempt) -> list[str]:
    trace = []
    if series.missing:
        trace.append(incomplete(series))
    if series.base_commit and series.base_commit != base.commit:
        trace.append(f"The cover names base-commit {series.base_commit}, which is not the commit it is applied to.")
    elif attempt.reject and attempt.reject.file and not series.base_commit:
        trace.append("No base-commit is named; git format-patch --base would say for which tree it was made.")
    blobs = preimages(letters)
    if blobs:
        have = matching(store, base.commit, blobs)
        trace.append(f"{have} of the {len(blobs)} files that it changes are as the patches expect them.")
    trace.append(outcome(attempt, len(series.patches)))
    return trace


if __name__ == "__main__":
    sys.exit(main())
