/*
 * User mode: its own root, system calls by SYSCALL, INT 0x80 and SYSENTER,
 * from 64-bit and 32-bit code; faults say "user"; nothing of the kernel's
 * page tables is reachable there.
 */
#include "guest.h"

#define USER_CODE  0x400000UL
#define USER_STACK 0x500000UL
#define USER_CS    0xe033
#define USER_CS32  0xe023
#define USER_SS    0xe02b

extern unsigned long try_sp;

static struct frame back;                /* how user mode came back */

static bool return_here(struct frame *f)
{
    if ((f->cs & 3) != 3 && f->vector != VEC_SYSCALL &&
        f->vector != VEC_SYSENTER)
        return false;
    back = *f;
    f->rip = (unsigned long)try_fail;
    f->cs = FLAT_KERNEL_CS & ~3;
    f->rsp = try_sp;
    f->ss = FLAT_KERNEL_SS & ~3;
    f->rflags = 0x202;
    return true;
}

struct entry {
    unsigned long rip, cs, rflags;
};

static void enter(void *arg)
{
    const struct entry *e = arg;

    __asm__ volatile("push %0; push %1; push %2; push %3; push %4;"
                     "push $0; push $0x77; push $0x66; push $0x55;"
                     "mov $23, %%eax; syscall"
                     :: "r" ((unsigned long)USER_SS),
                        "r" (USER_STACK + 4096), "r" (e->rflags),
                        "r" (e->cs), "r" (e->rip) : "memory", "rax");
}

/* Run code in user mode until it comes back; what as. */
static void run(const void *code, size_t n, unsigned long cs,
                unsigned char *page)
{
    struct entry e = { USER_CODE, cs, 0x202 };
    const unsigned char *from = code;
    size_t i;

    for (i = 0; i < n; i++)
        page[i] = from[i];
    back.vector = 0xdead;
    on_trap = return_here;
    try_call(enter, &e);
    on_trap = NULL;
}

#define RUN(cs, ...) do {                                        \
        static const unsigned char code[] = { __VA_ARGS__ };     \
        run(code, sizeof(code), cs, page);                       \
    } while (0)

/* A selector of the LDT, whose page no CPU has looked at yet. */
static void test_ldt(unsigned char *page)
{
    uint64_t *ldt = page_alloc();
    struct mmuext_op op = {
        .cmd = MMUEXT_SET_LDT, .arg1.linear_addr = (unsigned long)ldt,
        .arg2.nr_ents = 1,
    };

    ldt[0] = 0x00cff3000000ffff;         /* data */
    remap(ldt, KERNEL_RO);
    check_eq(HC(mmuext_op, &op, 1UL, 0UL, (unsigned long)DOMID_SELF), 0,
             "an LDT");
    check_eq(HC(set_segment_base, (unsigned long)SEGBASE_GS_USER_SEL, 7UL), 0,
             "its data segment as the user's GS");
    RUN(USER_CS, 0x31, 0xc0, 0x8c, 0xe8, 0x0f, 0x05);
    check_eq(back.rax & 0xff, 7, "is in GS");
    HC(set_segment_base, (unsigned long)SEGBASE_GS_USER_SEL, 0UL);
    op.arg2.nr_ents = 0;
    HC(mmuext_op, &op, 1UL, 0UL, (unsigned long)DOMID_SELF);
    check_eq(remap(ldt, KERNEL), 0, "without the LDT it is an ordinary page");
}

void test_main(void)
{
    unsigned char *page = page_alloc(), *stack = page_alloc();
    uint64_t *root = page_alloc(), *boot = (uint64_t *)start_info->pt_base;
    struct mmuext_op op = { .cmd = MMUEXT_NEW_USER_BASEPTR };
    struct entry e = { USER_CODE, USER_CS, 0x202 };

    map_user(USER_CODE, page, USER);
    map_user(USER_STACK, stack, USER);
    root[0] = boot[0];
    remap(root, KERNEL_RO);
    check_eq(pin(MMUEXT_PIN_L4_TABLE, root), 0, "pin a user root");
    op.arg1.mfn = virt_to_mfn(root);
    check_eq(HC(mmuext_op, &op, 1UL, 0UL, (unsigned long)DOMID_SELF), 0,
             "take it");

    RUN(USER_CS, 0xb8, 1, 2, 0, 0, 0x0f, 0x05);
    check_eq(back.vector, VEC_SYSCALL, "syscall");
    check_eq(back.rax, 0x201, "its number");
    check_eq(back.rip, USER_CODE + 7, "the next instruction");
    check_eq(back.rsp, USER_STACK + 4096, "the user's stack");
    check_eq(back.cs & 3, 3, "from user mode");

    RUN(USER_CS, 0x90, 0xcd, 0x80);
    check_eq(back.vector, 0x80, "int 0x80");
    check_eq(back.rip, USER_CODE + 3, "comes from behind it");

    RUN(USER_CS32, 0xb8, 9, 0, 0, 0, 0xcd, 0x80);
    check_eq(back.vector, 0x80, "int 0x80 of a 32-bit program");
    check_eq(back.rax, 9, "its number");
    check_eq(back.cs, USER_CS32, "its code segment");

    RUN(USER_CS, 0xcd, 0x20);
    check_eq(back.vector, 13, "another int is #GP");
    check_eq(back.error, 0x20 * 8 + 2, "with the vector as error code");

    RUN(USER_CS, 0xcd, 0x0e);
    check_eq(back.vector, 13, "user mode cannot fake a page fault");

    RUN(USER_CS, 0xfa);
    check_eq(back.vector, 13, "cli is #GP");
    RUN(USER_CS, 0xe6, 0x80);
    check_eq(back.vector, 13, "so is out");
    RUN(USER_CS, 0x0f, 0x20, 0xc0);
    check_eq(back.vector, 13, "and reading CR0");

    RUN(USER_CS, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0x10, 0x80);
    check_eq(back.vector, 14, "the kernel's memory is not mapped");
    check_eq(back.error & 7, 4, "not present, read, user");
    check_eq(last_cr2, 0xffffffff80100000, "cr2");

    RUN(USER_CS, 0xcc);
    check_eq(back.vector, 3, "int3");
    RUN(USER_CS, 0x0f, 0x0b);
    check_eq(back.vector, 6, "ud2");

    test_ldt(page);

    e.cs = 0x7b;                         /* beyond the GDT */
    on_trap = NULL;
    check_eq(try_call(enter, &e), 1, "iret to a bad selector");
    check_eq(last_trap.vector, VEC_FAILSAFE, "calls the failsafe entry");
    check_eq(last_trap.cs, 0x7b, "with the frame that was refused");

    e.cs = USER_CS;
    e.rip = 0x8000000000001000;
    on_trap = return_here;
    check_eq(try_call(enter, &e), 1, "iret to a non-canonical rip comes back");
    on_trap = NULL;

    op.arg1.mfn = 0;
    check_eq(HC(mmuext_op, &op, 1UL, 0UL, (unsigned long)DOMID_SELF), 0,
             "give the user root up");
    check_eq(pin(MMUEXT_UNPIN_TABLE, root), 0, "unpin it");
    check_eq(remap(root, KERNEL), 0, "it is an ordinary page");
}
