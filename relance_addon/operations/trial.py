"""A test message: one step of a program, made from a real invoice, sent to oneself. It is recorded nowhere."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from html import escape

from relance_addon.core import keys
from relance_addon.core.decide import Decider, Decision, status_reason, unusable
from relance_addon.core.errors import InputError
from relance_addon.core.group import Message, language_of, people_of
from relance_addon.core.model import Address, Invoice, natural, parse_address
from relance_addon.core.outgoing import Outgoing
from relance_addon.core.program import Program
from relance_addon.core.schedule import parts
from relance_addon.core.words import Words
from relance_addon.operations import compose, find, servers, simulate, sync
from relance_addon.operations.desk import Desk
from relance_addon.operations.reread import read

_BODY = re.compile(r"<body[^>]*>", re.IGNORECASE)


def trial(desk: Desk, host: str, name: str, step: str, address: str, invoice: str = "") -> tuple[Message, Outgoing]:
    """Send a step of a program to ``address`` through [mail].smtp: the message it would be, and the one that left.

    Raises InputError, or HostError when our mail server does not take it.
    """
    try:
        to = parse_address(address)
    except ValueError as error:
        raise InputError(f"--to: {error}") from None
    desk.config.host(host)
    desk.open_journal()
    from relance_addon.journal import programs

    program = programs.one(name)
    number = find.step(program, step)
    key = find.invoice(desk, host, invoice).id if invoice else _suitable(desk, host, program)
    with closing(desk.connector(host)) as connector:
        page = read(connector, [key], desk.today)
        state = simulate.load(desk, host, ())
        state = state.with_clients(page.clients)
        found = next(iter(page.invoices), None)
        if found is None:
            raise InputError(f"id:{key} is gone from {host}")
        message = _message(desk, state, program, number, found)
        ((outgoing, wrong),) = compose.compose(desk, host, connector, state, [message])
    if wrong:
        raise InputError(f"{found.number}: {wrong}")
    marked = _marked(desk, host, outgoing, to)
    with servers.smtp(desk.config) as connection:
        connection.send(marked.sender.email, [to.email], marked.mime)
    return message, marked


def _message(desk: Desk, state: simulate.State, program: Program, number: int, invoice: Invoice) -> Message:
    client = state.clients.get(invoice.client)
    why = unusable(invoice, client)
    if why or client is None:
        raise InputError(f"{invoice.number}: {why}; name another with --invoice")
    part = parts(invoice, desk.today)[0]
    one = Decision(invoice, client, part.due, part.asked, "due", program, number, desk.today, "", part.rank)
    people = people_of(one, number, state.history, desk.policy)
    return Message(1, client, program, number, language_of(client, desk.policy), people, (one,))


def _suitable(desk: Desk, host: str, program: Program) -> str:
    """The id of the oldest overdue open invoice that follows the program, else of the oldest open one."""
    sync.freshen(desk, host)
    state = simulate.load(desk, host)
    decider = Decider(state.clients, state.book, state.history, desk.today)
    ranked = []
    for invoice in state.invoices:
        client = state.clients.get(invoice.client)
        if client is None or unusable(invoice, client) or status_reason(invoice):
            continue
        following = decider.following(invoice, client)
        follows = following is not None and following[0].program.name == program.name
        due = parts(invoice, desk.today)[0].due
        ranked.append((not (follows and due < desk.today), not follows, due, natural(invoice.id), invoice.id))
    if not ranked:
        raise InputError(f"no open invoice on {host} to make it from; name another with --invoice")
    return min(ranked)[-1]


def _marked(desk: Desk, host: str, outgoing: Outgoing, to: Address) -> Outgoing:
    """The same message to oneself alone, saying in its subject and its first line that it is a test."""
    say = Words(desk.config.file.relance.language)
    everyone = {"to": outgoing.to, "cc": outgoing.cc, "bcc": outgoing.bcc}
    people = " ".join(say(key, people=say.people(who)) for key, who in everyone.items() if who or key == "to")
    if outgoing.channel == "activity":
        notice = say("test_activity", person=say("person", people=str(outgoing.sender)))
    else:
        notice = say("test_mail", people=f"{say('sender', people=str(outgoing.sender))} {people}")
    key = keys.claim_key(host, "test", desk.now().isoformat(), str(to))
    banner = f'<p style="padding: 8px 16px; background-color: #fff3cd">{escape(notice)}</p>'
    marked = replace(
        outgoing,
        message_id=keys.message_id(key, outgoing.sender.email),
        to=(to,),
        cc=(),
        bcc=(),
        redirected_to="",
        subject=f"{say('test_mark')} {outgoing.subject}",
        text=f"{notice}\n\n{outgoing.text}",
        html=_BODY.sub(lambda body: body[0] + banner, outgoing.html, count=1),
    )
    return compose.sealed(marked)
