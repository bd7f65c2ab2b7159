/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tiniest PV guest: says that it is there, then does one thing.
 *
 * The first word of its command line that is known decides:
 *   idle      block for ever (also without any word)
 *   spin      use all of a CPU
 *   poweroff, reboot, crash      SCHEDOP_shutdown with that reason
 *   ud2       an undefined instruction, and no trap table
 *   wild      jump into the hypervisor's part of the address space
 *   stack     a page fault without a stack to report it on
 *   root      ask for a page-table root that is no page table, then read cr3
 *   random=N  N hypercalls with numbers and arguments from a generator
 *   port      offer dom0 an event channel; its number is said
 *
 * One vcpu, no events, no interrupts: every port stays masked.
 */
#include <stdint.h>

#define __XEN_INTERFACE_VERSION__ 0x00040e00    /* the numbers of today */
#include <xen/xen.h>
#include <xen/elfnote.h>
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/io/console.h>

#define BASE "0xffffffff80000000"

/* .note.Xen: what the builder must know. */
#define NOTE_STRING(type, text) \
    ".long 4, 2f - 1f, " #type "\n.asciz \"Xen\"\n" \
    "1: .asciz \"" text "\"\n2: .align 4\n"
#define NOTE_QUAD(type, value) \
    ".long 4, 8, " #type "\n.asciz \"Xen\"\n.quad " value "\n.align 4\n"

__asm__(".pushsection .note.Xen, \"a\", @note\n.align 4\n"
        NOTE_STRING(6, "zazen-test")            /* GUEST_OS */
        NOTE_STRING(5, "xen-3.0")               /* XEN_VERSION */
        NOTE_STRING(8, "generic")               /* LOADER */
        NOTE_STRING(9, "yes")                   /* PAE_MODE */
        NOTE_STRING(10, "!writable_page_tables|pae_pgdir_above_4gb")
        NOTE_QUAD(3, BASE)                      /* VIRT_BASE */
        NOTE_QUAD(4, BASE)                      /* PADDR_OFFSET */
        NOTE_QUAD(1, "_start")                  /* ENTRY */
        NOTE_QUAD(2, "hypercall_page")          /* HYPERCALL_PAGE */
        ".popsection\n");

__asm__(".pushsection .text\n.globl _start\n_start:\n"
        "cld\nmov $stack_end, %rsp\nmov %rsi, %rdi\ncall main\nud2\n"
        ".align 4096\n.globl hypercall_page\nhypercall_page: .skip 4096\n"
        ".popsection\n"
        ".pushsection .bss\n.align 4096\n.skip 8192\nstack_end:\n"
        ".globl page_console\npage_console: .skip 4096\n"
        ".globl page_shared\npage_shared: .skip 4096\n.popsection\n");

extern char hypercall_page[], page_console[], page_shared[];

static long hypercall(unsigned int nr, unsigned long a, unsigned long b,
                      unsigned long c, unsigned long d, unsigned long e)
{
    register unsigned long r10 __asm__("r10") = d;
    register unsigned long r8 __asm__("r8") = e;
    long ret;

    __asm__ volatile("call *%[to]"
                     : "=a" (ret), "+D" (a), "+S" (b), "+d" (c), "+r" (r10),
                       "+r" (r8)
                     : [to] "a" (hypercall_page + nr * 32)
                     : "rcx", "r11", "memory");
    return ret;
}

static void shut_down(unsigned int reason)
{
    struct sched_shutdown arg = { .reason = reason };

    hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (unsigned long)&arg,
              0, 0, 0);
}

/* Map a machine frame of ours at one of our own pages. */
static void map_frame(char *va, unsigned long maddr)
{
    hypercall(__HYPERVISOR_update_va_mapping, (unsigned long)va,
              (maddr & ~0xfffUL) | 7, UVMF_INVLPG, 0, 0);
}

static void say(const struct start_info *si, const char *text)
{
    struct xencons_interface *ring = (void *)page_console;
    struct evtchn_send { uint32_t port; } send = {
        .port = si->console.domU.evtchn
    };
    uint32_t prod = ring->out_prod;

    while (*text)
        ring->out[prod++ % sizeof(ring->out)] = *text++;
    __atomic_store_n(&ring->out_prod, prod, __ATOMIC_RELEASE);
    hypercall(__HYPERVISOR_event_channel_op, 4, (unsigned long)&send, 0, 0, 0);
}

/* The value after WORD= or, without one, 1; 0 if the word is not there. */
static unsigned long option(const struct start_info *si, const char *word)
{
    const char *p = (const char *)si->cmd_line;

    while (*p) {
        const char *w = word;

        while (*w && *p == *w)
            p++, w++;
        if (!*w && *p == '=') {
            unsigned long n = 0;

            while (*++p >= '0' && *p <= '9')
                n = n * 10 + *p - '0';
            return n;
        }
        if (!*w && (!*p || *p == ' '))
            return 1;
        while (*p && *p != ' ')
            p++;
        while (*p == ' ')
            p++;
    }
    return 0;
}

static uint64_t random_word(void)
{
    static uint64_t state = 88172645463325252ull;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static unsigned long random_argument(void)
{
    static const unsigned long odd[] = {
        0, 1, ~0UL, 0x7ff0, 0x7fffffff, 0x80000000, 0xffff800000000000,
        0xffff820000200000, 0xffff830000000000, 0x7fffffffffff,
        0x800000000000, 0xffffffffffffff00,
    };
    uint64_t r = random_word();

    switch (r % 4) {
    case 0:  return odd[(r >> 8) % (sizeof(odd) / sizeof(odd[0]))];
    case 1:  return (r >> 8) % 64;
    case 2:  return (unsigned long)page_shared + (r >> 8) % 8192;
    default: return random_word();
    }
}

static void random_calls(unsigned long n)
{
    while (n--) {
        unsigned long nr = random_word() % 64;

        unsigned long first = random_argument();

        /* Its own end or sleep would only stop the test. */
        if (nr == __HYPERVISOR_sched_op || nr == __HYPERVISOR_iret ||
            nr == __HYPERVISOR_sched_op_compat ||
            (nr == __HYPERVISOR_vcpu_op && (int)first == VCPUOP_down))
            continue;
        hypercall(nr, first, random_argument(), random_argument(),
                  random_argument(), random_argument());
    }
}

static void offer_port(const struct start_info *si)
{
    struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = 0 };
    char text[] = "zz-port .\r\n";

    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
              (unsigned long)&op, 0, 0, 0);
    text[8] = '0' + op.port;            /* of a few */
    say(si, text);
}

static void misbehave(const struct start_info *si)
{
    if (option(si, "ud2"))
        __asm__ volatile("ud2");
    if (option(si, "wild"))
        __asm__ volatile("jmp *%0" :: "r" (0xffff830000000000ul));
    if (option(si, "stack"))
        __asm__ volatile("mov $0x1000, %%rsp\npush %%rax" ::: "memory");
    if (option(si, "root")) {
        __asm__ volatile("mov %0, %%cr3" :: "r" (0x12345000ul) : "memory");
        __asm__ volatile("mov %%cr3, %%rax; hlt; ud2" ::: "rax");
    }
    if (option(si, "random")) {
        random_calls(option(si, "random"));
        say(si, "zz-random done\r\n");
    }
    if (option(si, "port"))
        offer_port(si);
}

void main(const struct start_info *si);

void main(const struct start_info *si)
{
    struct shared_info *shared = (void *)page_shared;

    map_frame(page_console, si->console.domU.mfn << 12);
    map_frame(page_shared, si->shared_info);
    for (unsigned int i = 0; i < 64; i++)
        shared->evtchn_mask[i] = ~0UL;
    /* What the tools sent before would be delivered to a handler of none. */
    shared->vcpu_info[0].evtchn_upcall_pending = 0;
    say(si, "zz-ready tiny\r\n");
    misbehave(si);
    if (option(si, "poweroff"))
        shut_down(SHUTDOWN_poweroff);
    if (option(si, "reboot"))
        shut_down(SHUTDOWN_reboot);
    if (option(si, "crash"))
        shut_down(SHUTDOWN_crash);
    while (option(si, "spin"))
        for (volatile unsigned int i = 0; i < 1000000; i++)
            ;
    for (;;)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0, 0);
}
