/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/builder.h - nodes out of events: anchors, merge keys, limits.
 *
 * Told what stands in the file piece by piece, in the order of the bytes; the
 * stack of open lists and maps lives here. One builder reads one file; what
 * aliases unfold into is counted over all of its documents.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/origin.h"
#include "base/str.h"
#include "config/yaml/diag.h"
#include "config/yaml/tree.h"

/* A "<<" and how many keys were written before it. */
struct builder_merge {
    struct node *source;
    struct origin origin;
    uint32_t entries_before;
};

/* A list or map that is still open. Its items are gathered in arrays that are
 * used again by the next one of this depth, and copied when it closes. */
struct builder_frame {
    struct node *node;
    struct node **items;
    struct node_entry *entries;
    uint32_t item_capacity, entry_capacity;
    uint32_t height; /* of the tallest child so far */
    uint32_t anchor; /* index of its anchor, or MAP_NONE */
    uint32_t nodes_before;
    struct map keys;  /* to entry indexes; filled once there are many */
    struct node *key; /* read, its value not yet */
    struct origin key_origin;
    struct builder_merge *merges;
    uint32_t merge_count, merge_capacity;
};

struct builder_anchor {
    struct node *node;
    uint32_t node_count; /* unfolded */
    uint32_t height;     /* 0: a scalar */
    bool is_open;        /* its list or map has not ended yet */
};

struct builder {
    struct arena *arena;
    struct diag_list *diags;
    struct builder_frame frames[YAML_DEPTH_MAX];
    uint32_t depth;
    struct builder_anchor *anchors;
    uint32_t anchor_count, anchor_capacity;
    struct map anchor_names;
    uint32_t node_count; /* unfolded, of the whole file */
    struct node *root;   /* of this document; NULL: nothing yet */
    bool is_refused;     /* this document is beyond a limit */
    bool is_full;        /* the file is */
};

void builder_init(struct builder *builder, struct arena *arena, struct diag_list *diags);

/* Forgets the document before, and its anchors. */
void builder_begin_document(struct builder *builder);

/* A scalar whose text, origin and kind are known. `anchor` may be empty. */
void builder_add_scalar(struct builder *builder, struct node *scalar, struct str anchor);
void builder_add_alias(struct builder *builder, struct str anchor, struct origin origin);
/* NODE_LIST or NODE_MAP; its items come until builder_end. */
void builder_begin(struct builder *builder, enum node_kind kind, struct origin origin,
                   struct str anchor);
void builder_end(struct builder *builder);
