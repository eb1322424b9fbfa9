/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/hash_key.c - see hash_key.h.
 */
#include "proxy/core/hash_key.h"

#include "base/check.h"
#include "base/ns.h"
#include "base/xxhash.h"
#include "proxy/core/matcher.h"

static uint64_t rotl(uint64_t value)
{
    return value << 1 | value >> 63;
}

/* All lines of the header in the order of their values, one hash over the other. */
static bool hash_header(struct str name, const struct request_head *head, struct arena *arena,
                        uint64_t *hash)
{
    const struct header_list *list = &head->headers;
    struct str *values = NULL, value;
    uint32_t count = 0, capacity = 0;
    if (name.len > 0 && (name.ptr[0] == ':' || str_eq(name, STR("host")))) {
        if (!request_head_get(head, name, &value))
            return false;
        *hash = xxhash64(value, 0);
        return true;
    }
    for (uint32_t i = header_find(list, name, 0); i != UINT32_MAX;
         i = header_find(list, name, i + 1)) {
        *ARENA_PUSH(arena, values, count, capacity) = list->items[i].value;
        for (uint32_t k = count - 1; k > 0 && str_order(values[k - 1], values[k]) > 0; k--) {
            value = values[k];
            values[k] = values[k - 1];
            values[k - 1] = value;
        }
    }
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum = xxhash64(values[i], sum);
    *hash = sum;
    return count > 0;
}

/* One "name=value" of a cookie header; quotes around the value go. */
static bool is_cookie(struct str pair, struct str name, struct str *value)
{
    while (pair.len > 0 && pair.ptr[0] == ' ')
        pair = str_from(pair, 1);
    size_t at = str_find(pair, '=');
    if (at == STR_NONE || !str_eq(str_slice(pair, 0, at), name))
        return false;
    *value = str_from(pair, at + 1);
    if (value->len >= 2 && value->ptr[0] == '"' && value->ptr[value->len - 1] == '"')
        *value = str_slice(*value, 1, value->len - 1);
    return true;
}

/* The first cookie of that name; empty when there is none. */
static struct str find_cookie(struct str name, const struct header_list *list)
{
    for (uint32_t i = header_find(list, STR("cookie"), 0); i != UINT32_MAX;
         i = header_find(list, STR("cookie"), i + 1)) {
        struct str rest = list->items[i].value, value;
        while (rest.ptr != NULL)
            if (is_cookie(str_cut(&rest, ';'), name, &value))
                return value;
    }
    return STR_EMPTY;
}

static struct str place_text(struct str address, uint32_t port, struct arena *arena)
{
    bool is_v6 = str_find(address, ':') != STR_NONE;
    return arena_format(arena, is_v6 ? "[%.*s]:%u" : "%.*s:%u", STR_FMT(address), port);
}

/* One value for all requests of a connection, so that those that race get the
 * same one. */
static struct str make_cookie(const struct hash_policy *policy,
                              const struct record_downstream *downstream,
                              struct hash_key_cookies *cookies, struct arena *arena)
{
    struct str ends =
        arena_concat(arena, place_text(downstream->direct_address, downstream->direct_port, arena),
                     place_text(downstream->local_address, downstream->local_port, arena));
    struct str value = arena_format(arena, "%016llx", (unsigned long long)xxhash64(ends, 0));
    struct str line = arena_format(arena, "%.*s=\"%.*s\"", STR_FMT(policy->name), STR_FMT(value));
    int64_t age_s = policy->cookie_ttl_ns / NS_SECOND;
    if (age_s > 0)
        line = arena_format(arena, "%.*s; Max-Age=%lld", STR_FMT(line), (long long)age_s);
    if (policy->cookie_path.len > 0)
        line = arena_format(arena, "%.*s; Path=%.*s", STR_FMT(line), STR_FMT(policy->cookie_path));
    for (uint32_t i = 0; i < policy->attribute_count; i++) {
        const struct cookie_attribute *attribute = &policy->attributes[i];
        line = arena_format(arena, attribute->value.len > 0 ? "%.*s; %.*s=%.*s" : "%.*s; %.*s%.*s",
                            STR_FMT(line), STR_FMT(attribute->name), STR_FMT(attribute->value));
    }
    *ARENA_PUSH(arena, cookies->items, cookies->count, cookies->capacity) =
        arena_concat(arena, line, STR("; HttpOnly"));
    return value;
}

static bool hash_text(struct str text, bool is_there, uint64_t *hash)
{
    if (is_there)
        *hash = xxhash64(text, 0);
    return is_there;
}

static bool find_one(const struct hash_policy *policy, const struct hash_key_facts *facts,
                     struct hash_key_cookies *cookies, struct arena *arena, uint64_t *hash)
{
    struct str value = STR_EMPTY;
    bool is_there;
    switch (policy->kind) {
    case HASH_HEADER:
        return hash_header(policy->name, facts->request, arena, hash);
    case HASH_COOKIE:
        value = find_cookie(policy->name, &facts->request->headers);
        if (value.len == 0 && policy->has_cookie_ttl)
            value = make_cookie(policy, facts->downstream, cookies, arena);
        return hash_text(value, value.len > 0, hash);
    case HASH_SOURCE_IP:
        value = facts->downstream->remote_address;
        return hash_text(value, value.len > 0, hash);
    case HASH_QUERY:
        is_there =
            matcher_query_value(matcher_query_text(facts->request->path), policy->name, &value);
        return hash_text(value, is_there, hash);
    }
    UNREACHABLE("hash_key_kind");
}

bool hash_key_find(const struct hash_policy *policies, uint32_t policy_count,
                   const struct hash_key_facts *facts, struct hash_key_cookies *cookies,
                   struct arena *arena, uint64_t *hash)
{
    bool has_hash = false;
    uint64_t sum = 0, one = 0;
    for (uint32_t i = 0; i < policy_count; i++) {
        if (find_one(&policies[i], facts, cookies, arena, &one)) {
            /* Turned, so that two equal keys do not undo each other. */
            sum = rotl(sum) ^ one;
            has_hash = true;
        }
        if (has_hash && policies[i].is_terminal)
            break;
    }
    *hash = sum;
    return has_hash;
}
