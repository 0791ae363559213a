"""What ``[hosts.NAME]`` may say about a Dolibarr."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StrictBool, StrictInt, StrictStr, ValidationInfo, field_validator

from relance_addon.hosts.port import HostSettings
from relance_addon.hosts.secrets import Secret

_API: Final = "/api/index.php"


class Settings(HostSettings):
    """The server, the key, and what may be done there.

    ``url``: the address of Dolibarr's first page. ``key``: the API key of the robot user. ``user``: the id of that
    user, whom the events belong to; asked of Dolibarr where it may be. ``entity``: the id of the company, where there
    are several. ``timezone``: that of Dolibarr's PHP, where Dolibarr does not say it (16). ``ca``: a PEM file of
    authorities to trust besides the system's, relative to the configuration. ``timeout``: seconds to wait for an
    answer. ``make_pdf``: consent to have a missing PDF built, by the model ``pdf_model`` or Dolibarr's default one.
    ``payment_link``: whether online payment is on. ``activity_type``: the code of the type of to-dos.
    """

    url: StrictStr
    key: Secret
    user: StrictInt | None = Field(default=None, gt=0)
    entity: StrictInt | None = Field(default=None, gt=0)
    timezone: StrictStr | None = None
    ca: StrictStr | None = Field(default=None, min_length=1)
    timeout: float = Field(default=60, gt=0, strict=True, allow_inf_nan=False)
    make_pdf: StrictBool = False
    pdf_model: StrictStr = Field(default="", pattern=r"^\w*$")
    payment_link: StrictBool = False
    activity_type: StrictStr = Field(default="AC_OTH", pattern=r"^AC_\w+$")

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or any(map(str.isspace, url)):
            raise ValueError("must be like https://dolibarr.example")
        _ = parts.port  # Whatever is no port raises ValueError.
        if parts.username is not None or parts.password is not None:
            raise ValueError("holds no user, password or key: write the key as key")
        path = parts.path.rstrip("/")
        if "?" in url or "#" in url or (path.endswith(".php") and not path.endswith(_API)):
            raise ValueError("is the address of Dolibarr, without the page that a browser shows")
        return url.rstrip("/").removesuffix(_API)

    @field_validator("ca")
    @classmethod
    def _secure(cls, ca: str | None, info: ValidationInfo) -> str | None:
        if ca is not None and str(info.data.get("url", "https:")).startswith("http:"):
            raise ValueError("is for addresses that begin with https://")
        return ca

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        try:
            return name if name is None else ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone; write one such as Europe/Paris") from None

    @property
    def api(self) -> str:
        """Where the REST interface is."""
        return self.url + _API
