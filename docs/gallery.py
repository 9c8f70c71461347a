"""The manual's pictures, drawn while it is built: portraits, everybody, the transition map, drift, a comparison."""

import hashlib
from dataclasses import replace
from pathlib import Path

from sphinx.application import Sphinx

import evorec
from evorec.data.simulate import Simulation, chinese_demo, simulate
from evorec.engine.engine import Engine
from evorec.engine.pictures import draw_interests, draw_population, drifts_of, transitions_of
from evorec.evaluation.protocol import Protocol
from evorec.plots.comparison.charts import bars, row_of
from evorec.plots.population import drift_chart
from evorec.plots.transitions import transition_map
from evorec.recipes.account import account

FOLDER = Path(__file__).parent / "_build" / "gallery"
USER = "user-175"  # planted: music gives way to technology
SOURCE = Path(evorec.__file__).parent


def world(language: str) -> Simulation:
    """The log that the guide speaks of: the same people and events in either language."""
    return simulate(replace(chinese_demo().config, language=language))


def trained(language: str) -> Engine:
    """The recipe `fast` on `world`, items read by their words alone: nothing is fetched."""
    shop = world(language)
    return evorec.train(shop.events, shop.catalogue, recipe=evorec.fast(encoder="lexical"))


def draw(folder: Path) -> None:
    """Every picture of the manual into `folder`."""
    engine, chinese = trained("en"), trained("zh")
    draw_interests(engine.interests(USER), USER, folder / "portrait-en.svg")
    draw_interests(chinese.interests(USER), USER, folder / "portrait-zh.svg", language="zh")
    view = engine.population()
    draw_population(view, folder / "population-en.svg")
    transition_map(transitions_of(view), folder / "transitions-en.svg", title="A simulated shop of eight topics")
    drift_chart(drifts_of(view), folder / "drift-en.svg", title="A simulated shop of 300 people")
    compare_systems(folder / "comparison-en.svg")


def compare_systems(path: Path) -> None:
    """Bars of the recipe, its parts and the baselines, as a page of `evorec compare` shows them."""
    shop = world("en").dataset
    held = evorec.hold_out(shop, evorec.fast(encoder="lexical"), (Protocol(kind="successive"),), members=True)
    (told,) = account(held, shop).as_dict()["protocols"].values()
    ranked = sorted(told["systems"], key=lambda entry: -entry["ndcg"]["mean"])
    drawn = bars([row_of(entry["name"], entry["ndcg"], entry["kind"]) for entry in ranked], "NDCG@10")
    look = 'xmlns="http://www.w3.org/2000/svg" style="background:#fff"'  # as a file of its own, on a dark page too
    path.write_text(drawn.replace("<svg", f"<svg {look}", 1), encoding="utf-8")


def _version() -> str:
    """A name for the code that draws: pictures are drawn again only when it has changed."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(SOURCE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _draw_if_needed(_: Sphinx) -> None:
    stamp, version = FOLDER / "drawn-by.txt", _version()
    if not stamp.exists() or stamp.read_text() != version:
        FOLDER.mkdir(parents=True, exist_ok=True)
        draw(FOLDER)
        stamp.write_text(version)


def setup(sphinx: Sphinx) -> dict[str, bool]:
    """Draw before any page is read."""
    sphinx.connect("builder-inited", _draw_if_needed)
    return {"parallel_read_safe": True}
