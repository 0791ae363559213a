"""Secrets by reference: ``{ env = "…" }``, ``{ file = "…" }`` or ``{ keyring = "…" }``, never in clear."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, StrictStr, model_validator

from relance_addon.core.errors import InputError
from relance_addon.core.model import Problem

_WAYS: Final = ("env", "file", "keyring")
_HOW: Final = '{ env = "NAME" }, { file = "PATH" } or { keyring = "SERVICE/USER" }'


class Secret(BaseModel):
    """A type for connector settings: where a secret is kept. It never holds the secret itself, so may be printed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    env: StrictStr = ""
    file: StrictStr = ""
    keyring: StrictStr = ""

    @model_validator(mode="before")
    @classmethod
    def _refuse_clear(cls, value: Any) -> Any:
        if isinstance(value, str | int):
            raise ValueError(f"a secret is never written in clear: say where it is kept, with {_HOW}")
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> Secret:
        if sum(bool(getattr(self, way)) for way in _WAYS) != 1:
            raise ValueError(f"must be exactly one of {_HOW}")
        return self

    def reveal(self, folder: Path, key: str = "") -> str:
        """The secret itself; a relative file starts at ``folder``, the configuration's.

        Raises InputError, about ``key`` (such as ``hosts.acme.password``), when it is not where it should be.
        """
        if self.env:
            return _said(os.environ.get(self.env), key, f"the environment variable {self.env} is not set")
        if self.file:
            return _said(_content(folder / self.file, key, self.file), key, f"the file {self.file} is empty")
        return _said(_from_keyring(self.keyring, key), key, f"the keyring has nothing for {self.keyring!r}")


def _said(secret: str | None, key: str, otherwise: str) -> str:
    if not secret:
        raise InputError(Problem("", key, otherwise))
    return secret


def _content(path: Path, key: str, shown: str) -> str:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        raise InputError(Problem("", key, f"cannot read the file {shown}: {error.strerror}")) from None
    except UnicodeDecodeError:
        raise InputError(Problem("", key, f"the file {shown} is not UTF-8")) from None


def _from_keyring(reference: str, key: str) -> str | None:
    service, _, user = reference.rpartition("/")
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise InputError(Problem("", key, "the package keyring is not installed: pip install keyring")) from None
    try:
        secret = keyring.get_password(service or "relance", user)
    except Exception as error:  # noqa: BLE001 - each back end has its own
        raise InputError(Problem("", key, f"the keyring cannot be read: {type(error).__name__}")) from None
    return None if secret is None else str(secret)
