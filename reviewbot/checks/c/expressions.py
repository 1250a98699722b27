"""C expressions, from tree-sitter's syntax tree."""

from __future__ import annotations

from tree_sitter import Node as Syntax

from reviewbot.checks.c.tree import Expr

_COMPARISONS = {"==", "!=", "<", ">", "<=", ">="}
#: how deep a syntax tree is followed
MAX_DEPTH = 150


class Expressions:
    """The half of the lowering that knows expressions; a subclass adds ``_statement_expression``.

    :ivar _data: the parsed text; ``_shift`` is the line on which it starts.
    """

    def __init__(self, data: bytes, first_line: int) -> None:
        self._data = data
        self._shift = first_line
        self._depth = 0

    def _line(self, node: Syntax) -> int:
        return int(node.start_point[0]) + self._shift

    def _text(self, node: Syntax | None) -> str:
        return "" if node is None else self._data[node.start_byte : node.end_byte].decode("latin-1")

    def _expr(self, node: Syntax) -> Expr:
        if self._depth > MAX_DEPTH:
            return Expr("opaque", "too deep", (), self._line(node))
        self._depth += 1
        try:
            handler = getattr(self, EXPRESSIONS.get(node.type, "_opaque"))
            lowered: Expr = handler(node)
            return lowered
        finally:
            self._depth -= 1

    def _opaque(self, node: Syntax) -> Expr:
        parts = tuple(self._expr(child) for child in node.named_children if child.type in EXPRESSIONS)
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
            return self._expr(children[0])
        return self._opaque(node)

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
        then = (self._expr(consequence),) if consequence is not None else ()  # GNU's a ?: b evaluates a once
        return Expr("choice", "?:", (condition, *then, self._field(node, "alternative")), self._line(node))

    def _cast(self, node: Syntax) -> Expr:
        kind = " ".join(self._text(node.child_by_field_name("type")).split())
        return Expr("cast", kind, (self._field(node, "value"),), self._line(node))

    def _comma(self, node: Syntax) -> Expr:
        return Expr("comma", ",", (self._field(node, "left"), self._field(node, "right")), self._line(node))

    def _step(self, node: Syntax) -> Expr:
        return Expr("step", "", (self._field(node, "argument"),), self._line(node))


EXPRESSIONS: dict[str, str] = {
    "identifier": "_name",
    "null": "_name",
    "true": "_name",
    "false": "_name",
    "number_literal": "_const",
    "string_literal": "_const",
    "char_literal": "_const",
    "concatenated_string": "_opaque",
    "parenthesized_expression": "_parentheses",
    "compound_statement": "_statement_expression",
    "call_expression": "_call",
    "field_expression": "_member",
    "pointer_expression": "_pointer",
    "subscript_expression": "_index",
    "unary_expression": "_unary",
    "binary_expression": "_binary",
    "assignment_expression": "_assignment",
    "conditional_expression": "_choice",
    "cast_expression": "_cast",
    "comma_expression": "_comma",
    "update_expression": "_step",
    "sizeof_expression": "_const",
    "initializer_list": "_opaque",
    "extension_expression": "_opaque",
}
