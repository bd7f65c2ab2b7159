/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options, the order of start, and the loop. */
#include <errno.h>
#include <getopt.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "api/server.h"
#include "console/console.h"
#include "device/hostnet_guard.h"
#include "domain/domain.h"
#include "host/host.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/worker.h"
#include "xend.h"

/* Builds and teardowns at a time, and saves, restores and dumps, which may
 * take minutes; more wait their turn. */
#define MAX_WORKERS 4
#define MAX_STREAMS 4

static const char usage[] =
    "Usage: xend [OPTION]...\n"
    "The daemon that owns every domain's life; runs in the foreground.\n\n"
    "  --state-dir=DIR   definitions (" LOCALSTATEDIR "/lib/xend)\n"
    "  --run-dir=DIR     what runs now (/run/xend)\n"
    "  --log-dir=DIR     console logs (" LOCALSTATEDIR "/log/xend)\n"
    "  --cache-dir=DIR   unpacked kernels (" LOCALSTATEDIR "/cache/xend)\n"
    "  --socket=PATH     the JSON socket (RUN-DIR/xend.sock)\n"
    "  --store-dir=DIR   folder of xenstore's sockets (/run/xenstored)\n"
    "  -v, --verbose     log details\n"
    "  -h, --help        this text\n";

static int make_dir(const char *dir, const char *below, mode_t mode,
                    struct err *err)
{
    _cleanup_free_ char *path = xasprintf("%s%s", dir, below);
    char *slash = path;

    while ((slash = strchr(slash + 1, '/'))) {
        *slash = 0;
        mkdir(path, 0755);
        *slash = '/';
    }
    if (mkdir(path, mode) && errno != EEXIST)
        return err_sys(err, -errno, "cannot make the folder %s", path);
    return 0;
}

static int make_dirs(const struct xend_options *o, struct err *err)
{
    const struct {
        const char *dir, *below;
        mode_t mode;
    } dirs[] = {
        { o->state_dir, "", 0700 }, { o->run_dir, "/domains", 0700 },
        { o->run_dir, "/store", 0700 }, { o->run_dir, "/console", 0700 },
        { o->log_dir, "", 0700 }, { o->cache_dir, "", 0700 },
        { o->store_dir, "", 0755 },
    };
    int rc = 0;

    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && !rc; i++)
        rc = make_dir(dirs[i].dir, dirs[i].below, dirs[i].mode, err);
    return rc;
}

static int start_store(struct xend *x, struct err *err)
{
    _cleanup_free_ char *dir = xasprintf("%s/store", x->opt.run_dir);
    struct store_params params = {
        .loop = x->loop, .xc = host_xc(x->host), .state_dir = dir,
        .socket_dir = x->opt.store_dir, .kernel_ring = true,
    };
    int rc = store_create(&params, &x->store);

    if (rc == -EBUSY)
        return err_set(err, rc, "another xend runs: it holds %s", dir);
    return rc ? err_sys(err, rc, "cannot load xenstore's journal in %s", dir)
              : 0;
}

static void start_consoles(struct xend *x)
{
    _cleanup_free_ char *dir = xasprintf("%s/console", x->opt.run_dir);
    struct console_params params = {
        .loop = x->loop, .xc = host_xc(x->host), .state_dir = dir,
        .log_dir = x->opt.log_dir,
    };

    x->consoles = consoles_create(&params);
}

static int start_loop(struct xend *x, struct err *err)
{
    sigset_t signals;
    int rc;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    rc = sd_event_default(&x->loop);
    if (rc >= 0)
        rc = sd_event_add_signal(x->loop, NULL, SIGTERM, NULL, NULL);
    if (rc >= 0)
        rc = sd_event_add_signal(x->loop, NULL, SIGINT, NULL, NULL);
    if (rc >= 0)
        rc = workers_create(x->loop, MAX_WORKERS, &x->workers);
    if (rc >= 0)
        rc = workers_create(x->loop, MAX_STREAMS, &x->streams);
    if (rc < 0)
        return err_sys(err, rc, "cannot set up the event loop");
    x->hostnet = hostnet_guard_create(x->loop, x->workers, x->opt.run_dir);
    return 0;
}

/* Nothing is shown before it is whole: the socket opens last. */
static int start(struct xend *x, struct err *err)
{
    int rc = make_dirs(&x->opt, err);

    if (!rc)
        rc = start_loop(x, err);
    if (!rc)
        rc = host_create(x, domains_scan, &x->host, err);
    if (!rc)
        rc = start_store(x, err);
    if (rc)
        return rc;
    start_consoles(x);
    x->notify = event_notify;
    rc = domains_create(x, &x->domains);
    if (!rc)
        rc = persist_restore(x);
    if (rc)
        return err_sys(err, rc, "cannot list the hypervisor's domains");
    rc = store_start(x->store);
    if (rc)
        return err_sys(err, rc, "cannot serve xenstore in %s",
                       x->opt.store_dir);
    persist_resume(x);
    return api_create(x, x->opt.socket, &x->api, err);
}

static void cancel_work(struct domain *d, void *ctx)
{
    (void)ctx;
    domain_work_cancel(d);
}

/* Domains run on: the next xend finds them, and undoes what is unfinished. */
static void stop(struct xend *x)
{
    if (x->domains)
        domains_each(x, cancel_work, NULL);
    /* Who asked goes first: what only they wait for need not be finished. */
    api_destroy(x->api);
    x->api = NULL;
    workers_destroy(x->streams);
    workers_destroy(x->workers);
    hostnet_guard_destroy(x->hostnet);
    domains_destroy(x->domains);
    if (x->consoles)
        consoles_destroy(x->consoles);
    if (x->store)
        store_destroy(x->store);
    host_destroy(x->host);
    sd_event_unref(x->loop);
}

static const char *const short_options = "vh";
static const struct option long_options[] = {
    { "state-dir", required_argument, NULL, 's' },
    { "run-dir",   required_argument, NULL, 'r' },
    { "log-dir",   required_argument, NULL, 'l' },
    { "cache-dir", required_argument, NULL, 'c' },
    { "socket",    required_argument, NULL, 'k' },
    { "store-dir", required_argument, NULL, 'x' },
    { "verbose",   no_argument,       NULL, 'v' },
    { "help",      no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};

int main(int argc, char **argv)
{
    struct xend x = { .opt = {
        .state_dir = LOCALSTATEDIR "/lib/xend", .run_dir = "/run/xend",
        .log_dir = LOCALSTATEDIR "/log/xend",
        .cache_dir = LOCALSTATEDIR "/cache/xend",
        .store_dir = "/run/xenstored",
    } };
    _cleanup_free_ char *socket = NULL;
    struct err err = ERR_INIT;
    int opt, rc;

    while ((opt = getopt_long(argc, argv, short_options, long_options,
                              NULL)) != -1)
        switch (opt) {
        case 's': x.opt.state_dir = optarg; break;
        case 'r': x.opt.run_dir = optarg; break;
        case 'l': x.opt.log_dir = optarg; break;
        case 'c': x.opt.cache_dir = optarg; break;
        case 'k': x.opt.socket = optarg; break;
        case 'x': x.opt.store_dir = optarg; break;
        case 'v': log_set_level(LOG_DEBUG); break;
        case 'h': fputs(usage, stdout); return 0;
        default: fputs(usage, stderr); return 2;
        }
    if (optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    socket = xasprintf("%s/xend.sock", x.opt.run_dir);
    if (!x.opt.socket)
        x.opt.socket = socket;
    xmalloc_init();
    rc = start(&x, &err);
    if (rc) {
        log_err("%s", err.text);
    } else {
        sd_notify(0, "READY=1\nSTATUS=serving");
        log_info("ready on %s", x.opt.socket);
        rc = sd_event_loop(x.loop);
        sd_notify(0, "STOPPING=1");
        log_info("stopped; domains run on");
    }
    stop(&x);
    return rc < 0;
}
