"""``mcast-tui lab`` without a further word: the classroom. The door from the command line to its app."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcast_tui.services.lab.classroom.scenario import Scenario


def open_classroom(
    scenario: Scenario | None,
    *,
    hosts: int,
    snooping: bool,
    querier: bool,
    ascii: bool | None,  # noqa: A002  # the option's name
) -> int:
    """Run the classroom on a fresh LAN, or on that of a lesson; return the exit status.

    Raises PermissionRefused where namespaces are forbidden.
    """
    from mcast_tui.config import load_settings
    from mcast_tui.services.lab.classroom.live_lan import LanPlan
    from mcast_tui.services.lab.namespace import enter_private_network_or_refuse

    settings = load_settings().override(ascii=ascii)
    # Before Textual and its threads: a user namespace is entered by a process of one thread only.
    enter_private_network_or_refuse()
    from mcast_tui.app.classroom.app import run_classroom

    plan = LanPlan(hosts=hosts, snooping=snooping, querier=querier)
    return run_classroom(plan, scenario, ascii=settings.ascii)
