/*
 * The table: its frames, growth, and pins on its entries.
 */
#include "grant/table.h"
#include "grant/entry.h"
#include "grant/private.h"
#include "domain/domain.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/page_type.h"

#define DEFAULT_FRAMES          64
#define DEFAULT_MAPTRACK_FRAMES 1024
#define MAX_FRAMES              1024
#define MAX_MAPTRACK_FRAMES     4096

static struct grant_entry_v1 *entry_of(struct grant_table *t, grant_ref_t ref)
{
    return &t->frames[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}

static struct active_entry *active_of(struct grant_table *t, grant_ref_t ref)
{
    return &t->active[ref / ACTIVE_PER_PAGE][ref % ACTIVE_PER_PAGE];
}

static bool pinned(const struct active_entry *act)
{
    return act->readers || act->writers;
}

int grant_init(struct domain *d, int max_frames, int max_maptrack_frames)
{
    struct grant_table *t = &d->grant;
    int rc;

    if (max_frames > MAX_FRAMES || max_maptrack_frames > MAX_MAPTRACK_FRAMES)
        return -EINVAL;
    spin_lock_init(&t->lock, LOCK_GRANT);
    t->max_frames = max_frames < 0 ? DEFAULT_FRAMES : max_frames;
    t->max_maptrack_frames = max_maptrack_frames < 0
                             ? DEFAULT_MAPTRACK_FRAMES : max_maptrack_frames;
    t->maptrack_free = NO_HANDLE;
    t->frames = kzalloc(t->max_frames * sizeof(*t->frames));
    t->active = kzalloc(t->max_frames * ACTIVE_PAGES_PER_FRAME *
                        sizeof(*t->active));
    rc = -ENOMEM;
    if (t->frames && t->active)
        rc = t->max_frames ? grant_grow(d, 1) : 0;
    if (rc)
        grant_destroy(d);
    return rc;
}

static void frame_free(struct domain *d, unsigned int i)
{
    struct grant_table *t = &d->grant;
    struct page_info *pg;

    for (unsigned int j = 0; j < ACTIVE_PAGES_PER_FRAME; j++)
        hv_page_free(t->active[i * ACTIVE_PAGES_PER_FRAME + j]);
    if (t->frames[i]) {
        pg = mfn_to_page(virt_to_mfn(t->frames[i]));
        if (page_unshare(pg, d))
            frames_free(pg, 0);
    }
}

void grant_destroy(struct domain *d)
{
    struct grant_table *t = &d->grant;

    for (unsigned int i = 0; i < t->nr_frames; i++)
        frame_free(d, i);
    for (unsigned int i = 0; i < t->nr_maptrack_frames; i++)
        hv_page_free(t->maptrack[i]);
    kfree(t->frames);
    kfree(t->active);
    kfree(t->maptrack);
}

static int add_frame_locked(struct domain *d)
{
    struct grant_table *t = &d->grant;
    unsigned int i = t->nr_frames, first = i * ACTIVE_PAGES_PER_FRAME, j;
    void *frame = hv_page_alloc();

    for (j = 0; frame && j < ACTIVE_PAGES_PER_FRAME; j++) {
        t->active[first + j] = hv_page_alloc();
        if (!t->active[first + j])
            break;
    }
    if (j < ACTIVE_PAGES_PER_FRAME) {
        while (j--)
            hv_page_free(t->active[first + j]);
        if (frame)
            hv_page_free(frame);
        return -ENOMEM;
    }
    page_share(mfn_to_page(virt_to_mfn(frame)), d, true);
    t->frames[i] = frame;
    t->nr_frames++;
    return 0;
}

int grant_grow(struct domain *d, unsigned int nr)
{
    struct grant_table *t = &d->grant;
    int rc = 0;

    if (nr > t->max_frames)
        return -EINVAL;
    spin_lock(&t->lock);
    while (!rc && t->nr_frames < nr)
        rc = add_frame_locked(d);
    spin_unlock(&t->lock);
    return rc;
}

int grant_shared_frame(struct domain *d, unsigned int index, mfn_t *ret_mfn)
{
    int rc;

    if (index >= d->grant.max_frames)
        return -EINVAL;
    rc = grant_grow(d, index + 1);
    if (!rc)
        *ret_mfn = virt_to_mfn(d->grant.frames[index]);
    return rc;
}

/* Take what a pin of a new kind needs of the frame. */
static int take_frame(struct domain *rd, struct active_entry *act, mfn_t mfn,
                      bool write)
{
    struct page_info *pg;

    if (!pinned(act)) {
        pg = page_get_mfn(mfn, rd);
        if (!pg)
            return GNTST_bad_page;
    } else {
        pg = mfn_to_page(act->mfn);
    }
    if (write && page_type_get(pg, PGT_WRITABLE)) {
        if (!pinned(act))
            page_put(pg);
        return GNTST_general_error;
    }
    return GNTST_okay;
}

static int pin_locked(struct domain *rd, grant_ref_t ref, domid_t by,
                      bool write, mfn_t *ret_mfn)
{
    struct active_entry *act = active_of(&rd->grant, ref);
    struct grant_entry_v1 *e = entry_of(&rd->grant, ref);
    uint32_t frame;
    int rc;

    if (pinned(act) && act->domid != by)
        return GNTST_general_error;
    if (!pinned(act) || (write && !act->writers)) {
        rc = grant_entry_claim(e, by, write, &frame);
        if (rc)
            return rc;
        rc = take_frame(rd, act, frame, write);
        if (rc) {
            grant_entry_release(e, (write ? GTF_writing : 0) |
                                (pinned(act) ? 0 : GTF_reading));
            return rc;
        }
        if (!pinned(act)) {
            act->mfn = frame;
            act->domid = by;
        }
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

int grant_swap(struct domain *d, grant_ref_t a, grant_ref_t b)
{
    struct grant_table *t = &d->grant;
    struct grant_entry_v1 tmp;
    int rc = GNTST_bad_gntref;

    spin_lock(&t->lock);
    if (MAX(a, b) < t->nr_frames * GRANTS_PER_FRAME) {
        rc = GNTST_eagain;
        if (!pinned(active_of(t, a)) && !pinned(active_of(t, b))) {
            tmp = *entry_of(t, a);
            *entry_of(t, a) = *entry_of(t, b);
            *entry_of(t, b) = tmp;
            rc = GNTST_okay;
        }
    }
    spin_unlock(&t->lock);
    return rc;
}
