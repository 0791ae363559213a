"""What a person asks for becomes a message: checked, refused with its reasons, or planned as a run plans its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from relance_addon.core import keys, toml
from relance_addon.core.decide import Decider, Decision, status_reason, unusable
from relance_addon.core.errors import InputError
from relance_addon.core.group import Message, People, language_of, people_of
from relance_addon.core.model import Adaptation, Client, History, Invoice, Reminder, StepChange, natural, parse_address
from relance_addon.core.program import ROLES, Program, Step, unknown_people
from relance_addon.core.schedule import NOTHING, parts
from relance_addon.core.words import Words
from relance_addon.hosts.port import Connector
from relance_addon.operations import find, simulate
from relance_addon.operations.desk import Desk
from relance_addon.operations.reread import read

_PEOPLE = ("sender", "to", "cc", "bcc")
_TEXTS = ("template", "subject", "body")
_OPTIONS = {"body": "--body-file", "": "--template"}


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for; what is empty or None is as the step says, or by default.

    ``invoices`` are numbers or ``id:…``; ``client`` (an id) stands for all of its overdue open invoices. ``step`` is
    a name or a number in the invoices' program. Without one the message is no step, and ``template``, ``subject`` and
    ``body`` are its text. ``sender``, ``to``, ``cc`` and ``bcc`` are roles or addresses. ``override`` says why it
    leaves in spite of a hold.
    """

    invoices: Sequence[str] = ()
    client: str = ""
    step: str = ""
    template: str | None = None
    subject: str | None = None
    body: str | None = None
    sender: str | None = None
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    attach: tuple[str, ...] = ()
    payment_link: bool = False
    override: str | None = None

    @property
    def given(self) -> dict[str, Any]:
        """The keys of a step that were asked for."""
        values = {key: getattr(self, key) for key in (*_TEXTS, *_PEOPLE, "attach", "payment_link")}
        return {key: value for key, value in values.items() if value not in (None, (), False)}

    @property
    def typed(self) -> frozenset[str]:
        """The addresses that a person typed, in lower case."""
        people = (parse_address(one) for one in (*self.to, *self.cc, *self.bcc) if "@" in one)
        return frozenset(address.email.casefold() for address in people)


class Plan(NamedTuple):
    """A message by hand with what it was made of, and the holds in spite of which it leaves.

    ``bounced`` are its addresses that bounced for good: those left out, and those written to because they were typed.
    """

    state: simulate.State
    message: Message
    held: tuple[str, ...]
    bounced: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def earlier(self) -> dict[str, tuple[Reminder, ...]]:
        """The reminders of its invoices so far, by invoice id."""
        reminders = self.state.history.reminders
        return {one.invoice.id: reminders.get(one.invoice.id, ()) for one in self.message.decisions}


def check(desk: Desk, request: Request) -> None:
    """Raises InputError for what is wrong in itself, before any invoice is looked at."""
    check_override(request.override)
    if request.step and any(getattr(request, key) is not None for key in _TEXTS):
        raise InputError("--step has its own text; leave out --template, --subject and --body-file")
    step = _step(request)
    wrong = list(unknown_people(step, {*ROLES, *desk.config.roles}))
    if not wrong and not request.step:
        from relance_addon.mail import check as texts

        faults = texts.check((_program(step),), desk.library, desk.config.file.relance.language)
        wrong = [(key, text) for _, _, key, text in faults]
    if wrong:
        raise InputError(*(f"{_option(key)}: {text}" for key, text in wrong))


def check_override(reason: str | None) -> None:
    """Raises InputError for a hold overridden without a reason."""
    if reason is not None and not reason.strip():
        raise InputError("--override-hold: say why it leaves all the same")


def hold_of(host: str, decider: Decider, invoice: Invoice, client: Client) -> str:
    """The hold on an invoice or its client, by the host or here, in words; empty for none."""
    from relance_addon.journal import holds

    held = decider.held(invoice, client)
    if not held:
        return ""
    reasons = [
        f"{one.kind}: {one.reason}"
        for one in holds.in_force(host, decider.today)
        if one.invoice == invoice.id or one.client == client.id
    ]
    return f"{Words('en').reason(held)} ({'; '.join(reasons) or 'on the host'})"


def plan(desk: Desk, host: str, connector: Connector, ids: Sequence[str], request: Request) -> Plan:
    """The message as the host and the journal have its invoices now.

    Raises InputError with a line for each thing that speaks against it.
    """
    page = read(connector, ids, desk.today)
    for problem in page.problems:
        desk.report(problem)
    state = simulate.load(desk, host, ()).with_clients(page.clients)
    decider = Decider(state.clients, state.book, state.history, desk.today)
    invoices = sorted(page.invoices, key=lambda one: natural(one.id))
    _refuse(host, decider, invoices, ids, request)
    client = state.clients[invoices[0].client]
    decide = _of_step if request.step else _of_no_step
    decisions = decide(decider, invoices, client, request)
    people, bounced = _reachable(desk, state, decisions, request)
    if not request.step:
        decisions = _in_a_cycle_of_its_own(decider, decisions, people)
    program, number = _program_and_step(decisions)
    language = language_of(client, desk.policy)
    message = Message(1, client, program, number, language, people, tuple(decisions))
    held = tuple(filter(None, (hold_of(host, decider, one, client) for one in invoices)))
    return Plan(state, message, held, bounced)


def _step(request: Request) -> Step:
    """A step of what was asked for, without a name."""
    data = {"name": "x", "trigger": {"after_due": 0}, **request.given}
    try:
        return toml.check(Step, data, "", "").model_copy(update={"name": ""})
    except InputError as wrong:
        raise InputError(*(f"{_option(one.key)}: {one.text}" for one in wrong.problems)) from None


def _program(step: Step) -> Program:
    """What stands for a program in a message that is no step: neither it nor its only step has a name."""
    named = Program(name="x", steps=(step.model_copy(update={"name": "x"}),))
    return named.model_copy(update={"name": "", "steps": (step,)})


def _option(key: str) -> str:
    return _OPTIONS.get(key, f"--{key}")


def _refuse(host: str, decider: Decider, invoices: Sequence[Invoice], ids: Sequence[str], request: Request) -> None:
    found = {one.id for one in invoices}
    wrong = [f"id:{key} is gone from {host}" for key in ids if key not in found]
    for one in invoices:
        against = _against(host, decider, one, request.override is not None)
        wrong += [f"{one.number} is not reminded: {reason}" for reason in against]
    if len({one.client for one in invoices}) > 1:
        wrong.append(_apart("client", [(one.number, one.client) for one in invoices]))
    if wrong:
        raise InputError(*wrong)


def _against(host: str, decider: Decider, invoice: Invoice, override: bool) -> Iterator[str]:
    """What speaks against a reminder of an invoice by hand."""
    say = Words("en").reason
    client = decider.clients.get(invoice.client)
    why, status = unusable(invoice, client), status_reason(invoice)
    if why or client is None:
        yield f"{say('invalid')} ({why})"
        return
    if status:
        yield f"{say(status)} on {host}; only an open invoice is"
        return
    held = hold_of(host, decider, invoice, client)
    if held and not override:
        yield f"{held}; --override-hold REASON reminds it all the same"
    if invoice.id in decider.history.in_doubt:
        yield f"{say('in_doubt')}; settle it with 'relance doubt {host}'"


def _apart(what: str, of: Sequence[tuple[str, str]]) -> str:
    listed = ", ".join(f"{number} ({name})" for number, name in of)
    return f"a message is about the invoices of one {what}, send these apart: {listed}"


def _of_no_step(decider: Decider, invoices: Sequence[Invoice], client: Client, request: Request) -> list[Decision]:
    program, today = _program(_step(request)), decider.today
    owed = ((one, parts(one, today)[0]) for one in invoices)
    return [Decision(one, client, part.due, part.asked, "due", program, 0, today, "", part.rank) for one, part in owed]


def _of_step(decider: Decider, invoices: Sequence[Invoice], client: Client, request: Request) -> list[Decision]:
    """The decisions to send a step, counted in the current cycle of each invoice."""
    found: list[Decision] = []
    programs: dict[tuple[str, int], Program] = {}
    wrong: list[str] = []
    for invoice in invoices:
        following = decider.following(invoice, client)
        if following is None:
            choice = decider.choice(invoice, client, decider.history.adaptations.get(invoice.id, NOTHING))
            raise InputError(f"{invoice.number}: {choice.unknown or 'no program'}; leave out --step")
        table, part, cycle, _ = following
        program = programs.setdefault((table.program.name, table.program.version), table.program)
        number = find.step(program, request.step)
        name = program.steps[number - 1].name
        wrong += [
            f"{invoice.number}: step {number} {name!r} left on {one.day} already; a step leaves once in a cycle"
            for one in cycle.sent
            if one.step == name
        ]
        found.append(
            Decision(
                invoice, client, part.due, part.asked, "due", program, number, decider.today, cycle.name, part.rank
            )
        )
    if len(programs) > 1:
        followed = [(one.invoice.number, one.program) for one in found]
        wrong.append(_apart("program", [(number, f"{of.name} {of.version}") for number, of in followed if of]))
    if wrong:
        raise InputError(*wrong)
    steps = list(program.steps)
    steps[number - 1] = steps[number - 1].model_copy(update=request.given)
    adjusted = program.model_copy(update={"steps": tuple(steps)})
    return [one._replace(program=adjusted) for one in found]


def _program_and_step(decisions: Sequence[Decision]) -> tuple[Program, int]:
    """The program that all of these have, and the number in it of the step whose text they get."""
    program = decisions[0].program
    assert program is not None
    return program, max(decisions[0].step, 1)


def _reachable(
    desk: Desk, state: simulate.State, decisions: Sequence[Decision], request: Request
) -> tuple[People, tuple[tuple[str, ...], tuple[str, ...]]]:
    """The people of a message, and their addresses that bounced: left out, and typed. Somebody has to be there."""
    program, number = _program_and_step(decisions)
    people = _people(desk, state.history, decisions, request)
    everyone = _people(desk, replace(state.history, bounced=frozenset()), decisions, request)
    wanted = {one.email.casefold() for one in (*everyone.to, *everyone.cc, *everyone.bcc)}
    bounced = sorted(state.history.bounced & wanted)
    left_out = tuple(email for email in bounced if email not in request.typed)
    if not people.to and program.steps[number - 1].channel == "mail":
        numbers = ", ".join(one.invoice.number for one in decisions)
        why = f"{', '.join(left_out)} bounced for good" if left_out else "the client has no usable address"
        raise InputError(f"{numbers}: nobody to write to ({why}); name somebody with --to")
    return people, (left_out, tuple(email for email in bounced if email in request.typed))


def _people(desk: Desk, history: History, decisions: Sequence[Decision], request: Request) -> People:
    """Who writes to whom about all of these: every recipient once, and the sender of the oldest due."""
    found = [_people_of(desk, history, one, request) for one in decisions]
    oldest = min(zip(decisions, found, strict=True), key=lambda pair: pair[0].due or date.max)[1]
    seen: set[str] = set()
    lists = []
    for group in zip(*(one[1:] for one in found), strict=True):
        addresses = {address.email.casefold(): address for some in group for address in some}
        lists.append(tuple(address for email, address in addresses.items() if email not in seen))
        seen.update(addresses)
    return People(oldest.sender, *lists)


def _people_of(desk: Desk, history: History, one: Decision, request: Request) -> People:
    """Those asked for, else those of the invoice's plan, else the step's; who bounced is left out unless typed."""
    program, number = _program_and_step([one])
    name = program.steps[number - 1].name
    adapted = history.adaptations.get(one.invoice.id, NOTHING)
    changed = adapted.changes.get(name, StepChange()) if adapted.instalment in (0, one.instalment) else StepChange()
    kept = replace(changed, **{key: None for key in _PEOPLE if key in request.given})
    by_hand = {one.invoice.id: Adaptation(changes={name: kept})}
    history = replace(history, adaptations=by_hand, bounced=history.bounced - request.typed)
    return people_of(one, number, history, desk.policy)


def _in_a_cycle_of_its_own(decider: Decider, decisions: Sequence[Decision], people: People) -> list[Decision]:
    """The same decisions in a cycle named by what the message says, to whom, and the day: it leaves once."""
    program, _ = _program_and_step(decisions)
    facts = [program.steps[0].model_dump_json(), *map(repr, people)]
    facts += [f"{one.invoice.id} {one.residual} {one.invoice.currency}" for one in decisions]
    cycle = keys.hand_cycle(decider.today, facts)
    wrong = [
        f"{one.invoice.number}: this very message left today already; change its text or its recipients"
        for one in decisions
        if any(reminder.cycle == cycle for reminder in decider.history.reminders.get(one.invoice.id, ()))
    ]
    if wrong:
        raise InputError(*wrong)
    return [one._replace(cycle=cycle) for one in decisions]
