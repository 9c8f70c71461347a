"""Timestamps: one moment in every spelling, and what is noted where the spelling leaves doubt."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from evorec.core.errors import InputError
from evorec.data.load import load_events

SHARED = Path(__file__).parents[2] / "../shared/data"
SECOND = 1_000_000


def micros(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * SECOND  # type: ignore[arg-type]


def log(**columns: list[object]) -> pa.Table:
    """An Arrow event log; what is not given gets a harmless value."""
    n = len(next(iter(columns.values())))
    return pa.table({"user_id": ["u"] * n, "item_id": [f"i{k}" for k in range(n)], "timestamp": [1] * n, **columns})


class TestTimestamps:
    DAY = micros(2010, 12, 1)

    @pytest.mark.parametrize(
        "written",
        [
            *("2010-12-01", "2010-12-01T00:00:00Z", "2010-12-01 08:00:00+08:00", "2010/12/1", "12/1/2010 0:00"),
            *("12/1/10 0:00", "12/1/2010 12:00:00 AM", "01-Dec-2010", "1 Dec 2010", "Dec 1, 2010", "1.12.2010"),
            *("2010年12月1日", "2010年12月01日 00:00", "20101201", "1291161600", "1291161600.0", "1291161600000"),
            *("1291161600000000", "1291161600000000000", "2010-12-01T00:00:00.000", "12 1, 2010"),
        ],
    )
    def test_one_moment_in_many_spellings(self, written: str) -> None:
        assert load_events(log(timestamp=[written]))[0].timestamp.tolist() == [self.DAY]

    @pytest.mark.parametrize("factor", [1, 10**3, 10**6, 10**9])
    @pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.string()])
    def test_units_by_magnitude(self, factor: int, kind: pa.DataType) -> None:
        source = log(timestamp=pa.array([1291161600 * factor]).cast(kind, safe=False))
        assert load_events(source)[0].timestamp.tolist() == [self.DAY]

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_timestamp_types_and_zones(self, unit: str) -> None:
        moment = np.array(["2010-12-01T00:00:00"], dtype=f"datetime64[{unit}]")
        naive = pa.array(moment)
        assert load_events(log(timestamp=naive))[0].timestamp.tolist() == [self.DAY]
        assert load_events(log(timestamp=naive), timezone="Asia/Tokyo")[0].timestamp[0] == self.DAY - 9 * 3600 * SECOND
        zoned = naive.cast(pa.timestamp(unit, tz="Asia/Shanghai"))
        assert load_events(log(timestamp=zoned), timezone="Asia/Tokyo")[0].timestamp.tolist() == [self.DAY]

    def test_dates_and_fractions(self) -> None:
        day = load_events(log(timestamp=pa.array([datetime(2010, 12, 1).date()])))[0]
        assert day.timestamp.tolist() == [self.DAY]
        assert load_events(log(timestamp=[0.25]))[0].timestamp.tolist() == [SECOND // 4]

    def test_daylight_saving_of_the_time_zone(self) -> None:
        events, _ = load_events(log(timestamp=["7/1/2011 9:00", "1/1/2011 9:00"]), timezone="Europe/London")
        assert events.timestamp.tolist() == [micros(2011, 1, 1, 9), micros(2011, 7, 1, 8)]

    def test_day_first_is_found_and_doubt_is_noted(self) -> None:
        events, report = load_events(log(timestamp=["13/2/2010", "1/2/2010"]))
        assert events.timestamp.tolist() == [micros(2010, 2, 1), micros(2010, 2, 13)]
        assert "day/month/year" in report.notes[0]
        assert "cannot be told apart" in load_events(log(timestamp=["1/2/2010", "3/4/2010"]))[1].notes[0]

    def test_mixed_units_are_noted(self) -> None:
        _, report = load_events(log(timestamp=[1291161600, 1291161600000]))
        assert report.notes == ("timestamp: numbers of different magnitude, read as 1 in seconds, 1 in milliseconds",)

    def test_eight_digits_are_dates_only_where_all_are(self) -> None:
        events, _ = load_events(log(timestamp=[20101201, 19999999]))
        assert events.timestamp.tolist() == [19999999 * SECOND, 20101201 * SECOND]

    def test_unknown_time_zone(self) -> None:
        with pytest.raises(InputError, match="Mars/Base") as error:
            load_events(log(timestamp=[1]), timezone="Mars/Base")
        assert "IANA" in error.value.mend
