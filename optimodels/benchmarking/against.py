"""One benchmark against an earlier one: ratios of times with confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from optimodels.benchmarking.entry import Benchmark, Entry
from optimodels.result import Row

_RESAMPLES = 4000
_SIDES = (2.5, 97.5)


def against(now: Benchmark, before: Benchmark) -> list[Row]:
    """Return a row per instance and solver of both: median before and now, their ratio with a
    95 % interval, and a word; the last row holds the geometric mean of the ratios.

    The interval is that of the percentile bootstrap over the repetitions, its draws seeded by the
    benchmark's seed. An instance whose data or formulation has changed is named and not compared.
    """
    draws = np.random.default_rng(now.settings.seed)
    earlier = {(entry.instance, entry.solver): entry for entry in before.entries}
    rows: list[Row] = []
    drawn: list[npt.NDArray[np.float64]] = []
    ratios: list[float] = []
    for entry in now.entries:
        known = earlier.get((entry.instance, entry.solver))
        if known is None or "skipped" in (entry.status, known.status):
            continue
        row: Row = {"solver": f"{entry.solver}, {entry.instance}"}
        if not (entry.solved and known.solved):
            rows.append({**row, "word": f"{known.status} before, {entry.status} now"})
            continue
        row |= {"before": known.median, "now": entry.median}
        if known.fingerprint != entry.fingerprint:
            rows.append({**row, "word": "another problem now: not compared"})
            continue
        sample = np.log(_medians(entry, draws)) - np.log(_medians(known, draws))
        ratio = float(np.log(entry.median or 0.0) - np.log(known.median or 1.0))
        drawn.append(sample)
        ratios.append(ratio)
        rows.append({**row, **_interval(ratio, sample)})
    if ratios:
        whole = _interval(float(np.mean(ratios)), np.mean(drawn, axis=0))
        rows.append({"solver": f"geometric mean of {len(ratios)}", **whole})
    return rows


def _medians(entry: Entry, draws: np.random.Generator) -> npt.NDArray[np.float64]:
    """Medians of resampled repetitions (R,)."""
    times: Sequence[float] = entry.times
    drawn = draws.choice(np.asarray(times), size=(_RESAMPLES, len(times)))
    medians: npt.NDArray[np.float64] = np.median(drawn, axis=1)
    return medians


def _interval(ratio: float, sample: npt.NDArray[np.float64]) -> Row:
    low, high = (float(np.exp(side)) for side in np.percentile(sample, _SIDES))
    word = "faster" if high < 1 else "slower" if low > 1 else "no difference shown"
    return {"ratio": float(np.exp(ratio)), "from": low, "to": high, "word": word}
