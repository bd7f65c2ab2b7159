/*
 * Mappings of granted frames: the mapper's handles, map and unmap.
 */
#include "grant/table.h"
#include "grant/private.h"
#include "domain/domain.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/page_type.h"
#include "mm/pt_update.h"
#include "x86/percpu.h"

#define KNOWN_FLAGS (GNTMAP_device_map | GNTMAP_host_map | GNTMAP_readonly | \
                     GNTMAP_application_map | GNTMAP_contains_pte)

static struct maptrack *maptrack_of(struct grant_table *t, grant_handle_t h)
{
    return h / MAPTRACK_PER_PAGE < t->nr_maptrack_frames
           ? &t->maptrack[h / MAPTRACK_PER_PAGE][h % MAPTRACK_PER_PAGE] : NULL;
}

static bool maptrack_grow_locked(struct grant_table *t)
{
    unsigned int n = t->nr_maptrack_frames;
    grant_handle_t first = n * MAPTRACK_PER_PAGE;
    struct maptrack *page;

    if (n >= t->max_maptrack_frames)
        return false;
    if (!t->maptrack)
        t->maptrack = kzalloc(t->max_maptrack_frames * sizeof(*t->maptrack));
    page = t->maptrack ? hv_page_alloc() : NULL;
    if (!page)
        return false;
    for (unsigned int i = 0; i < MAPTRACK_PER_PAGE; i++)
        page[i].ref = i + 1 < MAPTRACK_PER_PAGE ? first + i + 1
                                                : t->maptrack_free;
    t->maptrack[n] = page;
    t->nr_maptrack_frames++;
    t->maptrack_free = first;
    return true;
}

static grant_handle_t handle_alloc(struct domain *d)
{
    struct grant_table *t = &d->grant;
    grant_handle_t h = NO_HANDLE;

    spin_lock(&t->lock);
    if (t->maptrack_free != NO_HANDLE || maptrack_grow_locked(t)) {
        struct maptrack *m = maptrack_of(t, t->maptrack_free);

        h = t->maptrack_free;
        t->maptrack_free = m->ref;
        m->flags = MAPTRACK_BUSY;
    }
    spin_unlock(&t->lock);
    return h;
}

static void handle_free(struct domain *d, grant_handle_t h)
{
    struct grant_table *t = &d->grant;
    struct maptrack *m = maptrack_of(t, h);

    spin_lock(&t->lock);
    m->flags = 0;
    m->rd = NULL;
    m->ref = t->maptrack_free;
    t->maptrack_free = h;
    spin_unlock(&t->lock);
}

/* The entry that maps a granted frame in the mapper's tables. */
static pte_t grant_pte(mfn_t mfn, uint32_t flags)
{
    pte_t bits = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_GNTTAB;

    if (!(flags & GNTMAP_readonly))
        bits |= PTE_RW;
    if (flags & GNTMAP_application_map)
        bits |= PTE_USER;
    bits |= ((flags >> _GNTMAP_guest_avail0) << 9) & PTE_AVAIL;
    return pte_make(mfn, bits);
}

/* Put the entry in place, with the reference and use that it stands for. */
static int map_host(struct domain *rd, mfn_t mfn,
                    const struct gnttab_map_grant_ref *op)
{
    bool write = !(op->flags & GNTMAP_readonly);
    struct page_info *pg = mfn_to_page(mfn);
    int rc;

    if (!page_get(pg, rd))
        return GNTST_bad_page;
    if (write && page_type_get(pg, PGT_WRITABLE)) {
        page_put(pg);
        return GNTST_general_error;
    }
    rc = pt_grant_map(current, op->host_addr,
                      op->flags & GNTMAP_contains_pte,
                      grant_pte(mfn, op->flags));
    if (!rc)
        return GNTST_okay;
    if (write)
        page_type_put(pg);
    page_put(pg);
    return rc == -EFAULT ? GNTST_bad_virt_addr : GNTST_general_error;
}

/* With a handle and rd referenced. */
static int map_frame(struct domain *ld, struct domain *rd,
                     struct gnttab_map_grant_ref *op, grant_handle_t handle)
{
    bool write = !(op->flags & GNTMAP_readonly);
    struct maptrack *m = maptrack_of(&ld->grant, handle);
    mfn_t mfn;
    int rc = grant_pin(rd, op->ref, ld->id, write, &mfn);

    if (rc)
        return rc;
    if (op->flags & GNTMAP_host_map) {
        rc = map_host(rd, mfn, op);
        if (rc) {
            grant_unpin(rd, op->ref, write);
            return rc;
        }
    }
    spin_lock(&ld->grant.lock);
    m->rd = rd;
    m->ref = op->ref;
    m->flags = op->flags & KNOWN_FLAGS;
    spin_unlock(&ld->grant.lock);
    op->handle = handle;
    op->dev_bus_addr = mfn << PAGE_SHIFT;
    return GNTST_okay;
}

void grant_map_one(struct gnttab_map_grant_ref *op)
{
    struct domain *ld = current->domain, *rd;
    grant_handle_t handle;

    op->status = GNTST_bad_gntref;
    if (!(op->flags & (GNTMAP_device_map | GNTMAP_host_map)))
        return;
    op->status = GNTST_bad_domain;
    rd = op->dom == DOMID_SELF ? NULL : domain_get_by_id(op->dom);
    if (!rd)
        return;
    op->status = GNTST_no_space;
    handle = handle_alloc(ld);
    if (handle != NO_HANDLE) {
        op->status = map_frame(ld, rd, op, handle);
        if (op->status)
            handle_free(ld, handle);
    }
    if (op->status)
        domain_put(rd);              /* else the handle holds it */
    else
        stat_inc(STAT_GRANT_MAP);
}

/* What of the mapping the caller wants to end: GNTMAP_host_map, _device_map. */
static int unmap_check(const struct grant_unmap *u, const struct maptrack *m,
                       uint16_t *ret_parts)
{
    uint16_t parts = 0;

    if (!m || !m->flags || (m->flags & MAPTRACK_BUSY))
        return GNTST_bad_handle;
    if (u->host_addr && !(m->flags & GNTMAP_host_map))
        return GNTST_bad_virt_addr;
    if (u->dev_bus_addr && !(m->flags & GNTMAP_device_map))
        return GNTST_bad_dev_addr;
    if (u->host_addr)
        parts |= GNTMAP_host_map;
    if (u->dev_bus_addr)
        parts |= GNTMAP_device_map;
    *ret_parts = parts;
    return GNTST_okay;
}

static int unmap_host(const struct grant_unmap *u, const struct maptrack *m)
{
    struct grant_table *t = &m->rd->grant;
    const struct active_entry *act;
    int rc;

    act = &t->active[m->ref / ACTIVE_PER_PAGE][m->ref % ACTIVE_PER_PAGE];
    rc = pt_grant_unmap(current, u->host_addr, m->flags & GNTMAP_contains_pte,
                        act->mfn, 0);
    if (!rc)
        return GNTST_okay;
    return rc == -EFAULT ? GNTST_bad_virt_addr : GNTST_general_error;
}

int grant_unmap_begin(struct grant_unmap *u)
{
    struct grant_table *t = &current->domain->grant;
    struct maptrack *m;
    struct maptrack was;
    uint16_t parts = 0;
    int rc;

    u->rd = NULL;
    spin_lock(&t->lock);
    m = maptrack_of(t, u->handle);
    rc = unmap_check(u, m, &parts);
    if (!rc) {
        was = *m;
        m->flags |= MAPTRACK_BUSY;   /* no other vcpu unmaps it meanwhile */
    }
    spin_unlock(&t->lock);
    if (rc)
        return rc;

    if (parts & GNTMAP_host_map)
        rc = unmap_host(u, &was);
    if (!rc) {
        was.flags &= ~parts;
        if (!(was.flags & (GNTMAP_host_map | GNTMAP_device_map))) {
            u->rd = was.rd;
            u->ref = was.ref;
            u->write = !(was.flags & GNTMAP_readonly);
            return GNTST_okay;       /* stays busy until grant_unmap_end */
        }
    }
    spin_lock(&t->lock);
    m->flags = was.flags;
    spin_unlock(&t->lock);
    return rc;
}

void grant_unmap_end(struct grant_unmap *u)
{
    if (!u->rd)
        return;
    grant_unpin(u->rd, u->ref, u->write);
    handle_free(current->domain, u->handle);
    domain_put(u->rd);
    stat_inc(STAT_GRANT_UNMAP);
}

/* No vcpu of d runs any more, so nothing but this changes its handles. */
int grant_relinquish(struct domain *d)
{
    struct grant_table *t = &d->grant;
    unsigned int done = 0;

    while (t->nr_maptrack_frames) {
        struct maptrack *page = t->maptrack[t->nr_maptrack_frames - 1];

        for (unsigned int i = 0; i < MAPTRACK_PER_PAGE; i++) {
            struct maptrack *m = &page[i];

            if (!m->rd)
                continue;
            grant_unpin(m->rd, m->ref, !(m->flags & GNTMAP_readonly));
            domain_put(m->rd);
            m->rd = NULL;
            if (++done % GRANT_BATCH == 0 && hypercall_should_yield())
                return -ERESTART;
        }
        t->nr_maptrack_frames--;
        hv_page_free(page);
    }
    t->maptrack_free = NO_HANDLE;
    return 0;
}
