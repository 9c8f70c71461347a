"""The contract of a scorer as checks that any implementation can run; each raises AssertionError and says why."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evorec.core.rng import generator
from evorec.core.types import F32, NEVER, Bool, Events, Queries
from evorec.data.dataset import Dataset
from evorec.data.simulate import SimulationConfig, simulate
from evorec.models.base import Attributing, Items, Personal, RunOptions, Scorer

Make = Callable[[], Scorer]
Answer = tuple[F32, Bool]


@dataclass(frozen=True, eq=False, kw_only=True)
class World:
    """A small simulated situation: what a scorer is fitted on, the item table, and the log that goes on after it.

    The log has tie groups, repeats and words without an item; the item table has items without events and without
    content. `tolerance` is how far scores may differ, relative and absolute, where only the order of sums differs.
    """

    training: Dataset
    log: Events
    items: Items
    tolerance: float = 1e-4

    @property
    def cut(self) -> int:
        """The moment just after the training log."""
        return self.training.events.newest + 1

    def queries(self, as_of: int | None = None) -> Queries:
        """What every user asks at `as_of`, by default at the cut."""
        users = np.arange(len(self.log.users), dtype=np.int32)
        return self.log.queries(users, np.full(len(users), self.cut if as_of is None else as_of))


Check = Callable[[Make, World], None]
_RESTORED = "a restored scorer gives other scores"


def small_world(seed: int = 0, *, tolerance: float = 1e-4) -> World:
    """The situation that `check_scorer` uses.

    >>> world = small_world()
    >>> len(world.items), int(world.items.embedding.any(axis=1).sum()), world.cut < world.log.newest
    (60, 58, True)
    """
    config = SimulationConfig(
        users=80, items=60, topics=4, events_per_user=15, tie_share=0.3, repeat_share=0.1, new_item_share=0.2
    )
    simulation = simulate(config, seed)
    rng = generator(seed, "small world")
    log = simulation.events
    log = replace(log, item=np.where(rng.random(len(log)) < 0.03, -1, log.item).astype(np.int32))
    topics = simulation.truth.membership
    embedding = np.concatenate([topics, np.zeros_like(topics)], axis=1)
    embedding += rng.normal(0, 0.2, embedding.shape).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    topics[:2] = embedding[:2] = 0
    everything = Dataset.create(log, simulation.catalogue)
    return World(
        training=replace(everything.before(int(np.quantile(log.timestamp, 0.8))), embedding=embedding),
        log=log,
        items=Items(ids=log.items, embedding=embedding, topics=topics, first_seen=everything.first_seen),
        tolerance=tolerance,
    )


def check_scorer(make: Make, *, tolerance: float = 1e-4) -> None:
    """Run every check of the contract on the scorers that `make` returns, unfitted.

    >>> from evorec.models.popularity import Popularity
    >>> check_scorer(Popularity)
    """
    for check in CHECKS:
        check(make, small_world(tolerance=tolerance))  # afresh, since a broken scorer may write into it


def check_answers_are_well_formed(make: Make, world: World) -> None:
    """`float32` and `bool` of [queries, items], finite, 0 where unknown; also without queries."""
    scorer = _fitted(make, world.training)
    _require(bool(scorer.name), "a scorer needs a name")
    _answer(scorer, world.queries(), world.items)
    _answer(scorer, world.queries().slice(0, 0), world.items)


def check_fit_returns_self(make: Make, world: World) -> None:
    """`fit` and `restore` return the scorer itself, so that calls can be chained."""
    scorer = make()
    _require(scorer.fit(world.training, RunOptions()) is scorer, "fit does not return self")
    _require(scorer.restore(scorer.arrays()) is scorer, "restore does not return self")


def check_later_events_change_nothing(make: Make, world: World) -> None:
    """An answer at `as_of` is bit-identical whether or not anything happened later.

    Later events show in three ways: in the log, in queries with a later `as_of`, and as the moment from which an item
    can be recommended.
    """
    scorer = _fitted(make, world.training)
    early = int(np.quantile(world.training.events.timestamp, 0.5))
    then = replace(world.items, first_seen=np.where(world.items.first_seen < early, world.items.first_seen, NEVER))
    told = _answer(scorer, replace(world, log=world.log.before(early)).queries(early), then)
    _same(told, _answer(scorer, world.queries(early), world.items), "the moment an item arrives later changes a score")
    _answer(scorer, world.queries(), world.items)
    _same(told, _answer(scorer, world.queries(early), then), "having answered a later query changes a score")
    together = _answer(scorer, _joined(world.queries(early), world.queries()), then)
    first = (together[0][: len(told[0])], together[1][: len(told[0])])
    _same(told, first, "a later query in the batch changes a score", world.tolerance)


def check_order_inside_tie_groups_means_nothing(make: Make, world: World) -> None:
    """Events of one user with one timestamp have no order, neither in a history nor in the log that is fitted."""
    told = _answer(_fitted(make, world.training), world.queries(), world.items)
    queries = world.queries()
    order = _shuffled_ties(queries.tie_group)
    shuffled = replace(queries, item=queries.item[order])
    message = "the order inside a tie group of a history changes a score"
    _same(told, _answer(_fitted(make, world.training), shuffled, world.items), message, world.tolerance)

    events = world.training.events
    training = replace(world.training, events=replace(events, item=events.item[_shuffled_ties(events.tie_group)]))
    message = "the order inside a tie group of the fitted log changes a score"
    _same(told, _answer(_fitted(make, training), world.queries(), world.items), message, world.tolerance)


def check_one_by_one_equals_batch(make: Make, world: World) -> None:
    """A query gets the same answer alone as in a batch."""
    scorer, queries = _fitted(make, world.training), world.queries()
    batch = _answer(scorer, queries, world.items)
    alone = [_answer(scorer, queries.slice(row, row + 1), world.items) for row in range(len(queries))]
    joined = (np.concatenate([score for score, _ in alone]), np.concatenate([known for _, known in alone]))
    _same(batch, joined, "a query gets another answer alone than in a batch", world.tolerance)


def check_new_items_can_be_scored(make: Make, world: World) -> None:
    """Rows appended to the item table after `fit` are scored, may stand in histories, and change no old score.

    An item without events, content or a moment of arrival is unknown to every scorer.
    """
    scorer, queries = _fitted(make, world.training), world.queries()
    content, topics = world.items.embedding[-1], world.items.topics[-1]
    wider = world.items.appended(
        ("new with content", "new without", "nothing known"),
        embedding=np.stack([content, 0 * content, 0 * content]),
        topics=np.stack([topics, 0 * topics, 0 * topics]),
        first_seen=np.array([world.cut - 1, world.cut - 1, NEVER]),
    )
    old, n = _answer(scorer, queries, world.items), len(world.items)
    score, known = _answer(scorer, queries, wider)
    _same(old, (score[:, :n], known[:, :n]), "a new item changes the score of an old one", world.tolerance)
    _require(not known[:, -1].any(), "a scorer claims to know an item of which nothing is known")
    new_history = Queries(
        offsets=np.array([0, 2]),
        item=np.array([n, n + 1], dtype=np.int32),
        timestamp=np.full(2, world.cut - 1),
        as_of=np.array([world.cut]),
    )
    _answer(scorer, new_history, wider)


def check_empty_histories_are_answered(make: Make, world: World) -> None:
    """Someone without a history gets an answer, and it is the same for everyone at that moment."""
    nobody = Queries(
        offsets=np.zeros(3, dtype=np.int64),
        item=np.zeros(0, dtype=np.int32),
        timestamp=np.zeros(0, dtype=np.int64),
        as_of=np.full(2, world.cut),
    )
    score, known = _answer(_fitted(make, world.training), nobody, world.items)
    one, other = (score[:1], known[:1]), (score[1:], known[1:])
    _same(one, other, "two people without a history get different answers", world.tolerance)


def check_same_seed_same_result(make: Make, world: World) -> None:
    """The same seed gives the same scores, and an earlier `fit` leaves no trace."""
    told = _answer(_fitted(make, world.training), world.queries(), world.items)
    again = _answer(_fitted(make, world.training), world.queries(), world.items)
    _same(told, again, "fitting again with the same seed gives other scores")
    scorer = _fitted(make, world.training.before(int(np.median(world.training.events.timestamp))))
    _answer(scorer, world.queries(), world.items)
    scorer.fit(world.training, RunOptions())
    _same(told, _answer(scorer, world.queries(), world.items), "an earlier fit leaves a trace in the scores")


def check_arguments_stay_as_they_are(make: Make, world: World) -> None:
    """Neither `fit` nor `score` writes into what it was given."""
    queries = world.queries()
    given = {"the events": world.training.events, "the catalogue": world.training.catalogue}
    given |= {"the item table": world.items, "the queries": queries}
    before = {name: _arrays_of(value) for name, value in given.items()}
    _answer(_fitted(make, world.training), queries, world.items)
    for name, value in given.items():
        unchanged = all(np.array_equal(a, b) for a, b in zip(before[name], _arrays_of(value), strict=True))
        _require(unchanged, f"{name} were changed by fit or score")


def check_state_round_trips(make: Make, world: World) -> None:
    """What `arrays` (and `personal`) returns, taken over by a new scorer, gives the same scores.

    Up to rounding: a net may be trained in one runtime and served in another.
    """
    scorer = _fitted(make, world.training)
    state = scorer.arrays()
    for name, array in state.items():
        plain = isinstance(array, np.ndarray) and array.dtype.kind in "biuf"
        _require(plain, f"arrays()[{name!r}] is not an array of numbers: it cannot be saved")
    copied = {name: array.copy() for name, array in state.items()}
    restored = make().restore(copied)
    if isinstance(scorer, Personal) and isinstance(restored, Personal):
        restored.restore_personal({name: array.copy() for name, array in scorer.personal().items()})
    told = _answer(scorer, world.queries(), world.items)
    _same(told, _answer(restored, world.queries(), world.items), _RESTORED, world.tolerance)


def check_a_log_of_one_event_is_enough(make: Make, world: World) -> None:
    """The smallest log can be fitted and asked."""
    events = world.training.events
    only = np.arange(len(events)) == np.flatnonzero(events.item >= 0)[0]
    scorer = _fitted(make, replace(world.training, events=events.select(only)))
    _answer(scorer, world.queries(), world.items)


def check_attribution_shares_out_the_evidence(make: Make, world: World) -> None:
    """Where a scorer attributes: shares are not negative, and sum to 1 per query, or to 0 where nothing counts."""
    scorer, queries = _fitted(make, world.training), world.queries()
    if not isinstance(scorer, Attributing):
        return
    for row in (0, len(world.items) // 2, len(world.items) - 1):
        share = scorer.attribute(queries, world.items, row)
        _require(share.shape == queries.item.shape, f"{len(share)} shares for {len(queries.item)} history events")
        _require(bool(np.isfinite(share).all() and (share >= 0).all()), "a share is negative or not finite")
        total = np.bincount(queries.owner, weights=share, minlength=len(queries))
        summed = np.isclose(total, 1, atol=1e-5) | (total == 0)
        _require(bool(summed.all()), "the shares of a query sum neither to 1 nor to 0")


CHECKS: tuple[Check, ...] = (
    check_answers_are_well_formed,
    check_fit_returns_self,
    check_later_events_change_nothing,
    check_order_inside_tie_groups_means_nothing,
    check_one_by_one_equals_batch,
    check_new_items_can_be_scored,
    check_empty_histories_are_answered,
    check_same_seed_same_result,
    check_arguments_stay_as_they_are,
    check_state_round_trips,
    check_a_log_of_one_event_is_enough,
    check_attribution_shares_out_the_evidence,
)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _fitted(make: Make, training: Dataset) -> Scorer:
    return make().fit(training, RunOptions(seed=0))


def _answer(scorer: Scorer, queries: Queries, items: Items) -> Answer:
    """The scores and the mask, once they are known to be well formed."""
    score, known = scorer.score(queries, items)
    shape = (len(queries), len(items))
    _require(score.dtype == np.float32, f"scores are {score.dtype}, not float32")
    _require(known.dtype == np.bool_, f"the mask of known pairs is {known.dtype}, not bool")
    _require(score.shape == shape, f"scores have shape {score.shape} for {shape[0]} queries and {shape[1]} items")
    _require(known.shape == shape, f"the mask has shape {known.shape} for {shape[0]} queries and {shape[1]} items")
    _require(bool(np.isfinite(score).all()), "a score is not finite")
    _require(not score[~known].any(), "an unknown pair has a score other than 0")
    return score.copy(), known.copy()


def _same(one: Answer, other: Answer, message: str, tolerance: float = 0.0) -> None:
    _require(np.array_equal(one[1], other[1]), f"{message} (what is known differs)")
    far = float(np.abs(one[0] - other[0]).max(initial=0))
    close = np.allclose(one[0], other[0], rtol=tolerance, atol=tolerance)
    _require(close, f"{message} (by up to {far:.3g}, allowed {tolerance:.3g})")


def _shuffled_ties(tie_group: NDArray[np.int64]) -> NDArray[np.int64]:
    """An order of the rows that turns every tie group around."""
    return np.lexsort((-np.arange(len(tie_group)), tie_group))


def _joined(one: Queries, other: Queries) -> Queries:
    return Queries(
        offsets=np.concatenate([one.offsets, one.offsets[-1] + other.offsets[1:]]),
        item=np.concatenate([one.item, other.item]),
        timestamp=np.concatenate([one.timestamp, other.timestamp]),
        as_of=np.concatenate([one.as_of, other.as_of]),
    )


def _arrays_of(value: Any) -> list[NDArray[Any]]:
    """Copies of the arrays that a frozen value holds."""
    held = (getattr(value, field.name) for field in fields(value))
    return [array.copy() for array in held if isinstance(array, np.ndarray)]
