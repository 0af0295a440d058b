"""python -m tests.lab up [HOSTS] | down NAME... | list: hosts to play with by hand."""

from __future__ import annotations

import sys

from tests.lab.lab import Lab, labs
from tests.lab.shell import LabError


def up(count: int) -> None:
    lab = Lab.open(keep=True)
    registry = lab.registry()
    print(f"lab {lab.network.name}, registry {registry.address}")
    for _ in range(count):
        host = lab.host()
        host.load_base_image()
        print(f"  {host.name}  {host.address}  export DOCKER_HOST={host.url}")


def down(names: list[str]) -> None:
    for name in names:
        Lab.find(name).close()
        print(f"removed {name}")


def main(arguments: list[str]) -> None:
    match arguments:
        case ["up"]:
            up(1)
        case ["up", count] if count.isdigit():
            up(int(count))
        case ["down", *names] if names:
            down(names)
        case ["list"]:
            for path in labs():
                print(path.name, "kept" if (path / "owner").read_text() == "keep" else "a test run's")
        case _:
            sys.exit(__doc__)


try:
    main(sys.argv[1:])
except LabError as error:
    sys.exit(f"lab: {error}")
