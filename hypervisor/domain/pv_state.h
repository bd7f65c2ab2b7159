/*
 * The PV part of a vcpu and of a domain: state that pv/ keeps.
 */
#ifndef DOMAIN_PV_STATE_H
#define DOMAIN_PV_STATE_H

#include "lib/abi.h"

struct page_info;

#define GUEST_GDT_PAGES  14
#define LDT_PAGES        16

/* Where the guest's kernel is entered for an event of its own, and whether
 * that masks events.  entry 0: it has not said. */
struct pv_callback {
    unsigned long entry;
    bool mask;
};

/* (o) the vcpu itself, or whoever has stopped it */
struct pv_vcpu {
    struct trap_info traps[256];             /* (o) */
    struct pv_callback callback[CALLBACKTYPE_syscall32 + 1];
    bool kernel_mode;                        /* (o) which root is loaded */
    unsigned long kernel_ss, kernel_sp;      /* (o) stack_switch */
    unsigned long ctrlreg[8];                /* (o) CR0, CR4 as guest sees */
    unsigned long debugreg[8];
    unsigned long fs_base, gs_base[2];      /* kernel's, user's */
    unsigned int iopl;
    mfn_t gdt_mfn[GUEST_GDT_PAGES];          /* (o) use of PGT_SEG_DESC each */
    unsigned int gdt_ents;
    unsigned long ldt_base;
    unsigned int ldt_ents;
    uint16_t ldt_mapped;                     /* bit per page of the window */
    uint32_t pci_address;                    /* port 0xcf8 */
    unsigned int loaded_cpu;                 /* CPU that loaded it last */
    uint64_t xcr0;
    bool nmi_pending;                        /* (a) */
    bool nmi_masked;                         /* (o) until its next iret */
};

struct pv_domain {
    unsigned long vm_assist;                 /* (a) bits VMASST_TYPE_* */
    struct cpu_policy *policy;               /* CPUID; NULL: the host's */
};

#endif
