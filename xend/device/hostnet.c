/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <pthread.h>

#include "device/dnsmasq.h"
#include "device/hostnet.h"
#include "device/netlink.h"
#include "util/cleanup.h"
#include "util/log.h"

/* The group that marks a bridge of ours: "xend". */
#define OUR_GROUP 0x78656e64

/* Networks to choose from: 10.100.0.0/24, 10.101.0.0/24 ... */
#define FIRST_NET  0x0a640000u
#define NR_NETS    100
#define NET_STEP   0x10000u
#define NET_PREFIX 24

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static char *dotted(uint32_t addr, char text[INET_ADDRSTRLEN])
{
    struct in_addr in = { htonl(addr) };

    return (char *)inet_ntop(AF_INET, &in, text, INET_ADDRSTRLEN);
}

static bool overlap(const struct ipv4_net *a, const struct ipv4_net *b)
{
    unsigned int bits = a->prefix < b->prefix ? a->prefix : b->prefix;

    return !bits || (a->addr ^ b->addr) >> (32 - bits) == 0;
}

/* The bridge's address; a network that is free if it has none. */
static int find_net(const struct link *bridge, struct ipv4_net *ret_net,
                    bool *ret_has)
{
    _cleanup_free_ struct ipv4_net *all = NULL;
    unsigned int nr = 0, i, n;
    int rc = link_addresses(&all, &nr);

    if (rc)
        return rc;
    for (i = 0; i < nr; i++)
        if (all[i].index == bridge->index) {
            *ret_net = all[i];
            *ret_has = true;
            return 0;
        }
    *ret_has = false;
    for (n = 0; n < NR_NETS; n++) {
        *ret_net = (struct ipv4_net){ FIRST_NET + n * NET_STEP + 1, NET_PREFIX,
                                      bridge->index };
        for (i = 0; i < nr && !overlap(&all[i], ret_net); i++)
            ;
        if (i == nr)
            return 0;
    }
    return -EADDRNOTAVAIL;
}

static int set_address(const struct link *bridge, struct ipv4_net *ret_net,
                       struct err *err)
{
    bool has;
    int rc = find_net(bridge, ret_net, &has);

    if (!rc && !has)
        rc = link_add_address(ret_net);
    if (!rc && !bridge->up)
        rc = link_set_up(bridge->index, true);
    return rc ? err_sys(err, rc, HOSTNET_BRIDGE ": cannot give it an address")
              : 0;
}

static int set_forwarding(struct err *err)
{
    static const char path[] = "/proc/sys/net/ipv4/ip_forward";
    int fd = open(path, O_WRONLY | O_CLOEXEC), rc;

    rc = fd < 0 || write(fd, "1", 1) != 1 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return rc ? err_sys(err, rc, "cannot write %s", path) : 0;
}

/* The table as a whole, in place of the one that may be there. */
static int set_nat(const struct ipv4_net *net, struct err *err)
{
    char text[INET_ADDRSTRLEN];
    _cleanup_free_ char *rules = xasprintf(
        "add table ip xend\n"
        "delete table ip xend\n"
        "table ip xend {\n"
        "  chain postrouting {\n"
        "    type nat hook postrouting priority 100;\n"
        "    ip saddr %1$s/%2$u ip daddr != %1$s/%2$u masquerade\n"
        "  }\n"
        "  chain forward {\n"
        "    type filter hook forward priority 0;\n"
        "    oifname \"" HOSTNET_BRIDGE "\" iifname != \"" HOSTNET_BRIDGE
        "\" ct state new ct status ! dnat drop\n"
        "  }\n"
        "}\n", dotted(net->addr & ~0u << (32 - net->prefix), text),
        net->prefix);
    struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
    const char *why;
    int rc = 0;

    if (!nft)
        return err_set(err, -ENOMEM, "cannot use nftables");
    nft_ctx_buffer_output(nft);
    nft_ctx_buffer_error(nft);
    if (nft_run_cmd_from_buffer(nft, rules)) {
        why = nft_ctx_get_error_buffer(nft);
        rc = err_set(err, -EOPNOTSUPP, HOSTNET_BRIDGE ": cannot set up NAT "
                     "(is the module nf_tables there?): %.*s",
                     (int)strcspn(why, "\n"), why);
    }
    nft_ctx_free(nft);
    return rc;
}

static int complete(const struct link *bridge, const char *run_dir,
                    struct err *err)
{
    struct ipv4_net net;
    int rc = set_address(bridge, &net, err);

    if (!rc)
        rc = set_forwarding(err);
    if (!rc)
        rc = set_nat(&net, err);
    return rc ? rc : dnsmasq_start(run_dir, HOSTNET_BRIDGE, &net, err);
}

static int make(const char *run_dir, struct err *err)
{
    struct link bridge;
    uint8_t mac[6];
    int rc;

    mac_new(mac);
    rc = link_add_bridge(HOSTNET_BRIDGE, OUR_GROUP, mac);
    if (!rc)
        rc = link_find(HOSTNET_BRIDGE, &bridge);
    if (rc)
        return err_sys(err, rc, "cannot make the bridge " HOSTNET_BRIDGE
                       " (is the module bridge there?)");
    rc = complete(&bridge, run_dir, err);
    if (rc)
        link_delete(bridge.index);
    else
        log_info("made the bridge " HOSTNET_BRIDGE " with DHCP and NAT");
    return rc;
}

static int need(const char *run_dir, bool may_make, struct err *err)
{
    struct link bridge;
    int rc = link_find(HOSTNET_BRIDGE, &bridge);

    if (!rc && bridge.group == OUR_GROUP)
        return complete(&bridge, run_dir, err);
    if (rc == -ENODEV)
        return may_make ? make(run_dir, err) : 0;
    return rc ? err_sys(err, rc, "cannot look for the bridge " HOSTNET_BRIDGE)
              : 0;
}

int hostnet_need(const char *run_dir, struct err *err)
{
    int rc;

    pthread_mutex_lock(&lock);
    rc = need(run_dir, true, err);
    pthread_mutex_unlock(&lock);
    return rc;
}

/* Whether one with another address has it; ret_mac says which. */
static bool is_reserved(const char *run_dir, const char *mac, const char *ip,
                        char ret_mac[18])
{
    _cleanup_free_ char *dir = xasprintf("%s/network/hosts", run_dir);
    DIR *files = opendir(dir);
    struct dirent *e;
    bool found = false;

    while (files && !found && (e = readdir(files))) {
        _cleanup_free_ char *path = xasprintf("%s/%s", dir, e->d_name);
        _cleanup_fclose_ FILE *f = streq(e->d_name, mac) ? NULL :
                                   fopen(path, "re");
        char other[INET_ADDRSTRLEN];

        found = f && fscanf(f, "%17[^,],%15s", ret_mac, other) == 2 &&
                streq(other, ip);
    }
    if (files)
        closedir(files);
    return found;
}

static int write_reservation(const char *path, const char *mac,
                             const char *ip)
{
    _cleanup_fclose_ FILE *f = fopen(path, "we");

    if (!f || fprintf(f, "%s,%s\n", mac, ip) < 0 || fflush(f))
        return -errno;
    return 0;
}

int hostnet_reserve(const char *run_dir, const char *mac, const char *ip,
                    struct err *err)
{
    _cleanup_free_ char *path = dnsmasq_reservation(run_dir, mac);
    char first[INET_ADDRSTRLEN];
    struct ipv4_net net, wanted = { .prefix = 32 };
    char other[18];
    struct link bridge;
    struct in_addr in;
    bool has = false;
    uint32_t host;
    int rc = link_find(HOSTNET_BRIDGE, &bridge);

    if (!rc && bridge.group != OUR_GROUP)
        return 0;
    if (!rc)
        rc = find_net(&bridge, &net, &has);
    if (rc || !has)
        return err_sys(err, rc ? rc : -ENODEV, "cannot look at "
                       HOSTNET_BRIDGE);
    wanted.addr = inet_pton(AF_INET, ip, &in) == 1 ? ntohl(in.s_addr) : 0;
    host = wanted.addr & ~(~0u << (32 - net.prefix));
    if (!overlap(&net, &wanted) || wanted.addr == net.addr || !host ||
        !(~wanted.addr << net.prefix))
        return err_set(err, -EINVAL, "ip=%s is no address for guests in the "
                       "network %s/%u of " HOSTNET_BRIDGE, ip,
                       dotted(net.addr & ~0u << (32 - net.prefix), first),
                       net.prefix);
    pthread_mutex_lock(&lock);
    if (is_reserved(run_dir, mac, dotted(wanted.addr, first), other))
        rc = err_set(err, -EADDRINUSE, "ip=%s is that of the interface %s; "
                     "choose another", first, other);
    else if ((rc = write_reservation(path, mac, first)))
        err_sys(err, rc, "cannot write %s", path);
    pthread_mutex_unlock(&lock);
    if (rc)
        return rc;
    dnsmasq_reread(run_dir);
    return 0;
}

void hostnet_unreserve(const char *run_dir, const char *mac)
{
    _cleanup_free_ char *path = dnsmasq_reservation(run_dir, mac);

    if (!unlink(path))
        dnsmasq_reread(run_dir);
}

void hostnet_sweep(const char *run_dir,
                   bool (*keep)(void *ctx, const char *mac), void *ctx)
{
    _cleanup_free_ char *dir = xasprintf("%s/network/hosts", run_dir);
    DIR *files = opendir(dir);
    struct dirent *e;

    while (files && (e = readdir(files)))
        if (*e->d_name != '.' && !keep(ctx, e->d_name))
            hostnet_unreserve(run_dir, e->d_name);
    if (files)
        closedir(files);
}

bool hostnet_is_ours(void)
{
    struct link bridge;

    return !link_find(HOSTNET_BRIDGE, &bridge) && bridge.group == OUR_GROUP;
}

int hostnet_resume(const char *run_dir, struct err *err)
{
    int rc;

    pthread_mutex_lock(&lock);
    rc = need(run_dir, false, err);
    pthread_mutex_unlock(&lock);
    return rc;
}
