"""Read mails that are made to harm, and measure.

    benchmarks/hostile/run [--count 20000] [--seed N] [--corpus PATH] [--keep DIR]

Each mail is a mutation of one from the corpus, or of a generated one. It is read and assembled
alone, and divided into blocks as if it were an answer, each within its limit; then 50 mails at a time go through
everything that ``python -m reviewbot.series`` does, and through an mbox and an mboxrd; the first of all mails go
through a maildir and an epoch too. Exit status: 0 when every mail became a message within its limit of processor
time, came back from every mailbox in its place with its bytes, and nothing was started, written or asked; else 1.

The limit is 50 ms for a mail of up to 12,500 lines and 500 kB, as read and as decoded; a longer one has 4 us a line
or 100 ns a byte, whichever is more.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

from benchmarks.hostile import mailboxes
from benchmarks.hostile.letters import letter
from benchmarks.hostile.mutations import MUTATIONS, mutate, shell
from reviewbot.lore.mbox import read_mailbox
from reviewbot.mail.blocks import parse_blocks
from reviewbot.mail.mbox import split_mbox
from reviewbot.mail.message import Message
from reviewbot.mail.parse import parse_message
from reviewbot.series.assemble import assemble
from reviewbot.series.show import as_dict, as_text
from reviewbot.series.topics import link_versions

LIMIT = 0.050  # seconds of processor time for one mail, and more for one of very many lines or bytes
A_LINE = 4e-6
A_BYTE = 100e-9
BATCH = 50
KEPT = 64 << 20  # bytes of mails that go through a maildir and an epoch
CORPUS = 3000  # mails that are taken from a corpus
_FORBIDDEN = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "socket.",
    "urllib.",
    "shutil.",
    "os.remove",
)


class Cost(NamedTuple):
    """Processor time of one mail, how much it may take, and what had been done to the mail."""

    seconds: float
    limit: float
    number: int
    done: str


@dataclass
class Outcome:
    """What happened to all mails."""

    costs: list[Cost] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    block_costs: list[Cost] = field(default_factory=list)
    batch_costs: list[float] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)
    kept_bytes: int = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, help="a mailbox, or a clone or bundle of an epoch")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where mails that are slow or fail are kept")
    options = parser.parse_args(arguments)
    random = Random(options.seed)
    pool = list(islice(read_mailbox(options.corpus), CORPUS)) if options.corpus else []
    parse_message(b"Content-Type: text/html\n\n<p>x")  # what is imported only when it is needed
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "executed"
        _watch(outcome, folder)
        _run(outcome, random, pool, str(canary), options)
        if canary.exists():
            outcome.acts.append("a mail was executed")
        _watched.clear()
        _on_disk(outcome, Path(folder))
    return _report(outcome, options.count, len(pool))


_watched: list[Outcome] = []


def _watch(outcome: Outcome, folder: str) -> None:
    """Note every process, connection and file that is written from now on."""
    _watched.append(outcome)

    def hook(event: str, values: tuple[object, ...]) -> None:
        if not _watched:
            return
        writes = event == "open" and isinstance(values[1], str) and set(values[1]) & set("wax+")
        if (event.startswith(_FORBIDDEN) or writes) and not str(values[0]).startswith(_kept):
            _watched[0].acts.append(f"{event} {values!r}"[:300])

    sys.addaudithook(hook)


_kept: tuple[str, ...] = ()  # the only folder that may be written to


def _run(outcome: Outcome, random: Random, pool: list[bytes], canary: str, options: argparse.Namespace) -> None:
    global _kept
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        _kept = (str(options.keep),)
    mutations = (*MUTATIONS, shell(canary))
    for start in range(0, options.count, BATCH):
        messages: list[Message] = []
        raws: list[bytes] = []
        for number in range(start, min(start + BATCH, options.count)):
            honest = random.choice(pool) if pool and number % 3 else letter(random, number)
            raw, done = mutate(random, honest, mutations)
            raws.append(raw)
            began = read = divided = time.process_time()
            try:
                messages.append(_alone(raw))
                read = time.process_time()
                parse_blocks(messages[-1].body)
                divided = time.process_time()
            except Exception:
                outcome.failures.append(f"mail {number} ({' '.join(done)}): {traceback.format_exc(limit=-3)}")
                _keep(options.keep, number, raw)
            body = messages[-1].body if read > began else ""
            limit = _limit(raw, body)
            said = " ".join(done)
            cost = Cost(_again(partial(_alone, raw), read - began, limit), limit, number, said)
            blocks = Cost(_again(partial(parse_blocks, body), divided - read, limit), limit, number, said)
            outcome.costs.append(cost)
            outcome.block_costs.append(blocks)
            if cost.seconds > limit or blocks.seconds > limit:
                _keep(options.keep, number, raw)
        _together(outcome, start, messages, raws)


def _keep(folder: Path | None, number: int, raw: bytes) -> None:
    if folder:
        (folder / f"{number}.eml").write_bytes(raw)


def _alone(raw: bytes) -> Message:
    """Do with a mail what is done with it on its own."""
    message = parse_message(raw)
    if not message.message_id or message.raw != raw:
        raise AssertionError("no Message-ID, or other bytes")
    assemble([message])
    return message


def _together(outcome: Outcome, start: int, messages: list[Message], raws: list[bytes]) -> None:
    """Do with a batch what is done with a mailbox, and see that every mail of it comes back."""
    began = time.process_time()
    try:
        series = link_versions(assemble(messages))
        for one in series:
            as_dict(one)
            as_text(one)
    except Exception:
        outcome.failures.append(f"mails {start} to {start + BATCH}: {traceback.format_exc(limit=-3)}")
    outcome.batch_costs.append((time.process_time() - began) / max(1, len(messages)))
    for kind, back, box in (
        ("mbox", mailboxes.from_mbox, mailboxes.mbox(raws)),
        ("mboxrd", mailboxes.from_mboxrd, mailboxes.mboxrd(raws)),
    ):
        if said := mailboxes.difference([back(raw) for raw in raws], list(split_mbox(io.BytesIO(box)))):
            outcome.lost.append(f"mails {start} to {start + BATCH}: {kind}: {said}")
    for raw in raws:
        if outcome.kept_bytes + len(raw) <= KEPT:
            outcome.kept.append(raw)
            outcome.kept_bytes += len(raw)


def _again(work: Callable[[], object], seconds: float, limit: float) -> float:
    """Return the least time of up to five rounds of what took too long: the first may have been disturbed."""
    for _ in range(4):
        if seconds <= limit:
            break
        began = time.process_time()
        work()
        seconds = min(seconds, time.process_time() - began)
    return seconds


def _limit(raw: bytes, body: str) -> float:
    """Return the processor time that a mail may take, in seconds."""
    lines = max(raw.count(b"\n"), body.count("\n"))
    return max(LIMIT, A_LINE * lines, A_BYTE * max(len(raw), len(body)))


def _on_disk(outcome: Outcome, folder: Path) -> None:
    """Write the mails that were kept as a maildir and as an epoch, and see that every one comes back."""
    mailboxes.write_maildir(folder / "maildir", outcome.kept)
    mailboxes.write_epoch(folder / "epoch.git", outcome.kept)
    for name in ("maildir", "epoch.git"):
        if said := mailboxes.difference(outcome.kept, list(read_mailbox(folder / name))):
            outcome.lost.append(f"{name}: {said}")


def _report(outcome: Outcome, count: int, corpus: int) -> int:
    costs = sorted(outcome.costs)
    short = [cost for cost in costs if cost.limit == LIMIT]
    long = sorted((cost.seconds / cost.limit, cost) for cost in costs if cost.limit > LIMIT)
    print(f"{count} mails, mutated from {corpus or 'no'} real and from generated ones; {len(costs)} read")
    for cost in reversed(short[-5:]):
        print(f"  {1000 * cost.seconds:6.1f} ms  mail {cost.number}: {cost.done}")
    tail = short[min(len(short) - 1, int(len(short) * 0.999))]
    print(
        f"{len(short)} of up to 12,500 lines and 500 kB, read and assembled alone: "
        f"mean {1000 * sum(cost.seconds for cost in short) / len(short):.2f} ms, "
        f"99.9 % within {1000 * tail.seconds:.1f} ms, at most {1000 * short[-1].seconds:.1f} ms"
    )
    for share, cost in reversed(long[-5:]):
        print(f"  {share:6.0%} of {1000 * cost.limit:.0f} ms  mail {cost.number}: {cost.done}")
    print(f"{len(long)} longer ones: at most {long[-1][0] if long else 0:.0%} of 4 us a line or 100 ns a byte")
    blocks = sorted((cost.seconds / cost.limit, cost) for cost in outcome.block_costs)
    for share, cost in reversed(blocks[-5:]):
        print(f"  {share:6.0%} of {1000 * cost.limit:.0f} ms  mail {cost.number}: {cost.done}")
    of_short = max(cost.seconds for cost in outcome.block_costs if cost.limit == LIMIT)
    print(f"divided into blocks: at most {1000 * of_short:.1f} ms for a shorter one, {blocks[-1][0]:.0%} for all")
    print(f"{BATCH} together: at most {1000 * max(outcome.batch_costs):.1f} ms a mail")
    print(f"through mbox and mboxrd: {len(costs)}; through maildir and epoch: {len(outcome.kept)}")
    slow = sum(cost.seconds > cost.limit for cost in (*costs, *outcome.block_costs))
    counts = f"{len(outcome.failures)} failures, {len(outcome.lost)} lost, {len(outcome.acts)} acts"
    print(f"{slow} over their limit, {counts}")
    for line in [*outcome.failures[:10], *outcome.lost[:10], *outcome.acts[:10]]:
        print(line)
    return 1 if slow or outcome.failures or outcome.lost or outcome.acts or max(outcome.batch_costs) > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
