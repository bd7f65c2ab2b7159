/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Much data by TCP, each word of it checked where it arrives.
 *
 *   stream serve PORT           the other end; it serves one after the other
 *   stream get HOST PORT MIB    take so much from there
 *   stream put HOST PORT MIB    send so much there
 *
 * The words are those of a generator that both ends run, so one that is lost,
 * repeated or changed is found.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK 65536

struct request {
    uint64_t bytes;
    uint64_t give;              /* to who asks; else it sends */
};

static uint64_t buf[CHUNK / 8];

/* The generator of Vigna's SplitMix64. */
static uint64_t next_word(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* All of len bytes in one direction; false if the other end has gone. */
static int move(int s, void *p, size_t len, int give)
{
    for (size_t done = 0; done < len; ) {
        ssize_t n = give ? write(s, (char *)p + done, len - done)
                         : read(s, (char *)p + done, len - done);

        if (n <= 0)
            return 0;
        done += (size_t)n;
    }
    return 1;
}

static int give(int s, uint64_t bytes)
{
    uint64_t state = bytes;

    for (; bytes; bytes -= CHUNK) {
        for (size_t i = 0; i < CHUNK / 8; i++)
            buf[i] = next_word(&state);
        if (!move(s, buf, CHUNK, 1))
            return 0;
    }
    return 1;
}

static int take(int s, uint64_t bytes)
{
    uint64_t state = bytes;

    for (uint64_t at = 0; at < bytes; at += CHUNK) {
        if (!move(s, buf, CHUNK, 0)) {
            printf("ends near byte %llu\n", (unsigned long long)at);
            return 0;
        }
        for (size_t i = 0; i < CHUNK / 8; i++)
            if (buf[i] != next_word(&state)) {
                at += i * 8;
                printf("wrong at byte %llu\n", (unsigned long long)at);
                return 0;
            }
    }
    return 1;
}

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static int serve(struct sockaddr_in *a)
{
    int s = socket(AF_INET, SOCK_STREAM, 0);

    signal(SIGPIPE, SIG_IGN);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    if (bind(s, (struct sockaddr *)a, sizeof(*a)) || listen(s, 4))
        return fail("stream: port");
    for (;;) {
        int c = accept(s, NULL, NULL);
        struct request r;

        if (c < 0)
            continue;
        if (move(c, &r, sizeof(r), 0)) {
            if (r.give)
                give(c, r.bytes);
            else if (take(c, r.bytes))
                move(c, "y", 1, 1); /* all came as it was */
        }
        close(c);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    struct request r;
    char answer;
    int s;

    if (argc == 3 && !strcmp(argv[1], "serve")) {
        a.sin_port = htons((uint16_t)atoi(argv[2]));
        return serve(&a);
    }
    if (argc != 5 || inet_pton(AF_INET, argv[2], &a.sin_addr) != 1) {
        fputs("usage: stream serve PORT | get|put HOST PORT MIB\n", stderr);
        return 2;
    }
    a.sin_port = htons((uint16_t)atoi(argv[3]));
    r = (struct request){ strtoull(argv[4], NULL, 10) << 20,
                          !strcmp(argv[1], "get") };
    s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, (struct sockaddr *)&a, sizeof(a)))
        return fail("stream: connect");
    if (!move(s, &r, sizeof(r), 1) ||
        !(r.give ? take(s, r.bytes)
                 : give(s, r.bytes) && move(s, &answer, 1, 0)))
        return fail("stream");
    printf("%s MiB whole\n", argv[4]);
    return 0;
}
