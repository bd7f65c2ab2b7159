/*
 * The table: its frames, growth, and pins on its entries.
 */
#include "grant/private.h"
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/page_type.h"
#include "x86/percpu.h"

#define DEFAULT_FRAMES          64
#define DEFAULT_MAPTRACK_FRAMES 1024
#define MAX_FRAMES              1024
#define MAX_MAPTRACK_FRAMES     4096

static struct grant_entry_v1 *entry_of(struct grant_table *t, grant_ref_t ref)
{
    return &t->frames[ref / GRANTS_PER_FRAME].shared[ref % GRANTS_PER_FRAME];
}

static bool pinned(const struct active_entry *act)
{
    return act->readers || act->writers;
}

static bool add_frame_locked(struct domain *d)
{
    struct grant_frame f = {
        .shared = hv_page_alloc(),
        .active = kzalloc(GRANTS_PER_FRAME * sizeof(struct active_entry)),
    };

    if (!f.shared || !f.active) {
        hv_page_free(f.shared);
        kfree(f.active);
        return false;
    }
    page_share(mfn_to_page(virt_to_mfn(f.shared)), d, true);
    d->grant.frames[d->grant.nr_frames++] = f;
    return true;
}

mfn_t grant_shared_frame(struct domain *d, unsigned int index)
{
    struct grant_table *t = &d->grant;
    bool ok = index < t->max_frames;

    spin_lock(&t->lock);
    while (ok && t->nr_frames <= index)
        ok = add_frame_locked(d);
    spin_unlock(&t->lock);
    return ok ? virt_to_mfn(t->frames[index].shared) : INVALID_MFN;
}

int grant_init(struct domain *d, int max_frames, int max_maptrack_frames)
{
    struct grant_table *t = &d->grant;

    if (max_frames > MAX_FRAMES || max_maptrack_frames > MAX_MAPTRACK_FRAMES)
        return -EINVAL;
    spin_lock_init(&t->lock, LOCK_GRANT);
    t->max_frames = max_frames < 0 ? DEFAULT_FRAMES : max_frames;
    t->max_maptrack_frames = max_maptrack_frames < 0
                             ? DEFAULT_MAPTRACK_FRAMES : max_maptrack_frames;
    t->maptrack_free = NO_HANDLE;
    t->frames = kzalloc(t->max_frames * sizeof(*t->frames));
    if (!t->frames)
        return -ENOMEM;
    if (!t->max_frames || grant_shared_frame(d, 0) != INVALID_MFN)
        return 0;
    kfree(t->frames);
    return -ENOMEM;
}

void grant_destroy(struct domain *d)
{
    struct grant_table *t = &d->grant;

    for (unsigned int i = 0; i < t->nr_frames; i++) {
        struct page_info *pg = mfn_to_page(virt_to_mfn(t->frames[i].shared));

        kfree(t->frames[i].active);
        if (page_unshare(pg))
            frames_free(pg, 0);
    }
    kfree(t->frames);
    kfree(t->maptrack);
}

static int pin_locked(struct domain *rd, grant_ref_t ref, domid_t by,
                      bool write, mfn_t *ret_mfn)
{
    struct active_entry *act = active_of(&rd->grant, ref);
    struct grant_entry_v1 *e = entry_of(&rd->grant, ref);
    bool first = !pinned(act);
    struct page_info *pg;
    uint32_t frame;
    int rc;

    if (!first && act->domid != by)
        return GNTST_general_error;
    if (first || (write && !act->writers)) {
        rc = grant_entry_claim(e, by, write, &frame);
        if (rc)
            return rc;
        pg = first ? page_get_mfn(guest_ops->gfn_to_mfn(rd, frame), rd)
                   : mfn_to_page(act->mfn);
        if (!pg)
            rc = GNTST_bad_page;
        else if (write && page_type_get(pg, PGT_WRITABLE))
            rc = GNTST_general_error;
        if (rc) {
            if (first && pg)
                page_put(pg);
            grant_entry_release(e, (write ? GTF_writing : 0) |
                                   (first ? GTF_reading : 0));
            return rc;
        }
    }
    if (first) {
        act->mfn = frame;
        act->domid = by;
    }
    if (write)
        act->writers++;
    else
        act->readers++;
    *ret_mfn = act->mfn;
    return GNTST_okay;
}

int grant_pin(struct domain *rd, grant_ref_t ref, domid_t by, bool write,
              mfn_t *ret_mfn)
{
    struct grant_table *t = &rd->grant;
    int rc = GNTST_bad_gntref;

    spin_lock(&t->lock);
    if (ref < t->nr_frames * GRANTS_PER_FRAME && !rd->dying)
        rc = pin_locked(rd, ref, by, write, ret_mfn);
    spin_unlock(&t->lock);
    return rc;
}

void grant_unpin(struct domain *rd, grant_ref_t ref, bool write)
{
    struct grant_table *t = &rd->grant;
    struct active_entry *act;
    struct page_info *pg;
    uint16_t flags = 0;

    spin_lock(&t->lock);
    act = active_of(t, ref);
    pg = mfn_to_page(act->mfn);
    if (write && !--act->writers)
        flags |= GTF_writing;
    else if (!write)
        act->readers--;
    if (!pinned(act))
        flags |= GTF_reading;
    if (flags & GTF_writing)
        page_type_put(pg);
    if (flags)
        grant_entry_release(entry_of(t, ref), flags);
    spin_unlock(&t->lock);
    if (flags & GTF_reading)
        page_put(pg);
}

int grant_swap(struct grant_call *c)
{
    struct grant_table *t = &current->domain->grant;
    grant_ref_t a = c->swap.ref_a, b = c->swap.ref_b;
    struct grant_entry_v1 tmp;
    int status = GNTST_okay;

    spin_lock(&t->lock);
    if (MAX(a, b) >= t->nr_frames * GRANTS_PER_FRAME) {
        status = GNTST_bad_gntref;
    } else if (a != b &&
               (pinned(active_of(t, a)) || pinned(active_of(t, b)))) {
        status = GNTST_eagain;
    } else {
        tmp = *entry_of(t, a);
        *entry_of(t, a) = *entry_of(t, b);
        *entry_of(t, b) = tmp;
    }
    spin_unlock(&t->lock);
    return status;
}
