/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/policy.c - see policy.h.
 */
#include "config/translate/policy.h"

#include "config/resource/host.h"
#include "config/resource/label.h"

/* Rules of one namespace, as some proxies see them. */
struct rule_list {
    struct merged_rule *items;
    uint32_t count, capacity;
    struct map first_of_host; /* further ones by next_of_host */
    uint32_t *wildcards;      /* the first of each wildcard host */
    uint32_t wildcard_count, wildcard_capacity;
};

struct namespace_rules {
    struct str namespace;
    struct rule_list own;      /* what the namespace's own proxies see */
    struct rule_list private;  /* of these, what nobody else sees */
    struct rule_list exported; /* what others may see */
};

struct policy_index {
    struct namespace_rules *namespaces;
    uint32_t count, capacity;
    struct map by_name;
};

static struct namespace_rules *rules_of(struct translation *t, struct str namespace)
{
    struct policy_index *index = t->policies;
    uint32_t found = map_get(&index->by_name, namespace);

    if (found != MAP_NONE)
        return &index->namespaces[found];
    struct namespace_rules *added =
        ARENA_PUSH(&t->scratch, index->namespaces, index->count, index->capacity);
    added->namespace = namespace;
    map_init(&added->own.first_of_host, &t->scratch);
    map_init(&added->private.first_of_host, &t->scratch);
    map_init(&added->exported.first_of_host, &t->scratch);
    (void)map_set(&index->by_name, namespace, index->count - 1);
    return added;
}

/* Sets are compared as they were written: "." is not the namespace's name. */
static bool is_superset(const struct text_list *big, const struct text_list *small)
{
    for (uint32_t i = 0; i < small->count; i++) {
        if (!text_list_has(big, small->items[i]))
            return false;
    }
    return true;
}

/* Blocks that are said replace those that are there. */
static void put_parts(const struct policy_parts *said, struct policy_parts *out)
{
    if (said->lb.is_set)
        out->lb = said->lb;
    if (said->pool != NULL)
        out->pool = said->pool;
    if (said->outlier != NULL)
        out->outlier = said->outlier;
    if (said->tls != NULL)
        out->tls = said->tls;
    if (said->retry_budget != NULL)
        out->retry_budget = said->retry_budget;
    if (said->tunnel != NULL)
        out->tunnel = said->tunnel;
    if (said->proxy_protocol != PROXY_PROTOCOL_UNSET)
        out->proxy_protocol = said->proxy_protocol;
}

enum merge {
    MERGE_NOT,      /* they are two */
    MERGE_WHOLE,    /* they are one */
    MERGE_AND_KEEP, /* the new one is told with the old one, and stays one of its own */
};

/* Of a rule with a selector and one without Istio asks only for whom they are. */
static enum merge merge_of(const struct merged_rule *old, const struct destination_rule *rule,
                           const struct text_list *export_to)
{
    bool has_selector = old->selector != NULL;
    bool is_equal =
        old->export_to.count == export_to->count && is_superset(&old->export_to, export_to);
    bool is_wider = old->export_to.count > 0 && is_superset(export_to, &old->export_to);

    if (!is_equal && !is_wider)
        return MERGE_NOT;
    if (has_selector && rule->has_selector &&
        (old->selector->count != rule->selector.count ||
         !label_is_subset(old->selector->items, old->selector->count, rule->selector.items,
                          rule->selector.count)))
        return MERGE_NOT;
    return is_equal || has_selector == rule->has_selector ? MERGE_WHOLE : MERGE_AND_KEEP;
}

static bool has_subset(const struct merged_rule *rule, struct str name)
{
    for (uint32_t i = 0; i < rule->subset_count; i++) {
        if (str_eq(rule->subsets[i]->name, name))
            return true;
    }
    return false;
}

/* The user's words of a port, and what they leave open of the policy's. */
static void fill_port(const struct port_policy *from, struct port_policy *out)
{
    if (!out->parts.lb.is_set)
        out->parts.lb = from->parts.lb;
    if (out->parts.pool == NULL)
        out->parts.pool = from->parts.pool;
    if (out->parts.outlier == NULL)
        out->parts.outlier = from->parts.outlier;
    if (out->parts.tls == NULL)
        out->parts.tls = from->parts.tls;
}

/* What a user's rule says, and where it says nothing what was made of a policy of the
 * Gateway API. */
static const struct traffic_policy *merge_policies(struct translation *t,
                                                   const struct traffic_policy *user,
                                                   const struct traffic_policy *made)
{
    struct traffic_policy *out = ARENA_NEW(&t->scratch, struct traffic_policy);

    *out = *user;
    out->parts = made->parts;
    put_parts(&user->parts, &out->parts);
    out->ports = ARENA_ARRAY(&t->scratch, struct port_policy, user->port_count + made->port_count);
    for (uint32_t i = 0; i < user->port_count; i++)
        out->ports[i] = user->ports[i];
    for (uint32_t i = 0; i < made->port_count; i++) {
        uint32_t place = 0;
        while (place < user->port_count && user->ports[place].port != made->ports[i].port)
            place++;
        if (place < user->port_count)
            fill_port(&made->ports[i], &out->ports[place]);
        else
            out->ports[out->port_count++] = made->ports[i];
    }
    return out;
}

static void merge_policy(struct translation *t, struct merged_rule *into,
                         const struct destination_rule *rule)
{
    bool is_made = into->first->is_of_backend_policy && !into->has_user_policy;

    if (!rule->policy.is_set)
        return;
    if (into->policy == NULL)
        into->policy = &rule->policy;
    else if (is_made && !rule->is_of_backend_policy)
        into->policy = merge_policies(t, &rule->policy, into->policy);
    into->has_user_policy |= !rule->is_of_backend_policy;
}

static void merge_into(struct translation *t, struct merged_rule *into,
                       const struct destination_rule *rule)
{
    merge_policy(t, into, rule);
    for (uint32_t i = 0; i < rule->subset_count; i++) {
        if (has_subset(into, rule->subsets[i].name))
            continue;
        *ARENA_PUSH(&t->scratch, into->subsets, into->subset_count, into->subset_capacity) =
            &rule->subsets[i];
    }
}

/* Told with each that it may be told with; the last of them says whether it stays one
 * of its own besides. */
static void add_rule(struct translation *t, struct rule_list *list,
                     const struct destination_rule *rule, const struct text_list *export_to)
{
    uint32_t last = MAP_NONE;
    enum merge merge = MERGE_NOT;

    for (uint32_t i = map_get(&list->first_of_host, rule->host); i != MAP_NONE;
         i = list->items[i].next_of_host) {
        last = i;
        merge = merge_of(&list->items[i], rule, export_to);
        if (merge != MERGE_NOT)
            merge_into(t, &list->items[i], rule);
    }
    if (merge == MERGE_WHOLE)
        return;
    struct merged_rule *added = ARENA_PUSH(&t->scratch, list->items, list->count, list->capacity);
    *added = (struct merged_rule){
        .host = rule->host,
        .namespace = rule->meta.namespace,
        .first = rule,
        .export_to = *export_to,
        .selector = rule->has_selector ? &rule->selector : NULL,
        .next_of_host = MAP_NONE,
    };
    merge_into(t, added, rule);
    uint32_t index = list->count - 1;
    if (last != MAP_NONE) {
        list->items[last].next_of_host = index;
        return;
    }
    (void)map_set(&list->first_of_host, rule->host, index);
    if (host_is_wildcard(rule->host))
        *ARENA_PUSH(&t->scratch, list->wildcards, list->wildcard_count, list->wildcard_capacity) =
            index;
}

static void add_destination_rule(struct translation *t, const struct destination_rule *rule)
{
    static struct str private_item = STR_INIT(".");
    struct text_list private_list = {.items = &private_item, .count = 1, .capacity = 1};
    const struct text_list *defaults = &t->mesh->config.destination_rule_export_to;
    /* The set as written decides about merging; a missing one is empty. */
    const struct text_list *written = rule->has_selector ? &private_list : &rule->export_to;
    struct namespace_rules *rules = rules_of(t, rule->meta.namespace);
    bool has_own_name =
        text_list_has(written, STR(".")) || text_list_has(written, rule->meta.namespace);
    bool is_private = (written->count == 1 && has_own_name) ||
                      (written->count == 0 && text_list_has(defaults, STR(".")));

    if (written->count == 0 || has_own_name || text_list_has(written, STR("*")))
        add_rule(t, &rules->own, rule, written);
    if (is_private)
        add_rule(t, &rules->private, rule, written);
    else
        add_rule(t, &rules->exported, rule, written);
}

static bool is_selected(const struct translation *t, const struct merged_rule *rule)
{
    return label_is_subset(rule->selector->items, rule->selector->count, t->proxy->labels,
                           t->proxy->label_count);
}

static bool is_visible(const struct translation *t, const struct merged_rule *rule)
{
    return context_is_exported(t, &rule->export_to, &t->mesh->config.destination_rule_export_to,
                               rule->namespace);
}

/* Of several entries for one host: the selecting one that fits, else the last
 * one without selector. */
static const struct merged_rule *best_entry(const struct translation *t,
                                            const struct rule_list *list, uint32_t first)
{
    const struct merged_rule *found = NULL;

    for (uint32_t i = first; i != MAP_NONE; i = list->items[i].next_of_host) {
        const struct merged_rule *rule = &list->items[i];
        if (rule->selector == NULL && is_visible(t, rule))
            found = rule;
        if (rule->selector != NULL && is_selected(t, rule))
            return rule;
    }
    return found;
}

/* The first entry of the most specific host that means `host`, or MAP_NONE. */
static uint32_t match_host(const struct rule_list *list, struct str host)
{
    uint32_t found = map_get(&list->first_of_host, host);

    if (found != MAP_NONE)
        return found;
    for (uint32_t i = 0; i < list->wildcard_count; i++) {
        uint32_t index = list->wildcards[i];
        struct str candidate = list->items[index].host;
        if (!host_is_within(host, candidate))
            continue;
        if (found == MAP_NONE || host_order(candidate, list->items[found].host) < 0)
            found = index;
    }
    return found;
}

static const struct namespace_rules *find_namespace(const struct translation *t,
                                                    struct str namespace)
{
    uint32_t found = map_get(&t->policies->by_name, namespace);

    return found == MAP_NONE ? NULL : &t->policies->namespaces[found];
}

/* What another namespace shows this proxy, or NULL. */
static const struct merged_rule *find_exported(const struct translation *t, struct str namespace,
                                               struct str host)
{
    const struct namespace_rules *rules = find_namespace(t, namespace);

    if (rules == NULL)
        return NULL;
    return best_entry(t, &rules->exported, match_host(&rules->exported, host));
}

void policy_prepare(struct translation *t)
{
    t->policies = ARENA_NEW(&t->scratch, struct policy_index);
    map_init(&t->policies->by_name, &t->scratch);
    /* Rules with a selector come first. */
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < t->mesh->destination_rules_count; i++) {
            const struct destination_rule *rule = &t->mesh->destination_rules[i];
            if (rule->has_selector == (pass == 0))
                add_destination_rule(t, rule);
        }
    }
}

const struct merged_rule *policy_find(const struct translation *t, struct str host,
                                      struct str service_namespace)
{
    struct str root = t->mesh->config.root_namespace;
    const struct namespace_rules *own = find_namespace(t, t->proxy->namespace);

    if (own != NULL) {
        bool is_root = str_eq(t->proxy->namespace, root);
        const struct rule_list *list = is_root ? &own->private : &own->own;
        uint32_t first = match_host(list, host);
        /* A host that is spoken of here is not looked for elsewhere, even if no
         * entry is for this workload. */
        if (first != MAP_NONE)
            return best_entry(t, list, first);
    }
    if (service_namespace.len == 0)
        return NULL;
    const struct merged_rule *found = find_exported(t, service_namespace, host);
    return found != NULL ? found : find_exported(t, root, host);
}

const struct merged_rule *policy_find_inbound(const struct translation *t, struct str host)
{
    const struct merged_rule *found = NULL;
    const struct service *seen = context_service(t, host);

    /* Of a service that the workload may not see itself no rule is known. */
    if (seen == NULL)
        return NULL;
    const struct merged_rule *rule = policy_find(t, host, seen->meta.namespace);
    if (rule == NULL || rule->selector == NULL)
        return rule;
    /* What a workload is chosen for by its labels is its outbound side only. */
    const struct namespace_rules *own = find_namespace(t, t->proxy->namespace);
    for (uint32_t i = match_host(&own->own, host); i != MAP_NONE;
         i = own->own.items[i].next_of_host) {
        if (own->own.items[i].selector == NULL && is_visible(t, &own->own.items[i]))
            found = &own->own.items[i];
    }
    return found;
}

static const struct port_policy *port_policy_of(const struct traffic_policy *policy, uint32_t port)
{
    for (uint32_t i = 0; i < policy->port_count; i++) {
        if (policy->ports[i].port == port)
            return &policy->ports[i];
    }
    return NULL;
}

/* Blocks are replaced whole; a port's settings replace even what they do not
 * say, of the blocks that a port can have. */
static void put_subset(const struct traffic_policy *policy, uint32_t port, struct policy_parts *out)
{
    const struct port_policy *of_port = port_policy_of(policy, port);
    const struct policy_parts *own = &policy->parts;

    if (of_port != NULL) {
        out->lb = of_port->parts.lb;
        out->pool = of_port->parts.pool;
        out->outlier = of_port->parts.outlier;
        out->tls = of_port->parts.tls;
        return;
    }
    put_parts(own, out);
}

struct policy_parts policy_parts_of(const struct translation *t, const struct merged_rule *rule,
                                    const struct subset *subset, uint32_t port)
{
    struct policy_parts out = {0};

    if (rule != NULL && rule->policy != NULL) {
        const struct port_policy *of_port = port_policy_of(rule->policy, port);
        /* A port's settings inherit nothing. */
        out = of_port != NULL ? of_port->parts : rule->policy->parts;
    }
    /* The mesh's word comes before the subset's: a subset's port loses it, too. */
    if (out.pool == NULL)
        out.pool = t->mesh->config.pool;
    if (out.outlier == NULL)
        out.outlier = t->mesh->config.outlier;
    if (subset != NULL && subset->policy.is_set)
        put_subset(&subset->policy, port, &out);
    return out;
}

struct str policy_path(struct translation *t, const struct merged_rule *rule)
{
    const struct object_meta *meta = &rule->first->meta;

    return context_keep(
        t, arena_format(&t->scratch,
                        "/apis/networking.istio.io/v1/namespaces/%.*s/destination-rule/%.*s",
                        STR_FMT(meta->namespace), STR_FMT(meta->name)));
}

static bool tls_mode_of(const struct traffic_policy *policy, uint32_t port,
                        enum client_tls_mode *mode)
{
    const struct port_policy *of_port = port_policy_of(policy, port);
    const struct client_tls *tls = policy->parts.tls;

    if (of_port != NULL && of_port->parts.tls != NULL)
        tls = of_port->parts.tls;
    if (tls != NULL)
        *mode = tls->mode;
    return tls != NULL;
}

bool policy_tls_mode(const struct merged_rule *rule, const struct subset *subset, uint32_t port,
                     enum client_tls_mode *mode)
{
    if (subset != NULL && subset->policy.is_set && tls_mode_of(&subset->policy, port, mode))
        return true;
    return rule != NULL && rule->policy != NULL && tls_mode_of(rule->policy, port, mode);
}
