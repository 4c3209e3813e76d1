"""What the results of the thermodynamic models are, with their units, by name."""

from __future__ import annotations

_LOG10 = "decimal logarithm of"

DEGENERACY = {
    "machines": "N",
    "levels": "how many excess products there are",
    "excess": "2m, sellers less buyers",
    "m": "half of the excess product",
    "states": "2^N",
    "degeneracy": "g(N, m), states with this excess product",
    "degeneracy_most": "g(N, m) at the least |m|",
    "log10_states": f"{_LOG10} 2^N",
    "log10_degeneracy": f"{_LOG10} g(N, m)",
    "log10_degeneracy_most": f"{_LOG10} the greatest g(N, m)",
    "log10_gaussian": f"{_LOG10} the Gaussian approximation of g(N, m)",
    "gaussian_over_exact": "Gaussian approximation over g(N, m)",
    "gaussian_over_exact_most": "the same at the least |m|",
    "entropy": "nats; log g(N, m)",
    "entropy_most": "nats; the greatest entropy",
    "width": "standard deviation of m over all states",
    "relative_width": "standard deviation of 2m / N",
}

CONTACT_EQUILIBRIUM = {
    "activity": "EUR; tau",
    "inverse_activity": "1/EUR; 1/tau",
    "entropy": "nats; of all machines at the split found, in the table of those of a system",
    "entropy_lost": "nats; by which it is below that at zero activity",
    "standard_deviations": "total value, in standard deviations of it with modes at random",
    "activity_quadratic": "EUR; tau by the quadratic entropy, closed form",
    "entropy_lost_quadratic": "nats; lost by the quadratic entropy, closed form",
    "activity_exact": "EUR; tau by the binary entropy, closed form",
    "entropy_lost_exact": "nats; lost by the binary entropy, closed form",
    "system": "number of the system, as in the case",
    "machines": "N_i at the split found",
    "unit_value": "EUR; eps P",
    "value": "EUR; U_i at the split found",
    "value_closed_form": "EUR; U_i in closed form, by the entropy asked for",
    "excess": "2m_i = -U_i / (eps P)_i, sellers less buyers",
    "potential_value": "EUR; mu_i - mu_i(0)",
    "multiplier": "which one, with its unit",
    "solver": "as the solver's multipliers say",
    "closed_form": "the same in closed form",
    "value_quadratic": "EUR; U_i by the quadratic entropy",
    "value_exact": "EUR; U_i by the binary entropy",
    "machines_quadratic": "N_i by the quadratic entropy, where machines are mobile",
    "machines_exact": "N_i by the binary entropy, where machines are mobile",
    "lost_quadratic": "nats; entropy that the split found loses by the quadratic entropy",
    "lost_exact": "nats; by the binary entropy",
    "lost_counted": "nats; by counting states, log g(N_i, 0) - log g(N_i, m_i)",
}

_RATES = {
    "reduction": "states at the deviation over those at the most probable split, (7)",
    "reduction_exact": "the same of whole degeneracies",
    "tail_probability": "probability of this deviation or a larger one, normal",
    "tail_probability_exact": "the same of whole degeneracies",
    "days_to_event": "days; until a deviation, by reduction",
    "years_to_event": "years of 365.25 days; the same",
    "days_to_event_tail": "days; until this deviation or a larger one, by tail_probability",
}

DEVIATION_RATES = {
    "deviation": "delta, machines",
    "megawatts": "MW; what the deviation moves",
    "percent": "deviation in percent of N_1",
    **_RATES,
    **{f"log10_{name}": f"{_LOG10} {name}" for name in _RATES},
    "width": "machines; standard deviation of m_1",
    "width_per_machine": "width over N_1",
}
