"""What ``[hosts.NAME]`` may say about an Odoo."""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, StrictBool, StrictInt, StrictStr, ValidationInfo, field_validator

from relance_addon.hosts.port import HostSettings
from relance_addon.hosts.secrets import Secret

TO_DO: Final = "mail.mail_activity_data_todo"
"""The XML id of Odoo's plainest type of to-do."""


class Settings(HostSettings):
    """The server, the database, as whom to log in, and how to send.

    ``url``: with a port and the path that a proxy puts before Odoo's own, where there are any. ``password`` may be an
    API key. ``company``: the id of the only one to see. ``api``: how to call; by itself, JSON-2 where the server and
    the password allow it. ``ca``: a PEM file of authorities to trust besides the system's, relative to the
    configuration. ``timeout``: seconds to wait for an answer, not less than Odoo gives a call by itself (120), for it
    posts mail while we wait. ``send``: how mails are sent; by itself, as the user's rights allow. ``template``: the id
    of the add-on's empty mail template. ``activity_type``: the XML id of the type of to-dos. ``make_pdf``: consent to
    have Odoo make an invoice's legal PDF, which marks the invoice as sent.
    """

    url: StrictStr
    database: StrictStr
    user: StrictStr
    password: Secret
    company: StrictInt | None = Field(default=None, gt=0)
    api: Literal["auto", "jsonrpc", "json2"] = "auto"
    ca: StrictStr | None = Field(default=None, min_length=1)
    timeout: float = Field(default=120, gt=0, strict=True, allow_inf_nan=False)
    send: Literal["auto", "mail", "template", "note"] = "auto"
    template: StrictInt | None = Field(default=None, gt=0)
    activity_type: StrictStr = Field(default=TO_DO, pattern=r"^\w+\.[\w.-]+$")
    make_pdf: StrictBool = False

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or any(map(str.isspace, url)):
            raise ValueError("must be like https://odoo.example")
        _ = parts.port  # Whatever is no port raises ValueError.
        if parts.username is not None or parts.password is not None:
            raise ValueError("holds no user or password: they have keys of their own")
        if "?" in url or "#" in url or "web" in parts.path.split("/"):
            raise ValueError("is the address of the server, without the page of Odoo that a browser shows")
        return url.rstrip("/")

    @field_validator("ca")
    @classmethod
    def _secure(cls, ca: str | None, info: ValidationInfo) -> str | None:
        if ca is not None and str(info.data.get("url", "https:")).startswith("http:"):
            raise ValueError("is for addresses that begin with https://")
        return ca
