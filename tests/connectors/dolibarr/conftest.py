"""See dolibarr_stage.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dolibarr_stage import PASSED, Stage, scenes, staged


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "stage" in metafunc.fixturenames:
        metafunc.parametrize("stage", scenes(metafunc.function.__name__), indirect=True)


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    yield from staged(request, tmp_path, monkeypatch)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    report = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    return report
