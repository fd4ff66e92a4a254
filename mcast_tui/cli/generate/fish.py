"""The completion script for fish(1): a `complete` line for each command and option."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.cli.generate.grammar import Command, Option

_HEAD = """\
# fish completion for mcast-tui; made by `mcast-tui completion fish`.

# Whether the words so far are a call of this command; without a known one they are a call of tui.
function __mcast_tui_in
    set -l words (commandline -opc)[2..]
    contains -- -- $words; and return 1
    set -l verb tui
    if set -q words[1]; and contains -- $words[1] {verbs}
        set verb $words[1]
        if set -q words[2]; and contains -- "$words[1] $words[2]" {pairs}
            set verb "$words[1] $words[2]"
        end
    end
    test "$verb" = "$argv"
end

# Whether the word after the program's name is being typed.
function __mcast_tui_first
    test (count (commandline -opc)) -eq 1
end

# Whether a command of the user's is being typed, after --.
function __mcast_tui_after_dashes
    set -l words (commandline -opc)
    contains -- -- $words; or return 1
    contains -- "$words[2]" $argv; or contains -- "$words[2] $words[3]" $argv
end

function __mcast_tui_interfaces
    string match -rg '^\\s*([^\\s:]\\S*):\\s' </proc/net/dev
end

function __mcast_tui_endpoints
    set -l token (commandline -ct)
    if string match -q '*%*' -- $token
        set -l prefix (string replace -r '%[^%]*$' '%' -- $token)
        for name in (__mcast_tui_interfaces)
            echo $prefix$name
        end
    end
end

complete -c mcast-tui -f
"""


def script(program: Command) -> str:
    """Return the script."""
    leaves = [command for command in program.each() if command is not program]
    head = _HEAD.format(
        verbs=" ".join(command.name for command in program.commands),
        pairs=_keys(command for command in leaves if len(command.words) > 2),
    )
    lines = [line for command in program.commands for line in _verb(command, "__mcast_tui_first")]
    lines += [line for option in program.options for line in _option(option, "__mcast_tui_first")]
    for command in leaves:
        lines += _command(command)
    commanding = _keys(command for command in leaves if command.takes_command)
    condition = _quote(f"__mcast_tui_after_dashes {commanding}")
    lines.append(f"complete -c mcast-tui -n {condition} -F -a '(complete -C (commandline -ct))'")
    return head + "\n".join(lines) + "\n"


def _key(command: Command) -> str:
    return " ".join(command.words[1:])


def _keys(commands: Iterator[Command]) -> str:
    return " ".join(f'"{_key(command)}"' for command in commands)


def _verb(command: Command, condition: str) -> list[str]:
    about = _quote(command.summary.removesuffix("."))
    return [f"complete -c mcast-tui -n {_quote(condition)} -a {command.name} -d {about}"]


def _command(command: Command) -> list[str]:
    """Return the lines of what may follow a command."""
    condition = f"__mcast_tui_in {_key(command)}"
    lines = [line for below in command.commands for line in _verb(below, condition)]
    lines += [line for option in command.options for line in _option(option, condition)]
    if command.choices:
        lines.append(f"complete -c mcast-tui -n {_quote(condition)} -a {_quote(' '.join(command.choices))}")
    if command.takes_endpoint:
        lines.append(f"complete -c mcast-tui -n {_quote(condition)} -a '(__mcast_tui_endpoints)'")
    return lines


def _option(option: Option, condition: str) -> list[str]:
    """Return a line for an option, and one for its opposite."""
    about = _quote(" ".join(filter(None, (option.help, option.extra))))
    start = f"complete -c mcast-tui -n {_quote(condition)}"
    lines = [f"{start} {_names(option.names)} {_value(option)}-d {about}"]
    if option.negated:
        lines.append(f"{start} {_names(option.negated)} -d {about}")
    return lines


def _names(names: tuple[str, ...]) -> str:
    return " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in names)


def _value(option: Option) -> str:
    if option.kind is None:
        return ""
    if option.kind == "file":
        return "-r -F "
    if option.kind == "choice":
        return f"-x -a {_quote(' '.join(option.choices))} "
    return "-x -a '(__mcast_tui_interfaces)' " if option.kind == "interface" else "-x "


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
