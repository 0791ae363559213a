"""The fake host does what it is told, wrongly where it is told to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from relance_addon.core.errors import Refused, Unreachable
from relance_addon.core.model import Problem
from relance_addon.hosts.fake import ALL, FakeHost, client, invoice, message
from relance_addon.hosts.port import Connector, DeliveryEvent

TODAY = date(2026, 11, 21)
GONE = Unreachable("no answer")


@pytest.fixture
def host() -> FakeHost:
    host = FakeHost()
    host.put(client("1"), client("2"), *(invoice(str(n), "12"[n % 2]) for n in range(1, 8)))
    host.page_size = 3
    return host


def pulled(host: FakeHost, cursor: str = "") -> list[str]:
    return [one.id for page in host.pull(cursor, TODAY).pages for one in page.invoices]


def test_it_is_a_connector() -> None:
    host: Connector = FakeHost()
    assert host.capabilities.send_mail


def test_it_records_what_it_was_asked(host: FakeHost) -> None:
    host.read(["1"], TODAY)
    host.locate("invoice", ["1"])
    assert [one.method for one in host.asked] == ["read", "locate"]
    assert host.calls("read") == [(("1",), TODAY)]


METHODS = ("pull", "read", "locate", "pdfs", "links", "post", "find", "events", "check", "fields")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("error", [GONE, Refused("no rights")])
def test_every_method_can_fail_once_or_until_mended(host: FakeHost, method: str, error: Exception) -> None:
    arguments: dict[str, tuple[object, ...]] = {
        "pull": ("", TODAY), "read": (["1"], TODAY), "locate": ("invoice", ["1"]),
        "check": (TODAY,), "fields": (TODAY,),
    }  # fmt: skip
    given = arguments.get(method, ([],))
    host.fail(method, error)
    with pytest.raises(type(error)):
        getattr(host, method)(*given)
    getattr(host, method)(*given)
    host.break_down(error, method)
    for _ in range(2):
        with pytest.raises(type(error)):
            getattr(host, method)(*given)
    host.mend()
    getattr(host, method)(*given)


def test_half_a_page_then_no_answer(host: FakeHost) -> None:
    host.fail("pull", GONE, after=4)
    pages = host.pull("", TODAY).pages
    assert [one.id for one in next(pages).invoices] == ["1", "2", "3"]
    assert [one.id for one in next(pages).invoices] == ["4"]
    with pytest.raises(Unreachable):
        next(pages)
    host.fail("pull", GONE, after=ALL)
    with pytest.raises(Unreachable):
        pulled(host)


def test_the_answer_is_lost_after_some_left(host: FakeHost) -> None:
    messages = [message(f"k{n}", host.invoices[str(n)]) for n in (1, 2, 3)]
    host.fail("post", GONE, after=2)
    with pytest.raises(Unreachable):
        host.post(messages)
    assert [one.key for one in host.posted] == ["k1", "k2"]
    host.fail("post", GONE, after=ALL)
    with pytest.raises(Unreachable):
        host.post(messages)
    assert [host.left(one.key) for one in messages] == [1, 1, 1]


def test_outcomes_by_key_and_by_invoice(host: FakeHost) -> None:
    host.answer("k1", "failed", "550")
    host.answer("2", "in_doubt", "timed out", left=True)
    host.answer("3", "queued")
    messages = [message(f"k{n}", host.invoices[str(n)]) for n in (1, 2, 3, 4)]
    assert [one.state for one in host.post(messages)] == ["failed", "in_doubt", "queued", "sent"]
    assert [host.left(one.key) for one in messages] == [0, 1, 1, 1]
    assert [host.find([one.mark])[one.key].presence for one in messages[:2]] == ["absent", "present"]
    assert [one.state for one in host.post(messages)] == ["sent"] * 4


def test_marks_can_be_said_to_be_anything(host: FakeHost) -> None:
    one = message("k1", host.invoices["1"])
    host.presence("k1", "unknown")
    host.post([one])
    assert host.find([one.mark])["k1"].presence == "unknown"
    host.capabilities = replace(host.capabilities, proves_absence=False, unique_marks=False)
    other = message("k2", host.invoices["2"])
    assert host.find([other.mark])["k2"].presence == "unknown"
    host.post([other, other])
    assert host.left("k2") == 2


def test_something_happens_before_a_call(host: FakeHost) -> None:
    host.before("read", lambda host: host.settle("1"))
    host.before("read", lambda host: host.remove("2"))
    pulled(host)
    page = host.read(["1", "2"], TODAY)
    assert [(one.id, one.status) for one in page.invoices] == [("1", "paid")]
    assert list(page.gone) == ["2"]
    ticks: list[int] = []
    host.before("page", lambda host: ticks.append(1), always=True)
    pulled(host)
    assert len(ticks) == 3


def test_pages_that_repeat(host: FakeHost) -> None:
    host.repeats = True
    assert pulled(host) == ["1", "2", "3", "3", "4", "5", "6", "6", "7", "7"]


def test_changes_since_a_cursor(host: FakeHost) -> None:
    cursor = list(host.pull("", TODAY).pages)[-1].cursor
    assert pulled(host, cursor) == []
    host.settle("1")
    assert "1" not in pulled(host, cursor)
    host.incremental = True
    host.remove("2")
    pull = host.pull(cursor, TODAY)
    pages = list(pull.pages)
    assert not pull.full
    assert [(one.id, one.status) for page in pages for one in page.invoices] == [("1", "paid")]
    assert [id_ for page in pages for id_ in page.gone] == ["2"]


def test_problems_events_and_documents(host: FakeHost) -> None:
    host.problems = [Problem("fake", "x", "y")]
    last = list(host.pull("", TODAY).pages)[-1]
    assert (list(last.problems), last.cursor) == (host.problems, "")
    one = message("k1", host.invoices["1"])
    event = DeliveryEvent(one.message_id, "opened", datetime(2026, 11, 21, tzinfo=UTC))
    host.delivery = [event, event, event._replace(message_id="<other>")]
    assert host.events([one.mark]) == [event, event]
    host.put(invoice("9", payment_link="https://pay.example/9"))
    assert host.links([host.invoices["9"], host.invoices["1"]]) == {"9": "https://pay.example/9"}
    host.close()
    assert host.closed
