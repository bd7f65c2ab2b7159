/*
 * Three domains of two vcpus, the first one dom0, and what event/ asks of the
 * rest of the hypervisor.  For one test program each.
 */
#ifndef EVTCHN_RIG_H
#define EVTCHN_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "domain/domain.h"
#include "domain/guest_ops.h"
#include "event/private.h"
#include "mm/buddy.h"
#include "mm/page_type.h"
#include "x86/percpu.h"

#define DOMAINS 3
#define VCPUS   2

static struct domain dom[DOMAINS];
static struct vcpu vcpus[DOMAINS][VCPUS];
static struct vcpu_info infos[DOMAINS][VCPUS];
static struct shared_info shared[DOMAINS];
static unsigned int refs[DOMAINS], kicks, unblocks, yields;
struct domain *hardware_domain = &dom[0];

void *kzalloc(size_t size)
{
    return calloc(1, size);
}

void kfree(void *p)
{
    free(p);
}

void domain_get(struct domain *d)
{
    ++*d->refs;
}

void domain_put(struct domain *d)
{
    assert_int_equal(shim_locks_held(), 0);
    assert_true(--*d->refs > 0);
}

void vcpu_kick(struct vcpu *v)
{
    assert_true(v->info->evtchn_upcall_pending);
    kicks++;
}

void vcpu_unblock(struct vcpu *v, unsigned long flags)
{
    assert_int_equal(flags, VPF_POLL);
    v->domain->ev.pollers &= ~BIT(v->id);
    unblocks++;
}

bool hypercall_should_yield(void)
{
    return yields && yields-- > 0;
}

/* Frames of all guests; number 0 is nobody's. */
#define FRAMES 40
static _Alignas(4096) char frames[FRAMES][PAGE_SIZE];
static unsigned int held;

void *page_hold(mfn_t mfn, const struct domain *d)
{
    (void)d;
    assert_int_equal(shim_locks_held(), 0);
    if (!mfn || mfn >= FRAMES)
        return NULL;
    held++;
    return frames[mfn];
}

void page_unhold(const void *va)
{
    assert_int_equal(shim_locks_held(), 0);
    held -= !!va;
}

static mfn_t same_frame(const struct domain *d, gfn_t gfn)
{
    (void)d;
    return gfn;
}

static const struct guest_ops ops = { .gfn_to_mfn = same_frame };
const struct guest_ops *guest_ops = &ops;

bool pirq_close(struct domain *d, evtchn_port_t port)
{
    (void)d;
    (void)port;
    return false;
}

void pirq_follow(struct domain *d, unsigned int pirq, const struct vcpu *v)
{
    (void)d;
    (void)pirq;
    (void)v;
}

static int setup(void **state)
{
    (void)state;
    memset(dom, 0, sizeof(dom));
    memset(vcpus, 0, sizeof(vcpus));
    memset(infos, 0, sizeof(infos));
    memset(shared, 0, sizeof(shared));
    memset(frames, 0, sizeof(frames));
    kicks = unblocks = yields = 0;
    for (unsigned int i = 0; i < DOMAINS; i++) {
        struct domain *d = &dom[i];

        d->id = i;
        d->privileged = d->hardware = !i;
        d->refs = &refs[i];
        refs[i] = 1;
        d->shared = &shared[i];
        d->max_vcpus = VCPUS;
        spin_lock_init(&d->lock, LOCK_DOMAIN);
        for (unsigned int n = 0; n < VCPUS; n++) {
            d->vcpu[n] = &vcpus[i][n];
            d->vcpu[n]->domain = d;
            d->vcpu[n]->id = n;
            d->vcpu[n]->info = &infos[i][n];
        }
        assert_int_equal(evtchn_init(d, 1023), 0);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(shim_locks_held(), 0);
    for (unsigned int i = 0; i < DOMAINS; i++) {
        assert_int_equal(refs[i], 1);
        yields = 0;
        while (evtchn_reset(&dom[i]))
            ;
        evtchn_destroy(&dom[i]);
    }
    assert_int_equal(held, 0);
    return 0;
}

static evtchn_port_t unbound(unsigned int d, domid_t remote)
{
    evtchn_port_t port = 0;

    assert_int_equal(evtchn_alloc_unbound(&dom[d], remote, &port), 0);
    return port;
}

/* Connect a new port of a with a new one of b. */
static void connect(unsigned int a, unsigned int b, evtchn_port_t *pa,
                    evtchn_port_t *pb)
{
    *pb = unbound(b, a);
    assert_int_equal(evtchn_bind_interdomain(&dom[a], &dom[b], *pb, pa), 0);
}

#endif
