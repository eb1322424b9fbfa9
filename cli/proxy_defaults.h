/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_defaults.h - which of a proxy's values nobody wrote, counted: said
 * beside proxy-config's tables, on standard error.
 */
#pragma once

#include "base/buf.h"
#include "cli/proxy_filter.h"
#include "config/profile/profile.h"

/* "retries 2 (...): 12 routes", a line for each value; nothing for a section that
 * has none. `shown` is what is left after filters. RC_FULL: the buffer's limit. */
enum rc proxy_defaults_print(const struct snapshot *shown, enum proxy_section section,
                             const struct profile *profile, struct arena *scratch,
                             struct buf *out) MUST_USE;
