"""Dotted paths through records that lead to other records, or to lists of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

Tree = dict[str, "Tree"]
Getter = Callable[[Mapping[str, Any]], Any]


def tree_of(paths: Iterable[str]) -> Tree:
    """``a``, ``b.c``, ``b.d`` as ``{a: {}, b: {c: {}, d: {}}}``, in alphabetical order."""
    tree: Tree = {}
    for path in sorted(set(paths)):
        branch = tree
        for part in path.split("."):
            branch = branch.setdefault(part, {})
    return tree


def at(path: str) -> Getter:
    """The value at a dotted path of a record: a list where the path crosses one, an id where it ends at a record."""
    name, _, rest = path.partition(".")
    below = at(rest) if rest else itemgetter("id")

    def walk(record: Mapping[str, Any]) -> Any:
        value = record.get(name)
        if isinstance(value, dict):
            return below(value)
        if isinstance(value, list):
            return [below(one) if isinstance(one, dict) else one for one in value]
        return None if rest else value

    return walk
