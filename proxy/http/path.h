/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/path.h - path normalization as Envoy and the GURL canonicalizer do
 * it (ENVOY.md 1.4).
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* Only the part before "?" changes. False: the path is invalid (400). */
bool path_normalize(struct str path, struct arena *arena, struct str *out);
struct str path_merge_slashes(struct str path, struct arena *arena);
