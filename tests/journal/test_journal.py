"""The journal by itself: what is stored comes back, a claim is had once, and the tables are up to date."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from relance_addon.core.errors import Busy, InputError
from relance_addon.core.model import Address, Contact, Instalment
from relance_addon.core.outgoing import Document, Outgoing
from relance_addon.core.records import Happened, Hold, Settled
from relance_addon.hosts.fake import client, invoice, message

DAY = date(2026, 11, 21)
AT = datetime(2026, 11, 21, 9, tzinfo=UTC)


def outgoing(key: str, *ids: str, **more: Any) -> Outgoing:
    """A message about these invoices, its claims distinct by step and invoice."""
    one = message(key, invoice(ids[0]), **more)
    claims = [replace_claim(one.claims[0], key, id_) for id_ in ids]
    return replace(one, claims=tuple(claims))


def replace_claim(claim: Any, key: str, id_: str) -> Any:
    return claim._replace(key=f"{key}-{id_}", invoice=id_, number=f"FA-{id_}", step_name=f"step of {key}")


def claimed(*messages: Outgoing) -> set[str]:
    from relance_addon.journal import claims

    return claims.claim("acme", None, messages)


def states(host: str = "acme") -> dict[str, str]:
    from relance_addon.journal import log

    return {one.message_key: one.last_event for one in log.entries(host)}


# Tables


def test_migrations_are_complete(journal: str) -> None:
    from django.core.management import call_command

    call_command("makemigrations", "journal", check=True, dry_run=True, verbosity=0)


def test_opening_again_changes_nothing(journal: str, tmp_path: Path) -> None:
    from relance_addon.journal import database, hosts

    hosts.activate("acme", True)
    database.connect(journal, tmp_path)
    assert hosts.state("acme").activated


def test_a_journal_of_a_newer_version_is_refused(journal: str, tmp_path: Path) -> None:
    from django.db import connection

    from relance_addon.journal import database

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('journal', '9999_later', CURRENT_TIMESTAMP)"
        )
    try:
        with pytest.raises(InputError, match="newer version"):
            database.connect(journal, tmp_path)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '9999_later'")


# What was pulled


FULL_INVOICE = replace(
    invoice("17", client="é-1", residual="1234567890.12", currency="JPY", total="9.5"),
    salesperson=Address('Anne "Nan" <Roux>, chef', "anne@acme.example"),
    payment_link="https://pay.example/?a=1&b=é",
    pdf="a/b.pdf",
    program="standard",
    held_until=date.max,
    instalments=(Instalment(DAY, Decimal("1.10"), Decimal("0.00")), Instalment(DAY, Decimal(2), Decimal(2))),
)
FULL_CLIENT = client(
    "é-1",
    name="أتيليه ☕ 'x' \\ %s",
    tags=("a", "b"),
    program="none",
    held_until=DAY,
    credits={"EUR": Decimal("10.50")},
    contacts=(Contact("Anne", "anne@x.example", ("billing", "sales")),),
)


@pytest.mark.parametrize(
    "one",
    [
        FULL_INVOICE,
        invoice("1"),
        invoice("2", issued=None, due=None, status="draft"),
        invoice("3", invalid="due_date: ?"),
    ],
)
def test_an_invoice_comes_back_as_it_was_stored(journal: str, one: Any) -> None:
    from relance_addon.journal import ledger

    with ledger.pulling():
        assert ledger.store("acme", [one], []) == 1
        assert ledger.store("acme", [one], []) == 0
    (found,) = ledger.invoices("acme")
    assert found == one


@pytest.mark.parametrize("one", [FULL_CLIENT, client("1"), client("2", invalid="email: ?")])
def test_a_client_comes_back_as_it_was_stored(journal: str, one: Any) -> None:
    from relance_addon.journal import ledger

    with ledger.pulling():
        assert ledger.store("acme", [], [one]) == 1
        assert ledger.store("acme", [], [one]) == 0
    assert ledger.clients("acme") == {one.id: one}


def test_names_and_numbers_may_be_of_any_length(journal: str) -> None:
    from relance_addon.journal import ledger

    long = "x" * 1000
    with ledger.pulling():
        ledger.store("acme", [invoice(long, number=long, client=long, program=long)], [client(long, name=long)])
    assert [one.number for one in ledger.find_invoice("acme", long)] == [long]


def test_what_is_gone_is_no_longer_owed_and_may_come_back(journal: str) -> None:
    from relance_addon.journal import ledger

    with ledger.pulling():
        ledger.store("acme", [invoice("1"), invoice("2"), invoice("3")], [])
        ledger.store("other", [invoice("1")], [])
        ledger.gone("acme", ["1"])
        ledger.keep_only("acme", {"2"})
    assert [one.id for one in ledger.invoices("acme")] == ["2"]
    assert [one.id for one in ledger.invoices("other")] == ["1"]
    with ledger.pulling():
        ledger.store("acme", [invoice("1")], [])
    assert sorted(one.id for one in ledger.invoices("acme")) == ["1", "2"]


def test_thousands_of_rows_at_once_are_stored_and_found(journal: str) -> None:
    from relance_addon.journal import ledger

    many = [invoice(str(number)) for number in range(2500)]
    with ledger.pulling():
        assert ledger.store("acme", many, []) == 2500
        assert ledger.store("acme", [*many[:-1], invoice("2499", residual="1.00")], []) == 1
    assert len(ledger.invoices("acme", [one.id for one in many])) == 2500


def test_a_pull_that_breaks_off_stores_no_half_page(journal: str) -> None:
    from relance_addon.journal import ledger

    with pytest.raises(RuntimeError), ledger.pulling():
        ledger.store("acme", [invoice("1")], [])
        raise RuntimeError
    assert ledger.invoices("acme") == []


# Claims


def test_a_claim_is_had_once(journal: str) -> None:
    assert claimed(outgoing("k", "17")) == set()
    assert claimed(outgoing("k", "17")) == {"k"}
    assert states() == {"k": "in_doubt"}


def test_a_message_is_claimed_whole_or_not_at_all(journal: str) -> None:
    claimed(outgoing("k", "17"))
    both = replace(outgoing("m", "18"), claims=(*outgoing("m", "18").claims, *outgoing("k", "17").claims))
    assert claimed(both, outgoing("n", "19")) == {"m"}
    assert set(states()) == {"k", "n"}


def test_two_automatic_reminders_of_an_invoice_on_a_day_are_refused_by_the_database(journal: str) -> None:
    claimed(outgoing("k", "17"))
    assert claimed(outgoing("m", "17"), outgoing("n", "18")) == {"m"}
    assert claimed(outgoing("m", "17", day=DAY + timedelta(days=1))) == set()


def test_what_failed_can_be_claimed_again_and_is_counted(journal: str) -> None:
    from relance_addon.journal import claims, history

    for count in (1, 2):
        assert claimed(outgoing("k", "17", "18")) == set()
        claims.settle("acme", [Settled("k", "failed", "550")], AT)
        found = history.history("acme", DAY).attempts
        assert {key: attempts[0].failures for key, attempts in found.items()} == {"17": count, "18": count}
    claimed(outgoing("k", "17", "18"))
    claims.settle("acme", [Settled("k", "failed", "not tried", counted=False)], AT)
    assert history.history("acme", DAY).attempts["17"][0].failures == 2


@pytest.mark.parametrize("state", ["sent", "queued", "in_doubt"])
def test_what_may_have_left_is_never_claimed_again(journal: str, state: Any) -> None:
    from relance_addon.journal import claims

    claimed(outgoing("k", "17"))
    claims.settle("acme", [Settled("k", state)], AT)
    assert claimed(outgoing("k", "17")) == {"k"}


def test_a_message_comes_back_as_it_was_ready_to_leave(journal: str) -> None:
    from relance_addon.journal import claims
    from relance_addon.mail import mime

    meant = outgoing(
        "k", "17", "18", channel="activity", sender=Address('Le "Grand"', "a@x.example"),
        bcc=(Address("", "b@x.example"),),
        text="Appeler\ndemain, dès 9 h.\n", html="<p>Appeler&nbsp;demain</p>\n",
        attachments=(Document("é 1.pdf", "application/pdf", b"%PDF\r\n\x00"),), redirected_to="me@x.example",
    )  # fmt: skip
    content = mime.build(
        sender=meant.sender, to=meant.to, subject=meant.subject, text=meant.text, html=meant.html, date=AT,
        message_id=meant.message_id, attachments=meant.attachments,
    )  # fmt: skip
    meant = replace(meant, mime=content)
    claimed(meant)
    assert claims.outgoing("acme", "k") == meant
    assert claims.mime("acme", "k") == content
    assert claims.mime("acme", "other") is None


def test_many_threads_that_claim_the_same_get_it_once(journal: str) -> None:
    won: list[int] = []
    ready = threading.Barrier(4)

    def one(number: int) -> None:
        from django.db import connection

        try:
            ready.wait()
            if claimed(outgoing("k", "17", "18")) == set():
                won.append(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert states() == {"k": "in_doubt"}


# Events and history


def test_an_event_is_recorded_once_and_unknown_messages_are_left_alone(journal: str) -> None:
    from relance_addon.journal import claims, log

    claimed(outgoing("k", "17"))
    claims.settle("acme", [Settled("k", "queued")], AT)
    news = [Happened("<k@acme.example>", "delivered", AT, "", ""), Happened("<x@y>", "delivered", AT, "", "")]
    assert log.record("acme", [*news, *news]) == 1
    assert log.record("acme", news) == 0
    assert states() == {"k": "delivered"}
    assert claims.uncertain("acme", ["queued"]) == []


def test_an_outcome_and_the_same_news_at_the_same_moment_do_not_meet(journal: str) -> None:
    from relance_addon.journal import claims, log

    claimed(outgoing("k", "17"))
    claims.settle("acme", [Settled("k", "sent")], AT)
    assert log.record("acme", [Happened("<k@acme.example>", "sent", AT, "", "")]) == 1


def test_the_hosts_of_a_journal_know_nothing_of_each_other(journal: str) -> None:
    from relance_addon.journal import claims, history, holds

    claimed(outgoing("k", "17"))
    claims.settle("acme", [Settled("k", "sent")], AT)
    holds.put("acme", Hold("1", "", "pause", None, "x", AT))
    past = history.history("other", DAY)
    assert (past.reminders, past.client_holds) == ({}, {})
    assert claims.claim("other", None, [outgoing("k", "17")]) == set()


# The lock


def test_the_lock_of_a_run_is_had_once(journal: str) -> None:
    from relance_addon.journal.database import run_lock

    with _held(journal), pytest.raises(Busy, match="another run of acme is in progress"), run_lock("acme"):
        pass
    with run_lock("acme"), run_lock("other"):
        pass


class _held:  # noqa: N801
    """Another process that holds the lock of a run, until it is killed."""

    def __init__(self, journal: str) -> None:
        from django.db import connection

        path = Path(str(connection.settings_dict["NAME"])).parent
        script = (
            "import pathlib, sys, signal\n"
            "from relance_addon.journal import database\n"
            f"database.connect({journal!r}, pathlib.Path({str(path)!r}))\n"
            "with database.run_lock('acme'):\n"
            "    print('held', flush=True)\n"
            "    signal.pause()\n"
        )
        self.process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"

    def __exit__(self, *_: object) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.communicate()


def test_the_lock_of_a_process_that_was_killed_is_let_go(journal: str) -> None:
    from relance_addon.journal.database import run_lock

    with _held(journal):
        pass
    for _ in range(200):  # the server notices a dead client in a moment
        try:
            with run_lock("acme"):
                return
        except Busy:
            threading.Event().wait(0.01)
    raise AssertionError("still held")


def test_the_lock_is_let_go_after_an_error(journal: str) -> None:
    from relance_addon.journal.database import run_lock

    with pytest.raises(RuntimeError), run_lock("acme"):
        raise RuntimeError
    with run_lock("acme"):
        pass
