"""Arrays that charts are drawn from: wandering shares, and all parts of a portrait and of a population page."""

from xml.etree import ElementTree

import numpy as np
import pytest

from evorec.core.types import DAY
from evorec.plots.population import Drifts, Trends
from evorec.plots.profile import Outlook, Profile
from evorec.plots.river import ChangeMark, River
from evorec.plots.threads import Thread
from evorec.plots.transitions import Transitions


class Arrays:
    """Everything that the charts take, for `topics` names and `moments` moments."""

    def __init__(self, names, *, moments=30, start=0, span=300 * DAY, events=20):
        rng = np.random.default_rng(0)
        k = len(names)
        when = start + (np.arange(moments) * (span // (moments - 1)))
        weight = np.exp(rng.normal(0, 0.3, (moments, k)).cumsum(axis=0) - np.arange(k) / 3)
        shares = weight / weight.sum(axis=1, keepdims=True)
        seen = np.sort(rng.integers(when[0], when[-1], events))
        now, past = shares[-1], shares.mean(axis=0)
        turns = [
            ChangeMark(moment=int(when[0] + span * part), risen=names[:2], fallen=names[-3:]) for part in (0.4, 0.6)
        ]
        self.river = River(topics=names, moments=when, shares=shares, events=seen, changes=turns)
        self.profile = Profile(topics=names, short_term=now, long_term=past, error=now / 4)
        ahead = (now + past) / 2
        self.outlook = Outlook(topics=names, now=now, forecast=ahead, low=ahead / 2, high=np.minimum(1, 1.6 * ahead))
        self.threads = [
            Thread(name=name, moments=np.sort(rng.choice(seen, 1 + j % 5)), alive=j % 2 == 0, strength=float(now[j]))
            for j, name in enumerate(names)
        ]
        p = rng.random((k, k)) + 9 * k * np.eye(k)
        self.transitions = Transitions(topics=names, p=p / p.sum(axis=0), share=now)
        change = now - past
        self.trends = Trends(topics=names, change=change, low=change - 0.01, high=change + 0.01)
        excess = np.append(rng.normal(0.05, 0.1, 200), [np.nan] * 3)
        self.drift = Drifts(excess=excess, significant=excess > 0.2, null=rng.normal(0, 0.08, 500))


@pytest.fixture
def arrays():
    """Twelve English topics."""
    return Arrays([f"topic {k}" for k in range(12)])


@pytest.fixture
def make():
    """The arrays of any names."""
    return Arrays


@pytest.fixture
def words_of():
    """All texts of a well-formed SVG file."""

    def read(path):
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        return [e.text for e in root.iter() if e.tag.endswith("}text") and e.text]

    return read
