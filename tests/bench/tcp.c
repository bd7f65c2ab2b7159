/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's network carries.
 *
 *   tcp serve PORT           in dom0: the other end of the measurements
 *   tcp HOST PORT WHERE NAME NAME-out and NAME-in: µs for a MiB each way
 *
 * A line is `zzb WHERE NAME us`, the smallest of several rounds: what else runs
 * only adds.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS  3
#define MIB     8               /* moved in a round */
#define CHUNK   (128u << 10)

static char buf[CHUNK] __attribute__((aligned(4096)));

static void show(const char *where, const char *name, const char *way,
                 double us)
{
    printf("zzb %s %s%s %.3f\n", where, name, way, us);
    fflush(stdout);
}

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

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "serve"))
        serve(argv[2]);
    if (argc != 5)
        return 2;
    tcp(argv + 1);
    return 0;
}
