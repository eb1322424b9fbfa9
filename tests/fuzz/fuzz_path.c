/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/fuzz_path.c - what the connection manager makes of a head: the path
 * normalized, the headers for one hop gone.
 *
 * What is held: what is normal stays as it is; no dot segment, backslash or
 * double slash is left where it had to go; the query is never touched; nothing
 * grows beyond what escaping needs; what is for one hop goes no further, and a
 * second pass changes nothing that the first one made.
 *
 * The first byte says how the manager is set; the path follows, up to a LF, then
 * header lines "name: value".
 */
#include "base/check.h"
#include "proxy/http/h1_text.h"
#include "proxy/http/path.h"
#include "proxy/http/pipeline.h"
#include "tests/fuzz/replay.h"

static struct str before_query(struct str path)
{
    size_t query = str_find(path, '?');
    return query == STR_NONE ? path : str_slice(path, 0, query);
}

/* "." or "..", however the dots are written. */
static bool is_dots(struct str segment)
{
    uint32_t dots = 0;
    while (segment.len > 0) {
        bool is_escaped = str_has_prefix_ci(segment, STR("%2e"));
        if (!is_escaped && segment.ptr[0] != '.')
            return false;
        segment = str_from(segment, is_escaped ? 3 : 1);
        dots++;
    }
    return dots == 1 || dots == 2;
}

static bool is_hex(char c)
{
    c = str_lower_char(c);
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Where a second pass may differ, with Envoy as well: escaped dots with
 * parameters are written plainly and stay (ENVOY.md 1.4.3), and what stands
 * behind a broken escape is guarded only when it was escaped itself. */
static bool is_moving_on(struct str path)
{
    struct str rest = before_query(path);
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] == '%' &&
            (i + 2 >= rest.len || !is_hex(rest.ptr[i + 1]) || !is_hex(rest.ptr[i + 2])))
            return true;
    while (rest.ptr != NULL) {
        struct str segment = str_cut(&rest, '/');
        if (str_has_prefix(segment, STR(".;")) || str_has_prefix(segment, STR("..;")))
            return true;
    }
    return false;
}

static void assert_normal(struct str path)
{
    struct str rest = before_query(path);
    ASSERT(str_find(rest, '\\') == STR_NONE);
    while (rest.ptr != NULL)
        ASSERT(!is_dots(str_cut(&rest, '/')));
    for (size_t i = 0; i < before_query(path).len; i++)
        ASSERT((unsigned char)path.ptr[i] > ' ' && (unsigned char)path.ptr[i] < 0x7f);
}

/* The functions alone, in every combination. */
static void check_path(struct str path, struct arena *arena)
{
    struct str once, twice, query = str_from(path, before_query(path).len);
    struct str unescaped = path_unescape_slashes(path, arena);
    ASSERT(unescaped.len <= path.len);
    struct str bare = before_query(unescaped);
    ASSERT(!str_contains(bare, STR("%2f")) && !str_contains(bare, STR("%2F")) &&
           !str_contains(bare, STR("%5c")) && !str_contains(bare, STR("%5C")));
    if (!path_normalize(path, arena, &once))
        return;
    ASSERT(once.len <= 3 * path.len && once.ptr[0] == '/');
    ASSERT(str_has_suffix(once, query));
    assert_normal(once);
    ASSERT(path_normalize(once, arena, &twice));
    ASSERT(str_eq(once, twice) || is_moving_on(once) || is_moving_on(path));
    struct str merged = path_merge_slashes(once, arena);
    ASSERT(!str_contains(before_query(merged), STR("//")));
    ASSERT(str_eq(path_merge_slashes(merged, arena), merged));
    ASSERT(str_has_suffix(merged, query));
}

static void add_headers(struct request_head *head, struct str text, struct arena *arena)
{
    struct h1_field field;
    while (h1_text_next_field(&text, &field))
        header_add(&head->headers, arena_str_lower(arena, field.name), arena_str(arena, field.raw));
}

static void assert_clean(const struct http_connection_manager *http,
                         const struct request_head *head)
{
    static const char *const gone[] = {
        "connection",        "upgrade",          "keep-alive",       "proxy-connection",
        "transfer-encoding", "x-envoy-internal", "x-envoy-retry-on", "x-forwarded-client-cert"};
    for (size_t i = 0; i < COUNT_OF(gone); i++)
        ASSERT(!header_is_present(&head->headers, str_of(gone[i])));
    struct str value;
    /* An empty one is passed on as it came: Envoy has nothing to look for in it. */
    ASSERT(!header_get(&head->headers, STR("te"), &value) || value.len == 0 ||
           str_eq(value, STR("trailers")));
    ASSERT(header_get(&head->headers, STR("x-request-id"), &value) && value.len > 0);
    ASSERT(header_is_present(&head->headers, STR("x-forwarded-proto")));
    ASSERT(str_eq(head->scheme, STR("http")) || str_eq(head->scheme, STR("https")));
    ASSERT(head->path.ptr[0] == '/' && str_find(head->path, '#') == STR_NONE);
    if (http->is_normalizing_path)
        assert_normal(head->path);
    if (http->is_merging_slashes)
        ASSERT(!str_contains(before_query(head->path), STR("//")));
}

static void check_pipeline(uint8_t set, struct str path, struct str text, struct arena *arena)
{
    struct http_connection_manager http = {.is_using_remote_address = (set & 1) != 0,
                                           .is_normalizing_path = (set & 2) != 0,
                                           .is_merging_slashes = (set & 4) != 0,
                                           .is_unescaping_slashes = (set & 8) != 0,
                                           .xff_trusted_hops = set >> 6};
    struct peer_facts peer = {.remote_address = STR("10.9.0.1"), .is_tls = (set & 16) != 0};
    struct request_head head = {.method = STR("GET"),
                                .path = path,
                                .authority = STR("a"),
                                .has_authority = true,
                                .version = HTTP_1_1};
    header_list_init(&head.headers, arena);
    add_headers(&head, text, arena);
    struct rng uuid = rng_seeded(1, STR("uuid"));
    struct pipeline_answer answer = pipeline_request(&http, &peer, false, &head, &uuid, arena);
    if (answer.is_refused) {
        ASSERT(answer.status >= 300 && answer.details.len > 0);
        return;
    }
    assert_clean(&http, &head);
    struct str once = head.path;
    bool may_differ = is_moving_on(path) || is_moving_on(once) || http.is_unescaping_slashes;
    uint32_t count = head.headers.count;
    answer = pipeline_request(&http, &peer, false, &head, &uuid, arena);
    ASSERT(!answer.is_refused && head.headers.count == count);
    ASSERT(str_eq(head.path, once) || may_differ);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 2)
        return 0;
    struct str text = {(const char *)bytes + 1, size - 1};
    size_t end = str_find(text, '\n');
    struct str path = end == STR_NONE ? text : str_slice(text, 0, end);
    struct arena arena;
    arena_init(&arena, 4096, 0);
    /* What the codec would not let through is no path. */
    if (h1_text_is_target(path, false)) {
        if (path.ptr[0] == '/')
            check_path(path, &arena);
        check_pipeline(bytes[0], path, end == STR_NONE ? STR_EMPTY : str_from(text, end + 1),
                       &arena);
    }
    arena_fini(&arena);
    return 0;
}
