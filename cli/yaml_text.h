/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/yaml_text.h - a JSON document as YAML in the form that istioctl prints:
 * keys sorted, sequences not indented below their key, quotes where a plain word
 * would be read as something else.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"

/* Appends, with a line's end. RC_FULL: the buffer has no room. */
enum rc yaml_text_append(const struct json_value *value, struct arena *arena,
                         struct buf *out) MUST_USE;
