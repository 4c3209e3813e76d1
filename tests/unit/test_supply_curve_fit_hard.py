"""Curve fits where they are hard: far from 0, outliers, ties, curves through all points, lies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mpmath as mp
import numpy as np
import numpy.typing as npt
import pytest

from optimodels.case import parse_case
from optimodels.families.supply.fit_parameters import Points
from optimodels.families.supply.fitting import side_by_side
from optimodels.families.supply.fitting.anchored import asymptotic, exponential, power
from optimodels.families.supply.fitting.curves import FORMS, Q_EXPONENTIAL
from optimodels.families.supply.fitting.examination import checks_of, evidence_of
from optimodels.families.supply.fitting.forms import CurveForm, Setting
from optimodels.families.supply.fitting.least_squares import Fit, fit_sample
from optimodels.families.supply.fitting.points import merit_order
from optimodels.families.supply.fitting.rising import exact, instance, levels, pooled
from optimodels.families.supply.fitting.sample import Sample
from optimodels.result import Result
from tests.unit.curve_fits import given, solved

Floats = npt.NDArray[np.float64]
WIDE = np.array([20.1, 21.9, 24.3, 26.8, 29.7, 32.9, 36.1, 40.2, 44.3, 49.1])
SPIKE = np.array([20.3, 20.9, 21.6, 21.8, 22.4, 23.3, 23.4, 24.1, 24.4, 25.2, 25.3, 500.0])


def rows(result: Result) -> dict[str, dict[str, Any]]:
    return {row["form"]: row for row in result.tables["forms"]}


@pytest.mark.parametrize("huber", [5.0, 100.0])
@pytest.mark.parametrize("last", [50.0, 1.0, 1e-3])
def test_one_price_above_zeros_is_an_answer(huber: float, last: float) -> None:
    """The loss is flat in some direction: a step that is not damped does not exist."""
    points = given(np.arange(1.0, 9.0), np.array([*[0.0] * 7, last]))
    found = rows(solved(f"{points}, huber: {huber}"))
    assert "q-exponential" in found


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e6])
def test_an_exponential_knows_no_origin(offset: float) -> None:
    """A shift of the quantities changes a alone: b and the loss are those of a scan in 40 digits'
    a, by its closed form at each b."""
    x = np.arange(1.0, 11.0)
    best = min(
        (float(np.sum((WIDE - phi * (phi @ WIDE) / (phi @ phi)) ** 2)), b)
        for b in np.linspace(0.09, 0.11, 20_001).tolist()
        for phi in [np.exp(b * x)]
    )
    result = solved(f"{given(x + offset, WIDE)}, forms: [exponential, q-exponential]")
    assert result.verdict.status == "verified"
    found = rows(result)
    assert found["exponential"]["loss"] == pytest.approx(best[0], rel=1e-6)
    assert result.values["exponential_b"] == pytest.approx(best[1], abs=2e-6)
    # And the three parameters of a form that has it as a limit get no worse.
    assert found["q-exponential"]["loss"] <= best[0] * (1 + 1e-9)
    with mp.workdps(40):
        a = mp.exp(mp.mpf(result.values["exponential_log_a"]))
        b = mp.mpf(result.values["exponential_b"])
        curve = [float(a * mp.exp(b * mp.mpf(q))) for q in (x + offset).tolist()]
    shown = [row["fitted_price"] for row in result.tables["points"]]
    if result.values["best"] == "exponential":
        # log a is of the size of b q: so many of its digits are left to the price.
        assert curve == pytest.approx(shown, rel=1e-15 * max(10.0, offset))
    assert (result.values["exponential_a"] is None) is (offset > 0)


@pytest.mark.parametrize(("make", "name"), [(power, "p"), (asymptotic, "c2")])
def test_powers_far_from_zero(make: Any, name: str) -> None:
    """Found again: exponents of hundreds, whose published level no double holds or nearly none."""
    x = np.linspace(1e4, 1.001e4, 30)
    form: CurveForm = make(Setting(asymptote=1.1e4, last=float(x[-1])))
    truth, level = (900.0, 50.0) if name == "p" else (270.0, 40.0)
    u = x / x[-1] if name == "p" else (x / (1.1e4 - x)) / (x[-1] / (1.1e4 - x[-1]))
    y = level * u**truth + (0.0 if name == "p" else 20.0)
    found = fit_sample(form, Sample.plain(x, y))
    assert form.parameters(x, found.theta, found.linear)[name] == pytest.approx(truth, rel=1e-6)
    shown, written = evidence_of(found, Sample.plain(x, y))
    assert all(c.passed for c in checks_of(shown, Sample.plain(x, y), found, written.names, "in"))


@pytest.mark.parametrize("b", [0.0353199, 0.03, 0.1])
def test_a_level_of_1e_minus_150_hides_no_slope(b: float) -> None:
    """In the published a, whose column is 1e150 times the other, a wrong b is still refuted."""
    x = np.linspace(0.5, 10.0, 20) + 1e4
    y = 20 + 2 * np.exp(0.3 * (x - 1e4)) + np.random.default_rng(3).normal(0, 0.3, 20)
    phi = np.exp(b * (x - x[-1]))
    level = float(phi @ y) / float(phi @ phi)
    a = level * np.exp(-b * x[-1]) if b < 0.05 else None
    form = exponential(Setting(last=None if a else float(x[-1])))
    sample = Sample.plain(x, y)
    wrong = Fit(form, np.array([b]), np.array([a or level]), level * phi, sample.loss(level * phi))
    shown, written = evidence_of(wrong, sample)
    part = shown.offset
    # By hand: what of the residuals lies in the plane of phi and (x - x_m) phi.
    plane = np.linalg.qr(np.stack([phi, (x - x[-1]) * phi], axis=1))[0]
    left = level * phi - y
    by_hand = np.linalg.norm(plane.T @ left) / np.linalg.norm(left)
    assert part == pytest.approx(float(by_hand), rel=1e-6)
    assert part > 0.3
    failed = {c.name for c in checks_of(shown, sample, wrong, written.names, "in") if not c.passed}
    assert failed == {"stationarity in " + ", ".join(written.names), "lower loss by a scan"}


LIES: dict[str, Any] = {
    "half the loss": lambda one: replace(one, objective=one.objective / 2),
    "no loss": lambda one: replace(one, objective=0.0),
    "more loss": lambda one: replace(one, objective=one.objective * 1.0000015),
    "other prices": lambda one: replace(one, values=one.values + 0.01),
    "no loss, other parameters": lambda one: replace(
        one, objective=0.0, linear=one.linear * 3, theta=one.theta + 0.1
    ),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("name", ["q-exponential", "asymptotic", "exponential", "power"])
def test_lies_are_refuted(lie: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the fit claims is computed again from its parameters: loss and prices."""
    x = np.linspace(2.0, 38.0, 15)
    y = 18 + 9 * (x / (60 - x)) ** 0.8 + np.random.default_rng(1).normal(0, 1.5, 15)
    parameters = f"{given(x, y)}, asymptote: 60, forms: [{name}]"
    honest = solved(parameters)
    assert honest.verdict.status == "verified"
    monkeypatch.setattr(side_by_side, "fit_sample", lambda f, s: LIES[lie](fit_sample(f, s)))
    lying = solved(parameters)
    assert lying.verdict.status == "refuted"
    assert lying.values["best"] is None
    assert any("every form is refuted" in note for note in lying.notes)
    if "parameters" not in lie:
        assert lying.objective == pytest.approx(honest.objective, rel=1e-9)


def test_a_refuted_form_is_last_and_not_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    x, lied = np.arange(1.0, 11.0), "exponential"
    honest = solved(f"{given(x, WIDE)}, forms: [exponential, power]")
    assert honest.values["best"] == lied

    def lying(form: CurveForm, sample: Sample) -> Fit:
        found = fit_sample(form, sample)
        return replace(found, objective=0.0) if form.name == lied else found

    monkeypatch.setattr(side_by_side, "fit_sample", lying)
    result = solved(f"{given(x, WIDE)}, forms: [exponential, power]")
    assert [row["form"] for row in result.tables["forms"]] == ["power", lied]
    assert result.values["best"] == "power"
    assert result.verdict.status == "refuted"


def test_raw_parameters_that_cancel_are_not_reported() -> None:
    """1 + (1-q) b x_m is 1e-14 here: the curve through all but one point is right, the raw a and b
    do not give it again."""
    result = solved(f"{given(np.arange(1.0, 13.0), SPIKE)}, forms: [q-exponential]")
    assert result.verdict.text == "verified by certificate: local optimum"
    assert (result.values["q_exponential_a"], result.values["q_exponential_b"]) == (None, None)
    # The last price is met, and the others nearly: their power (q-1)^-1 in x is that of a line.
    assert result.objective < 5.0


def test_prices_of_one_quantity_stay_points_under_a_robust_loss() -> None:
    """One price of 25 is 1000: a mean at its quantity would be an outlier, the point is one."""
    from scipy.optimize import minimize

    q = np.repeat([1.0, 2, 3, 4, 5], 5)
    p = np.array([10, 11, 9, 10, 10, 12, 12, 13, 11, 12, 15, 14, 15, 16, 1000, 19, 20, 18, 19, 19,
                  25, 24, 26, 25, 25.0])  # fmt: skip

    def loss(at: Floats) -> float:
        r = np.abs(at[0] * np.exp(at[1] * q) - p)
        return float(np.sum(np.where(r < 2, r * r, 4 * r - 4)))

    options = {"xatol": 1e-11, "fatol": 1e-11, "maxiter": 5000}
    best = minimize(loss, [8.0, 0.2], method="Nelder-Mead", options=options)
    result = solved(f"{given(q, p)}, forms: [exponential, isotonic, piecewise-linear], huber: 2")
    assert result.verdict.status == "verified"
    assert len(result.tables["points"]) == 25
    assert rows(result)["exponential"]["loss"] == pytest.approx(float(best.fun), rel=1e-9)
    assert result.values["exponential_b"] == pytest.approx(float(best.x[1]), rel=1e-5)
    # One level per quantity, the best of each in itself: they rise.
    single = sum(
        float(minimize(lambda c, y=p[q == k]: Sample(y, y, np.ones(5), 2.0).loss(np.full(5, c[0])),
                       [np.median(p[q == k])], method="Nelder-Mead", options=options).fun)
        for k in np.unique(q)
    )  # fmt: skip
    assert rows(result)["isotonic"]["loss"] == pytest.approx(single, rel=1e-9)
    assert rows(result)["isotonic"]["parameters"] == 5


@pytest.mark.parametrize("solver", ["clarabel", "pyomo:highs"])
def test_ties_by_every_way(solver: str) -> None:
    q = np.repeat([1.0, 2, 3, 4], 3)
    p = np.array([3, 1, 2, 6, 5, 9, 4, 4, 5, 8, 7, 12.0])
    forms = "forms: [isotonic, piecewise-linear], pieces: 2"
    by_solver, by_us = (rows(solved(f"{given(q, p)}, {forms}", s)) for s in (solver, "exact"))
    for name, row in by_us.items():
        assert by_solver[name]["loss"] == pytest.approx(row["loss"], rel=1e-6)
        assert by_solver[name]["verdict"] == "verified by certificate: global optimum"


def test_a_merit_order_of_classes_that_overlap_rises() -> None:
    """The quantity at a price is what all classes offer below it."""
    classes = [{"name": "a", "share": 0.5, "price": [10.0, 100.0]},
               {"name": "b", "share": 0.3, "price": [20.0, 95.0]},
               {"name": "flat", "share": 0.2, "price": [50.0, 50.0]}]  # fmt: skip
    data = Points.model_validate({"classes": classes, "capacity": 7.0, "points_per_class": 9})
    x, y, weight, end = merit_order(data, 3.0)
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) >= 0).all()
    assert end == 10.0
    assert float(weight.sum()) == pytest.approx(len(weight))
    a, b = (np.clip((y - low) / (high - low), 0, 1) for low, high in ((10, 100), (20, 95)))
    at = y != 50.0
    offered = 3 + 7 * (0.5 * a + 0.3 * b + 0.2 * (y > 50))
    assert x[at] == pytest.approx(offered[at])
    # The flat class fills the rest at its price; a's middle unit of 55 is none of it.
    assert x[~at] == pytest.approx(offered[~at] + 1.4 * (np.arange(9) + 0.5) / 9)


def test_a_solver_s_noise_is_no_freedom() -> None:
    """A constant curve, left by a solver with steps of 1e-7: one parameter."""
    prices = 59.75 + 1e-7 * np.arange(12)
    sample = Sample.plain(np.arange(12.0), np.linspace(100.0, 12.0, 12))
    assert levels(prices, sample) == 1
    found = {s: rows(solved(f"{given(sample.x, sample.y)}, forms: [isotonic, piecewise-linear]", s))
             for s in ("exact", "clarabel", "osqp")}  # fmt: skip
    assert {row["parameters"] for one in found.values() for row in one.values()} == {1}


@pytest.mark.parametrize("threshold", [0.5, 5.0, 50.0])
@pytest.mark.parametrize("make", [exponential, power])
def test_robust_optima_against_a_scan(make: Any, threshold: float) -> None:
    """An outlier at the end: the least loss over rates, by golden sections of a convex loss."""
    from scipy.optimize import minimize_scalar

    x = np.arange(1.0, 13.0)
    y = np.array([10.0] * 11 + [50.0]) + 0.3 * np.sin(5 * x)
    sample = Sample(x, y, np.ones(12), threshold)
    form: CurveForm = make(Setting(last=12.0))
    found = fit_sample(form, sample)
    t = np.log(x) if make is power else x

    def least(rate: float) -> float:
        phi = np.exp(rate * (t - t[-1]))
        return float(minimize_scalar(lambda c: sample.loss(c * phi), bounds=(0.0, 60.0),
                                     method="bounded", options={"xatol": 1e-9}).fun)  # fmt: skip

    rates = np.concatenate([[0.0], np.geomspace(1e-3, 30.0, 600)])
    best = min(least(rate) for rate in rates.tolist())
    # Steps of 2 % of a rate: no better than the optimum.
    assert found.objective <= best * (1 + 1e-9)
    shown, written = evidence_of(found, sample)
    assert all(c.passed for c in checks_of(shown, sample, found, written.names, "in"))


def test_a_tiny_threshold_is_least_absolute_deviations() -> None:
    """M of 1e-9: loss / 2M is the sum of sizes, for c0 + c1 phi a linear program."""
    from scipy.optimize import linprog

    x, m = np.arange(1.0, 13.0), 1e-9
    u = x / (13 - x)
    form = replace(asymptotic(Setting(asymptote=13.0, last=12.0)), bounds={"c2": (2.0, 2.0)})
    found = fit_sample(form, Sample(x, SPIKE, np.ones(12), m))
    phi = np.stack([np.ones(12), (u / u[-1]) ** 2], axis=1)
    sizes = np.concatenate([np.zeros(2), np.ones(24)])
    best = linprog(sizes, A_eq=np.hstack([phi, np.eye(12), -np.eye(12)]), b_eq=SPIKE,
                   bounds=[(None, None)] * 2 + [(0, None)] * 24)  # fmt: skip
    assert found.objective / (2 * m) == pytest.approx(float(best.fun), rel=1e-6)


def test_curves_through_all_points_have_no_intervals() -> None:
    """Any c2 that is large enough leaves 10 everywhere but at the end: the optimum is not one."""
    x, y = np.arange(1.0, 13.0), np.array([10.0] * 11 + [50.0])
    result = solved(f"{given(x, y)}, asymptote: 13, forms: [asymptotic]")
    assert result.verdict.status == "verified"
    assert all(row["lower_95"] is None for row in result.tables["parameters"])
    assert any("other values fit as well" in note for note in result.notes)
    assert any("goes through every point" in note for note in result.notes)


def test_hardly_an_inlier_leaves_no_interval() -> None:
    rng = np.random.default_rng(7)
    x = np.linspace(1.0, 40.0, 20)
    y = 5 * np.exp(0.05 * x) + rng.normal(0, 1, 20)
    few, many = (solved(f"{given(x, y)}, forms: [exponential], huber: {m}") for m in (1e-3, 3.0))
    bound = {row["parameter"]: row["lower_95"] for row in few.tables["parameters"]}
    assert bound["b"] is None
    assert any("no intervals" in note for note in few.notes)
    assert {r["parameter"]: r["lower_95"] for r in many.tables["parameters"]}["b"] is not None
    assert any(note.startswith("intervals: as if") for note in many.notes)


@pytest.mark.parametrize("offset", [1e2, 1e4, 1e6])
def test_a_q_exponential_knows_no_origin(offset: float) -> None:
    """A exp_q(beta (x - x_m)) is the same curve after a shift; its rooms grow with x_m."""
    x = np.linspace(0.5, 10.0, 20)
    y = 20 + 2 * np.exp(0.3 * x) + np.random.default_rng(3).normal(0, 0.3, 20)
    near, far = (fit_sample(Q_EXPONENTIAL, Sample.plain(x + by, y)) for by in (0.0, offset))
    assert far.objective == pytest.approx(near.objective, rel=1e-7)
    q = [Q_EXPONENTIAL.parameters(x + by, one.theta, one.linear)["q"]
         for by, one in ((0.0, near), (offset, far))]  # fmt: skip
    assert q[1] == pytest.approx(q[0], rel=1e-4)


def test_twenty_thousand_points_are_pooled() -> None:
    """Falling points and a rising tail under Huber's loss: the multipliers certify the optimum."""
    m = 20_000
    rng = np.random.default_rng(0)
    x = np.arange(1.0, m + 1)
    y = 100 - 50 * np.minimum(x, m - 50) / m + rng.normal(0, 3, m) + 5 * np.maximum(0, x - m + 50)
    sample = Sample(x, y, rng.uniform(0.5, 2.0, m), 2.0)
    answer = exact(instance(FORMS["isotonic"](Setting()), sample))
    assert answer.values is not None
    prices = np.asarray(answer.values["price"])
    assert (np.diff(prices) >= 0).all()
    # The sum of derivatives up to a step is the row's multiplier: of one sign, 0 where it rises.
    taken = np.cumsum(2 * sample.pull(prices))
    size = 2 * sample.threshold * float(sample.weight.sum())
    assert taken[:-1].max() <= 1e-12 * size
    assert np.abs(taken[:-1][np.diff(prices) > 0]).max() <= 1e-12 * size
    assert abs(float(taken[-1])) <= 1e-12 * size
    assert len(pooled(sample)) == m


def test_negative_prices_and_c0() -> None:
    """c0 may be let below 0, and then the curve is that of shifted prices."""
    x = np.linspace(1.0, 9.0, 12)
    y = -40 + 25 * (x / (10 - x)) ** 0.7 + 0.1 * np.sin(9 * x)
    bounds = "bounds: {asymptotic: {c0: [-100, 50]}}"
    parameters = "asymptote: 10, forms: [asymptotic]"
    low = solved(f"{given(x, y)}, {parameters}, {bounds}")
    high = solved(f"{given(x, y + 50)}, {parameters}")
    assert low.values["asymptotic_c0"] == pytest.approx(high.values["asymptotic_c0"] - 50, rel=1e-6)
    assert low.values["asymptotic_c1"] == pytest.approx(high.values["asymptotic_c1"], rel=1e-6)
    assert (low.values["asymptotic_q_w"], low.values["asymptotic_q_m"]) == (0.0, 10.0)
    left_out = solved(f"{given(x, y)}, asymptote: 10")
    assert {row["form"] for row in left_out.tables["forms"]} == {"piecewise-linear", "isotonic"}


def test_prices_at_knots_are_told() -> None:
    x = np.arange(1.0, 10.0)
    y = np.interp(x, [1.0, 5.0, 9.0], [5.0, 6.0, 40.0])
    result = solved(f"{given(x, y)}, forms: [power, piecewise-linear], knots: [5]")
    told = {r["parameter"]: r["value"] for r in result.tables["parameters"]
            if r["form"] == "piecewise-linear"}  # fmt: skip
    assert told == pytest.approx(
        {"price at x = 1": 5.0, "price at x = 5": 6.0, "price at x = 9": 40.0}
    )
    assert result.values["best_verdict"] == "verified by certificate: global optimum"


def test_equations_are_those_of_the_forms_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A form of one's own shows its formula, and forms that are not asked for do not."""
    own = replace(exponential(Setting()), name="own", formula="a 2^(b q)")
    monkeypatch.setitem(FORMS, "own", lambda setting: own)
    case = parse_case(
        "model: supply/curve-fit\nsolver: exact\n"
        "parameters: {data: {quantity: [1, 2], price: [1, 2]}, forms: [own, asymptotic]}\n"
    )
    stage = case.model.load_program(case.parameters).stages[0]
    shown = "\n".join(stage.equations)
    assert "a 2^(b q)" in shown
    assert "our reading of 003" in shown
    assert "a x^p" not in shown
