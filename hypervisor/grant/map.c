/*
 * Mappings of granted frames: the mapper's handles, map and unmap.
 */
#include "grant/private.h"
#include "domain/domain.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/pt_update.h"
#include "x86/atomic.h"
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

/* What an update of the mapper's tables says, in the words of grants. */
static int grant_status(int rc)
{
    return !rc ? GNTST_okay : rc == -EFAULT ? GNTST_bad_virt_addr
                                            : GNTST_general_error;
}

int grant_map(struct grant_call *c)
{
    struct gnttab_map_grant_ref *op = &c->map;
    struct domain *ld = current->domain, *rd;
    bool write = !(op->flags & GNTMAP_readonly);
    int status = GNTST_no_space;
    grant_handle_t handle;
    struct maptrack *m;
    mfn_t mfn;

    if (!(op->flags & (GNTMAP_device_map | GNTMAP_host_map)))
        return GNTST_bad_gntref;
    rd = op->dom == DOMID_SELF ? NULL : domain_get_by_id(op->dom);
    if (!rd)
        return GNTST_bad_domain;
    handle = handle_alloc(ld);
    if (handle == NO_HANDLE)
        goto err_domain;
    status = grant_pin(rd, op->ref, ld->id, write, &mfn);
    if (status)
        goto err_handle;
    if (op->flags & GNTMAP_host_map)
        status = grant_status(pt_update_at(
            op->host_addr, op->flags & GNTMAP_contains_pte,
            grant_pte(mfn, op->flags), &(struct pt_cond){}, rd));
    if (status)
        goto err_pin;
    op->handle = handle;
    op->dev_bus_addr = mfn << PAGE_SHIFT;
    m = maptrack_of(&ld->grant, handle);
    m->rd = rd;                      /* the reference is the handle's */
    m->ref = op->ref;
    smp_wmb();                       /* with grant_unmap: no longer busy */
    WRITE_ONCE(m->flags, op->flags & KNOWN_FLAGS);
    stat_inc(STAT_GRANT_MAP);
    return GNTST_okay;

 err_pin:
    grant_unpin(rd, op->ref, write);
 err_handle:
    handle_free(ld, handle);
 err_domain:
    domain_put(rd);
    return status;
}

/* May these parts of the mapping end? */
static int unmap_check(const struct gnttab_unmap_grant_ref *op,
                       const struct maptrack *m)
{
    if (!m || !m->flags || (m->flags & MAPTRACK_BUSY))
        return GNTST_bad_handle;
    if (op->host_addr && !(m->flags & GNTMAP_host_map))
        return GNTST_bad_virt_addr;
    if (op->dev_bus_addr && !(m->flags & GNTMAP_device_map))
        return GNTST_bad_dev_addr;
    return GNTST_okay;
}

/* Take the entry at host_addr out of the tables, if it is this mapping's. */
static int unmap_host(uint64_t host_addr, const struct maptrack *m)
{
    mfn_t mfn = active_of(&m->rd->grant, m->ref)->mfn;
    const struct pt_cond maps = { PTE_PRESENT | PTE_ADDR_MASK,
                                  pte_make(mfn, PTE_PRESENT) };

    return grant_status(pt_update_at(host_addr, m->flags & GNTMAP_contains_pte,
                                     0, &maps, current->domain));
}

int grant_unmap(struct grant_call *c)
{
    struct grant_table *t = &current->domain->grant;
    const struct gnttab_unmap_grant_ref *op = &c->unmap;
    struct maptrack *m;
    int status;

    spin_lock(&t->lock);
    m = maptrack_of(t, op->handle);
    status = unmap_check(op, m);
    if (!status)
        m->flags |= MAPTRACK_BUSY;   /* no other vcpu unmaps it meanwhile */
    spin_unlock(&t->lock);
    if (status)
        return status;
    if (op->host_addr)
        status = unmap_host(op->host_addr, m);
    spin_lock(&t->lock);
    if (!status && op->host_addr)
        m->flags &= ~GNTMAP_host_map;
    if (!status && op->dev_bus_addr)
        m->flags &= ~GNTMAP_device_map;
    if (m->flags & (GNTMAP_host_map | GNTMAP_device_map))
        m->flags &= ~MAPTRACK_BUSY;
    else
        c->ended[c->nr_ended++] = op->handle;    /* stays busy until then */
    spin_unlock(&t->lock);
    return status;
}

void grant_unmap_end(grant_handle_t handle)
{
    const struct maptrack *m = maptrack_of(&current->domain->grant, handle);
    struct domain *rd = m->rd;

    grant_unpin(rd, m->ref, !(m->flags & GNTMAP_readonly));
    handle_free(current->domain, handle);
    domain_put(rd);
    stat_inc(STAT_GRANT_UNMAP);
}

/* Has the caller a mapping of this frame, which rd granted? */
static bool is_mapped(const struct domain *rd, mfn_t mfn)
{
    struct grant_table *t = &current->domain->grant;
    bool found = false;

    for (unsigned int i = 0; !found && i < t->nr_maptrack_frames; i++) {
        spin_lock(&t->lock);
        for (unsigned int n = 0; !found && n < MAPTRACK_PER_PAGE; n++) {
            const struct maptrack *m = &t->maptrack[i][n];

            found = m->flags && !(m->flags & MAPTRACK_BUSY) && m->rd == rd &&
                    active_of(&rd->grant, m->ref)->mfn == mfn;
        }
        spin_unlock(&t->lock);
    }
    return found;
}

static void flush_lines(const char *p, unsigned int len)
{
    for (const char *line = (const char *)((unsigned long)p & -64UL);
         line < p + len; line += 64)
        __asm__ volatile("clflush %0" :: "m" (*line) : "memory");
}

int grant_cache_flush(struct grant_call *c)
{
    const struct gnttab_cache_flush *op = &c->cache;
    mfn_t mfn = op->a.dev_bus_addr >> PAGE_SHIFT;
    struct page_info *pg = mfn_to_page(mfn);
    struct domain *owner;
    int rc = 0;

    if (op->offset >= PAGE_SIZE || op->offset + op->length > PAGE_SIZE ||
        (op->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL)))
        return -EINVAL;
    if (!op->length || !op->op)
        return 0;
    if (!mfn_valid(mfn))
        return -EINVAL;
    owner = domain_get_by_id(pg->owner);
    if (!owner)
        return -EPERM;
    /* No reference to what is not its own, not even while we look. */
    if (owner != current->domain && !is_mapped(owner, mfn)) {
        domain_put(owner);
        return -EINVAL;
    }
    if (!page_get(pg, owner)) {
        domain_put(owner);
        return -EPERM;
    }
    if (op->op == GNTTAB_CACHE_INVAL)
        rc = -EOPNOTSUPP;            /* it would show what was there before */
    else
        flush_lines((char *)page_to_virt(pg) + op->offset, op->length);
    page_put(pg);
    domain_put(owner);
    return rc;
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
