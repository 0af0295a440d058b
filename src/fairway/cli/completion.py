"""fairway completion: what makes a shell complete commands and options."""

from __future__ import annotations

from typing import Literal

from fairway.cli.common import Common, Options, show
from fairway.cli.main import application


def completion(shell: Literal["bash", "zsh", "fish"], *, options: Options = Common()) -> None:  # noqa: B008
    """Print the completion script of a shell.

    For bash: source <(fairway completion bash). For zsh: fairway completion zsh > ~/.zfunc/_fairway.
    For fish: fairway completion fish > ~/.config/fish/completions/fairway.fish.

    Parameters
    ----------
    shell:
        bash, zsh or fish.
    """
    show(application().generate_completion(shell=shell).rstrip())
