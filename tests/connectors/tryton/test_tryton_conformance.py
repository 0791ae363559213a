"""The suite that every connector passes, over a real Tryton; what is posted, once more where we send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from post_office import Letterbox
from tryton_live import PAGE, LiveTryton
from tryton_server import Tryton

from relance_addon.hosts.conformance import Conformance
from relance_addon.hosts.conformance.failing import Failing
from relance_addon.hosts.conformance.posting import Posting
from relance_addon.hosts.conformance.suite import CHANGES, Suite


class OnTryton(Suite):
    statuses = ("draft", "open", "paid", "cancelled")
    currencies = ("EUR", "USD", "CHF")
    changes = tuple(set(CHANGES) - {"a payment taken back"})
    many = PAGE + 4


@pytest.fixture
def sending(
    tmp_path: Path, tryton: Tryton, letters: Letterbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], LiveTryton]]:
    """A subject, by who sends; the robot has its rights again afterwards."""
    subjects: list[LiveTryton] = []

    def subject(mail: str) -> LiveTryton:
        subjects.append(LiveTryton(tmp_path, tryton, letters, mail, monkeypatch))
        return subjects[0]

    yield subject
    for one in subjects:
        one.allow()


class TestTrytonSending(OnTryton, Conformance):
    @pytest.fixture
    def subject(self, sending: Callable[[str], LiveTryton]) -> LiveTryton:
        return sending("tryton")


class TestSendingOurselves(OnTryton, Posting, Failing):
    @pytest.fixture
    def subject(self, sending: Callable[[str], LiveTryton]) -> LiveTryton:
        return sending("smtp")
