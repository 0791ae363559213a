"""Pulling and reading: what is owed, what changed, what was settled, and everything else that only looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

import pytest

from relance_addon.core.errors import RelanceError
from relance_addon.core.model import OWED, STATUSES, Instalment
from relance_addon.hosts.conformance.subject import Subject
from relance_addon.hosts.conformance.suite import (
    CARRIED,
    CHANGES,
    TODAY,
    Books,
    Suite,
    plausible,
    pulled,
    together,
)
from relance_addon.hosts.fake import invoice, message
from relance_addon.hosts.port import READ

_FEW: Final = 12


class Pulling(Suite):
    """What a connector gives."""

    def test_a_first_pull_gives_what_is_owed_and_nothing_else(self, subject: Subject) -> None:
        put = [plausible(invoice(str(number), "1", status=status)) for number, status in enumerate(STATUSES, 1)]
        subject.put(put, self.clients)
        told = pulled(subject.connect())
        found = {one.id: one.status for one in told.invoices}
        owed = {one.id: one.status for one in put if one.status in OWED}
        assert set(found) == set(owed), "drafts, open and disputed ones are pulled, no others"
        assert {id_: found[id_] for id_ in owed if owed[id_] in self.statuses} == {
            id_: status for id_, status in owed.items() if status in self.statuses
        }, "each with its status"
        assert told.full, "a pull without a cursor is full"

    def test_what_is_read_again_has_its_status(self, subject: Subject) -> None:
        put = [plausible(invoice(str(number), "1", status=status)) for number, status in enumerate(STATUSES, 1)]
        subject.put(put, self.clients)
        found = {one.id: one.status for one in subject.connect().read([one.id for one in put], TODAY).invoices}
        known = {one.id: one.status for one in put if one.status in self.statuses}
        assert {id_: found.get(id_) for id_ in known} == known, "whatever became of it"

    def test_amounts_and_dates_come_back_as_they_are(self, subject: Subject) -> None:
        put = [
            invoice("1", "1", "1200.50", total="2000.00", due=date(2026, 2, 28)),
            invoice("2", "2", "0.01", issued=date(2026, 10, 25), due=date(2026, 10, 25)),
            invoice("3", "2", "123456789.12", due=date(2028, 2, 29)),
        ]
        subject.put(put, self.clients)
        found = {one.id: one for one in pulled(subject.connect()).invoices}
        for one in put:
            for field in CARRIED:
                assert getattr(found[one.id], field) == getattr(one, field), f"{field} of invoice {one.id}"
            assert isinstance(found[one.id].residual, Decimal), "amounts are Decimals"
            assert not found[one.id].invalid

    def test_each_invoice_is_told_in_its_own_currency(self, subject: Subject) -> None:
        put = [
            invoice(str(number), "1", "12345" if currency == "JPY" else "400.25", currency, total=total)
            for number, currency in enumerate(self.currencies, 1)
            for total in ["54321" if currency == "JPY" else "1000.50"]
        ]
        subject.put(put, self.clients)
        found = {one.id: (one.currency, one.residual, one.total) for one in pulled(subject.connect()).invoices}
        wanted = {one.id: (one.currency, one.residual, one.total) for one in put}
        assert found == wanted, f"not in the company's: {found}"

    def test_every_invoice_comes_once_over_all_pages(self, subject: Subject) -> None:
        put = [invoice(str(number), "12"[number % 2]) for number in range(1, (self.many or _FEW) + 1)]
        subject.put(put, self.clients)
        pages = list(subject.connect().pull("", TODAY).pages)
        ids = [one.id for page in pages for one in page.invoices]
        assert sorted(ids) == sorted(one.id for one in put), "each id once"
        assert not any(page.cursor for page in pages[:-1]), "only the last page has the cursor"
        filled = sum(bool(page.invoices) for page in pages)
        assert filled > 1 or not self.many, "many are more than a page: raise it, or say 0 where there is one page only"

    def test_nothing_is_lost_when_the_books_change_between_two_pages(self, subject: Subject) -> None:
        if not self.many:
            return
        put = [invoice(str(number), "12"[number % 2]) for number in range(1, self.many + 1)]
        subject.put(put, self.clients)
        connector = subject.connect()
        pull = connector.pull("", TODAY)
        pages = iter(pull.pages)
        read = [next(pages)]
        while not read[-1].invoices:
            read.append(next(pages))
        first, last, rest = read[-1].invoices[0].id, put[-1].id, {one.id for one in put}
        rest -= {first, last}
        changed = [
            plausible(replace(one, status="paid"))
            if one.id == first
            else replace(one, residual=Decimal("5.00"))
            if one.id == last
            else one
            for one in put
        ]
        subject.put([*changed, invoice(str(self.many + 1))], self.clients)
        try:
            read += pages
        except RelanceError:
            return  # a pull that says that it broke off is begun again
        told = together(read, pull.full)
        assert sorted(one.id for one in told.invoices if one.id in rest) == sorted(rest), "each id once"
        known = Books().after(told).after(pulled(connector, told.cursor))
        assert known.owed == Books().after(pulled(subject.connect())).owed, "what changed meanwhile is told by the next"

    def test_the_clients_of_pulled_invoices_come_too(self, subject: Subject) -> None:
        subject.put([invoice("1", "1"), invoice("2", "2")], self.clients)
        found = {one.id: one for one in pulled(subject.connect()).clients}
        assert {"1", "2"} <= set(found)
        for one in self.clients:
            assert (found[one.id].name, found[one.id].email) == (one.name, one.email)

    def test_instalments_have_their_own_dates_and_residuals(self, subject: Subject) -> None:
        if not self.instalments:
            return
        days = date(2026, 10, 31), date(2026, 11, 30)
        put = [
            invoice(
                str(number), residual=str(residual), total="100.00", due=days[1],
                instalments=tuple(map(Instalment, days, (Decimal("60.00"), Decimal("40.00")), left)),
            )
            for number, left in enumerate([_euros(60, 40), _euros(20, 40), _euros(0, 40)], 1)
            for residual in [sum(left)]
        ]  # fmt: skip
        subject.put(put, self.clients)
        found = {one.id: one for one in pulled(subject.connect()).invoices}
        for one in put:
            told = found[one.id]
            assert told.residual == one.residual
            parts = [part for part in one.instalments if part.residual]
            assert [part for part in told.instalments if part.residual] == parts, f"what is owed of invoice {one.id}"
            assert sum(part.residual for part in told.instalments) == told.residual, "they sum up to the invoice's"

    def test_a_pull_from_the_cursor_of_an_unchanged_host_changes_nothing(self, subject: Subject) -> None:
        subject.put([invoice("1"), invoice("2", "2")], self.clients)
        connector = subject.connect()
        first = pulled(connector)
        if not first.cursor:
            return
        again = pulled(connector, first.cursor)
        assert not again.gone
        if again.full:
            assert {one.id for one in again.invoices} == {"1", "2"}
        else:
            by_id = {one.id: one for one in first.invoices}
            assert all(by_id[one.id] == one for one in again.invoices), "what comes again is what it was"
        assert again.cursor, "the cursor is given back"

    @pytest.mark.parametrize("change", CHANGES)
    def test_what_changed_is_told_from_a_cursor(self, subject: Subject, change: str) -> None:
        if change not in self.changes:
            return
        before, after, changed = CHANGES[change]
        beside = invoice("9", "2")
        others = {one.id: one for one in changed}
        clients = [others.get(one.id, one) for one in self.clients]
        subject.put([*before, beside], self.clients)
        connector = subject.connect()
        first = pulled(connector)
        known = Books().after(first)
        subject.put([*after, beside], clients)
        now = Books().after(pulled(subject.connect()))
        owed = {one.id: one for one in (*after, beside) if one.status in OWED}
        assert set(now.invoices) == set(owed)
        for id_, one in owed.items():
            for field in CARRIED:
                assert getattr(now.invoices[id_], field) == getattr(one, field), f"{field} of invoice {id_}"
        emails = {one.id: one.email for one in clients}
        for one in now.invoices.values():
            assert now.clients[one.client].email == emails[one.client]
        told = pulled(subject.connect(), first.cursor)
        then = known.after(told)
        assert then.owed == now.owed, f"{change} is told"
        assert then.after(pulled(connector, told.cursor)).owed == now.owed, "and nothing after it takes it back"

    # What was settled

    def test_past_tells_what_was_settled_and_when_where_the_host_knows(self, subject: Subject) -> None:
        put = [invoice("1", total="120.00", residual="120.00"), invoice("2", "2"), invoice("3")]
        subject.put(put, self.clients)
        since = date(2026, 10, 15)
        if not subject.connect().capabilities.settled:
            assert not list(subject.connect().past(since, TODAY)), "a host that does not know it tells nothing"
            return
        on = subject.settle(["1", "3"], date(2026, 11, 10))
        pages = list(subject.connect().past(since, TODAY))
        found = {one.id: one for page in pages for one in page.invoices}
        days = {id_: day for page in pages for id_, day in page.settled.items()}
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
        pulled(connector)
        subject.put(
            [plausible(replace(before[0], status="paid")), replace(before[1], residual=Decimal("5.00"))], self.clients
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
        pulled(connector)
        connector.close()
        connector.close()


def _euros(*amounts: int) -> tuple[Decimal, ...]:
    return tuple(Decimal(f"{amount}.00") for amount in amounts)
