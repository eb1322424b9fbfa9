/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/health.h - which of a cluster's endpoints are ejected, as its
 * balancers know it.
 *
 * Written by outlier detection (shared.h), for all workers at once; read by
 * balancers, which look whether the version has moved before each choice and
 * then sort their endpoints anew. Envoy tells its workers the same way, and not
 * at once: what is known here may be older than the ejection (ENVOY.md 7.3).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct health {
    const atomic_uint *version;
    const atomic_bool *const *is_ejected; /* of each endpoint, by its index */
};

/* NULL: a cluster that ejects nobody. */

static inline uint32_t health_version(const struct health *health)
{
    return health == NULL ? 0 : atomic_load_explicit(health->version, memory_order_acquire);
}

static inline bool health_is_ejected(const struct health *health, uint32_t endpoint_index)
{
    return health != NULL &&
           atomic_load_explicit(health->is_ejected[endpoint_index], memory_order_relaxed);
}
