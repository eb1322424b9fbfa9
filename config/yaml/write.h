/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/write.h - a tree as JSON or YAML; read again, it is the same tree.
 *
 * The YAML is that of sigs.k8s.io/yaml, which istioctl and kubectl print with:
 * sequences not indented below their key, quotes where a plain word would be read
 * as something else, texts of several lines as blocks, others folded at column 80.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/rc.h"
#include "config/yaml/tree.h"

/* Appends to what `json` has begun; numbers by their value. */
void node_write(const struct node *node, struct json *json);

enum node_order {
    NODE_AS_WRITTEN,
    NODE_BY_KEY, /* as go-yaml sorts them: a2 before a10 */
};

/* Appends one document, with a line's end. RC_FULL: the buffer has no room. */
enum rc node_write_yaml(const struct node *node, enum node_order order, struct arena *arena,
                        struct buf *out) MUST_USE;

/* The same value as a tree without places; slices are borrowed. */
struct node *node_of_json(const struct json_value *value, struct arena *arena);
