"""Reading what users say: which categories words name, and whether the catalogue has anything to do with them."""

import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np

from evorec.core.catalogue import Catalogue
from evorec.core.rng import generator
from evorec.core.types import F32, Bool
from evorec.language.words import STOP_WORDS, words

NEAREST: Final = 20  # items whose nearness says where words belong
_CHANCE: Final = 0.99  # of texts without meaning, so many lie no nearer
_MEANINGLESS: Final = 100  # texts of Latin letters, and as many of Chinese characters
_ROWS: Final = 256  # texts whose cosines with all items are held at once
_FEW: Final = 30  # words are sought in a title before it is split
_LATIN: Final = tuple("abcdefghijklmnopqrstuvwxyz")
_HAN: Final = tuple(chr(code) for code in range(0x4E00, 0x9FA5))


def named_in(texts: Sequence[str], names: Sequence[str]) -> list[tuple[str, ...]]:
    """Of each text the `names` all of whose words occur in it, in the singular or the plural.

    >>> named_in(["I want westerns with horses", "sci-fi", "我想看美食视频"], ["Western", "Sci-Fi", "美食", "Drama"])
    [('Western',), ('Sci-Fi',), ('美食',)]
    """
    parts = [(name, _stems(name)) for name in names]
    held = [(text, _stems(text)) for text in texts]
    return [tuple(name for name, stems in parts if name == text or (stems and stems <= own)) for text, own in held]


def _stems(text: str) -> set[str]:
    return {_singular(word) for word in words(text, without=STOP_WORDS)}


def _singular(word: str) -> str:
    """An English plural or possessive without its ending; other words as they are."""
    if not word.isascii():
        return word
    word = word.removesuffix("'s")
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def meaningless(seed: int = 0) -> list[str]:
    """Texts that mean nothing, of one to four words of Latin letters or up to seven Chinese characters."""
    rng = generator(seed, "texts without meaning")

    def letters() -> str:
        return "".join(rng.choice(_LATIN, rng.integers(4, 8)))

    latin = [" ".join(letters() for _ in range(rng.integers(1, 5))) for _ in range(_MEANINGLESS)]
    return latin + ["".join(rng.choice(_HAN, rng.integers(2, 8))) for _ in range(_MEANINGLESS)]


def nearness(embedding: F32, items: F32) -> F32:
    """`float32[texts]`: mean cosine of each text `float32[texts, d]` with the `NEAREST` of the items."""
    first = len(items) - min(NEAREST, len(items))
    found = np.empty(len(embedding), dtype=np.float32)
    for start in range(0, len(embedding), _ROWS):
        cosine = embedding[start : start + _ROWS] @ items.T
        found[start : start + _ROWS] = np.partition(cosine, first, axis=1)[:, first:].mean(axis=1)
    return found


def beyond_chance(embedding: F32, of_chance: F32, items: F32) -> Bool:
    """`bool[texts]`: which texts lie nearer to some items `float32[items, d]` than texts without meaning do."""
    if not len(items):
        return np.zeros(len(embedding), dtype=np.bool_)
    return np.asarray(nearness(embedding, items) > np.quantile(nearness(of_chance, items), _CHANCE))


def found_in(texts: Sequence[str], catalogue: Catalogue) -> Bool:
    """`bool[texts]`: which texts share a telling word with a title or a category of the catalogue.

    >>> shop = Catalogue.create(item_ids=["a"], title=["Riders of the Range"], categories=[["Western"]])
    >>> found_in(["a rider", "riders", "qwertz asdf", "of the"], shop).tolist()
    [True, True, False, False]
    """
    wanted = [{stem for stem in _stems(text) if _tells(stem)} for text in texts]
    open_words = set().union(*wanted) if wanted else set()
    held: set[str] = set()
    names = {name for own in catalogue.categories for name in own}
    for line in (*names, *dict.fromkeys(catalogue.title)):
        low = _folded(line)
        if len(open_words) > _FEW or any(word.removesuffix("y") in low for word in open_words):
            met = open_words & _stems(line)
            held |= met
            open_words = open_words - met
            if not open_words:
                break
    return np.asarray([bool(own & held) for own in wanted], dtype=np.bool_)


def _folded(line: str) -> str:
    """Characters as `words` has them: what a word of the line is spelt like is found in it."""
    if not line.isascii():
        line = unicodedata.normalize("NFKC", line).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return line.lower()


def _tells(word: str) -> bool:
    return not word.isdigit() and (len(word) > 1 or not word.isascii())
