/* sender GROUP PORT INTERFACE SIZE RATE SECONDS [COUNT]
 *
 * Sends datagrams of SIZE bytes to GROUP:PORT, at most COUNT (default: no limit but time) and at most for
 * SECONDS, RATE a second (0: as fast as it can), and prints {"sent": N, "seconds": S}. The first 8 bytes of
 * each are its sequence number. With RATE it sends what is due every 200 us: bursts as small as a sleep allows.
 */
#include "endpoint.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { LARGEST = 65507, LONGEST_S = 60 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int open_socket(const struct endpoint *to)
{
    int fd = socket(to->family, SOCK_DGRAM, 0);
    const unsigned *ifindex = &to->membership6.ipv6mr_interface;
    int refused = to->family == AF_INET
        ? setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &to->membership4, sizeof to->membership4)
        : setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, ifindex, sizeof *ifindex);
    return refused ? -1 : fd;
}

int main(int argc, char **argv)
{
    static char payload[LARGEST];
    struct endpoint to;
    if (argc < 7) {
        fprintf(stderr, "usage: %s GROUP PORT INTERFACE SIZE RATE SECONDS [COUNT]\n", argv[0]);
        return 2;
    }
    size_t size = strtoul(argv[4], NULL, 10);
    double rate = atof(argv[5]), seconds = atof(argv[6]);
    uint64_t count = argc > 7 ? strtoull(argv[7], NULL, 10) : UINT64_MAX, sent = 0;
    if (read_endpoint(&to, argv + 1) || size < 8 || size > LARGEST || seconds > LONGEST_S) {
        fprintf(stderr, "%s: GROUP, INTERFACE, SIZE (8 to %d) or SECONDS (up to %d) is wrong\n", argv[0], LARGEST, LONGEST_S);
        return 2;
    }
    int fd = open_socket(&to);
    if (fd < 0) {
        perror("sender");
        return 4;
    }
    memset(payload, 'x', sizeof payload);
    double start = now(), elapsed = 0;
    while (sent < count && (elapsed = now() - start) < seconds) {
        uint64_t due = rate > 0 ? (uint64_t)(elapsed * rate) : sent + 64;
        for (; sent < due && sent < count; sent++) {
            memcpy(payload, &sent, sizeof sent);
            if (sendto(fd, payload, size, 0, &to.at.any, to.at_size) < 0) {
                if (errno == ENOBUFS || errno == EAGAIN)
                    break;
                perror("sender");
                return 4;
            }
        }
        if (rate > 0)
            nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
    }
    printf("{\"sent\": %llu, \"seconds\": %.6f}\n", (unsigned long long)sent, now() - start);
    return 0;
}
