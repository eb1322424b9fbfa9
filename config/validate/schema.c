/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/schema.c - see schema.h.
 *
 * The words are those of Go's jsonpb and encoding/json, which istioctl passes
 * on. Two fields of one oneof are no error there: the later one wins.
 */
#include "config/validate/schema.h"

#include <math.h>

#include "base/check.h"
#include "base/json.h"
#include "config/yaml/duration.h"

static const struct schema_field ROWS[] = {
#define MESSAGE(id, full_name) \
    {.name = STR_INIT(full_name), .type = SCHEMA_HEAD, .target = SCHEMA_##id},
#define FIELD(field_name, field_shape, field_type) \
    {.name = STR_INIT(field_name), .shape = SCHEMA_##field_shape, .type = SCHEMA_##field_type},
#define CHOICE(field_name, field_shape, id) \
    {.name = STR_INIT(field_name),          \
     .shape = SCHEMA_##field_shape,         \
     .type = SCHEMA_CHOICE,                 \
     .target = SCHEMA_ENUM_##id},
#define CHILD(field_name, field_shape, id) \
    {.name = STR_INIT(field_name),         \
     .shape = SCHEMA_##field_shape,        \
     .type = SCHEMA_CHILD,                 \
     .target = SCHEMA_##id},
#define ENUM(id, full_name, names)
#include "config/validate/schema.def"
#undef MESSAGE
#undef FIELD
#undef CHOICE
#undef CHILD
#undef ENUM
};

static const struct {
    struct str full_name, names;
} ENUMS[SCHEMA_ENUM_COUNT] = {
#define MESSAGE(id, full_name)
#define FIELD(name, shape, type)
#define CHOICE(name, shape, id)
#define CHILD(name, shape, id)
#define ENUM(id, full, all) [SCHEMA_ENUM_##id] = {STR_INIT(full), STR_INIT(all)},
#include "config/validate/schema.def"
#undef MESSAGE
#undef FIELD
#undef CHOICE
#undef CHILD
#undef ENUM
};

/* What encoding/json calls a Go type. */
static const struct str GO_TYPES[] = {
    [SCHEMA_BOOL] = STR_INIT("bool"),     [SCHEMA_INT32] = STR_INIT("int32"),
    [SCHEMA_INT64] = STR_INIT("int64"),   [SCHEMA_UINT32] = STR_INIT("uint32"),
    [SCHEMA_UINT64] = STR_INIT("uint64"), [SCHEMA_DOUBLE] = STR_INIT("float64"),
    [SCHEMA_FLOAT] = STR_INIT("float32"), [SCHEMA_STRING] = STR_INIT("string"),
    [SCHEMA_BYTES] = STR_INIT("[]uint8"), [SCHEMA_DURATION] = STR_INIT("string"),
    [SCHEMA_CHOICE] = STR_INIT("int32"),
};

static const struct schema_field *head_of(enum schema_message message)
{
    for (size_t i = 0; i < COUNT_OF(ROWS); i++)
        if (ROWS[i].type == SCHEMA_HEAD && ROWS[i].target == message)
            return &ROWS[i];
    UNREACHABLE("message");
}

/* "string", "number", ... as encoding/json speaks of what it found. */
static struct str json_kind(const struct node *node)
{
    switch (node->kind) {
    case NODE_NULL:
        return STR("null");
    case NODE_BOOL:
        return STR("bool");
    case NODE_INT:
    case NODE_FLOAT:
        return STR("number");
    case NODE_STRING:
        return STR("string");
    case NODE_LIST:
        return STR("array");
    case NODE_MAP:
        return STR("object");
    }
    UNREACHABLE("node kind");
}

static bool refuse(const struct view *view, struct str found, struct str wanted)
{
    view_complain(view, DIAG_V_CANNOT_UNMARSHAL, found, wanted);
    return false;
}

static bool is_between(enum schema_type type, double number)
{
    switch (type) {
    case SCHEMA_INT32:
        return number >= -2147483648.0 && number <= 2147483647.0;
    case SCHEMA_UINT32:
        return number >= 0 && number <= 4294967295.0;
    case SCHEMA_INT64:
        return number >= -9223372036854775808.0 && number < 9223372036854775808.0;
    case SCHEMA_UINT64:
        return number >= 0 && number < 18446744073709551616.0;
    case SCHEMA_BOOL:
    case SCHEMA_DOUBLE:
    case SCHEMA_FLOAT:
    case SCHEMA_STRING:
    case SCHEMA_BYTES:
    case SCHEMA_DURATION:
    case SCHEMA_STRUCT:
    case SCHEMA_ANY:
    case SCHEMA_CHOICE:
    case SCHEMA_CHILD:
    case SCHEMA_HEAD:
        return true;
    }
    UNREACHABLE("type");
}

static bool is_whole(enum schema_type type)
{
    return type == SCHEMA_INT32 || type == SCHEMA_INT64 || type == SCHEMA_UINT32 ||
           type == SCHEMA_UINT64;
}

/* A number, which may stand in quotes. */
static bool check_number(const struct view *view, enum schema_type type)
{
    const struct node *node = view->node;
    struct arena *arena = view->reading->arena;
    struct json_value value = {.number = node->number};
    size_t where;

    if (node->kind == NODE_STRING) {
        if (node->text.len == 0) {
            view_complain(view, DIAG_V_JSON_END, STR_EMPTY, STR_EMPTY);
            return false;
        }
        if (json_read(node->text, arena, &value, &where) != RC_OK) {
            view_complain(view, DIAG_V_JSON_CHARACTER, str_slice(node->text, 0, 1), STR_EMPTY);
            return false;
        }
        if (value.kind != JSON_NUMBER)
            return refuse(view, STR("string"), GO_TYPES[type]);
    } else if (node->kind != NODE_INT && node->kind != NODE_FLOAT) {
        return refuse(view, json_kind(node), GO_TYPES[type]);
    }
    if (is_whole(type) && (floor(value.number) != value.number || !is_between(type, value.number)))
        return refuse(view, arena_concat(arena, STR("number "), node->text), GO_TYPES[type]);
    return true;
}

static bool check_choice(const struct view *view, enum schema_enum id)
{
    const struct node *node = view->node;

    if (node->kind == NODE_STRING) {
        struct str rest = ENUMS[id].names;
        while (rest.ptr != NULL)
            if (str_eq(str_cut(&rest, ' '), node->text))
                return true;
        view_complain(view, DIAG_V_ENUM_VALUE, node->text, ENUMS[id].full_name);
        return false;
    }
    return check_number(view, SCHEMA_INT32);
}

/* The reason that Go's time.ParseDuration gives. */
static struct str duration_fault(const struct view *view, struct str text)
{
    struct str rest = text;

    while (rest.len > 0 && (rest.ptr[0] == '-' || rest.ptr[0] == '+' || rest.ptr[0] == '.' ||
                            (rest.ptr[0] >= '0' && rest.ptr[0] <= '9')))
        rest = str_from(rest, 1);
    bool has_number = rest.len < text.len && text.ptr[text.len - rest.len - 1] >= '0';
    if (has_number && rest.len == 0)
        return STR("missing unit in duration");
    size_t unit_len = 0;
    while (unit_len < rest.len && rest.ptr[unit_len] != '.' &&
           !(rest.ptr[unit_len] >= '0' && rest.ptr[unit_len] <= '9'))
        unit_len++;
    if (has_number)
        return arena_format(view->reading->arena, "unknown unit \"%.*s\" in duration",
                            (int)unit_len, rest.ptr);
    return STR("invalid duration");
}

static bool check_duration(const struct view *view)
{
    int64_t ns;

    if (view->node->kind != NODE_STRING)
        return refuse(view, json_kind(view->node), GO_TYPES[SCHEMA_DURATION]);
    if (duration_parse(view->node->text, &ns))
        return true;
    view_complain(view, DIAG_V_BAD_DURATION, duration_fault(view, view->node->text),
                  view->node->text);
    return false;
}

static bool check_message(const struct view *view, enum schema_message message, bool is_strict);

/* One value; null stands for nothing, as protobuf's JSON has it. */
static bool check_value(const struct view *view, const struct schema_field *field, bool is_strict)
{
    const struct node *node = view->node;

    if (node->kind == NODE_NULL)
        return true;
    switch (field->type) {
    case SCHEMA_BOOL:
        return node->kind == NODE_BOOL || refuse(view, json_kind(node), GO_TYPES[SCHEMA_BOOL]);
    case SCHEMA_INT32:
    case SCHEMA_INT64:
    case SCHEMA_UINT32:
    case SCHEMA_UINT64:
    case SCHEMA_DOUBLE:
    case SCHEMA_FLOAT:
        return check_number(view, field->type);
    case SCHEMA_STRING:
    case SCHEMA_BYTES:
        return node->kind == NODE_STRING || refuse(view, json_kind(node), GO_TYPES[field->type]);
    case SCHEMA_DURATION:
        return check_duration(view);
    case SCHEMA_STRUCT:
        return node->kind == NODE_MAP ||
               refuse(view, json_kind(node), STR("map[string]json.RawMessage"));
    case SCHEMA_ANY:
        return true;
    case SCHEMA_CHOICE:
        return check_choice(view, (enum schema_enum)field->target);
    case SCHEMA_CHILD:
        return check_message(view, (enum schema_message)field->target, is_strict);
    case SCHEMA_HEAD:
        break;
    }
    UNREACHABLE("type");
}

static bool is_key_fine(const struct view *entry, enum schema_shape shape)
{
    uint64_t number;

    if (shape != SCHEMA_MAP_OF_NUMBERS || str_to_u64(entry->key, UINT32_MAX, &number))
        return true;
    view_complain(entry, DIAG_V_JSON_CHARACTER, str_slice(entry->key, 0, 1), STR_EMPTY);
    return false;
}

static bool check_field(const struct view *view, const struct schema_field *field, bool is_strict)
{
    bool is_fine = true;

    if (field->shape == SCHEMA_ONE)
        return check_value(view, field, is_strict);
    if (field->shape == SCHEMA_LIST) {
        if (view->node->kind != NODE_LIST)
            return refuse(view, json_kind(view->node), STR("[]json.RawMessage"));
        for (uint32_t i = 0; i < view_count(view); i++) {
            struct view item = view_item(view, i);
            is_fine &= check_value(&item, field, is_strict);
        }
        return is_fine;
    }
    if (view->node->kind != NODE_MAP)
        return refuse(view, json_kind(view->node), STR("map[string]json.RawMessage"));
    for (uint32_t i = 0; i < view_count(view); i++) {
        struct view entry = view_entry(view, i);
        is_fine &= is_key_fine(&entry, field->shape) && check_value(&entry, field, is_strict);
    }
    return is_fine;
}

/* Of recursion: messages nest as deep as the document, which is limited. */
static bool check_message(const struct view *view, enum schema_message message, bool is_strict)
{
    uint32_t field_count;
    const struct schema_field *fields = schema_fields(message, &field_count);
    bool is_fine = true;

    if (view->node->kind != NODE_MAP)
        return refuse(view, json_kind(view->node), STR("map[string]json.RawMessage"));
    bool *is_known = ARENA_ARRAY(view->reading->arena, bool, view->node->count);
    for (uint32_t i = 0; i < field_count; i++) {
        struct view child = view_field(view, fields[i].name);
        for (uint32_t k = 0; k < view->node->count; k++)
            is_known[k] |= view_is_named(view->node->entries[k].key, fields[i].name);
        if (child.node != NULL)
            is_fine &= check_field(&child, &fields[i], is_strict);
    }
    for (uint32_t k = 0; is_strict && k < view->node->count; k++) {
        if (is_known[k])
            continue;
        struct node at_key = {.origin = view->node->entries[k].key_origin};
        struct view unknown = view_entry(view, k);
        unknown.node = &at_key;
        view_complain(&unknown, DIAG_V_UNKNOWN_FIELD, unknown.key, fields[-1].name);
        is_fine = false;
    }
    return is_fine;
}

const struct schema_field *schema_fields(enum schema_message message, uint32_t *count)
{
    const struct schema_field *first = head_of(message) + 1;
    const struct schema_field *end = ROWS + COUNT_OF(ROWS);

    *count = 0;
    while (first + *count < end && first[*count].type != SCHEMA_HEAD)
        ++*count;
    return first;
}

bool schema_check(const struct view *spec, enum schema_message message, bool is_strict)
{
    if (!view_is_present(spec))
        return true;
    return check_message(spec, message, is_strict);
}

struct str schema_choice_name(enum schema_enum id, const struct node *node)
{
    struct str rest = ENUMS[id].names;

    if (node == NULL || node->kind == NODE_NULL)
        return str_cut(&rest, ' ');
    if (node->kind == NODE_STRING)
        return node->text;
    for (int64_t number = 0; rest.ptr != NULL; number++) {
        struct str name = str_cut(&rest, ' ');
        if (number == node->integer)
            return name;
    }
    return STR_EMPTY;
}
