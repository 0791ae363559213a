"""What is done beside everything else."""

from __future__ import annotations

from threading import Event

from relance_addon.connectors.odoo.aside import Aside
from relance_addon.core.errors import Refused


def test_it_is_not_waited_for_until_somebody_asks() -> None:
    aside, go, done = Aside(), Event(), list[int]()
    aside.begin(lambda: (go.wait(5), done.append(1)))
    assert not done
    go.set()
    aside.wait()
    assert done == [1]
    aside.wait()


def test_one_thing_at_a_time() -> None:
    aside, done = Aside(), list[int]()
    for number in range(3):
        aside.begin(lambda number=number: done.append(number))  # type: ignore[misc]  # mypy infers no default
    aside.wait()
    assert done == [0, 1, 2]


def test_what_went_wrong_is_told_once() -> None:
    aside = Aside()

    def fail() -> None:
        raise Refused("no rights")

    aside.begin(fail)
    aside.wait()
    (problem,) = aside.problems()
    assert "not noted on every invoice" in str(problem) and "no rights" in str(problem)
    assert aside.problems() == []


def test_nothing_that_goes_wrong_there_stops_anything() -> None:
    aside = Aside()

    def fail() -> None:
        raise ValueError("a strange answer")

    aside.begin(fail)
    aside.wait()
    assert len(aside.problems()) == 1
