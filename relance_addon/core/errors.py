"""The exceptions of the house.

::

    RelanceError              exit status   trying again helps
    ├── InputError            2             no: a file, a key or an argument is to be mended
    ├── HostError             3
    │   ├── Unreachable       3             yes, later: no answer, or not from the host itself
    │   └── Refused           3             no: credentials, rights, or the host's set-up are to be mended
    └── Busy                  4             yes, when the other run has ended

A connector raises HostError for a call as a whole; what went wrong with one record or one message is data
(``Problem``, ``Outcome``), never an exception.
"""

from __future__ import annotations

from collections.abc import Sequence

from relance_addon.core.model import Problem


class RelanceError(Exception):
    """Root of what a person can be told in one line. ``status`` is the exit status of a command."""

    status = 1


class InputError(RelanceError):
    """Bad usage, configuration or input file; nothing was done."""

    status = 2

    def __init__(self, *problems: Problem | str) -> None:
        self.problems: Sequence[Problem] = tuple(
            problem if isinstance(problem, Problem) else Problem("", "", problem) for problem in problems
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


class HostError(RelanceError):
    """The host could not be reached or refused us; nothing is lost."""

    status = 3


class Unreachable(HostError):  # noqa: N818 - it says what the host is
    """No answer, or an answer that is not the host's own. Trying again later can help."""


class Refused(HostError):  # noqa: N818 - it says what happened
    """The host answered no. Trying again does not help before someone mends it there."""


class Busy(RelanceError):  # noqa: N818 - it says what the host is
    """Another run of the same host is in progress."""

    status = 4
