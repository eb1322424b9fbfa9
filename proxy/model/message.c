/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/message.c - header lists with Envoy's rules of joining, and the
 * reason phrases.
 *
 * The inline table: what Envoy declares for requests and responses, and what
 * its stock filters register besides (CORS, compressor, cache, gRPC-Web). Host,
 * method, path and scheme are no entries of a list, so they are not here.
 */
#include "proxy/model/message.h"

#include <string.h>

/* Sorted by length, then by byte order: it is searched by halves, and most steps
 * look at lengths only. */
static const struct {
    struct str name;
    enum { OF_REQUESTS = 1, OF_RESPONSES = 2, OF_BOTH = 3 } side;
} INLINE_NAMES[] = {
    {STR_INIT("te"), OF_REQUESTS},
    {STR_INIT("age"), OF_RESPONSES},
    {STR_INIT("via"), OF_BOTH},
    {STR_INIT("date"), OF_RESPONSES},
    {STR_INIT("etag"), OF_RESPONSES},
    {STR_INIT("vary"), OF_RESPONSES},
    {STR_INIT("accept"), OF_REQUESTS},
    {STR_INIT("expect"), OF_REQUESTS},
    {STR_INIT("origin"), OF_REQUESTS},
    {STR_INIT("pragma"), OF_REQUESTS},
    {STR_INIT("server"), OF_RESPONSES},
    {STR_INIT("expires"), OF_RESPONSES},
    {STR_INIT("referer"), OF_REQUESTS},
    {STR_INIT("upgrade"), OF_BOTH},
    {STR_INIT("if-match"), OF_REQUESTS},
    {STR_INIT("if-range"), OF_REQUESTS},
    {STR_INIT("location"), OF_RESPONSES},
    {STR_INIT("connection"), OF_BOTH},
    {STR_INIT("keep-alive"), OF_BOTH},
    {STR_INIT("user-agent"), OF_REQUESTS},
    {STR_INIT("grpc-status"), OF_RESPONSES},
    {STR_INIT("content-type"), OF_BOTH},
    {STR_INIT("grpc-message"), OF_RESPONSES},
    {STR_INIT("grpc-timeout"), OF_REQUESTS},
    {STR_INIT("proxy-status"), OF_BOTH},
    {STR_INIT("x-request-id"), OF_BOTH},
    {STR_INIT("authorization"), OF_REQUESTS},
    {STR_INIT("cache-control"), OF_BOTH},
    {STR_INIT("if-none-match"), OF_REQUESTS},
    {STR_INIT("last-modified"), OF_RESPONSES},
    {STR_INIT("content-length"), OF_BOTH},
    {STR_INIT("accept-encoding"), OF_REQUESTS},
    {STR_INIT("x-envoy-ip-tags"), OF_REQUESTS},
    {STR_INIT("x-forwarded-for"), OF_REQUESTS},
    {STR_INIT("content-encoding"), OF_BOTH},
    {STR_INIT("proxy-connection"), OF_BOTH},
    {STR_INIT("x-envoy-degraded"), OF_RESPONSES},
    {STR_INIT("x-envoy-internal"), OF_REQUESTS},
    {STR_INIT("x-envoy-retry-on"), OF_REQUESTS},
    {STR_INIT("x-forwarded-host"), OF_REQUESTS},
    {STR_INIT("x-forwarded-port"), OF_REQUESTS},
    {STR_INIT("if-modified-since"), OF_REQUESTS},
    {STR_INIT("transfer-encoding"), OF_BOTH},
    {STR_INIT("x-client-trace-id"), OF_REQUESTS},
    {STR_INIT("x-forwarded-proto"), OF_REQUESTS},
    {STR_INIT("if-unmodified-since"), OF_REQUESTS},
    {STR_INIT("x-envoy-force-trace"), OF_REQUESTS},
    {STR_INIT("x-envoy-max-retries"), OF_REQUESTS},
    {STR_INIT("x-envoy-ratelimited"), OF_RESPONSES},
    {STR_INIT("grpc-accept-encoding"), OF_REQUESTS},
    {STR_INIT("x-envoy-original-url"), OF_REQUESTS},
    {STR_INIT("x-envoy-attempt-count"), OF_BOTH},
    {STR_INIT("x-envoy-original-host"), OF_REQUESTS},
    {STR_INIT("x-envoy-original-path"), OF_REQUESTS},
    {STR_INIT("x-envoy-retry-grpc-on"), OF_REQUESTS},
    {STR_INIT("access-control-max-age"), OF_RESPONSES},
    {STR_INIT("x-envoy-upstream-canary"), OF_RESPONSES},
    {STR_INIT("x-forwarded-client-cert"), OF_REQUESTS},
    {STR_INIT("x-envoy-external-address"), OF_REQUESTS},
    {STR_INIT("x-envoy-is-timeout-retry"), OF_REQUESTS},
    {STR_INIT("access-control-allow-origin"), OF_RESPONSES},
    {STR_INIT("x-envoy-decorator-operation"), OF_BOTH},
    {STR_INIT("access-control-allow-headers"), OF_RESPONSES},
    {STR_INIT("access-control-allow-methods"), OF_RESPONSES},
    {STR_INIT("access-control-expose-headers"), OF_RESPONSES},
    {STR_INIT("access-control-request-method"), OF_REQUESTS},
    {STR_INIT("x-envoy-upstream-service-time"), OF_RESPONSES},
    {STR_INIT("access-control-request-headers"), OF_REQUESTS},
    {STR_INIT("x-envoy-expected-rq-timeout-ms"), OF_REQUESTS},
    {STR_INIT("x-envoy-retriable-header-names"), OF_REQUESTS},
    {STR_INIT("x-envoy-retriable-status-codes"), OF_REQUESTS},
    {STR_INIT("x-envoy-upstream-alt-stat-name"), OF_REQUESTS},
    {STR_INIT("x-envoy-upstream-rq-timeout-ms"), OF_REQUESTS},
    {STR_INIT("x-envoy-downstream-service-node"), OF_REQUESTS},
    {STR_INIT("access-control-allow-credentials"), OF_RESPONSES},
    {STR_INIT("x-envoy-hedge-on-per-try-timeout"), OF_REQUESTS},
    {STR_INIT("x-envoy-downstream-service-cluster"), OF_REQUESTS},
    {STR_INIT("x-envoy-immediate-health-check-fail"), OF_RESPONSES},
    {STR_INIT("x-envoy-upstream-stream-duration-ms"), OF_REQUESTS},
    {STR_INIT("x-envoy-upstream-healthchecked-cluster"), OF_RESPONSES},
    {STR_INIT("x-envoy-upstream-rq-per-try-timeout-ms"), OF_REQUESTS},
    {STR_INIT("x-envoy-upstream-rq-timeout-alt-response"), OF_REQUESTS},
};

static const struct {
    uint32_t status;
    struct str reason;
} REASONS[] = {
    {100, STR_INIT("Continue")},
    {101, STR_INIT("Switching Protocols")},
    {200, STR_INIT("OK")},
    {201, STR_INIT("Created")},
    {202, STR_INIT("Accepted")},
    {203, STR_INIT("Non-Authoritative Information")},
    {204, STR_INIT("No Content")},
    {205, STR_INIT("Reset Content")},
    {206, STR_INIT("Partial Content")},
    {207, STR_INIT("Multi-Status")},
    {208, STR_INIT("Already Reported")},
    {226, STR_INIT("IM Used")},
    {300, STR_INIT("Multiple Choices")},
    {301, STR_INIT("Moved Permanently")},
    {302, STR_INIT("Found")},
    {303, STR_INIT("See Other")},
    {304, STR_INIT("Not Modified")},
    {305, STR_INIT("Use Proxy")},
    {307, STR_INIT("Temporary Redirect")},
    {308, STR_INIT("Permanent Redirect")},
    {400, STR_INIT("Bad Request")},
    {401, STR_INIT("Unauthorized")},
    {402, STR_INIT("Payment Required")},
    {403, STR_INIT("Forbidden")},
    {404, STR_INIT("Not Found")},
    {405, STR_INIT("Method Not Allowed")},
    {406, STR_INIT("Not Acceptable")},
    {407, STR_INIT("Proxy Authentication Required")},
    {408, STR_INIT("Request Timeout")},
    {409, STR_INIT("Conflict")},
    {410, STR_INIT("Gone")},
    {411, STR_INIT("Length Required")},
    {412, STR_INIT("Precondition Failed")},
    {413, STR_INIT("Payload Too Large")},
    {414, STR_INIT("URI Too Long")},
    {415, STR_INIT("Unsupported Media Type")},
    {416, STR_INIT("Range Not Satisfiable")},
    {417, STR_INIT("Expectation Failed")},
    {421, STR_INIT("Misdirected Request")},
    {422, STR_INIT("Unprocessable Entity")},
    {423, STR_INIT("Locked")},
    {424, STR_INIT("Failed Dependency")},
    {425, STR_INIT("Too Early")},
    {426, STR_INIT("Upgrade Required")},
    {428, STR_INIT("Precondition Required")},
    {429, STR_INIT("Too Many Requests")},
    {431, STR_INIT("Request Header Fields Too Large")},
    {500, STR_INIT("Internal Server Error")},
    {501, STR_INIT("Not Implemented")},
    {502, STR_INIT("Bad Gateway")},
    {503, STR_INIT("Service Unavailable")},
    {504, STR_INIT("Gateway Timeout")},
    {505, STR_INIT("HTTP Version Not Supported")},
    {506, STR_INIT("Variant Also Negotiates")},
    {507, STR_INIT("Insufficient Storage")},
    {508, STR_INIT("Loop Detected")},
    {510, STR_INIT("Not Extended")},
    {511, STR_INIT("Network Authentication Required")},
};

/* Removes from `from` on; entries that stay keep their order. */
static uint32_t remove_from(struct header_list *list, struct str name, uint32_t from)
{
    uint32_t kept = header_find(list, name, from);

    if (kept == UINT32_MAX)
        return 0;
    for (uint32_t i = kept + 1; i < list->count; i++) {
        if (!str_eq(list->items[i].name, name))
            list->items[kept++] = list->items[i];
    }
    uint32_t removed_count = list->count - kept;
    list->count = kept;
    return removed_count;
}

void header_list_init(struct header_list *list, struct arena *arena)
{
    ASSERT(arena != NULL);
    *list = (struct header_list){.arena = arena};
}

uint32_t header_search(const struct header_list *list, struct str name, uint32_t from)
{
    for (uint32_t i = from; i < list->count; i++) {
        if (str_eq(list->items[i].name, name))
            return i;
    }
    return UINT32_MAX;
}

void header_append_line(struct header_list *list, struct str name, struct str value)
{
    ASSERT(list->arena != NULL);
    struct header *header = ARENA_PUSH(list->arena, list->items, list->count, list->capacity);
    *header = (struct header){.name = name, .value = value};
    list->marks |= header_mark(name);
}

void header_add(struct header_list *list, struct str name, struct str value)
{
    if (!header_is_inline(list, name)) {
        header_append_line(list, name, value);
        return;
    }
    uint32_t index = header_find(list, name, 0);
    if (index == UINT32_MAX) {
        header_append_line(list, name, value);
        return;
    }
    /* Envoy joins without a comma when one side is empty. */
    struct str *old = &list->items[index].value;
    if (value.len == 0)
        return;
    if (old->len == 0)
        *old = value;
    else
        *old = arena_format(list->arena, "%.*s,%.*s", STR_FMT(*old), STR_FMT(value));
}

void header_join(struct header_list *list, struct str name)
{
    uint32_t first = header_find(list, name, 0);
    if (first == UINT32_MAX || header_find(list, name, first + 1) == UINT32_MAX)
        return;
    size_t size = 0;
    for (uint32_t i = first; i != UINT32_MAX; i = header_find(list, name, i + 1))
        size += list->items[i].value.len + 1;
    char *text = arena_alloc(list->arena, size);
    size_t len = 0;
    for (uint32_t i = first; i != UINT32_MAX; i = header_find(list, name, i + 1)) {
        struct str value = list->items[i].value;
        if (len > 0 && value.len > 0)
            text[len++] = ',';
        if (value.len > 0)
            memcpy(text + len, value.ptr, value.len);
        len += value.len;
    }
    list->items[first].value = (struct str){text, len};
    (void)remove_from(list, name, first + 1);
}

void header_set(struct header_list *list, struct str name, struct str value)
{
    uint32_t index = header_find(list, name, 0);

    if (index == UINT32_MAX) {
        header_append_line(list, name, value);
        return;
    }
    list->items[index].value = value;
    (void)remove_from(list, name, index + 1);
}

void header_overwrite(struct header_list *list, struct str name, struct str value)
{
    if (header_is_inline(list, name)) {
        header_set(list, name, value);
        return;
    }
    (void)header_remove(list, name);
    header_append_line(list, name, value);
}

uint32_t header_remove_search(struct header_list *list, struct str name)
{
    return remove_from(list, name, 0);
}

static int length_order(struct str a, struct str b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return memcmp(a.ptr, b.ptr, a.len);
}

bool header_is_inline(const struct header_list *list, struct str name)
{
    size_t low = 0, high = COUNT_OF(INLINE_NAMES);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = length_order(name, INLINE_NAMES[middle].name);
        if (order == 0)
            return (INLINE_NAMES[middle].side & (list->is_response ? OF_RESPONSES : OF_REQUESTS)) !=
                   0;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

void header_list_copy(struct header_list *out, const struct header_list *from, struct arena *arena)
{
    header_list_init(out, arena);
    out->is_response = from->is_response;
    out->items = ARENA_ARRAY(arena, struct header, from->count);
    out->count = out->capacity = from->count;
    out->marks = from->marks;
    for (uint32_t i = 0; i < from->count; i++) {
        out->items[i].name = arena_str(arena, from->items[i].name);
        out->items[i].value = arena_str(arena, from->items[i].value);
    }
}

struct request_head *request_head_shared(const struct request_head *from, struct arena *arena)
{
    struct request_head *out = arena_raw(arena, sizeof(*out));
    size_t size = from->headers.count * sizeof(*from->headers.items);
    *out = *from;
    out->headers.arena = arena;
    out->headers.capacity = from->headers.count;
    out->headers.items = arena_raw(arena, size);
    if (size > 0)
        memcpy(out->headers.items, from->headers.items, size);
    return out;
}

void request_head_copy(struct request_head *out, const struct request_head *from,
                       struct arena *arena)
{
    *out = *from;
    out->method = arena_str(arena, from->method);
    out->path = arena_str(arena, from->path);
    out->authority = arena_str(arena, from->authority);
    out->scheme = arena_str(arena, from->scheme);
    header_list_copy(&out->headers, &from->headers, arena);
}

void response_head_copy(struct response_head *out, const struct response_head *from,
                        struct arena *arena)
{
    *out = *from;
    out->reason = arena_str(arena, from->reason);
    header_list_copy(&out->headers, &from->headers, arena);
}

bool request_head_get(const struct request_head *head, struct str name, struct str *value)
{
    struct str pseudo = STR_EMPTY;
    bool is_there = true;

    if (str_eq(name, STR(":authority")) || str_eq(name, STR("host"))) {
        pseudo = head->authority;
        is_there = head->has_authority;
    } else if (str_eq(name, STR(":method"))) {
        pseudo = head->method;
    } else if (str_eq(name, STR(":path"))) {
        pseudo = head->path;
        is_there = head->path.len > 0; /* CONNECT has none */
    } else if (str_eq(name, STR(":scheme"))) {
        pseudo = head->scheme;
        is_there = head->scheme.len > 0;
    } else {
        return header_get(&head->headers, name, value);
    }
    if (is_there)
        *value = pseudo;
    return is_there;
}

struct str status_reason(uint32_t status)
{
    for (size_t i = 0; i < COUNT_OF(REASONS); i++) {
        if (REASONS[i].status == status)
            return REASONS[i].reason;
    }
    return STR("Unknown");
}

bool request_head_is_grpc(const struct request_head *head)
{
    struct str type;

    if (!header_get(&head->headers, STR("content-type"), &type))
        return false;
    if (!str_has_prefix(type, STR("application/grpc")))
        return false;
    return type.len == sizeof("application/grpc") - 1 ||
           type.ptr[sizeof("application/grpc") - 1] == '+';
}
