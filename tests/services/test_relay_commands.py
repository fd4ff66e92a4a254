"""EXEC and SYSTEM at one end of a relay: whatever the command does, its requests are answered or told."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from mcast_tui.services.relay.plan import Flow
from tests.peers import eventually, socat
from tests.services.relays import has_ended, relay_on

if TYPE_CHECKING:
    from pathlib import Path

    from mcast_tui.services.lab.lan import Host

pytestmark = pytest.mark.usefixtures("shared_lab")

SERVER = "UDP4-RECVFROM:6666,fork"
TO_SERVER = "UDP4-DATAGRAM:192.168.10.2:6666"


@pytest.mark.parametrize("command", ["EXEC:hostname", "SYSTEM:exec <&-; hostname", "EXEC:sh -c 'hostname'"])
async def test_a_command_that_never_reads_loses_no_answer(host1: Host, host2: Host, command: str) -> None:
    async with relay_on(host2, SERVER, command):
        with socat(host1, "STDIO", TO_SERVER) as client:
            for number in range(1, 21):
                client.say("?")
                await client.will_hear("host2", number)


async def test_every_byte_of_a_request_and_of_its_answer_arrives(host1: Host, host2: Host) -> None:
    every = bytes(range(256)) * 30
    async with relay_on(host2, SERVER, "EXEC:cat"):
        with socat(host1, "STDIO", TO_SERVER) as client:
            client.write(every)
            await client.output.awaited(lambda: len(client.output.data) >= len(every), "its echo")
    assert client.output.data == every


async def test_a_megabyte_comes_in_datagrams_of_a_block(host1: Host, host2: Host) -> None:
    async with relay_on(host2, SERVER, "SYSTEM:head -c 1000000 /dev/zero", block_size=1000) as running:
        with socat(host1, "STDIO", f"{TO_SERVER},rcvbuf=4000000") as client:
            client.say("?")
            await client.output.awaited(lambda: len(client.output.data) > 100_000, "a good part of it")
    assert not running.relay.failures


async def test_a_slow_command_is_waited_for_unless_a_time_was_given(host1: Host, host2: Host) -> None:
    slow = "SYSTEM:sleep 0.7; echo at last"
    async with relay_on(host2, SERVER, slow):
        with socat(host1, "STDIO", TO_SERVER) as client:
            client.say("?")
            await client.will_hear("at last")
    async with relay_on(host2, SERVER, "SYSTEM:sleep 600", linger_s=0.05) as running:
        with socat(host1, "STDIO", TO_SERVER) as client:
            client.say("?")
            await eventually(lambda: "was ended" in running.words, "its end")


async def test_complaints_count_as_output_when_asked(host1: Host, host2: Host) -> None:
    async with relay_on(host2, SERVER, "SYSTEM:echo out; echo err >&2,stderr"):
        with socat(host1, "STDIO", TO_SERVER) as client:
            client.say("?")
            await client.will_hear("out")
            await client.will_hear("err")


async def test_a_command_that_fails_is_told_and_the_next_is_served(host1: Host, host2: Host) -> None:
    async with relay_on(host2, SERVER, "SYSTEM:read x; echo got $x; kill -$x $$") as running:
        with socat(host1, "STDIO", TO_SERVER) as client:
            client.say("KILL")
            await eventually(lambda: "ended by signal 9" in running.words, "a word on it")
            client.say("0")
            await client.will_hear("got 0")
    assert running.relay.failures == 1


async def test_what_a_command_leaves_running_ends_with_its_request(
    host1: Host, host2: Host, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    daemon = f"SYSTEM:sleep 600 & echo $! > {note}; echo started"
    async with relay_on(host2, SERVER, daemon):
        with socat(host1, "STDIO", TO_SERVER) as client:
            client.say("?")
            await client.will_hear("started")
            await eventually(lambda: has_ended(int(note.read_text())), "the end of what it left")


async def test_the_end_of_a_relay_ends_its_commands(host1: Host, host2: Host, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    async with relay_on(
        host2, SERVER, f"SYSTEM:trap true TERM; echo $$ > {note}; echo up; sleep 600; sleep 600"
    ):
        with socat(host1, "STDIO", TO_SERVER) as client:
            client.say("?")
            await client.will_hear("up")
            pid = int(note.read_text())
            os.kill(pid, signal.SIGTERM)
            assert not has_ended(pid)
    assert has_ended(pid)


async def test_at_most_so_many_run_at_once_and_the_others_wait(
    host1: Host, host2: Host, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    async with relay_on(host2, f"{SERVER},max-children=2", f"SYSTEM:cat; read x < {gate}") as running:
        with socat(host1, "STDIO", TO_SERVER) as client:
            for name in ("one", "two"):
                client.say(name)
                await client.will_hear(name)
            client.say("three")
            [door] = running.relay._doors
            await door.node.wait_beyond(2)
            assert len(running.children) == 2
            assert "three" not in client.output.data.decode()
            writer = os.open(gate, os.O_RDWR)
            os.write(writer, b"go on\n")
            await client.will_hear("three")
            os.close(writer)


async def test_one_way_into_a_command_its_output_is_ours(host1: Host, host2: Host) -> None:
    with socat(host1, "-u", "STDIO", TO_SERVER) as client:
        async with relay_on(host2, SERVER, "SYSTEM:tr a-z A-Z", flow=Flow.FORWARD) as running:
            client.say("loud")
            await running.streams.hears("LOUD")


async def test_one_way_out_of_a_command_its_input_is_ours(host1: Host, host2: Host) -> None:
    with socat(host1, "-u", "UDP4-RECV:7000", "STDIO") as receiver:
        to_receiver = "UDP4-SENDTO:192.168.10.1:7000"
        async with relay_on(host2, "EXEC:cat", to_receiver, flow=Flow.FORWARD) as running:
            running.streams.say("from standard input")
            await receiver.will_hear("from standard input")
            running.streams.end()
            await running.over()


async def test_a_recorder_that_closes_its_output_goes_on(host1: Host, host2: Host, tmp_path: Path) -> None:
    file = tmp_path / "recording"
    async with relay_on(
        host2, "UDP4-RECV:6666", f"SYSTEM:exec cat > {file}", flow=Flow.FORWARD, linger_s=0.01
    ):
        with socat(host1, "-u", "STDIO", TO_SERVER) as sender:
            for count in range(1, 4):
                sender.say(f"line {count}")
                await eventually(
                    lambda count=count: file.exists() and f"line {count}" in file.read_text(), "it"
                )


async def test_a_command_that_ends_by_itself_ends_the_relay_and_its_status_counts(host2: Host) -> None:
    to_nobody = "UDP4-SENDTO:192.168.10.1:7000"
    for status in (0, 3):
        async with relay_on(host2, f"SYSTEM:echo bye; exit {status}", to_nobody, linger_s=0.01) as running:
            await running.over()
        assert running.relay.failures == (status != 0)
    assert "exited with status 3" in running.words


@pytest.mark.parametrize("flow", [Flow.FORWARD, Flow.BOTH])
async def test_traffic_does_not_keep_a_relay_going_whose_command_has_ended(
    host1: Host, host2: Host, flow: Flow
) -> None:
    async with relay_on(host2, "UDP4-RECV:6666", "SYSTEM:read x", flow=flow, linger_s=3600) as running:
        with socat(host1, "-u", "STDIO", TO_SERVER) as sender:
            await eventually(lambda: sender.say("still here") or running.task.done(), "its end")
        await running.over()
