/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/model/test_print.c - nouns look as in istiod's proto JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ns.h"
#include "proxy/model/print.h"
#include "proxy/model/print_parts.h"

static struct buf out;
static struct json json;

static int set_up(void **state)
{
    (void)state;
    buf_init(&out, 1 << 20);
    json_init(&json, &out, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_fini(&out);
    return 0;
}

static void assert_has(const char *part)
{
    struct str text = buf_str(&out);
    if (!str_contains(text, str_of(part)))
        fail_msg("%s is not in %.*s", part, STR_FMT(text));
}

static void assert_has_not(const char *part)
{
    assert_false(str_contains(buf_str(&out), str_of(part)));
}

static void test_durations_have_as_few_digits_as_they_need(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *want;
    } rows[] = {
        {0, "{\"d\":\"0s\"}"},
        {15 * NS_SECOND, "{\"d\":\"15s\"}"},
        {250 * NS_MS, "{\"d\":\"0.250s\"}"},
        {NS_SECOND + 5 * NS_US, "{\"d\":\"1.000005s\"}"},
        {1, "{\"d\":\"0.000000001s\"}"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&out);
        json_init(&json, &out, 0);
        json_begin_object(&json);
        print_duration(&json, STR("d"), rows[i].ns);
        json_end_object(&json);
        struct str got = buf_str(&out);
        assert_int_equal(got.len, str_of(rows[i].want).len);
        assert_memory_equal(got.ptr, rows[i].want, got.len);
    }
}

static struct route plain_route(void)
{
    return (struct route){
        .name = STR("default"),
        .match.path = {.kind = PATH_PREFIX, .value = STR("/")},
        .action = ROUTE_FORWARD,
        .forward = {.cluster = STR("outbound|80||a"), .has_timeout = true, .timeout_ns = 0},
    };
}

static void print_one(const struct route *route)
{
    struct str domain = STR("*");
    struct virtual_host host = {
        .name = STR("v"), .domains = &domain, .domain_count = 1, .routes = route, .route_count = 1};
    struct route_config config = {
        .name = STR("80"), .virtual_hosts = &host, .virtual_host_count = 1};
    print_route_config(&json, &config);
}

static void test_what_is_absent_is_not_printed(void **state)
{
    (void)state;
    struct route route = plain_route();
    print_one(&route);
    assert_has("\"route\":{\"cluster\":\"outbound|80||a\",\"timeout\":\"0s\"}");
    assert_has_not("retryPolicy");
    assert_has_not("metadata");
    assert_has_not("caseSensitive");
    assert_has_not("requireTls");
}

static void test_header_names_are_printed_as_they_were_written(void **state)
{
    (void)state;
    struct route route = plain_route();
    struct header_matcher matcher = {.name = STR("x-upper"),
                                     .written = STR("X-Upper"),
                                     .match = {.kind = STRING_EXACT, .value = STR("V")},
                                     .is_inverted = true,
                                     .is_missing_treated_as_empty = true};
    route.match.headers = &matcher;
    route.match.header_count = 1;
    print_one(&route);
    assert_has("{\"name\":\"X-Upper\",\"stringMatch\":{\"exact\":\"V\"},\"invertMatch\":true,"
               "\"treatMissingHeaderAsEmpty\":true}");
}

static void test_bytes_are_printed_in_base64(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *want;
    } rows[] = {{"hello", "aGVsbG8="}, {"hell", "aGVsbA=="}, {"hel", "aGVs"}, {"", "\"\""}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct route route = plain_route();
        route.action = ROUTE_DIRECT_RESPONSE;
        route.direct = (struct direct_response_action){
            .status = 200, .has_body = true, .is_body_bytes = true, .body = str_of(rows[i].bytes)};
        buf_clear(&out);
        json_init(&json, &out, 0);
        print_one(&route);
        assert_has(rows[i].want);
    }
}

static void test_endpoints_stand_in_their_localities(void **state)
{
    (void)state;
    static const struct endpoint endpoints[] = {
        {.address = STR_INIT("10.0.0.1"), .port = 80, .weight = 2, .workload = STR_INIT("a;;;;")},
        {.address = STR_INIT("10.0.0.2"),
         .port = 80,
         .weight = 3,
         .health = ENDPOINT_UNHEALTHY,
         .is_tls_mode_istio = true},
    };
    struct cluster cluster = {
        .name = STR("c"), .endpoints = endpoints, .endpoint_count = COUNT_OF(endpoints)};
    print_load_assignment(&json, &cluster);
    assert_has("\"healthStatus\":\"UNHEALTHY\"");
    assert_has("{\"envoy.transport_socket_match\":{\"tlsMode\":\"istio\"}}");
    assert_has("\"loadBalancingWeight\":5}]}");
}

static void test_an_empty_snapshot_has_four_empty_sections(void **state)
{
    (void)state;
    struct snapshot *snapshot = snapshot_new();
    print_all(snapshot, &json);
    assert_has("{\"listeners\":[],\"routes\":[],\"clusters\":[],\"endpoints\":[]}");
    snapshot_drop(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_durations_have_as_few_digits_as_they_need, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_absent_is_not_printed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_header_names_are_printed_as_they_were_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_bytes_are_printed_in_base64, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_endpoints_stand_in_their_localities, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_empty_snapshot_has_four_empty_sections, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
