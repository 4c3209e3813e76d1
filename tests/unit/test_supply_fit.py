"""The q-exponential fit against exact curves, mpmath, other solvers, and its own evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy.optimize import curve_fit

from optimodels.arrays import Floats
from optimodels.case import load_case, parse_case
from optimodels.families.supply.auction.equilibrium import expected_prices
from optimodels.families.supply.auction.equilibrium import solve as solve_market
from optimodels.families.supply.fitting.curves import (
    Q_EXPONENTIAL,
    curve_at,
    log_curvature,
    log_curvature_slope,
)
from optimodels.families.supply.fitting.least_squares import Fit, fit, polish
from optimodels.families.supply.fitting.noise import errors
from optimodels.families.supply.fitting.q_exponential import Nearest, points
from optimodels.families.supply.fitting.q_exponential import nearest as examined
from optimodels.families.supply.fitting.q_exponential_problems import Anchored
from optimodels.families.supply.fitting.q_exponential_raw import others, power_law, written
from optimodels.families.supply.fitting.sample import Sample
from optimodels.families.supply.fitting.stationarity import Evidence, examine
from optimodels.result import Result
from optimodels.study import solve
from tests.unit.backgrounds import in_a_case, market

X = np.arange(20) + 0.5
SHAPES = ("uniform", "increasing", "decreasing", "pieces")


def curve(shape: str, firms: int) -> tuple[Floats, Floats]:
    return points(expected_prices(solve_market(market(shape, firms)))[0], 1)


def nearest(x: Floats, y: Floats) -> Nearest | None:
    """Fit by variable projection, and examine that."""
    if np.ptp(y) <= 1e-12 * float(np.max(y)):
        return examined(x, y, [])
    best = fit(Q_EXPONENTIAL, x, y)
    return examined(x, y, [Anchored(best.theta, float(best.linear[0]), best.objective)])


def solved(parameters: str) -> Result:
    text = f"model: supply/q-exponential-fit\nsolver: exact\nparameters: {{{parameters}}}\n"
    return solve(parse_case(text))


@pytest.mark.parametrize("s", [-300.0, -1.0, -0.0201, -0.0199, -1e-9, 0.0, 1e-5, 0.019, 0.021, 0.9])
def test_curvature_in_forty_digits(s: float) -> None:
    v = np.array([-0.999, -0.5, -1e-3])
    with mp.workdps(40):

        def z(at: mp.mpf, v: float) -> mp.mpf:
            return mp.log(1 + at * v) / at if at else mp.mpf(v)

        exact = [float(z(mp.mpf(s), one)) for one in v.tolist()]
        slopes = [
            float(mp.diff(lambda at, one=one: z(at, one), mp.mpf(s) or mp.mpf(10) ** -25, h=1e-12))
            for one in v.tolist()
        ]
    assert log_curvature(v, np.array(s)) == pytest.approx(exact, rel=1e-14)
    assert log_curvature_slope(v, s) == pytest.approx(slopes, rel=1e-10)


@pytest.mark.parametrize(("q", "a", "b"), [(0.5, 1.0, 0.4), (0.9, 2e-4, 1.3), (1.3, 0.3, 0.1),
                                            (2.0, 0.04, 0.04), (-1.0, 3.0, 0.2)])  # fmt: skip
def test_exact_curves_are_found_again(q: float, a: float, b: float) -> None:
    y = a * (1 + (1 - q) * b * X) ** (1 / (1 - q))
    found = nearest(X, y)
    assert found is not None
    values = found.values
    assert found.objective <= 1e-24 * float(y @ y)
    assert (values["q"], values["a"], values["b"]) == pytest.approx((q, a, b), rel=1e-6)
    assert values["log_a"] == pytest.approx(np.log(a), rel=1e-6, abs=1e-6)
    assert not values["power_law"]
    assert all(check.passed for check in found.checks)


def test_exponential() -> None:
    """At q = 1 the curve is a exp(b x)."""
    found = nearest(X, 1e-3 * np.exp(0.7 * X))
    assert found is not None
    assert found.values["q"] == pytest.approx(1.0, abs=1e-9)
    assert (found.values["a"], found.values["b"]) == pytest.approx((1e-3, 0.7), rel=1e-8)
    assert all(check.passed for check in found.checks)


@pytest.mark.parametrize("p", [0.5, 1.0, 3.0, 7.5])
def test_power_law(p: float) -> None:
    """y = x^p is the limit of b without end, with q = 1 - 1/p."""
    found = nearest(X, X**p)
    assert found is not None
    assert found.values["power_law"]
    assert found.values["q"] == pytest.approx(1 - 1 / p, rel=1e-9, abs=1e-9)
    assert (found.values["a"], found.values["b"]) == (None, None)
    assert any("power law" in note for note in found.notes)
    assert all(check.passed for check in found.checks)


def test_a_power_law_is_the_nearest_to_a_curve_that_starts_late() -> None:
    found = nearest(X, np.maximum(X - 5, 0.0) ** 2)
    assert found is not None
    assert found.values["power_law"]
    assert found.objective > 1.0
    assert {check.name: check.passed for check in found.checks}[
        "lower sum of squares within a power law"
    ]


def test_constant_curve_has_no_q() -> None:
    result = solved("firms: 4, background: {demand: [0, 0, 0, 1]}")
    assert result.values["q"] is None
    assert (result.values["a"], result.values["b"]) == pytest.approx((100.0, 0.0))
    assert "q cannot be told" in result.notes[0]
    assert result.verdict.status == "verified"


def test_constant_curve_has_no_noise_of_its_figures() -> None:
    given = "firms: 5, background: {demand: [0, 0, 0, 0, 1]}, draws: 1000"
    result = solved(given)
    assert result.values["q"] is None
    assert result.verdict.status == "verified"


@pytest.mark.parametrize(("firms", "cost"), [(3, 99.99), (20, 99.99), (6, 99.999)])
def test_nearly_constant_curves(firms: int, cost: float) -> None:
    result = solved(f"firms: {firms}, cost: {cost}")
    assert result.verdict.status == "verified", result.verdict


def test_two_units_are_too_few() -> None:
    result = solved("firms: 2")
    assert (result.objective, result.values["q"]) == (None, None)
    assert "too few points" in result.notes[0]


def test_three_units_are_met_exactly() -> None:
    result = solved("firms: 3")
    assert result.objective == pytest.approx(0.0, abs=1e-20)
    assert result.verdict.status == "verified"
    assert result.tables["parameters"] == []


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("firms", range(5, 29))
def test_every_start_leads_to_the_same_minimum(shape: str, firms: int) -> None:
    """The 96 rows of 002, from random starts: within 1e-6 of the least sum of squares."""
    x, y = curve(shape, firms)
    best = fit(Q_EXPONENTIAL, x, y)
    rng = np.random.default_rng(firms)
    for _ in range(6):
        start = np.array([rng.uniform(-3.0, 2.0), rng.uniform(0.0, np.log(3.0 * firms))])
        again = polish(Q_EXPONENTIAL, x, y, start)
        assert again.objective == pytest.approx(best.objective, rel=1e-6)


@pytest.mark.parametrize("firms", [29, 100, 300, 400, 1000, 10_000])
@pytest.mark.parametrize("shape", SHAPES)
def test_larger_markets_are_verified(shape: str, firms: int) -> None:
    """At 400 firms a scan of one part of the plane alone leads to a power law and is refuted."""
    found = nearest(*curve(shape, firms))
    assert found is not None
    assert not found.values["power_law"]
    assert [check.name for check in found.checks if not check.passed] == []


def test_gradient_in_forty_digits() -> None:
    """In the raw q, a and b: the derivatives of the sum of squares vanish beside its terms."""
    x, y = curve("uniform", 20)
    found = nearest(x, y)
    assert found is not None
    values = found.values
    with mp.workdps(40):
        at = [mp.mpf(values[name]) for name in ("q", "log_a", "b")]

        def squares(q: mp.mpf, log_a: mp.mpf, b: mp.mpf) -> mp.mpf:
            total = mp.mpf(0)
            for xk, yk in zip(x.tolist(), y.tolist(), strict=True):
                fitted = mp.exp(log_a + mp.log(1 + (1 - q) * b * xk) / (1 - q))
                total += (fitted - yk) ** 2
            return total

        assert float(squares(*at)) == pytest.approx(found.objective, rel=1e-9)
        steps = np.eye(3, dtype=int).tolist()
        gradient = mp.matrix([mp.diff(squares, at, tuple(step)) for step in steps])
        second = mp.matrix(3, 3)
        for i in range(3):
            for j in range(3):
                second[i, j] = mp.diff(
                    squares, at, tuple(int(a) for a in np.eye(3)[i] + np.eye(3)[j])
                )
        step = mp.lu_solve(second, gradient)
        # What Newton's method expects still to gain.
        gain = float((gradient.T * step)[0]) / 2
    assert 0 <= gain <= 1e-9 * found.objective


def evidence(x: Floats, y: Floats, v: dict[str, Any]) -> Evidence:
    shown = (
        power_law(x, 1 / (1 - v["q"]), v["anchor_price"])
        if v["power_law"]
        else written(x, v["log_a"], v["q"], v["b"], v["anchor_price"], v["anchor_rate"])
    )
    return examine(Sample.plain(x, y), shown, others(x))


def refuted(move: Callable[[dict[str, float]], dict[str, float]]) -> bool:
    x, y = curve("uniform", 12)
    found = nearest(x, y)
    assert found is not None
    v = move(dict(found.values))
    shown = evidence(x, y, v)
    objective = float(np.sum((_raw(x, v) - y) ** 2))
    return shown.offset > 1e-3 and shown.scanned < objective


def _raw(x: Floats, v: dict[str, float]) -> Floats:
    k = 1 - v["q"]
    return np.exp(v["log_a"] + np.log1p(k * v["b"] * x) / k)


@pytest.mark.parametrize("name", ["q", "log_a", "b"])
def test_evidence_refutes_what_is_no_minimum(name: str) -> None:
    assert refuted(lambda v: {**v, name: v[name] * 1.0001})


def test_evidence_refutes_a_power_law_that_is_none() -> None:
    """A fit that stops at the limit is stationary there, but falls on the way in."""
    x, y = curve("uniform", 12)
    start = fit(Q_EXPONENTIAL, x, y).theta.copy()
    start[0] = -np.inf
    edge: Fit = polish(Q_EXPONENTIAL, x, y, start, fixed=(0,))
    v = Q_EXPONENTIAL.parameters(x, edge.theta, edge.linear)
    shown = evidence(x, y, v)
    assert shown.offset < 1e-6
    assert shown.inward is not None
    assert shown.inward > 0.1
    assert shown.scanned < 0.01 * edge.objective


def test_intervals_from_differences() -> None:
    """Standard errors of (q, A, beta): sigma^2 (J'J)^-1 with J by central differences."""
    x, y = curve("decreasing", 15)
    found = nearest(x, y)
    assert found is not None
    rows = {row["parameter"]: row for row in found.intervals}
    names = ("q", "anchor_price", "anchor_rate")
    at = np.array([rows[name]["value"] for name in names])
    columns = []
    for k in range(3):
        step = np.zeros(3)
        step[k] = 1e-6 * at[k]
        columns.append((curve_at(x, *(at + step)) - curve_at(x, *(at - step))) / (2 * step[k]))
    j = np.stack(columns, axis=1)
    covariance = np.linalg.inv(j.T @ j) * found.objective / (len(x) - 3)
    errors = np.sqrt(np.diag(covariance))
    assert [rows[name]["standard_error"] for name in names] == pytest.approx(errors, rel=1e-5)
    scaled = j / np.linalg.norm(j, axis=0)
    assert found.values["conditioning"] == pytest.approx(np.linalg.cond(scaled), rel=1e-5)


def test_interval_of_a_power_law() -> None:
    """On the limit the exponent p = beta x_m alone is free: q = 1 - 1/p."""
    y = X**3 + np.sin(9 * X)
    found = nearest(X, np.where(X < 4, 0.0, y))
    assert found is not None
    assert found.values["power_law"]
    rows = {row["parameter"]: row for row in found.intervals}
    p = rows["anchor_rate"]["value"] * X[-1]
    spread = rows["anchor_rate"]["standard_error"] * X[-1]
    assert rows["q"]["standard_error"] == pytest.approx(spread / p**2, rel=1e-12)


FITS = [("uniform", 5), ("uniform", 28), ("decreasing", 12), ("pieces", 20), ("pieces", 8)]
WAYS = [
    ("nonlinear", "ipopt"),
    ("nonlinear", "exact"),
    ("sequential", "clarabel"),
    ("sequential", "osqp"),
    ("sequential", "pyomo:highs"),
    ("sequential", "scs"),
]


@pytest.mark.parametrize(("method", "solver"), WAYS)
@pytest.mark.parametrize(("shape", "firms"), FITS)
def test_every_way_reaches_the_same_minimum(
    shape: str, firms: int, method: str, solver: str
) -> None:
    """One nonlinear problem in Pyomo, quadratic ones in turn in either language, our own."""
    case = parse_case(
        f"model: supply/q-exponential-fit\nsolver: '{solver}'\nparameters:\n  firms: {firms}\n"
        f"  method: {method}\n  background: {in_a_case(shape)}\n"
    )
    result = solve(case)
    best = fit(Q_EXPONENTIAL, *curve(shape, firms))
    values = Q_EXPONENTIAL.parameters(curve(shape, firms)[0], best.theta, best.linear)
    assert result.verdict.text == "verified by certificate: local optimum", result.verdict
    assert result.objective == pytest.approx(best.objective, rel=1e-6)
    # The sum of squares is flat along q: to 1e-6 of it q is known to about 1e-3.
    assert result.values["q"] == pytest.approx(values["q"], rel=1e-3)
    assert result.solver.name == solver.rpartition(":")[2]


def test_solver_that_stops_elsewhere_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit that its solver calls optimal, and is not, passes neither form nor evidence."""
    from optimodels.families.supply.fitting import q_exponential_problems

    def halfway(data: q_exponential_problems.Points) -> q_exponential_problems.ExactAnswer:
        honest = q_exponential_problems.projected(data)
        assert honest.values is not None
        return q_exponential_problems.ExactAnswer({**honest.values, "s": 0.9}, proven=False)

    monkeypatch.setattr(
        "optimodels.families.supply.programs.NONLINEAR",
        replace(q_exponential_problems.NONLINEAR, exact=halfway),
    )
    result = solved("firms: 12")
    assert result.verdict.status == "refuted"


def test_every_case_is_verified(cases: Path) -> None:
    for file in sorted(cases.glob("supply/q-exponential-*.yaml")):
        case = load_case(file)
        result = solve(case)
        assert result.verdict.text == "verified by certificate: local optimum", file.stem
        assert case.model.draw([result])["fit"].startswith(b"<?xml")
        assert result.values["largest_residual"] ** 2 <= (result.objective or 0.0)


def test_units_of_one_firm_stand_at_its_price() -> None:
    result = solved("firms: 4, units_per_firm: 3, cost: 5, price_cap: 90")
    prices = [row["expected_price"] for row in result.tables["supply_curve"]]
    assert prices[0::3] == prices[1::3] == prices[2::3]
    assert result.verdict.status == "verified"


def test_noise_is_the_same_whatever_signs_eigenvectors_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = solve_market(market("uniform", 5))
    first = next(errors(known, 1_000, 7))
    eigh = np.linalg.eigh

    def turned(matrix: Floats) -> tuple[Floats, Floats]:
        values, vectors = eigh(matrix)
        return values, vectors * [1, -1, 1, -1, -1]

    monkeypatch.setattr(np.linalg, "eigh", turned)
    np.testing.assert_allclose(next(errors(known, 1_000, 7)), first, rtol=0, atol=1e-12)


def test_fit_to_the_drawn_means_has_the_q_of_scipy_s() -> None:
    """a (1 + (1 - q) b x)^(1 / (1 - q)) by Levenberg and Marquardt, of the means in the table."""
    result = solved("firms: 10, draws: 4000, seed: 3")
    rows = result.tables["supply_curve"]
    x, y = (np.array([row[name] for row in rows]) for name in ("unit", "monte_carlo_mean"))

    def raw(x: Floats, q: float, a: float, b: float) -> Floats:
        return np.asarray(a * (1 + (1 - q) * b * x) ** (1 / (1 - q)))

    start = [result.values[name] for name in ("q", "a", "b")]
    found, _ = curve_fit(raw, x - 0.5, y, start, xtol=1e-14, ftol=1e-14)
    assert result.values["monte_carlo_q"] == pytest.approx(found[0], rel=1e-5)
    assert found[0] != pytest.approx(start[0], rel=1e-4)
