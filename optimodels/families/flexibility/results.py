"""From points to what a reader wants: values by name and tidy tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimodels.arrays import Ints
from optimodels.families.flexibility import aggregator_mapping
from optimodels.families.flexibility.data import FlexibilityData
from optimodels.model import Answer, Done, Outcome
from optimodels.result import Check, Row, Solution

#: How far a number of flexible customers may lie from a whole one: what solvers leave of it.
_WHOLE = 1e-6

_UNITS = (
    "costs, welfare and agents' objectives in EUR, each to be minimised; prices in EUR/MWh; "
    "magnetisation is flexibility by the scheduled load: at 1 a bus takes nothing, at -1 twice "
    "its load"
)


def shiftable_loads(data: FlexibilityData, done: Done) -> Answer:
    """Hours with price and magnetisation, buses that can realise them, the discrete follow-up."""
    solution = done.solution("shift")
    m = solution.arrays["magnetisation"]
    # Shares add up to one but for rounding: what is left of a whole is none.
    mean = np.round(data.share @ m, 14)
    flexible = data.customers[:, None] * (1.0 + m) / 2.0
    tolerance = np.maximum(_WHOLE, 1e-9 * data.customers)[:, None]
    realisable = np.abs(flexible - np.rint(flexible)) <= tolerance
    nearest = (2.0 * np.rint(flexible) - data.customers[:, None]) / data.customers[:, None]
    hours: list[Row] = [
        {
            "step": t + 1,
            "price": float(data.price[t]),
            "power_kw": float(data.power_kw[t]),
            "magnetisation": float(mean[t]),
            "realisable_buses": int(realisable[:, t].sum()),
            "flexed_power_kw": float(data.power_kw[t] * (1.0 - mean[t])),
        }
        for t in range(len(data.price))
    ]
    buses: list[Row] = [
        {
            **_bus(data, b),
            "realisable_steps": int(realisable[b].sum()),
            "unrealisable_steps": ", ".join(str(t + 1) for t in np.flatnonzero(~realisable[b])),
            "largest_rounding": float(np.abs(nearest[b] - m[b]).max()),
        }
        for b in range(len(data.buses))
    ]
    realisability: list[Row] = [
        {
            "bus": int(data.buses[b]) + 1,
            "step": t + 1,
            "magnetisation": float(m[b, t]),
            "realisable": bool(realisable[b, t]),
            "nearest_magnetisation": float(nearest[b, t]),
        }
        for b in range(len(data.buses))
        for t in np.flatnonzero(np.abs(np.abs(m[b]) - 1.0) > _WHOLE)
    ]
    values: dict[str, Any] = {
        "customers": int(data.customers.sum()),
        "baseline_cost": float(data.value_eur.sum()),
        "realisable_in_every_hour": int(realisable.all(axis=1).sum()),
    }
    dual = solution.duals.get("energy")
    if dual is not None:
        # A row of bus b counts MWh of the whole load, of which p_b are the bus's own.
        values["price_of_shifting"] = float(np.mean(dual / data.share))
    tables = {"hours": hours, "buses": buses, "realisability": realisability}
    notes = data.notes
    if done.solutions.get("discrete"):
        more, table, note = _discrete(data, done, solution)
        values |= more
        tables["discrete"] = table
        notes = (*notes, *note)
    return _complete(values, tables, notes, done)


def _discrete(
    data: FlexibilityData, done: Done, continuous: Solution
) -> tuple[dict[str, Any], list[Row], tuple[str, ...]]:
    """Join the problems by number of customers to the whole network's discrete optimum."""
    rows: list[Row] = []
    total, missing = 0.0, []
    for n, solution in sorted(done.solutions["discrete"].items()):
        share = float(data.share[data.customers == n].sum())
        row: Row = {"customers": n, "buses": int(np.sum(data.customers == n))}
        if solution.has_point and solution.objective is not None:
            part = solution.objective * share
            total += part
            row |= {
                "objective": part,
                "welfare_lost": part - (continuous.objective or 0.0) * share,
            }
        else:
            missing.append(n)
            row |= {"objective": None, "welfare_lost": None}
        rows.append({**row, "stopped": solution.stopped, "mark": solution.verdict.mark})
    if missing:
        listed = ", ".join(map(str, missing[:8])) + (", ..." if len(missing) > 8 else "")
        note = f"no whole number of customers keeps the energy of buses with {listed} of them"
        return {}, rows, (f"{note}: the discrete optimum is not told",)
    lost = total - (continuous.objective or 0.0)
    return {"discrete_objective": total, "welfare_lost_discrete": lost}, rows, ()


def self_sustainability(data: FlexibilityData, done: Done) -> Answer:
    """Buses with their state, customers by state, the balance in whole kW."""
    m = whole(done.solution("balance"))
    values, tables = _states(data, m)
    notes = data.notes
    optima = done.outcomes.get("optima")
    if optima is not None:
        values |= optima.values
        tables["optima"] = optima.arrays["rows"]
        if not optima.values["optima_complete"]:
            notes = (*notes, f"only the first {optima.values['optima']} optima are listed")
    return _complete(values, tables, notes, done)


def spin_assignment(data: FlexibilityData, done: Done) -> Answer:
    """Buses whose customers cannot take their magnetisation, and the moves that mend it."""
    m = whole(done.solution("balance"))
    values, tables = _states(data, m)
    rows = tables["buses"]
    bad = []
    for b, row in enumerate(rows):
        spins = done.solutions["spins"][(int(data.customers[b]), int(m[b]))]
        row["feasible"] = spins.has_point
        row["customers_up"] = round(spins.objective or 0) if spins.has_point else None
        row["verdict"] = spins.verdict.status
        if not spins.has_point:
            bad.append(b)
    values["infeasible_buses"] = len(bad)
    values["infeasible_bus_list"] = ", ".join(str(int(data.buses[b]) + 1) for b in bad)
    notes = data.notes
    if data.parameters.rewire:
        tables["rewiring"] = rewiring(data, m, bad)
        values["customers_moved"] = len(tables["rewiring"])
    return _complete(values, tables, notes, done)


def rewiring(data: FlexibilityData, m: Ints, bad: list[int]) -> list[Row]:
    """Move one customer between two odd buses with m = 0; a last one gives to a bus with m != 0.

    001, section 4.2, step 1: any number of customers can be all up or all down. No bus is left
    without customers: one that has a single one receives, from a bus with m != 0 if need be.
    """
    number, has = data.buses + 1, data.customers
    moves: list[tuple[int, int]] = []
    givers = [b for b in bad if has[b] > 1]
    single = [b for b in bad if has[b] == 1]
    free = np.flatnonzero(m != 0)
    while givers or single:
        if givers:
            giver = givers.pop(0)
            takers = givers if givers and not single else single
            if takers:
                moves.append((giver, takers.pop(0)))
            elif len(free):
                moves.append((giver, int(free[0])))
            continue
        rich = [b for b in free.tolist() if has[b] - sum(a == b for a, _ in moves) > 1]
        if not rich:
            break
        moves.append((rich[0], single.pop(0)))
    return [
        {"from_bus": int(number[a]), "to_bus": int(number[b]), "customers": 1} for a, b in moves
    ]


def aggregator_mapping_answer(data: FlexibilityData, done: Done) -> Answer:
    """Aggregators with what they hold; buses with their aggregator."""
    mapping = aggregator_mapping.instance(data)
    solution = done.solution("mapping")
    chosen = assigned(solution)
    factors = aggregator_mapping.multipliers(data)
    rows: list[Row] = [
        {
            "aggregator": a + 1,
            "price_multiplier": float(factors[a]),
            "buses": int(np.sum(chosen == a)),
            "customers": int(data.customers[chosen == a].sum()),
            "load_kw": int(data.load_kw[chosen == a].sum()),
            "objective": float(data.share[chosen == a].sum() * mapping.margin[a]),
        }
        for a in range(len(factors))
    ]
    buses: list[Row] = [
        {**_bus(data, b), "aggregator": int(chosen[b]) + 1} for b in range(len(data.buses))
    ]
    base = float(data.value_eur.sum())
    cap = mapping.upper * (data.unit_kw if mapping.by_load else 1)
    values: dict[str, Any] = {
        ("cap_kw" if mapping.by_load else "cap_buses"): cap,
        "normalised_objective": float(solution.objective or 0.0) / base,
        "baseline_cost": base,
        "cardinalities": ", ".join(str(row["buses"]) for row in rows),
    }
    return _complete(values, {"aggregators": rows, "buses": buses}, data.notes, done)


def whole(solution: Solution) -> Ints:
    """Return the magnetisation of a solution as integers (B,)."""
    m: Ints = np.rint(solution.arrays["magnetisation"]).astype(np.int64)
    return m


def assigned(solution: Solution) -> Ints:
    """Return each bus's aggregator (B,)."""
    chosen: Ints = np.argmax(solution.arrays["assigned"], axis=1).astype(np.int64)
    return chosen


def imbalance_kw(data: FlexibilityData, m: Ints) -> int:
    """Return sum_b P_b m_b in kW, in Python's unbounded integers."""
    return sum(int(p) * int(s) for p, s in zip(data.load_kw, m, strict=True))


def _states(data: FlexibilityData, m: Ints) -> tuple[dict[str, Any], dict[str, list[Row]]]:
    n = data.customers
    values: dict[str, Any] = {
        "customers": int(n.sum()),
        "customers_up": int(n[m == 1].sum()),
        "customers_down": int(n[m == -1].sum()),
        "customers_neutral": int(n[m == 0].sum()),
        "total_magnetisation": int((n * m).sum()),
        "imbalance_kw": imbalance_kw(data, m),
    }
    buses: list[Row] = [
        {**_bus(data, b), "magnetisation": int(m[b])} for b in range(len(data.buses))
    ]
    return values, {"buses": buses}


def _bus(data: FlexibilityData, b: int) -> Row:
    return {
        "bus": int(data.buses[b]) + 1,
        "customers": int(data.customers[b]),
        "load_kw": int(data.load_kw[b]),
    }


def _complete(
    values: dict[str, Any],
    tables: dict[str, list[Row]],
    notes: tuple[str, ...],
    done: Done,
) -> Answer:
    """Add what every result of the family shows: the agents' objectives, the network's state."""
    for name in ("agents", "network"):
        outcome = done.outcomes.get(name)
        if outcome is not None:
            values |= outcome.values
            if "rows" in outcome.arrays:
                tables[name] = outcome.arrays["rows"]
            notes = (*notes, *outcome.arrays.get("remarks", ()))
    return Answer(values, tables, (_UNITS, *notes))


def optima_outcome(data: FlexibilityData, optima: Any, best: float) -> Outcome:
    """Check listed optima one by one in integers, and their number against a second count."""
    rows: list[Row] = []
    wrong = 0
    for number, point in enumerate(optima.points, start=1):
        m = np.asarray(point, dtype=np.int64)
        values, _ = _states(data, m)
        odd = int(np.sum((m == 0) & (data.customers % 2 == 1)))
        rows.append({"optimum": number, **values, "infeasible_buses": odd})
        wrong += values["imbalance_kw"] != 0 or int(m.sum()) != round(best)
    distinct = len({tuple(int(v) for v in point) for point in optima.points})
    checks = [
        Check.of("listed optima that are none", wrong, 0),
        Check.of("optima listed twice", len(optima.points) - distinct, 0),
    ]
    if optima.count is not None and optima.complete:
        checks.append(Check.of("optima missed", abs(optima.count - len(optima.points)), 0))
    values = {"optima": optima.count if optima.count is not None else len(optima.points),
              "optima_complete": optima.complete}  # fmt: skip
    return Outcome("global optimum", tuple(checks), {"rows": rows}, values, by="exact")
