"""Claims: the best against the runner-up, one system against the best baseline."""

import pytest

from evorec.core.errors import InputError
from evorec.evaluation.baselines import popularity, transitions
from evorec.evaluation.claims import claims, leading
from evorec.evaluation.protocol import Protocol, compare, evaluate


@pytest.fixture(scope="module")
def evaluations(split):
    asked = Protocol(kind="successive")
    systems = {"popularity": popularity(split.train.events), "recent": popularity(split.train.events, 7),
               "transitions": transitions(split.train.events)}  # fmt: skip
    return {name: evaluate(score, split, asked) for name, score in systems.items()}


def test_the_lead_is_that_of_the_best_over_the_second(evaluations):
    order = leading(evaluations)
    means = [evaluations[name].mean() for name in order]
    assert means == sorted(means, reverse=True)
    lead = claims(evaluations, system="recent", baselines=["popularity"], seed=3)["lead"]
    assert [lead.system, lead.against] == order[:2]
    assert lead.comparison == compare(evaluations[order[0]], evaluations[order[1]], seed=3)
    assert lead.comparison.difference.mean >= 0


def test_a_named_system_meets_the_best_baseline(evaluations):
    others = ["popularity", "recent"]
    found = claims(evaluations, system="transitions", baselines=others)["baseline"]
    assert (found.system, found.against) == ("transitions", leading(evaluations, others)[0])


def test_nothing_is_claimed_against_itself(evaluations):
    one = {"recent": evaluations["recent"]}
    assert claims(one, system="recent", baselines=["recent"]) == {}


def test_unknown_names_are_refused(evaluations):
    with pytest.raises(InputError, match="no system is called 'best'"):
        claims(evaluations, system="best", baselines=[])
