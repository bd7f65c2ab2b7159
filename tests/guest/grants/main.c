/*
 * Grants of a domain to itself: offered, mapped, refused, given back.  Grants
 * of another domain, which dies while its frame is mapped.
 */
#include "guest.h"
#include <xen/sysctl.h>

static grant_entry_v1_t *table;
static domid_t granter;                  /* whose entries map() means */

static long map(unsigned int ref, void *where, unsigned int flags,
                struct gnttab_map_grant_ref *m)
{
    *m = (struct gnttab_map_grant_ref){
        .host_addr = (unsigned long)where, .flags = flags,
        .ref = ref, .dom = granter,
    };
    return HC(grant_table_op, (unsigned long)GNTTABOP_map_grant_ref, m, 1UL);
}

static long unmap(void *where, unsigned int handle, int *status)
{
    struct gnttab_unmap_grant_ref u = {
        .host_addr = (unsigned long)where, .handle = handle,
    };
    long rc = HC(grant_table_op, (unsigned long)GNTTABOP_unmap_grant_ref, &u,
                 1UL);

    *status = u.status;
    return rc;
}

static void test_own(void)
{
    uint64_t *data = page_alloc(), *window = page_alloc();
    unsigned long frame, own = virt_to_mfn(window);
    struct gnttab_setup_table s = { .dom = DOMID_SELF, .nr_frames = 1 };
    struct gnttab_query_size q = { .dom = DOMID_SELF };
    struct gnttab_map_grant_ref m;
    struct gnttab_copy c = { 0 };
    int status;

    table = page_alloc();
    set_xen_guest_handle(s.frame_list, &frame);
    check_eq(HC(grant_table_op, (unsigned long)GNTTABOP_query_size, &q, 1UL),
             0, "query the size");
    check(q.status == GNTST_okay && q.max_nr_frames >= 4, "frames: %u",
          q.max_nr_frames);
    check_eq(HC(grant_table_op, (unsigned long)GNTTABOP_setup_table, &s, 1UL),
             0, "set the table up");
    check_eq(s.status, GNTST_okay, "its status");
    check_eq(HC(update_va_mapping, table, PTE(frame, KERNEL),
                (unsigned long)UVMF_INVLPG), 0, "map its frame");

    data[0] = 0x1234;
    table[10].domid = 0;
    table[10].frame = virt_to_mfn(data);
    table[10].flags = GTF_permit_access;
    table[11] = table[10];
    table[11].flags = GTF_permit_access | GTF_readonly;
    table[12] = table[10];
    table[12].domid = 5;
    table[13] = table[10];
    table[13].frame = 0x200;             /* not ours */

    HC(update_va_mapping, window, 0UL, (unsigned long)UVMF_INVLPG);
    check_eq(map(10, window, GNTMAP_host_map, &m), 0, "map a grant");
    check_eq(m.status, GNTST_okay, "its status");
    check_eq(window[0], 0x1234, "the data are there");
    window[1] = 77;
    check_eq(data[1], 77, "and can be written");
    check(table[10].flags & GTF_reading, "the entry says so");
    check(table[10].flags & GTF_writing, "both ways");
    check_eq(unmap(window, m.handle, &status), 0, "unmap it");
    check_eq(status, GNTST_okay, "its status");
    check_eq(table[10].flags, GTF_permit_access, "the entry is free");
    unmap(window, m.handle, &status);
    check(status != GNTST_okay, "not twice");

    map(11, window, GNTMAP_host_map, &m);
    check(m.status != GNTST_okay, "a read-only grant for writing is refused");
    map(11, window, GNTMAP_host_map | GNTMAP_readonly, &m);
    check_eq(m.status, GNTST_okay, "for reading it is not");
    unmap(window, m.handle, &status);
    map(12, window, GNTMAP_host_map, &m);
    check(m.status != GNTST_okay, "a grant to another is refused");
    map(13, window, GNTMAP_host_map, &m);
    check(m.status != GNTST_okay, "a frame that the granter does not own");
    map(14, window, GNTMAP_host_map, &m);
    check(m.status != GNTST_okay, "an empty entry");
    map(4000000000U, window, GNTMAP_host_map, &m);
    check(m.status != GNTST_okay, "an entry that there is not");
    map(10, (void *)0xffff830000000000, GNTMAP_host_map, &m);
    check(m.status != GNTST_okay, "a mapping in the hypervisor");
    check_eq(table[10].flags, GTF_permit_access, "leaves the entry free");

    c.source.u.ref = 10;
    c.source.domid = 0;
    c.dest.u.gmfn = own;
    c.dest.domid = DOMID_SELF;
    c.len = 16;
    c.flags = GNTCOPY_source_gref;
    check_eq(HC(grant_table_op, (unsigned long)GNTTABOP_copy, &c, 1UL), 0,
             "copy from a grant");
    check_eq(c.status, GNTST_okay, "its status");
    HC(update_va_mapping, window, PTE(own, KERNEL),
       (unsigned long)UVMF_INVLPG);
    check_eq(window[0], 0x1234, "arrives");
    c.len = 4096;
    c.source.offset = 8;
    HC(grant_table_op, (unsigned long)GNTTABOP_copy, &c, 1UL);
    check(c.status != GNTST_okay, "a copy across a page's end is refused");
    check_eq(HC(grant_table_op, 999UL, &c, 1UL), -XEN_ENOSYS,
             "no such operation");
    check_eq(HC(grant_table_op, (unsigned long)GNTTABOP_copy, 0x1000UL, 1UL),
             -XEN_EFAULT, "arguments nowhere");
}

static int swap(unsigned int a, unsigned int b)
{
    struct gnttab_swap_grant_ref w = { .ref_a = a, .ref_b = b };

    HC(grant_table_op, (unsigned long)GNTTABOP_swap_grant_ref, &w, 1UL);
    return w.status;
}

static void test_swap(void)
{
    void *window = page_alloc();
    struct gnttab_map_grant_ref m;
    int status;

    check_eq(swap(10, 12), GNTST_okay, "swap two entries");
    check(table[10].domid == 5 && table[12].domid == 0, "both have moved");
    HC(update_va_mapping, window, 0UL, (unsigned long)UVMF_INVLPG);
    map(12, window, GNTMAP_host_map, &m);
    check_eq(m.status, GNTST_okay, "map one by its new number");
    check_eq(swap(12, 10), GNTST_eagain, "one that is mapped stays");
    check_eq(swap(10, 12), GNTST_eagain, "on either side");
    check_eq(swap(12, 12), GNTST_okay, "with itself it may");
    check_eq(swap(12, 4000000000U), GNTST_bad_gntref, "no such entry");
    unmap(window, m.handle, &status);
    check_eq(swap(12, 10), GNTST_okay, "back");
    check_eq(HC(grant_table_op, (unsigned long)GNTTABOP_transfer, &m, 1UL),
             -XEN_EOPNOTSUPP, "no frame is transferred");
}

static long flush(unsigned long maddr, unsigned int offset,
                  unsigned int length, uint32_t what)
{
    struct gnttab_cache_flush f = { .a.dev_bus_addr = maddr, .offset = offset,
                                    .length = length, .op = what };

    return HC(grant_table_op, (unsigned long)GNTTABOP_cache_flush, &f, 1UL);
}

#define CLEAN GNTTAB_CACHE_CLEAN
#define INVAL GNTTAB_CACHE_INVAL

static void test_cache_flush(void)
{
    unsigned long maddr = virt_to_mfn(table - 1) << 12;

    check_eq(flush(maddr, 0, 4096, CLEAN), 0, "write a page back");
    check_eq(flush(maddr, 4095, 1, CLEAN | INVAL), 0, "its last byte");
    check_eq(flush(maddr, 0, 0, CLEAN), 0, "nothing of it");
    check_eq(flush(maddr, 0, 8, 0), 0, "or in no way");
    check_eq(flush(maddr, 0, 8, INVAL), -XEN_EOPNOTSUPP,
             "what is in a cache is not thrown away");
    check_eq(flush(maddr, 4096, 0, CLEAN), -XEN_EINVAL, "beyond the page");
    check_eq(flush(maddr, 1, 4096, CLEAN), -XEN_EINVAL, "across its end");
    check_eq(flush(maddr, 0, 65535, CLEAN), -XEN_EINVAL, "far across");
    check_eq(flush(maddr, 0, 8, GNTTAB_CACHE_SOURCE_GREF | CLEAN),
             -XEN_EINVAL, "by reference");
    check_eq(flush(~0UL, 0, 8, CLEAN), -XEN_EINVAL, "no RAM");
    check_eq(flush(0x200UL << 12, 0, 8, CLEAN), -XEN_EPERM, "nobody's frame");
}

static unsigned long free_pages(void)
{
    struct xen_sysctl op = {
        .cmd = XEN_SYSCTL_physinfo,
        .interface_version = XEN_SYSCTL_INTERFACE_VERSION,
    };

    check_eq(HC(sysctl, &op), 0, "how much is free");
    return op.u.physinfo.free_pages;
}

/* Offer dom0 the frame in an entry of another domain's table. */
static void offer(domid_t id, unsigned int ref, unsigned long mfn)
{
    grant_entry_v1_t *theirs = page_alloc();
    uint64_t *pte = pt_entry((unsigned long)theirs, 1);
    struct gnttab_setup_table s = { .dom = id, .nr_frames = 1 };
    struct mmu_update u;
    unsigned long frame;

    set_xen_guest_handle(s.frame_list, &frame);
    HC(grant_table_op, (unsigned long)GNTTABOP_setup_table, &s, 1UL);
    check_eq(s.status, GNTST_okay, "its table");
    u.ptr = (virt_to_mfn(pte) << 12) | ((unsigned long)pte & 0xfff);
    u.val = PTE(frame, KERNEL);
    HC(update_va_mapping, theirs, 0UL, (unsigned long)UVMF_INVLPG);
    check_eq(HC(mmu_update, &u, 1UL, 0UL, (unsigned long)id), 0, "map it");
    theirs[ref].frame = mfn;
    theirs[ref].flags = GTF_permit_access;
    HC(update_va_mapping, theirs, 0UL, (unsigned long)UVMF_INVLPG);
}

static void test_death(void)
{
    volatile uint64_t *window = page_alloc(), *other = page_alloc();
    struct xen_domctl info = { 0 }, op = { 0 };
    struct gnttab_map_grant_ref m, again;
    unsigned long before = free_pages(), maddr;
    int status;

    maddr = make_domain(&granter);
    op.domain = info.domain = granter;
    offer(granter, 9, maddr >> 12);
    check_eq(flush(maddr, 0, 8, CLEAN), -XEN_EINVAL,
             "its frame is not ours to flush");
    HC(update_va_mapping, window, 0UL, (unsigned long)UVMF_INVLPG);
    HC(update_va_mapping, other, 0UL, (unsigned long)UVMF_INVLPG);
    map(9, (void *)window, GNTMAP_host_map, &m);
    check_eq(m.status, GNTST_okay, "map its frame");
    check_eq(flush(maddr, 0, 8, CLEAN), 0, "then it is");
    window[3] = 0x77;
    check_eq(domctl(&op, XEN_DOMCTL_destroydomain), 0, "it dies");
    check_eq(domctl(&info, XEN_DOMCTL_getdomaininfo), 0, "and is not gone");
    check(info.domain == granter &&
          (info.u.getdomaininfo.flags & XEN_DOMINF_dying), "but dying");
    check_eq(info.u.getdomaininfo.tot_pages, 1, "it has that frame still");
    check_eq(window[3], 0x77, "what is in it stays");
    window[3] = 0x78;
    check_eq(window[3], 0x78, "and can be written");
    map(9, (void *)other, GNTMAP_host_map, &again);
    check(again.status != GNTST_okay, "nobody maps it anew");
    check(free_pages() < before, "the frame is not free");
    unmap((void *)window, m.handle, &status);
    check_eq(status, GNTST_okay, "the last mapping goes");
    info.domain = granter;
    check_eq(domctl(&info, XEN_DOMCTL_getdomaininfo), -XEN_ESRCH,
             "and the domain with it");
    check_eq(free_pages(), before, "all that it had is free");
}

/* A domain has the frames that it was allowed, and no more. */
static void test_limits(void)
{
    struct xen_domctl op = {
        .u.createdomain = { .max_vcpus = 1, .max_evtchn_port = 1023,
                            .max_grant_frames = 1025,
                            .max_maptrack_frames = 1, .grant_opts = 1 },
    };
    unsigned long frames[3] = { 0 };
    struct gnttab_setup_table s = { .nr_frames = 3 };
    struct gnttab_query_size q = { 0 };

    check_eq(domctl(&op, XEN_DOMCTL_createdomain), -XEN_EINVAL,
             "more frames than there are for anybody");
    op.u.createdomain.max_grant_frames = 2;
    check_eq(domctl(&op, XEN_DOMCTL_createdomain), 0, "two frames");
    s.dom = q.dom = op.domain;
    set_xen_guest_handle(s.frame_list, frames);
    HC(grant_table_op, (unsigned long)GNTTABOP_setup_table, &s, 1UL);
    check(s.status != GNTST_okay, "a third one");
    s.nr_frames = 2;
    HC(grant_table_op, (unsigned long)GNTTABOP_setup_table, &s, 1UL);
    check_eq(s.status, GNTST_okay, "the two");
    check(frames[0] && frames[1] && frames[0] != frames[1] && !frames[2],
          "are %lx, %lx", frames[0], frames[1]);
    HC(grant_table_op, (unsigned long)GNTTABOP_query_size, &q, 1UL);
    check(q.nr_frames == 2 && q.max_nr_frames == 2, "has %u of %u",
          q.nr_frames, q.max_nr_frames);
    check_eq(domctl(&op, XEN_DOMCTL_destroydomain), 0, "it goes");
}

void test_main(void)
{
    test_limits();
    test_own();
    test_swap();
    test_cache_flush();
    test_death();
}
