"""Speed of a trained engine, one thread: `make bench`. Prints a Markdown table and writes it beside this file.

Data: a simulated log with 28,000 items and 20,000 users, or the files given: python benchmarks/run.py EVENTS ITEMS.
"""

import sets  # isort: skip  # first: one thread is what a request gets

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from evorec.core.types import SECOND
from evorec.data.dataset import Dataset
from evorec.data.simulate import SimulationConfig, simulate
from evorec.evaluation.report import machine, peak_memory
from evorec.models.base import RunOptions
from evorec.recipes.config import recipe
from evorec.recipes.quickstart import load_dataset
from evorec.recipes.training import fit


def main(arguments: list[str]) -> None:
    data = load_dataset(*arguments).dataset if arguments else simulated()
    started = time.perf_counter()
    engine = fit(data, recipe("fast"), RunOptions(seed=0))
    seconds = time.perf_counter() - started
    users = engine.log.user_ids()
    some = users[:: max(1, len(users) // 200)][:200]
    many = users[:4000]
    item_ids = engine.model.items.ids.ids

    one = each(lambda user: engine.recommend([user]), some)
    began = time.perf_counter()
    engine.recommend(many)
    rate = len(many) / (time.perf_counter() - began)
    newest = engine.now
    observed = each(
        lambda k: engine.observe(some[k % len(some)], item_ids[k % 50], newest + k * SECOND), list(range(500))
    )
    why = each(lambda user: engine.explain(user, item_ids[0]), some[:50])
    rows = [
        ("items, users, events", f"{len(item_ids):,}, {len(users):,}, {len(data.events):,}"),
        ("fit `fast`, items encoded or cached (s)", f"{seconds:.1f}"),
        ("recommend, one user, median / 95% (ms)", f"{statistics.median(one):.2f} / {high(one):.2f}"),
        ("recommend, batch of 4,000 (users/s)", f"{rate:,.0f}"),
        ("observe, one event, median / 95% (ms)", f"{statistics.median(observed):.4f} / {high(observed):.4f}"),
        ("explain, one item, median / 95% (ms)", f"{statistics.median(why):.2f} / {high(why):.2f}"),
        ("peak memory (MB)", f"{peak_memory():,.0f}"),
    ]
    text = "\n".join(["| measure, one thread | value |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)])
    name = Path(arguments[0]).parent.name if arguments else "simulated"
    text += f"\n\nMachine: {sets.machine_words(machine())}. Data: {name}.\n"
    print(text)
    (Path(__file__).parent / f"results-{name}.md").write_text(text, encoding="utf-8")


def simulated() -> Dataset:
    config = SimulationConfig(users=20_000, items=28_000, topics=12, events_per_user=10)
    return simulate(config, seed=0).dataset


def each(call: Callable, inputs: list) -> list[float]:
    """Milliseconds of each call, after one to warm up."""
    call(inputs[0])
    taken = []
    for value in inputs:
        began = time.perf_counter()
        call(value)
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def high(values: list[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]


if __name__ == "__main__":
    main(sys.argv[1:])
