"""Shared options: moments, mappings and lists of ids, as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.cli.options import RATINGS, as_typed, feedback, lines, mapping, moment
from evorec.core.errors import InputError


@given(st.integers(-(10**9), 4 * 10**9))
def test_seconds_are_exact(seconds):
    assert moment(str(seconds)) == seconds * 1_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1970-01-02", 86_400), ("1970-01-01T01:00:00+01:00", 0), ("1970-01-01 00:00:01.5", 1.5), ("1.5", 1.5)],
)
def test_dates(text, seconds):
    assert moment(text) == seconds * 1_000_000


def test_none_is_none():
    assert moment(None) is None
    assert mapping(None) == {}


@pytest.mark.parametrize("text", ["", "tomorrow", "inf", "-inf", "nan", "1e300", "2024-13-01"])
def test_what_is_no_moment(text):
    with pytest.raises(InputError, match="is no moment"):
        moment(text)


def test_a_mapping_may_hold_spaces_and_equal_signs():
    assert mapping(["user_id=Customer ID", "item_id=a=b"]) == {"user_id": "Customer ID", "item_id": "a=b"}
    for wrong in ("user_id", "=x", "user_id="):
        with pytest.raises(InputError, match="OURS=THEIRS"):
            mapping([wrong])


def test_lists_of_ids(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_bytes("\ufeffann\r\n\r\n 李雷 \n".encode())
    assert lines(path) == ["ann", "李雷"]
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        lines(path)
    with pytest.raises(InputError, match="no such file"):
        lines(tmp_path / "missing.txt")
    with pytest.raises(InputError, match="not a file"):
        lines(tmp_path)


def test_what_counts_is_read_from_options():
    plain = feedback("nothing", RATINGS, None)
    assert (plain.value, plain.lowest, plain.highest, dict(plain.actions)) == ("nothing", 1, 5, {})
    assert feedback("rating", (0.5, 5), ["view=0.2"]).weight("view", 0.5) == -0.2
    with pytest.raises(InputError, match="without ratings"):
        feedback("share", (0, 10), None)
    with pytest.raises(InputError, match="ACTION=WEIGHT"):
        feedback("nothing", RATINGS, ["view"])


def test_errors_name_options_as_they_are_typed():
    with pytest.raises(InputError) as error, as_typed():
        raise InputError("nothing before as_of", mend="another as_of")
    assert (error.value.what, error.value.mend) == ("nothing before --as-of", "another --as-of")
