/*
 * Copies between granted frames, and frames of the caller's own.
 */
#include "grant/private.h"
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "lib/string.h"
#include "mm/frame_table.h"
#include "mm/page_type.h"
#include "x86/percpu.h"

/* One end of a copy. */
struct end {
    struct domain *rd;               /* who granted it; NULL: own frame */
    grant_ref_t ref;
    struct page_info *pg;
    bool write;
};

static int end_get(struct end *e, const struct gnttab_copy_ptr *p, bool gref,
                   bool write)
{
    struct domain *d = current->domain;
    mfn_t mfn;
    int rc;

    *e = (struct end){ .ref = p->u.ref, .write = write };
    if (gref) {
        e->rd = domain_get_by_id(p->domid);
        if (!e->rd)
            return GNTST_bad_domain;
        rc = grant_pin(e->rd, e->ref, d->id, write, &mfn);
        if (rc)
            domain_put(e->rd);
        else
            e->pg = mfn_to_page(mfn);
        return rc;
    }
    if (p->domid != DOMID_SELF)
        return GNTST_permission_denied;
    mfn = guest_ops->gfn_to_mfn(d, p->u.gmfn);
    if (!write)
        e->pg = page_get_mfn(mfn, d);
    else if (page_get_typed(mfn, PGT_WRITABLE, d, &e->pg))
        return GNTST_bad_page;
    return e->pg ? GNTST_okay : GNTST_bad_page;
}

static void end_put(const struct end *e)
{
    if (e->rd) {
        grant_unpin(e->rd, e->ref, e->write);
        domain_put(e->rd);
    } else if (e->write) {
        page_put_typed(e->pg);
    } else {
        page_put(e->pg);
    }
}

int grant_copy(struct grant_call *c)
{
    const struct gnttab_copy *op = &c->copy;
    struct end src, dst;
    int rc;

    if (op->source.offset + op->len > (int)PAGE_SIZE ||
        op->dest.offset + op->len > (int)PAGE_SIZE)
        return GNTST_bad_copy_arg;
    rc = end_get(&src, &op->source, op->flags & GNTCOPY_source_gref, false);
    if (rc)
        return rc;
    rc = end_get(&dst, &op->dest, op->flags & GNTCOPY_dest_gref, true);
    if (!rc) {
        memmove((char *)page_to_virt(dst.pg) + op->dest.offset,
                (char *)page_to_virt(src.pg) + op->source.offset, op->len);
        end_put(&dst);
        stat_inc(STAT_GRANT_COPY);
    }
    end_put(&src);
    return rc;
}
