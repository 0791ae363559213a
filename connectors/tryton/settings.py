"""What ``[hosts.NAME]`` may say about a Tryton."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, StrictInt, StrictStr, field_validator

from relance_addon.hosts.secrets import Secret
from relance_addon.hosts.web import WebSettings


class Settings(WebSettings):
    """The server, the database, as whom to log in, and who sends.

    ``company``: the id of the company, where the user's own is another. ``mail``: ``tryton`` sends by Tryton's own mail
    server, in the name of the user; ``smtp`` by ours, in the name that each step says.
    """

    database: StrictStr = Field(min_length=1)
    user: StrictStr = Field(min_length=1)
    password: Secret
    company: StrictInt | None = Field(default=None, gt=0)
    mail: Literal["tryton", "smtp"] = "tryton"

    software: ClassVar[str] = "Tryton"

    @field_validator("database")
    @classmethod
    def _plain(cls, name: str) -> str:
        if "/" in name or "?" in name or "#" in name:
            raise ValueError("is the name of a database alone")
        return name
