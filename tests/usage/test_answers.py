"""Do answers add up, whatever they are broken down by, stay what they were, and are they right?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.directory.dimensions import dimension_tables
from meterhouse.reports.questions import answer_question
from meterhouse.site import Site
from meterhouse.sources.openstack.event_files import read_openstack_events
from meterhouse.usage.meters import PERIODS, groupings
from meterhouse.usage.question import Question
from services.reference_input import REFERENCE_INPUT
from strategies.event_streams import ZONES, batches_of, many_streams
from strategies.examples import EIGHT, ONE, TWO, vm
from strategies.profiles import sites
from strategies.sites import build_site, land, new_site

ADDITIVE = ["core_hours", "wall_hours", "memory_gib_hours", "disk_gib_hours", "vms_started", "vms_ended"]
REFERENCE = REFERENCE_INPUT / "data/xdmod"
ALL_OF_IT = (date(2018, 10, 26), date(2018, 10, 31))


def ask(
    site: Site, by: list[str], profile: str = "default", days=ALL_OF_IT, meters=ADDITIVE, as_of=None, **one
):
    question = Question.ask(realm="cloud", meters=meters, first=days[0], last=days[1], by=by, profile=profile)
    return answer_question(site, question, as_of, **one)


def total(answer) -> tuple[int, ...]:
    """The exact sums over all rows."""
    sums = [0] * len(answer.question.meters)
    for row in answer.rows:
        sums = [one + other for one, other in zip(sums, row.quantities, strict=True)]
    return tuple(sums)


@sites(2)
@given(
    events=many_streams(each=8, count=60),
    zone=st.sampled_from(ZONES),
    profile=st.sampled_from(["default", "xdmod"]),
)
def test_conservation_the_sum_over_any_grouping_is_the_total(events, zone, profile):
    with new_site(zone) as site:
        for number, batch in enumerate(batches_of(events)):
            land(site, batch, str(number))
        build_site(site)
        known = [name for name, grouping in groupings().items() if not grouping.spans_only]
        with site.engine() as engine:
            one = {"kept": engine, "dimensions": dimension_tables(site.warehouse.view(), engine)}
            expected = total(ask(site, [], profile, **one))
            for by in ([name] for name in known):
                assert total(ask(site, by, profile, **one)) == expected, by
            assert total(ask(site, ["day", "project", "user"], profile, **one)) == expected
            for period in PERIODS:
                # Open XDMoD counts by month what ended by what began it: no sum of its days
                meters = ADDITIVE[:-1] if profile == "xdmod" else ADDITIVE
                found = total(ask(site, [period], profile, meters=meters, **one))
                assert found == expected[: len(meters)], period


@sites(2)
@given(events=many_streams(each=8, count=60), profile=st.sampled_from(["default", "xdmod"]))
def test_as_of_answers_stay_what_they_were(events, profile):
    meters = [*ADDITIVE, "vms_running"]
    with new_site() as site:
        known = []
        for number, batch in enumerate(batches_of(events)):
            land(site, batch, str(number))
            build_site(site)
            answer = ask(site, ["project", "flavor"], profile, meters=meters)
            known.append((answer.snapshot, answer))
        site.warehouse.compact(every_small_file=True)
        build_site(site, full=True)
        for snapshot, before in known:
            assert ask(site, ["project", "flavor"], profile, meters=meters, as_of=snapshot) == before


@pytest.fixture(scope="module")
def example() -> Iterator[Site]:
    """VM a: 2 vCPUs, 4 GiB, 20 GiB disk; runs 10 to 14, stopped to 16, shelved to 20, gone.
    VM b: 1 vCPU from 12, resized to 8 at 13, last heard of at 18 o'clock, running."""
    with new_site() as site:
        land(site, [
            vm(10, "create.end", item="a", flavor=TWO),
            vm(14, "power_off.end", "stopped", item="a", flavor=TWO),
            vm(16, "shelve_offload.end", "shelved_offloaded", item="a", flavor=TWO),
            vm(20, "delete.end", "deleted", item="a", flavor=TWO),
            vm(12, "create.end", item="b", flavor=ONE), vm(13, "finish_resize.end", item="b", flavor=EIGHT),
            vm(13.5, "resize.confirm.end", item="b", flavor=EIGHT), vm(18, "exists", item="b", flavor=EIGHT),
        ])  # fmt: skip
        build_site(site)
        yield site


def figures(site: Site, profile: str, meters: str) -> list[Decimal]:
    (row,) = ask(site, [], profile, (date(2018, 4, 18), date(2018, 4, 18)), meters.split()).rows
    return list(row.values)


def test_default_counts_what_runs_each_size_for_its_own_time(example):
    # a: 4 h x 2; b: 1 h x 1, 5 h x 8
    assert figures(example, "default", "core_hours wall_hours") == [8 + 1 + 40, 4 + 6]
    # a: 4 h x 4 GiB; b: 1 h x 1 GiB, 5 h x 16 GiB. Disk: 4 h x 20, 1 h x 10, none
    assert figures(example, "default", "memory_gib_hours disk_gib_hours") == [16 + 1 + 80, 80 + 10]


def test_default_counts_stopped_and_shelved_apart(example):
    assert figures(example, "default", "stopped_wall_hours stopped_core_hours shelved_wall_hours") == [
        2,
        4,
        4,
    ]


def test_default_counts_starts_ends_and_vms(example):
    # b still runs: it hasn't ended, and its resize was no start
    assert figures(example, "default", "vms_started vms_ended vms_running") == [2, 1, 2]


def test_xdmod_counts_stopped_and_shelved_and_resizes_when_confirmed(example):
    # a: 10 h x 2; b: 1.5 h x 1, 4.5 h x 8
    assert figures(example, "xdmod", "core_hours wall_hours") == [Decimal("57.5"), 16]
    # what isn't heard of any more has ended, too
    assert figures(example, "xdmod", "vms_started vms_ended") == [2, 2]


# --- Open XDMoD's own data


@pytest.fixture(scope="module")
def reference() -> Iterator[Site]:
    if not REFERENCE.is_dir():
        pytest.skip(f"Open XDMoD's reference data isn't here: {REFERENCE}")
    with new_site() as site:
        land_reference(site, "openstack", "openstack_error_sessions")
        build_site(site)
        yield site


def land_reference(site: Site, *folders: str) -> None:
    for folder in folders:
        for path in sorted((REFERENCE / folder).iterdir()):
            site.warehouse.land(read_openstack_events(path, "cloud"))


APRIL = (date(2018, 4, 18), date(2018, 4, 30))
MAY = (date(2018, 5, 1), date(2018, 5, 31))
XDMOD = ["core_hours", "wall_hours", "vms_started", "vms_ended"]


def xdmod_figures(site: Site, days=APRIL, as_of: int | datetime | None = None, meters=XDMOD) -> list[str]:
    (row,) = ask(site, [], "xdmod", days, meters, as_of).rows
    return [str(value) for value in row.values]


def test_the_reference_gives_open_xdmods_figures(reference):
    assert xdmod_figures(reference) == ["1755.8894", "1228.6547", "53", "53"]
    assert xdmod_figures(reference, (APRIL[0], APRIL[0]), meters=["core_hours"]) == ["52.1197"]


def test_later_data_lowers_what_ended_in_april_and_the_earlier_answer_stays(reference):
    before = reference.warehouse.view().snapshot
    land_reference(reference, "openstack_upgrade")
    build_site(reference)
    assert xdmod_figures(reference, meters=["vms_ended"]) == ["52"]
    assert xdmod_figures(reference, MAY, meters=["vms_ended"]) == ["2"]
    assert xdmod_figures(reference, as_of=before) == ["1755.8894", "1228.6547", "53", "53"]
