"""A mapping is data: where each field of ours comes from on the host.

A source is a path (a column, for files; a dotted path for records), ``{ value = … }``, ``{ template = "{a} {b}" }`` or
``{ from = …, map = {…}, default = … }``; an empty path takes the field from nowhere. The connector's ``mapping.toml``
gives the defaults, ``[hosts.NAME.mapping.KIND]`` replaces them key by key. ``docs/mapping.md`` is the manual.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from importlib.resources import files
from operator import itemgetter
from string import Formatter
from typing import Any, Final, TypeVar

from relance_addon.core import toml
from relance_addon.core.errors import InputError
from relance_addon.core.model import Problem
from relance_addon.hosts.port import Kind

R = TypeVar("R")
Getter = Callable[[R], Any]
Row = list[str]
Pick = Callable[[Row], tuple[str, ...]]
Sources = Mapping[str, "Source"]

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "invoice": (
        "id", "number", "client", "status", "issue_date", "due_date", "total", "residual", "currency", "salesperson",
        "payment_link", "pdf", "program", "hold_until", "settled_date",
    ),
    "client": ("id", "name", "email", "language", "country", "tags", "program", "hold_until", "credit"),
    "contact": ("client", "name", "email", "roles"),
    "instalment": ("invoice", "due_date", "amount", "residual"),
}  # fmt: skip
"""Every kind, and the fields of ours that can be mapped; a connector's mapping.toml may add its own."""

_SCALARS = (str, int, Decimal, date)
_KEYS = ("value", "template", "from", "map", "default")


@dataclass(frozen=True, slots=True)
class Source:
    """Where one field comes from. ``paths`` are what it reads on the host; ``given``: the user's own, not a default.

    ``parts`` are a template's (literal, path) pairs, the path None at the end; ``choices`` is the map, keys as text.
    """

    paths: tuple[str, ...] = ()
    value: Any = None
    parts: tuple[tuple[str, str | None], ...] = ()
    choices: Mapping[str, Any] | None = None
    default: Any = None
    text: str = ""
    given: bool = False

    @property
    def direct(self) -> str:
        """The one path that is taken as it is, or nothing."""
        return self.paths[0] if self.paths and not self.parts and self.choices is None else ""

    @property
    def constant(self) -> bool:
        """Whether it reads nothing on the host: a value, or nowhere."""
        return not self.paths


NOWHERE: Final = Source()


def read(
    defaults: Mapping[str, Any], overrides: Mapping[str, Any], key: str = "mapping"
) -> dict[str, dict[str, Source]]:
    """The sources of every kind and field: ``defaults`` (a parsed mapping.toml) replaced by ``overrides``.

    ``key`` is where the overrides stand, such as ``hosts.acme.mapping``. Raises InputError with one problem per
    wrong key; their ``where`` is empty, for whoever knows the file to fill in.
    """
    problems: list[Problem] = []
    sources: dict[str, dict[str, Source]] = {}
    for kind, fields in FIELDS.items():
        given = defaults.get(kind, {})
        sources[kind] = {field: _source(source, f"{kind}.{field}", problems) for field, source in given.items()}
        for field in fields:
            sources[kind].setdefault(field, NOWHERE)
    for kind, fields in overrides.items():
        if kind not in FIELDS:
            problems.append(Problem("", f"{key}.{kind}", f"unknown kind of record{toml.nearest(kind, FIELDS)}"))
        elif not isinstance(fields, Mapping):
            problems.append(Problem("", f"{key}.{kind}", "must be a table"))
        else:
            _replace(sources[kind], fields, f"{key}.{kind}", problems)
    if problems:
        raise InputError(*problems)
    return sources


def used(
    sources: Mapping[str, Mapping[str, Source]], fields: Mapping[Kind, Sequence[str]], key: str, host: str
) -> dict[Kind, dict[str, Source]]:
    """The sources of those fields that ``host`` takes from a mapping; InputError for others that the user mapped."""
    problems = [
        Problem("", f"{key}.{kind}.{field}", f"cannot be mapped on {host}")
        for kind, found in sources.items()
        for field, source in found.items()
        if source.given and field not in fields.get(kind, ())  # type: ignore[call-overload]  # a kind as text
    ]
    if problems:
        raise InputError(*problems)
    return {kind: {field: sources[kind][field] for field in names} for kind, names in fields.items()}


def _replace(sources: dict[str, Source], fields: Mapping[str, Any], key: str, problems: list[Problem]) -> None:
    for field, source in fields.items():
        if field not in sources:
            problems.append(Problem("", f"{key}.{field}", f"unknown field{toml.nearest(field, sources)}"))
        else:
            sources[field] = replace(_source(source, f"{key}.{field}", problems), given=True)


def shipped(package: str) -> dict[str, Any]:
    """The mapping.toml that lies beside the modules of ``package``, parsed."""
    source = files(package) / "mapping.toml"
    return toml.load(source.read_text("utf-8"), str(source))


def _source(source: Any, key: str, problems: list[Problem]) -> Source:
    def wrong(text: str, below: str = "") -> Source:
        problems.append(Problem("", f"{key}.{below}" if below else key, text))
        return NOWHERE

    if isinstance(source, str):
        path = source.strip()
        return Source((path,), text=path) if path else NOWHERE
    if not isinstance(source, Mapping):
        return wrong("must be a path in quotes, or a table with value, template or from")
    for name in source:
        if name not in _KEYS:
            return wrong(f"unknown key{toml.nearest(name, _KEYS)}", name)
    kinds = [name for name in ("value", "template", "from") if name in source]
    if len(kinds) != 1:
        return wrong("must have exactly one of value, template and from")
    if kinds != ["from"]:
        for name in ("map", "default"):
            if name in source:
                return wrong("goes with from only", name)
    if "value" in source:
        value = source["value"]
        return (
            Source(value=value, text=f"value {plain(value)!r}")
            if isinstance(value, _SCALARS)
            else wrong("must be text, a number or a date", "value")
        )
    if "template" in source:
        return _template(source["template"], wrong)
    return _choice(source, wrong)


def _template(text: Any, wrong: Callable[[str, str], Source]) -> Source:
    if not isinstance(text, str):
        return wrong("must be text in quotes", "template")
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        return wrong(f"{error}; a brace by itself is written twice", "template")
    for _, path, form, conversion in parsed:
        if path == "" or form or conversion:
            return wrong("braces hold a path and nothing else, as in {name}", "template")
    parts = tuple((literal, path.strip() if path else None) for literal, path, _, _ in parsed)
    paths = tuple(dict.fromkeys(path for _, path in parts if path))
    if not paths:
        return wrong("takes nothing from the host: write it as { value = … }", "template")
    return Source(paths, parts=parts, text=f"template {text!r}")


def _choice(source: Mapping[str, Any], wrong: Callable[[str, str], Source]) -> Source:
    path, choices, default = source["from"], source.get("map", {}), source.get("default")
    if not isinstance(path, str) or not path.strip():
        return wrong("must be a path in quotes", "from")
    if not isinstance(choices, Mapping):
        return wrong("must be a table", "map")
    for name, value in choices.items():
        if not isinstance(value, _SCALARS):
            return wrong("must be text, a number or a date", f"map.{name}")
    if default is not None and not isinstance(default, _SCALARS):
        return wrong("must be text, a number or a date", "default")
    told = ", ".join(f"{name} = {plain(value)}" for name, value in choices.items())
    text = f"from {path}" + (f" map {{{told}}}" if told else "")
    text += f" default {plain(default)!r}" if default is not None else ""
    return Source((path.strip(),), choices=dict(choices), default=default, text=text)


def plain(value: Any) -> str:
    """A host's or a mapping's value as text: nothing is blank, yes and no are ``true`` and ``false``."""
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    return str(value)


def needed(sources: Sources, fields: Iterable[str] | None = None) -> list[str]:
    """The host's paths that these fields (all, by default) read, each once."""
    wanted = sources if fields is None else {field: sources[field] for field in fields}
    return list(dict.fromkeys(path for source in wanted.values() for path in source.paths))


def missing(sources: Sources, has: Container[str], required: Container[str] = ()) -> dict[str, str]:
    """Fields that cannot be filled: the path that the host lacks (empty: not mapped), by field.

    A default of an optional field may be absent; a required field and one that the user mapped may not.
    """
    found: dict[str, str] = {}
    for field, source in sources.items():
        if source.given or field in required:
            lacking = [path for path in source.paths if path not in has]
            if lacking:
                found[field] = lacking[0]
            elif source.constant and source.value is None and field in required:
                found[field] = ""
    return found


def bind(source: Source, resolve: Callable[[str], Getter[R] | None]) -> Getter[R] | None:
    """A function from a record to the source's value; None when the host has none of its paths.

    ``resolve`` gives the function for one path, or None where the host has no such path.
    """
    if source.constant:
        value = source.value
        return None if value is None else lambda record: value
    getters = {path: resolve(path) for path in source.paths}
    if all(getter is None for getter in getters.values()):
        return None
    if source.parts:
        return _bind_template(source.parts, getters)
    get = getters[source.paths[0]]
    if get is None or source.choices is None:
        return get
    return _bind_choice(get, source.choices, source.default)


def _bind_template(parts: Sequence[tuple[str, str | None]], getters: Mapping[str, Getter[R] | None]) -> Getter[R]:
    def fill(record: R) -> str:
        filled = False
        text = []
        for literal, path in parts:
            text.append(literal)
            get = getters[path] if path else None
            if get is not None:
                value = plain(get(record)).strip()
                filled = filled or bool(value)
                text.append(value)
        # A template around nothing would make "@client.example" of a blank cell.
        return "".join(text).strip() if filled else ""

    return fill


def _bind_choice(get: Getter[R], choices: Mapping[str, Any], default: Any) -> Getter[R]:
    def choose(record: R) -> Any:
        value = get(record)
        text = plain(value).strip()
        if text in choices:
            return choices[text]
        return value if default is None else default

    return choose


def dotted(path: str) -> Getter[Mapping[str, Any]]:
    """The value at a dotted path of nested records; a key that holds the whole path wins. None where it ends."""
    if "." not in path:
        return lambda record: record.get(path)
    parts = path.split(".")

    def walk(record: Mapping[str, Any]) -> Any:
        if path in record:
            return record[path]
        value: Any = record
        for part in parts:
            if not isinstance(value, Mapping):
                return None
            value = value.get(part)
        return value

    return walk


def records(sources: Sources) -> dict[str, Getter[Mapping[str, Any]]]:
    """A function per mapped field, from a record (nested dictionaries) to its value."""
    bound = {field: bind(source, dotted) for field, source in sources.items()}
    return {field: get for field, get in bound.items() if get is not None}


def columns(sources: Sources, names: Sequence[str], fields: Sequence[str]) -> Pick:
    """A function from a row under the header ``names`` to the texts of ``fields``, in that order.

    Blank for a field without source or column. The row is lengthened in place. Plain columns cost one look-up in C
    for all of them, and constants one more.
    """
    at = {name: index for index, name in reversed(list(enumerate(names)))}

    def resolve(path: str) -> Getter[Row] | None:
        index = at.get(path)
        return None if index is None else itemgetter(index)

    constants = [""]
    computed: list[Getter[Row]] = []
    order: list[int] = []
    for field in fields:
        source = sources.get(field, NOWHERE)
        if source.direct in at:
            order.append(at[source.direct])
        elif source.constant and source.value is not None:
            order.append(len(names) + len(constants))
            constants.append(plain(source.value))
        elif (get := bind(source, resolve)) is not None:
            computed.append(get)
            order.append(-len(computed))
        else:
            order.append(len(names))
    # Computed cells come after the constants, whose number is known only now.
    after = len(names) + len(constants) - 1
    pick = _pick([after - index if index < 0 else index for index in order])

    def take(row: Row) -> tuple[str, ...]:
        row += constants
        for get in computed:
            row.append(plain(get(row)))
        return pick(row)

    def take_plain(row: Row) -> tuple[str, ...]:
        row += constants
        return pick(row)

    return take if computed else take_plain


def _pick(order: Sequence[int]) -> Pick:
    if len(order) < 2:
        return lambda row: tuple(row[index] for index in order)
    pick: Pick = itemgetter(*order)
    return pick
