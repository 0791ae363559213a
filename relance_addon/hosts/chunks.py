"""Many, a few at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """As many at a time as one call takes."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some
