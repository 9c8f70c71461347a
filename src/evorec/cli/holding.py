"""What `train`, `evaluate` and `compare` share: read the data and say what counts; the hold-out and its reports."""

from dataclasses import replace
from typing import Any

from rich.console import Console

from evorec.cli.evaluate import Results
from evorec.cli.options import Data
from evorec.cli.output import emit_json, messages, reporter, results, table
from evorec.core.errors import InputError
from evorec.core.types import Events
from evorec.data.clean import what_counts
from evorec.data.feedback import ACTIONS, Feedback, unheard_actions, weigh
from evorec.evaluation.protocol import Protocol
from evorec.evaluation.report import Report
from evorec.models.base import RunOptions
from evorec.plots.comparison.page import check_page, comparison_page, sentences
from evorec.recipes.account import account
from evorec.recipes.config import Recipe
from evorec.recipes.holdout import hold_out
from evorec.recipes.quickstart import Loaded


def read(data: Data, feedback: Feedback, console: Console) -> Loaded:
    """Read the files, and tell what was left out of each and which events count; weights for no action are refused."""
    loaded = data.load()
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
    for one in reports:
        console.print(str(one))
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
    data: Data, *, recipe: Recipe, protocols: tuple[Protocol, ...], seed: int, output: Results, members: bool
) -> None:
    """Read, hold out, print: tables, or one JSON object with a report per protocol; where asked, a page beside it."""
    if output.html is not None:
        check_page(output.html, output.language)
    console = messages(output.quiet)
    loaded = read(data, recipe.feedback, console)
    held = hold_out(
        loaded.dataset,
        recipe,
        protocols,
        RunOptions(seed=seed, progress=reporter(console, "training the net, epochs")),
        members=members,
        progress=reporter(console, "reading texts"),
    )
    if not held.evaluations:
        raise InputError("nothing to evaluate", mend="name a protocol")
    console.print(f"fitted {recipe.name} in {held.fit_seconds:.1f} s")
    for note in held.engine.model.card.notes:
        console.print(note)
    found = account(held, loaded.dataset, sources=data.names, seed=seed)
    told = found.as_dict()
    if output.html is not None:
        output.html.write_text(comparison_page(told, language=output.language), encoding="utf-8")
        console.print(f"wrote {output.html}")
    if output.as_json:
        emit_json(told)
        return
    for name, one in found.reports.items():
        for said in sentences(told["protocols"][name]):
            results().print(f"{name}: {said}")
        print_report(one, name)
