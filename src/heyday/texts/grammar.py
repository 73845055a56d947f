"""Look through a parsed text: refuse all that is not a greeting, and find what it depends on.

What is allowed is listed, and little: places, filters and functions of ours, conditions. There is
no loop, no arithmetic, no attribute, no assignment, so no text can be long to render or reach
anything of Python.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jinja2 import nodes

from heyday.texts.counting import known_forms, needed_forms, own_ordinals
from heyday.texts.vocabulary import (
    DATE,
    FILTERS,
    FUNCTIONS,
    NAMES,
    NUMBERS,
    places_of,
)
from heyday.texts.writing import forbidden_in, shown

DEEPEST = 12
"""So many conditions, filters or parentheses may stand within each other."""

Kind = Literal["number", "text"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Say what is wrong, and in which line."""

    line: int
    detail: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold what a text depends on. asks_names: it asks something about a name, or changes one."""

    faults: tuple[Fault, ...]
    asks_names: bool
    has_years: bool
    has_date: bool


class Reader:
    """Go through one text.

    Whether the years are known is followed through conditions: where they are not, no text may
    show them.
    """

    def __init__(self, message_type: str, language: str) -> None:
        self._places = places_of(message_type)
        self._language = language
        self._faults: list[Fault] = []
        self._asks_names = self._has_years = self._has_date = False

    def read(self, tree: nodes.Template) -> Reading:
        """Return what was found."""
        self._body(tree.body, is_known=False, depth=0)
        found = self._asks_names, self._has_years, self._has_date
        return Reading(tuple(self._faults), *found)

    def _refuse(self, node: nodes.Node, detail: str) -> None:
        self._faults.append(Fault(node.lineno, detail))

    def _body(self, body: Sequence[nodes.Node], *, is_known: bool, depth: int) -> None:
        for node in body:
            if depth > DEEPEST:
                self._refuse(node, f"found more than {DEEPEST} conditions within each other")
                return
            match node:
                case nodes.Output():
                    for part in node.nodes:
                        self._shown(part, is_known=is_known)
                case nodes.If():
                    self._branches(node, is_known=is_known, depth=depth)
                case _:
                    self._refuse_kind(node)

    def _branches(self, node: nodes.If, *, is_known: bool, depth: int) -> None:
        for branch in (node, *node.elif_):
            self._asked(branch.test, 0)
            is_told = is_known or tells_years(branch.test, is_true=True)
            self._body(branch.body, is_known=is_told, depth=depth + 1)
            is_known = is_known or tells_years(branch.test, is_true=False)
        self._body(node.else_, is_known=is_known, depth=depth + 1)

    def _shown(self, node: nodes.Node, *, is_known: bool) -> None:
        match node:
            case nodes.TemplateData():
                pass
            case nodes.Const(value=str()):
                self._constant(node)
            case nodes.Name():
                self._place(node)
                self._count(node, is_known=is_known)
            case nodes.Filter():
                self._filtered(node, 0)
            case nodes.Call(node=nodes.Name(name=name)) if name in FUNCTIONS:
                self._function(node, name, is_known=is_known)
            case _:
                self._refuse_kind(node)

    def _place(self, node: nodes.Name) -> Kind:
        """Note that a place is named, and return what stands there."""
        if node.name not in self._places:
            self._refuse(node, f"found {shown(node.name)}, which is no place")
        self._has_years |= node.name in NUMBERS
        self._has_date |= node.name == DATE
        return "number" if node.name in NUMBERS else "text"

    def _count(self, node: nodes.Name, *, is_known: bool) -> None:
        if node.name in NUMBERS and not is_known:
            self._refuse(
                node,
                f"found {node.name}, which is not known for everybody; put it between "
                f"{{% if {node.name} %}} and {{% endif %}}",
            )

    def _filtered(self, node: nodes.Node | None, depth: int) -> None:
        """Read filters, of which each has one before it, or a place for a text."""
        match node:
            case nodes.Filter() if depth > DEEPEST:
                self._refuse(node, f"found more than {DEEPEST} filters behind each other")
            case nodes.Filter():
                if node.name not in FILTERS:
                    self._refuse(node, f"found |{shown(node.name)}, which is no filter")
                if node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
                    self._refuse(node, f"found |{shown(node.name)} with a value; it takes none")
                self._filtered(node.node, depth + 1)
            case nodes.Name():
                self._asks_names |= node.name in NAMES
                if self._place(node) == "number":
                    self._refuse(node, f"found a filter on {node.name}, which is a number")
            case nodes.Node():
                self._refuse_kind(node)

    def _function(self, node: nodes.Call, name: str, *, is_known: bool) -> None:
        match node.args:
            case [nodes.Name(name=place) as number] if place in NUMBERS:
                self._place(number)
                self._count(number, is_known=is_known)
            case _:
                self._refuse(node, f"found {name}() of something else than years")
        if node.dyn_args or node.dyn_kwargs:
            self._refuse(node, f"found * in {name}(); write its forms one by one")
        self._forms(node, name)

    def _forms(self, node: nodes.Call, name: str) -> None:
        """Read the forms that a function chooses among."""
        given = [form.key for form in node.kwargs]
        for form in node.kwargs:
            if isinstance(form.value, nodes.Const) and isinstance(form.value.value, str):
                self._constant(form.value)
            else:
                self._refuse(form, f"found no text in quotes for {shown(form.key)}")
        if name == "ordinal" and not given and own_ordinals(self._language):
            return
        if len(set(given)) < len(given):
            self._refuse(node, f"found the same form twice in {name}()")
        known = known_forms(name, self._language)
        missing = [form for form in needed_forms(name, self._language) if form not in given]
        unknown = [shown(form) for form in given if form not in known]
        if missing or unknown:
            found = f"{name}() without {', '.join(missing)}" if missing else ", ".join(unknown)
            self._refuse(node, f"found {found}; in {self._language} it counts: {', '.join(known)}")

    def _asked(self, node: nodes.Node, depth: int) -> None:
        """Read a condition."""
        if depth > DEEPEST:
            self._refuse(node, f"found a condition of more than {DEEPEST} parts")
            return
        match node:
            case nodes.And() | nodes.Or():
                self._asked(node.left, depth + 1)
                self._asked(node.right, depth + 1)
            case nodes.Not():
                self._asked(node.node, depth + 1)
            case nodes.Compare(ops=[nodes.Operand(op="in" | "notin") as op]):
                self._compared(node, [node.expr, *self._listed(op.expr)])
            case nodes.Compare():
                self._compared(node, [node.expr, *(op.expr for op in node.ops)])
            case _:
                self._kind(node)

    def _compared(self, node: nodes.Compare, sides: Sequence[nodes.Node]) -> None:
        if {"number", "text"} <= {self._kind(side) for side in sides}:
            self._refuse(node, "found a number compared with a text")

    def _listed(self, node: nodes.Node) -> Sequence[nodes.Node]:
        """Return what stands in the list behind `in`."""
        if not isinstance(node, nodes.List | nodes.Tuple):
            self._refuse(node, "found `in` without a list such as [10, 20, 30]")
            return ()
        return node.items

    def _kind(self, node: nodes.Node) -> Kind | None:
        """Read one side of a comparison, and return what it is."""
        match node:
            case nodes.Name():
                self._asks_names |= node.name in NAMES
                return self._place(node)
            case nodes.Filter():
                self._filtered(node, 0)
                return "text"
            case nodes.Const(value=bool()):
                self._refuse_kind(node)
            case nodes.Const(value=int()):
                return "number"
            case nodes.Const(value=str()):
                self._constant(node)
                return "text"
            case _:
                self._refuse_kind(node)
        return None

    def _constant(self, node: nodes.Const) -> None:
        found = "a line break" if "\n" in node.value else forbidden_in(node.value)
        if found:
            self._refuse(node, f"found {found} in quotes, which no text may have there")

    def _refuse_kind(self, node: nodes.Node) -> None:
        self._refuse(
            node, f"found {_WORDS.get(type(node), type(node).__name__)}, which no text may have"
        )


def tells_years(test: nodes.Node, *, is_true: bool) -> bool:
    """Tell whether a condition that holds, or does not, shows that the years are known.

    Where they are not, each comparison with them fails, but for != and `not in`, which hold.
    """
    match test:
        case nodes.Name():
            return is_true and test.name in NUMBERS
        case nodes.Not():
            return tells_years(test.node, is_true=not is_true)
        case nodes.And() | nodes.Or():
            sides = [tells_years(side, is_true=is_true) for side in (test.left, test.right)]
            return any(sides) if isinstance(test, nodes.And) is is_true else all(sides)
        case nodes.Compare():
            return _comparison_tells(test, is_true=is_true)
    return False


def _comparison_tells(test: nodes.Compare, *, is_true: bool) -> bool:
    left, tells = test.expr, []
    for op in test.ops:
        is_about_years = any(
            isinstance(side, nodes.Name) and side.name in NUMBERS for side in (left, op.expr)
        )
        tells.append(is_about_years and (op.op in {"ne", "notin"}) is not is_true)
        left = op.expr
    # A chain holds if each of it does; that it does not hold tells only of a single one.
    return any(tells) if is_true else len(tells) == 1 and tells[0]


_WORDS: dict[type[nodes.Node], str] = {
    nodes.Add: "a sum",
    nodes.Assign: "{% set %}",
    nodes.AssignBlock: "{% set %}",
    nodes.Block: "{% block %}",
    nodes.Call: "a call of something else than plural() or ordinal()",
    nodes.CallBlock: "{% call %}",
    nodes.Concat: "~",
    nodes.CondExpr: "an `if` within a place; use {% if %}",
    nodes.Const: "a bare number, true, false or none",
    nodes.Dict: "a dictionary",
    nodes.Extends: "{% extends %}",
    nodes.FilterBlock: "{% filter %}",
    nodes.For: "{% for %}",
    nodes.FromImport: "{% from %}",
    nodes.Getattr: "a dot, which would look into a value",
    nodes.Getitem: "brackets, which would look into a value",
    nodes.Import: "{% import %}",
    nodes.Include: "{% include %}",
    nodes.List: "a list",
    nodes.Macro: "{% macro %}",
    nodes.Mul: "a product",
    nodes.Pow: "a power",
    nodes.Test: "`is`",
    nodes.Tuple: "a list",
    nodes.With: "{% with %}",
}
