/* SPDX-License-Identifier: Apache-2.0
 *
 * config/profile/profile.h - what differs between Istio versions: one table.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/model/policy.h"

struct profile {
    struct str name;
    int64_t route_timeout_ns; /* where no timeout is set; 0: none */
    bool has_default_retry;   /* latest's two retries */
    bool has_auto_mtls;
    enum lb_policy lb;
    struct breaker_limits breakers;
    bool is_unknown_host_passed; /* ALLOW_ANY; else 404 / refused */
};

/* NULL when there is no such profile. */
const struct profile *profile_find(struct str name);
const struct profile *profile_default(void);
/* All of them, for messages and help. */
const struct profile *profile_at(uint32_t index, uint32_t *count);
