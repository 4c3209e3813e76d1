"""Frequency response against closed forms, python-control, mpmath and other integrations."""

from __future__ import annotations

import math
from pathlib import Path

import control
import mpmath
import numpy as np
import pytest
from scipy import linalg

from optimodels.case import load_case, parse_case
from optimodels.families.regulation.physical_parameters import FrequencyResponse
from optimodels.families.regulation.physics import disturbances, simulation, transfer_functions
from optimodels.families.regulation.physics import response as responses
from optimodels.families.regulation.physics.checks import checks
from optimodels.families.regulation.physics.data import Response, read_response
from optimodels.families.regulation.physics.discretisation import step
from optimodels.families.regulation.physics.governors import fleet, friendly_load
from optimodels.families.regulation.physics.modes import modes
from optimodels.families.regulation.physics.response import Simulated, simulate
from optimodels.families.regulation.physics.simulation import Inputs as Given
from optimodels.families.regulation.physics.simulation import linear
from optimodels.families.regulation.physics.system import System, open_loop, state_space
from optimodels.model import Inputs
from optimodels.result import Result
from optimodels.study import solve

_S = control.tf("s")


def run(text: str = "") -> Result:
    return solve(parse_case(f"model: regulation/frequency-response\nparameters: {{{text}}}\n"))


def given(**parameters: object) -> Response:
    return read_response(Inputs(FrequencyResponse(**parameters)))


def simulated(**parameters: object) -> tuple[Response, Simulated]:
    response = given(**parameters)
    return response, simulate(response)


def units(system: System) -> control.TransferFunction:
    """G(s) as the paper's time constants are read, for python-control."""
    g, part = system.governors, system.fleet
    slow = g.temporary_droop / g.permanent_droop * g.reset
    hydro = (1 + g.reset * _S) * (1 - g.water * _S)
    hydro = hydro / ((1 + g.governor * _S) * (1 + slow * _S) * (1 + 0.5 * g.water * _S))
    plain = 1 / ((1 + g.governor * _S) * (1 + g.chest * _S))
    reheat = plain * (1 + g.high_pressure * g.reheat * _S) / (1 + g.reheat * _S)
    return part["hydro"] * hydro + part["reheat"] * reheat + part["nonreheat"] * plain


def loop(system: System) -> control.StateSpace:
    """Both areas as blocks with signals between them: power lost in either to what follows."""
    names = []

    def block(what: control.TransferFunction, source: str, target: str) -> None:
        names.append(control.ss(what, inputs=[source], outputs=[target]))

    g = units(system)
    load = _S / (system.load_time * _S**2 + _S + system.recovery)
    block(1 / (system.inertia * _S), "accelerating", "df")
    signals = []
    for k, share in enumerate(system.shares):
        block(-system.droop_gain * share * g, "df", f"droop{k}")
        block(system.demand_response / system.droop * share * load, "df", f"friendly{k}")
        names.append(control.ss([], [], [], [[system.damping * share]],
                                inputs=["df"], outputs=[f"damping{k}"]))  # fmt: skip
        whole = system.damping + (1 - system.agc_share) * system.firm / system.droop
        whole += system.demand_response / system.droop
        names.append(control.summing_junction(
            inputs=[f"droop{k}", f"agc{k}", f"-friendly{k}", f"follow{k}", f"-damping{k}",
                    f"-loss{k}"], output=f"exports{k}"))  # fmt: skip
        names.append(control.ss([], [], [], [[whole * share]], inputs=["df"],
                                outputs=[f"bias{k}"]))  # fmt: skip
        names.append(control.summing_junction(inputs=[f"exports{k}", f"bias{k}"],
                                              output=f"ace{k}"))  # fmt: skip
        slow = -system.agc_gain / (_S * (1 + system.ace_filter * _S)) * g
        block(slow, f"ace{k}", f"agc{k}")
        block(-system.demand_share / (1 + system.load_time * _S), f"ace{k}", f"follow{k}")
        signals.append(f"exports{k}")
    names.append(control.summing_junction(inputs=signals, output="accelerating"))
    return control.interconnect(names, inputs=["loss0", "loss1"],
                                outputs=["df", "exports0", "agc0", "ace0"])  # fmt: skip


@pytest.mark.parametrize("follows", [0.0, 0.3])
def test_both_areas_are_those_of_control(follows: float) -> None:
    """Losses in both areas, one on a ramp, simulated by an interconnection of blocks."""
    lost = [
        {"shape": "step", "size": 0.01, "area": "rest", "start": 1.0},
        {"shape": "ramp", "size": 0.002, "rise": 20.0, "area": "study"},
    ]
    response, found = simulated(
        demand_follows=follows, duration=120.0, time_step=0.5, disturbance=lost
    )
    # Held from one fine step to the next; straight in control's own simulation.
    t = np.linspace(0, 120, 241)
    ramp = 0.002 * np.minimum(t / 20, 1)
    theirs = control.forced_response(loop(response.system), T=t, U=np.vstack([ramp, 0 * t]))
    later = control.forced_response(
        loop(response.system), T=t[:-2], U=np.vstack([0 * t[2:], 0.01 + 0 * t[2:]])
    )
    both = theirs.outputs
    both[:, 2:] += later.outputs
    ours = [found.frequency, found.parts["exports"], found.parts["agc"], found.parts["ace"]]
    for mine, other in zip(ours, both, strict=True):
        size = np.abs(other).max()
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-7 * size)


def test_eigenvalues_are_those_of_control() -> None:
    """Each of ours is a pole of the blocks' interconnection, which has a few of its own: a load
    and a fleet on droop for each area."""
    system = given(demand_follows=0.3).system
    theirs = np.asarray(loop(system).A)
    poles, left, right = linalg.eig(theirs, left=True, right=True)
    space = state_space(system)
    ours = modes(space.a, space.names).values
    apart = np.abs(poles[:, None] - ours[None, :])
    nearest = apart.argmin(axis=0)
    # What rounding may move a pole of theirs by at most: those that are there ten times, and those
    # beside them, are known to a root of rounding only.
    condition = 1 / np.abs((left.conj() * right).sum(axis=0))
    moved = np.finfo(float).eps * np.linalg.norm(theirs) * condition[nearest]
    apart = apart.min(axis=0)
    assert (moved < 1e-3).sum() > 20
    assert apart[moved < 1e-3].max() < 1e-8
    assert apart.max() < 1e-3


def test_load_response_to_a_step_has_a_closed_form() -> None:
    """L(s)/s: exp(r_1 t) - exp(r_2 t) over T (r_1 - r_2), r the roots of T r^2 + r + K_L."""
    part = friendly_load(0.2, 0.02)
    t = np.linspace(0, 120, 481)
    x = linear_of(part.a, part.b, t)
    with mpmath.workdps(30):
        r1, r2 = mpmath.polyroots([mpmath.mpf("0.2"), 1, mpmath.mpf("0.02")])
        exact = [(mpmath.e ** (r1 * s) - mpmath.e ** (r2 * s)) / (0.2 * (r1 - r2)) for s in t]
    np.testing.assert_allclose(x @ part.c, [float(abs(e)) for e in exact], rtol=0, atol=1e-12)
    # As the paper asks: at its peak in about a second, there after ten, gone after two minutes.
    y = x @ part.c
    assert 0.5 < t[np.argmax(y)] < 1.5
    assert y[40] > 0.8
    assert y[-1] < 0.1


def linear_of(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The states of x' = A x + b from rest, by one exact step from each time to the next."""
    one = step(a, b[:, None], t[1] - t[0])
    x = np.zeros((len(t), len(a)))
    for k in range(len(t) - 1):
        x[k + 1] = one.phi @ x[k] + one.held[:, 0]
    return x


def test_a_step_is_exact_for_straight_inputs() -> None:
    """A stiff two-state system on a ramp, against fifty digits; any step gives the same."""
    a, b = np.array([[-1.0, 1.0], [0.0, -50.0]]), np.array([[0.0], [1.0]])
    # y_2 = (t - (1 - e^-50t) / 50) / 50.
    for length in (0.001, 0.1, 3.0):
        one = step(a, b, length)
        x = one.rising[:, 0] * length
        expected = (length + math.expm1(-50 * length) / 50) / 50
        assert x[1] == pytest.approx(expected, rel=1e-9)


def test_stacked_steps_are_those_of_each() -> None:
    systems = [given(inertia=m).system for m in (5.0, 10.0)]
    spaces = [state_space(system) for system in systems]
    many = step(np.stack([s.a for s in spaces]), np.stack([s.b for s in spaces]), 0.5)
    for k, space in enumerate(spaces):
        np.testing.assert_allclose(many.phi[k], step(space.a, space.b, 0.5).phi, atol=1e-13)


def test_many_scenarios_at_once_are_those_of_each() -> None:
    response = given(duration=20.0)
    space = state_space(response.system)
    rng = np.random.default_rng(1)
    begin = rng.standard_normal((len(response.grid) - 1, 3, 5))
    whole = linear(space, response.grid, Given(begin, begin))
    for s in range(5):
        one = linear(space, response.grid, Given(begin[..., s], begin[..., s]))
        np.testing.assert_allclose(whole[..., s], one, atol=1e-13 * np.abs(one).max())


def test_unit_gain_and_initial_slope_of_each_unit() -> None:
    """G(0) = 1; hydro first goes the wrong way; the slopes follow from the highest powers."""
    g = given().system.governors
    for kind in ("hydro", "reheat", "nonreheat"):
        one = fleet(g, {kind: 1.0})
        assert one.c @ np.linalg.solve(one.a, one.b) == pytest.approx(-1, rel=1e-13)
    hydro = fleet(g, {"hydro": 1.0})
    slow = g.temporary_droop / g.permanent_droop * g.reset
    first = -g.reset * g.water / (g.governor * slow * 0.5 * g.water)
    assert hydro.c @ hydro.b == pytest.approx(first, rel=1e-13)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3])
def test_integrals_to_the_end_of_time(share: float) -> None:
    """-loss / (K_I sum B); of exports B_1 loss / (K_I sum B): the same for any demand response."""
    values = run(f"demand_response: {share}, duration: 2500, time_step: 5").values
    whole = 1 + 0.8 * 0.85 / 0.05 + share / 0.05
    frequency = -60 * 0.01 / (0.01 * whole)
    assert values["frequency_integral_total"] == pytest.approx(frequency, rel=1e-9)
    assert values["exports_integral_total_percent_s"] == pytest.approx(100, rel=1e-9)
    assert values["frequency_integral_total_closed_form"] == pytest.approx(frequency, rel=1e-12)
    assert values["exports_integral_total_closed_form"] == pytest.approx(100, rel=1e-12)
    # 2500 s are forty time constants of the slowest mode.
    assert values["frequency_integral"] == pytest.approx(frequency, rel=1e-9)
    assert values["exports_integral_percent_s"] == pytest.approx(100, rel=1e-9)


def test_a_loss_at_home_is_made_good_at_home() -> None:
    """The exports' integral then has -loss / K_I as well."""
    values = run("disturbance: {shape: step, size: 0.002, area: study}").values
    expected = 100 / 0.01 * (-0.002 + 0.01 * 0.002) / 0.01
    assert values["exports_integral_total_percent_s"] == pytest.approx(expected, rel=1e-9)
    assert values["exports_integral_total_closed_form"] == pytest.approx(expected, rel=1e-12)


def test_plateau_without_agc() -> None:
    values = run("agc: false, duration: 2000, time_step: 2").values
    # agc: false puts all units on droop.
    expected = 60 * (1 - 0.01 / (1 + 0.85 / 0.05))
    assert values["plateau_hz"] == pytest.approx(expected, rel=1e-12)
    assert values["plateau_hz_closed_form"] == pytest.approx(expected, rel=1e-12)
    assert values["final_hz"] == pytest.approx(expected, rel=1e-10)


def test_first_acceleration_is_loss_over_inertia() -> None:
    _, found = simulated(duration=0.001, time_step=0.0001)
    assert found.frequency[1] == pytest.approx(-0.01 / 10 * 0.0001, rel=1e-4)


@pytest.mark.parametrize("length", [0.05, 0.7, 10.0])
def test_nadir_does_not_depend_on_the_step(length: float) -> None:
    """Found between samples, against the minimum of the residues' sum."""
    result = run(f"time_step: {length}, duration: 100")
    system = given().system
    ratio = transfer_functions.frequency(system)
    expanded = transfer_functions.expand({"frequency": ratio.top}, ratio.bottom)
    assert expanded is not None
    t = result.values["nadir_time_s"] + np.linspace(-0.01, 0.01, 2001)
    modes = expanded.residues[0] / expanded.poles
    y = (modes * np.expm1(np.outer(t, expanded.poles))).sum(axis=1)
    assert result.values["nadir_hz"] == pytest.approx(60 + 0.6 * y.real.min(), abs=1e-8)
    assert any("longer than the shortest" in note for note in result.notes) is (length > 0.2)


def test_a_step_of_any_length_gives_the_same_points() -> None:
    for more in ({}, {"ace_sampling": 4.0, "saturation": 0.01, "demand_follows": 0.3}):
        _, fine = simulated(duration=40.0, time_step=0.1, **more)
        _, coarse = simulated(duration=40.0, time_step=0.5, **more)
        size = np.abs(fine.frequency).max()
        np.testing.assert_allclose(fine.frequency[::5], coarse.frequency, atol=1e-9 * size)


def test_modal_expansion_with_close_poles_steps_aside() -> None:
    """Equal time constants with nothing fed back: the check is by integration then."""
    result = run("loop: open, agc: false, governor_time: 0.3, duration: 20, "
                 "disturbance: {shape: step, size: 0.02, of: frequency}")  # fmt: skip
    assert result.verdict.status == "verified"
    assert any("Dormand-Prince" in check.name for check in result.verdict.checks)


@pytest.mark.parametrize(
    "text",
    [
        "agc: false, ace_filter: 20",
        "fleet: {hydro: 1}",
        "fleet: {nonreheat: 1}, demand_response: 0",
        "ace_sampling: 4, duration: 60, time_step: 0.5",
        "saturation: 0.005, duration: 60, time_step: 0.5",
        "saturation: 0, duration: 20, time_step: 0.5",
        "loop: open, demand_follows: 0.3, duration: 100, saturation: 0.02, time_step: 0.5, "
        "disturbance: [{shape: noise, of: frequency, size: 0.02, every: 4}, "
        "{shape: step, size: 0.001, area: study, start: 10, end: 50}]",
        "disturbance: {shape: noise, size: 0.003, every: 2, correlation: 30}",
        "disturbance: {shape: ramp, size: 0.01, rise: 7.3, start: 3, end: 50}",
        "disturbance: {shape: step, size: -0.01}",
        "time_step: 60",
        "damping: 0, agc: false",
        "disturbance: {shape: step, size: 0}",
    ],
)
def test_every_kind_is_verified(text: str) -> None:
    result = run(text)
    assert result.verdict.status == "verified", [c for c in result.verdict.checks if not c.passed]


def test_a_limit_of_zero_is_no_demand_response_but_its_bias() -> None:
    """Demand response that may not act leaves the bias that counts on it."""
    _, found = simulated(saturation=0.0, duration=30.0, agc=False)
    _, bare = simulated(demand_response=0.0, duration=30.0, agc=False)
    np.testing.assert_allclose(found.frequency, bare.frequency, atol=1e-12)
    assert not found.parts["load"].any()


def test_load_is_back_as_soon_whenever_the_loss_is() -> None:
    early, late = (
        run(f"disturbance: {{size: 0.01, start: {start}}}, duration: {start + 300}").values
        for start in (0, 150)
    )
    for name in ("load_peak_time_s", "load_recovery_time_s"):
        assert late[name] - 150 == pytest.approx(early[name], abs=0.15)
    assert early["load_back"] == late["load_back"] == "within two minutes"


def test_a_limit_that_is_far_away_changes_nothing() -> None:
    _, found = simulated(saturation=1.0, duration=30.0)
    _, free = simulated(duration=30.0)
    np.testing.assert_allclose(found.frequency, free.frequency, atol=1e-13)


def test_load_never_goes_beyond_its_limit() -> None:
    _, found = simulated(saturation=0.01, duration=60.0, time_step=0.25)
    limit = 0.01 * 0.1 * 0.01
    assert np.abs(found.parts["load"]).max() == pytest.approx(limit, rel=1e-12)
    assert responses.areas_limited(found) == ("study", "rest")


def test_unstable_fleet_is_flagged_and_named() -> None:
    """The paper's reset time of 0.5 s with hydro alone: Routh-Hurwitz fails as well."""
    result = run("fleet: {hydro: 1}, reset_time: 0.5, demand_response: 0, duration: 30")
    assert result.verdict.status == "verified"
    assert not result.values["stable"]
    poles = loop(given(fleet={"hydro": 1.0}, reset_time=0.5, demand_response=0.0).system).poles()
    assert result.values["largest_real_eigenvalue"] == pytest.approx(poles.real.max(), rel=1e-9)
    assert "hydro" in result.values["dominant_mode"]
    assert any(note.startswith("unstable") for note in result.notes)
    assert "frequency_integral_total" not in result.values


def test_noise_is_seeded_and_stationary() -> None:
    one = disturbances.noise(2.0, 1.0, 5.0, 50_000.0, 7)
    again = disturbances.noise(2.0, 1.0, 5.0, 50_000.0, 7)
    np.testing.assert_array_equal(one.after, again.after)
    values = one.after[:-1]
    # A variance of n / 10 independent values; so is a covariance.
    assert values.var() == pytest.approx(4, rel=0.1)
    lag = np.mean(values[1:] * values[:-1]) / values.var()
    assert lag == pytest.approx(math.exp(-0.2), abs=0.02)


@pytest.mark.parametrize("every", [1.0, 4.0])
def test_spread_of_ace_does_not_depend_on_the_step(every: float) -> None:
    """White noise holds its values and jumps: a value before a jump is none after it."""
    noise = f"{{shape: noise, size: 0.01, every: {every}, of: exports}}"
    text = f"loop: open, duration: 600, disturbance: [{noise}], demand_response: 0"
    names = ["ace_deviation_percent", "ace_mean_absolute_percent", "ace_mean_percent"]
    fine = run(f"{text}, time_step: 0.02").values
    coarse = run(f"{text}, time_step: {every}").values
    for name in names:
        assert coarse[name] == pytest.approx(fine[name], rel=2e-3)


def test_a_signal_is_what_it_says_within_any_grid() -> None:
    grid = disturbances.grid(10.0, 3.0, np.array([2.0, 4.0, 5.0, 7.0]))
    np.testing.assert_array_equal(grid, [0, 2, 3, 4, 5, 6, 7, 9, 10])
    begin, end = disturbances.ramp(1.0, 2.0, 2.0, 5.0).within(grid)
    np.testing.assert_allclose(begin, [0, 0, 0.5, 1, 1, 0.5, 0, 0], atol=1e-15)
    np.testing.assert_allclose(end, [0, 0.5, 1, 1, 0.5, 0, 0, 0], atol=1e-15)
    begin, end = disturbances.step(3.0, 2.0, 5.0).within(grid)
    np.testing.assert_array_equal(begin, [0, 3, 3, 3, 0, 0, 0, 0])
    np.testing.assert_array_equal(begin, end)


def test_recorded_noise_is_the_noise(tmp_path: Path) -> None:
    """Values from a file act as the same values drawn."""
    drawn = disturbances.noise(0.003, 4.0, 10.0, 60.0, 5).after[:-1]
    rows = "\n".join(f"{v!r}" for v in drawn.tolist())
    (tmp_path / "record.csv").write_text(f"lost\n{rows}\n")
    base = "model: regulation/frequency-response\nparameters:\n  duration: 60\n"
    (tmp_path / "case.yaml").write_text(
        base + "  disturbance: {shape: recorded, csv: record.csv, column: lost, every: 4}\n"
    )
    recorded = solve(load_case(tmp_path / "case.yaml"))
    same = run("duration: 60, seed: 5, "
               "disturbance: {shape: noise, size: 0.003, every: 4, correlation: 10}")  # fmt: skip
    assert recorded.values["nadir_hz"] == pytest.approx(same.values["nadir_hz"], abs=1e-12)


@pytest.mark.parametrize("name", ["Phi", "droop", "filter"])
def test_a_wrong_system_would_be_refuted(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A thousandth in one entry of the matrices does not pass the checks."""
    response = given(duration=30.0)
    right = responses.state_space

    def wrong(*args: object, **more: object) -> object:
        space = right(*args, **more)  # type: ignore[arg-type]
        if name == "Phi":
            space.a[0, 0] *= 1.001
        elif name == "droop":
            space.a[0, space.names.index("droop hydro water")] *= 1.001
        else:
            k = space.names.index("rest ACE filter")
            space.a[k, k] *= 1.001
        return space

    monkeypatch.setattr(responses, "state_space", wrong)
    made = checks(response, simulate(response))
    assert not all(check.passed for check in made)


def test_open_loop_is_the_area_of_the_closed_loop() -> None:
    """Given the frequency of the closed loop, the area alone does what it did in it."""
    response, found = simulated(duration=60.0, time_step=0.01)
    space = open_loop(state_space(response.system))
    side = np.zeros((len(response.grid) - 1, 4))
    begin, end = side.copy(), side.copy()
    begin[:, 3], end[:, 3] = found.frequency[:-1], found.frequency[1:]
    x = linear(space, response.grid, Given(begin, end))
    ace = x @ space.c[space.row("ace")] + found.frequency * space.d[space.row("ace"), 3]
    # The frequency is straight between samples here: an error of its second derivative.
    np.testing.assert_allclose(ace, found.parts["ace"], atol=1e-4 * np.abs(ace).max())


@pytest.mark.parametrize("steps", [63, 64, 65, 1000])
def test_blocks_of_steps_are_steps_in_turn(steps: int) -> None:
    """The recursion in blocks, against the recursion as it is written."""
    rng = np.random.default_rng(steps)
    phi = 0.3 * rng.standard_normal((4, 4))
    x = rng.standard_normal((steps + 1, 4))
    expected = x.copy()
    for k in range(steps):
        expected[k + 1] += phi @ expected[k]
    simulation._in_blocks(phi, x)
    np.testing.assert_allclose(x, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


def test_times_that_differ_by_rounding_make_one_step() -> None:
    grid = disturbances.grid(20_000.0, 0.1, np.array([0.25]))
    found = disturbances.lengths(grid)
    np.testing.assert_allclose(np.unique(found), [0.05, 0.1], rtol=1e-9)
