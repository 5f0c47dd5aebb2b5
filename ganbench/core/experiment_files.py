"""The experiment files that come with ganbench, found by name.

They live in the folder `experiments` of the repository, where readers look for them, and a wheel has a copy of them
inside the package: so there is one set of files, and it is there wherever ganbench is installed.
"""

from __future__ import annotations

from pathlib import Path

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import near_miss

PACKAGE = Path(__file__).parents[1]
INSTALLED, CHECKOUT = PACKAGE / "experiments", PACKAGE.parent / "experiments"


def experiments_folder() -> Path:
    """The folder of the experiment files: in the package if it was installed from a wheel, else in the repository."""
    return INSTALLED if INSTALLED.is_dir() else CHECKOUT


def experiment_files() -> dict[str, Path]:
    """The experiment files by name, those of subfolders with their folder's name: `balance`, `studies/balance`."""
    folder = experiments_folder()
    files = (path.relative_to(folder).with_suffix("") for path in folder.rglob("*.toml"))
    return {
        name.as_posix(): folder / f"{name}.toml" for name in sorted(files, key=lambda name: (len(name.parts), name))
    }


def find_experiment(path: Path) -> Path:
    """The file or folder at a path; where there is none, the experiment, or folder of experiments, of that name.

    Raises:
        GanbenchError: there is neither.
    """
    if path.exists():
        return path
    files = experiment_files()
    name = path.with_suffix("").as_posix() if path.suffix == ".toml" else path.as_posix()
    name = name.removeprefix("experiments/")
    if name in files:
        return files[name]
    if any(other.startswith(f"{name}/") for other in files):
        return experiments_folder() / name
    raise GanbenchError(
        f"there is no file '{path}', and no experiment '{name}': {near_miss(name, files)}; see `ganbench experiments`"
    )
