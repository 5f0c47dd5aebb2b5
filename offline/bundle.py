"""Write one folder that installs ganbench, with its data sets, on a machine without a network.

`make bundle` calls it; docs/offline.md says how the folder is used.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench.core.errors import GanbenchError
from ganbench.data.fetch import fetch_fashion_mnist, fetch_mnist

ROOT = Path(__file__).resolve().parent.parent
MARKER = "wheels"
"""A folder that contains this one was written by this script, and may be replaced."""
DATASETS = {"mnist": fetch_mnist, "fashion-mnist": fetch_fashion_mnist}
MB = 1_000_000
GLIBC = re.compile(r"manylinux_2_(\d+)_(\w+)")
OLDEST_GLIBC = 5
LARGEST_SHOWN = 8
STORE = ("sqlalchemy", "alembic")
"""Packages that mlflow-skinny needs, but doesn't require, to store runs in a database."""


@dataclass(frozen=True)
class Target:
    """The machine that a bundle is for.

    Attributes:
        python: its Python version, as in 3.12.
        platform: the newest platform tag it accepts, as in manylinux_2_28_x86_64.
        without: packages that it already has.
        extra: packages in addition to ganbench's requirements.
    """

    python: str
    platform: str
    without: tuple[str, ...]
    extra: tuple[str, ...] = ()

    @property
    def tags(self) -> list[str]:
        """Platform tags of wheels, newest first; pip accepts only those that it is given."""
        found = GLIBC.fullmatch(self.platform)
        if not found:
            raise GanbenchError(f"'{self.platform}' is no platform: write one like manylinux_2_28_x86_64")
        newest, machine = int(found[1]), found[2]
        named = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, OLDEST_GLIBC - 1, -1)]
        return [*named, *(f"manylinux{year}_{machine}" for year in (2014, 2010, 1)), f"linux_{machine}"]


class TooLargeError(GanbenchError):
    """The one error on several lines: the largest parts stand in a table."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self.args = (table,)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python offline/bundle.py", description=__doc__)
    parser.add_argument("--python", default=f"{sys.version_info.major}.{sys.version_info.minor}", help="as 3.12")
    parser.add_argument("--platform", default=f"manylinux_2_28_{platform.machine()}", help="as %(default)s")
    parser.add_argument("--without", default="", help="packages that the machine has, as 'torch torchvision numpy'")
    parser.add_argument("--with", default="", dest="extra", help="packages beside those that ganbench needs")
    parser.add_argument("--datasets", default="mnist", help=f"of {', '.join(DATASETS)}")
    parser.add_argument("--limit", type=float, default=60, help="megabytes that it may have at most")
    parser.add_argument("--mlflow", choices=["auto", "full", "skinny"], default="auto", help="auto: full if it fits")
    parser.add_argument("--to", type=Path, default=Path("bundle"))
    chosen = parser.parse_args()
    target = Target(chosen.python, chosen.platform, tuple(chosen.without.split()), tuple(chosen.extra.split()))
    try:
        write_bundle(target, chosen.datasets.split(), chosen.limit, chosen.mlflow, chosen.to)
    except GanbenchError as error:
        print(f"Error: {error}", file=sys.stderr)
        raise SystemExit(2) from error


def write_bundle(target: Target, datasets: Sequence[str], limit: float, mlflow: str, to: Path) -> None:
    """Choose, fetch and write the contents; an older bundle is replaced only by a complete one.

    Args:
        limit: maximum size in megabytes.
        mlflow: `full`, `skinny`, or `auto` for the full package if it fits.

    Raises:
        GanbenchError: the bundle would be too large, or a part of it is unavailable.
    """
    unknown = [name for name in datasets if name not in DATASETS]
    if unknown:
        raise GanbenchError(f"there is no data set '{unknown[0]}' to pack: choose from {', '.join(DATASETS)}")
    if to.exists() and not (to / MARKER).is_dir():
        raise GanbenchError(f"'{to}' is there and is no bundle: move it away, or name another folder")
    with tempfile.TemporaryDirectory(dir=to.absolute().parent, prefix=".bundle-") as folder:
        part = Path(folder) / "bundle"
        part.mkdir()
        Path(folder).chmod(0o755)
        _pack_data(part / "data", datasets)
        _build_own_wheel(part / MARKER)
        taken = _size(part)
        kinds = ["full", "skinny"] if mlflow == "auto" else [mlflow]
        locks = [(kind, _resolve(target, kind)) for kind in kinds]
        # The index gives the sizes of wheels, so nothing is fetched that doesn't fit.
        fitting = [(kind, lock) for kind, lock in locks if taken + sum(lock.values()) <= limit * MB]
        if not fitting:
            kind, lock = locks[-1]
            sizes = {f"{name} (wheel)": size for name, size in lock.items()}
            sizes |= {str(path.relative_to(part)): path.stat().st_size for path in part.rglob("*") if path.is_file()}
            raise TooLargeError(_too_large(taken + sum(lock.values()), limit, sizes))
        kind, lock = fitting[0]
        _download(target, list(lock), part / MARKER)
        shutil.copy(ROOT / "offline" / "install.sh", part / "install.sh")
        (part / "python-version").write_text(f"{target.python}\n")
        (part / "without").write_text("".join(f"{name}\n" for name in target.without))
        _write_sums(part)
        if to.exists():
            shutil.rmtree(to)
        part.rename(to)
    wheels = len(list((to / MARKER).iterdir()))
    mlflow_name = "mlflow" if kind == "full" else "mlflow-skinny (no `ganbench ui`: the whole mlflow doesn't fit)"
    left_out = f", without {', '.join(target.without)}" if target.without else ""
    print(f"{to}: {_size(to) / MB:.1f} MB of at most {limit:g}; {wheels} wheels for Python {target.python}{left_out}")
    print(f"tracking: {mlflow_name}; data sets: {', '.join(datasets) or 'none'}")
    print(f"Carry the folder there, and then: bash {to.name}/install.sh")


def _pack_data(folder: Path, datasets: Sequence[str]) -> None:
    for name in datasets:
        (folder / name).mkdir(parents=True)
        for file, path in DATASETS[name](say=print).items():
            (folder / name / f"{file}.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def _build_own_wheel(folder: Path) -> None:
    _call([_uv(), "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT)], "ganbench's own wheel")
    (folder / ".gitignore").unlink(missing_ok=True)


def _resolve(target: Target, mlflow: str) -> dict[str, int]:
    """Resolve everything that ganbench needs on the target; return wheel sizes in bytes by pinned requirement."""
    excluded, needed = list(target.without), ["pip", *target.extra]
    if mlflow == "skinny":
        excluded.append("mlflow")
        needed += ["mlflow-skinny", *STORE]
    machine = "-".join(reversed(target.platform.split("_", 3)[3:])) or platform.machine()
    glibc = target.platform.removesuffix(f"_{machine}")
    with tempfile.TemporaryDirectory() as folder:
        extra, without = Path(folder) / "extra.in", Path(folder) / "without.txt"
        extra.write_text("\n".join(needed))
        without.write_text("\n".join(excluded))
        command = [_uv(), "pip", "compile", "--quiet", str(ROOT / "pyproject.toml"), str(extra)]
        command += ["--constraints", str(ROOT / "constraints.txt"), "--excludes", str(without)]
        command += ["--python-version", target.python, "--python-platform", f"{machine}-{glibc}"]
        lock = tomllib.loads(_call([*command, "--format", "pylock.toml"], "a set of packages"))
    return {f"{each['name']}=={each['version']}": _wheel_size(each, target) for each in lock["packages"]}


def _wheel_size(package: dict[str, Any], target: Target) -> int:
    """Size in bytes of the wheel that pip would choose; the largest of several candidates, as an upper bound."""
    digits = target.python.replace(".", "")
    fits = re.compile(
        rf"-(cp{digits}|cp3\d*|py3|py2\.py3)-(cp{digits}|abi3|none)-(any|.*({'|'.join(target.tags)}).*)\.whl"
    )
    sizes = [wheel.get("size", 0) for wheel in package.get("wheels", []) if fits.search(wheel["url"].rsplit("/")[-1])]
    if not sizes:
        raise GanbenchError(f"{package['name']} has no wheel for Python {target.python} on {target.platform}")
    return int(max(sizes))


def _download(target: Target, pins: Sequence[str], folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--python-version", target.python, "--implementation", "cp"]
    command += [word for tag in target.tags for word in ("--platform", tag)]
    print(f"fetching {len(pins)} wheels ...", flush=True)
    _call([*command, "--dest", str(folder), *pins], "the wheels")


def _write_sums(folder: Path) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in paths)
    (folder / "SHA256SUMS").write_text("".join(list(lines)))


def _too_large(size: float, limit: float, sizes: dict[str, int]) -> str:
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:LARGEST_SHOWN]
    told = "\n".join(f"  {bytes_ / MB:8.1f} MB  {name}" for name, bytes_ in largest)
    return (
        f"the bundle would have {size / MB:.0f} MB, more than {limit:g}. The largest parts:\n{told}\n"
        f'Leave out what the machine has (WITHOUT="torch torchvision numpy"), or allow more (LIMIT={size / MB + 1:.0f})'
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if beside.exists() else "uv"


def _call(command: list[str], what: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=ROOT)
    except OSError as error:
        raise GanbenchError(f"{command[0]} can't be started ({error.strerror})") from error
    if done.returncode != 0:
        last = done.stderr.strip().splitlines() or ["no reason was given"]
        raise GanbenchError(f"{what} can't be had: {last[-1]}")
    return done.stdout


if __name__ == "__main__":
    main()
