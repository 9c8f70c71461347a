"""Requests: faults are named."""

import pytest

from evorec.core.errors import InputError
from evorec.engine.request import Request


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"k": 0}, "k is 0"),
        ({"diversity": -0.1}, "diversity is -0.1"),
        ({"diversity": 1.1}, "diversity is 1.1"),
        ({"diversity": float("nan")}, "diversity is nan"),
        ({"unknown": "guess"}, "unknown policy 'guess'"),
    ],
)
def test_faults_are_named(options, fault):
    with pytest.raises(InputError, match=fault):
        Request(**options)
