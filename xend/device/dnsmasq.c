/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>

#include "device/dnsmasq.h"
#include "util/cleanup.h"
#include "util/run.h"

#define START_SECONDS 20

static char *pid_option(const char *run_dir)
{
    return xasprintf("--pid-file=%s/network/dnsmasq.pid", run_dir);
}

/* Whether the process was started with this option. */
static bool has_option(pid_t pid, const char *option)
{
    _cleanup_free_ char *path = xasprintf("/proc/%d/cmdline", (int)pid);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    char text[4096];
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

    return n > 0 && memmem(text, n, option, strlen(option) + 1);
}

static pid_t noted_pid(const char *path)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    char text[24] = "";

    return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 ? atoi(text) : 0;
}

/* Started, but killed with us or not quite there: it has noted nothing. */
static pid_t find_pid(const char *option)
{
    DIR *all = opendir("/proc");
    struct dirent *e;
    pid_t pid = 0;

    while (all && !pid && (e = readdir(all)))
        if (isdigit((unsigned char)*e->d_name) &&
            has_option(atoi(e->d_name), option))
            pid = atoi(e->d_name);
    if (all)
        closedir(all);
    return pid;
}

pid_t dnsmasq_pid(const char *run_dir)
{
    _cleanup_free_ char *option = pid_option(run_dir);
    pid_t pid = noted_pid(strchr(option, '=') + 1);

    return pid > 0 && has_option(pid, option) ? pid : find_pid(option);
}

/* A user without rights, if the host has one. */
static const char *choose_user(void)
{
    return getpwnam("dnsmasq") ? "dnsmasq" : getpwnam("nobody") ? "nobody" :
           "root";
}

static const char *dotted(uint32_t addr, char text[INET_ADDRSTRLEN])
{
    struct in_addr in = { htonl(addr) };

    return inet_ntop(AF_INET, &in, text, INET_ADDRSTRLEN);
}

/* It goes into the background by itself, when it serves. */
int dnsmasq_start(const char *run_dir, const char *interface,
                  const struct ipv4_net *net, struct err *err)
{
    char first[INET_ADDRSTRLEN], last[INET_ADDRSTRLEN];
    uint32_t mask = ~0u << (32 - net->prefix);
    _cleanup_free_ char *dir = xasprintf("%s/network", run_dir);
    _cleanup_free_ char *pid_file = pid_option(run_dir);
    _cleanup_free_ char *on = xasprintf("--interface=%s", interface);
    _cleanup_free_ char *leases = xasprintf("--dhcp-leasefile=%s/leases", dir);
    _cleanup_free_ char *hosts = xasprintf("--dhcp-hostsdir=%s/hosts", dir);
    _cleanup_free_ char *user = xasprintf("--user=%s", choose_user());
    _cleanup_free_ char *range = xasprintf("--dhcp-range=%s,%s,1h",
        dotted((net->addr & mask) + 2, first),
        dotted((net->addr | ~mask) - 1, last));
    const char *const argv[] = {
        "dnsmasq", "--conf-file=/dev/null", on, "--except-interface=lo",
        "--bind-dynamic", "--dhcp-authoritative", "--domain-needed",
        "--bogus-priv", range, leases, hosts, pid_file, user, NULL
    };
    struct err why = ERR_INIT;

    if (dnsmasq_pid(run_dir))
        return 0;
    mkdir(dir, 0755);
    mkdir(hosts + strlen("--dhcp-hostsdir="), 0755);
    if (!run_program(argv, NULL, START_SECONDS, &why) || dnsmasq_pid(run_dir))
        return 0;
    return err_set(err, why.rc, "%s: no DHCP: %s%s", interface, why.text,
                   why.rc == -ENOENT ? "; install dnsmasq-base, or make a "
                   "bridge of that name of your own" : "");
}

void dnsmasq_reread(const char *run_dir)
{
    pid_t pid = dnsmasq_pid(run_dir);

    if (pid)
        kill(pid, SIGHUP);
}

char *dnsmasq_reservation(const char *run_dir, const char *mac)
{
    return xasprintf("%s/network/hosts/%s", run_dir, mac);
}
