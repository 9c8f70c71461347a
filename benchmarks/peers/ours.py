"""A recipe of ours, asked through the same question file as every peer; with its members, each alone."""

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from exchange import Fitted, Question, answer
from questions import split_of

from evorec.evaluation.baselines import popularity, transitions
from evorec.models.base import RunOptions
from evorec.models.words import ranking
from evorec.recipes.config import recipe
from evorec.recipes.holdout import ranked_by
from evorec.recipes.training import fit as fit_recipe


def fit(question: Question, settings: Mapping[str, Any]) -> Fitted:
    """`settings`: recipe, seed, and `members`: whether every scorer is asked alone too."""
    split = split_of(question.set, question.stage)
    engine = fit_recipe(split.train, recipe(settings["recipe"]), RunOptions(seed=settings["seed"]))
    items, blend, train = engine.model.items, engine.model.blend, split.train.events
    systems = {settings["recipe"]: question.by_score(partial(ranking, blend, items=items))}
    if settings["members"]:
        for scorer in blend.scorers:
            systems[f"{scorer.name}, alone"] = question.by_score(ranked_by(scorer.score, items))
        systems["popularity, 7 days"] = question.by_score(popularity(train, 7))
        systems["popularity, 30 days"] = question.by_score(popularity(train, 30))
        systems["directed transitions"] = question.by_score(transitions(train))
    return Fitted(systems=systems, chosen={})


if __name__ == "__main__":
    answer(fit)
