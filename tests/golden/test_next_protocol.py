"""Every figure of the pinned `next` protocol, to 4 decimals, on the shared data."""

import hashlib
import json
from pathlib import Path

import pytest

from evorec.core.types import SECOND
from evorec.data.dataset import Dataset
from evorec.data.split import split_by_time
from evorec.data.targets import next_targets
from evorec.evaluation.baselines import popularity, transitions
from evorec.evaluation.protocol import Protocol, evaluate, tie_order

GOLDEN = Path(__file__).parents[2] / "../shared/protocol/golden.jsonl"
ROWS = [json.loads(line) for line in GOLDEN.read_text().splitlines()] if GOLDEN.exists() else []
NAMES = [f"{row['set']}{'-repeats' if row['repeats'] else ''}" for row in ROWS]


def test_the_golden_figures_are_here():
    if not ROWS:
        pytest.skip("the shared protocol folder is not beside this checkout")
    assert len(ROWS) == 7


def digest(targets, dataset, counts):
    """The reference's fingerprint: users by id, each with its relevant items by popularity."""
    place = {code: k for k, code in enumerate(tie_order(counts))}
    lines = []
    for q, user in enumerate(targets.user):
        items = sorted(targets.item[targets.offsets[q] : targets.offsets[q + 1]], key=place.__getitem__)
        lines.append(f"{dataset.events.users.ids[user]}:{','.join(dataset.items.decode(items))}")
    return hashlib.sha256("\n".join(sorted(lines, key=lambda line: line.split(":")[0])).encode()).hexdigest()[:16]


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_counts_targets_and_baselines(row, shared_events):
    dataset = Dataset.create(shared_events(row["set"]))
    split = split_by_time(dataset)
    targets = next_targets(split, repeats=row["repeats"])
    counts = split.train.item_counts
    assert split.cut == row["cut"] * SECOND
    assert {
        "train": len(split.train.events),
        "test": len(split.test.events),
        "users": len(targets),
        "targets": len(targets.item),
        "items": int((counts > 0).sum()),
        "targets_sha": digest(targets, dataset, counts),
    } == {name: row[name] for name in ("train", "test", "users", "targets", "items", "targets_sha")}

    train = split.train.events
    systems = {f"popularity_{days or 'all'}": popularity(train, days) for days in (None, 7, 30, 90)}
    for rows, cols, decay in ((0.5, 0.1, 0.7), (0.5, 0.3, 0.9)):
        systems[f"transitions_{rows}_{cols}_{decay}"] = transitions(train, rows=rows, cols=cols, decay=decay)
    found = {}
    for name, score in systems.items():
        result = evaluate(score, split, Protocol(repeats=row["repeats"]))
        found[name] = {"ndcg@10": round(result.mean("ndcg"), 4), "recall@10": round(result.mean("recall"), 4)}
    assert found == {name: row[name] for name in systems}
