"""What a planner may say about robustness."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RobustnessOptions(BaseModel):
    """How sure the order is: what is varied, and how much."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    enabled: bool = Field(default=True, description="Whether the order of parcels is tested.")
    # 1,000 draws tell a share to within 0.03 (two standard errors at 0.5).
    draws: int = Field(default=1000, ge=100, le=10_000, description="Random sets of weights.")
    # Judgement: a weight of 0.20 then has a standard deviation of 0.07, one of 0.05 has 0.04.
    concentration: float = Field(
        default=30.0,
        gt=0,
        le=1e6,
        description="How close random weights stay to those of the strategy; larger is closer.",
    )
    # Judgement: as many sites as a committee looks at.
    top: int = Field(default=20, ge=1, description="How many of the best parcels are looked at.")
    # Judgement: fewer, because each draw values every parcel anew.
    distance_draws: int = Field(
        default=200, ge=10, le=10_000, description="Random sets of distances."
    )
    # Judgement: people walk slower or take detours by about as much.
    distance_sd: float = Field(
        default=0.15,
        ge=0,
        le=1,
        description="Standard deviation of the factor on all distances (its mean is 1).",
    )
    # Judgement: what is missing in, or closed since, a well-kept extract of OpenStreetMap.
    drop_share: float = Field(
        default=0.05, ge=0, lt=1, description="Share of the services left out in each draw."
    )
    seed: int = Field(default=1, ge=0, description="Start of the random numbers.")
