"""The suite that every connector passes, over a real Tryton: once where Tryton sends, once where we do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from post_office import Letterbox
from tryton_live import PAGE, LiveTryton
from tryton_server import Tryton

from relance_addon.hosts.conformance import Conformance
from relance_addon.hosts.conformance.suite import CHANGES


class TestTryton(Conformance):
    statuses = ("draft", "open", "paid", "cancelled")
    currencies = ("EUR", "USD", "CHF")
    changes = tuple(set(CHANGES) - {"a payment taken back"})
    many = PAGE + 4

    @pytest.fixture(params=["tryton", "smtp"])
    def subject(
        self,
        request: pytest.FixtureRequest,
        tmp_path: Path,
        tryton: Tryton,
        letters: Letterbox,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Iterator[LiveTryton]:
        subject = LiveTryton(tmp_path, tryton, letters, request.param, monkeypatch)
        (robot,) = subject.books.admin.rows("res.user", ["groups"], ["login", "=", "robot"])
        yield subject
        subject.restore(robot["groups"])
