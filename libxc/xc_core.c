/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain becomes an ELF file, in the format of Xen's core dumps: sections
 * for vcpus, shared_info, the list of frames, and the frames themselves.
 *
 * The guest is not asked which frames it has, for it may have crashed or lie:
 * every frame of the machine is looked at, those that are the domain's are
 * taken, and the machine-to-physical table names them.  One that the table
 * gives no name is none of the guest's memory, and left out.
 */
#include "private.h"

#include <elf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/elfnote.h>
#include <xen/version.h>

#define CORE_MAGIC      0xf00febedu     /* of a PV domain */
#define FORMAT_VERSION  1u              /* 0.1 */
#define M2P_CHUNK       512u            /* frames that lie side by side */
#define M2P_ENTRIES     (M2P_CHUNK * XC_PAGE_SIZE / sizeof(uint64_t))
#define MAX_PFN         (1ULL << 40)    /* entries above it are no names */
#define BATCH           1024u

/* A row of .xen_p2m; its page is at the same place in .xen_pages. */
struct frame {
    uint64_t pfn, mfn;
};

enum section { S_NONE, S_NAMES, S_NOTES, S_VCPUS, S_SHARED, S_P2M, S_PAGES,
               NR_SECTIONS };

static const char names[] = "\0.shstrtab\0.note.Xen\0.xen_prstatus\0"
    ".xen_shared_info\0.xen_p2m\0.xen_pages";

struct note {
    uint32_t name_size, size, type;
    char name[4];
};

/* The notes, as they stand in the file. */
struct notes {
    struct note none;
    struct note header;
    struct {
        uint64_t magic, nr_vcpus, nr_pages, page_size;
    } h;
    struct note version;
    struct {
        uint64_t major, minor;
        xen_extraversion_t extra;
        struct xen_compile_info compile;
        xen_capabilities_info_t capabilities;
        xen_changeset_info_t changeset;
        struct xen_platform_parameters platform;
        uint64_t page_size;
    } v;
    struct note format;
    uint64_t format_version;
};

_Static_assert(sizeof(struct notes) == 1384, "format");

struct core {
    struct xc *xc;
    const struct xc_core *c;
    struct xc_error *err;
    struct xc_domain_info info;
    uint64_t max_mfn;
    uint64_t *chunk;                    /* first mfns of the table's chunks */
    unsigned int nr_chunks;
    struct frame *frame;
    size_t nr, size;
    struct vcpu_guest_context *context;
    unsigned int nr_vcpus;
    uint8_t shared[XC_PAGE_SIZE];
    uint64_t written;
};

static int fail(struct core *k, int rc, const char *what)
{
    return xc_fail(k->err, rc, "domain %u cannot be dumped: %s: %s",
                   k->c->domid, what, strerror(-rc));
}

static int cancelled(struct core *k)
{
    return k->c->cancel && atomic_load(k->c->cancel) ?
           xc_fail(k->err, -ECANCELED, "the dump was cancelled") : 0;
}

/* ---- which frames it has ---- */

static int ask(struct core *k)
{
    struct xc_physinfo phys;
    int rc = xc_domain_getinfo(k->xc, k->c->domid, &k->info);

    if (!rc)
        rc = xc_physinfo(k->xc, &phys);
    if (rc)
        return fail(k, rc, "the hypervisor does not tell of it");
    k->max_mfn = phys.max_mfn;
    k->size = k->info.pages;
    k->frame = malloc((k->size + 1) * sizeof(*k->frame));
    k->nr_chunks = (unsigned int)(k->max_mfn / M2P_ENTRIES + 1);
    k->chunk = malloc(k->nr_chunks * sizeof(*k->chunk));
    if (!k->frame || !k->chunk)
        return fail(k, -ENOMEM, "this domain");
    rc = xc_m2p_chunks(k->xc, k->nr_chunks, k->chunk);
    return rc ? fail(k, rc, "where frames are named is not told") : 0;
}

static int by_pfn(const void *a, const void *b)
{
    const struct frame *x = a, *y = b;

    return (x->pfn > y->pfn) - (x->pfn < y->pfn);
}

/* Frames from mfn on, as many as in names. */
static int take_frames(struct core *k, uint64_t mfn, const uint64_t *pfns,
                       size_t nr)
{
    uint64_t infos[XC_MAX_FRAME_INFOS];
    int rc;

    for (size_t i = 0; i < nr; i++)
        infos[i] = mfn + i;
    rc = xc_frame_infos(k->xc, k->c->domid, infos, nr);
    if (rc)
        return fail(k, rc, "the hypervisor does not tell of its frames");
    for (size_t i = 0; i < nr && k->nr < k->size; i++)
        if ((infos[i] & XEN_DOMCTL_PFINFO_LTAB_MASK) <
            XEN_DOMCTL_PFINFO_BROKEN && pfns[i] < MAX_PFN)
            k->frame[k->nr++] = (struct frame){ pfns[i], mfn + i };
    return 0;
}

static int take_chunk(struct core *k, unsigned int chunk)
{
    uint64_t mfns[M2P_CHUNK], first = (uint64_t)chunk * M2P_ENTRIES, n;
    uint64_t end = first + M2P_ENTRIES;
    void *map;
    int rc;

    for (unsigned int i = 0; i < M2P_CHUNK; i++)
        mfns[i] = k->chunk[chunk] + i;
    rc = xc_foreign_map(k->xc, DOMID_XEN, PROT_READ, mfns, M2P_CHUNK, &map);
    if (rc)
        return fail(k, rc, "the names of frames cannot be read");
    if (end > k->max_mfn + 1)
        end = k->max_mfn + 1;
    for (uint64_t mfn = first; mfn < end && k->nr < k->size && !rc; mfn += n) {
        n = end - mfn < XC_MAX_FRAME_INFOS ? end - mfn : XC_MAX_FRAME_INFOS;
        rc = cancelled(k);
        if (!rc)
            rc = take_frames(k, mfn, (uint64_t *)map + (mfn - first), n);
    }
    xc_foreign_unmap(k->xc, map, M2P_CHUNK);
    return rc;
}

static int find_frames(struct core *k)
{
    int rc = 0;

    for (unsigned int i = 0; i < k->nr_chunks && !rc; i++)
        rc = take_chunk(k, i);
    if (!rc)
        qsort(k->frame, k->nr, sizeof(*k->frame), by_pfn);
    return rc;
}

/* ---- its state ---- */

static int read_state(struct core *k)
{
    void *map;
    int rc;

    k->context = calloc(k->info.max_vcpu_id + 1, sizeof(*k->context));
    if (!k->context)
        return fail(k, -ENOMEM, "this domain");
    for (unsigned int id = 0; id <= k->info.max_vcpu_id; id++) {
        rc = xc_context_get(k->xc, k->c->domid, id, &k->context[k->nr_vcpus]);
        if (rc && rc != -ENODATA && rc != -ESRCH)
            return fail(k, rc, "a vcpu's state cannot be read");
        k->nr_vcpus += !rc;
    }
    rc = xc_foreign_map(k->xc, k->c->domid, PROT_READ,
                        &k->info.shared_info_mfn, 1, &map);
    if (rc)
        return fail(k, rc, "its shared_info cannot be read");
    memcpy(k->shared, map, sizeof(k->shared));
    xc_foreign_unmap(k->xc, map, 1);
    return 0;
}

/* ---- the file ---- */

static int put(struct core *k, const void *p, size_t size)
{
    const char *at = p;

    k->written += size;
    while (size) {
        ssize_t n = write(k->c->fd, at, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return xc_fail(k->err, -errno, "%s cannot be written: %s",
                           k->c->path, strerror(errno));
        at += n;
        size -= n;
    }
    return 0;
}

static struct note note(uint32_t type, size_t size)
{
    return (struct note){ 4, (uint32_t)size, type, "Xen" };
}

static int make_notes(struct core *k, struct notes *n)
{
    struct xc_version v;
    int rc = xc_version(k->xc, &v);

    if (rc)
        return fail(k, rc, "the hypervisor does not tell its version");
    memset(n, 0, sizeof(*n));
    n->none = note(XEN_ELFNOTE_DUMPCORE_NONE, 0);
    n->header = note(XEN_ELFNOTE_DUMPCORE_HEADER, sizeof(n->h));
    n->h.magic = CORE_MAGIC;
    n->h.nr_vcpus = k->nr_vcpus;
    n->h.nr_pages = k->nr;
    n->h.page_size = XC_PAGE_SIZE;
    n->version = note(XEN_ELFNOTE_DUMPCORE_XEN_VERSION, sizeof(n->v));
    n->v.major = v.major;
    n->v.minor = v.minor;
    memcpy(n->v.extra, v.extra, sizeof(n->v.extra));
    memcpy(n->v.compile.compiler, v.compiler, sizeof(v.compiler));
    memcpy(n->v.compile.compile_by, v.compile_by, sizeof(v.compile_by));
    memcpy(n->v.compile.compile_domain, v.compile_domain,
           sizeof(v.compile_domain));
    memcpy(n->v.compile.compile_date, v.compile_date, sizeof(v.compile_date));
    memcpy(n->v.capabilities, v.capabilities, sizeof(v.capabilities));
    memcpy(n->v.changeset, v.changeset, sizeof(v.changeset));
    n->v.platform.virt_start = v.virt_start;
    n->v.page_size = v.pagesize;
    n->format = note(XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION,
                     sizeof(n->format_version));
    n->format_version = FORMAT_VERSION;
    return 0;
}

/* One section after the other, each where the last one ends. */
static void lay_out(const struct core *k, Elf64_Shdr *s)
{
    const Elf64_Shdr form[NR_SECTIONS] = {
        [S_NAMES]  = { .sh_type = SHT_STRTAB, .sh_size = sizeof(names),
                       .sh_addralign = 1 },
        [S_NOTES]  = { .sh_type = SHT_NOTE, .sh_size = sizeof(struct notes),
                       .sh_addralign = 4 },
        [S_VCPUS]  = { .sh_size = k->nr_vcpus * sizeof(*k->context),
                       .sh_entsize = sizeof(*k->context), .sh_addralign = 8 },
        [S_SHARED] = { .sh_size = XC_PAGE_SIZE, .sh_entsize = XC_PAGE_SIZE,
                       .sh_addralign = 8 },
        [S_P2M]    = { .sh_size = k->nr * sizeof(*k->frame),
                       .sh_entsize = sizeof(*k->frame), .sh_addralign = 8 },
        [S_PAGES]  = { .sh_size = k->nr * XC_PAGE_SIZE,
                       .sh_entsize = XC_PAGE_SIZE,
                       .sh_addralign = XC_PAGE_SIZE },
    };
    uint64_t at = sizeof(Elf64_Ehdr) + sizeof(form);
    const char *name = names;

    memcpy(s, form, sizeof(form));
    for (int i = S_NAMES; i < NR_SECTIONS; i++) {
        at = (at + s[i].sh_addralign - 1) & -s[i].sh_addralign;
        s[i].sh_offset = at;
        at += s[i].sh_size;
        name += strlen(name) + 1;
        s[i].sh_name = (Elf64_Word)(name - names);
        if (i >= S_VCPUS)
            s[i].sh_type = SHT_PROGBITS;
    }
}

/* A section's bytes, after the filling up to its place. */
static int put_section(struct core *k, const Elf64_Shdr *s, const void *p)
{
    static const uint8_t zeros[XC_PAGE_SIZE];
    int rc = put(k, zeros, s->sh_offset - k->written);

    return rc ? rc : put(k, p, s->sh_size);
}

static int put_pages(struct core *k)
{
    uint64_t mfns[BATCH];
    int rc = 0;

    for (size_t done = 0, n; done < k->nr && !rc; done += n) {
        void *map;

        n = k->nr - done < BATCH ? k->nr - done : BATCH;
        for (size_t i = 0; i < n; i++)
            mfns[i] = k->frame[done + i].mfn;
        rc = cancelled(k);
        if (rc)
            break;
        rc = xc_foreign_map(k->xc, k->c->domid, PROT_READ, mfns, n, &map);
        if (rc)
            return fail(k, rc, "its memory cannot be mapped");
        rc = put(k, map, n * XC_PAGE_SIZE);
        xc_foreign_unmap(k->xc, map, n);
        if (k->c->percent)
            atomic_store(k->c->percent,
                         (unsigned int)((done + n) * 100 / k->nr));
    }
    return rc;
}

static int put_file(struct core *k)
{
    Elf64_Shdr s[NR_SECTIONS];
    const Elf64_Ehdr head = {
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
                     ELFDATA2LSB, EV_CURRENT, ELFOSABI_SYSV },
        .e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
        .e_shoff = sizeof(head), .e_ehsize = sizeof(head),
        .e_shentsize = sizeof(*s), .e_shnum = NR_SECTIONS,
        .e_shstrndx = S_NAMES,
    };
    struct notes notes;
    int rc = make_notes(k, &notes);
    const void *parts[NR_SECTIONS] = {
        [S_NAMES] = names, [S_NOTES] = &notes, [S_VCPUS] = k->context,
        [S_SHARED] = k->shared, [S_P2M] = k->frame,
    };

    lay_out(k, s);
    if (!rc)
        rc = put(k, &head, sizeof(head));
    if (!rc)
        rc = put(k, s, sizeof(s));
    for (int i = S_NAMES; i < S_PAGES && !rc; i++)
        rc = put_section(k, &s[i], parts[i]);
    s[S_PAGES].sh_size = 0;             /* only its place: pages come now */
    return rc ? rc : put_section(k, &s[S_PAGES], NULL);
}

int xc_core_dump(struct xc *xc, const struct xc_core *c, struct xc_error *err)
{
    static int (*const steps[])(struct core *) = {
        ask, find_frames, read_state, put_file, put_pages,
    };
    struct core k = { .xc = xc, .c = c, .err = err };
    int rc = 0;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !rc; i++)
        rc = steps[i](&k);
    free(k.chunk);
    free(k.frame);
    free(k.context);
    return rc;
}
