"""Re-solves on one network: the programme compiled before, to the digit what a new one gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

from optimodels.families.coalition.data import read
from optimodels.families.coalition.dispatch import Dispatch, dispatch
from optimodels.families.coalition.formulations import FORMULATIONS
from optimodels.families.coalition.parameters import Cooperative
from optimodels.grid import read_network
from optimodels.model import Formulation, Inputs
from optimodels.solvers import Limits, Request, attempt, choose
from optimodels.solvers import cvxpy_language as language
from optimodels.solvers.cvxpy_compiled import Shelf

COOPERATIVE = FORMULATIONS["cooperative"]["cone"]


def instance(export_price: float = 0.5) -> Dispatch:
    given = Cooperative(density=0.1, export_price=export_price)
    return dispatch(read(Inputs(given, read_network("case33bw"))), physics=True)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An empty shelf, and the solvers for which CVXPY was made to compile."""
    seen: list[str] = []
    whole = cp.Problem.get_problem_data

    def counted(problem: cp.Problem, solver: str, *given: Any, **named: Any) -> Any:
        seen.append(solver)
        return whole(problem, solver, *given, **named)

    monkeypatch.setattr(cp.Problem, "get_problem_data", counted)
    monkeypatch.setattr(language, "_SHELF", Shelf())
    return seen


def answered(data: Dispatch, solver: str = "clarabel", by: Formulation[Any] = COOPERATIVE) -> Any:
    request = Request(solver, "cvxpy", Limits(), {}, False, False)
    return attempt(by, data, choose(request, by), request)


def same(one: Any, other: Any) -> bool:
    """Whether two attempts are of one form and give one answer, in all their bits."""
    pairs = [
        (getattr(one.form, name), getattr(other.form, name))
        for name in ("linear", "row_lower", "row_upper", "lower", "upper")
    ]
    pairs += [
        (one.claim.x, other.claim.x),
        (one.claim.row_multipliers, other.claim.row_multipliers),
    ]
    pairs += list(zip(one.claim.cone_multipliers, other.claim.cone_multipliers, strict=True))
    rows = abs(one.form.rows - other.form.rows).max() == 0
    cones = all(
        abs(a.matrix - b.matrix).max() == 0 and np.array_equal(a.offset, b.offset)
        for a, b in zip(one.form.cones, other.form.cones, strict=True)
    )
    return bool(
        rows
        and cones
        and all(a.tobytes() == b.tobytes() for a, b in pairs)
        and one.claim.objective == other.claim.objective
    )


@pytest.mark.parametrize("solver", ["clarabel", "scs", "ecos"])
def test_other_prices_and_endowments_are_what_a_new_programme_gives(
    solver: str, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if solver != "clarabel":
        pytest.importorskip(solver)
    rng = np.random.default_rng(0)
    first = instance()
    answered(first, solver)
    changes: list[dict[str, Any]] = [
        {"injection": first.injection * rng.uniform(0.5, 1.5, first.buses)},
        {"injection": np.zeros(first.buses)},
        {"import_price": 3.7, "export_price": 0.0},
        {"export_price": 0.9},
    ]
    found = [answered(replace(first, **change), solver) for change in changes]
    # ECOS takes its rows in parts: nothing is to be moved there.
    assert len(compiled) == (1 if solver != "ecos" else 5)
    for change, before in zip(changes, found, strict=True):
        monkeypatch.setattr(language, "_SHELF", Shelf())
        assert same(before, answered(replace(first, **change), solver)), change


def test_another_network_is_compiled_anew(
    compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one bit of one resistance, a line less, no physics, one price both ways, a price on
    losses, another place of the grid: none is served what was compiled for another."""
    first = instance()
    lines = first.private
    bit = lines.resistance.copy()
    bit[0] = np.nextafter(bit[0], 1.0)
    changes: list[dict[str, Any]] = [
        {},
        {"private": replace(lines, resistance=bit)},
        {"private": lines.where(np.arange(1, len(lines)))},
        {"physics": False},
        {"export_price": 1.0},
        {"loss_price": 0.01},
        {"grid": np.array([1])},
    ]
    assert changes[1]["private"].resistance[0] != lines.resistance[0]
    for k, change in enumerate(changes, start=1):
        before = answered(replace(first, **change))
        assert len(compiled) == k, change
        with monkeypatch.context() as bare:
            bare.setattr(language, "_SHELF", Shelf())
            assert same(before, answered(replace(first, **change)))
        compiled.pop()


def test_the_shelf_is_short(compiled: list[str]) -> None:
    first = instance()
    for k in range(6):
        answered(replace(first, loss_price=0.01 * (k + 1)))
    assert len(language._SHELF._kept) == 4
    answered(replace(first, loss_price=0.06, import_price=2.0))
    assert len(compiled) == 6
    answered(replace(first, loss_price=0.01))
    assert len(compiled) == 7


def test_a_wrong_word_on_what_may_change_serves_nothing(compiled: list[str]) -> None:
    """Sides that are not the programme's are found out before any of it is used again."""
    assert COOPERATIVE.vectors is not None
    true = COOPERATIVE.vectors
    lying = replace(
        COOPERATIVE,
        vectors=lambda data: replace(true(data), sides={"balance": data.injection}),
    )
    first = instance()
    twice = replace(first, injection=2 * first.injection)
    answered(first, by=lying)
    found = answered(twice, by=lying)
    assert len(compiled) == 2
    assert same(found, answered(twice))
