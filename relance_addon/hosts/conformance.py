"""The suite that every connector passes. A third party's whole test file can be::

    class TestMyHost(Conformance):
        @pytest.fixture
        def subject(self, tmp_path):
            return MySubject(tmp_path)      # a Subject: how the suite reaches the host behind the connector

Names of tests are sentences; each failing assertion says what is expected of a connector. Needs pytest.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final, Protocol

from relance_addon.core.errors import RelanceError
from relance_addon.core.model import OWED, STATUSES, Client, Instalment, Invoice, Status
from relance_addon.hosts.fake import client, invoice, message
from relance_addon.hosts.port import BATCH, READ, Connector, Outgoing

TODAY: Final = date(2026, 11, 21)
CARRIED: Final = (
    "number", "client", "status", "issue_date", "due_date", "total", "residual", "currency",
)  # fmt: skip
"""The fields of an invoice that have to come back as they were put."""


class Subject(Protocol):
    """A host under test: its connector, and what the suite has to do behind the connector's back."""

    secrets: Sequence[str]
    """Passwords and keys that it was configured with, as they are in clear."""

    def connect(self) -> Connector:
        """A new connector to the same host, as a new process would have it."""
        ...

    def put(self, invoices: Sequence[Invoice], clients: Sequence[Client]) -> None:
        """Let the host hold exactly these from now on."""
        ...

    def settle(self, invoices: Sequence[str], on: date) -> date:
        """Let these be paid in full on that day; the day that the host takes it for, where it is another."""
        ...

    def left(self, message: Outgoing) -> int:
        """How many times that message left, or stands on the host."""
        ...

    def cut(self) -> None:
        """Let the host be out of reach from now on."""
        ...


class Conformance:
    """Override the fixture ``subject``; every ``test_`` below is then run against it."""

    clients: Sequence[Client] = (client("1"), client("2", country="BE"))
    instalments = True
    """Whether the host knows invoices that are due in several parts."""

    # Pulling

    def test_a_first_pull_gives_what_is_owed_and_nothing_else(self, subject: Subject) -> None:
        put = [invoice(str(number), "1", status=status) for number, status in enumerate(STATUSES, 1)]
        subject.put([_plausible(one) for one in put], self.clients)
        pulled = _pull(subject.connect())
        expected = {one.id for one in put if one.status in OWED}
        assert {one.id for one in pulled.invoices} == expected, "drafts, open and disputed ones are pulled, no others"
        assert pulled.full, "a pull without a cursor is full"

    def test_amounts_and_dates_come_back_as_they_are(self, subject: Subject) -> None:
        put = [
            invoice("1", "1", "1200.50", total="2000.00", due=date(2026, 2, 28)),
            invoice("2", "2", "0.01", "USD", issued=date(2026, 10, 25), due=date(2026, 10, 25)),
            invoice("3", "2", "123456789.12", due=date(2028, 2, 29)),
        ]
        subject.put(put, self.clients)
        found = {one.id: one for one in _pull(subject.connect()).invoices}
        for one in put:
            for field in CARRIED:
                assert getattr(found[one.id], field) == getattr(one, field), f"{field} of invoice {one.id}"
            assert isinstance(found[one.id].residual, Decimal), "amounts are Decimals"
            assert not found[one.id].invalid

    def test_every_invoice_comes_once_over_all_pages(self, subject: Subject) -> None:
        put = [invoice(str(number), "12"[number % 2]) for number in range(1, 251)]
        subject.put(put, self.clients)
        pages = list(subject.connect().pull("", TODAY).pages)
        ids = [one.id for page in pages for one in page.invoices]
        assert sorted(ids) == sorted(one.id for one in put), "each id once"
        assert not any(page.cursor for page in pages[:-1]), "only the last page has the cursor"

    def test_the_clients_of_pulled_invoices_come_too(self, subject: Subject) -> None:
        subject.put([invoice("1", "1"), invoice("2", "2")], self.clients)
        found = {one.id: one for one in _pull(subject.connect()).clients}
        assert {"1", "2"} <= set(found)
        for one in self.clients:
            assert (found[one.id].name, found[one.id].email) == (one.name, one.email)

    def test_instalments_have_their_own_dates_and_residuals(self, subject: Subject) -> None:
        if not self.instalments:
            return
        parts = (
            Instalment(date(2026, 10, 31), Decimal("60.00"), Decimal("0.00")),
            Instalment(date(2026, 11, 30), Decimal("40.00"), Decimal("40.00")),
        )
        subject.put(
            [invoice("1", residual="40.00", total="100.00", due=parts[1].due_date, instalments=parts)], self.clients
        )
        (found,) = _pull(subject.connect()).invoices
        assert [(one.due_date, one.residual) for one in found.instalments if one.residual] == [
            (parts[1].due_date, Decimal("40.00"))
        ]

    def test_a_draft_is_a_draft(self, subject: Subject) -> None:
        subject.put([invoice("1", status="draft")], self.clients)
        assert [one.status for one in _pull(subject.connect()).invoices] == ["draft"]

    def test_a_pull_from_the_cursor_of_an_unchanged_host_changes_nothing(self, subject: Subject) -> None:
        subject.put([invoice("1"), invoice("2", "2")], self.clients)
        connector = subject.connect()
        first = _pull(connector)
        if not first.cursor:
            return
        again = _pull(connector, first.cursor)
        assert not again.gone
        if again.full:
            assert {one.id for one in again.invoices} == {"1", "2"}
        else:
            by_id = {one.id: one for one in first.invoices}
            assert all(by_id[one.id] == one for one in again.invoices), "what comes again is what it was"
        assert again.cursor, "the cursor is given back"

    def test_a_pull_from_a_cursor_tells_what_was_paid_and_what_is_new(self, subject: Subject) -> None:
        before = [invoice("1"), invoice("2", "2")]
        subject.put(before, self.clients)
        connector = subject.connect()
        cursor = _pull(connector).cursor
        subject.put([_plausible(replace(before[0], status="paid")), before[1], invoice("3")], self.clients)
        for one in (connector, subject.connect()):
            after = _pull(one, cursor)
            found = {one.id: one.status for one in after.invoices}
            assert found.get("3") == "open", "a new invoice is told"
            assert found.get("1", "") not in OWED, "a paid invoice is no longer told as owed"
            assert after.full or "1" in found or "1" in after.gone, "a pull that is not full says what became of it"

    # What was settled

    def test_past_tells_what_was_settled_and_when_where_the_host_knows(self, subject: Subject) -> None:
        put = [invoice("1", total="120.00", residual="120.00"), invoice("2", "2"), invoice("3")]
        subject.put(put, self.clients)
        on = subject.settle(["1", "3"], date(2026, 11, 10))
        pages = list(subject.connect().past(date(2026, 10, 15), TODAY))
        found = {one.id: one for page in pages for one in page.invoices}
        days = {id_: day for page in pages for id_, day in page.settled.items()}
        if not subject.connect().capabilities.settled:
            assert not found, "a host that does not know when it was settled tells nothing"
            return
        assert days == {"1": on, "3": on}, "what was settled after that day, and the day; nothing that is still owed"
        assert set(found) == set(days)
        for one in (put[0], put[2]):
            for field in ("number", "client", "issue_date", "due_date", "total", "currency"):
                assert getattr(found[one.id], field) == getattr(one, field), f"{field} of invoice {one.id}"
        assert "1" in {one.id for page in pages for one in page.clients}, "with its client"
        assert not [one for page in subject.connect().past(on, TODAY) for one in page.invoices], "settled after, not on"

    # Reading again

    def test_read_tells_what_is_so_now(self, subject: Subject) -> None:
        before = [invoice("1"), invoice("2"), invoice("3")]
        subject.put(before, self.clients)
        connector = subject.connect()
        _pull(connector)
        subject.put(
            [_plausible(replace(before[0], status="paid")), replace(before[1], residual=Decimal("5.00"))], self.clients
        )
        page = connector.read(["1", "2", "3"], TODAY)
        found = {one.id: one for one in page.invoices}
        assert "1" not in found or found["1"].status == "paid" or found["1"].residual <= 0, "paid since the pull"
        assert found["2"].residual == Decimal("5.00"), "the residual of now"
        assert list(page.gone) == ["3"] and "3" not in found, "what the host no longer has is gone"
        assert "1" in {one.id for one in page.clients}, "with its client"

    def test_read_takes_a_batch_and_an_unknown_id(self, subject: Subject) -> None:
        subject.put([invoice(str(number)) for number in range(1, READ)], self.clients)
        page = subject.connect().read([str(number) for number in range(1, READ + 1)], TODAY)
        assert {one.id for one in page.invoices} == {str(number) for number in range(1, READ)}
        assert list(page.gone) == [str(READ)]
        assert subject.connect().read([], TODAY).invoices in ((), []), "nothing asked, nothing told"

    # Posting

    def test_a_batch_has_one_outcome_per_message_in_order(self, subject: Subject) -> None:
        messages = self._messages(subject, BATCH)
        connector = subject.connect()
        posted = connector.post(messages)
        assert [one.key for one in posted] == [one.key for one in messages]
        assert {one.state for one in posted} <= {"sent", "queued"}, posted
        assert [subject.left(one) for one in messages] == [1] * BATCH
        assert list(connector.post([])) == []

    def test_a_mark_is_found_again_by_another_process(self, subject: Subject) -> None:
        sent, never = self._messages(subject, 2)
        if not subject.connect().capabilities.find_marks:
            return
        subject.connect().post([sent])
        found = subject.connect().find([sent.mark, never.mark])
        assert found[sent.key].presence == "present"
        assert never.key not in found or found[never.key].presence != "present"

    def test_the_same_key_twice_leaves_one_mark_where_marks_are_unique(self, subject: Subject) -> None:
        (one,) = self._messages(subject, 1)
        if not subject.connect().capabilities.unique_marks:
            return
        subject.connect().post([one])
        (again,) = subject.connect().post([one])
        assert again.state in ("sent", "queued", "in_doubt"), "it did leave, so it never is 'failed'"
        assert subject.left(one) == 1

    def test_an_activity_leaves_a_mark_too(self, subject: Subject) -> None:
        put = invoice("1")
        subject.put([put], self.clients)
        connector = subject.connect()
        if not connector.capabilities.activities:
            return
        one = message("activity1", put, "activity")
        (posted,) = connector.post([one])
        assert posted.state in ("sent", "queued"), posted
        assert subject.left(one) == 1
        if connector.capabilities.find_marks:
            assert subject.connect().find([one.mark])[one.key].presence == "present"

    # Everything else takes and gives many

    def test_what_a_host_does_not_know_is_left_out(self, subject: Subject) -> None:
        subject.put([invoice("1")], self.clients)
        connector = subject.connect()
        stranger = invoice("404", number="FA-404")
        assert "404" not in connector.locate("invoice", ["1", "404"])
        assert "404" not in connector.pdfs([stranger])
        assert all(url.startswith("http") for url in connector.links([stranger]).values())
        assert list(connector.events([message("never", stranger).mark])) == []
        assert dict(connector.find([])) == {}

    def test_an_invoice_is_found_by_its_number_whatever_its_status(self, subject: Subject) -> None:
        subject.put([invoice("1", number="FA-1"), invoice("2", number="FA-2", status="paid")], self.clients)
        connector = subject.connect()
        assert [list(connector.numbered(number)) for number in ("FA-1", "FA-2", "FA-404")] == [["1"], ["2"], []]

    def test_check_and_mapping_say_something(self, subject: Subject) -> None:
        subject.put([invoice("1")], self.clients)
        connector = subject.connect()
        findings = connector.check(TODAY)
        assert findings and not [one for one in findings if one.level == "error"], findings
        fields = connector.fields(TODAY)
        assert any(one.kind == "invoice" and one.samples for one in fields)
        assert all(len(one.samples) <= 3 for one in fields)

    def test_close_can_be_called_twice(self, subject: Subject) -> None:
        subject.put([invoice("1")], self.clients)
        connector = subject.connect()
        _pull(connector)
        connector.close()
        connector.close()

    # Faults

    def test_a_host_out_of_reach_is_an_error_of_the_house(self, subject: Subject) -> None:
        put = invoice("1")
        subject.put([put], self.clients)
        connector = subject.connect()
        subject.cut()
        for call in (lambda: _pull(connector), lambda: connector.read(["1"], TODAY)):
            assert isinstance(_error_of(call), RelanceError), "HostError or InputError, never a library's own"

    def test_nothing_posted_to_a_host_out_of_reach_is_said_to_be_sent(self, subject: Subject) -> None:
        messages = self._messages(subject, 2)
        connector = subject.connect()
        subject.cut()
        outcomes: list[Any] = []
        error = _error_of(lambda: outcomes.extend(connector.post(messages)))
        assert error is None or isinstance(error, RelanceError)
        assert all(one.state in ("failed", "in_doubt") and one.error for one in outcomes), outcomes

    # Secrets

    def test_secrets_are_neither_shown_nor_logged(self, subject: Subject, caplog: Any) -> None:
        messages = self._messages(subject, 1)
        with caplog.at_level(logging.DEBUG):
            connector = subject.connect()
            _pull(connector)
            connector.post(messages)
            told = [repr(connector), str(vars(connector) if hasattr(connector, "__dict__") else ""), caplog.text]
            told += [str(finding) for finding in connector.check(TODAY)]
        for secret in subject.secrets:
            assert not any(secret in text for text in told), "a secret is never shown"

    def _messages(self, subject: Subject, count: int) -> list[Outgoing]:
        put = [invoice(str(number)) for number in range(1, count + 1)]
        subject.put(put, self.clients)
        return [message(f"key{one.id}", one) for one in put]


@dataclass(frozen=True)
class Pulled:
    """All pages of a pull as one, and whether it was full."""

    invoices: Sequence[Invoice]
    clients: Sequence[Client]
    gone: Sequence[str]
    cursor: str
    full: bool


def _pull(connector: Connector, cursor: str = "") -> Pulled:
    pull = connector.pull(cursor, TODAY)
    pages = list(pull.pages)
    return Pulled(
        [one for page in pages for one in page.invoices],
        [one for page in pages for one in page.clients],
        [one for page in pages for one in page.gone],
        pages[-1].cursor if pages else "",
        pull.full,
    )


def _plausible(one: Invoice) -> Invoice:
    """As a host would have it: nothing remains of what is paid or cancelled."""
    owed: tuple[Status, ...] = ("draft", "open", "disputed")
    return one if one.status in owed else replace(one, residual=Decimal("0.00"))


def _error_of(call: Any) -> BaseException | None:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - which one it is is what is tested
        return error
    return None
