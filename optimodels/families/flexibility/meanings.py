"""What the results of the flexibility models are, with their units, by name.

Magnetisation is flexibility by the scheduled load: at 1 a bus takes nothing, at -1 twice its load.
"""

from __future__ import annotations

_BUSES = {
    "bus": "number of the bus in the network",
    "customers": "number of customers",
    "load_kw": "kW; load in the network",
    "baseline_cost": "EUR; of the scheduled load at the real-time price",
    "objective_buses": "EUR; of buses, minimised: minus what aggregators pay them",
    "objective_aggregators": "EUR; of aggregators, minimised: paid to buses less paid by the DSO",
    "objective_dso": "EUR; of the DSO, minimised: paid to aggregators, less its real-time value",
    "objective_welfare": "EUR; the sum of these three, which is minimised",
}

_NETWORK = {
    "step": "number of the step",
    "unsolved_power_flows": "number of power flows with no solution found, of two in every step",
    **{
        f"{name}_{when}_{unit}": f"{text}, load as {how}"
        for when, how in (("before", "scheduled"), ("after", "flexed"))
        for name, unit, text in (
            (
                "lowest_voltage",
                "pu",
                "pu of nominal; least of all buses, among values of all steps",
            ),
            ("highest_losses", "kw", "kW; losses of the network in the step of the greatest"),
            ("losses", "kw", "kW; losses of the network in the step"),
            (
                "highest_loading",
                "percent",
                "percent of its limit; line or transformer of the greatest",
            ),
        )
    },
}

_STATES = {
    "customers_up": "number of customers on buses with magnetisation 1",
    "customers_down": "number of customers on buses with magnetisation -1",
    "customers_neutral": "number of customers on buses with magnetisation 0",
    "total_magnetisation": "customers; sum over buses of customers times magnetisation",
    "imbalance_kw": "kW; sum over buses of load times magnetisation",
    "infeasible_buses": "number of buses with magnetisation 0 and an odd number of customers",
    "magnetisation": "of the bus in every step: -1, 0 or 1",
}

SHIFTABLE_LOADS = {
    **_BUSES,
    **_NETWORK,
    "realisable_in_every_hour": "number of buses whose whole customers can take it in every step",
    "price_of_shifting": "EUR/MWh; shadow price of keeping a bus's energy, mean over buses",
    "discrete_objective": "EUR; least objective with whole customers",
    "welfare_lost_discrete": "EUR; by which it is above the objective",
    "price": "EUR/MWh; real-time price",
    "power_kw": "kW; scheduled load of all buses",
    "flexed_power_kw": "kW; the same less what is flexible",
    "magnetisation": "of the bus in the step",
    "hours.magnetisation": "mean over buses by their part of the load",
    "realisable_buses": "number of buses whose whole customers can take it in the step",
    "realisable_steps": "number of steps in which the bus's whole customers can take it",
    "unrealisable_steps": "numbers of the other steps",
    "largest_rounding": "most that its magnetisation is off the nearest of whole customers",
    "realisable": "whether the bus's whole customers can take it",
    "nearest_magnetisation": "the nearest that they can take",
    "discrete.customers": "on a bus; buses of equal numbers are one problem",
    "buses": "number of such buses",
    "objective": "EUR; their part of discrete_objective",
    "welfare_lost": "EUR; their part of welfare_lost_discrete",
    "discrete.stopped": "how their problem ended",
    "mark": "of the verdict on their problem",
}

SELF_SUSTAINABILITY = {
    **_BUSES,
    **_NETWORK,
    **_STATES,
    "optima": "number of optimal solutions; of those listed where they were not counted",
    "optima_complete": "whether all of them are listed",
    "optimum": "number in the list",
}

SPIN_ASSIGNMENT = {
    **_BUSES,
    **_STATES,
    "infeasible_buses": "number of buses whose customers cannot add up to their magnetisation",
    "infeasible_bus_list": "numbers of these buses",
    "customers_moved": "number of customers who change their bus so that all can be realised",
    "feasible": "whether the states of whole customers add up to the bus's magnetisation",
    "buses.customers_up": "number of the bus's customers whose state is up",
    "verdict": "on the problem of the bus",
    "from_bus": "number of the bus that a customer leaves",
    "to_bus": "number of the bus that the customer goes to",
    "rewiring.customers": "number of customers who move",
}

AGGREGATOR_MAPPING = {
    **_BUSES,
    "cap_buses": "most buses that an aggregator may hold",
    "cap_kw": "kW; most load that an aggregator may hold",
    "normalised_objective": "objective over baseline_cost",
    "cardinalities": "number of buses of each aggregator, in their order",
    "aggregator": "number of the aggregator",
    "price_multiplier": "its price over the real-time price",
    "buses": "number of its buses",
    "aggregators.customers": "number of customers on its buses",
    "aggregators.load_kw": "kW; load of its buses in the network",
    "objective": "EUR; its own, minimised: paid to its buses less paid by the DSO",
}
