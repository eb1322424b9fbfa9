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
        .istio_version = STR_INIT("1.31.0"),
        .route_timeout_ns = 15 * NS_SECOND,
        .has_default_retry = true,
        .has_inbound_retry = true,
        .has_auto_mtls = true,
        .lb = LB_LEAST_REQUEST,
        .connect_timeout_ns = 10 * NS_SECOND,
        .breakers = UNLIMITED,
        .is_unknown_host_passed = true,
        .is_sniffing = true,
        .is_normalizing_path = true,
    },
    {
        .name = STR_INIT("istio-1.0"),
        .istio_version = STR_INIT("1.0.4"),
        .route_timeout_ns = 15 * NS_SECOND,
        .has_old_authentication = true,
        .lb = LB_ROUND_ROBIN,
        .connect_timeout_ns = NS_SECOND,
        .breakers = {1024, 1024, 1024, 3},
        .has_panic = true,
        .has_consecutive_errors = true,
        .has_mirror_suffix = true,
    },
    {
        .name = STR_INIT("istio-latest"),
        .istio_version = STR_INIT("1.31.0"),
        .route_timeout_ns = 0,
        .has_default_retry = true,
        .has_inbound_retry = true,
        .has_auto_mtls = true,
        .lb = LB_LEAST_REQUEST,
        .connect_timeout_ns = 10 * NS_SECOND,
        .breakers = UNLIMITED,
        .is_unknown_host_passed = true,
        .is_sniffing = true,
        .is_normalizing_path = true,
    },
};

/* --- the same in words ------------------------------------------------------ */

static struct str timeout_words(const struct profile *profile, struct arena *arena)
{
    if (profile->route_timeout_ns == 0)
        return STR("none");
    return arena_format(arena, "%lld s, to clusters of the mesh",
                        (long long)(profile->route_timeout_ns / NS_SECOND));
}

static struct str connect_words(const struct profile *profile, struct arena *arena)
{
    return arena_format(arena, "%lld s", (long long)(profile->connect_timeout_ns / NS_SECOND));
}

static struct str lb_words(const struct profile *profile, struct arena *arena)
{
    (void)arena;
    return profile->lb == LB_ROUND_ROBIN ? STR("ROUND_ROBIN") : STR("LEAST_REQUEST");
}

static struct str breaker_words(const struct profile *profile, struct arena *arena)
{
    const struct breaker_limits *limits = &profile->breakers;

    if (limits->max_connections == BREAKER_UNLIMITED)
        return STR("no limits");
    return arena_format(arena, "%u connections, %u pending, %u requests, %u retries",
                        limits->max_connections, limits->max_pending_requests, limits->max_requests,
                        limits->max_retries);
}

/* Where the table says yes or no. */
#define YES_NO(function, member, yes, no)                                          \
    static struct str function(const struct profile *profile, struct arena *arena) \
    {                                                                              \
        (void)arena;                                                               \
        return profile->member ? STR(yes) : STR(no);                               \
    }

YES_NO(retry_words, has_default_retry,
       "2 (connect-failure, refused-stream, unavailable, cancelled, retriable-status-codes)",
       "none; where they are set without retryOn: 5xx, connect-failure, refused-stream")
YES_NO(inbound_retry_words, has_inbound_retry, "2 (reset-before-request)", "none")
YES_NO(client_mtls_words, has_auto_mtls, "auto mTLS", "plaintext")
YES_NO(server_mtls_words, has_old_authentication,
       "plaintext; Policy and MeshPolicy of authentication.istio.io count",
       "PERMISSIVE; Policy and MeshPolicy have no effect")
YES_NO(panic_words, has_panic, "50 % (Envoy's)", "0 %, never")
YES_NO(error_words, has_consecutive_errors, "counts gateway failures", "has no effect")
YES_NO(unknown_words, is_unknown_host_passed, "passed on (ALLOW_ANY)",
       "404; other connections are closed")
YES_NO(sniffing_words, is_sniffing, "the first bytes decide", "TCP")
YES_NO(path_words, is_normalizing_path, "BASE", "NONE")
YES_NO(mirror_words, has_mirror_suffix, "the caller's, with -shadow", "the caller's")

static const struct {
    struct str name;
    struct str (*words)(const struct profile *profile, struct arena *arena);
} SETTINGS[] = {
    {STR_INIT("timeout of a route"), timeout_words},
    {STR_INIT("retries"), retry_words},
    {STR_INIT("retries to the own application"), inbound_retry_words},
    {STR_INIT("load balancing"), lb_words},
    {STR_INIT("connect timeout"), connect_words},
    {STR_INIT("circuit breakers"), breaker_words},
    {STR_INIT("panic threshold"), panic_words},
    {STR_INIT("outlierDetection.consecutiveErrors"), error_words},
    {STR_INIT("mutual TLS of clients"), client_mtls_words},
    {STR_INIT("mutual TLS of servers"), server_mtls_words},
    {STR_INIT("unknown outbound hosts"), unknown_words},
    {STR_INIT("ports without a protocol"), sniffing_words},
    {STR_INIT("path normalization"), path_words},
    {STR_INIT("host of a mirrored request"), mirror_words},
};

bool profile_setting(const struct profile *profile, uint32_t index, struct arena *arena,
                     struct profile_setting *out)
{
    if (index >= COUNT_OF(SETTINGS))
        return false;
    *out = (struct profile_setting){.name = SETTINGS[index].name,
                                    .words = SETTINGS[index].words(profile, arena)};
    return true;
}
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
