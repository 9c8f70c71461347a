"""Peers and our recipes on the public sets: `make bench-peers`. Writes results-peers.md beside this file.

Settings of peers are chosen on the inner part of the training time; each chosen one is asked once after the cut.
Interrupted, it goes on where it was: what has an answer in .bench/cells is not run again.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from cells import KEPT, Bench, CellError, System, choose, differences, source_digest
from sets import FOLDER, SETS, machine_words

from evorec.metrics.bootstrap import Interval
from evorec.recipes.config import RECIPES

HERE = Path(__file__).parent
RUNS = [(name, repeats) for name in SETS for repeats in ((False, True) if name == "online-retail" else (False,))]


def grid(**choices: Sequence[Any]) -> tuple[dict[str, Any], ...]:
    """Every combination of the choices."""
    return tuple(dict(zip(choices, values, strict=True)) for values in product(*choices.values()))


def peer(name: str, environment: str, settings: tuple[dict[str, Any], ...], *, watches: bool = False) -> System:
    """A system of the peer whose packages `peers/ENVIRONMENT.txt` pins."""
    return System(
        name=name,
        program=HERE / "peers" / f"with_{environment}.py",
        python=KEPT / "env" / environment / "bin" / "python",
        versions=" ".join((HERE / "peers" / f"{environment}.txt").read_text(encoding="utf-8").split()),
        settings=settings,
        watches=watches,
    )


def peers(seed: int, minutes: float) -> list[System]:
    """Every peer, with the settings it may choose from."""
    seeds = [seed]
    neighbours = grid(model=["cosine", "tf-idf", "bm25"], K=[10, 50, 200, 1000], seed=seeds)
    factors = grid(model=["als"], factors=[64, 128, 256], alpha=[1, 10, 40], regularization=[0.01, 1.0], seed=seeds)
    ease = grid(regularization=[10, 50, 250, 1000], seed=seeds)
    return [
        peer("implicit, item-kNN", "implicit", neighbours),
        peer("implicit, ALS", "implicit", factors),
        peer("LensKit, EASE", "lenskit", ease),
        *(
            peer(f"RecTools, {name}", "rectools", grid(model=[model], minutes=[minutes], seed=seeds), watches=True)
            for name, model in (("SASRec", "sasrec"), ("eSASRec", "esasrec"), ("HSTU", "hstu"))
        ),
        peer("RecBole, GRU4Rec", "recbole", grid(model=["GRU4Rec"], minutes=[minutes], seed=seeds), watches=True),
    ]


def ours(seed: int) -> list[System]:
    """Every recipe of ours, beside its members alone."""
    return [
        System(
            name=f"evorec, {recipe}",
            program=HERE / "peers" / "ours.py",
            python=Path(sys.executable),
            versions=source_digest(),
            settings=({"recipe": recipe, "members": True, "seed": seed},),
        )
        for recipe in RECIPES
    ]


def rows_of(system: System, cell: dict[str, Any], compared: dict[str, Interval]) -> list[list[str]]:
    """Lines of the table: one for each answer of the system; `compared` are the differences from the reference."""
    rows = []
    for name, answer in cell["answers"].items():
        words = system.name if name in ("lists", cell["settings"].get("recipe")) else name
        accuracy = [
            text
            for kind in ("next", "successive")
            for text in (spread(answer[kind]["ndcg"]), f"{answer[kind]['recall'][0]:.4f}")
        ]
        cost = [f"{cell['fit_seconds']:.1f}", f"{answer['lists_per_second']:,.0f}", f"{cell['peak_mb']:,.0f}"]
        difference = str(compared.get(name, "-"))
        rows.append(
            [words, setting_words(cell["settings"]) if words == system.name else "", *accuracy, difference, *cost]
        )
    return rows


def spread(value: Sequence[float]) -> str:
    return "{:.4f} [{:.4f}, {:.4f}]".format(*value)


def setting_words(settings: Any) -> str:
    """What was chosen, as people read it."""
    hidden = ("seed", "minutes", "members", "recipe")
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings.items() if name not in hidden)


HEADER = (
    "system",
    "settings",
    "NDCG@10, next",
    "Recall@10, next",
    "NDCG@10, successive",
    "Recall@10, successive",
    "NDCG less that of {against}, successive, paired",
    "fit (s)",
    "lists/s",
    "peak (MB)",
)
INTRODUCTION = """# Peers

One split, one set of queries and one measure for all: cut at 90% of the events, candidates are the items with training
events (minus those of the history, unless repeats count), frozen clock, lists of 10. `next` asks for each user's first
tie group after the cut; `successive` for every one, the history moved along and the model left as it was: sequence
models read the history of the query, ALS folds it in, neighbours and EASE multiply it. Mean [95% interval over users].
Every process has one thread; seconds are of the processor. Settings of peers were chosen by NDCG@10 on at most 2,000
queries of the last tenth of the training time, sequence models stopping there after 5 epochs without a gain or after
{minutes:g} minutes; then refitted on all of it.
"""


def run_all(bench: Bench, systems: Sequence[System]) -> tuple[list[tuple[System, dict[str, Any]]], list[str]]:
    """Every system's cell after the cut, and the names of those that failed: told, and left for the next run."""
    cells, failed = [], []
    for system in systems:
        try:
            cell = bench.run(system, choose(bench, system), "test")
        except CellError as error:
            print(error, file=sys.stderr, flush=True)
            failed.append(f"{system.name} on {bench.name}")
            continue
        cells.append((system, cell))
    return cells, failed


def table_of(bench: Bench, cells: Sequence[tuple[System, dict[str, Any]]], against: str) -> list[str]:
    """One set as Markdown, with differences from the system `against`."""
    rows: list[list[str]] = []
    reference = next((cell for system, cell in cells if system.name == against), None)
    for system, cell in cells:
        compared = differences(bench, cell, reference) if reference else {}
        if cell is reference:
            compared.pop(cell["settings"].get("recipe", "lists"))
        rows += rows_of(system, cell, compared)
    asked = next(iter(cells[0][1]["answers"].values()))
    sizes = "; ".join(
        f"`{kind}` {asked[kind]['queries']:,} queries of {asked[kind]['users']:,} users"
        for kind in ("next", "successive")
    )
    title = f"## {bench.name}{', with repeats' if bench.repeats else ''}"
    lines = [[name.format(against=against) for name in HEADER], ["---"] * len(HEADER), *rows]
    return [title, "", f"{sizes}.", "", *(f"| {' | '.join(line)} |" for line in lines), ""]


def circumstances(cells: Sequence[tuple[System, dict[str, Any]]]) -> list[str]:
    """On which machines and days the cells were run, with which versions and seeds."""
    machines: dict[str, set[str]] = {}
    for _, cell in cells:
        machines.setdefault(machine_words(cell["machine"]), set()).add(cell["date"])
    pins = sorted({pin for system, _ in cells for pin in system.versions.split() if "==" in pin})
    seeds = sorted({cell["settings"]["seed"] for _, cell in cells})
    lines = [f"Machine: {words}. Date: {', '.join(sorted(dates))}." for words, dates in machines.items()]
    return [*lines, f"Versions: {', '.join(pins) or 'ours alone'}. Seed: {', '.join(map(str, seeds))}.", ""]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--systems", nargs="+", default=[], help="only systems whose name contains one of these words")
    parser.add_argument("--minutes", type=float, default=15.0, help="training time of a sequence model at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--against", default="evorec, fast", help="the system that every other is compared with")
    parser.add_argument("--out", type=Path, default=HERE / "results-peers.md")
    given = parser.parse_args(arguments)
    absent = [name for name in given.sets if not (FOLDER / name).exists()]
    if absent:
        print(f"{FOLDER} lacks {', '.join(absent)}: bring the sets there, or name others with --sets", file=sys.stderr)
        return 2
    systems = [*ours(given.seed), *peers(given.seed, given.minutes)]
    if given.systems:
        systems = [system for system in systems if any(word in system.name for word in given.systems)]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the running cell ends with this process
    held, failed, tables = [], [], []
    for name, repeats in RUNS:
        if name in given.sets:
            bench = Bench(name, repeats=repeats)
            cells, without = run_all(bench, systems)
            held, failed = [*held, *cells], [*failed, *without]
            tables += table_of(bench, cells, given.against) if cells else []
    text = [INTRODUCTION.format(minutes=given.minutes), *circumstances(held), *tables]
    given.out.write_text("\n".join(text), encoding="utf-8")
    print(f"written: {given.out}")
    if failed:
        print(f"without an answer: {'; '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
