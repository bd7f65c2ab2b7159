/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network interfaces: xen-netback makes an interface of dom0 when it sees the
 * nodes; what is left is to make it a port of the bridge.  A user's script, if
 * one is given, does that instead.
 */
#include <errno.h>
#include <json-c/json.h>

#include "device/counters.h"
#include "device/private.h"
#include "device/hostnet.h"
#include "device/hostnet_guard.h"
#include "device/netlink.h"
#include "device/vif.h"
#include "domain/domain.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/log.h"
#include "xend.h"

#define APPEAR_SECONDS 10
#define VANISH_SECONDS 10
#define MTU_DEFAULT    1500
#define XL_CONF        "/etc/xen/xl.conf"

/* struct device.host of a vif. */
struct vif_host {
    char first[IFNAMSIZ];       /* what xen-netback calls its interface */
    char wanted[IFNAMSIZ];      /* what it is to be called */
    const char *ifname;         /* the one that it has now */
    unsigned int mtu;
    char mac[18];
    char *script;               /* absolute path; NULL: we do it */
};

static struct vif_host *host_of(const struct device *dev)
{
    return dev->host;
}

/* wanted may be NULL: as it is. */
static struct vif_host *host_new(struct device *dev, const char *wanted)
{
    struct vif_host *h = dev->host = xcalloc(1, sizeof(*h));

    snprintf(h->first, sizeof(h->first), "vif%u.%u", dev->domid,
             (unsigned int)dev->devid);
    snprintf(h->wanted, sizeof(h->wanted), "%s", wanted ? wanted : h->first);
    h->ifname = h->first;
    return h;
}

static const char *bridge_of(const struct device *dev)
{
    const char *bridge = dev->config->vif.bridge;

    return bridge ? bridge : HOSTNET_BRIDGE;
}

void vif_complete(struct device_config *dc)
{
    uint8_t m[6];

    if (dc->kind != DEVICE_VIF)
        return;
    vif_defaults(XL_CONF, &dc->vif);
    if (dc->vif.mac)
        return;
    mac_new(m);
    dc->vif.mac = xasprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
                            m[3], m[4], m[5]);
}

bool vif_find(const struct domain_config *c, const char *name,
              int64_t *ret_devid)
{
    char *end;
    int64_t devid = strtoll(name, &end, 10);
    bool number = end != name && !*end;

    for (unsigned int i = 0; i < c->nr_devices; i++) {
        const struct device_config *dc = c->device[i];

        if (dc->kind == DEVICE_VIF &&
            (number ? dc->devid == devid : !strcasecmp(dc->vif.mac, name))) {
            *ret_devid = dc->devid;
            return true;
        }
    }
    return false;
}

/* --- before anybody sees it ---------------------------------------------- */

static int check_bridge(struct device *dev, struct link *ret_bridge,
                        struct err *err)
{
    const char *name = bridge_of(dev);
    struct err why = ERR_INIT;
    int rc = 0;

    if (streq(name, HOSTNET_BRIDGE))
        rc = hostnet_need(dev->d->x->opt.run_dir, &why);
    if (rc)
        return err_set(err, rc, "%s: %s", dev->name, why.text);
    rc = link_find(name, ret_bridge);
    if (rc == -ENODEV)
        return err_set(err, rc, "%s: there is no bridge %s; make it, or leave "
                       "bridge= out for the host's own network", dev->name,
                       name);
    if (rc)
        return err_sys(err, rc, "%s: cannot look for the bridge %s",
                       dev->name, name);
    if (!streq(ret_bridge->kind, "bridge"))
        return err_set(err, -EINVAL, "%s: %s is no bridge; name one, or use "
                       "script=", dev->name, name);
    return 0;
}

/* ip= is for scripts; on the host's own network DHCP gives it, too. */
static int reserve_address(struct device *dev, struct err *err)
{
    const struct vif_config *v = &dev->config->vif;
    struct err why = ERR_INIT;
    int rc = 0;

    if (v->ip && streq(bridge_of(dev), HOSTNET_BRIDGE))
        rc = hostnet_reserve(dev->d->x->opt.run_dir, v->mac, v->ip, &why);
    return rc ? err_set(err, rc, "%s: %s", dev->name, why.text) : 0;
}

static int name_taken(const struct device *dev, const char *name,
                      struct err *err)
{
    return err_set(err, -EEXIST, "%s: dom0 has an interface %s already; choose "
                   "another vifname", dev->name, name);
}

static int vif_prepare(struct device *dev, struct err *err)
{
    const struct vif_config *v = &dev->config->vif;
    _cleanup_free_ char *script = device_script(v->script, "vif-bridge");
    struct link bridge = { .mtu = MTU_DEFAULT };
    struct vif_host *h;
    int rc = script ? device_check_script(dev, script, err) :
             check_bridge(dev, &bridge, err);

    if (rc)
        return rc;
    if (v->ifname && !link_find(v->ifname, NULL))
        return name_taken(dev, v->ifname, err);
    if (!script)
        rc = reserve_address(dev, err);
    if (rc)
        return rc;
    h = host_new(dev, v->ifname);
    snprintf(h->mac, sizeof(h->mac), "%s", v->mac);
    h->mtu = v->mtu ? v->mtu : bridge.mtu;
    h->script = TAKE_PTR(script);
    return 0;
}

static void vif_nodes(struct device *dev)
{
    const struct vif_config *v = &dev->config->vif;
    const struct vif_host *h = host_of(dev);

    /* xen-netback wants a script to be named, even if nothing runs it. */
    device_put_back(dev, "script", "%s", h->script ? h->script : "");
    device_put_back(dev, "mac", "%s", v->mac);
    device_put_back(dev, "handle", "%lld", (long long)dev->devid);
    device_put_back(dev, "type", "vif");
    /* Not "vifname": that tells a script to rename it, which is done then. */
    device_put_back(dev, "ifname", "%s", h->wanted);
    if (!h->script || v->bridge)
        device_put_back(dev, "bridge", "%s", bridge_of(dev));
    if (v->ip)
        device_put_back(dev, "ip", "%s", v->ip);
    if (v->gatewaydev)
        device_put_back(dev, "gatewaydev", "%s", v->gatewaydev);
    if (v->rate_bytes)
        device_put_back(dev, "rate", "%lld,%lld", (long long)v->rate_bytes,
                        (long long)v->rate_usec);
    device_put_front(dev, "handle", "%lld", (long long)dev->devid);
    device_put_front(dev, "mac", "%s", v->mac);
    device_put_front(dev, "mtu", "%u", h->mtu);
    device_put_front(dev, "trusted", "%d", !v->untrusted);
}

/* --- the interface in dom0 ----------------------------------------------- */

static int run_script(struct device *dev, const char *verb, struct err *err)
{
    const struct vif_host *h = host_of(dev);
    const char *gatewaydev = dev->config ? dev->config->vif.gatewaydev : NULL;
    _cleanup_free_ char *vif = xasprintf("vif=%s", h->ifname);
    _cleanup_free_ char *netdev = xasprintf("netdev=%s",
                                            gatewaydev ? gatewaydev : "");
    const char *const argv[] = { h->script, verb, "type_if=vif", NULL };

    return device_run_script(dev, h->script, argv,
                             (const char *const[2]){ vif, netdev }, err);
}

static int join_bridge(struct device *dev, const struct link *l,
                       struct err *err)
{
    struct link bridge;
    int rc = link_find(bridge_of(dev), &bridge);

    if (!rc)
        rc = link_set_master(l->index, bridge.index);
    if (!rc)
        rc = link_set_up(l->index, true);
    return rc ? err_sys(err, rc, "%s: cannot connect %s to the bridge %s",
                        dev->name, host_of(dev)->ifname, bridge_of(dev)) : 0;
}

static int vif_plug(struct device *dev, struct err *err)
{
    struct vif_host *h = host_of(dev);
    struct link l;
    int rc;

    rc = link_wait(h->first, APPEAR_SECONDS, &l);
    if (rc)
        return err_sys(err, rc, "%s: dom0's back end makes no interface %s",
                       dev->name, h->first);
    if (!streq(h->first, h->wanted))
        rc = link_set_name(l.index, h->wanted);
    if (rc == -EEXIST)
        return name_taken(dev, h->wanted, err);
    if (rc)
        return err_sys(err, rc, "%s: cannot call %s %s", dev->name, h->first,
                       h->wanted);
    h->ifname = h->wanted;
    if (l.mtu != h->mtu)
        rc = link_set_mtu(l.index, h->mtu);
    if (rc)
        return err_sys(err, rc, "%s: cannot set mtu %u", dev->name, h->mtu);
    return h->script ? run_script(dev, "online", err) :
           join_bridge(dev, &l, err);
}

static void vif_plugged(struct device *dev)
{
    if (!host_of(dev)->script && streq(bridge_of(dev), HOSTNET_BRIDGE))
        hostnet_guard_look(dev->d->x->hostnet);
}

/* Its interface may be gone by now: then there is nothing to undo. */
static void vif_unplug(struct device *dev)
{
    const struct vif_host *h = host_of(dev);
    struct err err = ERR_INIT;
    struct link l;

    if (h->script && run_script(dev, "offline", &err))
        log_warn("%s", err.text);
    if (!h->script && !link_find(h->ifname, &l)) {
        link_set_up(l.index, false);
        link_set_master(l.index, 0);
    }
}

static void vif_release(struct device *dev)
{
    struct vif_host *h = host_of(dev);
    int rc = link_wait_gone(h->ifname, VANISH_SECONDS);

    if (rc)
        log_warn("%s: dom0's kernel keeps the interface %s: %s", dev->name,
                 h->ifname, strerror(-rc));
    hostnet_unreserve(dev->d->x->opt.run_dir, h->mac);
    free(h->script);
    free(h);
    dev->host = NULL;
}

static void vif_adopt(struct device *dev)
{
    _cleanup_free_ char *ifname = device_read_back(dev, "ifname");
    _cleanup_free_ char *script = device_read_back(dev, "script");
    _cleanup_free_ char *mac = device_read_back(dev, "mac");
    struct vif_host *h = host_new(dev, ifname);

    /* Killed before it was renamed, another's may be called so. */
    if (link_find(h->first, NULL))
        h->ifname = h->wanted;
    if (mac)
        snprintf(h->mac, sizeof(h->mac), "%s", mac);
    if (script && *script)
        h->script = TAKE_PTR(script);
}

/* --- listings ------------------------------------------------------------ */

static void vif_describe(const struct device *dev, struct json_object *obj)
{
    static const char *const words[] = { "mac", "bridge", "ip" };
    const struct vif_host *h = host_of(dev);

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        _cleanup_free_ char *value = device_read_back(dev, words[i]);

        json_add_str(obj, words[i], value);
    }
    if (h)
        json_add_str(obj, "ifname", h->ifname);
}

/* What dom0 receives from it the guest has sent. */
static void vif_count(const struct device *dev, const struct traffic *t,
                      struct json_object *obj)
{
    const struct vif_host *h = host_of(dev);
    const struct link_counters *c = h ? traffic_find(t, h->ifname) : NULL;

    if (!c)
        return;
    json_add_int(obj, "tx_bytes", (int64_t)c->rx_bytes);
    json_add_int(obj, "tx_packets", (int64_t)c->rx_packets);
    json_add_int(obj, "tx_dropped", (int64_t)c->rx_dropped);
    json_add_int(obj, "rx_bytes", (int64_t)c->tx_bytes);
    json_add_int(obj, "rx_packets", (int64_t)c->tx_packets);
    json_add_int(obj, "rx_dropped", (int64_t)c->tx_dropped);
}

const struct device_ops vif_ops = {
    .kind = DEVICE_VIF, .type = "vif",
    .prepare = vif_prepare, .nodes = vif_nodes, .plug = vif_plug,
    .plugged = vif_plugged, .unplug = vif_unplug, .release = vif_release,
    .adopt = vif_adopt,
    .describe = vif_describe, .count = vif_count,
};
