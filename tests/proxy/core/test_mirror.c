/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_mirror.c - ENVOY.md 3.6.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/mirror.h"

static void test_the_streams_number_decides(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        struct mirror_policy policy;
        uint64_t random;
        bool want;
    } rows[] = {
        {{.has_share = false}, 7, true},
        {{.has_share = true, .share = {0, 100}}, 0, false},
        {{.has_share = true, .share = {25, 100}}, 24, true},
        {{.has_share = true, .share = {25, 100}}, 25, false},
        {{.has_share = true, .share = {25, 100}}, 124, true},
        {{.has_share = true, .share = {1, 1000000}}, 1000000, true},
        {{.has_share = true, .share = {1, 1000000}}, 1, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(mirror_is_drawn(&rows[i].policy, rows[i].random), rows[i].want);
}

static void test_a_copy_is_marked_and_the_request_is_not(void **state)
{
    UNUSED_STATE(state);
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct request_head *request = build_request(&arena, "POST", "a", "/x");
    build_header(request, "x-a", "b");
    build_header(request, "x-forwarded-for", "10.0.0.1");
    const struct request_head *copy = mirror_request(request, STR("127.0.0.1"), false, &arena);
    struct str value;
    assert_true(header_get(&copy->headers, STR("x-envoy-internal"), &value));
    assert_str(value, "true");
    assert_true(header_get(&copy->headers, STR("x-forwarded-for"), &value));
    assert_str(value, "10.0.0.1,127.0.0.1");
    assert_str(copy->authority, "a"); /* Istio turns the -shadow suffix off */
    assert_int_equal(request->headers.count, 2);
    copy = mirror_request(build_request(&arena, "GET", "a", "/"), STR_EMPTY, false, &arena);
    assert_false(header_is_present(&copy->headers, STR("x-forwarded-for")));
    arena_fini(&arena);
}

static void test_an_older_istios_copy_has_a_host_of_its_own(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *authority, *want;
    } rows[] = {
        {"reviews", "reviews-shadow"},       {"reviews:9080", "reviews-shadow:9080"},
        {"reviews-v1", "reviews-v1-shadow"}, {"10.0.0.1", "10.0.0.1-shadow"},
        {"[::1]:80", "[::1]-shadow:80"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena;
        arena_init(&arena, 4096, 0);
        struct request_head *request = build_request(&arena, "GET", rows[i].authority, "/");
        assert_str(mirror_request(request, STR_EMPTY, true, &arena)->authority, rows[i].want);
        assert_str(request->authority, rows[i].authority);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_streams_number_decides),
        cmocka_unit_test(test_a_copy_is_marked_and_the_request_is_not),
        cmocka_unit_test(test_an_older_istios_copy_has_a_host_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
