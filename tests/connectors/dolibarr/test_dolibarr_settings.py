"""What a configuration may say of a Dolibarr."""

from __future__ import annotations

from typing import Any

import pytest
from company import CONFIGURATION, Company
from pydantic import ValidationError

from relance_addon.connectors.dolibarr.settings import Settings

LEAST = {"connector": "dolibarr", "url": "https://dolibarr.example", "key": {"env": "DOLIBARR"}}


def test_the_least_there_must_be() -> None:
    settings = Settings.model_validate(LEAST)
    assert (settings.user, settings.entity, settings.timezone, settings.ca) == (None, None, None, None)
    assert (settings.timeout, settings.pdf_model, settings.activity_type) == (60, "", "AC_OTH")
    assert not settings.make_pdf and not settings.payment_link, "what Dolibarr has to be set up for is on request"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://dolibarr.example/", "https://dolibarr.example"),
        ("http://127.0.0.1:8122", "http://127.0.0.1:8122"),
        ("http://[::1]:8122", "http://[::1]:8122"),
        ("https://acme.example/dolibarr/htdocs/", "https://acme.example/dolibarr/htdocs"),
        ("https://acme.example/erp/api/index.php", "https://acme.example/erp"),
        ("https://acme.example/erp/api/index.php/", "https://acme.example/erp"),
    ],
)
def test_an_address(written: str, meant: str) -> None:
    settings = Settings.model_validate({**LEAST, "url": written})
    assert settings.url == meant
    assert settings.api == f"{meant}/api/index.php"


@pytest.mark.parametrize(
    "more",
    [
        {"url": "dolibarr.example"},
        {"url": "https://"},
        {"url": "ftp://dolibarr.example"},
        {"url": "https://dolibarr .example"},
        {"url": "https://dolibarr.example:port"},
        {"url": "https://dolibarr.example:99999"},
        {"url": "https://u:p@dolibarr.example"},
        {"url": "https://dolibarr.example/?DOLAPIKEY=0123456789"},
        {"url": "https://dolibarr.example/#"},
        {"url": "https://dolibarr.example/index.php"},
        {"url": "https://dolibarr.example/compta/facture/card.php"},
        {"key": "in clear"},
        {"user": 0},
        {"user": "relance"},
        {"entity": 0},
        {"timezone": "Paris"},
        {"timezone": "../../etc/passwd"},
        {"timezone": ""},
        {"ca": ""},
        {"ca": "ca.pem", "url": "http://dolibarr.example"},
        {"timeout": 0},
        {"timeout": "60"},
        {"timeout": float("inf")},
        {"make_pdf": "yes"},
        {"pdf_model": "../sponge"},
        {"payment_link": 1},
        {"activity_type": "AC OTH"},
        {"activity_type": "todo"},
        {"password": "relance"},
    ],
)
def test_what_means_nothing_names_its_key(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({**LEAST, **more})
    assert {problem["loc"][0] for problem in caught.value.errors()} == {next(iter(more))}


URL = 'url = "https://dolibarr.example"'


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('url = "https://dolibarr.example/index.php"', "hosts.acme.url: "),
        (f'{URL}\nkey = "0123456789"', "hosts.acme.key: "),
        (f'{URL}\ntime_zone = "Europe/Paris"', "hosts.acme.time_zone: unknown key; did you mean 'timezone'?"),
        (f'{URL}\ntimezone = "Paris"', "hosts.acme.timezone: 'Paris' is no time zone"),
        (f'{URL}\nmapping.invoice.due = "x"', "hosts.acme.mapping.invoice.due: "),
        (f'{URL}\nmapping.instalment.amount = "x"', "hosts.acme.mapping.instalment"),
    ],
)
def test_an_error_is_one_line_that_names_the_key(company: Company, lines: str, said: str) -> None:
    key = "" if "key =" in lines else 'key = { env = "DOLIBARR" }\n'
    company.write("relance.toml", f'{CONFIGURATION}connector = "dolibarr"\n{key}{lines}\n')
    (line,) = company("simulate acme", status=2).lines
    assert line.startswith("relance: relance.toml:")
    assert said in line
    assert "0123456789" not in line
