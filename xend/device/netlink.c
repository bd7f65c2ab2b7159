/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/random.h>
#include <time.h>

#include "device/netlink.h"
#include "util/cleanup.h"

/* The kernel's dumps come in pieces of at most this size. */
#define MESSAGE_SIZE (32 * 1024)

struct request {
    union {
        struct nlmsghdr hdr;
        char bytes[1024];
    };
};

static void close_socket(struct mnl_socket **s)
{
    if (*s)
        mnl_socket_close(*s);
}

#define _cleanup_socket_ _cleanup_(close_socket)

static struct mnl_socket *open_socket(unsigned int groups)
{
    struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

    if (s && mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0) {
        mnl_socket_close(s);
        s = NULL;
    }
    return s;
}

static void *begin(struct request *r, uint16_t type, uint16_t flags,
                   size_t body)
{
    memset(r, 0, sizeof(*r));
    mnl_nlmsg_put_header(&r->hdr);
    r->hdr.nlmsg_type = type;
    r->hdr.nlmsg_flags = NLM_F_REQUEST | flags;
    r->hdr.nlmsg_seq = 1;
    return mnl_nlmsg_put_extra_header(&r->hdr, body);
}

/* Send r and give what comes back to fn, up to the end or the error. */
static int talk(struct request *r, mnl_cb_t fn, void *ctx)
{
    _cleanup_socket_ struct mnl_socket *s = open_socket(0);
    _cleanup_free_ char *answer = xmalloc(MESSAGE_SIZE);
    ssize_t n;
    int rc;

    if (!s || mnl_socket_sendto(s, &r->hdr, r->hdr.nlmsg_len) < 0)
        return -errno;
    do {
        n = mnl_socket_recvfrom(s, answer, MESSAGE_SIZE);
        if (n < 0)
            return -errno;
        errno = 0;
        rc = mnl_cb_run(answer, n, 1, mnl_socket_get_portid(s), fn, ctx);
    } while (rc == MNL_CB_OK);
    return rc == MNL_CB_ERROR ? -errno : 0;
}

static int read_kind(const struct nlattr *a, void *ctx)
{
    struct link *l = ctx;

    if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
        snprintf(l->kind, sizeof(l->kind), "%.*s",
                 (int)mnl_attr_get_payload_len(a), mnl_attr_get_str(a));
    return MNL_CB_OK;
}

static int read_link_attr(const struct nlattr *a, void *ctx)
{
    struct link *l = ctx;

    switch (mnl_attr_get_type(a)) {
    case IFLA_IFNAME:
        snprintf(l->name, sizeof(l->name), "%s", mnl_attr_get_str(a));
        break;
    case IFLA_MASTER: l->master = mnl_attr_get_u32(a); break;
    case IFLA_MTU: l->mtu = mnl_attr_get_u32(a); break;
    case IFLA_GROUP: l->group = mnl_attr_get_u32(a); break;
    case IFLA_LINKINFO: mnl_attr_parse_nested(a, read_kind, l); break;
    default: break;
    }
    return MNL_CB_OK;
}

static void read_link(const struct nlmsghdr *h, struct link *l)
{
    const struct ifinfomsg *info = mnl_nlmsg_get_payload(h);

    *l = (struct link){ .index = info->ifi_index,
                        .up = info->ifi_flags & IFF_UP };
    mnl_attr_parse(h, sizeof(*info), read_link_attr, l);
}

static int on_link(const struct nlmsghdr *h, void *ctx)
{
    if (h->nlmsg_type == RTM_NEWLINK)
        read_link(h, ctx);
    return MNL_CB_OK;
}

int link_find(const char *name, struct link *ret_link)
{
    struct request r;
    struct link l = { 0 };
    int rc;

    begin(&r, RTM_GETLINK, NLM_F_ACK, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(&r.hdr, IFLA_IFNAME, name);
    rc = talk(&r, on_link, &l);
    if (!rc && ret_link)
        *ret_link = l;
    return rc;
}

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

/* Until link_find() gives wanted.  The kernel tells of each change. */
static int wait_link(const char *name, unsigned int seconds, int wanted,
                     struct link *ret_link)
{
    _cleanup_socket_ struct mnl_socket *s = open_socket(RTMGRP_LINK);
    _cleanup_free_ char *event = xmalloc(MESSAGE_SIZE);
    int64_t end = now_ms() + seconds * 1000ll, left;
    struct pollfd fd = { .events = POLLIN };
    int rc;

    if (!s)
        return -errno;
    fd.fd = mnl_socket_get_fd(s);
    while ((rc = link_find(name, ret_link)) != wanted) {
        if (rc && rc != -ENODEV)
            return rc;
        left = end - now_ms();
        if (left <= 0)
            return -ETIMEDOUT;
        if (poll(&fd, 1, left) > 0 &&
            mnl_socket_recvfrom(s, event, MESSAGE_SIZE) < 0 &&
            errno != ENOBUFS && errno != EINTR)
            return -errno;
    }
    return 0;
}

int link_wait(const char *name, unsigned int seconds, struct link *ret_link)
{
    return wait_link(name, seconds, 0, ret_link);
}

int link_wait_gone(const char *name, unsigned int seconds)
{
    return wait_link(name, seconds, -ENODEV, NULL);
}

void mac_new(uint8_t mac[6])
{
    static const uint8_t range[3] = { 0x00, 0x16, 0x3e };

    memcpy(mac, range, sizeof(range));
    if (getrandom(mac + 3, 3, GRND_INSECURE) != 3)
        abort();
}

int link_add_bridge(const char *name, unsigned int group,
                    const uint8_t mac[6])
{
    struct request r;
    struct nlattr *nest;

    begin(&r, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
          sizeof(struct ifinfomsg));
    mnl_attr_put_strz(&r.hdr, IFLA_IFNAME, name);
    mnl_attr_put_u32(&r.hdr, IFLA_GROUP, group);
    mnl_attr_put(&r.hdr, IFLA_ADDRESS, 6, mac);
    nest = mnl_attr_nest_start(&r.hdr, IFLA_LINKINFO);
    mnl_attr_put_strz(&r.hdr, IFLA_INFO_KIND, "bridge");
    mnl_attr_nest_end(&r.hdr, nest);
    return talk(&r, NULL, NULL);
}

int link_delete(unsigned int index)
{
    struct ifinfomsg *info;
    struct request r;

    info = begin(&r, RTM_DELLINK, NLM_F_ACK, sizeof(*info));
    info->ifi_index = index;
    return talk(&r, NULL, NULL);
}

/* A request to change interface index, to be filled. */
static struct ifinfomsg *begin_change(struct request *r, unsigned int index)
{
    struct ifinfomsg *info = begin(r, RTM_NEWLINK, NLM_F_ACK, sizeof(*info));

    info->ifi_index = index;
    return info;
}

int link_set_master(unsigned int index, unsigned int master)
{
    struct request r;

    begin_change(&r, index);
    mnl_attr_put_u32(&r.hdr, IFLA_MASTER, master);
    return talk(&r, NULL, NULL);
}

int link_set_up(unsigned int index, bool up)
{
    struct request r;
    struct ifinfomsg *info = begin_change(&r, index);

    info->ifi_change = IFF_UP;
    info->ifi_flags = up ? IFF_UP : 0;
    return talk(&r, NULL, NULL);
}

int link_set_mtu(unsigned int index, unsigned int mtu)
{
    struct request r;

    begin_change(&r, index);
    mnl_attr_put_u32(&r.hdr, IFLA_MTU, mtu);
    return talk(&r, NULL, NULL);
}

int link_set_name(unsigned int index, const char *name)
{
    struct request r;

    begin_change(&r, index);
    mnl_attr_put_strz(&r.hdr, IFLA_IFNAME, name);
    return talk(&r, NULL, NULL);
}

int link_add_address(const struct ipv4_net *net)
{
    struct request r;
    struct ifaddrmsg *a = begin(&r, RTM_NEWADDR,
                                NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
                                sizeof(*a));
    uint32_t host = net->prefix ? ~0u >> (net->prefix - 1) >> 1 : ~0u;

    a->ifa_family = AF_INET;
    a->ifa_prefixlen = net->prefix;
    a->ifa_index = net->index;
    mnl_attr_put_u32(&r.hdr, IFA_LOCAL, htonl(net->addr));
    mnl_attr_put_u32(&r.hdr, IFA_ADDRESS, htonl(net->addr));
    mnl_attr_put_u32(&r.hdr, IFA_BROADCAST, htonl(net->addr | host));
    return talk(&r, NULL, NULL);
}

struct address_list {
    struct ipv4_net *net;
    unsigned int nr;
};

static int read_local(const struct nlattr *a, void *ctx)
{
    struct ipv4_net *net = ctx;

    if (mnl_attr_get_type(a) == IFA_LOCAL)
        net->addr = ntohl(mnl_attr_get_u32(a));
    return MNL_CB_OK;
}

static int on_address(const struct nlmsghdr *h, void *ctx)
{
    const struct ifaddrmsg *a = mnl_nlmsg_get_payload(h);
    struct address_list *l = ctx;
    struct ipv4_net *net;

    if (h->nlmsg_type != RTM_NEWADDR || a->ifa_family != AF_INET)
        return MNL_CB_OK;
    l->net = xrealloc(l->net, (l->nr + 1) * sizeof(*l->net));
    net = &l->net[l->nr++];
    *net = (struct ipv4_net){ .prefix = a->ifa_prefixlen,
                              .index = a->ifa_index };
    return mnl_attr_parse(h, sizeof(*a), read_local, net);
}

int link_addresses(struct ipv4_net **ret_list, unsigned int *ret_nr)
{
    struct address_list l = { NULL, 0 };
    struct ifaddrmsg *a;
    struct request r;
    int rc;

    a = begin(&r, RTM_GETADDR, NLM_F_DUMP, sizeof(*a));
    a->ifa_family = AF_INET;
    rc = talk(&r, on_address, &l);
    if (rc) {
        free(l.net);
        return rc;
    }
    *ret_list = l.net;
    *ret_nr = l.nr;
    return 0;
}

struct counters_list {
    struct link_counters *c;
    unsigned int nr;
};

static int read_counters(const struct nlattr *a, void *ctx)
{
    struct link_counters *c = ctx;
    struct rtnl_link_stats64 s;

    if (mnl_attr_get_type(a) == IFLA_IFNAME)
        snprintf(c->name, sizeof(c->name), "%s", mnl_attr_get_str(a));
    if (mnl_attr_get_type(a) != IFLA_STATS64 ||
        mnl_attr_get_payload_len(a) < offsetof(struct rtnl_link_stats64,
                                               multicast))
        return MNL_CB_OK;
    /* It lies at a multiple of 4. */
    memcpy(&s, mnl_attr_get_payload(a), offsetof(struct rtnl_link_stats64,
                                                 multicast));
    c->rx_bytes = s.rx_bytes;
    c->rx_packets = s.rx_packets;
    c->rx_dropped = s.rx_dropped;
    c->tx_bytes = s.tx_bytes;
    c->tx_packets = s.tx_packets;
    c->tx_dropped = s.tx_dropped;
    return MNL_CB_OK;
}

static int on_counters(const struct nlmsghdr *h, void *ctx)
{
    struct counters_list *l = ctx;

    if (h->nlmsg_type != RTM_NEWLINK)
        return MNL_CB_OK;
    l->c = xrealloc(l->c, (l->nr + 1) * sizeof(*l->c));
    l->c[l->nr] = (struct link_counters){ .name = "" };
    return mnl_attr_parse(h, sizeof(struct ifinfomsg), read_counters,
                          &l->c[l->nr++]);
}

int link_counters(struct link_counters **ret_list, unsigned int *ret_nr)
{
    struct counters_list l = { NULL, 0 };
    struct request r;
    int rc;

    begin(&r, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
    rc = talk(&r, on_counters, &l);
    if (rc) {
        free(l.c);
        return rc;
    }
    *ret_list = l.c;
    *ret_nr = l.nr;
    return 0;
}
