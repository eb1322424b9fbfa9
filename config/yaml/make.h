/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/make.h - trees that no file holds: what one object means, written
 * as another object would write it, with the places of the first.
 *
 * Everything lives in the caller's arena; text is borrowed. Nodes of files may
 * be hung in as they are.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/yaml/tree.h"

struct maker {
    struct arena *arena;
    struct origin origin; /* of what is made next */
};

struct node *make_map(const struct maker *maker);
struct node *make_list(const struct maker *maker);
struct node *make_text(const struct maker *maker, struct str text);
struct node *make_whole(const struct maker *maker, int64_t number);
struct node *make_number(const struct maker *maker, double number);
struct node *make_bool(const struct maker *maker, bool is_true);
/* The same node again; what hangs below is shared. */
struct node *make_copy(const struct maker *maker, const struct node *node);

/* Adds to a map or a list that make_* made, and answers `value`. */
struct node *make_put(const struct maker *maker, struct node *map, struct str key,
                      struct node *value);
struct node *make_push(const struct maker *maker, struct node *list, struct node *value);

/* A new map or list as a field of `map`; a text as one, when it has any. */
struct node *make_put_map(const struct maker *maker, struct node *map, struct str key);
struct node *make_put_list(const struct maker *maker, struct node *map, struct str key);
void make_put_text(const struct maker *maker, struct node *map, struct str key, struct str text);
