"""In a container: `python client.py new NAME PORT COUNT`, `stay NAME PORT`, `end NAME PORT`; says what became of it as JSON.

`new` makes connections one after the other. `stay` makes them until its input ends, and beside them has one that stays
open and says something each 20 ms; its first line of output comes when that one is there. `end` ends its own side and reads on.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time

NAME, PORT = sys.argv[2], int(sys.argv[3])
found: dict[str, int] = {}
failed: list[str] = []
slow: list[float] = []
began = time.monotonic()


def connect() -> socket.socket:
    made = socket.create_connection((NAME, PORT), timeout=20)
    made.settimeout(20)
    return made


def read(connection: socket.socket) -> str:
    """A line; ConnectionError where there is none."""
    text = b""
    while not text.endswith(b"\n"):
        more = connection.recv(100)
        if not more:
            raise ConnectionError("closed")
        text += more
    return text.decode().strip()


def ask() -> None:
    start = time.monotonic()
    try:
        with connect() as connection:
            version = read(connection)
            connection.sendall(b"ping\n")
            if read(connection) != "ping":
                raise ConnectionError("another answer")
        found[version] = found.get(version, 0) + 1
    except OSError as error:
        failed.append(f"after {start - began:.1f} s: {error}")
    slow.append(time.monotonic() - start)


def say(**more: object) -> None:
    told = {"found": found, "failed": failed, "slowest": max(slow, default=0), "last": slow[-1] if slow else 0}
    print(json.dumps({**told, **more}), flush=True)


if sys.argv[1] == "new":
    for _ in range(int(sys.argv[4])):
        ask()
    say()
elif sys.argv[1] == "stay":
    done = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
    kept, cut, said = connect(), "", 0
    version = read(kept)
    print(version, flush=True)
    try:
        while not done.is_set():
            kept.sendall(b"%d\n" % said)
            if read(kept) != str(said):
                raise ConnectionError("another answer")
            said += 1
            ask()
            time.sleep(0.02)
    except OSError as error:
        cut = str(error)
        done.wait()
    say(said=said, cut=cut)
else:
    with connect() as ending:
        read(ending)
        ending.shutdown(socket.SHUT_WR)
        print(read(ending))
