"""Curve forms against known truths, other solvers, SciPy's robust loss and enumeration."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from optimodels.arrays import Floats
from optimodels.case import parse_case
from optimodels.families.supply.fitting.anchored import asymptotic, exponential, power
from optimodels.families.supply.fitting.curves import FORMS, Q_EXPONENTIAL, stacked
from optimodels.families.supply.fitting.examination import checks_of, evidence_of, region
from optimodels.families.supply.fitting.forms import CurveForm, Setting
from optimodels.families.supply.fitting.least_squares import fit_sample
from optimodels.families.supply.fitting.rising import Rising, exact, pooled
from optimodels.families.supply.fitting.sample import Sample
from optimodels.families.supply.fitting.side_by_side import criteria
from tests.unit.curve_fits import given, solved

X = np.linspace(2.0, 38.0, 25)
SETTING = Setting(wind=1.0, asymptote=40.0, last=float(X[-1]))
ASYMPTOTIC, EXPONENTIAL, POWER = (make(SETTING) for make in (asymptotic, exponential, power))
U = (X - 1.0) / (40.0 - X)
WEIGHT = np.random.default_rng(5).uniform(0.3, 3.0, len(X))


def noisy(seed: int = 1, spread: float = 2.0) -> Floats:
    """Points about an asymptotic curve, some of them far off."""
    rng = np.random.default_rng(seed)
    return np.asarray(12 + 4 * U**0.9 + spread * rng.standard_t(2, len(X)))


TRUTHS: list[tuple[CurveForm, Floats, dict[str, float]]] = [
    (ASYMPTOTIC, 12 + 4 * U**0.9, {"c0": 12.0, "c1": 4.0, "c2": 0.9}),
    (ASYMPTOTIC, 30 * U**2.5, {"c0": 0.0, "c1": 30.0, "c2": 2.5}),
    (EXPONENTIAL, 3 * np.exp(0.11 * X), {"a": 3.0, "b": 0.11}),
    (POWER, 0.2 * X**1.7, {"a": 0.2, "p": 1.7}),
    (Q_EXPONENTIAL, 2 * (1 - 0.3 * 0.08 * X) ** (-1 / 0.3), {"q": 1.3, "a": 2.0, "b": 0.08}),
]


@pytest.mark.parametrize(("form", "y", "truth"), TRUTHS)
@pytest.mark.parametrize("threshold", [np.inf, 0.5])
def test_known_truths_are_found_again(
    form: CurveForm, y: Floats, truth: dict[str, float], threshold: float
) -> None:
    sample = Sample(X, y, WEIGHT, threshold)
    found = fit_sample(form, sample)
    values = form.parameters(X, found.theta, found.linear)
    assert {k: values[k] for k in truth} == pytest.approx(truth, rel=1e-6, abs=1e-6)
    shown, written = evidence_of(found, sample)
    assert all(c.passed for c in checks_of(shown, sample, found, written.names, "in"))


def test_reported_parameters_are_those_of_the_points() -> None:
    """Points on curves that are known: what is said of each at the last point X by its formula."""
    x = np.arange(1.0, 9.0)
    u = (x - 0.5) / (10 - x)
    asked = "wind: 0.5, asymptote: 10"
    power, q_exponential, rising = (
        solved(f"{asked}, {given(x, y)}").values
        for y in (2 * x**1.5, 1.5 * (1 + 0.1 * 0.5 * x) ** 10, 12 + 20 * u**1.5)
    )
    assert power["power_p"] == pytest.approx(1.5, rel=1e-9)
    # A power law is the q-exponential of 1 - 1/p with b without end, and a relative slope p / X.
    assert power["q_exponential_power_law"] is True
    assert power["q_exponential_q"] == pytest.approx(1 - 1 / 1.5, rel=1e-9)
    assert power["q_exponential_anchor_rate"] == pytest.approx(1.5 / 8, rel=1e-9)
    # b / (1 + (1 - q) b X) is that of any other.
    assert q_exponential["q_exponential_power_law"] is False
    assert q_exponential["q_exponential_anchor_rate"] == pytest.approx(0.5 / 1.4, rel=1e-9)
    assert q_exponential["q_exponential_anchor_price"] == pytest.approx(1.5 * 1.4**10, rel=1e-9)
    assert rising["asymptotic_rise"] == pytest.approx(20 * u[-1] ** 1.5, rel=1e-9)
    assert rising["asymptotic_log_c1"] == pytest.approx(np.log(20), rel=1e-9)
    assert rising["asymptotic_c0"] == pytest.approx(12, rel=1e-9)


@pytest.mark.parametrize("form", [ASYMPTOTIC, EXPONENTIAL, POWER, Q_EXPONENTIAL])
@pytest.mark.parametrize("threshold", [0.7, 3.0])
def test_robust_loss_against_scipy(form: CurveForm, threshold: float) -> None:
    """scipy.optimize.least_squares' huber loss, on the published formula from our optimum, and
    from beside it, gets no lower; its cost is half of ours."""
    from scipy.optimize import least_squares

    # Weighted, SciPy's threshold would be weighted too: whole weights are points that repeat.
    times = np.maximum(1, np.rint(WEIGHT)).astype(int)
    prices = np.maximum(noisy(), 0.1)
    x, y = np.repeat(X, times), np.repeat(prices, times)
    ours = fit_sample(form, Sample(X, prices, times.astype(float), threshold))
    written = form.written(X, ours.theta, ours.linear)
    free = written.inwards() == 0

    def left(some: Floats) -> Floats:
        point = written.point.copy()
        point[free] = some
        with np.errstate(all="ignore"):
            return np.nan_to_num(written.curve(x, point.astype(complex)).real - y, nan=1e9)

    for nudge in (1.0, 1.02):
        their = least_squares(left, written.point[free] * nudge, loss="huber", f_scale=threshold,
                              x_scale=np.abs(written.point[free]) + 1e-3,
                              xtol=1e-15, ftol=1e-15, gtol=1e-15)  # fmt: skip
        assert 2 * their.cost >= ours.objective * (1 - 1e-7)
    assert 2 * least_squares(
        left, written.point[free], loss="huber", f_scale=threshold, max_nfev=1
    ).cost == pytest.approx(ours.objective, rel=1e-9)


def test_a_huge_threshold_is_squares() -> None:
    sample = Sample(X, noisy(), WEIGHT)
    plain = fit_sample(ASYMPTOTIC, sample)
    robust = fit_sample(ASYMPTOTIC, replace(sample, threshold=1e6))
    assert robust.objective == pytest.approx(plain.objective, rel=1e-12)
    assert criteria(replace(sample, threshold=1e6), plain.objective, 3) == pytest.approx(
        criteria(sample, plain.objective, 3), rel=1e-7
    )


@pytest.mark.parametrize("seed", range(6))
def test_bounded_search_against_a_scan(seed: int) -> None:
    """c0, c1 >= 0 inside the search on c2, against every c2 with its four sets of active bounds."""
    y = noisy(seed) - (14.0 if seed % 2 else 0.0)
    sample = Sample(X, y, WEIGHT)
    found = fit_sample(ASYMPTOTIC, sample)
    root = np.sqrt(WEIGHT)
    best = float(np.sum((root * y) ** 2))
    for c2 in np.geomspace(1e-3, 40.0, 8001):
        basis = np.stack([np.ones(len(X)), U**c2], axis=1) * root[:, None]
        for columns in ([0], [1], [0, 1]):
            c = np.linalg.lstsq(basis[:, columns], root * y, rcond=None)[0]
            if (c >= 0).all():
                best = min(best, float(np.sum((basis[:, columns] @ c - root * y) ** 2)))
    # A grid of steps of 0.13 % cannot be better, nor worse by more than their square.
    assert found.objective <= best * (1 + 1e-12)
    assert found.objective == pytest.approx(best, rel=1e-4)
    assert (found.linear >= 0).all()


def test_bounds_are_kept_and_told() -> None:
    bounds = "bounds: {asymptotic: {c2: [1.5, 3], c0: [2, 5]}}, forms: [asymptotic]"
    result = solved(f"{given(X, noisy())}, wind: 1, asymptote: 40, {bounds}")
    assert result.values["asymptotic_c2"] == 1.5
    assert result.values["asymptotic_c0"] == 5.0
    assert result.verdict.text == "verified by certificate: local optimum"
    assert sum("is on its bound" in note for note in result.notes) == 2
    # With both held there, c1 is a ratio.
    left, shape = noisy() - 5.0, U**1.5
    assert result.values["asymptotic_c1"] == pytest.approx(float(shape @ left / (shape @ shape)))


def test_a_parameter_may_be_pinned() -> None:
    bounds = "bounds: {asymptotic: {c2: [0.7, 0.7], c1: [3, 3]}}, forms: [asymptotic]"
    result = solved(f"{given(X, noisy())}, wind: 1, asymptote: 40, {bounds}")
    assert result.values["asymptotic_c0"] == pytest.approx(float(np.mean(noisy() - 3 * U**0.7)))
    assert result.tables["forms"][0]["parameters"] == 1


@pytest.mark.parametrize("name", ["c2", "c1", "c0"])
def test_evidence_refutes_what_is_no_minimum(name: str) -> None:
    sample = Sample(X, noisy(), WEIGHT, 2.0)
    found = fit_sample(ASYMPTOTIC, sample)
    moved = {"c0": found.linear * [1.01, 1], "c1": found.linear * [1, 1.01]}.get(name, found.linear)
    theta = found.theta * (1.01 if name == "c2" else 1.0)
    values = ASYMPTOTIC.basis(X, theta) @ moved
    wrong = replace(found, theta=theta, linear=moved, values=values, objective=sample.loss(values))
    shown, written = evidence_of(wrong, sample)
    checks = checks_of(shown, sample, wrong, written.names, "in")
    assert not checks[2].passed
    assert shown.scanned < wrong.objective


def test_evidence_refutes_a_bound_that_is_left() -> None:
    """c0 at 0 where the points want 12: stationary in the others, but falling inwards."""
    sample = Sample(X, 12 + 4 * U**0.9, WEIGHT)
    held = replace(ASYMPTOTIC, bounds={**ASYMPTOTIC.bounds, "c0": (0.0, 0.0)})
    found = replace(fit_sample(held, sample), form=ASYMPTOTIC)
    shown, _ = evidence_of(found, sample)
    assert shown.offset < 1e-6
    assert shown.inward is not None
    assert shown.inward > 0.1


def test_a_local_minimum_is_refuted_by_the_scan() -> None:
    """A sine through fast points: a start at a slow one ends in another minimum."""
    form = CurveForm(
        name="wave", formula="c sin(w q)", linear=("c",), nonlinear=("w",),
        basis=lambda x, theta: np.sin(theta[..., :1] * x)[..., None],
        curve=lambda x, p: p[0] * np.sin(p[1] * x),
        grid=lambda x, y: (np.linspace(0.05, 2.0, 200),),
    )  # fmt: skip
    sample = Sample.plain(X, np.sin(1.3 * X) + 0.1 * np.cos(9 * X))
    best = fit_sample(form, sample)
    local = fit_sample(replace(form, grid=lambda x, y: (np.array([0.5]),)), sample)
    assert local.objective > 2 * best.objective
    shown, _ = evidence_of(replace(local, form=form), sample)
    checks = {c.name: c.passed for c in checks_of(shown, sample, local, ("w",), "in")}
    assert checks == {"loss against the published formula": True,
                      "prices against the published formula": True,
                      "stationarity in w": True, "negative curvature": True,
                      "lower loss by a scan": False}  # fmt: skip


def test_intervals_of_a_linear_form() -> None:
    """c0 and c1 at a pinned c2 are a weighted regression: its closed form."""
    from scipy.stats import t

    form = replace(ASYMPTOTIC, bounds={"c2": (0.9, 0.9)})
    sample = Sample(X, noisy(), WEIGHT)
    found = fit_sample(form, sample)
    told = region(
        sample, form.reported(X, found.theta, found.linear), found.values, found.objective
    )
    a = np.stack([np.ones(len(X)), U**0.9], axis=1)
    spread = np.linalg.inv(a.T @ (a * WEIGHT[:, None])) * found.objective / (len(X) - 2)
    errors = np.sqrt(np.diag(spread))
    assert [row["standard_error"] for row in told.intervals] == pytest.approx(errors, rel=1e-9)
    wide = t.ppf(0.975, len(X) - 2) * errors
    assert [r["upper_95"] - r["value"] for r in told.intervals] == pytest.approx(wide, rel=1e-9)


def test_what_cannot_be_told_is_said() -> None:
    """Falling prices: the nearest curve that does not fall is constant, whatever c2."""
    result = solved(f"{given(X, 100 - X)}, wind: 1, asymptote: 40, forms: [asymptotic, power]")
    assert result.verdict.status == "verified"
    mean = pytest.approx(float(np.mean(100 - X)))
    assert result.tables["points"][0]["fitted_price"] == mean
    assert any("asymptotic: the points cannot tell" in note for note in result.notes)
    assert any("power: p is on its bound 0" in note for note in result.notes)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("threshold", [np.inf, 0.4])
def test_pooling_against_all_partitions(seed: int, threshold: float) -> None:
    """The optimum is constant on blocks: the best of all 2^6 partitions whose levels rise."""
    from scipy.optimize import minimize_scalar

    rng = np.random.default_rng(seed)
    m = 7
    sample = Sample(np.arange(m) + 0.0, rng.normal(0.15 * np.arange(m), 1.0),
                    rng.uniform(0.2, 3.0, m), threshold)  # fmt: skip

    def level(low: int, high: int) -> float:
        y, w = sample.y[low:high], sample.weight[low:high]
        if np.isinf(threshold):
            return float(w @ y / w.sum())
        part = Sample(y, y, w, threshold)
        return float(minimize_scalar(
            lambda at: part.loss(np.full(len(y), at)), bounds=(y.min() - 1e-9, y.max() + 1e-9),
            method="bounded", options={"xatol": 1e-12}).x)  # fmt: skip

    best = np.inf
    for number in range(m):
        for cuts in combinations(range(1, m), number):
            edges = [0, *cuts, m]
            values = [level(a, b) for a, b in pairwise(edges)]
            if np.all(np.diff(values) >= -1e-9):
                best = min(best, sample.loss(np.repeat(values, np.diff(edges))))
    found = pooled(sample)
    assert np.all(np.diff(found) >= 0)
    assert sample.loss(found) == pytest.approx(best, rel=1e-7, abs=1e-12)


@pytest.mark.parametrize("solver", ["clarabel", "pyomo:highs", "osqp", "pyomo:ipopt", "exact"])
@pytest.mark.parametrize("huber", ["null", "1.5"])
def test_convex_forms_by_every_way(solver: str, huber: str) -> None:
    forms = "forms: [piecewise-linear, isotonic], pieces: 5"
    result = solved(f"{given(X, noisy(), WEIGHT)}, {forms}, huber: {huber}", solver)
    assert result.verdict.text == "verified by certificate: global optimum"
    threshold = np.inf if huber == "null" else 1.5
    sample = Sample(X, noisy(), WEIGHT, threshold)
    for row in result.tables["forms"]:
        knots = X if row["form"] == "isotonic" else np.interp(np.linspace(0, 24, 6), range(25), X)
        best = exact(Rising(sample, knots)).objective
        assert row["loss"] == pytest.approx(best, rel=1e-6)
        assert row["verdict"].endswith("global optimum")


def test_straight_pieces_are_found_again() -> None:
    y = np.interp(X, [2.0, 11.0, 29.0, 38.0], [5.0, 10.0, 10.0, 70.0])
    result = solved(f"{given(X, y)}, knots: [11, 29], forms: [piecewise-linear]")
    assert result.objective == pytest.approx(0.0, abs=1e-15)
    # Two of the four prices at knots are one.
    assert result.tables["forms"][0]["parameters"] == 3


def test_criteria_by_hand() -> None:
    """Six points, two parameters and sigma, a sum of squares of 3: n log(2 pi e RSS / n) and
    what parameters cost; a weight of w adds -log w."""
    sample = Sample.plain(np.arange(6.0), np.arange(6.0))
    deviance = 6 * (1 + np.log(2 * np.pi * 3 / 6))
    aicc, bic = criteria(sample, 3.0, 2)
    assert aicc == pytest.approx(deviance + 6 + 2 * 3 * 4 / (6 - 3 - 1))
    assert bic == pytest.approx(deviance + 3 * np.log(6))
    weighted = criteria(replace(sample, weight=np.full(6, 2.0)), 3.0, 2)
    assert weighted[1] == pytest.approx(bic - 6 * np.log(2))
    assert criteria(sample, 3.0, 4) == (None, None)


def test_robust_likelihood_is_a_density() -> None:
    """-2 log likelihood at the best sigma, against quadrature and a scan of sigma."""
    from scipy.integrate import quad

    y = noisy()[:12]
    sample = Sample(np.arange(12.0), y, np.linspace(0.5, 2.0, 12), 1.2)
    loss = sample.loss(np.full(12, 15.0))

    def rho(r: float) -> float:
        return r * r if abs(r) <= 1.2 else 2.4 * abs(r) - 1.44

    def minus(sigma: float) -> float:
        total = loss / sigma**2
        for w in sample.weight.tolist():
            area = 2 * quad(lambda r, w=w: np.exp(-w * rho(r) / (2 * sigma**2)), 0, np.inf)[0]
            total += 2 * np.log(area)
        return float(total)

    scanned = min(minus(s) for s in np.geomspace(0.3, 10.0, 400))
    found = criteria(sample, loss, 1)[1]
    assert found is not None
    assert found - 2 * np.log(12) == pytest.approx(scanned, abs=1e-3)
    assert found - 2 * np.log(12) <= scanned + 1e-9


@pytest.mark.parametrize("huber", ["null", "1.0"])
def test_weight_two_is_a_point_twice(huber: str) -> None:
    y, twice = noisy(), [3, 10, 24]
    weight = np.ones(len(X))
    weight[twice] = 2.0
    rest = f"wind: 1, asymptote: 40, knots: [9, 20, 31], huber: {huber}"
    by_weight = solved(f"{given(X, y, weight)}, {rest}")
    repeated = solved(f"{given(np.append(X, X[twice]), np.append(y, y[twice]))}, {rest}")
    for name in ("loss", "rmse"):
        one, two = ({row["form"]: row[name] for row in result.tables["forms"]}
                    for result in (by_weight, repeated))  # fmt: skip
        assert two == pytest.approx(one, rel=1e-6)
    assert any("3 of 28 points repeat a quantity" in note for note in repeated.notes)
    # And in the fit itself.
    threshold = np.inf if huber == "null" else 1.0
    order = np.argsort(np.append(X, X[twice]), kind="stable")
    both = Sample(np.append(X, X[twice])[order], np.append(y, y[twice])[order],
                  np.ones(28), threshold)  # fmt: skip
    for form in (ASYMPTOTIC, EXPONENTIAL, POWER):
        assert fit_sample(form, both).objective == pytest.approx(
            fit_sample(form, Sample(X, y, weight, threshold)).objective, rel=1e-9
        )


def test_order_does_not_matter() -> None:
    order = np.random.default_rng(2).permutation(len(X))
    mixed = solved(f"{given(X[order], noisy()[order])}, forms: [exponential, isotonic]")
    sorted_ = solved(f"{given(X, noisy())}, forms: [exponential, isotonic]")
    assert mixed.tables["points"] == sorted_.tables["points"]
    assert any("were sorted" in note for note in mixed.notes)


def test_a_form_is_added_in_a_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the docstring of curves.py says; fitted, examined, compared and drawn like the others."""
    monkeypatch.setitem(
        FORMS,
        "logarithmic",
        lambda setting: CurveForm(
            name="logarithmic",
            formula="c0 + c1 log(1 + c2 q)",
            linear=("c0", "c1"),
            nonlinear=("c2",),
            bounds={"c1": (0.0, np.inf), "c2": (0.0, np.inf)},
            basis=lambda q, theta: stacked(1.0, np.log1p(theta[..., :1] * q)),
            curve=lambda q, p: p[0] + p[1] * np.log(1 + p[2] * q),
            grid=lambda q, y: (np.geomspace(1e-3, 1e3, 40) / q[-1],),
        ),
    )
    y = -3 + 7 * np.log1p(0.4 * X) + 0.05 * np.random.default_rng(3).normal(size=len(X))
    result = solved(given(X, y))
    assert result.values["best"] == "logarithmic"
    assert result.values["logarithmic_c2"] == pytest.approx(0.4, rel=0.2)
    assert result.verdict.text == "verified by certificate: local optimum"
    drawn = parse_case("model: supply/curve-fit\n").model.draw([result])["curves"]
    assert b"logarithmic" in drawn


def test_the_scale_of_quantities_does_not_matter() -> None:
    """GW or kW: the same losses, for a curve's grid and scan go by the points."""
    y = noisy()
    gw = solved(f"{given(X, y)}, wind: 1, asymptote: 40")
    kw = solved(f"{given(X * 1e6, y)}, wind: 1.0e+6, asymptote: 40.0e+6")
    for one, other in zip(gw.tables["forms"], kw.tables["forms"], strict=True):
        assert one["form"] == other["form"]
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-6)
    assert kw.verdict.status == "verified"


def test_the_nearest_q_exponential_to_falling_prices_is_constant() -> None:
    result = solved(f"{given(X, 100 - X)}, forms: [q-exponential]")
    assert result.verdict.text == "verified by certificate: local optimum"
    assert result.values["q_exponential_q"] is None
    assert result.values["q_exponential_anchor_price"] == pytest.approx(float(np.mean(100 - X)))
    assert any("anchor_rate is on its bound 0" in note for note in result.notes)
