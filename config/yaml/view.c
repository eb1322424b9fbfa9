/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/view.c - fields by name, values by type, complaints by path.
 */
#include "config/yaml/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"

/* A name this far away is a typing mistake; further, another name. */
#define SUGGESTION_DISTANCE_MAX 3u

static void complain(const struct view *view, enum diag_id id, struct str arg0, struct str arg1,
                     struct str arg2)
{
    struct reading *reading = view->reading;
    enum diag_severity severity =
        diag_add(reading->diags, id, view_origin(view), view_path(view), arg0, arg1, arg2);
    if (severity == DIAG_ERROR)
        reading->error_count++;
}

/* Protobuf's JSON mapping takes the field's own name, with underscores, as
 * well: an underscore goes and makes the letter after it a capital. */
bool view_is_named(struct str key, struct str name)
{
    if (str_eq(key, name))
        return true;
    if (str_find(key, '_') == STR_NONE)
        return false;
    size_t at = 0;
    bool is_capital = false;
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        if (c == '_') {
            is_capital = true;
            continue;
        }
        if (is_capital && c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        is_capital = false;
        if (at == name.len || name.ptr[at++] != c)
            return false;
    }
    return at == name.len;
}

static const struct node_entry *find_entry(const struct node *map, struct str name)
{
    if (map == NULL || map->kind != NODE_MAP)
        return NULL;
    for (uint32_t i = 0; i < map->count; i++)
        if (str_eq(map->entries[i].key, name))
            return &map->entries[i];
    for (uint32_t i = 0; i < map->count; i++)
        if (view_is_named(map->entries[i].key, name))
            return &map->entries[i];
    return NULL;
}

static bool is_plain_key(struct str key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = str_lower_char(key.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return key.len > 0;
}

/* One step of a path: [3], .name, name at the start, ["a.b/c"]. */
static struct str path_step(const struct view *view, bool is_first)
{
    struct arena *arena = view->reading->arena;
    if (view->is_item)
        return arena_format(arena, "[%u]", view->index);
    if (!is_plain_key(view->key))
        return arena_format(arena, "[\"%.*s\"]", STR_FMT(view->key));
    return is_first ? view->key : arena_concat(arena, STR("."), view->key);
}

static const struct field_row *find_row(const struct field_row *rows, uint32_t row_count,
                                        struct str key)
{
    for (uint32_t i = 0; i < row_count; i++)
        if (view_is_named(key, str_of(rows[i].name)))
            return &rows[i];
    return NULL;
}

/* The name nearest to `word`, or NULL; of equally near ones the first. */
static const char *nearest(struct str word, const char *const *names, size_t name_count)
{
    const char *best = NULL;
    /* Short words are near to everything: a third of the length may differ. */
    size_t third = (word.len + 2) / 3;
    uint32_t allowed = third < SUGGESTION_DISTANCE_MAX ? (uint32_t)third : SUGGESTION_DISTANCE_MAX;
    for (size_t i = 0; i < name_count; i++) {
        struct str name = str_of(names[i]);
        uint32_t distance = str_eq_ci(name, word) ? 0 : str_edit_distance(name, word, allowed);
        if (distance > allowed || (best != NULL && distance == allowed))
            continue;
        best = names[i];
        allowed = distance;
    }
    return best;
}

static struct str suggestion(struct reading *reading, const char *name)
{
    if (name == NULL)
        return STR_EMPTY;
    return arena_format(reading->arena, "; did you mean \"%s\"?", name);
}

static struct str suggested_field(const struct view *view, const struct field_row *rows,
                                  uint32_t row_count, struct str key)
{
    const char **names = ARENA_ARRAY(view->reading->arena, const char *, row_count);
    for (uint32_t i = 0; i < row_count; i++)
        names[i] = rows[i].name;
    return suggestion(view->reading, nearest(key, names, row_count));
}

/* " in VirtualService default/reviews", when that is known. */
static struct str in_object(const struct reading *reading)
{
    if (reading->object.len == 0)
        return STR_EMPTY;
    return arena_concat(reading->arena, STR(" in "), reading->object);
}

static void check_use(const struct view *entry, enum field_use use)
{
    struct reading *reading = entry->reading;
    switch (use) {
    case FIELD_USED:
    case FIELD_IGNORED:
        return;
    case FIELD_NO_EFFECT:
        if (view_is_present(entry))
            complain(entry, DIAG_NO_EFFECT, entry->key, in_object(reading), STR_EMPTY);
        return;
    }
    UNREACHABLE("field use");
}

/* A complaint about an entry's key stands where the key stands. */
static void complain_at_key(const struct view *view, uint32_t index, enum diag_id id,
                            struct str arg0, struct str arg1, struct str arg2)
{
    const struct node_entry *entry = &view->node->entries[index];
    struct view child = view_entry(view, index);
    struct node at_key = {.origin = entry->key_origin};
    child.node = &at_key;
    complain(&child, id, arg0, arg1, arg2);
}

static void check_entry(const struct view *view, uint32_t index, const struct field_row *rows,
                        uint32_t row_count)
{
    struct str key = view->node->entries[index].key;
    const struct field_row *row = find_row(rows, row_count, key);
    if (row == NULL) {
        bool is_error = view->reading->unknown_field == UNKNOWN_ERROR;
        complain_at_key(view, index, is_error ? DIAG_UNKNOWN_FIELD : DIAG_UNKNOWN_FIELD_IGNORED,
                        key, in_object(view->reading), suggested_field(view, rows, row_count, key));
        return;
    }
    const struct node_entry *first = find_entry(view->node, str_of(row->name));
    if (first != &view->node->entries[index]) {
        complain_at_key(view, index, DIAG_SAME_FIELD, key, first->key, STR_EMPTY);
        return;
    }
    struct view child = view_entry(view, index);
    check_use(&child, row->use);
}

static void complain_of_type(const struct view *view, struct str wanted, struct str cure)
{
    complain(view, DIAG_WRONG_TYPE, wanted, node_kind_name(view->node->kind), cure);
}

static struct view absent(const struct view *view)
{
    struct view none = *view;
    none.node = NULL;
    return none;
}

static bool is_scalar(const struct node *node)
{
    return node->kind != NODE_LIST && node->kind != NODE_MAP;
}

/* Protobuf's JSON takes numbers in quotes, as large ones have to be written. */
static bool number_of(const struct view *view, double *out)
{
    const struct node *node = view->node;
    struct json_value value;
    size_t where;
    if (node->kind == NODE_INT || node->kind == NODE_FLOAT) {
        *out = node->number;
        return true;
    }
    if (node->kind != NODE_STRING || str_trim(node->text).len != node->text.len ||
        json_read(node->text, view->reading->arena, &value, &where) != RC_OK ||
        value.kind != JSON_NUMBER || !isfinite(value.number))
        return false;
    *out = value.number;
    return true;
}

static struct str number_text(struct arena *arena, int64_t value)
{
    return arena_format(arena, "%lld", (long long)value);
}

/* "A, B or C". */
static struct str listed(struct arena *arena, const char *const *names, size_t name_count)
{
    struct str list = STR_EMPTY;
    for (size_t i = 0; i < name_count; i++) {
        struct str before = i == 0 ? STR_EMPTY : i + 1 == name_count ? STR(" or ") : STR(", ");
        list = arena_concat(arena, list, arena_concat(arena, before, str_of(names[i])));
    }
    return list;
}

struct view view_of(struct reading *reading, const struct node *root)
{
    return (struct view){.reading = reading, .node = root};
}

bool view_is_present(const struct view *view)
{
    return view->node != NULL && view->node->kind != NODE_NULL;
}

struct origin view_origin(const struct view *view)
{
    while (view->node == NULL && view->parent != NULL)
        view = view->parent;
    return view->node == NULL ? (struct origin){0} : view->node->origin;
}

struct str view_path(const struct view *view)
{
    if (view->parent == NULL)
        return STR_EMPTY;
    /* From the root down: the steps are gathered first. */
    const struct view *steps[YAML_DEPTH_MAX + 1];
    size_t step_count = 0;
    for (; view->parent != NULL; view = view->parent) {
        ASSERT(step_count < COUNT_OF(steps));
        steps[step_count++] = view;
    }
    struct str path = STR_EMPTY;
    for (size_t i = step_count; i > 0; i--)
        path = arena_concat(view->reading->arena, path, path_step(steps[i - 1], path.len == 0));
    return path;
}

void view_check_fields(const struct view *view, const struct field_row *rows, uint32_t row_count)
{
    if (!view_is_present(view))
        return;
    if (view->node->kind != NODE_MAP) {
        complain_of_type(view, node_kind_name(NODE_MAP), STR_EMPTY);
        return;
    }
    for (uint32_t i = 0; i < view->node->count; i++)
        check_entry(view, i, rows, row_count);
}

struct view view_field(const struct view *view, struct str name)
{
    const struct node_entry *entry = find_entry(view->node, name);
    return (struct view){
        .reading = view->reading,
        .node = entry == NULL || entry->value->kind == NODE_NULL ? NULL : entry->value,
        .parent = view,
        .key = entry == NULL ? name : entry->key,
    };
}

struct view view_map(const struct view *view, struct str name)
{
    struct view field = view_field(view, name);
    if (field.node == NULL || field.node->kind == NODE_MAP)
        return field;
    complain_of_type(&field, node_kind_name(NODE_MAP),
                     field.node->kind == NODE_LIST ? STR("; take the `- ` away") : STR_EMPTY);
    return absent(&field);
}

struct view view_list(const struct view *view, struct str name)
{
    struct view field = view_field(view, name);
    if (field.node == NULL || field.node->kind == NODE_LIST)
        return field;
    complain_of_type(&field, node_kind_name(NODE_LIST), STR("; write `- ` before each item"));
    return absent(&field);
}

uint32_t view_count(const struct view *view)
{
    if (view->node == NULL || is_scalar(view->node))
        return 0;
    return view->node->count;
}

struct view view_item(const struct view *list, uint32_t index)
{
    ASSERT(list->node != NULL);
    ASSERT(list->node->kind == NODE_LIST);
    ASSERT(index < list->node->count);
    return (struct view){
        .reading = list->reading,
        .node = list->node->items[index],
        .parent = list,
        .index = index,
        .is_item = true,
    };
}

struct view view_entry(const struct view *map, uint32_t index)
{
    ASSERT(map->node != NULL);
    ASSERT(map->node->kind == NODE_MAP);
    ASSERT(index < map->node->count);
    return (struct view){
        .reading = map->reading,
        .node = map->node->entries[index].value,
        .parent = map,
        .key = map->node->entries[index].key,
    };
}

struct str view_str(const struct view *view, struct str name, struct str otherwise)
{
    struct view field = view_field(view, name);
    return view_own_str(&field, otherwise);
}

bool view_bool(const struct view *view, struct str name, bool otherwise)
{
    struct view field = view_field(view, name);
    return view_own_bool(&field, otherwise);
}

int64_t view_i64(const struct view *view, struct str name, int64_t min, int64_t max,
                 int64_t otherwise)
{
    struct view field = view_field(view, name);
    return view_own_i64(&field, min, max, otherwise);
}

double view_number(const struct view *view, struct str name, double otherwise)
{
    struct view field = view_field(view, name);
    return view_own_number(&field, otherwise);
}

int64_t view_duration_ns(const struct view *view, struct str name, int64_t otherwise)
{
    struct view field = view_field(view, name);
    return view_own_duration_ns(&field, otherwise);
}

int view_choice(const struct view *view, struct str name, const char *const *names, int otherwise)
{
    struct view field = view_field(view, name);
    struct str text = view_own_str(&field, STR_EMPTY);
    if (!view_is_present(&field) || field.node->kind != NODE_STRING)
        return otherwise;
    int name_count = 0;
    for (; names[name_count] != NULL; name_count++)
        if (str_eq(text, str_of(names[name_count])))
            return name_count;
    complain(&field, DIAG_BAD_CHOICE, text, listed(view->reading->arena, names, (size_t)name_count),
             suggestion(view->reading, nearest(text, names, (size_t)name_count)));
    return otherwise;
}

struct str view_own_str(const struct view *view, struct str otherwise)
{
    if (!view_is_present(view))
        return otherwise;
    if (view->node->kind == NODE_STRING)
        return view->node->text;
    struct str cure = STR_EMPTY;
    if (is_scalar(view->node))
        cure =
            arena_format(view->reading->arena, "; quote it: \"%.*s\"", STR_FMT(view->node->text));
    complain_of_type(view, node_kind_name(NODE_STRING), cure);
    return otherwise;
}

bool view_own_bool(const struct view *view, bool otherwise)
{
    if (!view_is_present(view))
        return otherwise;
    if (view->node->kind == NODE_BOOL)
        return view->node->boolean;
    complain_of_type(view, STR("true or false"),
                     view->node->is_quoted ? STR("; write it without quotes") : STR_EMPTY);
    return otherwise;
}

int64_t view_own_i64(const struct view *view, int64_t min, int64_t max, int64_t otherwise)
{
    if (!view_is_present(view))
        return otherwise;
    struct arena *arena = view->reading->arena;
    const struct node *node = view->node;
    int64_t value = node->integer;
    double number;
    if (!number_of(view, &number)) {
        complain_of_type(view, node_kind_name(NODE_INT), STR_EMPTY);
        return otherwise;
    }
    bool is_exact =
        node->kind == NODE_INT ||
        (node->kind == NODE_STRING && str_to_i64(node->text, INT64_MIN, INT64_MAX, &value));
    if (!is_exact && (floor(number) < number || floor(number) > number)) {
        complain(view, DIAG_NOT_WHOLE, node->text, STR_EMPTY, STR_EMPTY);
        return otherwise;
    }
    bool is_far = !is_exact && (number < -0x1p63 || number >= 0x1p63);
    if (!is_exact && !is_far)
        value = (int64_t)number; /* checked just now */
    if (is_far || value < min || value > max) {
        complain(view, DIAG_OUT_OF_RANGE, node->text, number_text(arena, min),
                 number_text(arena, max));
        return otherwise;
    }
    return value;
}

double view_own_number(const struct view *view, double otherwise)
{
    double number;
    if (!view_is_present(view))
        return otherwise;
    if (number_of(view, &number))
        return number;
    complain_of_type(view, node_kind_name(NODE_FLOAT), STR_EMPTY);
    return otherwise;
}

int64_t view_own_duration_ns(const struct view *view, int64_t otherwise)
{
    if (!view_is_present(view))
        return otherwise;
    const struct node *node = view->node;
    int64_t ns;
    if (!is_scalar(node)) {
        complain_of_type(view, STR("a duration such as 1.5s"), STR_EMPTY);
        return otherwise;
    }
    if (node->kind != NODE_STRING || !duration_parse(node->text, &ns)) {
        double number;
        struct str cure = STR_EMPTY;
        if (number_of(view, &number))
            cure = arena_format(view->reading->arena, "; did you mean %.*ss?", STR_FMT(node->text));
        complain(view, DIAG_BAD_DURATION, node->text, cure, STR_EMPTY);
        return otherwise;
    }
    if (ns < 0) {
        complain(view, DIAG_NEGATIVE_DURATION, node->text, STR_EMPTY, STR_EMPTY);
        return otherwise;
    }
    return ns;
}

void view_complain(const struct view *view, enum diag_id id, struct str arg0, struct str arg1)
{
    complain(view, id, arg0, arg1, STR_EMPTY);
}
