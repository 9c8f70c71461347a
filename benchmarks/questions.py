"""Questions: one split of a public set, asked of every system in the same way."""

from sets import read  # isort: skip  # first: it sets the threads

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from evorec.core.rng import generator
from evorec.core.types import I64
from evorec.data.split import Split, split_by_time
from evorec.data.targets import Targets
from evorec.evaluation.protocol import Protocol, tie_order

sys.path.insert(0, str(Path(__file__).parent / "peers"))
from exchange import Question

Stage = Literal["inner", "test"]
INNER = 2000  # queries at most that settings are chosen on


@dataclass(frozen=True, eq=False, kw_only=True)
class Asked:
    """The `successive` targets of one set; those of `next` are the rows `first` of them, with the same answers."""

    split: Split
    protocol: Protocol
    targets: Targets
    first: I64


def split_of(name: str, stage: Stage) -> Split:
    """The set cut at 90% of its events; for `inner`, what lies before that cut, cut in the same way."""
    split = split_by_time(read(name))
    return split if stage == "test" else split_by_time(split.train)


def ask(split: Split, protocol: Protocol) -> Asked:
    """What is asked after the cut of `split`."""
    targets = replace(protocol, kind="successive").targets(split)
    earliest = replace(protocol, kind="next").targets(split)
    users, first = np.unique(targets.user, return_index=True)
    first = first[np.searchsorted(users, earliest.user)].astype(np.int64)
    same = targets.take(first)
    if not (np.array_equal(same.timestamp, earliest.timestamp) and np.array_equal(same.item, earliest.item)):
        raise AssertionError("the first group after the cut is asked by both protocols")
    return Asked(split=split, protocol=protocol, targets=targets, first=first)


def inner(asked: Asked, seed: int = 0) -> Asked:
    """At most `INNER` of the queries, drawn at random."""
    drawn = generator(seed, "inner queries").permutation(len(asked.targets))[:INNER]
    return replace(asked, targets=asked.targets.take(np.sort(drawn)), first=np.zeros(0, np.int64))


def question(asked: Asked, name: str, stage: Stage) -> Question:
    """The question as a peer reads it; only an inner one holds the relevant items, for a peer to watch its training."""
    told = stage == "inner"
    split, targets = asked.split, asked.targets
    events = split.dataset.events.select(split.dataset.events.item >= 0)
    begin = events.offsets[targets.user]
    before = np.diff(events.queries(targets.user, targets.timestamp).offsets)
    return Question(
        set=name,
        stage=stage,
        users=len(events.users),
        items=len(events.items),
        repeats=asked.protocol.repeats,
        k=asked.protocol.k,
        user=events.user,
        item=events.item,
        timestamp=events.timestamp,
        train=events.timestamp < split.cut,
        begin=begin,
        end=begin + before,
        as_of=targets.queries(events, asked.protocol.clock).as_of,
        at=targets.timestamp,
        opens=targets.opens,
        closes=targets.closes,
        order=tie_order(split.train.item_counts),
        offsets=targets.offsets if told else np.zeros(1, np.int64),
        relevant=targets.item if told else np.zeros(0, np.int32),
    )
