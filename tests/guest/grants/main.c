/*
 * Grants of a domain to itself: offered, mapped, refused, given back.
 */
#include "guest.h"

static grant_entry_v1_t *table;

static long map(unsigned int ref, void *where, unsigned int flags,
                struct gnttab_map_grant_ref *m)
{
    *m = (struct gnttab_map_grant_ref){
        .host_addr = (unsigned long)where, .flags = flags,
        .ref = ref, .dom = 0,
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

void test_main(void)
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
