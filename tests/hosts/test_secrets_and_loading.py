"""Secrets by reference, and connectors by name."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel, ValidationError

from relance_addon.core import toml
from relance_addon.core.errors import InputError
from relance_addon.hosts import loading
from relance_addon.hosts.fake import FakeHost
from relance_addon.hosts.secrets import Secret

CLEAR = "s3cr3t-in-clear"


class Settings(BaseModel):
    password: Secret


def secret(**reference: str) -> Secret:
    return Settings.model_validate({"password": reference}).password


def test_a_secret_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ACME_PASSWORD", CLEAR)
    one = secret(env="ACME_PASSWORD")
    assert one.reveal(tmp_path) == CLEAR
    assert CLEAR not in f"{one!r} {one} {one.model_dump()}"
    monkeypatch.delenv("ACME_PASSWORD")
    with pytest.raises(InputError, match=r"hosts\.acme\.password: the environment variable ACME_PASSWORD is not set"):
        one.reveal(tmp_path, "hosts.acme.password")


def test_a_secret_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{CLEAR}\r\n")
    assert secret(file="key").reveal(tmp_path) == CLEAR
    assert secret(file=str(tmp_path / "key")).reveal(Path("/elsewhere")) == CLEAR
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, told in (("none", "No such file"), ("empty", "is empty"), ("binary", "is not UTF-8")):
        with pytest.raises(InputError, match=told):
            secret(file=name).reveal(tmp_path)


def test_a_secret_in_the_keyring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ring = ModuleType("keyring")
    kept = {("acme", "robot"): CLEAR, ("relance", "robot"): "other"}
    ring.get_password = lambda service, user: kept.get((service, user))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert secret(keyring="acme/robot").reveal(tmp_path) == CLEAR
    assert secret(keyring="robot").reveal(tmp_path) == "other"
    with pytest.raises(InputError, match="has nothing for 'acme/nobody'"):
        secret(keyring="acme/nobody").reveal(tmp_path)

    def locked(service: str, user: str) -> str:
        raise RuntimeError(CLEAR)

    ring.get_password = locked  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="cannot be read: RuntimeError") as caught:
        secret(keyring="acme/robot").reveal(tmp_path)
    assert CLEAR not in str(caught.value)
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(InputError, match="pip install keyring"):
        secret(keyring="acme/robot").reveal(tmp_path)


@pytest.mark.parametrize(
    "value", [CLEAR, 12345678, {}, {"env": "A", "file": "b"}, {"env": ""}, {"plain": CLEAR}, [CLEAR], None]
)
def test_a_secret_in_clear_is_refused_and_not_repeated(value: object) -> None:
    text = f"password = {value!r}\n"
    with pytest.raises(InputError) as caught:
        toml.check(Settings, {"password": value}, text, "relance.toml")
    assert CLEAR not in str(caught.value)
    assert "12345678" not in str(caught.value)
    assert str(caught.value).startswith("relance.toml:1: password")
    with pytest.raises(ValidationError) as raw:
        Secret.model_validate(value)
    assert CLEAR not in str(raw.value)


def test_a_secret_in_clear_is_told_where_to_go() -> None:
    with pytest.raises(InputError, match=r"never written in clear.*env.*file.*keyring"):
        toml.check(Settings, {"password": CLEAR}, "", "relance.toml")


def test_the_shipped_connectors_are_known_by_their_folders() -> None:
    assert loading.known()["files"].startswith("relance_addon.connectors.files.connector")
    assert loading.load("files").__name__ == "FilesConnector"


def test_an_unknown_connector_has_a_near_name() -> None:
    with pytest.raises(InputError, match=r"hosts\.a\.connector: unknown connector 'file'; did you mean 'files'\?"):
        loading.load("file", "hosts.a.connector")
    with pytest.raises(InputError, match=r"unknown connector 'zzz'; known: .*files"):
        loading.load("zzz")


def install(monkeypatch: pytest.MonkeyPatch, **points: str) -> None:
    found = [EntryPoint(name, value, loading.GROUP) for name, value in points.items()]
    monkeypatch.setattr(loading, "entry_points", lambda group: found if group == loading.GROUP else [])


def test_installed_connectors_are_found_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, mine="relance_addon.hosts.fake:FakeHost")
    assert loading.load("mine") is FakeHost
    assert {"mine", "files"} <= set(loading.known())


def test_a_connector_that_cannot_be_loaded_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    install(
        monkeypatch,
        a="no.such.module:X",
        b="relance_addon.hosts.fake:Nobody",
        c="relance_addon.hosts.fake:Answer",
        d="json",
    )
    for name, told in (
        ("a", "No module named 'no'"),
        ("b", "Nobody"),
        ("c", "is no connector"),
        ("d", "defines no connector"),
    ):
        with pytest.raises(InputError, match=told):
            loading.load(name)


def test_only_the_connector_asked_for_is_imported() -> None:
    code = (
        "import sys; from relance_addon.hosts import loading; loading.known();"
        "before = [n for n in sys.modules if n.startswith('relance_addon.connectors.')];"
        "loading.load('files');"
        "print(before, sorted({n.split('.')[2] for n in sys.modules if n.startswith('relance_addon.connectors.')}))"
    )
    root = Path(loading.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[] ['files']"
