/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/builder.c - the stack of open containers.
 *
 * A node of an alias is shared, not copied; it is counted as if it were
 * copied, because whoever walks the tree meets it that often.
 */
#include "config/yaml/builder.h"

#include "base/check.h"
#include "config/yaml/scalar.h"

/* Below this a look along the entries is quicker than a table. */
#define KEYS_WITHOUT_MAP 12u

static void complain(struct builder *builder, enum diag_id id, struct origin origin,
                     struct str arg0, struct str arg1)
{
    (void)diag_add(builder->diags, id, origin, STR_EMPTY, arg0, arg1, STR_EMPTY);
}

static struct str decimal(struct builder *builder, uint32_t value)
{
    return arena_format(builder->arena, "%u", value);
}

/* False when the file has unfolded into too much. */
static bool count_nodes(struct builder *builder, uint32_t count, struct origin origin)
{
    if (count <= YAML_NODES_MAX - builder->node_count) {
        builder->node_count += count;
        return true;
    }
    complain(builder, DIAG_TOO_MANY_NODES, origin, decimal(builder, YAML_NODES_MAX), STR_EMPTY);
    builder->is_full = true;
    builder->is_refused = true;
    return false;
}

/* False when `height` more levels here would be too deep. */
static bool check_depth(struct builder *builder, uint32_t height, struct origin origin)
{
    if (height <= YAML_DEPTH_MAX - builder->depth)
        return true;
    complain(builder, DIAG_TOO_DEEP, origin, decimal(builder, YAML_DEPTH_MAX), STR_EMPTY);
    builder->is_refused = true;
    return false;
}

static struct builder_frame *top_of(struct builder *builder)
{
    return builder->depth == 0 ? NULL : &builder->frames[builder->depth - 1];
}

/* The index of the entry, or MAP_NONE. */
static uint32_t find_key(struct builder_frame *frame, struct str key)
{
    if (frame->node->count > KEYS_WITHOUT_MAP)
        return map_get(&frame->keys, key);
    for (uint32_t i = 0; i < frame->node->count; i++)
        if (str_eq(frame->entries[i].key, key))
            return i;
    return MAP_NONE;
}

static void add_entry(struct builder *builder, struct builder_frame *frame, struct node_entry entry)
{
    struct node *map = frame->node;
    *ARENA_PUSH(builder->arena, frame->entries, map->count, frame->entry_capacity) = entry;
    if (map->count <= KEYS_WITHOUT_MAP)
        return;
    if (frame->keys.count == 0)
        map_init(&frame->keys, builder->arena);
    for (uint32_t i = frame->keys.count; i < map->count; i++)
        (void)map_set(&frame->keys, frame->entries[i].key, i);
}

static bool is_merge_key(const struct node *key)
{
    return key->kind == NODE_STRING && !key->is_quoted && str_eq(key->text, STR("<<"));
}

/* What a key says in JSON; false when it cannot be one. */
static bool key_text(struct builder *builder, const struct node *key, struct origin origin,
                     struct str *out)
{
    if (key->kind == NODE_LIST || key->kind == NODE_MAP || key->kind == NODE_NULL) {
        complain(builder, DIAG_BAD_KEY, origin, node_kind_name(key->kind), STR_EMPTY);
        return false;
    }
    *out = scalar_key(key, builder->arena);
    if (!str_eq(*out, key->text))
        complain(builder, DIAG_KEY_RESOLVED, origin, key->text, *out);
    return true;
}

static void add_to_map(struct builder *builder, struct builder_frame *frame, struct node *node,
                       struct origin origin)
{
    if (frame->key == NULL) {
        frame->key = node;
        frame->key_origin = origin;
        return;
    }
    const struct node *key = frame->key;
    frame->key = NULL;
    if (is_merge_key(key)) {
        *ARENA_PUSH(builder->arena, frame->merges, frame->merge_count, frame->merge_capacity) =
            (struct builder_merge){node, origin, frame->node->count};
        return;
    }
    struct node_entry entry = {.key_origin = frame->key_origin, .value = node};
    if (!key_text(builder, key, frame->key_origin, &entry.key))
        return;
    uint32_t before = find_key(frame, entry.key);
    if (before == MAP_NONE) {
        add_entry(builder, frame, entry);
        return;
    }
    uint32_t line = frame->entries[before].key_origin.line;
    complain(builder, DIAG_DUPLICATE_KEY, entry.key_origin, entry.key, decimal(builder, line));
}

/* `origin` is where it stands: for an alias not where the node stands. */
static void add_node(struct builder *builder, struct node *node, uint32_t height,
                     struct origin origin)
{
    struct builder_frame *frame = top_of(builder);
    if (frame == NULL) {
        builder->root = node;
        return;
    }
    if (height > frame->height)
        frame->height = height;
    if (frame->node->kind == NODE_MAP)
        add_to_map(builder, frame, node, origin);
    else
        *ARENA_PUSH(builder->arena, frame->items, frame->node->count, frame->item_capacity) = node;
}

/* Its index, or MAP_NONE for no name. A later anchor of a name hides the earlier. */
static uint32_t add_anchor(struct builder *builder, struct str name, struct builder_anchor anchor)
{
    if (name.len == 0)
        return MAP_NONE;
    uint32_t index = builder->anchor_count;
    *ARENA_PUSH(builder->arena, builder->anchors, builder->anchor_count, builder->anchor_capacity) =
        anchor;
    (void)map_set(&builder->anchor_names, arena_str(builder->arena, name), index);
    return index;
}

static void merge_map(struct builder *builder, struct builder_frame *frame,
                      const struct builder_merge *merge, uint32_t written_count,
                      const struct node *source)
{
    for (uint32_t i = 0; i < source->count; i++) {
        const struct node_entry *entry = &source->entries[i];
        uint32_t before = find_key(frame, entry->key);
        if (before == MAP_NONE)
            add_entry(builder, frame, *entry);
        else if (before < written_count && before < merge->entries_before)
            complain(builder, DIAG_MERGE_LATE, merge->origin, entry->key, STR_EMPTY);
    }
}

/* https://yaml.org/type/merge.html: of several maps the first one wins. */
static void merge_all(struct builder *builder, struct builder_frame *frame)
{
    uint32_t written_count = frame->node->count;
    for (uint32_t i = 0; i < frame->merge_count; i++) {
        const struct builder_merge *merge = &frame->merges[i];
        const struct node *source = merge->source;
        if (source->kind == NODE_MAP) {
            merge_map(builder, frame, merge, written_count, source);
            continue;
        }
        if (source->kind != NODE_LIST)
            complain(builder, DIAG_BAD_MERGE, merge->origin, node_kind_name(source->kind),
                     STR_EMPTY);
        for (uint32_t j = 0; source->kind == NODE_LIST && j < source->count; j++) {
            if (source->items[j]->kind == NODE_MAP)
                merge_map(builder, frame, merge, written_count, source->items[j]);
            else
                complain(builder, DIAG_BAD_MERGE, source->items[j]->origin,
                         arena_format(builder->arena, "a list with %.*s in it",
                                      STR_FMT(node_kind_name(source->items[j]->kind))),
                         STR_EMPTY);
        }
    }
}

/* The gathered items become the node's own. */
static void keep_items(struct builder *builder, const struct builder_frame *frame)
{
    struct node *node = frame->node;
    if (node->count == 0)
        return;
    if (node->kind == NODE_MAP)
        node->entries = arena_grow(builder->arena, frame->entries, node->count, node->count,
                                   sizeof(*node->entries));
    else
        node->items = arena_grow(builder->arena, frame->items, node->count, node->count,
                                 sizeof(*node->items));
}

/* Stands for an alias that means nothing: as if nobody had written a value. */
static void add_nothing(struct builder *builder, struct origin origin)
{
    struct node *node = ARENA_NEW(builder->arena, struct node);
    *node = (struct node){.kind = NODE_NULL, .origin = origin};
    add_node(builder, node, 0, origin);
}

void builder_init(struct builder *builder, struct arena *arena, struct diag_list *diags)
{
    *builder = (struct builder){.arena = arena, .diags = diags};
    builder_begin_document(builder);
}

void builder_begin_document(struct builder *builder)
{
    builder->depth = 0;
    builder->anchor_count = 0;
    builder->root = NULL;
    builder->is_refused = builder->is_full;
    map_init(&builder->anchor_names, builder->arena);
}

void builder_add_scalar(struct builder *builder, struct node *scalar, struct str anchor)
{
    if (!count_nodes(builder, 1, scalar->origin))
        return;
    (void)add_anchor(builder, anchor, (struct builder_anchor){.node = scalar, .node_count = 1});
    add_node(builder, scalar, 0, scalar->origin);
}

void builder_add_alias(struct builder *builder, struct str name, struct origin origin)
{
    uint32_t index = map_get(&builder->anchor_names, name);
    if (index == MAP_NONE || builder->anchors[index].is_open) {
        complain(builder, index == MAP_NONE ? DIAG_UNKNOWN_ANCHOR : DIAG_RECURSIVE_ALIAS, origin,
                 name, STR_EMPTY);
        if (count_nodes(builder, 1, origin))
            add_nothing(builder, origin);
        return;
    }
    const struct builder_anchor *anchor = &builder->anchors[index];
    if (count_nodes(builder, anchor->node_count, origin) &&
        check_depth(builder, anchor->height, origin))
        add_node(builder, anchor->node, anchor->height, origin);
}

void builder_begin(struct builder *builder, enum node_kind kind, struct origin origin,
                   struct str anchor)
{
    ASSERT(kind == NODE_LIST || kind == NODE_MAP);
    uint32_t nodes_before = builder->node_count;
    if (!check_depth(builder, 1, origin) || !count_nodes(builder, 1, origin))
        return;
    struct node *node = ARENA_NEW(builder->arena, struct node);
    node->kind = kind;
    node->origin = origin;
    struct builder_frame *frame = &builder->frames[builder->depth++];
    *frame = (struct builder_frame){
        .node = node,
        .items = frame->items,
        .entries = frame->entries,
        .item_capacity = frame->item_capacity,
        .entry_capacity = frame->entry_capacity,
        .nodes_before = nodes_before,
    };
    frame->anchor =
        add_anchor(builder, anchor, (struct builder_anchor){.node = node, .is_open = true});
}

void builder_end(struct builder *builder)
{
    ASSERT(builder->depth > 0);
    struct builder_frame *frame = top_of(builder);
    uint32_t height = frame->height + 1;
    merge_all(builder, frame);
    keep_items(builder, frame);
    builder->depth--;
    if (frame->anchor != MAP_NONE) {
        struct builder_anchor *anchor = &builder->anchors[frame->anchor];
        anchor->node_count = builder->node_count - frame->nodes_before;
        anchor->height = height;
        anchor->is_open = false;
    }
    add_node(builder, frame->node, height, frame->node->origin);
}
