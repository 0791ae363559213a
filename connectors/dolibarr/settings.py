"""What ``[hosts.NAME]`` may say about a Dolibarr."""

from __future__ import annotations

from typing import ClassVar, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StrictBool, StrictInt, StrictStr, field_validator

from relance_addon.hosts.secrets import Secret
from relance_addon.hosts.web import WebSettings

_API: Final = "/api/index.php"


class Settings(WebSettings):
    """The server, the key, and what may be done there.

    ``url``: the address of Dolibarr's first page. ``key``: the API key of the robot user. ``user``: the id of that
    user, whom the events belong to; asked of Dolibarr where it may be. ``entity``: the id of the company, where there
    are several. ``timezone``: that of Dolibarr's PHP, where Dolibarr does not say it (16). ``make_pdf``: consent to
    have a missing PDF built, by the model ``pdf_model`` or Dolibarr's default one. ``payment_link``: whether online
    payment is on. ``activity_type``: the code of the type of to-dos.
    """

    key: Secret
    user: StrictInt | None = Field(default=None, gt=0)
    entity: StrictInt | None = Field(default=None, gt=0)
    timezone: StrictStr | None = None
    make_pdf: StrictBool = False
    pdf_model: StrictStr = Field(default="", pattern=r"^\w*$")
    payment_link: StrictBool = False
    activity_type: StrictStr = Field(default="AC_OTH", pattern=r"^AC_\w+$")

    software: ClassVar[str] = "Dolibarr"

    @classmethod
    def is_page(cls, path: str) -> bool:
        """Its REST interface is a page too, but one that leads there."""
        return path.rstrip("/").endswith(".php") and not path.rstrip("/").endswith(_API)

    @classmethod
    def base(cls, url: str) -> str:
        """Without the path of the REST interface."""
        return url.removesuffix(_API)

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
