"""``mcast-tui demo``: the app on one host of a virtual LAN where others talk."""

from __future__ import annotations

import click

from mcast_tui.cli.commands.tui import open_app


@click.command()
@click.option("--ascii", is_flag=True, default=None, help="Draw with ASCII characters only.")
@click.option("--loopback", is_flag=True, help="Do not build a LAN: let the peers talk on loopback.")
@click.option("--seed", type=int, help="Make the peers say the same things at every run.")
def demo(*, ascii: bool | None, loopback: bool, seed: int | None) -> int:  # noqa: A002  # the option's name
    """Open the app on a virtual LAN with talking peers.

    Needs no network, no root and no set-up: the hosts are network namespaces that vanish with the app.
    Where those are forbidden it says so and lets the peers talk on loopback.
    """
    from dataclasses import replace

    from mcast_tui.config import load_settings
    from mcast_tui.services.lab.demo import enter_demo_lan
    from mcast_tui.wire.place import Place

    # What the user set for his own network has no meaning here, and would hide the peers.
    own = load_settings().override(ascii=ascii)
    settings = replace(own, interface=None, ranges=(), source_port=None)
    # Before Textual and its threads: a user namespace is entered by a process of one thread only.
    with enter_demo_lan(force_loopback=loopback, seed=seed) as lan:
        return open_app(settings, [Place(endpoint) for endpoint in lan.endpoints], note=lan.note)
