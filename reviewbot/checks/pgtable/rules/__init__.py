"""The rules, one module each. A rule is registered here when it is silent on kernels that are right."""

from __future__ import annotations

from reviewbot.checks.pgtable.rules import (
    c01_ctor_result_ignored,
    c02_ctor_missing,
    c03_ctor_wrong_level,
    c04_ctor_on_nonpage,
    c05_kernel_table_policy,
    c06_dtor_missing,
    c07_dtor_twice,
    c08_ctor_twice,
    c09_dtor_unpaired,
    c10_leak_on_ctor_failure,
    c11_tlb_free_path,
    c12_dtor_wrong_level,
    c13_ctor_before_null_check,
    c14_free_mismatch,
    c15_gfp_mismatch,
    c16_folded_level,
    c17_lost_race,
    c18_api_not_in_tree,
    c19_mm_argument,
    c20_double_accounting,
    c21_fragment_tables,
    c22_ordering,
    c23_dtor_before_grace_period,
    c24_wrong_object,
    c25_override_pair_mismatch,
)
from reviewbot.checks.pgtable.rules.base import Rule

RULES: dict[str, Rule] = {
    module.RULE.code: module.RULE
    for module in (
        c01_ctor_result_ignored,
        c02_ctor_missing,
        c03_ctor_wrong_level,
        c04_ctor_on_nonpage,
        c05_kernel_table_policy,
        c06_dtor_missing,
        c07_dtor_twice,
        c08_ctor_twice,
        c09_dtor_unpaired,
        c10_leak_on_ctor_failure,
        c11_tlb_free_path,
        c12_dtor_wrong_level,
        c13_ctor_before_null_check,
        c14_free_mismatch,
        c15_gfp_mismatch,
        c16_folded_level,
        c17_lost_race,
        c18_api_not_in_tree,
        c19_mm_argument,
        c20_double_accounting,
        c21_fragment_tables,
        c22_ordering,
        c23_dtor_before_grace_period,
        c24_wrong_object,
        c25_override_pair_mismatch,
    )
}

__all__ = ["RULES", "Rule"]
