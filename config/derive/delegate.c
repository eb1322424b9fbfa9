/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/delegate.c - see delegate.h.
 */
#include "config/derive/delegate.h"

/* A rule that grows out of `rule` of `root`. */
struct delegation {
    struct mesh *mesh;
    const struct virtual_service *root;
    const struct http_rule *rule;
};

struct rule_list {
    struct http_rule *items;
    uint32_t count, capacity;
};

static bool is_said(const struct text_match *match, enum text_match_kind kind)
{
    return match->kind == kind && match->value.len > 0;
}

/* Can no request that `root` means be meant by `leaf`, as far as Istio knows? */
static bool texts_conflict(const struct text_match *root, const struct text_match *leaf)
{
    if (!root->is_given || !leaf->is_given)
        return false;
    if (is_said(root, TEXT_REGEX) || is_said(leaf, TEXT_REGEX))
        return true;
    if (is_said(root, TEXT_EXACT))
        return !is_said(leaf, TEXT_EXACT) || !str_eq(leaf->value, root->value);
    if (is_said(root, TEXT_PREFIX) && (is_said(leaf, TEXT_PREFIX) || is_said(leaf, TEXT_EXACT)))
        return !str_has_prefix(leaf->value, root->value);
    return true;
}

static const struct text_match *find_named(const struct named_match_list *list, struct str name)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i].name, name))
            return &list->items[i].match;
    }
    return NULL;
}

static bool lists_conflict(const struct named_match_list *root, const struct named_match_list *leaf)
{
    for (uint32_t i = 0; i < leaf->count; i++) {
        const struct text_match *other = find_named(root, leaf->items[i].name);
        if (other != NULL && texts_conflict(other, &leaf->items[i].match))
            return true;
    }
    return false;
}

static bool sources_conflict(const struct http_match *root, const struct http_match *leaf)
{
    if (root->source_namespace.len > 0 && !str_eq(root->source_namespace, leaf->source_namespace))
        return true;
    for (uint32_t i = 0; i < leaf->source_labels.count; i++) {
        const struct label *label = &leaf->source_labels.items[i];
        const struct str *other =
            label_find(root->source_labels.items, root->source_labels.count, label->name);
        if (other != NULL && !str_eq(*other, label->value))
            return true;
    }
    if (root->gateways.count == 0 || leaf->gateways.count == 0)
        return false;
    if (root->gateways.count < leaf->gateways.count)
        return true;
    for (uint32_t i = 0; i < leaf->gateways.count; i++) {
        if (!text_list_has(&root->gateways, leaf->gateways.items[i]))
            return true;
    }
    return false;
}

static bool matches_conflict(const struct http_match *root, const struct http_match *leaf)
{
    if (texts_conflict(&root->uri, &leaf->uri) || texts_conflict(&root->scheme, &leaf->scheme) ||
        texts_conflict(&root->method, &leaf->method) ||
        texts_conflict(&root->authority, &leaf->authority))
        return true;
    if (lists_conflict(&root->headers, &leaf->headers) ||
        lists_conflict(&root->without_headers, &leaf->without_headers) ||
        lists_conflict(&root->queries, &leaf->queries))
        return true;
    if (root->is_ignoring_uri_case != leaf->is_ignoring_uri_case)
        return true;
    if (root->port != 0 && leaf->port != 0 && root->port != leaf->port)
        return true;
    return sources_conflict(root, leaf);
}

/* "root-leaf", or the one that is there. */
static struct str joined_name(struct arena *arena, struct str root, struct str leaf)
{
    if (leaf.len == 0)
        return root;
    return root.len == 0 ? leaf : arena_format(arena, "%.*s-%.*s", STR_FMT(root), STR_FMT(leaf));
}

/* All of both; what both name is the leaf's. */
static struct named_match_list united_named(struct arena *arena,
                                            const struct named_match_list *root,
                                            const struct named_match_list *leaf)
{
    struct named_match_list out = {0};

    for (uint32_t i = 0; i < root->count; i++) {
        if (find_named(leaf, root->items[i].name) == NULL)
            *ARENA_PUSH(arena, out.items, out.count, out.capacity) = root->items[i];
    }
    for (uint32_t i = 0; i < leaf->count; i++)
        *ARENA_PUSH(arena, out.items, out.count, out.capacity) = leaf->items[i];
    return out;
}

static struct label_list united_labels(struct arena *arena, const struct label_list *root,
                                       const struct label_list *leaf)
{
    struct label_list out = {0};

    for (uint32_t i = 0; i < root->count; i++)
        label_list_set(&out, root->items[i].name, root->items[i].value, arena);
    for (uint32_t i = 0; i < leaf->count; i++)
        label_list_set(&out, leaf->items[i].name, leaf->items[i].value, arena);
    return out;
}

static void take_text(struct text_match *leaf, const struct text_match *root)
{
    if (!leaf->is_given)
        *leaf = *root;
}

static struct http_match merged_match(struct arena *arena, const struct http_match *root,
                                      const struct http_match *leaf)
{
    struct http_match out = *leaf;

    out.name = joined_name(arena, root->name, leaf->name);
    take_text(&out.uri, &root->uri);
    take_text(&out.scheme, &root->scheme);
    take_text(&out.method, &root->method);
    take_text(&out.authority, &root->authority);
    out.headers = united_named(arena, &root->headers, &leaf->headers);
    out.without_headers = united_named(arena, &root->without_headers, &leaf->without_headers);
    out.queries = united_named(arena, &root->queries, &leaf->queries);
    out.source_labels = united_labels(arena, &root->source_labels, &leaf->source_labels);
    if (out.port == 0)
        out.port = root->port;
    if (out.source_namespace.len == 0)
        out.source_namespace = root->source_namespace;
    if (out.gateways.count == 0)
        out.gateways = root->gateways;
    if (out.stat_prefix.len == 0)
        out.stat_prefix = root->stat_prefix;
    return out;
}

/* Each match of the leaf with each of the root that it goes together with; one
 * that goes with none spoils the whole rule. */
static bool merge_matches(struct arena *arena, const struct http_rule *root, struct http_rule *leaf)
{
    struct http_match *items = NULL;
    uint32_t count = 0, capacity = 0;

    if (root->match_count == 0)
        return true;
    if (leaf->match_count == 0) {
        leaf->matches = root->matches;
        leaf->match_count = root->match_count;
        return true;
    }
    for (uint32_t i = 0; i < leaf->match_count; i++) {
        uint32_t before = count;
        for (uint32_t k = 0; k < root->match_count; k++) {
            if (!matches_conflict(&root->matches[k], &leaf->matches[i]))
                *ARENA_PUSH(arena, items, count, capacity) =
                    merged_match(arena, &root->matches[k], &leaf->matches[i]);
        }
        if (count == before)
            return false;
    }
    leaf->matches = items;
    leaf->match_count = count;
    return true;
}

static void take_actions(const struct http_rule *root, struct http_rule *leaf)
{
    if (leaf->rewrite == NULL)
        leaf->rewrite = root->rewrite;
    if (leaf->direct == NULL)
        leaf->direct = root->direct;
    if (!leaf->has_timeout) {
        leaf->has_timeout = root->has_timeout;
        leaf->timeout_ns = root->timeout_ns;
        leaf->timeout_origin = root->timeout_origin;
    }
    if (leaf->retries == NULL)
        leaf->retries = root->retries;
    if (leaf->fault == NULL)
        leaf->fault = root->fault;
    if (leaf->mirrors.count == 0)
        leaf->mirrors = root->mirrors;
    if (leaf->cors == NULL)
        leaf->cors = root->cors;
    if (!leaf->has_headers) {
        leaf->request = root->request;
        leaf->response = root->response;
    }
}

static void say(const struct delegation *delegation, enum diag_id id, struct origin origin,
                struct str arg0, struct str arg1)
{
    (void)diag_add(delegation->mesh->diags, id, origin, delegation->rule->path, arg0, arg1,
                   STR_EMPTY);
}

static struct str full_name(struct arena *arena, struct str namespace, struct str name)
{
    return arena_format(arena, "%.*s/%.*s", STR_FMT(namespace), STR_FMT(name));
}

static bool is_exported_to(const struct mesh *mesh, const struct virtual_service *service,
                           struct str namespace)
{
    const struct text_list *list = service->export_to.count > 0
                                       ? &service->export_to
                                       : &mesh->config.virtual_service_export_to;

    if (list->count == 0 || text_list_has(list, STR("*")) || text_list_has(list, namespace))
        return true;
    return text_list_has(list, STR(".")) && str_eq(service->meta.namespace, namespace);
}

/* NULL: there is none that may be used, which has been said. */
static const struct virtual_service *find_delegate(const struct delegation *delegation,
                                                   const struct map *delegates)
{
    struct mesh *mesh = delegation->mesh;
    const struct http_delegate *wanted = delegation->rule->delegate;
    struct str name = full_name(mesh->arena, wanted->namespace, wanted->name);
    uint32_t index = map_get(delegates, name);

    if (index == MAP_NONE) {
        say(delegation, DIAG_DELEGATE_MISSING, wanted->origin, name, STR_EMPTY);
        return NULL;
    }
    const struct virtual_service *found = &mesh->virtual_services[index];
    struct str namespace = delegation->root->meta.namespace;
    if (is_exported_to(mesh, found, namespace))
        return found;
    say(delegation, DIAG_DELEGATE_HIDDEN, wanted->origin, name, namespace);
    return NULL;
}

static void add_delegated(const struct delegation *delegation, const struct virtual_service *from,
                          struct rule_list *out)
{
    struct arena *arena = delegation->mesh->arena;
    const struct http_rule *root = delegation->rule;

    for (uint32_t i = 0; i < from->rule_count; i++) {
        struct http_rule leaf = from->rules[i];
        /* One level and no further: the delegate's own is not followed. */
        leaf.delegate = NULL;
        leaf.name = joined_name(arena, root->name, leaf.name);
        if (!merge_matches(arena, root, &leaf)) {
            struct str place = arena_format(arena, "%.*s:%u", STR_FMT(root->origin.file),
                                            (unsigned)root->origin.line);
            say(delegation, DIAG_DELEGATE_CONFLICT, leaf.origin, place, STR_EMPTY);
            continue;
        }
        take_actions(root, &leaf);
        *ARENA_PUSH(arena, out->items, out->count, out->capacity) = leaf;
    }
}

static bool has_delegate(const struct virtual_service *service)
{
    for (uint32_t i = 0; i < service->rule_count; i++) {
        if (service->rules[i].delegate != NULL)
            return true;
    }
    return false;
}

static void merge(struct mesh *mesh, const struct map *delegates, struct virtual_service *root)
{
    struct rule_list out = {0};

    for (uint32_t i = 0; i < root->rule_count; i++) {
        struct delegation delegation = {.mesh = mesh, .root = root, .rule = &root->rules[i]};
        if (delegation.rule->delegate == NULL) {
            *ARENA_PUSH(mesh->arena, out.items, out.count, out.capacity) = root->rules[i];
            continue;
        }
        const struct virtual_service *from = find_delegate(&delegation, delegates);
        if (from != NULL)
            add_delegated(&delegation, from, &out);
    }
    root->rules = out.items;
    root->rule_count = out.count;
}

void delegates_merge(struct mesh *mesh)
{
    struct map delegates;

    map_init(&delegates, mesh->arena);
    for (uint32_t i = 0; i < mesh->virtual_services_count; i++) {
        struct virtual_service *service = &mesh->virtual_services[i];
        if (service->meta.is_replaced || service->hosts.count > 0)
            continue;
        struct str name = full_name(mesh->arena, service->meta.namespace, service->meta.name);
        (void)map_set(&delegates, name, i);
        service->meta.is_replaced = true;
    }
    for (uint32_t i = 0; i < mesh->virtual_services_count; i++) {
        struct virtual_service *root = &mesh->virtual_services[i];
        if (!root->meta.is_replaced && has_delegate(root))
            merge(mesh, &delegates, root);
    }
}
