/*
 * The NMI of a vcpu: it reaches the handler whether events are masked or not,
 * the next one waits for the handler's iret, and one that nobody would take is
 * refused.
 */
#include "guest.h"

#define VEC_NMI 2

static unsigned int taken, depth, deepest, again;
static unsigned int mask_inside;

static long send(unsigned long vcpu)
{
    return HC(vcpu_op, (unsigned long)VCPUOP_send_nmi, vcpu);
}

static long callback(unsigned long cmd, void (*entry)(void))
{
    struct callback_register r = {
        .type = CALLBACKTYPE_nmi, .address = (unsigned long)entry,
    };

    return HC(callback_op, cmd, &r);
}

/* `again` times it sends one to itself, and makes another hypercall. */
static bool take(struct frame *f)
{
    if (f->vector != VEC_NMI)
        return false;
    taken++;
    depth++;
    deepest = depth > deepest ? depth : deepest;
    mask_inside = shared_info->vcpu_info[0].evtchn_upcall_mask;
    if (again) {
        again--;
        check_eq(send(0), 0, "sent from inside of one");
        HC(xen_version, (unsigned long)XENVER_version);
    }
    depth--;
    return true;
}

static void reset(unsigned int times)
{
    taken = depth = deepest = 0;
    again = times;
    on_trap = take;
}

static void test_delivery(uint8_t mask)
{
    volatile uint8_t *now = &shared_info->vcpu_info[0].evtchn_upcall_mask;

    reset(0);
    *now = mask;
    check_eq(send(0), 0, mask ? "with events masked" : "with events open");
    check_eq(taken, 1, "it is taken on the way out of the hypercall");
    check_eq(last_trap.cs & 3, 0, "its frame says kernel");
    check_eq(mask_inside, 1, "events are masked inside");
    check_eq(*now, mask, "and after it as before");
    HC(xen_version, (unsigned long)XENVER_version);
    check_eq(taken, 1, "it comes once");
    *now = 1;
}

static void test_masking(void)
{
    reset(2);
    check_eq(send(0), 0, "one that sends another, that sends a third");
    check_eq(taken, 3, "all are taken");
    check_eq(deepest, 1, "each after the iret of the one before");
}

static void test_tool(void)
{
    struct xen_domctl op = { .domain = 0 };

    reset(0);
    check_eq(domctl(&op, XEN_DOMCTL_sendtrigger), 0, "sent by a tool");
    check_eq(taken, 1, "it is taken");
}

static void test_callback(void)
{
    extern const unsigned long trap_entries[33];

    reset(0);
    check_eq(callback(CALLBACKOP_unregister, NULL), 0, "no handler any more");
    check_eq(send(0), -XEN_EINVAL, "then it is refused");
    check_eq(taken, 0, "and not taken");
    check_eq(callback(CALLBACKOP_register, (void (*)(void))(1UL << 62)),
             -XEN_EINVAL, "a handler that is not canonical");
    check_eq(callback(CALLBACKOP_register,
                      (void (*)(void))trap_entries[VEC_NMI]), 0,
             "a handler again, as a callback");
    check_eq(taken, 0, "the one refused is gone");
    check_eq(send(0), 0, "the next one");
    check_eq(taken, 1, "is taken there");
}

static void test_refusals(void)
{
    struct xen_domctl op = { .u.sendtrigger = { .vcpu = 0 } };
    static struct vcpu_guest_context c;
    unsigned long root = make_domain(&op.domain);
    domid_t id = op.domain;

    check_eq(send(2), -XEN_ENOENT, "a vcpu that is not there");
    check_eq(HC(vcpu_op, (unsigned long)VCPUOP_send_nmi, 0UL, &op),
             -XEN_EINVAL, "an argument");
    check_eq(send(1), -XEN_EINVAL, "a vcpu that has not said where");
    check_eq(domctl(&op, XEN_DOMCTL_sendtrigger), -XEN_EINVAL,
             "so has the vcpu of a new domain");
    op.u.sendtrigger.vcpu = 1;
    check_eq(domctl(&op, XEN_DOMCTL_sendtrigger), -XEN_ESRCH,
             "it has no second vcpu");
    op.u.sendtrigger = (struct xen_domctl_sendtrigger){
        .trigger = XEN_DOMCTL_SENDTRIGGER_POWER };
    check_eq(domctl(&op, XEN_DOMCTL_sendtrigger), -XEN_ENOSYS,
             "nor a power button");

    c.flags = VGCF_in_kernel;
    c.ctrlreg[3] = root;
    c.trap_ctxt[VEC_NMI].address = 0x1000;
    op = (struct xen_domctl){ .domain = id,
                              .u.vcpucontext.ctxt.p = &c };
    check_eq(domctl(&op, XEN_DOMCTL_setvcpucontext), 0, "with a handler");
    op = (struct xen_domctl){ .domain = id };
    check_eq(domctl(&op, XEN_DOMCTL_sendtrigger), 0, "one waits for it");
    check_eq(domctl(&op, XEN_DOMCTL_sendtrigger), 0, "and for a second");
    op = (struct xen_domctl){ .domain = id };
    check_eq(domctl(&op, XEN_DOMCTL_destroydomain), 0, "the domain ends");
}

void test_main(void)
{
    test_delivery(1);
    test_delivery(0);
    test_masking();
    test_tool();
    test_callback();
    test_refusals();
}
