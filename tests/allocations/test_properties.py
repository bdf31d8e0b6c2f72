"""What holds whatever the world is: nothing is lost, the figures add up, and order of arrival is nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from meterhouse.allocations.rules.charging import charge
from meterhouse.allocations.rules.draws import DatedLine, Entry, capacities, draw
from meterhouse.allocations.rules.figures import figures
from meterhouse.allocations.rules.levels import Readings
from meterhouse.allocations.rules.paying import Paying, Window
from meterhouse.allocations.rules.quantities import scaled, split
from meterhouse.allocations.rules.world import (
    MODES,
    Adjustment,
    Cap,
    Grant,
    Line,
    Parent,
    Period,
    Policy,
    Pool,
    Rate,
    Resource,
    ResourcePool,
    Use,
    World,
)

FIRST = date(2100, 1, 1)
PROJECTS = 5
days = st.integers(0, 20).map(lambda n: FIRST + timedelta(days=n))
amounts = st.integers(0, 10_000).map(lambda n: Decimal(n).scaleb(-2))
signed = st.integers(-5_000, 10_000).map(lambda n: Decimal(n).scaleb(-2))


@st.composite
def worlds(draw_: st.DrawFn) -> World:
    """Five projects in a tree that may change on a day; pools, lines, caps and rates where they fall."""
    parents = []
    for project in range(1, PROJECTS):
        moved = draw_(days)
        first, then = (draw_(st.integers(0, project - 1)) for _ in range(2))
        parents.append(Parent(project, first, None, moved))
        if draw_(st.booleans()):
            parents.append(Parent(project, then, moved, None))
    policies = [
        Policy(project, draw_(st.sampled_from(MODES)), draw_(st.booleans())) for project in range(PROJECTS)
    ]
    levels = draw_(st.sampled_from(["maximum", "minimum", "last", "average"]))
    resource_pools = (ResourcePool("cpu", "sum"), ResourcePool("disk", levels))
    resources = (Resource("c1", "m", "cpu"), Resource("c2", "n", "cpu"), Resource("d1", "m", "disk"))
    resources += (Resource("d2", "n", "disk"),)
    rates = tuple(Rate(one.key, draw_(st.sampled_from([Decimal(1), Decimal("0.3")]))) for one in resources)
    periods = (Period("a", FIRST, FIRST + timedelta(days=10)),)
    periods += (Period("b", FIRST + timedelta(days=12), FIRST + timedelta(days=19)),)
    wanted = draw_(
        st.lists(
            st.tuples(
                st.integers(0, PROJECTS - 1), st.sampled_from(["a", "b"]), st.sampled_from(["cpu", "disk"])
            ),
            unique=True,
            max_size=6,
        )
    )
    pools = [Pool(n, *one) for n, one in enumerate(wanted)]
    grants, lines = [], []
    for pool in pools:
        for _ in range(draw_(st.integers(0, 3))):
            begins, length = draw_(days), draw_(st.integers(1, 20))
            grants.append(Grant(len(grants), pool.project, "s", begins, begins + timedelta(days=length)))
            priority = draw_(st.sampled_from([100, 200]))
            lines.append(Line(len(lines), pool.key, grants[-1].key, draw_(signed), priority))
    caps = [
        Cap(project, pool, draw_(amounts))
        for project in range(PROJECTS)
        for pool in ("cpu", "disk")
        if draw_(st.booleans())
    ]
    return World(
        tuple(parents),
        tuple(policies),
        tuple(caps),
        resource_pools,
        resources,
        rates,
        periods,
        tuple(grants),
        tuple(pools),
        tuple(lines),
    )


uses = st.lists(
    st.builds(
        Use,
        key=st.none(),
        day=days,
        resource=st.sampled_from(["c1", "c2", "d1", "d2"]),
        project=st.integers(0, PROJECTS - 1),
        raw=amounts,
    ),
    max_size=25,
).map(lambda found: [replace(use, key=n, order=(0, n, "")) for n, use in enumerate(found, 1)])


@settings(max_examples=150, deadline=None)
@given(worlds(), uses)
def test_charges_of_a_use_add_up_to_it_scaled_once(world: World, used: list[Use]) -> None:
    paying = Paying(world)
    charges = [one for one in charge(used, paying) if not one.estimated]
    for use in used:
        own = [one for one in charges if one.use == use.key]
        assert sum(one.quantity for one in own) == scaled(use.raw, paying.factor(use.resource, use.day))
        assert sum(one.raw for one in own) == use.raw
        assert all(one.submitted_project == use.project for one in own)


@settings(max_examples=150, deadline=None)
@given(worlds(), uses)
def test_a_pool_pays_for_its_own_project_alone(world: World, used: list[Use]) -> None:
    paying = Paying(world)
    for one in charge(used, paying):
        if one.pool is not None:
            pool = paying.pools[one.pool]
            assert pool.project == one.allocated_project
            assert paying.periods[pool.period].start <= one.day < paying.periods[pool.period].end
            assert paying.resource_pool_of[one.resource] == pool.resource_pool


@settings(max_examples=150, deadline=None)
@given(worlds(), uses)
def test_no_more_than_the_cap_passes_a_capped_project(world: World, used: list[Use]) -> None:
    paying = Paying(world)
    caps = {(cap.project, cap.resource_pool): cap.quantity for cap in world.caps}
    passed: dict[tuple[object, ...], Decimal] = {}
    for one in charge(used, paying):
        resource_pool = paying.resource_pool_of[one.resource]
        way = paying.way(one.submitted_project, resource_pool, one.day)
        if one.pool is None or one.allocated_project != way.allocated:
            continue
        period = paying.period(resource_pool, one.day)
        span = one.day if paying.function[resource_pool] != "sum" else period and period.key
        for project in way.projects[:-1]:
            if paying.policy(project, one.day).mode == "capped":
                at = (project, resource_pool, span)
                passed[at] = passed.get(at, Decimal(0)) + one.quantity
    for (project, resource_pool, _), quantity in passed.items():
        assert quantity <= caps.get((project, resource_pool), quantity)  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(worlds(), uses, st.lists(st.tuples(days, signed), max_size=4), days)
def test_figures_add_up(
    world: World, used: list[Use], corrections: list[tuple[date, Decimal]], as_of: date
) -> None:
    paying = Paying(world)
    charges = charge(used, paying)
    readings = Readings.of_charges(charges)
    for pool in world.pools:
        adjustments = []
        if paying.function[pool.resource_pool] == "sum":
            adjustments = [Adjustment(n, pool.key, *one) for n, one in enumerate(corrections)]
        own = [one for one in charges if one.pool == pool.key]
        found = figures(pool, paying, own, adjustments, readings, as_of)
        draws = sum((one.quantity for one in found.draws if one.line is not None), Decimal(0))
        assert found.used == draws + found.overdrawn
        assert found.allocated == draws + found.available + found.lapsed + found.pending
        assert found.remaining == found.allocated - found.used
        if paying.function[pool.resource_pool] == "sum":
            until = [one.quantity for one in own if one.day <= as_of]
            until += [one.quantity for one in adjustments if one.day <= as_of]
            assert found.used == sum(until, Decimal(0))


@settings(max_examples=150, deadline=None)
@given(worlds(), uses, st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(world: World, used: list[Use], chance: object) -> None:
    shuffled = list(used)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    def decided(several: list[Use]) -> list[str]:
        return sorted(map(repr, charge(several, Paying(world))))

    assert decided(shuffled) == decided(used)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(signed, days, st.integers(1, 20), st.sampled_from([100, 200])), max_size=6))
def test_negative_lines_take_no_more_than_there_is(said: list[tuple[Decimal, date, int, int]]) -> None:
    lines = [
        DatedLine(Line(n, "p", n % 2, quantity, priority), Window(begins, begins + timedelta(days=length)))
        for n, (quantity, begins, length, priority) in enumerate(said)
    ]
    left = capacities(lines)
    assert all(Decimal(0) <= left[one.line.key] <= max(one.line.quantity, 0) for one in lines)
    drawn = draw(lines, [Entry(FIRST + timedelta(days=n), Decimal(500)) for n in range(40)])
    for one in lines:
        assert sum(x.quantity for x in drawn if x.line == one.line.key) <= left[one.line.key]
        assert all(one.window.holds(x.day) for x in drawn if x.line == one.line.key)


@given(amounts, st.lists(st.integers(0, 100_000), min_size=1, max_size=9).filter(any))
def test_parts_add_up_to_the_whole(whole: Decimal, weights: list[int]) -> None:
    parts = split(whole, weights)
    assert sum(parts) == whole
    assert all(part >= 0 for part in parts)
