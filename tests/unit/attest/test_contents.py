"""What is in an image, from its package databases."""

from __future__ import annotations

import json

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from fairway.attest import cyclonedx, packages
from tests.unit.attest.parts import IMAGE

STATUS = b"""Package: perl-base
Status: install ok installed
Architecture: amd64
Version: 5.36.0-7+deb12u1
Description: minimal Perl
 Version: 9

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2:2.36
"""
APK = b"C:Q1x=\nP:musl\nV:1.2.4-r2\nA:x86_64\nF:lib\n\nP:zlib\nV:1.3-r0\nA:x86_64\n"
FILES = {
    "etc/os-release": b'PRETTY_NAME="Debian"\nID=debian\nVERSION_ID="12"\n',
    "var/lib/dpkg/status": STATUS,
    "var/lib/dpkg/status.d/tzdata": b"Package: tzdata\nVersion: 2024a\nArchitecture: all\n",
    "usr/lib/python3/dist-packages/My_Thing-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: My_Thing\nVersion: 1.0\n\nVersion: 7\n",
    "opt/old.egg-info/PKG-INFO": b"Name: old\nVersion: 0.1\n",
}


def test_packages_of_every_database() -> None:
    assert [one.purl for one in packages.packages(FILES)] == [
        "pkg:deb/debian/libc6@2:2.36?arch=amd64&distro=debian-12",
        "pkg:deb/debian/perl-base@5.36.0-7%2Bdeb12u1?arch=amd64&distro=debian-12",
        "pkg:deb/debian/tzdata@2024a?arch=all&distro=debian-12",
        "pkg:pypi/my-thing@1.0",
        "pkg:pypi/old@0.1",
    ]


def test_alpine() -> None:
    files = {"lib/apk/db/installed": APK, "usr/lib/os-release": b"ID=alpine\n"}
    assert [one.purl for one in packages.packages(files)] == [
        "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine",
        "pkg:apk/alpine/zlib@1.3-r0?arch=x86_64&distro=alpine",
    ]


def test_which_files_are_read() -> None:
    assert all(packages.wanted(path, 10) for path in FILES)
    assert not packages.wanted("var/lib/dpkg/status.d/tzdata.md5sums", 10)
    assert not packages.wanted("home/etc/os-release", 10)
    assert not packages.wanted("var/lib/dpkg/status", 1 << 30)


def test_the_document_is_cyclonedx_and_says_what_it_is_made_of() -> None:
    made = cyclonedx.document(IMAGE, packages.packages(FILES), "2026-05-01T10:00:00Z", "0.1.0")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(made)) is None
    said = {one["name"]: one["value"] for one in made["metadata"]["properties"]}
    assert said["fairway:how"] == "the package databases inside the image: dpkg, pip"
    assert "is not listed" in said["fairway:limits"]
    assert made["compositions"][0]["aggregate"] == "incomplete"


def test_an_image_without_databases_says_so() -> None:
    made = cyclonedx.document(IMAGE, (), "2026-05-01T10:00:00Z", "0.1.0")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(made)) is None
    assert made["metadata"]["properties"][0]["value"].endswith(": none found")
