"""Do whole columns and single texts give the same? What is read at once, and what is read one by one."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.sources.slurm.sacct_columns import readers

DIGITS = st.integers(0, 99).map(lambda number: f"{number:02}")
TEXTS = {
    "jobid": st.one_of(
        st.integers(0, 10**16).map(str),
        st.builds("{}_{}".format, st.integers(0, 10**9), st.integers(0, 10**10)),
        st.sampled_from(["1_", "_1", "1_2_3", "1+2", "1_[1-3]", "1__2", "٣", "1 ", ""]),
    ),
    "elapsed": st.one_of(
        st.builds("{}:{}:{}".format, DIGITS, DIGITS, DIGITS),
        st.builds("{}-{}:{}:{}".format, st.integers(0, 12_000), DIGITS, DIGITS, DIGITS),
        st.sampled_from(
            ["1:2:3", "00:00:0a", "00-00:00", "123:00:00", "-1:00:00", "00:00:00.5", "ab:cd:ef", "١١:٢٢:٣٣"]
        ),
    ),
    "submit": st.one_of(
        st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S")),
        st.sampled_from(
            [
                "2026-02-29T00:00:00",
                "2026-02-28 10:00:00",
                "Unknown",
                "",
                "2026-02-28T24:00:00",
                "2026-02-28T10:00",
            ]
        ),
        st.sampled_from(["2026-02-28T10:00:60", "1772000000", "2026-02-28T10:00:00Z", "2026-2-28T10:00:00"]),
    ),
    "ncpus": st.one_of(
        st.integers(-5, 10**12).map(str), st.sampled_from(["", "0.5", "+5", "0x1F", "007", "1e3", " 1", "٣"])
    ),
    "nnodes": st.one_of(st.integers(-5, 10**18).map(str), st.sampled_from(["", "1.0", "0x1F", "007"])),
    "timelimitraw": st.one_of(st.integers(0, 10**10).map(str), st.sampled_from(["", "UNLIMITED", "-1"])),
    "elapsedraw": st.one_of(st.integers(0, 10**11).map(str), st.sampled_from(["", "1.5"])),
    "nodelist": st.sampled_from(["n1", "", "None assigned", "n[1-4]", "x" * 70_000]),
    "jobname": st.one_of(st.text(max_size=5), st.just("x" * 1025), st.just("ü" * 1024)),
}


@pytest.mark.parametrize("field", TEXTS)
@given(data=st.data())
def test_a_column_gives_what_its_texts_give_one_by_one(field, data):
    texts = data.draw(st.lists(TEXTS[field], min_size=1, max_size=6))
    together: dict = {}
    whole = readers()[field].convert(field, pa.array(texts, pa.string()), together)

    for place, text in enumerate(texts):
        alone: dict = {}
        singly = readers()[field]._one_by_one(field, pa.array([text], pa.string()), alone)
        assert (place in together) == (0 in alone), text
        if not alone:
            for column, values in whole.items():
                assert values[place].as_py() == singly[column][0].as_py(), text
