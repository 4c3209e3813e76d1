"""What the results of the supply models are, with their units, by name.

Prices are in the unit of the case's own: that of the price cap, or of the points.
"""

from __future__ import annotations

_ANCHORED = {
    "anchor_price": "price; Y, the curve at the last point",
    "a": "price; a, none where no double holds it",
    "log_a": "natural logarithm of a",
}
_INTERVALS = {
    "parameter": "name of the parameter",
    "value": "its value, in its unit",
    "standard_error": "of the value, in its unit",
    "lower_95": "lower end of the 95 % interval",
    "upper_95": "upper end of the 95 % interval",
}
_CURVE = {
    "unit": "number of the unit, in order of price",
    "expected_price": "price; expected price at which it is offered",
    "monte_carlo_mean": "price; mean over the draws",
    "standard_error": "price; of the Monte Carlo mean",
}

BIDDING_EQUILIBRIUM = {
    "lowest_bid": "price; p(0)",
    "median_bid": "price; p(1/2)",
    "expected_profit": "price x units; of a firm, per auction",
    "price_per_unit": "price; expected payment per unit demanded",
    "best_response_residual": "what another bid would gain or miss, part of the profit",
    "probability": "F, of a bid at or below",
    "bid": "price; p(F)",
    "density": "1/price; dF/dp",
    "profit": "price x units; that this bid earns against the others'",
    **_CURVE,
}

Q_EXPONENTIAL_FIT = {
    "q": "q of a exp_q(b x)",
    **_ANCHORED,
    "anchor_rate": "1/unit; beta, relative slope at the last point",
    "b": "1/unit; b, none where a or b cannot be represented",
    "power_law": "whether b grows without end",
    "conditioning": "of the curve's derivatives by its parameters; large: some are not told",
    "largest_residual": "price; largest distance of curve and fit",
    **{
        f"noise_{name}_{side}": f"{word}; {side}est {name} of a fit to Monte Carlo means"
        for name, word in (
            ("q", "q"), ("a", "price"), ("b", "1/unit"), ("objective", "price^2")
        )
        for side in ("low", "high")
    },
    "monte_carlo_q": "q of the fit to the Monte Carlo means",
    **_INTERVALS,
    **_CURVE,
    "supply_curve.standard_error": _CURVE["standard_error"],
    "parameters.standard_error": _INTERVALS["standard_error"],
    "fitted_price": "price; the fit there",
    "residual": "price; fit less expected price",
}  # fmt: skip

CURVE_FIT = {
    "best": "form that the criterion puts first; none where all are refuted",
    "best_verdict": "verdict on its fit",
    "aicc": "Akaike's criterion, corrected for few points: less is better",
    "bic": "Schwarz's criterion: less is better",
    "rmse": "price; root of the mean square of residuals, by weight",
    "largest_residual": "price; of the best form",
    "form": "name of the form",
    "parameters": "degrees of freedom of the fit",
    "loss": "price^2; what is minimised",
    "verdict": "on the form's fit",
    "quantity": "x, in the unit of the points",
    "price": "price; of the point",
    "weight": "what its residual counts",
    "fitted_price": "price; the best form there",
    "residual": "price; best form less point",
    "residuals.*": "price; form less point",
    "curves.*": "price; the form there",
    **_INTERVALS,
    **{f"{form}_{name}": text for form in ("power", "exponential", "q_exponential")
       for name, text in _ANCHORED.items()},
    "power_p": "p of a x^p",
    "exponential_b": "1/quantity; b of a exp(b x)",
    "q_exponential_q": "q of a exp_q(b x)",
    "q_exponential_anchor_rate": "1/quantity; beta, relative slope at the last point",
    "q_exponential_b": "1/quantity; b, none where a or b cannot be represented",
    "q_exponential_power_law": "whether b grows without end",
    "asymptotic_c0": "price; c0",
    "asymptotic_c1": "price; c1, none where no double holds it",
    "asymptotic_c2": "c2, the scarcity parameter",
    "asymptotic_rise": "price; c1 u^c2 at the last point, u = (x - q_w) / (q_m - x)",
    "asymptotic_log_c1": "natural logarithm of c1",
    "asymptotic_q_w": "quantity; wind, at which the curve starts",
    "asymptotic_q_m": "quantity; asymptote, which it never reaches",
}  # fmt: skip
