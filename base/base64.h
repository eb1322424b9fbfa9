/* SPDX-License-Identifier: Apache-2.0
 *
 * base/base64.h - bytes from base64 (RFC 4648 4 and 5, one alphabet or the other).
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* Ends of lines are skipped, "=" and what follows is not read. False: another
 * character is there. The bytes live in `arena`. */
bool base64_decode(struct str text, struct arena *arena, struct str *out);
