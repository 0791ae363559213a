"""The settings of hosts that are reached over HTTP."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field, StrictStr, ValidationInfo, field_validator

from relance_addon.hosts.port import HostSettings


class WebSettings(HostSettings):
    """``url``: the address of the host's software, with a port and the path before its own, where there are any.

    ``ca``: a PEM file of authorities to trust besides the system's, relative to the configuration. ``timeout``: seconds
    to wait for an answer.
    """

    software: ClassVar[str]
    """Its name, for people."""

    url: StrictStr
    ca: StrictStr | None = Field(default=None, min_length=1)
    timeout: float = Field(default=60, gt=0, strict=True, allow_inf_nan=False)

    @classmethod
    def is_page(cls, path: str) -> bool:
        """Whether the path of an address is that of a page, and not where the software is."""
        return False

    @classmethod
    def base(cls, url: str) -> str:
        """The address without what belongs to the software itself."""
        return url

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or any(map(str.isspace, url)):
            raise ValueError(f"must be like https://{cls.software.lower()}.example")
        _ = parts.port  # Whatever is no port raises ValueError.
        if parts.username is not None or parts.password is not None:
            raise ValueError("holds no user, password or key: they have keys of their own")
        if "?" in url or "#" in url or cls.is_page(parts.path):
            raise ValueError(f"is the address of the server, without the page of {cls.software} that a browser shows")
        return cls.base(url.rstrip("/"))

    @field_validator("ca")
    @classmethod
    def _secure(cls, ca: str | None, info: ValidationInfo) -> str | None:
        if ca is not None and str(info.data.get("url", "https:")).startswith("http:"):
            raise ValueError("is for addresses that begin with https://")
        return ca
