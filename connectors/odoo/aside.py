"""What need not be waited for: one thing at a time, beside everything else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from relance_addon.core.model import Problem


class Aside:
    """Does one thing in the background, on a connection of its own, and keeps what went wrong."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="odoo-aside")
        self._going: Future[Any] | None = None
        self._problems: list[Problem] = []

    def begin(self, what: Callable[[], Any]) -> None:
        """Begin; whatever began before is waited for."""
        self.wait()
        self._going = self._pool.submit(what)

    def wait(self) -> None:
        """Until nothing is going on."""
        going, self._going = self._going, None
        if going is None:
            return
        try:
            going.result()
        except Exception as error:  # noqa: BLE001 - what is done aside never stops what is done
            self._problems.append(
                Problem("", "", f"reminders are not noted on every invoice that they are about: {error}")
            )

    def problems(self) -> list[Problem]:
        """What went wrong since this was last asked."""
        found, self._problems = self._problems, []
        return found
