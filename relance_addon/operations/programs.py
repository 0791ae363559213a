"""Programs: apply a file, list, recap, export, copy, delete, and choose one for a client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from relance_addon.core import program as programs_of
from relance_addon.core import toml
from relance_addon.core.errors import InputError
from relance_addon.core.model import NO_PROGRAM, Problem
from relance_addon.core.program import Program
from relance_addon.core.records import Applied, Use
from relance_addon.core.schedule import NOTHING
from relance_addon.operations import find, sync
from relance_addon.operations.desk import Desk

_NAMED = 10
"""How many clients or invoices are named one by one."""


def read(desk: Desk, path: Path) -> tuple[Program, ...]:
    """The programs of a file, their texts checked against the message library. Raises InputError."""
    source = str(path)
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(Problem(source, "", f"cannot be read: {error.strerror or error}")) from None
    except UnicodeDecodeError:
        raise InputError(Problem(source, "", "is not UTF-8")) from None
    found = programs_of.read(text, source, desk.config.roles)
    where = toml.lines(text)
    from relance_addon.mail.check import check

    wrong = [
        toml.problem(source, where, ("programs", index, "steps", step, key), message)
        for index, step, key, message in check(found, desk.library, desk.config.file.relance.language)
    ]
    if wrong:
        raise InputError(*wrong)
    return found


def apply(desk: Desk, path: Path, move: bool = False) -> list[Applied]:
    """Apply a programs.toml: all of it, or nothing when any of it is wrong. ``move``: pinned plans follow."""
    found = read(desk, path)
    desk.open_journal()
    from relance_addon.journal import programs

    return programs.apply(found, desk.now(), move)


def listed(desk: Desk) -> list[tuple[Program, Use]]:
    """The current programs in order, and what uses them."""
    desk.open_journal()
    from relance_addon.journal import programs

    return [(program, programs.use(program.name)) for program in programs.book().programs]


def one(desk: Desk, name: str) -> tuple[Program, Use]:
    """A program and what uses it."""
    desk.open_journal()
    from relance_addon.journal import programs

    return programs.one(name), programs.use(name)


def users(desk: Desk, name: str) -> list[str]:
    """What uses a program, a line per host and way of using it, the first of each by name."""
    desk.open_journal()
    from relance_addon.journal import ledger, programs

    lines = []
    for host, found in programs.users(name).items():
        clients = ledger.clients(host)
        for what, refs in (("chosen for", found.clients), ("named on the host for", found.named_clients)):
            names = [f"{ref} ({clients[ref].name})" if ref in clients else ref for ref in refs[:_NAMED]]
            lines += _users(host, f"{what} client", names, len(refs))
        for what, refs in (("in the plan of", found.invoices), ("named on the host for", found.named_invoices)):
            numbers = {one.id: one.number for one in ledger.invoices(host, refs[:_NAMED])}
            lines += _users(
                host, f"{what} invoice", [numbers.get(ref, f"id:{ref}") for ref in refs[:_NAMED]], len(refs)
            )
        if found.reminders:
            lines.append(f"{host}: reminders sent: {found.reminders}")
    return lines


def _users(host: str, what: str, names: Sequence[str], count: int) -> list[str]:
    if not count:
        return []
    more = f" and {count - len(names)} more" if count > len(names) else ""
    return [f"{host}: {what}{'s' if count > 1 else ''} {', '.join(names)}{more}"]


def export(programs: Sequence[Program]) -> str:
    """Programs as the text of a programs.toml; applying it changes nothing."""
    import tomli_w

    tables = []
    for program in programs:
        table = program.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        table |= {"since": program.since} if program.since else {}
        tables.append(table)
    return tomli_w.dumps({"programs": tables})


def copy(desk: Desk, name: str, new: str) -> Applied:
    """Copy a program under a new name."""
    desk.open_journal()
    from relance_addon.journal import programs

    return programs.copy(name, new, desk.now())


def delete(desk: Desk, name: str) -> None:
    """Take a program out of use."""
    desk.open_journal()
    from relance_addon.journal import programs

    programs.delete(name)


def choose(desk: Desk, host: str, client: str, name: str) -> None:
    """The program of a client: a name, ``none``, or ``inherit``.

    Raises Busy while a run of the host is in progress: it would not see the change.
    """
    desk.config.host(host)
    desk.open_journal()
    from relance_addon.journal import database, programs

    if name not in (NO_PROGRAM, "inherit"):
        programs.one(name)
    found = find.client(desk, host, client)
    if found.program and name != "inherit":
        theirs = f"client {found.id} has the program {found.program!r} on the host"
        raise InputError(f"{theirs}, which goes first: change it there")
    with database.run_lock(host):
        sync.refuse_earlier(desk, host)
        programs.set_client(host, found.id, "" if name == "inherit" else name)
    for number, kept in _keeping(host, found.id, name):
        desk.say(f"{number} keeps {kept}: 'relance plan {host} {number} --reset' lets it go")
    for number, steps in _adapted(host, found.id) if name != NO_PROGRAM else ():
        desk.say(f"{number}: what is dropped or changed by hand goes on by the step's name: {', '.join(steps)}")


def _keeping(host: str, client: str, name: str) -> Iterator[tuple[str, str]]:
    """The invoices of a client that keep another program, by hand or by ``pin = true``, and which."""
    from relance_addon.journal import history, ledger

    plans = history.adaptations(host)
    for one in ledger.invoices(host):
        plan = plans.get(one.id, NOTHING)
        if one.client == client and plan.program not in ("", name):
            yield one.number, f"{plan.program!r}, version {plan.version}" if plan.version else repr(plan.program)


def _adapted(host: str, client: str) -> Iterator[tuple[str, list[str]]]:
    """The steps that are dropped or changed, by number of each invoice of a client that keeps no program."""
    from relance_addon.journal import history, ledger

    plans = history.adaptations(host)
    for one in ledger.invoices(host):
        plan = plans.get(one.id, NOTHING)
        if one.client == client and not plan.program and (plan.dropped or plan.changes):
            yield one.number, sorted({*plan.dropped, *plan.changes})
