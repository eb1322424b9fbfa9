/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/objects/again.h - a tree, printed as JSON and as YAML, and read again.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "config/yaml/tree.h"

/* The trees that are read from its prints have the same kinds, keys, texts and
 * numbers in the same order, and print the same. */
bool again_is_same(const struct node *node, struct arena *arena);
