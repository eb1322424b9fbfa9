/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/call_read.c - `request` into calls: lists make combinations.
 */
#include "testbed/runner/want_read.h"

#include "base/check.h"

#define LISTS 5 /* uri, method, authority, scheme, port */

static struct arena *arena_of(const struct view *view)
{
    return view->reading->arena;
}

static struct str uri_with_query(const struct view *view, struct str uri)
{
    struct view params = view_map(view, STR("queryParams"));
    for (uint32_t i = 0; view_is_present(&params) && i < view_count(&params); i++) {
        struct view entry = view_entry(&params, i);
        struct str value = want_bytes(&entry, STR_EMPTY);
        const char *joint = str_find(uri, '?') == STR_NONE ? "?" : "&";
        uri = arena_format(arena_of(view), "%.*s%s%.*s=%.*s", STR_FMT(uri), joint,
                           STR_FMT(entry.key), STR_FMT(value));
    }
    return uri;
}

/* What all combinations share. */
static void common_read(const struct view *view, struct call *call)
{
    struct view headers = view_map(view, STR("headers"));
    call->headers = want_sent_headers(&headers, &call->header_count);
    struct view trailers = view_map(view, STR("trailers"));
    call->trailers = want_sent_headers(&trailers, &call->trailer_count);
    struct view body = view_field(view, STR("body"));
    call->body = want_bytes(&body, STR_EMPTY);
    int64_t size = view_i64(view, STR("bodySize"), 0, INT64_C(1) << 40, -1);
    call->has_body_size = size >= 0;
    call->body_size = size >= 0 ? (uint64_t)size : 0;
    call->is_chunked = view_bool(view, STR("chunked"), false);
    struct view http = view_field(view, STR("http"));
    struct str version = want_scalar(&http, STR("1.1"));
    call->is_http10 = str_eq(version, STR("1.0"));
    if (!call->is_http10 && !str_eq(version, STR("1.1")))
        view_complain(&http, DIAG_BAD_CHOICE, version, STR("\"1.0\" or \"1.1\""));
    struct view raw = view_field(view, STR("raw"));
    call->has_raw = view_is_present(&raw);
    call->raw = want_bytes(&raw, STR_EMPTY);
    struct view say = view_field(view, STR("say"));
    call->say_count = want_list_count(&say);
    call->say = ARENA_ARRAY(arena_of(view), struct str, call->say_count);
    for (uint32_t i = 0; i < call->say_count; i++) {
        struct view item = want_list_item(&say, i);
        call->say[i] = want_bytes(&item, STR_EMPTY);
    }
    struct view cancel = view_field(view, STR("cancelAfter"));
    call->has_cancel = view_is_present(&cancel);
    call->cancel_after_ns = view_own_duration_ns(&cancel, 0);
    static const char *const ENDS[] = {"close", "reset", NULL};
    call->is_cancelling_by_reset = view_choice(view, STR("cancelBy"), ENDS, 0) == 1;
    struct view to = view_field(view, STR("to"));
    call->to = want_scalar(&to, STR_EMPTY);
}

static uint32_t choices(const struct view *list)
{
    uint32_t count = want_list_count(list);
    return count == 0 ? 1 : count;
}

static struct view choice(const struct view *list, uint32_t index)
{
    return want_list_count(list) == 0 ? *list : want_list_item(list, index);
}

/* One combination. */
static void combine(const struct view *view, const struct call_defaults *defaults,
                    const struct view lists[LISTS], const uint32_t at[LISTS], struct call *call)
{
    struct view uri = choice(&lists[0], at[0]), method = choice(&lists[1], at[1]);
    struct view authority = choice(&lists[2], at[2]), scheme = choice(&lists[3], at[3]);
    struct view port = choice(&lists[4], at[4]);
    call->uri = uri_with_query(view, want_bytes(&uri, STR("/")));
    call->method = want_bytes(&method, STR("GET"));
    call->has_authority = defaults->has_authority;
    call->authority = defaults->authority;
    if (lists[2].node != NULL) {
        call->has_authority = view_is_present(&authority);
        call->authority = want_bytes(&authority, STR_EMPTY);
    }
    call->scheme = want_scalar(&scheme, STR_EMPTY);
    if (call->scheme.len > 0 && !call->has_authority)
        view_complain(&scheme, DIAG_BAD_CHOICE, STR("scheme"),
                      STR("it beside an `authority`: both stand in the target"));
    call->port = defaults->port;
    if (view_is_present(&port))
        call->port = (uint32_t)view_own_i64(&port, 1, 65535, 80);
}

/* The first list turns slowest, as the keys are written here. */
static bool next_combination(const struct view lists[LISTS], uint32_t at[LISTS])
{
    for (uint32_t i = LISTS; i > 0; i--) {
        if (++at[i - 1] < choices(&lists[i - 1]))
            return true;
        at[i - 1] = 0;
    }
    return false;
}

static void request_read(const struct view *view, const struct call_defaults *defaults,
                         struct call **calls, uint32_t *count, uint32_t *capacity)
{
    static const struct field_row ROWS[] = {
        {"authority", FIELD_USED}, {"port", FIELD_USED},        {"uri", FIELD_USED},
        {"method", FIELD_USED},    {"queryParams", FIELD_USED}, {"headers", FIELD_USED},
        {"body", FIELD_USED},      {"bodySize", FIELD_USED},    {"chunked", FIELD_USED},
        {"trailers", FIELD_USED},  {"http", FIELD_USED},        {"say", FIELD_USED},
        {"raw", FIELD_USED},       {"cancelAfter", FIELD_USED}, {"to", FIELD_USED},
        {"cancelBy", FIELD_USED},  {"scheme", FIELD_USED},
    };
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    struct call common = {.client = defaults->client};
    common_read(view, &common);
    struct view lists[LISTS] = {view_field(view, STR("uri")), view_field(view, STR("method")),
                                want_nullable(view, STR("authority")),
                                view_field(view, STR("scheme")), view_field(view, STR("port"))};
    uint32_t at[LISTS] = {0};
    do {
        struct call *call = ARENA_PUSH(arena_of(view), *calls, *count, *capacity);
        *call = common;
        combine(view, defaults, lists, at, call);
    } while (next_combination(lists, at));
}

struct call *calls_read(const struct view *view, const struct call_defaults *defaults,
                        uint32_t *count)
{
    struct call *calls = NULL;
    uint32_t capacity = 0;
    *count = 0;
    for (uint32_t i = 0; i < want_list_count(view); i++) {
        struct view item = want_list_item(view, i);
        request_read(&item, defaults, &calls, count, &capacity);
    }
    return calls;
}
