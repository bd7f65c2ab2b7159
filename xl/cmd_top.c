/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures that move, of all domains: for people, and in xentop's columns. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "top.h"
#include "xl.h"

#define DELAY_MS 3000

static void wait_ms(int64_t ms)
{
    struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}

/* One round after the other, 0: for ever. */
static int batch(int64_t delay_ms, int64_t rounds, bool full)
{
    struct top t = { .sample = NULL };
    struct json_object *sample;

    for (int64_t i = 0; !rounds || i < rounds; i++) {
        if (i)
            wait_ms(delay_ms);
        sample = client_call("host.top", NULL);
        if (!sample)
            return EXIT_FAILED;
        top_update(&t, sample);
        if (global.json)
            print_json(t.sample);
        else
            top_print_batch(&t, full);
        if (fflush(stdout))
            break;              /* main says so */
    }
    top_fini(&t);
    return EXIT_OK;
}

/* Seconds, such as 2 or 0.5.  -1: neither. */
static int64_t parse_delay(const char *text)
{
    char *end;
    double s = strtod(text, &end);

    return end == text || *end || !(s >= 0.1 && s <= 3600) ? -1 :
           (int64_t)(s * 1000);
}

static int cmd_top(int argc, char **argv)
{
    static const struct option words[] = {
        { "batch", no_argument, NULL, 'b' },
        { "iterations", required_argument, NULL, 'i' },
        { "delay", required_argument, NULL, 'd' },
        { "full-name", no_argument, NULL, 'f' },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    int64_t delay_ms = DELAY_MS, rounds = 0;
    bool in_batch = false, full = false;
    int opt;

    while ((opt = next_option(argc, argv, "hbi:d:f", words)) != -1)
        switch (opt) {
        case 'b': in_batch = true; break;
        case 'f': full = true; break;
        case 'i':
            if (!parse_number(optarg, 1, INT32_MAX, &rounds))
                return fail("invalid number of rounds: %s", optarg);
            break;
        case 'd':
            delay_ms = parse_delay(optarg);
            if (delay_ms < 0)
                return fail("invalid delay: %s (0.1 to 3600 seconds)",
                            optarg);
            break;
        }
    if (in_batch)
        return batch(delay_ms, rounds, full);
    if (global.json)
        return batch(delay_ms, rounds ? rounds : 1, full);
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return fail("this is no terminal; for a file or a pipe use: xl top "
                    "-b");
    return top_screen(delay_ms, rounds);
}

const struct command top_commands[] = {
    { "top", cmd_top, "[options]",
      "Show what domains do: CPU, memory, network, disks",
      "-b, --batch               print xentop's columns instead\n"
      "-i <n>, --iterations=<n>  end after so many rounds\n"
      "-d <s>, --delay=<s>       seconds between them: 0.1 to 3600\n"
      "-f, --full-name           do not shorten names in the columns\n", 0, 0,
      false },
    { NULL, NULL, NULL, NULL, NULL, 0, 0, false }
};
