/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libzazenxc: what a control domain asks of the hypervisor.
 *
 * Everything goes through one handle, struct xc.  Unless its contract says
 * otherwise a function returns 0 or a negative errno, writes its ret_x
 * parameters only on success, and never prints.  A handle holds no hidden
 * state beyond its open devices and a pool of hypercall buffers: any number of
 * threads may use it at once, each on its own domain.
 *
 * Frames are 4 KiB.  An mfn is the machine's number of a frame, a gfn the
 * number by which a domain names it; for the PV guests here they are the same.
 * The guest and control ABI itself is <xen/...>; only its guest-ring layouts
 * are passed on to users of this header.
 */
#ifndef ZAZEN_XC_H
#define ZAZEN_XC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Without it the ABI headers speak an interface of 2006. */
#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif
#include <xen/io/console.h>         /* struct xencons_interface */
#include <xen/io/xs_wire.h>         /* struct xenstore_domain_interface */

#define XC_PAGE_SIZE     4096u
#define XC_DOMID_MAX     0x7ff0u    /* domain ids are below this */
#define XC_MAX_CPUS      1024u      /* CPUs that a struct xc_cpumap can name */

struct xc;

/*
 * Why an operation failed, in one line without a newline that can be shown to
 * a user as it is: what is wrong, with which file, and what to do.
 */
struct xc_error {
    char text[512];
};

/*
 * ---- xcall.c: the handle, and what it stands on -------------------------
 */

/*
 * The system calls beneath a handle.  A test passes its own table to put a
 * model of the hypervisor there; each function behaves as the system call of
 * its name, but reports a failure as a negative errno (mmap: MAP_FAILED with
 * errno set).  dev is a path below /dev, such as "xen/privcmd".
 */
struct xcall_ops {
    int (*open)(void *ctx, const char *dev);
    int (*close)(void *ctx, int fd);
    long (*ioctl)(void *ctx, int fd, unsigned long request, void *arg);
    void *(*mmap)(void *ctx, void *addr, size_t size, int prot, int flags,
                  int fd, off_t offset);
    int (*munmap)(void *ctx, void *addr, size_t size);
};

/*
 * Open the hypervisor of this machine (/dev/xen/privcmd and
 * /dev/xen/hypercall).  err may be NULL.
 * -ENOENT, -EACCES, -EPERM: not a control domain, module missing, no rights.
 * -EPROTO: the hypervisor speaks another control ABI.
 */
int xc_open(struct xc **ret_xc, struct xc_error *err);

/* The same over ops, which outlives the handle; ctx is handed to each call. */
int xc_open_ops(const struct xcall_ops *ops, void *ctx, struct xc **ret_xc,
                struct xc_error *err);

/* Close the handle.  Mappings made by it stay until they are unmapped, so
 * unmap first.  NULL is allowed. */
void xc_close(struct xc *xc);

/*
 * ---- xc_domain.c --------------------------------------------------------
 */

struct xc_domain_config {
    uint8_t uuid[16];
    unsigned int max_vcpus;
    unsigned int max_evtchn_port;       /* 0: 1023 */
    int max_grant_frames;               /* -1: the hypervisor's default */
    int max_maptrack_frames;            /* -1: the hypervisor's default */
};

/* Values of xc_domain_info.shutdown_reason, from <xen/sched.h>. */
enum xc_shutdown {
    XC_SHUTDOWN_POWEROFF  = 0,
    XC_SHUTDOWN_REBOOT    = 1,
    XC_SHUTDOWN_SUSPEND   = 2,
    XC_SHUTDOWN_CRASH     = 3,
    XC_SHUTDOWN_WATCHDOG  = 4,
    XC_SHUTDOWN_SOFT_RESET = 5,
};

struct xc_domain_info {
    uint32_t domid;
    bool dying, shutdown, paused, blocked, running, hvm;
    unsigned int shutdown_reason;       /* valid if shutdown */
    uint64_t pages;                     /* frames it has now */
    uint64_t max_pages;                 /* frames it may have */
    uint64_t shared_info_mfn;
    uint64_t cpu_time_ns;
    unsigned int online_vcpus;
    unsigned int max_vcpu_id;           /* highest id; vcpus are 0 to this */
    unsigned int cpupool;
    uint8_t uuid[16];
};

/* Create an empty, paused PV domain with its vcpus.  *ret_domid: its id.
 * -ENOMEM: the hypervisor has no room; -EINVAL: a limit is out of range. */
int xc_domain_create(struct xc *xc, const struct xc_domain_config *config,
                     uint32_t *ret_domid);

/*
 * Destroy a domain and give its memory back.  Goes on where an interrupted
 * call stopped and returns when nothing is left to do; that takes a time in
 * proportion to its memory, so call it from a worker thread.  The domain id
 * vanishes when the last mapping of its frames is gone, too.
 * -ESRCH: no such domain (already gone).
 */
int xc_domain_destroy(struct xc *xc, uint32_t domid);

/* Pauses are counted: as many unpauses make the domain run again. */
int xc_domain_pause(struct xc *xc, uint32_t domid);
int xc_domain_unpause(struct xc *xc, uint32_t domid);

/* Limit the domain to kb KiB of memory.  Below what it has is allowed: it then
 * gets nothing more, and what it gives back is gone. */
int xc_domain_set_max_mem(struct xc *xc, uint32_t domid, uint64_t kb);

/* State of one domain.  -ESRCH: there is none with this id. */
int xc_domain_getinfo(struct xc *xc, uint32_t domid,
                      struct xc_domain_info *ret_info);

/* States of up to max domains with ids from first on, ascending.  Returns
 * their number; less than max means that there are no more. */
int xc_domain_getinfolist(struct xc *xc, uint32_t first, unsigned int max,
                          struct xc_domain_info *ret_info);

/*
 * Let a domain go on that shut down to be saved (XC_SHUTDOWN_SUSPEND); its
 * kernel learns that it is still where it was.
 */
int xc_domain_resume(struct xc *xc, uint32_t domid);

/* The builder calls these four; here for other builders and for tests. */
int xc_domain_set_address_size(struct xc *xc, uint32_t domid,
                               unsigned int bits);
int xc_domain_set_memory_map(struct xc *xc, uint32_t domid, uint64_t kb);
int xc_domain_hypercall_init(struct xc *xc, uint32_t domid, uint64_t gmfn);

enum xc_tsc_mode {                      /* <xen/domctl.h>'s tsc_mode */
    XC_TSC_DEFAULT        = 0,
    XC_TSC_ALWAYS_EMULATE = 1,
    XC_TSC_NATIVE         = 2,
};

int xc_domain_set_tsc(struct xc *xc, uint32_t domid, enum xc_tsc_mode mode);

/*
 * ---- xc_vcpu.c ----------------------------------------------------------
 */

/* A set of physical CPUs: bit n of word n / 64. */
struct xc_cpumap {
    uint64_t word[XC_MAX_CPUS / 64];
};

struct xc_vcpu_info {
    bool online, blocked, running;
    uint64_t cpu_time_ns;
    unsigned int cpu;                   /* where it runs or last ran */
};

/* -ESRCH: no such vcpu. */
int xc_vcpu_getinfo(struct xc *xc, uint32_t domid, unsigned int vcpu,
                    struct xc_vcpu_info *ret_info);

/* Send a non-maskable interrupt.  -EINVAL: the guest has no handler for it;
 * Xen then answers 0. */
int xc_vcpu_send_nmi(struct xc *xc, uint32_t domid, unsigned int vcpu);

/* Hard affinity: the CPUs a vcpu may run on; soft: those it prefers.  Either
 * pointer may be NULL.  -EINVAL: no CPU of the set is usable. */
int xc_vcpu_set_affinity(struct xc *xc, uint32_t domid, unsigned int vcpu,
                         const struct xc_cpumap *hard,
                         const struct xc_cpumap *soft);
int xc_vcpu_get_affinity(struct xc *xc, uint32_t domid, unsigned int vcpu,
                         struct xc_cpumap *ret_hard,
                         struct xc_cpumap *ret_soft);

/*
 * ---- xc_memory.c --------------------------------------------------------
 */

/*
 * Give the domain count extents of 2^order frames, at the gfns in frames;
 * each is replaced by the extent's first mfn.  Returns how many extents were
 * given, which is less than count when memory or the domain's limit ran out.
 */
long xc_memory_populate(struct xc *xc, uint32_t domid, unsigned int order,
                        unsigned long count, uint64_t *frames);

/* Frames that a resource of the domain lies in (see XENMEM_acquire_resource),
 * nr of them from the first on, for a mapping by xc_foreign_map_resource. */
struct xc_resource {
    unsigned int type;                  /* XENMEM_resource_* */
    unsigned int id;
    uint64_t first;
    unsigned int nr;
};

/*
 * ---- xc_foreign.c: frames of other domains in our address space ---------
 */

/*
 * Map nr frames of domid, in this order, as one region; prot is PROT_READ with
 * or without PROT_WRITE.  All or nothing: -EFAULT, -EINVAL, ... is the error
 * of the first frame that could not be mapped.  While a mapping exists the
 * domain's frames, and so its id, outlive its destruction.
 */
int xc_foreign_map(struct xc *xc, uint32_t domid, int prot,
                   const uint64_t *gfns, size_t nr, void **ret_map);

/* Map the frames of a resource.  -EOPNOTSUPP: the hypervisor cannot. */
int xc_foreign_map_resource(struct xc *xc, uint32_t domid, int prot,
                            const struct xc_resource *res, void **ret_map);

/* Undo either.  NULL is allowed. */
void xc_foreign_unmap(struct xc *xc, void *map, size_t nr);

/*
 * ---- xc_evtchn.c and evtchn_dev.c: event channels -----------------------
 */

/* Allocate a port in domid for remote to bind to.  Done before the domain
 * first runs, the first two are ports 1 and 2. */
int xc_evtchn_alloc_unbound(struct xc *xc, uint32_t domid, uint32_t remote,
                            uint32_t *ret_port);

/*
 * Our own end of a channel, by /dev/xen/evtchn.  Each is an open file of its
 * own: Linux (6.1, evtchn_interrupt) wakes who waits for a file only if it
 * finds that all in it was read, and may have looked just before that was so.
 * With more than one port there, none of them would be heard of again.
 */
struct xc_evtchn;

/* Bind a new local port to remote_port of domid; or to a VIRQ_* of
 * <xen/xen.h>. */
int xc_evtchn_bind_interdomain(struct xc *xc, uint32_t domid,
                               uint32_t remote_port, struct xc_evtchn **ret_ev);
int xc_evtchn_bind_virq(struct xc *xc, unsigned int virq,
                        struct xc_evtchn **ret_ev);
void xc_evtchn_destroy(struct xc_evtchn *ev);   /* unbinds; NULL is fine */

/* Readable when an event is pending; nonblocking. */
int xc_evtchn_fd(const struct xc_evtchn *ev);

/* Tell the other end. */
int xc_evtchn_notify(struct xc_evtchn *ev);

/* Take the event that is pending, if one is.  No other comes until the channel
 * is unmasked: do that before looking at its ring. */
bool xc_evtchn_pending(struct xc_evtchn *ev);
int xc_evtchn_unmask(struct xc_evtchn *ev);

#define XC_VIRQ_DOM_EXC  3u     /* a domain shut down, crashed or died */
#define XC_VIRQ_CON_RING 8u     /* the hypervisor's log grew */

/*
 * The page and port by which dom0's own kernel speaks xenstore.  The page is
 * mapped for reading and writing; bind the port with bind_interdomain to
 * domain 0.  Unmap with xc_store_dom0_unmap.  -ENODEV: not dom0.
 */
int xc_store_dom0_map(struct xc *xc,
                      struct xenstore_domain_interface **ret_page,
                      uint32_t *ret_port);
void xc_store_dom0_unmap(struct xc *xc, struct xenstore_domain_interface *page);

/*
 * ---- xc_gnttab.c: grants -------------------------------------------------
 */

/* Fill grants 0 (console) and 1 (store) of a domain that has not run yet, for
 * these backend domains.  The builder does it. */
struct xc_seed {
    uint32_t console_domid, store_domid;
    uint64_t console_gfn, store_gfn;
};
int xc_gnttab_seed(struct xc *xc, uint32_t domid, const struct xc_seed *seed);

/*
 * ---- xc_sched.c ---------------------------------------------------------
 */

#define XC_SCHED_CREDIT2 6u     /* XEN_SCHEDULER_CREDIT2 */

struct xc_sched_params {
    uint16_t weight;            /* 1 to 65535; 256 is usual */
    uint16_t cap;               /* percent of one CPU; 0: none */
};

/* Which scheduler the hypervisor says it runs (XEN_SCHEDULER_*). */
int xc_sched_id(struct xc *xc, uint32_t *ret_id);

/* Weight and cap by credit2's interface; a weight of 0 or a cap below 0 leaves
 * that value as it is.  -EOPNOTSUPP: another scheduler runs. */
int xc_sched_get(struct xc *xc, uint32_t domid,
                 struct xc_sched_params *ret_params);
int xc_sched_set(struct xc *xc, uint32_t domid, unsigned int weight, int cap);

/*
 * ---- xc_zazen.c: what only zazen has; -EOPNOTSUPP on other hypervisors ----
 */

/* Borrowed virtual time: a vcpu that wakes runs as if its virtual time were
 * warp_us less, for warp_limit_us at most (0: no limit), and not again within
 * unwarp_us. */
struct xc_bvt {
    uint16_t weight;            /* read only; xc_sched_set sets it */
    bool warp;
    uint32_t warp_us, warp_limit_us, unwarp_us;     /* up to a second */
};

/* -ESRCH: no such domain; -EINVAL: a time is too long. */
int xc_bvt_get(struct xc *xc, uint32_t domid, struct xc_bvt *ret_bvt);
int xc_bvt_set(struct xc *xc, uint32_t domid, const struct xc_bvt *bvt);

/*
 * The hypervisor's counters, summed over CPUs.  The caller sets the first four
 * fields; values[i] belongs to line i of names.  nr and names_needed tell what
 * there is, perhaps more than there was room for.
 */
struct xc_counters {
    unsigned int max;
    uint64_t *values;
    size_t names_size;
    char *names;
    unsigned int nr;
    size_t names_needed;
};

int xc_counters(struct xc *xc, struct xc_counters *c);

/*
 * ---- xc_sysctl.c: the machine -------------------------------------------
 */

struct xc_physinfo {
    unsigned int threads_per_core, cores_per_socket;
    unsigned int nr_cpus, max_cpu_id, nr_nodes, max_node_id;
    unsigned int cpu_khz;
    bool cap_pv, cap_hvm, cap_hap, cap_shadow, cap_directio;
    bool cap_gnttab_v1, cap_gnttab_v2, cap_vpmu, cap_vmtrace;
    uint64_t total_pages, free_pages, scrub_pages, outstanding_pages;
    uint64_t max_mfn;
    uint32_t hw_cap[8];
};

struct xc_cputopo {
    uint32_t core, socket, node;        /* ~0: no such CPU */
};

int xc_physinfo(struct xc *xc, struct xc_physinfo *ret_info);

/* Up to max CPUs; returns how many there are, perhaps above max. */
int xc_cputopo(struct xc *xc, unsigned int max, struct xc_cputopo *ret_topo);

/*
 * Read the hypervisor's log into buf.  *index is the place to go on from, 0 at
 * first, and moves; what has been overwritten meanwhile is skipped.  clear
 * drops what was there.  Returns the number of bytes, 0 at the end; call until
 * then.
 */
ssize_t xc_readconsole(struct xc *xc, char *buf, size_t size, uint32_t *index,
                       bool clear);

/* Keys as typed on the hypervisor's console; output goes to its log. */
int xc_debug_keys(struct xc *xc, const char *keys);

/* What the hypervisor says of itself.  Strings are terminated; what it does
 * not tell is empty. */
struct xc_version {
    unsigned int major, minor;
    char extra[16];
    char capabilities[1024];
    char changeset[64];
    char compiler[64], compile_by[16], compile_domain[32], compile_date[32];
    char commandline[1024];
    char build_id[65];                  /* hexadecimal */
    uint64_t virt_start;
    unsigned int pagesize;
};

int xc_version(struct xc *xc, struct xc_version *ret_version);

/*
 * ---- xc_dom_*.c: the domain builder -------------------------------------
 */

struct xc_dom_params {
    uint32_t domid;             /* created, paused, without memory so far */
    const char *kernel;         /* path of an ELF file or a bzImage */
    const char *ramdisk;        /* path, or NULL */
    const char *cmdline;        /* NULL: empty; at most 1023 bytes */
    uint64_t memory_kb;         /* what it starts with */
    uint64_t maxmem_kb;         /* what its memory map ends at; 0: memory_kb */
    unsigned int vcpus;         /* as created */
    uint32_t store_port, console_port;      /* the guest's ends */
    uint32_t store_domid, console_domid;    /* who drives the other ends */
    enum xc_tsc_mode tsc_mode;
    /* Where unpacked kernels and ramdisks are kept for the next start, 256 MiB
     * at most; NULL: nowhere.  Made if missing; only we may write there. */
    const char *cache_dir;
    const atomic_bool *cancel;  /* NULL, or set by another thread to stop */
};

struct xc_dom_result {
    uint64_t store_mfn, console_mfn, shared_info_mfn;
    uint64_t entry;             /* virtual address of the first instruction */
    uint64_t pages;             /* frames it was given */
    char guest_os[16];          /* as the kernel's notes say */
};

/*
 * Make a domain ready to run: memory, kernel, ramdisk, p2m list, page tables,
 * start_info, rings, grants 0 and 1, vcpu 0.  Before it, the caller has created
 * the domain, set its max_mem to at least maxmem_kb + 1024 KiB, and allocated
 * two unbound ports; afterwards it maps the rings, introduces the domain to
 * xenstore and unpauses it.
 *
 * On failure the domain is left half built and all that can be done with it is
 * xc_domain_destroy; no mapping of it stays.  err says why:
 * -ENOENT, -EACCES, ...: a file cannot be opened; -ENOEXEC: not a kernel, no
 * PV notes, or not of this kind; -ENODATA: truncated or damaged; -E2BIG: does
 * not fit into memory_kb (err names the least that does), or the command line
 * is too long; -ENOMEM: too little free memory; -ECANCELED: *cancel was set.
 * cancel is looked at between steps and in each batch of the long ones.
 */
int xc_dom_build(struct xc *xc, const struct xc_dom_params *params,
                 struct xc_dom_result *ret_result, struct xc_error *err);

/*
 * What can be said about kernel, ramdisk, command line and memory_kb at little
 * cost before a domain is created; domid and ports are not looked at.  A
 * bzImage's payload is not unpacked, so damage deep inside and a lack of PV
 * notes are left for xc_dom_build, which makes these checks again.
 */
int xc_dom_check(const struct xc_dom_params *params, struct xc_error *err);

/*
 * ---- xc_sr_*.c: saved guests (docs/stream.md) ----------------------------
 */

struct xc_sr_save {
    uint32_t domid;             /* has shut down with XC_SHUTDOWN_SUSPEND */
    int fd;                     /* written from where it stands */
    const char *path;           /* what errors call it */
    /* For the caller that will restore: opaque here. */
    const void *config, *store;
    size_t config_size, store_size;
    const atomic_bool *cancel;  /* NULL, or set by another thread to stop */
    atomic_uint *percent;       /* NULL, or counted up to 100 */
};

/*
 * Write a domain to a file.  It is only read: whatever happens,
 * xc_domain_resume or xc_domain_destroy may follow.
 * -EOPNOTSUPP: its kernel does not tell enough of its memory; -EINVAL: what
 * it tells cannot be; -ENOSPC, ...: the file; -ECANCELED.
 */
int xc_sr_save(struct xc *xc, const struct xc_sr_save *s, struct xc_error *err);

/* What a file says of the guest in it. */
struct xc_sr_info {
    uint64_t pages;             /* frames it needs */
    unsigned int vcpus;
    void *config, *store;       /* as saved, with a zero byte behind */
    size_t config_size, store_size;
};

/*
 * Read a file from its start to its end and check all of it; nothing is
 * created.  xc_sr_info_fini frees what ret_info holds.
 * -ENOEXEC: not ours, or another version; -ENODATA: truncated; -EBADMSG:
 * damaged, or what it says cannot be.
 */
int xc_sr_check(int fd, const char *path, const atomic_bool *cancel,
                struct xc_sr_info *ret_info, struct xc_error *err);
void xc_sr_info_fini(struct xc_sr_info *info);

struct xc_sr_restore {
    uint32_t domid;             /* as for xc_dom_build */
    int fd;                     /* read from its start */
    const char *path;
    uint64_t maxmem_kb;
    uint32_t store_port, console_port;
    uint32_t store_domid, console_domid;
    enum xc_tsc_mode tsc_mode;
    const atomic_bool *cancel;
    atomic_uint *percent;
};

/*
 * Make a domain what the file says; what is said of xc_dom_build holds here,
 * too.  The file is checked again, for it may have changed.
 * -ENOMEM: too little free memory; -EXDEV: the CPU lacks what the guest uses.
 */
int xc_sr_restore(struct xc *xc, const struct xc_sr_restore *r,
                  struct xc_dom_result *ret_result, struct xc_error *err);

/*
 * ---- xc_core.c: memory dumps ---------------------------------------------
 */

struct xc_core {
    uint32_t domid;             /* paused or shut down, or pages may differ */
    int fd;                     /* written from where it stands */
    const char *path;           /* what errors call it */
    const atomic_bool *cancel;  /* NULL, or set by another thread to stop */
    atomic_uint *percent;       /* NULL, or counted up to 100 */
};

/*
 * Write a domain's memory and vcpus as an ELF file in the format of Xen's core
 * dumps.  It is only read, and not trusted.  -ENOSPC, ...: the file;
 * -ECANCELED.
 */
int xc_core_dump(struct xc *xc, const struct xc_core *c, struct xc_error *err);

#endif
