/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/write.c - see write.h.
 *
 * Source: go.yaml.in/yaml/v2 emitterc.go, sorter.go.
 */
#include "config/yaml/write.h"

#include "base/check.h"
#include "config/yaml/emit.h"

#define INDENT 2u

_Static_assert(JSON_DEPTH_MAX > YAML_DEPTH_MAX, "every tree can be written");

/* Recursion is bounded by YAML_DEPTH_MAX. */
void node_write(const struct node *node, struct json *json)
{
    switch (node->kind) {
    case NODE_NULL:
        json_null(json);
        return;
    case NODE_BOOL:
        json_bool(json, node->boolean);
        return;
    case NODE_INT:
        json_i64(json, node->integer);
        return;
    case NODE_FLOAT:
        json_double(json, node->number);
        return;
    case NODE_STRING:
        json_str(json, node->text);
        return;
    case NODE_LIST:
        json_begin_array(json);
        for (uint32_t i = 0; i < node->count; i++)
            node_write(node->items[i], json);
        json_end_array(json);
        return;
    case NODE_MAP:
        json_begin_object(json);
        for (uint32_t i = 0; i < node->count; i++) {
            json_key(json, node->entries[i].key);
            node_write(node->entries[i].value, json);
        }
        json_end_object(json);
        return;
    }
    UNREACHABLE("node kind");
}

/* --- the order of keys ------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes of other scripts count as letters. */
static bool is_letter(char c)
{
    return (str_lower_char(c) >= 'a' && str_lower_char(c) <= 'z') || (unsigned char)c >= 0x80;
}

static size_t number_at(struct str text, size_t at, uint64_t *out)
{
    while (at < text.len && is_digit(text.ptr[at]))
        *out = *out * 10 + (uint64_t)(text.ptr[at++] - '0');
    return at;
}

/* The digits before this one begin a number that is not all zeros. */
static bool is_inside_number(struct str text, size_t at)
{
    while (at > 0 && is_digit(text.ptr[at - 1])) {
        if (text.ptr[--at] != '0')
            return true;
    }
    return false;
}

static int sign(bool is_less)
{
    return is_less ? -1 : 1;
}

static int order_at(struct str a, struct str b, size_t at)
{
    char x = a.ptr[at], y = b.ptr[at];
    uint64_t number_a = 0, number_b = 0;

    if (is_letter(x) || is_letter(y))
        return is_letter(x) && is_letter(y) ? sign((unsigned char)x < (unsigned char)y)
                                            : sign(is_letter(y));
    if ((x == '0' || y == '0') && is_inside_number(a, at))
        number_a = number_b = 1;
    size_t end_a = number_at(a, at, &number_a);
    size_t end_b = number_at(b, at, &number_b);
    if (number_a != number_b)
        return sign(number_a < number_b);
    return end_a != end_b ? sign(end_a < end_b) : sign(x < y);
}

static int order_keys(struct str a, struct str b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        if (a.ptr[i] != b.ptr[i])
            return order_at(a, b, i);
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

struct yaml {
    struct emitter emitter;
    enum node_order order;
};

/* Where each key stands. */
static uint32_t *places_of(struct yaml *yaml, const struct node *map)
{
    uint32_t *out = ARENA_ARRAY(yaml->emitter.arena, uint32_t, map->count);

    for (uint32_t i = 0; i < map->count; i++) {
        uint32_t at = i;
        for (; yaml->order == NODE_BY_KEY && at > 0 &&
               order_keys(map->entries[i].key, map->entries[out[at - 1]].key) < 0;
             at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
    return out;
}

/* --- YAML -------------------------------------------------------------------------- */

static bool is_block(const struct node *node)
{
    return (node->kind == NODE_LIST || node->kind == NODE_MAP) && node->count > 0;
}

static void write_scalar(struct yaml *yaml, const struct node *node, uint32_t indent)
{
    struct emitter *emitter = &yaml->emitter;

    switch (node->kind) {
    case NODE_NULL:
        emit(emitter, STR("null"));
        return;
    case NODE_BOOL:
        emit(emitter, node->boolean ? STR("true") : STR("false"));
        return;
    case NODE_INT:
    case NODE_FLOAT:
        emit(emitter, node->text);
        return;
    case NODE_STRING:
        emit_text(emitter, node->text, indent);
        return;
    case NODE_LIST:
        emit(emitter, STR("[]"));
        return;
    case NODE_MAP:
        emit(emitter, STR("{}"));
        return;
    }
    UNREACHABLE("node kind");
}

/* At the column `indent`, where its first line begins already. */
static void write_block(struct yaml *yaml, const struct node *node, uint32_t indent);

/* Behind a key that is not on one line with its value. */
static void write_entry_apart(struct yaml *yaml, const struct node_entry *entry, uint32_t indent)
{
    struct emitter *emitter = &yaml->emitter;

    emit(emitter, STR("? "));
    emit_text(emitter, entry->key, indent + INDENT);
    emit_line(emitter, indent);
    emit(emitter, STR(": "));
    write_block(yaml, entry->value, indent + INDENT);
}

static void write_entry(struct yaml *yaml, const struct node_entry *entry, uint32_t indent)
{
    struct emitter *emitter = &yaml->emitter;

    if (!emit_is_simple_key(entry->key)) {
        write_entry_apart(yaml, entry, indent);
        return;
    }
    emit_simple_key(emitter, entry->key);
    emit(emitter, STR(":"));
    if (!is_block(entry->value)) {
        emit(emitter, STR(" "));
        write_scalar(yaml, entry->value, indent + INDENT);
        return;
    }
    uint32_t inner = indent + (entry->value->kind == NODE_MAP ? INDENT : 0);
    emit_line(emitter, inner);
    write_block(yaml, entry->value, inner);
}

static void write_block(struct yaml *yaml, const struct node *node, uint32_t indent)
{
    if (!is_block(node)) {
        write_scalar(yaml, node, indent);
        return;
    }
    const uint32_t *places = node->kind == NODE_MAP ? places_of(yaml, node) : NULL;
    for (uint32_t i = 0; i < node->count; i++) {
        if (i > 0)
            emit_line(&yaml->emitter, indent);
        if (places != NULL) {
            write_entry(yaml, &node->entries[places[i]], indent);
            continue;
        }
        emit(&yaml->emitter, STR("- "));
        write_block(yaml, node->items[i], indent + INDENT);
    }
}

enum rc node_write_yaml(const struct node *node, enum node_order order, struct arena *arena,
                        struct buf *out)
{
    struct yaml yaml = {.emitter = {.out = out, .arena = arena}, .order = order};

    if (is_block(node))
        write_block(&yaml, node, 0);
    else
        write_scalar(&yaml, node, INDENT);
    emit_line(&yaml.emitter, 0);
    return yaml.emitter.is_full ? RC_FULL : RC_OK;
}

/* --- of JSON ----------------------------------------------------------------------- */

static void fill(struct node *out, const struct json_value *value, struct arena *arena)
{
    if (value->kind == JSON_ARRAY)
        out->items = ARENA_ARRAY(arena, struct node *, value->count);
    else if (value->kind == JSON_OBJECT)
        out->entries = ARENA_ARRAY(arena, struct node_entry, value->count);
    for (uint32_t i = 0; i < value->count; i++) {
        struct node *item = node_of_json(&value->items[i], arena);
        if (value->kind == JSON_ARRAY)
            out->items[i] = item;
        else
            out->entries[i] = (struct node_entry){.key = value->keys[i], .value = item};
    }
}

/* The reader of JSON has bounded the depth. */
struct node *node_of_json(const struct json_value *value, struct arena *arena)
{
    static const enum node_kind KINDS[] = {
        [JSON_NULL] = NODE_NULL,     [JSON_BOOL] = NODE_BOOL,  [JSON_NUMBER] = NODE_FLOAT,
        [JSON_STRING] = NODE_STRING, [JSON_ARRAY] = NODE_LIST, [JSON_OBJECT] = NODE_MAP,
    };
    struct node *out = ARENA_NEW(arena, struct node);

    out->kind = KINDS[value->kind];
    out->text = value->text;
    out->is_quoted = value->kind == JSON_STRING;
    out->boolean = str_eq(value->text, STR("true"));
    out->number = value->number;
    out->count = value->count;
    fill(out, value, arena);
    return out;
}
