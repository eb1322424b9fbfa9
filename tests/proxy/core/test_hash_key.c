/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_hash_key.c - ENVOY.md 5.4: what of a request is hashed.
 * Choices and cookies were recorded from a real Envoy 1.40: a ring of three.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/hash_key.h"
#include "proxy/core/ring.h"

#define ROWS 6

static uint32_t choose(uint64_t hash)
{
    struct arena arena;
    arena_init(&arena, 65536, 0);
    struct ring ring;
    const struct hash_host hosts[] = {{STR_INIT("127.8.0.1:18080"), 1.0 / 3, 1},
                                      {STR_INIT("127.8.0.2:18080"), 1.0 / 3, 2},
                                      {STR_INIT("127.8.0.3:18080"), 1.0 / 3, 3}};
    ring_init(&ring, 1.0 / 3, RING_SIZE_MIN, &arena);
    ring_build(&ring, hosts, COUNT_OF(hosts));
    uint32_t found = ring_find(&ring, hash, 0);
    arena_fini(&arena);
    return found;
}

static const struct record_downstream NOBODY = {0};

struct asked {
    struct hash_policy policies[2];
    uint32_t policy_count;
    const char *path;       /* %u: the row's number, from 0 */
    const char *headers[4]; /* names and values; %u as well */
    const char *want;       /* the endpoint of each row; "-": no key */
};

static void check(const struct asked *asked)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        struct arena arena;
        arena_init(&arena, 4096, 0);
        struct str path = arena_format(&arena, asked->path, i);
        struct request_head *head = build_request(&arena, "GET", "web", "/");
        head->path = path;
        for (uint32_t k = 0; k < 4 && asked->headers[k] != NULL; k += 2)
            header_add(&head->headers, str_of(asked->headers[k]),
                       arena_format(&arena, asked->headers[k + 1], i));
        struct hash_key_facts facts = {.request = head, .downstream = &NOBODY};
        struct hash_key_cookies cookies = {0};
        uint64_t hash = 0;
        bool is_found =
            hash_key_find(asked->policies, asked->policy_count, &facts, &cookies, &arena, &hash);
        char got = is_found ? (char)('0' + choose(hash)) : '-';
        if (got != asked->want[i])
            fail_msg("%.*s: got %c, want %s", STR_FMT(path), got, asked->want);
        assert_int_equal(cookies.count, 0);
        arena_fini(&arena);
    }
}

#define HEADER(name_)                                \
    {                                                \
        .kind = HASH_HEADER, .name = STR_INIT(name_) \
    }
#define LAST_HEADER(name_)                                                \
    {                                                                     \
        .kind = HASH_HEADER, .name = STR_INIT(name_), .is_terminal = true \
    }
#define QUERY                                      \
    {                                              \
        .kind = HASH_QUERY, .name = STR_INIT("id") \
    }
#define COOKIE                                           \
    {                                                    \
        .kind = HASH_COOKIE, .name = STR_INIT("session") \
    }

static void test_keys_are_envoys(void **state)
{
    UNUSED_STATE(state);
    const struct asked rows[] = {
        {{HEADER("x-k")}, 1, "/", {"x-k", "key-%u"}, "113313"},
        {{HEADER("x-k")}, 1, "/", {"x-other", "key-%u"}, "------"},
        {{HEADER("x-k")}, 1, "/", {"x-k", ""}, "111111"},
        {{HEADER("x-k")}, 1, "/", {"x-k", "b-%u", "x-k", "a-%u"}, "132123"},
        {{HEADER("x-k")}, 1, "/", {"x-k", "a-%u", "x-k", "b-%u"}, "132123"},
        {{HEADER(":path")}, 1, "/path/%u", {NULL}, "133333"},
        {{HEADER("x-k"), HEADER("x-l")}, 2, "/", {"x-k", "key-%u", "x-l", "other"}, "221311"},
        {{HEADER("x-k"), HEADER("x-l")}, 2, "/", {"x-l", "other-%u"}, "112323"},
        {{HEADER("x-k"), HEADER("x-l")}, 2, "/", {"x-k", "same-%u", "x-l", "same-%u"}, "232213"},
        {{LAST_HEADER("x-k"), HEADER("x-l")}, 2, "/", {"x-k", "key-%u", "x-l", "other"}, "113313"},
        {{LAST_HEADER("x-k"), HEADER("x-l")}, 2, "/", {"x-l", "other-%u"}, "112323"},
        {{QUERY}, 1, "/query/?x=1&id=key-%u&id=z", {NULL}, "113313"},
        {{QUERY}, 1, "/query/?id=a%%20%u", {NULL}, "332232"},
        {{QUERY}, 1, "/query/?id=&x=%u", {NULL}, "111111"},
        {{QUERY}, 1, "/query/?id&x=%u", {NULL}, "111111"},
        {{QUERY}, 1, "/query/?ids=%u", {NULL}, "------"},
        {{COOKIE}, 1, "/", {"cookie", "a=b; session=key-%u"}, "113313"},
        {{COOKIE}, 1, "/", {"cookie", "session=\"key-%u\"; session=x"}, "113313"},
        {{COOKIE}, 1, "/", {"cookie", "session=; a=%u"}, "------"},
        {{COOKIE}, 1, "/", {"cookie", "sessions=%u"}, "------"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(&rows[i]);
}

static void test_the_source_is_its_address(void **state)
{
    UNUSED_STATE(state);
    static const char *const ADDRESSES[] = {"127.8.1.1", "127.8.1.2", "127.8.1.3", "127.8.1.4",
                                            "127.8.1.5", "127.8.1.6", "10.1.2.0",  "10.1.2.1",
                                            "10.1.2.2",  "10.1.2.3",  "10.1.2.4",  "10.1.2.5"};
    static const uint32_t WANT[] = {2, 3, 2, 1, 1, 3, 1, 2, 3, 1, 2, 3};
    const struct hash_policy policy = {.kind = HASH_SOURCE_IP};
    struct arena arena;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(WANT); i++) {
        struct record_downstream downstream = {.remote_address = str_of(ADDRESSES[i]),
                                               .remote_port = 1234};
        struct hash_key_facts facts = {.request = build_request(&arena, "GET", "web", "/"),
                                       .downstream = &downstream};
        struct hash_key_cookies cookies = {0};
        uint64_t hash;
        assert_true(hash_key_find(&policy, 1, &facts, &cookies, &arena, &hash));
        assert_int_equal(choose(hash), WANT[i]);
    }
    arena_fini(&arena);
}

static const struct cookie_attribute ATTRIBUTES[] = {{STR_INIT("SameSite"), STR_INIT("Strict")},
                                                     {STR_INIT("Secure"), STR_INIT("")}};
static const struct {
    struct hash_policy policy;
    const char *sent; /* the client's cookie header */
    uint32_t port;
    const char *want;
    uint32_t endpoint;
} COOKIES[] = {
    {{.kind = HASH_COOKIE,
      .name = STR_INIT("session"),
      .cookie_path = STR_INIT("/p"),
      .has_cookie_ttl = true,
      .cookie_ttl_ns = 60 * NS_SECOND},
     NULL,
     39115,
     "session=\"400485ab964475dd\"; Max-Age=60; Path=/p; HttpOnly",
     1},
    {{.kind = HASH_COOKIE,
      .name = STR_INIT("session"),
      .cookie_path = STR_INIT("/p"),
      .has_cookie_ttl = true,
      .cookie_ttl_ns = 60 * NS_SECOND},
     "session=",
     48643,
     "session=\"1b5ef7c0178f010d\"; Max-Age=60; Path=/p; HttpOnly",
     3},
    {{.kind = HASH_COOKIE, .name = STR_INIT("session"), .has_cookie_ttl = true},
     "other=1",
     59599,
     "session=\"17143154790ffc23\"; HttpOnly",
     1},
    {{.kind = HASH_COOKIE,
      .name = STR_INIT("s"),
      .has_cookie_ttl = true,
      .cookie_ttl_ns = 1500 * NS_MS,
      .attributes = ATTRIBUTES,
      .attribute_count = 2},
     NULL,
     35961,
     "s=\"6c17d855dcd13fa6\"; Max-Age=1; SameSite=Strict; Secure; HttpOnly",
     2},
};

/* Of the connection's two ends, so that each of its requests gets the same. */
static void test_a_missing_cookie_is_made(void **state)
{
    UNUSED_STATE(state);
    struct arena arena;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(COOKIES); i++) {
        struct request_head *head = build_request(&arena, "GET", "web", "/");
        if (COOKIES[i].sent != NULL)
            build_header(head, "cookie", COOKIES[i].sent);
        struct record_downstream downstream = {.remote_address = STR("10.9.9.9"),
                                               .direct_address = STR("127.0.0.1"),
                                               .direct_port = COOKIES[i].port,
                                               .local_address = STR("127.8.0.90"),
                                               .local_port = 18090};
        struct hash_key_facts facts = {.request = head, .downstream = &downstream};
        struct hash_key_cookies cookies = {0};
        uint64_t hash;
        assert_true(hash_key_find(&COOKIES[i].policy, 1, &facts, &cookies, &arena, &hash));
        assert_int_equal(cookies.count, 1);
        assert_str(cookies.items[0], COOKIES[i].want);
        assert_int_equal(choose(hash), COOKIES[i].endpoint);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_envoys),
        cmocka_unit_test(test_the_source_is_its_address),
        cmocka_unit_test(test_a_missing_cookie_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
