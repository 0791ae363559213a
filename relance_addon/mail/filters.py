"""The filters of the template language: jinja's own where they cannot grow, ours where they could."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from jinja2 import filters as jinja_filters
from jinja2 import pass_context
from jinja2.runtime import Context, Undefined
from markupsafe import Markup, escape

from relance_addon.mail.limits import ARGUMENT, WORK, LimitError


def short(args: Iterable[Any], kwargs: Mapping[str, Any]) -> None:
    """Refuse long texts as arguments: what looks for one in another may take the product of their lengths."""
    for argument in (*args, *kwargs.values()):
        if isinstance(argument, str) and len(argument) > ARGUMENT:
            raise LimitError(f"gives a text of {len(argument)} characters to a function; give a shorter one")


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of jinja's whose input and result are counted."""

    @pass_context
    def counted(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        sandbox: Any = context.environment
        if isinstance(value, Undefined):
            str(value)
        sandbox.spend(value)
        short(args, kwargs)
        mode = getattr(function, "jinja_pass_arg", None)
        given = {"context": (context,), "eval_context": (context.eval_ctx,), "environment": (sandbox,)}
        result = function(*given.get(getattr(mode, "name", ""), ()), value, *args, **kwargs)
        if hasattr(result, "__next__"):
            result = list(sandbox.turns(result))
        return sandbox.spend(result)

    return counted


@pass_context
def _string(context: Context, value: Any) -> str:
    sandbox: Any = context.environment
    return sandbox.spend(sandbox.text(value))  # type: ignore[no-any-return]


@pass_context
def _join(context: Context, value: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
    sandbox: Any = context.environment
    parts: list[Any] = []
    for item in value:
        sandbox.tick()
        if parts:
            parts.append(d)
        parts.append(sandbox.getitem(item, attribute) if attribute is not None else item)
        sandbox.work -= len(d)
    if sandbox.work < 0:
        raise LimitError(f"handles more than {WORK} characters; make it simpler")
    return sandbox.joined(context.eval_ctx.autoescape, parts)  # type: ignore[no-any-return]


@pass_context
def _replace(context: Context, value: str, old: str, new: str) -> str:
    sandbox: Any = context.environment
    text, new = sandbox.spend(sandbox.text(value)), sandbox.text(new)
    if len(text) + (len(text) + 1) * len(new) > WORK:
        raise LimitError("replaces too much")
    if isinstance(text, Markup):
        return sandbox.spend(text.replace(escape(old), escape(new)))  # type: ignore[no-any-return]
    return sandbox.spend(text.replace(str(old), new))  # type: ignore[no-any-return]


@pass_context
def _sum(context: Context, value: Iterable[Any], attribute: str | None = None, start: Any = 0) -> Any:
    sandbox: Any = context.environment
    total = start
    for item in value:
        sandbox.tick()
        number = item if attribute is None else sandbox.getitem(item, attribute)
        if not isinstance(number, (int, float, Decimal)) or not isinstance(total, (int, float, Decimal)):
            raise TypeError("only numbers are summed")
        total = sandbox.call_binop(context, "+", total, number)
    return total


def _round(value: Any, precision: int = 0) -> Any:
    if not isinstance(value, (int, float, Decimal)) or not -15 <= precision <= 15:
        raise TypeError("round takes a number, and from -15 to 15 digits")
    return round(value, precision)


def _int(value: Any, default: int = 0) -> int:
    if isinstance(value, Undefined):
        str(value)
    try:
        return int(value[:40] if isinstance(value, str) else value)
    except (TypeError, ValueError, ArithmeticError):
        return default


def _length(value: Any) -> int:
    return len(value)


_JINJA = (
    *("abs", "capitalize", "dictsort", "e", "escape", "first", "items", "last", "list", "lower", "map", "max", "min"),
    *("reject", "rejectattr", "reverse", "select", "selectattr", "sort", "title", "trim", "truncate", "unique"),
    *("upper", "urlencode"),
)
FILTERS: Final[dict[str, Callable[..., Any]]] = {
    **{name: _bounded(jinja_filters.FILTERS[name]) for name in _JINJA},
    "default": jinja_filters.FILTERS["default"],
    "d": jinja_filters.FILTERS["default"],
    "string": _string,
    "join": _join,
    "replace": _replace,
    "sum": _sum,
    "round": _round,
    "int": _int,
    "length": _length,
    "count": _length,
}
"""What every text has; ``money`` and ``date`` come with the language."""
