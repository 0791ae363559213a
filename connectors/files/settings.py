"""What ``[hosts.NAME]`` may say when its connector is ``files``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, StrictStr, field_validator

from relance_addon.connectors.files.table import known_encoding
from relance_addon.hosts.port import HostSettings

_PROBE: Final = date(2026, 11, 21)


class FileNames(BaseModel):
    """The names of the files in the folder; one that is given must be there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    invoices: StrictStr = "invoices.csv"
    clients: StrictStr = "clients.csv"
    contacts: StrictStr = "contacts.csv"
    instalments: StrictStr = "instalments.csv"
    events: StrictStr = "events.csv"


class Settings(HostSettings):
    """``path`` is the folder, from the configuration's; ``dates`` a strptime form, empty for ISO."""

    path: StrictStr
    encoding: StrictStr = "utf-8"
    decimal: Literal[".", ","] = "."
    dates: StrictStr = ""
    files: FileNames = FileNames()

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        return known_encoding(value)

    @field_validator("dates")
    @classmethod
    def _whole(cls, value: str) -> str:
        if value:
            try:
                told = datetime.strptime(_PROBE.strftime(value), value).date()  # noqa: DTZ007 - a day has no zone
            except ValueError:
                told = None
            if told != _PROBE:
                raise ValueError(f"{value!r} does not tell a day: it wants year, month and day, as in '%d/%m/%Y'")
        return value
