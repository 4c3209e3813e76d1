"""Parameters of a physical case as the system, its disturbances and its times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimodels.arrays import Floats, Mask
from optimodels.errors import DataError
from optimodels.families.regulation.physical_parameters import (
    MOST_STEPS,
    Disturbance,
    FrequencyResponse,
    Physics,
)
from optimodels.families.regulation.physics import disturbances
from optimodels.families.regulation.physics.disturbances import Signal
from optimodels.families.regulation.physics.governors import Governors
from optimodels.families.regulation.physics.simulation import Inputs as Given
from optimodels.families.regulation.physics.system import AREAS, System
from optimodels.model import Inputs


@dataclass(frozen=True)
class Response:
    """A system with what disturbs it: ``signals`` in order, with the input that each enters.

    ``grid`` (k + 1,) are the times in s, ``given`` the inputs of every step, which are power lost
    in each area, one, and in an open loop the frequency per unit. ``steady`` says that nothing
    changes after the last node, so that there is a state in which it ends.
    """

    system: System
    nominal_hz: float
    open_loop: bool
    grid: Floats
    given: Given
    time_step: float
    sampling: float | None
    saturation: float | None
    final: Floats
    steady: bool

    @property
    def samples(self) -> Mask | None:
        """The times at which ACE is sampled (k + 1,), or None where it always is."""
        if self.sampling is None:
            return None
        turns = self.grid / self.sampling
        return np.asarray(np.abs(turns - np.round(turns)) < 1e-9 * np.maximum(1.0, turns))

    @property
    def linear(self) -> bool:
        return self.sampling is None and self.saturation is None


def system_of(given: Physics, demand_share: float = 0.0) -> System:
    """Return the system of a case."""
    return System(
        shares=(given.study_share, 1 - given.study_share),
        inertia=given.inertia,
        damping=given.damping,
        droop=given.droop,
        firm=given.firm_generation,
        agc=given.agc,
        agc_share=given.agc_share if given.agc else 0.0,
        agc_gain=given.agc_gain,
        ace_filter=given.ace_filter,
        demand_response=given.demand_response,
        demand_share=demand_share,
        load_time=given.load_time_constant,
        recovery=given.load_recovery_gain,
        governors=Governors(
            governor=given.governor_time,
            reset=given.reset_time,
            temporary_droop=given.temporary_droop,
            permanent_droop=given.permanent_droop,
            water=given.water_time,
            reheat=given.reheat_time,
            chest=given.chest_time,
            high_pressure=given.high_pressure_fraction,
        ),
        fleet=given.fleet.model_dump(),
    )


def read_response(inputs: Inputs) -> Response:
    """Read a case; raises DataError where a recorded disturbance cannot be read."""
    given: FrequencyResponse = inputs.parameters
    signals = [
        (one, signal_of(one, inputs, f"parameters.disturbance.{k}", given.duration, given.seed + k))
        for k, one in enumerate(given.disturbance)
    ]
    events = [signal.times for _, signal in signals]
    if given.ace_sampling is not None:
        count = int(given.duration / given.ace_sampling)
        events.append(given.ace_sampling * np.arange(1, count + 1, dtype=float))
    grid = disturbances.grid(given.duration, given.time_step, np.concatenate(events))
    if len(grid) > MOST_STEPS + 1:
        raise DataError(
            "parameters.disturbance",
            f"changes and steps are more than {MOST_STEPS}; lengthen every, or the step",
        )
    begin, end, final = inputs_of(signals, grid, given.nominal_hz)
    return Response(
        system=system_of(given, given.demand_follows),
        nominal_hz=given.nominal_hz,
        open_loop=given.loop == "open",
        grid=grid,
        given=Given(begin, end),
        time_step=given.time_step,
        sampling=given.ace_sampling,
        saturation=given.saturation if given.demand_response else None,
        final=final,
        steady=all(signal.times[-1] <= given.duration for _, signal in signals),
    )


def inputs_of(
    signals: list[tuple[Disturbance, Signal]], grid: Floats, nominal_hz: float
) -> tuple[Floats, Floats, Floats]:
    """Return inputs (k, 4) at both ends of every step, and what they stay at (4,)."""
    begin, end, final = np.zeros((len(grid) - 1, 4)), np.zeros((len(grid) - 1, 4)), np.zeros(4)
    for k in (begin, end):
        k[:, 2] = 1.0
    final[2] = 1.0
    for one, signal in signals:
        place, factor = AREAS.index(one.area), 1.0
        if one.of == "frequency":
            place, factor = 3, 1 / nominal_hz
        elif one.of == "exports":
            # Exports above schedule act on the area as if it lost less.
            place, factor = 0, -1.0
        first, last = signal.within(grid)
        begin[:, place] += factor * first
        end[:, place] += factor * last
        final[place] += factor * signal.after[-1]
    return begin, end, final


def signal_of(one: Disturbance, inputs: Inputs, key: str, duration: float, seed: int) -> Signal:
    """Return a disturbance by its nodes."""
    size = 1.0 if one.size is None else one.size
    if one.start >= duration:
        raise DataError(f"{key}.start", f"{one.start:g} s is not before the end, {duration:g} s")
    if one.shape == "step":
        return disturbances.step(size, one.start, one.end)
    if one.shape == "ramp":
        assert one.rise is not None
        return disturbances.ramp(size, one.start, one.rise, one.end)
    assert one.every is not None
    if (duration - one.start) / one.every > MOST_STEPS:
        raise DataError(f"{key}.every", f"{one.every:g} s makes more than {MOST_STEPS} values")
    if one.shape == "noise":
        kept = one.correlation or 0.0
        return disturbances.noise(size, one.every, kept, duration, seed, one.start)
    from optimodels.grid.profiles import read_csv_column

    assert one.csv is not None
    assert one.column is not None
    path = inputs.path(one.csv, f"{key}.csv")
    try:
        values = size * read_csv_column(path, one.column)
        if one.times is not None:
            _even(read_csv_column(path, one.times), one.every)
    except DataError as error:
        raise DataError(f"{key}.{error.key}", error.message) from error
    if one.between == "straight":
        return disturbances.straight(values, one.every, one.start)
    return disturbances.held(values, one.every, one.start)


def _even(times: Floats, every: float) -> None:
    """Raise DataError where rows are not ``every`` seconds apart: a record with a gap."""
    wrong = np.abs(np.diff(times) - every) > 1e-6 * every
    if wrong.any():
        k = int(np.argmax(wrong))
        raise DataError(
            "times", f"row {k + 3} is {times[k + 1] - times[k]:g} s after the one before, not "
            f"{every:g} s: a record has no gaps"
        )  # fmt: skip
