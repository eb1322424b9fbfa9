/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/retry_priority.h - Envoy's previous_priorities: retries leave the
 * priorities whose endpoints were tried.
 *
 * After each two attempts their priorities get no more shares, and the others take
 * theirs. When nobody is left all begin anew. Source: Envoy's extension of that name;
 * ISTIO.md's retryRemoteLocalities.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "proxy/core/priority.h"
#include "proxy/model/cluster.h"

/* What an exchange remembers of it; zero at first. */
struct retry_priority {
    uint32_t forgotten_count; /* of those that were tried: from before it began anew */
    bool *is_excluded;        /* of each priority */
    struct priority_share *shares;
};

/* What has been tried, of which cluster, and how available its priorities are. */
struct retry_priority_question {
    const struct cluster *cluster;
    const uint32_t *tried; /* endpoints, in order */
    uint32_t tried_count;
    const struct priority_count *counts;
    uint32_t count;
};

/* The shares for this pick, in `arena`; NULL: the balancer's own. Asked again for each
 * pick of an attempt, as Envoy does. */
const struct priority_share *retry_priority_shares(struct retry_priority *state,
                                                   const struct retry_priority_question *asked,
                                                   struct arena *arena);
