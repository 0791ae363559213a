"""Faults: an error of the house for each, no message said to be sent that was not, or not sent that was; no secret."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from relance_addon.core.errors import Refused, RelanceError
from relance_addon.hosts.conformance.subject import FAULTS, Subject
from relance_addon.hosts.conformance.suite import LEFT, TODAY, Suite, error_of, outcomes, pulled
from relance_addon.hosts.fake import invoice, message
from relance_addon.hosts.port import Connector, Outgoing, Posted

_NONE = "nothing"


class Failing(Suite):
    """What a connector does when something goes wrong."""

    def test_a_host_out_of_reach_is_an_error_of_the_house(self, subject: Subject) -> None:
        subject.put([invoice("1")], self.clients)
        connector = subject.connect()
        subject.cut()
        _looking_fails(connector)

    def test_nothing_posted_to_a_host_out_of_reach_is_said_to_be_sent(self, subject: Subject) -> None:
        messages = self._messages(subject, 2)
        connector = subject.connect()
        subject.cut()
        _nothing_is_said_to_be_sent(outcomes(connector, messages))

    def test_whichever_answer_is_lost_nothing_that_left_is_said_not_to_have(self, subject: Subject) -> None:
        if "lose_answers" not in self.faults:
            return
        put = invoice("1")
        subject.put([put], self.clients)
        for after in range(self.calls):
            one = message(f"lost{after}", put)
            connector = subject.connect()
            connector.lanes(1)
            connector.read(["1"], TODAY)
            subject.lose_answers(after)
            (posted,) = outcomes(connector, [one])
            subject.mend()
            if not after:
                assert posted.state not in LEFT, "nothing is said to be sent to a host that says nothing"
            self._is_told_afterwards(subject, one, posted, f"after {after} answers: {posted}")
        assert posted.state in LEFT, "a message takes more calls than are said: raise them"

    def _is_told_afterwards(self, subject: Subject, one: Outgoing, posted: Posted, when: str) -> None:
        left, connector = subject.left(one), subject.connect()
        assert left <= 1, when
        if posted.state in LEFT:
            assert left == 1, f"what is said to be sent did leave, {when}"
        else:
            assert posted.error, f"why is said, {when}"
        assert not (left and posted.state == "failed"), f"'failed' is for what certainly did not leave, {when}"
        if left and connector.capabilities.find_marks:
            assert connector.find([one.mark])[one.key].presence == "present", f"it did leave, {when}"
        if not left:
            connector.release([one])
            assert connector.post([one])[0].state in LEFT, f"once released it is posted again, {when}"
        elif connector.capabilities.unique_marks:
            outcomes(connector, [one])
        assert subject.left(one) == 1 or (left and not connector.capabilities.unique_marks), f"it leaves once, {when}"

    def test_a_garbled_answer_is_an_error_and_says_nothing_of_a_message(self, subject: Subject) -> None:
        if "garble" not in self.faults:
            return
        one, never = self._messages(subject, 2)
        connector = subject.connect()
        connector.read(["1"], TODAY)
        subject.garble()
        _looking_fails(connector)
        posted = outcomes(connector, [one])
        if not subject.left(one):
            _nothing_is_said_to_be_sent(posted)
        found: dict[str, Any] = {}
        error = error_of(lambda: found.update(connector.find([never.mark])))
        assert error is None or isinstance(error, RelanceError), "HostError or InputError, never a library's own"
        assert not found or found[never.key].presence == "unknown", "a garbled answer says of no mark that it is absent"

    def test_a_missing_right_is_named_and_keeps_messages_from_leaving(self, subject: Subject) -> None:
        if "forbid" not in self.faults:
            return
        messages = self._messages(subject, 2)
        before = set(subject.connect().check(TODAY))
        connector = subject.connect()
        connector.read(["1"], TODAY)
        named = subject.forbid()
        for each in (connector, subject.connect()):
            for call in _looks(each):
                error = error_of(call)
                assert isinstance(error, Refused), "trying again does not help before someone gives the right"
                assert named in str(error) and "\n" not in str(error), f"which right, in one line: {error}"
            posted = each.post(messages)
            assert [one.state for one in posted] == ["failed"] * 2, "what is refused did certainly not leave"
            assert all(one.error for one in posted)
            new = set(each.check(TODAY)) - before
            assert [one for one in new if one.level != "ok"], "check says what is missing"
        assert [subject.left(one) for one in messages] == [0, 0]

    @pytest.mark.parametrize("fault", [_NONE, "cut", *sorted(FAULTS - {"refuse"})])
    def test_secrets_are_neither_shown_nor_logged(
        self, subject: Subject, caplog: pytest.LogCaptureFixture, fault: str
    ) -> None:
        if fault not in {_NONE, "cut", *self.faults}:
            return
        for name in (None, *logging.root.manager.loggerDict):
            caplog.set_level(logging.DEBUG, name)
        messages = self._messages(subject, 1)
        connector = subject.connect()
        pulled(connector)
        if fault == "lose_answers":
            subject.lose_answers(0)
        elif fault != _NONE:
            getattr(subject, fault)()
        told = []
        for each in (connector, subject.connect()):
            told += [_told(call) for call in _everything(each, messages)]
            told += [repr(each), str(vars(each)) if hasattr(each, "__dict__") else ""]
        told.append(caplog.text)
        for secret in subject.secrets:
            assert not [text for text in told if secret in text], "a secret is never shown"


def _looks(connector: Connector) -> list[Callable[[], Any]]:
    return [lambda: pulled(connector), lambda: connector.read(["1"], TODAY)]


def _everything(connector: Connector, messages: list[Outgoing]) -> list[Callable[[], Any]]:
    return [
        *_looks(connector),
        lambda: connector.post(messages),
        lambda: connector.find([one.mark for one in messages]),
        lambda: connector.check(TODAY),
        lambda: connector.fields(TODAY),
        lambda: connector.finish(),
    ]


def _looking_fails(connector: Connector) -> None:
    for call in _looks(connector):
        assert isinstance(error_of(call), RelanceError), "HostError or InputError, never a library's own"


def _nothing_is_said_to_be_sent(posted: list[Posted]) -> None:
    assert all(one.state in ("failed", "in_doubt") and one.error for one in posted), posted


def _told(call: Callable[[], Any]) -> str:
    """What a call answers, or its whole error, as ``--debug`` shows it."""
    try:
        return str(call())
    except RelanceError as error:
        return "".join(traceback.format_exception(error))
