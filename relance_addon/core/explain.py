"""Programs and decisions in words: recap, worked example, and why an invoice is reminded or not.

Everything said here is read off what ``decide`` and ``schedule`` worked out; no rule stands here a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from relance_addon.core.decide import ATTEMPTS, SETTLED, Decider, Decision, Policy, overdue
from relance_addon.core.group import Message, Outcome, people_of
from relance_addon.core.model import Adaptation, Client, History, Invoice, Reminder, day_after
from relance_addon.core.program import Book, Program, Step
from relance_addon.core.records import Hold
from relance_addon.core.schedule import NOTHING, Cycle, Next, Part, Timetable, course, plan_for
from relance_addon.core.words import Words


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision and, line by line, why."""

    decision: Decision
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """One invoice with all that its decision was made of, and the words to say it in."""

    say: Words
    decision: Decision
    invoice: Invoice
    client: Client
    outcome: Outcome
    history: History
    today: date
    policy: Policy
    plan: Adaptation
    table: Timetable
    part: Part
    cycle: Cycle
    following: Next | None
    holds: Sequence[tuple[date, str]]

    @property
    def program(self) -> Program:
        return self.table.program


def recap(program: Program, language: str) -> list[str]:
    """A program in plain words, in ``fr`` or ``en``: what it is for, how it sends, then a line per step."""
    say = Words(language)
    named = say("program", label=program.label or program.name, name=program.name)
    lines = [
        say("version", program=named, version=program.version)
        if program.version
        else say("unversioned", program=named),
        *_for_whom(say, program),
        say(f"group_{program.group}"),
        _calendar(say, program),
    ]
    if program.minimum:
        lines.append(say("minimum", amount=say.number(program.minimum)))
    if program.quiet_days:
        lines.append(say("quiet", span=say.span(program.quiet_days)))
    if program.after_manual:
        lines.append(say("after_manual", span=say.span(program.after_manual)))
    else:
        lines.append(say("after_manual_none"))
    if program.pin:
        lines.append(say("pin"))
    return lines + [_step(say, number, step) for number, step in enumerate(program.steps, 1)]


def example(
    program: Program, language: str, issue: date, due: date, today: date | None = None, country: str = ""
) -> list[tuple[str, date, str]]:
    """The step's name, day and words of every step of an invoice issued and due on these days.

    Each step leaves on its day, from ``today`` on (default: the issue date). ``country`` is the client's, for a
    program that goes by its calendar.
    """
    say, table = Words(language), Timetable(program, country)
    part = Part(1, issue, due, Decimal())
    rows = []
    for following, leaves in course(table, part, table.untouched, NOTHING, today or issue):
        step = table.steps[following.position]
        values = {"day": say.day(leaves, "full"), "name": step.name, "when": say.trigger(step.trigger)}
        if following.uncorrected != following.date == leaves:
            words = say("example_moved", from_day=say.day(following.uncorrected, "full"), **values)
        else:
            words = say("example", **values)
        rows.append((step.name, leaves, words))
    return rows


def explain(
    invoice: str,
    outcome: Outcome,
    clients: Mapping[str, Client],
    book: Book,
    history: History,
    today: date,
    policy: Policy,
    language: str,
) -> Explanation:
    """Why one invoice (its id) is reminded today or not, and what comes next, in ``fr`` or ``en``.

    ``outcome`` is what ``group.decide`` made, from the other arguments, of all of the host's invoices: credits, quiet
    days and limits depend on more than one. Raises KeyError when the invoice is not in it.
    """
    decision = next((one for one in outcome.decisions if one.invoice.id == invoice), None)
    if decision is None:
        raise KeyError(invoice)
    say, client, ahead = Words(language), decision.client, None
    lines = [*_head(say, decision, today)]
    if client is None or decision.reason == "invalid":
        lines.append(say("unusable", detail=decision.detail))
    else:
        decider = Decider(clients, book, history, today)
        plan = history.adaptations.get(invoice, NOTHING)
        found = decider.following(decision.invoice, client)
        holds = [*_holds(say, decision.invoice, client, history, today)]
        sent = history.reminders.get(invoice, ())
        lines += _precedence(say, decider, decision.invoice, client, plan, found[0].program if found else None)
        if found is None:
            lines += [*_reminders(say, sent, None, ()), *(line for _, line in holds)]
        else:
            case = _Case(say, decision, decision.invoice, client, outcome, history, today, policy, plan, *found, holds)
            lines += _reminders(say, sent, case.program, case.cycle.sent)
            owed = decision.reason not in SETTLED
            lines += [*_steps(case), *_date(case)] if owed else []
            lines += [line for _, line in holds]
            lines += _obstacles(case) if owed else []
            ahead = _next_date(case)
    lines.append(say(decision.verdict, reason=say.reason(decision.reason)))
    if ahead is not None:
        lines.append(say("next_date", day=say.day(ahead)))
    return Explanation(decision, tuple(lines))


def circumstances(
    decision: Decision, clients: Mapping[str, Client], book: Book, history: History, today: date, language: str
) -> tuple[str, ...]:
    """What an invoice is, which program it follows and where that comes from, what holds it, and what is decided."""
    say, client, invoice = Words(language), decision.client, decision.invoice
    lines = [*_head(say, decision, today)]
    if client is None or decision.reason == "invalid":
        lines.append(say("unusable", detail=decision.detail))
    else:
        decider = Decider(clients, book, history, today)
        found = decider.following(invoice, client)
        plan = history.adaptations.get(invoice.id, NOTHING)
        lines += _precedence(say, decider, invoice, client, plan, found[0].program if found else None)
        lines += [line for _, line in _holds(say, invoice, client, history, today)]
    return (*lines, say(decision.verdict, reason=say.reason(decision.reason)))


def _next_date(case: _Case) -> date | None:
    """The day to look at the invoice again, as far as it is known."""
    decision, today = case.decision, case.today
    if decision.date is None or decision.reason in SETTLED:
        return None
    days = [decision.date]
    if decision.reason in ("invoice_held", "client_held"):
        days += [day_after(until) if until < date.max else until for until, _ in case.holds]
    elif decision.reason == "non_working_day" and case.table.calendar is not None:
        days.append(case.table.calendar.forward(today))
    elif decision.reason == "quiet_period" and (until := _quiet_until(case)) is not None:
        days.append(day_after(until))
    ahead = max(days)
    return ahead if today < ahead < date.max else None


def _quiet_until(case: _Case) -> date | None:
    """The last day of quiet after the client's last automatic message; None when that is not what is in the way."""
    last = case.history.messaged.get(case.client.id)
    if last is None:
        return None
    until = last + timedelta(days=case.program.quiet_days)
    return until if last <= case.today <= until else None


def _for_whom(say: Words, program: Program) -> Iterator[str]:
    conditions = []
    if program.when is not None:
        for key, values in program.when.model_dump(exclude_none=True).items():
            conditions.append(say(f"condition_{key}", values=say.one_of(values)))
    joined = say("and").join(conditions)
    if program.when is not None and not conditions:
        yield say("for_everyone")
    elif conditions:
        yield say("for_both" if program.default else "for_segment", conditions=joined)
    else:
        yield say("for_default" if program.default else "for_chosen")
    if program.since is not None:
        yield say("since", day=say.day(program.since))


def _calendar(say: Words, program: Program) -> str:
    if program.calendar is None:
        return say("calendar_none")
    if program.calendar == "client":
        return say("calendar_client")
    return say("calendar_code", code=program.calendar)


def _step(say: Words, number: int, step: Step) -> str:
    mail = step.channel == "mail"
    how = say("by_mail" if mail else "by_activity")
    said = [
        say("step", number=number, name=step.name, when=say.trigger(step.trigger), how=how),
        say("sender" if mail else "person", people=say.people((step.sender,))),
    ]
    if mail:
        said.append(say("to", people=say.people(step.to)))
        said += [say(key, people=say.people(people)) for key, people in (("cc", step.cc), ("bcc", step.bcc)) if people]
    template = step.template or "default"
    if step.subject is None and step.body is None:
        said.append(say("subject_and_text", name=template))
    else:
        subject = step.subject
        said.append(say("subject_of_template", name=template) if subject is None else say("subject", subject=subject))
        said.append(say("template", name=template) if step.body is None else say("body"))
    if step.attach and mail:
        said.append(say("attach", items=", ".join(say(item) for item in step.attach)))
    if step.payment_link:
        said.append(say("payment_link"))
    return " ".join(said)


def _head(say: Words, decision: Decision, today: date) -> Iterator[str]:
    invoice, client = decision.invoice, decision.client
    status = say(f"status_{invoice.status}")
    if client is None:
        yield say("head_no_client", number=invoice.number, status=status)
    else:
        yield say("head", number=invoice.number, client=client.name, status=status)
    if decision.reason == "invalid" or decision.due is None:
        return
    late = (today - decision.due).days
    key = "late" if late > 0 else "early" if late < 0 else "due_today"
    if decision.reason in SETTLED:
        key = "due"
    yield say(key, day=say.day(decision.due), span=say.span(late))
    if invoice.due_date is None and not invoice.instalments:
        yield say("no_due_date")
    if invoice.status == "draft":
        yield say("provisional")
    residual, total = (say.amount(amount, invoice.currency) for amount in (invoice.residual, invoice.total))
    yield say("residual", residual=residual, total=total)
    if decision.reason == "paid" and invoice.status != "paid":
        yield say("nothing_left")
    if invoice.instalments and decision.reason not in SETTLED:
        asked = say.amount(decision.residual, invoice.currency)
        rank, count = decision.instalment, len(invoice.instalments)
        yield say("instalment", rank=rank, count=count, day=say.day(decision.due), asked=asked)


def _precedence(
    say: Words, decider: Decider, invoice: Invoice, client: Client, plan: Adaptation, chosen: Program | None
) -> Iterator[str]:
    choice = decider.choice(invoice, client, plan)
    here = decider.history.client_programs.get(client.id, "")
    if invoice.program and plan.program not in ("", invoice.program):
        yield say("overruled_invoice", name=plan.program)
    elif not plan.program and not invoice.program and client.program and here not in ("", client.program):
        yield say("overruled_client", name=here)
    for rule, program in zip(choice.rules, choice.programs, strict=True):
        if program is chosen:
            named = say("named_version", name=program.name, version=program.version)
            yield say(f"rule_{rule}", program=named if program.version else say("named", name=program.name))
            if plan.version and (program.name, program.version) == (plan.program, plan.version):
                newest = decider.book.get(program.name)
                newer = newest is not None and newest.version > plan.version
                yield say("pinned_newer", version=newest.version) if newest and newer else say("pinned")
            if plan.restart:
                yield say("restarted")
            return
        assert program.since is not None
        yield say("passed_over", name=program.name, day=say.day(program.since))
    yield say(f"none_{choice.none or 'default'}")


def _reminders(
    say: Words, reminders: Sequence[Reminder], program: Program | None, cycle: Sequence[Reminder]
) -> Iterator[str]:
    """Every reminder of the invoice, in the order they left; those of the cycle by their place in the program."""
    if not reminders:
        yield say("nothing_sent")
    for one in reminders:
        day = say.day(one.day)
        position = -1 if program is None else program.step_named(one.step)
        if not one.step:
            yield say("sent_by_hand", day=day)
        elif one not in cycle:
            yield say("sent_other", name=one.step, program=one.program, day=day)
        elif position < 0:
            yield say("sent_unknown", name=one.step, day=day)
        else:
            yield say(f"sent_{one.origin}", number=position + 1, name=one.step, day=day)


def _steps(case: _Case) -> Iterator[str]:
    """The steps before the next one that were not sent, and why."""
    say, plan = case.say, plan_for(case.plan, case.part)
    sent = {one.step for one in case.cycle.sent}
    furthest, _ = case.table.furthest(case.cycle)
    end = case.following.position if case.following else len(case.table.steps)
    for position, step in enumerate(case.table.steps[:end]):
        if step.name in sent:
            continue
        key = "dropped" if step.name in plan.dropped else "passed" if position < furthest else "lapsed"
        yield say(key, number=position + 1, name=step.name)


def _date(case: _Case) -> Iterator[str]:
    """The next step and how its date was worked out."""
    say, following, table, part = case.say, case.following, case.table, case.part
    if following is None:
        return
    step = table.steps[following.position]
    yield say("next", number=following.position + 1, name=step.name, day=say.day(following.date))
    furthest, sent_on = table.furthest(case.cycle)
    bases = table.bases(part.issue, part.due)
    when, base = say.trigger(step.trigger), bases[following.position]
    if following.origin == "hand":
        yield say("by_hand")
    elif following.origin == "spacing" and sent_on is not None:
        yield say(
            "by_spacing",
            when=when,
            base=say.day(base),
            sent_number=furthest + 1,
            sent=say.day(sent_on),
            span=say.span((following.own - sent_on).days),
            day=say.day(following.own),
        )
    elif following.origin == "previous" and sent_on is not None:
        span = _between(say, table.steps[furthest + 1 : following.position + 1])
        yield say("by_previous", span=span, sent=say.day(sent_on), day=say.day(following.own))
    else:
        yield say("by_base", when=when, day=say.day(base))
    if following.floor:
        floor = say.day(following.uncorrected)
        yield say(f"floor_{following.floor}", day=floor, span=say.span(case.program.after_manual))
    if following.date != following.uncorrected:
        key = "moved_later" if following.date > following.uncorrected else "moved_earlier"
        yield say(key, from_day=say.day(following.uncorrected, "full"), day=say.day(following.date, "full"))


def _between(say: Words, steps: Sequence[Step]) -> str:
    """The spacings of steps after one another, added up: ``10 days``, ``1 month + 5 days``."""
    days = sum(step.trigger.offset.days for step in steps)
    months = sum(step.trigger.offset.months for step in steps)
    return " + ".join(say.span(count, unit) for count, unit in ((months, "month"), (days, "day")) if count)


def holds_in_force(invoice: Invoice, client: Client, history: History, today: date) -> list[tuple[str, date]]:
    """Every hold in force, the host's and ours: which it is, and its last day."""
    holds = (
        ("host_holds_invoice", invoice.held_until),
        ("here_holds_invoice", history.invoice_holds.get(invoice.id)),
        ("host_holds_client", client.held_until),
        ("here_holds_client", history.client_holds.get(client.id)),
    )
    return [(which, until) for which, until in holds if until is not None and until >= today]


def _holds(say: Words, invoice: Invoice, client: Client, history: History, today: date) -> Iterator[tuple[date, str]]:
    """Every hold in force: its last day and its line."""
    for which, until in holds_in_force(invoice, client, history, today):
        end = say("for_good") if until == date.max else say("until", day=say.day(until))
        yield until, say(which, until=end)


def hold(say: Words, one: Hold, today: date) -> str:
    """A hold that was put here, in words: why, since when, what was promised; empty for one that is over or kept."""
    state, said = one.state(today), {"made": say.day(one.made_at.date()), "reason": one.reason}
    if state not in ("in_force", "broken"):
        return ""
    if one.kind != "promise" or one.until is None:
        return say(f"hold_{one.kind}", **said)
    what = say("promised_all") if one.amount is None else say.amount(one.amount, one.currency)
    return say("hold_promise" if state == "in_force" else "hold_broken", what=what, day=say.day(one.until), **said)


def _obstacles(case: _Case) -> Iterator[str]:
    """What else speaks against a reminder today, and what the message would be or is."""
    say, decision, history = case.say, case.decision, case.history
    if case.invoice.id in history.in_doubt:
        yield say("doubt")
    if case.following is not None:
        name = case.table.steps[case.following.position].name
        for attempt in history.attempts.get(case.invoice.id, ()):
            if (attempt.cycle, attempt.step) == (case.cycle.name, name) and attempt.failures:
                yield say("attempts", n=attempt.failures, most=ATTEMPTS)
    currency = case.invoice.currency
    credit = case.client.credits.get(currency, Decimal())
    if credit > 0:
        owed = overdue(case.outcome.decisions, case.today).get((case.client.id, currency), Decimal())
        yield say("credit", credit=say.amount(credit, currency), owed=say.amount(owed, currency))
    if decision.program is not None:
        yield from _recipients(case)
    yield from _whole_message(case)


def _recipients(case: _Case) -> Iterator[str]:
    say, decision = case.say, case.decision
    assert decision.program is not None
    step = decision.program.steps[decision.step - 1]
    message = _message(case)
    people = message.people if message else people_of(decision, decision.step, case.history, case.policy)
    if step.channel != "mail":
        yield say("person", people=say.people((people.sender,)))
        return
    everyone = people_of(decision, decision.step, replace(case.history, bounced=frozenset()), case.policy)
    out = [one for one in (*everyone.to, *everyone.cc, *everyone.bcc) if one.email.casefold() in case.history.bounced]
    if out:
        yield say("bounced", people=say.people(out))
    if people.to:
        said = [say("message_to", sender=say.people((people.sender,)), to=say.people(people.to))]
        said += [say(key, people=say.people(kind)) for key, kind in (("cc", people.cc), ("bcc", people.bcc)) if kind]
        yield " ".join(said)
    else:
        change = plan_for(case.plan, case.part).changes.get(step.name)
        asked = step.to if change is None or change.to is None else change.to
        yield say("no_people", people=say.people(asked))


def _message(case: _Case) -> Message | None:
    ids = ((message, {one.invoice.id for one in message.decisions}) for message in case.outcome.messages)
    return next((message for message, inside in ids if case.invoice.id in inside), None)


def _whole_message(case: _Case) -> Iterator[str]:
    say, decision, program = case.say, case.decision, case.program
    if decision.reason == "below_minimum" and program.minimum is not None:
        yield say("below", amount=say.number(program.minimum))
    if decision.reason == "quiet_period":
        until = _quiet_until(case)
        if until is not None:
            last = case.history.messaged[case.client.id]
            yield say("quiet_since", day=say.day(last), until=say.day(until))
        else:
            yield say("quiet_run")
    if decision.reason == "limit_reached":
        yield say("limit", n=case.policy.per_run)
    message = _message(case)
    if message is None:
        return
    others = [one.invoice.number for one in message.decisions if one.invoice.id != case.invoice.id]
    yield say("with_others", numbers=", ".join(others)) if others else say("alone")
    if message.step_number != decision.step:
        yield say("text_of", number=message.step_number, name=message.step.name)
    if message.retry:
        yield say("retry")
