"""A simulated twin of the golden figures: the same definitions, written out slowly, on a small random log."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from evorec.core.types import DAY, Events
from evorec.data.dataset import Dataset
from evorec.data.split import split_by_time
from evorec.evaluation.baselines import popularity, transitions
from evorec.evaluation.protocol import Protocol, evaluate


def random_rows(seed):
    """Distinct (user, item, day) rows of 50 users over 40 items whose fashion moves with time."""
    rng = np.random.default_rng(seed)
    days = rng.integers(0, 120, 900)
    items = (days // 6 + rng.geometric(0.15, 900)) % 40
    return sorted({(f"u{u}", f"i{i}", int(d)) for u, i, d in zip(rng.integers(0, 50, 900), items, days, strict=True)})


class Slow:
    """Split, targets, ranking and both baselines, in loops."""

    def __init__(self, rows, repeats):
        times = sorted(time for _, _, time in rows)
        self.cut = times[math.floor(0.9 * (len(times) - 1))]
        self.train = [row for row in rows if row[2] < self.cut]
        self.count = Counter(item for _, item, _ in self.train)
        self.history, after = defaultdict(list), defaultdict(list)
        for user, item, time in sorted(rows, key=lambda row: (row[2], row[1])):
            (self.history if time < self.cut else after)[user].append((time, item))
        self.repeats, self.targets = repeats, {}
        for user, own in after.items():
            touched = set() if repeats else {item for _, item in self.history.get(user, ())}
            relevant = {item for time, item in own if time == own[0][0] and item in self.count} - touched
            if user in self.history and relevant:
                self.targets[user] = relevant

    def figures(self, score):
        ndcg, recall = [], []
        for user, relevant in self.targets.items():
            scores = score(user)
            offered = set(self.count) - (set() if self.repeats else {item for _, item in self.history[user]})
            top = sorted(offered, key=lambda item: (-round(scores[item], 9), -self.count[item], item))[:10]
            gains = [1 / math.log2(place + 2) for place, item in enumerate(top) if item in relevant]
            most = min(10, len(relevant))
            ndcg.append(sum(gains) / sum(1 / math.log2(place + 2) for place in range(most)))
            recall.append(len(gains) / most)
        return sum(ndcg) / len(ndcg), sum(recall) / len(recall)

    def popularity(self, days):
        newest = max(time for _, _, time in self.train)
        taken = Counter(item for _, item, time in self.train if days is None or time > newest - days)
        return lambda user: taken

    def transitions(self, rows, cols, decay):
        pairs = defaultdict(float)
        for own in self.history.values():
            for a, (time, item) in enumerate(own):
                for b in range(a + 1, min(a + 11, len(own))):
                    pairs[item, own[b][1]] += 1 / math.sqrt(b - a)
                    if own[b][0] == time:
                        pairs[own[b][1], item] += 1 / math.sqrt(b - a)
        left, right = defaultdict(float), defaultdict(float)
        for (source, target), mass in pairs.items():
            left[source] += mass
            right[target] += mass

        def score(user):
            total = defaultdict(float)
            for back, (_, item) in enumerate(reversed(self.history[user][-50:])):
                for target in self.count:
                    if (item, target) in pairs:
                        damped = pairs[item, target] * left[item] ** -rows * right[target] ** -cols
                        total[target] += decay**back * damped
            return total

        return score


@pytest.mark.parametrize("repeats", [False, True], ids=["new items", "repeats"])
@pytest.mark.parametrize("seed", range(4))
def test_the_fast_protocol_equals_the_slow_one(seed, repeats):
    rows = random_rows(seed)
    users, items, days = zip(*rows, strict=True)
    log = Events.create(user_ids=users, item_ids=items, timestamps=np.array(days) * DAY)
    split, slow = split_by_time(Dataset.create(log)), Slow(rows, repeats)
    train = split.train.events
    systems = [(popularity(train, d), slow.popularity(d)) for d in (None, 7, 30)]
    for rows_power, cols, decay in ((0.5, 0.1, 0.7), (0.5, 0.3, 0.9)):
        fast = transitions(train, rows=rows_power, cols=cols, decay=decay)
        systems.append((fast, slow.transitions(rows_power, cols, decay)))
    assert split.cut == slow.cut * DAY
    for fast, plain in systems:
        result = evaluate(fast, split, Protocol(repeats=repeats))
        assert result.queries == len(slow.targets)
        assert (result.mean("ndcg"), result.mean("recall")) == pytest.approx(slow.figures(plain))
