/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/label.h - maps from name to text (labels, annotations,
 * selectors) and lists of text, read from views.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "config/resource/mesh.h"
#include "config/yaml/view.h"

struct label_list {
    struct label *items;
    uint32_t count, capacity;
};

struct text_list {
    struct str *items;
    uint32_t count, capacity;
};

/* The text of a name or label. Kubernetes' YAML makes booleans of a bare y or n,
 * other YAML makes text of them: what was meant is clear, so they are taken
 * as text, with a warning. */
struct str label_text(const struct view *view, struct str otherwise);
/* The same of a map's field. */
struct str label_text_field(const struct view *view, struct str name, struct str otherwise);

/* The entries of a map of strings, in the file's order. */
struct label_list label_list_read(const struct view *map);
/* The items of a list of strings, in the file's order. */
struct text_list text_list_read(const struct view *list);

/* The value of `name`, or NULL. */
const struct str *label_find(const struct label *labels, uint32_t label_count, struct str name);
/* Adds or replaces. */
void label_list_set(struct label_list *list, struct str name, struct str value,
                    struct arena *arena);
/* Every label of `small` is in `big` with the same value. */
bool label_is_subset(const struct label *small, uint32_t small_count, const struct label *big,
                     uint32_t big_count);
/* By name, in byte order. */
void label_list_sort(struct label_list *list);

bool text_list_has(const struct text_list *list, struct str text);
void text_list_add(struct text_list *list, struct str text, struct arena *arena);
