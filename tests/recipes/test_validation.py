"""Inner validation: cuts inside the training time, settings that the planted truth prefers, nothing from later."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from evorec.core.types import DAY, Events
from evorec.data.dataset import Dataset
from evorec.data.simulate import SimulationConfig, simulate
from evorec.metrics.ranking import hits, ndcg
from evorec.models.base import RunOptions
from evorec.models.blend import Blend
from evorec.recipes import validation
from evorec.recipes.assembly import build_scorer, item_table
from evorec.recipes.config import Recipe, ScorerSpec, fast
from evorec.recipes.validation import Trial, fit_blend, stages, thinned
from evorec.retrieval.exact import top_k

RUN = RunOptions()
TINY = fast("lexical")


def table_of(dataset):
    vectors = np.random.default_rng(0).normal(size=(len(dataset.items), 8)).astype(np.float32)
    return item_table(dataset, vectors, dimension=8, seed=0)


@pytest.fixture(scope="module")
def data():
    return simulate(SimulationConfig(users=80, items=60, topics=4, events_per_user=15, new_item_share=0.3), 1).dataset


def test_cuts_lie_inside_the_training_time(data):
    cuts = stages(data, table_of(data), TINY, RUN)
    assert len(cuts) == TINY.windows
    moments = [cut.split.cut for cut in cuts]
    assert moments == sorted(moments)
    for cut in cuts:
        assert cut.train.events.newest < cut.split.cut <= cut.split.dataset.events.newest
        assert cut.split.dataset.events.newest <= data.events.newest
        assert len(cut.targets) <= TINY.queries


class TestQuestions:
    """What the blend is fitted on: first choices after a cut, and later ones, at most so many."""

    def firsts(self, cut):
        """`bool[targets]`: whether each is what its user did first after the cut."""
        events = cut.split.dataset.events
        first = {}
        for user, at in zip(events.user.tolist(), events.timestamp.tolist(), strict=True):
            if at >= cut.split.cut:
                first.setdefault(user, at)
        asked = zip(cut.targets.user.tolist(), cut.targets.timestamp.tolist(), strict=True)
        return np.array([first[user] == at for user, at in asked])

    @pytest.mark.parametrize("most", [6, 15, 30])
    def test_two_thirds_are_first_choices(self, data, most):
        for cut in stages(data, table_of(data), replace(TINY, queries=most), RUN):
            assert len(cut.targets) == most
            assert self.firsts(cut).sum() == 2 * most // 3

    def test_where_there_is_room_all_are_asked(self, data):
        for cut in stages(data, table_of(data), replace(TINY, queries=10**6), RUN):
            first = self.firsts(cut)
            assert 0 < first.sum() < len(first)
            pairs = list(zip(cut.targets.user.tolist(), cut.targets.timestamp.tolist(), strict=True))
            assert len(set(pairs)) == len(pairs)
            assert len({user for user, _ in pairs}) >= first.sum()

    def test_topics_are_those_of_the_table(self, data):
        table = table_of(data)
        for cut in stages(data, table, TINY, RUN):
            assert cut.items.topics is table.items.topics
            assert cut.items.embedding is table.items.embedding


def test_an_item_that_only_the_future_knows_is_no_candidate(data):
    for cut in stages(data, table_of(data), TINY, RUN):
        foreseen = (cut.train.item_counts > 0) | (data.catalogue.available_from > np.iinfo(np.int64).min)
        assert foreseen[cut.targets.item].all()


def test_the_same_seed_decides_the_same(data):
    (one, _, said), (other, _, again) = (fit_blend(data, table_of(data), TINY, RUN) for _ in range(2))
    assert said == again
    assert np.array_equal(one.weights, other.weights)
    assert np.array_equal(one.absent, other.absent)


def test_what_was_weighed_is_what_the_recipe_names(data):
    blend, kept, notes = fit_blend(data, table_of(data), TINY, RUN)
    assert [scorer.name for scorer in blend.scorers] == [spec.name for spec in kept]
    assert {spec for spec in map(id, TINY.scorers) if spec} >= {id(spec) for spec in kept}
    assert (blend.weights >= 0).all()
    optional, ranking = notes
    assert all(spec.name in optional for spec in TINY.scorers if spec.optional)
    assert all(spec.name in ranking for spec in kept)


def test_evidence_that_is_noise_is_left_out(data):
    """Content that means nothing: a random vector per item. It may stay out; what must stay in stays in."""
    noise = ScorerSpec(kind="content", name="noise", settings={"half_life_events": 2.0}, optional=True)
    needed = [spec for spec in TINY.scorers if spec.kind in ("popularity", "transitions")]
    _, kept, notes = fit_blend(data, table_of(data), Recipe(name="noisy", scorers=(*needed, noise)), RUN)
    assert [spec.name for spec in kept] == [spec.name for spec in needed]
    assert "noise" in notes[0] and "left out" in notes[0]


@pytest.mark.parametrize("names", [("fashion", "match"), ("match", "fashion")])
def test_evidence_that_helps_is_kept_in_the_order_of_the_recipe(names):
    """Each of many users keeps to one of four topics: what matches their interest lifts a ranking by fashion alone."""
    s = simulate(
        SimulationConfig(users=150, items=60, topics=4, events_per_user=20, drift_share=0, new_item_share=0), 2
    )
    table = item_table(s.dataset, np.eye(4, dtype=np.float32)[s.truth.item_topic], dimension=3, seed=0)
    specs = {
        "fashion": ScorerSpec(kind="popularity", name="fashion"),
        "match": ScorerSpec(kind="interests", name="match", optional=True),
    }
    recipe = Recipe(name="r", scorers=tuple(specs[name] for name in names))
    blend, kept, notes = fit_blend(s.dataset, table, recipe, RUN)
    assert tuple(spec.name for spec in kept) == tuple(scorer.name for scorer in blend.scorers) == names
    assert "match +" in notes[0] and "kept" in notes[0]


def test_the_time_scale_that_the_market_has_gets_the_weight():
    """Every five days another item is the fashion: a short half-life must count more than a long one."""
    rng = np.random.default_rng(0)
    day = rng.uniform(0, 200, 3000)
    fashion = (day // 5).astype(int) % 40
    item = np.where(rng.random(3000) < 0.7, fashion, rng.integers(0, 40, 3000))
    log = Events.create(
        user_ids=[f"u{k:03d}" for k in rng.integers(0, 300, 3000)],
        item_ids=[f"i{k:02d}" for k in item],
        timestamps=(day * DAY).astype(np.int64).tolist(),
    )
    data = Dataset.create(log)
    short, long = (
        ScorerSpec(kind="popularity", name=f"{days:g} days", settings={"half_life_days": days}) for days in (2.0, 365.0)
    )
    recipe = Recipe(name="two scales", scorers=(short, long))
    blend, _, _ = fit_blend(data, table_of(data), recipe, RUN)
    of_short, of_long = blend.weights.mean(axis=1)
    assert of_short > 3 * of_long


def test_a_log_too_short_says_so():
    log = Events.create(user_ids=["a"], item_ids=["x"], timestamps=[1])
    data = Dataset.create(log)
    blend, kept, notes = fit_blend(data, table_of(data), TINY, RUN)
    assert not any(spec.optional for spec in kept)
    assert "too short" in notes[-1]
    assert (blend.weights == TINY.blend.prior).all()


class TestFewerCandidates:
    """What weights are fitted on stands for all candidates, and what is judged holds all that could win."""

    def batches(self, data):
        stage = stages(data, table_of(data), TINY, RUN)[-1]
        fitted = [build_scorer(spec).fit(stage.train, RUN) for spec in TINY.scorers]
        return stage, fitted, stage.choices(fitted, np.random.default_rng(0))

    def test_they_stand_for_as_many(self, data, monkeypatch):
        monkeypatch.setattr(validation, "_HARD", 10)
        monkeypatch.setattr(validation, "_SAMPLED", 5)
        _, _, batches = self.batches(data)
        for batch in batches:
            utility = np.random.default_rng(1).normal(size=batch.target.shape)
            thin = thinned(batch, utility, np.random.default_rng(2))
            assert thin.target.shape[1] < batch.target.shape[1]
            np.testing.assert_allclose(thin.target.sum(axis=1), 1)
            np.testing.assert_allclose(np.exp(thin.log_count).sum(axis=1), np.exp(batch.log_count).sum(axis=1))

    def test_a_shortlist_holds_the_best_of_the_whole_catalogue(self, data, monkeypatch):
        monkeypatch.setattr(validation, "_SHORTLIST", 10)
        stage, fitted, batches = self.batches(data)
        blend = Blend(fitted, TINY.blend).fit_weights(batches)
        trial = Trial(stage=stage, scorers=tuple(fitted), rough=blend, batches=tuple(batches), thin=tuple(batches))
        lists = trial.shortlists([j for j, spec in enumerate(TINY.scorers) if spec.optional])
        among = np.concatenate([validation._quality(blend.utilities(batch), batch) for batch in lists])
        queries, allowed = stage.targets.queries(stage.split.dataset.events), stage.targets.candidates()
        allowed[queries.owner, queries.item] = False
        score = np.where(allowed, blend.score(queries, stage.items)[0], -np.inf)
        found = hits(top_k(score, 10), stage.targets.offsets, stage.targets.item)
        np.testing.assert_allclose(among, ndcg(found, stage.targets.relevant), atol=1e-6)


def made(targets):
    """Choices, as who made them and when."""
    return set(zip(targets.user.tolist(), targets.timestamp.tolist(), strict=True))


@pytest.fixture(scope="module")
def several_trials(data):
    """A recipe, and its trials over one log with the choices of each: who, and when."""
    recipe = replace(TINY, scorers=TINY.scorers[:3])
    table = table_of(data)

    found = []
    for stage in stages(data, table, recipe, RUN):
        fitted = [build_scorer(spec).fit(stage.train, RUN) for spec in recipe.scorers]
        trial = Trial.of(stage, recipe, fitted, 0, np.random.default_rng(0))
        found.append((trial, made(stage.targets)))
    return recipe, found


class TestCrossFitting:
    """No choice that is judged is among those that the judging weights are fitted on."""

    def test_the_same_choice_stands_at_several_cuts(self, several_trials):
        _, found = several_trials
        assert any(one & other for (_, one), (_, other) in pairwise(found))

    def test_choices_that_are_judged_are_left_out(self, several_trials):
        _, found = several_trials
        for trial, own in found:
            for other, theirs in found:
                if other is trial:
                    continue
                same = validation._same_choice(other.stage.targets, trial.stage.targets)
                assert made(other.stage.targets.take(np.flatnonzero(~same))) == theirs - own

    def test_rows_that_are_kept_stay_in_order(self, several_trials):
        _, found = several_trials
        batches = found[0][0].thin
        keep = np.random.default_rng(1).random(sum(len(batch.target) for batch in batches)) < 0.5
        whole = np.concatenate([batch.context for batch in batches])
        kept = np.concatenate([batch.context for batch in validation._kept(batches, keep)])
        assert np.array_equal(kept, whole[keep])

    def test_weights_come_from_other_choices(self, several_trials, monkeypatch):
        """Each fit of `cross_fitted` sees as many rows as the other cuts hold that are not judged."""
        recipe, found = several_trials
        counted, fit_weights = [], Blend.fit_weights
        monkeypatch.setattr(
            Blend,
            "fit_weights",
            lambda blend, batches, **settings: (
                counted.append(sum(len(batch.target) for batch in batches)),
                fit_weights(blend, batches, **settings),
            )[1],
        )
        every = [trial for trial, _ in found]
        validation.cross_fitted([0, 1], recipe, every, [trial.shortlists([2]) for trial in every])
        expected = [
            sum(
                int((~validation._same_choice(other.stage.targets, trial.stage.targets)).sum())
                for other in every
                if other is not trial
            )
            for trial in every
        ]
        assert counted == expected
