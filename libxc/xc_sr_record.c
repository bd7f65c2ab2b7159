/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stream's records: written, and read with every doubt that is due.
 *
 * A byte for each pfn notes what the stream has said of it.  What refers to a
 * page may come before the page: such references are noted, too, and have to
 * be met at the end.
 */
#include "xc_sr.h"

#include <assert.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BUF_SIZE    (1u << 20)

static_assert(sizeof(struct sr_head) == 32, "format");
static_assert(sizeof(struct sr_record) == 16, "format");
static_assert(sizeof(struct sr_domain) == 64, "format");
static_assert(sizeof(struct sr_vcpu) ==
              32 + sizeof(struct vcpu_guest_context), "format");

/* ---- writing ---- */

static int out_flush(struct sr_out *o)
{
    size_t done = 0;

    while (done < o->used) {
        ssize_t n = write(o->fd, o->buf + done, o->used - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int rc = -errno;

            return xc_fail(o->err, rc, "%s cannot be written: %s", o->path,
                           strerror(-rc));
        }
        done += (size_t)n;
    }
    o->used = 0;
    return 0;
}

int sr_out_put(struct sr_out *o, const void *p, size_t size)
{
    const uint8_t *from = p;
    int rc = 0;

    o->crc = lzma_crc64(from, size, o->crc);
    o->size += size;
    while (size && !rc) {
        size_t n = BUF_SIZE - o->used;

        n = n < size ? n : size;
        memcpy(o->buf + o->used, from, n);
        o->used += n;
        from += n;
        size -= n;
        if (o->used == BUF_SIZE)
            rc = out_flush(o);
    }
    return rc;
}

int sr_out_begin(struct sr_out *o)
{
    struct sr_head head = { .version = SR_VERSION, .abi = SR_ABI_PV64 };

    o->buf = malloc(BUF_SIZE);
    if (!o->buf)
        return xc_fail(o->err, -ENOMEM, "out of memory in this domain");
    memcpy(head.magic, SR_MAGIC, sizeof(head.magic));
    return sr_out_put(o, &head, sizeof(head));
}

int sr_out_record(struct sr_out *o, enum sr_type type, uint64_t size)
{
    const struct sr_record r = { .type = type, .size = size };

    return sr_out_put(o, &r, sizeof(r));
}

int sr_out_pad(struct sr_out *o, uint64_t size)
{
    static const uint8_t zeros[8];

    return sr_out_put(o, zeros, -size & 7);
}

int sr_out_whole(struct sr_out *o, enum sr_type type, const void *p,
                 size_t size)
{
    int rc = sr_out_record(o, type, size);

    if (!rc)
        rc = sr_out_put(o, p, size);
    return rc ? rc : sr_out_pad(o, size);
}

int sr_out_end(struct sr_out *o)
{
    uint64_t crc;
    int rc = sr_out_record(o, SR_END, sizeof(crc));

    crc = o->crc;
    if (!rc)
        rc = sr_out_put(o, &crc, sizeof(crc));
    return rc ? rc : out_flush(o);
}

void sr_out_fini(struct sr_out *o)
{
    free(o->buf);
}

/* ---- reading ---- */

/* What is known of a pfn. */
#define SEEN        0x80u               /* the stream has its page */
#define WANTED      0x40u               /* something refers to it, */
#define WANTED_DATA 0x20u               /* as a page that is no table, */
#define WANTED_ROOT 0x10u               /* as a top table */
#define LEVEL       0x07u

struct walk {
    const struct sr_in *in;
    const struct sr_visitor *v;
    void *ctx;
    uint8_t *buf;
    size_t at, end;                     /* what is unread of it */
    uint64_t offset, crc;               /* in the stream */
    enum sr_type last;
    struct sr_domain d;
    uint8_t *pfn;                       /* d.nr_pfns of them */
    uint64_t pages;
    uint32_t contexts;
    uint64_t vcpus[16];                 /* seen: a bit for each */
    uint8_t *body;                      /* of the record at hand */
    uint64_t room;                      /* bytes there: fresh pages cost */
};

static int bad(struct walk *w, const char *what)
{
    return xc_fail(w->in->err, -EBADMSG, "%s is damaged near byte %llu (%s); "
                   "use another copy", w->in->path,
                   (unsigned long long)w->offset, what);
}

/* More bytes into the buffer, or straight to p; 0 at the end of the file. */
static ssize_t in_more(struct walk *w, void *p, size_t size)
{
    ssize_t n;

    do
        n = read(w->in->fd, p, size);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        int rc = -errno;

        return xc_fail(w->in->err, rc, "%s cannot be read: %s", w->in->path,
                       strerror(-rc));
    }
    return n;
}

static int in_read(struct walk *w, void *p, size_t size)
{
    uint8_t *to = p;
    size_t left = size;

    while (left) {
        size_t n = w->end - w->at;
        ssize_t got;

        if (!n) {
            got = left >= BUF_SIZE ? in_more(w, to, left)
                                   : in_more(w, w->buf, BUF_SIZE);
            if (got < 0)
                return (int)got;
            if (!got)
                return xc_fail(w->in->err, -ENODATA, "%s is truncated: it ends "
                               "at byte %llu; use another copy", w->in->path,
                               (unsigned long long)w->offset + (size - left));
            if (left >= BUF_SIZE) {
                to += got;
                left -= (size_t)got;
            } else {
                w->at = 0;
                w->end = (size_t)got;
            }
            continue;
        }
        n = n < left ? n : left;
        memcpy(to, w->buf + w->at, n);
        w->at += n;
        to += n;
        left -= n;
    }
    w->crc = lzma_crc64(p, size, w->crc);
    w->offset += size;
    return 0;
}

static int read_head(struct walk *w)
{
    struct sr_head head;
    int rc = in_read(w, &head, sizeof(head));

    if (rc == -ENODATA || (!rc && memcmp(head.magic, SR_MAGIC,
                                         sizeof(head.magic))))
        return xc_fail(w->in->err, -ENOEXEC, "%s is no guest that zazen saved",
                       w->in->path);
    if (rc)
        return rc;
    if (head.version != SR_VERSION)
        return xc_fail(w->in->err, -ENOEXEC, "%s has version %u of the format, "
                       "and only %u is known here; restore it where it was "
                       "saved", w->in->path, head.version, SR_VERSION);
    if (head.abi != SR_ABI_PV64 || head.zero)
        return xc_fail(w->in->err, -ENOEXEC, "%s has a guest of another kind "
                       "(%u); only 64-bit PV guests can be restored here",
                       w->in->path, head.abi);
    return 0;
}

/* A page must be there in the end; how it is used says what it must be. */
static int want(struct walk *w, uint64_t pfn, unsigned int how)
{
    if (pfn >= w->d.nr_pfns)
        return bad(w, "a frame number is too large");
    w->pfn[pfn] |= WANTED | how;
    return 0;
}

static int on_domain(struct walk *w, size_t size)
{
    struct sr_domain *d = &w->d;

    (void)size;
    memcpy(d, w->body, sizeof(*d));
    if (!d->nr_pfns || d->nr_pfns > SR_MAX_PFNS || !d->nr_pages ||
        d->nr_pages > d->nr_pfns)
        return bad(w, "its memory size cannot be");
    if (!d->nr_vcpus || d->nr_vcpus > 64 * sizeof(w->vcpus) / 8 ||
        !d->nr_contexts || d->nr_contexts > d->nr_vcpus ||
        d->xstate_size > SR_MAX_XSTATE || d->zero ||
        !d->xfeatures != !d->xstate_size)
        return bad(w, "its vcpus cannot be");
    w->pfn = calloc(1, d->nr_pfns);
    if (!w->pfn)
        return xc_fail(w->in->err, -ENOMEM, "out of memory in this domain");
    return want(w, d->start_info_pfn, WANTED_DATA) ||
           want(w, d->p2m_root_pfn, WANTED_ROOT) ? -EBADMSG :
           w->v->domain ? w->v->domain(w->ctx, d) : 0;
}

static size_t p2m_frames(const struct sr_domain *d)
{
    return (d->nr_pfns + 511) / 512;
}

static int on_p2m(struct walk *w, size_t size)
{
    const uint64_t *pfns = (const uint64_t *)w->body;
    size_t nr = size / sizeof(*pfns);
    int rc = 0;

    if (size != p2m_frames(&w->d) * sizeof(*pfns))
        return bad(w, "the p2m list has another length");
    for (size_t i = 0; i < nr && !rc; i++)
        rc = want(w, pfns[i], WANTED_DATA);
    return rc || !w->v->p2m ? rc : w->v->p2m(w->ctx, pfns, nr);
}

struct check_map {
    struct sr_map map;
    struct walk *w;
};

static uint64_t note_ref(const struct sr_map *m, uint64_t pfn)
{
    struct walk *w = ((const struct check_map *)m)->w;

    if (pfn >= w->d.nr_pfns)
        return SR_NO_PFN;
    w->pfn[pfn] |= WANTED;
    return pfn;
}

/* One page's entry; *contents moves on if it has any. */
static int check_page(struct walk *w, uint64_t entry, uint8_t **contents,
                      uint8_t **ret_page)
{
    struct check_map m = { { note_ref }, w };
    uint64_t pfn = entry & SR_PFN_MASK;
    unsigned int level = sr_level(entry), index;
    uint8_t *page = *contents;
    char text[80];

    if (entry & ~SR_KNOWN || level > 4 || (!level && entry & SR_PINNED) ||
        (level && entry & SR_ZERO))
        return bad(w, "a page of an unknown kind");
    if (pfn >= w->d.nr_pfns || w->pfn[pfn] & SEEN) {
        snprintf(text, sizeof(text), "page %#llx is too large, or comes twice",
                 (unsigned long long)entry);
        return bad(w, text);
    }
    w->pfn[pfn] |= SEEN | level;
    *ret_page = NULL;
    if (entry & SR_ZERO)
        return 0;
    if (level && sr_table_convert(level, (uint64_t *)page, (uint64_t *)page,
                                  &m.map, &index))
        return bad(w, "a page table that cannot be");
    *contents += XC_PAGE_SIZE;
    *ret_page = page;
    return 0;
}

static int on_pages(struct walk *w, size_t size)
{
    uint64_t nr, *entries = (uint64_t *)w->body + 1;
    uint8_t *pages[SR_BATCH], *contents;
    uint64_t full = 0;
    int rc = 0;

    memcpy(&nr, w->body, sizeof(nr));
    if (!nr || nr > SR_BATCH || size < (nr + 1) * sizeof(nr))
        return bad(w, "too many pages at once");
    for (size_t i = 0; i < nr; i++)
        full += !(entries[i] & SR_ZERO);
    if (size != (nr + 1) * sizeof(nr) + full * XC_PAGE_SIZE)
        return bad(w, "pages of another length");
    contents = (uint8_t *)(entries + nr);
    for (size_t i = 0; i < nr && !rc; i++)
        rc = check_page(w, entries[i], &contents, &pages[i]);
    w->pages += nr;
    if (!rc && w->pages > w->d.nr_pages)
        rc = bad(w, "more pages than it announces");
    return rc || !w->v->pages ? rc :
           w->v->pages(w->ctx, entries, pages, nr);
}

static int on_vcpu(struct walk *w, size_t size)
{
    const struct sr_vcpu *v = (const struct sr_vcpu *)w->body;
    const struct vcpu_guest_context *c = &v->context;
    int rc = 0;

    if (size != sizeof(*v) + w->d.xstate_size || v->zero ||
        v->id >= w->d.nr_vcpus || w->vcpus[v->id / 64] >> v->id % 64 & 1 ||
        c->gdt_ents > FIRST_RESERVED_GDT_ENTRY)
        return bad(w, "a vcpu that cannot be");
    w->vcpus[v->id / 64] |= 1ULL << v->id % 64;
    w->contexts++;
    for (size_t i = 0; i * 512 < c->gdt_ents && !rc; i++)
        rc = want(w, c->gdt_frames[i], WANTED_DATA);
    if (!rc)
        rc = want(w, c->ctrlreg[3], WANTED_ROOT);
    if (!rc && c->ctrlreg[1] != SR_NO_PFN)
        rc = want(w, c->ctrlreg[1], WANTED_ROOT);
    if (!rc && !v->id && c->user_regs.rdx != w->d.start_info_pfn)
        rc = bad(w, "start_info is named twice, differently");
    return rc || !w->v->vcpu ? rc : w->v->vcpu(w->ctx, v, v + 1);
}

static int on_config(struct walk *w, size_t size)
{
    return w->v->config ? w->v->config(w->ctx, w->body, size) : 0;
}

static int on_store(struct walk *w, size_t size)
{
    return w->v->store ? w->v->store(w->ctx, w->body, size) : 0;
}

static int on_shared_info(struct walk *w, size_t size)
{
    (void)size;
    return w->v->shared_info ? w->v->shared_info(w->ctx, w->body) : 0;
}

/* Everything is there that something refers to, and is what it must be. */
static int check_refs(struct walk *w)
{
    for (uint64_t i = 0; i < w->d.nr_pfns; i++) {
        uint8_t p = w->pfn[i];

        if (!(p & WANTED))
            continue;
        if (!(p & SEEN))
            return bad(w, "a page is missing");
        if ((p & WANTED_DATA && p & LEVEL) ||
            (p & WANTED_ROOT && (p & LEVEL) != 4))
            return bad(w, "a page is used as what it is not");
    }
    return 0;
}

static int on_end(struct walk *w, size_t size, uint64_t crc_before)
{
    uint64_t crc;
    ssize_t n = 0;
    uint8_t more;
    int rc;

    (void)size;
    memcpy(&crc, w->body, sizeof(crc));
    if (crc != crc_before)
        return bad(w, "its checksum is wrong");
    if (w->pages != w->d.nr_pages || w->contexts != w->d.nr_contexts ||
        !(w->vcpus[0] & 1))
        return bad(w, "it has fewer pages or vcpus than it announces");
    rc = check_refs(w);
    if (rc)
        return rc;
    if (w->at == w->end)
        n = in_more(w, &more, 1);
    if (n < 0)
        return (int)n;
    return n || w->at != w->end ? bad(w, "something follows its end") : 0;
}

/* Sizes a body may have, and which record may come before. */
static const struct kind {
    uint64_t min, max;
    int (*fn)(struct walk *w, size_t size);
    unsigned int after;                 /* bits 1 << type */
} kinds[SR_NR_TYPES] = {
    [SR_CONFIG] = { 1, SR_MAX_BLOB, on_config, 1u << SR_END },
    [SR_STORE] = { 0, SR_MAX_BLOB, on_store, 1u << SR_CONFIG },
    [SR_DOMAIN] = { sizeof(struct sr_domain), sizeof(struct sr_domain),
                    on_domain, 1u << SR_STORE },
    [SR_P2M] = { 8, SR_MAX_PFNS / 512 * 8, on_p2m, 1u << SR_DOMAIN },
    [SR_PAGES] = { 16, 8 + SR_BATCH * (8 + XC_PAGE_SIZE), on_pages,
                   1u << SR_P2M | 1u << SR_PAGES },
    [SR_VCPU] = { sizeof(struct sr_vcpu),
                  sizeof(struct sr_vcpu) + SR_MAX_XSTATE, on_vcpu,
                  1u << SR_PAGES | 1u << SR_VCPU },
    [SR_SHARED_INFO] = { XC_PAGE_SIZE, XC_PAGE_SIZE, on_shared_info,
                         1u << SR_VCPU },
    [SR_END] = { 8, 8, NULL, 1u << SR_SHARED_INFO },
};

static int make_room(struct walk *w, uint64_t size)
{
    if (size <= w->room)
        return 0;
    free(w->body);
    w->room = 0;
    w->body = malloc(size);
    if (!w->body)
        return xc_fail(w->in->err, -ENOMEM, "out of memory in this domain");
    w->room = size;
    return 0;
}

/* A record whose head has been read. */
static int read_body(struct walk *w, const struct sr_record *r)
{
    const struct kind *k;
    uint64_t crc = w->crc;
    int rc;

    if (r->type >= SR_NR_TYPES || r->zero)
        return bad(w, "a record of an unknown kind");
    k = &kinds[r->type];
    if (!(k->after >> w->last & 1))
        return bad(w, "a record in the wrong place");
    if (r->size < k->min || r->size > k->max)
        return bad(w, "a record's length cannot be");
    rc = make_room(w, r->size + 8);
    if (rc)
        return rc;
    memset(w->body + r->size, 0, 8);
    rc = in_read(w, w->body, (r->size + 7) & ~7ULL);
    for (size_t i = 0; i < (-r->size & 7) && !rc; i++)
        if (w->body[r->size + i])
            rc = bad(w, "a filling that is not zero");
    if (!rc)
        rc = r->type == SR_END ? on_end(w, r->size, crc)
                               : k->fn(w, r->size);
    w->last = r->type;
    return rc;
}

static int walk_records(struct walk *w)
{
    struct sr_record r;
    int rc;

    do {
        if (w->in->cancel && atomic_load(w->in->cancel))
            return xc_fail(w->in->err, -ECANCELED, "reading %s was cancelled",
                           w->in->path);
        rc = in_read(w, &r, sizeof(r));
        if (!rc)
            rc = read_body(w, &r);
    } while (!rc && r.type != SR_END);
    return rc;
}

int sr_walk(const struct sr_in *in, const struct sr_visitor *v, void *ctx)
{
    struct walk w = { .in = in, .v = v, .ctx = ctx, .last = SR_END };
    int rc;

    w.buf = malloc(BUF_SIZE);
    if (!w.buf)
        return xc_fail(in->err, -ENOMEM, "out of memory in this domain");
    rc = read_head(&w);
    if (!rc)
        rc = walk_records(&w);
    free(w.buf);
    free(w.body);
    free(w.pfn);
    return rc;
}
