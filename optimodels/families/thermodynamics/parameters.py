"""The parameters of the thermodynamic models: what a case may set, with defaults."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from optimodels.parameters import Number, Parameters, Whole

#: Above it twice the excess product would no longer be a whole number in a double.
MOST_MACHINES = 10**15

Machines = Annotated[Whole, Field(ge=1, le=MOST_MACHINES)]


class Degeneracy(Parameters):
    """The states of one system of machines that each buy or sell."""

    machines: Machines = Field(default=8, description="their number N; each has two modes")
    excess: list[Whole] | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="excess products 2m (sellers less buyers) to tabulate, as even or odd as "
        "machines; null: all up to 41, beyond that the peak",
    )


class ContactEquilibrium(Parameters):
    """Systems that exchange value, and machines where they are mobile."""

    machines: list[Machines] = Field(
        default=[600, 400], min_length=2, max_length=10_000, description="N_i, one per system"
    )
    unit_value: list[Annotated[Number, Field(gt=0)]] = Field(
        default=[0.1, 0.05],
        min_length=2,
        max_length=10_000,
        description="EUR; eps P of each system, what one machine's transaction is worth",
    )
    total_value: Number = Field(
        default=-20.0,
        description="EUR; U of all systems together: negative where more machines sell than buy "
        "(U = -2 m eps P), and the activity is positive then",
    )
    mobile: bool = Field(
        default=False, description="machines may move too: only their total number is kept"
    )
    entropy: Literal["quadratic", "exact"] = Field(
        default="quadratic",
        description="quadratic: the paper's approximation for few excess products; exact: the "
        "binary entropy; the other one is shown beside it",
    )
    mixing: bool = Field(
        default=True,
        description="mobile machines only: count in which system a machine is as well; false is "
        "the paper's model, which has no interior optimum where unit values differ",
    )

    @model_validator(mode="after")
    def _one_value_each(self) -> ContactEquilibrium:
        if len(self.unit_value) != len(self.machines):
            raise ValueError(
                f"unit_value has {len(self.unit_value)} entries for {len(self.machines)} systems; "
                "give one for each"
            )
        return self


class DeviationRates(Parameters):
    """Two systems in contact whose split of the excess product fluctuates."""

    machines: list[Machines] = Field(
        default=[100_000_000, 100_000_000],
        min_length=2,
        max_length=2,
        description="N_1 and N_2, even",
    )
    deviation: Annotated[Whole, Field(ge=1)] = Field(
        default=10_000, description="delta, machines by which m_1 leaves its most probable value"
    )
    more_deviations: list[Annotated[Whole, Field(ge=1)]] = Field(
        default=[15_000, 20_000, 25_000],
        max_length=1000,
        description="further deviations for the table",
    )
    cycles_per_day: Annotated[Number, Field(gt=0)] = Field(
        default=24.0, description="1/day; how often the machines take new modes"
    )
    kilowatts_per_machine: Annotated[Number, Field(gt=0)] = Field(
        default=1.0, description="kW; what one machine produces or consumes"
    )
