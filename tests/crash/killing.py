"""Kill a run at some moment, run again, and look at what left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from signal import SIGKILL
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from .folder import FIRST, HOST, INVOICES, STEPS, Folder, numbered


class Trial(NamedTuple):
    """One kill: when, whether the run was still going, what had left by then, and how many messages were in doubt."""

    delay: float
    killed: bool
    before: int
    doubts: int


def trials(count: int, seed: int, under: Path | None = None, saved: bool = False) -> Iterator[Trial]:
    """Kill ``count`` runs, as many days of a folder as it has steps, then another folder. Raises AssertionError.

    With ``saved``, each run is one of a simulation that was saved that day.
    """
    random = Random(seed)
    length = 0.0
    while count > 0:
        with TemporaryDirectory(dir=under) as temporary:
            folder = Folder(Path(temporary) / "folder")
            if not length:
                length = _length(Path(temporary) / "other")
            mailer = random.random() < 0.4
            for step in range(1, min(STEPS, count) + 1):
                yield _trial(folder, step, random, length, mailer, saved)
                count -= 1


def _length(path: Path) -> float:
    """Seconds that an undisturbed run takes."""
    folder = Folder(path)
    folder.done("sync", HOST, "--date", FIRST.isoformat())
    start = perf_counter()
    folder.done("run", HOST, "--date", FIRST.isoformat())
    return perf_counter() - start


def _trial(folder: Folder, step: int, random: Random, length: float, mailer: bool, saved: bool) -> Trial:
    day = (FIRST + timedelta(days=step - 1)).isoformat()
    options = ("--date", day, *(("--simulation", folder.saved(day)) if saved else ()))
    killed = False
    for _ in range(2 if random.random() < 0.2 else 1):
        # half of them over the whole run, half towards its end, where messages leave
        delay = length * (random.uniform(0, 1.05) if random.random() < 0.5 else random.uniform(0.4, 1.0))
        killed = _kill(folder, options, delay) or killed
    before = sum(times for (_, one), times in folder.left().items() if one == step)
    if mailer:
        folder.empty_the_outbox()
    ran = folder.done("run", HOST, *options, allowed=(0, 1, 2) if saved else (0, 1))
    over = ran.status == 2 and "was run already" in ran.errors
    if mailer:
        folder.empty_the_outbox()
    doubts = folder.items("doubt", HOST)
    _check(folder, step, {number for one in doubts for number in one["numbers"]})
    assert over or ran.status == bool(doubts), f"status {ran.status} with {len(doubts)} in doubt\n{ran.errors}"
    assert over or all(number in ran.errors for one in doubts for number in one["numbers"]), ran.errors
    _settle(folder, step, doubts, day)
    if mailer:
        folder.empty_the_outbox()
    _check(folder, step, set())
    if step == STEPS:
        again = folder.left()
        folder.done("run", HOST, "--date", day)
        assert folder.left() == again, "a second run sent something"
    return Trial(delay, killed, before, len(doubts))


def _kill(folder: Folder, options: Sequence[str], delay: float) -> bool:
    run = folder.start("run", HOST, *options)
    if not run.wait(delay):
        run.kill()
    done = run.done()
    assert done.status in (0, 1, -SIGKILL) or "was run already" in done.errors, done.errors
    return done.status == -SIGKILL


def _settle(folder: Folder, step: int, doubts: list[dict[str, object]], day: str) -> None:
    """What a person does about messages in doubt: look whether each left, and say so, or send it again."""
    left = folder.left()
    for one in doubts:
        numbers: list[str] = one["numbers"]  # type: ignore[assignment]
        seen = {left[number, step] for number in numbers}
        assert seen <= {0, 1} and len(seen) == 1, f"{numbers}: left {seen} times"
        folder.done("doubt", HOST, "--date", day, "--sent" if seen == {1} else "--resend", str(one["key"]))


def _check(folder: Folder, step: int, doubted: set[str]) -> None:
    """Every reminder up to this step left once; those in doubt once at most; no mail is half written."""
    left: Counter[tuple[str, int]] = folder.left()
    for number in map(numbered, range(1, INVOICES + 1)):
        for one in range(1, step + 1):
            times = left.pop((number, one), 0)
            allowed = (0, 1) if one == step and number in doubted else (1,)
            assert times in allowed, f"{number}: step {one} left {times} times; in doubt: {sorted(doubted)}"
    assert not left, f"left too early: {left}"
    folder.check_mails_are_whole()
    if not doubted and folder.outbox.is_dir():
        assert not [path.name for path in folder.outbox.iterdir() if path.name.startswith(".")]
