/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/reachability.c - see reachability.h.
 */
#include "config/validate/reachability.h"

#include "base/check.h"
#include "base/map.h"
#include "config/validate/field.h"

/* A match with a prefix, as it is compared with later ones. */
struct prefix_match {
    struct view match;
    struct str rule_name, match_name, prefix;
    struct str method, authority; /* "exact:GET", "prefix:a", or empty */
    int64_t port;
};

struct prefix_list {
    struct prefix_match *items;
    uint32_t count, capacity;
};

/* `"name"`, or #index where there is none. */
static struct str name_of(const struct view *view, uint32_t index, bool is_http)
{
    struct str name = is_http ? field_text(view, STR("name")) : STR_EMPTY;

    if (name.len > 0)
        return field_quoted(view, name);
    return arena_format(view->reading->arena, "#%u", index);
}

static bool is_default(const struct node *node)
{
    switch (node->kind) {
    case NODE_NULL:
        return true;
    case NODE_BOOL:
        return !node->boolean;
    case NODE_INT:
    case NODE_FLOAT:
        return node->number == 0;
    case NODE_STRING:
        return node->text.len == 0;
    case NODE_LIST:
    case NODE_MAP:
        return node->count == 0;
    }
    UNREACHABLE("node kind");
}

/* The entry of the smallest key above `above`, or NULL: maps in order of keys,
 * whatever order they were written in. */
static const struct node_entry *next_entry(const struct node *map, const struct node_entry *above)
{
    const struct node_entry *best = NULL;

    for (uint32_t i = 0; i < map->count; i++) {
        const struct node_entry *entry = &map->entries[i];
        if (above != NULL && str_order(entry->key, above->key) <= 0)
            continue;
        if (best == NULL || str_order(entry->key, best->key) < 0)
            best = entry;
    }
    return best;
}

/* Equal texts for values that mean the same; `skipped` is left out. Of
 * recursion: as deep as the document, which is limited. */
static struct str canonical(const struct node *node, struct str skipped, struct arena *arena)
{
    struct str text;

    if (node->kind == NODE_LIST) {
        text = STR("[");
        for (uint32_t i = 0; i < node->count; i++)
            text = arena_format(arena, "%.*s%.*s,", STR_FMT(text),
                                STR_FMT(canonical(node->items[i], STR_EMPTY, arena)));
        return arena_concat(arena, text, STR("]"));
    }
    if (node->kind != NODE_MAP)
        return arena_format(arena, "%u:%.*s", (unsigned)node->kind, STR_FMT(node->text));
    text = STR("{");
    for (const struct node_entry *entry = next_entry(node, NULL); entry != NULL;
         entry = next_entry(node, entry)) {
        if (str_eq(entry->key, skipped) || is_default(entry->value))
            continue;
        text =
            arena_format(arena, "%.*s%zu:%.*s=%.*s,", STR_FMT(text), entry->key.len,
                         STR_FMT(entry->key), STR_FMT(canonical(entry->value, STR_EMPTY, arena)));
    }
    return arena_concat(arena, text, STR("}"));
}

static struct str string_match(const struct view *match)
{
    struct arena *arena = match->reading->arena;
    struct str exact = field_text(match, STR("exact"));
    struct str prefix = field_text(match, STR("prefix"));

    if (exact.len > 0)
        return arena_concat(arena, STR("exact:"), exact);
    return prefix.len > 0 ? arena_concat(arena, STR("prefix:"), prefix) : STR_EMPTY;
}

static struct str field_string_match(const struct view *match, struct str name)
{
    struct view field = view_field(match, name);

    return string_match(&field);
}

/* The two maps have as many entries, and each of `a` begins with that of `b`. */
static bool are_compatible(const struct view *a_match, const struct view *b_match, struct str name)
{
    struct view a = view_field(a_match, name);
    struct view b = view_field(b_match, name);

    if (view_count(&a) != view_count(&b))
        return false;
    for (uint32_t i = 0; i < view_count(&a); i++) {
        struct view a_entry = view_entry(&a, i);
        const struct node *other = node_get(b.node, a_entry.key);
        if (other == NULL)
            return false;
        struct view b_entry = a_entry;
        b_entry.node = other;
        if (!str_has_prefix(string_match(&a_entry), string_match(&b_entry)))
            return false;
    }
    return true;
}

static bool is_covered(const struct prefix_match *a, const struct prefix_match *b)
{
    return str_has_prefix(b->prefix, a->prefix) && a->port == b->port &&
           str_has_prefix(a->method, b->method) && str_has_prefix(a->authority, b->authority) &&
           are_compatible(&a->match, &b->match, STR("headers")) &&
           are_compatible(&a->match, &b->match, STR("queryParams")) &&
           are_compatible(&a->match, &b->match, STR("withoutHeaders"));
}

static void add_prefix(struct prefix_list *list, const struct view *match, struct str rule_name,
                       struct str match_name)
{
    struct view uri = view_field(match, STR("uri"));
    struct str prefix = field_text(&uri, STR("prefix"));

    if (prefix.len == 0)
        return;
    struct prefix_match *added =
        ARENA_PUSH(match->reading->arena, list->items, list->count, list->capacity);
    *added = (struct prefix_match){
        .match = *match,
        .rule_name = rule_name,
        .match_name = match_name,
        .prefix = prefix,
        .method = field_string_match(match, STR("method")),
        .authority = field_string_match(match, STR("authority")),
        .port = field_number(match, STR("port")),
    };
    if (added->method.len == 0)
        added->method = STR("exact:GET");
}

static void say_ineffective(const struct view *match, struct str rule, struct str name,
                            struct str other)
{
    diag_add(match->reading->diags, DIAG_V_MATCH_UNUSED, view_origin(match), view_path(match), rule,
             name, other);
}

static void check_overlaps(const struct prefix_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        for (uint32_t k = i + 1; k < list->count; k++) {
            const struct prefix_match *a = &list->items[i];
            const struct prefix_match *b = &list->items[k];
            struct arena *arena = a->match.reading->arena;
            if (str_eq(a->prefix, b->prefix) || !is_covered(a, b))
                continue;
            struct str later = arena_format(arena, "%.*s of prefix %.*s", STR_FMT(b->match_name),
                                            STR_FMT(b->prefix));
            struct str earlier =
                arena_format(arena, "%.*s of prefix %.*s on %.*s", STR_FMT(a->match_name),
                             STR_FMT(a->prefix), STR_FMT(a->rule_name));
            say_ineffective(&b->match, b->rule_name, later, earlier);
        }
    }
}

struct walk {
    const struct view *routes;
    struct map seen; /* canonical match -> rule's index */
    struct prefix_list prefixes;
    bool is_http, has_catch_all;
};

static void check_rule(struct walk *walk, uint32_t index)
{
    /* Views point to their parents: these live as long as the walk. */
    struct view *route = ARENA_NEW(walk->routes->reading->arena, struct view);
    struct view *matches = ARENA_NEW(walk->routes->reading->arena, struct view);
    *route = view_item(walk->routes, index);
    *matches = view_field(route, STR("match"));
    struct str rule_name = name_of(route, index, walk->is_http);
    uint32_t twice_count = 0;

    for (uint32_t i = 0; i < view_count(matches); i++) {
        struct view match = view_item(matches, i);
        if (walk->has_catch_all) {
            view_complain(&match, DIAG_V_RULE_UNUSED, rule_name,
                          STR("route without matches defined before"));
            continue;
        }
        struct str match_name = name_of(&match, i, walk->is_http);
        struct str key =
            canonical(match.node, walk->is_http ? STR("name") : STR_EMPTY, match.reading->arena);
        uint32_t earlier = map_get(&walk->seen, key);
        if (earlier != MAP_NONE) {
            struct view other = view_item(walk->routes, earlier);
            say_ineffective(&match, rule_name, match_name, name_of(&other, earlier, walk->is_http));
            twice_count++;
            continue;
        }
        (void)map_set(&walk->seen, key, index);
        if (walk->is_http)
            add_prefix(&walk->prefixes, &match, rule_name, match_name);
    }
    if (twice_count == view_count(matches))
        view_complain(route, DIAG_V_RULE_UNUSED, rule_name, STR("all matches used by prior rules"));
}

void reachability_check(const struct view *routes, bool is_http)
{
    struct walk walk = {.routes = routes, .is_http = is_http};

    map_init(&walk.seen, routes->reading->arena);
    for (uint32_t i = 0; i < view_count(routes); i++) {
        struct view route = view_item(routes, i);
        if (!view_is_present(&route))
            continue;
        if (field_count(&route, STR("match")) > 0) {
            check_rule(&walk, i);
            continue;
        }
        if (walk.has_catch_all)
            view_complain(&route, DIAG_V_RULE_UNUSED, name_of(&route, i, is_http),
                          STR("only the last rule can have no matches"));
        walk.has_catch_all = true;
    }
    check_overlaps(&walk.prefixes);
}
