"""Who works where: accounts, the organisation tree, the workforce register, roles, merges."""

from __future__ import annotations

from kalan.people.models.accounts import (
    Account,
    AccountManager,
    ActivationSlip,
    AttemptWindow,
    Device,
    Role,
    RoleGrant,
    SignInEvent,
)
from kalan.people.models.care import DataRequest, DuplicatePair, Merge, ProcessingActivity
from kalan.people.models.org import OrgNode, OrgNodeCode, OrgNodePeriod, Sector, StructureType
from kalan.people.models.workforce import Agent, Cadre, Employer, EmploymentStatus, Post, Sex

__all__ = [
    "Account",
    "AccountManager",
    "ActivationSlip",
    "Agent",
    "AttemptWindow",
    "Cadre",
    "DataRequest",
    "Device",
    "DuplicatePair",
    "Employer",
    "EmploymentStatus",
    "Merge",
    "OrgNode",
    "OrgNodeCode",
    "OrgNodePeriod",
    "Post",
    "ProcessingActivity",
    "Role",
    "RoleGrant",
    "Sector",
    "Sex",
    "SignInEvent",
    "StructureType",
]
