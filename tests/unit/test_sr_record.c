/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saved guests' streams: what was written is read back, and anything else is
 * refused: cut short anywhere, with any byte changed, or made by somebody who
 * knows how to compute the checksum.
 */
#define _GNU_SOURCE
#include "xc_sr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A guest of four pages, all of which can be got wrong. */
enum { START_INFO = 3, LIST = 5, ROOT = 6, EMPTY = 9, NR_PAGES = 4 };

struct model {
    struct sr_head head;
    struct sr_domain d;
    uint64_t list[2];
    size_t nr_list;
    uint64_t nr, entries[NR_PAGES];
    uint64_t size;                      /* of the pages' record */
    uint64_t root[512];
    struct sr_vcpu vcpu[2];
    unsigned int nr_vcpus;
    uint8_t xstate[24];
    enum sr_type order[8];
    const char *tail;
};

static void model_init(struct model *m)
{
    static const enum sr_type order[8] = {
        SR_CONFIG, SR_STORE, SR_DOMAIN, SR_P2M, SR_PAGES, SR_VCPU,
        SR_SHARED_INFO, SR_END,
    };

    memset(m, 0, sizeof(*m));
    memcpy(m->head.magic, SR_MAGIC, sizeof(m->head.magic));
    m->head.version = SR_VERSION;
    m->head.abi = SR_ABI_PV64;
    m->d = (struct sr_domain){
        .nr_pfns = 400, .nr_pages = NR_PAGES, .start_info_pfn = START_INFO,
        .p2m_va = 0x8000000000, .p2m_root_pfn = ROOT, .nr_vcpus = 2,
        .nr_contexts = 1, .xfeatures = 7, .xstate_size = sizeof(m->xstate),
    };
    m->list[0] = LIST;
    m->nr_list = 1;
    m->nr = NR_PAGES;
    m->entries[0] = START_INFO;
    m->entries[1] = LIST;
    m->entries[2] = ROOT | 4ULL << SR_LEVEL_SHIFT | SR_PINNED;
    m->entries[3] = EMPTY | SR_ZERO;
    m->size = (NR_PAGES + 1) * 8 + 3 * XC_PAGE_SIZE;
    m->root[0] = (uint64_t)LIST << 12 | 1;
    m->root[1] = 0x123456000;           /* not present: means nothing */
    m->vcpu[0].context.ctrlreg[3] = ROOT;
    m->vcpu[0].context.ctrlreg[1] = SR_NO_PFN;
    m->vcpu[0].context.gdt_ents = 16;
    m->vcpu[0].context.gdt_frames[0] = EMPTY;
    m->vcpu[0].context.user_regs.rdx = START_INFO;
    m->nr_vcpus = 1;
    memcpy(m->order, order, sizeof(order));
    m->tail = "";
}

static void put_pages(struct sr_out *o, const struct model *m)
{
    static uint8_t page[XC_PAGE_SIZE];

    memset(page, 0x5a, sizeof(page));
    sr_out_record(o, SR_PAGES, m->size);
    sr_out_put(o, &m->nr, 8);
    sr_out_put(o, m->entries, sizeof(m->entries));
    sr_out_put(o, page, sizeof(page));
    sr_out_put(o, page, sizeof(page));
    sr_out_put(o, m->root, sizeof(m->root));
}

static void put_record(struct sr_out *o, const struct model *m,
                       enum sr_type type)
{
    static const uint8_t page[XC_PAGE_SIZE];

    switch (type) {
    case SR_CONFIG: sr_out_whole(o, type, "{\"a\":1}", 7); break;
    case SR_STORE: sr_out_whole(o, type, NULL, 0); break;
    case SR_DOMAIN: sr_out_whole(o, type, &m->d, sizeof(m->d)); break;
    case SR_P2M: sr_out_whole(o, type, m->list, m->nr_list * 8); break;
    case SR_PAGES: put_pages(o, m); break;
    case SR_VCPU:
        for (unsigned int i = 0; i < m->nr_vcpus; i++) {
            sr_out_record(o, type, sizeof(m->vcpu[i]) + sizeof(m->xstate));
            sr_out_put(o, &m->vcpu[i], sizeof(m->vcpu[i]));
            sr_out_put(o, m->xstate, sizeof(m->xstate));
        }
        break;
    case SR_SHARED_INFO: sr_out_whole(o, type, page, sizeof(page)); break;
    default: sr_out_end(o); break;
    }
}

/* A file with what the model says, the checksum right. */
static int make_file(const struct model *m)
{
    struct sr_out o = { .fd = memfd_create("sr", 0), .path = "file" };
    struct sr_out head = o;

    assert_true(o.fd >= 0);
    assert_int_equal(sr_out_begin(&head), 0);   /* for its buffer only */
    o.buf = head.buf;
    sr_out_put(&o, &m->head, sizeof(m->head));
    for (size_t i = 0; i < 8; i++)
        put_record(&o, m, m->order[i]);
    sr_out_fini(&o);
    assert_int_equal(write(o.fd, m->tail, strlen(m->tail)),
                     strlen(m->tail));
    return o.fd;
}

static int check(int fd, struct xc_error *err)
{
    static const struct sr_visitor nobody = { NULL };
    const struct sr_in in = { .fd = fd, .path = "file", .err = err };

    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    err->text[0] = '\0';
    return sr_walk(&in, &nobody, NULL);
}

/* One line that names the file. */
static void assert_refused(int rc, const struct xc_error *err, int want)
{
    assert_int_equal(rc, want);
    assert_non_null(strstr(err->text, "file"));
    assert_null(strchr(err->text, '\n'));
}

/* ---- what was written is read ---- */

struct seen {
    struct sr_domain d;
    char config[16];
    uint64_t list, root;
    unsigned int pages, zero, vcpus;
};

static int see_config(void *ctx, const void *p, size_t size)
{
    memcpy(((struct seen *)ctx)->config, p, size);
    return 0;
}

static int see_domain(void *ctx, const struct sr_domain *d)
{
    ((struct seen *)ctx)->d = *d;
    return 0;
}

static int see_p2m(void *ctx, const uint64_t *pfns, size_t nr)
{
    assert_int_equal(nr, 1);
    ((struct seen *)ctx)->list = pfns[0];
    return 0;
}

static int see_pages(void *ctx, const uint64_t *entries, uint8_t *const *pages,
                     size_t nr)
{
    struct seen *s = ctx;

    for (size_t i = 0; i < nr; i++) {
        s->pages++;
        s->zero += !pages[i];
        if (sr_level(entries[i]) == 4)
            memcpy(&s->root, pages[i], sizeof(s->root));
        else if (pages[i])
            assert_int_equal(pages[i][4095], 0x5a);
    }
    return 0;
}

static int see_vcpu(void *ctx, const struct sr_vcpu *v, const void *xstate)
{
    assert_int_equal(v->context.ctrlreg[3], ROOT);
    assert_memory_equal(xstate, "\0\0\0", 4);
    ((struct seen *)ctx)->vcpus++;
    return 0;
}

static void test_read_back(void **state)
{
    static const struct sr_visitor visitor = {
        .config = see_config, .domain = see_domain, .p2m = see_p2m,
        .pages = see_pages, .vcpu = see_vcpu,
    };
    struct xc_error err;
    struct seen s = { .pages = 0 };
    struct model m;
    struct sr_in in = { .path = "file", .err = &err };

    (void)state;
    model_init(&m);
    in.fd = make_file(&m);
    lseek(in.fd, 0, SEEK_SET);
    assert_int_equal(sr_walk(&in, &visitor, &s), 0);
    assert_string_equal(s.config, "{\"a\":1}");
    assert_memory_equal(&s.d, &m.d, sizeof(m.d));
    assert_int_equal(s.list, LIST);
    assert_int_equal(s.root, m.root[0]);
    assert_int_equal(s.pages, NR_PAGES);
    assert_int_equal(s.zero, 1);
    assert_int_equal(s.vcpus, 1);
    close(in.fd);
}

/* ---- damage ---- */

static void test_truncated(void **state)
{
    struct xc_error err;
    struct model m;
    int fd, rc;
    off_t size;

    (void)state;
    model_init(&m);
    fd = make_file(&m);
    size = lseek(fd, 0, SEEK_END);
    for (off_t n = size - 1; n >= 0; n--) {
        assert_int_equal(ftruncate(fd, n), 0);
        rc = check(fd, &err);
        assert_refused(rc, &err, n < (off_t)sizeof(m.head) ? -ENOEXEC
                                                           : -ENODATA);
    }
    close(fd);
}

static void test_flipped(void **state)
{
    struct xc_error err;
    struct model m;
    uint8_t byte, other;
    int fd, rc;
    off_t size;

    (void)state;
    model_init(&m);
    fd = make_file(&m);
    size = lseek(fd, 0, SEEK_END);
    for (off_t n = 0; n < size; n++) {
        assert_int_equal(pread(fd, &byte, 1, n), 1);
        other = byte ^ (uint8_t)(1u << n % 8);
        assert_int_equal(pwrite(fd, &other, 1, n), 1);
        rc = check(fd, &err);
        if (rc != -EBADMSG && rc != -ENOEXEC && rc != -ENODATA)
            fail_msg("byte %lld: %d", (long long)n, rc);
        assert_non_null(strstr(err.text, "file"));
        assert_int_equal(pwrite(fd, &byte, 1, n), 1);
    }
    assert_int_equal(check(fd, &err), 0);
    close(fd);
}

/* ---- malice: the checksum is right ---- */

#define CHANGE(name, statement) \
    static void name(struct model *m) { statement; }

CHANGE(magic, m->head.magic[0] = 'X')
CHANGE(version, m->head.version = SR_VERSION + 1)
CHANGE(abi, m->head.abi = 9)
CHANGE(no_pfns, m->d.nr_pfns = 0)
CHANGE(many_pfns, m->d.nr_pfns = SR_MAX_PFNS + 1)
CHANGE(all_pfns, m->d.nr_pfns = ~0ULL)
CHANGE(more_pages, m->d.nr_pages = NR_PAGES + 1)
CHANGE(fewer_pages, m->d.nr_pages = NR_PAGES - 1)
CHANGE(no_vcpus, m->d.nr_vcpus = 0)
CHANGE(many_vcpus, m->d.nr_vcpus = 1u << 31)
CHANGE(many_contexts, m->d.nr_contexts = 3)
CHANGE(long_xstate, m->d.xstate_size = SR_MAX_XSTATE + 1)
CHANGE(other_xstate, m->d.xstate_size = 16)
CHANGE(far_start_info, m->d.start_info_pfn = 400)
CHANGE(no_start_info, m->d.start_info_pfn = 4)
CHANGE(table_start_info, m->d.start_info_pfn = ROOT)
CHANGE(plain_p2m_root, m->d.p2m_root_pfn = LIST)
CHANGE(long_list, m->nr_list = 2)
CHANGE(far_list, m->list[0] = ~0ULL)
CHANGE(table_list, m->list[0] = ROOT)
CHANGE(far_page, m->entries[0] = 400)
CHANGE(page_twice, m->entries[1] = START_INFO)
CHANGE(strange_page, m->entries[0] |= 1ULL << 63)
CHANGE(level_five, m->entries[2] += 1ULL << SR_LEVEL_SHIFT)
CHANGE(pinned_data, m->entries[0] |= SR_PINNED)
CHANGE(empty_table, m->entries[2] |= SR_ZERO)
CHANGE(zero_pages, m->nr = 0)
CHANGE(many_pages, m->nr = SR_BATCH + 1)
CHANGE(all_pages, m->nr = ~0ULL)
CHANGE(short_pages, m->size -= 8)
CHANGE(long_pages, m->size = ~0ULL)
CHANGE(wrapping_pages, m->size = ~0ULL - 7)
CHANGE(far_entry, m->root[2] = 400ULL << 12 | 1)
CHANGE(highest_entry, m->root[2] = 0x000ffffffffff001ULL)
CHANGE(missing_entry, m->root[2] = 1ULL << 12 | 1)
CHANGE(large_entry, m->root[2] = (uint64_t)LIST << 12 | 0x81)
CHANGE(far_root, m->vcpu[0].context.ctrlreg[3] = 1ULL << 40)
CHANGE(plain_root, m->vcpu[0].context.ctrlreg[3] = LIST)
CHANGE(plain_user_root, m->vcpu[0].context.ctrlreg[1] = LIST)
CHANGE(long_gdt, m->vcpu[0].context.gdt_ents = ~0UL)
CHANGE(far_gdt, m->vcpu[0].context.gdt_frames[0] = 400)
CHANGE(table_gdt, m->vcpu[0].context.gdt_frames[0] = ROOT)
CHANGE(far_vcpu, m->vcpu[0].id = 2)
CHANGE(vcpu_1_only, m->vcpu[0].id = 1)
CHANGE(other_rdx, m->vcpu[0].context.user_regs.rdx = LIST)
CHANGE(vcpu_twice, m->vcpu[1] = m->vcpu[0]; m->nr_vcpus = m->d.nr_contexts = 2)
CHANGE(vcpu_missing, m->d.nr_contexts = 2)
CHANGE(tail, m->tail = "x")
CHANGE(config_last, m->order[0] = SR_STORE; m->order[1] = SR_CONFIG)
CHANGE(pages_early, m->order[3] = SR_PAGES; m->order[4] = SR_P2M)
CHANGE(domain_twice, m->order[3] = SR_DOMAIN)
CHANGE(end_early, m->order[6] = SR_END)

static const struct {
    void (*change)(struct model *m);
    int rc;
} changes[] = {
    { magic, -ENOEXEC }, { version, -ENOEXEC }, { abi, -ENOEXEC },
    { no_pfns, -EBADMSG }, { many_pfns, -EBADMSG }, { all_pfns, -EBADMSG },
    { more_pages, -EBADMSG }, { fewer_pages, -EBADMSG },
    { no_vcpus, -EBADMSG }, { many_vcpus, -EBADMSG },
    { many_contexts, -EBADMSG }, { long_xstate, -EBADMSG },
    { other_xstate, -EBADMSG }, { far_start_info, -EBADMSG },
    { no_start_info, -EBADMSG }, { table_start_info, -EBADMSG },
    { plain_p2m_root, -EBADMSG }, { long_list, -EBADMSG },
    { far_list, -EBADMSG }, { table_list, -EBADMSG },
    { far_page, -EBADMSG }, { page_twice, -EBADMSG },
    { strange_page, -EBADMSG }, { level_five, -EBADMSG },
    { pinned_data, -EBADMSG }, { empty_table, -EBADMSG },
    { zero_pages, -EBADMSG }, { many_pages, -EBADMSG },
    { all_pages, -EBADMSG }, { short_pages, -EBADMSG },
    { long_pages, -EBADMSG }, { wrapping_pages, -EBADMSG },
    { far_entry, -EBADMSG }, { highest_entry, -EBADMSG },
    { missing_entry, -EBADMSG }, { large_entry, -EBADMSG },
    { far_root, -EBADMSG }, { plain_root, -EBADMSG },
    { plain_user_root, -EBADMSG }, { long_gdt, -EBADMSG },
    { far_gdt, -EBADMSG }, { table_gdt, -EBADMSG }, { far_vcpu, -EBADMSG },
    { vcpu_1_only, -EBADMSG }, { other_rdx, -EBADMSG },
    { vcpu_twice, -EBADMSG }, { vcpu_missing, -EBADMSG }, { tail, -EBADMSG },
    { config_last, -EBADMSG }, { pages_early, -EBADMSG },
    { domain_twice, -EBADMSG }, { end_early, -EBADMSG },
};

static void test_hostile(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct xc_error err;
        struct model m;
        int fd, rc;

        model_init(&m);
        changes[i].change(&m);
        fd = make_file(&m);
        rc = check(fd, &err);
        if (rc != changes[i].rc)
            fail_msg("change %zu: %d (%s)", i, rc, err.text);
        assert_refused(rc, &err, changes[i].rc);
        close(fd);
    }
}

/* ---- page tables ---- */

static uint64_t add_1000(const struct sr_map *m, uint64_t frame)
{
    (void)m;
    return frame < 100 ? frame + 1000 : SR_NO_PFN;
}

static void test_tables(void **state)
{
    const struct sr_map m = { add_1000 };
    uint64_t from[512] = { 0 }, to[512];
    unsigned int index = 0;

    (void)state;
    from[0] = 0x8000000000005067;       /* frame 5, NX and flags stay */
    from[1] = 0xabcdef000;              /* not present: as it is */
    from[256] = from[271] = 0x123456789067;
    from[272] = 7 << 12 | 1;
    assert_int_equal(sr_table_convert(4, from, to, &m, &index), 0);
    assert_int_equal(to[0], 0x8000000000000067 | 1005ULL << 12);
    assert_int_equal(to[1], from[1]);
    assert_int_equal(to[256], 0);
    assert_int_equal(to[271], 0);
    assert_int_equal(to[272], 1007ULL << 12 | 1);
    /* Only the top table has entries of the hypervisor. */
    assert_int_equal(sr_table_convert(3, from, to, &m, &index), -EINVAL);
    assert_int_equal(index, 256);
    from[256] = from[271] = 0;
    from[3] = 0x5081;
    assert_int_equal(sr_table_convert(2, from, to, &m, &index), -EINVAL);
    assert_int_equal(index, 3);
    assert_int_equal(sr_table_convert(1, from, to, &m, &index), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
