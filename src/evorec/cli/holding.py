"""What `train`, `evaluate` and `compare` share: read the data and say what counts; the hold-out and its reports."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from evorec.cli.output import emit_json, messages, reporter, results, table
from evorec.core.errors import InputError
from evorec.core.types import Events
from evorec.data.clean import what_counts
from evorec.data.feedback import ACTIONS, Feedback, unheard_actions, weigh
from evorec.evaluation.protocol import Protocol
from evorec.evaluation.report import Report, report
from evorec.models.base import RunOptions
from evorec.recipes.config import Recipe
from evorec.recipes.holdout import hold_out
from evorec.recipes.quickstart import Loaded, load_dataset

Files = tuple[Path, Path | None, Path | None]  # events, items, users
Reading = tuple[Mapping[str, str], Mapping[str, str] | None, str]  # columns of events and of items, time zone


def read(files: Files, reading: Reading, feedback: Feedback, console: Console) -> Loaded:
    """Read the files, and tell what was left out of each and which events count; weights for no action are refused."""
    loaded = load_dataset(*files, columns=reading[0], item_columns=reading[1], timezone=reading[2])
    _refuse_strange(loaded.dataset.events, feedback)
    return accounted(loaded, feedback, console)


def _refuse_strange(events: Events, feedback: Feedback) -> None:
    strange = [name for name in unheard_actions(events, feedback) if name not in ACTIONS]
    held = ", ".join(name for name in events.actions if name)
    if strange:
        raise InputError(
            f"--action-weight names {', '.join(strange)}, but the log has "
            f"{f'the actions {held}' if held else 'no actions'}",
            mend="spell it as the log does, or leave it out" if held else "map the column: --map action=NAME",
        )


def accounted(loaded: Loaded, feedback: Feedback, console: Console) -> Loaded:
    """Tell what was left out of each file and which events count, and add that to the reports."""
    events = loaded.dataset.events
    counted = what_counts(weigh(events, feedback), feedback)
    reports = (*loaded.reports, *([counted] if counted.dropped else []))
    for account in reports:
        console.print(str(account))
    if unheard := unheard_actions(events, feedback):
        console.print(f"no event has the action {' or '.join(unheard)}: its weight is for events that come later")
    return replace(loaded, reports=reports)


def protocols_of(kind: str, clock: str, repeats: bool) -> tuple[Protocol, ...]:
    """The protocols that the words `next`, `successive`, `frozen`, `query_time` and `both` ask for."""
    kinds = ("next", "successive") if kind == "both" else (kind,)
    clocks = ("frozen", "query_time") if clock == "both" else (clock,)
    return tuple(Protocol(kind=k, clock=c, repeats=repeats) for k in kinds for c in clocks)  # type: ignore[arg-type]


def print_report(found: Report, name: str) -> None:
    """Accuracy, what lies beyond it, strata, and the circumstances."""
    console = results()
    facts = found.as_dict()["circumstances"]
    against = f" (difference and verdict: against {facts['baseline']})" if facts["baseline"] else ""
    console.print(table(found.table(), title=name + against, numbers=(1, 2, 3, 4)))
    console.print(table(found.beyond_table(), title=f"beyond accuracy, {name}", numbers=range(1, 6)))
    ranked = sorted(found.systems, key=lambda entry: (entry["name"] != facts["baseline"], -entry["ndcg"].mean))
    strata = found.strata_table([entry["name"] for entry in ranked[:3]])
    console.print(table(strata, title=f"NDCG by stratum, {name}", numbers=range(2, len(strata[0]))))
    if facts["kind"] == "successive":  # of `next`, later targets are those of people who were away for longer
        ages = found.age_table([entry["name"] for entry in ranked[:2]])
        console.print(table(ages, title=f"by age of the model, {name}", numbers=range(1, len(ages[0]))))
    console.print("; ".join(_told(fact, value) for fact, value in facts.items() if value is not None))


def _told(fact: str, value: Any) -> str:
    if fact == "peak_memory_mb":
        return f"peak memory {value:,.0f} MB"
    if isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, int):
        value = f"{value:,}"
    elif isinstance(value, float):
        value = f"{value:.1%}" if fact.endswith("share") else f"{value:,.4g}"
    return f"{fact.replace('_', ' ')} {value}"


def run(
    files: Files,
    *,
    recipe: Recipe,
    protocols: tuple[str, str, bool],
    reading: Reading,
    seed: int,
    output: tuple[bool, bool],
    members: bool,
) -> None:
    """Read, hold out, print: tables, or one JSON object with a report per protocol."""
    as_json, quiet = output
    console = messages(quiet)
    asked = protocols_of(*protocols)
    loaded = read(files, reading, recipe.feedback, console)
    held = hold_out(
        loaded.dataset,
        recipe,
        asked,
        RunOptions(seed=seed),
        members=members,
        progress=reporter(console, "reading texts"),
    )
    if not held.evaluations:
        raise InputError("nothing to evaluate", mend="name a protocol")
    console.print(f"fitted {recipe.name} in {held.fit_seconds:.1f} s")
    for note in held.engine.model.card.notes:
        console.print(note)
    vectors = held.engine.model.items.embedding
    reports = {
        f"{protocol.kind}, {protocol.clock} clock": report(found, baseline=recipe.name, vectors=vectors, seed=seed)
        for protocol, found in held.evaluations.items()
    }
    if as_json:
        emit_json({name: found.as_dict() for name, found in reports.items()})
        return
    for name, found in reports.items():
        print_report(found, name)
