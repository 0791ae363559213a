"""Finding connectors: those of installed packages by entry point, and those shipped in this tree."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, cast

from relance_addon.core import toml
from relance_addon.core.errors import InputError
from relance_addon.core.model import Problem
from relance_addon.hosts.port import Connector, HostSettings

GROUP: Final = "relance.connectors"
_SHIPPED: Final = "relance_addon.connectors"
_MODULE: Final = "connector"


def known() -> Mapping[str, str]:
    """Every connector that can be asked for, and where its class is (``module:class``, or a module). None is imported.

    Installed packages announce theirs in the entry-point group; a bare checkout has no entry points, so the shipped
    ones are also found by their folder.
    """
    found = {
        folder.name: f"{_SHIPPED}.{folder.name}.{_MODULE}"
        for folder in files(_SHIPPED).iterdir()
        if folder.is_dir() and (folder / f"{_MODULE}.py").is_file()
    }
    found.update({point.name: point.value for point in entry_points(group=GROUP)})
    return dict(sorted(found.items()))


def demo() -> Traversable:
    """The folder of the demonstration: the configuration and data that one of the shipped connectors brings along."""
    found = (folder / "demo" for folder in files(_SHIPPED).iterdir() if folder.is_dir())
    return next(folder for folder in found if folder.is_dir())


def load(name: str, key: str = "connector") -> type[Connector]:
    """The class of the connector ``name``; only its module is imported.

    Raises InputError about ``key`` (such as ``hosts.acme.connector``), with the nearest name, for an unknown one,
    and with the reason for one that cannot be imported.
    """
    where = known()
    if name not in where:
        hint = toml.nearest(name, where) or "; known: " + ", ".join(where)
        raise InputError(Problem("", key, f"unknown connector {name!r}{hint}"))
    module, _, attribute = where[name].partition(":")
    try:
        loaded = import_module(module)
        found: object = loaded
        for part in (attribute or _class(vars(loaded), module)).split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise InputError(Problem("", key, f"the connector {name!r} cannot be loaded: {error}")) from error
    if not (isinstance(found, type) and _is_connector(found)):
        raise InputError(Problem("", key, f"the connector {name!r} is no connector: {where[name]}"))
    return cast(type[Connector], found)


def _class(names: Mapping[str, object], module: str) -> str:
    """The one connector that a module defines itself."""
    for name, value in names.items():
        if isinstance(value, type) and value.__module__ == module and _is_connector(value):
            return name
    raise AttributeError(f"{module} defines no connector")


def _is_connector(found: type) -> bool:
    settings = getattr(found, "Settings", None)
    return isinstance(settings, type) and issubclass(settings, HostSettings) and hasattr(found, "pull")
