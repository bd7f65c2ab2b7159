#include "x86/crash.h"
#include "lib/abi.h"
#include "lib/env.h"
#include "lib/string.h"
#include "lib/symbols.h"
#include "x86/apic.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/extable.h"
#include "x86/image.h"
#include "x86/io.h"
#include "x86/percpu.h"

#define MAX_BACKTRACE    32

#define PORT_NMI_STATUS  0x61
#define NMI_SERR         0x80
#define NMI_IOCHK        0x40

struct extable_entry {
    int32_t from, to;                /* each relative to itself */
};

extern const struct extable_entry extable_start[], extable_end[];

int opt_noreboot;
bool crashing, init_freed;

void (*machine_reset)(void);

static unsigned int crashing_cpu = NR_CPUS;      /* (a) */

unsigned long extable_lookup(unsigned long rip)
{
    for (const struct extable_entry *e = extable_start; e < extable_end; e++)
        if ((unsigned long)&e->from + e->from == rip)
            return (unsigned long)&e->to + e->to;
    return 0;
}

static bool is_code(unsigned long va)
{
    return (va >= (unsigned long)text_start &&
            va < (unsigned long)entry_text_end) ||
           (!init_freed && va >= (unsigned long)init_start &&
            va < (unsigned long)init_end);
}

/* Does a call instruction end at va?  E8 rel32, or FF /2 of any length. */
static bool follows_call(unsigned long va)
{
    const uint8_t *p = (const uint8_t *)va;

    if (!is_code(va) || !is_code(va - 7))
        return false;
    if (p[-5] == 0xe8)
        return true;
    for (int n = 2; n <= 7; n++)
        if (p[-n] == 0xff && (p[1 - n] & 0x38) == 0x10)
            return true;
    return false;
}

/* No frame pointers: show each word of the stack that looks like a return. */
static void show_stack(unsigned long sp)
{
    unsigned long end = (sp | (PAGE_SIZE - 1)) + 1;
    unsigned long top = (unsigned long)guest_regs();
    unsigned int nr = 0;
    char name[80];

    /* The main stack is several pages; the others have one each. */
    if ((sp & (PERCPU_SIZE - 1)) >= 4 * PAGE_SIZE)
        end = top;
    for (sp &= ~7UL; sp < end && nr < MAX_BACKTRACE; sp += 8) {
        unsigned long va = *(unsigned long *)sp;

        if (follows_call(va)) {
            symbol_format(name, sizeof(name), va);
            printk(LOG_ERR, "  %016lx %s\n", va, name);
            nr++;
        }
    }
}

void regs_show(enum log_level level, const struct cpu_user_regs *regs)
{
    printk(level, "rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n",
           regs->rax, regs->rbx, regs->rcx, regs->rdx);
    printk(level, "rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx\n",
           regs->rsi, regs->rdi, regs->rbp, regs->rsp);
    printk(level, "r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n",
           regs->r8, regs->r9, regs->r10, regs->r11);
    printk(level, "r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n",
           regs->r12, regs->r13, regs->r14, regs->r15);
}

static void crash_show(const struct cpu_user_regs *regs)
{
    char name[80] = "?";

    if (is_code(regs->rip))
        symbol_format(name, sizeof(name), regs->rip);
    printk(LOG_ERR, "cpu %u  vector %u  error %x  cs %x  rip %016lx %s\n",
           smp_processor_id(), regs->entry_vector, regs->error_code, regs->cs,
           regs->rip, name);
    printk(LOG_ERR, "rflags %08lx  cr2 %016lx  cr3 %lx  cr0 %lx  cr4 %lx\n",
           regs->rflags, read_cr2(), read_cr3(), read_cr0(), read_cr4());
    regs_show(LOG_ERR, regs);
    if (!(regs->cs & 3)) {
        printk(LOG_ERR, "Called from:\n");
        show_stack(regs->rsp);
    }
}

static void __noreturn crash_end(void)
{
    if (opt_noreboot) {
        printk(LOG_ERR, "The hypervisor has stopped (noreboot).\n");
        machine_halt();
    }
    printk(LOG_ERR, "Restarting the machine.\n");
    machine_reboot();
}

/* One CPU reports, and the others stop; a fault of the report ends it. */
static void crash_enter(void)
{
    unsigned int cpu = smp_processor_id(), first;

    irq_disable();
    first = cmpxchg(&crashing_cpu, NR_CPUS, cpu);
    if (first == cpu)
        crash_end();
    if (first != NR_CPUS)
        machine_halt();
    crashing = true;
    for (unsigned int i = 0; i < NR_CPUS; i++)
        if (i != cpu && (cpu_online_mask & BIT(i)))
            apic_send(i, ICR_NMI);
}

void fatal_trap(const struct cpu_user_regs *regs)
{
    crash_enter();
    printk(LOG_ERR, "The hypervisor itself has failed:\n");
    crash_show(regs);
    crash_end();
}

void panic(const char *fmt, ...)
{
    char text[256];
    va_list ap;
    unsigned long sp;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    crash_enter();
    printk(LOG_ERR, "panic on cpu %u: %s\n", smp_processor_id(), text);
    __asm__("mov %%rsp, %0" : "=r" (sp));
    printk(LOG_ERR, "Called from:\n");
    show_stack(sp);
    crash_end();
}

void nmi_handle(const struct cpu_user_regs *regs)
{
    if (crashing)
        machine_halt();
    /* The chipset names a memory or bus error; others are nobody's. */
    if (inb(PORT_NMI_STATUS) & (NMI_SERR | NMI_IOCHK))
        fatal_trap(regs);
}

void machine_halt(void)
{
    irq_disable();
    for (;;)
        __asm__ volatile("hlt");
}

void machine_reboot(void)
{
    static const uint16_t no_idt[5];

    irq_disable();
    if (machine_reset)
        machine_reset();
    for (unsigned int i = 0; i < 0x10000 && (inb(0x64) & 0x02); i++)
        cpu_relax();
    outb(0x64, 0xfe);                /* 8042: pulse the reset line */
    for (unsigned int i = 0; i < 0x10000; i++)
        inb(0x80);
    __asm__ volatile("lidt %0; int3" :: "m" (no_idt));
    machine_halt();
}
