"""What `evaluate` and `compare` share: run the hold-out and print its reports."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evorec.cli.output import emit_json, messages, reporter, results, table
from evorec.core.errors import InputError
from evorec.evaluation.protocol import Protocol
from evorec.evaluation.report import Report, report
from evorec.models.base import RunOptions
from evorec.recipes.config import recipe as recipe_called
from evorec.recipes.holdout import hold_out
from evorec.recipes.quickstart import load_dataset


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
    files: tuple[Path, Path | None],
    *,
    recipe: tuple[str, str],
    protocols: tuple[str, str, bool],
    reading: tuple[Mapping[str, str], Mapping[str, str] | None, str],
    seed: int,
    output: tuple[bool, bool],
    members: bool,
) -> None:
    """Read, hold out, print: tables, or one JSON object with a report per protocol."""
    as_json, quiet = output
    console = messages(quiet)
    asked = protocols_of(*protocols)
    chosen = recipe_called(recipe[0], encoder=recipe[1])
    loaded = load_dataset(*files, columns=reading[0], item_columns=reading[1], timezone=reading[2])
    for cleaning in loaded.reports:
        console.print(str(cleaning))
    held = hold_out(
        loaded.dataset,
        chosen,
        asked,
        RunOptions(seed=seed),
        members=members,
        progress=reporter(console, "reading items"),
    )
    if not held.evaluations:
        raise InputError("nothing to evaluate", mend="name a protocol")
    console.print(f"fitted {chosen.name} in {held.fit_seconds:.1f} s")
    for note in held.engine.model.card.notes:
        console.print(note)
    vectors = held.engine.model.items.embedding
    reports = {
        f"{protocol.kind}, {protocol.clock} clock": report(found, baseline=chosen.name, vectors=vectors, seed=seed)
        for protocol, found in held.evaluations.items()
    }
    if as_json:
        emit_json({name: found.as_dict() for name, found in reports.items()})
        return
    for name, found in reports.items():
        print_report(found, name)
