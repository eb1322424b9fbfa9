/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_page.h - what proxy-config prints of one proxy: a table, JSON or
 * YAML, and beside it the values that nobody wrote.
 */
#pragma once

#include "cli/proxy_filter.h"
#include "config/profile/profile.h"

struct proxy_page {
    enum proxy_section section;
    struct proxy_filter filter;
    struct str output; /* short, table, json, yaml */
    bool is_brief;     /* --verbose=false */
    const struct profile *profile;
};

/* On standard output; false when that fails. */
bool proxy_page_print(const struct proxy_page *page, const struct snapshot *snapshot,
                      struct arena *arena);
/* On standard error. */
void proxy_page_print_defaults(const struct proxy_page *page, const struct snapshot *snapshot,
                               struct arena *arena);
