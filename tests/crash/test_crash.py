"""Twenty kills, and runs at once; more of them by ``python -m tests.crash``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from .folder import FIRST, HOST, INVOICES, STEPS, Folder, numbered
from .killing import trials


def test_killed_at_any_moment_nothing_leaves_twice_and_nothing_is_lost(tmp_path: Path) -> None:
    met = list(trials(20, seed=3, under=tmp_path))
    assert len(met) == 20
    assert any(one.killed for one in met)


def test_a_saved_simulation_killed_and_run_again_sends_all_it_has_once(tmp_path: Path) -> None:
    met = list(trials(6, seed=5, under=tmp_path, saved=True))
    assert any(one.killed for one in met)


@pytest.mark.parametrize("at_once", [2, 8])
def test_runs_at_once_send_once_and_the_others_say_so(tmp_path: Path, at_once: int) -> None:
    folder = Folder(tmp_path / "folder")
    busy = 0
    for step in range(1, STEPS + 1):
        day = (FIRST + timedelta(days=step - 1)).isoformat()
        runs = [folder.start("run", HOST, "--date", day) for _ in range(at_once)]
        ended = [run.done() for run in runs]
        assert {one.status for one in ended} <= {0, 4}, [one.errors for one in ended]
        assert any(one.status == 0 for one in ended)
        for one in ended:
            assert (one.status == 4) == (f"another run of {HOST} is in progress" in one.errors)
        busy += sum(one.status == 4 for one in ended)
        left = folder.left()
        assert set(left.values()) == {1}
        assert set(left) == {
            (numbered(number), past) for number in range(1, INVOICES + 1) for past in range(1, step + 1)
        }
        folder.check_mails_are_whole()
        if busy and step > 1:
            break
    assert busy
