/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/ssl_stats.c - see ssl_stats.h.
 */
#include "proxy/core/ssl_stats.h"

#include <string.h>

#include "base/check.h"

#define PREFIX STR("ssl.")
#define NAMES_MAX 64u /* of versions, ciphers, curves and signatures there are fewer */

/* Those that are counted, then those that never move. */
static const struct str NAMES[] = {
#define SSL(name) STR_INIT(#name),
#define STILL(name)
#define NAMED(scope, of_cluster, of_listener)
#include "proxy/core/ssl_stats.def"
#undef SSL
#undef STILL
#define SSL(name)
#define STILL(name) STR_INIT(#name),
#include "proxy/core/ssl_stats.def"
#undef SSL
#undef STILL
#undef NAMED
};

static const struct scope {
    struct str name, of_cluster, of_listener;
} SCOPES[] = {
#define SSL(name)
#define STILL(name)
#define NAMED(scope, of_cluster, of_listener) \
    {STR_INIT(#scope), STR_INIT(of_cluster), STR_INIT(of_listener)},
#include "proxy/core/ssl_stats.def"
#undef SSL
#undef STILL
#undef NAMED
};

static struct ssl_stats *made(struct ssl_stats **stats, struct arena *arena)
{
    if (*stats == NULL)
        *stats = ARENA_NEW(arena, struct ssl_stats);
    return *stats;
}

static struct ssl_name *find(const struct ssl_stats *stats, enum ssl_scope scope, struct str name)
{
    for (uint32_t i = 0; i < stats->name_count; i++) {
        if (stats->names[i].scope == scope && str_eq(stats->names[i].name, name))
            return &stats->names[i];
    }
    return NULL;
}

static void count_name(struct ssl_stats *stats, enum ssl_scope scope, struct str name,
                       uint64_t count, struct arena *arena)
{
    if (name.len == 0)
        return;
    struct ssl_name *found = find(stats, scope, name);
    if (found == NULL && stats->name_count == NAMES_MAX)
        return;
    if (found == NULL) {
        found = ARENA_PUSH(arena, stats->names, stats->name_count, stats->name_capacity);
        *found = (struct ssl_name){.scope = scope, .name = arena_str(arena, name)};
    }
    found->count += count;
}

void ssl_stats_note_handshake(struct ssl_stats **stats, const struct ssl_handshake *handshake,
                              struct arena *arena)
{
    struct ssl_stats *all = made(stats, arena);
    all->counters[STAT_SSL_handshake]++;
    all->counters[STAT_SSL_session_reused] += handshake->is_resumed;
    all->counters[STAT_SSL_no_certificate] += !handshake->has_peer;
    count_name(all, SSL_SCOPE_versions, handshake->version, 1, arena);
    count_name(all, SSL_SCOPE_ciphers, handshake->cipher, 1, arena);
    count_name(all, SSL_SCOPE_curves, handshake->curve, 1, arena);
    count_name(all, SSL_SCOPE_sigalgs, handshake->sigalg, 1, arena);
}

/* What no counter of TLS has is the system's, or nobody's. */
static enum ssl_stat stat_of(enum tls_failure failure)
{
    switch (failure) {
    case TLS_FINE:
    case TLS_ENDED:
    case TLS_RESET:
    case TLS_SECRET_ABSENT:
        return STAT_SSL_COUNT;
    case TLS_ISSUER_UNKNOWN:
    case TLS_SELF_SIGNED:
    case TLS_EXPIRED:
    case TLS_NOT_YET_VALID:
    case TLS_CERTIFICATE_WRONG:
        return STAT_SSL_fail_verify_error;
    case TLS_NAME_MISMATCH:
    case TLS_NAME_NOT_LISTED:
        return STAT_SSL_fail_verify_san;
    case TLS_HASH_NOT_LISTED:
        return STAT_SSL_fail_verify_cert_hash;
    case TLS_NO_CERTIFICATE:
        return STAT_SSL_fail_verify_no_cert;
    case TLS_WRONG_VERSION_NUMBER:
    case TLS_HTTP_REQUEST:
    case TLS_UNSUPPORTED_PROTOCOL:
    case TLS_NO_SHARED_CIPHER:
    case TLS_DECODE_ERROR:
    case TLS_UNEXPECTED_MESSAGE:
    case TLS_ALERT_UNEXPECTED_MESSAGE:
    case TLS_ALERT_HANDSHAKE_FAILURE:
    case TLS_ALERT_BAD_CERTIFICATE:
    case TLS_ALERT_UNSUPPORTED_CERTIFICATE:
    case TLS_ALERT_CERTIFICATE_EXPIRED:
    case TLS_ALERT_CERTIFICATE_UNKNOWN:
    case TLS_ALERT_ILLEGAL_PARAMETER:
    case TLS_ALERT_UNKNOWN_CA:
    case TLS_ALERT_DECODE_ERROR:
    case TLS_ALERT_PROTOCOL_VERSION:
    case TLS_ALERT_INTERNAL_ERROR:
    case TLS_ALERT_UNRECOGNIZED_NAME:
    case TLS_ALERT_CERTIFICATE_REQUIRED:
    case TLS_ALERT_NO_APPLICATION_PROTOCOL:
        return STAT_SSL_connection_error;
    }
    UNREACHABLE("tls_failure");
}

void ssl_stats_note_failure(struct ssl_stats **stats, enum tls_failure failure, struct arena *arena)
{
    enum ssl_stat stat = stat_of(failure);
    if (stat != STAT_SSL_COUNT)
        made(stats, arena)->counters[stat]++;
}

void ssl_stats_add(struct ssl_stats **stats, const struct ssl_stats *more, struct arena *arena)
{
    if (more == NULL)
        return;
    struct ssl_stats *all = made(stats, arena);
    for (uint32_t i = 0; i < STAT_SSL_COUNT; i++)
        all->counters[i] += more->counters[i];
    for (uint32_t i = 0; i < more->name_count; i++)
        count_name(all, more->names[i].scope, more->names[i].name, more->names[i].count, arena);
}

void ssl_stats_reset(struct ssl_stats *stats)
{
    if (stats == NULL)
        return;
    memset(stats->counters, 0, sizeof(stats->counters));
    for (uint32_t i = 0; i < stats->name_count; i++)
        stats->names[i].count = 0;
}

struct str ssl_stat_name(uint32_t nth)
{
    return nth < COUNT_OF(NAMES) ? NAMES[nth] : STR_EMPTY;
}

uint64_t ssl_stat_value(const struct ssl_stats *stats, uint32_t nth)
{
    return stats != NULL && nth < STAT_SSL_COUNT ? stats->counters[nth] : 0;
}

struct str ssl_scope_name(enum ssl_scope scope)
{
    return SCOPES[scope].name;
}

struct str ssl_scope_label(enum ssl_scope scope, bool is_listener)
{
    return is_listener ? SCOPES[scope].of_listener : SCOPES[scope].of_cluster;
}

/* "versions.TLSv1.3" */
static bool read_named(const struct ssl_stats *stats, struct str name, uint64_t *value)
{
    struct str rest = name;
    struct str scope = str_cut(&rest, '.');
    for (uint32_t i = 0; i < SSL_SCOPE_COUNT; i++) {
        if (!str_eq(SCOPES[i].name, scope) || rest.len == 0)
            continue;
        const struct ssl_name *found = stats != NULL ? find(stats, (enum ssl_scope)i, rest) : NULL;
        *value = found != NULL ? found->count : 0;
        return true;
    }
    return false;
}

bool ssl_stats_read(const struct ssl_stats *stats, struct str name, uint64_t *value)
{
    if (!str_has_prefix(name, PREFIX))
        return false;
    name = str_from(name, PREFIX.len);
    for (uint32_t i = 0; i < COUNT_OF(NAMES); i++) {
        if (str_eq(NAMES[i], name)) {
            *value = ssl_stat_value(stats, i);
            return true;
        }
    }
    return read_named(stats, name, value);
}
