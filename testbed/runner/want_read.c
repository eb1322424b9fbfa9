/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/want_read.c - texts, headers, numbers, durations.
 */
#include "testbed/runner/want_read.h"

#include <string.h>

#include "base/check.h"
#include "base/ns.h"

static struct arena *arena_of(const struct view *view)
{
    return view->reading->arena;
}

static bool is_scalar(const struct node *node)
{
    return node->kind != NODE_LIST && node->kind != NODE_MAP && node->kind != NODE_NULL;
}

static struct view child(const struct view *view, const char *name)
{
    return view_field(view, str_of(name));
}

struct str want_scalar(const struct view *view, struct str otherwise)
{
    if (!view_is_present(view))
        return otherwise;
    if (is_scalar(view->node))
        return view->node->text;
    view_complain(view, DIAG_WRONG_TYPE, STR("a single value"), node_kind_name(view->node->kind));
    return otherwise;
}

struct str want_bytes(const struct view *view, struct str otherwise)
{
    struct str text = want_scalar(view, otherwise);
    char *out = arena_alloc(arena_of(view), text.len);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0xc4) {
            view_complain(view, DIAG_TEST_NOT_LATIN1, arena_format(arena_of(view), "%zu", len + 1),
                          STR_EMPTY);
            return otherwise;
        }
        if (c >= 0xc2 && i + 1 < text.len)
            c = (unsigned char)(((c & 3) << 6) | ((unsigned char)text.ptr[++i] & 0x3f));
        out[len++] = (char)c;
    }
    return (struct str){out, len};
}

struct view want_nullable(const struct view *view, struct str name)
{
    struct view field = view_field(view, name);
    if (field.node == NULL)
        field.node = node_get(view->node, name);
    return field;
}

uint32_t want_list_count(const struct view *view)
{
    if (!view_is_present(view))
        return 0;
    return view->node->kind == NODE_LIST ? view_count(view) : 1;
}

struct view want_list_item(const struct view *view, uint32_t index)
{
    return view->node->kind == NODE_LIST ? view_item(view, index) : *view;
}

static void operators_read(const struct view *view, struct regex_set *regexes,
                           struct want_text *out)
{
    static const struct field_row ROWS[] = {{"exact", FIELD_USED},
                                            {"prefix", FIELD_USED},
                                            {"regex", FIELD_USED},
                                            {"contains", FIELD_USED},
                                            {"present", FIELD_USED}};
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    struct view exact = child(view, "exact"), prefix = child(view, "prefix");
    struct view contains = child(view, "contains"), regex = child(view, "regex");
    struct view present = child(view, "present");
    out->has_exact = view_is_present(&exact);
    out->exact = want_bytes(&exact, STR_EMPTY);
    out->has_prefix = view_is_present(&prefix);
    out->prefix = want_bytes(&prefix, STR_EMPTY);
    out->has_contains = view_is_present(&contains);
    out->contains = want_bytes(&contains, STR_EMPTY);
    out->has_present = view_is_present(&present);
    out->present = view_own_bool(&present, true);
    if (!view_is_present(&regex))
        return;
    struct str why = STR_EMPTY;
    out->pattern = want_scalar(&regex, STR_EMPTY);
    out->regex = regex_new(regexes, out->pattern, arena_of(view), &why);
    if (out->regex == NULL)
        view_complain(&regex, DIAG_TEST_BAD_REGEX, out->pattern, why);
}

void want_text_read(const struct view *view, struct regex_set *regexes, struct want_text *out)
{
    if (view->node == NULL)
        return;
    out->is_given = true;
    out->origin = view_origin(view);
    if (view->node->kind == NODE_NULL) {
        out->is_null = true;
    } else if (view->node->kind == NODE_MAP) {
        operators_read(view, regexes, out);
    } else {
        out->has_exact = true;
        out->exact = want_bytes(view, STR_EMPTY);
    }
}

static void header_read(const struct view *view, struct regex_set *regexes, struct want_header *out)
{
    out->name = view->key;
    out->origin = view_origin(view);
    out->is_list = view->node != NULL && view->node->kind == NODE_LIST;
    out->line_count = out->is_list ? view_count(view) : 1;
    out->lines = ARENA_ARRAY(arena_of(view), struct want_text, out->line_count);
    for (uint32_t i = 0; i < out->line_count; i++) {
        struct view line = out->is_list ? view_item(view, i) : *view;
        want_text_read(&line, regexes, &out->lines[i]);
    }
}

void want_headers_read(const struct view *headers, const struct view *absent,
                       struct regex_set *regexes, struct want_headers *out)
{
    struct view map = *headers;
    if (view_is_present(headers)) {
        out->is_given = true;
        out->origin = view_origin(headers);
        struct view exactly = view_field(headers, STR("exactly"));
        if (view_is_present(&exactly)) {
            out->is_exact = true;
            map = exactly;
        }
        if (map.node->kind != NODE_MAP)
            view_complain(&map, DIAG_WRONG_TYPE, STR("a map of headers"),
                          node_kind_name(map.node->kind));
        else
            out->count = view_count(&map);
    }
    out->items = ARENA_ARRAY(arena_of(headers), struct want_header, out->count);
    /* `exactly` lives in this frame: paths of complaints are made before it ends. */
    for (uint32_t i = 0; i < out->count; i++) {
        struct view entry = view_entry(&map, i);
        header_read(&entry, regexes, &out->items[i]);
    }
    if (absent == NULL || !view_is_present(absent))
        return;
    out->is_given = true;
    if (out->origin.line == 0)
        out->origin = view_origin(absent);
    out->absent_count = want_list_count(absent);
    out->absent = ARENA_ARRAY(arena_of(headers), struct str, out->absent_count);
    for (uint32_t i = 0; i < out->absent_count; i++) {
        struct view item = want_list_item(absent, i);
        out->absent[i] = want_scalar(&item, STR_EMPTY);
    }
}

enum want_order want_order_cut(struct str *text)
{
    static const struct {
        struct str sign;
        enum want_order order;
    } SIGNS[] = {{STR_INIT("<="), WANT_AT_MOST},
                 {STR_INIT(">="), WANT_AT_LEAST},
                 {STR_INIT("<"), WANT_BELOW},
                 {STR_INIT(">"), WANT_ABOVE}};
    for (size_t i = 0; i < COUNT_OF(SIGNS); i++) {
        if (str_has_prefix(*text, SIGNS[i].sign)) {
            *text = str_trim(str_from(*text, SIGNS[i].sign.len));
            return SIGNS[i].order;
        }
    }
    return WANT_EQUAL;
}

int64_t want_moment_ns(const struct view *view, struct str text)
{
    int64_t ns = 0;
    text = str_trim(text);
    /* A bare number is seconds. */
    uint64_t seconds;
    if (str_to_u64(text, 1000000, &seconds))
        return (int64_t)seconds * NS_SECOND;
    if (!duration_parse(text, &ns) || ns < 0)
        view_complain(view, DIAG_BAD_DURATION, text, STR_EMPTY);
    return ns;
}

void want_duration_read(const struct view *view, struct want_duration *out)
{
    if (!view_is_present(view))
        return;
    struct str text = want_scalar(view, STR("0s"));
    *out = (struct want_duration){.is_given = true, .origin = view_origin(view)};
    size_t dots = str_find_str(text, STR(".."));
    if (dots != STR_NONE) {
        out->order = WANT_BETWEEN;
        out->from_ns = want_moment_ns(view, str_slice(text, 0, dots));
        out->to_ns = want_moment_ns(view, str_from(text, dots + 2));
        return;
    }
    out->order = want_order_cut(&text);
    out->from_ns = out->to_ns = want_moment_ns(view, text);
}

void want_number_read(const struct view *view, struct want_number *out)
{
    struct str text = want_scalar(view, STR("0"));
    struct str whole = text;
    *out = (struct want_number){.origin = view_origin(view)};
    out->order = want_order_cut(&text);
    if (!str_to_u64(text, UINT64_MAX, &out->value))
        view_complain(view, DIAG_TEST_BAD_NUMBER, whole, STR_EMPTY);
}

void want_numbers_read(const struct view *view, struct want_numbers *out)
{
    *out = (struct want_numbers){.count = want_list_count(view)};
    if (out->count == 0)
        return;
    out->origin = view_origin(view);
    out->items = ARENA_ARRAY(arena_of(view), struct want_number, out->count);
    for (uint32_t i = 0; i < out->count; i++) {
        struct view item = want_list_item(view, i);
        want_number_read(&item, &out->items[i]);
    }
}

double want_percent(const struct view *view, struct str text)
{
    struct str digits = str_trim(text);
    double scale = 1.0;
    if (str_has_suffix(digits, STR("%"))) {
        digits = str_trim(str_slice(digits, 0, digits.len - 1));
        scale = 100.0;
    }
    size_t point = str_find(digits, '.');
    struct str fraction = point == STR_NONE ? STR_EMPTY : str_from(digits, point + 1);
    uint64_t whole = 0, part = 0;
    bool is_good =
        str_to_u64(point == STR_NONE ? digits : str_slice(digits, 0, point), 1000000, &whole) &&
        (fraction.len == 0 || (fraction.len < 16 && str_to_u64(fraction, UINT64_MAX, &part)));
    if (!is_good) {
        view_complain(view, DIAG_TEST_BAD_PERCENT, text, STR_EMPTY);
        return 0;
    }
    double value = (double)part;
    for (size_t i = 0; i < fraction.len; i++)
        value /= 10;
    return ((double)whole + value) / scale;
}

static void sent_value(const struct view *view, struct str name, struct header **headers,
                       uint32_t *count, uint32_t *capacity)
{
    struct arena *arena = arena_of(view);
    uint64_t lines = 1;
    struct str value;
    if (view->node != NULL && view->node->kind == NODE_MAP) {
        static const struct field_row ROWS[] = {{"size", FIELD_USED}, {"count", FIELD_USED}};
        view_check_fields(view, ROWS, COUNT_OF(ROWS));
        lines = (uint64_t)view_i64(view, STR("count"), 0, 100000, 1);
        int64_t size = view_i64(view, STR("size"), 0, 16 << 20, -1);
        char *text = arena_alloc(arena, size < 0 ? 1 : (size_t)size);
        memset(text, size < 0 ? 'v' : 'a', size < 0 ? 1 : (size_t)size);
        value = (struct str){text, size < 0 ? 1 : (size_t)size};
    } else {
        value = want_bytes(view, STR_EMPTY);
    }
    for (uint64_t i = 0; i < lines; i++)
        *ARENA_PUSH(arena, *headers, *count, *capacity) = (struct header){name, value};
}

struct header *want_sent_headers(const struct view *view, uint32_t *count)
{
    struct header *headers = NULL;
    uint32_t capacity = 0;
    *count = 0;
    if (!view_is_present(view))
        return NULL;
    for (uint32_t i = 0; i < view_count(view); i++) {
        struct view entry = view_entry(view, i);
        for (uint32_t line = 0; line < want_list_count(&entry); line++) {
            struct view value = want_list_item(&entry, line);
            sent_value(&value, entry.key, &headers, count, &capacity);
        }
    }
    return headers;
}

static const struct node_entry *entry_of(const struct node *map, struct str key)
{
    for (uint32_t i = 0; map != NULL && i < map->count; i++)
        if (str_eq(map->entries[i].key, key))
            return &map->entries[i];
    return NULL;
}

const struct node *nodes_merged(const struct node *base, const struct node *over,
                                struct arena *arena)
{
    if (base == NULL || base->kind != NODE_MAP)
        return over;
    if (over == NULL || over->kind != NODE_MAP)
        return base;
    struct node *out = ARENA_NEW(arena, struct node);
    *out = *base;
    out->origin = over->origin;
    out->entries = ARENA_ARRAY(arena, struct node_entry, base->count + over->count);
    out->count = 0;
    for (uint32_t i = 0; i < base->count; i++) {
        const struct node_entry *newer = entry_of(over, base->entries[i].key);
        out->entries[out->count++] = newer != NULL ? *newer : base->entries[i];
    }
    for (uint32_t i = 0; i < over->count; i++)
        if (entry_of(base, over->entries[i].key) == NULL)
            out->entries[out->count++] = over->entries[i];
    return out;
}

const struct node *nodes_merged_deep(const struct node *base, const struct node *over,
                                     struct arena *arena)
{
    const struct node *merged = nodes_merged(base, over, arena);
    if (merged == base || merged == over)
        return merged;
    for (uint32_t i = 0; i < merged->count; i++) {
        const struct node_entry *older = entry_of(base, merged->entries[i].key);
        const struct node_entry *newer = entry_of(over, merged->entries[i].key);
        if (older == NULL || newer == NULL)
            continue;
        /* The tree's nodes are shared; the merged copy is this arena's own. */
        struct node *both = ARENA_NEW(arena, struct node);
        *both = *nodes_merged(older->value, newer->value, arena);
        merged->entries[i].value = both;
    }
    return merged;
}

const struct node *node_without(const struct node *base, const char *const *keys,
                                struct arena *arena)
{
    struct node *out = ARENA_NEW(arena, struct node);
    *out = *base;
    out->entries = ARENA_ARRAY(arena, struct node_entry, base->count);
    out->count = 0;
    for (uint32_t i = 0; i < base->count; i++) {
        bool is_out = false;
        for (const char *const *key = keys; *key != NULL; key++)
            is_out |= str_eq(base->entries[i].key, str_of(*key));
        if (!is_out)
            out->entries[out->count++] = base->entries[i];
    }
    return out;
}
