"""relance.toml: read, checked, and turned into what the operations need."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, field_validator, model_validator

from relance_addon.core import toml
from relance_addon.core.errors import InputError
from relance_addon.core.model import Address, Problem, parse_address
from relance_addon.core.program import ROLES
from relance_addon.hosts.secrets import Secret

NO_SENDER = Address("", "relance@localhost")
"""Who writes where nobody was named; ``check`` asks for a better one."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Relance(_Table):
    """[relance]"""

    journal: StrictStr = "sqlite:///relance.sqlite3"
    timezone: StrictStr = "Europe/Paris"
    language: StrictStr = "fr"
    currency: StrictStr = "EUR"
    templates: StrictStr | None = None

    @field_validator("journal")
    @classmethod
    def _openable(cls, value: str) -> str:
        from relance_addon.journal.database import address

        try:
            address(value, Path())
        except InputError as error:
            raise ValueError(error.problems[0].text) from None
        return value

    @field_validator("language")
    @classmethod
    def _language_code(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z]{2,3}", value):
            raise ValueError(f"{value!r} is no language code such as fr")
        return value

    @field_validator("currency")
    @classmethod
    def _currency_code(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Z]{3}", value):
            raise ValueError(f"{value!r} is no currency code such as EUR")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone; write one such as Europe/Paris") from None
        return value


class Bounces(_Table):
    """[mail.bounces]: the mailbox that refused messages come back to.

    ``address`` is what they come back to (the envelope's sender), by default whoever wrote them.
    """

    imap: StrictStr
    user: StrictStr
    password: Secret
    folder: StrictStr = Field(default="INBOX", min_length=1)
    address: StrictStr | None = None

    @field_validator("imap")
    @classmethod
    def _imap_address(cls, value: str) -> str:
        return _address(value, ("imaps", "imap+starttls", "imap"), "imaps://mail.example", "mail.bounces")

    @field_validator("address")
    @classmethod
    def _bare_address(cls, value: str | None) -> str | None:
        return value if value is None else parse_address(value).email


class Mail(_Table):
    """[mail]: ``ca`` is a PEM file of authorities to trust besides the system's, ``timeout`` in seconds per answer."""

    smtp: StrictStr = "smtp://127.0.0.1:25"
    user: StrictStr | None = Field(default=None, min_length=1)
    password: Secret | None = None
    ca: StrictStr | None = Field(default=None, min_length=1)
    timeout: float = Field(default=60, gt=0, strict=True, allow_inf_nan=False)
    sender: StrictStr | None = None
    redirect_to: StrictStr | None = None
    bounces: Bounces | None = None

    @field_validator("smtp")
    @classmethod
    def _smtp_address(cls, value: str) -> str:
        example = "smtp://127.0.0.1:25 or smtps://mail.example"
        return _address(value, ("smtp", "smtps", "smtp+starttls"), example, "mail")

    @model_validator(mode="after")
    def _whole_log_in(self) -> Mail:
        if self.user and self.password is None:
            raise toml.fault(("password",), "missing beside mail.user")
        if self.password is not None and not self.user and "@" not in self.smtp:
            raise toml.fault(("user",), "missing beside mail.password")
        return self

    @field_validator("sender", "redirect_to")
    @classmethod
    def _one_address(cls, value: str | None) -> str | None:
        return value if value is None else str(parse_address(value))


def _address(value: str, schemes: Sequence[str], example: str, table: str) -> str:
    """The address of a server, checked: its password belongs into a key of ``table``."""
    parts = urlsplit(value)
    if parts.password:
        raise ValueError(f"a password in clear; write {table}.user and {table}.password = {{ env = … }}")
    try:
        usable = parts.scheme in schemes and parts.hostname and parts.port != 0 and not parts.path.strip("/")
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"{value!r} is no address such as {example}")
    return value


class Limits(_Table):
    """[limits]: ``per_run`` is a number of messages, None for any.

    ``simulation_days`` is how many days after its own a saved simulation may still be run.
    """

    per_run: Annotated[StrictInt, Field(ge=0)] | None = None
    simulation_days: Annotated[StrictInt, Field(ge=0)] = 1


class File(_Table):
    """The whole file; each host's table is checked by its connector."""

    relance: Relance = Relance()
    mail: Mail = Mail()
    roles: dict[str, StrictStr] = {}
    limits: Limits = Limits()
    hosts: dict[str, dict[str, Any]] = {}

    @field_validator("roles")
    @classmethod
    def _addresses(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if name in ROLES and name != "accounting":
                raise toml.fault((name,), f"{name!r} is a role of relance's own; choose another name")
            try:
                parse_address(text)
            except ValueError as error:
                raise toml.fault((name,), str(error)) from None
        return value


@dataclass(frozen=True)
class Config:
    """A checked relance.toml; ``source`` is its name as the user gave it, ``text`` what it says."""

    path: Path
    source: str
    text: str
    file: File

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return self.path.resolve().parent

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.file.relance.timezone)

    @property
    def roles(self) -> Mapping[str, Address]:
        """The names of [roles], and ``accounting``: the sender of [mail] where [roles] has none."""
        sender = parse_address(self.file.mail.sender) if self.file.mail.sender else NO_SENDER
        return {"accounting": sender, **{name: parse_address(text) for name, text in self.file.roles.items()}}

    def host(self, name: str) -> Mapping[str, Any]:
        """The table of a host. Raises InputError naming those there are."""
        try:
            return self.file.hosts[name]
        except KeyError:
            known = ", ".join(self.file.hosts) or "none"
            near = toml.nearest(name, self.file.hosts)
            raise InputError(
                Problem(self.source, f"hosts.{name}", f"no such host{near or f'; there is {known}'}")
            ) from None

    def problem(self, path: toml.Path, message: str) -> Problem:
        """A problem of a key, with its line."""
        return toml.problem(self.source, toml.lines(self.text), path, message)

    def located(self, wrong: Problem) -> Problem:
        """The same problem with its file and line, where it is about a key of this file."""
        if wrong.where or wrong.key.split(".")[0] not in File.model_fields:
            return wrong
        return self.problem(tuple(wrong.key.split(".")), wrong.text)


def load(path: Path) -> Config:
    """Read relance.toml. Raises InputError when it is missing, or with one problem per wrong key."""
    source = str(path)
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(Problem(source, "", "no such file; 'relance init' writes one, --config names one")) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(source, "", f"cannot be read: {error}")) from None
    file = toml.check(File, toml.load(text, source), text, source)
    for name, table in file.hosts.items():
        if not isinstance(table.get("connector"), str):
            where = toml.problem(source, toml.lines(text), ("hosts", name, "connector"), 'missing; such as "files"')
            raise InputError(where)
    return Config(path, source, text, file)
