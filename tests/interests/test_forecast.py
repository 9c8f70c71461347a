"""Forecasters: one contract for all, planted processes found again, and nothing read from the future."""

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.core.types import DAY
from evorec.interests.forecast import (
    MarkovConfig,
    MarkovForecaster,
    MeanConfig,
    MeanForecaster,
    fit_strength,
    forecast_users,
    held_out,
    smoothed,
)
from evorec.interests.loglinear import LogLinearConfig, LogLinearForecaster
from evorec.interests.windows import windows
from evorec.metrics.forecast import cross_entropy

USERS, EVENTS, SIZE = 120, 12, 2
P = np.array([[0.7, 0.0, 0.2], [0.3, 0.8, 0.0], [0.0, 0.2, 0.8]])
MAKERS = {
    "persistence": lambda ahead: MeanForecaster(MeanConfig(memory=0, ahead=ahead)),
    "decayed mean": lambda ahead: MeanForecaster(MeanConfig(ahead=ahead)),
    "long-run mean": lambda ahead: MeanForecaster(MeanConfig(memory=np.inf, ahead=ahead)),
    "P alone": lambda ahead: MarkovForecaster(MarkovConfig(switch_on=False, ahead=ahead)),
    "P, b": lambda ahead: MarkovForecaster(MarkovConfig(ahead=ahead)),
    "log-linear": lambda ahead: LogLinearForecaster(LogLinearConfig(ahead=ahead, ridges=(100.0,))),
}


def planted(users=USERS, events=EVENTS, seed=0):
    """Histories in which every topic follows the one before by P, a day apart."""
    rng = np.random.default_rng(seed)
    topics = np.zeros((users, events), dtype=int)
    topics[:, 0] = rng.integers(0, 3, users)
    for at in range(1, events):
        topics[:, at] = (rng.random(users)[:, None] > np.cumsum(P[:, topics[:, at - 1]], axis=0).T).sum(axis=1)
    return {
        "offsets": np.arange(0, users * events + 1, events),
        "membership": np.eye(3, dtype=np.float32)[topics.ravel()],
        "timestamps": np.tile(np.arange(events) * DAY, users),
    }


LOG = planted()
CUT = windows(**LOG, size=SIZE)
TRAIN = np.arange(80)
FITTED = {(name, ahead): make(ahead).fit(CUT, TRAIN) for name, make in MAKERS.items() for ahead in (1, 2)}
ROWS = CUT.followed(2, np.arange(80, USERS))


@pytest.mark.parametrize("name", MAKERS)
class TestEvery:
    @pytest.mark.parametrize(("ahead", "steps"), [(1, 1), (1, 2), (2, 2)])
    def test_forecasts_are_shares(self, name, ahead, steps):
        said = FITTED[name, ahead].forecast(CUT, ROWS, steps)
        assert said.shape == (len(ROWS), 3)
        assert said.min() > 0
        np.testing.assert_allclose(said.sum(axis=1), 1)

    def test_it_sees_no_later_window(self, name):
        first = {"offsets": np.arange(0, USERS * 6 + 1, 6)} | {
            key: LOG[key].reshape(USERS, EVENTS, -1)[:, :6].reshape(USERS * 6, *LOG[key].shape[1:])
            for key in ("membership", "timestamps")
        }
        cut = windows(**first, size=SIZE)
        some = np.arange(USERS)
        np.testing.assert_allclose(
            FITTED[name, 1].forecast(cut, cut.offsets[some] + 2), FITTED[name, 1].forecast(CUT, CUT.offsets[some] + 2)
        )

    def test_arrays_hold_all_of_it(self, name):
        model = FITTED[name, 1]
        back = type(model).restore({key: value.copy() for key, value in model.arrays().items()})
        np.testing.assert_allclose(back.forecast(CUT, ROWS, 2), model.forecast(CUT, ROWS, 2))
        assert back.size == SIZE

    def test_a_distance_it_was_not_fitted_on_is_refused(self, name):
        with pytest.raises(InputError, match="cannot forecast 3"):
            FITTED[name, 2].forecast(CUT, ROWS, 3)
        with pytest.raises(InputError, match="cannot forecast 0"):
            FITTED[name, 1].forecast(CUT, ROWS, 0)

    def test_nobody_to_learn_from_is_refused(self, name):
        with pytest.raises(InputError, match="no user has windows"):
            MAKERS[name](1).fit(CUT, np.zeros(0, dtype=np.int64))

    def test_one_pair_is_enough(self, name):
        log = {"offsets": np.array([0, 2]), "membership": np.eye(2, dtype=np.float32), "timestamps": np.arange(2)}
        cut = windows(**log, size=1)
        said = MAKERS[name](1).fit(cut, np.array([0])).forecast(cut, np.array([0, 1]))
        np.testing.assert_allclose(said.sum(axis=1), 1)

    def test_live_equals_the_forecast_on_windows(self, name):
        """Whole histories of a length that windows divide: cut backwards or forwards, the newest is the same."""
        model = FITTED[name, 1]
        as_of = np.full(USERS, (EVENTS - 1) * DAY + 1)
        np.testing.assert_allclose(forecast_users(model, **LOG, as_of=as_of), model.forecast(CUT, CUT.newest))

    def test_a_stranger_gets_what_everybody_does(self, name):
        model = FITTED[name, 1]
        none = {
            "offsets": np.array([0, 0, 1]),
            "membership": np.eye(3, dtype=np.float32)[:1],
            "timestamps": np.zeros(1, int),
        }
        said = forecast_users(model, **none, as_of=np.array([9, 9]))
        np.testing.assert_allclose(said[0], model.population)
        assert said[1, 0] > said[0, 0]  # one event already counts


def test_the_formula_beats_the_means_and_the_best_is_no_worse():
    """Where topics follow P, held-out users surprise P less than any mean, and the log-linear model no more."""
    rows = CUT.followed(1, np.arange(80, USERS))
    loss = {name: cross_entropy(CUT.counts[rows + 1], FITTED[name, 1].forecast(CUT, rows)).mean() for name in MAKERS}
    means = min(loss[name] for name in ("persistence", "decayed mean", "long-run mean"))
    assert loss["P alone"] < means - 0.005
    assert loss["P, b"] < means - 0.005
    assert loss["log-linear"] < loss["P, b"] + 0.01


def test_iterating_p_is_multiplying_it():
    model = FITTED["P alone", 1]
    np.testing.assert_allclose(model.forecast(CUT, ROWS, 2), model.state(CUT, ROWS) @ model.p.T @ model.p.T)


def test_live_refuses_events_that_are_not_before_as_of():
    with pytest.raises(InputError, match="past its as_of"):
        forecast_users(FITTED["P, b", 1], **LOG, as_of=np.zeros(USERS, dtype=np.int64))


def test_smoothing_by_hand_and_by_likelihood():
    np.testing.assert_allclose(smoothed(np.array([[3.0, 1.0]]), np.array([0.5, 0.5]), 4.0), [[5 / 8, 3 / 8]])
    same = np.array([[5.0, 0.0], [0.0, 5.0]])
    assert fit_strength(same, same, np.array([0.5, 0.5]))[0] == 0.1  # what was says all
    assert fit_strength(same, same[::-1], np.array([0.5, 0.5]))[0] == 300.0  # what was says less than nothing


def test_every_fourth_user_is_held_out():
    assert held_out(np.array([3, 3, 5, 6, 7, 9])).tolist() == [True, True, False, False, False, True]


@pytest.mark.parametrize(
    "make",
    [
        lambda: MeanConfig(memory=-1),
        lambda: MeanConfig(ahead=0),
        lambda: MarkovConfig(priors=()),
        lambda: MarkovConfig(priors=(0.0,)),
        lambda: LogLinearConfig(ridges=(-1.0,)),
        lambda: LogLinearConfig(ahead=0),
    ],
)
def test_settings_are_checked(make):
    with pytest.raises(InputError):
        make()
