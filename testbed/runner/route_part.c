/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/route_part.c - see route_part.h.
 *
 * Source: ISTIO.md 2.8 to 2.11, 2.17: HTTPRoute's fields.
 */
#include "testbed/runner/route_part.h"

#include "base/check.h"
#include "base/json.h"
#include "config/yaml/write.h"

#define WORDS_BYTES_MAX (64u * 1024)

static const struct str NAMES[] = {
    [PART_ROUTE] = STR_INIT("route"),     [PART_REDIRECT] = STR_INIT("redirect"),
    [PART_REWRITE] = STR_INIT("rewrite"), [PART_FAULT] = STR_INIT("fault"),
    [PART_HEADERS] = STR_INIT("headers"), [PART_DELEGATE] = STR_INIT("delegate"),
};

/* Messages by their fields; a field without a shape is a scalar, a list of them or
 * a map of texts. */
struct shape_field {
    const char *name;
    const struct shape *inside;
};
struct shape {
    const struct shape_field *fields;
    uint32_t count;
};

#define SHAPE(name, ...)                                             \
    static const struct shape_field name##_FIELDS[] = {__VA_ARGS__}; \
    static const struct shape name = {name##_FIELDS, COUNT_OF(name##_FIELDS)}

SHAPE(PORT, {"number", NULL});
SHAPE(DESTINATION, {"host", NULL}, {"subset", NULL}, {"port", &PORT});
SHAPE(OPERATIONS, {"set", NULL}, {"add", NULL}, {"remove", NULL});
SHAPE(HEADERS, {"request", &OPERATIONS}, {"response", &OPERATIONS});
SHAPE(ROUTE, {"destination", &DESTINATION}, {"weight", NULL}, {"headers", &HEADERS});
SHAPE(REDIRECT, {"uri", NULL}, {"authority", NULL}, {"port", NULL}, {"derivePort", NULL},
      {"scheme", NULL}, {"redirectCode", NULL});
SHAPE(REGEX_REWRITE, {"match", NULL}, {"rewrite", NULL});
SHAPE(REWRITE, {"uri", NULL}, {"authority", NULL}, {"uriRegexRewrite", &REGEX_REWRITE});
SHAPE(PERCENT, {"value", NULL});
SHAPE(DELAY, {"percent", NULL}, {"fixedDelay", NULL}, {"exponentialDelay", NULL},
      {"percentage", &PERCENT});
SHAPE(ABORT, {"httpStatus", NULL}, {"grpcStatus", NULL}, {"http2Error", NULL},
      {"percentage", &PERCENT});
SHAPE(FAULT, {"delay", &DELAY}, {"abort", &ABORT});
SHAPE(DELEGATE, {"name", NULL}, {"namespace", NULL});

static const struct shape *const SHAPES[] = {
    [PART_ROUTE] = &ROUTE, [PART_REDIRECT] = &REDIRECT, [PART_REWRITE] = &REWRITE,
    [PART_FAULT] = &FAULT, [PART_HEADERS] = &HEADERS,   [PART_DELEGATE] = &DELEGATE,
};

#define SHAPE_FIELDS_MAX 8u
#define SHAPE_DEPTH_MAX 4u

static void check_map(const struct view *view, const struct shape *shape, uint32_t depth)
{
    struct field_row rows[SHAPE_FIELDS_MAX];

    ASSERT(shape->count <= SHAPE_FIELDS_MAX && depth < SHAPE_DEPTH_MAX);
    for (uint32_t i = 0; i < shape->count; i++)
        rows[i] = (struct field_row){shape->fields[i].name, FIELD_USED};
    view_check_fields(view, rows, shape->count);
    for (uint32_t i = 0; i < shape->count; i++) {
        if (shape->fields[i].inside == NULL)
            continue;
        struct view inside = view_map(view, str_of(shape->fields[i].name));
        if (view_is_present(&inside))
            check_map(&inside, shape->fields[i].inside, depth + 1);
    }
}

static bool is_nothing(const struct node *node)
{
    if (node == NULL)
        return true;
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
        return node->count == 0;
    case NODE_MAP:
        return false;
    }
    UNREACHABLE("node_kind");
}

static bool is_number(const struct node *node)
{
    return node->kind == NODE_INT || node->kind == NODE_FLOAT;
}

static bool is_same_scalar(const struct node *a, const struct node *b)
{
    if (is_number(a) && is_number(b))
        return a->number == b->number;
    return str_eq(a->text, b->text);
}

/* "1s" and "1000ms" are one delay. */
static bool is_same_delay(struct str key, const struct node *a, const struct node *b)
{
    int64_t a_ns, b_ns;
    bool is_delay =
        view_is_named(key, STR("fixedDelay")) || view_is_named(key, STR("exponentialDelay"));

    return is_delay && b != NULL && duration_parse(a->text, &a_ns) &&
           duration_parse(b->text, &b_ns) && a_ns == b_ns;
}

static const struct node *value_of(const struct node *map, struct str name)
{
    for (uint32_t i = 0; i < map->count; i++) {
        if (view_is_named(map->entries[i].key, name) || view_is_named(name, map->entries[i].key))
            return map->entries[i].value;
    }
    return NULL;
}

static bool has_all(const struct node *a, const struct node *b);

bool route_part_is_same(const struct node *a, const struct node *b)
{
    if (is_nothing(a) || is_nothing(b))
        return is_nothing(a) && is_nothing(b);
    if (a->kind == NODE_MAP || b->kind == NODE_MAP)
        return a->kind == b->kind && has_all(a, b) && has_all(b, a);
    if (a->kind != NODE_LIST && b->kind != NODE_LIST)
        return is_same_scalar(a, b);
    if (a->kind != b->kind || a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (!route_part_is_same(a->items[i], b->items[i]))
            return false;
    }
    return true;
}

static bool has_all(const struct node *a, const struct node *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        struct str key = a->entries[i].key;
        const struct node *mine = a->entries[i].value, *other = value_of(b, key);
        if (!route_part_is_same(mine, other) && !is_same_delay(key, mine, other))
            return false;
    }
    return true;
}

struct str route_part_name(enum route_part part)
{
    return NAMES[part];
}

void route_part_check(enum route_part part, const struct view *view)
{
    if (part != PART_ROUTE) {
        check_map(view, SHAPES[part], 0);
        return;
    }
    for (uint32_t i = 0; i < view_count(view); i++) {
        struct view item = view_item(view, i);
        check_map(&item, SHAPES[part], 0);
    }
}

struct str route_part_words(const struct node *node, struct arena *arena)
{
    struct buf out;
    struct json json;

    if (is_nothing(node))
        return STR("none");
    buf_init(&out, WORDS_BYTES_MAX);
    json_init(&json, &out, 0);
    node_write(node, &json);
    struct str words = json_is_full(&json) ? STR("...") : arena_str(arena, buf_str(&out));
    buf_fini(&out);
    return words;
}
