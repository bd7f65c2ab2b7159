/*
 * The little kernel behind the tests.
 */
#include "guest.h"
#include <stdarg.h>

start_info_t *start_info;
shared_info_t *shared_info;
bool (*on_trap)(struct frame *f);
struct frame last_trap;
unsigned long last_cr2;
volatile unsigned int nr_events;

extern char guest_end[], event_entry[], failsafe_entry[], syscall_entry[];
extern const unsigned long trap_entries[33];
extern unsigned long try_sp;

static unsigned int passed, failed;
static char pool[64][PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned int pool_used;
static char shared_page[PAGE_SIZE] __attribute__((aligned(4096)));

void *memset(void *d, int c, size_t n)
{
    char *p = d;

    while (n--)
        *p++ = c;
    return d;
}

void *memcpy(void *d, const void *s, size_t n)
{
    const char *from = s;
    char *to = d;

    while (n--)
        *to++ = *from++;
    return d;
}

long hypercall(unsigned int nr, ...)
{
    register unsigned long a4 __asm__("r10"), a5 __asm__("r8");
    unsigned long a1, a2, a3;
    va_list ap;
    long rc;

    va_start(ap, nr);
    a1 = va_arg(ap, unsigned long);
    a2 = va_arg(ap, unsigned long);
    a3 = va_arg(ap, unsigned long);
    a4 = va_arg(ap, unsigned long);
    a5 = va_arg(ap, unsigned long);
    va_end(ap);
    __asm__ volatile("syscall" : "=a" (rc), "+D" (a1), "+S" (a2), "+d" (a3),
                     "+r" (a4), "+r" (a5)
                     : "a" ((unsigned long)nr) : "rcx", "r11", "memory");
    return rc;
}

static void put(const char *s, size_t n)
{
    HC(console_io, (unsigned long)CONSOLEIO_write, n, s);
}

static char *put_number(char *at, unsigned long v, unsigned int base)
{
    char digits[20];
    unsigned int n = 0;

    do
        digits[n++] = "0123456789abcdef"[v % base];
    while (v /= base);
    while (n)
        *at++ = digits[--n];
    return at;
}

/* %s %d %ld %u %lu %x %lx, no widths. */
static size_t format(char *buf, const char *fmt, va_list ap)
{
    char *at = buf;

    for (; *fmt; fmt++) {
        bool is_long = false;
        const char *s;
        long v;

        if (*fmt != '%') {
            *at++ = *fmt;
            continue;
        }
        if (*++fmt == 'l') {
            is_long = true;
            fmt++;
        }
        if (*fmt == 's') {
            for (s = va_arg(ap, const char *); *s; s++)
                *at++ = *s;
            continue;
        }
        v = is_long ? va_arg(ap, long) : va_arg(ap, int);
        if (*fmt == 'd' && v < 0) {
            *at++ = '-';
            v = -v;
        }
        if (*fmt != 'd' && !is_long)
            v = (unsigned int)v;
        at = put_number(at, v, *fmt == 'x' ? 16 : 10);
    }
    return at - buf;
}

void print(const char *fmt, ...)
{
    char buf[512];
    va_list ap;

    va_start(ap, fmt);
    put(buf, format(buf, fmt, ap));
    va_end(ap);
}

void check(bool ok, const char *fmt, ...)
{
    char buf[512];
    va_list ap;
    size_t n;

    va_start(ap, fmt);
    n = format(buf, fmt, ap);
    va_end(ap);
    buf[n] = 0;
    print("%s %u - %s\n", ok ? "ok" : "not ok", passed + failed + 1, buf);
    if (ok)
        passed++;
    else
        failed++;
}

void check_eq(long got, long want, const char *claim)
{
    if (got == want)
        check(true, "%s", claim);
    else
        check(false, "%s: %ld, expected %ld", claim, got, want);
}

void finish(void)
{
    struct sched_shutdown s = { .reason = SHUTDOWN_reboot };

    print("1..%u\n%u passed, %u failed\n", passed + failed, passed, failed);
    for (;;)
        HC(sched_op, (unsigned long)SCHEDOP_shutdown, &s);
}

void guest_trap(struct frame *f);

void guest_trap(struct frame *f)
{
    last_trap = *f;
    last_cr2 = shared_info->vcpu_info[0].arch.cr2;
    if (on_trap && on_trap(f))
        return;
    if (f->vector == VEC_EVENT) {
        nr_events++;
        shared_info->vcpu_info[0].evtchn_upcall_pending = 0;
        return;
    }
    if (try_sp) {
        f->rip = (unsigned long)try_fail;
        f->cs = FLAT_KERNEL_CS & ~3;
        f->rsp = try_sp;
        f->ss = FLAT_KERNEL_SS & ~3;
        return;
    }
    print("unexpected trap %lu error %lx at %lx cr2 %lx\n",
          (unsigned long)f->vector, (unsigned long)f->error,
          (unsigned long)f->rip, last_cr2);
    check(false, "no unexpected trap");
    finish();
}

void *page_alloc(void)
{
    if (pool_used == 64) {
        check(false, "memory for the test");
        finish();
    }
    return pool[pool_used++];
}

unsigned long virt_to_mfn(const void *va)
{
    const unsigned long *p2m = (const unsigned long *)start_info->mfn_list;

    return p2m[((unsigned long)va - VIRT_BASE) / PAGE_SIZE];
}

long remap(const void *va, unsigned long flags)
{
    return HC(update_va_mapping, va, PTE(virt_to_mfn(va), flags),
              (unsigned long)UVMF_INVLPG);
}

long pin(unsigned int cmd, const void *table)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = virt_to_mfn(table) };

    return HC(mmuext_op, &op, 1UL, 0UL, (unsigned long)DOMID_SELF);
}

long mmu_update(uint64_t ptr, uint64_t val)
{
    struct mmu_update u = { ptr, val };

    return HC(mmu_update, &u, 1UL, 0UL, (unsigned long)DOMID_SELF);
}

/* Tables of the boot mapping lie in it, in order of pfn. */
static uint64_t *table_at(unsigned long mfn)
{
    const unsigned long *m2p = (const unsigned long *)0xffff800000000000UL;

    return (uint64_t *)(VIRT_BASE + m2p[mfn] * PAGE_SIZE);
}

uint64_t *pt_entry(unsigned long va, unsigned int lvl)
{
    uint64_t *t = (uint64_t *)start_info->pt_base;
    unsigned int l;

    for (l = 4; l > lvl; l--) {
        uint64_t e = t[(va >> (12 + 9 * (l - 1))) & 511];

        if (!(e & PTE_P))
            return NULL;
        t = table_at(PTE_MFN(e));
    }
    return &t[(va >> (12 + 9 * (lvl - 1))) & 511];
}

static uint64_t entry_maddr(const uint64_t *e)
{
    return ((uint64_t)virt_to_mfn(e) << 12) | ((unsigned long)e & 0xfff);
}

void map_user(unsigned long va, const void *page, unsigned long flags)
{
    unsigned int lvl;
    uint64_t *e;

    for (lvl = 4; lvl > 1; lvl--) {
        e = pt_entry(va, lvl);
        if (!(*e & PTE_P)) {
            void *t = page_alloc();

            if (remap(t, KERNEL_RO) ||
                mmu_update(entry_maddr(e), PTE(virt_to_mfn(t), LINK)))
                check(false, "a page table of level %u", lvl - 1);
        }
    }
    e = pt_entry(va, 1);
    if (mmu_update(entry_maddr(e), PTE(virt_to_mfn(page), flags)))
        check(false, "mapping a page at %lx", va);
}

static void set_callback(unsigned int type, void *entry, unsigned int flags)
{
    struct callback_register r = {
        .type = type, .flags = flags, .address = (unsigned long)entry,
    };

    HC(callback_op, (unsigned long)CALLBACKOP_register, &r);
}

static void set_traps(void)
{
    static struct trap_info t[34];
    unsigned int n;

    for (n = 0; n < 33; n++)
        t[n] = (struct trap_info){
            .vector = n < 32 ? n : 0x80,
            .flags = (n == 3 || n == 4 || n == 32 ? 3 : 0) | 4,
            .cs = FLAT_KERNEL_CS, .address = trap_entries[n],
        };
    HC(set_trap_table, t);
}

void guest_main(start_info_t *si);

void guest_main(start_info_t *si)
{
    start_info = si;
    shared_info = (shared_info_t *)shared_page;
    HC(update_va_mapping, shared_page,
       PTE(si->shared_info >> 12, KERNEL), (unsigned long)UVMF_INVLPG);
    set_traps();
    set_callback(CALLBACKTYPE_event, event_entry, CALLBACKF_mask_events);
    set_callback(CALLBACKTYPE_failsafe, failsafe_entry,
                 CALLBACKF_mask_events);
    set_callback(CALLBACKTYPE_syscall, syscall_entry, CALLBACKF_mask_events);
    HC(stack_switch, (unsigned long)FLAT_KERNEL_SS,
       (unsigned long)page_alloc() + PAGE_SIZE);
    test_main();
    finish();
}

long domctl(struct xen_domctl *op, uint32_t cmd)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    return HC(domctl, op);
}

void make_vcpu(void (*fn)(void))
{
    static char stack[4096] __attribute__((aligned(16)));
    static struct vcpu_guest_context c;

    c = (struct vcpu_guest_context){
        .user_regs = { .rip = (unsigned long)fn, .rflags = 0x202,
                       .rsp = (unsigned long)stack + sizeof(stack) - 8,
                       .cs = FLAT_KERNEL_CS, .ss = FLAT_KERNEL_SS },
        .flags = VGCF_in_kernel,
        .ctrlreg[3] = virt_to_mfn((void *)start_info->pt_base) << 12,
    };
    shared_info->vcpu_info[1].evtchn_upcall_mask = 1;
    check_eq(HC(vcpu_op, (unsigned long)VCPUOP_initialise, 1UL, &c), 0,
             "a second vcpu");
}

unsigned long make_domain(domid_t *ret_id)
{
    struct xen_domctl op = {
        .u.createdomain = { .max_vcpus = 1, .max_evtchn_port = 1023,
                            .max_grant_frames = -1,
                            .max_maptrack_frames = -1, .grant_opts = 1 },
    };
    struct xen_memory_reservation r = { .nr_extents = 1 };
    xen_pfn_t frame = 0;

    check_eq(domctl(&op, XEN_DOMCTL_createdomain), 0, "a domain");
    *ret_id = r.domid = op.domain;
    r.extent_start.p = &frame;
    op.u.max_mem.max_memkb = 64;
    check_eq(domctl(&op, XEN_DOMCTL_max_mem), 0, "its memory");
    op.u.max_vcpus.max = 1;
    check_eq(domctl(&op, XEN_DOMCTL_max_vcpus), 0, "its vcpu");
    check_eq(HC(memory_op, (unsigned long)XENMEM_populate_physmap, &r), 1,
             "its page");
    return frame << 12;
}

bool enable_xsave(void)
{
    uint32_t a = 1, b, c, d;
    unsigned long cr4;

    __asm__ volatile("ud2; .ascii \"xen\"; cpuid"
                     : "+a" (a), "=b" (b), "=c" (c), "=d" (d) : : "memory");
    if (!(c & (1U << 26)))
        return false;
    __asm__ volatile("mov %%cr4, %0" : "=r" (cr4));
    __asm__ volatile("mov %0, %%cr4" :: "r" (cr4 | 0x40000));
    return true;
}
