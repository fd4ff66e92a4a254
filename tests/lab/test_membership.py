"""What is told of memberships, with and without root: it is so on the wire, in the switch and on screen."""

from __future__ import annotations

import json
import os
import struct
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

import pytest

from mcast_tui.services.membership.facts import What
from mcast_tui.services.source_change import Change, SourceChange
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.membership.message import RecordType
from tests.app.frame import frame_on
from tests.app.test_endings import quit_well
from tests.cli.commands import run_on, started
from tests.peers import eventually, requires, socat_peer, tcpdump_on, wait_until
from tests.pty_app import PtyApp
from tests.services.nodes import node_on, send_from
from tests.tap_reader import runtime_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mcast_tui.services.lab.lan import Lab
    from mcast_tui.services.node import Node
    from mcast_tui.wire.literal import Address
    from tests.peers import Capture


class Family(NamedTuple):
    """What hosts report memberships with, in one version of IP."""

    protocol: str
    readers: str
    """To whom a host reports."""
    captured: str
    """The capture filter."""
    shown: str
    """tshark's filter for what host 1 reports."""
    fields: tuple[str, ...]
    """What tshark calls a record's type, its group, how many sources it has, and these."""
    group: Address
    of_one: Address
    host2: Address


IGMP = Family(
    "IGMPv3",
    "224.0.0.22",
    "igmp",
    "igmp.type == 0x22 && ip.src == 192.168.10.1",
    ("igmp.record_type", "igmp.maddr", "igmp.num_src", "igmp.saddr"),
    ip_address("239.1.1.1"),
    ip_address("232.1.1.1"),
    ip_address("192.168.10.2"),
)
MLD_RECORD = "icmpv6.mldr.mar"
MLD = Family(
    "MLDv2",
    "ff02::16",
    "ip6[6]=0 and ip6[40]=58",  # it stands behind a hop-by-hop header
    "icmpv6.type == 143 && ipv6.src == fe80::1",
    tuple(
        f"{MLD_RECORD}.{of}" for of in ("record_type", "multicast_address", "nb_sources", "source_address")
    ),
    ip_address("ff15::1"),
    ip_address("ff35::1"),
    ip_address("fd00:10::2"),
)


@dataclass
class Witness:
    """A capture on host 3 of what host 1 says it reports, and the database of the switch between them."""

    lab: Lab
    node: Node
    wire: Capture
    family: Family
    claims: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    """When the app says that this was sent, and what tshark must read: type, group, sources."""

    async def claimed(self, kind: RecordType, group: Address, *sources: Address) -> None:
        """Wait until the app tells that this host sent such a record, and host 3 has received it."""
        text = f"{self.family.protocol} {kind.name} {{{', '.join(map(str, sources))}}}"
        octets = struct.pack("!BBH", kind, 0, len(sources)) + group.packed
        octets += b"".join(source.packed for source in sources)

        def told() -> list[int]:
            return [
                each.at
                for each in self.node.timeline.since(0)
                if (each.what, each.who, each.group, each.text, each.origin, each.is_seen)
                == (What.REPORT, "this host", group, text, "tap", True)
            ]

        await eventually(told, f"the tap's word of {text}")
        await self.wire.output.awaited(lambda: octets in self.wire.output.data, f"{text} on host 3")
        self.claims.append((told()[0], (str(int(kind)), str(group), "|".join(map(str, sources)))))

    def assert_seen_there(self) -> None:
        """Fail unless tshark reads each claim in what host 3 got, and the first came when it was claimed."""
        sent = [
            (int(Decimal(at) * 10**9), record)
            for at, *read in self.wire.fields("frame.time_epoch", *self.family.fields, only=self.family.shown)
            for record in records_of(*(each.split("|") if each else [] for each in read))
        ]
        for (told, claim), (following, _) in zip(self.claims, [*self.claims[1:], (1 << 63, ())], strict=True):
            seen = next((at for at, record in sent if record == claim), 0)
            assert told // 1000 <= seen // 1000 < following // 1000  # a capture's times are in microseconds

    def entries(self, group: Address) -> list[dict[str, object]]:
        """Return where the switch sends a group to, as iproute2 reads its database."""
        [table] = json.loads(self.lab.switch.run(["bridge", "-j", "-d", "mdb"]).stdout)
        return [row for row in table["mdb"] if row["grp"] == str(group) and row["port"] == "lan0port1"]

    def is_blocked(self, source: Address) -> bool:
        """Whether the switch keeps from there what this source says: it is listed, and its time is up."""
        lists = [row.get("source_list", []) for row in self.entries(self.family.group)]
        return any(
            one["address"] == str(source) and float(one["timer"]) == 0 for each in lists for one in each
        )


def records_of(
    kinds: list[str], groups: list[str], counts: list[str], sources: list[str]
) -> Iterator[tuple[str, ...]]:
    """Yield the records of a frame as tshark lists them: all types, all groups, all sources."""
    for kind, group, count in zip(kinds, groups, counts, strict=True):
        yield kind, group, "|".join(sources[: int(count)])
        del sources[: int(count)]


@pytest.mark.parametrize("family", [IGMP, MLD], ids=["igmp", "mld"])
async def test_what_is_told_of_a_change_is_seen_by_another_host_and_followed_by_the_switch(
    make_lab: Callable[..., Lab], family: Family
) -> None:
    asm, ssm, source = family.group, family.of_one, family.host2
    lab = make_lab(3, snooping=True, querier=True)
    lab.set_bridges(br_mcast_last_member_intvl=20)  # in 1/100 s
    with tcpdump_on(lab.host(3), family.captured) as wire:
        async with node_on(lab.host(1)) as node:
            node.explainer.is_on = True
            node.memberships.listen()
            witness = Witness(lab, node, wire, family)
            [group] = await node.join(parse_endpoint(f"{asm}%eth0"))
            await witness.claimed(RecordType.CHANGE_TO_EXCLUDE_MODE, asm)
            assert witness.entries(asm)  # the switch learns before it forwards
            await node.change_sources(group, SourceChange(Change.BLOCK, (source,)))
            await witness.claimed(RecordType.BLOCK_OLD_SOURCES, asm, source)
            await eventually(lambda: witness.is_blocked(source), "the block in the switch")
            await node.change_sources(group, SourceChange(Change.UNBLOCK, (source,)))
            await witness.claimed(RecordType.ALLOW_NEW_SOURCES, asm, source)
            assert not witness.is_blocked(source)
            [of_one] = await node.join(parse_endpoint(f"{source},{ssm}%eth0"))
            await witness.claimed(RecordType.ALLOW_NEW_SOURCES, ssm, source)
            assert {row.get("src") for row in witness.entries(ssm)} >= {str(source)}
            await node.leave(of_one)
            await witness.claimed(RecordType.BLOCK_OLD_SOURCES, ssm, source)
            await eventually(lambda: not witness.entries(ssm), "the end of the entry")
            await node.leave(group)
            await witness.claimed(RecordType.CHANGE_TO_INCLUDE_MODE, asm)
            await eventually(lambda: not witness.entries(asm), "the end of the entry")
            report = f"{family.protocol} report to {family.readers}: CHANGE_TO_INCLUDE_MODE {{}}"
            assert node.explainer.explanation is not None
            steps = node.explainer.explanation.steps
            assert any(step.is_seen and f"The kernel sent an {report}" in step.text for step in steps)
        witness.assert_seen_there()


async def test_who_plugs_a_cable_in_again_sees_the_stream_and_the_reason(lab: Lab) -> None:
    async with frame_on(lab.host(1), "224.1.0.1", size=(170, 50)) as frame:

        def has_come(text: str) -> bool:
            send_from(lab.host(2), text.encode() + b"\n")
            return text in frame.text

        def shows(*words: str) -> bool:
            return any(all(word in line for word in words) for line in frame.text.splitlines())

        await frame.until(lambda: has_come("while all was well"), "the stream")
        await frame.press("4")
        lab.cut(1)
        await frame.until(lambda: shows("● link", "no carrier"), "the loss")
        lab.plug(1)
        await frame.until(lambda: shows("● link", "carrier is back"), "the reason")
        await frame.until(lambda: shows("● healed", "224.1.0.1", "joined again"), "the healing")
        await frame.press("1")
        await frame.until(lambda: has_come("after the cable was in"), "the stream again")


def test_an_older_querier_on_the_lan_is_the_reason_that_groups_gives(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(1, snooping=True)
    lab.set_bridges(br_mcast_igmp_version=2)
    lab.set_querier(on=True)
    tables = ["cat", "/proc/net/igmp"]
    wait_until(lambda: " V2\n" in lab.host(1).run(tables).stdout, "the older version")
    [row] = map(json.loads, run_on(lab.host(1), "groups", "--json", "eth0", "224.0.0.1").stdout.splitlines())
    assert (row["version"], row["version_reason"]) == ("IGMPv2", "an older querier was heard")


def test_a_querier_that_stops_is_an_alarm_with_its_reason_and_runs_the_hook(
    make_lab: Callable[..., Lab], tmp_path: Path
) -> None:
    lab, log, ran = make_lab(1, snooping=True), tmp_path / "events", tmp_path / "ran"
    lab.set_bridges(br_mcast_query_intvl=100, br_mcast_startup_query_intvl=100)  # in 1/100 s
    hook = f"sh -c 'echo $MCAST_EVENT $MCAST_QUERIER >>{ran}'"

    def events() -> list[dict[str, str | None]]:
        lines = log.read_text().split("\n")[:-1] if log.exists() else []
        return list(map(json.loads, lines))

    def has(*kinds: str) -> bool:
        return {*kinds} <= {each["event"] for each in events()}

    options = ("--events", str(log), "--on-querier-lost", hook)
    with started(lab.host(1), "listen", f"{IGMP.group}%eth0", *options):
        lab.set_querier(on=True)
        wait_until(lambda: has("querier", "query", "report"), "a querier that is answered")
        lab.set_querier(on=False)
        wait_until(lambda: has("querier-lost", "alarm"), "the alarm")
        wait_until(lambda: ran.exists() and "querier-lost 192.168.10.254" in ran.read_text(), "the hook")
    [alarm] = [each for each in events() if each["event"] == "alarm" and each["group"] == str(IGMP.group)]
    assert (alarm["seen"], alarm["origin"]) == (
        False,
        "querier 192.168.10.254: 2 x 1 s + 1 s, announced (QQIC)",
    )


UNPRIVILEGED = """
import sys
from mcast_tui.cli.main import main
from mcast_tui.net.privileges import drop_privileges

uid = int(sys.argv[1])
drop_privileges(uid, uid)
sys.exit(main(sys.argv[2:]))
"""


@requires("socat")
def test_an_app_without_privilege_says_what_it_misses_and_shows_what_the_privileged_tap_hears(
    lab: Lab,
) -> None:
    uid = os.geteuid()
    # numpy's threads would keep privileges
    argv = ["env", "OPENBLAS_NUM_THREADS=1", sys.executable, "-c", UNPRIVILEGED, str(uid)]
    with (
        runtime_directory(uid),
        PtyApp(lab.host(1), "224.1.0.1", argv=argv, size=(170, 50)) as app,
    ):
        app.until_shown("users 1")
        app.type("4")
        app.until_shown("inferred, no tap", "CAP_NET_RAW")
        with started(lab.host(1), "tap", "--user", str(uid), until="feeding"):
            app.until(lambda: "no tap" not in app.text, "the tap")
            with socat_peer(lab.host(2), "239.3.3.3"):
                heard = "● report  239.3.3.3          192.168.10.2"
                app.until_shown(heard)
        app.until_shown("inferred, no tap")
        quit_well(app)
