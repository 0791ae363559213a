"""The suite that every connector passes. A third party's whole test file is::

    class Shop(Subject):                        # how the suite reaches the host behind the connector
        connector, settings = MyHost, {"path": "books.sqlite3"}

        def put(self, invoices, clients): ...   # let the host hold exactly these
        def left(self, message): ...            # how many times did it leave?
        def cut(self): ...                      # be out of reach

    class TestMyHost(Conformance):
        host = Shop

What a host does not have, its test class says: see ``Suite``. What a subject may do besides: see ``Subject``.
Names of tests are sentences; each failing assertion says what is expected of a connector. Needs pytest.
"""

from pathlib import Path
from typing import ClassVar

import pytest

from relance_addon.hosts.conformance.failing import Failing
from relance_addon.hosts.conformance.posting import Posting
from relance_addon.hosts.conformance.pulling import Pulling
from relance_addon.hosts.conformance.subject import FAULTS as FAULTS
from relance_addon.hosts.conformance.subject import Arrived as Arrived
from relance_addon.hosts.conformance.subject import Fault as Fault
from relance_addon.hosts.conformance.subject import Subject as Subject
from relance_addon.hosts.conformance.suite import CHANGES as CHANGES
from relance_addon.hosts.conformance.suite import TODAY as TODAY


class Conformance(Pulling, Posting, Failing):
    """Every ``test_`` of it is run against ``subject``: a ``host`` in a folder of its own, or what overrides this."""

    host: ClassVar[type[Subject]]

    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        """A new host for each test."""
        return self.host(tmp_path)
