"""fairway completion: what makes a shell complete commands and options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from fairway.cli.arguments import Argument, arguments
from fairway.cli.commands import COMMANDS, MORE
from fairway.cli.common import Common, Options, show
from fairway.cli.main import FUNCTIONS, function


class Known(Struct, frozen=True):
    """A command as one types it (`hosts drain`), what it does, and its arguments."""

    words: str
    text: str
    arguments: tuple[Argument, ...]

    @property
    def options(self) -> str:
        return " ".join(name for one in self.arguments for name in one.names)

    @property
    def choices(self) -> str:
        """What may stand at a place of it."""
        return " ".join(choice for one in self.arguments if not one.names for choice in one.choices)


def completion(shell: Literal["bash", "zsh", "fish"], *, options: Options = Common()) -> None:  # noqa: B008
    """Print the completion script of a shell.

    For bash: source <(fairway completion bash). For zsh: fairway completion zsh > ~/.zfunc/_fairway.
    For fish: fairway completion fish > ~/.config/fish/completions/fairway.fish.

    Parameters
    ----------
    shell:
        bash, zsh or fish.
    """
    show({"bash": bash, "zsh": zsh, "fish": fish}[shell]())


def known() -> Iterator[Known]:
    for name, _, text in COMMANDS:
        yield Known(name, text, tuple(arguments(function(f"{name}:{FUNCTIONS.get(name, name)}"))))
        for below, place, does in MORE.get(name, ()):
            yield Known(f"{name} {below}", does, tuple(arguments(function(place))))


def _words(commands: Mapping[str, Known]) -> Iterator[tuple[str, str]]:
    """What may follow the words of a command, where its options do not."""
    for words, command in commands.items():
        below = " ".join(one.removeprefix(f"{words} ") for one in commands if one.startswith(f"{words} "))
        yield words, f"{below} {command.choices}".strip()


def bash() -> str:
    commands = {one.words: one for one in known()}
    tops = " ".join(name for name, _, _ in COMMANDS)
    options = "\n".join(f"    '{words}') options='{one.options}' ;;" for words, one in commands.items())
    places = "\n".join(f"    '{words}') places='{said}' ;;" for words, said in _words(commands) if said)
    return f"""_fairway() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} command=${{COMP_WORDS[1]}} below= options= places=
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W '{tops}' -- "$word"))
        return
    fi
    for below in "${{COMP_WORDS[2]}}" "${{COMP_WORDS[3]}}"; do
        case "$command $below" in
        {"|".join(f"'{words}'" for words in commands if " " in words)}) [ "$below" = "$word" ] || command="$command $below" ;;
        *) break ;;
        esac
    done
    case "$command" in
{options}
    esac
    case "$command" in
{places}
    esac
    case "$word" in
    -*) COMPREPLY=($(compgen -W "$options --help" -- "$word")) ;;
    *) COMPREPLY=($(compgen -W "$places" -f -- "$word")) ;;
    esac
}}
complete -F _fairway fairway"""


def zsh() -> str:
    commands = {one.words: one for one in known()}
    places = dict(_words(commands))
    tops = "\n".join(f"        '{name}:{_plain(text)}'" for name, _, text in COMMANDS)
    cases = "\n".join(
        f"    ('{words}') options=({one.options} --help); places=({places[words]}) ;;"
        for words, one in commands.items()
    )
    deep = "|".join(f"'{words}'" for words in commands if " " in words)
    return f"""#compdef fairway
_fairway() {{
    local command=$words[2] below options places
    if (( CURRENT == 2 )); then
        local -a commands=(
{tops}
        )
        _describe command commands
        return
    fi
    for below in "$words[3]" "$words[4]"; do
        case "$command $below" in ({deep}) [[ $below == $words[CURRENT] ]] || command="$command $below" ;; (*) break ;; esac
    done
    case "$command" in
{cases}
    esac
    if [[ $PREFIX == -* ]]; then compadd -- $options; else compadd -- $places; _files; fi
}}
_fairway "$@" """.rstrip()


def fish() -> str:
    lines = ["complete -c fairway -f"]
    for name, _, text in COMMANDS:
        lines.append(f"complete -c fairway -n __fish_use_subcommand -a {name} -d '{_plain(text)}'")
    for one in known():
        seen = _fish_after(one.words)
        if one.choices:
            lines.append(f"complete -c fairway -n '{seen}' -a '{one.choices}'")
        above, _, below = one.words.rpartition(" ")
        if above:
            lines.append(f"complete -c fairway -n '{_fish_after(above)}' -a {below} -d '{_plain(one.text)}'")
        for option in one.arguments:
            lines += [
                f"complete -c fairway -n '{seen}' {_fish(name)} -d '{_plain(option.help)}'" for name in option.names
            ]
    return "\n".join(lines)


def _fish_after(words: str) -> str:
    return " and ".join(f"__fish_seen_subcommand_from {word};" for word in words.split()).rstrip(";")


def _fish(name: str) -> str:
    return f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"


def _plain(text: str) -> str:
    """One line without what a shell would take for something."""
    return text.translate({ord(char): None for char in "'\"`\\$:"})
