"""A mapping bound to one host: the values of our fields in its records, and the fields that it cannot fill."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from relance_addon.core.model import Problem
from relance_addon.hosts import mapping
from relance_addon.hosts.mapping import Source
from relance_addon.hosts.paths import Getter, at
from relance_addon.hosts.port import Kind, MappedField


class Bound:
    """The fields of one kind of record."""

    def __init__(self, getters: Mapping[str, Getter]) -> None:
        self._getters = getters

    @property
    def known(self) -> Collection[str]:
        """The fields that come from somewhere."""
        return self._getters.keys()

    def value(self, field: str, record: Mapping[str, Any]) -> Any:
        """The value of a field of ours, None where the host has none."""
        getter = self._getters.get(field)
        return None if getter is None else getter(record)


def along(sources: Mapping[str, Source], existing: Container[str]) -> dict[str, Getter]:
    """A function per field from a record to its value along dotted paths, of the paths that exist."""
    bound = {
        field: mapping.bind(source, lambda path: at(path) if path in existing else None)
        for field, source in sources.items()
    }
    return {field: getter for field, getter in bound.items() if getter is not None}


def lacking(
    by_kind: Mapping[Kind, Mapping[str, Source]],
    required: Mapping[Kind, Container[str]],
    exists: Callable[[Kind, str], bool],
    said: Callable[[Kind, str], str],
    key: str,
) -> list[Problem]:
    """The fields that the host cannot fill, with the path that it does not have; ``said`` tells of such a path."""
    return [
        Problem("", f"{key}.{kind}.{field}", said(kind, path) if path else "must come from somewhere")
        for kind, sources in by_kind.items()
        for paths in [{path for path in mapping.needed(sources) if exists(kind, path)}]
        for field, path in mapping.missing(sources, paths, required[kind]).items()
    ]


def first(count: int, found: Iterable[Any]) -> list[Any]:
    """The first values that say something."""
    return list(islice((value for value in found if value not in (None, "", [])), count))


def described(
    by_kind: Mapping[Kind, Mapping[str, Source]],
    samples: Mapping[Kind, Mapping[str, Sequence[Any]]],
    wrong: Callable[[Kind, str], str],
) -> list[MappedField]:
    """Every field that is mapped, where it comes from, samples of it, and what is ``wrong`` with it."""
    return [
        MappedField(
            kind,
            field,
            source.text,
            tuple(map(_shown, samples[kind].get(field, ()))),
            wrong(kind, field),
        )
        for kind, sources in by_kind.items()
        for field, source in sources.items()
    ]


def _shown(value: Any) -> str:
    return ", ".join(map(mapping.plain, value)) if isinstance(value, list) else mapping.plain(value)
