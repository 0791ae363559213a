"""What every command has: help, an example, the shared options, a place in the manual; and what none may do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from company import Company

from relance_addon.cli.main import app

ROOT = Path(__file__).parents[2]
NOTHING_SHOWN = {
    "init", "activate", "deactivate", "client", "programs copy", "programs delete",
}  # fmt: skip
"""Commands that change one thing and say so in a line."""
DATED = {
    "demo", "check", "mapping", "sync", "invoices", "programs recap", "client", "hold", "simulate", "run", "explain",
    "events", "doubt", "plan", "send", "test-message", "programs diff", "replay",
}  # fmt: skip
"""Commands whose result is another one tomorrow."""
NO_CONFIGURATION = {"demo"}


def commands(command: Any = None, path: str = "") -> Iterator[tuple[str, Any]]:
    command = command or typer.main.get_command(app)
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, one in inner.items():
        yield from commands(one, f"{path} {name}".strip())


ALL = dict(commands())
every_command = pytest.mark.parametrize("name", sorted(ALL))


def options(name: str) -> set[str]:
    return {option for parameter in ALL[name].params for option in parameter.opts}


@every_command
def test_every_command_has_help_with_an_example(
    name: str, company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    from relance_addon.cli.main import _run

    assert _run([*name.split(), "--help"], debug=False) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"Usage: relance {name}" in text
    assert f"`relance {name}" in text.partition("Example: ")[2]


@every_command
def test_every_command_takes_a_configuration(name: str) -> None:
    assert "--config" in options(name)


@every_command
def test_every_command_that_shows_something_shows_it_as_json_too(name: str) -> None:
    assert ("--format" in options(name)) == (name not in NOTHING_SHOWN)


@every_command
def test_every_command_that_depends_on_today_takes_a_date(name: str) -> None:
    assert ("--date" in options(name)) == (name in DATED)


@every_command
def test_every_command_has_its_place_in_the_manual(name: str) -> None:
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("README.md is not there yet")
    pages = [page.read_text("utf-8") for page in (readme, *(ROOT / "docs").glob("**/*.md"))]
    group, _, inner = name.rpartition(" ")
    # as in the table of commands: `relance programs apply FILE` / `diff FILE` / `list`
    lines = [line for page in pages for line in page.splitlines() if f"relance {group}".strip() in line]
    assert any(f"relance {name}" in line or (group and f"`{inner}" in line) for line in lines)


def test_help_imports_nothing_heavy() -> None:
    """What Typer itself brings along for a group of two commands does not count."""
    bare = """
import sys, typer
app = typer.Typer()
for name in ("one", "two"):
    app.command(name)(lambda: None)
try:
    app(["one", "--help"])
except SystemExit:
    print("", *sys.modules, file=sys.stderr)
"""
    ours = f"""
import sys
from relance_addon.cli.main import _run
for name in {["", *sorted(ALL)]}:
    _run([*name.split(), "--help"], False)
print("", *sys.modules, file=sys.stderr)
"""
    heavy = {"pydantic", "django", "jinja2", "holidays", "babel", "requests", "odoorpc", "css_inline", "rich.progress"}
    assert heavy & (_modules(ours) - _modules(bare)) == set()


def _modules(script: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


def test_relance_alone_shows_its_help(company: Company) -> None:
    from relance_addon.cli.main import _run

    assert _run([], debug=False) == 2
    said = company.capture.readouterr()
    assert said.out == ""
    assert said.err.startswith("Usage: relance ")


def test_the_version_is_told() -> None:
    from relance_addon import __version__

    done = subprocess.run(
        [sys.executable, "-m", "relance_addon", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"relance {__version__}\n"


def test_the_configuration_is_named_by_the_environment(files: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = files.path("elsewhere")
    elsewhere.mkdir()
    monkeypatch.setenv("RELANCE_CONFIG", str(files.path("relance.toml")))
    files.folder, folder = elsewhere, files.folder
    assert files("simulate acme").reasons == {"17": "due"}
    assert not list(elsewhere.iterdir())
    assert (folder / "relance.sqlite3").exists()


def test_the_option_is_stronger_than_the_environment(files: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELANCE_CONFIG", "nowhere.toml")
    assert files("simulate acme", status=2).err == (
        "relance: nowhere.toml: no such file; 'relance init' writes one, --config names one\n"
    )
    assert files("simulate acme --config relance.toml").reasons == {"17": "due"}


def test_the_demonstration_needs_nothing_but_the_package(company: Company) -> None:
    said = company("demo", form="json")
    assert said.json["schema"] == "relance.run/1"
    assert set(said.states.values()) == {"sent"}
    folder = company.path("relance-demo")
    assert {one.name for one in folder.iterdir()} >= {"relance.toml", "programs.toml", "data"}
    assert len(list((folder / "data/outbox").glob("*.eml"))) == len(said.states)


def test_the_demonstration_shows_its_steps(company: Company) -> None:
    out = company("demo essai").out
    steps = ["simulate demo", "activate demo", "run demo", "outbox/"]
    assert [out.index(step) for step in steps] == sorted(out.index(step) for step in steps)


def test_the_demonstration_touches_nothing_that_is_there(company: Company) -> None:
    company.write("relance-demo/mine.txt", "mine")
    assert company("demo", status=2).err.startswith("relance: relance-demo: is there already")
    assert [one.name for one in company.path("relance-demo").iterdir()] == ["mine.txt"]


def test_the_demonstration_run_again_the_same_day_sends_nothing(company: Company) -> None:
    company("demo")
    assert company("run demo --config relance-demo/relance.toml").json["messages"] == []


def test_init_writes_two_commented_files_that_work(company: Company) -> None:
    company("init")
    assert company.path("relance.toml").read_text("utf-8").count("#") > 10
    company("programs apply programs.toml")
    assert [one["name"] for one in company("programs list", form="json").items] == ["standard"]


def test_init_overwrites_nothing(company: Company) -> None:
    company.write("programs.toml", "mine")
    assert company("init", status=2).err == "relance: programs.toml: is there already; nothing was written\n"
    assert not company.path("relance.toml").exists()
    assert company.path("programs.toml").read_text("utf-8") == "mine"


def test_messages_for_a_person_go_to_standard_error_and_results_to_standard_output(files: Company) -> None:
    files.csv("invoices", "17,1,2026-10-01,2026-10-31,100.00", "18,1,2026-10-01,nonsense,100.00")
    said = files("simulate acme", status=1)
    assert said.json["schema"] == "relance.simulation/1"
    assert said.lines == ["relance: data/invoices.csv:3: due_date: 'nonsense' is no date (YYYY-MM-DD)"]


def test_a_traceback_is_shown_only_when_asked_for(company: Company) -> None:
    command = [sys.executable, "-m", "relance_addon", "check", "--config", str(company.path("none.toml"))]
    plain = subprocess.run(command, capture_output=True, text=True, check=False)
    assert plain.stderr.count("\n") == 1
    shown = subprocess.run([*command, "--debug"], capture_output=True, text=True, check=False)
    assert "Traceback" in shown.stderr


def test_a_reader_that_goes_away_is_no_error(files: Company) -> None:
    files.csv("invoices", *(f"{number},1,2026-10-01,2026-10-31,100.00" for number in range(2000)))
    relance = [sys.executable, "-m", "relance_addon", "simulate", "acme", "--format", "json", "--date", "2026-11-21"]
    with subprocess.Popen(relance, cwd=files.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        assert (process.wait(), said) == (0, b"")
