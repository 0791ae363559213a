"""Programs and their steps: what programs.toml may say, read and checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    field_validator,
    model_serializer,
    model_validator,
)

from relance_addon.core import calendar, toml
from relance_addon.core.errors import InputError
from relance_addon.core.model import NO_PROGRAM, Address, Client, Invoice, Problem, is_email, parse_address
from relance_addon.core.offset import Offset

Kind = Literal["after_due", "after_issue", "after_previous"]
KINDS: tuple[Kind, ...] = ("after_due", "after_issue", "after_previous")
RESERVED = (NO_PROGRAM, "inherit")
CLIENT_ROLES = ("billing", "client")
"""Roles that mean people at the client: they can receive, not send."""
ROLES = (*CLIENT_ROLES, "salesperson", "accounting")
_ATTACHMENT = re.compile(r"(invoice|schedule)\??\Z")

Name = Annotated[StrictStr, Field(min_length=1, max_length=120)]
Days = Annotated[StrictInt, Field(ge=0, le=36500)]
Strings = tuple[StrictStr, ...]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Trigger(_Table):
    """When a step is due: ``offset`` after the due date, the issue date, or the previous step."""

    kind: Kind
    offset: Offset

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValueError("must be a table such as { after_due = 3 }")
        unknown = [key for key in value if key not in KINDS]
        if unknown:
            raise ValueError(f"unknown key {unknown[0]!r}{toml.nearest(str(unknown[0]), KINDS)}")
        if len(value) != 1:
            raise ValueError("must have exactly one of " + ", ".join(KINDS))
        ((kind, amount),) = value.items()
        offset = Offset.parse(amount)
        if kind == "after_previous" and (offset.days < 1 and offset.months < 1):
            raise ValueError("after_previous is at least one day")
        return {"kind": kind, "offset": offset}

    @model_serializer
    def _write(self) -> dict[str, Any]:
        return {self.kind: self.offset.days if not self.offset.months else str(self.offset)}

    @property
    def before_due(self) -> bool:
        """Whether the step is a courtesy note before the due date."""
        return self.kind == "after_due" and (self.offset.days < 0 or self.offset.months < 0)


class Step(_Table):
    """One reminder of a program. ``sender``, ``to``, ``cc`` and ``bcc`` are roles or addresses."""

    name: Name
    trigger: Trigger
    channel: Literal["mail", "activity"] = "mail"
    sender: StrictStr = "accounting"
    to: Strings = ("billing",)
    cc: Strings = ()
    bcc: Strings = ()
    subject: StrictStr | None = None
    template: StrictStr | None = None
    body: StrictStr | None = None
    attach: Strings = ()
    payment_link: StrictBool = False

    @field_validator("channel", mode="before")
    @classmethod
    def _no_letters_yet(cls, value: Any) -> Any:
        if value == "letter":
            raise ValueError("'letter' is not there yet; use 'mail' or 'activity'")
        return value

    @field_validator("attach")
    @classmethod
    def _known_attachments(cls, value: Strings) -> Strings:
        for item in value:
            if not _ATTACHMENT.match(item):
                raise ValueError(f"{item!r} is not 'invoice' or 'schedule' (with '?' for: only if it can be had)")
        return value

    @field_validator("subject", "template", "body")
    @classmethod
    def _something(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("must not be empty")
        return value

    @field_validator("subject")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        if value and any(character in value for character in "\r\n"):
            raise ValueError("a subject is one line")
        return value

    @model_validator(mode="after")
    def _one_text(self) -> Step:
        if self.template and self.body is not None:
            raise ValueError("has both template and body; keep one")
        return self


class Segment(_Table):
    """A condition on the client: every key named, any of its values."""

    country: Strings | None = None
    tag: Strings | None = None
    language: Strings | None = None
    client: Strings | None = None

    def holds(self, client: Client) -> bool:
        """Whether the client belongs to the segment. Case and region of a language do not count."""
        checks: tuple[tuple[Strings | None, Iterable[str]], ...] = (
            (self.country, (client.country,)),
            (self.tag, client.tags),
            (self.language, (client.language, client.language[:2])),
            (self.client, (client.id,)),
        )
        return all(
            wanted is None or not {value.casefold() for value in wanted}.isdisjoint(value.casefold() for value in had)
            for wanted, had in checks
        )


class Program(_Table):
    """A named, ordered list of steps. ``minimum`` is an amount in any currency, ``version`` 0 before it is stored."""

    name: Name
    label: StrictStr = ""
    default: StrictBool = False
    group: Literal["invoice", "step", "client"] = "step"
    calendar: StrictStr | None = None
    minimum: Decimal | None = None
    quiet_days: Days = 0
    after_manual: Days = 7
    since: date | None = None
    pin: StrictBool = False
    when: Segment | None = None
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    # given by the journal: no key of a file has this name
    version: int = Field(default=0, exclude=True, validation_alias="\0version")

    @field_validator("name")
    @classmethod
    def _free_name(cls, value: str) -> str:
        if value.casefold() in RESERVED or value != value.strip() or not value.isprintable():
            raise ValueError(f"{value!r} cannot name a program")
        return value

    @field_validator("calendar")
    @classmethod
    def _known_calendar(cls, value: str | None) -> str | None:
        if value is not None and value != calendar.CLIENT:
            calendar.check(value)
        return value

    @field_validator("minimum", mode="before")
    @classmethod
    def _exact(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
            raise ValueError('must be an amount such as "10.00"')
        try:
            amount = Decimal(value)
        except ArithmeticError:
            raise ValueError(f'{value!r} is no amount; write it as in "10.00"') from None
        if not amount.is_finite() or amount < 0:
            raise ValueError("must be zero or more")
        return amount

    @field_validator("since", mode="before")
    @classmethod
    def _plain_date(cls, value: Any) -> Any:
        if value is not None and not isinstance(value, str) and type(value) is not date:
            raise ValueError("must be a date such as 2026-01-01")
        return value

    @model_validator(mode="after")
    def _steps_fit(self) -> Program:
        names = [step.name for step in self.steps]
        for index, name in enumerate(names):
            if name in names[:index]:
                at = ("steps", index, "name")
                raise toml.fault(at, f"two steps are called {name!r}; a step is known by its name")
        if self.steps[0].trigger.kind == "after_previous":
            at = ("steps", 0, "trigger")
            raise toml.fault(at, "the first step cannot be after_previous: nothing comes before it")
        return self

    def at(self, version: int, default: bool) -> Program:
        """The same program as the journal knows it."""
        return self.model_copy(update={"version": version, "default": default})

    def content(self) -> dict[str, Any]:
        """What makes a version: everything but being the default. Plain JSON data."""
        return self.model_dump(mode="json", exclude={"default"}, exclude_none=True)

    def step_named(self, name: str) -> int:
        """The index of a step from 0, or -1."""
        return next((index for index, step in enumerate(self.steps) if step.name == name), -1)


class _File(_Table):
    programs: tuple[Program, ...] = ()

    @model_validator(mode="after")
    def _together(self) -> _File:
        names = [program.name for program in self.programs]
        for index, program in enumerate(self.programs):
            if program.name in names[:index]:
                raise toml.fault(("programs", index, "name"), f"two programs are called {program.name!r}")
            if program.default and any(before.default for before in self.programs[:index]):
                raise toml.fault(("programs", index, "default"), "two programs are the default; keep one")
        return self


def read(text: str, source: str, roles: Iterable[str]) -> tuple[Program, ...]:
    """The programs of a programs.toml, in file order. ``roles`` are the names that [roles] adds.

    Raises InputError with one problem per fault, each naming ``source``, the line and the key.
    """
    data = toml.load(text, source)
    programs = toml.check(_File, data, text, source).programs
    if not programs:
        raise InputError(Problem(f"{source}:1", "programs", "no program; write [[programs]]"))
    where = toml.lines(text)
    known = tuple(roles)
    problems = [
        toml.problem(source, where, ("programs", index, "steps", number, key), message)
        for index, program in enumerate(programs)
        for number, step in enumerate(program.steps)
        for key, message in unknown_people(step, known)
    ]
    if problems:
        raise InputError(*problems)
    return programs


def unknown_people(step: Step, roles: Iterable[str]) -> Iterable[tuple[str, str]]:
    """The key of each person of a step that is neither a role nor an address, and what is wrong.

    ``roles`` are the names that [roles] adds.
    """
    for key, people in (("sender", (step.sender,)), ("to", step.to), ("cc", step.cc), ("bcc", step.bcc)):
        for person in people:
            wrong = unknown_person(key, person, roles)
            if wrong:
                yield key, wrong


def unknown_person(key: str, person: str, roles: Iterable[str]) -> str:
    """What is wrong with a role or address as ``sender``, ``to``, ``cc`` or ``bcc``; empty when nothing is."""
    known = {*ROLES, *roles}
    if key == "sender" and person in CLIENT_ROLES:
        return f"{person!r} is a role of the client, it cannot send"
    if person not in known and not _is_address(person):
        return f"{person!r} is neither a role nor an address{toml.nearest(person, known)}"
    return ""


def _is_address(text: str) -> bool:
    try:
        return is_email(parse_address(text).email)
    except ValueError:
        return False


class Book:
    """The programs of a journal: the current versions in file order, and every version that something keeps."""

    def __init__(self, programs: Sequence[Program], kept: Iterable[Program] = ()) -> None:
        self.programs = tuple(programs)
        self.current = {program.name: program for program in self.programs}
        self.versions = {(program.name, program.version): program for program in (*kept, *self.programs)}
        self.default = next((program for program in self.programs if program.default), None)

    def unknown(self, name: str) -> str:
        """What is wrong with the name of a program that is not there."""
        return f"program: unknown program {name!r}{toml.nearest(name, self.current)}"

    def get(self, name: str, version: int = 0) -> Program | None:
        """A program's version, the current one for 0; None when there is none of that name."""
        return self.versions.get((name, version)) if version else self.current.get(name)


def resolve_people(
    people: Sequence[str], roles: Mapping[str, Address], client: Client, invoice: Invoice
) -> list[Address]:
    """Addresses of roles and addresses, each once, in order. ``roles`` maps the names of [roles] and accounting."""
    found: dict[str, Address] = {}
    for person in people:
        for address in _addresses(person, roles, client, invoice):
            found.setdefault(address.email.casefold(), address)
    return list(found.values())


def _addresses(person: str, roles: Mapping[str, Address], client: Client, invoice: Invoice) -> list[Address]:
    if person in roles and person not in ROLES[:3]:
        return [roles[person]]
    if person == "salesperson":
        return [invoice.salesperson or roles["accounting"]]
    own = [Address(client.name, client.email)] if is_email(client.email) else []
    if person == "client":
        return own
    if person == "billing":
        ours = (one for one in client.contacts if "billing" in one.roles)
        billing = [one for one in invoice.contacts or ours if is_email(one.email)]
        return [Address(one.name, one.email) for one in billing] or own
    return [parse_address(person)]
