"""``RELANCE_LIVE_ODOO=… python -m tests.live.killing [N] --sink DIR``: kill N runs on a running host, and look.

``--sink``: the folder that the test mail server writes to, a file a mail, its first line X-Envelope-To.
``--slow``: not our runs are killed; what they call is cut off or stalls at random moments, by a proxy of our own.
``--stop COMMAND``: not our runs are killed, but the server: a shell command that stops it, and starts it again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from random import Random
from subprocess import TimeoutExpired
from tempfile import TemporaryDirectory

from .books import KIND, Books, Ran, bare, events_under_way, received
from .proxy import Proxy

STEPS = 5
_STEP = """
[[programs.steps]]
name = "Étape {number}"
trigger = {{ {trigger} }}
subject = "R{number} #REF#"
body = "Madame, Monsieur, #SOLDE# restent dus pour #REF#."
bcc = {bcc}
"""


def main() -> None:
    """Kill, run again, and look at what was received; the first fault ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.killing")
    parser.add_argument("count", nargs="?", type=int, default=50)
    parser.add_argument("--sink", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, default=45, help="messages of a run")
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--stop", default="", help="a command that stops the server and starts it again")
    parser.add_argument("--bcc", action="store_true", help="one step has a blind copy")
    given = parser.parse_args()
    random = Random(given.seed)
    met: Counter[str] = Counter()
    start = time.perf_counter()
    left = given.count
    while left > 0:
        with TemporaryDirectory() as folder, Proxy(random) as proxy:
            host = f"k{time.time_ns()}"
            url = proxy.url if given.slow else ""
            books = Books(Path(folder) / host, host, programs(given.bcc), given.limit, url=url, timeout=4)
            length = 0.0
            for step in range(min(STEPS, left)):
                trouble = (lambda: _stop(given.stop, random)) if given.stop else None
                length = _trial(books, step, random, length, given.sink, proxy if given.slow else None, trouble, met)
                left -= 1
    told = ", ".join(f"{count} {what}" for what, count in sorted(met.items()))
    print(f"{given.count} runs, seed {given.seed}: {told}; none twice; {time.perf_counter() - start:.0f} s")


def programs(bcc: bool) -> str:
    """One message a client, of five steps, each a day after the one before."""
    text = '[[programs]]\nname = "standard"\ndefault = true\ngroup = "client"\n'
    for number in range(1, STEPS + 1):
        trigger = "after_previous = 1" if number > 1 else "after_due = 1"
        copies = '["archive@acme.example"]' if bcc and number == 2 else "[]"
        text += _STEP.format(number=number, trigger=trigger, bcc=copies)
    return text


def _trial(
    books: Books,
    step: int,
    random: Random,
    length: float,
    sink: Path,
    proxy: Proxy | None,
    trouble: Callable[[], None] | None,
    met: Counter[str],
) -> float:
    day = (date.today() + timedelta(days=step)).isoformat()
    command = ("run", books.host, "--date", day, "--format", "json")
    if proxy is not None:
        proxy.trouble(random.uniform(0.3, 1.0))
        first = books(*command, allowed=(0, 1, 3))
        proxy.calm()
        met[f"status {first.status}"] += 1
    elif trouble is not None:
        with ThreadPoolExecutor(1) as pool:
            stopping = pool.submit(trouble)
            met[f"status {books(*command, allowed=(0, 1, 3)).status}"] += 1
            stopping.result()
    elif not length:
        length = books(*command, allowed=(0, 1)).seconds
    else:
        met["killed"] += _kill(books, command, random.uniform(0.1, 1.0) * length)
    ran = books(*command, allowed=(0, 1))
    _look(books, ran, sink, met, day)
    there = {message_id for message_id, _ in received(sink)}
    for one in books.items("doubt", books.host):
        # as a person does who looks whether it left; what did not may still do so, and stays in doubt
        if one["message_id"] in there:
            books("doubt", books.host, "--sent", str(one["key"]), "--date", day)
    return length


def _stop(command: str, random: Random) -> None:
    time.sleep(random.uniform(0.7, 3.5))
    subprocess.run(command, shell=True, check=True, capture_output=True)


def _kill(books: Books, command: tuple[str, ...], delay: float) -> int:
    run = books.start(*command)
    try:
        run.communicate(timeout=delay)
    except TimeoutExpired:
        run.kill()
        run.communicate()
        return 1
    return 0


def _look(books: Books, ran: Ran, sink: Path, met: Counter[str], day: str) -> None:
    """No mail reached anybody twice; what the journal says was sent did, and what did is in the journal."""
    messages = json.loads(ran.output)["messages"]
    in_doubt = books.items("doubt", books.host)
    doubted, anew = {one["message_id"] for one in in_doubt}, sum(one["date"] == day for one in in_doubt)
    met["messages in doubt"] += anew
    met["with messages in doubt"] += bool(anew)
    logged = {one["message_id"]: one["last_event"] for one in books.items("log", books.host)}
    mails = Counter({key: times for key, times in received(sink).items() if key[0] in logged})
    twice = {key: times for key, times in mails.items() if times > 1}
    assert not twice or KIND == "odoo", f"received twice: {twice}"
    if twice:
        # The one thing that we cannot help: Odoo sent, broke down before it noted that, and its queue sent again.
        rows = bare()("mail.mail", "search_read", [["message_id", "in", [key[0] for key in twice]]], ["message_id"])
        written = Counter(row["message_id"] for row in rows)
        copies = Counter(message_id for message_id, _ in mails)
        asked = {key: times for key, times in twice.items() if written[key[0]] != copies[key[0]]}
        assert not asked, f"asked for twice: {asked}"
        met["mails repeated by Odoo's own queue"] += len(twice)
    there = {message_id for message_id, _ in mails}
    lost = {key for key, event in logged.items() if event == "sent" and key not in there}
    assert not lost, f"said to be sent, never received: {lost}"
    if KIND == "dolibarr":
        silent = events_under_way() & set(logged)
        assert silent <= doubted, f"left at 0 % and not in doubt: {silent - doubted}"
        met["events left at 0 %"] += len(silent)
    met["messages received"] = met["messages received"] + len(messages)


if __name__ == "__main__":
    main()
