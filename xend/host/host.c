/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

#include "host/host.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "xc.h"
#include "xend.h"

/* Larger than any log ring. */
#define MAX_DMESG (4u << 20)

struct host {
    struct xend *x;
    void (*on_exit)(struct xend *x);
    struct xc *xc;
    struct xc_evtchn *ev;       /* VIRQ_DOM_EXC */
    sd_event_source *source;
    uint64_t reserved_kb;
    unsigned int nr_cpus;
};

/* The event says only that some domain ended or went: look which. */
static int on_domain_exception(sd_event_source *source, int fd,
                               uint32_t events, void *arg)
{
    struct host *h = arg;

    (void)source, (void)fd, (void)events;
    if (xc_evtchn_pending(h->ev))
        xc_evtchn_unmask(h->ev);
    h->on_exit(h->x);
    return 0;
}

static int watch_domains(struct host *h)
{
    int rc;

    rc = xc_evtchn_bind_virq(h->xc, XC_VIRQ_DOM_EXC, &h->ev);
    if (!rc)
        rc = sd_event_add_io(h->x->loop, &h->source, xc_evtchn_fd(h->ev),
                             EPOLLIN, on_domain_exception, h);
    return rc < 0 ? rc : 0;
}

int host_create(struct xend *x, void (*on_exit)(struct xend *x),
                struct host **ret_h, struct err *err)
{
    struct host *h = xcalloc(1, sizeof(*h));
    struct xc_physinfo info;
    struct xc_error why;
    int rc;

    h->x = x;
    h->on_exit = on_exit;
    rc = xc_open(&h->xc, &why);
    if (rc) {
        err_set(err, rc, "%s", why.text);
        goto fail;
    }
    rc = xc_physinfo(h->xc, &info);
    if (rc) {
        err_sys(err, rc, "the hypervisor does not describe the machine");
        goto fail;
    }
    h->nr_cpus = info.nr_cpus;
    rc = watch_domains(h);
    if (rc) {
        err_sys(err, rc, "cannot watch for domains that end; does another "
                "toolstack's xenstored run?");
        goto fail;
    }
    *ret_h = h;
    return 0;

 fail:
    host_destroy(h);
    return rc;
}

void host_destroy(struct host *h)
{
    if (!h)
        return;
    sd_event_source_unref(h->source);
    xc_evtchn_destroy(h->ev);
    xc_close(h->xc);
    free(h);
}

struct xc *host_xc(const struct host *h)
{
    return h->xc;
}

unsigned int host_nr_cpus(const struct host *h)
{
    return h->nr_cpus;
}

static uint64_t pages_kb(uint64_t pages)
{
    return pages * (XC_PAGE_SIZE / 1024);
}

int host_reserve(struct host *h, uint64_t kb, struct err *err)
{
    struct xc_physinfo info;
    uint64_t free_kb;
    int rc;

    rc = xc_physinfo(h->xc, &info);
    if (rc)
        return err_sys(err, rc, "cannot ask how much memory is free");
    free_kb = pages_kb(info.free_pages - info.outstanding_pages);
    free_kb = free_kb > h->reserved_kb ? free_kb - h->reserved_kb : 0;
    if (kb > free_kb)
        return err_set(err, -ENOMEM, "not enough free memory: %llu MiB are "
                       "wanted, %llu MiB are free; lower memory or destroy or "
                       "shrink another domain",
                       (unsigned long long)(kb + 1023) / 1024,
                       (unsigned long long)free_kb / 1024);
    h->reserved_kb += kb;
    return 0;
}

void host_unreserve(struct host *h, uint64_t kb)
{
    h->reserved_kb -= kb < h->reserved_kb ? kb : h->reserved_kb;
}

static void virt_caps(const struct xc_physinfo *p, char *to, size_t size)
{
    const struct {
        bool has;
        const char *word;
    } caps[] = {
        { p->cap_pv, "pv" }, { p->cap_hvm, "hvm" },
        { p->cap_hvm && p->cap_directio, "hvm_directio" },
        { p->cap_pv && p->cap_directio, "pv_directio" },
        { p->cap_hap, "hap" }, { p->cap_shadow, "shadow" },
        { p->cap_vpmu, "vpmu" }, { p->cap_vmtrace, "vmtrace" },
        { p->cap_gnttab_v1, "gnttab-v1" }, { p->cap_gnttab_v2, "gnttab-v2" },
    };
    size_t n = 0;

    *to = 0;
    for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
        if (caps[i].has)
            n += snprintf(to + n, size - n, "%s%s", n ? " " : "",
                          caps[i].word);
}

static const char *scheduler_word(struct xc *xc)
{
    static const char *const words[] = {
        [4] = "sedf", [5] = "credit", [6] = "credit2", [7] = "arinc653",
        [8] = "rtds", [9] = "null",
    };
    uint32_t id;

    if (xc_sched_id(xc, &id) || id >= sizeof(words) / sizeof(words[0]) ||
        !words[id])
        return "unknown";
    return words[id];
}

#define COPY(to, from) snprintf(to, sizeof(to), "%s", from)

static int add_version(struct host *h, struct host_info *i)
{
    struct xc_version v;
    int rc;

    rc = xc_version(h->xc, &v);
    if (rc)
        return rc;
    i->xen_major = v.major;
    i->xen_minor = v.minor;
    i->pagesize = v.pagesize;
    i->virt_start = v.virt_start;
    COPY(i->xen_extra, v.extra);
    COPY(i->xen_caps, v.capabilities);
    COPY(i->changeset, v.changeset);
    COPY(i->commandline, v.commandline);
    COPY(i->compiler, v.compiler);
    COPY(i->compile_by, v.compile_by);
    COPY(i->compile_domain, v.compile_domain);
    COPY(i->compile_date, v.compile_date);
    COPY(i->build_id, v.build_id);
    return 0;
}

int host_get_machine(struct host *h, struct host_info *ret_info)
{
    struct host_info i = { .nr_cpus = 0 };
    struct xc_physinfo p;
    int rc;

    rc = xc_physinfo(h->xc, &p);
    if (rc)
        return rc;
    i.nr_cpus = p.nr_cpus;
    i.max_cpu_id = p.max_cpu_id;
    i.nr_nodes = p.nr_nodes ? p.nr_nodes : 1;
    i.cores_per_socket = p.cores_per_socket ? p.cores_per_socket : 1;
    i.threads_per_core = p.threads_per_core ? p.threads_per_core : 1;
    i.cpu_khz = p.cpu_khz;
    memcpy(i.hw_cap, p.hw_cap, sizeof(i.hw_cap));
    virt_caps(&p, i.virt_caps, sizeof(i.virt_caps));
    i.total_kb = pages_kb(p.total_pages);
    i.free_kb = pages_kb(p.free_pages - p.outstanding_pages);
    i.outstanding_kb = pages_kb(p.outstanding_pages);
    *ret_info = i;
    return 0;
}

int host_get_info(struct host *h, struct host_info *ret_info)
{
    struct host_info i;
    int rc = host_get_machine(h, &i);

    if (!rc)
        rc = add_version(h, &i);
    if (rc)
        return rc;
    COPY(i.scheduler, scheduler_word(h->xc));
    *ret_info = i;
    return 0;
}

int host_get_cpus(struct host *h, unsigned int max, struct host_cpu *ret_cpus)
{
    struct xc_cputopo *topo = xcalloc(max, sizeof(*topo));
    int n = xc_cputopo(h->xc, max, topo);

    for (int i = 0; i < n && i < (int)max; i++)
        ret_cpus[i] = (struct host_cpu){ topo[i].core, topo[i].socket,
                                         topo[i].node };
    free(topo);
    return n;
}

int host_dmesg(struct host *h, bool clear, char **ret_text)
{
    struct buf b = BUF_INIT;
    uint32_t index = 0;
    ssize_t n;

    buf_adds(&b, "");
    do {
        n = xc_readconsole(h->xc, buf_reserve(&b, 16384), 16384, &index,
                           false);
        if (n > 0)
            b.len += n;
    } while (n > 0 && b.len < MAX_DMESG);
    if (n >= 0 && clear)
        n = xc_readconsole(h->xc, (char[16]){ 0 }, 16, &(uint32_t){ 0 }, true);
    if (n < 0) {
        buf_fini(&b);
        return n;
    }
    buf_adds(&b, "");
    *ret_text = buf_steal(&b);
    return 0;
}

int host_debug_keys(struct host *h, const char *keys)
{
    return xc_debug_keys(h->xc, keys);
}
