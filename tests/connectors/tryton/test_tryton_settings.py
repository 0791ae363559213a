"""What ``[hosts.NAME]`` may say about a Tryton."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from relance_addon.connectors.tryton.settings import Settings

LEAST: dict[str, Any] = {
    "connector": "tryton",
    "url": "https://tryton.example",
    "database": "acme",
    "user": "relance",
    "password": {"env": "ACME_PASSWORD"},
}


def test_little_has_to_be_said() -> None:
    settings = Settings.model_validate({**LEAST, "url": "https://acme.example:8000/erp/"})
    assert (settings.url, settings.mail, settings.company) == ("https://acme.example:8000/erp", "tryton", None)


@pytest.mark.parametrize("key", sorted(LEAST))
def test_all_of_it_has_to_be(key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({name: value for name, value in LEAST.items() if name != key})
    assert {problem["loc"][0] for problem in caught.value.errors()} == {key}


@pytest.mark.parametrize(
    "more",
    [
        {"url": "tryton.example"},
        {"url": "https://u:p@tryton.example"},
        {"url": "https://tryton.example/#acme"},
        {"database": ""},
        {"database": "acme/rpc"},
        {"database": "acme?x"},
        {"user": ""},
        {"password": "in clear"},
        {"company": 0},
        {"company": "Acme"},
        {"mail": "sendmail"},
        {"timeout": 0},
        {"ca": ""},
        {"key": "x"},
    ],
)
def test_what_means_nothing_names_its_key(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({**LEAST, **more})
    assert {problem["loc"][0] for problem in caught.value.errors()} == {next(iter(more))}
