"""Names cut to a width, and words in a language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evorec.core.errors import InputError
from evorec.plots.theme import columns, shorten, worded


@given(st.text(), st.integers(min_value=2, max_value=40))
def test_a_short_name_fits_on_one_printable_line(text, most):
    short = shorten(text, most)
    assert columns(short) <= most
    assert short.isprintable() and short == short.strip()
    assert shorten(short, most) == short


def test_a_language_without_words_is_refused():
    with pytest.raises(InputError, match="fr") as caught:
        worded({"en": {}, "zh": {}}, "fr")
    assert "en, zh" in caught.value.mend
