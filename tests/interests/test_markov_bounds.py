"""Markov evolution at its bounds: nothing known, what is no P, b or interest, limits that do not exist."""

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.interests.markov import evolve, evolve_shares, fit_transitions, limit_degrees, limit_shares

P = np.array([[0.8, 0.3], [0.2, 0.7]])
B = np.array([0.1, 0.2])
I0 = np.array([0.6, 0.4])


def windows(seed: int, planted: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares before, and counts of 10 events drawn from `planted` after."""
    rng = np.random.default_rng(seed)
    before = rng.dirichlet(np.full(len(planted), 0.3), size=n)
    return before, rng.multinomial(10, before @ planted.T).astype(float)


def test_nothing_known_stays_unknown() -> None:
    np.testing.assert_allclose(evolve_shares(np.array([[0, 0], [0.6, 0.4]]), P, B)[0], 0)


def test_degrees_that_would_exceed_one_are_refused_at_any_step() -> None:
    with pytest.raises(InputError, match="row of P"):
        evolve(np.array([1.0, 1.0]), P, B)
    with pytest.raises(InputError, match="row of P"):
        evolve(np.array([0.6, 0.4]), np.array([[1.0, 0.9], [0, 0.9]]), np.array([0, 0.9]), steps=5)


@pytest.mark.parametrize("p", [P * np.nan, -P, P[:1], np.ones((3, 3))])
@pytest.mark.parametrize("function", [evolve, evolve_shares])
def test_what_is_no_transition_matrix_is_refused(p: np.ndarray, function: object) -> None:
    with pytest.raises(InputError):
        function(I0, p, B)  # type: ignore[operator]


@pytest.mark.parametrize("b", [[-0.1, 0], [0, 1.1], [np.nan, 0]])
def test_noise_is_a_probability(b: list[float]) -> None:
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        evolve(I0, P, np.array(b))


@pytest.mark.parametrize("interest", [[1.2, 0], [-0.1, 0], [np.nan, 0], [0.1, 0.2, 0.3], 0.5])
def test_what_is_no_interest_is_refused(interest: object) -> None:
    with pytest.raises(InputError):
        evolve(np.array(interest), P, B)
    with pytest.raises(InputError):
        evolve_shares(np.array(interest), P, B)


def test_limits_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InputError, match="never forgets"):
        limit_degrees(np.eye(2), np.zeros(2))
    with pytest.raises(InputError, match="no single limit"):
        limit_shares(np.eye(2), np.zeros(2))
    with pytest.raises(InputError, match="no single limit"):
        limit_shares(np.array([[0.0, 1.0], [1.0, 0.0]]), np.zeros(2))  # circles for ever


def test_a_fitted_p_foresees_new_windows_better_than_persistence() -> None:
    planted = 0.6 * np.eye(4) + 0.4 * np.roll(np.eye(4), 1, axis=0)
    fitted = fit_transitions(*windows(0, planted, 500))
    before, after = windows(1, planted, 500)

    def loss(expected: np.ndarray) -> float:
        return -float((after * np.log(0.99 * expected + 0.0025)).sum())

    assert loss(before @ fitted.T) < loss(before)


@pytest.mark.parametrize(("before", "after"), [(np.ones((2, 2)), np.ones((3, 2))), (np.ones(2), np.ones(2)),
                                               (-np.ones((1, 2)), np.ones((1, 2))),
                                               (np.full((1, 2), np.nan), np.ones((1, 2)))])  # fmt: skip
def test_windows_that_do_not_fit_are_refused(before: np.ndarray, after: np.ndarray) -> None:
    with pytest.raises(InputError):
        fit_transitions(before, after)
