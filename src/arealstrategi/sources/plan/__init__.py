"""Plan data (arealplaner): purposes, hensynssoner and the plans they belong to, and their codes."""

from arealstrategi.sources.plan.codes import (
    DROPPED,
    HOUSING,
    IN_FORCE,
    IN_PROGRESS,
    MUST_CLARIFY,
    NOT_HOUSING,
    act_of,
    code_table,
    is_known_purpose,
    purpose_group,
    purpose_name,
    status_use,
    zone_kind,
    zone_name,
)
from arealstrategi.sources.plan.read import PLAN_COLUMNS, read_plan
from arealstrategi.sources.plan.rows import open_plan

__all__ = [
    "DROPPED",
    "HOUSING",
    "IN_FORCE",
    "IN_PROGRESS",
    "MUST_CLARIFY",
    "NOT_HOUSING",
    "PLAN_COLUMNS",
    "act_of",
    "code_table",
    "is_known_purpose",
    "open_plan",
    "purpose_group",
    "purpose_name",
    "read_plan",
    "status_use",
    "zone_kind",
    "zone_name",
]
