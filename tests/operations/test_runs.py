"""Runs over a host in memory: what is read again, claimed, posted and recorded, whatever goes wrong."""

from __future__ import annotations

from company import Company

from relance_addon.hosts.fake import client, invoice


def test_a_run_sends_what_is_due_and_records_it(fake: Company) -> None:
    fake.host.put(invoice("17"), client("1"))
    ran = fake("run acme")
    assert ran.states == {"17": "sent"}
    assert ran.json["id"] == 1
    assert fake.subjects() == ["Rappel FA-0017"]
    (entry,) = fake("log acme").items
    assert (entry["last_event"], entry["step"], entry["date"]) == ("sent", 1, "2026-11-21")
