"""The package databases inside an image: which of its files they are, and which packages they name. Pure.

dpkg, apk and Python's packages. What was copied into an image without any of them is in no database, and not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from msgspec import Struct

LARGEST = 64 << 20
"""No larger database is read, in bytes."""
DPKG = re.compile(r"var/lib/dpkg/(status|status\.d/[^/]+)")
APK = re.compile(r"(usr/)?lib/apk/db/installed")
PYTHON = re.compile(r"(.*/)?[^/]+\.(dist-info/METADATA|egg-info/PKG-INFO|egg-info)")
SYSTEM = re.compile(r"(etc|usr/lib)/os-release")


class Package(Struct, frozen=True, kw_only=True):
    """`kind` is the package URL's type: deb, apk, pypi. `file` is the database that names it."""

    kind: str
    name: str
    version: str
    file: str
    architecture: str = ""
    system: str = ""
    """The distribution: `debian`; its version after a hyphen."""

    @property
    def purl(self) -> str:
        distribution = self.system.partition("-")[0]
        space = f"{distribution}/" if self.kind in ("deb", "apk") and distribution else ""
        said = {"arch": self.architecture, "distro": self.system if self.kind in ("deb", "apk") else ""}
        qualifiers = "&".join(f"{key}={quote(value, safe='')}" for key, value in said.items() if value)
        name = re.sub(r"[-_.]+", "-", self.name).lower() if self.kind == "pypi" else self.name.lower()
        version = quote(self.version, safe=":~")
        return f"pkg:{self.kind}/{space}{quote(name, safe='')}@{version}{f'?{qualifiers}' if qualifiers else ''}"


def wanted(path: str, size: int) -> bool:
    """Whether a file of the image is worth reading."""
    if size > LARGEST or path.endswith(".md5sums"):
        return False
    return any(pattern.fullmatch(path) for pattern in (DPKG, APK, PYTHON, SYSTEM))


def packages(files: Mapping[str, bytes]) -> tuple[Package, ...]:
    """All that the databases among these files name, by kind and name, each once."""
    texts = {path: content.decode("utf-8", "replace") for path, content in files.items()}
    system = _system(texts)
    found: dict[str, Package] = {}
    for path, text in sorted(texts.items()):
        for package in _packages(path, text, system):
            found.setdefault(package.purl, package)
    return tuple(sorted(found.values(), key=lambda one: (one.kind, one.name, one.version)))


def _packages(path: str, text: str, system: str) -> Iterator[Package]:
    if DPKG.fullmatch(path):
        for fields in _stanzas(text, ":"):
            if "status" not in fields or fields["status"].endswith(" installed"):
                yield from _one("deb", fields, ("package", "version", "architecture"), path, system)
    elif APK.fullmatch(path):
        for fields in _stanzas(text, ":"):
            yield from _one("apk", fields, ("P", "V", "A"), path, system)
    elif PYTHON.fullmatch(path):
        for fields in [next(_stanzas(text, ":"), {})]:
            yield from _one("pypi", fields, ("name", "version", ""), path, system)


def _one(kind: str, fields: Mapping[str, str], keys: tuple[str, str, str], path: str, system: str) -> Iterator[Package]:
    name, version, architecture = (fields.get(key, "") for key in keys)
    if name and version:
        yield Package(kind=kind, name=name, version=version, architecture=architecture, file=path, system=system)


def _stanzas(text: str, separator: str) -> Iterator[dict[str, str]]:
    """Blocks of `Key: value`, between empty lines; what goes on in a further line is left out. Keys longer than a letter are small."""
    for block in re.split(r"\r?\n\s*\n", text):
        fields: dict[str, str] = {}
        for line in block.splitlines():
            key, found, value = line.partition(separator)
            if found and key and not key[0].isspace():
                fields.setdefault(key.lower() if len(key) > 1 else key, value.strip())
        if fields:
            yield fields


def _system(texts: Mapping[str, str]) -> str:
    for path, text in sorted(texts.items()):
        if SYSTEM.fullmatch(path):
            said = next(_stanzas(text, "="), {})
            name, version = (said.get(key, "").strip("\"'") for key in ("id", "version_id"))
            if name:
                return f"{name}-{version}" if version else name
    return ""
