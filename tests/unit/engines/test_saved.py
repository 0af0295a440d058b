"""Which files of a saved image hold which layers: in the forms of Docker 20.10 to 24, and of 25 and later."""

from __future__ import annotations

import hashlib
import json
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from fairway.engines.docker.saved import SavedLayers, chain_ids, shared
from fairway.engines.docker.tarstream import TarReader
from tests.unit.engines.test_tarstream import EXAMPLES, Files, archive

LAYERS = ["sha256:" + sign * 64 for sign in "abc"]
DIGESTS = st.lists(st.sampled_from(LAYERS), max_size=5)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def legacy(layers: list[str], top: dict[str, object], created: str = "1970-01-01T00:00:00Z") -> Files:
    """As Docker 20.10 lays it out, names and all."""
    files: Files = {}
    parent, paths = "", {}
    for number, (layer, chain) in enumerate(zip(layers, chain_ids(layers), strict=True)):
        said = top if number == len(layers) - 1 else {"created": created, "container_config": {"Cmd": None}}
        named = {**said, "layer_id": chain, **({"parent": f"sha256:{parent}"} if parent else {})}
        name = sha(go(dict(sorted(named.items()))))
        told = {"id": name, **({"parent": parent} if parent else {}), **said, "os": "linux"}
        files |= {name: None, f"{name}/VERSION": b"1.0", f"{name}/json": go(told).encode()}
        files[f"{name}/layer.tar"] = f"../{paths[layer]}/layer.tar" if layer in paths else layer.encode()
        paths.setdefault(layer, name)
        parent = name
    return {**files, "manifest.json": b"[]"}


def go(said: object) -> str:
    text = json.dumps(said, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def told(files: Files, layers: list[str], size: int = 999) -> dict[str, str]:
    """The layer that each file holds, by the file's name."""
    reader, saved = TarReader(), SavedLayers(layers)
    found = {}
    whole = archive(files, tarfile.PAX_FORMAT)
    for start in range(0, len(whole), size):
        for piece in reader.feed(whole[start : start + size]):
            saved.look(piece)
            if layer := saved.layer(piece.member):
                found[piece.member.name] = layer
    reader.close()
    return found


@EXAMPLES
@given(DIGESTS, st.dictionaries(st.text(max_size=3), st.text(st.sampled_from('a<>&é"\\'))), st.integers(1, 2000))
def test_directories_of_docker_20_to_24(layers: list[str], labels: dict[str, str], size: int) -> None:
    top = {"created": "2026-01-01T00:00:00Z", "config": {"Labels": labels}, "architecture": "amd64"}
    files = legacy(layers, top, "1970-01-01T01:00:00+01:00")
    found = told(files, layers, size)
    assert sorted(found.values()) == sorted(set(layers))
    for name, layer in found.items():
        assert files[name] == layer.encode()


def test_the_top_s_description_has_its_own_os() -> None:
    files = legacy(LAYERS, {"config": {}, "os": "linux"})
    assert sorted(told(files, LAYERS).values()) == LAYERS


def test_a_directory_whose_name_proves_nothing_is_no_layer() -> None:
    files = legacy(LAYERS, {"config": {}})
    assert told(files, ["sha256:" + "d" * 64, *LAYERS[1:]]) == {}
    other = {name.replace("0", "1"): content for name, content in files.items()}
    assert len(told(other, LAYERS)) < 3
    for nonsense in (b"[]", b"{", b"3", b'{"id": 3}', b"\xff"):
        assert told({f"{'a' * 64}/json": nonsense, f"{'a' * 64}/layer.tar": b"x"}, LAYERS) == {}


def test_a_description_that_comes_late_is_not_waited_for() -> None:
    files = legacy(LAYERS, {"config": {}})
    assert told(dict(sorted(files.items(), reverse=True)), LAYERS) == {}


def test_blobs_of_docker_25_and_later() -> None:
    files: Files = {f"blobs/sha256/{layer[7:]}": layer.encode() for layer in [*LAYERS, "sha256:" + "d" * 64]}
    files |= {"blobs/sha256/" + "e" * 64 + "/x": b"", "blobs/sha512/" + "a" * 64: b"", "index.json": b"{}"}
    found = told(files, LAYERS)
    assert sorted(found.values()) == LAYERS
    assert all(files[name] == layer.encode() for name, layer in found.items())


def test_chains() -> None:
    a, b, c = LAYERS
    first = "sha256:" + sha(f"{a} {b}")
    assert chain_ids(LAYERS) == (a, first, "sha256:" + sha(f"{first} {c}"))
    assert chain_ids([]) == ()


@EXAMPLES
@given(DIGESTS, st.lists(DIGESTS, max_size=4))
def test_what_is_shared_is_shared_from_the_bottom(layers: list[str], others: list[list[str]]) -> None:
    chains = {chain for other in others for chain in chain_ids(other)}
    assert shared(layers, others) == sum(chain in chains for chain in chain_ids(layers))
