"""Speed of the interest state on all of ml-1m: python benchmarks/interests.py; writes its table beside this file."""

import sets  # isort: skip  # first: it sets the threads

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from evorec.core.types import DAY
from evorec.evaluation.report import machine
from evorec.interests.fitting import fit_shares
from evorec.interests.forecast import smoothed
from evorec.interests.markov import fit_transitions
from evorec.interests.state import InterestState, batch_evidence
from evorec.interests.topics import topics_from_categories
from evorec.interests.windows import windows


def main() -> None:
    dataset = sets.read("ml-1m")
    log = sets.histories(dataset)
    topics = topics_from_categories(dataset.catalogue.categories, dataset.item_counts)
    membership = topics.membership[log.item]
    n, users = len(log.item), len(log.offsets) - 1
    as_of = np.full(users, log.timestamp.max() + 1)
    rows = []

    seconds = timed(lambda: replay(log, membership, as_of))
    rows.append((f"state of {users:,} users from {n:,} events, both half-lives", f"{seconds:.2f} s"))
    rows.append(("updates in a batch", f"{2 * n / seconds:,.0f} events/s"))

    state = InterestState(len(topics.names))
    some = range(min(n, 20_000))
    seconds = timed(lambda: [state.observe(membership[k], k * DAY) for k in some])
    rows.append(("one event, streamed", f"{1e6 * seconds / len(some):.1f} µs"))

    cut = windows(offsets=log.offsets, membership=membership, timestamps=log.timestamp, size=10)
    pairs = cut.followed(1)
    total = cut.counts.sum(axis=0)
    before, after = smoothed(cut.decayed(20.0)[pairs], total / total.sum(), 1.0), cut.counts[pairs + 1]
    seconds = timed(lambda: fit_transitions(before, after))
    rows.append((f"P by expectation-maximisation, {len(pairs):,} pairs of windows", f"{seconds:.1f} s"))
    seconds = timed(lambda: fit_shares(before, after))
    rows.append(("P and b by likelihood, the same pairs", f"{seconds:.1f} s"))

    text = "\n".join(["| measure, one thread | value |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)])
    text += f"\n\nMachine: {sets.machine_words(machine())}. Data: ml-1m, {len(topics.names)} genres.\n"
    print(text)
    (Path(__file__).parent / "results-interests.md").write_text(text, encoding="utf-8")


def replay(log: sets.Histories, membership: np.ndarray, as_of: np.ndarray) -> None:
    for days in (30.0, 365.0):
        batch_evidence(
            offsets=log.offsets, membership=membership, timestamps=log.timestamp, as_of=as_of, half_life_days=days
        )


def timed(call: Callable[[], object]) -> float:
    """Processor seconds: the machine is shared."""
    began = time.process_time()
    call()
    return time.process_time() - began


if __name__ == "__main__":
    main()
