"""Fonts and htmx are a comfort: fetched once, exactly as locked, and missed without harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from house import assets


def pretend_install(folder: Path) -> None:
    assert (folder / "package-lock.json").read_bytes() == assets.LOCK.read_bytes()
    for source in assets.wanted():
        file = folder / "node_modules" / source
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)


def never(_: Path) -> str:
    raise AssertionError("nothing should have been fetched")


def test_files_are_fetched_once(tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    assert assets.fetch(vendor, pretend_install) is None
    assert (vendor / "htmx.min.js").read_text() == "htmx.org/dist/htmx.min.js"
    assert {file.name for file in vendor.iterdir()} == {*assets.wanted().values(), assets.STAMP}
    assert assets.fetch(vendor, never) is None


def test_a_lost_file_or_another_lock_is_fetched_again(tmp_path: Path) -> None:
    assert assets.fetch(tmp_path, pretend_install) is None
    (tmp_path / "htmx.min.js").unlink()
    assert assets.fetch(tmp_path, pretend_install) is None
    assert (tmp_path / "htmx.min.js").is_file()
    (tmp_path / assets.STAMP).write_text("of another lock")
    (tmp_path / "htmx.min.js").write_text("of another lock")
    assert assets.fetch(tmp_path, pretend_install) is None
    assert (tmp_path / "htmx.min.js").read_text() == "htmx.org/dist/htmx.min.js"


def test_a_package_without_the_file_leaves_no_stamp(tmp_path: Path) -> None:
    assert "No such file" in str(assets.fetch(tmp_path, lambda _: None))
    assert not (tmp_path / assets.STAMP).exists()


@pytest.mark.parametrize(("arguments", "status"), [([], 0), (["--strict"], 1)])
def test_without_a_way_to_the_registry_one_line_is_said(
    arguments: list[str], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(assets, "fetch", lambda: "code ENOTFOUND")
    assert assets.main(arguments) == status
    said = capsys.readouterr()
    assert said.out + said.err == "jawab: pages will use system fonts and work without htmx (code ENOTFOUND)\n"


def test_npm_without_a_registry_says_why_and_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    problem = assets.fetch(tmp_path / "vendor")
    assert problem == "code ECONNREFUSED"
    assert not (tmp_path / "vendor").exists()


def test_the_lock_names_no_registry_and_hashes_everything() -> None:
    assert "://" not in assets.LOCK.read_text().replace("https://github.com/sponsors", "")
    packages = json.loads(assets.LOCK.read_text())["packages"]
    assert all("integrity" in package for path, package in packages.items() if path)
