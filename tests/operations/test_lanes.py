"""Batches that are posted at the same time, where the host takes them: what is on its way, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Event, Lock
from typing import Any

import pytest
from company import Company

from relance_addon.core.errors import Unreachable
from relance_addon.core.outgoing import Outgoing, Posted
from relance_addon.hosts.fake import client, invoice
from relance_addon.hosts.port import BATCH

SECONDS = 20
"""How long a lane waits for what never comes, in a test that fails."""


@pytest.fixture
def wide(fake: Company) -> Company:
    """A host with two lanes, and 85 clients who are to be reminded."""
    fake.host.lane_count = 2
    for number in map(str, range(100, 185)):
        fake.host.put(invoice(number, client=number), client(number))
    return fake


def around(wide: Company, monkeypatch: pytest.MonkeyPatch, before: Any) -> None:
    """Call ``before`` with the number of each post, from 0, in its lane, before anything leaves."""
    post, lock, count = wide.host.post, Lock(), iter(range(1000))

    def watched(messages: Sequence[Outgoing]) -> list[Posted]:
        before(next(count))
        with lock:
            return post(messages)

    monkeypatch.setattr(wide.host, "post", watched)


def test_two_batches_are_posted_at_the_same_time(wide: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    second = Event()

    def meet(number: int) -> None:
        if number == 0:
            assert second.wait(SECONDS), "the first one was waited for"
        second.set()

    around(wide, monkeypatch, meet)
    ran = wide("run acme")
    assert set(ran.states.values()) == {"sent"}
    assert sorted(len(messages) for (messages,) in wide.host.calls("post")) == [5, 20, 20, 20, 20]


def test_what_was_read_and_has_not_left_is_never_more_than_two_batches(
    wide: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, post, lock = wide.host.read, wide.host.post, Lock()
    going, most = set[str](), [0]

    def reading(ids: Sequence[str], today: Any) -> Any:
        with lock:
            going.update(ids)
            most[0] = max(most[0], len(going))
        return read(ids, today)

    def posting(messages: Sequence[Outgoing]) -> list[Posted]:
        with lock:
            outcomes = post(messages)
            going.difference_update(key for message in messages for key in message.invoices)
            return outcomes

    monkeypatch.setattr(wide.host, "read", reading)
    monkeypatch.setattr(wide.host, "post", posting)
    wide("run acme")
    assert len(wide.host.posted) == 85
    assert BATCH <= most[0] <= 2 * BATCH


def test_results_stand_in_the_order_of_the_simulation_whichever_batch_ends_first(
    wide: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = Event()

    def late(number: int) -> None:
        if number == 0:
            assert done.wait(SECONDS)
        elif number == 2:
            done.set()

    around(wide, monkeypatch, late)
    simulated = wide("simulate acme").json["messages"]
    ran = wide("run acme").json["messages"]
    assert [one["invoices"] for one in ran] == [one["invoices"] for one in simulated]
    assert [one["message"] for one in ran] == list(range(1, 86))


def test_what_is_on_its_way_is_recorded_when_the_host_goes_away(wide: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = iter(range(1000))
    read = wide.host.read

    def twice(ids: Sequence[str], today: Any) -> Any:
        if next(reads) == 2:
            raise Unreachable("no answer in time")
        return read(ids, today)

    monkeypatch.setattr(wide.host, "read", twice)
    ran = wide("run acme", status=3, form="json")
    assert len(wide.host.posted) == 40
    assert {one["last_event"] for one in wide("log acme").items} == {"sent"}
    assert "no answer in time" in ran.err
    monkeypatch.setattr(wide.host, "read", read)
    assert set(wide("run acme").states.values()) == {"sent"}
    assert len({message.key for message in wide.host.posted}) == len(wide.host.posted) == 85


def test_a_call_that_goes_wrong_as_a_whole_says_nothing_of_the_other_lane(wide: Company) -> None:
    wide.host.capabilities = replace(wide.host.capabilities, proves_absence=False)
    wide.host.fail("post", Unreachable("cut off"))
    ran = wide("run acme", status=1)
    states = [one["state"] for one in ran.json["messages"]]
    assert (states.count("in_doubt"), states.count("sent")) == (20, 65)
