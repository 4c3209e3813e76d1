"""Supply curves: equilibrium bidding and least-squares fits (papers 002 and 003)."""

from __future__ import annotations

from optimodels.model import Caption, Model

_HERE = "optimodels.families.supply"


_CAPTIONS = {
    "bids": Caption(
        "What a firm bids, as the probability of a bid at or below; beside it the expected price "
        "of every unit in order, with Monte Carlo means where there are any.",
        "bids",
    ),
    "fit": Caption(
        "The expected price of every unit and the nearest q-exponential; below, what is between "
        "them.",
        "supply_curve",
    ),
    "trend": Caption("q of the nearest q-exponential by the number of firms."),
    "curves": Caption(
        "The points with the curve of every form, the best one in bold; below, the residuals of "
        "each, fit less price.",
        "curves",
    ),
}


def _model(
    short: str, title: str, source: str, unit: str, pictures: str, parameters: str = "parameters"
) -> Model:
    """One model; its parameters, program and pictures stand under its name in their files."""
    name = short.replace("-", "_")
    return Model(
        name=f"supply/{short}",
        title=title,
        source=source,
        parameters=f"{_HERE}.{parameters}:{short.title().replace('-', '')}",
        program=f"{_HERE}.programs:{name.upper()}",
        pictures=f"{_HERE}.pictures:{name}",
        objective_unit=unit,
        captions={picture: _CAPTIONS[picture] for picture in pictures.split()},
    )


MODELS = {
    model.name: model
    for model in (
        _model(
            "bidding-equilibrium",
            "Bidding equilibrium: what firms bid against a random demand",
            "002, section 2, (2.5)",
            "",
            "bids",
        ),
        _model(
            "q-exponential-fit",
            "q-exponential fit: the expected supply curve in three parameters",
            "002, section 3",
            "price^2",
            "fit trend",
        ),
        _model(
            "curve-fit",
            "Curve fit: supply curves of several forms through the same points",
            "002, section 3; 003, section 3.1",
            "price^2",
            "curves",
            "fit_parameters",
        ),
    )
}
