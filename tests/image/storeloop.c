/*
 * Write and read xenstore without a pause, and check each reply.
 *
 * Speaks the wire protocol on /dev/xen/xenbus: every request has a number of
 * its own, and its reply must carry that number and the value just written.
 * A lost reply shows as silence, a doubled one as a wrong number.
 *
 * usage: storeloop NAME; prints "zz-store NAME N" every 200 rounds.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

static const char path[] = "data/loop";
static const char *name = "guest";

static void broken(const char *what, unsigned int want, unsigned int got)
{
    printf("zz-store-broken %s %s want=%u got=%u\n", name, what, want, got);
    exit(1);
}

static void read_all(int fd, void *buf, size_t len)
{
    for (char *p = buf; len; ) {
        ssize_t n = read(fd, p, len);

        if (n <= 0)
            broken("read", len, 0);
        p += n;
        len -= n;
    }
}

/* One request and its reply; the body is left in reply, with a NUL. */
static void call(int fd, uint32_t type, uint32_t id, const char *body,
                 size_t len, char *reply, size_t size)
{
    char out[256];
    struct xsd_sockmsg msg = { .type = type, .req_id = id, .len = len };

    memcpy(out, &msg, sizeof(msg));
    memcpy(out + sizeof(msg), body, len);
    if (write(fd, out, sizeof(msg) + len) != (ssize_t)(sizeof(msg) + len))
        broken("write", len, 0);
    read_all(fd, &msg, sizeof(msg));
    if (msg.req_id != id)
        broken("number", id, msg.req_id);
    if (msg.type != type)
        broken("type", type, msg.type);
    if (msg.len >= size)
        broken("length", size, msg.len);
    read_all(fd, reply, msg.len);
    reply[msg.len] = '\0';
}

int main(int argc, char **argv)
{
    int fd = open("/dev/xen/xenbus", O_RDWR);
    char body[128], reply[256];
    uint32_t id = 1;

    if (argc > 1)
        name = argv[1];
    if (fd < 0)
        broken("open", 0, 0);
    for (unsigned int round = 1; ; round++) {
        int len = snprintf(body, sizeof(body), "%s%cv%u", path, 0, round);

        call(fd, XS_WRITE, id++, body, len, reply, sizeof(reply));
        call(fd, XS_READ, id++, path, sizeof(path), reply, sizeof(reply));
        if (reply[0] != 'v' || strtoul(reply + 1, NULL, 10) != round)
            broken("value", round, strtoul(reply + 1, NULL, 10));
        if (round % 200 == 0) {
            printf("zz-store %s %u\n", name, round);
            fflush(stdout);
        }
    }
}
