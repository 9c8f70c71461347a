"""What is known of how interests move, fitted on a log: half-lives, P and b, the forecaster, its bands, drift."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from evorec.core.types import F32, F64, I64
from evorec.interests.bands import ShareBands
from evorec.interests.drift import Spread
from evorec.interests.forecast import Forecaster
from evorec.interests.journeys import Pace
from evorec.interests.loglinear import LogLinearForecaster
from evorec.interests.online import DetectorConfig, DetectorModel
from evorec.interests.state import InterestConfig

LEADING: Final = 32  # columns of the whitened embedding that a detector reads beside behaviour


@dataclass(frozen=True, eq=False, kw_only=True)
class InterestModel:
    """How interests are kept and move.

    `transition float64[topics, topics]` P[to, from] and `switch_on float64[topics]` b move shares by one step of `step`
    events. `forecaster` and its `bands` say what the next `step` events bring; None where the log was too short.
    `pace`: how often journeys are taken up; `spread`: how content differs between users and inside one, for drift
    (None: topics alone decide); `detector`: watches a stream, None where too few users have long histories; beside
    their embedding it knows items by `behaviour float32[items, d]`, learnt from users it is not set on (d may be 0).
    """

    config: InterestConfig
    transition: F64
    switch_on: F64
    step: int = 1
    forecaster: Forecaster | None = None
    bands: ShareBands | None = None
    pace: Pace = field(default_factory=lambda: Pace(shape=1.0, days=30.0))
    spread: Spread | None = None
    detector: DetectorModel | None = None
    behaviour: F32 = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))

    def unfitted(self) -> dict[str, str]:
        """What this log was too short or too alike for: the part, and why it is missing with what would mend it.

        >>> told = InterestModel(config=InterestConfig(), transition=np.eye(2), switch_on=np.zeros(2)).unfitted()
        >>> list(told), told["alarms"]
        (['forecast', 'drift by content', 'alarms'], 'too few users have 10 events or more; bring longer histories')
        """
        why = {
            "forecast": "too few users have events enough on items with topics, so interests are taken to stay "
            "(P is the identity, b is 0); bring a longer log, or items with categories or texts",
            "drift by content": "texts do not tell users apart, so topics alone do; give the items texts",
            "alarms": "too few users have 10 events or more; bring longer histories",
        }
        held = {"forecast": self.forecaster, "drift by content": self.spread, "alarms": self.detector}
        return {part: why[part] for part, fitted in held.items() if fitted is None}

    def settings(self) -> dict[str, Any]:
        """Plain values, for saving."""
        detector = None
        if self.detector is not None:
            detector = {"threshold": self.detector.threshold, "config": asdict(self.detector.config)}
        return {"config": asdict(self.config), "step": self.step, "pace": asdict(self.pace), "detector": detector}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Named arrays, for saving."""
        parts: dict[str, Mapping[str, NDArray[Any]]] = {
            "forecaster": {} if self.forecaster is None else self.forecaster.arrays(),
            "bands": {} if self.bands is None else self.bands.arrays(),
            "spread": {} if self.spread is None else _spread_arrays(self.spread),
            "detector": {}
            if self.detector is None
            else {"population": self.detector.population, **_spread_arrays(self.detector.spread)},
        }
        own: dict[str, NDArray[Any]] = {
            "transition": self.transition,
            "switch_on": self.switch_on,
            "behaviour": self.behaviour,
        }
        return own | {f"{part}.{name}": np.asarray(a) for part, held in parts.items() for name, a in held.items()}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The model that `settings` and `arrays` came from."""

        def part(name: str) -> dict[str, NDArray[Any]]:
            return {key.removeprefix(f"{name}."): a for key, a in arrays.items() if key.startswith(f"{name}.")}

        watching = settings["detector"]
        if watching is not None:
            held = part("detector")
            watching = DetectorModel(
                population=held.pop("population"),
                spread=Spread(**held),
                threshold=watching["threshold"],
                config=DetectorConfig(**watching["config"]),
            )
        forecaster, bands, spread = part("forecaster"), part("bands"), part("spread")
        return cls(
            config=InterestConfig(**settings["config"]),
            transition=arrays["transition"],
            switch_on=arrays["switch_on"],
            step=settings["step"],
            forecaster=LogLinearForecaster.restore(forecaster) if forecaster else None,
            bands=ShareBands.restore(bands) if bands else None,
            pace=Pace(**settings["pace"]),
            spread=Spread(**spread) if spread else None,
            detector=watching,
            behaviour=arrays["behaviour"],
        )


def watched_content(behaviour: F32, embedding: F32, rows: I64) -> F32:
    """Content vectors of items for a detector: `behaviour float32[m, b]` beside the leading columns of `embedding`.

    Items past the end of `behaviour` are new, and have none; without any (b = 0) the whole embedding serves.

    >>> watched_content(np.ones((1, 2), np.float32), np.eye(3, dtype=np.float32), np.array([0, 2])).tolist()
    [[1.0, 1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]]
    """
    if not behaviour.size:
        return np.asarray(embedding[rows], dtype=np.float32)
    own = np.zeros((len(rows), behaviour.shape[1]), dtype=np.float32)
    known = rows < len(behaviour)
    own[known] = behaviour[rows[known]]
    return np.concatenate([own, embedding[rows, :LEADING]], axis=1)


def _spread_arrays(spread: Spread) -> dict[str, NDArray[Any]]:
    return {"mean": spread.mean, "basis": spread.basis, "between": spread.between}
