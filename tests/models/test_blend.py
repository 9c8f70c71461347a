"""The blend: an exact gradient, planted weights found again, and honest answers where members know nothing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.data.simulate import SimulationConfig, simulate
from evorec.models.base import Items, RunOptions
from evorec.models.blend import (
    CONTEXT,
    EASY,
    Blend,
    BlendConfig,
    Choices,
    _objective,
    _Prepared,
    collect_choices,
    context,
    drift,
)
from evorec.models.content import Content
from evorec.models.popularity import Popularity

CONTEXTS = len(CONTEXT)


class Fixed:
    """A scorer that gives the same row to everybody; NaN where it knows nothing."""

    def __init__(self, name, *row):
        self.name = name
        self.row = np.array(row, dtype=np.float32)

    def fit(self, dataset, options):
        return self

    def score(self, queries, items):
        row = np.broadcast_to(self.row, (len(queries), len(self.row)))
        return np.where(np.isnan(row), 0, row).astype(np.float32), ~np.isnan(row)

    def arrays(self):
        return {}

    def restore(self, arrays):
        return self


def planted(weights, *, queries=1500, candidates=20, absent=None, unknown=0.0, seed=0):
    """Choices drawn from the blend with `weights[scorers, contexts]`; evidence is standard normal."""
    rng = np.random.default_rng(seed)
    weights = np.asarray(weights, dtype=np.float64)
    size = len(weights)
    evidence = rng.normal(size=(queries, candidates, size)).astype(np.float32)
    known = rng.random(evidence.shape) >= unknown
    membership = rng.dirichlet(np.full(CONTEXTS, 0.2), size=queries).astype(np.float32)
    constant = np.zeros(size) if absent is None else np.asarray(absent)
    utility = (np.where(known, evidence, constant) * np.where(known, (membership @ weights.T)[:, None, :], 1)).sum(
        axis=2
    )
    chosen = (utility + rng.gumbel(size=utility.shape)).argmax(axis=1)
    return Choices(
        evidence=np.where(known, evidence, np.float32(0)),
        known=known,
        log_count=np.zeros((queries, candidates)),
        target=np.eye(candidates)[chosen],
        context=membership,
    )


def blend_of(size, **config):
    return Blend([Fixed(f"s{j}") for j in range(size)], BlendConfig(**config))


def same_everywhere(*weights):
    return np.repeat(np.array(weights)[:, None], CONTEXTS, axis=1)


class TestPlantedTruth:
    def test_weights_are_found(self):
        """Within .15 of the planted weights of everybody, from 3,000 choices; a useless scorer gets under .1."""
        blend = blend_of(3).fit_weights([planted(same_everywhere(1.5, 0.5, 0.0), seed=s) for s in (1, 2)])
        np.testing.assert_allclose(blend.weights.mean(axis=1), [1.5, 0.5, 0.0], atol=0.15)
        assert blend.weights[2].mean() < 0.1

    def test_a_scorer_that_misleads_gets_no_weight(self):
        blend = blend_of(2).fit_weights([planted(same_everywhere(1.0, -0.8))])
        assert (blend.weights >= 0).all()
        assert blend.weights[1].max() == 0
        assert blend.error[1] == 0

    def test_weights_that_depend_on_the_context_are_found(self):
        """Where the planted weights of two contexts differ by 2, the fitted ones differ by at least 1."""
        weights = same_everywhere(1.0, 1.0)
        weights[0, 4], weights[0, 5] = 2.0, 0.0
        blend = blend_of(2, context_ridge=1.0).fit_weights([planted(weights, queries=4000)])
        assert blend.weights[0, 4] - blend.weights[0, 5] > 1
        assert abs(blend.weights[1, 4] - blend.weights[1, 5]) < 0.4

    def test_the_constant_of_the_unknown_is_found(self):
        """Within .2 of the planted constants, which pull unknown items down and up."""
        batch = planted(same_everywhere(1.0, 1.0), absent=[-1.0, 0.5], unknown=0.4, queries=3000)
        blend = blend_of(2).fit_weights([batch])
        np.testing.assert_allclose(blend.absent, [-1.0, 0.5], atol=0.2)

    def test_standard_errors_tell_the_spread(self):
        """Over 25 samples the reported errors match the spread of the weights within a factor of 1.6."""
        fits = [
            blend_of(2, context_ridge=1e6).fit_weights([planted(same_everywhere(1.0, 0.5), queries=200, seed=seed)])
            for seed in range(25)
        ]
        spread = np.std([fit.weights.mean(axis=1) for fit in fits], axis=0)
        told = np.mean([fit.error for fit in fits], axis=0)
        assert (told > spread / 1.6).all()
        assert (told < spread * 1.6).all()
        more = blend_of(2).fit_weights([planted(same_everywhere(1.0, 0.5), queries=3200)])
        assert (more.error < told / 2.5).all()  # sixteen times the choices: a quarter of the error

    def test_evidence_of_any_scale_gives_the_same_ranking(self):
        batch = planted(same_everywhere(1.0, 0.5))
        scaled = replace(batch, evidence=batch.evidence * np.array([100, 0.01], np.float32) + np.float32(3))
        one, other = blend_of(2).fit_weights([batch]), blend_of(2).fit_weights([scaled])
        np.testing.assert_allclose(one.weights, other.weights, atol=0.02)

    def test_without_choices_to_learn_from_the_prior_rules(self):
        blend = blend_of(2, ridge=1e9, context_ridge=1e9, prior=0.7).fit_weights([planted(same_everywhere(2, 0))])
        np.testing.assert_allclose(blend.weights, 0.7, atol=1e-3)


class TestGradient:
    @pytest.mark.parametrize("shared", [True, False])
    @pytest.mark.parametrize("seed", range(3))
    def test_it_equals_finite_differences(self, shared, seed):
        rng = np.random.default_rng(seed)
        size = 3
        batch = planted(same_everywhere(1, 0.5, 0.2), queries=30, candidates=6, unknown=0.3, seed=seed)
        batch.log_count[:, -1], batch.log_count[:5, -2] = 2.0, -np.inf
        batch.target[:5] = np.eye(6)[0]
        basis = np.ones((CONTEXTS, 1)) if shared else np.eye(CONTEXTS)
        prepared = [_Prepared(batch, np.zeros(size), np.ones(size), 1e-2)]
        at = rng.uniform(0.1, 1, size * basis.shape[1] + size)
        prior = rng.uniform(0, 1, len(at))
        _, gradient, rows = _objective(at, prepared, basis, prior, 0.7, size)
        for k in range(len(at)):
            step = np.zeros(len(at))
            step[k] = 1e-2
            ahead, behind = (_objective(at + s, prepared, basis, prior, 0.7, size)[0] for s in (step, -step))
            assert gradient[k] == pytest.approx((ahead - behind) / 2e-2, abs=2e-2, rel=1e-2)
        np.testing.assert_allclose(np.concatenate(rows).sum(axis=0) + 1.4 * (at - prior), gradient, atol=1e-4)


class TestScoring:
    def test_golden(self, ask, table):
        blend = Blend([Fixed("a", 1, 3, np.nan), Fixed("b", 0, 10, 20)])
        blend.weights[:] = [[2.0], [0.5]]
        blend.centre[:], blend.scale[:], blend.absent[:] = [1, 10], [2, 5], [-0.25, 0]
        score, known = blend.score(ask([(0, 1)]), table(np.zeros((3, 1)), np.zeros((3, 1))))
        np.testing.assert_allclose(score, [[2 * 0 + 0.5 * -2, 2 * 1 + 0, -0.25 + 0.5 * 2]], atol=1e-6)
        assert known.all()

    def test_nobody_knows(self, ask, table):
        blend = Blend([Fixed("a", 1, np.nan), Fixed("b", np.nan, np.nan)])
        _, known = blend.score(ask([(0, 1)]), table(np.zeros((2, 1)), np.zeros((2, 1))))
        assert known.tolist() == [[True, False]]

    def test_rely_on_ranks_by_one_member_alone(self, ask, table):
        blend = Blend([Fixed("a", 5, 4, 3), Fixed("b", 1, np.nan, 3)])
        blend.absent[:] = [0.0, 4.0]
        blend.rely_on(1)
        score, _ = blend.score(ask([(0, 1)]), table(np.zeros((3, 1)), np.zeros((3, 1))))
        np.testing.assert_allclose(score, [[1, 0, 3]], atol=1e-3)  # what it does not know never leads

    def test_the_others_break_its_ties(self, ask, table):
        blend = Blend([Fixed("a", 1, 3, 2, 9), Fixed("b", 1, 1, 1, 2)]).rely_on(1)
        score, _ = blend.score(ask([(0, 1)]), table(np.zeros((4, 1)), np.zeros((4, 1))))
        assert np.argsort(-score[0]).tolist() == [3, 1, 2, 0]

    def test_ignore_context_gives_everybody_the_common_weights(self):
        blend = blend_of(2)
        blend.weights = np.arange(2.0 * CONTEXTS).reshape(2, CONTEXTS)
        blend.common = np.array([2.5, 8.5])
        blend.ignore_context()
        assert blend.weights.tolist() == same_everywhere(2.5, 8.5).tolist()

    def test_utilities_agree_with_scores(self, ask, table):
        """What is fitted and what is served are the same sum."""
        queries, items = ask([(0, 1)], [(1, 5), (2, 6)]), table(np.eye(3), np.eye(3))
        members = [Fixed("a", 1, 2, np.nan), Fixed("b", 0, 5, 2)]
        allowed, chosen = np.ones((2, 3), dtype=bool), np.array([[True, False, False], [False, True, False]])
        batch = collect_choices(members, queries, items, allowed, chosen, np.random.default_rng(0))
        blend = Blend(members).fit_weights([batch])
        score, _ = blend.score(queries, items)
        order = np.argsort(score, axis=1)
        utility = blend.utilities(batch)
        assert np.isfinite(utility).sum(axis=1).tolist() == [3, 3]
        np.testing.assert_allclose(np.sort(utility, axis=1), np.take_along_axis(score, order, axis=1), atol=1e-4)

    def test_what_was_learned_is_carried_over(self, ask, table):
        fitted = blend_of(2).fit_weights([planted(same_everywhere(1.0, 0.2), queries=100)])
        restored = blend_of(2).restore(fitted.arrays())
        for name, array in fitted.arrays().items():
            assert np.array_equal(array, restored.arrays()[name])


class TestContext:
    @given(st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 90)), max_size=6), min_size=1, max_size=4))
    def test_rows_sum_to_one(self, ask, table, histories):
        queries = ask(*[sorted(h, key=lambda event: event[1]) for h in histories])
        rows = context(queries, table(np.eye(3), np.eye(3)))
        assert rows.shape == (len(queries), CONTEXTS)
        assert rows.min() >= 0
        np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)

    def test_extremes(self, ask, table):
        items = table(np.eye(2), np.eye(2))
        histories = ([], [(0, 99.9)] * 256, [(0, 0)] * 64 + [(1, 1999.9)])
        nobody, steady, drifting = (
            dict(zip(CONTEXT, row, strict=True)) for row in context(ask(*histories, as_of=2000), items)
        )
        assert nobody["back after months, short history"] == pytest.approx(0.8)
        assert steady["back after months, long history"] == pytest.approx(0.8)
        assert nobody["steady"] == steady["steady"] == pytest.approx(0.2)
        assert drifting["drifting"] > steady["drifting"]
        assert drift(ask([(0, 1), (0, 50)]), items).tolist() == [0]


class TestChoices:
    @staticmethod
    def collected(candidates=600, seed=0):
        s = simulate(SimulationConfig(users=30, items=candidates, events_per_user=20), seed=seed)
        data = s.dataset
        items = Items(
            ids=data.items,
            embedding=s.truth.membership,
            topics=s.truth.membership,
            first_seen=data.first_seen,
        )
        members = [Popularity().fit(data, RunOptions()), Content()]
        queries = data.events.queries(np.arange(30, dtype=np.int32), np.full(30, data.events.newest + 1))
        rng = np.random.default_rng(seed)
        allowed = rng.random((30, candidates)) < 0.9
        chosen = np.zeros_like(allowed)
        chosen[np.arange(30), rng.integers(candidates, size=30)] = True
        chosen[np.arange(30), rng.integers(candidates, size=30)] = True
        allowed |= chosen
        return collect_choices(members, queries, items, allowed, chosen, rng), allowed, chosen

    def test_the_sample_stands_for_all_candidates(self):
        batch, allowed, chosen = self.collected()
        counted = np.exp(batch.log_count).sum(axis=1)  # each easy one stands for several; padding for none
        np.testing.assert_allclose(counted, allowed.sum(axis=1))
        assert np.isfinite(batch.log_count).sum(axis=1).max() <= 120 + EASY + 2
        np.testing.assert_allclose(batch.target.sum(axis=1), 1)
        assert (batch.target > 0).sum(axis=1).tolist() == chosen.sum(axis=1).tolist()
        assert not batch.target[np.isinf(batch.log_count)].any()

    def test_small_catalogues_are_taken_whole(self):
        batch, allowed, _ = self.collected(candidates=40)
        np.testing.assert_allclose(np.exp(batch.log_count).sum(axis=1), allowed.sum(axis=1))


@pytest.mark.parametrize("config", [{"surprise": 0}, {"surprise": 1}, {"ridge": -1}, {"prior": -0.1}])
def test_faults_are_named(config):
    with pytest.raises(InputError, match=r"surprise|negative"):
        BlendConfig(**config)
