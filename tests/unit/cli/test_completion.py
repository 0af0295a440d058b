from __future__ import annotations

import shutil
import subprocess
from typing import Literal

import pytest

from fairway.cli.commands import COMMANDS
from fairway.cli.completion import completion

CHECKS = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_knows_every_command(
    shell: Literal["bash", "zsh", "fish"], capsys: pytest.CaptureFixture[str]
) -> None:
    completion(shell)
    script = capsys.readouterr().out
    assert [name for name, _, _ in COMMANDS if name not in script] == []
    if shutil.which(shell):
        subprocess.run([*CHECKS[shell], "/dev/stdin"], input=script, text=True, check=True)


def complete(line: str, script: str) -> set[str]:
    """What bash offers for the last word of `line`."""
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    program = (
        f"{script}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _fairway; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    return set(subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True).stdout.split())


def test_bash_completes_commands_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    completion("bash")
    script = capsys.readouterr().out
    assert complete("fairway ro", script) == {"rollback"}
    assert "--registry" in complete("fairway init --", script)
    assert complete("fairway secrets recipients a", script) == {"add"}
    assert "--name" in complete("fairway secrets recipients add --", script)
    assert "rotate-authority" in complete("fairway hosts ro", script)
