/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A suspended guest becomes a stream.
 *
 * Its kernel has parked all vcpus, pinned its page tables and says in
 * shared_info where its list of frames (p2m) is mapped.  That list read
 * backwards translates the page tables.  All it says is doubted: its frames
 * are mapped as the guest's, which the hypervisor checks, and a frame that it
 * names twice, or a table that maps a stranger's frame, ends the save.
 */
#include "xc_sr.h"

#include <stdlib.h>
#include <sys/mman.h>

#define NO_REVERSE  UINT32_MAX
#define PTE_P       1u
#define PTE_MFN(e)  (((e) & 0x000ffffffffff000ULL) >> 12)

struct save {
    struct sr_map reverse;              /* the first: mfn to pfn */
    struct xc *xc;
    const struct xc_sr_save *s;
    struct xc_error *err;
    struct sr_out out;
    struct sr_domain d;
    struct xc_xstate x;
    unsigned int max_vcpu_id;
    struct shared_info shared;          /* a copy */
    uint64_t max_mfn;
    uint64_t *list;                     /* mfns of the p2m list's frames */
    size_t nr_list;
    uint64_t *p2m;                      /* SR_NO_PFN: no frame */
    uint64_t *kind;                     /* level and pin, as in the stream */
    uint32_t *m2p;                      /* or NO_REVERSE */
    struct vcpu_guest_context context;
    uint8_t (*tables)[XC_PAGE_SIZE];    /* of a batch, converted */
};

static int fail(struct save *s, int rc, const char *what)
{
    return xc_fail(s->err, rc, "domain %u cannot be saved: %s: %s",
                   s->s->domid, what, strerror(-rc));
}

static int strange(struct save *s, const char *what, uint64_t number)
{
    return xc_fail(s->err, -EINVAL, "domain %u cannot be saved: %s (%#llx)",
                   s->s->domid, what, (unsigned long long)number);
}

static uint64_t to_pfn(const struct sr_map *m, uint64_t mfn)
{
    const struct save *s = (const struct save *)m;

    return mfn <= s->max_mfn && s->m2p[mfn] != NO_REVERSE ? s->m2p[mfn]
                                                          : SR_NO_PFN;
}

static int map(struct save *s, const uint64_t *mfns, size_t nr, void **ret_map)
{
    int rc = xc_foreign_map(s->xc, s->s->domid, PROT_READ, mfns, nr, ret_map);

    return rc ? fail(s, rc, "its memory cannot be mapped") : 0;
}

/* ---- where its list of frames is ---- */

static int read_shared_info(struct save *s)
{
    struct xc_domain_info info;
    struct xc_physinfo phys;
    void *p;
    int rc = xc_domain_getinfo(s->xc, s->s->domid, &info);

    if (!rc)
        rc = xc_physinfo(s->xc, &phys);
    if (rc)
        return fail(s, rc, "the hypervisor does not tell of it");
    rc = map(s, &info.shared_info_mfn, 1, &p);
    if (rc)
        return rc;
    memcpy(&s->shared, p, sizeof(s->shared));
    xc_foreign_unmap(s->xc, p, 1);
    s->max_vcpu_id = info.max_vcpu_id;
    s->max_mfn = phys.max_mfn;
    s->d.nr_vcpus = info.max_vcpu_id + 1;
    s->d.nr_pfns = s->shared.arch.max_pfn;
    s->d.p2m_va = s->shared.arch.p2m_vaddr;
    if (!s->shared.arch.p2m_cr3 || !s->d.p2m_va)
        return xc_fail(s->err, -EOPNOTSUPP, "domain %u cannot be saved: its "
                       "kernel has no linear p2m list; Linux has since 3.19",
                       s->s->domid);
    if (!s->d.nr_pfns || s->d.nr_pfns > SR_MAX_PFNS)
        return strange(s, "its p2m list has a length that cannot be",
                       s->d.nr_pfns);
    return 0;
}

/* Tables on the way to one address, mapped one at a time for each level. */
struct path {
    uint64_t mfn[5];
    uint64_t *table[5];
};

static void path_fini(struct save *s, struct path *p)
{
    for (unsigned int level = 1; level <= 4; level++)
        xc_foreign_unmap(s->xc, p->table[level], 1);
}

static int path_entry(struct save *s, struct path *p, unsigned int level,
                      uint64_t mfn, uint64_t va, uint64_t *ret_mfn)
{
    uint64_t e;
    void *map_at;

    if (!p->table[level] || p->mfn[level] != mfn) {
        int rc = map(s, &mfn, 1, &map_at);

        if (rc)
            return rc;
        xc_foreign_unmap(s->xc, p->table[level], 1);
        p->table[level] = map_at;
        p->mfn[level] = mfn;
    }
    e = p->table[level][va >> (12 + 9 * (level - 1)) & 511];
    if (!(e & PTE_P))
        return strange(s, "its p2m list is not mapped", va);
    *ret_mfn = PTE_MFN(e);
    return 0;
}

static int find_list(struct save *s)
{
    uint64_t root = xen_cr3_to_pfn(s->shared.arch.p2m_cr3);
    struct path p = { { 0 }, { NULL } };
    int rc = 0;

    s->nr_list = (s->d.nr_pfns + 511) / 512;
    s->list = calloc(s->nr_list, sizeof(*s->list));
    if (!s->list)
        return fail(s, -ENOMEM, "this domain");
    for (size_t i = 0; i < s->nr_list && !rc; i++) {
        uint64_t va = s->d.p2m_va + i * XC_PAGE_SIZE, mfn = root;

        for (unsigned int level = 4; level && !rc; level--)
            rc = path_entry(s, &p, level, mfn, va, &mfn);
        s->list[i] = mfn;
    }
    path_fini(s, &p);
    return rc;
}

/* ---- which frames it has ---- */

static int read_list(struct save *s)
{
    size_t nr;
    void *p;
    int rc;

    s->p2m = malloc(s->nr_list * XC_PAGE_SIZE);
    if (!s->p2m)
        return fail(s, -ENOMEM, "this domain");
    for (size_t i = 0; i < s->nr_list; i += nr) {
        nr = s->nr_list - i < SR_BATCH ? s->nr_list - i : SR_BATCH;
        rc = map(s, s->list + i, nr, &p);
        if (rc)
            return rc;
        memcpy(s->p2m + i * 512, p, nr * XC_PAGE_SIZE);
        xc_foreign_unmap(s->xc, p, nr);
    }
    /* Also what the kernel marks: no frame, a stranger's, or identity. */
    for (uint64_t i = 0; i < s->nr_list * 512; i++)
        if (s->p2m[i] > s->max_mfn || i >= s->d.nr_pfns)
            s->p2m[i] = SR_NO_PFN;
    return 0;
}

static int note_frame(struct save *s, uint64_t pfn, uint64_t info)
{
    uint64_t level = (info & XEN_DOMCTL_PFINFO_LTABTYPE_MASK) >>
                     XEN_DOMCTL_PFINFO_LTAB_SHIFT;
    uint64_t mfn = s->p2m[pfn];

    if ((info & XEN_DOMCTL_PFINFO_LTAB_MASK) >= XEN_DOMCTL_PFINFO_BROKEN) {
        s->p2m[pfn] = SR_NO_PFN;        /* not its own any more */
        return 0;
    }
    if (level > 4)
        return strange(s, "a frame has a type that is not known", info);
    if (s->m2p[mfn] != NO_REVERSE)
        return strange(s, "its p2m list names a frame twice", mfn);
    s->m2p[mfn] = (uint32_t)pfn;
    s->kind[pfn] = level << SR_LEVEL_SHIFT |
                   (info & XEN_DOMCTL_PFINFO_LPINTAB ? SR_PINNED : 0);
    s->d.nr_pages++;
    return 0;
}

static int read_types(struct save *s)
{
    uint64_t infos[XC_MAX_FRAME_INFOS], pfns[XC_MAX_FRAME_INFOS], pfn = 0;
    int rc = 0;

    s->kind = calloc(s->d.nr_pfns, sizeof(*s->kind));
    s->m2p = malloc((s->max_mfn + 1) * sizeof(*s->m2p));
    if (!s->kind || !s->m2p)
        return fail(s, -ENOMEM, "this domain");
    memset(s->m2p, 0xff, (s->max_mfn + 1) * sizeof(*s->m2p));
    while (pfn < s->d.nr_pfns && !rc) {
        size_t n = 0;

        for (; pfn < s->d.nr_pfns && n < XC_MAX_FRAME_INFOS; pfn++)
            if (s->p2m[pfn] != SR_NO_PFN) {
                infos[n] = s->p2m[pfn];
                pfns[n++] = pfn;
            }
        if (n)
            rc = xc_frame_infos(s->xc, s->s->domid, infos, n);
        if (rc)
            return fail(s, rc, "the hypervisor does not tell of its frames");
        for (size_t i = 0; i < n && !rc; i++)
            rc = note_frame(s, pfns[i], infos[i]);
    }
    return rc;
}

/* ---- the records ---- */

/* What is not in the list may not be referred to. */
static int own_pfn(struct save *s, const char *what, uint64_t mfn,
                   uint64_t *ret_pfn)
{
    *ret_pfn = to_pfn(&s->reverse, mfn);
    return *ret_pfn == SR_NO_PFN ? strange(s, what, mfn) : 0;
}

static int count_contexts(struct save *s)
{
    int rc;

    for (unsigned int id = 0; id <= s->max_vcpu_id; id++) {
        rc = xc_context_get(s->xc, s->s->domid, id, &s->context);
        if (rc && rc != -ENODATA && rc != -ESRCH)
            return fail(s, rc, "a vcpu's state cannot be read");
        s->d.nr_contexts += !rc;
    }
    rc = xc_xstate_format(s->xc, s->s->domid, 0, &s->x);
    if (rc || s->x.size > SR_MAX_XSTATE)
        return fail(s, rc ?: -EPROTO, "its extended state cannot be read");
    s->d.xfeatures = s->x.features;
    s->d.xstate_size = s->x.size;
    return 0;
}

static int put_domain(struct save *s)
{
    int rc = count_contexts(s);

    if (!rc)
        rc = xc_context_get(s->xc, s->s->domid, 0, &s->context);
    if (rc)
        return fail(s, rc, "vcpu 0 cannot be read");
    rc = own_pfn(s, "its start_info is not its own",
                 s->context.user_regs.rdx, &s->d.start_info_pfn);
    if (!rc)
        rc = own_pfn(s, "its p2m list's table is not its own",
                     xen_cr3_to_pfn(s->shared.arch.p2m_cr3),
                     &s->d.p2m_root_pfn);
    return rc ? rc : sr_out_whole(&s->out, SR_DOMAIN, &s->d, sizeof(s->d));
}

static int put_list(struct save *s)
{
    int rc = 0;

    for (size_t i = 0; i < s->nr_list && !rc; i++)
        rc = own_pfn(s, "its p2m list is not in its own memory", s->list[i],
                     &s->list[i]);
    return rc ? rc : sr_out_whole(&s->out, SR_P2M, s->list,
                                  s->nr_list * sizeof(*s->list));
}

static bool is_zero(const uint64_t *page)
{
    return !page[0] && !memcmp(page, page + 1, XC_PAGE_SIZE - sizeof(*page));
}

/* The nr pages that are mapped at p, whose entries still lack SR_ZERO. */
static int put_pages(struct save *s, uint64_t *entries, uint64_t nr,
                     const uint8_t *p)
{
    uint64_t size = (nr + 1) * sizeof(*entries);
    int rc = 0;

    for (size_t i = 0; i < nr && !rc; i++) {
        const uint64_t *page = (const uint64_t *)(p + i * XC_PAGE_SIZE);
        unsigned int level = sr_level(entries[i]), index;

        if (level && sr_table_convert(level, page, (uint64_t *)s->tables[i],
                                      &s->reverse, &index))
            return strange(s, "a page table has a frame that is not its own",
                           PTE_MFN(page[index]));
        if (!level && is_zero(page))
            entries[i] |= SR_ZERO;
        else
            size += XC_PAGE_SIZE;
    }
    rc = sr_out_record(&s->out, SR_PAGES, size);
    if (!rc)
        rc = sr_out_put(&s->out, &nr, sizeof(nr));
    if (!rc)
        rc = sr_out_put(&s->out, entries, nr * sizeof(*entries));
    for (size_t i = 0; i < nr && !rc; i++)
        if (!(entries[i] & SR_ZERO))
            rc = sr_out_put(&s->out, sr_level(entries[i]) ? s->tables[i] :
                            p + i * XC_PAGE_SIZE, XC_PAGE_SIZE);
    return rc;
}

static int put_memory(struct save *s)
{
    uint64_t entries[SR_BATCH], mfns[SR_BATCH], pfn = 0, done = 0;
    int rc = 0;

    s->tables = malloc(SR_BATCH * sizeof(*s->tables));
    if (!s->tables)
        return fail(s, -ENOMEM, "this domain");
    while (!rc && done < s->d.nr_pages) {
        size_t n = 0;
        void *p;

        if (s->s->cancel && atomic_load(s->s->cancel))
            return xc_fail(s->err, -ECANCELED, "the save was cancelled");
        for (; pfn < s->d.nr_pfns && n < SR_BATCH; pfn++)
            if (s->p2m[pfn] != SR_NO_PFN) {
                mfns[n] = s->p2m[pfn];
                entries[n++] = pfn | s->kind[pfn];
            }
        rc = map(s, mfns, n, &p);
        if (rc)
            return rc;
        rc = put_pages(s, entries, n, p);
        xc_foreign_unmap(s->xc, p, n);
        done += n;
        if (s->s->percent)
            atomic_store(s->s->percent,
                         (unsigned int)(done * 99 / s->d.nr_pages));
    }
    return rc;
}

/* A context's frames become pfns. */
static int convert_context(struct save *s, unsigned int id,
                           struct vcpu_guest_context *c)
{
    static const char text[] = "a vcpu uses a frame that is not its own";
    uint64_t pfn;
    int rc = c->gdt_ents > FIRST_RESERVED_GDT_ENTRY ?
             strange(s, "a vcpu's GDT is too long", c->gdt_ents) : 0;

    for (size_t i = 0; i * 512 < c->gdt_ents && !rc; i++) {
        rc = own_pfn(s, text, c->gdt_frames[i], &pfn);
        c->gdt_frames[i] = pfn;
    }
    if (!rc)
        rc = own_pfn(s, text, xen_cr3_to_pfn(c->ctrlreg[3]), &pfn);
    if (!rc)
        c->ctrlreg[3] = pfn;
    pfn = SR_NO_PFN;
    if (!rc && c->ctrlreg[1])
        rc = own_pfn(s, text, xen_cr3_to_pfn(c->ctrlreg[1]), &pfn);
    c->ctrlreg[1] = pfn;
    if (!id)
        c->user_regs.rdx = s->d.start_info_pfn;
    return rc;
}

static int put_vcpu(struct save *s, unsigned int id)
{
    struct xen_domctl_ext_vcpucontext e;
    uint8_t xstate[SR_MAX_XSTATE];
    struct sr_vcpu v = { .id = id };
    uint64_t size = sizeof(v) + s->x.size;
    int rc = xc_context_get(s->xc, s->s->domid, id, &v.context);

    if (rc == -ENODATA || rc == -ESRCH)
        return 0;
    if (!rc)
        rc = xc_entries_get(s->xc, s->s->domid, id, &e);
    if (!rc)
        rc = xc_xstate_get(s->xc, s->s->domid, id, &s->x, xstate);
    if (rc)
        return fail(s, rc, "a vcpu's state cannot be read");
    v.syscall32_entry = e.syscall32_callback_eip;
    v.syscall32_mask = e.syscall32_disables_events;
    v.sysenter_entry = e.sysenter_callback_eip;
    v.sysenter_mask = e.sysenter_disables_events;
    rc = convert_context(s, id, &v.context);
    if (!rc)
        rc = sr_out_record(&s->out, SR_VCPU, size);
    if (!rc)
        rc = sr_out_put(&s->out, &v, sizeof(v));
    if (!rc)
        rc = sr_out_put(&s->out, xstate, s->x.size);
    return rc ? rc : sr_out_pad(&s->out, size);
}

static int put_vcpus(struct save *s)
{
    uint8_t page[XC_PAGE_SIZE] = { 0 };
    int rc = 0;

    for (unsigned int id = 0; id <= s->max_vcpu_id && !rc; id++)
        rc = put_vcpu(s, id);
    memcpy(page, &s->shared, sizeof(s->shared));
    return rc ? rc : sr_out_whole(&s->out, SR_SHARED_INFO, page, sizeof(page));
}

static int put_head(struct save *s)
{
    int rc = sr_out_begin(&s->out);

    if (!rc)
        rc = sr_out_whole(&s->out, SR_CONFIG, s->s->config,
                          s->s->config_size);
    return rc ? rc : sr_out_whole(&s->out, SR_STORE, s->s->store,
                                  s->s->store_size);
}

static int put_end(struct save *s)
{
    int rc = sr_out_end(&s->out);

    if (!rc && s->s->percent)
        atomic_store(s->s->percent, 100);
    return rc;
}

int xc_sr_save(struct xc *xc, const struct xc_sr_save *params,
               struct xc_error *err)
{
    static int (*const steps[])(struct save *) = {
        read_shared_info, find_list, read_list, read_types, put_head,
        put_domain, put_list, put_memory, put_vcpus, put_end,
    };
    struct save s = {
        .reverse.get = to_pfn, .xc = xc, .s = params, .err = err,
        .out = { .fd = params->fd, .path = params->path, .err = err },
    };
    int rc = 0;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !rc; i++)
        rc = steps[i](&s);
    sr_out_fini(&s.out);
    free(s.list);
    free(s.p2m);
    free(s.kind);
    free(s.m2p);
    free(s.tables);
    return rc;
}
