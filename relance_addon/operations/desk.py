"""What every operation works with: the configuration, the day, the journal and the connectors, each opened once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relance_addon.core import toml
from relance_addon.core.errors import InputError
from relance_addon.operations import config as configs

if TYPE_CHECKING:
    from relance_addon.core.decide import Policy
    from relance_addon.core.model import Problem
    from relance_addon.hosts.port import Connector
    from relance_addon.mail.library import Library
    from relance_addon.mail.postman import Postman
    from relance_addon.mail.render import Renderer


def _silent(_: str) -> None:
    """Nobody listens."""


@dataclass
class Desk:
    """``given`` is the day that --date asked for, None for today. ``say`` gets lines for a person, ``clock`` the time.

    ``problems`` gathers what could not be read or did not go well: each is said once, and makes the exit status 1.
    """

    config: configs.Config
    given: date | None = None
    say: Callable[[str], None] = _silent
    clock: Callable[[], datetime] = field(default=lambda: datetime.now().astimezone())
    problems: list[str] = field(default_factory=list)

    @cached_property
    def today(self) -> date:
        """The day that is decided for, in the company's time zone."""
        return self.given or self._by_the_clock

    @cached_property
    def ahead(self) -> int:
        """How many days --date lies after the clock's day; 0 where it does not."""
        return max(0, (self.today - self._by_the_clock).days)

    @cached_property
    def _by_the_clock(self) -> date:
        return self.clock().astimezone(self.config.zone).date()

    def now(self) -> datetime:
        """The time of what is recorded: dated by --date where that was given."""
        moment = self.clock().astimezone(self.config.zone)
        return (
            moment
            if self.given is None
            else moment.replace(year=self.given.year, month=self.given.month, day=self.given.day)
        )

    def report(self, problem: Problem | str) -> None:
        """Say a problem once, and remember that there was one."""
        text = str(problem)
        if text not in self.problems:
            self.problems.append(text)
            self.say(text)

    def open_journal(self) -> None:
        """Open the journal; the functions of ``journal`` work from then on."""
        from relance_addon.journal import database

        database.connect(self.config.file.relance.journal, self.config.folder)

    def connector(self, host: str) -> Connector:
        """The connector of a host, its settings checked. No call to the host is made yet."""
        from relance_addon.hosts import loading
        from relance_addon.hosts.port import Surroundings

        table = self.config.host(host)
        relance = self.config.file.relance
        around = Surroundings(self.config.folder, self.config.zone, relance.currency, relance.language, self.mailer)
        try:
            made = loading.load(table["connector"], f"hosts.{host}.connector")
            settings = toml.check(made.Settings, table, self.config.text, self.config.source, ("hosts", host))
            return made(host, settings, around)
        except InputError as error:
            raise InputError(*map(self.config.located, error.problems)) from None

    @cached_property
    def mailer(self) -> Postman:
        """Our own SMTP, for hosts that cannot send: no secret is revealed before its first message."""
        from relance_addon.mail.postman import Postman
        from relance_addon.operations import servers

        back = self.config.file.mail.bounces
        return Postman(lambda: servers.smtp(self.config), (back and back.address) or "")

    @cached_property
    def library(self) -> Library:
        """The message library: the user's over the shipped one."""
        from relance_addon.mail import library

        own = self.config.file.relance.templates
        folders = [library.shipped()]
        if own is not None:
            folder = self.config.folder / own
            if not folder.is_dir():
                raise InputError(self.config.problem(("relance", "templates"), f"{own}: no such folder"))
            folders.insert(0, folder)
        return library.Library(*folders)

    @cached_property
    def renderer(self) -> Renderer:
        """Renders messages with that library."""
        from relance_addon.mail.render import Renderer

        return Renderer(self.library, self.config.file.relance.language)

    @cached_property
    def policy(self) -> Policy:
        """What the configuration says about deciding."""
        from relance_addon.core.decide import Policy

        file = self.config.file
        return Policy(self.config.roles, file.relance.language, self.library.languages(), file.limits.per_run)


def open_desk(path: Path, given: date | None = None, **listeners: Any) -> Desk:
    """A desk on a relance.toml. Raises InputError when that cannot be used."""
    return Desk(configs.load(path), given, **listeners)
