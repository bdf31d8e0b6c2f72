"""Nothing is lost or invented: splitting by time or by group adds up to the whole."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

STEP = 36  # seconds: a hundredth of an hour, so that every figure is exact in four decimals


@st.composite
def sessions(draw):
    found = []
    for _ in range(draw(st.integers(0, 8))):
        begin = draw(st.integers(0, 3 * 2400 - 1))
        length = draw(st.integers(0, 3 * 2400 - begin - 1))
        found.append(
            {
                "start": _moment(begin),
                "end": _moment(begin + length),
                "vcpus": draw(st.sampled_from([1, 2, 4, 64])),
                "user_name": draw(st.sampled_from(["ada", "bob", None])),
                "class": draw(st.sampled_from(["small", "large"])),
                "state": draw(st.sampled_from(["active", "inactive", "shelved", "unknown"])),
            }
        )
    return found


def _moment(steps):
    day, rest = divmod(steps * STEP, 86400)
    return f"{18 + day} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


@pytest.mark.parametrize("statistic", ["cloud_wall_time", "cloud_core_time", "cloud_num_sessions_started"])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=sessions())
def test_days_and_groups_add_up_to_the_whole(ask, make_session, statistic, made):
    rows = [make_session(**one) for one in made]
    days = {"first": date(2018, 4, 18), "last": date(2018, 4, 20)}
    total = _sum(ask(rows, statistic, **days))
    for options in (
        {"mode": "timeseries"},
        {"mode": "timeseries", "group_by": "username"},
        {"group_by": "vm_size"},
        {"group_by": "configuration", "unit": "quarter"},
    ):
        assert _sum(ask(rows, statistic, **days, **options)) == total


def _sum(rows):
    return sum((Decimal(value) for _, _, value in rows), Decimal(0))
