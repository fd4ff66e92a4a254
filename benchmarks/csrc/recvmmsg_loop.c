/* recvmmsg_loop GROUP PORT INTERFACE SECONDS RECEIVE_BUFFER [PAUSE_US]
 *
 * The yardstick of our receive path: the smallest C program that receives the same datagrams with the same
 * metadata (kernel time, pktinfo, TTL, TOS) in batches of the same 256 from the same receive buffer, and
 * keeps the same fields and payloads in a ring. It stops SECONDS after its start, or when half a second has passed
 * without traffic after the first datagram, and prints what it saw and its CPU time as JSON.
 *
 * Without PAUSE_US it blocks in recvmmsg for the first datagram of each batch. With it, it pauses as our
 * receiver does after a batch that was not half full.
 */
#define _GNU_SOURCE
#include "endpoint.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

enum { BATCH = 256, PAYLOAD = 65600, CONTROL = 256, ROWS = 1 << 20, PAYLOAD_RING = 32 << 20, MEMINFO_DROPS = 8 };
static const double QUIET_S = 0.5;

struct row {
    int64_t received_at;
    uint64_t payload_at;
    struct in6_addr source, destination; /* IPv4 in the first word */
    uint32_t local_address, ifindex;
    uint16_t source_port, length;
    uint8_t hop_limit, traffic_class;
};

union name {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static struct row *rows;
static char *payload_ring;
static uint64_t packets, bytes, payload_head;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void keep(const struct mmsghdr *message)
{
    struct row *row = &rows[packets % ROWS];
    const union name *source = message->msg_hdr.msg_name;
    uint32_t length = message->msg_len;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message->msg_hdr); c; c = CMSG_NXTHDR((struct msghdr *)&message->msg_hdr, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec *t = (void *)CMSG_DATA(c);
            row->received_at = t->tv_sec * 1000000000LL + t->tv_nsec;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo *info = (void *)CMSG_DATA(c);
            row->ifindex = info->ipi_ifindex;
            row->local_address = info->ipi_spec_dst.s_addr;
            memcpy(&row->destination, &info->ipi_addr, sizeof info->ipi_addr);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
            row->hop_limit = *(int *)CMSG_DATA(c);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            row->traffic_class = *CMSG_DATA(c);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo *info = (void *)CMSG_DATA(c);
            row->ifindex = info->ipi6_ifindex;
            row->destination = info->ipi6_addr;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) {
            row->hop_limit = *(int *)CMSG_DATA(c);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            row->traffic_class = *(int *)CMSG_DATA(c);
        }
    }
    if (source->v4.sin_family == AF_INET)
        memcpy(&row->source, &source->v4.sin_addr, sizeof source->v4.sin_addr);
    else
        row->source = source->v6.sin6_addr;
    row->source_port = ntohs(source->v4.sin_port); /* at the same place in both */
    row->length = length;
    uint64_t offset = payload_head % PAYLOAD_RING;
    if (offset + length > PAYLOAD_RING) {
        payload_head += PAYLOAD_RING - offset;
        offset = 0;
    }
    row->payload_at = payload_head;
    memcpy(payload_ring + offset, message->msg_hdr.msg_iov->iov_base, length);
    payload_head += length;
    packets++;
    bytes += length;
}

static int open_socket(const struct endpoint *group, int buffer)
{
    int fd = socket(group->family, SOCK_DGRAM, 0), on = 1;
    struct timeval patience = { .tv_usec = 100000 }; /* blocked for good it would never see its end */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if (group->family == AF_INET) {
        setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
        setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
        setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
    } else {
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on);
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on);
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (bind(fd, &group->at.any, group->at_size))
        return -1;
    int refused = group->family == AF_INET
        ? setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group->membership4, sizeof group->membership4)
        : setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group->membership6, sizeof group->membership6);
    return refused ? -1 : fd;
}

int main(int argc, char **argv)
{
    static struct mmsghdr messages[BATCH];
    static struct iovec vectors[BATCH];
    static union name sources[BATCH];
    struct endpoint group;
    static char control[BATCH][CONTROL] __attribute__((aligned(8)));
    if (argc < 6 || read_endpoint(&group, argv + 1)) {
        fprintf(stderr, "usage: %s GROUP PORT INTERFACE SECONDS RECEIVE_BUFFER [PAUSE_US]\n", argv[0]);
        return 2;
    }
    char *payloads = calloc(BATCH, PAYLOAD);
    rows = calloc(ROWS, sizeof *rows);
    payload_ring = calloc(1, PAYLOAD_RING);
    int fd = open_socket(&group, atoi(argv[5]));
    if (fd < 0 || !payloads || !rows || !payload_ring) {
        perror("recvmmsg_loop");
        return 4;
    }
    for (int i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){ payloads + (size_t)i * PAYLOAD, PAYLOAD };
        messages[i].msg_hdr = (struct msghdr){ .msg_name = &sources[i], .msg_iov = &vectors[i], .msg_iovlen = 1,
                                               .msg_control = control[i] };
    }
    long pause_us = argc > 6 ? atol(argv[6]) : 0;
    double end = now() + atof(argv[4]), last = 0;
    fprintf(stderr, "ready\n");
    while (now() < end && (!packets || now() - last < QUIET_S)) {
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        if (pause_us && poll(&wait, 1, 100) <= 0)
            continue;
        for (int i = 0; i < BATCH; i++) {
            messages[i].msg_hdr.msg_namelen = sizeof sources[i];
            messages[i].msg_hdr.msg_controllen = CONTROL;
        }
        int got = recvmmsg(fd, messages, BATCH, pause_us ? MSG_DONTWAIT : MSG_WAITFORONE, NULL);
        for (int i = 0; i < got; i++)
            keep(&messages[i]);
        if (got > 0)
            last = now();
        if (pause_us && got < BATCH / 2)
            nanosleep(&(struct timespec){ .tv_nsec = pause_us * 1000 }, NULL);
    }
    uint32_t meminfo[9] = { 0 };
    socklen_t size = sizeof meminfo;
    getsockopt(fd, SOL_SOCKET, SO_MEMINFO, meminfo, &size);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("{\"packets\": %llu, \"bytes\": %llu, \"dropped\": %u, \"cpu_s\": %.6f, \"rss_kib\": %ld}\n",
           (unsigned long long)packets, (unsigned long long)bytes, meminfo[MEMINFO_DROPS], cpu, used.ru_maxrss);
    return 0;
}
