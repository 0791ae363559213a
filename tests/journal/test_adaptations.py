"""What was changed of a plan by hand comes back as it was kept."""

from __future__ import annotations

from datetime import date

import pytest

from relance_addon.core.model import Adaptation, HandDate, StepChange
from relance_addon.core.schedule import NOTHING

DAY = date(2026, 11, 21)
KEPT = [
    Adaptation("standard", 2),
    Adaptation("none", restart=3),
    Adaptation(dropped=frozenset({"Rappel", "Étape « 2 »"}), instalment=2),
    Adaptation(changes={"a": StepChange(HandDate(DAY)), "b": StepChange(HandDate(DAY, date(2026, 11, 1)))}),
    Adaptation(changes={"a": StepChange(None, "manager", ("client", "Ann <a@x.example>"), (), ("b@x.example",))}),
    Adaptation(changes={"a": StepChange(cc=())}),
]


def adaptations() -> dict[str, Adaptation]:
    from relance_addon.journal.history import history

    return dict(history("acme", DAY).adaptations)


@pytest.mark.parametrize("plan", KEPT)
def test_an_adaptation_comes_back_as_it_was(plan: Adaptation, journal: str) -> None:
    from relance_addon.journal import plans

    before = Adaptation("before", 1, dropped=frozenset({"x"}), changes={"y": StepChange(cc=())})
    assert plans.save("acme", "16", Adaptation("other", 1), NOTHING)
    assert plans.save("other", "17", Adaptation("other", 1), NOTHING)
    assert plans.save("acme", "17", before, NOTHING)
    assert plans.save("acme", "17", plan, before)
    assert adaptations() == {"16": Adaptation("other", 1), "17": plan}


def test_one_that_says_nothing_leaves_nothing(journal: str) -> None:
    from relance_addon.journal import plans

    plans.save("acme", "17", Adaptation("standard", 2), NOTHING)
    plans.save("acme", "17", Adaptation(instalment=1), Adaptation("standard", 2))
    assert adaptations() == {}


@pytest.mark.parametrize("now", [Adaptation("standard", 2), Adaptation(restart=1), NOTHING])
def test_one_that_was_made_from_something_else_is_not_kept(now: Adaptation, journal: str) -> None:
    from relance_addon.journal import plans

    plans.save("acme", "17", now, NOTHING)
    assert not plans.save("acme", "17", Adaptation("standard", 3), Adaptation("standard", 1))
    assert adaptations() == ({} if now == NOTHING else {"17": now})
