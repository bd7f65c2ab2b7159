/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The builder's steps, and what makes the result a domain that can run.
 */
#define _GNU_SOURCE
#include "xc_dom.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define RFLAGS_IF           0x200u
#define DR6_DEFAULT         0xffff0ff0u     /* reserved bits that read as 1 */
#define DR7_DEFAULT         0x400u

static uint64_t region_va(const struct xc_dom_image *img, uint64_t pfn)
{
    return img->elf.notes.virt_base + (pfn << 12);
}

/* ---- before the domain is touched ---- */

static int step_params(struct xc_dom_image *img)
{
    const struct xc_dom_params *p = img->params;

    img->nr_pages = p->memory_kb >> 2;
    if (!img->nr_pages || img->nr_pages >> 32)
        return xc_fail(img->err, -E2BIG, "memory of %llu KiB cannot be; set it "
                       "to what the kernel needs",
                       (unsigned long long)p->memory_kb);
    if (p->cmdline && strlen(p->cmdline) >= MAX_GUEST_CMDLINE)
        return xc_fail(img->err, -E2BIG, "the kernel's command line has %zu "
                       "bytes, %d are allowed; shorten it",
                       strlen(p->cmdline), MAX_GUEST_CMDLINE - 1);
    return 0;
}

static int step_open(struct xc_dom_image *img)
{
    int rc = xc_dom_file_open(img, &img->kernel, "kernel", img->params->kernel);

    if (!rc)
        rc = xc_dom_packed_open(img);
    if (!rc)
        rc = xc_dom_elf_open(img);
    if (!rc)
        rc = xc_dom_ramdisk_open(img);
    return rc;
}

static int step_layout(struct xc_dom_image *img)
{
    const struct xc_dom_notes *n = &img->elf.notes;
    uint64_t start, end;
    int rc = xc_dom_layout(&img->elf, img->ramdisk_size, img->nr_pages,
                           &img->at);

    if (rc == -E2BIG)
        return xc_fail(img->err, rc, "memory of %llu MiB is too small for "
                       "kernel %s%s%s, which needs at least %llu MiB to be "
                       "loaded; raise memory",
                       (unsigned long long)img->nr_pages >> 8,
                       img->kernel.path, img->ramdisk_size ? " and ramdisk " :
                       "", img->ramdisk_size ? img->ramdisk.path : "",
                       (unsigned long long)(img->at.end_pfn + 255) >> 8);
    if (rc)
        return xc_fail(img->err, -ENOEXEC, "kernel %s: its virtual addresses "
                       "do not fit (base %#llx, %llu MiB to map)",
                       img->kernel.path, (unsigned long long)n->virt_base,
                       (unsigned long long)img->at.region_pages >> 8);
    start = region_va(img, img->elf.start_pfn);
    end = region_va(img, img->elf.end_pfn);
    if (!img->windowed && (n->entry < start || n->entry >= end))
        return xc_fail(img->err, -ENOEXEC, "kernel %s: its entry point lies "
                       "outside of it", img->kernel.path);
    return 0;
}

/* ---- the domain's memory ---- */

static int step_domain(struct xc_dom_image *img)
{
    const struct xc_dom_params *p = img->params;
    uint64_t max_kb = p->maxmem_kb > p->memory_kb ? p->maxmem_kb : p->memory_kb;
    const char *what = "address size";
    int rc = xc_domain_set_address_size(img->xc, p->domid, 64);

    if (!rc) {
        what = "memory map";
        rc = xc_domain_set_memory_map(img->xc, p->domid, max_kb);
    }
    if (!rc) {
        what = "TSC mode";
        rc = xc_domain_set_tsc(img->xc, p->domid, p->tsc_mode);
    }
    if (rc)
        return xc_fail(img->err, rc, "the hypervisor refuses the domain's %s: "
                       "%s", what, strerror(-rc));
    return 0;
}

/* A bzImage's notes are known now, and replace what was assumed of it. */
static int step_load(struct xc_dom_image *img)
{
    int rc = xc_dom_elf_load(img);

    img->windowed = false;
    return rc ? rc : step_layout(img);
}

/* The list of frames, and its own page tables behind it. */
static int step_p2m(struct xc_dom_image *img, uint64_t *ret_l4e)
{
    const struct xc_dom_layout *at = &img->at;
    uint64_t nr = at->p2m_pages + at->p2m_tables;
    uint64_t used = img->nr_pages * sizeof(uint64_t);
    void *map;
    int rc = xc_dom_map(img, at->p2m_pfn, nr, NULL, &map);

    if (rc)
        return rc;
    memcpy(map, img->p2m, used);
    memset((char *)map + used, 0, at->p2m_pages * XC_PAGE_SIZE - used);
    if (at->p2m_tables)
        xc_dom_pt_p2m(at, img->p2m,
                      (uint64_t *)((char *)map + at->p2m_pages * XC_PAGE_SIZE),
                      ret_l4e);
    xc_foreign_unmap(img->xc, map, nr);
    return 0;
}

static void fill_start_info(struct xc_dom_image *img, struct start_info *si)
{
    const struct xc_dom_params *p = img->params;
    const struct xc_dom_notes *n = &img->elf.notes;
    const struct xc_dom_layout *at = &img->at;
    bool own_p2m = n->init_p2m != XC_DOM_UNSET;

    memset(si, 0, XC_PAGE_SIZE);
    snprintf(si->magic, sizeof(si->magic), "xen-3.0-x86_64");
    si->nr_pages = img->nr_pages;
    si->shared_info = img->shared_info_mfn << 12;
    si->store_mfn = img->p2m[at->store_pfn];
    si->store_evtchn = p->store_port;
    si->console.domU.mfn = img->p2m[at->console_pfn];
    si->console.domU.evtchn = p->console_port;
    si->pt_base = region_va(img, at->pt_pfn);
    si->nr_pt_frames = at->pt_pages;
    si->mfn_list = own_p2m ? n->init_p2m : region_va(img, at->p2m_pfn);
    if (own_p2m) {
        si->first_p2m_pfn = at->p2m_pfn;
        si->nr_p2m_frames = at->p2m_pages + at->p2m_tables;
    }
    if (img->ramdisk_size) {
        si->mod_start = n->mod_start_pfn ? at->ramdisk_pfn :
                        region_va(img, at->ramdisk_pfn);
        si->mod_len = img->ramdisk_size;
        si->flags |= n->mod_start_pfn ? SIF_MOD_START_PFN : 0;
    }
    snprintf((char *)si->cmd_line, sizeof(si->cmd_line), "%s",
             p->cmdline ?: "");
}

/* start_info, both rings and the page tables lie side by side. */
static int fill_region(struct xc_dom_image *img, uint64_t p2m_l4e)
{
    const struct xc_dom_layout *at = &img->at;
    const struct xc_dom_notes *n = &img->elf.notes;
    uint64_t nr = at->pt_pfn + at->pt_pages - at->start_info_pfn;
    uint64_t *pt;
    char *base;
    void *map;
    int rc = xc_dom_map(img, at->start_info_pfn, nr, NULL, &map);

    if (rc)
        return rc;
    base = map;
    fill_start_info(img, map);
    memset(base + XC_PAGE_SIZE, 0, (at->pt_pfn - at->start_info_pfn - 1) *
           XC_PAGE_SIZE);
    pt = (uint64_t *)(base + (at->pt_pfn - at->start_info_pfn) * XC_PAGE_SIZE);
    xc_dom_pt_build(at, n->virt_base, img->p2m, pt);
    if (at->p2m_tables)
        pt[n->init_p2m >> 39 & 511] = p2m_l4e;
    xc_foreign_unmap(img->xc, map, nr);
    return 0;
}

static int fill_shared_info(struct xc_dom_image *img)
{
    struct shared_info *shared;
    int rc = xc_shared_info_reset(img->xc, img->params->domid, &shared,
                                  &img->shared_info_mfn);

    if (rc)
        return xc_fail(img->err, rc, "shared_info of the new domain cannot be "
                       "mapped: %s", strerror(-rc));
    xc_foreign_unmap(img->xc, shared, 1);
    return 0;
}

static int step_fill(struct xc_dom_image *img)
{
    uint64_t p2m_l4e = 0;
    int rc = fill_shared_info(img);

    if (!rc)
        rc = step_p2m(img, &p2m_l4e);
    return rc ? rc : fill_region(img, p2m_l4e);
}

/* ---- making it run ---- */

static int pin_root(struct xc_dom_image *img)
{
    const struct xc_pin pin = { img->p2m[img->at.pt_pfn], 4 };
    int rc = xc_pin_tables(img->xc, img->params->domid, &pin, 1);

    if (rc)
        return xc_fail(img->err, rc, "the hypervisor refuses the first page "
                       "tables: %s", strerror(-rc));
    return 0;
}

static void fill_context(struct xc_dom_image *img,
                         struct vcpu_guest_context *ctxt)
{
    const struct xc_dom_layout *at = &img->at;

    ctxt->flags = VGCF_in_kernel | VGCF_online;
    ctxt->user_regs.rip = img->elf.notes.entry;
    ctxt->user_regs.rsp = region_va(img, at->stack_pfn + 1);
    ctxt->user_regs.rsi = region_va(img, at->start_info_pfn);
    ctxt->user_regs.rflags = RFLAGS_IF;
    ctxt->user_regs.cs = FLAT_KERNEL_CS64;
    ctxt->user_regs.ss = FLAT_KERNEL_SS64;
    ctxt->kernel_ss = ctxt->user_regs.ss;
    ctxt->kernel_sp = ctxt->user_regs.rsp;
    ctxt->ctrlreg[3] = xen_pfn_to_cr3(img->p2m[at->pt_pfn]);
    ctxt->debugreg[6] = DR6_DEFAULT;
    ctxt->debugreg[7] = DR7_DEFAULT;
}

/* The kernel starts the other vcpus itself. */
static int set_context(struct xc_dom_image *img)
{
    struct vcpu_guest_context context = { 0 };
    int rc;

    fill_context(img, &context);
    rc = xc_context_set(img->xc, img->params->domid, 0, &context);
    if (rc)
        return xc_fail(img->err, rc, "the hypervisor refuses the state of vcpu "
                       "0: %s", strerror(-rc));
    return 0;
}

static int set_hypercall_page(struct xc_dom_image *img)
{
    const struct xc_dom_notes *n = &img->elf.notes;
    uint64_t pfn = (n->hypercall - n->virt_base) >> 12;
    int rc;

    if (n->hypercall == XC_DOM_UNSET)
        return 0;
    if (n->hypercall < n->virt_base || pfn < img->elf.start_pfn ||
        pfn >= img->elf.end_pfn)
        return xc_fail(img->err, -ENOEXEC, "kernel %s: its hypercall page lies "
                       "outside of it", img->kernel.path);
    rc = xc_domain_hypercall_init(img->xc, img->params->domid, img->p2m[pfn]);
    if (rc)
        return xc_fail(img->err, rc, "the hypervisor does not fill the "
                       "hypercall page: %s", strerror(-rc));
    return 0;
}

static int step_boot(struct xc_dom_image *img)
{
    const struct xc_seed seed = {
        .console_domid = img->params->console_domid,
        .console_gfn = img->p2m[img->at.console_pfn],
        .store_domid = img->params->store_domid,
        .store_gfn = img->p2m[img->at.store_pfn],
    };
    int rc = set_hypercall_page(img);

    if (!rc)
        rc = pin_root(img);
    if (!rc)
        rc = set_context(img);
    if (rc)
        return rc;
    rc = xc_gnttab_seed(img->xc, img->params->domid, &seed);
    if (rc)
        return xc_fail(img->err, rc, "the rings cannot be granted: %s",
                       strerror(-rc));
    return 0;
}

/* ---- the order of it all ---- */

static int (*const check_steps[])(struct xc_dom_image *) = {
    step_params, step_open, step_layout,
};

static int (*const build_steps[])(struct xc_dom_image *) = {
    step_params, step_open, step_layout, step_domain, xc_dom_populate,
    step_load, xc_dom_ramdisk_load, step_fill, step_boot,
};

static int run_steps(struct xc_dom_image *img,
                     int (*const *steps)(struct xc_dom_image *), size_t nr)
{
    int rc = 0;

    for (size_t i = 0; i < nr && !rc; i++) {
        rc = xc_dom_cancelled(img);
        if (!rc)
            rc = steps[i](img);
    }
    return rc;
}

static void image_init(struct xc_dom_image *img, struct xc *xc,
                       const struct xc_dom_params *params, struct xc_error *err)
{
    memset(img, 0, sizeof(*img));
    img->xc = xc;
    img->params = params;
    img->err = err;
    img->kernel.fd = img->ramdisk.fd = -1;
    if (err)
        err->text[0] = '\0';
}

static void image_fini(struct xc_dom_image *img)
{
    if (img->elf.mem)
        munmap((void *)img->elf.mem, img->elf.size);
    xc_dom_file_close(&img->kernel);
    xc_dom_file_close(&img->ramdisk);
    free(img->p2m);
}

int xc_dom_check(const struct xc_dom_params *params, struct xc_error *err)
{
    struct xc_dom_image img;
    int rc;

    image_init(&img, NULL, params, err);
    rc = run_steps(&img, check_steps,
                   sizeof(check_steps) / sizeof(check_steps[0]));
    image_fini(&img);
    return rc;
}

int xc_dom_build(struct xc *xc, const struct xc_dom_params *params,
                 struct xc_dom_result *ret_result, struct xc_error *err)
{
    struct xc_dom_image img;
    int rc;

    image_init(&img, xc, params, err);
    rc = run_steps(&img, build_steps,
                   sizeof(build_steps) / sizeof(build_steps[0]));
    if (!rc) {
        *ret_result = (struct xc_dom_result){
            .store_mfn = img.p2m[img.at.store_pfn],
            .console_mfn = img.p2m[img.at.console_pfn],
            .shared_info_mfn = img.shared_info_mfn,
            .entry = img.elf.notes.entry,
            .pages = img.nr_pages,
        };
        snprintf(ret_result->guest_os, sizeof(ret_result->guest_os), "%s",
                 img.elf.notes.guest_os);
    }
    image_fini(&img);
    return rc;
}
