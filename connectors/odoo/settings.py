"""What ``[hosts.NAME]`` may say about an Odoo."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr

from relance_addon.hosts.secrets import Secret
from relance_addon.hosts.web import WebSettings

TO_DO: Final = "mail.mail_activity_data_todo"
"""The XML id of Odoo's plainest type of to-do."""


class Settings(WebSettings):
    """The server, the database, as whom to log in, and how to send.

    ``url``: with a port and the path that a proxy puts before Odoo's own, where there are any. ``password`` may be an
    API key. ``company``: the id of the only one to see. ``api``: how to call; by itself, JSON-2 where the server and
    the password allow it. ``ca``: a PEM file of authorities to trust besides the system's, relative to the
    configuration. ``timeout``: seconds to wait for an answer, not less than Odoo gives a call by itself (120), for it
    posts mail while we wait. ``send``: how mails are sent; by itself, as the user's rights allow. ``template``: the id
    of the add-on's empty mail template. ``activity_type``: the XML id of the type of to-dos. ``make_pdf``: consent to
    have Odoo make an invoice's legal PDF, which marks the invoice as sent.
    """

    database: StrictStr
    user: StrictStr
    password: Secret
    company: StrictInt | None = Field(default=None, gt=0)
    api: Literal["auto", "jsonrpc", "json2"] = "auto"
    timeout: float = Field(default=120, gt=0, strict=True, allow_inf_nan=False)
    send: Literal["auto", "mail", "template", "note"] = "auto"
    template: StrictInt | None = Field(default=None, gt=0)
    activity_type: StrictStr = Field(default=TO_DO, pattern=r"^\w+\.[\w.-]+$")
    make_pdf: StrictBool = False

    software: ClassVar[str] = "Odoo"

    @classmethod
    def is_page(cls, path: str) -> bool:
        """What a browser shows begins with ``web``."""
        return "web" in path.split("/")
