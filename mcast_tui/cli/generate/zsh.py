"""The completion script for zsh: `_arguments` specifications, zshcompsys(1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcast_tui.cli.generate.grammar import Command, Option

_HEAD = """\
#compdef mcast-tui
# zsh completion for mcast-tui; made by `mcast-tui completion zsh`.

# The interfaces of this network namespace.
_mcast-tui-interfaces() {
    local -a names
    names=(${${(M)${(f)"$(</proc/net/dev)"}:#*:*}%%:*})
    names=(${names// /})
    _wanted interfaces expl interface compadd "$@" -a names
}

# An endpoint: nobody can guess the address, but after % stands an interface.
_mcast-tui-endpoint() {
    if compset -P '*%'; then
        _mcast-tui-interfaces -S ''
    else
        _message -e endpoints 'endpoint, as 224.1.0.1%eth0:6666'
    fi
}
"""
_TAIL = """\

if [[ $funcstack[1] == _mcast-tui ]]; then
    _mcast-tui "$@"
else
    compdef _mcast-tui mcast-tui
fi
"""
_AFTER_DASHES = """\
            local -i dashes=${words[(i)--]}
            if (( dashes < CURRENT )); then
                shift $dashes words; (( CURRENT -= dashes ))
                _normal
                return
            fi
"""


def script(program: Command) -> str:
    """Return the script; it may be sourced, or lie in a directory of fpath as ``_mcast-tui``."""
    groups = [command for command in program.each() if command.commands]
    return _HEAD + "".join(_dispatcher(group, program) for group in reversed(groups)) + _TAIL


def _function(command: Command) -> str:
    return "-".join(("_mcast-tui", *command.words[1:]))


def _dispatcher(group: Command, program: Command) -> str:
    """Return the function of a command that has commands; those without are cases in it."""
    described = "".join(f"            {_quote(_describe(each))}\n" for each in group.commands)
    cases = "".join(_case(each) for each in group.commands)
    app = next(command for command in program.commands if command.name == "tui")
    otherwise = f"        *)\n{_arguments(app)}            ;;\n" if group is program else ""
    endpoint = "        _mcast-tui-endpoint\n" if group is program else ""
    own = {option.names: option for option in (*group.options, *(app.options if group is program else ()))}
    return f"""
{_function(group)}() {{
    local -a verbs
    if (( CURRENT == 2 )) && [[ $words[2] == -* ]]; then
{_call([spec for option in own.values() for spec in _option(option)])}        return
    elif (( CURRENT == 2 )); then
        verbs=(
{described}        )
        _describe -t commands command verbs
{endpoint}        return
    fi
    case $words[2] in
{cases}{otherwise}    esac
}}
"""


def _case(command: Command) -> str:
    body = f"            {_function(command)}\n" if command.commands else _arguments(command)
    if command.takes_command:
        body = _AFTER_DASHES + body
    return f"        {command.name})\n            shift words; (( CURRENT-- ))\n{body}            ;;\n"


def _arguments(command: Command) -> str:
    """Return the call of `_arguments` for a command."""
    return _call([*(spec for option in command.options for spec in _option(option)), *_rest(command)])


def _call(specifications: list[str]) -> str:
    lines = "".join(f" \\\n                {_quote(spec)}" for spec in specifications)
    return f"            _arguments -s -S{lines}\n"


def _option(option: Option) -> list[str]:
    """Return a specification for each way to write an option; one way shuts out the others."""
    everything = (*option.names, *option.negated)
    shut_out = "*" if option.repeatable else f"({' '.join(everything)})"
    text = _escape(" ".join(filter(None, (option.help, option.extra))))
    value = "" if option.kind is None else f":{_escape(option.metavar)}:{_action(option)}"
    return [
        f"{shut_out}{name}{_joint(name, option)}[{text}]{value if name in option.names else ''}"
        for name in everything
    ]


def _joint(name: str, option: Option) -> str:
    """Return how the value may be joined: ``--count=3`` or ``-c3``."""
    if option.kind is None:
        return ""
    return "=" if name.startswith("--") else "+"


def _action(option: Option) -> str:
    if option.kind == "choice":
        return f"({' '.join(option.choices)})"
    return {"interface": "_mcast-tui-interfaces", "file": "_files"}.get(option.kind or "", "")


def _rest(command: Command) -> list[str]:
    """Return what completes the arguments."""
    if command.choices:
        return [f"1:word:({' '.join(command.choices)})"]
    if command.takes_command and not command.takes_endpoint:
        return ["*::command:_normal"]
    return ["*:endpoint:_mcast-tui-endpoint"] if command.takes_endpoint else []


def _describe(command: Command) -> str:
    return f"{command.name}:{command.summary.removesuffix('.').replace(':', chr(92) + ':')}"


def _escape(text: str) -> str:
    """Return text that stands in a specification as itself."""
    for letter in "\\[]:":
        text = text.replace(letter, f"\\{letter}")
    return text


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
