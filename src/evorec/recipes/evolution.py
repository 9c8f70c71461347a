"""How interests are kept and how they move, fitted on a log: half-lives and the transition matrix P."""

import numpy as np

from evorec.core.rng import generator
from evorec.data.dataset import Dataset
from evorec.interests.markov import fit_transitions
from evorec.interests.state import InterestConfig, InterestModel, fit_half_life, shares
from evorec.models.base import Items, RunOptions
from evorec.models.match import interests

_LONG_DAYS = (15.0, 30.0, 60.0, 120.0, 240.0, 480.0)  # a long-term interest outlasts a session
_USERS = 1000  # half-lives are fitted on at most so many users
_STEPS = 20_000  # P on at most so many steps
_CHUNK = 500


def fit_interests(dataset: Dataset, items: Items, options: RunOptions) -> InterestModel:
    """The long half-life by the likelihood of what follows, the short one at most a quarter of it; then P.

    A step of P leads from a user's short-term shares just before a tie group to the topics of that group.
    """
    events = dataset.events
    rng = generator(options.seed, "interest steps")
    active = np.flatnonzero(np.diff(events.offsets) >= 3)
    users = np.sort(rng.permutation(active)[:_USERS]).astype(np.int32)
    sample = events.queries(users, np.full(len(users), events.newest + 1))
    long_days = InterestConfig().long_days
    if len(sample.item):
        long_days = fit_half_life(
            offsets=sample.offsets,
            membership=items.topics[sample.item],
            timestamps=sample.timestamp,
            grid=_LONG_DAYS,
        )
    config = InterestConfig(short_days=min(InterestConfig().short_days, long_days / 4), long_days=long_days)

    size = items.topics.shape[1]
    starts = np.flatnonzero(np.diff(events.tie_group, prepend=-1)) if len(events) else np.zeros(0, dtype=np.int64)
    later = starts[starts > events.offsets[events.user[starts]]]
    chosen = np.sort(rng.permutation(later)[:_STEPS])
    state = np.zeros((len(chosen), size), dtype=np.float32)
    for start in range(0, len(chosen), _CHUNK):  # long histories, one per step, would not fit at once
        rows = chosen[start : start + _CHUNK]
        before = events.queries(events.user[rows], events.timestamp[rows])
        state[start : start + _CHUNK] = interests(before, items, half_life_days=config.short_days)
    group_topics = np.zeros((len(starts), size), dtype=np.float32)
    has_item = events.item >= 0
    np.add.at(group_topics, events.tie_group[has_item], items.topics[events.item[has_item]])
    after = group_topics[events.tie_group[chosen]]
    known = (state.sum(axis=1) > 0) & (after.sum(axis=1) > 0)
    transition = fit_transitions(shares(state[known]), after[known]) if known.any() else np.eye(size)
    return InterestModel(config=config, transition=transition)
