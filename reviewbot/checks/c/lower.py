"""From tree-sitter's syntax tree to expressions and a graph of statements."""

from __future__ import annotations

import re
from collections.abc import Callable

import tree_sitter_c

from tree_sitter import Language, Node as Syntax, Parser  # isort: skip

from reviewbot.checks.c.source import Piece
from reviewbot.checks.c.tree import Expr, Graph, Node

_LANGUAGE = Language(tree_sitter_c.language())
_LOOP_MACRO = re.compile(r"\b(\w*for_each\w*|for_each\w*|list_for\w*)(?=\s*\()")
_NOISE = re.compile(
    r"\b(?:__maybe_unused|__always_unused|__unused|__init|__initdata|__user|__iomem|__rcu|__percpu|__force|"
    r"__read_mostly|__ro_after_init|noinline|__always_inline|__must_check|__private|__bitwise|__sched|"
    r"fallthrough\s*;|__weak|asmlinkage|notrace|__latent_entropy)\b;?"
)
_TYPE_ARGUMENT = re.compile(r"(?<=[(,])(\s*)(?:struct|union|enum)(?=\s+\w+\s*[,)])")
_PRIMITIVE = r"(?:unsigned|signed|long|short|int|char|bool|void|u8|u16|u32|u64|size_t)"
_PRIMITIVE_ARGUMENT = re.compile(rf"(?<=[(,])(\s*){_PRIMITIVE}(?:\s+{_PRIMITIVE})*(?=\s*,)")
_LOG_LEVEL = re.compile(r"\bKERN_\w+(?=\s*\")")
_ASSEMBLY = re.compile(r"\b(?:asm|__asm__)\b(?:\s*(?:volatile|__volatile__|goto|inline))*\s*\(")
_BARE_ATTRIBUTE = re.compile(r"\b__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)")
_COMPARISONS = {"==", "!=", "<", ">", "<=", ">="}
MAX_DEPTH = 150


def _spaces(match: re.Match[str]) -> str:
    return "".join(char if char == "\n" else " " for char in match.group())


def _while(match: re.Match[str]) -> str:
    return "while".ljust(len(match.group())) if len(match.group()) >= 5 else match.group()


def _type_as_name(match: re.Match[str]) -> str:
    space, kind = match.group(1), match.group()[len(match.group(1)) :]
    return space + "t" + "".join(char if char == "\n" else " " for char in kind[1:])


def _blank_assembly(text: str) -> str:
    while found := _ASSEMBLY.search(text):
        depth, end = 1, found.end()
        while end < len(text) and depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        hidden = "".join(char if char == "\n" else " " for char in text[found.start() : end])
        text = text[: found.start()] + hidden + text[end:]
    return text


def tidy(text: str) -> str:
    """Blank or replace, at the same length, what the C grammar does not know of the kernel's words."""
    text = _BARE_ATTRIBUTE.sub(_spaces, _NOISE.sub(_spaces, text))
    text = _LOG_LEVEL.sub(_spaces, _blank_assembly(text))
    text = _PRIMITIVE_ARGUMENT.sub(_type_as_name, _TYPE_ARGUMENT.sub(_spaces, text))
    return _LOOP_MACRO.sub(_while, text)


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
    return _Lowering(tidy(text), shift).graph


def _loop_variables(expr: Expr) -> list[Expr]:
    """The plain names among the arguments of a for_each macro: it may set any of them."""
    if expr.kind != "comma":
        return []
    left, right = expr.parts
    return [*_loop_variables(left), *(part for part in (left, right) if part.kind == "name")]


class _Lowering:
    """One pass over one body. Jumps to labels are patched at the end."""

    def __init__(self, text: str, first_line: int) -> None:
        self._shift = first_line
        self._data = b"void f()" + text.encode("latin-1", "replace")
        self._labels: dict[str, int] = {}
        self._gotos: list[tuple[int, str]] = []
        self._breaks: list[int] = []
        self._continues: list[int] = []
        self._depth = 0
        self.graph = Graph()
        root = Parser(_LANGUAGE).parse(self._data).root_node
        self._note_errors(root)
        body = next((child for child in root.named_children if child.type == "function_definition"), root)
        end = self._node("return", None, self._line(root) + text.count("\n"))
        block = body.child_by_field_name("body") or body
        self.graph.entry = self._statement(block, end)
        for node, label in self._gotos:
            self.graph.nodes[node].then = self._labels.get(label, end)

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

    def _line(self, node: Syntax) -> int:
        return int(node.start_point[0]) + self._shift

    def _text(self, node: Syntax | None) -> str:
        return "" if node is None else self._data[node.start_byte : node.end_byte].decode("latin-1")

    def _node(self, kind: str, expr: Expr | None, line: int, then: int = -1, other: int = -1) -> int:
        self.graph.nodes.append(Node(kind, expr, line, then, other))
        return len(self.graph.nodes) - 1

    # Statements are lowered from the last to the first: each knows what follows it.

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
        return self._sequence(node.named_children, after)

    def _do_else_clause(self, node: Syntax, after: int) -> int:
        return self._sequence(node.named_children, after)

    def _do_expression_statement(self, node: Syntax, after: int) -> int:
        children = [child for child in node.named_children if child.type != "comment"]
        if not children:
            return after
        return self._evaluate(self._expr(children[0]), after)

    def _evaluate(self, expr: Expr, after: int) -> int:
        return self._node("eval", expr, expr.line, after)

    def _do_declaration(self, node: Syntax, after: int) -> int:
        base = self._text(node.child_by_field_name("type"))
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
        for expr in reversed(made):
            after = self._evaluate(expr, after)
        return after

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
        self._breaks.append(after)
        self._continues.append(test)
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
        self._breaks.append(after)
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
        expr = self._expr(children[0]) if children else None
        return self._node("return", expr, self._line(node))

    def _do_break_statement(self, node: Syntax, after: int) -> int:
        return self._breaks[-1] if self._breaks else after

    def _do_continue_statement(self, node: Syntax, after: int) -> int:
        return self._continues[-1] if self._continues else after

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

    # Expressions

    def _expr(self, node: Syntax) -> Expr:
        if self._depth > MAX_DEPTH:
            return Expr("opaque", "too deep", (), self._line(node))
        self._depth += 1
        try:
            handler = _EXPRESSIONS.get(node.type)
            return handler(self, node) if handler else self._opaque(node)
        finally:
            self._depth -= 1

    def _opaque(self, node: Syntax) -> Expr:
        parts = tuple(self._expr(child) for child in node.named_children if child.type in _EXPRESSIONS)
        return Expr("opaque", " ".join(self._text(node).split())[:200], parts, self._line(node))

    def _field(self, node: Syntax, name: str) -> Expr:
        child = node.child_by_field_name(name)
        return self._expr(child) if child is not None else Expr("opaque", "", (), self._line(node))

    def _name(self, node: Syntax) -> Expr:
        text = self._text(node)
        kind = "const" if text in ("NULL", "true", "false", "nullptr") else "name"
        return Expr(kind, text, (), self._line(node))

    def _const(self, node: Syntax) -> Expr:
        return Expr("const", self._text(node), (), self._line(node))

    def _parentheses(self, node: Syntax) -> Expr:
        children = [child for child in node.named_children if child.type != "comment"]
        if len(children) == 1:
            if children[0].type == "compound_statement":
                return self._statement_expression(children[0])
            return self._expr(children[0])
        return self._opaque(node)

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

    def _call(self, node: Syntax) -> Expr:
        arguments = node.child_by_field_name("arguments")
        callee = self._field(node, "function")
        given = arguments.named_children if arguments is not None else []
        parts = tuple(self._expr(child) for child in given if child.type != "comment")
        return Expr("call", callee.text if callee.kind == "name" else "", (callee, *parts), self._line(node))

    def _member(self, node: Syntax) -> Expr:
        name = self._text(node.child_by_field_name("field"))
        return Expr("field", name, (self._field(node, "argument"),), self._line(node))

    def _pointer(self, node: Syntax) -> Expr:
        kind = "deref" if self._text(node).startswith("*") else "addr"
        return Expr(kind, "", (self._field(node, "argument"),), self._line(node))

    def _index(self, node: Syntax) -> Expr:
        return Expr("index", "", (self._field(node, "argument"), self._field(node, "index")), self._line(node))

    def _unary(self, node: Syntax) -> Expr:
        operator = self._text(node.child_by_field_name("operator"))
        argument = self._field(node, "argument")
        if operator == "!":
            return Expr("not", "!", (argument,), self._line(node))
        if operator == "-" and argument.kind in ("const", "name"):
            return Expr("const", "-" + argument.text, (), self._line(node))
        return Expr("arith", operator, (argument,), self._line(node))

    def _binary(self, node: Syntax) -> Expr:
        operator = self._text(node.child_by_field_name("operator"))
        parts = (self._field(node, "left"), self._field(node, "right"))
        kinds = {"&&": "and", "||": "or"}
        kind = kinds.get(operator) or ("compare" if operator in _COMPARISONS else "arith")
        return Expr(kind, operator, parts, self._line(node))

    def _assignment(self, node: Syntax) -> Expr:
        operator = self._text(node.child_by_field_name("operator"))
        parts = (self._field(node, "left"), self._field(node, "right"))
        return Expr("assign", operator, parts, self._line(node))

    def _choice(self, node: Syntax) -> Expr:
        condition = self._field(node, "condition")
        consequence = node.child_by_field_name("consequence")
        then = self._expr(consequence) if consequence is not None else condition
        return Expr("choice", "?:", (condition, then, self._field(node, "alternative")), self._line(node))

    def _cast(self, node: Syntax) -> Expr:
        kind = " ".join(self._text(node.child_by_field_name("type")).split())
        return Expr("cast", kind, (self._field(node, "value"),), self._line(node))

    def _comma(self, node: Syntax) -> Expr:
        return Expr("comma", ",", (self._field(node, "left"), self._field(node, "right")), self._line(node))

    def _step(self, node: Syntax) -> Expr:
        return Expr("step", "", (self._field(node, "argument"),), self._line(node))


_EXPRESSIONS: dict[str, Callable[[_Lowering, Syntax], Expr]] = {
    "identifier": _Lowering._name,
    "null": _Lowering._name,
    "true": _Lowering._name,
    "false": _Lowering._name,
    "number_literal": _Lowering._const,
    "string_literal": _Lowering._const,
    "char_literal": _Lowering._const,
    "concatenated_string": _Lowering._opaque,
    "parenthesized_expression": _Lowering._parentheses,
    "compound_statement": _Lowering._statement_expression,
    "call_expression": _Lowering._call,
    "field_expression": _Lowering._member,
    "pointer_expression": _Lowering._pointer,
    "subscript_expression": _Lowering._index,
    "unary_expression": _Lowering._unary,
    "binary_expression": _Lowering._binary,
    "assignment_expression": _Lowering._assignment,
    "conditional_expression": _Lowering._choice,
    "cast_expression": _Lowering._cast,
    "comma_expression": _Lowering._comma,
    "update_expression": _Lowering._step,
    "sizeof_expression": _Lowering._const,
    "initializer_list": _Lowering._opaque,
    "extension_expression": _Lowering._opaque,
}
