"""What an update gains, against the model as it was and a full fit: `python benchmarks/update.py RECIPE [SET ...]`.

Per set: a model of the first 85% of the events, updated with the next 5%, and a full fit at 90%; all three foresee the
last 10%. Every run is a look at the test part. Rows are kept in results-update.md by recipe and set.
"""

import sets  # first: one thread, before numpy is imported

# isort: split

import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from evorec.data.dataset import Dataset
from evorec.data.split import Split, time_cut
from evorec.engine.engine import Engine
from evorec.evaluation.protocol import Evaluation, Protocol, compare, evaluate
from evorec.evaluation.report import machine
from evorec.models.base import RunOptions
from evorec.models.words import ranking
from evorec.recipes.config import Recipe, recipe
from evorec.recipes.training import fit
from evorec.recipes.updating import update

RESULTS = Path(__file__).parent / "results-update.md"
COLUMNS = ("recipe", "set", "protocol", "queries, users", "NDCG@10 stale", "updated", "full fit", "updated - stale",
           "updated - full fit", "Recall@10: updated - stale", "updated - full fit", "update (s)", "full fit (s)",
           "gain told on the new 5%")  # fmt: skip
HEAD = """# An update against the model as it was and against a full fit

Stale: fitted on the first 85% of the events. Updated: stale, with the next 5%. Full fit: on the first 90%. All are
asked about the last 10%, frozen clock, seed 0; stale and updated models know the same histories. Differences with their
95% interval over users. Seconds without the encoding of items, which is cached, and without the judging of the gain;
the gain told is what `evorec update` itself measures, on the newest tenth of the new events. `benchmarks/update.py`
writes this.
"""


def main(arguments: list[str]) -> None:
    name, *asked = arguments or ["fast"]
    for data in asked or sets.SETS:
        keep([name, data], measured(sets.read(data), recipe(name)))


def measured(dataset: Dataset, chosen: Recipe) -> list[list[str]]:
    """One row per protocol, without recipe and set."""
    events, options = dataset.events, RunOptions(seed=0)
    first, last = time_cut(events, 0.85), time_cut(events, 0.9)
    stale = fit(dataset.before(first), chosen, options)
    between = (events.timestamp >= first) & (events.timestamp < last)
    found = update(stale, replace(dataset, events=events.select(between)), options)
    started = time.perf_counter()
    full = fit(dataset.before(last), chosen, options)
    seconds = time.perf_counter() - started
    told = found.gain.compared().difference if found.gain else found.unjudged
    rows = []
    for protocol in (Protocol(kind="next"), Protocol(kind="successive")):
        was, now, refit = (foreseen(engine, dataset, last, protocol) for engine in (stale, found.engine, full))
        gains = [difference(now, other, metric) for metric in ("ndcg", "recall") for other in (was, refit)]
        means = [f"{result.mean():.4f}" for result in (was, now, refit)]
        sizes = f"{was.queries:,}, {was.users:,}"
        rows.append([protocol.kind, sizes, *means, *gains, f"{found.seconds:.1f}", f"{seconds:.1f}", str(told)])
    return rows


def foreseen(engine: Engine, dataset: Dataset, cut: int, protocol: Protocol) -> Evaluation:
    score = partial(ranking, engine.model.blend, items=engine.model.items)
    return evaluate(score, Split(dataset=dataset, cut=cut), protocol)


def difference(a: Evaluation, b: Evaluation, metric: str) -> str:
    found = compare(a, b, metric)
    return f"{found.difference}, {found.verdict}"


def keep(key: list[str], rows: list[list[str]]) -> None:
    """Put the rows of one recipe and set into the results, in place of those that stood there."""
    held = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in held if line.startswith("|")][2:]
    table = sorted([row for row in table if row[:2] != key] + [[*key, *row] for row in rows])
    lines = ["| " + " | ".join(row) + " |" for row in (COLUMNS, ["---"] * len(COLUMNS), *table)]
    end = f"Machine: {sets.machine_words(machine())}."
    RESULTS.write_text("\n".join([HEAD, *lines, "", end, ""]), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
