/*
 * Descriptor tables, and how a CPU gets from a guest to us.
 */
#include "lib/env.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/pagetable.h"
#include "pv/entry.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/percpu.h"

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint16_t reserved2[5];
    uint16_t iomap;
} __packed;
_Static_assert(sizeof(struct tss) == 104, "SDM 3A, 8.7");

struct gate {
    uint16_t offset0, selector;
    uint8_t ist, type;
    uint16_t offset1;
    uint32_t offset2, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "SDM 3A, 6.14.1");

struct table_ptr {
    uint16_t limit;
    unsigned long base;
} __packed;

enum { IST_NONE, IST_DF, IST_NMI, IST_MC, IST_DB };

/* Pages of an entry block. */
#define TSS_OFFSET     0x1000UL
#define STUBS_OFFSET   0x2000UL
#define IDT_OFFSET     0x3000UL
#define GDT_OFFSET     0x4000UL

#define GDT_RESERVED   0xe000UL
#define GDT_LIMIT      0xefff
#define HV_LDT         0xe050
#define STUB_SIZE      128

mfn_t desc_shared_mfn;
static mfn_t idt_mfn;

static const uint64_t reserved_descs[] = {
    [(HV_CS - GDT_RESERVED) / 8] = 0x00af9b000000ffffULL,
    [(HV_DS - GDT_RESERVED) / 8] = 0x00cf93000000ffffULL,
    [(GUEST_CS32 - GDT_RESERVED) / 8] = 0x00cffb000000ffffULL,
    [(GUEST_SS - GDT_RESERVED) / 8] = 0x00cff3000000ffffULL,
    [(GUEST_CS64 - GDT_RESERVED) / 8] = 0x00affb000000ffffULL,
};

static unsigned long entry_block(unsigned int cpu)
{
    return ENTRY_AREA_START + cpu * ENTRY_BLOCK_SIZE;
}

static void gate_set(struct gate *g, unsigned long target, unsigned int ist,
                     unsigned int dpl)
{
    g->offset0 = target;
    g->offset1 = target >> 16;
    g->offset2 = target >> 32;
    g->selector = HV_CS;
    g->ist = ist;
    g->type = 0x8e | (dpl << 5);
    g->reserved = 0;
}

/* The entries of entry.S, on the boot loader's code segment and whatever stack
 * is in use. */
void desc_load_early(void)
{
    static struct gate idt[VEC_FIRST_DEVICE];
    struct table_ptr p = { sizeof(idt) - 1, (unsigned long)idt };
    unsigned int n;

    for (n = 0; n < ARRAY_SIZE(idt); n++) {
        gate_set(&idt[n], (unsigned long)entry_stubs + n * ENTRY_STUB_SIZE,
                 IST_NONE, 0);
        __asm__("mov %%cs, %0" : "=r" (idt[n].selector));
    }
    __asm__ volatile("lidt %0" :: "m" (p));
}

/* One IDT serves every CPU: the tables differ only in the TSS. */
static int idt_build(void)
{
    static const uint8_t ist[VEC_FIRST_DEVICE] = {
        [VEC_DF] = IST_DF, [VEC_NMI] = IST_NMI,
        [VEC_MC] = IST_MC, [VEC_DB] = IST_DB,
    };
    const char *stubs = cpu_features.isolate ? entry_stubs_iso : entry_stubs;
    struct gate *idt = hv_page_alloc();
    unsigned int n;

    if (!idt)
        return -ENOMEM;
    for (n = 0; n < 256; n++)
        gate_set(&idt[n], (unsigned long)stubs +
                 n * ENTRY_STUB_SIZE,
                 n < VEC_FIRST_DEVICE ? ist[n] : IST_NONE,
                 n == VEC_BP || n == VEC_OF || n == VEC_INT80 ? 3 : 0);
    idt_mfn = virt_to_mfn(idt);
    return 0;
}

static void tss_build(struct tss *t, unsigned int cpu)
{
    struct entry_page *e = (void *)entry_block(cpu);
    unsigned long block = (unsigned long)percpu_of[cpu] & ~(PERCPU_SIZE - 1);
    bool iso = cpu_features.isolate;

    t->rsp[0] = iso ? (unsigned long)&e->stack[ARRAY_SIZE(e->stack)]
                    : e->stack_top;
    t->ist[IST_DF - 1] = iso ? (unsigned long)&e->df_stack[32]
                             : block + 0x800;
    t->ist[IST_DB - 1] = iso ? (unsigned long)&e->db_stack[32]
                             : block + 0x1000;
    t->ist[IST_NMI - 1] = iso ? (unsigned long)&e->nmi_stack[32]
                              : block + 0x2000;
    t->ist[IST_MC - 1] = iso ? (unsigned long)&e->mc_stack[32]
                             : block + 0x3000;
    t->iomap = sizeof(*t);
}

/* Bytes of a system-call entry under construction. */
struct stub {
    uint8_t *at;             /* where to write */
    unsigned long va;        /* where it runs */
};

static void emit(struct stub *s, const void *bytes, unsigned int n)
{
    memcpy(s->at, bytes, n);
    s->at += n;
    s->va += n;
}

static void emit_op64(struct stub *s, unsigned int op, const void *operand)
{
    uint8_t b[2] = { 0x48, op };

    emit(s, b, 2);
    emit(s, &operand, 8);
}

#define OP_STORE_RAX   0xa3          /* mov %rax, (absolute) */
#define OP_LOAD_RAX    0xa1
#define OP_SET_RSP     0xbc

/*
 * SYSCALL leaves %rsp alone, and nothing but addresses tells the CPUs apart.
 * So each has its own piece of code: onto the main stack (with isolation, on
 * the full root first), SS and RSP pushed, then on to the common target.
 */
static void stub_build(struct stub s, struct entry_page *e, const void *target)
{
    static const uint8_t rsp_to_rax[] = { 0x48, 0x89, 0xe0 };
    static const uint8_t rax_to_cr3[] = { 0x0f, 0x22, 0xd8 };
    static const uint8_t push_ss_rax[] = { 0x68, GUEST_SS & 0xff,
                                           GUEST_SS >> 8, 0, 0, 0x50 };
    uint8_t jmp[5] = { 0xe9 };
    int32_t rel;

    emit_op64(&s, OP_STORE_RAX, &e->scratch[0]);
    emit(&s, rsp_to_rax, sizeof(rsp_to_rax));
    if (cpu_features.isolate) {
        emit_op64(&s, OP_STORE_RAX, &e->scratch[1]);
        emit_op64(&s, OP_LOAD_RAX, &e->full_cr3);
        emit(&s, rax_to_cr3, sizeof(rax_to_cr3));
        emit_op64(&s, OP_LOAD_RAX, &e->scratch[1]);
    }
    emit_op64(&s, OP_SET_RSP, (void *)e->stack_top);
    emit(&s, push_ss_rax, sizeof(push_ss_rax));
    emit_op64(&s, OP_LOAD_RAX, &e->scratch[0]);
    rel = (unsigned long)target - (s.va + sizeof(jmp));
    memcpy(jmp + 1, &rel, 4);
    emit(&s, jmp, sizeof(jmp));
}

static int map_entry(unsigned int cpu, unsigned long offset, mfn_t mfn,
                     uint64_t flags, bool in_guest_root)
{
    unsigned long va = entry_block(cpu) + offset;
    int rc = hv_map(va, mfn, flags);

    if (!rc && cpu_features.isolate && in_guest_root)
        rc = isolate_cpu_map(cpu, va, mfn, flags);
    return rc;
}

static int desc_prepare_shared(void)
{
    void *page;

    if (desc_shared_mfn)
        return 0;
    page = hv_page_alloc();
    if (!page)
        return -ENOMEM;
    memcpy(page, reserved_descs, sizeof(reserved_descs));
    desc_shared_mfn = virt_to_mfn(page);
    return idt_build();
}

static void gdt_build(uint64_t *gdt, unsigned int cpu)
{
    unsigned long tss = entry_block(cpu) + TSS_OFFSET;
    unsigned int n = (HV_TSS - GDT_RESERVED) / 8;

    memcpy(gdt, reserved_descs, sizeof(reserved_descs));
    gdt[n] = 0x0000890000000067ULL | ((tss & 0xffffff) << 16) |
             ((tss & 0xff000000UL) << 32);
    gdt[n + 1] = tss >> 32;
}

int desc_prepare_cpu(unsigned int cpu)
{
    unsigned long base = entry_block(cpu);
    uint8_t *tss = hv_page_alloc(), *stubs = hv_page_alloc();
    uint64_t *gdt = hv_page_alloc();
    void *entry = hv_page_alloc();
    struct entry_page *e = (void *)base;
    int rc = -ENOMEM;

    if (!tss || !stubs || !gdt || !entry || desc_prepare_shared())
        goto fail;
    rc = cpu_features.isolate ? isolate_cpu_init(cpu) : 0;
    if (rc)
        goto fail;
    rc = map_entry(cpu, 0, virt_to_mfn(entry),
                   PTE_PRESENT | PTE_RW | PTE_NX, true);
    if (!rc)
        rc = map_entry(cpu, TSS_OFFSET, virt_to_mfn(tss),
                       PTE_PRESENT | PTE_NX, true);
    if (!rc)
        rc = map_entry(cpu, STUBS_OFFSET, virt_to_mfn(stubs), PTE_PRESENT,
                       true);
    if (!rc)
        rc = map_entry(cpu, IDT_OFFSET, idt_mfn, PTE_PRESENT | PTE_NX, true);
    if (!rc)
        rc = map_entry(cpu, GDT_OFFSET, virt_to_mfn(gdt),
                       PTE_PRESENT | PTE_RW | PTE_NX, false);
    if (rc)
        goto fail;

    percpu_of[cpu]->entry = e;
    percpu_of[cpu]->isolated = cpu_features.isolate;
    e->full_cr3 = e->exit_cr3 = idle_root << PAGE_SHIFT;
    e->stack_top = (unsigned long)percpu_of[cpu] -
                   (sizeof(struct cpu_user_regs) -
                    offsetof(struct cpu_user_regs, es));
    gdt_build(gdt, cpu);
    tss_build((struct tss *)tss, cpu);
    stub_build((struct stub){ stubs, base + STUBS_OFFSET }, e, entry_syscall);
    stub_build((struct stub){ stubs + STUB_SIZE,
                              base + STUBS_OFFSET + STUB_SIZE },
               e, entry_syscall32);
    return 0;

 fail:
    hv_page_free(tss);
    hv_page_free(stubs);
    hv_page_free(gdt);
    hv_page_free(entry);
    return rc;
}

static void load_gdt(unsigned long base)
{
    struct table_ptr p = { GDT_LIMIT, base };

    __asm__ volatile("lgdt %0" :: "m" (p));
}

void desc_load_own(void)
{
    load_gdt(entry_block(smp_processor_id()) + GDT_OFFSET - GDT_RESERVED);
}

void desc_load_window(unsigned int id)
{
    load_gdt(GDT_VADDR(id));
}

/* LLDT reads its descriptor once, from this CPU's own GDT. */
void desc_load_ldt(struct vcpu *v)
{
    unsigned int nr_entries = v->pv.ldt_ents;
    uint64_t *gdt = (void *)(entry_block(smp_processor_id()) + GDT_OFFSET);
    unsigned long base = LDT_VADDR(v->id), limit = nr_entries * 8 - 1;
    unsigned int n = (HV_LDT - GDT_RESERVED) / 8;
    uint16_t selector = 0;

    if (nr_entries) {
        gdt[n] = 0x0000820000000000ULL | (limit & 0xffff) |
                 ((limit & 0xf0000) << 32) | ((base & 0xffffff) << 16) |
                 ((base & 0xff000000UL) << 32);
        gdt[n + 1] = base >> 32;
        selector = HV_LDT;
        desc_load_own();
    }
    __asm__ volatile("lldt %w0" :: "r" (selector));
    if (nr_entries)
        desc_load_window(v->id);
}

void desc_load_cpu(void)
{
    unsigned int cpu = smp_processor_id();
    unsigned long base = entry_block(cpu);
    struct table_ptr idt = { 0xfff, base + IDT_OFFSET };
    uint16_t null = 0, tss = HV_TSS;

    desc_load_own();
    __asm__ volatile("pushq %0\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\tmovl %1, %%ss"
                     :: "i" (HV_CS), "r" (0) : "rax", "memory");
    __asm__ volatile("movl %0, %%ds; movl %0, %%es; movl %0, %%fs;"
                     "movl %0, %%gs" :: "r" ((uint32_t)null));
    __asm__ volatile("lidt %0" :: "m" (idt));
    __asm__ volatile("ltr %w0" :: "r" (tss));
    __asm__ volatile("lldt %w0" :: "r" (null));

    wrmsr(MSR_STAR, STAR_VALUE);
    wrmsr(MSR_LSTAR, base + STUBS_OFFSET);
    wrmsr(MSR_CSTAR, base + STUBS_OFFSET + STUB_SIZE);
    wrmsr(MSR_SFMASK, EFLAGS_IF | EFLAGS_TF | EFLAGS_DF | EFLAGS_NT |
                      EFLAGS_AC | EFLAGS_IOPL | EFLAGS_RF);
    if (cpu_features.sysenter) {
        struct entry_page *e = (void *)base;
        bool iso = cpu_features.isolate;

        wrmsr(MSR_SYSENTER_CS, HV_CS & ~3);
        wrmsr(MSR_SYSENTER_ESP,
              iso ? (unsigned long)&e->stack[ARRAY_SIZE(e->stack)]
                  : e->stack_top);
        wrmsr(MSR_SYSENTER_EIP,
              (unsigned long)(iso ? entry_sysenter_iso : entry_sysenter));
    }
}
