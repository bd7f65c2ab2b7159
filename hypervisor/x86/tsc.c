/*
 * System time from the TSC.
 *
 * All CPUs start with the boot CPU's scale.  If their TSCs agree and keep
 * their rate, that is all (tsc_stable).  If not, each CPU corrects its own
 * scale against the platform timer, about once a second.
 */
#include "x86/tsc.h"
#include "lib/env.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/spinlock.h"

#define CALIBRATE_NS     (50 * NSEC_PER_MSEC)
#define READINGS         4
#define WARP_ROUNDS      20000
#define WARP_NS          (20 * NSEC_PER_MSEC)

bool tsc_stable;
int opt_tsc = -1;

/* (o) written by its CPU, or at boot */
static struct time_scale scales[NR_CPUS];
static s_time_t corrected_ns[NR_CPUS];   /* (o) platform time at base_tsc */
static s_time_t origin_ns;           /* (c) platform time at system time 0 */

/* (l) warp_lock  (a) atomic */
static struct spinlock warp_lock = SPINLOCK_INIT(LOCK_CHIP);
static uint64_t warp_last;                       /* (l) */
static bool warped;                              /* (l) */
static unsigned int warp_ready, warp_done;       /* (a) */

/* a * b / c, where only the quotient must fit. */
static uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t high;

    __asm__("mulq %3; divq %4" : "=&a" (a), "=&d" (high)
            : "0" (a), "r" (b), "r" (c) : "cc");
    return a;
}

static s_time_t scale_delta(const struct time_scale *s, uint64_t delta)
{
    delta = s->shift < 0 ? delta >> -s->shift : delta << s->shift;
    return ((unsigned __int128)delta * s->mul) >> 32;
}

s_time_t system_time(void)
{
    unsigned long flags = irq_save();
    const struct time_scale *s = &scales[smp_processor_id()];
    s_time_t now = s->base_ns + scale_delta(s, rdtsc() - s->base_tsc);

    irq_restore(flags);
    return now;
}

const struct time_scale *time_scale_of(unsigned int cpu)
{
    return &scales[cpu];
}

/* mul and shift for ticks at hz: mul is a 32-bit fraction of at least half. */
static void set_rate(struct time_scale *s, uint64_t hz)
{
    int shift = 0;

    for (; hz > 2 * NSEC_PER_SEC; hz >>= 1)
        shift--;
    for (; hz <= NSEC_PER_SEC; hz <<= 1)
        shift++;
    s->shift = shift;
    s->mul = ((uint64_t)NSEC_PER_SEC << 32) / hz;
}

s_time_t clocks_at_once(s_time_t (*clock)(void), s_time_t (*beside)(void),
                        s_time_t *ret_beside)
{
    s_time_t reads = 0, at = 0;
    uint64_t least = 0;

    for (unsigned int i = 0; i < READINGS; i++) {
        s_time_t before = beside(), now = clock();
        uint64_t took = beside() - before;       /* huge: it went back */

        if (!i || took < least) {
            least = took;
            reads = now;
            at = before + took / 2;
        }
    }
    *ret_beside = at;
    return reads;
}

static s_time_t tsc_now(void)
{
    return rdtsc();
}

void tsc_init_boot(void)
{
    s_time_t start, end, ns;
    s_time_t start_ns = clocks_at_once(platform_time, tsc_now, &start);

    do {
        ns = clocks_at_once(platform_time, tsc_now, &end) - start_ns;
    } while (ns < CALIBRATE_NS);
    origin_ns = start_ns;
    cpu_features.tsc_hz = mul_div(end - start, NSEC_PER_SEC, ns);
    for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
        set_rate(&scales[cpu], cpu_features.tsc_hz);
        scales[cpu].base_tsc = start;
        corrected_ns[cpu] = start_ns;
    }
    printk(LOG_INFO, "TSC: %lu kHz\n", cpu_features.tsc_hz / 1000);
}

/* Both CPUs read and note in turns: time must never be seen to go back.  Below
 * another hypervisor a turn may take a time slice of that: then fewer do. */
void tsc_check_warp(void)
{
    unsigned int ready = atomic_inc(&warp_ready), done;
    s_time_t end;

    while (READ_ONCE(warp_ready) < ((ready + 1) & ~1U))
        cpu_relax();
    end = system_time() + WARP_NS;
    for (unsigned int i = 0; i < WARP_ROUNDS && system_time() < end; i++) {
        uint64_t now;

        spin_lock(&warp_lock);
        now = rdtsc();
        warped |= now < warp_last;
        warp_last = now;
        spin_unlock(&warp_lock);
    }
    done = atomic_inc(&warp_done);
    while (READ_ONCE(warp_done) < ((done + 1) & ~1U))
        cpu_relax();
}

void tsc_init_done(void)
{
    tsc_stable = !warped && opt_tsc != 0 &&
                 (cpu_features.invariant_tsc || cpu_features.hypervisor ||
                  opt_tsc == 1);
    printk(LOG_INFO, "TSC %s%s\n", tsc_stable ? "is stable on all CPUs"
           : "is corrected against the platform timer",
           warped ? " (it differs between CPUs)" : "");
}

/*
 * The rate is what was measured since the last correction.  Time never goes
 * back: a CPU that runs ahead is slowed down until the next one.
 */
static void correct(unsigned int cpu, s_time_t elapsed, uint64_t tsc)
{
    struct time_scale *s = &scales[cpu];
    uint64_t ticks = tsc - s->base_tsc;
    s_time_t now = s->base_ns + scale_delta(s, ticks);
    s_time_t right = corrected_ns[cpu] + elapsed - origin_ns;
    uint64_t hz = mul_div(ticks, NSEC_PER_SEC, elapsed);

    if (now > right)
        hz += hz / 1000 * MIN((now - right) * 1000 / NSEC_PER_SEC + 1, 100);
    set_rate(s, hz);
    s->base_tsc = tsc;
    s->base_ns = MAX(now, right);
    corrected_ns[cpu] += elapsed;
}

void tsc_correct(void)
{
    unsigned long flags = irq_save();
    unsigned int cpu = smp_processor_id();
    s_time_t tsc, elapsed = clocks_at_once(platform_time, tsc_now, &tsc) -
                            corrected_ns[cpu];

    if (!tsc_stable && elapsed >= CALIBRATE_NS)
        correct(cpu, elapsed, tsc);
    irq_restore(flags);
}
