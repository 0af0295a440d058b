"""Which files of what `docker save` gives out hold which layers. Pure.

Up to Docker 24 a layer is `V1-ID/layer.tar`, and `V1-ID/json` stands before it. The directory's name is the SHA-256 of what
that file says together with the layer's chain ID: it proves which layer it is, while manifest.json, that says so, comes last.
From Docker 25 on it is `blobs/sha256/DIFF-ID`. What is in no such place is taken for no layer.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence

from fairway.engines.docker.tarstream import REGULAR, Member, Piece

LEGACY = re.compile(r"([0-9a-f]{64})/(json|layer\.tar)")
BLOB = re.compile(r"blobs/(sha256)/([0-9a-f]{64})")
LARGEST = 1 << 16
"""No larger description of a layer is read, in bytes."""


def chain_ids(layers: Sequence[str]) -> tuple[str, ...]:
    """The chain ID of each layer: the address of it with all that are below it. `layers` are diff IDs, the lowest first."""
    found: list[str] = []
    for layer in layers:
        found.append(_digest(f"{found[-1]} {layer}") if found else layer)
    return tuple(found)


def shared(layers: Sequence[str], others: Iterable[Sequence[str]]) -> int:
    """How many of the lowest layers, with the same ones below them, one of the other images has."""
    most = 0
    for other in others:
        count = 0
        for one, another in zip(layers, other, strict=False):
            if one != another:
                break
            count += 1
        most = max(most, count)
    return most


class SavedLayers:
    """Looks at the pieces of one image's tar file in their order. `layers`: the image's diff IDs, the lowest first."""

    def __init__(self, layers: Sequence[str]) -> None:
        self._layers = layers
        self._chain = dict(zip(chain_ids(layers), layers, strict=True))
        self._told = bytearray()
        self._proven: dict[str, str] = {}

    def look(self, piece: Piece) -> None:
        """Reads the description of a layer where the piece is of one."""
        found = LEGACY.fullmatch(piece.member.name)
        if not found or found[2] != "json" or not 0 < piece.member.size <= LARGEST:
            return
        if not piece.content:
            self._told.clear()  # its header, or its padding
            return
        self._told += piece.data
        if len(self._told) == piece.member.size and (layer := self._which(found[1], bytes(self._told))):
            self._proven[found[1]] = layer

    def layer(self, member: Member) -> str | None:
        """The diff ID of the layer that the file certainly holds, else None."""
        if member.kind != REGULAR:
            return None
        if found := BLOB.fullmatch(member.name):
            layer = f"{found[1]}:{found[2]}"
            return layer if layer in self._layers else None
        found = LEGACY.fullmatch(member.name)
        return self._proven.get(found[1]) if found and found[2] == "layer.tar" else None

    def _which(self, name: str, told: bytes) -> str | None:
        try:
            said = json.loads(told)
            del said["id"]
        except (ValueError, TypeError, KeyError):
            return None
        if parent := said.pop("parent", ""):
            said["parent"] = f"sha256:{parent}"
        without = {
            key: value for key, value in said.items() if key != "os"
        }  # Docker adds it after it has made the name
        for chain, layer in self._chain.items():
            if f"sha256:{name}" in (_digest(_as_go({**one, "layer_id": chain})) for one in (said, without)):
                return layer
        return None


def _as_go(said: dict[str, object]) -> str:
    """JSON, byte by byte as Go writes such a map."""
    text = json.dumps(dict(sorted(said.items())), separators=(",", ":"), ensure_ascii=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
