/* SPDX-License-Identifier: Apache-2.0
 *
 * base/base64.h - three bytes in four letters: RFC 4648, both alphabets.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* Of base64url ("-" and "_"), with padding or without; blanks do not count. In `arena`. False:
 * it is none. */
bool base64url_decode(struct str text, struct arena *arena, struct str *out);
/* With "+", "/" and padding; in `arena`. */
struct str base64_encode(struct str bytes, struct arena *arena);
