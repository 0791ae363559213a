"""Posting: one outcome for each message, a mark with it, and everything that a message has arrives."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final

from relance_addon.core.model import Channel
from relance_addon.hosts.conformance.subject import Subject
from relance_addon.hosts.conformance.suite import LEFT, TODAY, Suite, letter, outcomes
from relance_addon.hosts.fake import client, invoice, message
from relance_addon.hosts.port import BATCH, Connector, Document, Outgoing

_SECONDS: Final = 60
"""How long one thread waits for another that never comes, in a test that fails."""
_FILES: Final = (
    Document("FA-0001.pdf", "application/pdf", b"%PDF-1.7 of FA-0001"),
    Document("Relevé n° 2.pdf", "application/pdf", b"%PDF-1.7 of a statement"),
)


class Posting(Suite):
    """What a connector takes."""

    def test_a_batch_has_one_outcome_per_message_in_order(self, subject: Subject) -> None:
        messages = self._messages(subject, BATCH)
        connector = subject.connect()
        posted = connector.post(messages)
        assert [one.key for one in posted] == [one.key for one in messages]
        assert {one.state for one in posted} <= {"sent", "queued"}, posted
        assert [subject.left(one) for one in messages] == [1] * BATCH
        assert list(connector.post([])) == []

    def test_a_message_that_is_refused_takes_no_other_with_it(self, subject: Subject) -> None:
        if "refuse" not in self.faults:
            return
        first, second, third = self._messages(subject, 3)
        second = subject.refuse(second)
        posted = subject.connect().post([first, second, third])
        assert [one.key for one in posted] == [first.key, second.key, third.key]
        assert posted[1].state == "failed" and posted[1].error, "it failed for certain, and why is said"
        assert {posted[0].state, posted[2].state} <= set(LEFT), "the others get theirs"
        assert [subject.left(one) for one in (first, second, third)] == [1, 0, 1], "nothing of it left"

    def test_a_message_of_several_invoices_stands_on_each_of_them(self, subject: Subject) -> None:
        put = [invoice("1"), invoice("2"), invoice("3")]
        subject.put(put, self.clients)
        connector = subject.connect()
        channels: Sequence[Channel] = ("mail", "activity") if connector.capabilities.activities else ("mail",)
        for channel in channels:
            one = letter(f"several-{channel}", *put[:2], channel=channel)
            (posted,) = connector.post([one])
            assert posted.state in LEFT, posted
            assert not connector.finish(), "everything was noted"
            assert subject.left(one) == 1, "it is one message"
            assert subject.arrived(one).invoices in (None, {"1", "2"}), "on each of its invoices and on no other"
            if connector.capabilities.find_marks:
                assert subject.connect().find([one.mark])[one.key].presence == "present"

    def test_copies_and_files_arrive_and_blind_copies_are_shown_to_nobody(self, subject: Subject) -> None:
        people = [*self.clients, client("3")]
        to, copied, blind = people[0].email, people[1].email, people[2].email
        put = invoice("1")
        subject.put([put], people)
        connector = subject.connect()
        one = letter("open", put, cc=[copied], files=_FILES)
        hidden = letter("blind", put, bcc=[blind])
        posted, second = connector.post([one, hidden])
        assert posted.state in LEFT, posted
        came = subject.arrived(one)
        assert came.people is None or sorted(came.people) == sorted([to, copied]), "each of them once, and nobody else"
        files = {file.name: file.content for file in _FILES}
        assert came.files is None or dict(came.files) == files, "the files as they are"
        if second.state == "failed":
            assert second.error and not subject.left(hidden), "a host that cannot hide a copy refuses it"
            return
        assert second.state in LEFT, second
        came = subject.arrived(hidden)
        assert came.people is None or sorted(came.people) == sorted([to, blind]), "a blind copy is a copy"
        assert came.shown is None or blind not in came.shown, "and is shown to nobody"

    # Marks

    def test_a_mark_is_found_again_by_another_process(self, subject: Subject) -> None:
        sent, never = self._messages(subject, 2)
        if not subject.connect().capabilities.find_marks:
            return
        subject.connect().post([sent])
        found = subject.connect().find([sent.mark, never.mark])
        assert found[sent.key].presence == "present", "it is found"
        assert never.key not in found or found[never.key].presence != "present"

    def test_the_same_key_twice_leaves_one_mark_where_marks_are_unique(self, subject: Subject) -> None:
        (one,) = self._messages(subject, 1)
        if not subject.connect().capabilities.unique_marks:
            return
        subject.connect().post([one])
        (again,) = subject.connect().post([one])
        assert again.state in ("sent", "queued", "in_doubt"), "it did leave, so it never is 'failed'"
        assert subject.left(one) == 1

    def test_the_same_key_twice_at_the_same_moment_leaves_once_where_marks_are_unique(self, subject: Subject) -> None:
        first, one = self._messages(subject, 2)
        pair = [subject.connect() for _ in range(2)]
        for connector in pair:
            outcomes(connector, [first])  # some hosts show only then whether marks are unique
        if not all(connector.capabilities.unique_marks for connector in pair):
            return
        barrier = Barrier(2, timeout=_SECONDS)

        def post(connector: Connector) -> list[str]:
            barrier.wait()
            return [posted.state for message in both for posted in outcomes(connector, [message])]

        to_do = message("activity2", invoice("2"), "activity")
        both = [one, to_do] if pair[0].capabilities.activities else [one]
        with ThreadPoolExecutor(2) as pool:
            states = [state for some in pool.map(post, pair) for state in some]
        assert [subject.left(each) for each in both] == [1] * len(both), "one of them leaves it"
        assert "failed" not in states, "it did leave, whoever left it"

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

    # Lanes

    def test_lanes_are_posted_to_at_the_same_time(self, subject: Subject) -> None:
        messages = self._messages(subject, 6)
        connector = subject.connect()
        lanes = connector.lanes(2)
        assert lanes in (1, 2), "as many as it can take of those that are wanted"
        if lanes == 1:
            return
        barrier = Barrier(3, timeout=_SECONDS)

        def post(some: Sequence[Outgoing]) -> list[tuple[str, bool]]:
            barrier.wait()
            return [(one.key, one.state in LEFT) for one in connector.post(some)]

        with ThreadPoolExecutor(2) as pool:
            halves = [pool.submit(post, some) for some in (messages[:3], messages[3:])]
            barrier.wait()
            page = connector.read(["1", "2"], TODAY)
            told = [one for half in halves for one in half.result()]
        assert told == [(one.key, True) for one in messages], "each lane has the outcomes of its own messages"
        assert [subject.left(one) for one in messages] == [1] * len(messages)
        assert {one.id for one in page.invoices} == {"1", "2"}, "other methods are called meanwhile"
