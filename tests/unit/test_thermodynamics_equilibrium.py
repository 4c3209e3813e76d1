"""The equilibrium of systems in contact: closed forms, solvers, multipliers, identities."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq, minimize

from optimodels.case import load_case, parse_case
from optimodels.cli import main
from optimodels.errors import CaseError
from optimodels.families.thermodynamics import (
    binary_entropy,
    mobile_quadratic,
    pictures,
    quadratic_entropy,
)
from optimodels.families.thermodynamics.counting import log_degeneracy
from optimodels.families.thermodynamics.data import Contact
from optimodels.families.thermodynamics.exact import (
    BINARY,
    LAWS,
    QUADRATIC,
    dual_bound,
    equilibrium,
)
from optimodels.families.thermodynamics.parameters import ContactEquilibrium
from optimodels.model import ExactAnswer, Solve
from optimodels.naming import Names
from optimodels.result import Result
from optimodels.solvers import able_solvers, open_problem
from optimodels.study import solve

MODEL = "thermodynamics/contact-equilibrium"
VARIANTS = [
    f"entropy: {entropy}, mobile: {mobile}, mixing: {mixing}"
    for entropy in ("quadratic", "exact")
    for mobile, mixing in (("false", "true"), ("true", "true"), ("true", "false"))
]


def solved(text: str = "", solver: str = "exact") -> Result:
    return solve(parse_case(f"model: {MODEL}\nparameters: {{{text}}}\nsolver: {solver}\n"))


def contact(
    total: float = -20.0, mobile: bool = False, mixing: bool = False, **more: Any
) -> Contact:
    given = {"machines": [600.0, 400.0, 50.0], "unit_value": [0.1, 0.05, 0.3], **more}
    arrays = {name: np.array(value) for name, value in given.items()}
    return Contact(**arrays, total_value=total, mobile=mobile, mixing=mixing, entropy="exact")


def pairs() -> list[Any]:
    found = []
    for variant in VARIANTS:
        case = parse_case(f"model: {MODEL}\nparameters: {{{variant}}}\n")
        stage = case.model.load_program(case.parameters).stages[0]
        assert isinstance(stage, Solve)
        found += [
            pytest.param(
                variant, f"{{name: {s.name}, via: {s.via}}}", id=f"{variant}-{s.name}-{s.via}"
            )
            for s in able_solvers(stage.formulation)
        ]
    return found


@pytest.mark.parametrize(("variant", "solver"), pairs())
def test_every_capable_solver_finds_the_closed_form(variant: str, solver: str) -> None:
    ours, exact = solved(variant, solver), solved(variant)
    assert (ours.verdict.status, exact.verdict.status) == ("verified", "verified")
    # N nats per unit of an entropy's cone, each within 1e-6.
    assert ours.objective == pytest.approx(exact.objective, abs=1e-3)
    assert ours.values["activity"] == pytest.approx(exact.values["activity"], rel=1e-3)
    for row, best in zip(ours.tables["systems"], exact.tables["systems"], strict=True):
        assert row["value"] == pytest.approx(best["value"], abs=0.02)


def test_both_kinds_of_solver_take_the_quadratic_entropy() -> None:
    able = able_solvers(quadratic_entropy.FORMULATION)
    assert {"pyomo", "cvxpy"} <= {s.via for s in able}
    assert {"highs", "clarabel", "scs", "ecos", "osqp"} <= {s.name for s in able}


def test_closed_form_of_paper() -> None:
    """Equal unit values: m_1/N_1 = m_2/N_2 (5); others: U_i in proportion to a_i N_i."""
    even = solved("unit_value: [0.1, 0.1], machines: [700, 300]", "highs").tables["systems"]
    assert even[0]["excess"] / 700 == pytest.approx(even[1]["excess"] / 300)
    rows = solved(solver="pyomo:highs").tables["systems"]
    for row in rows:
        assert row["value"] == pytest.approx(row["value_closed_form"], rel=1e-6)
        a = row["unit_value"] ** 2
        # (17), and (18) in both of its forms.
        assert 1 / row["activity"] == pytest.approx(-row["value"] / (a * row["machines"]))
        assert row["potential_value"] == pytest.approx(-a / (2 * row["activity"]), rel=1e-6)
        assert row["potential_value"] == pytest.approx(row["value"] / (2 * row["machines"]))


@pytest.mark.parametrize("law", [QUADRATIC, BINARY], ids=lambda law: law.name)
@pytest.mark.parametrize("total", [-0.001, -20.0, 60.0, -94.9, 0.0])
def test_roots_are_proved_by_duality(law: Any, total: float) -> None:
    """No other multiplier gives a smaller bound, and the best one meets the entropy."""
    for mobile, mixing in ((False, False), (True, True), (True, False)):
        system = contact(total, mobile, mixing)
        best = equilibrium(system, law)
        beta = best.inverse_activity
        bound = dual_bound(system, law, beta)
        assert bound == pytest.approx(-best.lost, rel=1e-9, abs=1e-10)
        for other in (0.9 * beta - 0.01, 1.1 * beta + 0.01):
            assert dual_bound(system, law, other) >= bound - 1e-9


@pytest.mark.parametrize("law", [QUADRATIC, BINARY], ids=lambda law: law.name)
@pytest.mark.parametrize("total", [-0.001, -20.0, 60.0, -94.9, 0.0])
def test_roots_meet_the_constraints(law: Any, total: float) -> None:
    for mobile, mixing in ((False, False), (True, True), (True, False)):
        system = contact(total, mobile, mixing)
        found = equilibrium(system, law)
        assert found.value.sum() == pytest.approx(total, rel=1e-9, abs=1e-12)
        assert found.machines.sum() == pytest.approx(1050)
        assert np.all(np.abs(found.value) <= found.machines * system.unit_value * (1 + 1e-12))
        assert math.copysign(1, found.inverse_activity) == -math.copysign(1, total) or not total


@pytest.mark.parametrize("law", [QUADRATIC, BINARY], ids=lambda law: law.name)
@pytest.mark.parametrize(("mobile", "mixing"), [(False, False), (True, True)])
def test_multipliers_are_derivatives_of_the_entropy(law: Any, mobile: bool, mixing: bool) -> None:
    """1/tau = (d sigma / dU)_N, -mu/tau = (d sigma / dN)_U, by differences of optima."""
    step = 1e-4

    def entropy(total: float, machines: list[float]) -> float:
        system = contact(total, mobile, mixing, machines=machines)
        states = 6 if mixing else 2
        return float(sum(machines)) * math.log(states) - equilibrium(system, law).lost

    n = [600.0, 400.0, 50.0]
    best = equilibrium(contact(-20.0, mobile, mixing), law)
    slope = (entropy(-20 + step, n) - entropy(-20 - step, n)) / (2 * step)
    assert best.inverse_activity == pytest.approx(slope, rel=1e-6)
    more, less = [600 + step, *n[1:]], [600 - step, *n[1:]]
    slope = (entropy(-20, more) - entropy(-20, less)) / (2 * step)
    gain = best.potential if mobile else float(law.phi(np.array(0.1 * best.inverse_activity)))
    assert gain == pytest.approx(slope - math.log(6 if mixing else 2), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("law", [QUADRATIC, BINARY], ids=lambda law: law.name)
def test_no_other_split_has_more_entropy(law: Any) -> None:
    """A second search, by SciPy, over the splits themselves."""
    system = contact(-40.0)
    most = system.machines * system.unit_value

    def lost(x: Any) -> float:
        u = np.append(x, -40.0 - x.sum())
        if np.any(np.abs(u) > most):
            return 1e6
        return float(system.machines @ law.deficit(u / most))

    found = minimize(lost, [-20.0, -10.0], method="Nelder-Mead",
                     options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000})  # fmt: skip
    best = equilibrium(system, law)
    assert best.lost == pytest.approx(found.fun, rel=1e-8)
    np.testing.assert_allclose(best.value[:2], found.x, rtol=1e-4)


def test_binary_optimum_is_the_most_probable_configuration_counted() -> None:
    """The largest product of whole-numbered degeneracies of two small systems lies beside it."""
    n, excess = (40, 60), 50
    best = max(
        range(-40, 41, 2),
        key=lambda k: (
            math.comb(40, (40 + k) // 2)
            * (math.comb(60, (60 + excess - k) // 2) if abs(excess - k) <= 60 else 0)
        ),
    )
    system = contact(-50.0, machines=[40.0, 60.0], unit_value=[1.0, 1.0])
    assert abs(-equilibrium(system, BINARY).value[0] - best) <= 2
    assert best == pytest.approx(excess * n[0] / sum(n), abs=2)


def test_entropies_agree_near_zero_and_not_far_out() -> None:
    near, far = solved("total_value: -1"), solved("total_value: -70")
    assert near.values["activity_quadratic"] == pytest.approx(
        near.values["activity_exact"], rel=1e-3
    )
    assert far.values["activity_quadratic"] > 1.2 * far.values["activity_exact"]
    row = near.tables["entropies"][0]
    # The Gaussian's x^2 / 2 is short of the binary entropy by x^4 / 12, with x = 1/70.
    assert row["lost_exact"] == pytest.approx(row["lost_quadratic"], rel=1e-4)
    m = near.tables["systems"][0]["excess"] / 2
    counted = float(log_degeneracy(600, 0) - log_degeneracy(600, m))
    assert row["lost_counted"] == pytest.approx(counted, rel=1e-6)


def test_a_full_system_is_said_and_the_rest_goes_on() -> None:
    """U a_i N_i / sum(a N) would give the third system more than it holds."""
    result = solved(
        "machines: [600, 400, 50], unit_value: [0.1, 0.05, 0.3], total_value: -60", "highs"
    )
    rows = result.tables["systems"]
    assert rows[2]["value"] == pytest.approx(-15, rel=1e-6)
    one = contact(-60.0)
    assert one.total_value * one.weight[2] / one.weight.sum() < -15
    assert rows[0]["value"] / rows[1]["value"] == pytest.approx(6, rel=1e-5)
    assert result.verdict.status == "verified"
    assert any("full: system 3" in note for note in result.notes)


@pytest.mark.parametrize("entropy", ["quadratic", "exact"])
def test_without_mixing_machines_go_to_one_corner(entropy: str) -> None:
    text = f"entropy: {entropy}, mobile: true, mixing: false"
    for solver in ("exact", "clarabel"):
        result = solved(text, solver)
        assert result.verdict.status == "verified"
        assert result.tables["systems"][0]["machines"] == pytest.approx(1000, abs=0.1)
        assert result.tables["systems"][1]["activity"] is None
        assert any("no interior optimum" in note for note in result.notes)
    # Equal unit values leave it open, and the notes are silent.
    even = solved(f"{text}, unit_value: [0.1, 0.1]")
    assert not any("no interior optimum" in note for note in even.notes)


@pytest.mark.parametrize("entropy", ["quadratic", "exact"])
def test_with_mixing_machines_settle_inside(entropy: str) -> None:
    """mu_1 = mu_2 and tau_1 = tau_2 with machines in every system; (16) by its multiplier."""
    result = solved(f"entropy: {entropy}, mobile: true", "clarabel")
    first, second = result.tables["systems"]
    tau = result.values["activity"]
    assert first["activity"] == pytest.approx(tau, rel=1e-3)
    assert second["activity"] == pytest.approx(tau, rel=1e-3)
    assert first["potential_value"] == pytest.approx(second["potential_value"], rel=1e-2)
    gain = {i: float(LAWS[entropy].phi(np.array(e / tau))) for i, e in ((0, 0.1), (1, 0.05))}
    ratio = first["machines"] / second["machines"]
    assert ratio == pytest.approx(math.exp(gain[0] - gain[1]), rel=1e-3)
    ours, closed = (result.tables["multipliers"][1][k] for k in ("solver", "closed_form"))
    assert ours == pytest.approx(closed, rel=1e-3)


def test_multipliers_of_immobile_machines_are_their_potentials() -> None:
    rows = solved("entropy: exact", "clarabel").tables["multipliers"]
    assert [row["multiplier"] for row in rows][1:] == [
        "(mu - mu(0))/tau of system 1", "(mu - mu(0))/tau of system 2",
    ]  # fmt: skip
    for row in rows:
        assert row["solver"] == pytest.approx(row["closed_form"], rel=1e-3)


def test_value_flows_from_greater_to_smaller_activity() -> None:
    """000, section 3.3: (dU/dtau)_N > 0; entropy grows as value leaves the more active system."""
    activities = [solved(f"total_value: {u}").values["activity"] for u in (-40, -20, -10)]
    # U = -sum(aN)/tau: less negative with a greater activity.
    assert activities == sorted(activities)
    assert activities[0] == pytest.approx(7 / 40)


def test_zero_and_positive_totals() -> None:
    for variant in VARIANTS:
        zero = solved(f"total_value: 0, {variant}")
        assert zero.verdict.status == "verified"
        assert (zero.values["activity"], zero.values["inverse_activity"]) == (None, 0)
        assert any("infinite" in note for note in zero.notes)
    assert solved("total_value: 0", "clarabel").values["activity"] is None
    more = solved("total_value: 20", "highs")
    assert more.values["activity"] == pytest.approx(-0.35, rel=1e-6)
    assert any("negative" in note for note in more.notes)


@pytest.mark.parametrize("total", [-1e6, -1e3])
@pytest.mark.parametrize("variant", VARIANTS)
def test_national_scale_by_the_closed_form(total: float, variant: str) -> None:
    text = f"machines: [200000000, 100000000], total_value: {total}, {variant}"
    if total == -1e3 and variant == "entropy: exact, mobile: true, mixing: false":
        with pytest.raises(CaseError, match="exact cannot be told from quadratic"):
            solved(text)
    else:
        assert solved(text).verdict.status == "verified"


@pytest.mark.parametrize("solver", ["highs", "clarabel", "osqp", "pyomo:highs"])
@pytest.mark.parametrize("total", ["-1.0e+6", "-1.0e+3", "1.0e-3"])
def test_national_scale_by_solvers(solver: str, total: str) -> None:
    text = f"machines: [200000000, 100000000], total_value: {total}"
    result = solved(text, solver)
    assert result.verdict.status == "verified"
    first = result.tables["systems"][0]
    spread = math.sqrt(2.25e6)
    assert first["value"] == pytest.approx(first["value_closed_form"], rel=1e-4, abs=1e-4 * spread)


@pytest.mark.parametrize(("machines", "total"), [(10**8, -500.0), (10**6, -50.0), (10**3, -2.0)])
def test_value_moved_in_the_slack_of_the_cones_is_refuted(
    machines: int, total: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of N nats let a solver claim an entropy that its split does not have."""
    honest = binary_entropy.FIXED.exact
    assert honest is not None

    def liar(system: Contact) -> Any:
        told = honest(system)
        values = {name: np.array(value) for name, value in (told.values or {}).items()}
        moved = 0.5 * np.sqrt(system.weight[0]) * np.array([-1.0, 1.0])
        part = moved / system.unit_value / system.total_machines / 2
        values["buyers"], values["sellers"] = values["buyers"] + part, values["sellers"] - part
        return ExactAnswer(values, told.objective, told.bound, told.duals)

    monkeypatch.setattr(binary_entropy, "FIXED", replace(binary_entropy.FIXED, exact=liar))
    text = f"machines: [{machines}, {machines}], unit_value: [0.1, 0.05], entropy: exact"
    result = solved(f"{text}, total_value: {total}")
    assert result.verdict.status == "refuted", result.verdict


@pytest.mark.parametrize("mobile", ["false", "true"])
@pytest.mark.parametrize("total", [-20.0, -0.2, -0.002, -0.00002])
def test_activities_hold_or_are_not_shown(total: float, mobile: str) -> None:
    """Near the peak the entropy is flat, and a solver's split says next to nothing."""
    text = f"machines: [600, 400], unit_value: [0.1, 0.05], entropy: exact, mobile: {mobile}"
    result = solved(f"{text}, total_value: {total}", "clarabel")
    assert result.verdict.status == "verified"
    right = result.values["activity_exact"]
    shown = [result.values["activity"], *(row["activity"] for row in result.tables["systems"])]
    assert all(one is None or one == pytest.approx(right, rel=2e-3) for one in shown)
    assert shown[0] is not None
    assert (None in shown[1:]) is any("flat" in note for note in result.notes)


@pytest.mark.parametrize("deviations", [-0.02, -0.1, -1.0, -100.0])
def test_mobile_machines_of_a_nation(deviations: float) -> None:
    """Entropies next to nothing of 6e8 machines: mixing is told by log1p, as mpmath has it."""
    from mpmath import mp, mpf

    machines, values = [3 * 10**8, 10**8, 2 * 10**8], [0.1, 0.2, 0.05]
    total = deviations * math.sqrt(sum(n * e * e for n, e in zip(machines, values, strict=True)))
    result = solved(
        f"machines: {machines}, unit_value: {values}, total_value: {total!r}, mobile: true"
    )
    assert result.verdict.status == "verified", result.verdict
    with mp.workdps(40):
        e, n = [mpf(v) for v in values], mpf(sum(machines))

        def held(beta: Any) -> Any:
            weight = [mp.exp((v * beta) ** 2 / 2) for v in e]
            return n * sum(w * v * v * beta for w, v in zip(weight, e, strict=True)) / sum(weight)

        beta = mp.findroot(
            lambda b: held(b) + mpf(total), -mpf(total) * 3 / (n * sum(v * v for v in e))
        )
        mean = sum(mp.exp((v * beta) ** 2 / 2) for v in e) / 3
        lost = -(mpf(total) * beta + n * mp.log(mean))
        assert result.values["entropy_lost_quadratic"] == pytest.approx(float(lost), rel=1e-9)
        random = mp.sqrt(n * sum(v * v for v in e) / 3)
    assert result.values["standard_deviations"] == pytest.approx(total / float(random), rel=1e-12)


def test_a_wrong_closed_form_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A solver's optimum of a problem with one percent more machines is refuted."""
    from optimodels.families.thermodynamics import equilibrium_checks

    def wrong(system: Contact, law: Any) -> Any:
        return equilibrium(
            contact(-20.2, machines=system.machines, unit_value=system.unit_value), law
        )

    monkeypatch.setattr(equilibrium_checks, "equilibrium", wrong)
    result = solved(solver="highs")
    assert result.verdict.status == "refuted"
    assert "closed form" in result.verdict.text


def test_two_transcriptions_are_one_problem() -> None:
    system = contact(-40.0)
    one, two = (
        open_problem(quadratic_entropy.FORMULATION, system, v).form for v in ("pyomo", "cvxpy")
    )
    assert one.columns[0] == two.columns[0]
    assert one.sense == two.sense == "max"
    x = np.array([-0.3, -0.2, -0.5])
    # CVXPY names the inside of the squares as well.
    for form in (one, two):
        whole = np.concatenate([x, np.tile(x, len(form.linear) // 3 - 1)])
        assert form.objective(whole) == pytest.approx(
            -float((system.units * x) ** 2 @ (1 / (2 * system.weight)))
        )
        assert form.rows.toarray()[0, :3] @ x * 40 == pytest.approx(float(system.units @ x))
    assert one.row_lower[0] == one.row_upper[0] == pytest.approx(-1)


def test_systems_of_very_different_sizes() -> None:
    """Three hundred systems whose a_i N_i range over seven orders of magnitude."""
    rng = np.random.default_rng(1)
    machines = np.rint(10 ** rng.uniform(0, 6, 300)).astype(int).tolist()
    values = rng.uniform(0.01, 2, 300).round(3).tolist()
    total = -0.05 * float(np.dot(machines, values))
    text = f"machines: {machines}, unit_value: {values}, total_value: {total}"
    for solver in ("highs", "clarabel", "osqp"):
        result = solved(text, solver)
        assert result.verdict.status == "verified", (solver, result.verdict)


@pytest.mark.parametrize(
    ("formulation", "mobile", "mixing"),
    [
        (quadratic_entropy.FORMULATION, False, False),
        (binary_entropy.FIXED, False, False),
        (binary_entropy.MOBILE, True, True),
        (mobile_quadratic.FORMULATION, True, True),
        (mobile_quadratic.FORMULATION, True, False),
    ],
)
def test_names_fit_every_formulation(formulation: Any, mobile: bool, mixing: bool) -> None:
    form = open_problem(formulation, contact(-20.0, mobile, mixing), "cvxpy").form
    names = Names(formulation.axes, {"system": [1, 2, 3]})
    for block in form.columns:
        assert names.column(form, block.start) == f"{block.name}[system 1]"
    for block in form.row_blocks:
        assert block.name in formulation.axes
        assert len(formulation.axes[block.name]) == len(block.shape)


def test_program_depends_on_the_parameters() -> None:
    model = parse_case(f"model: {MODEL}\n").model
    default = model.load_program().stages[0]
    exact = model.load_program(ContactEquilibrium(entropy="exact")).stages[0]
    assert isinstance(default, Solve)
    assert isinstance(exact, Solve)
    assert (default.formulation.name, exact.formulation.name) == (
        "quadratic-entropy", "binary-entropy",
    )  # fmt: skip


def test_a_solver_that_cannot_take_the_entropy_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "case.yaml"
    file.write_text(f"model: {MODEL}\nparameters: {{entropy: exact}}\nsolver: highs\n")
    assert main(["solve", str(file)]) == 2
    assert "highs cannot take a problem of class EXP" in capsys.readouterr().err


@pytest.mark.parametrize("variant", VARIANTS)
def test_explanation_fits_a_terminal(
    variant: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "case.yaml"
    file.write_text(f"model: {MODEL}\nparameters: {{{variant}}}\nsolver: clarabel\n")
    assert main(["explain", str(file)]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    assert "sigma" in said
    assert "total_value" in said


def test_pictures_of_splits_and_shares(cases: Path) -> None:
    folder = cases / "thermodynamics"
    split = solve(load_case(folder / "equilibrium-quadratic.yaml"))
    assert b"most probable split" in pictures.contact_equilibrium([split])["split"]
    mobile = solve(load_case(folder / "equilibrium-mobile.yaml"))
    assert b"Where the machines are" in pictures.contact_equilibrium([mobile])["systems"]
    assert pictures.contact_equilibrium([split, split]) == {}


def test_a_system_that_all_machines_leave_holds_nothing(cases: Path) -> None:
    result = solve(load_case(cases / "thermodynamics/equilibrium-mobile-corner.yaml"))
    assert result.verdict.status == "verified"
    for row in result.tables["systems"][:2]:
        assert [row[name] for name in ("machines", "value", "excess", "entropy")] == [0, 0, 0, 0]


@pytest.mark.parametrize("mobile", [False, True])
@pytest.mark.parametrize("asked", ["quadratic", "exact"])
def test_both_entropies_are_reported_beside_each_other(asked: str, mobile: bool) -> None:
    """x_i = U_i / (N_i e_i) is -e_i / tau or its tanh, and mobile machines are in proportion to
    exp(x_i^2 / 2) or cosh(e_i / tau); tau by a root of our own, what is lost by a sum."""
    n, e, total = np.array([500.0, 300.0, 200.0]), np.array([0.05, 0.10, 0.15]), -20.0
    result = solved(
        f"machines: [500, 300, 200], unit_value: [0.05, 0.1, 0.15], total_value: {total}, "
        f"mobile: {str(mobile).lower()}, entropy: {asked}"
    )
    assert result.verdict.status == "verified"
    values = result.values
    most = n.sum() * (math.log(2) + (math.log(3) if mobile else 0))
    for law in ("quadratic", "exact"):

        def split(beta: float, law: str = law) -> tuple[Any, Any]:
            x = -(e * beta if law == "quadratic" else np.tanh(e * beta))
            weight = np.exp((e * beta) ** 2 / 2) if law == "quadratic" else np.cosh(e * beta)
            return x, n.sum() * weight / weight.sum() if mobile else n

        def surplus(beta: float, split: Any = split) -> float:
            x, here = split(beta)
            return float((here * e) @ x) - total

        beta = brentq(surplus, 1e-6, 10.0, xtol=1e-15, rtol=1e-14)
        x, here = split(beta)
        up, down = (1 + x) / 2, (1 - x) / 2
        binary = math.log(2) + up * np.log(up) + down * np.log(down)
        lost = here @ (x**2 / 2 if law == "quadratic" else binary)
        if mobile:
            lost += here @ np.log(3 * here / n.sum())
        assert values[f"activity_{law}"] == pytest.approx(1 / beta, rel=1e-9)
        assert values[f"entropy_lost_{law}"] == pytest.approx(lost, rel=1e-9)
        for row, u, k in zip(result.tables["entropies"], here * e * x, here, strict=True):
            assert row[f"value_{law}"] == pytest.approx(u, rel=1e-9)
            if mobile:
                assert row[f"machines_{law}"] == pytest.approx(k, rel=1e-9)
            else:
                assert f"machines_{law}" not in row
        if law == asked:
            assert values["activity"] == pytest.approx(1 / beta, rel=1e-6)
            assert values["entropy_lost"] == pytest.approx(lost, rel=1e-6)
            assert values["entropy"] == pytest.approx(most - lost, rel=1e-9)
