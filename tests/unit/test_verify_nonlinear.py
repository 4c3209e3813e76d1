"""Nonlinear parts: derivatives against mpmath, optima against closed forms, no false proof."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pyomo.environ as pyo
import pytest

from optimodels.expression import FUNCTIONS, Tape
from optimodels.form import Form
from optimodels.result import Claim
from optimodels.solvers.pyomo_language import PyomoProblem
from optimodels.verify import judge
from optimodels.verify.testimony import Testimony


def form_of(build: Callable[[Any], None], n: int, **var: Any) -> Form:
    def state() -> pyo.ConcreteModel:
        m = pyo.ConcreteModel()
        m.x = pyo.Var(range(n), **var)
        build(m)
        return m

    return PyomoProblem(state).form


def optimal(form: Form, *x: float) -> Claim:
    at = np.array(x, dtype=float)
    return Claim("optimal", "optimal", "", at, form.objective(at))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_derivatives_of_every_function(name: str) -> None:
    tape = Tape()
    found = tape.expression(tape.add(name, [tape.add("column", value=0)]))
    at = 0.3
    function = getattr(mpmath, name)
    with mpmath.workdps(40):
        slope, bend = (float(mpmath.diff(function, mpmath.mpf("0.3"), k)) for k in (1, 2))
    x = np.array([at])
    assert found.value(x) == pytest.approx(float(function(at)), rel=1e-14)
    assert found.gradient(x)[0] == pytest.approx(slope, rel=1e-13)
    assert found.hessian(x)[0, 0] == pytest.approx(bend, rel=1e-12)


def test_gradient_and_hessian_of_a_mixed_expression() -> None:
    """(x^y + exp(x y) / z) log(z) - 3 sqrt(x) z^2, by hand in mpmath."""

    def expression(x: Any, y: Any, z: Any, m: Any) -> Any:
        return (x**y + m.exp(x * y) / z) * m.log(z) - 3 * m.sqrt(x) * z**2

    form = form_of(
        lambda m: setattr(m, "o", pyo.Objective(expr=expression(*(m.x[k] for k in range(3)), pyo))),
        3,
    )
    assert form.expression is not None
    at = (1.3, 0.7, 2.1)
    x = np.array(at)
    with mpmath.workdps(40):

        def there(*v: Any) -> Any:
            return expression(*v, mpmath)

        value = float(there(*map(mpmath.mpf, at)))
        unit = np.eye(3, dtype=int)
        slopes = [float(mpmath.diff(there, at, tuple(map(int, unit[k])))) for k in range(3)]
        bends = [
            [float(mpmath.diff(there, at, tuple(map(int, unit[j] + unit[k])))) for k in range(3)]
            for j in range(3)
        ]
    assert form.objective(x) == pytest.approx(value, rel=1e-13)
    assert form.expression.gradient(x) + form.linear == pytest.approx(np.array(slopes), rel=1e-10)
    assert form.expression.hessian(x) == pytest.approx(np.array(bends), rel=1e-8, abs=1e-10)


def entropy(m: Any) -> None:
    """min sum x log x, sum x = 1: all equal, -log n."""
    m.total = pyo.Constraint(expr=sum(m.x[k] for k in m.x) == 1)
    m.o = pyo.Objective(expr=sum(m.x[k] * pyo.log(m.x[k]) for k in m.x))


def test_stationary_point_is_a_verified_local_optimum() -> None:
    form = form_of(entropy, 4, bounds=(1e-6, 1))
    found = judge(form, optimal(form, 0.25, 0.25, 0.25, 0.25))
    assert found.verdict.text == "verified by certificate: local optimum"
    assert form.objective(np.full(4, 0.25)) == pytest.approx(-math.log(4))
    # d optimum / d total at 1: log(1/4) + 1, from s log(s/4).
    assert found.row_multipliers == pytest.approx([math.log(0.25) + 1], abs=1e-6)


def test_point_that_is_not_stationary_is_refuted() -> None:
    form = form_of(entropy, 4, bounds=(1e-6, 1))
    found = judge(form, optimal(form, 0.3, 0.25, 0.25, 0.2))
    assert found.verdict.status == "refuted"
    assert "a feasible point reaches -1.3" in found.verdict.reason


@pytest.mark.parametrize("sense", [pyo.minimize, pyo.maximize])
def test_saddle_and_wrong_extremum_are_never_verified(sense: Any) -> None:
    """cos x on [-4, 4] at 0 is a maximum: no minimum; x^4 - y^4... at 0 neither."""
    form = form_of(
        lambda m: setattr(m, "o", pyo.Objective(expr=pyo.cos(m.x[0]), sense=sense)), 1,
        bounds=(-4, 4),
    )  # fmt: skip
    found = judge(form, optimal(form, 0.0)).verdict
    assert found.status == ("verified" if sense == pyo.maximize else "refuted"), found
    saddle = form_of(
        lambda m: setattr(m, "o", pyo.Objective(
            expr=pyo.sin(m.x[0]) ** 2 - pyo.sin(m.x[1]) ** 2, sense=sense)), 2, bounds=(-1, 1),
    )  # fmt: skip
    assert judge(saddle, optimal(saddle, 0.0, 0.0)).verdict.status == "refuted"


def curved_row(m: Any) -> None:
    """min x + 2 y, log x + sqrt y >= 3/2: Lagrange gives x = p, sqrt y = p / 4, for the price p."""
    m.c = pyo.Constraint(expr=pyo.log(m.x[0]) + pyo.sqrt(m.x[1]) >= 1.5)
    m.o = pyo.Objective(expr=m.x[0] + 2 * m.x[1])


def test_nonlinear_row_its_price_and_its_violation() -> None:
    form = form_of(curved_row, 2, bounds=(0.1, 5))
    with mpmath.workdps(30):
        price = float(mpmath.findroot(lambda p: mpmath.log(p) + p / 4 - 1.5, 2.4))
    x = (price, price**2 / 16)
    found = judge(form, optimal(form, *x))
    assert found.verdict.text == "verified by certificate: local optimum"
    assert found.row_multipliers == pytest.approx([price], rel=1e-6)
    outside = judge(form, optimal(form, price - 0.01, price**2 / 16)).verdict
    assert outside.status == "refuted"
    assert "nonlinear row c is violated" in outside.reason
    wrong = judge(form, Claim("optimal", "optimal", "", np.array(x), 3.0)).verdict
    assert wrong.status == "refuted"
    assert "the objective is" in wrong.reason


def test_outside_the_domain_is_refuted_not_raised() -> None:
    form = form_of(curved_row, 2)
    found = judge(form, Claim("optimal", "optimal", "", np.array([-1.0, 1.0]), 1.0)).verdict
    assert found.status == "refuted"
    assert "not a real number" in found.reason


def quartic(m: Any) -> None:
    """x^4 - 3 x^2 + x: two minima, near -1.3 (global) and 1.13."""
    m.o = pyo.Objective(expr=m.x[0] ** 4 - 3 * m.x[0] ** 2 + m.x[0])


def test_local_optimum_is_not_called_global_and_a_better_point_refutes_it() -> None:
    form = form_of(quartic, 1, bounds=(-3, 3))
    roots = sorted(np.roots([4.0, 0.0, -6.0, 1.0]).real)
    local, best = optimal(form, roots[2]), optimal(form, roots[0])
    alone = judge(form, local)
    assert alone.verdict.text == "verified by certificate: local optimum"
    assert alone.undecided
    said = Testimony("second solver", "another", "optimal", best.objective, None, best.x)
    heard = judge(form, local, [said]).verdict
    assert heard.status == "refuted"
    assert "another found a feasible point" in heard.reason
    # A local method's agreement does not make it global; that of an exact algorithm does.
    same = Testimony("second solver", "another", "optimal", best.objective, None, best.x)
    assert judge(form, best, [same]).verdict.of == "local optimum"
    exact = Testimony("exact", "enumeration", "optimal", best.objective, None, best.x)
    assert judge(form, best, [exact]).verdict.text == "verified by exact: global optimum"


@pytest.mark.parametrize("stopped", ["infeasible", "unbounded"])
def test_other_claims_stay_unverified(stopped: Any) -> None:
    form = form_of(quartic, 1, bounds=(-3, 3))
    assert judge(form, Claim(stopped)).verdict.status == "unverified"


def test_random_smooth_problems_true_optima_pass_and_moved_ones_do_not() -> None:
    """sum w_k cosh(a_k.(x - c)) is convex with its optimum at c whatever the rest."""
    draws = np.random.default_rng(3)
    for _ in range(40):
        n = int(draws.integers(1, 5))
        a, w, c = draws.normal(size=(2 * n, n)), draws.uniform(0.5, 2, 2 * n), draws.normal(size=n)

        def build(m: Any, a: Any = a, w: Any = w, c: Any = c, n: int = n) -> None:
            m.o = pyo.Objective(expr=sum(
                float(w[k]) * pyo.cosh(sum(float(a[k, j]) * (m.x[j] - float(c[j]))
                                           for j in range(n)))
                for k in range(2 * n)))  # fmt: skip

        form = form_of(build, n, bounds=(-10, 10))
        assert judge(form, optimal(form, *c)).verdict.status == "verified"
        moved = c + 0.1 * draws.choice([-1, 1], n)
        assert judge(form, optimal(form, *moved)).verdict.status == "refuted"


def test_fingerprint_tells_expressions_apart() -> None:
    one = form_of(quartic, 1)
    other = form_of(
        lambda m: setattr(m, "o", pyo.Objective(expr=m.x[0] ** 4 - 4 * m.x[0] ** 2 + m.x[0])), 1
    )
    cubic = form_of(
        lambda m: setattr(m, "o", pyo.Objective(expr=m.x[0] ** 3 - 3 * m.x[0] ** 2 + m.x[0])), 1
    )
    assert len({f.fingerprint() for f in (one, other, cubic, form_of(quartic, 1))}) == 3
