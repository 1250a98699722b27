"""C03: each level has its own constructor."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.pairing import chosen_at_run_time, excluded_levels, guarded_level, level_named, named_role
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.findings import Finding, Location, Severity

#: a function becomes the allocator of a table of functions
_MEMBER = re.compile(r"(?:\.|->)\s*(\w*alloc\w*)\s*=\s*&?\s*(\w+)\s*[,;}\n]")
#: parameters that say which level a table is for
_CHOOSERS = ("pgtable_level", "level", "shift")


def check(scene: Scene) -> Iterator[Finding]:
    """Report a constructor of another level than the one the table is for."""
    done: set[tuple[int, str]] = set()
    steps = [step for step in scene.of("ctor") if step.level and step.name in scene.facts.hooks]
    # constructed before on this path, as where a switch falls through: rule C08 says so
    for message, step in [(_wrong(scene, step), step) for step in steps if not step.before.live]:
        if message and (step.line, step.level) not in done:
            done.add((step.line, step.level))
            yield scene.finding("C03", Severity.ERROR, step, message)
    for step in steps:
        if (step.line, step.level) in done:
            continue
        if message := _for_several(scene, step):
            evidence = scene.program.callback_evidence(scene.piece.name, scene.piece.path)
        elif chooser := _chooser(scene):
            evidence = ()
            message = (
                f"{scene.piece.name}() runs the {step.level} constructor {step.name}() on tables of every level: it "
                f"does not look at {chooser}, which says what level is wanted."
            )
        else:
            continue
        done.add((step.line, step.level))
        yield scene.finding("C03", Severity.ERROR, step, message, evidence=evidence)
    yield from _set_as_member(scene, steps)
    yield from _made_below(scene)


def _wrong(scene: Scene, step: Step) -> str:
    if step.level in excluded_levels(step) and not guarded_level(step):
        return f"{step.name}() is the constructor of {step.level} tables, but it runs where the table is none."
    actual, why = _level(scene, step)
    return _message(scene, step, actual, why) if actual and actual != step.level else ""


def _for_several(scene: Scene, step: Step) -> str:
    several = scene.program.callback_levels(scene.piece.name, scene.piece.path)
    if guarded_level(step) or not several - {step.level}:
        return ""
    levels = ", ".join(sorted(several, key=words.LEVELS.index))
    return (
        f"{scene.piece.name}() runs the {step.level} constructor {step.name}() on every table, but it is "
        f"handed on as the allocator of {levels} tables alike."
    )


def _set_as_member(scene: Scene, steps: list[Step]) -> Iterator[Finding]:
    """``ops.alloc_pmd = alloc_pte_late``: what constructs for one level is set to allocate for another."""
    made = next((step for step in steps if not guarded_level(step) and not step.before.live), None)
    if made is None or "alloc" not in scene.piece.name + scene.piece.body:
        return
    for found in _MEMBER.finditer(scene.source.text):
        levels = words.levels_in_name(found[1])
        if found[2] != scene.piece.name or len(levels) != 1 or levels[0] in {step.level for step in steps}:
            continue
        line = scene.source.text.count("\n", 0, found.start(1)) + 1
        holder = next((one for one in scene.source.pieces if one.line <= line <= one.last_line), scene.piece)
        yield Finding(
            "C03",
            Severity.ERROR,
            Location(scene.piece.path, line, holder.written, scene.text(line)),
            f"{scene.piece.name}() runs {made.name}(), the constructor of {made.level} tables, but it is set here as "
            f"the allocator of {levels[0]} tables.",
            (*made.history, scene.reached(line, "sets")),
            holder.condition,
        )


def _made_below(scene: Scene) -> Iterator[Finding]:
    """A table that another function constructs, for one level, and that this one hands out as one of another."""
    done: set[int] = set()
    for step in scene.of("alloc"):
        made = step.before.ctor
        if step.name in words.ALLOCATORS or made not in words.LEVELS or step.line in done:
            continue
        actual, why = _handed_out_as(scene, step)
        if not actual or actual == made or _judged_itself(scene, step):
            continue
        done.add(step.line)
        yield scene.finding(
            "C03",
            Severity.ERROR,
            step,
            f"{step.name}() returns a table that was constructed as a {made}, but this table is a {actual}: {why}.",
        )


def _handed_out_as(scene: Scene, step: Step) -> tuple[str, str]:
    if guarded_level(step) or chosen_at_run_time(step):
        return "", ""
    if not any(end.detail == "returned" for end in scene.ends(step.table)):
        return "", ""
    if scene.role[1] == "alloc":
        return scene.role[0], f"{scene.piece.name}() makes {scene.role[0]} tables"
    if "alloc" in scene.piece.name and scene.named_level:
        return scene.named_level, f"{scene.piece.name}() allocates {scene.named_level} tables"
    return "", ""


def _judged_itself(scene: Scene, step: Step) -> bool:
    """Whether the function below is for one level itself, and constructs another: it is wrong, and not its callers."""
    for piece in scene.program.candidates(step.name, scene.piece.path):
        inherited = {level for level, _ in scene.pairing.inherited(piece)}
        level = named_role(piece.name)[0] or level_named(piece) or (inherited.pop() if len(inherited) == 1 else "")
        if level and level != step.before.ctor:
            return True
    return False


def _chooser(scene: Scene) -> str:
    """The parameter that says which level is wanted, where the function never looks at it."""
    for parameter in scene.piece.parameters:
        chooses = parameter.type.strip() == "enum pgtable_level" or parameter.name in _CHOOSERS
        if chooses and not re.search(rf"\b{parameter.name}\b", scene.piece.body):
            return parameter.name
    return ""


def _message(scene: Scene, step: Step, actual: str, why: str) -> str:
    right = [hook.name for hook in scene.facts.hooks.values() if hook.constructs and hook.level == actual]
    use = f"use {right[0]}()" if right else f"{actual} tables have no constructor in this tree"
    return f"{step.name}() is the constructor of {step.level} tables, but this table is a {actual}: {why}; {use}."


def _level(scene: Scene, step: Step) -> tuple[str, str]:
    if level := guarded_level(step):
        chosen = next(text for text, truth in step.known if truth and text.endswith(_constants(level)))
        return level, f"the path is taken for {chosen}"
    if chosen_at_run_time(step):
        return _installed_as(scene, step)
    inherited = {level for level, _ in scene.roles}
    name = scene.named_level or (inherited.pop() if len(inherited) == 1 else "")
    if scene.program.callback_levels(scene.piece.name, scene.piece.path):
        return "", ""  # judged by where its tables are installed
    if scene.role[1] == "alloc" and step.table.startswith(("call:", "place:")):
        return scene.role[0], f"{scene.piece.name}() makes {scene.role[0]} tables"
    if name and step.table.startswith("alloc:"):
        returned = [end for end in scene.ends(step.table) if end.detail == "returned"]
        if returned or "alloc" in scene.piece.name:
            return name, f"{scene.piece.name}() allocates {name} tables"
    result = words.level_of_type(scene.piece.result)
    if result and any(end.detail == "returned" for end in scene.ends(step.table)):
        return result, f"{scene.piece.name}() returns {result}_t *"
    return _installed_as(scene, step)


def _installed_as(scene: Scene, step: Step) -> tuple[str, str]:
    for later in scene.of("install"):
        root = later.name == "store" and not later.before.level  # the top level, whichever that is
        if later.table == step.table and later.before.ctor == step.level and not root:
            return later.level, f"it is installed as one at line {later.line}"
    return "", ""


def _constants(level: str) -> tuple[str, ...]:
    shifts = {"pte": ("PAGE_SHIFT", "PTE_INDEX"), "pgd": ("PGDIR_SHIFT", "PGD_INDEX")}
    upper = level.upper()
    return (*shifts.get(level, (f"{upper}_SHIFT", f"{upper}_INDEX")), f"_{upper}")


RULE = Rule(
    "C03",
    "ctor-wrong-level",
    Severity.ERROR,
    '"For pte page, use pgtable_page_ctor(); for pmd page, use pgtable_pmd_page_ctor() if not folded; and for the rest '
    "(pud, p4d and pgd), don't use any.\" The levels keep different things: the pmd constructor also prepares "
    "pmd_huge_pte and the count of sharers, the upper levels have no lock.",
    'all; "don\'t use any" ends with E4 (pud) and E5 (p4d, pgd), which have their own constructors',
    "Yu Zhao <20190312005749.30166-1-yuzhao@google.com>",
    "pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long addr)\n"
    "{\n"
    "\tstruct ptdesc *ptdesc = pagetable_alloc(GFP_PGTABLE_USER, 0);\n"
    "\n"
    "\tif (!ptdesc)\n"
    "\t\treturn NULL;\n"
    "\tif (!pagetable_pte_ctor(mm, ptdesc)) {\n"
    "\t\tpagetable_free(ptdesc);\n"
    "\t\treturn NULL;\n"
    "\t}\n"
    "\treturn ptdesc_address(ptdesc);\n"
    "}",
    "pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long addr)\n"
    "{\n"
    "\tstruct ptdesc *ptdesc = pagetable_alloc(GFP_PGTABLE_USER, 0);\n"
    "\n"
    "\tif (!ptdesc)\n"
    "\t\treturn NULL;\n"
    "\tif (!pagetable_pmd_ctor(mm, ptdesc)) {\n"
    "\t\tpagetable_free(ptdesc);\n"
    "\t\treturn NULL;\n"
    "\t}\n"
    "\treturn ptdesc_address(ptdesc);\n"
    "}",
    check,
)
