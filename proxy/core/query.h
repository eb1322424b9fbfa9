/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/query.h - a query's parameters, decoded, as Envoy reads and writes them.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* "%41" is "A"; what is no such thing stays. In `arena`. */
struct str query_decoded(struct str text, struct arena *arena);

/* The first value of that name; in `arena`. False: there is none. */
bool query_get(struct str path, struct str name, struct arena *arena, struct str *value);

/* The path without that name's parameters. Envoy writes the others decoded as they are
 * and in the order of their names, each with "=". In `arena`. */
struct str query_without(struct str path, struct str name, struct arena *arena);
