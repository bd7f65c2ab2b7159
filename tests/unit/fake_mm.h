/*
 * Machine memory on the host: an array of frames of two domains, a clock of
 * TLB flushes, and what the files of mm/ ask of the rest of the hypervisor.
 * For one test program each.
 */
#ifndef FAKE_MM_H
#define FAKE_MM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "domain/domain.h"
#include "drivers/acpi.h"
#include "mm/frame_table.h"
#include "mm/page_type.h"
#include "mm/pagetable.h"
#include "mm/private.h"
#include "mm/pt_check.h"
#include "mm/pt_update.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

#define FRAMES     24                /* the last ones: the other domain's */
#define OTHERS     4
#define HOLE       (FRAMES - 1)      /* no RAM */

static struct page_info frames[FRAMES];
static struct domain doms[2], pseudo[2];
static unsigned int refs[2];
static struct vcpu vcpus[2];
static bool freed[FRAMES];

struct acpi_info acpi;
struct domain *dom_xen = &pseudo[0], *dom_io = &pseudo[1];
struct domain *idle_domain;

/* One in yield_one_in calls asks to yield; 0: none. */
static unsigned int yield_one_in, rnd_state = 1;

static unsigned int rnd(unsigned int n)
{
    rnd_state = rnd_state * 1103515245u + 12345;
    return (rnd_state >> 8) % n;
}

/* A flush counts on CPUs 0 and 1; only those of the dirty mask matter. */
static uint32_t clock_now = 1;
static uint32_t flushed_at[2];

uint32_t tlb_clock_now(void)
{
    return clock_now;
}

void tlb_flush_since(cpumask_t mask, uint32_t stamp)
{
    for (unsigned int cpu = 0; cpu < 2; cpu++)
        if ((mask & BIT(cpu)) && flushed_at[cpu] <= stamp)
            flushed_at[cpu] = ++clock_now;
}

bool hypercall_should_yield(void)
{
    return yield_one_in && !rnd(yield_one_in);
}

struct domain *domain_get_by_id(domid_t id)
{
    assert_true(id < 2);
    refs[id]++;
    return &doms[id];
}

void domain_get(struct domain *d)
{
    refs[d->id]++;
}

void domain_put(struct domain *d)
{
    assert_true(refs[d->id] > 0);
    refs[d->id]--;
}

void domain_frame_gone(struct page_info *pg)
{
    assert_int_equal(pg->type & PGT_USES, 0);
    assert_false(freed[page_to_mfn(pg)]);
    freed[page_to_mfn(pg)] = true;
}

void frames_free_guest(struct page_info *pg)
{
    domain_frame_gone(pg);
}

void root_init_slots(pte_t *l4, struct domain *d)
{
    l4[IMAGE_SLOT] = pte_make(0x77000 + d->id, PTE_PRESENT | PTE_RW);
}

static unsigned int written_through;

void isolate_write_through(struct domain *d, mfn_t l4, unsigned int slot,
                           pte_t val)
{
    (void)d;
    (void)l4;
    (void)slot;
    (void)val;
    written_through++;
}

static pte_t *table(mfn_t mfn)
{
    return mfn_to_virt(mfn);
}

static int fake_mm_setup(void **state)
{
    (void)state;
    free(shim_ram);
    shim_ram = aligned_alloc(PAGE_SIZE, FRAMES * PAGE_SIZE);
    memset(shim_ram, 0, FRAMES * PAGE_SIZE);
    memset(freed, 0, sizeof(freed));
    memset(vcpus, 0, sizeof(vcpus));
    memset(doms, 0, sizeof(doms));
    frame_table = frames;
    max_mfn = FRAMES - 1;
    dom_xen->id = DOMID_XEN;
    dom_io->id = DOMID_IO;
    for (unsigned int i = 0; i < 2; i++) {
        doms[i].id = i;
        doms[i].max_vcpus = 1;
        doms[i].vcpu[0] = &vcpus[i];
        doms[i].dirty_cpus = BIT(i);
        vcpus[i].domain = &doms[i];
        refs[i] = 1;
        flushed_at[i] = 0;
    }
    spin_lock_init(&doms[0].mm.root_lock, LOCK_ROOTS);
    shim_current = &vcpus[0];
    cpu_online_mask = 3;
    for (mfn_t mfn = 0; mfn < FRAMES; mfn++)
        frames[mfn] = (struct page_info){
            .count = mfn && mfn != HOLE ? PGC_ALLOCATED | 1 : PGC_NOT_RAM,
            .owner = mfn < FRAMES - OTHERS ? 0 : 1,
            .next = NO_FRAME, .prev = NO_FRAME,
        };
    frames[0].count = 0;             /* of the hypervisor */
    frames[0].owner = DOMID_INVALID;
    return 0;
}

static int fake_mm_teardown(void **state)
{
    (void)state;
    free(shim_ram);
    shim_ram = NULL;
    return 0;
}

#endif
