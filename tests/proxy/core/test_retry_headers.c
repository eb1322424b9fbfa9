/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_retry_headers.c - retries and timeouts by headers that a
 * route sets. The rows are what a real Envoy 1.40 was seen to do; those of
 * retry-grpc-on, of added words and of a route without retries are ENVOY.md's.
 */
#include "tests/proxy/core/scene.h"
#include "proxy/core/retry_headers.h"

struct row {
    const char *rule, *own; /* retry_on with one retry, or NULL */
    const char *name, *value, *name2, *value2;
    const char *want; /* words; NULL: no policy */
    uint32_t num_retries;
    uint32_t code;      /* retriable in the end; 0: none */
    const char *header; /* the same */
};

static const struct row rows[] = {
    {"nothing is said", "5xx", NULL, NULL, NULL, NULL, "5xx", 1, 0, NULL},
    {"nobody wants retries", NULL, "x-envoy-max-retries", "3", NULL, NULL, NULL, 0, 0, NULL},
    {"retry-on: one retry", NULL, "x-envoy-retry-on", "5xx", NULL, NULL, "5xx", 1, 0, NULL},
    {"max-retries of the headers' own", NULL, "x-envoy-retry-on", "5xx", "x-envoy-max-retries", "3",
     "5xx", 3, 0, NULL},
    {"max-retries outranks the route's", "5xx", "x-envoy-max-retries", "3", NULL, NULL, "5xx", 3, 0,
     NULL},
    {"max-retries: none", "5xx", "x-envoy-max-retries", "0", NULL, NULL, "5xx", 0, 0, NULL},
    {"max-retries: no number", "5xx", "x-envoy-max-retries", "abc", NULL, NULL, "5xx", 1, 0, NULL},
    {"words are added to the route's", "reset", "x-envoy-retry-on", "5xx", NULL, NULL, "reset,5xx",
     1, 0, NULL},
    {"retry-on knows no gRPC word", NULL, "x-envoy-retry-on", "cancelled", NULL, NULL, NULL, 0, 0,
     NULL},
    {"retry-grpc-on knows no other", NULL, "x-envoy-retry-grpc-on", "5xx,cancelled", NULL, NULL,
     "cancelled", 1, 0, NULL},
    {"status codes", NULL, "x-envoy-retry-on", "retriable-status-codes",
     "x-envoy-retriable-status-codes", "x, 418", "retriable-status-codes", 1, 418, NULL},
    {"header names", NULL, "x-envoy-retry-on", "retriable-headers",
     "x-envoy-retriable-header-names", "b, X-Again", "retriable-headers", 1, 0, "x-again"},
    {"header names for the route's words", "retriable-headers", "x-envoy-retriable-header-names",
     "x-again", NULL, NULL, "retriable-headers", 1, 0, "x-again"},
    {"per-try timeout: taken off", "5xx", "x-envoy-upstream-rq-per-try-timeout-ms", "1", NULL, NULL,
     "5xx", 1, 0, NULL},
};

static void check_policy(const struct row *row, const struct retry_policy *got)
{
    uint32_t codes = got->status_code_count, names = got->header_name_count;
    if (got->conditions != retry_on_read(str_of(row->want)))
        fail_msg("%s: got the words %x", row->rule, got->conditions);
    if (got->num_retries != row->num_retries)
        fail_msg("%s: got %u retries", row->rule, got->num_retries);
    if (row->code != 0 && (codes == 0 || got->status_codes[codes - 1] != row->code))
        fail_msg("%s: not that code", row->rule);
    if (row->header != NULL &&
        (names == 0 || !str_eq(got->header_names[names - 1], str_of(row->header))))
        fail_msg("%s: not that name", row->rule);
}

static void test_headers_make_a_policy(void **state)
{
    UNUSED_STATE(state);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena;
        arena_init(&arena, 4096, 0);
        struct request_head *head = build_request(&arena, "GET", "a", "/");
        uint32_t before = head->headers.count;
        if (rows[i].name != NULL)
            header_add(&head->headers, str_of(rows[i].name), str_of(rows[i].value));
        if (rows[i].name2 != NULL)
            header_add(&head->headers, str_of(rows[i].name2), str_of(rows[i].value2));
        struct retry_policy own = {.num_retries = 1};
        if (rows[i].own != NULL)
            own.conditions = retry_on_read(str_of(rows[i].own));
        struct origin origin = {0};
        const struct retry_policy *got =
            retry_headers_read(rows[i].own != NULL ? &own : NULL, &head->headers, &origin, &arena);
        if (head->headers.count != before)
            fail_msg("%s: headers stay", rows[i].rule);
        if ((got != NULL) != (rows[i].want != NULL))
            fail_msg("%s: a policy or none", rows[i].rule);
        if (got != NULL)
            check_policy(&rows[i], got);
        arena_fini(&arena);
    }
}

/* The route of /slow (500 ms) sets a header. */
static void set_of_slow(struct scene *scene, const char *name, const char *value)
{
    struct snapshot *snapshot = (struct snapshot *)(uintptr_t)engine_snapshot(scene->engine);
    struct header_mutation *add = ARENA_NEW(&scene->arena, struct header_mutation);
    *add = (struct header_mutation){.name = str_of(name),
                                    .written = str_of(name),
                                    .value = str_of(value),
                                    .action = OVERWRITE_OR_ADD};
    struct route *routes =
        (struct route *)(uintptr_t)snapshot->route_configs[0].virtual_hosts[0].routes;
    routes[1].request_headers = (struct header_mutations){.add = add, .add_count = 1};
}

static void test_a_route_that_sets_retry_on_retries(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    set_of_slow(&scene, "x-envoy-retry-on", "5xx");
    request(&scene, "GET", "/slow", true);
    assert_false(header_is_present(&scene.xc.request->headers, STR("x-envoy-retry-on")));
    answer(&scene, 1, 503, NS_MS);
    assert_int_equal(scene.plan.count, 0);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, exchange_wake_ns(&scene.xc));
    ASSERT_PLAN(&scene, XC_ATTEMPT);
    answer(&scene, 2, 200, 40 * NS_MS);
    assert_int_equal(scene.xc.record.status, 200);
    assert_int_equal(scene.xc.record.attempt_count, 2);
    scene_fini(&scene);
}

static void test_a_timeout_may_be_answered_with_nothing(void **state)
{
    UNUSED_STATE(state);
    struct scene scene;
    scene_init(&scene);
    set_of_slow(&scene, "x-envoy-upstream-rq-timeout-alt-response", "1");
    request(&scene, "GET", "/slow", true);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_ATTEMPT_READY, .attempt = 1}, 0);
    tell(&scene, (struct xc_event){.kind = XC_EVENT_WAKE}, 500 * NS_MS);
    ASSERT_PLAN(&scene, XC_ABANDON, XC_REPLY, XC_FINISH);
    assert_int_equal(scene.xc.record.status, 204);
    assert_int_equal(scene.plan.items[1].body.len, 0);
    assert_str(record_flags(&scene.xc.record, &scene.arena), "UT");
    assert_int_equal(counter(&scene, "upstream_rq_timeout"), 1);
    assert_int_equal(counter(&scene, "upstream_rq_204"), 1);
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers_make_a_policy),
        cmocka_unit_test(test_a_route_that_sets_retry_on_retries),
        cmocka_unit_test(test_a_timeout_may_be_answered_with_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
