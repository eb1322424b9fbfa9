/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/tree.h - YAML (and JSON, which is YAML) as a tree in which every
 * node knows its file, line and column.
 *
 * Reads what Kubernetes reads: several documents, anchors and merge keys,
 * scalars by YAML 1.1's rules as sigs.k8s.io/yaml resolves them (bare y, yes
 * and on are booleans, as measured; 1e3 is a number). A duplicate key is an
 * error; a key written out wins over a merged one. Size, depth and the number of nodes after alias
 * expansion are limited (limits below). The tree lives in the caller's arena.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/origin.h"
#include "base/str.h"
#include "config/yaml/diag.h"

#define YAML_FILE_BYTES_MAX (64u << 20) /* a dump of a large live cluster */
#define YAML_DEPTH_MAX 100              /* Kubernetes objects stay below 30 */
#define YAML_NODES_MAX 4000000u         /* after aliases: a billion laughs stops here */

enum node_kind { NODE_NULL, NODE_BOOL, NODE_INT, NODE_FLOAT, NODE_STRING, NODE_LIST, NODE_MAP };

struct node_entry;

struct node {
    enum node_kind kind;
    struct origin origin;
    struct str text; /* the scalar as written (unquoted, unescaped) */
    bool is_quoted;  /* or tagged !!str, or a block scalar */
    bool boolean;
    int64_t integer;            /* NODE_INT */
    double number;              /* NODE_INT and NODE_FLOAT */
    struct node **items;        /* NODE_LIST */
    struct node_entry *entries; /* NODE_MAP, in the file's order */
    uint32_t count;             /* of items or entries */
};

struct node_entry {
    struct str key;
    struct origin key_origin;
    struct node *value;
};

struct documents {
    struct node **items; /* never NULL entries; empty documents are left out */
    uint32_t count, capacity;
};

/* Appends a document's tree, unless there is nothing in it. */
void documents_add(struct documents *documents, struct node *root, struct arena *arena);

/* Appends the documents of `text` (the content of `file`) to `out`. What is
 * wrong goes to `diags`; a document with a syntax error, or beyond a limit, is
 * left out, the others are kept. */
void tree_read(struct str file, struct str text, struct arena *arena, struct documents *out,
               struct diag_list *diags);

/* The value of a map's key, or NULL (also when `map` is NULL or no map). */
const struct node *node_get(const struct node *map, struct str key);

/* "a string", "a list", ... for messages. */
struct str node_kind_name(enum node_kind kind);
