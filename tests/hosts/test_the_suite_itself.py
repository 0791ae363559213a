"""The conformance suite tells a faulty host: one for each thing that it looks at."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from threading import Barrier
from typing import Any

import pytest
from subjects import FakeSubject

from relance_addon.core.errors import Refused, Unreachable
from relance_addon.core.model import OWED, Invoice
from relance_addon.core.outgoing import Outgoing, Posted
from relance_addon.hosts.conformance import Conformance
from relance_addon.hosts.conformance.suite import CHANGES
from relance_addon.hosts.fake import FakeHost
from relance_addon.hosts.port import Page, Pull

SECRET = "s3cret-of-the-host"
Spoil = Callable[[FakeSubject], object]


class Liar(FakeHost):
    """It tells its invoices as ``tells`` has them."""

    def __init__(self, tells: Callable[[Invoice], Invoice]) -> None:
        super().__init__()
        self.tells = tells

    def _pages(self, *told: Any) -> Iterator[Page]:
        for page in super()._pages(*told):
            yield page._replace(invoices=[self.tells(one) for one in page.invoices])

    def read(self, invoices: Sequence[str], today: date) -> Page:
        page = super().read(invoices, today)
        return page._replace(invoices=[self.tells(one) for one in page.invoices])


class Shifting(FakeHost):
    """Its pages are counted anew each time: what is paid meanwhile moves the others up."""

    def pull(self, cursor: str, today: date) -> Pull:
        return Pull(self._counted(), full=True)

    def _counted(self) -> Iterator[Page]:
        start = 0
        while page := [one for one in self.invoices.values() if one.status in OWED][start : start + self.page_size]:
            yield Page(page, list(self.clients.values()))
            start += self.page_size
        yield Page(cursor="none")


class Hasty(FakeHost):
    """Its cursor is that of the end of a pull, not of its beginning."""

    def _pages(self, *told: Any) -> Iterator[Page]:
        for page in super()._pages(*told):
            yield page._replace(cursor=page.cursor and str(self._revision))


class Blind(FakeHost):
    """It says that nothing changed since a cursor."""

    def pull(self, cursor: str, today: date) -> Pull:
        return Pull(iter([Page(cursor=cursor)]), False) if cursor else super().pull(cursor, today)


class Twice(FakeHost):
    """It says that marks are unique, and they are not."""

    def post(self, messages: Sequence[Outgoing]) -> list[Posted]:
        said, self.capabilities = self.capabilities, replace(self.capabilities, unique_marks=False)
        try:
            return super().post(messages)
        finally:
            self.capabilities = said


class Mixing(FakeHost):
    """What it posts, all of its lanes share."""

    def __init__(self) -> None:
        super().__init__()
        self.barrier = Barrier(2, timeout=60)

    def post(self, messages: Sequence[Outgoing]) -> list[Posted]:
        self.shared = messages
        self.barrier.wait()
        return super().post(self.shared)


def telling(tells: Callable[[Invoice], Invoice]) -> FakeSubject:
    return FakeSubject(host=Liar(tells))


def spoiled(spoil: Spoil) -> FakeSubject:
    subject = FakeSubject()
    spoil(subject)
    return subject


def arriving(**less: Any) -> FakeSubject:
    """What came of a message is that, but for ``less``."""
    subject = FakeSubject()
    arrived = subject.arrived
    subject.arrived = lambda message: arrived(message)._replace(**less)  # type: ignore[method-assign]
    return subject


def on(method: str, spoil: Spoil, answer: object = None) -> FakeSubject:
    """What the suite asks of the subject with ``method`` comes out so instead."""
    subject = FakeSubject()

    def instead(*given: object) -> object:
        spoil(subject)
        return answer if answer is not None else given[0] if given else None

    setattr(subject, method, instead)
    return subject


def without_rights(text: str = "the user may not see invoices", check: bool = True) -> Spoil:
    def spoil(subject: FakeSubject) -> None:
        FakeSubject.forbid(subject)
        subject.host.break_down(Refused(text), "pull", "read")
        if not check:
            del subject.host.findings[-1]

    return spoil


def told(subject: FakeSubject, state: Any, left: bool | None = None, error: str = "") -> None:
    """What the host says of the next message about invoice 1, or about the next ones."""
    for _ in range(2):
        subject.host.answer("1", state, error, left=left)


LOST = "test_whichever_answer_is_lost_nothing_that_left_is_said_not_to_have"
GARBLED = "test_a_garbled_answer_is_an_error_and_says_nothing_of_a_message"
FORBIDDEN = "test_a_missing_right_is_named_and_keeps_messages_from_leaving"
COPIES = "test_copies_and_files_arrive_and_blind_copies_are_shown_to_nobody"
REFUSED = "test_a_message_that_is_refused_takes_no_other_with_it"
LOOKING = ("pull", "read")

FAULTY: dict[str, tuple[Callable[[], FakeSubject], str, str]] = {
    "loses an invoice": (
        lambda: spoiled(lambda subject: subject.host.before("page", lambda host: host.remove("7"))),
        "test_every_invoice_comes_once_over_all_pages",
        "each id once",
    ),
    "repeats an invoice": (
        lambda: spoiled(lambda subject: setattr(subject.host, "repeats", True)),
        "test_every_invoice_comes_once_over_all_pages",
        "each id once",
    ),
    "has one page only": (
        lambda: spoiled(lambda subject: setattr(subject.host, "page_size", 1000)),
        "test_every_invoice_comes_once_over_all_pages",
        "many are more than a page",
    ),
    "loses what moves up a page": (
        lambda: FakeSubject(host=Shifting()),
        "test_nothing_is_lost_when_the_books_change_between_two_pages",
        "each id once",
    ),
    "overlooks what changes while it is read": (
        lambda: FakeSubject(incremental=True, host=Hasty()),
        "test_nothing_is_lost_when_the_books_change_between_two_pages",
        "what changed meanwhile is told by the next",
    ),
    "tells what is disputed as open": (
        lambda: telling(lambda one: replace(one, status="open") if one.status == "disputed" else one),
        "test_a_first_pull_gives_what_is_owed_and_nothing_else",
        "each with its status",
    ),
    "reads what was written off as open": (
        lambda: telling(lambda one: replace(one, status="open") if one.status == "written_off" else one),
        "test_what_is_read_again_has_its_status",
        "whatever became of it",
    ),
    "tells all amounts in one currency": (
        lambda: telling(lambda one: replace(one, currency="EUR")),
        "test_each_invoice_is_told_in_its_own_currency",
        "not in the company's",
    ),
    "tells instalments as they were before a payment": (
        lambda: telling(
            lambda one: replace(one, instalments=tuple(replace(part, residual=part.amount) for part in one.instalments))
        ),
        "test_instalments_have_their_own_dates_and_residuals",
        "what is owed of invoice 2",
    ),
    "lets a refused message take the others with it": (
        lambda: on("refuse", lambda subject: setattr(subject.host, "refusal", "550 no such user")),
        REFUSED,
        "the others get theirs",
    ),
    "says sent of what was refused": (lambda: on("refuse", lambda subject: None), REFUSED, "it failed for certain"),
    "sends what it says it refused": (
        lambda: on("refuse", lambda subject: subject.host.answer("key2", "failed", "550", left=True)),
        REFUSED,
        "nothing of it left",
    ),
    "puts a message on its first invoice alone": (
        lambda: arriving(invoices={"1"}),
        "test_a_message_of_several_invoices_stands_on_each_of_them",
        "on each of its invoices",
    ),
    "drops the copies": (lambda: arriving(people=["client1@client.example"]), COPIES, "each of them once"),
    "drops the files": (lambda: arriving(files={}), COPIES, "the files as they are"),
    "shows who has a blind copy": (lambda: arriving(shown={"client3@client.example"}), COPIES, "shown to nobody"),
    "forgets its marks": (
        lambda: spoiled(lambda subject: subject.host.presence("key1", "absent")),
        "test_a_mark_is_found_again_by_another_process",
        "it is found",
    ),
    "fails at what it posted already": (
        lambda: spoiled(lambda subject: told(subject, "failed", left=True, error="no")),
        "test_the_same_key_twice_leaves_one_mark_where_marks_are_unique",
        "never is 'failed'",
    ),
    "posts the same message twice at the same moment": (
        lambda: FakeSubject(host=Twice()),
        "test_the_same_key_twice_at_the_same_moment_leaves_once_where_marks_are_unique",
        "one of them leaves it",
    ),
    "mixes up its lanes": (
        lambda: FakeSubject(host=Mixing()),
        "test_lanes_are_posted_to_at_the_same_time",
        "the outcomes of its own messages",
    ),
    "says sent of what it never heard of": (
        lambda: on("lose_answers", lambda subject: told(subject, "sent", left=False)),
        LOST,
        "nothing is said to be sent to a host that says nothing",
    ),
    "says failed of what left without an answer": (
        lambda: on("lose_answers", lambda subject: told(subject, "failed", left=True, error="no answer in time")),
        LOST,
        "'failed' is for what certainly did not leave",
    ),
    "does not find what left without an answer": (
        lambda: spoiled(lambda subject: subject.host.presence("lost0", "absent")),
        LOST,
        "it did leave",
    ),
    "posts again what left without an answer": (lambda: FakeSubject(host=Twice()), LOST, "it leaves once"),
    "takes nothing that was released": (
        lambda: on(
            "mend", lambda subject: (subject.host.mend(), setattr(subject.host, "refusal", "it is there already"))
        ),
        LOST,
        "once released it is posted again",
    ),
    "takes a garbled answer for nothing at all": (
        lambda: on("garble", lambda subject: subject.host.invoices.clear()),
        GARBLED,
        "never a library's own",
    ),
    "lets a library's own error through": (
        lambda: on("garble", lambda subject: subject.host.break_down(ValueError("no JSON"))),
        GARBLED,
        "never a library's own",
    ),
    "takes a garbled answer for a message sent": (
        lambda: on(
            "garble",
            lambda subject: (subject.host.break_down(Unreachable("half"), *LOOKING), told(subject, "sent", left=False)),
        ),
        GARBLED,
        "state='sent'",
    ),
    "takes a garbled answer for the absence of a mark": (
        lambda: on("garble", lambda subject: subject.host.break_down(Unreachable("half"), *LOOKING, "post")),
        GARBLED,
        "says of no mark that it is absent",
    ),
    "shows nothing to those who may see nothing": (
        lambda: on("forbid", lambda subject: subject.host.invoices.clear(), "invoices"),
        FORBIDDEN,
        "trying again does not help",
    ),
    "does not say which right is missing": (
        lambda: on("forbid", without_rights("not allowed"), "invoices"),
        FORBIDDEN,
        "which right, in one line: not allowed",
    ),
    "has no word about a missing right in its check": (
        lambda: on("forbid", without_rights(check=False), "invoices"),
        FORBIDDEN,
        "check says what is missing",
    ),
    "is in doubt about what was refused for want of a right": (
        lambda: on(
            "forbid",
            lambda subject: (
                without_rights()(subject),
                setattr(subject.host, "refusal", ""),
                told(subject, "in_doubt"),
            ),
            "invoices",
        ),
        FORBIDDEN,
        "did certainly not leave",
    ),
}


@pytest.mark.parametrize("what", FAULTY)
def test_the_suite_tells_a_host_that(what: str) -> None:
    faulty, test, expected = FAULTY[what]
    with pytest.raises(AssertionError, match=re.escape(expected)):
        getattr(Conformance(), test)(faulty())


@pytest.mark.parametrize("change", CHANGES)
def test_the_suite_tells_a_host_that_overlooks(change: str) -> None:
    with pytest.raises(AssertionError, match=f"{change} is told"):
        Conformance().test_what_changed_is_told_from_a_cursor(FakeSubject(host=Blind()), change)


LIBRARY = logging.getLogger("library.of.a.host")
SHOWING: dict[str, tuple[str, Spoil]] = {
    "an error": ("cut", lambda subject: subject.host.break_down(Unreachable(f"?key={SECRET}"))),
    "the cause of an error": ("cut", lambda subject: subject.host.break_down(_caused(ValueError(SECRET)))),
    "the outcome of a message": ("nothing", lambda subject: told(subject, "failed", error=f"401 {SECRET}")),
    "what a library logs": ("nothing", lambda subject: subject.host.before("read", lambda _: LIBRARY.debug(SECRET))),
    "a setting": ("nothing", lambda subject: setattr(subject.host, "settings", {"key": SECRET})),
}


@pytest.mark.parametrize("where", SHOWING)
def test_the_suite_tells_a_host_that_shows_a_secret_in(where: str, caplog: pytest.LogCaptureFixture) -> None:
    fault, spoil = SHOWING[where]
    subject = spoiled(lambda subject: None)
    subject.secrets = (SECRET,)
    LIBRARY.setLevel(logging.WARNING)
    if fault == "nothing":
        spoil(subject)
    else:
        subject.cut = lambda: spoil(subject)  # type: ignore[method-assign,assignment,return-value]
    with pytest.raises(AssertionError, match="a secret is never shown"):
        Conformance().test_secrets_are_neither_shown_nor_logged(subject, caplog, fault)


def _caused(cause: Exception) -> Exception:
    error = Unreachable("no answer")
    error.__cause__ = cause
    return error
