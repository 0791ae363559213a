"""``RELANCE_LIVE_DOLIBARR=… python -m tests.live.breaking``: what a person is told when something is broken.

``--break WHAT COMMAND MEND``: a shell command that breaks the host, and one that mends it; as often as wanted. Without
it the mail server is broken in every way: it refuses one, all, stalls, and hangs up before and after it took a message.
Each time: the exit status and the first line of ``sync`` and ``run``, and after the mend a run that sends the rest.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.post_office import HANG_UP, STALL, Letterbox, free_port, smtp_server

from .books import Books, Ran

_PROGRAM = """
[[programs]]
name = "standard"
default = true
group = "client"
[[programs.steps]]
name = "Rappel"
trigger = {{ after_due = 1 }}
template = "statement"
attach = [{attach}]
"""
_LIMIT = 6
_AT_ONCE = ("--format", "json")


def main() -> None:
    """Break, run, mend, run."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.breaking")
    parser.add_argument("--break", nargs=3, action="append", default=[], dest="broken", metavar="TEXT")
    given = parser.parse_args()
    box = Letterbox()
    with TemporaryDirectory() as folder, smtp_server(box) as url:
        os.environ["RELANCE_LIVE_SMTP"] = url
        root = Path(folder)
        for what, command, mend in given.broken:
            host(root, what, command, mend, box)
        if not given.broken:
            mail_server(root, box)
            os.environ["RELANCE_LIVE_SMTP"] = f"smtp://127.0.0.1:{free_port()}"
            _tell("no mail server there", _books(root)("run", _last(root), *_AT_ONCE, allowed=(0, 1, 3)))
            os.environ["RELANCE_LIVE_SMTP"] = url
            books = _books(root, attach='"invoice"')
            _tell("PDFs that cannot be had", books("run", books.host, *_AT_ONCE, allowed=(0, 1)))


def host(root: Path, what: str, command: str, mend: str, box: Letterbox) -> None:
    """Break the host after a pull, and mend it."""
    books = _books(root)
    subprocess.run(command, shell=True, check=True, capture_output=True)
    try:
        for name in ("check", "sync", "run"):
            ran = books(name, books.host, allowed=(0, 1, 3))
            print(f"{what}: {name}: status {ran.status}: {_first(ran)}")
    finally:
        subprocess.run(mend, shell=True, check=True, capture_output=True)
    before = len(box.got)
    _tell("  mended", books("run", books.host, *_AT_ONCE, allowed=(0, 1)))
    assert len(box.got) > before, "nothing left after the mend"


def mail_server(root: Path, box: Letterbox) -> None:
    """Let it answer badly, one way after the other; what it refused one client, it gives the others."""
    ways: dict[str, dict[str, str]] = {
        "refuses a client (550)": {"": "550 5.1.1 no such user"},
        "refuses a client for now (451)": {"": "451 4.7.1 try again"},
        "refuses every sender (550)": {"MAIL": "550 5.7.1 not allowed"},
        "hangs up before DATA": {"MAIL": HANG_UP},
        "refuses the message (554)": {"DATA": "554 5.6.0 no"},
        "hangs up after DATA": {"DATA": HANG_UP},
        "stalls after DATA": {"DATA": STALL},
    }
    for what, answers in ways.items():
        books = _books(root, more="" if "stalls" not in what else "STALL")
        planned = books("simulate", books.host, *_AT_ONCE, allowed=(0, 1)).json["messages"]
        somebody = planned[0]["to"][0].rpartition("<")[2].rstrip(">")
        box.answers = {key or somebody: answer for key, answer in answers.items()}
        before = len(box.got)
        _tell(f"mail server {what}", books("run", books.host, *_AT_ONCE, allowed=(0, 1)))
        print(f"  received: {len(box.got) - before} of {len(planned)}")
        box.answers = {}
        _tell("  mended", books("run", books.host, *_AT_ONCE, allowed=(0, 1)))


def _books(root: Path, attach: str = "", more: str = "") -> Books:
    name = f"x{time.time_ns()}"
    books = Books(root / name, name, _PROGRAM.format(attach=attach), _LIMIT)
    if more:
        config = books.path / "relance.toml"
        config.write_text(config.read_text().replace("[mail]", "[mail]\ntimeout = 1"))
    return books


def _last(root: Path) -> str:
    return max(path.name for path in root.iterdir())


def _first(ran: Ran) -> str:
    lines = ran.errors.strip().splitlines() or ran.output.strip().splitlines() or [""]
    return lines[-1][:170]


def _tell(what: str, ran: Ran) -> None:
    messages: list[dict[str, Any]] = ran.json["messages"] if ran.output.startswith("{") else []
    states = dict(Counter(one["state"] for one in messages))
    print(f"{what}: status {ran.status}, {states}: {_first(ran)}", flush=True)


if __name__ == "__main__":
    main()
