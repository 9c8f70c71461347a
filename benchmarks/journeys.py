"""Journeys and latent needs on five sets: what the match is worth, how often an end is false, needs foreseen.

    python benchmarks/journeys.py [--inner] [SET ...]

Match: the next item of users whose history has 4 events, one target each, among all items with content that the user
has not had. Targets lie in the last tenth of the log; with --inner, for choosing, before it. Needs: users are split
70/30 (seed 0), P is fitted on the first part and hits are counted on the second; with --inner the first part alone is
split. With all sets, and without --inner, the text is written beside this file.
"""

import sets  # isort: skip  # first: it sets the threads

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evorec.core.rng import generator
from evorec.core.types import DAY, F32, F64, I64
from evorec.data.dataset import Dataset
from evorec.evaluation.report import machine
from evorec.interests.journeys import (
    JourneyConfig,
    Journeys,
    find_journeys,
    fit_pace,
    journey_centres,
    match_journeys,
    silence_chance,
)
from evorec.interests.markov import fit_transitions
from evorec.interests.needs import need_hits, rank_untouched, touched_topics
from evorec.interests.state import shares
from evorec.interests.topics import topics_from_categories, topics_from_embeddings
from evorec.interests.windows import Windows, windows
from evorec.metrics.bootstrap import mean_interval, paired_difference

SIZES = {"ml-1m": 10, "amazon-beauty": 3, "amazon-food-kitchen": 5, "ifdb-2026": 5, "online-retail": 20}
CATEGORIES = ("ml-1m", "amazon-beauty")  # topics are categories; elsewhere, clusters of embeddings
USERS = 800  # targets at most
MEMORY = 3  # windows after which what was done counts half, where needs are foreseen
HORIZON = 90 * DAY
LEVEL = 0.05  # a journey whose silence is less likely than this is called ended
EVERYTHING, NOTHING = -0.999, 0.999  # similarities at which all items, or none, share a journey
MATCHES = {  # similarity, sharpness, journeys at most
    "mean vector": (EVERYTHING, 5.0, 1),
    "best over journeys": (0.2, np.inf, 200),
    "soft match": (0.2, 5.0, 200),
    "soft match, sharpness 2.5": (0.2, 2.5, 200),
    "soft match, sharpness 10": (0.2, 10.0, 200),
    "soft match, similarity 0.3": (0.3, 5.0, 200),
    "soft match, 8 strongest": (0.2, 5.0, 8),
    "soft match, every item alone": (NOTHING, 5.0, 200),
    "best over items": (NOTHING, np.inf, 200),
}


def main(arguments: list[str]) -> None:
    inner = "--inner" in arguments
    names = [name for name in arguments if name != "--inner"] or list(sets.SETS)
    sections = []
    for name in names:
        sections.append(report(name, inner))
        print(sections[-1], flush=True)
    end = f"Machine: {sets.machine_words(machine())}; one thread, seed 0.\n"
    print(end)
    if not inner and names == list(sets.SETS):
        head = "# Journeys and latent needs\n\nMeans with [95% interval over users].\n"
        text = "\n".join([head, *sections, end])
        (Path(__file__).parent / "results-journeys.md").write_text(text, encoding="utf-8")


def report(name: str, inner: bool) -> str:
    dataset = sets.read(name)
    log = sets.histories(dataset)
    embedding = sets.embed(dataset)
    return "\n".join(
        [f"## {name}", "", matches(log, embedding, inner), ends(log, embedding), needs(name, dataset, log, inner)]
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Asked:
    """Histories, ragged, and the item that came next in each."""

    item: np.ndarray
    timestamp: I64
    offsets: I64
    target: np.ndarray


def asked(log: sets.Histories, embedding: F32, inner: bool) -> Asked:
    """One target per user, an item new to the user, at random among those in the part of the log that is asked for."""
    cut = np.quantile(log.timestamp, 0.9)
    part = log.timestamp < cut if inner else log.timestamp >= cut
    part &= embedding.any(axis=1)[log.item]
    rng = generator(0, "targets of journeys")
    histories, targets = [], []
    for user in rng.permutation(len(log.offsets) - 1):
        start, stop = log.offsets[user], log.offsets[user + 1]
        rows = start + np.flatnonzero(part[start:stop])
        for row in rng.permutation(rows)[:3]:
            end = start + np.searchsorted(log.timestamp[start:stop], log.timestamp[row])
            if end - start >= 4 and log.item[row] not in log.item[start:end]:
                histories.append(np.arange(start, end))
                targets.append(log.item[row])
                break
        if len(targets) == USERS:
            break
    rows = np.concatenate(histories)
    return Asked(
        item=log.item[rows],
        timestamp=log.timestamp[rows],
        offsets=np.concatenate(([0], np.cumsum([len(h) for h in histories]))).astype(np.int64),
        target=np.array(targets),
    )


def matches(log: sets.Histories, embedding: F32, inner: bool) -> str:
    queries = asked(log, embedding, inner)
    users = np.arange(len(queries.target))
    ranks, lines, known = {}, [], {}
    for row, (similarity, sharpness, most) in MATCHES.items():
        if (similarity, most) not in known:
            known[similarity, most] = centres(queries, embedding, similarity, most)
        found_here, finding = known[similarity, most]
        ranks[row], matching = ranked(queries, embedding, found_here, sharpness)
        journeys = len(found_here[0]) / len(users)
        logs = paired_difference(np.log1p(ranks[row]), np.log1p(ranks["mean vector"]), users)
        recall = [mean_interval((ranks[row] < k).astype(np.float64), users) for k in (20, 100)]
        lines.append(
            f"| {row} | {journeys:.1f} | {recall[0]} | {recall[1]} | {'' if row == 'mean vector' else logs} "
            f"| {len(users) / finding:,.0f} | {len(users) / matching:,.0f} |"
        )
    head = [
        f"Match of the next item: {len(users):,} users, {int(embedding.any(axis=1).sum()):,} items, histories of "
        f"{np.diff(queries.offsets).mean():.0f} events. Log rank less the mean vector's: below 0 is better.",
        "",
        "| match | journeys | recall@20 | recall@100 | log rank, difference | found, users/s | matched, users/s |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *lines, ""])


def centres(queries: Asked, embedding: F32, similarity: float, most: int) -> tuple[tuple[F32, I64, F64], float]:
    """Journeys of the histories, and the seconds of processor time to find them."""
    began = time.process_time()
    config = JourneyConfig(similarity=similarity)
    found_here = journey_centres(embedding, queries.item, queries.offsets, queries.timestamp, config=config, most=most)
    return found_here, time.process_time() - began


def ranked(queries: Asked, embedding: F32, journeys: tuple[F32, I64, F64], sharpness: float) -> tuple[F64, float]:
    """Rank of each target from 0, ties in half; seconds of processor time to match."""
    centre, offsets, strength = journeys
    out, matching = np.zeros(len(queries.target)), 0.0
    step = 100
    for start in range(0, len(out), step):
        ends = offsets[start : start + step + 1]
        rows = slice(ends[0], ends[-1])
        began = time.process_time()
        score = match_journeys(centre[rows], ends - ends[0], strength[rows], embedding, sharpness=sharpness)
        matching += time.process_time() - began
        score[:, ~embedding.any(axis=1)] = -np.inf
        target = queries.target[start : start + step]
        owner = np.repeat(np.arange(len(target)), np.diff(queries.offsets[start : start + step + 1]))
        score[owner, queries.item[queries.offsets[start] : queries.offsets[start + len(target)]]] = -np.inf
        own = score[np.arange(len(target)), target][:, None]
        out[start : start + step] = (score > own).sum(axis=1) + ((score == own).sum(axis=1) - 1) / 2
    return out, matching


def ends(log: sets.Histories, embedding: F32) -> str:
    """How often a journey that went on was called ended just before, and what it is worth to call one ended."""
    users = np.sort(generator(0, "pace").permutation(len(log.offsets) - 1)[:2000])
    fitted, judged = users[::2], users[1::2]
    early, late = np.quantile(log.timestamp, [0.6, 0.9])
    pace = fit_pace(found(log, embedding, fitted, early)[0])
    journeys, where = found(log, embedding, judged, late)
    owner = np.repeat(np.arange(len(judged)), np.diff(journeys.offsets))
    again, gap, user = resumed(journeys, where, owner)
    wrong = (silence_chance(again, again.last + gap, pace) < LEVEL).astype(np.float64)
    before, _ = found(log, embedding, judged, early)
    chance = silence_chance(before, np.full(len(judged), int(early)), pace)
    back = returned(before, log, embedding, judged, (early, late))
    ended, of = chance < LEVEL, np.repeat(np.arange(len(judged)), np.diff(before.offsets))
    worth = [mean_interval(back[rows], of[rows]) if rows.any() else "none" for rows in (ended, ~ended)]
    return "\n".join(
        [
            f"Ends: pace of shape {pace.shape:.2f} and {pace.days:.0f} days. Of {len(gap):,} gaps after which a "
            f"journey went on, called ended at {LEVEL}: {mean_interval(wrong, user)}.",
            f"After six tenths of the log {ended.mean():.1%} of {len(ended):,} journeys were called ended; taken up "
            f"again before the last tenth: of these {worth[0]}, of the others {worth[1]}.",
            "",
        ]
    )


def found(log: sets.Histories, embedding: F32, users: I64, before: float) -> tuple[Journeys, I64]:
    """Journeys of `users` in their events before a moment; and the timestamps of those events."""
    rows, counts = [], []
    for user in users.tolist():
        held = np.arange(log.offsets[user], log.offsets[user + 1])
        rows.append(held[log.timestamp[held] < before])
        counts.append(len(rows[-1]))
    where = np.concatenate(rows)
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    journeys = find_journeys(embedding, log.item[where], offsets, log.timestamp[where], config=JourneyConfig())
    return journeys, log.timestamp[where]


def resumed(journeys: Journeys, timestamps: I64, owner: I64) -> tuple[Journeys, I64, I64]:
    """Every journey as it stood before each later visit, the gap that followed, and its user."""
    kept = np.flatnonzero(journeys.label >= 0)
    order = kept[np.lexsort((timestamps[kept], journeys.label[kept]))]
    label, at = journeys.label[order], timestamps[order]
    first = np.diff(label, prepend=-1) != 0
    visit = first | (np.diff(at, prepend=at[:1]) >= DAY)
    later = np.flatnonzero(visit & ~first)
    count = np.cumsum(visit)
    opening = np.flatnonzero(first)[label[later]]
    stood = replace(
        journeys,
        offsets=np.arange(len(later) + 1),
        start=at[opening],
        last=at[later - 1],
        visits=count[later - 1] - count[opening] + 1,
    )
    return stood, at[later] - at[later - 1], owner[label[later]]


def returned(journeys: Journeys, log: sets.Histories, embedding: F32, users: I64, part: tuple[float, float]) -> F64:
    """1 for each journey that is the nearest of its user's, at a cosine of 0.35 or more, to a later event."""
    out = np.zeros(len(journeys.strength))
    for place, user in enumerate(users.tolist()):
        own = slice(journeys.offsets[place], journeys.offsets[place + 1])
        rows = np.arange(log.offsets[user], log.offsets[user + 1])
        rows = rows[(log.timestamp[rows] >= part[0]) & (log.timestamp[rows] < part[1])]
        if own.start < own.stop and len(rows):
            cosine = embedding[log.item[rows]] @ journeys.centre[own].T
            out[own.start + cosine.argmax(axis=1)[cosine.max(axis=1) >= 0.35]] = 1
    return out


def needs(name: str, dataset: Dataset, log: sets.Histories, inner: bool) -> str:
    content = membership(name, dataset)[log.item]
    cut = windows(offsets=log.offsets, membership=content, timestamps=log.timestamp, size=SIZES[name])
    users = generator(0, "forecast users").permutation(len(log.offsets) - 1)
    train, test = np.split(users, [int(0.7 * len(users))])
    if inner:
        train, test = np.split(train, [int(0.7 * len(train))])
    touched = touched_topics(cut.bounds, cut.content)
    ever = so_far(cut, touched)
    state = shares(cut.decayed(MEMORY * cut.size))
    fit = cut.followed(1, train)
    by_count = fit_transitions(state[fit], cut.counts[fit + 1])
    by_touch = fit_transitions(state[fit], touched[fit + 1])
    rows = cut.followed(1, test)
    rows = rows[(~ever[rows]).sum(axis=1) > 3]
    user = cut.owner[rows]
    scores = {
        "most popular": np.broadcast_to(cut.counts[fit + 1].sum(axis=0), (len(rows), content.shape[1])),
        "most often touched": np.broadcast_to(touched[fit + 1].mean(axis=0), (len(rows), content.shape[1])),
        "forecast by P": state[rows] @ by_count.T,
        "forecast by P of touches": state[rows] @ by_touch.T,
    }
    named = {row: rank_untouched(score, ever[rows], 3) for row, score in scores.items()}
    soon, seen = within(cut, touched, rows)
    lines = []
    for row, topics in named.items():
        cells = []
        for after, kept in ((touched[rows + 1], np.ones(len(rows), dtype=bool)), (soon, seen)):
            hits, base = need_hits(topics[kept], after[kept]), need_hits(named["most popular"][kept], after[kept])
            less = "" if row == "most popular" else str(paired_difference(hits, base, user[kept]))
            cells.append(f"{mean_interval(hits, user[kept])} | {less}")
        lines.append(f"| {row} | {' | '.join(cells)} |")
    head = [
        f"Latent needs: one of three named never-touched topics is touched. Next window: {len(rows):,} windows of "
        f"{len(np.unique(user)):,} users; within {HORIZON // DAY} days: {int(seen.sum()):,} of "
        f"{len(np.unique(user[seen])):,}. {content.shape[1]} topics.",
        "",
        "| named by | next window | less most popular | within 90 days | less most popular |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *lines, ""])


def membership(name: str, dataset: Dataset) -> F32:
    if name in CATEGORIES:
        return topics_from_categories(dataset.catalogue.categories, dataset.item_counts).membership
    return topics_from_embeddings(sets.embed(dataset), dataset.item_counts, sets.texts(dataset), seed=0).membership


def so_far(cut: Windows, touched: np.ndarray) -> np.ndarray:
    """`bool[w, topics]`: what the user has touched by the end of each window."""
    total = np.concatenate((np.zeros((1, touched.shape[1]), dtype=np.int64), np.cumsum(touched, axis=0)))
    return total[1:] > total[cut.offsets[cut.owner]]


def within(cut: Windows, touched: np.ndarray, rows: I64) -> tuple[np.ndarray, np.ndarray]:
    """Topics touched in later windows that end within the horizon, `bool[rows, topics]`; and whether there was one
    before the log ended."""
    total = np.concatenate((np.zeros((1, touched.shape[1]), dtype=np.int64), np.cumsum(touched, axis=0)))
    last = cut.offsets[cut.owner[rows] + 1]
    limit = cut.end[rows] + HORIZON
    stop = rows + 1
    for k, (row, end, moment) in enumerate(zip(rows + 1, last, limit, strict=True)):
        stop[k] += np.searchsorted(cut.end[row:end], moment, "right")
    return total[stop] > total[rows + 1], (stop > rows + 1) & (limit <= cut.end.max())


if __name__ == "__main__":
    main(sys.argv[1:])
