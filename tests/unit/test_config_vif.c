/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces' specifications: what they mean, and how refusals read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>

#include "config/config.h"
#include "util/cleanup.h"

/* Claim: a specification means this, in the shape of xl list -l. */
static const struct {
    const char *spec, *json;
} accepted[] = {
    { "", "{}" },
    { "  ", "{}" },
    { "mac=00:16:3E:12:aB:56, bridge=br0",
      "{\"mac\":\"00:16:3e:12:ab:56\",\"bridge\":\"br0\"}" },
    { "bridge=xenbr0,", "{\"bridge\":\"xenbr0\"}" },
    { "bridge = xenbr0 , mtu = 9000", "{\"bridge\":\"xenbr0\",\"mtu\":9000}" },
    { "ip=10.0.0.1 10.0.0.2,vifname=web0",
      "{\"ifname\":\"web0\",\"ip\":\"10.0.0.1 10.0.0.2\"}" },
    { "script=/etc/s,gatewaydev=eth0",
      "{\"script\":\"/etc/s\",\"gatewaydev\":\"eth0\"}" },
    { "netdev=eth0", "{\"gatewaydev\":\"eth0\"}" },
    { "devid=7,type=vif,backend=0,trusted", "{\"devid\":7}" },
    { "devid=0,untrusted", "{\"devid\":0,\"untrusted\":true}" },
    { "rate=10MB/s", "{\"rate_bytes_per_interval\":500000,"
      "\"rate_interval_usecs\":50000}" },
    { "rate=10Mb/s@20ms", "{\"rate_bytes_per_interval\":25000,"
      "\"rate_interval_usecs\":20000}" },
    { "rate=250Kb/s@1s", "{\"rate_bytes_per_interval\":31250,"
      "\"rate_interval_usecs\":1000000}" },
    { "rate=1GB/s@500us", "{\"rate_bytes_per_interval\":500000,"
      "\"rate_interval_usecs\":500}" },
    { "rate=800b/s@1s", "{\"rate_bytes_per_interval\":100,"
      "\"rate_interval_usecs\":1000000}" },
};

static char *text_of(const struct device_config *v)
{
    struct json_object *o = device_config_to_json(v);
    char *text;

    json_object_object_del(o, "nictype");
    text = xstrdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
        JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(o);
    return text;
}

static void test_accepted(void **state)
{
    struct config_report r = { 0 };
    struct device_config *v, *back, *copy;

    (void)state;
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        _cleanup_free_ char *text = NULL, *again = NULL;
        struct json_object *o;

        if (device_config_parse(DEVICE_VIF, accepted[i].spec, "vif", &r, &v))
            fail_msg("%s", r.error);
        text = text_of(v);
        assert_string_equal(text, accepted[i].json);
        o = device_config_to_json(v);
        assert_int_equal(device_config_from_json(DEVICE_VIF, o,
                                                 "nics[0]", &r, &back), 0);
        json_object_put(o);
        copy = device_config_copy(back);
        device_config_free(v);
        device_config_free(back);
        again = text_of(copy);
        assert_string_equal(again, text);
        device_config_free(copy);
    }
    assert_int_equal(r.warnings.nr, 0);
}

/* Claim: a refused specification gives one line with place and remedy. */
static const struct {
    const char *spec, *words[2];
} refused[] = {
    { "mac=00:16:3e:12:34", { "mac \"00:16:3e:12:34\"", "00:16:3e:12:34:56" } },
    { "mac=00:16:3e:12:34:5g", { "must look like", NULL } },
    { "mac=00:16:3e:12:34:567", { "must look like", NULL } },
    { "mac=00-16-3e-12-34-56", { "must look like", NULL } },
    { "mac=01:16:3e:12:34:56", { "group", "even" } },
    { "mac=00:00:00:00:00:00", { "no address", "leave mac out" } },
    { "mac=", { "mac has no value", "leave it out" } },
    { "bridge=a234567890123456", { "bridge", "at most 15" } },
    { "bridge=a b", { "bridge \"a b\"", "white space" } },
    { "vifname=../x", { "vifname", "interface's name" } },
    { "vifname=.", { "vifname", "interface's name" } },
    { "mtu=67", { "mtu \"67\"", "68 to 65517" } },
    { "mtu=1500x", { "mtu", "68 to 65517" } },
    { "mtu=99999999999999999999", { "mtu", "68 to 65517" } },
    { "devid=-1", { "devid", "0 to 255" } },
    { "rate=10", { "rate \"10\"", "10MB/s" } },
    { "rate=10MB", { "rate", "10MB/s" } },
    { "rate=TenMB/s", { "rate", "10MB/s" } },
    { "rate=10TB/s", { "rate", "10MB/s" } },
    { "rate=10MB/s@", { "rate", "@20ms" } },
    { "rate=10MB/s@20m", { "rate", "@20ms" } },
    { "rate=10MB/s@0ms", { "rate", "nothing through" } },
    { "rate=0MB/s", { "rate", "nothing through" } },
    { "rate=1b/s", { "rate", "nothing through" } },
    { "rate=18446744073709551615GB/s", { "rate", "10MB/s" } },
    { "rate=1000GB/s@4000s", { "rate", "more than" } },
    { "rate=1MB/s@5000s", { "rate", "more than" } },
    { "type=ioemu", { "type \"ioemu\"", "type=vif" } },
    { "backend=net", { "backend \"net\"", "domain 0" } },
    { "bridge", { "\"bridge\" is no KEY=VALUE", "bridge=xenbr0" } },
    { "brdige=x", { "unknown word \"brdige\"", "bridge" } },
    { "mtu=1500,mtu=1500", { "mtu is given twice", NULL } },
    { "=x", { "unknown word \"\"", NULL } },
};

static void test_refused(void **state)
{
    struct config_report r = { 0 };
    struct device_config *v;

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (!device_config_parse(DEVICE_VIF, refused[i].spec, "g.cfg:3: vif",
                                 &r, &v))
            fail_msg("not refused: %s", refused[i].spec);
        if (strncmp(r.error, "g.cfg:3: vif: ", 14))
            fail_msg("%s: no place in: %s", refused[i].spec, r.error);
        for (int w = 0; w < 2 && refused[i].words[w]; w++)
            if (!strstr(r.error, refused[i].words[w]))
                fail_msg("\"%s\": no \"%s\" in: %s", refused[i].spec,
                         refused[i].words[w], r.error);
        config_report_fini(&r);
    }
}

static void test_json_refused(void **state)
{
    static const char *const texts[] = {
        "{\"mac\":\"x\"}", "{\"mac\":3}", "{\"bridge\":\"a/b\"}",
        "{\"mtu\":5}", "{\"mtu\":\"1500\"}", "{\"devid\":256}",
        "{\"rate_bytes_per_interval\":5}", "{\"rate_interval_usecs\":5}",
        "{\"rate_bytes_per_interval\":-5,\"rate_interval_usecs\":5}",
    };
    struct config_report r = { 0 };
    struct device_config *v;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct json_object *o = json_tokener_parse(texts[i]);

        if (!device_config_from_json(DEVICE_VIF, o, "nics[0]", &r, &v))
            fail_msg("not refused: %s", texts[i]);
        assert_int_equal(strncmp(r.error, "nics[0]: ", 9), 0);
        config_report_fini(&r);
        json_object_put(o);
    }
}

/* Claim: an interface keeps the address that was chosen for it. */
static void test_keep_macs(void **state)
{
    static const char *const specs[2][3] = {
        { "mac=00:16:3e:00:00:01", "mac=00:16:3e:00:00:02", NULL },
        { "", "mac=00:16:3e:00:00:09", "devid=7" },
    };
    struct domain_config *c[2] = { config_new(), config_new() };
    struct config_report r = { 0 };
    struct device_config *v;

    (void)state;
    for (int i = 0; i < 6; i++)
        if (specs[i / 3][i % 3]) {
            assert_int_equal(device_config_parse(DEVICE_VIF,
                specs[i / 3][i % 3], "vif", &r, &v), 0);
            assert_int_equal(config_fit_device(c[i / 3], v, "vif", &r), 0);
            config_add_device(c[i / 3], v);
        }
    config_keep_macs(c[1], c[0]);
    assert_string_equal(c[1]->device[0]->vif.mac, "00:16:3e:00:00:01");
    assert_string_equal(c[1]->device[1]->vif.mac, "00:16:3e:00:00:09");
    assert_null(c[1]->device[2]->vif.mac);
    config_free(c[0]);
    config_free(c[1]);
}

/* Claim: what has no effect for PV guests is said, and the rest holds. */
static void test_warned(void **state)
{
    struct config_report r = { 0 };
    struct device_config *v;

    (void)state;
    assert_int_equal(device_config_parse(DEVICE_VIF, "model=e1000,mtu=1400",
                                         "g.cfg:3: vif", &r, &v), 0);
    assert_int_equal(v->vif.mtu, 1400);
    assert_int_equal(r.warnings.nr, 1);
    assert_string_equal(r.warnings.item[0], "g.cfg:3: vif: model=e1000 has no "
                        "effect for PV guests, ignored");
    device_config_free(v);
    config_report_fini(&r);
}

/* Claim: no mutation of a specification makes the parser crash or leak. */
static void test_mutations(void **state)
{
    static const char base[] = "mac=00:16:3e:12:34:56, rate=10Mb/s@20ms,mtu=9";
    static const char bytes[] = "=,@:/ 019KMGbBmus\x80";
    char text[sizeof(base)];
    struct config_report r = { 0 };
    struct device_config *v;
    unsigned int seed = 1;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        memcpy(text, base, sizeof(base));
        for (int n = 0; n < 1 + i % 4; n++) {
            seed = seed * 1103515245 + 12345;
            text[(seed >> 16) % (sizeof(base) - 1)] =
                bytes[(seed >> 8) % (sizeof(bytes) - 1)];
        }
        if (!device_config_parse(DEVICE_VIF, text, "vif", &r, &v))
            device_config_free(v);
        config_report_fini(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_json_refused),
        cmocka_unit_test(test_warned),
        cmocka_unit_test(test_keep_macs),
        cmocka_unit_test(test_mutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
