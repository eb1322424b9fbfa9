/* SPDX-License-Identifier: Apache-2.0
 *
 * base/base64.h - bytes from base64 (RFC 4648 4 and 5), and back.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* Of either alphabet. Ends of lines are skipped, "=" and what follows is not read. False: another
 * character is there. The bytes live in `arena`. */
bool base64_decode(struct str text, struct arena *arena, struct str *out);

/* Strictly base64url ("-" and "_"), with the right padding or without; blanks do not
 * count. False: it is none. In `arena`. */
bool base64url_decode(struct str text, struct arena *arena, struct str *out);

/* With "+", "/" and padding; in `arena`. */
struct str base64_encode(struct str bytes, struct arena *arena);
