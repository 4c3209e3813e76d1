"""What the results of the experiments are, with their units, by name.

Energies and fields are in units of J, temperatures of J / k_B; means are over replicas.
"""

from __future__ import annotations

from collections.abc import Mapping


def _with_errors(means: Mapping[str, str]) -> dict[str, str]:
    """Add the standard error of each mean, in its unit."""
    errors = {f"{name}_standard_error": f"standard error of {name}, in its unit" for name in means}
    return {**means, **errors}


_CURVE = {
    "temperature": "J / k_B",
    "field": "J; h",
    **_with_errors(
        {
            "magnetisation": "M, mean state of customers",
            "absolute_magnetisation": "|M|",
            "energy_per_site": "J; energy over the number of customers",
            "constraint": "C, flexibility of all buses as a part of the whole load",
            "absolute_constraint": "|C|, part of the whole load",
        }
    ),
    "acceptance": "part of the proposals that are accepted",
}

DECORRELATION = {
    **_CURVE,
    **_with_errors(
        {"autocorrelation": "mean over customers of their state times that at the start"}
    ),
    "steps_to_a_tenth": "proposals; until it is 0.1 or less, none in the run",
    "step": "proposals since the start, after warm_up",
}

PHASE_TRANSITION = {
    **_CURVE,
    **_with_errors(
        {
            "squared_magnetisation": "M^2",
            "susceptibility": "1/J; number of customers by (<M^2> - <|M|>^2) / T",
        }
    ),
    "susceptibility_peak_at": "J / k_B; temperature asked for at which it is greatest",
    "critical_temperature": "J / k_B; of the infinite square lattice",
    "half_magnetised_at": "J / k_B; at which |M| falls to 1/2, straight between temperatures",
    "exact_magnetisation": "M at equilibrium, exact",
    "exact_absolute_magnetisation": "|M| at equilibrium, exact",
    "exact_squared_magnetisation": "M^2 at equilibrium, exact",
    "exact_energy_per_site": "J; at equilibrium, exact",
    "exact_susceptibility": "1/J; at equilibrium, exact",
}

FIELD_RESPONSE = {
    **_CURVE,
    "hour": "number of the step whose magnetisation is the target",
    "target_magnetisation": "mean over buses by load in that step, of the shiftable loads",
    "target_temperature": "J / k_B; of those asked for the nearest to the critical one",
    "field_to_target": "J; field that leads there at this temperature; none: not bracketed",
    "field_to_target_standard_error": "J; its standard error",
    "target": "target_magnetisation",
    "targets.field": "J; field that leads there; none: not bracketed",
    "field_standard_error": "J; its standard error",
    "field_below": "J; at which M is below the target, beyond noise",
    "field_above": "J; at which M is above the target, beyond noise",
}

_SURVIVAL = {
    "least_constraint": "part of the whole load; |C| at each replica's best temperature",
    "mean_constraint": "part of the whole load; |C|, mean over temperatures",
    "trend": "Kendall's tau of mean_constraint with the customers perturbed",
    "falls": "number of perturbations from which to the next mean_constraint falls beyond noise",
    "orders_of_magnitude_least": "log10 of metropolis' least_constraint over the algorithm's",
    "orders_of_magnitude_mean": "log10 of metropolis' mean_constraint over the algorithm's",
}

ROBUSTNESS = {
    **_CURVE,
    **_SURVIVAL,
    **{
        f"{name}_{algorithm}": f"{text}; {algorithm}, over all perturbations"
        for algorithm in ("metropolis", "constrained", "penalised", "exchange")
        for name, text in _SURVIVAL.items()
    },
    "algorithm": "by which proposals are accepted",
    "algorithms.least_constraint": f"{_SURVIVAL['least_constraint']}, mean over perturbations",
    "algorithms.mean_constraint": f"{_SURVIVAL['mean_constraint']} and perturbations",
    "perturbation": "number of customers whose state is changed at the start",
    **_with_errors({"perturbed_constraint": "part of the whole load; |C| after that"}),
    "least_constraint_standard_error": "standard error of least_constraint, in its unit",
    "mean_constraint_standard_error": "standard error of mean_constraint, in its unit",
    "temperature_of_least": "J / k_B; of least_constraint, median over replicas",
    "accepted": "proposals accepted, mean over temperatures",
}

BOUNDARIES = {
    **_CURVE,
    "neighbours": "whom customers listen to: free: all neighbours, aggregators: their aggregator's",
    "bonds": "number of pairs of neighbours",
    "bonds_cut": "number of those that have different aggregators",
    "bounds_keep_more": "number of rows in which bounds raise M, beyond noise",
    "bounds_keep_less": "number of rows in which bounds lower M, beyond noise",
    "gain_of_bounds_at": "J / k_B; temperature of the gain among values, the nearest to critical",
    **_with_errors(
        {
            "free": "M with all neighbours",
            "aggregators": "M with the neighbours of one's own aggregator",
            "gain_of_bounds": "M of aggregators less M of free",
        }
    ),
}
