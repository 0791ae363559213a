"""A connector on a real Odoo (``RELANCE_LIVE_ODOO=http://user:password@host:port/database``) or on recordings of some.

The password may be an API key, with which Odoo 19 is spoken to over JSON-2. The database is one for trials, with sales
of every kind: a test is skipped that finds nothing to work on there, and leaves invoices, mails and to-dos behind.
With ``RELANCE_RECORD_ODOO=1`` as well, what the live tests exchange replaces the recordings of that version, carrier
and kind of user, in ``recordings/odoo18-accountant`` and the like. An administrator comes first: what only he may add
is used by the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from odoo_stage import LIVE, RECORDING, Stage, live_settings, settings_of
from odoo_tape import RECORDINGS, Recorder, Replayer

from relance_addon.connectors.odoo.posting import may_send_mails
from relance_addon.connectors.odoo.transport import connect

_PASSED = pytest.StashKey[bool]()
# It looks like an API key, with which nobody logs in to Odoo's web pages: those are not on tape.
_UNUSED = "5ec2e7a91c0de5ec2e7a91c0de5ec2e7a91c0de5"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "stage" in metafunc.fixturenames:
        scene = _scene(metafunc.function.__name__)
        recorded = sorted(path.parent.name for path in RECORDINGS.glob(f"*/{scene}.json"))
        metafunc.parametrize(
            "stage", ["live"] if LIVE and RECORDING else ["live"] * bool(LIVE) + recorded, indirect=True
        )


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    (tmp_path / "unused").write_text(_UNUSED)
    scene = _scene(request.function.__name__)
    if request.param != "live":
        tape = Replayer(RECORDINGS / request.param / f"{scene}.json")
        yield Stage(tape, settings_of(user=tape.user), tmp_path, live=False)
        assert tape.finished() or not request.node.stash.get(_PASSED, False), "not every recorded call was made"
        return
    settings, password = live_settings(tmp_path)
    session = connect(settings, password, tmp_path)
    recorder = Recorder(session, settings.user)
    plain = settings_of(url=settings.url, database=settings.database, user=settings.user)
    yield Stage(recorder, plain, tmp_path, live=True)
    if RECORDING and request.node.stash.get(_PASSED, False):
        kind = "administrator" if may_send_mails(session) else "accountant"
        carrier = "-json2" if session.carrier == "json2" else ""
        recorder.write(RECORDINGS / f"odoo{session.version}-{kind}{carrier}" / f"{scene}.json", settings.url)


def _scene(test: str) -> str:
    return test.removeprefix("test_").replace("_", "-")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
    return report
