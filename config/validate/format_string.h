/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/format_string.h - %COMMAND(arguments)% in a header's value, as
 * Envoy reads it. Source: ISTIO.md 9.2, "bad % syntax".
 */
#pragma once

#include "base/str.h"
#include "config/yaml/diag.h"

/* What is wrong with it, or DIAG_ID_COUNT. */
enum diag_id format_string_check(struct str value);
