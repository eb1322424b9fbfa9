/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/model/test_bootstrap.c - a bootstrap whose endpoints are met
 * elsewhere, and what is logged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/model/bootstrap.h"

static const struct endpoint endpoints[] = {
    {.address = STR_INIT("10.0.0.1"), .port = 80, .weight = 1},
    {.address = STR_INIT("outside.example"), .port = 80, .weight = 1},
};
static const struct cluster clusters[] = {
    {.name = STR_INIT("pods"), .type = CLUSTER_EDS, .endpoints = endpoints, .endpoint_count = 1},
    {.name = STR_INIT("named"),
     .type = CLUSTER_STRICT_DNS,
     .endpoints = endpoints,
     .endpoint_count = 2},
};

static bool reach(void *user, struct str address, uint32_t port, struct str *at, uint32_t *at_port)
{
    *at = STR("127.1.1.1");
    *at_port = port + 1000;
    *(uint32_t *)user += 1;
    return str_eq(address, STR("10.0.0.1"));
}

static void assert_bootstrap(const struct bootstrap_options *options, const char *const *has,
                             const char *const *has_not)
{
    struct snapshot *snapshot = snapshot_new();
    struct bootstrap_notes notes = {0};
    struct arena arena;
    struct json json;
    struct buf out;
    snapshot->clusters = clusters;
    snapshot->cluster_count = COUNT_OF(clusters);
    snapshot_index(snapshot);
    arena_init(&arena, 4096, 0);
    buf_init(&out, 1 << 20);
    json_init(&json, &out, 0);
    assert_int_equal(bootstrap_print(snapshot, options, &json, &arena, &notes), RC_OK);
    for (; *has != NULL; has++) {
        if (!str_contains(buf_str(&out), str_of(*has)))
            fail_msg("%s is not in %.*s", *has, STR_FMT(buf_str(&out)));
    }
    for (; *has_not != NULL; has_not++)
        assert_false(str_contains(buf_str(&out), str_of(*has_not)));
    buf_fini(&out);
    arena_fini(&arena);
    snapshot_drop(snapshot);
}

static void test_without_a_reach_endpoints_are_as_they_are(void **state)
{
    (void)state;
    static const char *const HAS[] = {"\"address\":\"10.0.0.1\",\"portValue\":80",
                                      "\"address\":\"outside.example\"", "\"type\":\"STRICT_DNS\"",
                                      NULL};
    static const char *const HAS_NOT[] = {"hash_key", "eventLogPath", NULL};
    assert_bootstrap(&(struct bootstrap_options){.admin_address = STR("127.0.0.1")}, HAS, HAS_NOT);
}

/* Rings hash what the endpoint was called; no name is left to look up. */
static void test_a_reach_moves_endpoints_and_drops_those_that_are_nowhere(void **state)
{
    (void)state;
    static const char *const HAS[] = {"\"address\":\"127.1.1.1\",\"portValue\":1080",
                                      "\"envoy.lb\":{\"hash_key\":\"10.0.0.1:80\"}",
                                      "\"type\":\"STATIC\"", NULL};
    static const char *const HAS_NOT[] = {"outside.example", "STRICT_DNS",
                                          "\"address\":\"10.0.0.1\"", NULL};
    uint32_t asked_count = 0;
    assert_bootstrap(&(struct bootstrap_options){.admin_address = STR("127.0.0.1"),
                                                 .reach = reach,
                                                 .reach_user = &asked_count},
                     HAS, HAS_NOT);
    assert_int_equal(asked_count, 3);
}

/* Those of EDS; what is looked up stays in the bootstrap. */
static void test_endpoints_may_be_files(void **state)
{
    (void)state;
    static const char *const HAS[] = {
        "\"type\":\"EDS\",\"edsClusterConfig\":{\"serviceName\":\"pods\",\"edsConfig\":"
        "{\"pathConfigSource\":{\"path\":\"/e/endpoints0.json\"},\"resourceApiVersion\":\"V3\"}}",
        "\"type\":\"STATIC\"", NULL};
    static const char *const HAS_NOT[] = {"endpoints1.json", NULL};
    uint32_t asked_count = 0;
    struct bootstrap_options options = {.admin_address = STR("127.0.0.1"),
                                        .reach = reach,
                                        .reach_user = &asked_count,
                                        .endpoints_folder = STR("/e")};
    assert_bootstrap(&options, HAS, HAS_NOT);

    struct snapshot *snapshot = snapshot_new();
    struct arena arena;
    struct json json;
    struct buf out;
    snapshot->clusters = clusters;
    snapshot->cluster_count = COUNT_OF(clusters);
    snapshot_index(snapshot);
    arena_init(&arena, 4096, 0);
    buf_init(&out, 1 << 20);
    json_init(&json, &out, 0);
    assert_int_equal(bootstrap_print_endpoints(snapshot, &options, 0, &json, &arena), RC_OK);
    assert_true(str_has_prefix(
        buf_str(&out),
        STR("{\"resources\":[{\"@type\":\"type.googleapis.com/"
            "envoy.config.endpoint.v3.ClusterLoadAssignment\",\"clusterName\":\"pods\"")));
    assert_true(str_contains(buf_str(&out), STR("\"address\":\"127.1.1.1\",\"portValue\":1080")));
    buf_fini(&out);
    arena_fini(&arena);
    snapshot_drop(snapshot);
}

static void test_ejections_have_a_log_when_one_is_wanted(void **state)
{
    (void)state;
    static const char *const HAS[] = {
        "\"clusterManager\":{\"outlierDetection\":{\"eventLogPath\":\"/a/log\"}}", NULL};
    static const char *const HAS_NOT[] = {NULL};
    assert_bootstrap(
        &(struct bootstrap_options){.admin_address = STR("127.0.0.1"), .event_log = STR("/a/log")},
        HAS, HAS_NOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_reach_endpoints_are_as_they_are),
        cmocka_unit_test(test_a_reach_moves_endpoints_and_drops_those_that_are_nowhere),
        cmocka_unit_test(test_endpoints_may_be_files),
        cmocka_unit_test(test_ejections_have_a_log_when_one_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
