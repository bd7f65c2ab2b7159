/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stream becomes a domain: pages into fresh frames as they come, and when
 * all are there and the checksum is right, what names frames: page tables, the
 * p2m list, start_info, vcpus.  The hypervisor checks it all once more when
 * tables are pinned and contexts set.
 */
#include "xc_sr.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct saved_vcpu {
    struct sr_vcpu v;
    uint8_t xstate[];
};

struct restore {
    struct sr_map forward;              /* the first: pfn to mfn */
    struct xc *xc;
    const struct xc_sr_restore *r;
    struct xc_error *err;
    struct sr_domain d;
    uint64_t *p2m;                      /* SR_NO_PFN: no frame */
    uint64_t *table;                    /* entries of SR_PAGES: page tables */
    size_t nr_tables, max_tables;
    uint64_t *list;                     /* pfns of the p2m list's frames */
    struct saved_vcpu **vcpu;
    unsigned int nr_vcpus;
    struct shared_info shared;          /* as saved */
    uint64_t pages;
    uint64_t store_pfn, console_pfn, shared_mfn;
};

static int fail(struct restore *r, int rc, const char *what)
{
    return xc_fail(r->err, rc, "%s cannot be restored: %s: %s", r->r->path,
                   what, strerror(-rc));
}

static int strange(struct restore *r, const char *what)
{
    return xc_fail(r->err, -EBADMSG, "%s cannot be restored: %s", r->r->path,
                   what);
}

static uint64_t to_mfn(const struct sr_map *m, uint64_t pfn)
{
    const struct restore *r = (const struct restore *)m;

    return pfn < r->d.nr_pfns ? r->p2m[pfn] : SR_NO_PFN;
}

static int map_mfns(struct restore *r, const uint64_t *mfns, size_t nr,
                    void **ret_map)
{
    int rc = xc_foreign_map(r->xc, r->r->domid, PROT_READ | PROT_WRITE, mfns,
                            nr, ret_map);

    return rc ? fail(r, rc, "the new domain's memory cannot be mapped") : 0;
}

static int map_pfn(struct restore *r, uint64_t pfn, void **ret_map)
{
    uint64_t mfn = to_mfn(&r->forward, pfn);

    if (mfn == SR_NO_PFN)
        return strange(r, "a page that is needed is missing");
    return map_mfns(r, &mfn, 1, ret_map);
}

/* ---- what comes, in its order ---- */

static int check_host(struct restore *r)
{
    struct xc_xstate x;
    int rc = xc_xstate_format(r->xc, r->r->domid, 0, &x);

    if (rc)
        return fail(r, rc, "the CPU's features are not known");
    if (r->d.xstate_size != x.size || r->d.xfeatures != x.features)
        return xc_fail(r->err, -EXDEV, "%s cannot be restored: its guest was "
                       "saved on a CPU with other vector units (%#llx, here "
                       "%#llx)", r->r->path,
                       (unsigned long long)r->d.xfeatures,
                       (unsigned long long)x.features);
    return 0;
}

static int on_domain(void *ctx, const struct sr_domain *d)
{
    struct restore *r = ctx;
    struct xc_domain_info info;
    struct xc_physinfo phys;
    uint64_t max_kb = d->nr_pfns * 4;
    int rc;

    r->d = *d;
    r->p2m = malloc(d->nr_pfns * sizeof(*r->p2m));
    r->vcpu = calloc(d->nr_vcpus, sizeof(struct saved_vcpu *));
    if (!r->p2m || !r->vcpu)
        return fail(r, -ENOMEM, "this domain");
    memset(r->p2m, 0xff, d->nr_pfns * sizeof(*r->p2m));
    rc = xc_domain_getinfo(r->xc, r->r->domid, &info);
    if (!rc && info.max_vcpu_id + 1 != d->nr_vcpus)
        return strange(r, "it has another number of vcpus");
    if (!rc)
        rc = xc_physinfo(r->xc, &phys);
    if (!rc && phys.free_pages < d->nr_pages)
        return xc_fail(r->err, -ENOMEM, "not enough free memory: %s needs %llu "
                       "MiB, %llu MiB are free; stop or shrink another domain",
                       r->r->path, (unsigned long long)d->nr_pages >> 8,
                       (unsigned long long)phys.free_pages >> 8);
    if (!rc)
        rc = xc_domain_set_address_size(r->xc, r->r->domid, 64);
    if (!rc)
        rc = xc_domain_set_memory_map(r->xc, r->r->domid,
                                      r->r->maxmem_kb ?: max_kb);
    if (!rc)
        rc = xc_domain_set_tsc(r->xc, r->r->domid, r->r->tsc_mode);
    return rc ? fail(r, rc, "the hypervisor refuses the domain") :
           check_host(r);
}

static int on_p2m(void *ctx, const uint64_t *pfns, size_t nr)
{
    struct restore *r = ctx;

    r->list = malloc(nr * sizeof(*pfns));
    if (!r->list)
        return fail(r, -ENOMEM, "this domain");
    memcpy(r->list, pfns, nr * sizeof(*pfns));
    return 0;
}

static int note_table(struct restore *r, uint64_t entry)
{
    if (r->nr_tables == r->max_tables) {
        size_t max = r->max_tables ? 2 * r->max_tables : SR_BATCH;
        uint64_t *table = reallocarray(r->table, max, sizeof(*table));

        if (!table)
            return fail(r, -ENOMEM, "this domain");
        r->table = table;
        r->max_tables = max;
    }
    r->table[r->nr_tables++] = entry;
    return 0;
}

static int on_pages(void *ctx, const uint64_t *entries, uint8_t *const *pages,
                    size_t nr)
{
    struct restore *r = ctx;
    uint64_t frames[SR_BATCH];
    void *map;
    int rc = 0;

    for (size_t i = 0; i < nr; i++)
        frames[i] = entries[i] & SR_PFN_MASK;
    if (xc_memory_populate(r->xc, r->r->domid, 0, nr, frames) != (long)nr)
        return fail(r, -ENOMEM, "the hypervisor has no memory");
    rc = map_mfns(r, frames, nr, &map);
    if (rc)
        return rc;
    for (size_t i = 0; i < nr && !rc; i++) {
        void *to = (char *)map + i * XC_PAGE_SIZE;

        r->p2m[entries[i] & SR_PFN_MASK] = frames[i];
        if (pages[i])
            memcpy(to, pages[i], XC_PAGE_SIZE);
        else
            memset(to, 0, XC_PAGE_SIZE);
        if (sr_level(entries[i]))
            rc = note_table(r, entries[i]);
    }
    xc_foreign_unmap(r->xc, map, nr);
    r->pages += nr;
    if (r->r->percent)
        atomic_store(r->r->percent,
                     (unsigned int)(r->pages * 95 / r->d.nr_pages));
    return rc;
}

static int on_vcpu(void *ctx, const struct sr_vcpu *v, const void *xstate)
{
    struct restore *r = ctx;
    struct saved_vcpu *s = malloc(sizeof(*s) + r->d.xstate_size);

    if (!s)
        return fail(r, -ENOMEM, "this domain");
    s->v = *v;
    memcpy(s->xstate, xstate, r->d.xstate_size);
    r->vcpu[r->nr_vcpus++] = s;
    return 0;
}

static int on_shared_info(void *ctx, const void *page)
{
    memcpy(&((struct restore *)ctx)->shared, page, sizeof(struct shared_info));
    return 0;
}

/* ---- what names frames ---- */

static int fill_tables(struct restore *r)
{
    uint64_t mfns[SR_BATCH];
    int rc = 0;

    for (size_t at = 0, nr; at < r->nr_tables && !rc; at += nr) {
        void *map;

        nr = r->nr_tables - at;
        nr = nr < SR_BATCH ? nr : SR_BATCH;
        for (size_t i = 0; i < nr; i++)
            mfns[i] = r->p2m[r->table[at + i] & SR_PFN_MASK];
        rc = map_mfns(r, mfns, nr, &map);
        if (rc)
            return rc;
        for (size_t i = 0; i < nr && !rc; i++) {
            uint64_t *t = (uint64_t *)((char *)map + i * XC_PAGE_SIZE);
            unsigned int index;

            if (sr_table_convert(sr_level(r->table[at + i]), t, t,
                                 &r->forward, &index))
                rc = strange(r, "a page table refers to no page");
        }
        xc_foreign_unmap(r->xc, map, nr);
    }
    return rc;
}

/* Pfns without a frame that had one are gone; other marks stay. */
static void fill_list_page(struct restore *r, uint64_t first, uint64_t *list)
{
    for (unsigned int i = 0; i < 512; i++) {
        uint64_t mfn = to_mfn(&r->forward, first + i);

        if (mfn != SR_NO_PFN)
            list[i] = mfn;
        else if (!(list[i] >> 62))
            list[i] = SR_NO_PFN;
    }
}

static int fill_list(struct restore *r)
{
    for (size_t i = 0; i * 512 < r->d.nr_pfns; i++) {
        void *map;
        int rc = map_pfn(r, r->list[i], &map);

        if (rc)
            return rc;
        fill_list_page(r, i * 512, map);
        xc_foreign_unmap(r->xc, map, 1);
    }
    return 0;
}

/* The guest has put its rings' pfns there. */
static int fill_start_info(struct restore *r)
{
    struct start_info *si;
    void *map;
    int rc = map_pfn(r, r->d.start_info_pfn, &map);

    if (rc)
        return rc;
    si = map;
    r->store_pfn = si->store_mfn;
    r->console_pfn = si->console.domU.mfn;
    si->store_mfn = to_mfn(&r->forward, r->store_pfn);
    si->console.domU.mfn = to_mfn(&r->forward, r->console_pfn);
    if (si->store_mfn == SR_NO_PFN || si->console.domU.mfn == SR_NO_PFN)
        rc = strange(r, "its start_info names rings that it has not");
    si->store_evtchn = r->r->store_port;
    si->console.domU.evtchn = r->r->console_port;
    si->shared_info = r->shared_mfn << 12;
    xc_foreign_unmap(r->xc, map, 1);
    return rc;
}

static int fill_shared_info(struct restore *r)
{
    struct shared_info *shared;
    int rc = xc_shared_info_reset(r->xc, r->r->domid, &shared, &r->shared_mfn);

    if (rc)
        return fail(r, rc, "shared_info cannot be mapped");
    /* A kernel that resumes unmasks what it wants, as it binds it anew. */
    memset(shared->evtchn_mask, 0xff, sizeof(shared->evtchn_mask));
    shared->arch.max_pfn = r->d.nr_pfns;
    shared->arch.p2m_vaddr = r->d.p2m_va;
    shared->arch.p2m_cr3 = xen_pfn_to_cr3(r->p2m[r->d.p2m_root_pfn]);
    shared->arch.pfn_to_mfn_frame_list_list = ~0UL;
    shared->arch.p2m_generation = r->shared.arch.p2m_generation;
    xc_foreign_unmap(r->xc, shared, 1);
    return 0;
}

static int pin_tables(struct restore *r)
{
    struct xc_pin *pins = calloc(r->nr_tables + 1, sizeof(*pins));
    size_t n = 0;
    int rc;

    if (!pins)
        return fail(r, -ENOMEM, "this domain");
    for (size_t i = 0; i < r->nr_tables; i++)
        if (r->table[i] & SR_PINNED)
            pins[n++] = (struct xc_pin){
                r->p2m[r->table[i] & SR_PFN_MASK], sr_level(r->table[i])
            };
    rc = xc_pin_tables(r->xc, r->r->domid, pins, n);
    free(pins);
    return rc ? fail(r, rc, "the hypervisor refuses its page tables") : 0;
}

static int set_vcpu(struct restore *r, struct saved_vcpu *s)
{
    struct vcpu_guest_context *c = &s->v.context;
    const struct xen_domctl_ext_vcpucontext e = {
        .vcpu = s->v.id,
        .syscall32_callback_eip = s->v.syscall32_entry,
        .syscall32_disables_events = !!s->v.syscall32_mask,
        .sysenter_callback_eip = s->v.sysenter_entry,
        .sysenter_disables_events = !!s->v.sysenter_mask,
    };
    const struct xc_xstate x = { r->d.xfeatures, r->d.xstate_size };
    int rc;

    for (size_t i = 0; i * 512 < c->gdt_ents; i++)
        c->gdt_frames[i] = r->p2m[c->gdt_frames[i]];
    c->ctrlreg[3] = xen_pfn_to_cr3(r->p2m[c->ctrlreg[3]]);
    c->ctrlreg[1] = c->ctrlreg[1] == SR_NO_PFN ? 0 :
                    xen_pfn_to_cr3(r->p2m[c->ctrlreg[1]]);
    if (!s->v.id)
        c->user_regs.rdx = r->p2m[r->d.start_info_pfn];
    rc = xc_context_set(r->xc, r->r->domid, s->v.id, c);
    if (!rc)
        rc = xc_entries_set(r->xc, r->r->domid, &e);
    if (!rc)
        rc = xc_xstate_set(r->xc, r->r->domid, s->v.id, &x, s->xstate);
    return rc ? fail(r, rc, "the hypervisor refuses a vcpu's state") : 0;
}

static int set_vcpus(struct restore *r)
{
    int rc = 0;

    for (unsigned int i = 0; i < r->nr_vcpus && !rc; i++)
        rc = set_vcpu(r, r->vcpu[i]);
    return rc;
}

static int grant_rings(struct restore *r)
{
    const struct xc_seed seed = {
        .console_domid = r->r->console_domid,
        .console_gfn = r->p2m[r->console_pfn],
        .store_domid = r->r->store_domid,
        .store_gfn = r->p2m[r->store_pfn],
    };
    int rc = xc_gnttab_seed(r->xc, r->r->domid, &seed);

    return rc ? fail(r, rc, "the rings cannot be granted") : 0;
}

static int read_stream(struct restore *r)
{
    static const struct sr_visitor visitor = {
        .domain = on_domain, .p2m = on_p2m, .pages = on_pages,
        .vcpu = on_vcpu, .shared_info = on_shared_info,
    };
    const struct sr_in in = {
        .fd = r->r->fd, .path = r->r->path, .err = r->err,
        .cancel = r->r->cancel,
    };

    if (lseek(r->r->fd, 0, SEEK_SET))
        return fail(r, -errno, "it is no regular file");
    return sr_walk(&in, &visitor, r);
}

static void restore_fini(struct restore *r)
{
    while (r->nr_vcpus)
        free(r->vcpu[--r->nr_vcpus]);
    free(r->vcpu);
    free(r->p2m);
    free(r->table);
    free(r->list);
}

int xc_sr_restore(struct xc *xc, const struct xc_sr_restore *params,
                  struct xc_dom_result *ret_result, struct xc_error *err)
{
    static int (*const steps[])(struct restore *) = {
        read_stream, fill_tables, fill_list, fill_shared_info,
        fill_start_info, pin_tables, set_vcpus, grant_rings,
    };
    struct restore r = { .forward.get = to_mfn, .xc = xc, .r = params,
                         .err = err };
    int rc = 0;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !rc; i++)
        rc = steps[i](&r);
    if (!rc)
        *ret_result = (struct xc_dom_result){
            .store_mfn = r.p2m[r.store_pfn],
            .console_mfn = r.p2m[r.console_pfn],
            .shared_info_mfn = r.shared_mfn,
            .pages = r.pages,
            .guest_os = "linux",
        };
    restore_fini(&r);
    return rc;
}

/* ---- looking only ---- */

static int keep(const void *p, size_t size, void **ret_p, size_t *ret_size)
{
    char *copy = malloc(size + 1);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, p, size);
    copy[size] = '\0';
    *ret_p = copy;
    *ret_size = size;
    return 0;
}

static int keep_config(void *ctx, const void *p, size_t size)
{
    struct xc_sr_info *info = ctx;

    return keep(p, size, &info->config, &info->config_size);
}

static int keep_store(void *ctx, const void *p, size_t size)
{
    struct xc_sr_info *info = ctx;

    return keep(p, size, &info->store, &info->store_size);
}

static int keep_domain(void *ctx, const struct sr_domain *d)
{
    struct xc_sr_info *info = ctx;

    info->pages = d->nr_pages;
    info->vcpus = d->nr_vcpus;
    return 0;
}

int xc_sr_check(int fd, const char *path, const atomic_bool *cancel,
                struct xc_sr_info *ret_info, struct xc_error *err)
{
    static const struct sr_visitor visitor = {
        .config = keep_config, .store = keep_store, .domain = keep_domain,
    };
    const struct sr_in in = { .fd = fd, .path = path, .err = err,
                              .cancel = cancel };
    struct xc_sr_info info = { 0 };
    int rc;

    if (lseek(fd, 0, SEEK_SET))
        return xc_fail(err, -errno, "%s is no regular file", path);
    rc = sr_walk(&in, &visitor, &info);
    if (rc == -ENOMEM)
        xc_fail(err, rc, "out of memory in this domain");
    if (rc)
        xc_sr_info_fini(&info);
    else
        *ret_info = info;
    return rc;
}

void xc_sr_info_fini(struct xc_sr_info *info)
{
    free(info->config);
    free(info->store);
    *info = (struct xc_sr_info){ 0 };
}
