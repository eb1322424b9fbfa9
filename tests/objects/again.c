/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/objects/again.c - see again.h.
 */
#include "tests/objects/again.h"

#include "base/check.h"
#include "base/json.h"

#define PRINT_BYTES_MAX ((size_t)64 << 20)

/* Recursion is bounded by YAML_DEPTH_MAX; the writer's own bound is lower, and no
 * object that a cluster takes comes near it. */
static void print_node(const struct node *node, struct json *json)
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
            print_node(node->items[i], json);
        json_end_array(json);
        return;
    case NODE_MAP:
        json_begin_object(json);
        for (uint32_t i = 0; i < node->count; i++) {
            json_key(json, node->entries[i].key);
            print_node(node->entries[i].value, json);
        }
        json_end_object(json);
        return;
    }
    UNREACHABLE("node kind");
}

static struct str print_tree(const struct node *node, struct arena *arena)
{
    struct buf out;
    struct json json;

    buf_init(&out, PRINT_BYTES_MAX);
    json_init(&json, &out, 2);
    print_node(node, &json);
    struct str text = json_is_full(&json) ? STR_EMPTY : arena_str(arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static bool is_number(const struct node *node)
{
    return node->kind == NODE_INT || node->kind == NODE_FLOAT;
}

static bool is_same(const struct node *a, const struct node *b)
{
    /* 1.0 is printed as 1, as Go does. */
    if (is_number(a) && is_number(b))
        return !(a->number < b->number) && !(a->number > b->number);
    if (a->kind != b->kind || a->count != b->count)
        return false;
    if (a->kind == NODE_BOOL)
        return a->boolean == b->boolean;
    if (a->kind == NODE_STRING)
        return str_eq(a->text, b->text);
    for (uint32_t i = 0; a->kind == NODE_LIST && i < a->count; i++)
        if (!is_same(a->items[i], b->items[i]))
            return false;
    for (uint32_t i = 0; a->kind == NODE_MAP && i < a->count; i++)
        if (!str_eq(a->entries[i].key, b->entries[i].key) ||
            !is_same(a->entries[i].value, b->entries[i].value))
            return false;
    return true;
}

bool again_is_same(const struct node *node, struct arena *arena)
{
    struct documents read = {0};
    struct diag_list diags;
    struct str text = print_tree(node, arena);

    diag_list_init(&diags, arena);
    tree_read(STR("again.json"), text, arena, &read, &diags);
    return read.count == 1 && diags.count == 0 && is_same(node, read.items[0]) &&
           str_eq(text, print_tree(read.items[0], arena));
}
