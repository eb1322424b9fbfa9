/* SPDX-License-Identifier: Apache-2.0
 *
 * config/profile/profile.c - the table of profiles.
 *
 * istio-latest is what istiod 1.31 does. pocketmesh is the same but for the
 * 15 s that Istio's documentation long promised. istio-1.0 is what 1.0 promised
 * and did (ISTIO.md 11).
 */
#include "config/profile/profile.h"

#include "base/check.h"
#include "base/ns.h"

#define UNLIMITED                                                                  \
    {                                                                              \
        BREAKER_UNLIMITED, BREAKER_UNLIMITED, BREAKER_UNLIMITED, BREAKER_UNLIMITED \
    }

static const struct profile PROFILES[] = {
    {
        .name = STR_INIT("pocketmesh"),
        .route_timeout_ns = 15 * NS_SECOND,
        .has_default_retry = true,
        .has_auto_mtls = true,
        .lb = LB_LEAST_REQUEST,
        .breakers = UNLIMITED,
        .is_unknown_host_passed = true,
    },
    {
        .name = STR_INIT("istio-1.0"),
        .route_timeout_ns = 15 * NS_SECOND,
        .has_default_retry = false,
        .has_auto_mtls = false,
        .lb = LB_ROUND_ROBIN,
        .breakers = {1024, 1024, 1024, 3},
        .is_unknown_host_passed = false,
    },
    {
        .name = STR_INIT("istio-latest"),
        .route_timeout_ns = 0,
        .has_default_retry = true,
        .has_auto_mtls = true,
        .lb = LB_LEAST_REQUEST,
        .breakers = UNLIMITED,
        .is_unknown_host_passed = true,
    },
};

const struct profile *profile_find(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(PROFILES); i++) {
        if (str_eq(PROFILES[i].name, name))
            return &PROFILES[i];
    }
    return NULL;
}

const struct profile *profile_default(void)
{
    return &PROFILES[0];
}

const struct profile *profile_at(uint32_t index, uint32_t *count)
{
    *count = COUNT_OF(PROFILES);
    return index < COUNT_OF(PROFILES) ? &PROFILES[index] : NULL;
}
