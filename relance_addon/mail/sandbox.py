"""The template language, fenced in: what users write can neither reach internals nor use up time or memory.

Limits are counted, never timed, so that the same text gives the same result everywhere: a tick per turn of a loop and
per call, characters written, and characters handled on the way. Attributes, methods, filters and operators are those
that are listed here; what is not listed does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from types import BuiltinMethodType
from typing import Any

from jinja2 import StrictUndefined, TemplateAssertionError, nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, TemplateReference, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from markupsafe import Markup, escape

from relance_addon.core.toml import nearest
from relance_addon.mail.filters import FILTERS, short
from relance_addon.mail.limits import DIGITS, ITEM, ITEMS, OUTPUT, RANGE, STRING, TICKS, WORK, LimitError

TICK = "(tick)"
SPEND = "(spend)"

_STRING_METHODS = frozenset(
    (
        *("capitalize", "endswith", "isalpha", "isdigit", "islower", "isupper", "lower", "lstrip", "rstrip"),
        *("split", "startswith", "strip", "title", "upper"),
    )
)
_ATTRIBUTES: dict[type, frozenset[str]] = {
    str: _STRING_METHODS,
    Markup: _STRING_METHODS,
    date: frozenset({"year", "month", "day", "weekday", "isoformat"}),
    timedelta: frozenset({"days"}),
    dict: frozenset({"items", "keys", "values", "get"}),
    LoopContext: frozenset(
        (
            *("index", "index0", "first", "last", "length", "revindex", "revindex0"),
            *("previtem", "nextitem", "cycle", "changed"),
        )
    ),
    Macro: frozenset({"name"}),
}
_CONTAINERS: tuple[type, ...] = (list, tuple, dict, type({}.items()), type({}.keys()), type({}.values()), Namespace)
_SIZED = (str, list, tuple, dict)
_WRITABLE = (str, int, float, Decimal, date)


class Objects:
    """Base of what templates are given: only the attributes named in ``__slots__`` can be read."""

    __slots__: tuple[str, ...] = ()


class _Generator(CodeGenerator):
    """Writes code that asks the environment before anything that can grow."""

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:  # noqa: N802
        size = sum(len(child.data) for child in node.nodes if isinstance(child, nodes.TemplateData))
        if size:
            self.writeline(f"environment.write({size})")
        super().visit_Output(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.joined(context.eval_ctx.autoescape, (")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_List(self, node: nodes.List, frame: Frame) -> None:  # noqa: N802
        self.write("environment.flat(")
        super().visit_List(node, frame)
        self.write(")")

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:  # noqa: N802
        if node.ctx != "load":
            super().visit_Tuple(node, frame)
            return
        self.write("environment.flat(")
        super().visit_Tuple(node, frame)
        self.write(")")

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:  # noqa: N802
        self.write("environment.flat(")
        super().visit_Dict(node, frame)
        self.write(")")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802
        if not isinstance(node.arg, nodes.Slice):
            super().visit_Getitem(node, frame)
            return
        self.write("environment.spend(")
        super().visit_Getitem(node, frame)
        self.write(")")


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment whose texts are bounded. Call ``start`` before each rendering; one thread at a time.

    ``written`` turns a date or a Decimal into text; ``formats`` are functions that are filters, too.
    """

    code_generator_class = _Generator
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(
        self, written: Callable[[Any], str], formats: Mapping[str, Callable[..., Any]], **options: Any
    ) -> None:
        super().__init__(
            undefined=StrictUndefined,
            finalize=_finalize,
            optimized=False,
            keep_trailing_newline=False,
            trim_blocks=True,
            lstrip_blocks=True,
            **options,
        )
        self.written = written
        self.filters = {**FILTERS, **formats, TICK: _ticking, SPEND: _spending}
        self.globals = {"range": _range, "namespace": Namespace, **formats}
        self.start()

    def start(self) -> None:
        """Begin a rendering: nothing is used up yet."""
        self.ticks = TICKS
        self.output = OUTPUT
        self.work = WORK

    # What the generated code calls

    def tick(self, count: int = 1) -> None:
        self.ticks -= count
        if self.ticks < 0:
            raise LimitError(f"takes more than {TICKS} turns of loops and calls; loop less")

    def turns(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.tick()
            yield item

    def write(self, size: int) -> None:
        self.output -= size
        if self.output < 0:
            raise LimitError(f"writes more than {OUTPUT} characters; write less")

    def spend(self, value: Any) -> Any:
        """Count the size of a value that is looked at or made."""
        if isinstance(value, _SIZED):
            size = len(value)
            text = isinstance(value, str)
            self.work -= size if text else size * ITEM
            if size > (STRING if text else ITEMS):
                raise LimitError(f"makes a value of {size} characters or items; keep it smaller")
            if self.work < 0:
                raise LimitError(f"handles more than {WORK} characters; make it simpler")
        return value

    def joined(self, autoescape: bool, parts: Sequence[Any]) -> str:
        texts = [escape(text) if autoescape else text for text in map(self.text, parts)]
        self.work -= sum(map(len, texts))
        joined = Markup("").join(texts) if autoescape else "".join(texts)
        return self.spend(joined)  # type: ignore[no-any-return]

    def text(self, value: Any) -> str:
        """A value as it is written. Raises TypeError for what is no text, number or date."""
        if isinstance(value, str):
            return value
        if value is None:
            return ""
        if isinstance(value, Undefined):
            return str(value)
        if isinstance(value, (date, Decimal)):
            return self.written(value)
        if isinstance(value, (Macro, BlockReference)):
            raise TypeError(f"{value!r} is written without being called; put () after it")
        if isinstance(value, _WRITABLE):
            return str(value)
        raise TypeError(f"{_kind(value)} cannot be written; name one of its values")

    def flat(self, value: Any) -> Any:
        """Refuse what nests deeper than a list of lists: compared or hashed, it could take for ever."""
        items: Iterable[Any] = value.values() if isinstance(value, dict) else value
        for item in items:
            if isinstance(item, _CONTAINERS) and _deep(item):
                raise LimitError("nests lists more than two deep; keep them flat")
        return self.spend(value)

    # What jinja asks

    def getattr(self, obj: Any, attribute: str) -> Any:
        kind = type(obj)
        if isinstance(obj, Objects):
            if attribute in kind.__slots__:
                return getattr(obj, attribute)
        elif isinstance(obj, Undefined):
            return getattr(obj, attribute)
        elif attribute in _ATTRIBUTES.get(kind, ()):
            self.spend(obj)
            return getattr(obj, attribute)
        elif attribute[:1] != "_":
            if kind is dict and attribute in obj:
                return obj[attribute]
            if isinstance(obj, TemplateReference):
                return obj[attribute]
            if isinstance(obj, (Namespace, TemplateModule)) and hasattr(obj, attribute):
                return getattr(obj, attribute)
        return self._refused(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, (dict, list, tuple, str)) and not isinstance(argument, (list, tuple, dict)):
            try:
                return obj[argument]
            except (TypeError, LookupError):
                pass
        if isinstance(argument, str):
            return self.getattr(obj, str(argument))
        return self.undefined(f"{_kind(obj)} has no item {argument!r}")

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        __self.tick()
        if isinstance(__obj, BuiltinMethodType):
            short(args, kwargs)
        result = super().call(__context, __obj, *args, **kwargs)
        if type(result) is list:
            __self.work -= sum(map(len, result))
        return __self.spend(result)

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> Any:
        self.tick()
        _same_kind((name,), parent)
        return super().get_template(name, parent, globals)

    def select_template(self, names: Any, parent: str | None = None, globals: Any = None) -> Any:
        self.tick()
        _same_kind(names, parent)
        return super().select_template(names, parent, globals)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        both = (left, right)
        if all(isinstance(side, (int, float, Decimal)) for side in both):
            return self._calculate(operator, left, right)
        if operator == "+" and all(isinstance(side, str) for side in both):
            return self.spend(left + right)
        if operator == "+" and all(isinstance(side, list) for side in both):
            return self.flat(left + right)
        if operator in "+-" and all(isinstance(side, (date, timedelta)) for side in both):
            return left + right if operator == "+" else left - right
        for side in both:
            if isinstance(side, Undefined):
                str(side)
        kinds = " and ".join(_kind(side) for side in both)
        raise TypeError(f"{kinds} do not go with {operator}; texts are joined by ~, numbers calculated")

    def _calculate(self, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and not (isinstance(right, int) and 0 <= right <= 30):
            raise LimitError("** takes a whole number from 0 to 30")
        if isinstance(left, float) and isinstance(right, Decimal):
            left = Decimal(str(left))
        elif isinstance(right, float) and isinstance(left, Decimal):
            right = Decimal(str(right))
        result: Any = self.binop_table[operator](left, right)
        if isinstance(result, (int, Decimal)) and not -DIGITS < result < DIGITS:
            raise LimitError("calculates too large a number")
        return result

    def _refused(self, obj: Any, attribute: str) -> Undefined:
        if attribute.startswith("_"):
            raise SecurityError(f"{attribute!r} is out of reach for templates")
        kind = type(obj)
        known = kind.__slots__ if isinstance(obj, Objects) else sorted(_ATTRIBUTES.get(kind, ()))
        return self.undefined(f"{_kind(obj)} has no {attribute!r}{nearest(attribute, known)}")

    # What is refused before anything runs

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        _inspect(tree, name, filename, self.filters, self.tests)
        _rewrite(tree)
        return tree


def _same_kind(names: Iterable[Any], parent: str | None) -> None:
    """Parts in plain text are not escaped: no HTML text may take one in."""
    for name in names:
        if parent is not None and parent.endswith(".html") and isinstance(name, str) and name.endswith(".txt"):
            raise SecurityError(f"includes {name!r}: a text in HTML may only include parts in HTML")


def _inspect(
    tree: nodes.Template, name: str | None, filename: str | None, filters: Mapping[str, Any], tests: Mapping[str, Any]
) -> None:
    def refuse(node: nodes.Node, reason: str) -> None:
        raise TemplateAssertionError(reason, node.lineno, name, filename)

    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.For) and node.recursive:
            refuse(node, "a loop cannot be recursive")
        elif isinstance(node, (nodes.EvalContextModifier, nodes.ScopedEvalContextModifier)):
            refuse(node, "escaping cannot be switched off")
        elif isinstance(node, (nodes.Call, nodes.Filter, nodes.Test)) and (node.dyn_args or node.dyn_kwargs):
            refuse(node, "* and ** do not go in a call")
        elif isinstance(node, nodes.Name) and node.name in ("varargs", "kwargs"):
            refuse(node, f"{node.name!r} does not exist here")
        elif isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
            refuse(node, f"{node.attr!r} is out of reach for templates")
        elif isinstance(node, nodes.Test) and node.name not in tests:
            refuse(node, f"unknown test {node.name!r}{nearest(node.name, tests)}")
        elif isinstance(node, (nodes.Filter, nodes.FilterBlock)):
            filtered = node.filter if isinstance(node, nodes.FilterBlock) else node
            if filtered.name not in filters:
                known = nearest(filtered.name, filters)
                refuse(node, f"unknown filter {filtered.name!r}{known}")


def _rewrite(tree: nodes.Template) -> None:
    """Count every turn of a loop, and the size of what is compared or tested."""
    for loop in tree.find_all(nodes.For):
        loop.iter = _through(TICK, loop.iter)
    for operand in tree.find_all(nodes.Operand):
        operand.expr = _through(SPEND, operand.expr)
    for test in tree.find_all(nodes.Test):
        test.args = [_through(SPEND, argument) for argument in test.args if isinstance(argument, nodes.Expr)]
        if test.name not in ("defined", "undefined"):
            test.node = _through(SPEND, test.node)


def _through(name: str, node: Any) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


@pass_context
def _finalize(context: Context, value: Any) -> Any:
    sandbox: Any = context.environment
    text = sandbox.text(value)
    sandbox.write(len(text))
    return text


@pass_context
def _ticking(context: Context, items: Any) -> Any:
    sandbox: Any = context.environment
    if isinstance(items, (list, tuple, dict, range)):
        sandbox.tick(len(items))
        return items
    return sandbox.turns(items)


@pass_context
def _spending(context: Context, value: Any) -> Any:
    sandbox: Any = context.environment
    return sandbox.spend(value)


def _range(*args: int) -> range:
    numbers = range(*args)
    if len(numbers) > RANGE:
        raise LimitError(f"a range has at most {RANGE} numbers")
    return numbers


def _deep(value: Any) -> bool:
    if isinstance(value, Namespace):
        return False
    items = value.values() if isinstance(value, dict) else value
    return any(isinstance(item, _CONTAINERS) for item in items)


def _kind(value: Any) -> str:
    names = {str: "a text", Markup: "a text", dict: "a table", list: "a list", tuple: "a list", date: "a date"}
    names |= {int: "a number", Decimal: "a number", float: "a number", timedelta: "a number of days"}
    kind = type(value)
    if isinstance(value, Objects):
        return f"the {kind.__name__.removesuffix('Object').lower()}"
    return names.get(kind) or ("nothing" if value is None else kind.__name__.strip("_").lower())
