"""The shipped connectors that need no server, and the fake host, pass the suite that third parties are given."""

from __future__ import annotations

from pathlib import Path

import pytest
from subjects import FakeSubject, FilesSubject

from relance_addon.hosts.conformance import Conformance


class TestFakeHost(Conformance):
    @pytest.fixture(params=[False, True], ids=["full", "incremental"])
    def subject(self, request: pytest.FixtureRequest) -> FakeSubject:
        return FakeSubject(request.param)


class TestFiles(Conformance):
    many = 2200
    faults = frozenset({"refuse", "garble"})

    @pytest.fixture(params=[(",", "."), (";", ","), ("\t", ".")], ids=["commas", "semicolons", "tabs"])
    def subject(self, request: pytest.FixtureRequest, tmp_path: Path) -> FilesSubject:
        return FilesSubject(tmp_path, *request.param)
