"""The inhabitants of the demo's LAN: small programs that talk as real devices and people do.

Each is started by ``python -m mcast_tui.services.lab.bots NAME --address A --interface I``, sends
from that address and ends when its standard input does. Standard library only. The loop
(`life`) holds each to its maximum rate, whatever the bot wants:

    person        224.1.0.1:6666          a line each 8-20 s, answers within 1-3 s; at most 2/s
    stream        239.69.0.1:5004         200 packets/s of RTP audio; at most 220/s
    mdns          224.0.0.251:5353        an announcement each 8 s; at most 2/s
    ssdp          239.255.255.250:1900    3 notices each 10 s; at most 10/s
    broadcaster   255.255.255.255:6666    a line each 7 s; at most 2/s
    vandal        224.1.0.1:6666          a line each 5 s that tries to break terminals; at most 2/s
"""
