"""The parameters of the physical models: two areas, their units, loads and disturbances."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_serializer, model_validator

from optimodels.families.regulation.parameters import Supply
from optimodels.parameters import Number, Parameters, Strict, Whole

#: Steps of a simulation: a day by seconds, with room.
MOST_STEPS = 200_000
#: s; responsive load moves in a few tenths of a second, and away from a limit in seconds.
LONGEST_LIMITED_STEP = 0.5

_Positive = Annotated[Number, Field(gt=0, le=1e9)]
#: Beyond these, time constants lie too far apart for doubles to hold balances to rounding.
_Seconds = Annotated[Number, Field(ge=1e-3, le=1e4)]
_Gain = Annotated[Number, Field(ge=1e-6, le=1e3)]
_Droop = Annotated[Number, Field(ge=1e-3, le=1e3)]
_Share = Annotated[Number, Field(ge=0, le=1)]
#: Per unit of the whole load, or Hz; beyond, it is a slip.
_Size = Annotated[Number, Field(ge=-1e3, le=1e3)]
_Name = Annotated[str, Field(min_length=1, max_length=200)]


class Fleet(Strict):
    """Fractions of the units under control, which add up to one."""

    hydro: _Share = Field(default=0.0, description="hydraulic units")
    reheat: _Share = Field(default=0.0, description="steam units with reheat")
    nonreheat: _Share = Field(default=0.0, description="units without reheat")

    @model_validator(mode="after")
    def _whole(self) -> Fleet:
        total = self.hydro + self.reheat + self.nonreheat
        if abs(total - 1) > 1e-9:
            raise ValueError(f"fractions add up to {total:g}, not to 1")
        return self


class Disturbance(Strict):
    """One thing that happens: power lost, or frequency or exports that are given."""

    shape: Literal["step", "ramp", "noise", "recorded"] = Field(
        default="step", description="step, ramp, noise or recorded"
    )
    of: Literal["loss", "frequency", "exports"] = Field(
        default="loss",
        description="loss: power lost, per unit of the whole load; in an open loop also exports "
        "(added to the study area's, same unit) and frequency (Hz off nominal)",
    )
    area: Literal["study", "rest"] = Field(default="rest", description="where power is lost")
    size: _Size | None = Field(
        default=None, description="height; of noise the standard deviation; of a record a factor"
    )
    start: Annotated[Number, Field(ge=0, le=1e9)] = Field(default=0.0, description="s")
    end: _Positive | None = Field(default=None, description="s; step and ramp: null: it stays")
    rise: _Positive | None = Field(default=None, description="s; ramp: time up, and down from end")
    every: _Positive | None = Field(
        default=None, description="s; noise: each value holds; recorded: between rows"
    )
    correlation: Annotated[Number, Field(ge=0)] | None = Field(
        default=None, description="s; noise: time in which its memory falls to 1/e; default 0"
    )
    csv: _Name | None = Field(default=None, description="recorded: file, its path beside the case")
    column: _Name | None = Field(default=None, description="recorded: name of its column")
    times: _Name | None = Field(
        default=None,
        description="recorded: column of times, s; rows must be as far apart as every says",
    )
    between: Literal["held", "straight"] | None = Field(
        default=None,
        description="recorded: held between rows, and 0 after the last, or straight, and the last "
        "stays; default held",
    )

    @model_validator(mode="after")
    def _its_own(self) -> Disturbance:
        needs = {
            "step": {"size"},
            "ramp": {"size", "rise"},
            "noise": {"size", "every"},
            "recorded": {"csv", "column", "every"},
        }[self.shape]
        may = {
            "step": {"end"},
            "ramp": {"end"},
            "noise": {"correlation"},
            "recorded": {"size", "between", "times"},
        }[self.shape]
        of_one_shape = {"size", "end", "rise", "every", "correlation", "csv", "column", "between"}
        of_one_shape |= {"times"}
        for name in sorted(of_one_shape):
            given = getattr(self, name) is not None
            if given and name not in needs | may:
                raise ValueError(f"a {self.shape} has no {name}")
            if not given and name in needs:
                raise ValueError(f"a {self.shape} needs {name}")
        if self.shape == "noise" and self.size is not None and self.size < 0:
            raise ValueError("noise has a standard deviation of at least 0")
        least = self.start + (self.rise or 0.0)
        if self.end is not None and self.end < least + (0 if self.rise else 1e-9):
            raise ValueError(f"end must be after {least:g} s")
        return self

    @model_serializer
    def _as_written(self) -> Any:
        return {name: value for name, value in self if value is not None}


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


Disturbances = Annotated[
    list[Disturbance],
    BeforeValidator(_listed, json_schema_input_type=Disturbance | list[Disturbance]),
    Field(min_length=1, max_length=1000),
]


class Physics(Parameters):
    """The two areas, which differ in size alone; powers per unit of the whole load."""

    study_share: Annotated[Number, Field(ge=1e-6, le=1 - 1e-6)] = Field(
        default=0.01, description="the study area's part of the whole load"
    )
    nominal_hz: Annotated[Number, Field(ge=1, le=1e4)] = Field(default=60.0, description="Hz")
    inertia: _Seconds = Field(default=10.0, description="M, s")
    damping: Annotated[Number, Field(ge=0, le=1e3)] = Field(
        default=1.0, description="D, per unit of power by per unit of frequency"
    )
    droop: _Droop = Field(default=0.05, description="R, of units and of responsive load")
    firm_generation: _Share = Field(default=0.85, description="P_G, per unit of load")
    agc: bool = Field(default=True, description="whether some units follow ACE")
    agc_share: _Share = Field(default=0.2, description="K_A, part of the units that follows ACE")
    agc_gain: _Gain = Field(default=0.01, description="K_I, 1/s")
    ace_filter: _Seconds = Field(default=15.0, description="T_A, s")
    fleet: Fleet = Field(
        default={"hydro": 0.4, "reheat": 0.4, "nonreheat": 0.2}, validate_default=True,
        description="fractions of the units: {hydro, reheat, nonreheat}",
    )  # fmt: skip
    governor_time: _Seconds = Field(default=0.2, description="T_G, s; of all units")
    reset_time: _Seconds = Field(
        default=5.0,
        description="T_R, s; the paper prints 0.5, with which a fleet of hydro alone is unstable",
    )
    temporary_droop: _Droop = Field(default=0.38, description="R_T, per unit; of hydro units")
    permanent_droop: _Droop = Field(default=0.05, description="R_P, per unit; of hydro units")
    water_time: _Seconds = Field(default=1.0, description="T_W, s; of hydro units")
    reheat_time: _Seconds = Field(default=7.0, description="T_RH, s; of reheat units")
    chest_time: _Seconds = Field(
        default=0.3, description="T_CH, s; steam chest of reheat and nonreheat units"
    )
    high_pressure_fraction: _Share = Field(
        default=0.3, description="F_HP, part of a reheat unit's power at high pressure"
    )
    demand_response: _Share = Field(
        default=0.1, description="part of the load that answers to frequency, and to ACE"
    )
    load_time_constant: _Seconds = Field(
        default=0.2, description="T_load, s; the paper's T_L of grid-friendly load"
    )
    load_recovery_gain: _Gain = Field(default=0.02, description="K_L, 1/s")


class FrequencyResponse(Physics):
    """What frequency, generation, load and exports do after a disturbance."""

    loop: Literal["closed", "open"] = Field(
        default="closed",
        description="closed: both areas make the frequency; open: it is given, and the study "
        "area stands alone",
    )
    disturbance: Disturbances = Field(
        default=[{"shape": "step", "size": 0.01}], validate_default=True,
        description="one or a list of {shape: step, size, start, end}, {shape: ramp, size, rise}, "
        "{shape: noise, size, every, correlation}, {shape: recorded, csv, column, every}",
    )  # fmt: skip
    duration: _Positive = Field(default=300.0, le=1e6, description="s")
    time_step: Annotated[Number, Field(gt=0, le=1e3)] = Field(
        default=0.1, description="s between points; the simulation is exact for any"
    )
    demand_follows: _Share = Field(
        default=0.0, description="rho_D, part of ACE that demand response takes at once; 0: none"
    )
    ace_sampling: _Positive | None = Field(
        default=None, description="s between samples of ACE, as 4; null: continuous"
    )
    saturation: _Share | None = Field(
        default=None, description="part of the responsive load that can be called; null: no limit"
    )
    seed: Whole = Field(default=1, ge=0, le=2**63 - 1, description="seed of the noise")

    @model_validator(mode="after")
    def _fits(self) -> FrequencyResponse:
        if self.time_step > self.duration:
            raise ValueError(
                f"time_step {self.time_step:g} s is longer than duration {self.duration:g} s"
            )
        if self.duration / self.time_step > MOST_STEPS:
            raise ValueError(
                f"duration / time_step is more than {MOST_STEPS} steps; lengthen time_step"
            )
        if self.agc and self.agc_share == 0:
            raise ValueError("agc_share 0 leaves no unit to follow ACE; set agc: false")
        if not self.agc and self.demand_follows:
            raise ValueError("demand_follows needs agc: true")
        if not self.agc and self.ace_sampling is not None:
            raise ValueError("ace_sampling needs agc: true")
        if self.ace_sampling is not None and self.ace_sampling < self.time_step:
            raise ValueError(
                f"ace_sampling {self.ace_sampling:g} s is shorter than time_step "
                f"{self.time_step:g} s"
            )
        if self.saturation is not None and self.time_step > LONGEST_LIMITED_STEP:
            raise ValueError(
                f"saturation needs a time_step of at most {LONGEST_LIMITED_STEP:g} s: a limit that "
                "is reached and left between two times is not seen"
            )
        if self.loop == "open":
            if any(one.of == "loss" and one.area == "rest" for one in self.disturbance):
                raise ValueError(
                    "a loss in the rest does nothing in an open loop; set area: study, or give "
                    "frequency or exports"
                )
            return self
        for one in self.disturbance:
            if one.of != "loss":
                raise ValueError(f"{one.of} can be given in an open loop only; set loop: open")
        return self


class RegulationCost(Physics):
    """What regulation costs over five-minute dispatches, and who is paid for it."""

    system_load_mw: _Positive = Field(default=100_000.0, description="MW; of both areas together")
    supply: Supply = Field(
        default={"form": "asymptotic", "c0": 15.0, "c1": 20.0, "c2": 1.5, "q_w": 100.0,
                 "q_m": 1620.0}, validate_default=True,
        description="the study area's, in MW and $/MWh, as in regulation/market-clearing",
    )  # fmt: skip
    mean_price: _Positive = Field(
        default=50.0, description="$/MWh; P_A, at which half of the responsive load is served"
    )
    elasticity: Annotated[Number, Field(lt=0, ge=-1000)] = Field(
        default=-2.0, description="eta of the responsive load at the mean price, below 0"
    )
    intervals: Whole = Field(default=12, ge=1, le=2016, description="dispatches; a day has 288")
    interval_s: Annotated[Number, Field(gt=0, le=3600)] = Field(
        default=300.0, description="s between dispatches"
    )
    regulation_s: Annotated[Number, Field(gt=0, le=3600)] = Field(
        default=4.0, description="s between prices of regulation; a part of interval_s"
    )
    dispatch_decay: _Seconds = Field(
        default=0.2,
        description="s; T_decay with which dispatched resources take up their new quantity (the "
        "paper also calls 2.5 reasonable)",
    )
    load_profile: list[Annotated[Number, Field(gt=0, le=1e3)]] = Field(
        default=[1.0, 1.0], min_length=2, max_length=10_000,
        description="the study area's load by its mean, at even times from beginning to end, "
        "straight in between",
    )  # fmt: skip
    disturbance: Disturbances = Field(
        default=[{"shape": "step", "size": 0.01}], validate_default=True,
        description="as in regulation/frequency-response; power lost, beside the load profile",
    )  # fmt: skip
    demand_follows: _Share | None = Field(
        default=None,
        description="part of ACE that demand response takes at once; null: the market's rho_D, its "
        "mean over the dispatches; 0: none",
    )
    needed: Literal["ace", "response"] = Field(
        default="ace",
        description="dQ that sets the price: ace: -ACE; response: what all resources give, which "
        "is what droop asks of the area",
    )
    price_includes_dispatch: bool = Field(
        default=False, description="whether the price of regulation P_R includes P_C"
    )
    reference: _Share | None = Field(
        default=0.01, description="demand response to compare with, part of load; null: none"
    )
    seed: Whole = Field(default=1, ge=0, le=2**63 - 1, description="seed of the noise")

    @model_validator(mode="after")
    def _fits(self) -> RegulationCost:
        turns = self.interval_s / self.regulation_s
        if abs(turns - round(turns)) > 1e-9 or turns < 0.5:
            raise ValueError(
                f"interval_s {self.interval_s:g} must be a multiple of regulation_s "
                f"{self.regulation_s:g}"
            )
        if self.intervals * turns > MOST_STEPS:
            raise ValueError(
                f"intervals x interval_s / regulation_s are more than {MOST_STEPS} prices of "
                "regulation; lengthen regulation_s"
            )
        if not self.agc or self.agc_share == 0:
            raise ValueError("regulation is paid by ACE: it needs agc: true and agc_share above 0")
        if any(one.of != "loss" for one in self.disturbance):
            raise ValueError("disturbance must be of loss: the loop is closed")
        return self
