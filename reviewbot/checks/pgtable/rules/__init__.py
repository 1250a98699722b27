"""The rules, one module each. A rule is registered here when it is silent on kernels that are right."""

from __future__ import annotations

from reviewbot.checks.pgtable.rules import (
    c01_ctor_result_ignored,
    c02_ctor_missing,
    c03_ctor_wrong_level,
    c06_dtor_missing,
    c18_api_not_in_tree,
)
from reviewbot.checks.pgtable.rules.base import Rule

RULES: dict[str, Rule] = {
    module.RULE.code: module.RULE
    for module in (
        c01_ctor_result_ignored,
        c02_ctor_missing,
        c03_ctor_wrong_level,
        c06_dtor_missing,
        c18_api_not_in_tree,
    )
}

__all__ = ["RULES", "Rule"]
