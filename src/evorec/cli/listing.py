"""Ranked lists as people and programs read them."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from evorec.cli.output import emit_json, results, table
from evorec.core.columns import ITEM, RECOMMENDATION_COLUMNS
from evorec.core.types import Events
from evorec.data.clean import CleaningReport
from evorec.data.frames import write_table
from evorec.engine.engine import Engine, iso_time
from evorec.engine.request import Request
from evorec.engine.results import Recommendations
from evorec.explain.evidence import Evidence
from evorec.recipes.training import for_visitors

Why = Callable[[str, str], tuple[Evidence, ...]]  # from a user id and an item id to the reasons


def for_histories(
    engine: Engine, loaded: tuple[Events, CleaningReport], request: Request, as_of: int | None
) -> tuple[Iterator[Recommendations], Why]:
    """Lists for the people in an event log that was just read, and the reasons for them."""
    events, report = loaded
    print(str(report), file=sys.stderr)
    visitors, unknown = for_visitors(engine, events)
    if unknown:
        print(f"events left out, on items that the model does not know: {unknown:,}", file=sys.stderr)
    moment = max(engine.now, events.newest + 1) if as_of is None else as_of

    def why(user_id: str, item_id: str) -> tuple[Evidence, ...]:
        return visitors.explain(user_id, item_id, as_of=moment)

    return iter([visitors.recommend(list(events.users), request, as_of=moment)]), why


def hear(engine: Engine, user_ids: Sequence[str], words: Sequence[str], as_of: int | None) -> None:
    """Take in words of these users as if said just before `as_of`; nothing is saved.

    Words that have nothing to do with the catalogue are named on standard error.
    """
    just_now = engine.now if as_of is None else as_of - 1
    if words:
        engine.observe_all_words([(user, just_now, text) for user in user_ids for text in words])
    for text in words:
        if not engine.remarks.knows(text):
            advice = "nothing in the catalogue is near these words; try its own"
            print(f"“{_short(text)}” changes nothing: {advice}", file=sys.stderr)


def deliver(
    engine: Engine, batches: Iterable[Recommendations], reasons: Why | None, *, out: Path | None, as_json: bool
) -> None:
    """Write lists to `out` where given, else print them as JSON lines or as tables."""
    if out is not None:
        print(f"wrote {write(batches, out):,} recommendations to {out}", file=sys.stderr)
    elif as_json:
        print_json(engine, batches, reasons)
    else:
        print_tables(engine, batches, reasons)


def write(batches: Iterable[Recommendations], out: Path) -> int:
    """Write all lists in long form; returns the number of rows."""
    columns: dict[str, list[Any]] = {name: [] for name in RECOMMENDATION_COLUMNS}
    for batch in batches:
        for name, values in batch.columns().items():
            columns[name].extend(values)
    write_table(out, columns)
    return len(columns[ITEM])


def print_json(engine: Engine, batches: Iterable[Recommendations], why: Why | None) -> None:
    """One JSON object per user and line; with the reasons that `why` gives."""
    for batch in batches:
        for record in batch.records():
            if why:
                record["reasons"] = [
                    [_reason(engine, evidence) for evidence in why(record["user_id"], item)] for item in record["items"]
                ]
            emit_json(record)


def print_tables(engine: Engine, batches: Iterable[Recommendations], why: Why | None) -> None:
    """One table per user; with the reasons that `why` gives, in words."""
    console = results()
    titled = any(engine.model.catalogue.title)
    for batch in batches:
        for q, record in enumerate(batch.records()):
            rows = [["#", "item", *(["title"] if titled else []), "score", *(["why"] if why else [])]]
            for place, (item, score) in enumerate(zip(record["items"], record["scores"], strict=True), start=1):
                title = engine.model.catalogue.title[engine.model.items.ids.code(item)]
                row = [str(place), item, *([title] if titled else []), f"{score:.2f}"]
                if why:
                    row.append(sentence(engine, why(record["user_id"], item)))
                rows.append(row)
            flags = " (no history: what is popular now)" if batch.fallback[q] else ""
            flags += " (in hindsight: the model was trained past this moment)" if batch.hindsight[q] else ""
            console.print(table(rows, title=f"user {record['user_id']}{flags}", numbers=(0, rows[0].index("score"))))


def sentence(engine: Engine, reasons: tuple[Evidence, ...], *, most: int = 2) -> str:
    """The strongest reasons in words; scorers that differ in their time scale alone, in parentheses, are one reason."""
    families: dict[str, list[Evidence]] = {}
    for evidence in reasons:
        families.setdefault(evidence.scorer.partition(" (")[0], []).append(evidence)
    strongest = sorted(families.items(), key=lambda family: -sum(member.share for member in family[1]))
    parts = []
    for name, members in strongest[:most]:
        titles: dict[str, None] = {}  # catalogues hold some titles twice
        for event in (event for member in members for event in member.events):
            title = engine.model.catalogue.title[event.item] or engine.model.items.ids.ids[event.item]
            titles[_short(title)] = None
        after = f" after {' and '.join(list(titles)[:2])}" if titles else ""
        words = [text for member in members for text in member.words]
        if words:
            after = f" because you said {' and '.join(f'“{_short(text)}”' for text in words[:2])}"
        parts.append(f"{sum(member.share for member in members):.0%} {name}{after}")
    return "; ".join(parts)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _reason(engine: Engine, evidence: Evidence) -> dict[str, Any]:
    return {
        "scorer": evidence.scorer,
        "share": round(evidence.share, 4),
        "events": [
            {
                "item_id": engine.model.items.ids.ids[event.item],
                "time": iso_time(event.timestamp),
                "share": round(event.share, 4),
            }
            for event in evidence.events
        ],
        **({"words": list(evidence.words)} if evidence.words else {}),
    }
