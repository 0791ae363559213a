"""Programs and their immutable versions, and which of them clients and invoices keep."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Max
from pydantic import ValidationError

from relance_addon.core.errors import InputError
from relance_addon.core.model import LEFT, natural
from relance_addon.core.program import Book, Program
from relance_addon.core.records import Applied, Use, Users
from relance_addon.core.toml import nearest
from relance_addon.journal import ledger, models


def book() -> Book:
    """The programs in file order with their current versions, and every older version that a plan is pinned to."""
    rows = list(models.Program.objects.filter(deleted=False).order_by("position", "name"))
    current = {row.name: row for row in rows}
    pinned = set(models.Plan.objects.filter(version__gt=0).values_list("program", "version").distinct())
    wanted = pinned | {(row.name, row.current) for row in rows}
    versions = {
        (version.program.name, version.number): version
        for version in models.Version.objects.select_related("program")
        if (version.program.name, version.number) in wanted
    }
    programs = [_program(versions[row.name, row.current].content, row.current, row.default) for row in rows]
    kept = [
        _program(versions[key].content, key[1], key[0] in current and current[key[0]].default)
        for key in pinned
        if key in versions
    ]
    return Book(programs, kept)


def apply(programs: Sequence[Program], now: datetime, move: bool = False) -> list[Applied]:
    """Store programs: a changed one gets a new version, an unchanged one none. A new default replaces the old one.

    Plans that are pinned to another version of a program keep it, or are moved to the current one.
    """
    with transaction.atomic():
        done = [_pinned(program, _apply(program, position, now), move) for position, program in enumerate(programs)]
        if any(program.default for program in programs):
            names = [program.name for program in programs if program.default]
            models.Program.objects.exclude(name__in=names).update(default=False)
            models.Program.objects.filter(name__in=names).update(default=True)
        named = [program.name for program in programs]
        others = models.Program.objects.exclude(name__in=named).order_by("position", "name")
        for position, row in enumerate(others, len(programs)):
            if row.position != position:
                models.Program.objects.filter(pk=row.pk).update(position=position)
    return done


def _apply(program: Program, position: int, now: datetime) -> Applied:
    content = json.dumps(program.content(), ensure_ascii=False, sort_keys=True)
    row = models.Program.objects.filter(name=program.name).first()
    if row is None:
        row = models.Program.objects.create(name=program.name, position=position, current=1)
        models.Version.objects.create(program=row, number=1, content=content, made_at=now)
        return Applied(program.name, "new", 1)
    same = row.versions.get(number=row.current).content == content
    number = row.current if same else row.versions.aggregate(last=Max("number"))["last"] + 1
    if not same:
        models.Version.objects.create(program=row, number=number, content=content, made_at=now)
    change = "new" if row.deleted else "unchanged" if same else "changed"
    models.Program.objects.filter(pk=row.pk).update(current=number, position=position, deleted=False)
    return Applied(program.name, change, number)


def _pinned(program: Program, applied: Applied, move: bool) -> Applied:
    """Move the plans pinned to another version of it; what was dropped or changed of steps that are gone goes too."""
    other = models.Plan.objects.filter(program=program.name, version__gt=0).exclude(version=applied.version)
    if not move:
        return applied._replace(kept=other.count())
    steps = {step.name for step in program.steps}
    plans = list(other)
    for plan in plans:
        plan.version = applied.version
        plan.dropped = [name for name in plan.dropped if name in steps]
        plan.changes = {name: change for name, change in plan.changes.items() if name in steps}
    models.Plan.objects.bulk_update(plans, ["version", "dropped", "changes"], batch_size=200)
    return applied._replace(moved=len(plans))


@contextmanager
def trial() -> Iterator[None]:
    """What is done meanwhile can be looked at, and is taken back at the end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def copy(name: str, new: str, now: datetime) -> Applied:
    """A program under another name, after the others; it is not the default. Raises InputError."""
    program = one(name)
    if models.Program.objects.filter(name=new, deleted=False).exists():
        raise InputError(f"program {new!r} is there already")
    content = {**program.content(), "name": new}
    try:
        fresh = Program.model_validate(content)
    except ValidationError as error:
        raise InputError("; ".join(str(item["ctx"].get("error", item["msg"])) for item in error.errors())) from None
    with transaction.atomic():
        last = models.Program.objects.aggregate(last=Max("position"))["last"] or 0
        return _apply(fresh, last + 1, now)


def use(name: str) -> Use:
    """What uses a program."""
    return Use(
        models.ClientProgram.objects.filter(program=name).count(),
        models.Plan.objects.filter(program=name).count(),
        _sent(name).count(),
    )


def users(name: str) -> dict[str, Users]:
    """What uses a program, by host; only the hosts where something does."""
    clients = _refs(models.ClientProgram.objects.filter(program=name).values_list("host", "client"))
    invoices = _refs(models.Plan.objects.filter(program=name).values_list("host", "invoice"))
    counted: Iterable[Any] = _sent(name).values_list("host").annotate(Count("pk"))
    sent: dict[str, int] = dict(counted)
    named = {
        host: [(kind, ref) for kind, ref, called in ledger.named_programs(host) if called == name]
        for host in models.Host.objects.values_list("name", flat=True)
    }
    theirs, own = (
        _refs((host, ref) for host, found in named.items() for of, ref in found if of == kind)
        for kind in ("client", "invoice")
    )
    return {
        host: Users(clients[host], invoices[host], sent.get(host, 0), theirs[host], own[host])
        for host in sorted({*clients, *invoices, *sent, *theirs, *own})
    }


def _sent(name: str) -> Any:
    """The reminders of a program that left, or may have."""
    return models.Reminder.objects.filter(program=name, message__state__in=LEFT)


def _refs(rows: Iterable[tuple[str, str]]) -> defaultdict[str, list[str]]:
    """Ids by host, in order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for host, ref in sorted(rows, key=lambda row: natural(row[1])):
        found[host].append(ref)
    return found


def delete(name: str) -> None:
    """Take a program out of use; pinned plans keep their version. Raises InputError for the default one."""
    program = one(name)
    if program.default:
        raise InputError(f"program {name!r} is the default; make another one the default first")
    with transaction.atomic():
        models.Program.objects.filter(name=name).update(deleted=True)
        models.ClientProgram.objects.filter(program=name).delete()


def one(name: str) -> Program:
    """The current version of a program. Raises InputError with the nearest name when there is none."""
    known = book()
    program = known.get(name)
    if program is None:
        raise InputError(f"no program {name!r}{nearest(name, known.current)}")
    return program


def version(name: str, number: int) -> Program:
    """A version of a program, even of one that was deleted: versions stay."""
    row = models.Version.objects.select_related("program").get(program__name=name, number=number)
    return _program(row.content, number, row.program.default)


def set_client(host: str, client: str, program: str) -> None:
    """Choose a client's program (``none`` for none); an empty name goes back to inheriting."""
    if program:
        models.ClientProgram.objects.update_or_create(host=host, client=client, defaults={"program": program})
    else:
        models.ClientProgram.objects.filter(host=host, client=client).delete()


def of_clients(host: str) -> dict[str, str]:
    """The programs chosen for clients, by client id."""
    return dict(models.ClientProgram.objects.filter(host=host).values_list("client", "program"))


def pin(host: str, met: Mapping[str, tuple[str, int]], already: Iterable[str]) -> None:
    """Keep the version that each invoice first met: (program, version) by invoice id.

    ``already`` are the invoices that have a plan: one that names a program keeps it.
    """
    known = set(already)
    for invoice, (name, version) in met.items():
        if invoice in known:
            unnamed = models.Plan.objects.filter(host=host, invoice=invoice, program="")
            unnamed.update(program=name, version=version)
    models.Plan.objects.bulk_create(
        [
            models.Plan(host=host, invoice=invoice, program=name, version=version)
            for invoice, (name, version) in met.items()
            if invoice not in known
        ],
        ignore_conflicts=True,
    )


def _program(content: str, version: int, default: bool) -> Program:
    return Program.model_validate(json.loads(content)).at(version, default)
