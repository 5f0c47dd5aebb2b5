"""Processes without a home folder or a user name, as in containers that run as a number."""

from __future__ import annotations

import getpass
import os
import pwd
import tempfile
from pathlib import Path

import pytest

from ganbench.core.home import ensure_home


@pytest.fixture
def nameless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A process of a user that the system doesn't know; return its folder for temporary files."""

    def unknown(user: int) -> None:
        raise KeyError(user)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    return tmp_path


def test_a_nameless_user_has_a_private_home_and_a_name(nameless: Path) -> None:
    with pytest.raises(RuntimeError):
        Path.home()
    ensure_home()
    home = Path.home()
    assert home.parent == nameless
    assert home.stat().st_mode & 0o077 == 0
    assert getpass.getuser() == f"user-{os.geteuid()}"
    ensure_home()
    os.environ.pop("HOME")
    ensure_home()
    assert Path.home() == home, "the next process finds what this one has cached"


@pytest.mark.parametrize("trap", ["link", "open to others"])
def test_a_folder_that_others_can_use_is_no_home(nameless: Path, trap: str) -> None:
    ensure_home()
    expected = Path.home()
    if trap == "link":
        expected.rmdir()
        (nameless / "elsewhere").mkdir(mode=0o700)
        expected.symlink_to(nameless / "elsewhere")
    else:
        expected.chmod(0o755)
    os.environ.pop("HOME")
    ensure_home()
    assert Path.home() != expected
    assert Path.home().stat().st_mode & 0o077 == 0


def test_a_home_that_is_known_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "me")
    ensure_home()
    assert (os.environ["HOME"], os.environ["LOGNAME"]) == (str(tmp_path), "me")
