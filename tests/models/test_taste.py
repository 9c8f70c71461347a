"""Taste: regressions worked by hand, EASE as the limit, planted crowds, and one person's pairs kept apart."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.core.types import DAY, Events
from evorec.data.dataset import Dataset
from evorec.models.base import RunOptions
from evorec.models.taste import Taste, TasteConfig, explained_by_neighbours, gram_matrix, incidence

RUN = RunOptions()
NOTHING = np.zeros((60, 0), dtype=np.float32)


@pytest.fixture
def three(log):
    """Two people share i0 and i1, one has i0 and i2."""
    return log(("u", "i0", 1), ("u", "i1", 2), ("v", "i0", 1), ("v", "i1", 2), ("w", "i0", 1), ("w", "i2", 2))


def weighted(events, weight):
    return replace(events, weight=np.asarray(weight, dtype=np.float32))


class TestGram:
    def test_an_item_counts_once_with_its_strongest_weight(self, log):
        events = log(("u", "a", 1), ("u", "a", 2), ("u", "b", 3))
        assert incidence(events, limit=9).toarray().tolist() == [[1, 1]]
        assert incidence(weighted(events, [0.5, 2, -1]), limit=9).toarray().tolist() == [[2, 0]]

    def test_only_the_newest_are_learned_from(self, log):
        events = log(("u", "a", 1), ("u", "b", 2), ("u", "c", 2))
        assert incidence(events, limit=2).toarray().tolist() == [[0, 1, 1]]

    @given(st.permutations(range(40)), st.integers(2, 40))
    def test_a_large_tie_group_gives_a_sample_by_chance(self, order, limit):
        """Whatever the order of the events, and whatever else is in the vocabulary; not the first ids."""

        def learned(codes, more=()):
            rows = [(f"i{code:02d}", 5) for code in codes] + [("old", 1), ("new", 9)]
            events = Events.create(
                user_ids=["u"] * len(rows) + ["v"] * len(more),
                item_ids=[item for item, _ in rows] + list(more),
                timestamps=[time for _, time in rows] + [3] * len(more),
            )
            row = incidence(events, limit=limit)[list(events.users).index("u")]
            return {list(events.items)[code] for code in row.indices}

        found = learned(order)
        assert len(found) == limit
        assert "new" in found
        assert "old" not in found
        assert found == learned(range(40)) == learned(order, more=["a", "i10b", "z"])
        if 10 < limit < 20:
            assert found != {"new", *(f"i{code:02d}" for code in range(limit - 1))}

    def test_the_strongest_of_an_item_in_a_sample_counts(self, log):
        events = weighted(log(("u", "a", 1), ("u", "a", 1), ("u", "a", 1)), [1, 3, 2])
        assert incidence(events, limit=1).toarray().tolist() == [[3]]

    def test_words_without_an_item_count_nothing(self):
        events = Events.create(user_ids=["u", "u"], item_ids=["a", ""], timestamps=[1, 2])
        assert incidence(events, limit=9).toarray().tolist() == [[1]]

    def test_every_user_counts_alike(self, three):
        # Rows of length 1: each of the three people adds 1/2 to two diagonal places.
        gram = gram_matrix(incidence(three, limit=9)).toarray()
        np.testing.assert_allclose(gram, [[1.5, 1, 0.5], [1, 1, 0], [0.5, 0, 0.5]], rtol=1e-6)


class TestRegression:
    def test_golden(self, three):
        # The mean diagonal is 1. i1 from i0: 1 / (1.5 + 1); i2 from i0: .5 / 2.5; i0 from i1: 1 / 2, from i2: .5 / 1.5.
        gram = gram_matrix(incidence(three, limit=9))
        found = explained_by_neighbours(gram, neighbours=9, ridge=1.0).toarray()
        np.testing.assert_allclose(found, [[0, 0.4, 0.2], [0.5, 0, 0], [1 / 3, 0, 0]], rtol=1e-6)

    def test_one_neighbour_is_the_nearest_by_cosine(self, three):
        # i0 has cosine 1 / sqrt(1.5) with i1 and .5 / sqrt(.75) with i2.
        gram = gram_matrix(incidence(three, limit=9))
        found = explained_by_neighbours(gram, neighbours=1, ridge=1.0).toarray()
        np.testing.assert_allclose(found, [[0, 0.4, 0.2], [0.5, 0, 0], [0, 0, 0]], rtol=1e-6)

    @given(st.integers(0, 10_000), st.floats(0.1, 10))
    def test_with_all_neighbours_it_is_ease(self, seed, ridge):
        """B = Id - P diag(1 / diag P), P = (G + lambda Id)^-1, to float32."""
        touched = np.random.default_rng(seed).uniform(0.1, 1, (12, 6))
        gram = touched.T @ touched
        found = explained_by_neighbours(sp.csr_matrix(gram), neighbours=5, ridge=ridge).toarray()
        inverse = np.linalg.inv(gram + ridge * np.diag(gram).mean() * np.eye(6))
        np.testing.assert_allclose(found, np.eye(6) - inverse / np.diag(inverse), atol=1e-5)

    def test_a_log_without_pairs_has_no_weights(self, log, ask, table):
        scorer = Taste().fit(Dataset.create(log(("u", "i0", 1), ("v", "i1", 1))), RUN)
        assert scorer.weights.nnz == 0
        assert not scorer.score(ask([(0, 1)]), table(embedding=np.zeros((2, 0))))[1].any()


class TestScorer:
    def test_golden(self, three, ask, table):
        scorer = Taste(TasteConfig(ridge=1, half_life_events=1)).fit(Dataset.create(three), RUN)
        unit = (0.4 + 1 / 3) / 2  # the median of .2, 1/3, .4, .5
        assert scorer.unit == pytest.approx(unit)
        evidence, known = scorer.score(ask([(1, 1), (2, 2)], [(0, 1)]), table(embedding=np.zeros((4, 0))))
        # i2 is the newest (weight 1), i1 one back (1/2).
        expected = [[np.log1p((0.5 / 2 + 1 / 3) / unit), 0, 0, 0], [0, np.log1p(0.4 / unit), np.log1p(0.2 / unit), 0]]
        np.testing.assert_allclose(evidence, expected, rtol=1e-6)
        assert known.tolist() == [[True, True, True, False]] * 2  # i3 is new

    def test_weights_of_a_history_count(self, three, ask, table):
        scorer = Taste().fit(Dataset.create(three), RUN)
        items, asked = table(embedding=np.zeros((3, 0))), ask([(1, 1), (2, 2)])
        against = replace(asked, weight=np.array([1, -1], dtype=np.float32))
        alone = scorer.score(ask([(1, 1), (3, 2)]), items)[0]
        np.testing.assert_array_equal(scorer.score(against, items)[0], alone)

    def test_attribution_is_faithful(self, log, ask, table, faithful):
        rows = [(f"u{k}", f"i{k % 3}", 1) for k in range(9)] + [(f"u{k}", "i3", 2) for k in range(9)]
        rows += [("x", "i4", 1), ("x", "i5", 1), ("y", "i0", 1), ("y", "i1", 2)]
        scorer = Taste().fit(Dataset.create(log(*rows)), RUN)
        items = table(embedding=np.zeros((9, 0)))
        share = faithful(scorer, ask([(0, 1), (1, 2), (4, 3)]), items, 3)
        assert share[2] == 0

    @pytest.mark.parametrize("name", ["neighbours", "limit", "ridge", "half_life_events"])
    def test_faults_are_named(self, name):
        with pytest.raises(InputError, match=name):
            TasteConfig(**{name: 0})


def test_support_counts_people_not_events(log):
    events = log(("u", "a", 1), ("u", "b", 2), ("u", "a", 3), ("u", "b", 4), ("v", "a", 1), ("v", "c", 1),
                 ("w", "a", 1), ("w", "c", 5))  # fmt: skip
    private = Taste().fit(Dataset.create(events), RUN).private.toarray() != 0
    assert private.tolist() == [[False, True, False], [True, False, False], [False, False, False]]


def test_planted_crowds_are_found(ask, table):
    """Someone with two items of a crowd is given that crowd's others: at least 9 of the first 10."""
    rng = np.random.default_rng(5)
    crowd = rng.integers(0, 5, 400)
    item = 12 * crowd[:, None] + rng.integers(0, 12, (400, 6))
    noise = rng.random(item.shape) < 0.2
    item[noise] = rng.integers(0, 60, int(noise.sum()))
    log = Events.create(
        user_ids=np.repeat(np.arange(400), 6).astype(str),
        item_ids=[f"{k:02d}" for k in item.ravel()],
        timestamps=[day * DAY for day in range(2400)],
    )
    scorer = Taste().fit(Dataset.create(log), RUN)
    for planted in range(5):
        evidence, _ = scorer.score(ask([(12 * planted + 3, 1), (12 * planted + 7, 2)]), table(embedding=NOTHING))
        assert (np.argsort(-evidence[0])[:10] // 12 == planted).sum() >= 9
