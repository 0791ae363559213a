"""What a configuration may say of an Odoo."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from relance_addon.connectors.odoo.settings import Settings

LEAST = {
    "connector": "odoo",
    "url": "https://odoo.example",
    "database": "acme",
    "user": "relance",
    "password": {"env": "ODOO"},
}


def test_the_least_there_must_be() -> None:
    settings = Settings.model_validate(LEAST)
    assert (settings.api, settings.send, settings.timeout) == ("auto", "auto", 120)
    assert (settings.ca, settings.template, settings.company) == (None, None, None)
    assert settings.activity_type == "mail.mail_activity_data_todo"
    assert not settings.make_pdf


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://odoo.example/", "https://odoo.example"),
        ("http://127.0.0.1:8069", "http://127.0.0.1:8069"),
        ("http://[::1]:8069", "http://[::1]:8069"),
        ("https://acme.example/odoo/", "https://acme.example/odoo"),
        ("https://acme.example:8443/apps/odoo", "https://acme.example:8443/apps/odoo"),
    ],
)
def test_an_address(written: str, meant: str) -> None:
    assert Settings.model_validate({**LEAST, "url": written}).url == meant


@pytest.mark.parametrize(
    "more",
    [
        {"url": "odoo.example"},
        {"url": "https://"},
        {"url": "ftp://odoo.example"},
        {"url": "https://odoo .example"},
        {"url": "https://odoo.example:port"},
        {"url": "https://odoo.example:99999"},
        {"url": "https://u:p@odoo.example"},
        {"url": "https://odoo.example/?db=acme"},
        {"url": "https://odoo.example/?"},
        {"url": "https://odoo.example/#"},
        {"url": "https://odoo.example/web"},
        {"url": "https://odoo.example/web/login"},
        {"company": 0},
        {"api": "xmlrpc"},
        {"ca": ""},
        {"ca": "ca.pem", "url": "http://odoo.example"},
        {"timeout": 0},
        {"timeout": "120"},
        {"timeout": float("inf")},
        {"timeout": float("nan")},
        {"timeout": True},
        {"send": "smtp"},
        {"template": 0},
        {"template": "relance"},
        {"activity_type": "to do"},
        {"activity_type": "todo"},
        {"make_pdf": "yes"},
        {"else": 1},
    ],
)
def test_what_means_nothing_names_its_key(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({**LEAST, **more})
    assert [problem["loc"] for problem in caught.value.errors()] == [(next(iter(more)),)]
