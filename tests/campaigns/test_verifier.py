"""That the verifier's campaign would see a verifier that proves nothing, or a little too much."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from optimodels.arrays import Floats
from optimodels.form import Form
from optimodels.result import Claim, Verdict
from optimodels.verify import Bound, Judgement, dual_bound, judge
from optimodels.verify.bound import taken
from tests.campaigns import verifier
from tests.campaigns.ledger import run
from tests.campaigns.planted import LINEAR, planted
from tests.campaigns.tally import Tally


def _seeds(fault: str, count: int) -> range:
    kinds = list(verifier.FAULTS)
    return range(kinds.index(fault), count * len(kinds), len(kinds))


def test_verifier_that_believes_everything_misses_the_faults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    true = planted(LINEAR, 0)
    monkeypatch.setattr(verifier, "judge", lambda form, claim: judge(true.form, true.truth))
    tally = run(verifier.faults, range(44))
    missed = sum(tally.counts[f"fault: {name}", "missed"] for name in verifier.FAULTS)
    assert missed == 44
    assert sum("verified by" in line for line in tally.broken) == 44


def test_verifier_that_proves_nothing_breaks_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsure(form: Form, claim: Claim) -> Judgement:
        return Judgement(Verdict("unverified", "", "", "not sure"))

    monkeypatch.setattr(verifier, "judge", unsure)
    monkeypatch.setattr(Bound, "proves", lambda bound, objective: False)
    assert len(run(verifier.truths, range(24)).broken) == 24
    assert len(run(verifier.faults, _seeds("not a number", 5)).broken) == 5
    bounds = run(verifier.bounds, range(24))
    planted_ones = [n for (row, _), n in bounds.counts.items() if row.startswith("as planted")]
    assert len(bounds.broken) == sum(planted_ones) > 4


def _tighter(multipliers: Floats, lower: Floats, upper: Floats) -> Floats:
    """Sides a tenth tighter than they are."""
    sides = taken(multipliers, lower, upper)
    return sides + 0.1 * np.sign(multipliers) * np.maximum(1.0, np.abs(sides))


@pytest.mark.parametrize(
    ("fault", "loosened"),
    [
        ("dropped row", {"point.PRIMAL": 0.1}),
        ("wrong objective", {"point.OBJECTIVE": 0.01}),
        ("worse point", {"bound.GAP": 0.01, "bound.GAP_WITH_RESIDUALS": 0.01}),
        ("false infeasible, room left", {"infeasible.taken": _tighter}),
        ("false infeasible, side moved", {"infeasible.taken": _tighter}),
        ("false unbounded, ray closed", {"unbounded.STRICT": 0.01}),
    ],
)
def test_fault_is_missed_where_the_limit_is_loosened(
    monkeypatch: pytest.MonkeyPatch, fault: str, loosened: dict[str, Any]
) -> None:
    """Each fault meets the limit that is there to catch it: no other test hides that one."""
    seeds = _seeds(fault, 30)
    assert not run(verifier.faults, seeds).broken
    for place, value in loosened.items():
        module, name = place.split(".")
        monkeypatch.setattr(import_module(f"optimodels.verify.{module}"), name, value)
    tally = run(verifier.faults, seeds)
    assert tally.counts[f"fault: {fault}", "missed"] > 3


def test_bound_beyond_the_optimum_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    def boastful(form: Form, claim: Claim) -> Judgement:
        judged = judge(form, claim)
        if judged.bound is None:
            return judged
        return replace(judged, bound=judged.bound + form.sign * 1e-3 * max(1.0, abs(judged.bound)))

    monkeypatch.setattr(verifier, "judge", boastful)
    tally = run(verifier.truths, range(24))
    assert len(tally.broken) > 4
    assert all(line.startswith("bound, ") for line in tally.broken)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_bound_that_is_no_number_breaks_a_promise(
    monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    monkeypatch.setattr(
        verifier, "dual_bound", lambda *args: replace(dual_bound(*args), value=value)
    )
    tally = run(verifier.bounds, range(1))
    assert tally.broken[-1].startswith("seed 0: ValueError: beyond the optimum, as planted: ")


def test_every_seed_tries_a_fault_that_matters() -> None:
    tally = Tally()
    for seed in range(2 * len(verifier.FAULTS)):
        verifier.faults(seed, tally)
    for rows in ("fault: ", "problem: "):
        tried = sum(
            n
            for (row, column), n in tally.counts.items()
            if row.startswith(rows) and column in ("refuted", "not verified", "missed")
        )
        assert tried == 2 * len(verifier.FAULTS)
    assert {row.removeprefix("fault: ") for row, _ in tally.counts if row[0] == "f"} == {
        *verifier.FAULTS
    }


@pytest.mark.parametrize(("off", "status"), [(1.9e-6, "verified"), (2.1e-6, "refuted")])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_claim_and_its_point_may_each_miss_by_the_gap(off: float, status: str, sign: int) -> None:
    """To either side of the optimum, as SCIP's epigraphs do: that is no contradiction."""
    one = next(p for p in (planted(LINEAR, k) for k in range(50)) if p.kind == "QP")
    assert one.objective is not None
    told = one.objective + sign * off * max(1.0, abs(one.objective))
    assert judge(one.form, replace(one.truth, objective=told)).verdict.status == status
