"""The commands and their options as plain values, read from the click definitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind: TypeAlias = Literal["interface", "file", "choice", "number", "text", "endpoint", "command"]
"""What a value is, for who completes it."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a command."""

    names: tuple[str, ...]
    """How it is written, the short one first: ``-c``, ``--count``."""
    negated: tuple[str, ...]
    """How a flag is switched off: ``--no-loop``."""
    kind: Kind | None
    """What its value is; None for a flag."""
    metavar: str
    """What stands for the value in a text; empty for a flag."""
    choices: tuple[str, ...]
    repeatable: bool
    help: str
    extra: str
    """What click adds to the help: default and bounds, ``[default: 3]``; may be empty."""


@dataclass(frozen=True, slots=True)
class Argument:
    """What a command takes besides options."""

    kind: Kind
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A verb, a verb of a verb, or the program itself."""

    words: tuple[str, ...]
    """What is typed for it, the program's name first."""
    summary: str
    description: tuple[str, ...]
    """Paragraphs, each one line."""
    usage: tuple[str, ...]
    """What stands after the words, as ``--help`` shows it: ``[OPTIONS]``, ``ENDPOINT``."""
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]
    commands: tuple[Command, ...]

    @property
    def name(self) -> str:
        return self.words[-1]

    def each(self) -> Iterator[Command]:
        """Yield this command and all below it."""
        yield self
        for command in self.commands:
            yield from command.each()

    @property
    def takes_endpoint(self) -> bool:
        return any(argument.kind == "endpoint" for argument in self.arguments)

    @property
    def takes_command(self) -> bool:
        """Whether a command of the user's follows ``--``."""
        return not self.commands and any("COMMAND" in piece for piece in self.usage)

    @property
    def choices(self) -> tuple[str, ...]:
        """The words an argument is one of."""
        return tuple(word for argument in self.arguments for word in argument.choices)


def read_program() -> Command:
    """Return the whole program; imports every verb's definition."""
    from mcast_tui.cli.verbs import cli

    return read_command(cli, "mcast-tui")


def read_command(command: click.Command, name: str, parent: click.Context | None = None) -> Command:
    """Return a click command and those below it as values; what is hidden is left out."""
    with click.Context(command, parent, name, **command.context_settings) as context:
        parameters = [
            each
            for each in command.get_params(context)
            if not isinstance(each, click.Option) or not each.hidden
        ]
        below: list[Command] = []
        if isinstance(command, click.Group):
            for word in command.list_commands(context):
                child = command.get_command(context, word)
                if child is not None and not child.hidden:
                    below.append(read_command(child, word, context))
        return Command(
            words=tuple(context.command_path.split()),
            summary=_summary(command),
            description=_paragraphs(command.help or ""),
            usage=tuple(command.collect_usage_pieces(context)),
            options=tuple(_option(each, context) for each in parameters if isinstance(each, click.Option)),
            arguments=tuple(
                _argument(each, context) for each in parameters if isinstance(each, click.Argument)
            ),
            commands=tuple(below),
        )


def _summary(command: click.Command) -> str:
    return _paragraphs(command.help or "")[0] if command.help else ""


def _paragraphs(text: str) -> tuple[str, ...]:
    """Return the paragraphs of a docstring, each one line; a form feed ends what is shown."""
    shown = text.partition("\f")[0].replace("\b", "")
    return tuple(" ".join(part.split()) for part in shown.split("\n\n") if part.strip())


def _option(option: click.Option, context: click.Context) -> Option:
    is_flag = option.is_flag or option.count
    choices = _choices(option)
    metavar = option.metavar or "|".join(choices) or ("N" if _is_number(option) else "TEXT")
    return Option(
        names=tuple(sorted(option.opts, key=len)),
        negated=tuple(option.secondary_opts),
        kind=None if is_flag else _kind(option, metavar),
        metavar="" if is_flag else metavar,
        choices=choices,
        repeatable=option.multiple or option.count,
        help=" ".join((option.help or "").split()),
        extra=_extra(option, context),
    )


def _argument(argument: click.Argument, context: click.Context) -> Argument:
    return Argument(_kind(argument, argument.make_metavar(context)), _choices(argument))


def _choices(parameter: click.Parameter) -> tuple[str, ...]:
    return tuple(map(str, parameter.type.choices)) if isinstance(parameter.type, click.Choice) else ()


def _is_number(parameter: click.Parameter) -> bool:
    return isinstance(parameter.type, (click.types.IntParamType, click.types.FloatParamType))


def _kind(parameter: click.Parameter, metavar: str) -> Kind:
    """Tell what a value is by its type, else by the name that stands for it."""
    if isinstance(parameter.type, click.Choice):
        return "choice"
    if isinstance(parameter.type, (click.Path, click.File)):
        return "file"
    kinds: dict[str, Kind] = {
        "IF": "interface",
        "PATH": "file",
        "FILE": "file",
        "ENDPOINT": "endpoint",
        "COMMAND": "command",
    }
    for word, kind in kinds.items():
        if word in metavar.replace("[", " ").replace("]", " ").replace(".", " ").split():
            return kind
    return "number" if _is_number(parameter) else "text"


def _extra(option: click.Option, context: click.Context) -> str:
    """Return the default and bounds as click shows them in brackets."""
    record = option.get_help_record(context)
    shown = " ".join((record[1] if record else "").split())
    return shown.removeprefix(" ".join((option.help or "").split())).strip()
