/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/scalar.h - what an unquoted word of YAML means to Kubernetes.
 *
 * The rules are those of the reader behind sigs.k8s.io/yaml (go-yaml v2): y,
 * yes, on and true are one boolean, 010 is eight, 08 is eight as well, 1e3 is
 * a number, 1:30 and 2001-01-01 are text.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "config/yaml/tree.h"

#define SCALAR_TAG_PREFIX "tag:yaml.org,2002:" /* what !! stands for */

/* Sets kind and value of a node by node->text, as if it were not quoted.
 * `arena` is for scratch. */
void scalar_resolve(struct node *node, struct arena *arena);

/* The same under a tag (SCALAR_TAG_PREFIX "int"); false when the text is no
 * such value. Tags that are not YAML's own make text of it. */
bool scalar_resolve_as(struct node *node, struct str tag, struct arena *arena);

/* The JSON key that a scalar becomes: true, 16, 1.5. Not for NODE_NULL. */
struct str scalar_key(const struct node *node, struct arena *arena);
