"""The test run lives in a network namespace of its own, and every test leaves it as it found it.

Before the first test the whole run moves into a fresh network namespace with nothing in it but
a loopback (inside a user namespace when not root); where that is impossible no test runs. So no
test packet can reach a real interface. Tests of a LAN take the `lab` fixture: three hosts on a
switch, each with its own namespace.
"""

from __future__ import annotations

import gc
import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings

from mcast_tui.errors import McastError
from mcast_tui.net.interfaces import list_interfaces
from mcast_tui.net.kernel import read_memberships
from mcast_tui.services.lab.lan import Lab
from mcast_tui.services.lab.namespace import (
    CLONE_NEWNET,
    CLONE_NEWUTS,
    Place,
    enter_private_network,
    isolation_refused,
    set_link,
    unshare,
)
from tests import leaks
from tests.leaks import Possessions, adopt_orphans, network_namespace, recorded_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcast_tui.services.lab.host import Host

SKIPS_FAIL = "MCAST_CI"
"""Set by ``.ci/run``: there every program is installed, so a skipped test is a test not run."""


def pytest_configure(config: pytest.Config) -> None:
    """Move the run into its own network namespace, once, before anything of a test is imported."""
    if config.option.collectonly:
        return
    # The programs we start are mostly this package: without its bytecode each compiles it anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if hasattr(config, "workerinput"):
        _leave_controller()
    else:
        _enter_home()
    adopt_orphans()
    _be_the_same_everywhere()
    # Under nohup, and in the background of a script, every program we start would rightly ignore these.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[_HOME], config.stash[_HOME_NAME] = Place(), network_namespace()


def _be_the_same_everywhere() -> None:
    """Let neither the speed of a machine nor the environment of whoever starts the tests decide a test."""
    for name in list(os.environ):
        if name in FOREIGN or name.startswith(("TEXTUAL", "MCAST_TUI_")):
            del os.environ[name]
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")


def _enter_home() -> None:
    refused = isolation_refused()
    if refused is None:
        try:
            enter_private_network()
        except McastError as error:
            refused = error
    if refused is not None:
        pytest.exit(f"no test runs outside a network namespace of its own. {refused}", returncode=4)
    os.environ[CONTROLLER_HOME] = network_namespace()


def _leave_controller() -> None:
    """Give a worker of pytest-xdist, which starts in the controller's namespace, another one of its own.

    Its thread that talks with the controller stays behind: it opens no sockets.
    """
    if network_namespace() != os.environ.get(CONTROLLER_HOME):
        pytest.exit("this worker is not in the controller's network namespace", returncode=4)
    unshare(CLONE_NEWNET | CLONE_NEWUTS)
    set_link("lo", up=True)


FOREIGN = {"NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES", "SSH_CONNECTION", "XDG_CONFIG_HOME"}
"""What tells an app how to look, or where its settings are."""
CONTROLLER_HOME = "MCAST_TEST_HOME"
"""Tells the workers which namespace they must find themselves in before they make their own."""
_HOME, _HOME_NAME = pytest.StashKey[Place](), pytest.StashKey[str]()


def pytest_collection_finish() -> None:
    """Look for garbage less often than Python does, which takes a third of the time of an app that is tested.

    What was imported stays, and is most there is: it is left out.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 10, 50)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse to run a test anywhere but at home."""
    if network_namespace() != item.config.stash.get(_HOME_NAME, None):
        pytest.exit("the test run is not in its own network namespace", returncode=4)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that skipped anything where nothing may be skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get(SKIPS_FAIL) and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.section(f"{SKIPS_FAIL} is set: a skipped test fails the run", red=True)


@pytest.fixture(autouse=True)
def nothing_is_left_behind(pytestconfig: pytest.Config) -> Iterator[None]:
    """Fail the test that leaks a task, thread, descriptor, process, or leaves its namespace."""
    before = Possessions.now()
    with recorded_tasks() as tasks:
        yield
    problems = [f"task {task}" for task in tasks] + before.left_behind()
    if problems:
        pytestconfig.stash[_HOME].enter()  # the next test is not to pay for it
        pytest.fail("left behind: " + "; ".join(problems), pytrace=False)


ANSWERED_AT_ONCE = {
    "net/rtnetlink.py": {"_dump_once"},
    "net/interfaces.py": {"route_source"},
    "net/kernel.py": {"_read"},
    "net/refusals.py": {"read_limit"},
    "net/port_holder.py": {"find_port_holders"},
    "net/receiver.py": {"close", "add", "remove"},
    "net/tap.py": {"close", "count"},
    "net/packet_socket.py": {"tap_command"},
    "net/door.py": {"network_namespace", "connect_to_door", "open_door", "close_door"},
    "services/process/children.py": {"_keep_inherited_descriptors"},
    "services/process/tree.py": {"children", "_parents", "_lists_children"},
}
"""Netlink, a UDP connect and /proc: the kernel answers from memory within the call. The receiver's
thread ends, or lets go of a socket, within one read that does not block; the tap's within its pause. The door
of the privileged tap is looked for in directories in memory."""


@pytest.fixture(scope="session", autouse=True)
def blocking_calls_fail() -> Iterator[None]:
    """Make a blocking call of app/ or services/ in the event loop raise `blockbuster.BlockingError`.

    The lab is left out: it belongs to tests and the demo, and is built before anything runs. So are
    netlink and /proc: the kernel answers from memory, within the call.
    """
    guard = BlockBuster(
        scanned_modules=["mcast_tui.app", "mcast_tui.services"],
        excluded_modules=["mcast_tui.services.lab"],
    )
    for function in guard.functions.values():
        for file, names in ANSWERED_AT_ONCE.items():
            function.can_block_in(file, names)
    guard.activate()
    yield
    guard.deactivate()


@pytest.fixture
def make_lab() -> Iterator[Callable[..., Lab]]:
    """Return a function that builds labs, with the arguments of `Lab`; they go down after the test."""
    with ExitStack() as labs:

        def build(hosts: int = 3, **options: object) -> Lab:
            return labs.enter_context(Lab(hosts, **options))

        yield build


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    """Make the tests of a file share one LAN: ``pytestmark = pytest.mark.usefixtures("shared_lab")``.

    Then `lab` and `host1` to `host3` are of it. A test that leaves it changed fails; one that is to change
    it is marked ``own_lab`` and has its own.
    """
    with Lab(3) as lab:
        yield lab


@pytest.fixture
def lab(request: pytest.FixtureRequest, make_lab: Callable[..., Lab]) -> Iterator[Lab]:
    """Return a LAN of three hosts, 192.168.10.1 to .3."""
    if not _shares(request):
        yield make_lab(3)
        return
    lab = request.getfixturevalue("shared_lab")
    before = {host: condition_of(host) for host in lab.hosts}
    yield lab
    if changed := _changed_since(before):
        pytest.fail(f"left behind on the LAN of this file: {'; '.join(changed)}", pytrace=False)


def _changed_since(before: dict[Host, tuple[object, ...]]) -> list[str]:
    """Return what is not as it was, as phrases, after a time of grace."""
    deadline = time.monotonic() + leaks.GRACE_S
    while (now := {host: condition_of(host) for host in before}) != before and time.monotonic() < deadline:
        time.sleep(0.005)
    return [f"{host.name}: {now[host]}, was {before[host]}" for host in before if now[host] != before[host]]


def _shares(request: pytest.FixtureRequest) -> bool:
    return "shared_lab" in request.fixturenames and request.node.get_closest_marker("own_lab") is None


def condition_of(host: Host) -> tuple[object, ...]:
    """Return what a test can have changed on a host: interfaces, memberships and open sockets."""
    with host.entered():
        memberships = sorted((row.ifindex, str(row.group), row.users) for row in read_memberships().groups)
        tables = (Path("/proc/thread-self/net", name) for name in ("udp", "udp6", "raw", "raw6", "packet"))
        return list_interfaces(), memberships, [table.read_text() for table in tables]


@pytest.fixture
def host1(request: pytest.FixtureRequest, make_lab: Callable[..., Lab]) -> Host:
    """Return host 1: of the `lab` where that is there, else of one with nobody else: it is built sooner."""
    has_company = not {"lab", "host2", "host3"}.isdisjoint(request.fixturenames)
    return (request.getfixturevalue("lab") if has_company or _shares(request) else make_lab(1)).host(1)


@pytest.fixture
def host2(lab: Lab) -> Host:
    return lab.host(2)


@pytest.fixture
def host3(lab: Lab) -> Host:
    return lab.host(3)
