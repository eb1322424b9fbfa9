/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/transition_read.c - `transition`: a rollout from some manifests to
 * others, object by object, under a load.
 */
#include "testbed/runner/suite_inside.h"
#include "testbed/world/files.h"

static struct arena *arena_of(const struct suite_reading *reading)
{
    return reading->reading.arena;
}

static void side_read(struct suite_reading *in, const struct view *view, const char *name,
                      struct documents *out)
{
    struct view list = view_field(view, str_of(name));
    if (!view_is_present(&list))
        view_complain(view, DIAG_BAD_CHOICE, STR("transition"), STR("`from` and `to`"));
    for (uint32_t i = 0; i < want_list_count(&list); i++) {
        struct view item = want_list_item(&list, i);
        struct str path = want_scalar(&item, STR_EMPTY);
        /* A commit's files would have to be asked of git. */
        if (str_find(path, '@') != STR_NONE)
            view_complain(&item, DIAG_BAD_CHOICE, path,
                          STR("a path; `git worktree add DIR COMMIT` makes one of a commit"));
        else
            files_read(path, in->base_dir, arena_of(in), out, in->reading.diags);
    }
}

/* "all", or lists of KIND/NAME. */
static void orders_read(struct suite_reading *in, const struct view *view,
                        struct suite_transition *out)
{
    if (!view_is_present(view) || view->node->kind != NODE_LIST) {
        struct str word = want_scalar(view, STR("all"));
        if (!str_eq(word, STR("all")))
            view_complain(view, DIAG_BAD_CHOICE, word, STR("`all`, or lists of KIND/NAME"));
        return;
    }
    out->order_count = view_count(view);
    out->orders = ARENA_ARRAY(arena_of(in), struct text_list, out->order_count);
    for (uint32_t i = 0; i < out->order_count; i++) {
        struct view order = view_item(view, i);
        for (uint32_t k = 0; k < want_list_count(&order); k++) {
            struct view item = want_list_item(&order, k);
            text_list_add(&out->orders[i], want_scalar(&item, STR_EMPTY), arena_of(in));
        }
    }
}

struct suite_transition *transition_read(struct suite_reading *in, const struct view *view)
{
    static const struct field_row ROWS[] = {
        {"from", FIELD_USED}, {"to", FIELD_USED}, {"orders", FIELD_USED}, {"load", FIELD_USED}};
    if (!view_is_present(view))
        return NULL;
    struct suite_transition *out = ARENA_NEW(arena_of(in), struct suite_transition);
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    side_read(in, view, "from", &out->from);
    side_read(in, view, "to", &out->to);
    struct view orders = view_field(view, STR("orders"));
    orders_read(in, &orders, out);
    return out;
}

struct view transition_load(struct suite_reading *in, const struct view *transition)
{
    struct view load = view_map(transition, STR("load"));
    struct view lasting = view_field(&load, STR("for")), stages = view_field(&load, STR("stages"));
    if (!view_is_present(&load) || view_is_present(&lasting) || view_is_present(&stages))
        return load;
    struct node *second = ARENA_NEW(arena_of(in), struct node);
    *second = (struct node){.kind = NODE_STRING, .text = STR("1s"), .origin = load.node->origin};
    struct node_entry *entry = ARENA_NEW(arena_of(in), struct node_entry);
    *entry = (struct node_entry){.key = STR("for"), .value = second};
    struct node lasts = {.kind = NODE_MAP, .entries = entry, .count = 1};
    struct node *merged = ARENA_NEW(arena_of(in), struct node);
    *merged = *nodes_merged(load.node, &lasts, arena_of(in));
    merged->origin = load.node->origin;
    load.node = merged;
    return load;
}
