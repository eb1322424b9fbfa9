/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_page.h - what proxy-config prints of one proxy: a table, JSON or
 * YAML, and beside it the values that nobody wrote.
 */
#pragma once

#include "cli/proxy_filter.h"
#include "cli/proxy_secret.h"
#include "config/profile/profile.h"

struct proxy_page {
    enum proxy_section section;
    struct proxy_filter filter;
    struct str output; /* short, table, json, yaml */
    bool is_brief;     /* --verbose=false */
    const struct profile *profile;
    const struct documents *documents; /* of the manifests: Secrets */
    int64_t now_s;                     /* since 1970; certificates are valid then or not */
};

/* On standard output; false when that fails. */
bool proxy_page_print(const struct proxy_page *page, const struct snapshot *snapshot,
                      struct arena *arena);
/* On standard error: what nobody wrote, and why a secret is not there. */
void proxy_page_print_notes(const struct proxy_page *page, const struct snapshot *snapshot,
                            struct arena *arena);
