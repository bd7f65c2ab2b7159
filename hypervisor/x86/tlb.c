/*
 * The rules of the TLB.
 *
 * 1. Leaves that a guest's user mode may use are global, so switching between
 *    a guest's kernel and user root keeps them; nothing of the hypervisor's is.
 *    Loading the root of another address space drops global entries too.
 * 2. A CPU holds entries of a domain's tables only if its bit is set in
 *    d->dirty_cpus.  An idle CPU keeps the root, and the bit, of the vcpu that
 *    ran last until it is asked to flush.
 * 3. Before a frame changes type or owner, each CPU in the mask has flushed
 *    everything after the last use ended (tlb_flush_since).
 * 4. A frame that was a page table needs a full flush, one page is not enough:
 *    CPUs cache upper levels.
 *
 * The flush clock ticks at each full flush.  A CPU notes the tick before it
 * flushes, so a later note than a frame's stamp means: flushed since.
 */
#include "x86/tlb.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/smp.h"

static uint64_t flush_clock = 1;                 /* (a) */

void (*tlb_drop_lazy_root)(void);

static void flush_everything(void)
{
    unsigned long cr4 = this_percpu()->cr4;
    uint64_t tick = __atomic_add_fetch(&flush_clock, 1, __ATOMIC_SEQ_CST);

    if (cr4 & CR4_PGE) {
        write_cr4(cr4 & ~CR4_PGE);
        write_cr4(cr4);
    } else {
        write_cr3(read_cr3());
    }
    WRITE_ONCE(this_percpu()->tlb_clock, tick);
}

/* An idle CPU's flush also ends its hold on a vcpu's root: a later one would
 * find it flushed, and still on a frame that is no root any more. */
void tlb_flush_local(unsigned long va)
{
    unsigned long flags = irq_save();
    struct percpu *p = this_percpu();

    stat_inc(STAT_TLB_LOCAL);
    if (p->loaded && p->loaded != p->curr)
        tlb_drop_lazy_root();
    if (va == FLUSH_ALL)
        flush_everything();
    else
        invlpg(va);
    irq_restore(flags);
}

static void flush_remote(void *va)
{
    stat_inc(STAT_TLB_REMOTE);
    tlb_flush_local((unsigned long)va);
}

void tlb_flush_mask(cpumask_t mask, unsigned long va)
{
    cpumask_t self = BIT(smp_processor_id());

    if (mask & self)
        tlb_flush_local(va);
    if (mask & ~self) {
        stat_inc(STAT_TLB_IPI);
        smp_call(mask & ~self, flush_remote, (void *)va);
    }
}

uint32_t tlb_clock_now(void)
{
    smp_mb();
    return READ_ONCE(flush_clock);
}

void tlb_flush_since(cpumask_t mask, uint32_t stamp)
{
    uint64_t now, noted;
    cpumask_t left;

    smp_mb();
    now = READ_ONCE(flush_clock);
    /* The latest tick that the stamp can mean. */
    noted = (now & ~(uint64_t)UINT32_MAX) | stamp;
    if (noted > now)
        noted -= 1ULL << 32;
    for (left = mask; left; left &= left - 1) {
        unsigned int cpu = __builtin_ctzl(left);

        if (READ_ONCE(percpu_of[cpu]->tlb_clock) > noted)
            mask &= ~BIT(cpu);
    }
    if (mask)
        tlb_flush_mask(mask, FLUSH_ALL);
}

void tlb_load_root(unsigned long cr3, bool flush_global)
{
    unsigned long flags = irq_save();

    stat_inc(STAT_CR3_LOAD);
    write_cr3(cr3);
    if (flush_global && (this_percpu()->cr4 & CR4_PGE))
        flush_everything();
    irq_restore(flags);
}
