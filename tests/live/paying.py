"""``RELANCE_LIVE_ODOO=… python -m tests.live.paying --sink DIR``: payments registered while reminders are on their way.

Some invoices are paid after a sync: no mail of the run names them. Others are paid while a run is at work: what
leaves of them belongs to the batch in flight, the rest is dropped. Invoices are made for it, and cancelled in the end
if they were not paid; the payments stay.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from relance_addon.hosts.port import BATCH

from .books import Books, Ran, bare

_PROGRAM = """
[[programs]]
name = "standard"
group = "{group}"
[[programs.steps]]
name = "Rappel"
trigger = {{ after_due = 1 }}
subject = "{tag} #REF#"
template = "first"
"""
# Whatever else is in these books has no program.
_ONLY = """
[hosts.{host}.mapping.invoice]
program = {{ from = "ref", map = {{ {tag} = "standard" }}, default = "none" }}
"""
_RUN = ("--format", "json")


class Mail(NamedTuple):
    """A mail that was received: when, in seconds since the epoch, and its subject with its text."""

    at: float
    text: str


class Inbox:
    """The mails of one trial among those that a test mail server writes to a folder, each read once."""

    def __init__(self, sink: Path, tag: str) -> None:
        self._sink, self._tag = sink, tag
        self._seen = set(sink.glob("*.eml"))
        self.mails: list[Mail] = []

    def look(self) -> list[Mail]:
        """The mails so far."""
        new = set(self._sink.glob("*.eml")) - self._seen
        self._seen |= new
        for path in new:
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            if self._tag in str(mail["Subject"]):
                parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
                self.mails.append(Mail(path.stat().st_mtime, " ".join([mail["Subject"], *parts])))
        return self.mails

    def about(self, number: str) -> list[Mail]:
        """Those that name an invoice."""
        return [mail for mail in self.mails if number in mail.text]


def main() -> None:
    """Pay between sync and run, then during a run; the first reminder of what was paid in time ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.paying")
    parser.add_argument("--sink", type=Path, required=True)
    parser.add_argument("--count", type=int, default=100, help="invoices reminded of by the run that is interrupted")
    given = parser.parse_args()
    call = bare()
    with TemporaryDirectory() as folder:
        before(call, Path(folder), given.sink)
        during(call, Path(folder), given.sink, given.count)


def before(call: Any, folder: Path, sink: Path) -> None:
    """Of twelve invoices of four clients, pay six after a sync: all of one, two of another, one of a third."""
    tag = f"p{time.time_ns()}"
    books, inbox = _books(folder, tag, "client"), Inbox(sink, tag)
    with _invoices(call, tag, [client for client in _clients(call, 4) for _ in range(3)]) as numbers:
        books("sync", books.host)
        due = books("simulate", books.host, *_RUN, allowed=(0, 1)).json["messages"]
        assert len(due) == 4, f"{len(due)} messages instead of one to each of four clients"
        made = sorted(numbers)
        paid = [made[place] for place in (0, 1, 2, 3, 4, 6)]
        _payment(call, paid)()
        _check_paid(call, paid)
        ran = books("run", books.host, *_RUN, allowed=(0, 1)).json
        inbox.look()
        reasons = {one["invoice"]: one["reason"] for one in ran["decisions"]}
        for invoice in made:
            mails, reason = len(inbox.about(numbers[invoice])), reasons.get(str(invoice), "no longer owed")
            wanted = (0, ("paid", "no longer owed")) if invoice in paid else (1, ("due",))
            assert mails == wanted[0] and reason in wanted[1], f"{numbers[invoice]}: {mails} mails, {reason}"
        states = [one["state"] for one in ran["messages"]]
        assert states == ["sent"] * 3, f"{states} instead of a message to each of three clients"
        told = ", ".join(sorted({reasons.get(str(invoice), "no longer owed") for invoice in paid}))
        print(f"before the run: {len(paid)} of {len(made)} invoices paid, none named by a mail ({told});")
        print(f"  {len(due)} messages were due, {len(inbox.mails)} left, about the {len(made) - len(paid)} others")


def during(call: Any, folder: Path, sink: Path, count: int) -> None:
    """Pay the last of the first batch, while that is in flight, then the last ten, then the first of their batch."""
    tag = f"p{time.time_ns()}"
    books, inbox = _books(folder, tag, "invoice"), Inbox(sink, tag)
    clients = _clients(call, 8)
    with _invoices(call, tag, [clients[place % len(clients)] for place in range(count)]) as numbers:
        books("sync", books.host)
        due = books("simulate", books.host, *_RUN, allowed=(0, 1)).json["messages"]
        order = [int(one["invoices"][0]) for one in due]
        assert sorted(order) == sorted(numbers), "not one message about each invoice"
        groups = ([order[BATCH - 1]], order[-5:], order[-10:-5], [order[-BATCH]])
        payments = [(some, _payment(call, some)) for some in groups]
        run = books.start("run", books.host, *_RUN)
        while run.poll() is None and not inbox.look():
            time.sleep(0.02)
        paid: dict[int, float] = {}
        for some, confirm in payments:
            confirm()
            paid.update(dict.fromkeys(some, time.time()))
        ran = _ended(run).json
        _check_paid(call, paid)
        inbox.look()
        flying, late = _judge(numbers, order, paid, ran, inbox)
        stopped = len(paid) - flying - late
        left = len(inbox.mails)
        print(f"during the run: {len(paid)} of {count} invoices paid, {stopped} reminders stopped, {left} left;")
        print(f"  of those paid, {flying} left in the batch in flight and {late} had left already")
        assert stopped, "the run was over before the payments: ask for more with --count"
        again = books("run", books.host, *_RUN, allowed=(0, 1)).json
        assert again["messages"] == [], "a second run sent something"


def _judge(
    numbers: dict[int, str], order: Sequence[int], paid: dict[int, float], ran: Any, inbox: Inbox
) -> tuple[int, int]:
    """How many of those paid left with the batch in flight, and how many had left before they were paid."""
    reasons = {int(one["invoice"]): one["reason"] for one in ran["decisions"]}
    states = {int(one["invoices"][0]): (one["state"], one["error"]) for one in ran["messages"]}
    left = {invoice: [mail.at for mail in inbox.about(number)] for invoice, number in numbers.items()}
    flying = late = 0
    for place, invoice in enumerate(order):
        what = f"{numbers[invoice]}: {len(left[invoice])} mails, {states[invoice]}, {reasons[invoice]}"
        if not left[invoice]:
            dropped = states[invoice] == ("dropped", f"{numbers[invoice]}: paid")
            assert invoice in paid and dropped and reasons[invoice] == "paid", what
            continue
        assert len(left[invoice]) == 1 and states[invoice][0] == "sent" and reasons[invoice] == "due", what
        if invoice not in paid:
            continue
        assert paid[invoice] >= _begun(order, left, place), f"{what}, though paid before its batch was begun"
        flying += left[invoice][0] > paid[invoice]
        late += left[invoice][0] <= paid[invoice]
    assert flying <= 2 * BATCH, f"{flying} left after they were paid"
    return flying, late


def _begun(order: Sequence[int], left: dict[int, list[float]], place: int) -> float:
    """When the batch of a message was read again, at the earliest: all before it but one have left by then."""
    batches = [order[start : start + BATCH] for start in range(0, place - place % BATCH, BATCH)]
    ends = sorted(max((at for one in batch for at in left[one]), default=0) for batch in batches)
    return ends[-2] if len(ends) > 1 else 0


def _books(folder: Path, tag: str, group: str) -> Books:
    return Books(folder / tag, tag, _PROGRAM.format(group=group, tag=tag), more=_ONLY.format(host=tag, tag=tag))


def _ended(run: subprocess.Popen[str]) -> Ran:
    output, errors = run.communicate()
    assert run.returncode in (0, 1), errors
    return Ran(run.returncode, output, errors, 0)


def _clients(call: Any, count: int) -> list[int]:
    """Companies with an address and without credit, which would cover what they owe."""
    credits = call(
        "account.move.line",
        "search_read",
        [["account_type", "=", "asset_receivable"], ["parent_state", "=", "posted"], ["reconciled", "=", False],
         ["amount_residual_currency", "<", 0]],
        ["partner_id"],
    )  # fmt: skip
    partners = sorted({row["partner_id"][0] for row in credits if row["partner_id"]})
    covered = {
        row["commercial_partner_id"][0] for row in call("res.partner", "read", partners, ["commercial_partner_id"])
    }
    rows = call(
        "res.partner",
        "search",
        [["is_company", "=", True], ["customer_rank", ">", 0], ["email", "!=", False], ["id", "not in", list(covered)]],
        limit=count,
        order="id",
    )
    found: list[int] = rows
    assert len(found) == count, f"{len(found)} clients with an address and without credit, instead of {count}"
    return found


@contextmanager
def _invoices(call: Any, tag: str, clients: Sequence[int]) -> Iterator[dict[int, str]]:
    """Post an invoice for each client, due ten days ago: their numbers, by id. Those not paid are cancelled after."""
    today = date.today()
    values = [
        {
            "move_type": "out_invoice",
            "partner_id": client,
            "ref": tag,
            "invoice_date": (today - timedelta(days=40)).isoformat(),
            "invoice_date_due": (today - timedelta(days=10)).isoformat(),
            "invoice_payment_term_id": False,
            "invoice_line_ids": [[0, 0, {"name": "Conseil", "quantity": 1, "price_unit": 100 + place}]],
        }
        for place, client in enumerate(clients)
    ]
    made = call("account.move", "create", values)
    try:
        call("account.move", "action_post", made)
        yield {row["id"]: row["name"] for row in call("account.move", "read", made, ["name"])}
    finally:
        left = call("account.move", "search", [["id", "in", made], ["payment_state", "=", "not_paid"]])
        call("account.move", "button_draft", left)
        call("account.move", "button_cancel", left)


def _payment(call: Any, invoices: Sequence[int]) -> Callable[[], Any]:
    """Fill in a payment of each, of all that is due, today, as above a list of invoices; what confirms it."""
    context = {"active_model": "account.move", "active_ids": list(invoices)}
    values = {"payment_date": date.today().isoformat(), "group_payment": False}
    wizard = call("account.payment.register", "create", values, context=context)
    return partial(call, "account.payment.register", "action_create_payments", [wizard], context=context)


def _check_paid(call: Any, invoices: Collection[int]) -> None:
    rows = call("account.move", "read", list(invoices), ["name", "payment_state"])
    unpaid = [row for row in rows if row["payment_state"] not in ("paid", "in_payment")]
    assert not unpaid, f"a payment was registered, but: {unpaid}"


if __name__ == "__main__":
    main()
