/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/cli/test_proxy_filter.c - what istioctl's filters keep, and the order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/proxy_filter.h"

static const struct endpoint ENDPOINTS[] = {
    {.address = STR_INIT("10.0.0.1"), .port = 80},
    {.address = STR_INIT("10.0.0.2"), .port = 81, .health = ENDPOINT_DRAINING},
};
static const struct cluster CLUSTERS[] = {
    {.name = STR_INIT("outbound|9080|v2|b.default"), .endpoints = ENDPOINTS, .endpoint_count = 2},
    {.name = STR_INIT("outbound|9080||b.default")},
    {.name = STR_INIT("outbound|80||b.default")},
    {.name = STR_INIT("inbound|80||")},
    {.name = STR_INIT("PassthroughCluster")},
    {.name = STR_INIT("outbound|80||a.default")},
};
static const struct route_config ROUTES[] = {
    {.name = STR_INIT("9080")},  {.name = STR_INIT("80")}, {.name = STR_INIT("http_proxy")},
    {.name = STR_INIT("15007")}, {.name = STR_INIT("90")},
};

static const struct {
    const char *name;
    enum proxy_section section;
    struct proxy_filter filter;
    const char *want;
} ROWS[] = {
    {"by host, subset, port, direction",
     SECTION_CLUSTER,
     {.port = 0},
     "inbound|80|| PassthroughCluster outbound|80||a.default outbound|80||b.default "
     "outbound|9080||b.default outbound|9080|v2|b.default "},
    {"a part of the host", SECTION_CLUSTER, {.fqdn = STR_INIT("a.def")}, "outbound|80||a.default "},
    {"a port whole", SECTION_CLUSTER, {.port = 908}, ""},
    {"a port and a direction",
     SECTION_CLUSTER,
     {.port = 80, .direction = STR_INIT("inbound")},
     "inbound|80|| "},
    {"a subset", SECTION_CLUSTER, {.subset = STR_INIT("v2")}, "outbound|9080|v2|b.default "},
    {"endpoints by status, in any case",
     SECTION_ENDPOINT,
     {.status = STR_INIT("draining")},
     "outbound|9080|v2|b.default(10.0.0.2) "},
    {"endpoints by port", SECTION_ENDPOINT, {.port = 80}, "outbound|9080|v2|b.default(10.0.0.1) "},
    {"endpoints by address",
     SECTION_ENDPOINT,
     {.address = STR_INIT("10.0.0.1:80"), .is_whole_address = true},
     "outbound|9080|v2|b.default(10.0.0.1) "},
    {"an address of nobody", SECTION_ENDPOINT, {.address = STR_INIT("10.0.0.1:80")}, ""},
    {"endpoints by the whole cluster", SECTION_ENDPOINT, {.cluster = STR_INIT("outbound")}, ""},
};

static void test_clusters_and_endpoints(void **state)
{
    (void)state;
    const struct snapshot all = {.clusters = CLUSTERS, .cluster_count = COUNT_OF(CLUSTERS)};
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct arena arena;
        struct snapshot got;
        struct str text = STR("");
        arena_init(&arena, 4096, 0);
        proxy_filter_apply(&all, ROWS[i].section, &ROWS[i].filter, &arena, &got);
        for (uint32_t k = 0; k < got.cluster_count; k++) {
            const struct cluster *cluster = &got.clusters[k];
            bool has_one = ROWS[i].section == SECTION_ENDPOINT && cluster->endpoint_count == 1;
            struct str address = has_one ? cluster->endpoints[0].address : STR_EMPTY;
            text = arena_format(&arena, "%.*s%.*s%s%.*s%s ", STR_FMT(text), STR_FMT(cluster->name),
                                has_one ? "(" : "", STR_FMT(address), has_one ? ")" : "");
        }
        print_message("%s\n", ROWS[i].name);
        assert_string_equal(arena_str(&arena, text).ptr, ROWS[i].want);
        arena_fini(&arena);
    }
}

/* Others stay where they are, as numbers pass only numbers. */
static void test_route_tables_are_sorted_by_number(void **state)
{
    (void)state;
    const struct snapshot all = {.route_configs = ROUTES, .route_config_count = COUNT_OF(ROUTES)};
    const struct proxy_filter every = {.port = 0}, one = {.name = STR("90")};
    static const char *const WANT[] = {"80", "9080", "http_proxy", "90", "15007"};
    struct arena arena;
    struct snapshot got;
    arena_init(&arena, 4096, 0);
    proxy_filter_apply(&all, SECTION_ROUTE, &every, &arena, &got);
    assert_int_equal(got.route_config_count, COUNT_OF(WANT));
    for (size_t i = 0; i < COUNT_OF(WANT); i++)
        assert_string_equal(arena_str(&arena, got.route_configs[i].name).ptr, WANT[i]);
    proxy_filter_apply(&all, SECTION_ROUTE, &one, &arena, &got);
    assert_int_equal(got.route_config_count, 1);
    arena_fini(&arena);
}

static void test_a_listener_has_its_type(void **state)
{
    (void)state;
    const struct filter_chain http = {.kind = CHAIN_HTTP};
    const struct filter_chain hole = {.kind = CHAIN_TCP, .tcp.cluster = STR("BlackHoleCluster")};
    const struct filter_chain tcp = {.kind = CHAIN_TCP, .tcp.cluster = STR("x")};
    struct listener listener = {.chains = &http, .chain_count = 1, .default_chain = &hole};
    assert_true(str_eq(proxy_filter_listener_type(&listener), STR("HTTP")));
    listener.default_chain = &tcp;
    assert_true(str_eq(proxy_filter_listener_type(&listener), STR("HTTP+TCP")));
    listener.chains = &tcp;
    assert_true(str_eq(proxy_filter_listener_type(&listener), STR("TCP")));
    listener.chains = &hole;
    listener.default_chain = NULL;
    assert_true(str_eq(proxy_filter_listener_type(&listener), STR("UNKNOWN")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clusters_and_endpoints),
        cmocka_unit_test(test_route_tables_are_sorted_by_number),
        cmocka_unit_test(test_a_listener_has_its_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
