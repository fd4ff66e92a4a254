# fish completion for mcast-tui; made by `mcast-tui completion fish`.

# Whether the words so far are a call of this command; without a known one they are a call of tui.
function __mcast_tui_in
    set -l words (commandline -opc)[2..]
    contains -- -- $words; and return 1
    set -l verb tui
    if set -q words[1]; and contains -- $words[1] tui demo lab listen send serve query chat socat man completion
        set verb $words[1]
        if set -q words[2]; and contains -- "$words[1] $words[2]" "lab exec" "lab lessons" "lab run" "lab shell"
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
    string match -rg '^\s*([^\s:]\S*):\s' </proc/net/dev
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
complete -c mcast-tui -n '__mcast_tui_first' -a tui -d 'Open the app, joined to the ENDPOINTs; with none, its start page, which joins and sends nothing'
complete -c mcast-tui -n '__mcast_tui_first' -a demo -d 'Open the app on a virtual LAN with talking peers'
complete -c mcast-tui -n '__mcast_tui_first' -a lab -d 'Try things on a virtual LAN: hosts in network namespaces, that vanish afterwards'
complete -c mcast-tui -n '__mcast_tui_first' -a listen -d 'Print what arrives at the ENDPOINTs: multicast, broadcast, and unicast to their ports'
complete -c mcast-tui -n '__mcast_tui_first' -a send -d 'Send to a group, a broadcast or a unicast address: one datagram per TEXT, else per line of stdin'
complete -c mcast-tui -n '__mcast_tui_first' -a serve -d 'Run COMMAND for each datagram that arrives at the ENDPOINTs; what it prints goes back to the sender'
complete -c mcast-tui -n '__mcast_tui_first' -a query -d 'Send TEXT, else each line of stdin, and print what comes back to the port it was sent from'
complete -c mcast-tui -n '__mcast_tui_first' -a chat -d 'Send each line of stdin to the group joined last, print each line of others on stdout'
complete -c mcast-tui -n '__mcast_tui_first' -a socat -d 'Run two socat addresses against each other: what is read from one is written to the other'
complete -c mcast-tui -n '__mcast_tui_first' -a man -d 'Print the manual page in roff'
complete -c mcast-tui -n '__mcast_tui_first' -a completion -d 'Print the completion script for a shell'
complete -c mcast-tui -n '__mcast_tui_first' -l version -d 'Show the version and exit.'
complete -c mcast-tui -n '__mcast_tui_first' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in tui' -l ascii -d 'Draw with ASCII characters only.'
complete -c mcast-tui -n '__mcast_tui_in tui' -s i -l interface -x -a '(__mcast_tui_interfaces)' -d 'Interface for endpoints that name none.'
complete -c mcast-tui -n '__mcast_tui_in tui' -l range -x -d 'Accept only sources in this network; repeatable. Others are counted as refused.'
complete -c mcast-tui -n '__mcast_tui_in tui' -l source-port -x -d 'Accept only this source port. [1<=x<=65535]'
complete -c mcast-tui -n '__mcast_tui_in tui' -l ring-packets -x -d 'Packets to keep. [default: 1000000] [1024<=x<=134217728]'
complete -c mcast-tui -n '__mcast_tui_in tui' -l ring-bytes -x -d 'Payload bytes to keep. [default: 33554432] [131072<=x<=68719476736]'
complete -c mcast-tui -n '__mcast_tui_in tui' -l receive-buffer -x -d 'Receive buffer to ask for, in bytes. [4096<=x<=1073741824]'
complete -c mcast-tui -n '__mcast_tui_in tui' -l ttl -x -d 'TTL or hop limit to groups. [default: 1] [0<=x<=255]'
complete -c mcast-tui -n '__mcast_tui_in tui' -l loop -d 'Whether members on this host hear it. [default: loop]'
complete -c mcast-tui -n '__mcast_tui_in tui' -l no-loop -d 'Whether members on this host hear it. [default: loop]'
complete -c mcast-tui -n '__mcast_tui_in tui' -l print-socat -d 'Print the socat line that does the same, and one for a peer, and do nothing else.'
complete -c mcast-tui -n '__mcast_tui_in tui' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in tui' -a '(__mcast_tui_endpoints)'
complete -c mcast-tui -n '__mcast_tui_in demo' -l ascii -d 'Draw with ASCII characters only.'
complete -c mcast-tui -n '__mcast_tui_in demo' -l loopback -d 'Do not build a LAN: let the peers talk on loopback.'
complete -c mcast-tui -n '__mcast_tui_in demo' -l seed -x -d 'Make the peers say the same things at every run.'
complete -c mcast-tui -n '__mcast_tui_in demo' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in lab' -a exec -d 'Run one command on host 1 of a fresh LAN and exit with its status'
complete -c mcast-tui -n '__mcast_tui_in lab' -a lessons -d 'List the lessons by the names that `lab run` knows'
complete -c mcast-tui -n '__mcast_tui_in lab' -a run -d 'Play a lesson, or the LAN that a TOML FILE describes, and check what it claims'
complete -c mcast-tui -n '__mcast_tui_in lab' -a shell -d 'Open your shell on host 1 of a fresh LAN; leaving it takes the LAN down'
complete -c mcast-tui -n '__mcast_tui_in lab' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in lab exec' -l hosts -x -d 'How many hosts. [default: 3; 1<=x<=250]'
complete -c mcast-tui -n '__mcast_tui_in lab exec' -l lans -x -d 'How many Ethernets each host is on: eth0 on 192.168.10.0/24, eth1 on 192.168.11.0/24, ... [default: 1; 1<=x<=16]'
complete -c mcast-tui -n '__mcast_tui_in lab exec' -l routes -x -a 'multicast default none' -d 'Routes off the subnets: to groups and 255.255.255.255, a default route, or none. [default: multicast]'
complete -c mcast-tui -n '__mcast_tui_in lab exec' -l snooping -d 'Let the switch learn members, not flood.'
complete -c mcast-tui -n '__mcast_tui_in lab exec' -l querier -d 'Let the switch send IGMP and MLD queries.'
complete -c mcast-tui -n '__mcast_tui_in lab exec' -l shell -x -d 'Run this line by /bin/sh instead of a COMMAND.'
complete -c mcast-tui -n '__mcast_tui_in lab exec' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in lab lessons' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in lab run' -l json -d 'One JSON object per step.'
complete -c mcast-tui -n '__mcast_tui_in lab run' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in lab shell' -l hosts -x -d 'How many hosts. [default: 3; 1<=x<=250]'
complete -c mcast-tui -n '__mcast_tui_in lab shell' -l lans -x -d 'How many Ethernets each host is on: eth0 on 192.168.10.0/24, eth1 on 192.168.11.0/24, ... [default: 1; 1<=x<=16]'
complete -c mcast-tui -n '__mcast_tui_in lab shell' -l routes -x -a 'multicast default none' -d 'Routes off the subnets: to groups and 255.255.255.255, a default route, or none. [default: multicast]'
complete -c mcast-tui -n '__mcast_tui_in lab shell' -l snooping -d 'Let the switch learn members, not flood.'
complete -c mcast-tui -n '__mcast_tui_in lab shell' -l querier -d 'Let the switch send IGMP and MLD queries.'
complete -c mcast-tui -n '__mcast_tui_in lab shell' -l tmux -d 'Open a tmux pane for each host.'
complete -c mcast-tui -n '__mcast_tui_in lab shell' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in listen' -l json -d 'One JSON object per packet.'
complete -c mcast-tui -n '__mcast_tui_in listen' -l hex -d 'The text line, and under it a hex dump of the payload.'
complete -c mcast-tui -n '__mcast_tui_in listen' -l raw-payload -d 'The payloads as they are, with nothing between; for pipes.'
complete -c mcast-tui -n '__mcast_tui_in listen' -l force -d 'Write --raw-payload to a terminal, which any bytes may upset.'
complete -c mcast-tui -n '__mcast_tui_in listen' -l fields -x -d 'Only these fields, in this order: a tab between them, or with --json as keys. Known: schema, number, time, kernel_time, source, source_port, destination, destination_port, protocol, addressed, interface, ifindex, local_address, hop_limit, traffic_class, length, truncated, own, refused, payload_hex, text.'
complete -c mcast-tui -n '__mcast_tui_in listen' -s c -l count -x -d 'End after this many packets. [x>=1]'
complete -c mcast-tui -n '__mcast_tui_in listen' -s t -l timeout -x -d 'End after this many seconds. [x>0]'
complete -c mcast-tui -n '__mcast_tui_in listen' -l source -x -d 'Join groups from this source only (SSM), where the endpoint names none; repeatable.'
complete -c mcast-tui -n '__mcast_tui_in listen' -l own -d 'Whether to print what this host itself sent. [default: own]'
complete -c mcast-tui -n '__mcast_tui_in listen' -l no-own -d 'Whether to print what this host itself sent. [default: own]'
complete -c mcast-tui -n '__mcast_tui_in listen' -l show-refused -d 'Print packets that --range or --source-port refuse, too.'
complete -c mcast-tui -n '__mcast_tui_in listen' -l raw -x -d 'Raw IP of this protocol number in place of UDP; it has no ports. Needs CAP_NET_RAW. [0<=x<=255]'
complete -c mcast-tui -n '__mcast_tui_in listen' -l print-socat -d 'Print the socat line that does the same, and one for a peer, and do nothing else.'
complete -c mcast-tui -n '__mcast_tui_in listen' -s i -l interface -x -a '(__mcast_tui_interfaces)' -d 'Interface for endpoints that name none.'
complete -c mcast-tui -n '__mcast_tui_in listen' -l range -x -d 'Accept only sources in this network; repeatable. Others are counted as refused.'
complete -c mcast-tui -n '__mcast_tui_in listen' -l source-port -x -d 'Accept only this source port. [1<=x<=65535]'
complete -c mcast-tui -n '__mcast_tui_in listen' -l ring-packets -x -d 'Packets to keep. [default: 1000000] [1024<=x<=134217728]'
complete -c mcast-tui -n '__mcast_tui_in listen' -l ring-bytes -x -d 'Payload bytes to keep. [default: 33554432] [131072<=x<=68719476736]'
complete -c mcast-tui -n '__mcast_tui_in listen' -l receive-buffer -x -d 'Receive buffer to ask for, in bytes. [4096<=x<=1073741824]'
complete -c mcast-tui -n '__mcast_tui_in listen' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in listen' -a '(__mcast_tui_endpoints)'
complete -c mcast-tui -n '__mcast_tui_in send' -s x -l hex -d 'Read TEXT, or each line, as hexadecimal bytes.'
complete -c mcast-tui -n '__mcast_tui_in send' -s f -l file -r -F -d 'Send this file as one datagram; - is standard input.'
complete -c mcast-tui -n '__mcast_tui_in send' -s n -l no-newline -d 'Send text as it is, without a line end.'
complete -c mcast-tui -n '__mcast_tui_in send' -l repeat -x -d 'Send everything N times over; 0: until interrupted. A line of stdin goes N times as it comes. [x>=0]'
complete -c mcast-tui -n '__mcast_tui_in send' -l interval -x -d 'From one to the next. [0<x<=1000000.0]'
complete -c mcast-tui -n '__mcast_tui_in send' -l rate -x -d 'The same, as packets a second. [1e-06<=x<=1000000000.0]'
complete -c mcast-tui -n '__mcast_tui_in send' -s y -l yes -d 'Go above 1000 packets/s, or as fast as it goes.'
complete -c mcast-tui -n '__mcast_tui_in send' -l wait -x -d 'Then print what the one address sent to answers, and only that, for so long. [0<=x<=31536000.0]'
complete -c mcast-tui -n '__mcast_tui_in send' -s i -l interface -x -a '(__mcast_tui_interfaces)' -d 'Interface to send by, where the endpoint names none.'
complete -c mcast-tui -n '__mcast_tui_in send' -l source-port -x -d 'Send from this port; 0 lets the kernel choose. [default: the group\'s port when it is free] [0<=x<=65535]'
complete -c mcast-tui -n '__mcast_tui_in send' -l bind -x -d 'Send from this address of this host, and port. Only the source is set by it: the socket stays bound to no address, for one bound to an interface\'s address hears neither groups nor broadcast.'
complete -c mcast-tui -n '__mcast_tui_in send' -l tos -x -d 'TOS byte or traffic class, 0-255, also as 0xb8. [default: 0] [0<=x<=255]'
complete -c mcast-tui -n '__mcast_tui_in send' -l ttl -x -d 'TTL or hop limit to groups. [default: 1] [0<=x<=255]'
complete -c mcast-tui -n '__mcast_tui_in send' -l loop -d 'Whether members on this host hear it. [default: loop]'
complete -c mcast-tui -n '__mcast_tui_in send' -l no-loop -d 'Whether members on this host hear it. [default: loop]'
complete -c mcast-tui -n '__mcast_tui_in send' -l raw -x -d 'Raw IP of this protocol number in place of UDP; it has no ports. Needs CAP_NET_RAW. [0<=x<=255]'
complete -c mcast-tui -n '__mcast_tui_in send' -l print-socat -d 'Print the socat line that does the same, and one for a peer, and do nothing else.'
complete -c mcast-tui -n '__mcast_tui_in send' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in send' -a '(__mcast_tui_endpoints)'
complete -c mcast-tui -n '__mcast_tui_in serve' -l shell -x -d 'Have /bin/sh run STRING, in place of a COMMAND.'
complete -c mcast-tui -n '__mcast_tui_in serve' -l reply -x -a 'whole line chunk' -d 'One answer of all it prints, one per line, or one per write, a too long one cut. [default: whole]'
complete -c mcast-tui -n '__mcast_tui_in serve' -l max-children -x -d 'Commands at once. [default: two per core, at least 4] [1<=x<=100000]'
complete -c mcast-tui -n '__mcast_tui_in serve' -l queue -x -d 'Requests that may wait. What finds it full is refused and counted. [default: 4096; 1<=x<=100000]'
complete -c mcast-tui -n '__mcast_tui_in serve' -s t -l timeout -x -d 'Seconds a command may take before it is killed, with all it started. [default: 10.0; x>0]'
complete -c mcast-tui -n '__mcast_tui_in serve' -l ttl -x -d 'TTL or hop limit of answers. [default: the kernel\'s] [1<=x<=255]'
complete -c mcast-tui -n '__mcast_tui_in serve' -l tos -x -d 'TOS byte or traffic class, 0-255, also as 0xb8. [default: 0] [0<=x<=255]'
complete -c mcast-tui -n '__mcast_tui_in serve' -s c -l count -x -d 'End after this many requests. [x>=1]'
complete -c mcast-tui -n '__mcast_tui_in serve' -s v -l verbose -d 'A line on stderr for each request.'
complete -c mcast-tui -n '__mcast_tui_in serve' -l raw -x -d 'Raw IP of this protocol number in place of UDP; it has no ports. Needs CAP_NET_RAW. [0<=x<=255]'
complete -c mcast-tui -n '__mcast_tui_in serve' -s i -l interface -x -a '(__mcast_tui_interfaces)' -d 'Interface for endpoints that name none.'
complete -c mcast-tui -n '__mcast_tui_in serve' -l range -x -d 'Accept only sources in this network; repeatable. Others are counted as refused.'
complete -c mcast-tui -n '__mcast_tui_in serve' -l source-port -x -d 'Accept only this source port. [1<=x<=65535]'
complete -c mcast-tui -n '__mcast_tui_in serve' -l ring-packets -x -d 'Packets to keep. [default: 1000000] [1024<=x<=134217728]'
complete -c mcast-tui -n '__mcast_tui_in serve' -l ring-bytes -x -d 'Payload bytes to keep. [default: 33554432] [131072<=x<=68719476736]'
complete -c mcast-tui -n '__mcast_tui_in serve' -l receive-buffer -x -d 'Receive buffer to ask for, in bytes. [4096<=x<=1073741824]'
complete -c mcast-tui -n '__mcast_tui_in serve' -l print-socat -d 'Print the socat line that does the same, and one for a peer, and do nothing else.'
complete -c mcast-tui -n '__mcast_tui_in serve' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in serve' -a '(__mcast_tui_endpoints)'
complete -c mcast-tui -n '__mcast_tui_in query' -s w -l wait -x -d 'Seconds to wait for answers. [default: 2.0; 0<=x<=31536000.0]'
complete -c mcast-tui -n '__mcast_tui_in query' -s c -l count -x -d 'End after this many answers. [x>=1]'
complete -c mcast-tui -n '__mcast_tui_in query' -l json -d 'One JSON object per answer, as listen --json, with rtt_ns.'
complete -c mcast-tui -n '__mcast_tui_in query' -l raw-payload -d 'The answers as they are, with nothing between; for pipes.'
complete -c mcast-tui -n '__mcast_tui_in query' -s x -l hex -d 'Read TEXT, or each line, as hexadecimal bytes.'
complete -c mcast-tui -n '__mcast_tui_in query' -s n -l no-newline -d 'Ask with the text as it is, without a line end.'
complete -c mcast-tui -n '__mcast_tui_in query' -l from-port -x -d 'Ask from this port; other programs can share it, and take answers. [default: one only we have] [0<=x<=65535]'
complete -c mcast-tui -n '__mcast_tui_in query' -l bind -x -d 'Send from this address of this host, and port. Only the source is set by it: the socket stays bound to no address, for one bound to an interface\'s address hears neither groups nor broadcast.'
complete -c mcast-tui -n '__mcast_tui_in query' -l own -d 'Print our own questions, too, where they come back to us.'
complete -c mcast-tui -n '__mcast_tui_in query' -l show-refused -d 'Print answers that --range or --source-port refuse, too.'
complete -c mcast-tui -n '__mcast_tui_in query' -l tos -x -d 'TOS byte or traffic class, 0-255, also as 0xb8. [default: 0] [0<=x<=255]'
complete -c mcast-tui -n '__mcast_tui_in query' -l ttl -x -d 'TTL or hop limit to groups. [default: 1] [0<=x<=255]'
complete -c mcast-tui -n '__mcast_tui_in query' -l loop -d 'Whether members on this host hear it. [default: loop]'
complete -c mcast-tui -n '__mcast_tui_in query' -l no-loop -d 'Whether members on this host hear it. [default: loop]'
complete -c mcast-tui -n '__mcast_tui_in query' -s i -l interface -x -a '(__mcast_tui_interfaces)' -d 'Interface for endpoints that name none.'
complete -c mcast-tui -n '__mcast_tui_in query' -l range -x -d 'Accept only sources in this network; repeatable. Others are counted as refused.'
complete -c mcast-tui -n '__mcast_tui_in query' -l source-port -x -d 'Accept only this source port. [1<=x<=65535]'
complete -c mcast-tui -n '__mcast_tui_in query' -l ring-packets -x -d 'Packets to keep. [default: 1000000] [1024<=x<=134217728]'
complete -c mcast-tui -n '__mcast_tui_in query' -l ring-bytes -x -d 'Payload bytes to keep. [default: 33554432] [131072<=x<=68719476736]'
complete -c mcast-tui -n '__mcast_tui_in query' -l receive-buffer -x -d 'Receive buffer to ask for, in bytes. [4096<=x<=1073741824]'
complete -c mcast-tui -n '__mcast_tui_in query' -l raw -x -d 'Raw IP of this protocol number in place of UDP; it has no ports. Needs CAP_NET_RAW. [0<=x<=255]'
complete -c mcast-tui -n '__mcast_tui_in query' -l print-socat -d 'Print the socat line that does the same, and one for a peer, and do nothing else.'
complete -c mcast-tui -n '__mcast_tui_in query' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in query' -a '(__mcast_tui_endpoints)'
complete -c mcast-tui -n '__mcast_tui_in chat' -s l -l linger -x -d 'Seconds to keep listening after the end of a pipe or file. [default: 0.5; x>=0]'
complete -c mcast-tui -n '__mcast_tui_in chat' -s i -l interface -x -a '(__mcast_tui_interfaces)' -d 'Interface for endpoints that name none.'
complete -c mcast-tui -n '__mcast_tui_in chat' -l range -x -d 'Accept only sources in this network; repeatable. Others are counted as refused.'
complete -c mcast-tui -n '__mcast_tui_in chat' -l source-port -x -d 'Accept only this source port. [1<=x<=65535]'
complete -c mcast-tui -n '__mcast_tui_in chat' -l ring-packets -x -d 'Packets to keep. [default: 1000000] [1024<=x<=134217728]'
complete -c mcast-tui -n '__mcast_tui_in chat' -l ring-bytes -x -d 'Payload bytes to keep. [default: 33554432] [131072<=x<=68719476736]'
complete -c mcast-tui -n '__mcast_tui_in chat' -l receive-buffer -x -d 'Receive buffer to ask for, in bytes. [4096<=x<=1073741824]'
complete -c mcast-tui -n '__mcast_tui_in chat' -l ttl -x -d 'TTL or hop limit to groups. [default: 1] [0<=x<=255]'
complete -c mcast-tui -n '__mcast_tui_in chat' -l loop -d 'Whether members on this host hear it. [default: loop]'
complete -c mcast-tui -n '__mcast_tui_in chat' -l no-loop -d 'Whether members on this host hear it. [default: loop]'
complete -c mcast-tui -n '__mcast_tui_in chat' -l print-socat -d 'Print the socat line that does the same, and one for a peer, and do nothing else.'
complete -c mcast-tui -n '__mcast_tui_in chat' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in chat' -a '(__mcast_tui_endpoints)'
complete -c mcast-tui -n '__mcast_tui_in socat' -s u -d 'One way only: from the first address to the second.'
complete -c mcast-tui -n '__mcast_tui_in socat' -s U -d 'One way only: from the second address to the first.'
complete -c mcast-tui -n '__mcast_tui_in socat' -s t -x -d 'Once one way has ended, end when the other was silent for so long. [default: 0.5; 10 for a command that has its whole input] [x>=0]'
complete -c mcast-tui -n '__mcast_tui_in socat' -s T -x -d 'End when all was silent for so long. [x>=0]'
complete -c mcast-tui -n '__mcast_tui_in socat' -s b -x -d 'Bytes read at once from standard input or a command, to go as one datagram. [default: 8192; 1<=x<=1048576]'
complete -c mcast-tui -n '__mcast_tui_in socat' -s d -d 'Say what goes wrong; -dd also what is opened.'
complete -c mcast-tui -n '__mcast_tui_in socat' -s V -d 'Show the version and exit.'
complete -c mcast-tui -n '__mcast_tui_in socat' -l print-socat -d 'Print the socat line that does the same, and one for a peer, and do nothing else.'
complete -c mcast-tui -n '__mcast_tui_in socat' -s h -s ? -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in man' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in completion' -s h -l help -d 'Show this message and exit.'
complete -c mcast-tui -n '__mcast_tui_in completion' -a 'bash zsh fish'
complete -c mcast-tui -n '__mcast_tui_after_dashes "lab exec" "serve"' -F -a '(complete -C (commandline -ct))'
