"""Toolchains, configurations, kbuild: what the compiler says of a change, and what of it is new."""

from reviewbot.builds.builder import Builder, Session
from reviewbot.builds.model import (
    BuildResult,
    Configuration,
    Kind,
    NotBuilt,
    Plan,
    PlannedBuild,
    Progress,
    State,
    Toolchain,
)

__all__ = [
    "BuildResult",
    "Builder",
    "Configuration",
    "Kind",
    "NotBuilt",
    "Plan",
    "PlannedBuild",
    "Progress",
    "Session",
    "State",
    "Toolchain",
]
