"""Aggregator mapping: each bus to one aggregator, none holding too much (001, (38))."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

import numpy as np

from optimodels.arrays import Floats, Ints
from optimodels.errors import DataError, UnavailableError
from optimodels.families.flexibility.data import FlexibilityData
from optimodels.families.flexibility.exact import capped_mapping
from optimodels.model import ExactAnswer, Formulation

if TYPE_CHECKING:
    import cvxpy as cp
    import pyomo.environ as pyo


@dataclass(frozen=True)
class Mapping:
    """``share`` (B,) p_b; ``margin`` (A,) k_a, EUR; ``size`` (B,) what a bus counts against
    ``upper`` and ``lower``: 1, or its load in whole units of ``unit_kw`` kW."""

    share: Floats
    margin: Floats
    size: Ints
    upper: int
    lower: int
    unit_kw: int
    by_load: bool


def multipliers(data: FlexibilityData) -> Floats:
    """Return the aggregators' prices as multiples of the real-time price (A,)."""
    chosen = data.parameters
    if chosen.price_multipliers is not None:
        return np.array(chosen.price_multipliers, dtype=float)
    return default_multipliers(chosen.aggregators)


def default_multipliers(aggregators: int) -> Floats:
    """Return 0.70 + 0.20 (a - 1/2) / N_A for a = 1..N_A: ours, the paper's Table 3 is lost."""
    return 0.70 + 0.20 * (np.arange(1, aggregators + 1) - 0.5) / aggregators


def instance(data: FlexibilityData) -> Mapping:
    """Take from a case what the BLP needs; caps are computed in exact fractions."""
    chosen = data.parameters
    buses, aggregators = len(data.buses), chosen.aggregators
    if aggregators > buses:
        raise DataError(
            "parameters.aggregators",
            f"{aggregators} aggregators for {buses} load buses; at most one per bus",
        )
    by_load = chosen.cap == "load"
    size = data.load if by_load else np.ones(buses, dtype=np.int64)
    even = Fraction(int(size.sum()), aggregators)
    slack = Fraction(repr(chosen.slack))
    if chosen.slack_kind == "relative":
        slack *= even
    elif by_load:
        # An absolute slack on loads is in kW.
        slack /= data.unit_kw
    # k_a of full flexibility: what the aggregator pays less what the DSO pays, (38).
    margin = (multipliers(data) - 1.0) * float(data.value_eur.sum())
    return Mapping(
        share=data.share,
        margin=margin,
        size=size,
        upper=floor(even + slack),
        lower=max(0, ceil(even - slack)) if chosen.bounds == "both" else 0,
        unit_kw=data.unit_kw,
        by_load=by_load,
    )


def in_pyomo(mapping: Mapping) -> pyo.ConcreteModel:
    """State the BLP in Pyomo."""
    import pyomo.environ as pyo
    from pyomo.core.expr.numeric_expr import LinearExpression

    share, margin, size = mapping.share.tolist(), mapping.margin.tolist(), mapping.size.tolist()
    model = pyo.ConcreteModel("aggregator-mapping")
    model.bus = pyo.RangeSet(0, len(share) - 1)
    model.aggregator = pyo.RangeSet(0, len(margin) - 1)
    model.assigned = pyo.Var(model.bus, model.aggregator, domain=pyo.Binary)
    w = model.assigned
    pairs = [(b, a) for b in model.bus for a in model.aggregator]
    # LinearExpression builds large sums several times faster than arithmetic does.
    model.cost = pyo.Objective(
        expr=LinearExpression(
            linear_coefs=[share[b] * margin[a] for b, a in pairs],
            linear_vars=[w[pair] for pair in pairs],
        )
    )
    ones = [1] * len(margin)
    model.once = pyo.Constraint(
        model.bus,
        rule=lambda _, b: (
            LinearExpression(linear_coefs=ones, linear_vars=[w[b, a] for a in model.aggregator])
            == 1
        ),
    )

    def held(a: int) -> LinearExpression:
        return LinearExpression(linear_coefs=size, linear_vars=[w[b, a] for b in model.bus])

    model.most = pyo.Constraint(model.aggregator, rule=lambda _, a: held(a) <= mapping.upper)
    if mapping.lower > 0:
        model.least = pyo.Constraint(model.aggregator, rule=lambda _, a: held(a) >= mapping.lower)
    return model


def in_cvxpy(mapping: Mapping) -> cp.Problem:
    """State the BLP in CVXPY."""
    import cvxpy as cp

    shape = (len(mapping.share), len(mapping.margin))
    w = cp.Variable(shape, name="assigned", boolean=True)
    once = cp.sum(w, axis=1) == 1
    most = mapping.size @ w <= mapping.upper
    once.set_label("once")
    most.set_label("most")
    rows = [once, most]
    if mapping.lower > 0:
        least = mapping.size @ w >= mapping.lower
        least.set_label("least")
        rows.append(least)
    return cp.Problem(cp.Minimize(mapping.share @ (w @ mapping.margin)), rows)


def exact(mapping: Mapping) -> ExactAnswer:
    """Solve the count-capped problem by a sort: large loads to the widest margins."""
    if mapping.by_load:
        raise UnavailableError(
            "solver",
            "exact solves the mapping with parameters.cap: count; with load it is NP-hard, "
            "use another solver",
        )
    found = capped_mapping(mapping.share, mapping.margin, mapping.upper, mapping.lower)
    if found is None:
        return ExactAnswer(None, message=conflict(mapping) or "")
    w = np.zeros((len(mapping.share), len(mapping.margin)))
    w[np.arange(len(w)), found.assigned] = 1.0
    duals = {"once": found.bus_duals, "most": found.cap_duals, "least": found.floor_duals}
    return ExactAnswer({"assigned": w}, objective=found.objective, duals=duals)


def conflict(mapping: Mapping) -> str | None:
    """Say in numbers of buses (or kW) why no mapping exists; None where counting cannot tell."""
    aggregators, buses = len(mapping.margin), len(mapping.share)
    whole = int(mapping.size.sum())
    unit = mapping.unit_kw
    if mapping.upper * aggregators < whole:
        if mapping.by_load:
            return (
                f"{aggregators} aggregators of at most {mapping.upper * unit} kW hold "
                f"{mapping.upper * aggregators * unit} of {whole * unit} kW"
            )
        return (
            f"{aggregators} aggregators of at most {mapping.upper} buses hold "
            f"{mapping.upper * aggregators} of {buses} buses"
        )
    if mapping.lower * aggregators > whole:
        what = f"{mapping.lower * unit} kW" if mapping.by_load else f"{mapping.lower} buses"
        have = f"{whole * unit} kW" if mapping.by_load else f"{buses} buses"
        return f"{aggregators} aggregators of at least {what} need more than the {have} there are"
    if mapping.by_load and int(mapping.size.max()) > mapping.upper:
        large = int(np.argmax(mapping.size))
        return (
            f"one bus alone has {int(mapping.size[large]) * unit} kW, more than the "
            f"{mapping.upper * unit} kW that an aggregator may hold"
        )
    return None


FORMULATION = Formulation(
    name="aggregator-mapping",
    problem_class="MILP",
    source="001, (38) at full flexibility; what is counted and the floor are our reading",
    pyomo=in_pyomo,
    cvxpy=in_cvxpy,
    exact=exact,
    axes={
        "assigned": ("bus", "aggregator"),
        "once": ("bus",),
        "most": ("aggregator",),
        "least": ("aggregator",),
    },
    equations=(
        "w_ba            assigned: 1 where aggregator a holds bus b; N_A: aggregators",
        "P(t), price(t)  profiles: load of all buses, MW; real-time price, EUR/MWh",
        "price_a(t)      price_multipliers of a times price(t);  h: hours_per_step",
        "p_b, theta      part of bus b in P(t); slack",
        "k_a             sum_t P(t) h (price_a(t) - price(t)), EUR: full flexibility",
        "c_b, C          1, with cap: load the load of bus b; C = sum_b c_b",
        "",
        "minimise    sum_a sum_b w_ba p_b k_a              objective_aggregators, EUR",
        "subject to  sum_a w_ba = 1                               for every b    once",
        "            sum_b c_b w_ba <= floor((1 + theta) C / N_A) for every a    most",
        "            sum_b c_b w_ba >= ceil((1 - theta) C / N_A)  for every a   least",
        "            w_ba in {0, 1}",
        "",
        "least: with bounds: both; slack_kind: absolute has C / N_A + theta, - theta",
        "normalised_objective: by baseline_cost, sum_t price(t) P(t) h, EUR",
    ),
    conflict=conflict,
    unit=lambda mapping: "EUR",
)
