/*
 * A little kernel for tests: starts as a PV guest, makes claims on the
 * console, and ends.  Each test is one folder with a main.c that defines
 * test_main().
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/callback.h>
#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define VIRT_BASE    0xffffffff80000000UL
#define PAGE_SIZE    4096UL
#define PTE_P        0x001UL
#define PTE_W        0x002UL
#define PTE_U        0x004UL
#define PTE_A        0x020UL
#define PTE_D        0x040UL
#define PTE_PSE      0x080UL
#define PTE_MFN(e)   (((e) & 0x000ffffffffff000UL) >> 12)
#define PTE(mfn, f)  (((uint64_t)(mfn) << 12) | (f))
#define LINK         (PTE_P | PTE_W | PTE_U | PTE_A)
#define KERNEL       (PTE_P | PTE_W | PTE_A | PTE_D)
#define KERNEL_RO    (PTE_P | PTE_A)
#define USER         (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D)

/* On the stack of a trap: see start.S. */
struct frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx;
    uint64_t rcx, rax, vector, error, rip, cs, rflags, rsp, ss;
};
#define VEC_EVENT    0x100
#define VEC_SYSCALL  0x101
#define VEC_FAILSAFE 0x102
#define VEC_SYSENTER 0x103

extern start_info_t *start_info;
extern shared_info_t *shared_info;
extern unsigned long cpu_vendor_amd;
void test_main(void);

/* A test may take a trap itself: true if it has dealt with it. */
extern bool (*on_trap)(struct frame *f);
extern struct frame last_trap;           /* and what cr2 was */
extern unsigned long last_cr2;
extern volatile unsigned int nr_events;  /* upcalls */

void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* One claim, one line of output. */
void check(bool ok, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void check_eq(long got, long want, const char *claim);
void finish(void) __attribute__((noreturn));

long hypercall(unsigned int nr, ...);
#define HC(name, ...) \
    hypercall(__HYPERVISOR_##name, ##__VA_ARGS__, 0UL, 0UL, 0UL, 0UL, 0UL)
void *memset(void *d, int c, size_t n);
void *memcpy(void *d, const void *s, size_t n);
int try_call(void (*fn)(void *), void *arg);
void try_fail(void);

/* Memory of ours: pages of the boot mapping, whose frames the p2m names. */
void *page_alloc(void);                  /* zeroed */
unsigned long virt_to_mfn(const void *va);
long remap(const void *va, unsigned long flags);  /* same frame */
long pin(unsigned int cmd, const void *table);    /* MMUEXT_PIN_*, UNPIN */
long mmu_update(uint64_t ptr, uint64_t val);
/* The entry of level lvl that maps va, in the boot root. */
uint64_t *pt_entry(unsigned long va, unsigned int lvl);
/* Map frame of page at va (user half) in the boot root, making tables. */
void map_user(unsigned long va, const void *page, unsigned long flags);

long domctl(struct xen_domctl *op, uint32_t cmd);
/* Our second vcpu: fn, which does not return, is what it runs once it is up.
 * It takes no events, and no traps. */
void make_vcpu(void (*fn)(void));
/* A domain of one vcpu and one page, an empty root: it never runs.  The page's
 * address. */
unsigned long make_domain(domid_t *ret_id);

/* CR4.OSXSAVE on; false: CPUID does not offer XSAVE. */
bool enable_xsave(void);

#endif
