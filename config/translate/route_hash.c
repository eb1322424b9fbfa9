/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/route_hash.c - see route_hash.h.
 */
#include "config/translate/route_hash.h"

#include "config/resource/destination_rule.h"
#include "config/translate/policy.h"

/* A policy's, of the port (0: none was said) or in general. */
static const struct consistent_hash *of_port(const struct traffic_policy *policy, uint32_t port)
{
    for (uint32_t i = 0; policy != NULL && port != 0 && i < policy->port_count; i++) {
        if (policy->ports[i].port == port)
            return policy->ports[i].parts.lb.hash;
    }
    return NULL;
}

static const struct traffic_policy *subset_policy(const struct merged_rule *rule, struct str subset)
{
    for (uint32_t i = 0; subset.len > 0 && i < rule->subset_count; i++) {
        if (str_eq(rule->subsets[i]->name, subset))
            return &rule->subsets[i]->policy;
    }
    return NULL;
}

/* The most special one: subset and port, subset, port, the rule's own. */
static const struct consistent_hash *find(const struct translation *t, struct str host,
                                          struct str subset, uint32_t port)
{
    const struct service *service = context_service(t, host);
    struct str namespace = service != NULL ? service->meta.namespace : STR_EMPTY;
    const struct merged_rule *rule = policy_find(t, host, namespace);

    if (rule == NULL)
        return NULL;
    const struct traffic_policy *special = subset_policy(rule, subset);
    const struct consistent_hash *found = of_port(special, port);
    if (found == NULL && special != NULL)
        found = special->parts.lb.hash;
    if (found == NULL)
        found = of_port(rule->policy, port);
    if (found == NULL && rule->policy != NULL)
        found = rule->policy->parts.lb.hash;
    return found;
}

static void set_cookie(struct translation *t, const struct consistent_hash *hash,
                       struct hash_policy *out)
{
    uint32_t count = hash->cookie_attributes.count;
    struct cookie_attribute *attributes = ARENA_ARRAY(t->arena, struct cookie_attribute, count);

    for (uint32_t i = 0; i < count; i++)
        attributes[i] = (struct cookie_attribute){
            .name = context_keep(t, hash->cookie_attributes.items[i].name),
            .value = context_keep(t, hash->cookie_attributes.items[i].value)};
    out->kind = HASH_COOKIE;
    out->cookie_path = context_keep(t, hash->cookie_path);
    out->has_cookie_ttl = hash->has_cookie_ttl;
    out->cookie_ttl_ns = hash->cookie_ttl_ns;
    out->attributes = attributes;
    out->attribute_count = count;
}

/* False: it names no key. */
static bool translate(struct translation *t, const struct consistent_hash *hash,
                      struct hash_policy *out)
{
    if (hash == NULL || hash->by == HASH_BY_NOTHING)
        return false;
    *out = (struct hash_policy){.name = context_keep(t, hash->name),
                                .origin = context_keep_origin(t, hash->origin)};
    switch (hash->by) {
    case HASH_BY_NOTHING:
    case HASH_BY_HEADER:
        out->kind = HASH_HEADER;
        return true;
    case HASH_BY_COOKIE:
        set_cookie(t, hash, out);
        return true;
    case HASH_BY_SOURCE:
        out->kind = HASH_SOURCE_IP;
        return true;
    case HASH_BY_QUERY:
        out->kind = HASH_QUERY;
        return true;
    }
    UNREACHABLE("hash_by");
}

bool route_hash_set(struct translation *t, const struct http_rule *rule, struct forward_action *out)
{
    struct hash_policy *items = NULL;

    for (uint32_t i = 0; i < rule->route_count; i++) {
        const struct destination *to = &rule->routes[i].destination;
        struct hash_policy policy;
        bool is_weighted_out = rule->route_count > 1 && rule->routes[i].weight <= 0;
        if (is_weighted_out || !translate(t, find(t, to->host, to->subset, to->port), &policy))
            continue;
        if (items == NULL)
            items = ARENA_ARRAY(t->arena, struct hash_policy, rule->route_count);
        items[out->hash_count++] = policy;
    }
    out->hashes = items;
    return items != NULL;
}

void route_hash_set_default(struct translation *t, const struct service *service, uint32_t port,
                            struct forward_action *out)
{
    struct hash_policy policy;

    if (!translate(t, find(t, service->host, STR_EMPTY, port), &policy))
        return;
    struct hash_policy *item = ARENA_NEW(t->arena, struct hash_policy);
    *item = policy;
    out->hashes = item;
    out->hash_count = 1;
}
