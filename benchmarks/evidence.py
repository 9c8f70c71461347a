"""Ranking with and without the evidence of evolving interests, by drift: python benchmarks/evidence.py [SET ...].

Both blends are fitted before the cut, on the same log, and answer the same questions after it (`successive`, frozen
clock). Prints a Markdown table; with no set named it writes it beside this file.
"""

import sets  # isort: skip  # first: it sets the threads

import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from evorec.data.split import split_by_time
from evorec.evaluation.protocol import Protocol, evaluate
from evorec.evaluation.report import machine
from evorec.metrics.bootstrap import mean_interval, paired_difference
from evorec.models.base import RunOptions
from evorec.models.blend import drift
from evorec.models.words import ranking
from evorec.recipes.config import fast
from evorec.recipes.training import fit

PROTOCOL = Protocol(kind="successive")
STRATA = ("all", "low drift", "middle", "high drift")


def main(names: list[str]) -> None:
    rows = [
        "| set | stratum | questions, users | without | with | difference | kept |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in names or sets.SETS:
        rows += table(name)
    text = "\n".join(
        [
            "# Ranking with and without the evidence of interests",
            "",
            "`fast`, NDCG@10, `successive`, frozen clock, seed 0; mean [95% interval over users]; difference paired.",
            "Strata are thirds by total variation between topic shares with half-lives of 30 and 365 days.",
            "",
            *rows,
            "",
            f"Machine: {sets.machine_words(machine())}.",
            "",
        ]
    )
    print(text)
    if not names:
        (Path(__file__).parent / "results-evidence.md").write_text(text, encoding="utf-8")


def table(name: str) -> list[str]:
    began = time.perf_counter()
    dataset = sets.read(name)
    split = split_by_time(dataset)
    full = fast()
    bare = replace(full, name="without", scorers=tuple(s for s in full.scorers if not s.optional))
    found, kept, moved = {}, "", np.zeros(0)
    for recipe in (bare, full):
        engine = fit(split.train, recipe, RunOptions(seed=0))
        blend, items = engine.model.blend, engine.model.items
        found[recipe.name] = evaluate(partial(ranking, blend, items=items), split, PROTOCOL).per_query["ndcg"]
        kept = ", ".join(s.name for s in blend.scorers if s.name in [o.name for o in full.scorers if o.optional])
    targets = PROTOCOL.targets(split)
    for start in range(0, len(targets), 2000):
        block = targets.slice(start, start + 2000)
        moved = np.append(moved, drift(block.queries(dataset.events), items))
    low, high = np.quantile(moved, [1 / 3, 2 / 3])
    chosen = [moved >= 0, moved <= low, (moved > low) & (moved <= high), moved > high]
    rows = []
    for stratum, those in zip(STRATA, chosen, strict=True):
        users = targets.user[those]
        without, with_ = found["without"][those], found["fast"][those]
        rows.append(
            f"| {name} | {stratum} | {those.sum():,}, {len(np.unique(users)):,} | {mean_interval(without, users)} | "
            f"{mean_interval(with_, users)} | {paired_difference(with_, without, users)} | {kept or 'none'} |"
        )
        print(rows[-1], file=sys.stderr, flush=True)
    print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    main(sys.argv[1:])
