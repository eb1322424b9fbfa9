/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/formatter.c - substitution commands.
 */
#include "proxy/core/formatter.h"

#include <string.h>

#include "base/check.h"

/* Longest text that a single header value may grow to. */
#define RENDERED_BYTES_MAX (64u * 1024)

struct out {
    char *ptr;
    size_t len, capacity;
    struct arena *arena;
};

static void put(struct out *out, struct str text)
{
    if (text.len > RENDERED_BYTES_MAX - out->len)
        text.len = RENDERED_BYTES_MAX - out->len;
    if (out->len + text.len > out->capacity) {
        size_t capacity = (out->len + text.len) * 2;
        out->ptr = arena_grow(out->arena, out->ptr, out->len, capacity, 1);
        out->capacity = capacity;
    }
    if (text.len > 0)
        memcpy(out->ptr + out->len, text.ptr, text.len);
    out->len += text.len;
}

static bool request_value(const struct formatter_facts *facts, struct str name, struct str *value)
{
    return name.len > 0 && facts->request != NULL && request_head_get(facts->request, name, value);
}

static bool response_value(const struct formatter_facts *facts, struct str name, struct str *value)
{
    return name.len > 0 && facts->response != NULL &&
           header_get(&facts->response->headers, name, value);
}

/* REQ(NAME?OTHER), RESP(NAME?OTHER). */
static struct str header_command(const struct formatter_facts *facts, struct str argument,
                                 bool is_request, struct arena *arena)
{
    struct str other = arena_str_lower(arena, argument);
    struct str name = str_cut(&other, '?');
    struct str value = STR_EMPTY;
    bool (*get)(const struct formatter_facts *, struct str, struct str *) =
        is_request ? request_value : response_value;
    if (get(facts, name, &value) || get(facts, other, &value))
        return value;
    return STR_EMPTY;
}

static struct str protocol_name(enum http_version version)
{
    switch (version) {
    case HTTP_1_0:
        return STR("HTTP/1.0");
    case HTTP_1_1:
        return STR("HTTP/1.1");
    case HTTP_2:
        return STR("HTTP/2");
    }
    UNREACHABLE("http_version");
}

static struct str plain_command(const struct formatter_facts *facts, struct str name,
                                struct arena *arena)
{
    const struct record *record = facts->record;
    if (str_eq(name, STR("PROTOCOL")))
        return protocol_name(record->version);
    if (str_eq(name, STR("RESPONSE_CODE")))
        return arena_format(arena, "%u",
                            facts->response != NULL ? facts->response->status : record->status);
    if (str_eq(name, STR("RESPONSE_CODE_DETAILS")))
        return record->details;
    if (str_eq(name, STR("RESPONSE_FLAGS")))
        return record_flags(record, arena);
    if (str_eq(name, STR("ROUTE_NAME")))
        return record->route != NULL ? record->route->name : STR_EMPTY;
    if (str_eq(name, STR("UPSTREAM_CLUSTER")) || str_eq(name, STR("UPSTREAM_CLUSTER_RAW")))
        return record->cluster != NULL ? record->cluster_name : STR_EMPTY;
    if (str_eq(name, STR("UPSTREAM_REQUEST_ATTEMPT_COUNT")))
        return arena_format(arena, "%u", record->attempt_count);
    if (str_eq(name, STR("UPSTREAM_HOST")) && record->endpoint != NULL)
        return arena_format(arena, "%.*s:%u", STR_FMT(record->endpoint->address),
                            record->endpoint->port);
    if (str_eq(name, STR("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT")) ||
        str_eq(name, STR("DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT")))
        return facts->remote_address;
    return STR_EMPTY;
}

/* What stands between two percent signs: NAME, NAME(ARGUMENT), with :MAX. */
static struct str command_value(struct str command, const struct formatter_facts *facts,
                                struct arena *arena)
{
    size_t open = str_find(command, '(');
    size_t close = str_find_last(command, ')');
    if (open == STR_NONE || close == STR_NONE || close < open)
        return plain_command(facts, command, arena);
    struct str name = str_slice(command, 0, open);
    struct str argument = str_slice(command, open + 1, close);
    struct str rest = str_from(command, close + 1);
    struct str value = STR_EMPTY;
    if (str_eq(name, STR("REQ")))
        value = header_command(facts, argument, true, arena);
    else if (str_eq(name, STR("RESP")))
        value = header_command(facts, argument, false, arena);
    uint64_t max;
    if (rest.len > 1 && rest.ptr[0] == ':' && str_to_u64(str_from(rest, 1), UINT32_MAX, &max))
        value = str_slice(value, 0, (size_t)max);
    return value;
}

struct str formatter_render(struct str format, const struct formatter_facts *facts,
                            struct arena *arena)
{
    if (str_find(format, '%') == STR_NONE)
        return format;
    struct out out = {.arena = arena};
    struct str rest = format;
    while (rest.len > 0) {
        size_t percent = str_find(rest, '%');
        if (percent == STR_NONE) {
            put(&out, rest);
            break;
        }
        put(&out, str_slice(rest, 0, percent));
        rest = str_from(rest, percent + 1);
        size_t end = str_find(rest, '%');
        if (end == 0 || end == STR_NONE) {
            put(&out, STR("%"));
            rest = str_from(rest, end == 0 ? 1 : 0);
            continue;
        }
        put(&out, command_value(str_slice(rest, 0, end), facts, arena));
        rest = str_from(rest, end + 1);
    }
    return (struct str){out.ptr, out.len};
}
