/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks in .cfg files and JSON: all notations, and how refusals read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "config/config.h"
#include "util/cleanup.h"

/* Claim: Linux's numbers, from names and back-door notations. */
static const struct {
    const char *name;
    int64_t number;             /* -1: no disk */
} vdevs[] = {
    { "xvda", 51712 }, { "xvda1", 51713 }, { "xvdp", 51952 },
    { "xvdp15", 51967 }, { "xvda16", 1 << 28 | 16 },
    { "xvdq", 1 << 28 | 16 << 8 }, { "xvdz1", 1 << 28 | 25 << 8 | 1 },
    { "xvdaa", 1 << 28 | 26 << 8 }, { "xvdba", 1 << 28 | 52 << 8 },
    { "sda", 2048 }, { "sdb1", 2065 }, { "sdp15", 2303 },
    { "hda", 768 }, { "hdb2", 834 }, { "hdc", 5632 }, { "hdd1", 5697 },
    { "d0p0", 51712 }, { "d1p0", 51728 }, { "d16p0", 1 << 28 | 16 << 8 },
    { "51712", 51712 }, { "0xca00", 51712 },
    { "", -1 }, { "xvd", -1 }, { "xvd1", -1 }, { "xvda256", -1 },
    { "xvda1x", -1 }, { "xvdaaaaaaaa", -1 }, { "sdq", -1 }, { "sda16", -1 },
    { "hde", -1 }, { "hda64", -1 }, { "d0", -1 }, { "d0p", -1 },
    { "d1048576p0", -1 }, { "d0p256", -1 }, { "0", -1 }, { "-1", -1 },
    { "99999999999", -1 }, { "vda", -1 }, { "xvdA", -1 },
    { "xvda99999999999", -1 },
};

static void test_vdevs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vdevs) / sizeof(vdevs[0]); i++) {
        int64_t n;

        if (!vdev_parse(vdevs[i].name, &n))
            n = -1;
        if (n != vdevs[i].number)
            fail_msg("%s: %lld, not %lld", vdevs[i].name, (long long)n,
                     (long long)vdevs[i].number);
    }
}

/* Claim: each notation means this disk. */
static const struct {
    const char *spec, *target, *vdev;
    bool writable, cdrom;
} specs[] = {
    { "phy:/dev/vg/a,xvda,w", "/dev/vg/a", "xvda", true, false },
    { "phy:vg/a,xvda,r", "/dev/vg/a", "xvda", false, false },
    { "file:/img,sda1,w", "/img", "sda1", true, false },
    { "tap2:tapdisk:aio:/img,xvda,w", "/img", "xvda", true, false },
    { "tap:aio:/img,hda,r", "/img", "hda", false, false },
    { "phy:/run/disks/name:0,sda,w", "/run/disks/name:0", "sda", true, false },
    { "file:/cd.iso,hdc:cdrom,r", "/cd.iso", "hdc", false, true },
    { "raw:/img,xvda", "/img", "xvda", true, false },
    { "/dev/x,raw,xvda,rw", "/dev/x", "xvda", true, false },
    { "/dev/x,,xvda", "/dev/x", "xvda", true, false },
    { "/dev/x, raw , xvda,\tro", "/dev/x", "xvda", false, false },
    { "/dev/x,raw,xvdc,,cdrom", "/dev/x", "xvdc", false, true },
    { "/i, raw, devtype=cdrom, vdev=hdc", "/i", "hdc", false, true },
    { "format=raw, vdev=xvda, access=rw, target=/a,b=c,ro", "/a,b=c,ro",
      "xvda", true, false },
    { "format=raw,vdev=xvda,access=ro,/img", "/img", "xvda", false, false },
    { "vdev=xvda,target=x", "/dev/x", "xvda", true, false },
    { "vdev=xvda,script=block,target=x", "/dev/x", "xvda", true, false },
    { "vdev=xvda,script=,target=x", "/dev/x", "xvda", true, false },
    { "vdev=xvda,script=/s,target=x", "x", "xvda", true, false },
    { "/i,raw,xvda,w,direct-io-safe,discard,trusted,backendtype=qdisk,"
      "backend=0,specification=xen", "/i", "xvda", true, false },
};

static struct device_config *parse(const char *spec)
{
    struct config_report r = { 0 };
    struct device_config *dc = NULL;

    if (device_config_parse(DEVICE_VBD, spec, "disk", &r, &dc))
        fail_msg("%s", r.error);
    return dc;
}

static void check(const struct device_config *dc, size_t i)
{
    int64_t devid;

    assert_string_equal(dc->vbd.target, specs[i].target);
    assert_string_equal(dc->vbd.vdev, specs[i].vdev);
    assert_int_equal(dc->vbd.writable, specs[i].writable);
    assert_int_equal(dc->vbd.cdrom, specs[i].cdrom);
    assert_true(vdev_parse(dc->vbd.vdev, &devid));
    assert_int_equal(dc->devid, devid);
}

static void test_specs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct device_config *dc = parse(specs[i].spec);

        check(dc, i);
        device_config_free(dc);
    }
}

/* Claim: JSON, there and back, and copies keep all of it. */
static void test_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct device_config *dc = parse(specs[i].spec), *back = NULL;
        struct device_config *copy = device_config_copy(dc);
        struct json_object *one = device_config_to_json(dc), *two;
        struct config_report r = { 0 };

        device_config_free(dc);
        check(copy, i);
        assert_int_equal(device_config_from_json(DEVICE_VBD, one, "disk",
                                                 &r, &back), 0);
        check(back, i);
        two = device_config_to_json(back);
        assert_true(json_object_equal(one, two));
        assert_int_equal(back->vbd.discard, copy->vbd.discard);
        json_object_put(one);
        json_object_put(two);
        device_config_free(back);
        device_config_free(copy);
    }
}

/* Claim: a refusal is one line with the place and these words. */
static const struct {
    const char *spec, *words[2];
} refused[] = {
    { "", { "no vdev", "vdev=xvda" } },
    { "/i", { "no vdev", NULL } },
    { "/i,raw", { "no vdev", NULL } },
    { "vdev=xvda", { "no target", NULL } },
    { "/i,raw,vda", { "\"vda\" is no disk", "xvda" } },
    { "/i,qcow2,xvda", { "qcow2", "qemu-img convert" } },
    { "/i,xvda,w", { "\"xvda\" is no format", "raw" } },
    { "/i,raw,xvda,w!", { "\"w!\" is no access", "r or w" } },
    { "/i,raw,xvda,w,x", { "\"x\" is too much", "order" } },
    { "phy:/i,xvda,w,x", { "too much", NULL } },
    { "/i,raw,xvda,vdev=xvdb", { "vdev is given twice", NULL } },
    { "/i,raw,xvda,colour=red", { "\"colour\" is not known", "target=" } },
    { "qcow2:/i,xvda,w", { "not supported", "raw" } },
    { "nbd:host:1,xvda,w", { "not supported", NULL } },
    { "/i,raw,xvda,w,devtype=disk,devtype=cdrom",
      { "devtype is given twice", NULL } },
    { "/i,raw,xvda,w,backend=dom", { "backend must be 0", NULL } },
    { "/i,raw,xvda,w,backendtype=standalone", { "standalone", NULL } },
    { "/i,raw,xvda,w,specification=virtio", { "must be xen", NULL } },
    { "/i,raw,xvda,w,devtype=tape", { "disk or cdrom", NULL } },
    { "/i,raw,hdc:tape,r", { "\"tape\"", "cdrom or disk" } },
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct config_report r = { 0 };
        struct device_config *dc = NULL;

        if (!device_config_parse(DEVICE_VBD, refused[i].spec, "g.cfg:3: disk",
                                 &r, &dc))
            fail_msg("not refused: %s", refused[i].spec);
        assert_int_equal(strncmp(r.error, "g.cfg:3: disk", 13), 0);
        for (int w = 0; w < 2 && refused[i].words[w]; w++)
            if (!strstr(r.error, refused[i].words[w]))
                fail_msg("no \"%s\" in: %s", refused[i].words[w], r.error);
        config_report_fini(&r);
    }
}

/* Claim: JSON of other makers is read; what it cannot mean is refused. */
static void test_json(void **state)
{
    static const struct {
        const char *text;
        bool ok;
    } cases[] = {
        { "{\"pdev_path\":\"/i\",\"vdev\":\"xvda\",\"backend_domid\":0}",
          true },
        { "{\"pdev_path\":\"i\",\"vdev\":\"xvda\"}", false },
        { "{\"pdev_path\":\"/i\",\"vdev\":\"vda\"}", false },
        { "{\"pdev_path\":\"/i\"}", false },
        { "{\"pdev_path\":\"/i\",\"vdev\":\"xvda\",\"format\":\"qcow2\"}",
          false },
        { "{\"pdev_path\":\"/i\",\"vdev\":\"xvda\",\"readwrite\":2}", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json_object *o = json_tokener_parse(cases[i].text);
        struct device_config *dc = NULL;
        struct config_report r = { 0 };
        int rc = device_config_from_json(DEVICE_VBD, o, "disk", &r, &dc);

        if (!rc != cases[i].ok)
            fail_msg("%s: %s", cases[i].text, r.error ? r.error : "taken");
        device_config_free(dc);
        config_report_fini(&r);
        json_object_put(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vdevs), cmocka_unit_test(test_specs),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
