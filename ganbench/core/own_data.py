"""A user's own data sets as files: the folder that holds them, and their cards, which are read without torch."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ganbench.core.errors import GanbenchError
from ganbench.core.home import user_data_folder

CARD = "card.json"
FORMAT = 1
"""The version of the card's format; a card of another is refused."""
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""The name of a data set, and of an evaluator: a word that is also the name of a folder or file."""
CLASS_NAME = re.compile(r"[\w.-]([\w. -]{0,58}[\w.-])?")
"""The name of a class, in any script: it becomes part of the names of tracked numbers."""
HASH = re.compile(r"[0-9a-f]{64}")
PARTS = ("train", "reference", "evaluation")
"""Images for training, images that samples are compared with, and images that the evaluator is tested on."""


@dataclass(frozen=True)
class Card:
    """The facts about a data set of a user's own.

    Attributes:
        classes: the names of its K classes.
        shape: the shape of one image, [C, H, W].
        counts: for each class, the number of its images in each of `PARTS`.
        evaluator: the name of its evaluator, whose weights and model card have this name.
        evaluator_sha256: SHA-256 of the evaluator's weights.
        data_sha256: SHA-256 of images, labels and parts.
        preparation: sentences that say what was left out, resized and converted.
    """

    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    counts: tuple[tuple[int, int, int], ...]
    evaluator: str
    evaluator_sha256: str
    data_sha256: str
    preparation: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.classes) == len(set(self.classes)) == len(self.counts):
            raise ValueError("classes")
        if not all(CLASS_NAME.fullmatch(name) for name in self.classes):
            raise ValueError("class names")
        if len(self.shape) != 3 or any(len(each) != len(PARTS) or min(each) < 1 for each in self.counts):
            raise ValueError("numbers")
        if not (NAME.fullmatch(self.evaluator) and HASH.fullmatch(self.evaluator_sha256)):
            raise ValueError("evaluator")
        if not HASH.fullmatch(self.data_sha256):
            raise ValueError("hash")

    @property
    def images(self) -> tuple[int, int, int]:
        """The number of images in each of `PARTS`."""
        train, reference, evaluation = (sum(each) for each in zip(*self.counts, strict=True))
        return train, reference, evaluation

    @property
    def sha256(self) -> str:
        """Hash of everything that numbers depend on: images, their classes, and the evaluator."""
        facts = asdict(self)
        del facts["preparation"], facts["evaluator"]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def summary(self) -> str:
        """One line: number and form of the images."""
        channels, height, width = self.shape
        colour = "grey" if channels == 1 else "colour"
        return f"Own data: {sum(self.images):,} images, {height}×{width} {colour}, {len(self.classes)} classes."

    def to_json(self) -> str:
        """The card as it is written, with the hash that its run ids hold."""
        return json.dumps({"format": FORMAT, "sha256": self.sha256, **asdict(self)}, indent=2, ensure_ascii=False)


def own_data_folder() -> Path:
    """The folder of own data sets: `own` in `$GANBENCH_DATA`, else in the user's folder for data; it need not exist."""
    shared = os.environ.get("GANBENCH_DATA")
    return (Path(shared) if shared else user_data_folder()) / "own"


def read_own_card(folder: Path) -> Card:
    """The card of the data set in a folder.

    Raises:
        GanbenchError: there is none, or it is damaged.
    """
    path = folder / CARD
    try:
        written: Any = json.loads(path.read_bytes())
        form, digest = written.pop("format"), written.pop("sha256")
        if form != FORMAT:
            raise GanbenchError(f"'{path}' has format {form!r}: this version of ganbench reads format {FORMAT}")
        lists = {key: _tuples(value) if isinstance(value, list) else value for key, value in written.items()}
        card = Card(**lists)
        if card.sha256 != digest:
            raise ValueError("the hash")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise GanbenchError(f"'{path}' is no card of a data set, or is damaged: add the data set again") from error
    return card


def own_cards() -> dict[str, Card]:
    """The cards of all own data sets by name; a damaged one is left out."""
    cards = {}
    for name in own_names():
        try:
            cards[name] = read_own_card(own_data_folder() / name)
        except GanbenchError:
            continue
    return cards


def own_names() -> list[str]:
    """The names of all own data sets, damaged ones included."""
    try:
        return sorted(path.name for path in own_data_folder().iterdir() if NAME.fullmatch(path.name) and path.is_dir())
    except OSError:
        return []


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
