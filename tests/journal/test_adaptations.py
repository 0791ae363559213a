"""What was changed of a plan by hand comes back as it was kept."""

from __future__ import annotations

from datetime import date

import pytest

from relance_addon.core.model import Adaptation, HandDate, StepChange

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

    plans.save("acme", "16", Adaptation("other", 1))
    plans.save("other", "17", Adaptation("other", 1))
    plans.save("acme", "17", Adaptation("before", 1, dropped=frozenset({"x"}), changes={"y": StepChange(cc=())}))
    plans.save("acme", "17", plan)
    assert adaptations() == {"16": Adaptation("other", 1), "17": plan}


def test_one_that_says_nothing_leaves_nothing(journal: str) -> None:
    from relance_addon.journal import plans

    plans.save("acme", "17", Adaptation("standard", 2))
    plans.save("acme", "17", Adaptation(instalment=1))
    assert adaptations() == {}
