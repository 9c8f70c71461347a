"""Recommendations that follow how each user's interests evolve: the public names, loaded on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from evorec.core.catalogue import Catalogue, Users
    from evorec.core.errors import ArtifactError, EvorecError, InputError, MissingExtraError, UnreachableError
    from evorec.core.ids import Vocabulary
    from evorec.core.types import Events, Queries
    from evorec.data.clean import CleaningReport
    from evorec.data.dataset import Dataset
    from evorec.data.feedback import Feedback
    from evorec.data.fetch import fetch
    from evorec.data.items import load_catalogue
    from evorec.data.load import load_events, load_users
    from evorec.data.simulate import Simulation, SimulationConfig, simulate
    from evorec.encoders.opening import open_encoder
    from evorec.engine.engine import Engine
    from evorec.engine.interests import InterestView, JourneyView, Need, Watcher
    from evorec.engine.pictures import draw_interests, draw_population
    from evorec.engine.population import PopulationView
    from evorec.engine.request import Request
    from evorec.engine.results import Recommendations
    from evorec.evaluation.protocol import Comparison, Evaluation, Protocol, compare, evaluate
    from evorec.evaluation.report import Report, report
    from evorec.explain.evidence import Evidence
    from evorec.interests.changes import ChangePoint, change_points
    from evorec.interests.drift import Drift, drift
    from evorec.interests.markov import evolve, evolve_shares, fit_transitions
    from evorec.interests.online import Alarm
    from evorec.interests.population import Population
    from evorec.models.base import RunOptions
    from evorec.plots.comparison.page import comparison_page
    from evorec.recipes.account import Account, account
    from evorec.recipes.config import Recipe, ScorerSpec, fast
    from evorec.recipes.holdout import HeldOut, hold_out
    from evorec.recipes.quickstart import Loaded, load_dataset, train
    from evorec.recipes.training import fit, load
    from evorec.recipes.updating import Gain, Updated, update

    __version__: str

__all__ = [
    "Account",
    "Alarm",
    "ArtifactError",
    "Catalogue",
    "ChangePoint",
    "CleaningReport",
    "Comparison",
    "Dataset",
    "Drift",
    "Engine",
    "Evaluation",
    "Events",
    "Evidence",
    "EvorecError",
    "Feedback",
    "Gain",
    "HeldOut",
    "InputError",
    "InterestView",
    "JourneyView",
    "Loaded",
    "MissingExtraError",
    "Need",
    "Population",
    "PopulationView",
    "Protocol",
    "Queries",
    "Recipe",
    "Recommendations",
    "Report",
    "Request",
    "RunOptions",
    "ScorerSpec",
    "Simulation",
    "SimulationConfig",
    "UnreachableError",
    "Updated",
    "Users",
    "Vocabulary",
    "Watcher",
    "__version__",
    "account",
    "change_points",
    "compare",
    "comparison_page",
    "draw_interests",
    "draw_population",
    "drift",
    "evaluate",
    "evolve",
    "evolve_shares",
    "fast",
    "fetch",
    "fit",
    "fit_transitions",
    "hold_out",
    "load",
    "load_catalogue",
    "load_dataset",
    "load_events",
    "load_users",
    "open_encoder",
    "report",
    "simulate",
    "train",
    "update",
]

# Where each name lives. `import evorec` opens none of these files, so that it costs nothing (PEP 562).
_HOMES: Final = {
    "core.errors": ("ArtifactError", "EvorecError", "InputError", "MissingExtraError", "UnreachableError"),
    "core.ids": ("Vocabulary",),
    "core.catalogue": ("Catalogue", "Users"),
    "core.types": ("Events", "Queries"),
    "data.clean": ("CleaningReport",),
    "data.dataset": ("Dataset",),
    "data.feedback": ("Feedback",),
    "data.fetch": ("fetch",),
    "data.items": ("load_catalogue",),
    "data.load": ("load_events", "load_users"),
    "data.simulate": ("Simulation", "SimulationConfig", "simulate"),
    "encoders.opening": ("open_encoder",),
    "engine.engine": ("Engine",),
    "engine.interests": ("InterestView", "JourneyView", "Need", "Watcher"),
    "engine.pictures": ("draw_interests", "draw_population"),
    "engine.population": ("PopulationView",),
    "engine.request": ("Request",),
    "engine.results": ("Recommendations",),
    "evaluation.protocol": ("Comparison", "Evaluation", "Protocol", "compare", "evaluate"),
    "evaluation.report": ("Report", "report"),
    "explain.evidence": ("Evidence",),
    "interests.changes": ("ChangePoint", "change_points"),
    "interests.drift": ("Drift", "drift"),
    "interests.markov": ("evolve", "evolve_shares", "fit_transitions"),
    "interests.online": ("Alarm",),
    "interests.population": ("Population",),
    "models.base": ("RunOptions",),
    "plots.comparison.page": ("comparison_page",),
    "recipes.account": ("Account", "account"),
    "recipes.config": ("Recipe", "ScorerSpec", "fast"),
    "recipes.holdout": ("HeldOut", "hold_out"),
    "recipes.quickstart": ("Loaded", "load_dataset", "train"),
    "recipes.training": ("fit", "load"),
    "recipes.updating": ("Gain", "Updated", "update"),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("evorec")
    elif name in _HOME_OF:
        value = getattr(import_module(f"evorec.{_HOME_OF[name]}"), name)
    else:
        raise AttributeError(f"module 'evorec' has no attribute {name!r}")
    globals()[name] = value  # the next look finds it at once
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
