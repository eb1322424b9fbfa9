/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_router.c - ENVOY.md 2.1, 2.2; the index against the
 * plain walk.
 */
#include "base/rng.h"
#include "tests/proxy/core/build.h"
#include "proxy/core/router.h"

static void test_virtual_hosts_are_found_by_the_best_domain(void **state)
{
    UNUSED_STATE(state);
    static const struct str exact[] = {STR_INIT("a.foo.com"), STR_INIT("reviews")};
    static const struct str suffix[] = {STR_INIT("*.foo.com")};
    static const struct str longer[] = {STR_INIT("*.b.foo.com")};
    static const struct str prefix[] = {STR_INIT("foo.*")};
    static const struct str all[] = {STR_INIT("*")};
    static const struct virtual_host hosts[] = {
        {.name = STR_INIT("exact"), .domains = exact, .domain_count = 2},
        {.name = STR_INIT("suffix"), .domains = suffix, .domain_count = 1},
        {.name = STR_INIT("longer"), .domains = longer, .domain_count = 1},
        {.name = STR_INIT("prefix"), .domains = prefix, .domain_count = 1},
        {.name = STR_INIT("all"), .domains = all, .domain_count = 1},
    };
    static const struct {
        bool is_port_ignored;
        const char *authority, *want;
    } rows[] = {
        {true, "a.foo.com", "exact"},    {true, "A.Foo.COM", "exact"},
        {true, "a.foo.com:80", "exact"}, {false, "a.foo.com:80", "all"},
        {true, "x.foo.com", "suffix"},   {true, "x.b.foo.com", "longer"},
        {true, ".foo.com", "all"},       {true, "foo.com", "prefix"},
        {true, "foo.", "all"},           {true, "foo.org", "prefix"},
        {true, "nothing", "all"},        {true, "", "all"},
        {true, "reviews:9080", "exact"}, {true, "[::1]:80", "all"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct route_config config = {.virtual_hosts = hosts,
                                      .virtual_host_count = COUNT_OF(hosts),
                                      .is_port_ignored = rows[i].is_port_ignored};
        struct arena arena;
        arena_init(&arena, 4096, 0);
        struct router *router = router_new(&config, &arena);
        struct str domain;
        const struct virtual_host *found =
            router_virtual_host(router, str_of(rows[i].authority), &arena, &domain);
        assert_non_null(found);
        if (!str_eq(found->name, str_of(rows[i].want)))
            fail_msg("%s: %.*s", rows[i].authority, STR_FMT(found->name));
        arena_fini(&arena);
    }
}

static void test_without_a_catch_all_there_may_be_none(void **state)
{
    UNUSED_STATE(state);
    static const struct str domains[] = {STR_INIT("a")};
    static const struct virtual_host host = {.domains = domains, .domain_count = 1};
    struct route_config config = {.virtual_hosts = &host, .virtual_host_count = 1};
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct router *router = router_new(&config, &arena);
    struct str domain;
    assert_null(router_virtual_host(router, STR("b"), &arena, &domain));
    arena_fini(&arena);
}

static void test_a_route_that_asks_for_the_request_id_is_not_steady(void **state)
{
    UNUSED_STATE(state);
    static const struct str domains[] = {STR_INIT("a")};
    static const char *const NAMES[] = {"x-user", "x-request-id"};
    struct arena arena;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        struct header_matcher header = {.name = str_of(NAMES[i]), .match.kind = STRING_PRESENT};
        struct route route = {.match = {.headers = &header, .header_count = 1}};
        struct virtual_host host = {
            .domains = domains, .domain_count = 1, .routes = &route, .route_count = 1};
        struct route_config config = {.virtual_hosts = &host, .virtual_host_count = 1};
        assert_int_equal(router_is_steady(router_new(&config, &arena)), i == 0);
    }
    arena_fini(&arena);
}

static void test_rejections_are_traced_with_what_was_met(void **state)
{
    UNUSED_STATE(state);
    static const struct header_matcher header = {
        .name = STR_INIT("end-user"), .match = {.value = STR_INIT("jason")}, .origin = {.line = 7}};
    struct route routes[] = {build_route("path", "c"), build_route("header", "c"),
                             build_route("rest", "c")};
    routes[0].match.path = build_prefix("/nowhere");
    routes[1].match.headers = &header;
    routes[1].match.header_count = 1;
    struct virtual_host host = {.routes = routes, .route_count = 3};
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct trace trace;
    trace_init(&trace, &arena, 0);
    struct request_head *head = build_request(&arena, "GET", "a", "/x");
    const struct route *route = router_match_plain(&host, head, NULL, &trace, 5);
    assert_str(route->name, "rest");
    assert_int_equal(trace.count, 2);
    assert_int_equal(trace.items[0].condition, CONDITION_PATH);
    assert_str(trace.items[0].text, "/x");
    assert_int_equal(trace.items[1].condition, CONDITION_HEADER);
    assert_true(trace.items[1].is_absent);
    assert_int_equal(trace.items[1].origin.line, 7);
    arena_fini(&arena);
}

/* A claim is met as JSON; without a token that was right, it is absent. */
static void test_rejections_by_claims_are_traced(void **state)
{
    UNUSED_STATE(state);
    static const struct str PATH[] = {STR_INIT("org"), STR_INIT("unit")};
    static const struct claim_matcher claim = {
        .path = PATH, .path_count = 2, .value.value = STR_INIT("blue"), .origin = {.line = 9}};
    static const struct {
        const char *claims, *met; /* NULL: no token; no such claim */
        bool is_matched;
    } rows[] = {
        {NULL, NULL, false},
        {"{}", NULL, false},
        {"{\"org\": \"blue\"}", NULL, false},
        {"{\"org\": {\"unit\": \"red\"}}", "\"red\"", false},
        {"{\"org\": {\"unit\": [\"red\", 3]}}", "[\"red\",3]", false},
        {"{\"org\": {\"unit\": [\"red\", \"blue\"]}}", NULL, true},
        {"{\"org\": {\"unit\": \"blue\"}}", NULL, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct route route = build_route("claim", "c");
        route.match.claims = &claim;
        route.match.claim_count = 1;
        struct virtual_host host = {.routes = &route, .route_count = 1};
        struct arena arena;
        arena_init(&arena, 4096, 0);
        struct trace trace;
        trace_init(&trace, &arena, 0);
        struct json_value claims;
        size_t where;
        if (rows[i].claims != NULL)
            assert_int_equal(json_read(str_of(rows[i].claims), &arena, &claims, &where), RC_OK);
        struct request_head *head = build_request(&arena, "GET", "a", "/x");
        const struct json_value *given = rows[i].claims != NULL ? &claims : NULL;
        const struct route *found = router_match_plain(&host, head, given, &trace, 5);
        assert_int_equal(found != NULL, rows[i].is_matched);
        assert_int_equal(trace.count, rows[i].is_matched ? 0 : 1);
        if (!rows[i].is_matched) {
            assert_int_equal(trace.items[0].condition, CONDITION_CLAIM);
            assert_int_equal(trace.items[0].origin.line, 9);
            assert_int_equal(trace.items[0].is_absent, rows[i].met == NULL);
            assert_str(trace.items[0].text, rows[i].met != NULL ? rows[i].met : "");
        }
        arena_fini(&arena);
    }
}

static struct path_matcher random_path(struct rng *rng, struct arena *arena)
{
    static const enum path_match_kind KINDS[] = {PATH_PREFIX, PATH_EXACT, PATH_SEPARATED_PREFIX};
    struct path_matcher path = {.kind = KINDS[rng_below(rng, 3)],
                                .is_ignoring_case = rng_below(rng, 8) == 0};
    struct str text = STR("/");
    for (uint64_t parts = rng_below(rng, 4); parts > 0; parts--)
        text = arena_format(arena, "%.*s%c%s", STR_FMT(text), (int)('a' + rng_below(rng, 3)),
                            rng_below(rng, 2) == 0 ? "/" : "");
    path.value = text;
    return path;
}

/* First match wins, whichever way it is found. */
static void test_index_and_walk_agree_on_random_tables(void **state)
{
    UNUSED_STATE(state);
    static const struct header_matcher wanted = {.name = STR_INIT("x-a"),
                                                 .match = {.value = STR_INIT("1")}};
    static const struct str domains[] = {STR_INIT("*")};
    struct rng rng = rng_seeded(7, STR("router"));
    for (int table = 0; table < 200; table++) {
        struct arena arena;
        arena_init(&arena, 65536, 0);
        uint32_t count = 12 + (uint32_t)rng_below(&rng, 60);
        struct route *routes = ARENA_ARRAY(&arena, struct route, count);
        for (uint32_t i = 0; i < count; i++) {
            routes[i] = build_route("r", "c");
            routes[i].match.path = random_path(&rng, &arena);
            if (rng_below(&rng, 3) == 0) {
                routes[i].match.headers = &wanted;
                routes[i].match.header_count = 1;
            }
        }
        struct virtual_host host = {
            .domains = domains, .domain_count = 1, .routes = routes, .route_count = count};
        struct route_config config = {.virtual_hosts = &host, .virtual_host_count = 1};
        struct router *router = router_new(&config, &arena);
        for (int request = 0; request < 50; request++) {
            struct str path = random_path(&rng, &arena).value;
            struct request_head *head = build_request(&arena, "GET", "a", "/");
            head->path = path;
            if (rng_below(&rng, 2) == 0)
                build_header(head, "x-a", "1");
            assert_ptr_equal(router_match(router, &host, head, NULL, NULL, 0),
                             router_match_plain(&host, head, NULL, NULL, 0));
        }
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_virtual_hosts_are_found_by_the_best_domain),
        cmocka_unit_test(test_without_a_catch_all_there_may_be_none),
        cmocka_unit_test(test_a_route_that_asks_for_the_request_id_is_not_steady),
        cmocka_unit_test(test_rejections_are_traced_with_what_was_met),
        cmocka_unit_test(test_rejections_by_claims_are_traced),
        cmocka_unit_test(test_index_and_walk_agree_on_random_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
