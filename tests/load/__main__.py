"""python -m tests.load URL [--host NAME] [--seconds 10] [--keep-alive 16] …: every field of Options is an option.

Prints "started" once every client has asked once, and a report as JSON at the end: after --seconds, or on
SIGTERM or SIGINT. Exits with 1 if a request failed. With "-" for a URL, the options are read as a line of JSON from
the standard input, whose end stops the run.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

import msgspec

from tests.load.clients import Crew
from tests.load.options import Options
from tests.load.report import Report


def read(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=Options.__doc__)
    parser.add_argument("url")
    for entry in msgspec.structs.fields(Options):
        if entry.name != "url":
            parser.add_argument(f"--{entry.name.replace('_', '-')}", type=type(entry.default), default=entry.default)
    return Options(**vars(parser.parse_args(arguments)))


async def generate(options: Options, *, until_input_ends: bool) -> Report:
    crew = Crew(options)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, crew.stopping.set)
    if until_input_ends:
        loop.add_reader(sys.stdin, crew.stopping.set)
    work = asyncio.create_task(crew.work())
    starting = asyncio.create_task(crew.started.wait())
    await asyncio.wait([work, starting], return_when=asyncio.FIRST_COMPLETED)
    print("started", flush=True)
    if options.seconds:
        loop.call_later(options.seconds, crew.stopping.set)
    await crew.stopping.wait()
    loop.remove_reader(sys.stdin)
    await work
    starting.cancel()
    return crew.tally.report()


def main() -> None:
    from_input = sys.argv[1:] == ["-"]
    options = msgspec.json.decode(sys.stdin.readline(), type=Options) if from_input else read(sys.argv[1:])
    report = asyncio.run(generate(options, until_input_ends=from_input))
    print(msgspec.json.encode(report).decode(), flush=True)
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
