"""Words of Latin, Chinese and mixed texts."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.language.words import STOP_WORDS, han_share, is_chinese, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" !?… ", []),
        ("Green TEA, 20-bags", ["green", "tea", "20", "bags"]),
        ("Newman\N{RIGHT SINGLE QUOTATION MARK}s Own", ["newman's", "own"]),
        ("4.91oz x 5. End", ["4.91oz", "x", "5", "end"]),
        ("snake_case", ["snake", "case"]),
        ("Crème brûlée", ["crème", "brûlée"]),
        ("轻便登山背包 35升", ["轻便", "登山", "背包", "35", "升"]),
        ("T恤men's手套", ["t恤", "men", "s", "手套"]),
        ("小米15pro手机,支持5G", ["小米", "15pro", "手机", "支持", "5g"]),
        ("\uff21\uff22\uff23\uff11\uff12", ["abc12"]),  # full-width forms
        ("\U0001f375 tea \U0001f9d1\u200d\U0001f373", ["tea"]),  # emoji
        ("日本のカレー", ["日本", "の", "カレー"]),
        ("Чай чёрный", ["чай", "чёрный"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text())
def test_words_are_lower_case_pieces_that_hold_a_letter_or_digit(text: str) -> None:
    for word in words(text):
        assert word and word == word.lower() and any(c.isalnum() for c in word) and not any(c.isspace() for c in word)


@given(st.text(), st.text())
def test_lines_are_read_independently(left: str, right: str) -> None:
    assert words(f"{left}\n{right}") == words(left) + words(right)


def test_stop_words_are_left_out_in_both_languages() -> None:
    assert words("The best of the tea, 我的茶", without=STOP_WORDS) == ["best", "tea", "茶"]


@pytest.mark.parametrize(
    ("text", "share", "chinese"),
    [("", 0, False), ("2024", 0, False), ("tea", 0, False), ("茶", 1, True), ("茶茶 tea!", 0.4, True)],
)
def test_chinese_is_told_by_its_share_of_letters(text: str, share: float, chinese: bool) -> None:
    assert (han_share(text), is_chinese(text)) == (share, chinese)


def test_japanese_is_not_taken_for_chinese() -> None:
    assert not is_chinese("東京の美味しい店")


def test_a_catalogue_of_titles_takes_about_a_second() -> None:
    titles = [f"Organic green tea {i}, 2.5 oz (pack of 6)" for i in range(14_000)]
    titles += [f"轻便登山背包{i}升户外防水双肩包" for i in range(14_000)]
    start = time.perf_counter()
    assert sum(map(len, map(words, titles))) > 200_000
    assert time.perf_counter() - start < 5  # 0.3 s on a quiet core
