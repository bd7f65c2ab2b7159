/*
 * What a guest knows of time: the pages that tell it, its timers, and how
 * its vcpus' time was spent.
 */
#include "domain/domain.h"
#include "mm/guest_copy.h"
#include "x86/atomic.h"
#include "x86/io.h"
#include "x86/percpu.h"
#include "x86/tsc.h"

static uint64_t epoch_ns;            /* (a) Unix time at system time 0 */

/* A register of the CMOS clock (Motorola MC146818). */
static unsigned int rtc_read(unsigned int reg)
{
    outb(0x70, reg);
    return inb(0x71);
}

enum { RTC_SEC = 0, RTC_MIN = 2, RTC_HOUR = 4, RTC_DAY = 7, RTC_MONTH = 8,
       RTC_YEAR = 9, RTC_A = 10, RTC_B = 11 };
#define RTC_A_UPDATING 0x80
#define RTC_B_BINARY   0x04
#define RTC_B_24H      0x02
#define RTC_HOUR_PM    0x80

/* Days from 1970 to a date (Gregorian, month 1 to 12, year >= 2000). */
static uint64_t days_since_1970(unsigned int y, unsigned int m, unsigned int d)
{
    /* Count years from March, so that a leap day is the last. */
    y -= m < 3;
    m = m < 3 ? m + 9 : m - 3;
    return 365UL * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + d -
           719469;
}

void clock_init_boot(void)
{
    static const uint8_t regs[] = { RTC_SEC, RTC_MIN, RTC_HOUR, RTC_DAY,
                                    RTC_MONTH, RTC_YEAR };
    unsigned int v[ARRAY_SIZE(regs)], b = rtc_read(RTC_B), pm;
    unsigned int tries = 1000000;    /* an update takes 2 ms at most */

    while (--tries && rtc_read(RTC_A) & RTC_A_UPDATING)
        ;
    for (unsigned int i = 0; i < ARRAY_SIZE(regs); i++)
        v[i] = rtc_read(regs[i]);
    pm = v[2] & RTC_HOUR_PM;
    v[2] &= ~RTC_HOUR_PM;
    for (unsigned int i = 0; i < ARRAY_SIZE(v) && !(b & RTC_B_BINARY); i++)
        v[i] = (v[i] >> 4) * 10 + (v[i] & 15);
    if (!(b & RTC_B_24H))
        v[2] = v[2] % 12 + (pm ? 12 : 0);
    clock_set_wallclock(days_since_1970(2000 + v[5], v[4], v[3]) * 86400 +
                        v[2] * 3600 + v[1] * 60 + v[0], 0, system_time());
}

void clock_update_wallclock(struct domain *d)
{
    struct shared_info *s = d->shared;
    uint64_t base = READ_ONCE(epoch_ns), secs = base / NSEC_PER_SEC;
    uint32_t version = READ_ONCE(s->wc_version) | 1;

    WRITE_ONCE(s->wc_version, version);
    smp_wmb();                       /* the guest reads in reverse order */
    s->wc_sec = secs;
    s->wc_sec_hi = secs >> 32;
    s->wc_nsec = base % NSEC_PER_SEC;
    smp_wmb();
    WRITE_ONCE(s->wc_version, version + 1);
}

void clock_set_wallclock(uint64_t secs, uint32_t nsecs, s_time_t at)
{
    struct domain *d;

    WRITE_ONCE(epoch_ns, secs * NSEC_PER_SEC + nsecs - at);
    for (unsigned int id = 0; (d = domain_next(id)); domain_put(d)) {
        id = d->id + 1;
        spin_lock(&d->lock);
        clock_update_wallclock(d);
        spin_unlock(&d->lock);
    }
}

void clock_update_vcpu(struct vcpu *v)
{
    const struct time_scale *ts = time_scale_of(v->sched.cpu);
    struct vcpu_time_info *t = &v->info->time;
    uint8_t flags = tsc_stable ? XEN_PVCLOCK_TSC_STABLE_BIT : 0;
    uint32_t version = READ_ONCE(t->version) | 1;

    if (likely(t->tsc_timestamp == ts->base_tsc && t->flags == flags &&
               t->tsc_to_system_mul == ts->mul))
        return;
    WRITE_ONCE(t->version, version);
    smp_wmb();                       /* the guest reads in reverse order */
    t->tsc_timestamp = ts->base_tsc;
    t->system_time = ts->base_ns;
    t->tsc_to_system_mul = ts->mul;
    t->tsc_shift = ts->shift;
    t->flags = flags;
    smp_wmb();
    WRITE_ONCE(t->version, version + 1);
    v->clock.time_area_stale = v->clock.time_area;
}

/* The same protocol as above, in memory that may fault. */
static bool write_time_area(struct vcpu *v)
{
    struct vcpu_time_info t = v->info->time;
    void __guest *area = v->clock.time_area;

    t.version |= 1;
    if (copy_field_to_guest(area, &t, version))
        return false;
    smp_wmb();                       /* the mark before what it guards */
    if (copy_to_guest(area, &t, sizeof(t)))
        return false;
    smp_wmb();
    t.version++;
    return !copy_field_to_guest(area, &t, version);
}

static bool write_runstate_area(struct vcpu *v)
{
    struct vcpu_runstate_info r = v->clock.runstate;
    void __guest *area = v->clock.runstate_area;

    if (!(v->domain->pv.vm_assist & BIT(VMASST_TYPE_runstate_update_flag)))
        return !copy_to_guest(area, &r, sizeof(r));
    r.state_entry_time |= XEN_RUNSTATE_UPDATE;
    if (copy_field_to_guest(area, &r, state_entry_time))
        return false;
    smp_wmb();                       /* the mark before what it guards */
    if (copy_to_guest(area, &r, sizeof(r)))
        return false;
    smp_wmb();
    r.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
    return !copy_field_to_guest(area, &r, state_entry_time);
}

void runstate_write_area(struct vcpu *v)
{
    struct vcpu_clock *c = &v->clock;
    /* With isolation we are always on the kernel's root. */
    bool reachable = v->pv.kernel_mode || this_percpu()->isolated;

    if (c->runstate_area)
        c->runstate_stale = !reachable || !write_runstate_area(v);
    if (unlikely(c->time_area_stale) && c->time_area)
        c->time_area_stale = !reachable || !write_time_area(v);
}

void clock_areas_changed(struct vcpu *v)
{
    v->clock.time_area_stale = v->clock.time_area;
    runstate_write_area(v);
}

void runstate_change(struct vcpu *v, int state, s_time_t now)
{
    struct vcpu_runstate_info *r = &v->clock.runstate;

    if (r->state == state)
        return;
    r->time[r->state] += now - r->state_entry_time;
    r->state_entry_time = now;
    r->state = state;
}

static void singleshot_fired(void *data)
{
    evtchn_send_virq(data, VIRQ_TIMER);
}

int vcpu_set_singleshot(struct vcpu *v, s_time_t timeout)
{
    struct timer *t = &v->clock.singleshot;
    bool past = timeout <= system_time();

    if (v != current)
        return -EINVAL;
    if (past || timeout == S_TIME_MAX) {
        timer_stop(t);
        if (past)
            evtchn_send_virq(v, VIRQ_TIMER);
        return 0;
    }
    if (t->cpu != smp_processor_id())
        timer_move(t, smp_processor_id());
    timer_set(t, timeout);
    return 0;
}

void clock_init_vcpu(struct vcpu *v)
{
    v->clock.runstate.state = RUNSTATE_offline;
    v->clock.runstate.state_entry_time = system_time();
    timer_init(&v->clock.singleshot, singleshot_fired, v, v->sched.cpu);
}

void clock_destroy_vcpu(struct vcpu *v)
{
    timer_kill(&v->clock.singleshot);
}
