/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/objects/again.c - see again.h.
 */
#include "tests/objects/again.h"

#include "config/yaml/write.h"

#define PRINT_BYTES_MAX ((size_t)64 << 20)

enum form { FORM_JSON, FORM_YAML };

static struct str print_tree(const struct node *node, enum form form, struct arena *arena)
{
    struct buf out;
    struct json json;
    bool is_whole;

    buf_init(&out, PRINT_BYTES_MAX);
    if (form == FORM_JSON) {
        json_init(&json, &out, 2);
        node_write(node, &json);
        is_whole = !json_is_full(&json);
    } else {
        is_whole = node_write_yaml(node, NODE_AS_WRITTEN, arena, &out) == RC_OK;
    }
    struct str text = is_whole ? arena_str(arena, buf_str(&out)) : STR_EMPTY;
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

static bool is_same_as(const struct node *node, enum form form, struct arena *arena)
{
    struct documents read = {0};
    struct diag_list diags;
    struct str text = print_tree(node, form, arena);

    diag_list_init(&diags, arena);
    tree_read(STR("again"), text, arena, &read, &diags);
    return read.count == 1 && diags.count == 0 && is_same(node, read.items[0]) &&
           str_eq(text, print_tree(read.items[0], form, arena));
}

bool again_is_same(const struct node *node, struct arena *arena)
{
    return is_same_as(node, FORM_JSON, arena) && is_same_as(node, FORM_YAML, arena);
}
