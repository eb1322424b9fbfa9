/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/path.h - path normalization as Envoy and the URL canonicalizer
 * under it do it (ENVOY.md 1.4). Only the part before "?" ever changes.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* Dot segments resolved, "\" taken for "/", needless escapes undone, characters
 * that do not belong escaped. False: the path is invalid (400). */
bool path_normalize(struct str path, struct arena *arena, struct str *out);

/* Runs of "/" become one. */
struct str path_merge_slashes(struct str path, struct arena *arena);

/* %2F and %5C, in either case, become "/" and "\". */
struct str path_unescape_slashes(struct str path, struct arena *arena);
