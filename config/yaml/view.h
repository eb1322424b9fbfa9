/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/view.h - reading fields of a tree without looking back.
 *
 * A view is a node together with the path that led to it, on the caller's
 * stack. Readers never fail visibly: what is wrong becomes a diagnostic, the
 * default is answered, and the reading remembers that there was an error.
 * Ten fields are read in ten lines; look at reading.error_count at the end.
 *
 *     static const struct field_row ROWS[] = {{"hosts", FIELD_USED}, ...};
 *     struct view spec = view_of(&reading, node);
 *     view_check_fields(&spec, ROWS, COUNT_OF(ROWS));
 *     struct view http = view_list(&spec, STR("http"));
 *     for (uint32_t i = 0; i < view_count(&http); i++) {
 *         struct view item = view_item(&http, i);
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/origin.h"
#include "base/str.h"
#include "config/yaml/diag.h"
#include "config/yaml/duration.h"
#include "config/yaml/tree.h"

enum unknown_field { UNKNOWN_WARN, UNKNOWN_ERROR };

/* One document's reading: where words of complaint go. */
struct reading {
    struct arena *arena;
    struct diag_list *diags;
    enum unknown_field unknown_field; /* RouteTest and validate: error; else warning */
    struct str object;                /* "VirtualService default/reviews", for messages */
    uint32_t error_count;
};

struct view {
    struct reading *reading;
    const struct node *node; /* NULL: absent (or null) */
    const struct view *parent;
    struct str key; /* in a map */
    uint32_t index; /* in a list */
    bool is_item;
};

enum field_use {
    FIELD_USED,
    FIELD_NO_EFFECT, /* a loud warning: known to Istio, not acted on here yet */
    FIELD_IGNORED,   /* known and rightly without meaning here (status, ...) */
};

struct field_row {
    const char *name;
    enum field_use use;
};

struct view view_of(struct reading *reading, const struct node *root);

bool view_is_present(const struct view *view);      /* there, and not null */
struct origin view_origin(const struct view *view); /* of the node, else of the nearest parent */
struct str view_path(const struct view *view);      /* spec.http[0].match, in reading->arena */

/* Reports unknown fields (with a suggestion by edit distance), snake_case
 * spellings are accepted for camelCase, and what rows say of known ones. A
 * node that is no map is reported too. */
void view_check_fields(const struct view *view, const struct field_row *rows, uint32_t row_count);

/* A field of a map; absent (node NULL) when it is not there. */
struct view view_field(const struct view *view, struct str name);
/* The same, and something else than a map (list) is an error and then absent. */
struct view view_map(const struct view *view, struct str name);
struct view view_list(const struct view *view, struct str name);

/* Of a list: its items. Of a map: its entries in the file's order. */
uint32_t view_count(const struct view *view);
struct view view_item(const struct view *list, uint32_t index);
struct view view_entry(const struct view *map, uint32_t index); /* .key is the key */

/* Values of a map's field. Slices live as long as the tree. As protobuf's JSON
 * has it: a number is no string, a string is no boolean, but whole numbers may
 * stand in quotes and 1e3 or 2.0 is whole. */
struct str view_str(const struct view *view, struct str name, struct str otherwise);
bool view_bool(const struct view *view, struct str name, bool otherwise);
int64_t view_i64(const struct view *view, struct str name, int64_t min, int64_t max,
                 int64_t otherwise);
double view_number(const struct view *view, struct str name, double otherwise);
/* Go durations as Kubernetes takes them (1.5s, 500ms, 1h2m) in ns; >= 0. */
int64_t view_duration_ns(const struct view *view, struct str name, int64_t otherwise);
/* Index into `names` (NULL-terminated), or `otherwise`; anything else is an
 * error that lists them. */
int view_choice(const struct view *view, struct str name, const char *const *names, int otherwise);

/* The same of the view's own node. */
struct str view_own_str(const struct view *view, struct str otherwise);
bool view_own_bool(const struct view *view, bool otherwise);
int64_t view_own_i64(const struct view *view, int64_t min, int64_t max, int64_t otherwise);
double view_own_number(const struct view *view, double otherwise);
int64_t view_own_duration_ns(const struct view *view, int64_t otherwise);

/* The key is the field's name, or protobuf's spelling of it with underscores. */
bool view_is_named(struct str key, struct str name);

/* A complaint at this view; arguments beyond the row's are empty. */
void view_complain(const struct view *view, enum diag_id id, struct str arg0, struct str arg1);
