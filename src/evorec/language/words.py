"""Words of a text: Latin scripts split at punctuation, Chinese segmented, both mixed in one line."""

import re
import unicodedata
from collections.abc import Container
from typing import Final

import rjieba

_HAN: Final = re.compile("[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003347f]")
_KANA: Final = "\u3041-\u309f\u30a1-\u30ff"
_ANY_KANA: Final = re.compile(f"[{_KANA}]")
# Kana stand apart from Han, and one kind from the other. An apostrophe inside a word and a point inside a number belong
# to it ("men's", "4.9").
_WORD: Final = rf"[^\W_{_KANA}]+"
_RUN: Final = re.compile(rf"[\u3041-\u309f]+|[\u30a1-\u30ff]+|{_WORD}(?:(?:'|(?<=\d)\.(?=\d)){_WORD})*")
_CHINESE_FROM: Final = 0.3  # one Han character says as much as several Latin letters

# Words that name no topic. Short on purpose: what is merely frequent, TF-IDF weighs down by itself.
_STOP_WORDS: Final = """
    a about after again all also always an and another any are as at away back be because become becomes been before
    being between both but by can come comes could do does down during each even ever every find finds for from get
    gets go goes had has have he her here him himself his how however i if in into is it its itself just keep know
    like made make makes many may me more most much must my never no nor not now of off on once only or other our out
    over own per really same see she should since so some soon still such take takes than that the their them
    themselves then there these they thing things this those through to too under until up us use used very want was
    way we well were what when where whether which while who whose why will with within without would you your
    的 了 和 与 及 或 是 在 有 也 都 就 而 但 又 很 不 没 我 你 他 她 它 我们 你们 他们 这 那 这个 那个 一 个 一个 之 于
    从 到 对 为 以 把 被 让 给 吗 呢 吧 啊 着 过 地 得 等 什么 怎么 还 会 能 要 上 下 里 中
"""
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())


def words(text: str, *, without: Container[str] = ()) -> list[str]:
    """The words of `text` in order, lower-cased, punctuation dropped, digits kept, nothing stemmed.

    A run of letters and digits that holds Han characters is segmented by the jieba dictionary; every other run is one
    word. Full-width forms are folded to plain ones (NFKC). Words in `without`, such as `STOP_WORDS`, are left out.

    >>> words("Men's T-shirt, 4.9 oz (Pack of 2)")
    ["men's", 't', 'shirt', '4.9', 'oz', 'pack', 'of', '2']
    >>> words("我喜欢看电影。iPhone15手机壳")
    ['我', '喜欢', '看', '电影', 'iphone15', '手机', '壳']
    >>> words("The art of tea 茶的艺术", without=STOP_WORDS)
    ['art', 'tea', '茶', '艺术']
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    found: list[str] = []
    for run in _RUN.findall(text):
        if run.isascii() or not _HAN.search(run):
            found.append(run.lower())
        else:
            found += (piece.lower() for piece in rjieba.cut(run) if piece[0].isalnum())
    return [word for word in found if word not in without] if without else found


def han_share(text: str) -> float:
    """Share of Han characters among the letters of `text`, in [0, 1]; 0 where it has no letters.

    >>> han_share("茶 tea"), han_share("2024!")
    (0.25, 0.0)
    """
    letters = sum(map(str.isalpha, text))
    return 0.0 if text.isascii() or not letters else len(_HAN.findall(text)) / letters


def is_chinese(text: str) -> bool:
    """Whether Han characters are at least 30% of the letters of `text` and none are Japanese kana.

    >>> is_chinese("小米手机 Xiaomi"), is_chinese("Xiaomi phone"), is_chinese("日本のカレー")
    (True, False, False)
    """
    return han_share(text) >= _CHINESE_FROM and not _ANY_KANA.search(text)


def is_thing(word: str) -> bool:
    """Whether `word` may name a thing or a doing: a noun or verb, if it is Chinese by the jieba dictionary; else yes.

    >>> [word for word in ("火锅", "跳舞", "今天", "非常", "tea") if is_thing(word)]
    ['火锅', '跳舞', 'tea']
    """
    if word.isascii() or not _HAN.search(word):
        return True
    tags = [tag for _, tag in rjieba.tag(word)]
    return len(tags) == 1 and tags[0][0] in ("n" if len(word) == 1 else "nvjil")
