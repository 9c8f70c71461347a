"""Column names: found under their synonyms in two languages, each column used once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.columns import (
    CATALOGUE_COLUMNS,
    CATALOGUE_SYNONYMS,
    EVENT_COLUMNS,
    EVENT_SYNONYMS,
    FUTURE_LEAKS,
    QUANTITIES,
    USER_COLUMNS,
    USER_SYNONYMS,
    match_columns,
    normalise,
)

TABLES = [(EVENT_SYNONYMS, EVENT_COLUMNS), (CATALOGUE_SYNONYMS, CATALOGUE_COLUMNS), (USER_SYNONYMS, USER_COLUMNS)]


@pytest.mark.parametrize(("synonyms", "names"), TABLES)
def test_every_synonym_leads_home(synonyms, names):
    assert set(synonyms) == set(names)
    for ours, theirs in synonyms.items():
        assert theirs[0] == ours, "our own name wins"
        for name in theirs:
            assert match_columns([name.upper()], synonyms).get(ours) == name.upper()


@given(st.lists(st.sampled_from(sorted({n for names in EVENT_SYNONYMS.values() for n in names})), unique=True))
def test_a_column_serves_once(found):
    mapping = match_columns(found, EVENT_SYNONYMS)
    assert len(set(mapping.values())) == len(mapping)
    assert set(mapping.values()) <= set(found)


def test_an_exact_name_beats_a_synonym():
    assert match_columns(["date", "Timestamp"], EVENT_SYNONYMS)["timestamp"] == "Timestamp"
    assert match_columns(["用户ID", "商品", "时间"], EVENT_SYNONYMS) == {
        "user_id": "用户ID",
        "item_id": "商品",
        "timestamp": "时间",
    }


def test_leaks_are_spelled_as_names_are_compared():
    assert {normalise(name) for name in FUTURE_LEAKS} == FUTURE_LEAKS
    assert normalise("Avg. Rating") in FUTURE_LEAKS


@pytest.mark.parametrize(
    ("header", "synonyms", "found"),
    [
        ("用户编号,商品编号,时间,动作,数量", EVENT_SYNONYMS, "用户编号,商品编号,时间,动作,数量"),
        ("用户ID,商品ID,时间戳,行为,评分", EVENT_SYNONYMS, "用户ID,商品ID,时间戳,行为,评分"),
        ("用户 ID,物品编号,日期,行为类型,评论", EVENT_SYNONYMS, "用户 ID,物品编号,日期,行为类型,,评论"),
        ("商品,商品编号,用户,下单时间", EVENT_SYNONYMS, "用户,商品编号,下单时间"),  # an id before what may be a name
        ("商品编号,商品名称,类别,简介", CATALOGUE_SYNONYMS, "商品编号,商品名称,简介,类别"),
        ("物品ID,标题,分类,上架时间", CATALOGUE_SYNONYMS, "物品ID,标题,,分类,,,上架时间"),
        ("用户编号,兴趣标签", USER_SYNONYMS, "用户编号,兴趣标签"),
    ],
)
def test_chinese_headers(header, synonyms, found):
    mapping = match_columns(header.split(","), synonyms)
    assert ",".join(mapping.get(ours, "") for ours in synonyms).rstrip(",") == found


def test_every_quantity_is_a_value():
    assert {normalise(name) for name in EVENT_SYNONYMS["value"]} >= QUANTITIES
    assert {normalise(name) for name in QUANTITIES} == QUANTITIES
