/*
 * Build the first domain: the state that a PV kernel expects at its first
 * instruction (<xen/xen.h>, <xen/arch-x86/xen-x86_64.h>, struct start_info).
 */
#include "boot/dom0_pt.h"
#include "boot/private.h"
#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "drivers/console.h"
#include "lib/cmdline.h"
#include "lib/elf.h"
#include "lib/env.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/page_type.h"
#include "x86/percpu.h"

#define MAX_BLOCKS   128
#define MIB_FRAMES   (1UL << (20 - PAGE_SHIFT))
#define MAX_RESERVE  (128 * MIB_FRAMES)  /* for the hypervisor, at most */

/* dom0's memory, in blocks as the allocator had them. */
struct block {
    unsigned long pfn, nr;
    mfn_t mfn;
};

struct builder {
    struct domain *d;
    struct elf_kernel kernel;
    struct dom0_layout l;
    unsigned long nr_frames;         /* in the blocks */
    unsigned int nr_blocks;
    struct block block[MAX_BLOCKS];
};
static struct builder the_builder;

static __init size_t module_size(const struct boot_module *m)
{
    return m->end - m->start;
}

static __init mfn_t pfn_to_mfn(unsigned long pfn)
{
    const struct builder *b = &the_builder;

    for (unsigned int i = 0; i < b->nr_blocks; i++)
        if (pfn - b->block[i].pfn < b->block[i].nr)
            return b->block[i].mfn + (pfn - b->block[i].pfn);
    BUG();
}

static __init void *pfn_virt(unsigned long pfn)
{
    return mfn_to_virt(pfn_to_mfn(pfn));
}

/* Copy to pseudo-physical memory, or clear it where src is NULL. */
static __init void put(paddr_t at, const void *src, size_t n)
{
    while (n) {
        size_t chunk = MIN(n, PAGE_SIZE - (at & ~PAGE_MASK));
        char *dst = pfn_virt(PFN_DOWN(at));

        if (src) {
            memcpy(dst + (at & ~PAGE_MASK), src, chunk);
            src = (const char *)src + chunk;
        } else {
            memset(dst + (at & ~PAGE_MASK), 0, chunk);
        }
        at += chunk;
        n -= chunk;
    }
}

/* dom0_mem: a size, "min:SIZE", "max:SIZE", with commas; in frames. */
static __init void parse_mem(struct builder *b, const char *opt)
{
    unsigned long free = frames_free_count();
    unsigned long nr = free - MIN(free / 16, MAX_RESERVE), min = 0, max = ~0U;
    uint64_t bytes;

    while (*opt) {
        unsigned long *to = !strncmp(opt, "min:", 4) ? &min :
                            !strncmp(opt, "max:", 4) ? &max : &nr;

        if (!parse_size(to == &nr ? opt : opt + 4, &opt, &bytes)) {
            printk(LOG_WARN, "dom0_mem: not understood from \"%s\"\n", opt);
            break;
        }
        *to = bytes >> PAGE_SHIFT;
        opt += *opt == ',';
    }
    b->l.nr_pages = MIN(MAX(nr, min), max);
    b->d->mm.max_frames = max;
}

/* Blocks, the largest first, until dom0 has nr frames. */
static __init void alloc_memory(struct builder *b, unsigned long nr)
{
    unsigned int order = MAX_ORDER;
    struct page_info *pg;

    while (b->nr_frames < nr) {
        pg = (nr - b->nr_frames) >> order
             ? domain_frames_alloc(b->d, order, 0) : NULL;
        if (!pg) {
            if (!order--)
                panic("dom0_mem: there is no more memory than %lu MiB.",
                      b->nr_frames / MIB_FRAMES);
            continue;
        }
        if (b->nr_blocks == MAX_BLOCKS)
            panic("Free memory is in too many pieces for dom0.");
        b->block[b->nr_blocks++] = (struct block){ b->nr_frames, 1UL << order,
                                                   page_to_mfn(pg) };
        b->nr_frames += 1UL << order;
    }
}

/* The kernel module as an ELF file in memory; what to free afterwards. */
static __init void *open_kernel(struct builder *b, const struct boot_module *m)
{
    const void *data = maddr_to_virt(m->start);
    size_t size = module_size(m);
    const char *why;
    void *unpacked;

    if (!size)
        panic("No module for dom0's kernel: the boot loader must load one");
    unpacked = bzimage_unpack(data, size, &size, &why);
    if (!why)
        why = elf_parse(unpacked ? unpacked : data, size, &b->kernel);
    if (why)
        panic("dom0's kernel %s.", why);
    if (!b->kernel.has_notes)
        panic("dom0's kernel is not made for PV: it has no Xen notes.");
    if (!b->kernel.dom0)
        panic("dom0's kernel is made for guests only.");
    return unpacked;
}

static __init void layout(struct builder *b, size_t initrd_size)
{
    const struct elf_kernel *k = &b->kernel;
    struct dom0_layout *l = &b->l;
    int rc;

    l->virt_base = k->virt_base;
    l->p2m_base = k->init_p2m;
    l->p2m_mapped = k->init_p2m == ~0ULL;
    l->nr_initrd = PFN_UP(initrd_size);
    l->initrd_mapped = !k->mod_start_pfn;
    rc = k->start < k->paddr_offset ||
         PFN_DOWN(k->end - k->paddr_offset) >= l->nr_pages
         ? -ENOMEM : dom0_layout(l, PFN_UP(k->end - k->paddr_offset));
    if (rc == -ENOMEM)
        panic("dom0_mem is too small for dom0's kernel and ramdisk.");
    if (rc)
        panic("dom0's kernel asks for an address space we cannot give.");
}

static __init void load(struct builder *b, const struct boot_module *initrd)
{
    paddr_t base = b->kernel.paddr_offset;

    for (unsigned int i = 0; i < b->kernel.nr_segments; i++) {
        const struct elf_segment *s = &b->kernel.segment[i];

        put(s->paddr - base, s->data, s->file_size);
        put(s->paddr - base + s->file_size, NULL, s->mem_size - s->file_size);
    }
    put(b->l.initrd << PAGE_SHIFT, maddr_to_virt(initrd->start),
        module_size(initrd));
}

static __init void fill_p2m(struct builder *b)
{
    unsigned long pfn = 0, list = PFN_UP(b->l.nr_pages * 8);
    unsigned long *slot = NULL;

    put((b->l.p2m + list) << PAGE_SHIFT, NULL,
        (b->l.nr_p2m - list) << PAGE_SHIFT);
    for (unsigned int i = 0; i < b->nr_blocks; i++)
        for (unsigned long n = 0; n < b->block[i].nr; n++, pfn++) {
            if (pfn % (PAGE_SIZE / 8) == 0)
                slot = pfn_virt(b->l.p2m + pfn / (PAGE_SIZE / 8));
            *slot++ = b->block[i].mfn + n;
            m2p_set(b->block[i].mfn + n, pfn);
        }
}

static __init unsigned long va_of(const struct builder *b, unsigned long pfn)
{
    return b->l.virt_base + (pfn << PAGE_SHIFT);
}

/* A PV kernel looks for ACPI's root where a BIOS has it, and nowhere else. */
static __init void fill_cmdline(char *dst, size_t size,
                                const struct boot_info *bi)
{
    size_t n = strlcpy(dst, bi->kernel.cmdline, size);

    if (bi->efi_rsdp && !cmdline_has(dst, "acpi_rsdp"))
        n += snprintf(dst + n, size - n, " acpi_rsdp=%#lx", bi->efi_rsdp);
    if (n >= size)
        panic("dom0's command line has no room for acpi_rsdp=%#lx.",
              bi->efi_rsdp);
}

static __init void fill_framebuffer(struct dom0_vga_console_info *vga,
                                    const struct boot_info *bi)
{
    const struct boot_framebuffer *fb = &bi->fb;
    unsigned int used = 0;

    printk(LOG_INFO, "Frame buffer: %ux%u, %u bits, at %#lx\n", fb->width,
           fb->height, fb->bpp, fb->maddr);
    for (unsigned int i = 0; i < sizeof(fb->colour); i += 2)
        used = MAX(used, (unsigned int)fb->colour[i] + fb->colour[i + 1]);
    vga->video_type = bi->efi_table ? XEN_VGATYPE_EFI_LFB
                                    : XEN_VGATYPE_VESA_LFB;
    vga->u.vesa_lfb.width = fb->width;
    vga->u.vesa_lfb.height = fb->height;
    vga->u.vesa_lfb.bytes_per_line = fb->pitch;
    vga->u.vesa_lfb.bits_per_pixel = fb->bpp;
    vga->u.vesa_lfb.lfb_base = fb->maddr;
    vga->u.vesa_lfb.ext_lfb_base = fb->maddr >> 32;
    vga->u.vesa_lfb.lfb_size =      /* in units of 64 KiB */
        ((uint64_t)fb->pitch * fb->height + 0xffff) >> 16;
    memcpy(&vga->u.vesa_lfb.red_pos, fb->colour, sizeof(fb->colour));
    vga->u.vesa_lfb.rsvd_pos = used;
    vga->u.vesa_lfb.rsvd_size = MAX(used, fb->bpp) - used;
}

/* What dom0 learns of the screen; returns its size, 0 where there is none. */
static __init size_t fill_screen(struct dom0_vga_console_info *vga,
                                 const struct boot_info *bi)
{
    if (bi->fb.maddr) {
        fill_framebuffer(vga, bi);
    } else if (bi->text_mode) {
        vga->video_type = XEN_VGATYPE_TEXT_MODE_3;
        vga->u.text_mode_3.font_height = 16;
        vga->u.text_mode_3.rows = 25;
        vga->u.text_mode_3.columns = 80;
    } else {
        return 0;
    }
    return sizeof(*vga);
}

static __init void fill_start_info(struct builder *b,
                                   const struct boot_info *bi)
{
    struct start_info *si = pfn_virt(b->l.start_info);
    const struct dom0_layout *l = &b->l;

    memset(si, 0, PAGE_SIZE);
    strlcpy(si->magic, "xen-3.0-x86_64", sizeof(si->magic));
    si->nr_pages = l->nr_pages;
    si->shared_info = b->d->mm.shared_info_mfn << PAGE_SHIFT;
    si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    si->pt_base = va_of(b, l->pt);
    si->nr_pt_frames = l->nr_pt;
    si->mfn_list = l->p2m_base;
    if (l->nr_initrd) {
        si->mod_start = l->initrd_mapped ? va_of(b, l->initrd) : l->initrd;
        si->mod_len = module_size(&bi->initrd);
        if (!l->initrd_mapped)
            si->flags |= SIF_MOD_START_PFN;
    }
    if (!l->p2m_mapped) {
        si->first_p2m_pfn = l->p2m;
        si->nr_p2m_frames = l->nr_p2m;
    }
    fill_cmdline((char *)si->cmd_line, sizeof(si->cmd_line), bi);
    si->console.dom0.info_off = sizeof(*si);
    si->console.dom0.info_size = fill_screen((void *)(si + 1), bi);
}

/* Tables as a guest would write them; then they go the way of any guest's. */
static __init void make_tables(struct builder *b)
{
    mfn_t root = pfn_to_mfn(b->l.pt);
    int rc;

    put(b->l.pt << PAGE_SHIFT, NULL, (b->l.nr_pt + 1) << PAGE_SHIFT);
    dom0_pt_fill(&b->l, pfn_to_mfn);
    do
        rc = page_pin(root, PGT_L4, b->d);
    while (rc == -ERESTART);
    if (rc)
        panic("dom0's first page tables were refused: %d.", rc);
}

static __init void start_vcpu(struct builder *b)
{
    static struct vcpu_guest_context c;
    struct vcpu *v = b->d->vcpu[0];
    int rc;

    c.flags = VGCF_in_kernel;
    c.user_regs.rip = b->kernel.entry;
    c.user_regs.rsi = va_of(b, b->l.start_info);
    c.user_regs.rsp = va_of(b, b->l.stack + 1);
    c.user_regs.cs = FLAT_KERNEL_CS;
    c.user_regs.ss = FLAT_KERNEL_SS;
    c.user_regs.rflags = 0x200;      /* interrupts on */
    c.kernel_ss = c.user_regs.ss;
    c.kernel_sp = c.user_regs.rsp;
    c.ctrlreg[3] = xen_pfn_to_cr3(pfn_to_mfn(b->l.pt));
    do
        rc = guest_ops->set_context(v, &c);
    while (rc == -ERESTART);
    if (rc)
        panic("dom0's first context was refused: %d.", rc);
    clock_update_wallclock(b->d);
    v->initialised = true;
    vcpu_up(v);
}

static __init void create(struct builder *b)
{
    const struct xen_domctl_createdomain c = {
        .max_vcpus = opt_dom0_max_vcpus ? MIN(opt_dom0_max_vcpus, MAX_VCPUS)
                                        : nr_cpus,
        .max_evtchn_port = EVTCHN_FIFO_NR_CHANNELS - 1,
        .max_grant_frames = -1, .max_maptrack_frames = -1,
    };
    int rc = domain_create(0, &c, true, &b->d);

    for (unsigned int i = 0; !rc && i < c.max_vcpus; i++) {
        rc = vcpu_create(b->d, i);
        if (!rc)
            b->d->vcpu[i]->info->evtchn_upcall_mask = 1;
    }
    if (rc)
        panic("dom0 could not be created: %d.", rc);
}

/* Give a module's frames to the allocator. */
static __init void release(const struct boot_module *m)
{
    if (m->end)
        frames_add(PFN_DOWN(m->start), PFN_UP(m->end) - 1);
}

/* The allocator has room for the unpacked kernel, as dom0 does not have more
 * yet than it starts in. */
__init void dom0_build(const struct boot_info *bi)
{
    struct builder *b = &the_builder;
    void *unpacked;

    create(b);
    parse_mem(b, opt_dom0_mem);
    unpacked = open_kernel(b, &bi->kernel);
    layout(b, module_size(&bi->initrd));
    alloc_memory(b, b->l.end);
    load(b, &bi->initrd);
    kfree(unpacked);
    release(&bi->kernel);
    release(&bi->initrd);
    alloc_memory(b, b->l.nr_pages);
    fill_p2m(b);
    fill_start_info(b, bi);
    make_tables(b);
    start_vcpu(b);
    printk(LOG_INFO, "dom0: %lu MiB, %u vcpus, entry %#lx\n",
           b->l.nr_pages / MIB_FRAMES, b->d->max_vcpus, b->kernel.entry);
    hardware_domain = b->d;
    console_release_screen();
    domain_control_unpause(b->d);
}
