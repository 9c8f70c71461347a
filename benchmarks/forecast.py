"""Forecast of the next windows: P, b and the log-linear model against means, on five sets. Prints Markdown.

    python benchmarks/forecast.py [--inner] [SET ...]

Users are split 70/30 (seed 0): everything is fitted on the first part and scored on the second. With --inner the first
part alone is split, for choosing. With all sets, and without --inner, the text is written beside this file.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import sets  # isort: skip  # before numpy: it sets the number of threads
import numpy as np

from evorec.core.rng import generator
from evorec.core.types import F32, I64
from evorec.data.dataset import Dataset
from evorec.evaluation.report import machine
from evorec.interests.bands import ShareBands, rounded
from evorec.interests.forecast import Forecaster, MarkovConfig, MarkovForecaster, MeanConfig, MeanForecaster
from evorec.interests.loglinear import LogLinearConfig, LogLinearForecaster
from evorec.interests.topics import topics_from_categories, topics_from_embeddings
from evorec.interests.windows import Windows, windows
from evorec.metrics.bootstrap import Interval, mean_interval, paired_difference
from evorec.metrics.forecast import cross_entropy, entropy_floor, inside_band, total_variation

SIZES = {"ml-1m": 10, "amazon-beauty": 3, "amazon-food-kitchen": 5, "ifdb-2026": 5, "online-retail": 20}
CATEGORIES = {"ml-1m": 64, "amazon-beauty": 40}  # topics are so many categories at most; elsewhere, clusters
STEPS = (1, 2, 5)
REFERENCE, BEST = "P, b", "log-linear"
ROWS = {
    "persistence": lambda ahead: MeanForecaster(MeanConfig(memory=0, ahead=ahead)),
    "decayed mean": lambda ahead: MeanForecaster(MeanConfig(ahead=ahead)),
    "long-run mean": lambda ahead: MeanForecaster(MeanConfig(memory=np.inf, ahead=ahead)),
    "P alone": lambda ahead: MarkovForecaster(MarkovConfig(switch_on=False, ahead=ahead)),
    REFERENCE: lambda ahead: MarkovForecaster(MarkovConfig(ahead=ahead)),
    BEST: lambda ahead: LogLinearForecaster(LogLinearConfig(ahead=ahead)),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Split:
    """Windows of one set, who is fitted on, and who is scored."""

    name: str
    cut: Windows
    train: I64
    test: I64


def main(arguments: list[str]) -> None:
    inner = "--inner" in arguments
    names = [name for name in arguments if name != "--inner"] or list(sets.SETS)
    sections, verdicts = [], []
    for name in names:
        section, verdict = report(split(name, inner))
        sections.append(section)
        verdicts.append(verdict)
        print(section, flush=True)
    told = sets.machine_words(machine())
    end = "\n".join(verdicts) + f"\n\nMachine: {told}; one thread, seed 0. Seconds are of processor time.\n"
    print(end)
    if not inner and names == list(sets.SETS):
        head = (
            "# Forecast of the next windows\n\nCross-entropy in nats, mean over windows, [95% interval over users].\n"
        )
        text = "\n".join([head, *sections, end])
        (Path(__file__).parent / "results-forecast.md").write_text(text, encoding="utf-8")


def split(name: str, inner: bool) -> Split:
    dataset = sets.read(name)
    log = sets.histories(dataset)
    content = membership(name, dataset)[log.item]
    cut = windows(offsets=log.offsets, membership=content, timestamps=log.timestamp, size=SIZES[name])
    users = generator(0, "forecast users").permutation(len(log.offsets) - 1)
    train, test = np.split(users, [int(0.7 * len(users))])
    if inner:
        train, test = np.split(train, [int(0.7 * len(train))])
    return Split(name=name, cut=cut, train=np.sort(train), test=np.sort(test))


def membership(name: str, dataset: Dataset) -> F32:
    """Content vectors `float32[items, topics]`: categories in equal parts, or clusters of embeddings."""
    if name in CATEGORIES:
        categories = dataset.catalogue.categories
        most = set(topics_from_categories(categories, dataset.item_counts).names[: CATEGORIES[name]])
        kept = [tuple(c for c in held if c in most) for held in categories]
        return topics_from_categories(kept, dataset.item_counts).membership
    return topics_from_embeddings(sets.embed(dataset), dataset.item_counts, sets.texts(dataset), seed=0).membership


def report(data: Split) -> tuple[str, str]:
    """The tables of one set, and a line with who is better."""
    cut = data.cut
    out = [
        f"## {data.name}",
        f"Windows of at least {cut.size} events (mean {cut.events.mean():.1f}), {cut.content.shape[1]} topics; "
        f"{len(cut):,} windows of {len(np.unique(cut.owner)):,} users.",
    ]
    verdicts, models = [], {}
    for steps in STEPS:
        for ahead in dict.fromkeys((1, steps)):
            for row, make in ROWS.items():
                if (row, ahead) not in models:
                    began = time.process_time()
                    model = make(ahead).fit(cut, data.train)
                    models[row, ahead] = (model, time.process_time() - began)
        table, verdict = scored(data, steps, models)
        out.append(table)
        verdicts.append(verdict)
        if steps == 1:
            out.append("\n".join(f"80% bands, {row}: {bands(data, models[row, 1][0])}" for row in (REFERENCE, BEST)))
    return "\n\n".join(out) + "\n", f"- {data.name}: {'; '.join(verdicts)}"


def scored(data: Split, steps: int, models: dict[tuple[str, int], tuple[Forecaster, float]]) -> tuple[str, str]:
    """The table of one distance and who is better there, by intervals that exclude 0."""
    cut = data.cut
    rows = cut.followed(steps, data.test)
    after, user = cut.counts[rows + steps], cut.owner[rows]
    floor = entropy_floor(after).mean()
    lines = [
        f"h = {steps}: {len(rows):,} windows of {len(np.unique(user)):,} users, floor {floor:.4f}",
        "",
        "| row | fitted | cross-entropy | less P, b | total variation | fit s |",
        "|---|---|---|---|---|---|",
    ]
    verdicts = []
    for ahead in dict.fromkeys((1, steps)):
        way = "neighbours" if steps == 1 else "direct" if ahead == steps else "iterated"
        said = {row: models[row, ahead][0].forecast(cut, rows, steps) for row in ROWS}
        loss = {row: cross_entropy(after, said[row]) for row in ROWS}
        less = {row: paired_difference(loss[row], loss[REFERENCE], user) for row in ROWS}
        lines += [
            f"| {row} | {way} | {mean_interval(loss[row], user)} | {'' if row == REFERENCE else less[row]} "
            f"| {total_variation(after, said[row]).mean():.4f} | {models[row, ahead][1]:.1f} |"
            for row in ROWS
        ]
        beaten = sum(less[row].low > 0 for row in ("persistence", "decayed mean", "long-run mean"))
        best = "better" if less[BEST].high < 0 else "worse" if less[BEST].low > 0 else "no different"
        verdicts.append(f"h = {steps} {way}: P, b beats {beaten} of 3 means, {BEST} {best} than P, b")
    return "\n".join(lines), "; ".join(verdicts)


def bands(data: Split, model: Forecaster) -> str:
    """How often the share of a topic lies in its band, ends by their chance and ends always counted."""
    cut = data.cut
    seen, new = cut.followed(1, data.train), cut.followed(1, data.test)
    share = rounded(cut.counts / cut.counts.sum(axis=1, keepdims=True))
    fit = ShareBands.fit(model.forecast(cut, seen), share[seen + 1])
    low, high, *chances = fit.around(model.forecast(cut, new))
    came = share[new + 1]
    hit = inside_band(came, low, high, low_inside=chances[0], high_inside=chances[1])
    ends = inside_band(came, low, high)
    topics = hit.mean(axis=0)
    user = cut.owner[new]
    return (
        f"{words(mean_interval(hit.mean(axis=1), user))} of (window, topic) pairs inside, ends counted by their chance "
        f"(topics {topics.min():.3f} to {topics.max():.3f}); ends always counted "
        f"{words(mean_interval(ends.mean(axis=1), user))}; mean width {(high - low).mean():.4f}"
    )


def words(interval: Interval) -> str:
    return f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


if __name__ == "__main__":
    main(sys.argv[1:])
