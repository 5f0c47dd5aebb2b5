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
from ganbench.core.mode_words import CLUSTERS

CARD = "card.json"
CLASSES = "classes"
"""The noun for modes whose labels were given."""
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
class Clustering:
    """The facts about clusters that stand in for classes, of images without labels.

    Attributes:
        features: what the clusters are of, as a noun phrase.
        resamples: number of bootstrap resamples of the training images that were clustered again.
        stability: the adjusted Rand index of their clusters and the data set's on other images, the median over them.
        lowest: the lowest of these.
    """

    features: str
    resamples: int
    stability: float
    lowest: float

    def __post_init__(self) -> None:
        if not -1 <= self.lowest <= self.stability <= 1:
            raise ValueError("stability")
        if not isinstance(self.features, str) or not isinstance(self.resamples, int):
            raise ValueError("clustering")


def mode_word_of(clustering: Clustering | None) -> str:
    """The plural noun for the modes of a data set, given how its clusters were found, if they were."""
    return CLASSES if clustering is None else CLUSTERS


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
        clustering: where the classes are clusters of images without labels, how these were found.
    """

    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    counts: tuple[tuple[int, int, int], ...]
    evaluator: str
    evaluator_sha256: str
    data_sha256: str
    preparation: tuple[str, ...]
    clustering: Clustering | None = None

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
        del facts["preparation"], facts["evaluator"], facts["clustering"]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def mode_word(self) -> str:
        """The plural noun for its modes."""
        return mode_word_of(self.clustering)

    @property
    def summary(self) -> str:
        """One line: number and form of the images."""
        channels, height, width = self.shape
        colour = "grey" if channels == 1 else "colour"
        return (
            f"Own data: {sum(self.images):,} images, {height}×{width} {colour}, {len(self.classes)} {self.mode_word}."
        )

    def to_json(self) -> str:
        """The card as it is written, with the hash that its run ids hold."""
        facts = {name: fact for name, fact in asdict(self).items() if fact is not None}
        return json.dumps({"format": FORMAT, "sha256": self.sha256, **facts}, indent=2, ensure_ascii=False)


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
        facts = {key: _tuples(value) if isinstance(value, list) else value for key, value in written.items()}
        if "clustering" in facts:
            facts["clustering"] = Clustering(**facts["clustering"])
        card = Card(**facts)
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
