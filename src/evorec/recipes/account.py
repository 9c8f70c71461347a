"""The account of a hold-out: every number that the terminal, the JSON and the page of a comparison are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, Final

import numpy as np

from evorec.data.dataset import Dataset
from evorec.evaluation.claims import Claim, claims
from evorec.evaluation.report import Report, peak_memory, report
from evorec.models.blend import Blend
from evorec.recipes.holdout import HeldOut

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MADE_WITH: Final = ("evorec", "numpy", "scipy")
_WIDE: Final = 1.96  # standard errors on either side of a 95% interval


@dataclass(frozen=True, eq=False, kw_only=True)
class Account:
    """Reports and claims by protocol, and `facts` that hold for all: the data, the model, its cost, the versions."""

    reports: Mapping[str, Report]
    claims: Mapping[str, Mapping[str, Claim]]
    facts: Mapping[str, Any]
    kinds: Mapping[str, str]
    fit_seconds: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not defined is None.

        `protocols` holds a report by name. In it each system has its `kind` (recipe, part or baseline), the seconds of
        its fit where it was fitted on its own, and the seconds it took to answer 1,000 queries.
        """
        return {**self.facts, "protocols": {name: self._protocol(name) for name in self.reports}}

    def _protocol(self, name: str) -> dict[str, Any]:
        told = self.reports[name].as_dict()
        for entry in told["systems"]:
            entry["kind"] = self.kinds[entry["name"]]
            entry["fit_seconds"] = self.fit_seconds.get(entry["name"])
            entry["seconds_per_1000"] = 1000 * entry["seconds"] / told["circumstances"]["queries"]
        return {**told, "claims": {kind: _told(claim) for kind, claim in self.claims[name].items()}}


def account(
    held: HeldOut, dataset: Dataset, *, sources: Sequence[str] = (), seed: int = 0, measured: datetime | None = None
) -> Account:
    """What the hold-out of `dataset` found: differences against the recipe, claims, weights, cost, the data.

    `sources` are names to show for the data, `measured` is the moment to show (default: now).
    """
    card, blend, events = held.engine.model.card, held.engine.model.blend, dataset.events
    vectors = held.engine.model.items.embedding
    kinds = {card.recipe: "recipe"} | dict.fromkeys(held.baseline_seconds, "baseline")
    reports, found = {}, {}
    for protocol, evaluations in held.evaluations.items():
        name = f"{protocol.kind}, {protocol.clock} clock"
        kinds = {system: kinds.get(system, "part") for system in evaluations}
        reports[name] = report(evaluations, baseline=card.recipe, vectors=vectors, seed=seed)
        baselines = [system for system in evaluations if kinds[system] == "baseline"]
        found[name] = claims(evaluations, system=card.recipe, baselines=baselines, seed=seed)
    cut = next(iter(next(iter(held.evaluations.values())).values())).cut
    facts = {
        "recipe": card.recipe,
        "seed": seed,
        "measured": (measured or datetime.now(UTC)).isoformat(timespec="seconds"),
        "versions": {name: version(name) for name in _MADE_WITH},
        "data": {
            "sources": list(sources),
            "events": len(events),
            "users": len(np.unique(events.user)),
            "items": len(dataset.items),
            "items_with_events": int((dataset.item_counts > 0).sum()),
            "first": _iso(int(events.timestamp.min())),
            "last": _iso(events.newest),
            "cut": _iso(cut),
            "events_before_cut": int((events.timestamp < cut).sum()),
        },
        "model": {"encoder": card.encoder, "notes": list(card.notes), "weights": weights(blend)},
        "cost": {"fit_seconds": held.fit_seconds, "peak_memory_mb": _number(peak_memory())},
    }
    seconds = {card.recipe: held.fit_seconds, **held.baseline_seconds}
    return Account(reports=reports, claims=found, facts=facts, kinds=kinds, fit_seconds=seconds)


def weights(blend: Blend) -> list[dict[str, Any]]:
    """The weight of each scorer for everybody, with its 95% interval; without one where it was not fitted."""
    return [
        {
            "scorer": scorer.name,
            "weight": float(weight),
            "low": _number(max(float(weight - _WIDE * error), 0.0) if np.isfinite(error) else float("nan")),
            "high": _number(float(weight + _WIDE * error)),
        }
        for scorer, weight, error in zip(blend.scorers, blend.common, blend.error, strict=True)
    ]


def _told(claim: Claim) -> dict[str, Any]:
    return {"system": claim.system, "against": claim.against, **asdict(claim.comparison)}


def _iso(moment: int) -> str:
    return (_EPOCH + timedelta(microseconds=moment)).isoformat()


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
