/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .cfg files: what is accepted, what it means, and how refusals read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>

#include "config/config.h"
#include "util/cleanup.h"

#define BASE "name = 'g'\nkernel = '/k'\n"

static struct domain_config *parse2(const char *text, const char *extra,
                                    struct config_report *r)
{
    struct config_source src[] = { { "g.cfg", text },
                                   { "command line", extra } };
    struct domain_config *c = NULL;

    *r = (struct config_report){ 0 };
    if (config_parse_xl(src, extra ? 2 : 1, "/home/u", r, &c))
        return NULL;
    if (config_check(c, "g.cfg", r)) {
        config_free(c);
        return NULL;
    }
    return c;
}

/* Claim: a refused text gives one line that has all of these words. */
static const struct {
    const char *text, *words[3];
} refused[] = {
    { "name = g\n", { "g.cfg:1", "near \"g\"", "quotes" } },
    { "name = 'g\nkernel='/k'", { "g.cfg:1", "does not end", NULL } },
    { "name = 'g' kernel = '/k'", { "g.cfg:1", "expected the end", NULL } },
    { BASE "vcpus = 'two'", { "g.cfg:3", "vcpus", "from 1 to 128" } },
    { BASE "vcpus = 0", { "g.cfg:3", "vcpus", NULL } },
    { BASE "memory = 99999999999999999999", { "g.cfg:3", "not a number" } },
    { BASE "memory = 12abc", { "g.cfg:3", "not a number", NULL } },
    { BASE "memory = -5", { "g.cfg:3", "memory must be a number", NULL } },
    { BASE "\n\nmemory = [", { "g.cfg:5", NULL, NULL } },
    { BASE "memory = 64\nmaxmem = 32", { "maxmem", "less than", "raise" } },
    { BASE "vcpus = 4\nmaxvcpus = 2", { "maxvcpus", "raise", NULL } },
    { BASE "cpus = '3-1'", { "g.cfg:3", "cpus", "0-3,^2" } },
    { BASE "cpus = '0,^0'", { "leaves vcpu 0 no CPU", NULL, NULL } },
    { BASE "on_crash = 'explode'", { "g.cfg:3", "on_crash", "preserve" } },
    { BASE "uuid = '123'", { "g.cfg:3", "uuid", "01234567-" } },
    { BASE "type = 'hvm'", { "g.cfg:3", "type", "\"pv\"" } },
    { BASE "builder = 'hvm'", { "g.cfg:3", "builder", NULL } },
    { BASE "pci = [ '01:00.0' ]", { "g.cfg:3", "pci", "not supported" } },
    { BASE "cpu_weight = 70000", { "cpu_weight", "65535", NULL } },
    { BASE "cap = 101", { "cap", "at most 100", NULL } },
    { BASE "disk = 'x'", { "g.cfg:3", "disk", "list" } },
    { BASE "vif = 'x'", { "g.cfg:3", "vif", "list" } },
    { BASE "vif = ['', 'mac=1']", { "g.cfg:3: vif: mac", "00:16:3e" } },
    { BASE "vif = ['devid=1', 'devid=1']", { "g.cfg: ", "two vif", NULL } },
    { BASE "vif = ['devid=0', '']\ndisk = ['/a,,xvda', 'b,,d0p0']",
      { "g.cfg: ", "two disk", "same device" } },
    { BASE "disk = ['/a,,xvda', '/b,,vda']",
      { "g.cfg:3: disk", "\"vda\" is no disk", NULL } },
    { BASE "vif = ['vifname=a', 'vifname=a']", { "same vifname", NULL, NULL } },
    { BASE "vif = ['mac=00:16:3e:00:00:aa', 'mac=00:16:3E:00:00:AA']",
      { "g.cfg: ", "two vif", "same mac" } },
    { BASE "extra += 1\nextra = 'a'\nextra += 2", { "+=", NULL, NULL } },
    { "kernel = '/k'", { "no name", "name = \"guest\"", NULL } },
    { "name = 'g'", { "no kernel", "kernel =", "firmware =" } },
    { BASE "firmware = 'pvgrub64'", { "kernel and firmware", "remove", NULL } },
    { BASE "firmware = 'ovmf'", { "g.cfg:3", "firmware", "\"pvgrub64\"" } },
    { BASE "firmware = 64", { "g.cfg:3", "firmware", "string" } },
    { BASE "bootloader = 'pygrub'", { "g.cfg:3", "\"pvgrub64\"", "program" } },
    { BASE "bootloader = '/usr/bin/x'", { "g.cfg:3", "program", NULL } },
    { "name = '12'\nkernel = '/k'", { "all digits", NULL, NULL } },
    { "name = 'a b'\nkernel = '/k'", { "white space", NULL, NULL } },
    { "name = '\\x00'\nkernel = '/k'", { "g.cfg:1", NULL, NULL } },
    { "Name = 'g'", { "g.cfg:1", "lower-case", NULL } },
    { "name", { "g.cfg:1", "expected =", NULL } },
    { "a=[[[[[[[[[[[[1]]]]]]]]]]]]", { "g.cfg:1", "nested", NULL } },
};

static void test_refused(void **state)
{
    struct config_report r;
    struct domain_config *c;

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        c = parse2(refused[i].text, NULL, &r);
        if (c || !r.error)
            fail_msg("not refused: %s", refused[i].text);
        for (int w = 0; w < 3 && refused[i].words[w]; w++)
            if (!strstr(r.error, refused[i].words[w]))
                fail_msg("\"%s\": no \"%s\" in: %s", refused[i].text,
                         refused[i].words[w], r.error);
        if (strchr(r.error, '\n'))
            fail_msg("more than one line: %s", r.error);
        config_report_fini(&r);
    }
}

static void test_values(void **state)
{
    static const char text[] =
        "# a comment\n"
        "name = \"web-1.example\"; kernel = 'vmlinuz' # relative\n"
        "ramdisk = '/boot/initrd'\r\n"
        "uuid = '01234567-89ab-cdef-0123-456789ABCDEF'\n"
        "memory = 0x100\nmaxmem = \"512\"\nvcpus = 2\nmaxvcpus = 010\n"
        "root = '/dev/xvda1 ro'\nextra = 'console=\\'hvc0\\' \\x41\\102'\n"
        "cpus = [ '0', \"2-3\", 1, ]\ncpu_weight = 512\ncpu_cap = 50\n"
        "on_poweroff = 'preserve'\non_reboot='destroy'\n"
        "on_crash = 'rename-restart'\ntype = 'pv'\n"
        "disk = [ 'phy:/dev/a,xvda,w',\n  # within a list\n  '/b,,sda,r' ]\n"
        "vif = []\nnomigrate = 1\n";
    struct config_report r;
    struct domain_config *c = parse2(text, NULL, &r);
    char uuid[37];

    (void)state;
    if (!c)
        fail_msg("%s", r.error);
    assert_string_equal(c->name, "web-1.example");
    assert_string_equal(c->kernel, "/home/u/vmlinuz");
    assert_string_equal(c->ramdisk, "/boot/initrd");
    uuid_format(c->uuid, uuid);
    assert_string_equal(uuid, "01234567-89ab-cdef-0123-456789abcdef");
    assert_int_equal(c->memory_kb, 256 << 10);
    assert_int_equal(c->maxmem_kb, 512 << 10);
    assert_int_equal(c->vcpus, 2);
    assert_int_equal(c->maxvcpus, 8);
    assert_string_equal(c->cmdline,
                        "root=/dev/xvda1 ro console='hvc0' AB");
    assert_int_equal(c->nr_hard, 4);
    assert_true(cpuset_test(&c->hard[0], 0) && !cpuset_test(&c->hard[0], 1));
    assert_true(cpuset_test(&c->hard[1], 3) && cpuset_test(&c->hard[2], 1));
    assert_true(cpuset_test(&c->hard[3], 200));     /* the rest may roam */
    assert_int_equal(c->weight, 512);
    assert_int_equal(c->cap, 50);
    assert_int_equal(c->on_poweroff, ACTION_PRESERVE);
    assert_int_equal(c->on_reboot, ACTION_DESTROY);
    assert_int_equal(c->on_crash, ACTION_RENAME_RESTART);
    assert_int_equal(c->nr_devices, 2);
    assert_string_equal(c->device[0]->vbd.target, "/dev/a");
    assert_true(c->nomigrate);
    assert_int_equal(r.warnings.nr, 0);
    config_free(c);
    config_report_fini(&r);
}

/* Claim: either key names the firmware, and JSON keeps it. */
static void test_firmware(void **state)
{
    static const struct {
        const char *text, *firmware;
    } cases[] = {
        { "name = 'g'\nfirmware = 'pvgrub64'", "pvgrub64" },
        { "name = 'g'\nfirmware = '/a/grub.bin'", "/a/grub.bin" },
        { "name = 'g'\nbootloader = 'pvgrub64'", "pvgrub64" },
        { "name = 'g'\nbootloader = 'pvgrub64'\nfirmware = ''", "pvgrub64" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config_report r;
        struct domain_config *c = parse2(cases[i].text, NULL, &r), *back = NULL;
        struct json_object *json;

        if (!c)
            fail_msg("%s", r.error);
        json = config_to_json(c);
        assert_int_equal(config_from_json(json, &r, &back), 0);
        assert_string_equal(back->firmware, cases[i].firmware);
        assert_null(back->kernel);
        json_object_put(json);
        config_free(back);
        config_free(c);
        config_report_fini(&r);
    }
}

/* Claim: whoever gives a definition as JSON is told of firmware that is not
 * there; no other is started in its place. */
static void test_firmware_json(void **state)
{
    static const char *const words[] = { "ovmf", "grub.bin", "" };

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct config_report r;
        struct domain_config *c = parse2("name = 'g'\nfirmware = '/a'", NULL,
                                         &r);

        assert_non_null(c);
        free(c->firmware);
        c->firmware = strdup(words[i]);
        assert_int_equal(config_check(c, "config", &r), -EINVAL);
        assert_non_null(strstr(r.error, "\"pvgrub64\""));
        config_free(c);
        config_report_fini(&r);
    }
}

static void test_defaults(void **state)
{
    struct config_report r;
    struct domain_config *c = parse2(BASE, NULL, &r);

    (void)state;
    assert_non_null(c);
    assert_int_equal(c->vcpus, 1);
    assert_int_equal(c->maxvcpus, 1);
    assert_int_equal(c->memory_kb, c->maxmem_kb);
    assert_int_equal(c->weight, 256);
    assert_int_equal(c->on_poweroff, ACTION_DESTROY);
    assert_int_equal(c->on_reboot, ACTION_RESTART);
    assert_int_equal(c->on_crash, ACTION_DESTROY);
    assert_null(c->cmdline);
    config_free(c);
    config_report_fini(&r);
}

/* Claim: the last assignment wins, += adds, later sources override. */
static void test_order(void **state)
{
    struct config_report r;
    struct domain_config *c;

    (void)state;
    c = parse2(BASE "memory = 64\nextra = 'a'\nextra += ' b'\nmemory = 96\n"
               "disk = ['1,,xvda']\n"
               "disk += ['2,,xvdb', '3,,xvdc']\n", "vcpus=2;memory=128", &r);
    assert_non_null(c);
    assert_int_equal(c->memory_kb, 128 << 10);
    assert_int_equal(c->vcpus, 2);
    assert_string_equal(c->cmdline, "a b");
    assert_int_equal(c->nr_devices, 3);
    config_free(c);
    config_report_fini(&r);
    c = parse2(BASE, "name=g", &r);
    assert_null(c);
    assert_non_null(strstr(r.error, "command line:1"));
    config_report_fini(&r);
}

/* Claim: odd lines are warned about with their place, and the rest goes on. */
static const struct {
    const char *text, *words[3];
} warned[] = {
    { BASE "memroy = 64", { "g.cfg:3", "memroy", "\"memory\"" } },
    { BASE "vcpu = 2", { "g.cfg:3", "\"vcpu\"", "\"vcpus\"" } },
    { BASE "on_poweorff = 'x'", { "g.cfg:3", "\"on_poweroff\"", NULL } },
    { BASE "zzyzx = 1", { "g.cfg:3", "\"zzyzx\" ignored", NULL } },
    { BASE "acpi = 1", { "g.cfg:3", "acpi has no effect", NULL } },
    { BASE "vfb = [ 'vnc=1' ]", { "vfb", "no effect", NULL } },
    { BASE "cmdline = 'a'\nextra = 'b'", { "extra", "cmdline", NULL } },
    { BASE "on_crash = 'soft-reset'", { "on_crash", "restart" } },
};

static void test_warned(void **state)
{
    struct config_report r;
    struct domain_config *c;

    (void)state;
    for (size_t i = 0; i < sizeof(warned) / sizeof(warned[0]); i++) {
        c = parse2(warned[i].text, NULL, &r);
        if (!c || r.warnings.nr != 1)
            fail_msg("%s: %s, %u warnings", warned[i].text,
                     r.error ? r.error : "accepted", r.warnings.nr);
        for (int w = 0; w < 3 && warned[i].words[w]; w++)
            if (!strstr(r.warnings.item[0], warned[i].words[w]))
                fail_msg("no \"%s\" in: %s", warned[i].words[w],
                         r.warnings.item[0]);
        config_free(c);
        config_report_fini(&r);
    }
}

/* Claim: what a key turns off is accepted for keys that are not supported. */
static void test_off(void **state)
{
    struct config_report r;
    struct domain_config *c = parse2(BASE "vnc = 0\npci = []\nsoundhw = ''\n"
                                     "bootloader = ''\n", NULL, &r);

    (void)state;
    assert_non_null(c);
    assert_int_equal(r.warnings.nr, 0);
    config_free(c);
    config_report_fini(&r);
}

/* Claim: no mutation of a file makes the parser crash, hang or leak. */
static void test_mutations(void **state)
{
    static const char base[] = BASE "memory = 64 # c\ncpus = ['0', \"1-2\"]\n"
                               "extra = 'a\\x41'; disk = [ 'a', [ 1 ] ]\n";
    static const char bytes[] = "'\"[]=+#;\\\n ,0x-a_\x80";
    char text[sizeof(base)];
    struct config_report r;
    unsigned int seed = 1;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        memcpy(text, base, sizeof(base));
        for (int n = 0; n < 1 + i % 4; n++) {
            seed = seed * 1103515245 + 12345;
            text[(seed >> 16) % (sizeof(base) - 1)] =
                bytes[(seed >> 8) % (sizeof(bytes) - 1)];
        }
        config_free(parse2(text, NULL, &r));
        if (r.error)
            assert_null(strchr(r.error, '\n'));
        config_report_fini(&r);
    }
}

static void test_cpusets(void **state)
{
    static const struct {
        const char *text, *out;
    } sets[] = {
        { "all", "all" }, { "0-3", "all" }, { "0,2-3", "0,2-3" },
        { "^1", "0,2-3" }, { "0-3,^1-2", "0,3" }, { "none", "none" },
        { "nodes:0", "all" }, { " 1 , 2 ", "1-2" },
    };
    struct cpuset set;
    const char *why;

    (void)state;
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        _cleanup_free_ char *out = NULL;

        assert_int_equal(cpuset_parse(sets[i].text, &set, &why), 0);
        out = cpuset_format(&set, 4);
        assert_string_equal(out, sets[i].out);
    }
    assert_int_equal(cpuset_parse("", &set, &why), -EINVAL);
    assert_int_equal(cpuset_parse("256", &set, &why), -EINVAL);
    assert_int_equal(cpuset_parse("1-", &set, &why), -EINVAL);
}

/* Claim: JSON and back loses nothing. */
static void test_json_round_trip(void **state)
{
    struct config_report r;
    struct domain_config *c, *back = NULL;
    struct json_object *one, *two;

    (void)state;
    c = parse2(BASE "ramdisk='/r'\nmemory=64\nmaxmem=128\nvcpus=2\n"
               "maxvcpus=3\ncpus=['0','1-2']\ncpus_soft='^0'\ncap=150\n"
               "cpu_weight=7\non_crash='rename-restart'\nextra='x \"y\"'\n"
               "on_watchdog='coredump-restart'\nnomigrate=1\n"
               "max_grant_frames=9\nmax_event_channels=200\n"
               "disk=['a,,xvdb','/b,,d20p1,r']\n"
               "vif=['', 'devid=3,bridge=br0,rate=10MB/s']\n"
               "uuid='01234567-89ab-cdef-0123-456789abcdef'", NULL, &r);
    assert_non_null(c);
    one = config_to_json(c);
    assert_int_equal(config_from_json(one, &r, &back), 0);
    two = config_to_json(back);
    assert_string_equal(json_object_to_json_string(one),
                        json_object_to_json_string(two));
    assert_int_equal(back->vcpus, 2);
    assert_int_equal(back->on_crash, ACTION_RENAME_RESTART);
    assert_int_equal(back->on_watchdog, ACTION_COREDUMP_RESTART);
    assert_memory_equal(back->uuid, c->uuid, 16);
    assert_int_equal(back->nr_hard, 3);
    assert_true(cpuset_test(&back->hard[2], 250));
    assert_int_equal(back->nr_devices, 4);
    assert_int_equal(back->device[2]->devid, 0);
    assert_int_equal(back->device[3]->devid, 3);
    assert_string_equal(back->device[3]->vif.bridge, "br0");
    assert_int_equal(back->device[3]->vif.rate_bytes, 500000);
    json_object_put(one);
    json_object_put(two);
    config_free(c);
    config_free(back);
    config_report_fini(&r);
}

static void test_json_refused(void **state)
{
    static const char *const texts[] = {
        "{}", "[]", "{\"c_info\":{},\"b_info\":{}}",
        "{\"c_info\":{\"name\":3},\"b_info\":{}}",
        "{\"c_info\":{\"name\":\"g\"},\"b_info\":{\"max_vcpus\":0,"
        "\"max_memkb\":1,\"target_memkb\":1}}",
    };
    struct config_report r;
    struct domain_config *c;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct json_object *o = json_tokener_parse(texts[i]);

        r = (struct config_report){ 0 };
        assert_int_equal(config_from_json(o, &r, &c), -EINVAL);
        assert_non_null(r.error);
        config_report_fini(&r);
        json_object_put(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_firmware),
        cmocka_unit_test(test_firmware_json),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_warned),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_cpusets),
        cmocka_unit_test(test_json_round_trip),
        cmocka_unit_test(test_json_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
