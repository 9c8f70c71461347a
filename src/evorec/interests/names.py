"""Names of topics, from the words that set their texts apart."""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evorec.core.types import I64
from evorec.language.words import STOP_WORDS, is_thing, words

_TERMS: Final = 3  # in a name at most
_WEAK: Final = 0.4  # a term with less of the best one's score says little beside it
_SPREAD: Final = (0.04, 0.015, 0.0)  # of a cluster's texts a term is in, or it is about a few; more where none is
_FEW: Final = 3  # texts, if the cluster has twice as many: fewer tell nothing
_COMMON: Final = 0.01  # what a term that is no more frequent here than elsewhere still says
_HEAD: Final = 0.1  # added to the share of texts where a term ends a phrase
_LEADING: Final = 0.6  # a word that opens this share of its texts is a brand, or qualifies what follows
_PROPER: Final = 0.1  # a word of prose written small less often than this is a proper name
_JUDGED: Final = 5  # texts it takes to judge a word by its place
_MOST: Final = 0.5  # of the clusters have a word at half its usual rate: it belongs to none of them
_WHOLE: Final = 0.5  # a word with this share of its texts inside one pair of words stands for the pair

_PHRASE: Final = re.compile(
    r"[^\w\s'\N{RIGHT SINGLE QUOTATION MARK}-]+|_+|\s-+\s|(?<=[\u3400-\u9fff])\s+|\s+(?=[\u3400-\u9fff])"
)
_LATIN: Final = re.compile(r"[^\W\d_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}][^\W\d_]+)?")
_MARKUP: Final = re.compile(r"<[^<>]*>|\bhttps?:\S+|\bwww\.\S+|@\S+")
_FIELD: Final = re.compile(r"([^\W\d_]+):\s")

# How much of it, how it is packed, which colour it has, how it is praised: nothing of what it is.
_DESCRIPTIONS: Final = """
    assorted asst bag bags bonus box boxes brand bulk case cases cm count ct deluxe dozen each edition extra fl foot ft
    gallon gram grams inch inches item items kg kit large lb lbs liter litre long medium mini ml mm new number
    ounce ounces oz pack package packaging packs pair pairs pc pcs piece pieces pint plus pound pounds pouch pouches pro
    qt quart quarts set sets single size small style type unit units value watt watts
    one two three four five six seven eight nine ten twelve half double triple first second
    beige black blue bronze brown clear color colors colour colours cream dark gold gray green grey ivory light orange
    pink purple red silver turquoise white yellow
    amazing beautiful best big classic fine fresh genuine good great guarantee ideal improved lovely natural original
    perfect premium professional pure quality real super ultimate
    collection design dr everyday finish free grade guaranteed international lifetime line money mr mrs
    satisfaction series service traditional
    包 件 个 套 克 斤 瓶 盒 块 元 人 事 年 天 一起 今天 每天 大家 自己 喜欢 真的 可以 没有 就是 有人 时候 东西 这样 这么
    知道 觉得 关注 支持 评论 分享 发现 看到 热门 推广 作品 视频 不会 不要 不能 应该 需要 感觉 看看 点赞 记得 希望 来 去
    我要 我来 这是 没用 不行 谢谢 感谢 非常 离开 申请 官方 平台
"""
_DESCRIBING: Final = frozenset(_DESCRIPTIONS.split())


@dataclass(eq=False)
class _Vocabulary:
    """Where the terms of all texts stand, by their key: in how many, at the end of a phrase, at the start or the end of
    the first one, and how they are written."""

    texts: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    opens: Counter[str] = field(default_factory=Counter)
    heads: Counter[str] = field(default_factory=Counter)
    written: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def name_clusters(
    texts: Sequence[str], labels: NDArray[Any], number: int, *, given: Sequence[str] = ()
) -> tuple[str, ...]:
    """A name per cluster: its terms of highest class-based TF-IDF (Grootendorst 2022, arXiv:2203.05794).

    A term is a word, or two that stand together. It scores by its share of the cluster's texts, times the log of that
    share over its share of all texts, times how often it ends a phrase, as what a phrase is about does in English and
    Chinese. Left out are numbers, measures, colours and praise, labels of fields ("author:"), proper names in
    prose, words that mostly open their texts (brands), and Chinese words other than nouns and verbs. Singular and
    plural count as one. `given` names, where not empty, stay; names that coincide get a number.

    >>> name_clusters(["Acme running shoes", "Red running shoes, 2 pairs", "绿茶 b", "红茶"], np.array([0, 0, 1, 1]), 2)
    ('running shoes', '红茶 · 绿茶')
    """
    read, vocabulary = [], _Vocabulary()
    for text in texts:
        read.append(_read(text, vocabulary))
    unfit = _unfit(texts, vocabulary)
    per_cluster: list[Counter[str]] = [Counter() for _ in range(number)]
    for terms, label in zip(read, labels, strict=True):
        per_cluster[label].update(terms)
    sizes = np.bincount(np.asarray(labels, dtype=np.int64), minlength=number)
    everywhere = _everywhere(per_cluster, sizes, vocabulary.texts)
    names = [name for name in given if name]
    for label, counted in enumerate(per_cluster):
        if given and given[label]:
            continue
        fit = {term: n for term, n in counted.items() if term not in everywhere and unfit.isdisjoint(term.split())}
        name = _name(_scores(fit, int(sizes[label]), len(texts), vocabulary), fit, vocabulary, names)
        names.append(_not_in(names, name or f"topic {label + 1}"))
    new = iter(names[sum(map(bool, given)) :])
    return tuple(given[label] if given and given[label] else next(new) for label in range(number))


def _everywhere(per_cluster: Sequence[Counter[str]], sizes: I64, overall: Counter[str]) -> set[str]:
    """Terms that most clusters have, so that they tell none apart."""
    texts, clusters = sizes.sum(), max(1, (sizes > 0).sum())
    common = [term for term, count in overall.items() if count >= _JUDGED * clusters]
    found: set[str] = set()
    for term in common:
        rate = overall[term] / texts
        having = sum(counted[term] > rate / 2 * size for counted, size in zip(per_cluster, sizes, strict=True))
        if having > _MOST * clusters and clusters > 2:
            found.add(term)
    return found


def _scores(counted: dict[str, int], size: int, total: int, vocabulary: _Vocabulary) -> dict[str, float]:
    """Of the terms that are spread over a cluster of `size` texts."""
    score: dict[str, float] = {}
    for spread in _SPREAD:
        least = max(spread * size, min(_FEW, size / 2)) if spread else 1
        for term, count in counted.items():
            lift = count / size * total / vocabulary.texts[term]
            if count >= least:
                special = max(np.log(lift), _COMMON)
                score[term] = count / size * special * (_HEAD + vocabulary.ends[term] / vocabulary.texts[term])
        if score:
            break
    return score


def _name(score: dict[str, float], counted: dict[str, int], vocabulary: _Vocabulary, taken: Sequence[str]) -> str:
    """The best terms that share no word, more of them until no other topic is called so."""
    chosen: list[str] = []
    for term in _ranked(score, counted):
        whole = len(chosen) >= _TERMS or (chosen and score[term] < _WEAK * max(score.values()))
        if whole and " · ".join(chosen) not in taken:
            break
        chosen.append(_shown(term, vocabulary))
    return " · ".join(chosen)


def _not_in(taken: Sequence[str], name: str) -> str:
    return name if name not in taken else next(n for k in itertools.count(2) if (n := f"{name} ({k})") not in taken)


def _read(text: str, vocabulary: _Vocabulary) -> set[str]:
    """The terms of one text, by key; what they say of themselves goes into `vocabulary`."""
    terms: set[str] = set()
    ends: set[str] = set()
    opening = True
    for phrase in _PHRASE.split(_MARKUP.sub(".", text)):
        spoken = words(phrase)
        keys = [_key(word) for word in spoken]
        told = [word not in STOP_WORDS and not _is_label(word) for word in spoken]
        last = max((k for k, good in enumerate(told) if good and spoken[k] not in _DESCRIBING), default=-1)
        for k, (word, key) in enumerate(zip(spoken, keys, strict=True)):
            if not told[k]:
                continue
            if opening:
                vocabulary.opens[key] += key != keys[last]
                vocabulary.heads[keys[last]] += 1
                opening = False
            vocabulary.written[key][word] += 1
            terms.add(key)
            if k == last:
                ends.add(key)
            if k and told[k - 1] and key != keys[k - 1]:
                pair = f"{keys[k - 1]} {key}"
                vocabulary.written[pair][_joined(spoken[k - 1], word)] += 1
                terms.add(pair)
                if k == last:
                    ends.add(pair)
    vocabulary.texts.update(terms)
    vocabulary.ends.update(ends)
    return terms


def _unfit(texts: Sequence[str], vocabulary: _Vocabulary) -> set[str]:
    """Keys of words that name no topic, by what they are or by where they stand."""
    small: Counter[str] = Counter()
    any_case: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    for text in texts:
        latin = {word for word in _LATIN.findall(text) if word.lower() != word.upper()}
        any_case.update({_key(word.lower()) for word in latin})
        small.update({_key(word) for word in latin if word.islower()})
        labels.update({_key(word.lower()) for word in _FIELD.findall(text)})
    prose = sum(small.values()) > sum(any_case.values()) / 2
    unfit = {_key(word) for word in _DESCRIBING}
    for key, count in vocabulary.texts.items():
        if " " in key:
            continue
        known = count >= _JUDGED
        if (
            (known and vocabulary.opens[key] >= _LEADING * count)
            or (known and labels[key] >= _WHOLE * count)
            or (prose and any_case[key] and small[key] < _PROPER * any_case[key])
            or not is_thing(key)
        ):
            unfit.add(key)
    for _ in range(2):  # names of brands have up to three words
        for pair, count in vocabulary.texts.items():
            left, _, right = pair.partition(" ")
            total = vocabulary.texts[right]
            led = right and left in unfit and count >= max(_JUDGED, _LEADING * total)
            if led and vocabulary.heads[right] < _WHOLE * total:
                unfit.add(right)
    return unfit


def _ranked(score: dict[str, float], counted: dict[str, int]) -> Iterator[str]:
    """Terms that share no word, best first, a pair before a word that hardly stands without it."""
    pairs = [term for term in score if " " in term]
    inside = {word for term in pairs for word in term.split() if counted[term] >= _WHOLE * counted.get(word, 0)}
    used: set[str] = set()
    for term in sorted(score, key=lambda term: (-score[term], term)):
        if term not in inside and used.isdisjoint(term.split()):
            used.update(term.split())
            yield term


def _shown(term: str, vocabulary: _Vocabulary) -> str:
    """As it is written most often."""
    written = vocabulary.written[term]
    return min(written, key=lambda form: (-written[form], form))


def _joined(left: str, right: str) -> str:
    return f"{left} {right}" if left[-1].isascii() or right[0].isascii() else left + right


def _key(word: str) -> str:
    """Singular and plural of an English word alike, without its possessive."""
    word = word.removesuffix("'s")
    if word.endswith("ie"):
        return word[:-2] + "y"  # movie, movies
    if not word.isascii() or len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes", "zes")) else word[:-1]


def _is_label(word: str) -> bool:
    return any(map(str.isdigit, word)) or (len(word) == 1 and word.isascii())
