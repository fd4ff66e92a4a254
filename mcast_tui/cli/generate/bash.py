"""The completion script for bash(1): one function, with a case for each command and each option's value.

`compgen -W` is not used: it expands the words it is given, and an interface may be called ``$(x)``.
"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcast_tui.cli.generate.grammar import Command, Option

_SCRIPT = """\
# bash completion for mcast-tui; made by `mcast-tui completion bash`.

# Offer those of the words that begin as the current one does.
_mcast_tui_words() {{
    local word
    for word in "$@"; do
        [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
    done
}}

# Offer the interfaces of this network namespace, behind a prefix.
_mcast_tui_interfaces() {{
    local prefix=$1 name rest
    while read -r name rest; do
        [[ $name == *: && $prefix${{name%:}} == "$cur"* ]] && COMPREPLY+=("$prefix$(printf %q "${{name%:}}")")
    done </proc/net/dev
}}

_mcast_tui_files() {{
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}}

# After --: a command of the user's, then its files.
_mcast_tui_command() {{
    if (( $1 + 1 == COMP_CWORD )); then
        mapfile -t COMPREPLY < <(compgen -c -- "$cur")
    else
        _mcast_tui_files
    fi
}}

_mcast_tui() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} verb=tui at options=() words=()
    COMPREPLY=()
    if [[ $cur == = ]]; then
        cur=
    elif [[ $before == = ]]; then
        before=${{COMP_WORDS[COMP_CWORD-2]}}
    fi
    if (( COMP_CWORD > 1 )); then
        case ${{COMP_WORDS[1]}} in
{verbs}
        esac
    fi
    for (( at = 1; at < COMP_CWORD; at++ )); do
        [[ ${{COMP_WORDS[at]}} == -- ]] || continue
        case $verb in
            {commanding}) _mcast_tui_command "$at" ;;
        esac
        return
    done
    case "$verb $before" in
{values}
    esac
    case $verb in
{options}
    esac
    (( COMP_CWORD == 1 )) && words+=({program}) options+=({first})
    if [[ $cur == -* ]]; then
        _mcast_tui_words "${{options[@]}}"
    elif [[ $cur == *%* && $verb == @({endpoints}) ]]; then
        compopt -o nospace
        _mcast_tui_interfaces "${{cur%\\%*}}%"
    else
        _mcast_tui_words "${{words[@]}}"
    fi
}}

complete -F _mcast_tui mcast-tui
"""


def script(program: Command) -> str:
    """Return the script."""
    leaves = [command for command in program.each() if command is not program]
    return _SCRIPT.format(
        verbs="\n".join(_verb(command) for command in program.commands),
        commanding=_pattern([command for command in leaves if command.takes_command]),
        values="\n".join(line for command in leaves for line in _values(command)),
        options="\n".join(_words(command) for command in leaves),
        first=" ".join(
            name for option in program.options for name in option.names if "--help" not in option.names
        ),
        program=" ".join([*(command.name for command in program.commands), "broadcast"]),
        endpoints="|".join(quote(_key(command)) for command in leaves if command.takes_endpoint),
    )


def _key(command: Command) -> str:
    return " ".join(command.words[1:])


def _pattern(commands: list[Command]) -> str:
    return " | ".join(quote(_key(command)) for command in commands)


def _verb(command: Command) -> str:
    """Return the case that tells which verb it is; of a group, its second word when that is complete."""
    if not command.commands:
        return f"            {command.name}) verb={command.name} ;;"
    below = "|".join(each.name for each in command.commands)
    return (
        f"            {command.name})\n"
        f"                verb={command.name}\n"
        f"                (( COMP_CWORD > 2 )) && [[ ${{COMP_WORDS[2]}} == @({below}) ]] &&\n"
        f'                    verb="{command.name} ${{COMP_WORDS[2]}}"\n'
        "                ;;"
    )


def _values(command: Command) -> list[str]:
    """Return the cases of the options that take a value."""
    lines: list[str] = []
    for option in command.options:
        if option.kind is not None:
            pattern = " | ".join(quote(f"{_key(command)} {name}") for name in option.names)
            lines.append(f"        {pattern}) {_value(option)}return ;;")
    return lines


def _value(option: Option) -> str:
    """Return what offers the values of an option; nothing when nobody can guess them."""
    if option.kind == "interface":
        return "_mcast_tui_interfaces ''; "
    if option.kind == "file":
        return "_mcast_tui_files; "
    if option.kind == "choice":
        return f"_mcast_tui_words {' '.join(map(quote, option.choices))}; "
    return ""


def _words(command: Command) -> str:
    """Return the case that sets the options and words of a command."""
    names = [name for option in command.options for name in (*option.names, *option.negated)]
    words = [*command.choices, *(each.name for each in command.commands)]
    return (
        f"        {quote(_key(command))})\n"
        f"            options=({' '.join(map(quote, names))})\n"
        f"            words=({' '.join(map(quote, words))})\n"
        "            ;;"
    )
