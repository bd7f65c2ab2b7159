/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's disk and network carry.
 *
 *   io serve PORT            in dom0: the other end of the measurements
 *   io tcp HOST PORT WHERE NAME
 *                            NAME-out and NAME-in: µs for a MiB each way
 *   io disk DEVICE WHERE     µs for a MiB in order, and for 4 KiB anywhere,
 *                            read and written past the page cache
 *
 * A line is `zzb WHERE NAME us`, the smallest of several rounds: what else runs
 * only adds.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS  3
#define MIB     8               /* moved in a round */
#define CHUNK   (128u << 10)
#define SMALL   4096u
#define SMALLS  512             /* of them in a round */

static char buf[CHUNK] __attribute__((aligned(4096)));

static void show(const char *where, const char *name, const char *way,
                 double us)
{
    printf("zzb %s %s%s %.3f\n", where, name, way, us);
    fflush(stdout);
}

/* ---- TCP ---- */

static void give(int s)
{
    for (size_t left = (size_t)MIB << 20; left; ) {
        ssize_t n = write(s, buf, left < CHUNK ? left : CHUNK);

        must(n > 0, "write");
        left -= (size_t)n;
    }
}

static void take(int s)
{
    for (size_t left = (size_t)MIB << 20; left; ) {
        ssize_t n = read(s, buf, left < CHUNK ? left : CHUNK);

        must(n > 0, "read");
        left -= (size_t)n;
    }
}

/* A client says which way by one byte, and gets one when all has come. */
static void serve(const char *port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(port)),
    };
    int s = socket(AF_INET, SOCK_STREAM, 0);

    must(s >= 0 && !setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 },
                               sizeof(int)), "socket");
    must(!bind(s, (struct sockaddr *)&a, sizeof(a)) && !listen(s, 4), port);
    for (;;) {
        int c = accept(s, NULL, NULL);
        char way;

        must(c >= 0, "accept");
        while (read(c, &way, 1) == 1) {
            if (way == 'i') {
                give(c);
            } else {
                take(c);
                must(write(c, "", 1) == 1, "write");
            }
        }
        close(c);
    }
}

static double one_way(int s, char way)
{
    double start = now();

    must(write(s, &way, 1) == 1, "write");
    if (way == 'i') {
        take(s);
    } else {
        give(s);
        must(read(s, buf, 1) == 1, "read");
    }
    return (now() - start) / MIB;
}

static void tcp(char **argv)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(argv[1])),
        .sin_addr.s_addr = inet_addr(argv[0]),
    };
    int s = socket(AF_INET, SOCK_STREAM, 0);
    double in = 1e12, out = 1e12;

    must(s >= 0 && !connect(s, (struct sockaddr *)&a, sizeof(a)), argv[0]);
    for (int i = 0; i < ROUNDS; i++) {
        double us = one_way(s, 'o');

        out = us < out ? us : out;
        us = one_way(s, 'i');
        in = us < in ? us : in;
    }
    show(argv[2], argv[3], "-out", out);
    show(argv[2], argv[3], "-in", in);
}

/* ---- a disk ---- */

typedef ssize_t (*move_fn)(int fd, off_t at, size_t size);

static ssize_t get(int fd, off_t at, size_t size)
{
    return pread(fd, buf, size, at);
}

static ssize_t put(int fd, off_t at, size_t size)
{
    return pwrite(fd, buf, size, at);
}

static double in_order(int fd, move_fn move)
{
    double best = 1e12;

    for (int i = 0; i < ROUNDS; i++) {
        double start = now(), us;

        for (off_t at = 0; at < (off_t)MIB << 20; at += CHUNK)
            must(move(fd, at, CHUNK) == CHUNK, "disk");
        us = (now() - start) / MIB;
        best = us < best ? us : best;
    }
    return best;
}

static double anywhere(int fd, move_fn move)
{
    unsigned int seed = 1;
    double best = 1e12;

    for (int i = 0; i < ROUNDS; i++) {
        double start = now(), us;

        for (int n = 0; n < SMALLS; n++) {
            off_t page = rand_r(&seed) % ((MIB << 20) / SMALL);

            must(move(fd, page * SMALL, SMALL) == SMALL, "disk");
        }
        us = (now() - start) / SMALLS;
        best = us < best ? us : best;
    }
    return best;
}

static void disk(char **argv)
{
    int fd = open(argv[0], O_RDWR | O_DIRECT);

    must(fd >= 0, argv[0]);
    show(argv[1], "write", "", in_order(fd, put));
    show(argv[1], "read", "", in_order(fd, get));
    show(argv[1], "write4k", "", anywhere(fd, put));
    show(argv[1], "read4k", "", anywhere(fd, get));
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "serve"))
        serve(argv[2]);
    if (argc == 6 && !strcmp(argv[1], "tcp"))
        tcp(argv + 2);
    else if (argc == 4 && !strcmp(argv[1], "disk"))
        disk(argv + 2);
    else
        return 2;
    return 0;
}
