"""The demonstration behind `make demo`: a real data set from download to recommendations with reasons, then a picture.

Every step calls the public interface; what it prints is what a newcomer would see. Files go to ./demo.
"""

import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console

from evorec.cli.listing import sentence
from evorec.cli.output import reporter, table
from evorec.data.fetch import fetch
from evorec.data.simulate import chinese_demo
from evorec.engine.engine import Engine, iso_time
from evorec.engine.pictures import river_of
from evorec.evaluation.protocol import Protocol
from evorec.evaluation.report import report
from evorec.models.base import RunOptions
from evorec.plots.river import interest_river, river_text
from evorec.recipes.config import recipe
from evorec.recipes.holdout import hold_out
from evorec.recipes.quickstart import load_dataset
from evorec.recipes.training import fit, load

FOLDER = Path("demo")
console = Console(highlight=False, markup=False, soft_wrap=True)


def main() -> None:
    started = time.perf_counter()
    step("1. A real data set: MovieLens-100K")
    found = fetch("movielens-100k", FOLDER / "movielens-100k", progress=console.print)
    loaded = load_dataset(found.events, found.items)
    for cleaning in loaded.reports:
        console.print(str(cleaning))

    step("2. Read the items with a pretrained model, fit the recipe `fast`")
    engine = fit(loaded.dataset, recipe("fast"), RunOptions(seed=0), progress=reporter(console, "reading texts"))
    engine.save(FOLDER / "model")
    engine = load(FOLDER / "model")  # what follows runs on the saved model, without the data
    console.print(f"saved to {FOLDER / 'model'}; encoder: {engine.model.card.encoder}")

    step("3. Recommendations with reasons for three users")
    users = wandering_users(engine, most=3)
    show_lists(engine, users)
    console.print(f"(first result {time.perf_counter() - started:.1f} s after the start)")

    step("4. One real user's interest moving")
    show_interests(engine, users[0], FOLDER / "interests.html", title=f"MovieLens user {users[0]}")

    step("5. An honest measure: train on the past, ask about what came after")
    held = hold_out(loaded.dataset, recipe("fast"), (Protocol(kind="successive"),))
    console.print(f"fitted in {held.fit_seconds:.1f} s; every later choice of every user; higher is better")
    for found_by in held.evaluations.values():
        measured = report(found_by, baseline="fast", vectors=held.engine.model.items.embedding)
        console.print(table(measured.table(), numbers=(1, 2, 3, 4)))
        console.print(table(measured.beyond_table(), numbers=range(1, 6)))
        asked = measured.as_dict()["circumstances"]
        console.print(f"{asked['queries']:,} questions of {asked['users']:,} users; intervals are 95%, over users")

    step("6. 模拟数据 (simulated): a Chinese catalogue with planted drift")
    simulated = chinese_demo(seed=0)
    chinese = fit(simulated.dataset, recipe("fast"), RunOptions(seed=0))
    drifting = simulated.events.users.ids[int(np.flatnonzero(simulated.truth.change_time < simulated.events.newest)[0])]
    show_lists(chinese, [drifting])
    show_interests(
        chinese, drifting, FOLDER / "interests-zh.html", title=f"模拟用户 {drifting} 的兴趣河流", language="zh"
    )
    code = simulated.events.users.code(drifting)
    truth = simulated.truth
    console.print(
        f"planted: {truth.topic_names[truth.change_from[code]]} -> {truth.topic_names[truth.change_to[code]]} "
        f"at {iso_time(int(truth.change_time[code]))[:10]}"
    )
    console.print(
        f"\nDone in {time.perf_counter() - started:.0f} s. Try it on your own data: evorec train events.csv items.csv"
    )


def step(title: str) -> None:
    console.rule(title, align="left")


def wandering_users(engine: Engine, *, most: int) -> list[str]:
    """Users whose history spans the longest time: those with something to tell about evolution."""
    ids = engine.log.user_ids()
    queries = engine.log.queries(ids, np.full(len(ids), engine.now))
    first, last = queries.timestamp[queries.offsets[:-1]], queries.timestamp[queries.offsets[1:] - 1]
    return [ids[k] for k in np.argsort(first - last, kind="stable")[:most]]


def show_lists(engine: Engine, users: list[str]) -> None:
    lists = engine.recommend(users)
    for position, user in enumerate(users):
        rows = [["#", "title", "why"]]
        for place, item in enumerate(lists.list_of(position)[:5], start=1):
            title = engine.model.catalogue.title[engine.model.items.ids.code(item)]
            rows.append([str(place), title, sentence(engine, engine.explain(user, item))])
        console.print(table(rows, title=f"user {user}", numbers=(0,)))


def show_interests(engine: Engine, user: str, path: Path, *, title: str, language: str = "en") -> None:
    view = engine.interests(user)
    span = f"{iso_time(int(view.moments[0]))[:10]} to {iso_time(int(view.moments[-1]))[:10]}"
    console.print(
        table([["topic", span, "at the end"], *river_text(view.path, view.topics, width=32)], title=title, numbers=(2,))
    )
    interest_river(river_of(view), path, title=title, language=language)
    console.print(f"drew {path}")


if __name__ == "__main__":
    sys.exit(main())
