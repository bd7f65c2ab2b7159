/*
 * Keys that make the hypervisor do or tell something: from dom0 (xl
 * debug-keys), or typed on the serial line, also when dom0 does nothing more.
 */
#include "control/control.h"
#include "domain/domain.h"
#include "sched/softirq.h"
#include "x86/atomic.h"
#include "x86/crash.h"
#include "x86/tsc.h"

#define TYPED 16

/* Not looked at yet.  One CPU gets the line's interrupts, and looks. */
static char typed[TYPED];
static unsigned int typed_start, typed_end;      /* count since boot */

static void show_vcpu(const struct vcpu *v, s_time_t now)
{
    const struct timer *t = &v->clock.singleshot;

    printk(LOG_INFO, "  v%u: CPU %u, running %d, flags %lx, paused %u, "
           "events %u, masked %u, left at rip %lx\n", v->id, v->sched.cpu,
           v->sched.running, v->sched.pause_flags, v->sched.pause_count,
           v->info->evtchn_upcall_pending, v->info->evtchn_upcall_mask,
           v->regs.rip);
    if (READ_ONCE(t->set))
        printk(LOG_INFO, "      its timer, on CPU %u, in %ld us\n", t->cpu,
               (long)((t->node.key - now) / NSEC_PER_USEC));
}

static void show_domains(void)
{
    s_time_t now = system_time();
    struct domain *d;

    for (unsigned int id = 0; (d = domain_next(id)); domain_put(d)) {
        id = d->id + 1U;
        printk(LOG_INFO, "d%u: %lu frames of %lu, paused %u, dying %u, "
               "shut down %d (%u), CPUs %lx\n", d->id, d->mm.nr_frames,
               d->mm.max_frames, d->pause_count, d->dying, d->is_shut_down,
               d->shutdown_code, d->dirty_cpus);
        for (unsigned int i = 0; i < d->max_vcpus; i++)
            if (d->vcpu[i])
                show_vcpu(d->vcpu[i], now);
    }
}

static void reboot(void)
{
    printk(LOG_WARN, "Restarts, by a key\n");
    machine_reboot();
}

static void help(void);

static const struct {
    char key;
    void (*fn)(void);
    const char *what;
} keys[] = {
    { 'h', help, "show this list" },
    { 'q', show_domains, "show domains and vcpus" },
    { 'R', reboot, "restart the machine, at once" },
};

static void help(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++)
        printk(LOG_INFO, "key '%c': %s\n", keys[i].key, keys[i].what);
}

void key_pressed(char key)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].key == key)
            return keys[i].fn();
    printk(LOG_INFO, "key %#x does nothing; 'h' shows the keys\n",
           (unsigned char)key);
}

static void keys_softirq(void)
{
    while (typed_start != READ_ONCE(typed_end))
        key_pressed(typed[typed_start++ % TYPED]);
}

void key_typed(char key)
{
    if (typed_end - READ_ONCE(typed_start) < TYPED)
        typed[typed_end++ % TYPED] = key;
    softirq_raise(SOFTIRQ_KEY);
}

void keys_init(void)
{
    softirq_register(SOFTIRQ_KEY, keys_softirq);
}
