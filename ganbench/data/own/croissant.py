"""The description of an exported data set for other programs: Croissant 1.0, JSON-LD in the vocabulary of schema.org.

Specification: https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganbench.core.own_data import CARD, PARTS, Card
from ganbench.data.own.folder import DATA, READABLE

CROISSANT = "croissant.json"
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification prescribes."""
SPLITS = ("cr:TrainingSplit", "cr:ValidationSplit", "cr:TestSplit")
"""Croissant's words for `PARTS`."""
FORMATS = {".npz": "application/zip", ".json": "application/json", ".txt": "text/plain"}
"""The media types of the files by their endings; safetensors have none."""


def croissant(name: str, card: Card, folder: Path) -> str:
    """Describe a data set whose files are in a folder: what it is, each file with its SHA-256, and its records.

    A record is an image with its class and its part. There is no licence in it: nobody has told us one.

    Args:
        folder: the folder that `write_folder` wrote.
    """
    _, height, width = card.shape
    one = "class" if card.clustering is None else "cluster"
    about = [card.summary.removeprefix("Own data: "), *(f"{note}." for note in card.preparation)]
    description = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "description": " ".join(about),
        "version": f"1.0.0+{card.sha256[:12]}",
        "distribution": [_file(folder / file) for file in _files(card)],
        "recordSet": [
            _named("classes", f"The {card.mode_word}.", card.classes),
            _named("parts", "What each image is for.", PARTS, SPLITS),
            {
                "@type": "cr:RecordSet",
                "@id": "images",
                "name": "images",
                "description": f"Images of {height}×{width} pixels; in `{DATA}`, each field is an array of this name.",
                "field": [
                    _field("images/image", "images", "sc:ImageObject", "the pixels, uint8 [C, H, W]"),
                    _field("images/label", "labels", "sc:Integer", f"the number of its {one}", "classes/number"),
                    _field("images/part", "parts", "sc:Integer", "the number of its part", "parts/number"),
                ],
            },
        ],
    }
    return json.dumps(description, indent=2, ensure_ascii=False)


def _files(card: Card) -> tuple[str, ...]:
    return DATA, CARD, READABLE, f"{card.evaluator}.json", f"{card.evaluator}.safetensors"


def _file(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "contentUrl": path.name,
        "contentSize": f"{len(content)} B",
        "encodingFormat": FORMATS.get(path.suffix, "application/octet-stream"),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _named(of: str, description: str, names: Sequence[str], splits: Sequence[str] = ()) -> dict[str, Any]:
    """A record set of numbers and their names, whose records are in the description itself."""
    fields: dict[str, str] = {"number": "sc:Integer", "name": "sc:Text"} | ({"url": "sc:URL"} if splits else {})
    rows: list[dict[str, Any]] = [{"number": number, "name": name} for number, name in enumerate(names)]
    for row, split in zip(rows, splits, strict=False):
        row["url"] = split
    return {
        "@type": "cr:RecordSet",
        "@id": of,
        "name": of,
        "description": description,
        "dataType": "cr:Split" if splits else "sc:Enumeration",
        "key": {"@id": f"{of}/number"},
        "field": [
            {"@type": "cr:Field", "@id": f"{of}/{field}", "name": field, "dataType": kind}
            for field, kind in fields.items()
        ],
        "data": [{f"{of}/{field}": value for field, value in row.items()} for row in rows],
    }


def _field(name: str, array: str, kind: str, description: str, references: str = "") -> dict[str, Any]:
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": name,
        "name": name.partition("/")[2],
        "description": description,
        "dataType": kind,
        "source": {"fileObject": {"@id": DATA}, "extract": {"column": array}},
    }
    return field | ({"references": {"field": {"@id": references}}} if references else {})
