/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/plain.h - the YAML that nearly everybody writes, read quickly.
 *
 * Block lists and maps whose keys and texts stand on one line, quoted or not, and
 * flow lists and maps, in ASCII. Everything else (block scalars, texts over
 * several lines, anchors, tags, tabs, other letters) and everything that is wrong
 * is not taken: libyaml reads it, and says what is wrong with it.
 *
 * What is taken is the tree that libyaml's events would have made, place by place;
 * tests/fuzz/fuzz_plain.c holds one against the other.
 */
#pragma once

#include <stdbool.h>

#include "config/yaml/piece.h"

/* True: the document, or that there is none, is in the builder (builder->root).
 * False: nothing has happened. */
bool plain_read(const struct piece *piece, struct builder *builder);
