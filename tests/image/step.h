/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a step of a traced process is: a system call that may change something
 * outside of it, which is any that is not known to be without effect there.
 */
#ifndef TESTS_IMAGE_STEP_H
#define TESTS_IMAGE_STEP_H

#include <ctype.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/sys/privcmd.h>

struct call {
    uint64_t nr;
    const uint64_t *arg;
};

static pid_t target;
static char word[512];          /* what the step is */

static const short pure[] = {
    SYS_read, SYS_pread64, SYS_readv, SYS_preadv, SYS_recvfrom, SYS_recvmsg,
    SYS_recvmmsg, SYS_poll, SYS_ppoll, SYS_select, SYS_pselect6,
    SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_epoll_ctl,
    SYS_epoll_create1, SYS_eventfd2, SYS_timerfd_create, SYS_timerfd_settime,
    SYS_signalfd4, SYS_pipe2, SYS_dup, SYS_dup2, SYS_dup3, SYS_close,
    SYS_close_range, SYS_fcntl, SYS_lseek, SYS_stat, SYS_fstat, SYS_lstat,
    SYS_newfstatat, SYS_statx, SYS_fstatfs, SYS_statfs, SYS_access,
    SYS_faccessat, SYS_faccessat2, SYS_readlink, SYS_readlinkat, SYS_getcwd,
    SYS_getdents64, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect,
    SYS_madvise, SYS_brk, SYS_futex, SYS_sched_yield, SYS_sched_getaffinity,
    SYS_nanosleep, SYS_clock_nanosleep, SYS_clock_gettime, SYS_gettimeofday,
    SYS_time, SYS_times, SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid,
    SYS_getgid, SYS_getegid, SYS_getppid, SYS_getrandom, SYS_uname,
    SYS_sysinfo, SYS_getrlimit, SYS_prlimit64, SYS_getrusage, SYS_prctl,
    SYS_arch_prctl, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
    SYS_sigaltstack, SYS_set_robust_list, SYS_rseq, SYS_restart_syscall,
    SYS_exit, SYS_socket, SYS_socketpair, SYS_bind, SYS_getsockname,
    SYS_getpeername, SYS_getsockopt, SYS_setsockopt, SYS_accept, SYS_accept4,
    SYS_wait4, SYS_waitid, SYS_pidfd_open, SYS_membarrier,
};

static const struct {
    short nr;
    const char *name;
    char what;                  /* its first argument: f file, p path, a after
                                   it comes a path; or - none of these */
} names[] = {
    { SYS_write, "write", 'f' }, { SYS_pwrite64, "pwrite", 'f' },
    { SYS_writev, "writev", 'f' }, { SYS_sendto, "send", 'f' },
    { SYS_sendmsg, "send", 'f' }, { SYS_sendmmsg, "send", 'f' },
    { SYS_ioctl, "ioctl", 'f' }, { SYS_ftruncate, "truncate", 'f' },
    { SYS_fchmod, "chmod", 'f' }, { SYS_fsync, "sync", 'f' },
    { SYS_flock, "lock", 'f' }, { SYS_fallocate, "allocate", 'f' },
    { SYS_open, "open", 'p' }, { SYS_openat, "open", 'a' },
    { SYS_mkdir, "mkdir", 'p' }, { SYS_mkdirat, "mkdir", 'a' },
    { SYS_unlink, "unlink", 'p' }, { SYS_unlinkat, "unlink", 'a' },
    { SYS_rmdir, "rmdir", 'p' }, { SYS_chmod, "chmod", 'p' },
    { SYS_rename, "rename", 'p' }, { SYS_renameat, "rename", 'a' },
    { SYS_renameat2, "rename", 'a' }, { SYS_clone, "clone", '-' },
    { SYS_clone3, "clone", '-' }, { SYS_kill, "kill", '-' },
    { SYS_connect, "connect", '-' }, { SYS_tgkill, "tgkill", '-' },
    { SYS_exit_group, "exit", '-' }, { SYS_vfork, "clone", '-' },
};

static void add(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void add(const char *fmt, ...)
{
    size_t len = strlen(word);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(word + len, sizeof(word) - len, fmt, ap);
    va_end(ap);
}

/* Numbers and random parts of names differ each time: one # for each. */
static void add_name(const char *text)
{
    add(" ");
    for (const char *p = text; *p; p++) {
        size_t n = strspn(p, "0123456789abcdef-");

        if (isdigit((unsigned char)*p) || n >= 8) {
            add("#");
            p += n - 1;
        } else {
            add("%c", *p);
        }
    }
}

static size_t peek(uint64_t from, void *to, size_t len)
{
    struct iovec mine = { to, len }, theirs = { (void *)from, len };
    ssize_t n = process_vm_readv(target, &mine, 1, &theirs, 1, 0);

    return n > 0 ? n : 0;
}

static void peek_path(uint64_t from, char *to, size_t size)
{
    /* It may end just before a page that is not there. */
    size_t n = peek(from, to, size - 1);

    if (!n)
        n = peek(from, to, 4096 - from % 4096 < size ?
                 4096 - from % 4096 : size - 1);
    to[n] = 0;
}

static void file_of(uint64_t fd, char *to, size_t size)
{
    char link[64];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)target, (int)fd);
    n = readlink(link, to, size - 1);
    to[n > 0 ? n : 0] = 0;
}

/* A hypercall: false if it only looks. */
static bool add_hypercall(uint64_t from)
{
    struct privcmd_hypercall h;
    static unsigned int nr;         /* what it asks for cannot be read: of
                                       those, each one is of its kind */

    if (peek(from, &h, sizeof(h)) != sizeof(h))
        return true;
    if (h.op == __HYPERVISOR_sysctl || h.op == __HYPERVISOR_xen_version)
        return false;
    add(" hypercall %u", (unsigned int)h.op);
    if (h.op == __HYPERVISOR_domctl)
        add(", %u of these", ++nr);
    return true;
}

static bool add_ioctl(const char *file, const struct call *c)
{
    if (strstr(file, "/privcmd")) {
        if (c->arg[1] == IOCTL_PRIVCMD_HYPERCALL)
            return add_hypercall(c->arg[2]);
        return false;                   /* maps into the process */
    }
    add(" %x", (unsigned int)c->arg[1]);
    return true;
}

/* A message to the kernel by netlink: its type. */
static void add_message(const struct call *c)
{
    struct nlmsghdr h = { 0 };
    uint64_t at = c->arg[1];
    struct sockaddr_nl to = { 0 };
    struct msghdr m;
    struct iovec v;

    if (c->nr == SYS_sendto) {
        peek(c->arg[4], &to, sizeof(to));
    } else if (peek(at, &m, sizeof(m)) == sizeof(m) && m.msg_iovlen &&
               peek((uintptr_t)m.msg_iov, &v, sizeof(v)) == sizeof(v)) {
        peek((uintptr_t)m.msg_name, &to, sizeof(to));
        at = (uintptr_t)v.iov_base;
    }
    if (to.nl_family != AF_NETLINK)
        return;
    peek(at, &h, sizeof(h));
    add(" netlink %x", h.nlmsg_type);
}

static bool add_file(const struct call *c)
{
    char file[256];

    file_of(c->arg[0], file, sizeof(file));
    if (!strncmp(file, "anon_inode:", 11))
        return false;                   /* an eventfd, a timer: its own */
    add_name(file);
    if (c->nr == SYS_ioctl)
        return add_ioctl(file, c);
    if (c->nr == SYS_sendto || c->nr == SYS_sendmsg)
        add_message(c);
    return true;
}

static bool add_path(const struct call *c, unsigned int at)
{
    char path[256];

    if ((c->nr == SYS_open || c->nr == SYS_openat) &&
        !(c->arg[at + 1] & (O_CREAT | O_TRUNC)))
        return false;
    peek_path(c->arg[at], path, sizeof(path));
    add_name(path);
    return true;
}

/* Is it a step?  Then word says which. */
static bool is_step(const struct call *c)
{
    for (size_t i = 0; i < sizeof(pure) / sizeof(pure[0]); i++)
        if (c->nr == (uint64_t)pure[i])
            return false;
    if (c->nr == SYS_clone && (c->arg[0] & CLONE_THREAD))
        return false;
    if (c->nr == SYS_clone3) {
        uint64_t flags = 0;

        peek(c->arg[0], &flags, sizeof(flags));
        if (flags & CLONE_THREAD)
            return false;
    }
    word[0] = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (c->nr != (uint64_t)names[i].nr)
            continue;
        add("%s", names[i].name);
        return names[i].what == 'f' ? add_file(c) :
               names[i].what == '-' || add_path(c, names[i].what == 'a');
    }
    add("call %u", (unsigned int)c->nr);
    return true;
}

#endif
