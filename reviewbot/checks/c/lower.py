"""From tree-sitter's syntax tree to expressions and a graph of statements."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import tree_sitter_c

from tree_sitter import Language, Node as Syntax, Parser  # isort: skip

from reviewbot.checks.c.expressions import EXPRESSIONS, MAX_DEPTH, Expressions
from reviewbot.checks.c.prepare import JUMP, tidy
from reviewbot.checks.c.scoped import Scoped, scoped_variables
from reviewbot.checks.c.source import Piece
from reviewbot.checks.c.tree import Expr, Graph, Node

_LANGUAGE = Language(tree_sitter_c.language())
_HEAD = b"void f()"
#: what a function returns, while the variables of its scopes are cleaned up
_RETURNED = "__returned"


def lower_piece(piece: Piece, body: str | None = None) -> Graph:
    """Lower a function or macro to its graph.

    :param body: one variant of the body; the whole body when None.
    """
    text = piece.body if body is None else body
    shift = piece.body_line
    if piece.kind == "macro":
        stripped = text.strip()
        is_block = stripped.startswith(("do ", "do{", "if ", "if(", "while", "for ", "{", "return ")) or (
            ";" in re.sub(r"\(\{.*\}\)", "", stripped, flags=re.DOTALL)
        )
        statement = f" {text} ;" if is_block else f"return {text} ;"
        text = "{" + statement + "}"
    return _Lowering(text, shift).graph


def _loop_variables(expr: Expr) -> list[Expr]:
    """The plain names among the arguments of a for_each macro: it may set any of them."""
    if expr.kind != "comma":
        return []
    left, right = expr.parts
    return [*_loop_variables(left), *(part for part in (left, right) if part.kind == "name")]


class _Lowering(Expressions):
    """One pass over one body. Jumps to labels are patched at the end."""

    def __init__(self, text: str, first_line: int) -> None:
        text, scoped = scoped_variables(text)
        super().__init__(_HEAD + tidy(text).encode("latin-1", "replace"), first_line)
        self._scoped = [one._replace(offset=one.offset + len(_HEAD)) for one in scoped]
        self._scopes: list[Scoped] = []  #: those of the scopes around the statement that is lowered
        self._labels: dict[str, int] = {}
        self._gotos: list[tuple[int, str]] = []
        self._jumps: list[int] = []  #: the computed ones
        #: where break and continue lead, and how many variables are in scope there
        self._breaks: list[tuple[int, int]] = []
        self._continues: list[tuple[int, int]] = []
        self.graph = Graph()
        root = Parser(_LANGUAGE).parse(self._data).root_node
        self._note_errors(root)
        body = next((child for child in root.named_children if child.type == "function_definition"), root)
        end = self._node("return", None, self._line(root) + text.count("\n"))
        block = body.child_by_field_name("body") or body
        self.graph.entry = self._statement(block, end)
        for node, label in self._gotos:
            self.graph.nodes[node].then = self._labels.get(label, end)
        for node in self._jumps:
            self.graph.nodes[node].then = self._to_any_label(self.graph.nodes[node].line, end)

    def _note_errors(self, root: Syntax) -> None:
        if not root.has_error:
            return
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if node.type == "ERROR":
                self.graph.errors.append((self._line(node), self._text(node)))
            elif node.has_error:
                waiting.extend(node.children)

    def _node(self, kind: str, expr: Expr | None, line: int, then: int = -1, other: int = -1) -> int:
        self.graph.nodes.append(Node(kind, expr, line, then, other))
        return len(self.graph.nodes) - 1

    # Statements are lowered from the last to the first: each knows what follows it.

    def _to_any_label(self, line: int, end: int) -> int:
        entry = end
        for target in self._labels.values():
            entry = target if entry == end else self._node("branch", Expr("opaque", "jump"), line, target, entry)
        return entry

    def _statement(self, node: Syntax, after: int) -> int:
        if self._depth > MAX_DEPTH:
            return after
        self._depth += 1
        try:
            handler = getattr(self, "_do_" + node.type, None)
            if handler is not None:
                entry: int = handler(node, after)
                return entry
            if node.type in ("function_definition", "translation_unit", "ERROR", "linkage_specification"):
                return self._sequence(node.named_children, after)
            return after
        finally:
            self._depth -= 1

    def _sequence(self, children: list[Syntax], after: int) -> int:
        for child in reversed(children):
            after = self._statement(child, after)
        return after

    def _do_compound_statement(self, node: Syntax, after: int) -> int:
        own = [
            one
            for child in (node.named_children if self._scoped else ())
            if child.type == "declaration"
            for one in self._scoped
            if child.start_byte <= one.offset < child.end_byte
        ]
        if not own:
            return self._sequence(node.named_children, after)
        self._scopes += own
        entry = self._sequence(node.named_children, self._cleaned(own, after))
        del self._scopes[-len(own) :]
        return entry

    def _cleaned(self, scoped: list[Scoped], after: int) -> int:
        """The cleanups of some variables, of the last one first."""
        for one in scoped:
            line = self._shift + self._data.count(b"\n", 0, one.offset)
            variable = Expr("name", one.variable, (), line)
            given = Expr("addr", "", (variable,), line) if one.by_address else variable
            callee = Expr("name", one.function, (), line)
            after = self._evaluate(Expr("call", one.function, (callee, given), line), after)
        return after

    def _do_else_clause(self, node: Syntax, after: int) -> int:
        return self._sequence(node.named_children, after)

    def _do_expression_statement(self, node: Syntax, after: int) -> int:
        children = [child for child in node.named_children if child.type != "comment"]
        if not children:
            return after
        expr = self._expr(children[0])
        if expr.callee == "return_ptr":  # return no_free_ptr(pointer)
            taken = Expr(
                "call", "no_free_ptr", (Expr("name", "no_free_ptr", (), expr.line), *expr.parts[1:]), expr.line
            )
            return self._return(taken, node)
        if expr.kind == "assign" and expr.parts[0].text == JUMP:
            self._jumps.append(self._evaluate(expr.parts[1], after))
            return self._jumps[-1]
        return self._evaluate(expr, after)

    def _evaluate(self, expr: Expr, after: int) -> int:
        return self._node("eval", expr, expr.line, after)

    def _do_declaration(self, node: Syntax, after: int) -> int:
        base = self._text(node.child_by_field_name("type"))
        if any(child.type == "storage_class_specifier" and self._text(child) == "static" for child in node.children):
            base = f"static {base}"
        made: list[Expr] = []
        for child in node.children_by_field_name("declarator"):
            declarator = child.child_by_field_name("declarator") if child.type == "init_declarator" else child
            name, stars = self._declared(declarator)
            if not name:
                continue
            self.graph.types.setdefault(name, f"{base} {stars}".strip())
            value = child.child_by_field_name("value") if child.type == "init_declarator" else None
            if value is not None:
                line = self._line(child)
                target = Expr("name", name, (), line)
                made.append(Expr("assign", "init", (target, self._expr(value)), line))
                made += self._elements(target, value, stars.endswith("[]"))
        for expr in reversed(made):
            after = self._evaluate(expr, after)
        return after

    def _elements(self, target: Expr, value: Syntax, array: bool) -> Iterator[Expr]:
        """``{ a, b }`` and ``{ .field = a }``: one assignment for each."""
        given = value.named_children if value.type == "initializer_list" else []
        for number, child in enumerate(child for child in given if child.type != "comment"):
            line, place = self._line(child), None
            if child.type == "initializer_pair":
                designator = child.child_by_field_name("designator")
                if designator is not None and designator.type == "field_designator":
                    place = Expr("field", self._text(designator).lstrip(". "), (target,), line)
            elif array and child.type in EXPRESSIONS:
                place = Expr("index", "", (target, Expr("const", str(number), (), line)), line)
            if place is not None:
                source = child.child_by_field_name("value") if child.type == "initializer_pair" else child
                if source is not None:
                    yield Expr("assign", "=", (place, self._expr(source)), line)

    def _declared(self, node: Syntax | None) -> tuple[str, str]:
        stars = ""
        while node is not None and node.type != "identifier":
            if node.type == "pointer_declarator":
                stars += "*"
            elif node.type == "array_declarator":
                stars += "[]"
            node = node.child_by_field_name("declarator") or (
                node.named_children[0] if node.type == "parenthesized_declarator" and node.named_children else None
            )
        return self._text(node), stars

    def _do_if_statement(self, node: Syntax, after: int) -> int:
        consequence, alternative = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
        then = self._statement(consequence, after) if consequence else after
        other = self._statement(alternative, after) if alternative else after
        return self._branch(node.child_by_field_name("condition"), then, other)

    def _branch(self, condition: Syntax | None, then: int, other: int) -> int:
        if condition is None:
            return then
        expr = self._expr(condition)
        return self._node("branch", expr, expr.line, then, other)

    def _loop(self, lower_body: Callable[[int], int], test: int, after: int) -> int:
        self._breaks.append((after, len(self._scopes)))
        self._continues.append((test, len(self._scopes)))
        try:
            return lower_body(test)
        finally:
            self._breaks.pop()
            self._continues.pop()

    def _do_while_statement(self, node: Syntax, after: int) -> int:
        body, condition = node.child_by_field_name("body"), node.child_by_field_name("condition")
        expr = self._expr(condition) if condition else Expr("opaque", "loop", (), self._line(node))
        if expr.kind in ("comma", "opaque"):  # a for_each macro: its arguments are no condition
            test = self._node("branch", Expr("opaque", "more", (), expr.line), expr.line, -1, after)
        else:
            test = self._node("branch", expr, expr.line, -1, after)
        start = self._loop(lambda back: self._body(body, back), test, after)
        for variable in _loop_variables(expr):
            start = self._evaluate(Expr("step", "", (variable,), expr.line), start)
        self.graph.nodes[test].then = start
        return test

    def _body(self, body: Syntax | None, after: int) -> int:
        return self._statement(body, after) if body is not None else after

    def _do_do_statement(self, node: Syntax, after: int) -> int:
        body, condition = node.child_by_field_name("body"), node.child_by_field_name("condition")
        expr = self._expr(condition) if condition else Expr("const", "0")
        if expr.kind == "const" and expr.text in ("0", "false"):
            return self._loop(lambda back: self._body(body, back), after, after)
        test = self._node("branch", expr, expr.line, -1, after)
        start = self._loop(lambda back: self._body(body, back), test, after)
        self.graph.nodes[test].then = start
        return start

    def _do_for_statement(self, node: Syntax, after: int) -> int:
        line = self._line(node)
        condition, update = node.child_by_field_name("condition"), node.child_by_field_name("update")
        expr = self._expr(condition) if condition is not None else Expr("const", "1", (), line)
        test = self._node("branch", expr, line, -1, after)
        again = self._evaluate(self._expr(update), test) if update is not None else test
        body = node.child_by_field_name("body")
        self.graph.nodes[test].then = self._loop(lambda back: self._body(body, back), again, after)
        start = node.child_by_field_name("initializer")
        if start is None:
            return test
        if start.type == "declaration":
            return self._do_declaration(start, test)
        return self._evaluate(self._expr(start), test)

    def _do_switch_statement(self, node: Syntax, after: int) -> int:
        condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
        value = self._expr(condition) if condition else Expr("opaque", "switch")
        if body is None:
            return after
        self._breaks.append((after, len(self._scopes)))
        cases: list[tuple[Expr | None, int]] = []
        default, follow = after, after
        for child in reversed(body.named_children):
            if child.type != "case_statement":
                continue
            label = child.child_by_field_name("value")
            rest = [part for part in child.named_children if part != label]
            follow = self._sequence(rest, follow)
            if label is None:
                default = follow
            else:
                cases.append((self._expr(label), follow))
        self._breaks.pop()
        entry = default
        for constant, target in cases:
            if constant is not None:
                test = Expr("compare", "==", (value, constant), value.line)
                entry = self._node("branch", test, value.line, target, entry)
        return entry

    def _do_case_statement(self, node: Syntax, after: int) -> int:
        return self._sequence(node.named_children[1:], after)

    def _do_return_statement(self, node: Syntax, after: int) -> int:
        children = [child for child in node.named_children if child.type != "comment"]
        return self._return(self._expr(children[0]) if children else None, node)

    def _return(self, expr: Expr | None, node: Syntax) -> int:
        line = self._line(node)
        open_scopes = [one for one in self._scopes if one.offset < node.start_byte]
        if not open_scopes:
            return self._node("return", expr, line)
        held = Expr("name", _RETURNED, (), line)
        end = self._cleaned(open_scopes, self._node("return", held if expr is not None else None, line))
        if expr is None:
            return end
        self.graph.types.setdefault(_RETURNED, "")
        return self._evaluate(Expr("assign", "=", (held, expr), line), end)

    def _left(self, target: tuple[int, int], node: Syntax) -> int:
        """Go on elsewhere, after the cleanups of the scopes that are left."""
        after, depth = target
        return self._cleaned([one for one in self._scopes[depth:] if one.offset < node.start_byte], after)

    def _do_break_statement(self, node: Syntax, after: int) -> int:
        return self._left(self._breaks[-1], node) if self._breaks else after

    def _do_continue_statement(self, node: Syntax, after: int) -> int:
        return self._left(self._continues[-1], node) if self._continues else after

    def _do_goto_statement(self, node: Syntax, after: int) -> int:
        label = self._text(node.child_by_field_name("label"))
        jump = self._node("eval", None, self._line(node), after)
        self._gotos.append((jump, label))
        return jump

    def _do_labeled_statement(self, node: Syntax, after: int) -> int:
        label = self._text(node.child_by_field_name("label"))
        rest = [child for child in node.named_children if child.type != "statement_identifier"]
        entry = self._sequence(rest, after)
        here = self._node("eval", None, self._line(node), entry)
        self._labels[label] = here
        return here

    def _statement_expression(self, node: Syntax) -> Expr:
        saved = self.graph
        inner = Graph(types=saved.types, errors=saved.errors)
        outer = (self._breaks, self._continues, self._labels, self._gotos)
        self._breaks, self._continues, self._labels, self._gotos = [], [], {}, []
        self.graph = inner
        children = node.named_children
        last = children[-1] if children and children[-1].type == "expression_statement" else None
        end = self._node("end", None, self._line(node))
        if last is not None and last.named_children:
            inner.value = self._expr(last.named_children[0])
            children = children[:-1]
        inner.entry = self._sequence(children, end)
        for jump, label in self._gotos:
            inner.nodes[jump].then = self._labels.get(label, end)
        self.graph = saved
        self._breaks, self._continues, self._labels, self._gotos = outer
        return Expr("block", " ".join(self._text(node).split()), (), self._line(node), inner)
