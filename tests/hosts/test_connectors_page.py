"""The connector of docs/connectors.md, as it is written there: it passes the suite, and a run finds it."""

from __future__ import annotations

import importlib
import os
import re
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from company import CONFIGURATION, Company

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```\w+\n# ([\w.]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Path]:
    """The folder of a package with the files of the page, as it is when the package is installed."""
    package = tmp_path / "package"
    package.mkdir()
    for name, text in _BLOCK.findall((ROOT / "docs" / "connectors.md").read_text("utf-8")):
        (package / name).write_text(text, "utf-8")
    project = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
    about = package / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n", "utf-8")
    points = [
        f"[{group}]\n" + "".join(f"{name} = {where}\n" for name, where in named.items())
        for group, named in project["entry-points"].items()
    ]
    (about / "entry_points.txt").write_text("\n".join(points), "utf-8")
    yield package
    sys.modules.pop("till", None)


def test_the_connector_of_the_page_passes_the_suite(written: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "test_till.py"],
        cwd=written, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    count = re.search(r"^(\d+) passed in", ran.stdout, re.MULTILINE)
    assert count and int(count[1]) > 40, f"all of it, and nothing left out: {ran.stdout}"


@pytest.fixture
def shop(written: Path, company: Company, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A switched-on host ``shop`` with that connector: a bill that is due, one that is unusable, one that is paid."""
    monkeypatch.syspath_prepend(str(written))
    schema = importlib.import_module("till").SCHEMA
    company.write("schema.sql", schema)
    with closing(sqlite3.connect(company.path("till.sqlite3"))) as db, db:
        db.executescript(schema)
        db.execute("insert into client values ('3', 'Dupont SA', 'compta@dupont.example', 'fr', 'FR')")
        bill = "insert into bill values (?, ?, '3', ?, '2026-10-01', '2026-10-31', '100.00', ?, 'EUR')"
        db.execute(bill, ("17", "2026-17", "due", "100.00"))
        db.execute(bill, ("18", "2026-18", "due", "a lot"))
        db.execute(bill, ("19", "2026-19", "paid", "0.00"))
    configured = CONFIGURATION.replace("[hosts.acme]\n", "") + (written / "relance.toml").read_text("utf-8")
    company.write("relance.toml", configured)
    company.programs()
    company("activate shop")
    return company


def test_a_run_finds_the_connector_of_the_page_and_sends_what_is_due_once(shop: Company) -> None:
    assert "2 due" in shop("check shop").out
    assert "template 'B-{number}'" in shop("mapping shop").out
    simulated = shop("simulate shop", status=1)
    assert simulated.reasons == {"17": "due", "18": "invalid"}
    assert "2026-18: residual: 'a lot' is no amount" in simulated.err
    assert shop("run shop", status=1).states == {"17": "queued"}
    assert shop("run shop", status=1).states == {}

    with closing(sqlite3.connect(shop.path("till.sqlite3"))) as db:
        ((bills, people, mime),) = db.execute("select bills, people, mime from outbox")
    assert (bills, people) == ("17", "compta@dupont.example")
    assert b"Subject: Rappel B-2026-17" in mime


def test_what_the_connector_of_the_page_could_not_post_the_next_run_sends(shop: Company) -> None:
    with closing(sqlite3.connect(shop.path("till.sqlite3"))) as db:
        db.execute("drop table outbox")
        assert shop("run shop", status=1).states == {"17": "in_doubt"}
        db.executescript(shop.path("schema.sql").read_text("utf-8"))
    assert shop("run shop", status=1).states == {"17": "queued"}
