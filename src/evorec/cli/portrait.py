"""Views of interests as people read them in a terminal, and as JSON."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from evorec.cli.output import results, table
from evorec.core.catalogue import Catalogue
from evorec.core.ids import Vocabulary
from evorec.engine.engine import iso_time
from evorec.engine.interests import InterestView, JourneyView
from evorec.engine.population import PopulationView
from evorec.plots.river import river_text

_TOPICS: Final = 12
_JOURNEYS: Final = 8
_FLOWS: Final = 8


def as_dict(view: InterestView, user_id: str, unfitted: Mapping[str, str], ids: Vocabulary) -> dict[str, Any]:
    """Everything about one user, as plain values; `unfitted` says what the model lacks, and why."""
    return {
        "user_id": user_id,
        "as_of": iso_time(view.as_of),
        "drift": view.drift,
        "drift_beyond_noise": _number(view.drift_beyond_noise),
        "drift_p_value": _number(view.drift_p_value),
        "forecast_events": view.step,
        "topics": view.ranked(),
        "changes": [
            {
                "time": iso_time(change.moment),
                "between": [iso_time(change.earliest), iso_time(change.latest)],
                "p_value": change.p_value,
                **{
                    name: [view.topics[k] for k in those]
                    for name, those in zip(("rose", "fell"), change.moved(), strict=True)
                },
            }
            for change in view.changes
        ],
        "alarms": [
            {"time": iso_time(alarm.timestamp), "since": iso_time(alarm.since), "strength": alarm.strength}
            for alarm in view.alarms
        ],
        "journeys": [
            {
                "name": journey.name,
                "start": iso_time(int(journey.moments[0])),
                "last": iso_time(int(journey.moments[-1])),
                "strength": journey.strength,
                "alive": journey.alive,
                "silence_chance": journey.silence_chance,
                "events": [
                    {"item_id": ids.ids[row], "time": iso_time(t)}
                    for row, t in zip(journey.item.tolist(), journey.moments.tolist(), strict=True)
                ],
            }
            for journey in view.journeys
        ],
        "needs": [vars(need) for need in view.needs],
        "not_fitted": dict(unfitted),
    }


def brief(name: str, width: int = 30) -> str:
    """A name cut to `width` characters, after one of its terms where there is one to cut after.

    >>> brief("noodle · entree · microwavable bowls", 20), brief("Jell-O Instant Pudding", 10)
    ('noodle · entree', 'Jell-O In…')
    """
    if len(name) <= width:
        return name
    terms = name[: width + 3].split(" · ")[:-1]
    return " · ".join(terms) or name[: width - 1] + "…"


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def print_user(view: InterestView, user_id: str, unfitted: Mapping[str, str]) -> None:
    """Profile, river, turns, journeys, what is expected, and what the model lacks for more."""
    console = results()
    banded = not np.isnan(view.low).any()
    ahead = f"next {view.step}"
    rows = [["topic", "share now", "±", "long-term", "strength", ahead, *(["80% band"] if banded else [])]]
    for topic in view.ranked()[:_TOPICS]:
        shown = (f"{topic[name]:.0%}" for name in ("share", "error", "long_term"))
        band = [f"{topic['low']:.0%}–{topic['high']:.0%}"] if banded else []
        rows.append([brief(topic["topic"]), *shown, f"{topic['strength']:.2f}", f"{topic['forecast']:.0%}", *band])
    title = f"Interests of user {user_id} at {iso_time(view.as_of)}"
    console.print(table(rows, title=title, numbers=range(1, len(rows[0]))))
    console.print(drift_sentence(view))
    river = river_text(view.path, [brief(name) for name in view.topics], width=32)
    span = f"{iso_time(int(view.moments[0]))[:10]} to {iso_time(int(view.moments[-1]))[:10]}"
    console.print(table([["topic", span, "at the end"], *river], title="How that came about", numbers=(2,)))
    for change in view.changes:
        rose, fell = (", ".join(view.topics[k] for k in those) for those in change.moved(2))
        console.print(
            f"turned on {iso_time(change.moment)[:10]} (between {iso_time(change.earliest)[:10]} and "
            f"{iso_time(change.latest)[:10]}, p {change.p_value:.3f}): up {rose}; down {fell}"
        )
    for alarm in view.alarms:
        console.print(
            f"called from the stream on {iso_time(alarm.timestamp)[:10]}: "
            f"new interests since {iso_time(alarm.since)[:10]}"
        )
    if view.journeys:
        console.print(_journey_table(view.journeys))
    if view.needs:
        rows = [["topic never touched", "forecast", "lift", "comes from"]]
        for need in view.needs:
            source = "" if need.source is None else f"{brief(need.source)} ({need.source_part:.0%})"
            rows.append([brief(need.topic), f"{need.forecast:.1%}", f"{need.lift:.1f}", source])
        console.print(table(rows, title="What may come next", numbers=(1, 2)))
    for part, why in unfitted.items():
        console.print(f"not fitted: {part}: {why}")


def drift_sentence(view: InterestView) -> str:
    """How far short-term and long-term interests lie apart, and whether that is more than chance."""
    apart = f"short-term and long-term interests differ by {view.drift:.0%}"
    if np.isnan(view.drift_p_value):
        return f"{apart}; too few sittings to tell drift from chance"
    return (
        f"{apart}; later against earlier half: {view.drift_beyond_noise:+.3f} nats beyond chance "
        f"(p {view.drift_p_value:.3f})"
    )


def _journey_table(journeys: tuple[JourneyView, ...]) -> Any:
    rows = [["journey", "from", "to", "events", "strength", "state"]]
    for journey in journeys[:_JOURNEYS]:
        dates = (iso_time(int(journey.moments[at]))[:10] for at in (0, -1))
        state = "alive" if journey.alive else "ended"
        rows.append([brief(journey.name), *dates, str(len(journey.item)), f"{journey.strength:.0%}", state])
    more = f", {len(journeys) - _JOURNEYS} weaker ones not shown" if len(journeys) > _JOURNEYS else ""
    return table(rows, title=f"Journeys{more}", numbers=(3, 4))


def population_as_dict(view: PopulationView, ids: Vocabulary) -> dict[str, Any]:
    """Everybody, as plain values."""
    everybody = view.population
    tested = int((~np.isnan(view.drift.p_value)).sum())
    return {
        "periods": [iso_time(int(edge)) for edge in everybody.edges],
        "shares": {name: everybody.shares[:, k].tolist() for k, name in enumerate(everybody.names)},
        "trends": [
            {
                **trend,
                **{name: _number(trend[name]) for name in ("change_per_year", "low", "high")},
                "since": iso_time(trend["since"]),
                "items": [ids.ids[row] for row in trend["items"]],
            }
            for trend in view.trends()
        ],
        "flows": [
            {"from": everybody.names[a], "to": everybody.names[b], "chance": chance, "users": users}
            for a, b, chance, users in _flows(view)
        ],
        "drift": {"users": len(view.drift.p_value), "tested": tested, "drifted": int(view.drifted.sum())},
    }


def _flows(view: PopulationView) -> list[tuple[int, int, float, int]]:
    flows = view.population.flows
    return list(
        zip(flows.source.tolist(), flows.target.tolist(), flows.chance.tolist(), flows.support.tolist(), strict=True)
    )


def print_population(view: PopulationView, catalogue: Catalogue) -> None:
    """River, trends, ways between topics, and how many drifted."""
    console, everybody = results(), view.population
    told = everybody.shares.any(axis=1)
    span = f"{iso_time(int(everybody.edges[0]))[:10]} to {iso_time(int(everybody.edges[-1]))[:10]}"
    river = river_text(everybody.shares[told], [brief(name) for name in everybody.names], width=32)
    console.print(table([["topic", span, "now"], *river], title="Interests of everybody", numbers=(2,)))
    rows = [["topic", "points a year", "95% interval", "since", "carried by"]]
    steep = [trend for trend in view.trends() if trend["low"] > 0 or trend["high"] < 0]
    for trend in [*steep[:5], *[t for t in steep[-5:] if t not in steep[:5]]]:
        low, high = 100 * trend["low"], 100 * trend["high"]
        item = brief(catalogue.title[trend["items"][0]], 24) if trend["items"] else ""
        change = f"{100 * trend['change_per_year']:+.2f}"
        rows.append([brief(trend["topic"], 24), change, f"{low:+.2f} {high:+.2f}", iso_time(trend["since"])[:10], item])
    if len(rows) > 1:
        console.print(table(rows, title="Rising and falling topics", numbers=(1, 2)))
    rows = [["from", "to", "chance a step", "users"]]
    for a, b, chance, users in _flows(view)[:_FLOWS]:
        rows.append([brief(everybody.names[a], 26), brief(everybody.names[b], 26), f"{chance:.0%}", f"{users:,}"])
    if len(rows) > 1:
        console.print(table(rows, title="Interest in A goes to B", numbers=(2, 3)))
    tested = int((~np.isnan(view.drift.p_value)).sum())
    console.print(
        f"drift: {int(view.drifted.sum()):,} of {tested:,} users drifted (at most 5% of them by chance); "
        f"{len(view.drift.p_value) - tested:,} have too few sittings to tell"
    )
