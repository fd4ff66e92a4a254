"""socat's addresses, read into the values of `wire.socat.address`.

`syntax` cuts the text, `kinds` knows the types, `options` and `values` read what stands in them.
An address that we cannot honour to the letter is refused: nothing in it is ever ignored.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcast_tui.wire.address import Endpoint
from mcast_tui.wire.socat.address import (
    CommandAddress,
    DatagramAddress,
    Manner,
    SocatAddress,
    StreamAddress,
)
from mcast_tui.wire.socat.kinds import DATAGRAM_TYPES, EXEC, STREAM_TYPES, SYSTEM, is_socat, refusal_of
from mcast_tui.wire.socat.options import find_family, read_option
from mcast_tui.wire.socat.readers import Said, Spot
from mcast_tui.wire.socat.syntax import ADDRESS, lex, read_spoken
from mcast_tui.wire.socat.values import read_destination, read_port, read_protocol

if TYPE_CHECKING:
    from mcast_tui.wire.socat.kinds import DatagramKind
    from mcast_tui.wire.socat.syntax import Spoken, Word

__all__ = ["is_socat", "parse_socat"]

_GATHERED = ("memberships", "reports")
"""What several options may say together."""


def parse_socat(text: str) -> SocatAddress:
    """Read one socat address; raises EndpointError with the column of the fault."""
    spoken = read_spoken(text)
    name = spoken.kind.text.upper()
    if name in DATAGRAM_TYPES:
        return _datagram(text, name, DATAGRAM_TYPES[name], spoken)
    if name in STREAM_TYPES:
        _require_parameters(spoken, name, ())
        _read_options(spoken, Spot(name))
        return StreamAddress(text)
    if name in (EXEC, SYSTEM):
        return _command(text, name, spoken)
    raise spoken.kind.refused(*refusal_of(spoken.kind.text))


def _datagram(text: str, name: str, kind: DatagramKind, spoken: Spoken) -> DatagramAddress:
    number = "protocol" if kind.is_raw else "port"
    sends = kind.manner in (Manner.SENDTO, Manner.DATAGRAM)
    _require_parameters(spoken, name, ("address", number) if sends else (number,))
    wanted = _wanted_family(name, kind, spoken)
    host = read_destination(spoken.parameters[0], wanted) if sends else None
    family = wanted or (host.address.version if host else 4)  # 4 is what socat takes without pf
    said = {"family": family, **_read_options(spoken, Spot(name, kind.manner, family, kind.is_raw))}
    numbered = spoken.parameters[-1]
    protocol = read_protocol(numbered) if kind.is_raw else None
    port = 0 if kind.is_raw else read_port(numbered)
    if host is None and not kind.is_raw:
        said["local_port"] = port
    memberships = tuple(
        replace(group, port=said.get("local_port") or 0, protocol=protocol)
        for group in said.pop("memberships", ())
    )
    remote = None if host is None else Endpoint(host.address, port, host.zone, protocol=protocol)
    return DatagramAddress(
        text, kind.manner, protocol=protocol, remote=remote, memberships=memberships, **said
    )


def _wanted_family(name: str, kind: DatagramKind, spoken: Spoken) -> int | None:
    asked = find_family(spoken.options)
    if asked is None:
        return kind.family
    family, given = asked
    if kind.family not in (None, family):
        remedy = f"Write {name.replace(str(kind.family), str(family), 1)} without pf."
        raise given.name.refused(f"pf asks for IPv{family} and {name} for IPv{kind.family}", remedy)
    return family


def _command(text: str, name: str, spoken: Spoken) -> CommandAddress:
    if len(spoken.parameters) > 1:
        ended = spoken.parameters[0]
        reason = f"this : ends the command of {name}, and socat would not run the rest"
        raise ended.refused(reason, "Write \\: or put the command in double quotes.", at=len(ended.text))
    _require_parameters(spoken, name, ("command",))
    [command] = spoken.parameters
    said = _read_options(spoken, Spot(name))
    argv = _arguments(command) if name == EXEC else None
    if not (argv[0] if argv else command.text.strip()):
        raise command.refused("the command is missing", f"Write for example {name}:hostname.")
    return CommandAddress(text, argv, None if argv else command.text, **said)


def _arguments(command: Word) -> tuple[str, ...]:
    """Split the command of EXEC as socat does: at runs of spaces; one at the end makes an empty argument."""
    words: list[str] = []
    at = 0
    while True:
        word, at = lex(command, at, (" ",), ADDRESS)
        words.append(word.text)
        if at == len(command.text):
            return tuple(words)
        while command.text.startswith(" ", at):
            at += 1


def _require_parameters(spoken: Spoken, name: str, wanted: tuple[str, ...]) -> None:
    count = len(spoken.parameters)
    if count == len(wanted):
        return
    named = " and ".join(f"the {each}" for each in wanted) or "no parameters"
    reason = f"{name} takes {named}, and {count} {'parameter is' if count == 1 else 'parameters are'} there"
    remedy = (
        "An IPv6 address needs its brackets." if count > len(wanted) > 0 else f"Write {_form(name, wanted)}."
    )
    fault = spoken.parameters[len(wanted)] if count > len(wanted) else (spoken.kind, *spoken.parameters)[-1]
    raise fault.refused(reason, remedy, at=0 if count > len(wanted) else len(fault.text))


def _form(name: str, wanted: tuple[str, ...]) -> str:
    return ":".join([name, *(each.upper() for each in wanted)])


def _read_options(spoken: Spoken, spot: Spot) -> Said:
    """Return what all options say together; a field that two of them set is refused."""
    fields: Said = {}
    for given in spoken.options:
        for field, value in read_option(given, spot).items():
            if field not in fields:
                fields[field] = value
            elif field in _GATHERED:
                fields[field] = fields[field] | value if field == "reports" else fields[field] + value
            else:
                reason = f"{given.name.text} says again what an earlier option said"
                raise given.name.refused(reason, "Write it once.")
    return fields
