/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/field.h - fields of a spec whose shape was checked, with
 * protobuf's defaults: what is absent is empty, zero, false.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "config/validate/schema.h"
#include "config/yaml/view.h"

bool field_has(const struct view *view, struct str name); /* there, and not null */
struct str field_text(const struct view *view, struct str name);
int64_t field_number(const struct view *view, struct str name);
double field_double(const struct view *view, struct str name);
bool field_is_true(const struct view *view, struct str name);
uint32_t field_count(const struct view *view, struct str name); /* items or entries */
/* The choice's name, its first one when absent. */
struct str field_choice(const struct view *view, struct str name, enum schema_enum id);
/* Of a view's own node; texts and numbers of lists and maps. */
struct str field_own_text(const struct view *view);
int64_t field_own_number(const struct view *view);

/* Go's %q: the text in quotation marks, what cannot be printed escaped. */
struct str field_quoted(const struct view *view, struct str text);
/* A number as Go's %v has it: 1, 0.5. */
struct str field_of_double(const struct view *view, double number);
struct str field_of_number(const struct view *view, int64_t number);

/* Complaints of none, one or two arguments. */
void say(const struct view *view, enum diag_id id);
void say_text(const struct view *view, enum diag_id id, struct str text);
void say_number(const struct view *view, enum diag_id id, int64_t number);

/* Istio passes on the errors of subsets and ports, and loses their warnings:
 * takes back the warnings said since `first` (an index of the diagnostics). */
void field_lose_warnings(const struct view *view, uint32_t first);
