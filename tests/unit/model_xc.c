/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model_xc.h"

#define VIRQ_PORT 3u            /* of domain 0, among the fake ports */
#define DOM0_KB (128 * 1024)

struct model_domain {
    bool used, shutdown, paused;
    unsigned int reason, vcpus;
    uint8_t uuid[16];
    uint64_t kb, max_kb;
    uint16_t weight, cap;
    struct xc_cpumap hard[4], soft[4];
    uint32_t ports;
};

static struct model {
    pthread_mutex_t lock;
    struct model_domain d[FAKE_DOMAINS];
    unsigned int last;          /* domain id given last */
    unsigned int countdown;
    bool after, killed, bad_file;
    bool hold;                  /* what takes time does not end */
    bool holding;               /* and somebody is at it */
} *m;

void model_reset(void)
{
    pthread_mutexattr_t shared;

    if (!m)
        m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(m, 0, sizeof(*m));
    pthread_mutexattr_init(&shared);
    pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&m->lock, &shared);
    m->d[0] = (struct model_domain){ .used = true, .kb = DOM0_KB,
                                     .max_kb = DOM0_KB, .vcpus = 1,
                                     .weight = 256 };
}

static void lock(void)
{
    if (pthread_mutex_lock(&m->lock) == EOWNERDEAD)
        pthread_mutex_consistent(&m->lock);
}

static void unlock(void)
{
    pthread_mutex_unlock(&m->lock);
}

static void die(void)
{
    m->killed = true;
    raise(SIGKILL);
}

/* Around each hypercall that changes something; true after it: die now. */
static bool enter(void)
{
    bool now;

    lock();
    now = m->countdown && !--m->countdown;
    if (now && !m->after)
        die();
    return now;
}

static int leave(bool now, int rc)
{
    if (now)
        die();
    unlock();
    return rc;
}

static struct model_domain *find(uint32_t domid)
{
    return domid < FAKE_DOMAINS && m->d[domid].used ? &m->d[domid] : NULL;
}

unsigned int model_domains(void)
{
    unsigned int n = 0;

    for (int i = 1; i < FAKE_DOMAINS; i++)
        n += m->d[i].used;
    return n;
}

uint64_t model_free_kb(void)
{
    uint64_t kb = MODEL_TOTAL_KB;

    for (int i = 0; i < FAKE_DOMAINS; i++)
        if (m->d[i].used)
            kb -= m->d[i].kb;
    return kb;
}

void model_shutdown(unsigned int domid, unsigned int reason)
{
    lock();
    m->d[domid].reason = reason;
    m->d[domid].shutdown = true;
    unlock();
    fake_send(0, VIRQ_PORT);
}

void model_kill_at(unsigned int n, bool after)
{
    lock();
    m->countdown = n;
    m->after = after;
    m->killed = false;
    unlock();
}

bool model_has_killed(void)
{
    return m->killed;
}

void model_hold(bool hold)
{
    m->holding = false;
    m->hold = hold;
}

bool model_is_holding(void)
{
    return m->holding;
}

static void describe(uint32_t domid, struct xc_domain_info *i)
{
    const struct model_domain *d = &m->d[domid];

    *i = (struct xc_domain_info){
        .domid = domid, .shutdown = d->shutdown, .paused = d->paused,
        .shutdown_reason = d->reason, .pages = d->kb / 4,
        .max_pages = d->max_kb / 4, .online_vcpus = d->vcpus,
        .max_vcpu_id = d->vcpus - 1, .cpu_time_ns = 1000,
    };
    memcpy(i->uuid, d->uuid, sizeof(i->uuid));
}

bool model_get(unsigned int domid, struct xc_domain_info *ret_info)
{
    bool found;

    lock();
    found = find(domid);
    if (found)
        describe(domid, ret_info);
    unlock();
    return found;
}

int xc_open(struct xc **ret_xc, struct xc_error *err)
{
    (void)err;
    *ret_xc = fake_xc();
    return 0;
}

void xc_close(struct xc *xc)
{
    (void)xc;
}

int xc_domain_create(struct xc *xc, const struct xc_domain_config *config,
                     uint32_t *ret_domid)
{
    bool now = enter();
    uint32_t id = m->last;

    (void)xc;
    do {
        id = id % (FAKE_DOMAINS - 1) + 1;
    } while (m->d[id].used && id != m->last);
    if (m->d[id].used)
        return leave(now, -ENOMEM);
    m->last = id;
    m->d[id] = (struct model_domain){ .used = true, .paused = true,
                                      .vcpus = config->max_vcpus,
                                      .weight = 256 };
    memcpy(m->d[id].uuid, config->uuid, 16);
    memset(fake_store(id), 0, XC_PAGE_SIZE);
    memset(fake_console(id), 0, XC_PAGE_SIZE);
    *ret_domid = id;
    return leave(now, 0);
}

int xc_domain_destroy(struct xc *xc, uint32_t domid)
{
    bool now = enter();

    (void)xc;
    if (!find(domid))
        return leave(now, -ESRCH);
    m->d[domid].used = false;
    leave(now, 0);
    fake_send(0, VIRQ_PORT);
    return 0;
}

static int set_paused(uint32_t domid, bool paused)
{
    bool now = enter();

    if (!find(domid))
        return leave(now, -ESRCH);
    m->d[domid].paused = paused;
    return leave(now, 0);
}

int xc_domain_pause(struct xc *xc, uint32_t domid)
{
    (void)xc;
    return set_paused(domid, true);
}

int xc_domain_unpause(struct xc *xc, uint32_t domid)
{
    (void)xc;
    return set_paused(domid, false);
}

int xc_domain_set_max_mem(struct xc *xc, uint32_t domid, uint64_t kb)
{
    bool now = enter();

    (void)xc;
    if (!find(domid))
        return leave(now, -ESRCH);
    m->d[domid].max_kb = kb;
    return leave(now, 0);
}

int xc_domain_getinfo(struct xc *xc, uint32_t domid,
                      struct xc_domain_info *ret_info)
{
    (void)xc;
    return model_get(domid, ret_info) ? 0 : -ESRCH;
}

int xc_domain_getinfolist(struct xc *xc, uint32_t first, unsigned int max,
                          struct xc_domain_info *ret_info)
{
    unsigned int n = 0;

    (void)xc;
    lock();
    for (uint32_t i = first; i < FAKE_DOMAINS && n < max; i++)
        if (m->d[i].used)
            describe(i, &ret_info[n++]);
    unlock();
    return n;
}

int xc_vcpu_getinfo(struct xc *xc, uint32_t domid, unsigned int vcpu,
                    struct xc_vcpu_info *ret_info)
{
    (void)xc;
    if (!find(domid) || vcpu >= m->d[domid].vcpus)
        return -ESRCH;
    *ret_info = (struct xc_vcpu_info){ .online = true, .cpu_time_ns = 1 };
    return 0;
}

int xc_vcpu_set_affinity(struct xc *xc, uint32_t domid, unsigned int vcpu,
                         const struct xc_cpumap *hard,
                         const struct xc_cpumap *soft)
{
    (void)xc;
    if (!find(domid) || vcpu >= 4)
        return -ESRCH;
    if (hard && !(hard->word[0] & 0xf))     /* the machine has four CPUs */
        return -EINVAL;
    if (hard)
        m->d[domid].hard[vcpu] = *hard;
    if (soft)
        m->d[domid].soft[vcpu] = *soft;
    return 0;
}

int xc_vcpu_get_affinity(struct xc *xc, uint32_t domid, unsigned int vcpu,
                         struct xc_cpumap *ret_hard,
                         struct xc_cpumap *ret_soft)
{
    (void)xc;
    if (!find(domid) || vcpu >= 4)
        return -ESRCH;
    *ret_hard = m->d[domid].hard[vcpu];
    *ret_soft = m->d[domid].soft[vcpu];
    return 0;
}

int xc_evtchn_alloc_unbound(struct xc *xc, uint32_t domid, uint32_t remote,
                            uint32_t *ret_port)
{
    bool now = enter();

    (void)xc;
    (void)remote;
    if (!find(domid))
        return leave(now, -ESRCH);
    *ret_port = ++m->d[domid].ports;
    return leave(now, 0);
}

int xc_evtchn_bind_virq(struct xc *xc, unsigned int virq,
                        struct xc_evtchn **ret_ev)
{
    (void)virq;
    return xc_evtchn_bind_interdomain(xc, 0, VIRQ_PORT, ret_ev);
}

int xc_sched_id(struct xc *xc, uint32_t *ret_id)
{
    (void)xc;
    *ret_id = XC_SCHED_CREDIT2;
    return 0;
}

int xc_sched_get(struct xc *xc, uint32_t domid,
                 struct xc_sched_params *ret_params)
{
    (void)xc;
    if (!find(domid))
        return -ESRCH;
    *ret_params = (struct xc_sched_params){ m->d[domid].weight,
                                            m->d[domid].cap };
    return 0;
}

int xc_sched_set(struct xc *xc, uint32_t domid, unsigned int weight, int cap)
{
    (void)xc;
    if (!find(domid))
        return -ESRCH;
    if (weight)
        m->d[domid].weight = weight;
    if (cap >= 0)
        m->d[domid].cap = cap;
    return 0;
}

int xc_bvt_get(struct xc *xc, uint32_t domid, struct xc_bvt *ret_bvt)
{
    (void)xc;
    (void)domid;
    (void)ret_bvt;
    return -EOPNOTSUPP;
}

int xc_bvt_set(struct xc *xc, uint32_t domid, const struct xc_bvt *bvt)
{
    (void)xc;
    (void)domid;
    (void)bvt;
    return -EOPNOTSUPP;
}

int xc_physinfo(struct xc *xc, struct xc_physinfo *ret_info)
{
    (void)xc;
    *ret_info = (struct xc_physinfo){
        .threads_per_core = 1, .cores_per_socket = 4, .nr_cpus = 4,
        .max_cpu_id = 3, .nr_nodes = 1, .cpu_khz = 1000000, .cap_pv = true,
        .total_pages = MODEL_TOTAL_KB / 4, .free_pages = model_free_kb() / 4,
    };
    return 0;
}

int xc_cputopo(struct xc *xc, unsigned int max, struct xc_cputopo *ret_topo)
{
    (void)xc;
    for (unsigned int i = 0; i < 4 && i < max; i++)
        ret_topo[i] = (struct xc_cputopo){ i, 0, 0 };
    return 4;
}

ssize_t xc_readconsole(struct xc *xc, char *buf, size_t size, uint32_t *index,
                       bool clear)
{
    static const char text[] = "(XEN) model\n";
    size_t n = sizeof(text) - 1;

    (void)xc;
    (void)clear;
    if (*index || size < n)
        return 0;
    memcpy(buf, text, n);
    *index = n;
    return n;
}

/* Every guest has a handler, domain 0 has none. */
int xc_vcpu_send_nmi(struct xc *xc, uint32_t domid, unsigned int vcpu)
{
    (void)xc;
    (void)vcpu;
    return domid ? find(domid) ? 0 : -ESRCH : -EINVAL;
}

int xc_debug_keys(struct xc *xc, const char *keys)
{
    (void)xc;
    (void)keys;
    return 0;
}

int xc_version(struct xc *xc, struct xc_version *ret_version)
{
    (void)xc;
    *ret_version = (struct xc_version){ .major = 4, .minor = 17,
                                        .pagesize = 4096 };
    strcpy(ret_version->capabilities, "xen-3.0-x86_64 ");
    return 0;
}

int xc_dom_check(const struct xc_dom_params *params, struct xc_error *err)
{
    if (!access(params->kernel, R_OK))
        return 0;
    snprintf(err->text, sizeof(err->text), "%s: %s", params->kernel,
             strerror(errno));
    return -errno;
}

/* False: it was cancelled meanwhile. */
static bool takes_time(const atomic_bool *cancel, struct xc_error *err)
{
    while (m->hold) {
        m->holding = true;
        usleep(1000);
        if (atomic_load(cancel)) {
            strcpy(err->text, "cancelled");
            return false;
        }
    }
    return true;
}

static int full_disk(const char *path, struct xc_error *err)
{
    snprintf(err->text, sizeof(err->text), "%s cannot be written: No space "
             "left on device", path);
    return -ENOSPC;
}

int xc_dom_build(struct xc *xc, const struct xc_dom_params *params,
                 struct xc_dom_result *ret_result, struct xc_error *err)
{
    bool now;

    (void)xc;
    if (!takes_time(params->cancel, err))
        return -ECANCELED;
    now = enter();
    if (!find(params->domid) || model_free_kb() < params->memory_kb) {
        strcpy(err->text, "the host has not enough free memory");
        return leave(now, -ENOMEM);
    }
    m->d[params->domid].kb = params->memory_kb;
    *ret_result = (struct xc_dom_result){ .store_mfn = params->domid };
    return leave(now, 0);
}

int xc_domain_resume(struct xc *xc, uint32_t domid)
{
    bool now = enter();
    struct model_domain *d = find(domid);

    (void)xc;
    if (!d || !d->shutdown || d->reason != XC_SHUTDOWN_SUSPEND)
        return leave(now, -EINVAL);
    d->shutdown = false;
    return leave(now, 0);
}

/* Saved domains are small here: this, then definition and store nodes. */
struct model_file {
    char magic[8];
    uint64_t kb, config_size, store_size;
};

int xc_sr_save(struct xc *xc, const struct xc_sr_save *s, struct xc_error *err)
{
    struct model_file f = { "model", 0, s->config_size, s->store_size };
    bool now;

    (void)xc;
    if (!takes_time(s->cancel, err))
        return -ECANCELED;
    now = enter();
    if (!find(s->domid) || !m->d[s->domid].shutdown || m->bad_file)
        return leave(now, full_disk(s->path, err));
    f.kb = m->d[s->domid].kb;
    if (write(s->fd, &f, sizeof(f)) != sizeof(f) ||
        write(s->fd, s->config, s->config_size) != (ssize_t)s->config_size ||
        write(s->fd, s->store, s->store_size) != (ssize_t)s->store_size)
        return leave(now, -EIO);
    return leave(now, 0);
}

/* Of one that stands still only: its size, and whether it was paused. */
int xc_core_dump(struct xc *xc, const struct xc_core *c, struct xc_error *err)
{
    struct model_domain *d;
    bool now;

    (void)xc;
    if (!takes_time(c->cancel, err))
        return -ECANCELED;
    now = enter();
    d = find(c->domid);
    if (!d || m->bad_file)
        return leave(now, full_disk(c->path, err));
    if (!d->paused && !d->shutdown)
        abort();
    if (dprintf(c->fd, "%llu %d\n", (unsigned long long)d->kb, d->paused) < 0)
        return leave(now, -EIO);
    return leave(now, 0);
}

int xc_sr_check(int fd, const char *path, const atomic_bool *cancel,
                struct xc_sr_info *ret_info, struct xc_error *err)
{
    struct model_file f;

    if (pread(fd, &f, sizeof(f), 0) != sizeof(f) || strcmp(f.magic, "model")) {
        snprintf(err->text, sizeof(err->text), "%s is no saved guest", path);
        return -ENOEXEC;
    }
    *ret_info = (struct xc_sr_info){
        .pages = f.kb / 4, .vcpus = 1,
        .config = calloc(1, f.config_size + 1), .config_size = f.config_size,
        .store = calloc(1, f.store_size + 1), .store_size = f.store_size,
    };
    strcpy(err->text, "it is torn");
    if (takes_time(cancel, err) &&
        pread(fd, ret_info->config, f.config_size, sizeof(f)) >= 0 &&
        pread(fd, ret_info->store, f.store_size,
              sizeof(f) + f.config_size) >= 0)
        return 0;
    xc_sr_info_fini(ret_info);
    return -EIO;
}

void xc_sr_info_fini(struct xc_sr_info *info)
{
    free(info->config);
    free(info->store);
}

int xc_sr_restore(struct xc *xc, const struct xc_sr_restore *r,
                  struct xc_dom_result *ret_result, struct xc_error *err)
{
    struct model_file f;
    bool now = enter();

    (void)xc;
    if (pread(r->fd, &f, sizeof(f), 0) != sizeof(f) || !find(r->domid) ||
        model_free_kb() < f.kb) {
        strcpy(err->text, "the host has not enough free memory");
        return leave(now, -ENOMEM);
    }
    m->d[r->domid].kb = f.kb;
    *ret_result = (struct xc_dom_result){ .store_mfn = r->domid };
    return leave(now, 0);
}

void model_set_bad_file(bool bad)
{
    m->bad_file = bad;
}
