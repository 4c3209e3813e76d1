"""What each model of the family does, as a short list of stages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optimodels.arrays import Floats
from optimodels.families.supply import results
from optimodels.families.supply.auction.best_response import best_response, density_off
from optimodels.families.supply.auction.equilibrium import expected_prices, solve
from optimodels.families.supply.auction.market import Market, read
from optimodels.families.supply.auction.monte_carlo import simulate
from optimodels.families.supply.fit_parameters import CurveFit
from optimodels.families.supply.fit_results import curve_fit as curve_fit_report
from optimodels.families.supply.fitting import noise as fit_noise
from optimodels.families.supply.fitting import points as fit_points
from optimodels.families.supply.fitting import rising
from optimodels.families.supply.fitting.curves import FORMS, Q_EXPONENTIAL
from optimodels.families.supply.fitting.forms import CurveForm, Setting
from optimodels.families.supply.fitting.least_squares import polish
from optimodels.families.supply.fitting.q_exponential import nearest, points, problems
from optimodels.families.supply.fitting.q_exponential_problems import (
    NONLINEAR,
    SEQUENCE,
    Points,
    anchored,
    next_step,
)
from optimodels.families.supply.fitting.side_by_side import smooth_fits
from optimodels.families.supply.parameters import QExponentialFit
from optimodels.model import Compute, Done, Outcome, Program, Solve
from optimodels.result import Check

#: Parts of the profit, and of the revenue, to which an equilibrium must hold.
_HOLDS = 1e-9
#: Part of a slope that differences of fourth order leave.
_SLOPE = 1e-6
#: The fit to the Monte Carlo curve is no farther than so many ranges from the exact curve's: the
#: ranges are of first order.
_FAR = 3.0
#: A Monte Carlo mean is farther from the exact one than its bound once in so many results.
_ONCE_IN = 1e9


def _equilibrium(market: Market, done: Done) -> Outcome:
    """Solve, and check by the auction's rules and by what consumers pay."""
    solved = solve(market)
    prices, logs = expected_prices(solved)
    heard = best_response(market, solved.above, results.SHOWN)
    inside = np.clip(heard.probability, 1e-9, 1 - 1e-9)
    d = np.arange(1, len(market.demand) + 1)
    # By logarithms: c + (p - c) has lost what lies below the cost's last digit.
    gains = np.repeat(market.margin * np.exp(logs), market.units)
    density = _density(solved.above(inside) * solved.rate(inside))
    paid = float((d * market.demand) @ gains)
    earned = market.firms * solved.profit
    checks = (
        Check.of("profits of supported bids differ", heard.residual, _HOLDS),
        Check.of("an unsupported bid earns more", heard.gain, _HOLDS),
        Check.of("profit at the cap", abs(heard.at_cap / solved.profit - 1), _HOLDS),
        Check.of("revenue against profits", abs(paid / earned - 1), _HOLDS),
        Check.of("density", density_off(solved.above, inside, density), _SLOPE),
    )
    values = {
        "lowest_bid": market.cost + float(heard.above[0]),
        "median_bid": float(solved.quantile(np.array([0.5]))[0]),
        "expected_profit": solved.profit,
        "price_per_unit": market.cost + paid / float(d @ market.demand),
        "best_response_residual": max(heard.residual, heard.gain),
    }
    arrays = {
        "probability": heard.probability,
        "bid": market.cost + heard.above,
        "density": density,
        "profit": heard.profit,
        "prices": prices,
    }
    return Outcome("equilibrium", checks, arrays, values)


def _density(slope: Floats) -> Floats:
    """1 / (dp/dF); bids that are all at one price have none."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(1.0 / slope)


def _draws(market: Market, done: Done) -> Outcome:
    found = simulate(solve(market), market.draws, market.seed)
    away = np.abs(found.mean - done.outcomes["equilibrium"].arrays["prices"]).max()
    # Hoeffding: bids lie between cost and cap, however heavy their tails.
    bound = market.margin * np.sqrt(np.log(2 * market.firms * _ONCE_IN) / (2 * market.draws))
    # Of few draws it says nothing that the bids' range does not say already.
    told = bound < market.margin
    checks = (Check.of("Monte Carlo means from the exact ones", away, bound),) if told else ()
    return Outcome("end state", checks, {"mean": found.mean, "error": found.error})


def _points(done: Done, market: Market) -> tuple[Floats, Floats]:
    return points(done.outcomes["equilibrium"].arrays["prices"], market.units)


def _starts(market: Market, done: Done) -> dict[str, Points]:
    return problems(*_points(done, market))


def _best_start(market: Market, done: Done) -> dict[str, Points]:
    """The nonlinear problem from the start that is best: nothing but solvers tells starts apart."""
    found = _starts(market, done)
    best = sorted(found.values(), key=lambda one: float(one.left @ one.left))[:1]
    return dict.fromkeys([""], best[0]) if best else {}


def _evidence(market: Market, done: Done) -> Outcome | None:
    """Examine what the solvers found, in the raw q, a and b and by a scan."""
    x, y = _points(done, market)
    solved = done.solutions["fit"]
    found = nearest(x, y, [anchored(one, x, y) for one in solved.values() if one.has_point])
    if found is None:
        return None
    arrays = {"x": x, "fitted": found.fitted, "intervals": found.intervals, "notes": found.notes,
              "theta": found.theta}  # fmt: skip
    values = {**found.values, "objective": found.objective}
    return Outcome("local optimum", found.checks, arrays, values, by="certificate")


def _noise(market: Market, done: Done) -> Outcome | None:
    """How far the figures of a fit to a Monte Carlo curve lie from those of the exact curve's."""
    found = done.outcomes.get("evidence")
    # A constant has no q, a power law no b, and where no double holds a, log a is not its own.
    if found is None or found.arrays["theta"] is None:
        return None
    if found.values["a"] is None or found.values["power_law"]:
        return None
    x, y = _points(done, market)
    theta, left = found.arrays["theta"], y - found.arrays["fitted"]
    written = Q_EXPONENTIAL.written(x, theta, np.array([found.values["anchor_price"]]))
    told = fit_noise.ranges(solve(market), written, x, left, market.draws, market.seed)
    again = np.repeat(done.outcomes["draws"].arrays["mean"], market.units)
    fitted = polish(Q_EXPONENTIAL, x, again, theta)
    q = Q_EXPONENTIAL.parameters(x, fitted.theta, fitted.linear)["q"]
    away, side = q - found.values["q"], "high" if q > found.values["q"] else "low"
    room = abs(told[f"noise_q_{side}"] - found.values["q"])
    check = Check.of("q of the Monte Carlo curve beyond its range", abs(away) / room, _FAR)
    return Outcome("end state", (check,), {}, {**told, "monte_carlo_q": q})


def _noise_is_told(market: Market) -> bool:
    units = market.firms * market.units
    return market.draws >= fit_noise.LEAST_DRAWS and units <= fit_noise.MOST_UNITS


_EVIDENCE = Compute(
    "evidence",
    _evidence,
    equations=(
        "r: what the curve found misses at the points; T: an orthonormal basis",
        "of its derivatives by q, log a and log b, by complex steps. All ours.",
        "",
        "|T' r| / |r|                  0 at a stationary point",
        "second derivatives along T    positive at a minimum",
        "sum of squares over a grid of q and steepness, its best places",
        "followed: none may be lower",
    ),
)

_NOISE = Compute(
    "noise",
    _noise,
    asked=_noise_is_told,
    equations=(
        "e: errors of Monte Carlo means over the draws, r: what the curve misses,",
        "T: its derivatives by q, log a and log b, T^+ the pseudo-inverse. Ours.",
        "",
        "e ~ N(0, Cov[p_(j), p_(k)] / draws)",
        "q, log a, log b move by T^+ e, and (1 - T T^+) (r + e) is left",
        "noise_..._low, noise_..._high: passed once in 20 000 on either side",
    ),
)

_STAGES = (
    Compute(
        "equilibrium",
        _equilibrium,
        equations=(
            "n firms (firms) of r units (units_per_firm) at cost c (cost) offer all",
            "of them at one price, at most p_max (price_cap). A demand of",
            "d = 1..n r units has the probability pi_d (background); the d cheapest",
            "are paid the price of the last: j = floor((d-1)/r) firms sell all that",
            "they have, the next one s = d - j r units.            002, section 2",
            "",
            "p(F) = c + (p_max - c) exp(-integral_F^1 B/A dF)            002, (2.5)",
            "    the bid that a firm stays below with probability F;  r > 1: ours",
            "A = sum_d pi_d C(n-1,j) F^j (1-F)^(n-1-j) s",
            "B = (n-1) sum_d pi_d [C(n-2,j) F^j (1-F)^(n-2-j) s",
            "                      + C(n-2,j-1) F^(j-1) (1-F)^(n-1-j) (r-s)]",
            "expected_profit = (p_max - c) A(1), of a firm",
            "",
            "E[p_(k)] = integral_0^1 p(F) Beta(F; k, n-k+1) dF,  k = ceil(unit/r)",
            "    expected_price of a unit: of the k-th lowest of n bids",
        ),
    ),
    Compute(
        "draws",
        _draws,
        asked=lambda market: market.draws > 0,
        equations=(
            "Mean and standard error over so many auctions (draws) of the k-th",
            "lowest of n bids p(F), each F uniform on [0, 1].      002, section 3",
        ),
    ),
)

BIDDING_EQUILIBRIUM = Program(
    read=read, stages=_STAGES, report=results.bidding_equilibrium, main="equilibrium"
)


def q_exponential_fit(parameters: QExponentialFit) -> Program:
    """The fit by one nonlinear problem, or by sequences of quadratic ones."""
    fit = (
        Solve("fit", NONLINEAR, _best_start, required=False)
        if parameters.method == "nonlinear"
        else Solve(
            "fit", SEQUENCE, _starts, required=False, refine=next_step, shows="local optimum"
        )
    )
    return Program(
        read=read,
        stages=(*_STAGES, fit, _EVIDENCE, _NOISE),
        report=results.q_exponential_fit,
        main="fit",
    )


def curve_fit(parameters: CurveFit) -> Program:
    """All forms asked for: smooth ones by variable projection, convex ones by a solver.

    The stage that a result is named by is the smooth one where there is any: its local optima
    are what the comparison rests on.
    """
    asked = parameters.forms
    forms = [name for name in FORMS if asked is None or name in asked]
    # What a form is does not depend on the setting.
    built = [FORMS[name](Setting()) for name in forms]
    smooth = [form for form in built if isinstance(form, CurveForm)]
    stages: list[Solve | Compute] = []
    if smooth:
        stages.append(Compute("smooth", smooth_fits, equations=_equations(smooth)))
    if len(smooth) < len(forms):
        stages.append(Solve("rising", rising.FORMULATION, _rising, required=False))
    return Program(
        read=fit_points.read,
        stages=tuple(stages),
        report=curve_fit_report,
        main="smooth" if smooth else "rising",
    )


def _rising(task: fit_points.Task, done: Done) -> dict[str, rising.Rising]:
    return {name: rising.instance(form, task.sample) for name, form in task.rising.items()}


def _equations(forms: Sequence[CurveForm]) -> tuple[str, ...]:
    return (
        "Points i of quantity x_i, price y_i and weight w_i; M: threshold of",
        "Huber's loss (huber).                              002, section 3; M: ours",
        "",
        "minimise    sum_i w_i rho(f(x_i) - y_i)                      price^2",
        "            rho(r) = r^2 up to |r| = M, 2 M |r| - M^2 beyond",
        "with  f(x)  one of the forms, within the bounds of its parameters:",
        *(f"            {form.formula:<42}  {form.name}" for form in forms),
        *(f"            {form.name}: {form.remark}" for form in forms if form.remark),
    )
