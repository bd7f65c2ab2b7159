/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of xl: how many words each command takes, and what is shown
 * of a restore.  Nobody or a process stands for xend.
 */
#define main xl_main
#include "../../xl/main.c"
#undef main

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is in use when xl ends is not freed. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static char said[65536];        /* on standard error */

/* xl with these words: its exit status. */
static int run(const char *words, const char *path)
{
    char line[1000], *argv[32] = { NULL }, *p;
    FILE *err = tmpfile();
    int argc = 0, status;
    pid_t child;
    ssize_t n;

    snprintf(line, sizeof(line), "xl %s", words);
    for (p = strtok(line, " "); p; p = strtok(NULL, " "))
        argv[argc++] = p;
    fflush(NULL);
    child = fork();
    if (!child) {
        setenv("XEND_SOCKET", path, 1);
        dup2(fileno(err), STDERR_FILENO);
        if (!freopen("/dev/null", "w", stdout))
            _exit(99);
        exit(xl_main(argc, argv));
    }
    waitpid(child, &status, 0);
    n = pread(fileno(err), said, sizeof(said) - 1, 0);
    said[n > 0 ? n : 0] = 0;
    fclose(err);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define ASKED "xl: xend is not running"

static const struct {
    const char *words;
    int code;
    const char *said;
} lines[] = {
    { "pause", 2, "'xl pause' requires at least 1 argument.\n" },
    { "pause a", 1, ASKED },
    { "pause a b", 2, "'xl pause' takes 1 argument at most.\n" },
    { "block-detach a xvda zzz", 2,
      "'xl block-detach' takes 2 arguments at most.\n" },
    { "-f block-detach -f a xvda", 1, ASKED },
    { "dump-core a b c", 2, "'xl dump-core' takes 2 arguments at most.\n" },
    { "top -b foo", 2, "'xl top' takes no arguments.\n" },
    { "shutdown -a a", 2, "'xl shutdown -a' takes no arguments.\n" },
    { "shutdown", 2, "'xl shutdown' requires at least 1 argument.\n" },
    { "sched-credit2 -d a --weight 5", 1, ASKED },
    { "sched-credit2 -d a -w 5 6", 2, "'xl sched-credit2' takes no argument" },
    { "-vvT vcpu-list a b c d", 1, ASKED },
    { "save -D a b", 1, "xl: warning: -D: " },
    { "save a b /dev/null d", 2, "'xl save' takes 3 arguments at most.\n" },
    { "restore /dev/null", 1, ASKED },
    { "restore /nonexistent", 1, ASKED },
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        int code = run(lines[i].words, "/nonexistent/sock");

        if (code != lines[i].code || strncmp(said, lines[i].said,
                                             strlen(lines[i].said)))
            fail_msg("xl %s: %d: %s", lines[i].words, code, said);
    }
}

/* Claim: no command ignores a word; its usage tells which take many. */
static void test_all(void **state)
{
    char words[100];

    (void)state;
    for (size_t i = 0; i < NR_TABLES; i++)
        for (const struct command *c = tables[i]; c->name; c++) {
            bool many = strstr(c->args, "...") || strstr(c->args, "(s)");

            assert_true(c->min_args <= c->max_args);
            if (many != (c->max_args == MANY))
                fail_msg("xl %s %s", c->name, c->args);
            snprintf(words, sizeof(words), "%s x x x x x x x x x", c->name);
            if ((run(words, "/nonexistent/sock") != EXIT_USAGE) != many ||
                !strstr(said, "' takes ") != many)
                fail_msg("xl %s: %s", words, said);
        }
}

static const char definition[] = "{\"c_info\":{\"name\":\"g1\"}}";

static void write_saved(const char *path)
{
    const struct {
        char magic[16];
        uint32_t version, abi;
        uint64_t zero;
        uint32_t type, no_flags;
        uint64_t size;
    } head = { "zazen guest\0\r\n\x1a", 1, 1, 0, 1, 0, strlen(definition) };
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(&head, sizeof(head), 1, f), 1);
    assert_true(fputs(definition, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

#define LISTED "{\"id\":2,\"result\":{\"domains\":[{\"name\":\"g1\"," \
    "\"state\":\"building\",\"percent\":40}]}}\n"
#define RESTORED "{\"id\":1,\"result\":{\"name\":\"g1\",\"domid\":7}}\n"
#define NO_CONSOLE "{\"id\":3,\"error\":{\"message\":\"it has none\"}}\n"

/* A restore is not over before its domain has been asked for. */
static void serve(int listener, const char *answers)
{
    int fd = accept(listener, NULL, NULL);
    FILE *f = fdopen(fd, "r");
    char line[1000];

    alarm(20);
    while (fgets(line, sizeof(line), f)) {
        if (strstr(line, "\"domain.console\""))
            answers = NO_CONSOLE;
        else if (!strstr(line, "\"domains\":[\"g1\"]"))
            continue;
        if (write(fd, answers, strlen(answers)) < 0)
            break;
    }
    _exit(0);
}

static void restore(const char *answers, const char *shown)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    char dir[] = "/tmp/test_xl.XXXXXX", path[100], file[100], words[200];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), code;
    pid_t server;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/sock", dir);
    snprintf(file, sizeof(file), "%s/saved", dir);
    write_saved(file);
    strcpy(addr.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(fd, 1), 0);
    fflush(NULL);
    server = fork();
    if (!server)
        serve(fd, answers);
    close(fd);
    snprintf(words, sizeof(words), "-t restore -c %s", file);
    code = run(words, path);
    waitpid(server, NULL, 0);
    unlink(path);
    unlink(file);
    rmdir(dir);
    assert_string_equal(said, shown);
    assert_int_equal(code, 1);
}

#define AFTER "\r\033[Kxl: it has none\nxl: Unable to attach console\n"

/* Claim: it is seen by the name in the file, as nobody knows its id yet; and an
 * answer that comes too late is not the next one's. */
static void test_restore(void **state)
{
    (void)state;
    restore(LISTED RESTORED, "\rrestoring: 40 %\033[K" AFTER);
    restore(RESTORED LISTED, AFTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_restore),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
