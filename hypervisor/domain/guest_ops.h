/*
 * What each kind of guest (today: PV) implements for the rest.
 */
#ifndef DOMAIN_GUEST_OPS_H
#define DOMAIN_GUEST_OPS_H

#include "lib/abi.h"
#include "x86/cpu.h"

struct domain;
struct vcpu;
struct vcpu_guest_context;

struct guest_ops {
    void (*domain_destroy)(struct domain *d);
    int (*vcpu_init)(struct vcpu *v);
    void (*vcpu_destroy)(struct vcpu *v);
    /* Give up roots, descriptor tables and callbacks of a dying domain's
     * vcpu, so that its frames lose their last uses.  -ERESTART. */
    int (*vcpu_relinquish)(struct vcpu *v);
    /* Check and store a whole context (VCPUOP_initialise, setvcpucontext);
     * -ERESTART: call again with the same; another error may leave it with the
     * new roots. */
    int (*set_context)(struct vcpu *v, const struct vcpu_guest_context *c);
    void (*get_context)(struct vcpu *v, struct vcpu_guest_context *c);
    /* The machine's frame behind a guest's; INVALID_MFN: none.  A PV guest's
     * frames are the machine's. */
    mfn_t (*gfn_to_mfn)(const struct domain *d, gfn_t gfn);
    /* Switch this CPU from prev to next and enter it.  Interrupts off. */
    void (*context_switch)(struct vcpu *prev, struct vcpu *next) __noreturn;
    /* CPUID as v sees it; v NULL: the most that any guest is offered. */
    struct cpuid_regs (*cpuid)(struct vcpu *v, uint32_t leaf, uint32_t sub);
    /* LDTR for the running vcpu: its ldt_base or ldt_ents changed. */
    void (*ldt_load)(struct vcpu *v);
    /* Registers and a backtrace of the guest to the console. */
    void (*show)(struct vcpu *v);
};

extern const struct guest_ops *guest_ops;   /* set by pv at boot */

#endif
