/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "xl.h"

#define ESCAPE 0x1d             /* Ctrl-] */
/* After the end of the input, how long the output may be silent, in ms. */
#define LAST_OUTPUT 300

static struct termios saved;
static bool raw;

static void restore_terminal(void)
{
    if (raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    raw = false;
}

static void on_signal(int sig)
{
    restore_terminal();
    signal(sig, SIG_DFL);
    raise(sig);
}

static void make_raw(void)
{
    struct termios t;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved))
        return;
    t = saved;
    cfmakeraw(&t);
    raw = true;
    atexit(restore_terminal);
    signal(SIGTERM, on_signal);
    signal(SIGHUP, on_signal);
    signal(SIGINT, on_signal);
    signal(SIGQUIT, on_signal);
    tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static bool write_all(int fd, const char *p, size_t len)
{
    while (len) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        p += n;
        len -= n;
    }
    return true;
}

/* Input to the guest.  False: the user has left, or there is no more. */
static bool send_input(int sock, int escape, bool *ret_left)
{
    char text[4096], *stop;
    ssize_t n = read(STDIN_FILENO, text, sizeof(text));

    if (n <= 0)
        return n < 0 && errno == EINTR;
    stop = memchr(text, escape, n);
    if (stop)
        n = stop - text;
    *ret_left = stop;
    return write_all(sock, text, n) && !stop;
}

static int run_console(int sock, int escape)
{
    struct pollfd p[2] = { { STDIN_FILENO, POLLIN, 0 }, { sock, POLLIN, 0 } };
    bool left = false, more = true;
    char text[16384];
    ssize_t n;

    while (!left) {
        n = poll(p, 2, more ? -1 : LAST_OUTPUT);
        if (n < 0 && errno != EINTR)
            break;
        if (!n && !more)
            break;
        if (n <= 0)
            continue;
        if (p[1].revents) {
            n = read(sock, text, sizeof(text));
            if (n <= 0)
                break;
            if (!write_all(STDOUT_FILENO, text, n))
                break;
        }
        if (more && p[0].revents && !send_input(sock, escape, &left)) {
            more = false;
            p[0].fd = -1;
        }
    }
    return EXIT_OK;
}

int console_attach(const char *domain, int escape)
{
    struct json_object *result;
    char early[65536];
    size_t len = sizeof(early);
    int sock, rc;

    result = client_call("domain.console", params_of("domain", domain));
    if (!result)
        return fail("Unable to attach console");
    json_object_put(result);
    sock = client_take_socket(early, &len);
    signal(SIGPIPE, SIG_IGN);
    make_raw();
    write_all(STDOUT_FILENO, early, len);
    rc = run_console(sock, escape);
    restore_terminal();
    close(sock);
    return rc;
}

/* "^]" or one character. */
static int parse_escape(const char *text)
{
    if (text[0] == '^' && text[1] && !text[2])
        return text[1] & 0x1f;
    if (!text[0] || text[1])
        usage_error("-e takes one character, such as ^a");
    return (unsigned char)text[0];
}

static int cmd_console(int argc, char **argv)
{
    int escape = ESCAPE, opt;

    while ((opt = next_option(argc, argv, "ht:n:e:", NULL)) != -1)
        switch (opt) {
        case 't':
            if (strcmp(optarg, "pv"))
                return fail("console type %s: guests have only pv consoles",
                            optarg);
            break;
        case 'n':
            if (strcmp(optarg, "0"))
                return fail("there is only console 0");
            break;
        case 'e': escape = parse_escape(optarg); break;
        }
    return console_attach(argv[optind], escape);
}

const struct command console_commands[] = {
    { "console", cmd_console, "[options] <Domain>",
      "Talk to a domain's console; Ctrl-] leaves it",
      "-t <type>       console type: pv\n"
      "-n <number>     console number: 0\n"
      "-e <char>       leave with this character instead (^X: control-X)\n",
      1, 1, false },
    { NULL, NULL, NULL, NULL, NULL, 0, 0, false }
};
