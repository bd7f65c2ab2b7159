/*
 * Descriptor tables, and how a CPU gets from a guest to us.
 */
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/frame_table.h"
#include "mm/pagetable.h"
#include "pv/entry.h"
#include "pv/pv.h"

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

#define IDT_OFFSET     PAGE_SIZE     /* in an entry block */
#define GDT_RESERVED   0xe000UL
#define HV_LDT         0xe050

mfn_t desc_shared_mfn;
static mfn_t idt_mfn;

static const uint64_t reserved_descs[] = {
    [(HV_CS - GDT_RESERVED) / 8] = 0x00af9b000000ffffULL,
    [(HV_DS - GDT_RESERVED) / 8] = 0x00cf93000000ffffULL,
    [(GUEST_CS32 - GDT_RESERVED) / 8] = 0x00cffb000000ffffULL,
    [(GUEST_SS - GDT_RESERVED) / 8] = 0x00cff3000000ffffULL,
    [(GUEST_CS64 - GDT_RESERVED) / 8] = 0x00affb000000ffffULL,
};

static struct entry_page *entry_page(unsigned int cpu)
{
    return (struct entry_page *)(ENTRY_AREA_START + cpu * ENTRY_BLOCK_SIZE);
}

/* Where ring 3 arrives. */
static unsigned long arrival_stack(const struct entry_page *e)
{
    return cpu_features.isolate ? (unsigned long)(e + 1) : e->stack_top;
}

static int map_entry(unsigned int cpu, unsigned long offset, mfn_t mfn,
                     uint64_t flags)
{
    unsigned long va = (unsigned long)entry_page(cpu) + offset;
    int rc = hv_map(va, mfn, flags);

    if (!rc && cpu_features.isolate)
        rc = isolate_cpu_map(cpu, va, mfn, flags);
    return rc;
}

static struct gate gate(const char *stubs, unsigned int n, uint16_t cs)
{
    unsigned long at = (unsigned long)stubs + n * ENTRY_STUB_SIZE;
    bool user = n == VEC_BP || n == VEC_OF || n == VEC_INT80;

    return (struct gate){
        .offset0 = at, .offset1 = at >> 16, .offset2 = at >> 32,
        .selector = cs, .type = user ? 0xee : 0x8e,
    };
}

/* The entries of entry.S, on the boot loader's code segment and whatever stack
 * is in use. */
void desc_load_early(void)
{
    static struct gate idt[VEC_FIRST_DEVICE];
    struct table_ptr p = { sizeof(idt) - 1, (unsigned long)idt };
    uint16_t cs;

    __asm__("mov %%cs, %0" : "=r" (cs));
    for (unsigned int n = 0; n < ARRAY_SIZE(idt); n++)
        idt[n] = gate(entry_stubs, n, cs);
    __asm__ volatile("lidt %0" :: "m" (p));
}

/* One IDT and one page of descriptors serve every CPU: the tables differ only
 * in the TSS. */
static int prepare_shared(void)
{
    const char *stubs = cpu_features.isolate ? entry_stubs_iso : entry_stubs;
    void *descs = hv_page_alloc();
    struct gate *idt = hv_page_alloc();

    if (!descs || !idt)
        return -ENOMEM;
    memcpy(descs, reserved_descs, sizeof(reserved_descs));
    for (unsigned int n = 0; n < 256; n++)
        idt[n] = gate(stubs, n, HV_CS);
    idt[VEC_DF].ist = IST_DF;
    idt[VEC_NMI].ist = IST_NMI;
    idt[VEC_MC].ist = IST_MC;
    idt[VEC_DB].ist = IST_DB;
    desc_shared_mfn = virt_to_mfn(descs);
    idt_mfn = virt_to_mfn(idt);
    return 0;
}

/* Base and limit in a descriptor of two words. */
static void set_system_desc(uint64_t *d, uint64_t type, unsigned long base,
                            unsigned long limit)
{
    d[0] = type | (limit & 0xffff) | (limit & 0xf0000) << 32 |
           (base & 0xffffff) << 16 | (base & 0xff000000) << 32;
    d[1] = base >> 32;
}

static void tables_build(struct entry_page *e)
{
    memcpy(e->gdt, reserved_descs, sizeof(reserved_descs));
    set_system_desc(&e->gdt[(HV_TSS - GDT_RESERVED) / 8], 0x0000890000000000,
                    (unsigned long)&e->tss, sizeof(e->tss) - 1);
    e->tss.rsp[0] = arrival_stack(e);
    for (unsigned int n = IST_DF; n <= IST_DB; n++)
        e->tss.ist[n - 1] = (unsigned long)e->ist_stack[n];
    e->tss.iomap = sizeof(e->tss);
}

int desc_prepare_cpu(unsigned int cpu)
{
    struct entry_page *e = entry_page(cpu);
    void *page = hv_page_alloc();
    int rc = page ? 0 : -ENOMEM;

    if (!rc && !desc_shared_mfn)
        rc = prepare_shared();
    if (!rc && cpu_features.isolate)
        rc = isolate_cpu_init(cpu);
    if (!rc)
        rc = map_entry(cpu, 0, virt_to_mfn(page),
                       PTE_PRESENT | PTE_RW | PTE_NX);
    if (!rc)
        rc = map_entry(cpu, IDT_OFFSET, idt_mfn, PTE_PRESENT | PTE_NX);
    if (rc) {
        hv_page_free(page);
        return rc;
    }
    percpu_of[cpu]->entry = e;
    percpu_of[cpu]->isolated = cpu_features.isolate;
    e->full_cr3 = e->exit_cr3 = idle_root << PAGE_SHIFT;
    e->stack_top = (unsigned long)percpu_of[cpu] -
                   (sizeof(struct cpu_user_regs) -
                    offsetof(struct cpu_user_regs, es));
    tables_build(e);
    return 0;
}

static void load_gdt(unsigned long base, unsigned int limit)
{
    struct table_ptr p = { limit, base };

    __asm__ volatile("lgdt %0" :: "m" (p));
}

void desc_load_own(void)
{
    const uint64_t *gdt = this_percpu()->entry->gdt;

    load_gdt((unsigned long)gdt - GDT_RESERVED,
             GDT_RESERVED + sizeof(this_percpu()->entry->gdt) - 1);
}

void desc_load_window(unsigned int id)
{
    load_gdt(GDT_VADDR(id), GDT_RESERVED + PAGE_SIZE - 1);
}

/* LLDT reads its descriptor once, from this CPU's own GDT. */
void desc_load_ldt(struct vcpu *v)
{
    uint64_t *gdt = this_percpu()->entry->gdt;
    unsigned int nr = v->pv.ldt_ents;

    if (!nr) {
        __asm__ volatile("lldt %w0" :: "r" (0));
        return;
    }
    set_system_desc(&gdt[(HV_LDT - GDT_RESERVED) / 8], 0x0000820000000000,
                    LDT_VADDR(v->id), nr * 8 - 1);
    desc_load_own();
    __asm__ volatile("lldt %w0" :: "r" (HV_LDT));
    desc_load_window(v->id);
}

void desc_load_cpu(void)
{
    unsigned int cpu = smp_processor_id(), at = cpu * SYSCALL_STUB_SIZE;
    struct entry_page *e = entry_page(cpu);
    struct table_ptr idt = { 0xfff, (unsigned long)e + IDT_OFFSET };
    bool iso = cpu_features.isolate;

    desc_load_own();
    __asm__ volatile("pushq %0\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\tmovl %1, %%ss"
                     :: "i" (HV_CS), "r" (0) : "rax", "memory");
    __asm__ volatile("movl %0, %%ds; movl %0, %%es; movl %0, %%fs;"
                     "movl %0, %%gs" :: "r" (0));
    __asm__ volatile("lidt %0" :: "m" (idt));
    __asm__ volatile("ltr %w0" :: "r" (HV_TSS));
    __asm__ volatile("lldt %w0" :: "r" (0));

    wrmsr(MSR_STAR, STAR_VALUE);
    wrmsr(MSR_LSTAR,
          (unsigned long)(iso ? syscall_stubs_iso : syscall_stubs) + at);
    wrmsr(MSR_CSTAR,
          (unsigned long)(iso ? syscall32_stubs_iso : syscall32_stubs) + at);
    wrmsr(MSR_SFMASK, EFLAGS_IF | EFLAGS_TF | EFLAGS_DF | EFLAGS_NT |
                      EFLAGS_AC | EFLAGS_IOPL | EFLAGS_RF);
    if (cpu_features.sysenter) {
        wrmsr(MSR_SYSENTER_CS, HV_CS & ~3);
        wrmsr(MSR_SYSENTER_ESP, arrival_stack(e));
        wrmsr(MSR_SYSENTER_EIP,
              (unsigned long)(iso ? entry_sysenter_iso : entry_sysenter));
    }
}
