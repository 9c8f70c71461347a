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
