"""``relance --help`` beside the ``--help`` of a bare Typer application with as many commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from .machine import markdown
from .running import RELANCE

_BARE = """
import typer

app = typer.Typer(name="bare", help="Bare.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)

{commands}

app()
"""
_COMMAND = '''
@app.command()
def command{number}(name: str, loud: bool = False) -> None:
    """Command {number}."""
'''


def table(times: int = 15) -> str:
    """The table of part d: the best of ``times``, in turn."""
    with TemporaryDirectory() as temporary:
        bare = Path(temporary) / "bare.py"
        count = commands()
        bare.write_text(_BARE.format(commands="".join(_COMMAND.format(number=number) for number in range(count))))
        subprocess.run([sys.executable, bare, "--help"], capture_output=True, check=True)
        walls: dict[str, list[float]] = {"bare": [], "ours": []}
        for _ in range(times):
            walls["bare"].append(_seconds(sys.executable, bare, "--help"))
            walls["ours"].append(_seconds(RELANCE, "--help"))
    best = {name: min(found) for name, found in walls.items()}
    rows = [
        (f"bare Typer, {count} commands, --help", f"{best['bare'] * 1000:.0f}", "1.00"),
        ("relance --help", f"{best['ours'] * 1000:.0f}", f"{best['ours'] / best['bare']:.2f}"),
    ]
    return markdown(("", "ms", "times the bare one"), rows)


def commands() -> int:
    """How many commands ``relance --help`` names."""
    shown = subprocess.run([RELANCE, "--help"], capture_output=True, text=True, check=True).stdout
    return len(re.findall(r"^  [a-z][\w-]*  ", shown.partition("Commands")[2], re.MULTILINE))


def _seconds(*command: object) -> float:
    start = perf_counter()
    subprocess.run([str(part) for part in command], capture_output=True, check=True)
    return perf_counter() - start
