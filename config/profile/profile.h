/* SPDX-License-Identifier: Apache-2.0
 *
 * config/profile/profile.h - what differs between Istio versions: one table.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/model/policy.h"

struct profile {
    struct str name;
    struct str istio_version; /* which its proxies say they have */
    int64_t route_timeout_ns; /* where no timeout is set; 0: none */
    bool has_default_retry;   /* latest's two retries */
    bool has_inbound_retry;   /* a sidecar's two, to its own application */
    bool has_auto_mtls;
    bool has_old_authentication; /* Policy and MeshPolicy count; nothing said is plaintext */
    enum lb_policy lb;
    int64_t connect_timeout_ns;
    struct breaker_limits breakers;
    bool has_panic;              /* Envoy's threshold of 50 %; else 0, never */
    bool has_consecutive_errors; /* that field counts gateway failures; else it has no effect */
    bool is_unknown_host_passed; /* ALLOW_ANY; else 404 / refused */
    bool is_sniffing;            /* ports without a protocol; else they are TCP */
    bool is_normalizing_path;
    bool has_mirror_suffix; /* a mirror's host ends in -shadow */
};

/* One row of the table in words. */
struct profile_setting {
    struct str name; /* "timeout of a route" */
    struct str words;
};

/* NULL when there is no such profile. */
const struct profile *profile_find(struct str name);
const struct profile *profile_default(void);
/* All of them, for messages and help. */
const struct profile *profile_at(uint32_t index, uint32_t *count);

/* The table in words, in `arena`, row by row; false after the last one. */
bool profile_setting(const struct profile *profile, uint32_t index, struct arena *arena,
                     struct profile_setting *out);
