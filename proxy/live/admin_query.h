/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/admin_query.h - one page being made, and what its query says.
 */
#pragma once

#include "proxy/live/admin_page.h"

struct admin_ask {
    const struct admin_state *state;
    const struct admin_proxy *proxy;
    struct arena *arena;
    struct str query; /* behind the question mark */
    struct admin_page *page;
};

/* The value of a parameter, decoded; false: it is not there. `?a` is the empty
 * value. */
bool admin_param(const struct admin_ask *ask, const char *name, struct str *value);

/* Text to the page's end. */
void admin_put(struct admin_page *page, struct str text);
void admin_format(struct admin_page *page, const char *format, ...) PRINTF_LIKE(2, 3);
/* The page is these words. */
void admin_say(struct admin_page *page, uint32_t status, struct str text);
void admin_set_json(struct admin_page *page);

/* The pages that are longer than a line (admin_stats.c, admin_clusters.c). */
void admin_stats(struct admin_ask *ask);
void admin_stats_prometheus(struct admin_ask *ask);
void admin_clusters(struct admin_ask *ask);
void admin_config_dump(struct admin_ask *ask);
void admin_listeners(struct admin_ask *ask);
void admin_server_info(struct admin_ask *ask);
/* Every worker's numbers; names are not made yet. */
struct stats_list;
struct stats_list *admin_gather(const struct admin_ask *ask, const struct snapshot *snapshot);
/* An expression of the query: NULL and a 400 page when it is wrong. */
struct regex_set;
const struct regex *admin_regex(struct admin_ask *ask, struct regex_set *set, struct str pattern);
