"""TOML text checked against a pydantic model, with the line and the nearest known key in every error."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from relance_addon.core.errors import InputError
from relance_addon.core.model import Problem

Path = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
_PART = re.compile(r"[\w-]+|\"[^\"]*\"|'[^']*'")
_MESSAGES = {
    "missing": "missing",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "string_type": "must be text in quotes",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must not be empty",
}


def load(text: str, source: str) -> dict[str, Any]:
    """Parse TOML; numbers with a point become Decimals. Raises InputError naming ``source`` and the line."""
    text = text.removeprefix("\ufeff")
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        written = text.splitlines()[line - 1] if found else ""
        key = _KEY.match(written) or re.match(r"\s*\[+([^\]]+)", written)
        reason = re.sub(r" \(at .*\)$", "", str(error))
        if reason == "Cannot overwrite a value":
            reason = "stands here a second time"
        raise InputError(Problem(f"{source}:{line}", key[1] if key else "", reason)) from None


def lines(text: str) -> dict[Path, int]:
    """The line on which each key and table of a TOML text stands, by path."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    prefix: Path = ()
    quotes = ""
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if quotes:
            quotes = "" if quotes in line else quotes
            continue
        header, key = _HEADER.match(line), _KEY.match(line)
        if header:
            prefix = _resolve(_parts(header[2]), counts, header[1] == "[[")
            found.setdefault(prefix, number)
        elif key:
            path: Path = prefix
            for part in _parts(key[1]):
                path = (*path, part)
                found.setdefault(path, number)
            value = line[key.end() :]
            for mark in ('"""', "'''"):
                if value.count(mark) == 1:
                    quotes = mark
    return found


def _parts(text: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(text)]


def _resolve(parts: Sequence[str], counts: dict[Path, int], array: bool) -> Path:
    path: Path = ()
    for index, part in enumerate(parts):
        path = (*path, part)
        if array and index == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def check(model: type[M], data: Mapping[str, Any], text: str, source: str, under: Path = ()) -> M:
    """Validate ``data`` (found at ``under`` in ``text``). Raises InputError with one problem per wrong key."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        where = lines(text)
        items = [item for item in error.errors() if not _follows(item, error)]
        found = [
            problem(source, where, (*under, *item["loc"], *item.get("ctx", {}).get("at", ())), _message(model, item))
            for item in items
        ]
        raise InputError(*found) from None


def fault(at: Path, text: str) -> PydanticCustomError:
    """An error for a validator to raise about the key at ``at`` below what it validates."""
    return PydanticCustomError("fault", "{text}", {"at": at, "text": text})


def _follows(item: Any, error: ValidationError) -> bool:
    """Whether a list is only too short because what stands in it is wrong."""
    loc = item["loc"]
    return item["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in error.errors()
    )


def problem(source: str, where: Mapping[Path, int], path: Path, message: str) -> Problem:
    """A problem of the key at ``path``, on its own line or on that of the nearest table around it."""
    near = path
    while near and near not in where:
        near = near[:-1]
    line = where.get(near, 1)
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in path)
    return Problem(f"{source}:{line}", key, message)


def _message(model: type[BaseModel], item: Any) -> str:
    kind = item["type"]
    if kind == "extra_forbidden":
        return "unknown key" + nearest(str(item["loc"][-1]), _known(model, item["loc"][:-1]))
    if kind == "literal_error":
        return f"must be {item['ctx']['expected']}"
    if kind in ("value_error", "assertion_error"):
        return str(item["ctx"]["error"])
    if kind == "fault":
        return str(item["ctx"]["text"])
    if kind.startswith("date_"):
        return "must be a date such as 2026-01-01"
    if kind == "tuple_type" and isinstance(item["input"], dict):
        tables = ".".join(part for part in item["loc"] if isinstance(part, str))
        return f"must be a list of tables; write [[{tables}]]"
    if kind in _MESSAGES:
        return _MESSAGES[kind].format_map(item.get("ctx", {}))
    text = str(item["msg"])
    return text[:1].lower() + text[1:]


def nearest(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"``, or nothing when no known word is near."""
    match = get_close_matches(word, list(known), 1, 0.6)
    return f"; did you mean {match[0]!r}?" if match else ""


def _known(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The keys that the (nested) model at ``path`` knows."""
    current: Any = model
    for part in path:
        if isinstance(part, int):
            continue
        field = getattr(current, "model_fields", {}).get(part)
        current = _model_in(field.annotation) if field else None
    return [
        field.alias or name
        for name, field in getattr(current, "model_fields", {}).items()
        if not field.validation_alias
    ]


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
