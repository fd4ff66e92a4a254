/* The arguments GROUP PORT INTERFACE, as our C programs share them.
 *
 * GROUP is an IPv4 or IPv6 multicast address; INTERFACE a name, or for IPv4 also an address of this host.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct endpoint {
    int family;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    socklen_t at_size;
    struct ip_mreqn membership4; /* for IPv4: the group, and the interface by index or address */
    struct ipv6_mreq membership6;
};

/* Read the three arguments; 0, or -1 when one cannot be understood. */
static int read_endpoint(struct endpoint *e, char *const arguments[3])
{
    unsigned ifindex = if_nametoindex(arguments[2]);
    memset(e, 0, sizeof *e);
    if (inet_pton(AF_INET, arguments[0], &e->at.v4.sin_addr) == 1) {
        e->family = e->at.v4.sin_family = AF_INET;
        e->at.v4.sin_port = htons(atoi(arguments[1]));
        e->at_size = sizeof e->at.v4;
        e->membership4.imr_multiaddr = e->at.v4.sin_addr;
        e->membership4.imr_ifindex = ifindex;
        return ifindex || inet_pton(AF_INET, arguments[2], &e->membership4.imr_address) == 1 ? 0 : -1;
    }
    if (inet_pton(AF_INET6, arguments[0], &e->at.v6.sin6_addr) != 1 || !ifindex)
        return -1;
    e->family = e->at.v6.sin6_family = AF_INET6;
    e->at.v6.sin6_port = htons(atoi(arguments[1]));
    e->at.v6.sin6_scope_id = ifindex;
    e->at_size = sizeof e->at.v6;
    e->membership6.ipv6mr_multiaddr = e->at.v6.sin6_addr;
    e->membership6.ipv6mr_interface = ifindex;
    return 0;
}
