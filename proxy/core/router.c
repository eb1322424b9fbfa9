/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/router.c - virtual host search and route choice.
 */
#include "proxy/core/router.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/json.h"
#include "base/map.h"
#include "proxy/core/jwt.h"
#include "proxy/core/matcher.h"
#include "proxy/core/route_index.h"

enum { CLAIM_WORDS_MAX = 64 * 1024 };

/* Below this many routes the plain walk is as fast. */
#define INDEX_ROUTES_MIN 12u

/* Wildcard domains by length, longest first. */
struct wildcards {
    struct map map; /* text without the "*" -> virtual host */
    uint32_t *lengths;
    uint32_t length_count, length_capacity;
};

struct router {
    const struct route_config *config;
    struct map exact;            /* lower-case domain -> virtual host */
    struct wildcards suffixes;   /* *.foo.com */
    struct wildcards prefixes;   /* foo.* */
    uint32_t catch_all;          /* "*", or MAP_NONE */
    bool is_unsteady;            /* a route asks for an x-request-id */
    struct route_index *indexes; /* of each virtual host; .host NULL: none */
};

static void wildcards_add(struct wildcards *cards, struct str text, uint32_t host,
                          struct arena *arena)
{
    if (map_get(&cards->map, text) != MAP_NONE)
        return;
    map_set(&cards->map, text, host);
    uint32_t length = (uint32_t)text.len;
    uint32_t at = 0;
    while (at < cards->length_count && cards->lengths[at] > length)
        at++;
    if (at < cards->length_count && cards->lengths[at] == length)
        return;
    (void)ARENA_PUSH(arena, cards->lengths, cards->length_count, cards->length_capacity);
    for (uint32_t i = cards->length_count - 1; i > at; i--)
        cards->lengths[i] = cards->lengths[i - 1];
    cards->lengths[at] = length;
}

static void add_domain(struct router *router, struct str domain, uint32_t host, struct arena *arena)
{
    struct str lower = arena_str_lower(arena, domain);
    if (str_eq(lower, STR("*"))) {
        if (router->catch_all == MAP_NONE)
            router->catch_all = host;
    } else if (lower.len > 0 && lower.ptr[0] == '*') {
        wildcards_add(&router->suffixes, str_from(lower, 1), host, arena);
    } else if (lower.len > 0 && lower.ptr[lower.len - 1] == '*') {
        wildcards_add(&router->prefixes, str_slice(lower, 0, lower.len - 1), host, arena);
    } else if (map_get(&router->exact, lower) == MAP_NONE) {
        map_set(&router->exact, lower, host);
    }
}

/* "host:123" -> "host"; an IPv6 address keeps its colons. */
static struct str without_port(struct str host)
{
    size_t colon = str_find_last(host, ':');
    size_t bracket = str_find_last(host, ']');
    bool has_port = colon != STR_NONE && (bracket == STR_NONE || bracket < colon);
    return has_port ? str_slice(host, 0, colon) : host;
}

/* Mostly it is in lower case already. */
static struct str lowered(struct str text, struct arena *scratch)
{
    for (size_t i = 0; i < text.len; i++)
        if (str_lower_char(text.ptr[i]) != text.ptr[i])
            return arena_str_lower(scratch, text);
    return text;
}

/* A wildcard needs at least one more character than it has (ENVOY.md 2.1). */
static uint32_t find_wildcard(const struct wildcards *cards, struct str host, bool is_suffix,
                              uint32_t *length)
{
    for (uint32_t i = 0; i < cards->length_count; i++) {
        uint32_t size = cards->lengths[i];
        if (size >= host.len)
            continue;
        struct str part = is_suffix ? str_from(host, host.len - size) : str_slice(host, 0, size);
        uint32_t found = map_get(&cards->map, part);
        if (found != MAP_NONE) {
            *length = size;
            return found;
        }
    }
    return MAP_NONE;
}

/* The spelling in the configuration, for reports. */
static struct str domain_of(const struct virtual_host *host, struct str lower, size_t length,
                            char star_at)
{
    for (uint32_t i = 0; i < host->domain_count; i++) {
        struct str domain = host->domains[i];
        struct str text = domain;
        if (star_at == 'f' && domain.len > 0 && domain.ptr[0] == '*')
            text = str_from(domain, 1);
        else if (star_at == 'l' && domain.len > 0 && domain.ptr[domain.len - 1] == '*')
            text = str_slice(domain, 0, domain.len - 1);
        else if (star_at != 0)
            continue;
        if (text.len == length && str_eq_ci(text, lower))
            return domain;
    }
    return lower;
}

static void reject(struct trace *trace, int64_t now_ns, const struct route *route,
                   enum trace_condition condition, uint32_t index, struct matcher_met met)
{
    if (trace == NULL)
        return;
    struct trace_event *event = trace_add(trace, TRACE_ROUTE_REJECTED, now_ns);
    event->route = route;
    event->condition = condition;
    event->index = index;
    event->is_absent = met.is_absent;
    event->text = arena_str(trace->arena, met.value);
    event->origin = route->origin;
    if (condition == CONDITION_PATH && route->match.path.origin.line != 0)
        event->origin = route->match.path.origin;
    if (condition == CONDITION_HEADER && route->match.headers[index].origin.line != 0)
        event->origin = route->match.headers[index].origin;
    if (condition == CONDITION_QUERY && route->match.queries[index].origin.line != 0)
        event->origin = route->match.queries[index].origin;
    if (condition == CONDITION_CLAIM && route->match.claims[index].origin.line != 0)
        event->origin = route->match.claims[index].origin;
}

/* The claim that was met, as JSON. */
static void reject_claim(struct trace *trace, int64_t now_ns, const struct route *route,
                         uint32_t index, const struct json_value *claims)
{
    const struct claim_matcher *matcher = &route->match.claims[index];
    if (trace == NULL)
        return;
    const struct json_value *claim = jwt_claim(claims, matcher->path, matcher->path_count);
    struct matcher_met met = {.is_absent = claim == NULL};
    struct buf out;
    buf_init(&out, CLAIM_WORDS_MAX);
    if (claim != NULL) {
        struct json json;
        json_init(&json, &out, 0);
        json_value_write(&json, claim);
        met.value = buf_str(&out);
    }
    reject(trace, now_ns, route, CONDITION_CLAIM, index, met);
    buf_fini(&out);
}

/* The claim is the text, or a list that has it. */
static bool is_claim_met(const struct claim_matcher *matcher, const struct json_value *claims)
{
    const struct json_value *claim = jwt_claim(claims, matcher->path, matcher->path_count);
    bool is_met =
        claim != NULL && claim->kind == JSON_STRING && matcher_string(&matcher->value, claim->text);
    for (uint32_t i = 0; claim != NULL && claim->kind == JSON_ARRAY && i < claim->count; i++)
        is_met |= claim->items[i].kind == JSON_STRING &&
                  matcher_string(&matcher->value, claim->items[i].text);
    return is_met != matcher->is_inverted;
}

static bool route_matches(const struct route *route, const struct request_head *head,
                          struct str path, const struct json_value *claims, struct trace *trace,
                          int64_t now_ns)
{
    const struct route_match *match = &route->match;
    struct matcher_met met = {.value = path};
    if (!matcher_path(&match->path, path)) {
        reject(trace, now_ns, route, CONDITION_PATH, 0, met);
        return false;
    }
    if (match->is_grpc && !request_head_is_grpc(head)) {
        reject(trace, now_ns, route, CONDITION_GRPC, 0, (struct matcher_met){.is_absent = true});
        return false;
    }
    for (uint32_t i = 0; i < match->header_count; i++) {
        if (!matcher_header(&match->headers[i], head, &met)) {
            reject(trace, now_ns, route, CONDITION_HEADER, i, met);
            return false;
        }
    }
    for (uint32_t i = 0; i < match->claim_count; i++) {
        if (!is_claim_met(&match->claims[i], claims)) {
            reject_claim(trace, now_ns, route, i, claims);
            return false;
        }
    }
    if (match->query_count == 0)
        return true;
    struct str query = matcher_query_text(head->path);
    for (uint32_t i = 0; i < match->query_count; i++) {
        if (!matcher_query(&match->queries[i], query, &met)) {
            reject(trace, now_ns, route, CONDITION_QUERY, i, met);
            return false;
        }
    }
    return true;
}

static bool is_asking_for_id(const struct virtual_host *host)
{
    for (uint32_t i = 0; i < host->route_count; i++) {
        const struct route_match *match = &host->routes[i].match;
        for (uint32_t k = 0; k < match->header_count; k++)
            if (str_eq_ci(match->headers[k].name, STR("x-request-id")))
                return true;
    }
    return false;
}

bool router_is_steady(const struct router *router)
{
    return !router->is_unsteady;
}

struct router *router_new(const struct route_config *config, struct arena *arena)
{
    struct router *router = ARENA_NEW(arena, struct router);
    router->config = config;
    router->catch_all = MAP_NONE;
    map_init(&router->exact, arena);
    map_init(&router->suffixes.map, arena);
    map_init(&router->prefixes.map, arena);
    router->indexes = ARENA_ARRAY(arena, struct route_index, config->virtual_host_count);
    for (uint32_t i = 0; i < config->virtual_host_count; i++) {
        const struct virtual_host *host = &config->virtual_hosts[i];
        router->is_unsteady |= is_asking_for_id(host);
        for (uint32_t d = 0; d < host->domain_count; d++)
            add_domain(router, host->domains[d], i, arena);
        if (host->route_count >= INDEX_ROUTES_MIN)
            route_index_init(&router->indexes[i], host, arena);
    }
    return router;
}

const struct virtual_host *router_virtual_host(const struct router *router, struct str authority,
                                               struct arena *scratch, struct str *domain)
{
    const struct virtual_host *hosts = router->config->virtual_hosts;
    struct str host = router->config->is_port_ignored ? without_port(authority) : authority;
    struct str lower = lowered(host, scratch);
    uint32_t length = 0;
    struct str part = lower;
    char star_at = 0;
    uint32_t found = map_get(&router->exact, lower);
    if (found == MAP_NONE) {
        star_at = 'f';
        found = find_wildcard(&router->suffixes, lower, true, &length);
        part = str_from(lower, lower.len - length);
    }
    if (found == MAP_NONE) {
        star_at = 'l';
        found = find_wildcard(&router->prefixes, lower, false, &length);
        part = str_slice(lower, 0, length);
    }
    if (found != MAP_NONE) {
        if (domain != NULL)
            *domain = domain_of(&hosts[found], part, part.len, star_at);
        return &hosts[found];
    }
    if (router->catch_all == MAP_NONE)
        return NULL;
    if (domain != NULL)
        *domain = STR("*");
    return &hosts[router->catch_all];
}

const struct route *router_match_plain(const struct virtual_host *host,
                                       const struct request_head *head,
                                       const struct json_value *claims, struct trace *trace,
                                       int64_t now_ns)
{
    struct str path = matcher_bare_path(head->path);
    for (uint32_t i = 0; i < host->route_count; i++)
        if (route_matches(&host->routes[i], head, path, claims, trace, now_ns))
            return &host->routes[i];
    return NULL;
}

const struct route *router_match(const struct router *router, const struct virtual_host *host,
                                 const struct request_head *head, const struct json_value *claims,
                                 struct trace *trace, int64_t now_ns)
{
    const struct route_index *index = &router->indexes[host - router->config->virtual_hosts];
    if (trace != NULL || index->host == NULL)
        return router_match_plain(host, head, claims, trace, now_ns);
    struct str path = matcher_bare_path(head->path);
    struct route_walk walk;
    route_walk_init(&walk, index, path);
    for (uint32_t i = route_walk_next(&walk); i != MAP_NONE; i = route_walk_next(&walk))
        if (route_matches(&host->routes[i], head, path, claims, NULL, now_ns))
            return &host->routes[i];
    return NULL;
}
