/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's socket: bytes as libxenstore sends them, in whatever pieces;
 * clients that only read, that misbehave and that do not read; and, where they
 * are installed, Debian's own tools.
 */
#include "store_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

static int dial(const char *name)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", dir, name);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

static size_t request(char *to, uint32_t type, const char *payload, size_t len)
{
    struct xsd_sockmsg hdr = { type, 77, 0, len };

    memcpy(to, &hdr, sizeof(hdr));
    memcpy(to + sizeof(hdr), payload, len);
    return sizeof(hdr) + len;
}

/* The reply's type; its payload, terminated. */
static uint32_t answer(int fd, char *reply)
{
    struct xsd_sockmsg hdr;

    turn();
    assert_int_equal(read(fd, &hdr, sizeof(hdr)), sizeof(hdr));
    assert_int_equal(hdr.req_id, hdr.type == XS_WATCH_EVENT ? 0 : 77);
    assert_int_equal(hdr.len ? read(fd, reply, hdr.len) : 0, hdr.len);
    reply[hdr.len] = 0;
    return hdr.type;
}

static uint32_t ask(int fd, uint32_t type, const char *payload, size_t len,
                    char *reply)
{
    char msg[8192];
    size_t size = request(msg, type, payload, len);

    assert_int_equal(write(fd, msg, size), size);
    return answer(fd, reply);
}

static bool is_closed(int fd)
{
    char byte;

    turn();
    return read(fd, &byte, 1) == 0;
}

static void test_pieces(void **state)
{
    char msg[128], reply[8192];
    int fd = dial("socket");
    size_t size;

    (void)state;
    size = request(msg, XS_WRITE, "/a/b\0hello", 10);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(write(fd, msg + i, 1), 1);
        turn();
    }
    assert_int_equal(answer(fd, reply), XS_WRITE);
    size = request(msg, XS_READ, "/a/b", 5);
    size += request(msg + size, XS_DIRECTORY, "/a", 3);
    assert_int_equal(write(fd, msg, size), size);
    assert_int_equal(answer(fd, reply), XS_READ);
    assert_string_equal(reply, "hello");
    assert_int_equal(answer(fd, reply), XS_DIRECTORY);
    assert_string_equal(reply, "b");
    assert_int_equal(ask(fd, XS_WATCH, "/a\0t", 5, reply), XS_WATCH);
    assert_int_equal(answer(fd, reply), XS_WATCH_EVENT);
    store_write(s, NULL, "/a/b", "2");
    assert_int_equal(answer(fd, reply), XS_WATCH_EVENT);
    assert_memory_equal(reply, "/a/b\0t", 7);
    close(fd);
    turn();
    store_write(s, NULL, "/a/b", "3");
    turn();
}

static void test_read_only(void **state)
{
    static const struct {
        uint32_t type;
        const char *payload;
        size_t len;
        bool ok;
    } cases[] = {
        { XS_READ, "/tool", 6, true }, { XS_DIRECTORY, "/", 2, true },
        { XS_GET_PERMS, "/", 2, true }, { XS_WRITE, "/x\0001", 4, false },
        { XS_MKDIR, "/x", 3, false }, { XS_RM, "/tool", 6, false },
        { XS_SET_PERMS, "/\0n1", 5, false }, { XS_RELEASE, "1", 2, false },
        { XS_INTRODUCE, "1\0001\0001", 6, false },
        { XS_TRANSACTION_START, "", 1, true },
    };
    char reply[8192];
    int fd = dial("socket_ro");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t type = ask(fd, cases[i].type, cases[i].payload, cases[i].len,
                            reply);

        assert_int_equal(type, cases[i].ok ? cases[i].type : XS_ERROR);
        if (!cases[i].ok)
            assert_string_equal(reply, "EROFS");
    }
    close(fd);
}

/* A broken message ends its connection, and no other. */
static void test_broken(void **state)
{
    struct xsd_sockmsg hdr = { XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1 };
    char reply[8192];
    int bad = dial("socket"), good = dial("socket");

    (void)state;
    assert_int_equal(write(bad, &hdr, sizeof(hdr)), sizeof(hdr));
    assert_true(is_closed(bad));
    assert_int_equal(ask(good, XS_READ, "/tool", 6, reply), XS_READ);
    close(bad);
    close(good);
}

/* Who asks and does not read is asked to wait; it then gets every reply. */
static void test_slow_reader(void **state)
{
    char msg[128], *big = malloc(4000), reply[8192];
    int fd = dial("socket"), other = dial("socket");
    unsigned int sent = 0, got = 0;
    size_t size;

    (void)state;
    memset(big, 'x', 4000);
    store_write_bytes(s, NULL, "/big", big, 4000);
    free(big);
    size = request(msg, XS_READ, "/big", 5);
    while (sent < 20000 && write(fd, msg, size) == (ssize_t)size) {
        sent++;
        if (sent % 64 == 0)
            turn();
    }
    turn();
    assert_int_equal(ask(other, XS_READ, "/tool", 6, reply), XS_READ);
    for (struct xsd_sockmsg hdr; got < sent; got++) {
        size_t at = 0;

        turn();
        if (read(fd, &hdr, sizeof(hdr)) != sizeof(hdr))
            break;
        while (at < hdr.len) {
            ssize_t n = read(fd, reply, hdr.len - at);

            if (n < 0)
                turn();
            else
                at += n;
        }
    }
    assert_int_equal(got, sent);
    close(fd);
    close(other);
}

/* Events for a client that does not read cost it the connection in the end. */
static void test_deaf_watcher(void **state)
{
    char path[64], reply[8192];
    int fd = dial("socket");
    ssize_t n = 1;

    (void)state;
    ask(fd, XS_WATCH, "/\0t", 4, reply);
    for (int i = 0; i < 120000; i++) {
        snprintf(path, sizeof(path), "/events/%d/%d", i / 300, i);
        store_write(s, NULL, path, "");
    }
    turn();
    while (n > 0)
        n = read(fd, reply, sizeof(reply));
    assert_int_equal(n, 0);
    close(fd);
}

/* Run a shell line beside the store, and return what it printed. */
static const char *shell(const char *line)
{
    static char out[4096];
    char command[1024];
    size_t len = 0;
    FILE *f;

    snprintf(command, sizeof(command), "XENSTORED_PATH=%s/socket; "
             "export XENSTORED_PATH; timeout 60 sh -c '%s' 2>&1", dir, line);
    f = popen(command, "r");
    fcntl(fileno(f), F_SETFL, O_NONBLOCK);
    while (len < sizeof(out) - 1) {
        ssize_t n = read(fileno(f), out + len, sizeof(out) - 1 - len);

        if (n == 0)
            break;
        if (n > 0)
            len += n;
        else
            sd_event_run(loop, 1000);
    }
    pclose(f);
    out[len] = 0;
    return out;
}

static void test_debian_tools(void **state)
{
    static const struct {
        const char *line, *prints;
    } cases[] = {
        { "xenstore-write /t/a hello /t/b/c \"two words\"", "" },
        { "xenstore-read /t/a /t/b/c", "hello\ntwo words\n" },
        { "xenstore-ls -f /t", "/t/a = \"hello\"\n/t/b = \"\"\n"
                               "/t/b/c = \"two words\"\n" },
        { "xenstore-ls /t", "a = \"hello\"\nb = \"\"\n c = \"two words\"\n" },
        { "xenstore-list /t", "a\nb\n" },
        { "xenstore-chmod /t/a n1 r2; xenstore-ls -fp /t | head -n 1",
          "/t/a = \"hello\"   (n1,r2)\n" },
        { "xenstore-exists /t/a && echo yes; xenstore-exists /t/z || echo no",
          "yes\nno\n" },
        { "xenstore-watch -n 2 /t/w | (read first; echo $first; "
          "xenstore-write /t/w 1; cat)", "/t/w\n/t/w\n" },
        { "xenstore-rm /t/b; xenstore-list /t", "a\nw\n" },
    };

    (void)state;
    if (system("command -v xenstore-ls >/dev/null 2>&1")) {
        print_message("xenstore-utils is not installed\n");
        skip();
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *out = shell(cases[i].line);

        if (strcmp(out, cases[i].prints))
            fail_msg("%s: %s", cases[i].line, out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_pieces),
        RIG_TEST(test_read_only),
        RIG_TEST(test_broken),
        RIG_TEST(test_slow_reader),
        RIG_TEST(test_deaf_watcher),
        RIG_TEST(test_debian_tools),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
