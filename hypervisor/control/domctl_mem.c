/*
 * domctl: memory of a domain.
 */
#include "control/private.h"
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "mm/frame_table.h"
#include "mm/guest_copy.h"
#include "mm/page_type.h"

#define MAX_FRAME_INFOS 1024
#define STUB_SIZE       32           /* of a hypercall page's entries */

long domctl_max_mem(struct domain *d, struct xen_domctl *op)
{
    unsigned long frames = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);

    spin_lock(&d->mm.page_lock);
    d->mm.max_frames = MIN(frames, ~0U);
    spin_unlock(&d->mm.page_lock);
    return 0;
}

/* XEN_DOMCTL_PFINFO_* of a frame. */
static uint64_t frame_info(struct domain *d, gfn_t gfn)
{
    static const uint32_t types[] = {
        [PGT_L1] = XEN_DOMCTL_PFINFO_L1TAB, [PGT_L2] = XEN_DOMCTL_PFINFO_L2TAB,
        [PGT_L3] = XEN_DOMCTL_PFINFO_L3TAB, [PGT_L4] = XEN_DOMCTL_PFINFO_L4TAB,
    };
    struct page_info *pg;
    uint64_t type, info = 0;

    pg = page_get_mfn(guest_ops->gfn_to_mfn(d, gfn), d);
    if (!pg)
        return XEN_DOMCTL_PFINFO_XTAB;
    type = READ_ONCE(pg->type);
    if (READ_ONCE(pg->count) & PGC_SHARED)
        info = XEN_DOMCTL_PFINFO_XTAB;
    else if ((type & PGT_USES) && pgt_is_table(pgt_of(type)))
        info = types[pgt_of(type)] |
               (type & PGT_PINNED ? XEN_DOMCTL_PFINFO_LPINTAB : 0);
    page_put(pg);
    return info;
}

long domctl_getpageframeinfo3(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_getpageframeinfo3 *p = &op->u.getpageframeinfo3;
    xen_pfn_t gfn;

    if (p->num > MAX_FRAME_INFOS)
        return -E2BIG;
    while (p->num) {
        if (copy_from_guest(&gfn, p->array.p, sizeof(gfn)))
            return -EFAULT;
        gfn = frame_info(d, gfn);
        if (copy_to_guest(p->array.p, &gfn, sizeof(gfn)))
            return -EFAULT;
        p->array.p++;
        p->num--;
        if (p->num % 32 == 0 && p->num && hypercall_should_yield())
            return -ERESTART;
    }
    return 0;
}

/* Stubs that a kernel calls: number to %eax, SYSCALL. */
static void hypercall_page_fill(uint8_t *page)
{
    static const uint8_t call[] = {
        0x51, 0x41, 0x53,            /* push %rcx; push %r11 */
        0xb8, 0, 0, 0, 0,            /* mov $number, %eax */
        0x0f, 0x05,                  /* syscall */
        0x41, 0x5b, 0x59, 0xc3,      /* pop %r11; pop %rcx; ret */
    };
    static const uint8_t iret[] = {
        0x51, 0x41, 0x53, 0x50,      /* push %rcx; push %r11; push %rax */
        0xb8, __HYPERVISOR_iret, 0, 0, 0,
        0x0f, 0x05,
    };

    __builtin_memset(page, 0xcc, PAGE_SIZE);
    for (unsigned int i = 0; i < PAGE_SIZE / STUB_SIZE; i++) {
        __builtin_memcpy(page + i * STUB_SIZE, call, sizeof(call));
        page[i * STUB_SIZE + 4] = i;
    }
    __builtin_memcpy(page + __HYPERVISOR_iret * STUB_SIZE, iret, sizeof(iret));
}

long domctl_hypercall_init(struct domain *d, struct xen_domctl *op)
{
    struct page_info *pg;

    if (page_get_typed(guest_ops->gfn_to_mfn(d, op->u.hypercall_init.gmfn),
                       PGT_WRITABLE, d, &pg))
        return -EACCES;
    hypercall_page_fill(page_to_virt(pg));
    page_put_typed(pg);
    return 0;
}
