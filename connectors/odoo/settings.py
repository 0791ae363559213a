"""What ``[hosts.NAME]`` may say about an Odoo."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, StrictInt, StrictStr, field_validator

from relance_addon.hosts.port import HostSettings
from relance_addon.hosts.secrets import Secret


class Settings(HostSettings):
    """The server, the database, and as whom to log in. ``password`` may be an API key."""

    url: StrictStr
    database: StrictStr
    user: StrictStr
    password: Secret
    company: StrictInt | None = Field(default=None, gt=0)
    timeout: float = Field(default=120, gt=0)

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be like https://odoo.example")
        if parts.username is not None or parts.password is not None:
            raise ValueError("holds no user or password: they have keys of their own")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("is the address of the server and nothing after it")
        return url.rstrip("/")
