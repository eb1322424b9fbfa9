/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_jwt_find.c - where tokens are, and in which order they are looked
 * at. Whole requests are in tests/e2e/own/token-table.yaml.
 */
#include "proxy/core/jwt_find.h"
#include "tests/proxy/core/build.h"

static const struct jwt_header HEADERS[] = {
    {.name = STR_INIT("X-Token"), .other = STR_INIT("T ")},
    {.name = STR_INIT("x-token")},
    {.name = STR_INIT("A-Token")},
    {.name = STR_INIT("x-token"), .other = STR_INIT("T ")},
};
static const struct str PARAMS[] = {STR_INIT("q"), STR_INIT("p")};
static const struct str COOKIES[] = {STR_INIT("c"), STR_INIT("d")};

static void assert_found(const struct jwt_finds *finds, const char *want, struct arena *arena)
{
    struct str got = STR_EMPTY;

    for (uint32_t i = 0; i < finds->count; i++)
        got = arena_format(arena, "%.*s%s%.*s", STR_FMT(got), i > 0 ? " " : "",
                           STR_FMT(finds->items[i].text));
    if (!str_eq(got, str_of(want)))
        fail_msg("%.*s, not %s", STR_FMT(got), want);
}

static void test_the_last_place_by_its_name_comes_first(void **state)
{
    UNUSED_STATE(state);
    struct jwt_provider provider = {.headers = HEADERS,
                                    .header_count = COUNT_OF(HEADERS),
                                    .params = PARAMS,
                                    .param_count = COUNT_OF(PARAMS),
                                    .cookies = COOKIES,
                                    .cookie_count = COUNT_OF(COOKIES)};
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct request_head *head = build_request(&arena, "GET", "a", "/?q=1&p=2&q=9");
    build_header(head, "a-token", "3");
    build_header(head, "x-token", "T 4");
    build_header(head, "x-token", "5");
    build_header(head, "cookie", "d=\"6\"; c=7; c=8");
    struct jwt_finds finds = jwt_find(&provider, head, &arena);
    assert_found(&finds, "6 7 1 2 4 5 T 4 3", &arena);
    assert_int_equal(finds.items[0].place, JWT_IN_COOKIE);
    assert_int_equal(finds.items[2].place, JWT_IN_PARAM);
    assert_int_equal(finds.items[4].place, JWT_IN_HEADER);
    assert_true(str_eq(finds.items[4].name, STR("x-token")));
    arena_fini(&arena);
}

/* Several lines of Authorization are one. */
static void test_the_usual_places(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *path, *first, *second, *want;
    } rows[] = {
        {"/", NULL, NULL, ""},
        {"/", "Bearer a", NULL, "a"},
        {"/?access_token=b", "Bearer a", NULL, "b a"},
        {"/", "bearer a", NULL, ""},
        {"/", "Basic x", "Bearer a", "a"},
        {"/", "Bearer a", "Bearer b", "a,Bearer b"},
        {"/", "Bearer  ,a b", NULL, "a b"},
        {"/", "Bearer ", NULL, ""},
    };
    struct jwt_provider provider = {0};
    struct arena arena;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct request_head *head = build_request(&arena, "GET", "a", rows[i].path);
        if (rows[i].first != NULL)
            build_header(head, "authorization", rows[i].first);
        if (rows[i].second != NULL)
            build_header(head, "authorization", rows[i].second);
        struct jwt_finds finds = jwt_find(&provider, head, &arena);
        assert_found(&finds, rows[i].want, &arena);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_place_by_its_name_comes_first),
        cmocka_unit_test(test_the_usual_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
