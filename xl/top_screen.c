/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The figures on a terminal.
 *
 * Signals that end the program are let in only while it waits, and waiting is
 * all that it does without an end: so the terminal is given back in one place,
 * whatever happens, and a message is printed after that.
 */
#include <errno.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "top.h"
#include "xl.h"

#define FIRST_MS  500           /* rates need two samples: do not wait long */
#define MIN_MS    250
#define MAX_MS    60000
#define HEAD      4             /* lines above the table's heading */
#define BAR       12            /* cells of a bar in the table */
#define NAME_MIN  10

enum { PLAIN, GOOD, WARM, HOT, FAINT };

struct screen {
    struct top top;
    enum top_order order;
    int64_t delay_ms, next_ms;
    int first;                  /* of the domains that are shown */
    bool asked;                 /* an answer is due */
    bool ended;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
    stop = sig;
}

/* ---- the terminal ---- */

static void leave(void)
{
    if (!isendwin())
        endwin();
    leave_screen = NULL;
}

static const int fatal_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define NR_FATAL (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

static bool enter(sigset_t *ret_open)
{
    struct sigaction act = { .sa_handler = on_signal };
    sigset_t closed;

    sigemptyset(&closed);
    for (size_t i = 0; i < NR_FATAL; i++)
        sigaddset(&closed, fatal_signals[i]);
    sigprocmask(SIG_BLOCK, &closed, ret_open);
    if (!newterm(NULL, stdout, stdin))
        return false;
    leave_screen = leave;
    atexit(leave);
    for (size_t i = 0; i < NR_FATAL; i++)
        sigaction(fatal_signals[i], &act, NULL);
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    if (has_colors()) {
        start_color();
        use_default_colors();
        init_pair(GOOD, COLOR_GREEN, -1);
        init_pair(WARM, COLOR_YELLOW, -1);
        init_pair(HOT, COLOR_RED, -1);
        init_pair(FAINT, COLOR_CYAN, -1);
    }
    return true;
}

static int colour(int pair)
{
    return has_colors() ? COLOR_PAIR(pair) : A_NORMAL;
}

/* Up to the right edge, and no further. */
static void put(int y, int x, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void put(int y, int x, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (y >= 0 && y < LINES && x >= 0 && x < COLS)
        mvaddnstr(y, x, text, COLS - x);
}

/* cells of them, of which part (0 to 1) is filled. */
static void put_bar(int y, int x, int cells, double part)
{
    int full = (int)(part * cells + 0.5);
    int pair = part < 0.6 ? GOOD : part < 0.85 ? WARM : HOT;

    attron(colour(pair));
    for (int i = 0; i < cells && i < full; i++)
        put(y, x + i, "|");
    attroff(colour(pair));
}

/* ---- the head ---- */

static void put_gauge(int y, const char *name, double part, const char *text)
{
    int cells = COLS >= 100 ? 40 : 24;

    if (part > 1)
        part = 1;
    put(y, 1, "%-4s[", name);
    put_bar(y, 6, cells, part);
    put(y, 6 + cells, "] %s", text);
}

static void put_head(const struct screen *s)
{
    const struct top *t = &s->top;
    unsigned int running = 0, paused = 0, ended = 0;
    char host[64] = "", text[128], clock[16];
    time_t now = time(NULL);
    struct tm tm;

    for (size_t i = 0; i < t->nr; i++) {
        const char *state = t->domain[i].state;

        if (state[0] != '-' || state[1] != '-' || state[3] != '-')
            ended++;
        else if (state[4] != '-')
            paused++;
        else
            running++;
    }
    gethostname(host, sizeof(host) - 1);
    localtime_r(&now, &tm);
    strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
    attron(A_BOLD);
    put(0, 1, "%s", host);
    attroff(A_BOLD);
    put(0, 2 + (int)strlen(host), " %zu domains: %u up, %u paused, %u ended; "
        "every %g s", t->nr, running, paused, ended,
        (double)s->delay_ms / 1000);
    put(0, COLS - (int)strlen(clock) - 1, "%s", clock);
    snprintf(text, sizeof(text), "%5.1f%% of %u CPUs at %.2f GHz",
             t->nr_cpus ? t->cpu_percent / t->nr_cpus : 0, t->nr_cpus,
             t->cpu_khz / 1e6);
    put_gauge(1, "CPU", t->nr_cpus ? t->cpu_percent / t->nr_cpus / 100 : 0,
              text);
    snprintf(text, sizeof(text), "%.1f of %.1f GiB, %.1f free",
             (double)(t->total_kb - t->free_kb) / (1 << 20),
             (double)t->total_kb / (1 << 20),
             (double)t->free_kb / (1 << 20));
    put_gauge(2, "Mem", t->total_kb ? 1 - (double)t->free_kb /
              (double)t->total_kb : 0, text);
}

/* ---- the table ---- */

/* Columns after the name, from the left; the width that a screen must have for
 * one to be shown; what sorts by it. */
enum column { C_ID, C_STATE, C_CPU, C_BAR, C_TIME, C_MEM, C_VCPUS, C_TX, C_RX,
              C_READ, C_WRITE, C_OPS, NR_COLUMNS };

static const struct {
    const char *title;
    int width, needs;
    enum top_order order;
} columns[NR_COLUMNS] = {
    [C_ID]    = { "ID", 5, 0, BY_ID },
    [C_STATE] = { "STATE", 8, 0, BY_NAME },
    [C_CPU]   = { "CPU%", 6, 0, BY_CPU },
    [C_BAR]   = { "", BAR, 110, BY_CPU },
    [C_TIME]  = { "TIME", 9, 92, BY_CPU },
    [C_MEM]   = { "MEM", 5, 0, BY_MEMORY },
    [C_VCPUS] = { "VCPU", 4, 0, BY_CPU },
    [C_TX]    = { "NET TX", 6, 0, BY_NETWORK },
    [C_RX]    = { "NET RX", 6, 0, BY_NETWORK },
    [C_READ]  = { "READ", 6, 0, BY_DISK },
    [C_WRITE] = { "WRITE", 6, 0, BY_DISK },
    [C_OPS]   = { "OPS", 5, 86, BY_DISK },
};

static int name_width(void)
{
    int width = COLS - 1;

    for (int i = 0; i < NR_COLUMNS; i++)
        if (COLS >= columns[i].needs)
            width -= columns[i].width + 1;
    return width < NAME_MIN ? NAME_MIN : width;
}

static void put_titles(const struct screen *s, int width)
{
    int x = width;

    mvhline(HEAD, 0, ' ' | A_REVERSE, COLS);
    attron(A_REVERSE);
    put(HEAD, 0, "%-*.*s", width, width, "NAME");
    for (int i = 0; i < NR_COLUMNS; i++) {
        bool sorted = columns[i].order == s->order && i != C_STATE &&
                      i != C_TIME && i != C_VCPUS;

        if (COLS < columns[i].needs)
            continue;
        if (sorted)
            attron(A_BOLD | A_UNDERLINE);
        put(HEAD, x + 1 + columns[i].width - (int)strlen(columns[i].title),
            "%s", columns[i].title);
        if (sorted)
            attroff(A_BOLD | A_UNDERLINE);
        x += columns[i].width + 1;
    }
    attroff(A_REVERSE);
}

static void format_time(int64_t ns, char text[24])
{
    int64_t s = ns / 1000000000;

    if (s < 36000)
        snprintf(text, 24, "%d:%02d.%d", (int)(s / 60), (int)(s % 60),
                 (int)(ns / 100000000 % 10));
    else
        snprintf(text, 24, "%dh%02d", (int)(s / 3600), (int)(s / 60 % 60));
}

/* The text of a cell, and its colour. */
static int format_cell(const struct top_domain *d, enum column c,
                       char text[24])
{
    const double amount[NR_COLUMNS] = {
        [C_MEM] = (double)d->memory_kb * 1024, [C_TX] = d->sent_rate,
        [C_RX] = d->received_rate, [C_READ] = d->read_rate,
        [C_WRITE] = d->write_rate, [C_OPS] = d->request_rate,
    };
    bool has = c == C_TX || c == C_RX ? d->nics :
               c == C_READ || c == C_WRITE || c == C_OPS ? d->disks : true;

    *text = 0;
    switch (c) {
    case C_ID: snprintf(text, 24, "%d", d->domid); return FAINT;
    case C_STATE:
        snprintf(text, 24, "%s", d->word);
        return d->state[5] == 'r' ? GOOD : d->state[3] == 'c' ? HOT :
               d->state[2] == 'b' ? PLAIN : WARM;
    case C_CPU:
        snprintf(text, 24, "%.1f", d->cpu_percent);
        return PLAIN;
    case C_TIME: format_time(d->sum.cpu_ns, text); return PLAIN;
    case C_VCPUS: snprintf(text, 24, "%u", d->vcpus); return PLAIN;
    case C_BAR: return PLAIN;
    default: break;
    }
    if (has)
        format_amount(amount[c], text);
    else
        strcpy(text, "-");
    return has && amount[c] >= 1 ? PLAIN : FAINT;
}

static void put_row(const struct top_domain *d, int y, int width)
{
    char text[24];
    int x = width, pair;

    attron(A_BOLD);
    put(y, 0, "%-*.*s", width, width, d->name);
    attroff(A_BOLD);
    for (int i = 0; i < NR_COLUMNS; i++) {
        if (COLS < columns[i].needs)
            continue;
        pair = format_cell(d, i, text);
        attron(colour(pair));
        put(y, x + 1, "%*s", columns[i].width, text);
        attroff(colour(pair));
        if (i == C_BAR)
            put_bar(y, x + 1, BAR, d->cpu_percent / 100 /
                    (d->vcpus ? d->vcpus : 1));
        x += columns[i].width + 1;
    }
}

static int visible_rows(void)
{
    return LINES - HEAD - 2 > 1 ? LINES - HEAD - 2 : 1;
}

static void draw(struct screen *s)
{
    int width = name_width(), rows = visible_rows(), nr = (int)s->top.nr;

    if (s->first > nr - rows)
        s->first = nr - rows;
    if (s->first < 0)
        s->first = 0;
    erase();
    put_head(s);
    put_titles(s, width);
    for (int i = 0; i < rows && s->first + i < nr; i++)
        put_row(&s->top.domain[s->first + i], HEAD + 1 + i, width);
    attron(A_DIM);
    put(LINES - 1, 1, "q quit   sort: c CPU  m memory  n network  d disks  "
        "a name  i id   +/- speed%s", nr > rows ? "   arrows scroll" : "");
    attroff(A_DIM);
    refresh();
}

/* ---- the loop ---- */

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static void set_delay(struct screen *s, int64_t ms)
{
    s->delay_ms = ms < MIN_MS ? MIN_MS : ms > MAX_MS ? MAX_MS : ms;
    s->next_ms = now_ms() + s->delay_ms;
}

static void on_key(struct screen *s, int key)
{
    static const char letters[] = "ianmcd";
    static const enum top_order orders[] = {
        BY_ID, BY_NAME, BY_NETWORK, BY_MEMORY, BY_CPU, BY_DISK,
    };
    const char *letter = key > 0 && key < 128 ? strchr(letters, key) : NULL;

    if (letter) {
        s->order = orders[letter - letters];
        top_sort(&s->top, s->order);
        return;
    }
    switch (key) {
    case 'q': case 'Q': s->ended = true; break;
    case '+': set_delay(s, s->delay_ms / 2); break;
    case '-': set_delay(s, s->delay_ms * 2); break;
    case ' ': s->next_ms = 0; break;
    case KEY_UP: s->first--; break;
    case KEY_DOWN: s->first++; break;
    case KEY_PPAGE: s->first -= visible_rows(); break;
    case KEY_NPAGE: s->first += visible_rows(); break;
    case KEY_HOME: s->first = 0; break;
    case KEY_END: s->first = (int)s->top.nr; break;
    case 'L' & 0x1f: clearok(stdscr, TRUE); break;
    }
}

/* Keys, an answer, a signal or the time for the next question. */
static void wait_for(struct screen *s, const sigset_t *open)
{
    struct pollfd p[2] = { { STDIN_FILENO, POLLIN, 0 },
                           { s->asked ? client_fd() : -1, POLLIN, 0 } };
    int64_t left = s->next_ms - now_ms();
    struct timespec ts;
    int key;

    if (left < 0)
        left = 0;
    ts = (struct timespec){ left / 1000, left % 1000 * 1000000 };
    ppoll(p, 2, s->asked ? NULL : &ts, open);
    if (p[0].revents & (POLLHUP | POLLERR))
        s->ended = true;
    while ((key = getch()) != ERR)
        on_key(s, key);
}

/* False: the error has been printed. */
static bool take_answer(struct screen *s, int64_t wait)
{
    struct json_object *sample = client_receive();

    if (!sample)
        return false;
    s->asked = false;
    s->next_ms = now_ms() + wait;
    top_update(&s->top, sample);
    top_sort(&s->top, s->order);
    return true;
}

static bool run(struct screen *s, int64_t rounds, const sigset_t *open)
{
    int64_t done = 1;

    while (!s->ended && !stop && (!rounds || done < rounds)) {
        draw(s);
        if (!s->asked && now_ms() >= s->next_ms) {
            client_send("host.top", NULL);
            s->asked = true;
        }
        wait_for(s, open);
        if (!s->asked || !client_ready())
            continue;
        if (!take_answer(s, s->delay_ms))
            return false;
        done++;
    }
    return true;
}

int top_screen(int64_t delay_ms, int64_t rounds)
{
    struct screen s = { .order = BY_CPU, .delay_ms = delay_ms };
    const char *term = getenv("TERM");
    sigset_t open;
    bool ok;

    client_send("host.top", NULL);
    if (!take_answer(&s, delay_ms < FIRST_MS ? delay_ms : FIRST_MS))
        return EXIT_FAILED;
    if (!enter(&open)) {
        top_fini(&s.top);
        return fail("the terminal \"%s\" is not known; set TERM, or use: xl "
                    "top -b", term ? term : "");
    }
    ok = run(&s, rounds, &open);
    leave();
    top_fini(&s.top);
    if (stop) {
        signal(stop, SIG_DFL);
        raise(stop);
        sigprocmask(SIG_SETMASK, &open, NULL);
    }
    return ok ? EXIT_OK : EXIT_FAILED;
}
