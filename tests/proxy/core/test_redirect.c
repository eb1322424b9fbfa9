/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_redirect.c - ENVOY.md 2.6, and what was recorded.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/redirect.h"

static void test_location(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *authority, *path;
        struct redirect_action redirect;
        const char *want;
    } rows[] = {
        {"reviews",
         "/uri?q=1",
         {.has_path = true, .path = STR_INIT("/new")},
         "http://reviews/new?q=1"},
        {"reviews",
         "/q?b=2",
         {.has_path = true, .path = STR_INIT("/new?a=1")},
         "http://reviews/new?a=1"},
        {"reviews:9080",
         "/auth",
         {.host = STR_INIT("new.example.com"), .has_path = true},
         "http://new.example.com/auth"},
        {"reviews:9080", "/a", {.scheme = STR_INIT("https")}, "https://reviews:9080/a"},
        {"reviews:80", "/a", {.scheme = STR_INIT("https")}, "https://reviews/a"},
        {"reviews:80", "/a", {.has_path = true}, "http://reviews:80/a"},
        {"reviews:9080",
         "/p",
         {.scheme = STR_INIT("https"), .port_kind = PORT_REDIRECT_SET, .port = 8443},
         "https://reviews:8443/p"},
        {"reviews", "/p", {.port_kind = PORT_REDIRECT_SET, .port = 9080}, "http://reviews:9080/p"},
        {"reviews",
         "/api/x?y",
         {.has_prefix_rewrite = true, .prefix_rewrite = STR_INIT("/v2")},
         "http://reviews/v2/x?y"},
        {"reviews",
         "/p",
         {.has_path = true, .path = STR_INIT("no-slash")},
         "http://reviews/no-slash"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena;
        arena_init(&arena, 1024, 0);
        struct request_head *head = build_request(&arena, "GET", rows[i].authority, rows[i].path);
        struct route route = build_route("r", "");
        route.match.path = build_prefix("/api");
        route.redirect = rows[i].redirect;
        assert_str(redirect_location(&route, head, &arena), rows[i].want);
        arena_fini(&arena);
    }
}

static void test_to_tls_keeps_host_and_path(void **state)
{
    UNUSED_STATE(state);
    struct arena arena;
    arena_init(&arena, 1024, 0);
    struct request_head *head = build_request(&arena, "GET", "shop:8080", "/a?b");
    assert_str(redirect_to_tls(head, &arena), "https://shop:8080/a?b");
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_location),
        cmocka_unit_test(test_to_tls_keeps_host_and_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
