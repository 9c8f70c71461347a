"""The interest model: settings as JSON and arrays as files give back the model, bit for bit."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from evorec.core.artifact import write_arrays
from evorec.data.simulate import SimulationConfig, simulate
from evorec.encoders.whitening import Whitening
from evorec.interests.bands import ShareBands
from evorec.interests.drift import Spread
from evorec.interests.forecast import forecast_users
from evorec.interests.journeys import Pace
from evorec.interests.loglinear import LogLinearConfig, LogLinearForecaster
from evorec.interests.model import InterestModel
from evorec.interests.online import DetectorConfig, DriftDetector, fit_detector
from evorec.interests.state import InterestConfig
from evorec.interests.windows import windows

CONFIG = InterestConfig(short_days=7.5, long_days=90.1, saturation=2.0)


@pytest.fixture(scope="module")
def log():
    """Offsets, topics, vectors and times of 60 users with about 30 events."""
    s = simulate(SimulationConfig(users=60, items=40, topics=3, events_per_user=30), seed=1)
    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    content = Whitening.fit(vectors, dimension=4).apply(vectors)
    return {
        "offsets": s.events.offsets,
        "membership": s.truth.membership[s.events.item],
        "timestamps": s.events.timestamp,
    }, content[s.events.item]


@pytest.fixture(scope="module")
def full(log):
    """A model with every part."""
    rows, content = log
    cut = windows(**rows, size=3)
    users = np.unique(cut.owner)
    forecaster = LogLinearForecaster(LogLinearConfig(ridges=(30.0,))).fit(cut, users)
    pairs = cut.followed(1, users)
    after = cut.counts[pairs + 1]
    return InterestModel(
        config=CONFIG,
        transition=np.array([[0.7, 0.1, 1 / 3], [0.2, 0.8, 1 / 3], [0.1, 0.1, 1 / 3]]),
        switch_on=np.array([0.01, 1e-17, 0.1]),
        step=3,
        forecaster=forecaster,
        bands=ShareBands.fit(forecaster.forecast(cut, pairs), after / after.sum(axis=1, keepdims=True)),
        pace=Pace(shape=1 / 3, days=12.3),
        spread=Spread.fit(rows["offsets"], content),
        detector=fit_detector(**rows, content=content, config=DetectorConfig(per=10, haste=0.2)),
    )


@pytest.fixture(scope="module")
def bare():
    """A model of a log too short to tell."""
    return InterestModel(config=CONFIG, transition=np.eye(2), switch_on=np.zeros(2))


def again(model, folder):
    """The model as a saved folder gives it back."""
    write_arrays(folder / "interests.safetensors", model.arrays())
    return InterestModel.restore(json.loads(json.dumps(model.settings())), load_file(folder / "interests.safetensors"))


@pytest.mark.parametrize("kind", ["full", "bare"])
def test_saved_and_restored_is_bit_equal(kind, request, tmp_path):
    model = request.getfixturevalue(kind)
    found = again(model, tmp_path)
    assert found.settings() == model.settings()
    arrays, expected = found.arrays(), model.arrays()
    assert set(arrays) == set(expected)
    for name, held in expected.items():
        assert arrays[name].dtype == held.dtype, name
        assert arrays[name].tobytes() == np.ascontiguousarray(held).tobytes(), name
    assert (found.config, found.step, found.pace) == (model.config, model.step, model.pace)


def test_a_restored_model_says_the_same(full, log, tmp_path):
    found, (rows, content) = again(full, tmp_path), log
    as_of = np.full(60, rows["timestamps"].max() + 1)
    one, other = (forecast_users(m.forecaster, **rows, as_of=as_of) for m in (full, found))
    assert np.array_equal(one, other)
    assert all(np.array_equal(a, b) for a, b in zip(full.bands.around(one), found.bands.around(one), strict=True))
    assert np.array_equal(full.spread.project(content), found.spread.project(content))
    assert found.detector.threshold == full.detector.threshold
    assert asdict(found.detector.config) == asdict(full.detector.config)
    strength = []
    for model in (full, found):
        detector = DriftDetector(model.detector)
        for k in range(int(rows["offsets"][1])):
            detector.observe(rows["membership"][k], int(rows["timestamps"][k]), content=content[k])
        strength.append(detector.strength())
    assert strength[0] == strength[1]


def test_parts_that_were_not_fitted_stay_away(bare, tmp_path):
    found = again(bare, tmp_path)
    assert (found.forecaster, found.bands, found.spread, found.detector) == (None,) * 4


def test_settings_are_plain_values(full, bare):
    for model in (full, bare):
        assert json.loads(json.dumps(model.settings(), allow_nan=False)) == model.settings()


@pytest.mark.parametrize("left_out", ["forecaster", "bands", "spread", "detector"])
def test_parts_come_and_go_alone(full, left_out, tmp_path):
    found = again(replace(full, **{left_out: None}), tmp_path)
    for name in ("forecaster", "bands", "spread", "detector"):
        assert (getattr(found, name) is None) == (name == left_out), name


def test_what_was_not_fitted_is_said(full):
    assert full.unfitted() == {}
    bare = replace(full, forecaster=None, bands=None, detector=None)
    assert list(bare.unfitted()) == ["forecast", "alarms"]
    assert "longer log" in bare.unfitted()["forecast"]
