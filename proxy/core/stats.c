/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/stats.c - counters by name, and those made from a status.
 */
#include "proxy/core/stats.h"

#include "base/check.h"

#define STATUS_COUNT (STAT_STATUS_MAX - STAT_STATUS_MIN + 1)

static const struct str CLUSTER_NAMES[] = {
#define CLUSTER(name) STR_INIT(#name),
#define CLUSTER_IN(scope, name) STR_INIT(#scope "." #name),
#define HTTP(name)
#include "proxy/core/stats.def"
#undef CLUSTER
#undef HTTP
};

static const struct str HTTP_NAMES[] = {
#define CLUSTER(name)
#define HTTP(name) STR_INIT(#name),
#define HTTP_IN(scope, name) STR_INIT(#scope "." #name),
#define HTTP_NAMED(id, name) STR_INIT(name),
#include "proxy/core/stats.def"
#undef CLUSTER
#undef HTTP
};

static const struct str RBAC_NAMES[] = {
#define X(id, name) STR_INIT(name),
#include "proxy/core/rbac_stats.def"
#undef X
};

static uint64_t status_sum(const uint32_t *statuses, uint32_t from, uint32_t to)
{
    uint64_t sum = 0;
    if (statuses != NULL)
        for (uint32_t status = from; status <= to; status++)
            sum += statuses[status - STAT_STATUS_MIN];
    return sum;
}

/* upstream_rq_503, upstream_rq_5xx: what follows the prefix. */
static bool read_status(const uint32_t *statuses, struct str code, uint64_t *value)
{
    if (code.len != 3 || code.ptr[0] < '1' || code.ptr[0] > '5')
        return false;
    uint32_t hundred = (uint32_t)(code.ptr[0] - '0') * 100;
    if (str_eq(str_from(code, 1), STR("xx"))) {
        *value = status_sum(statuses, hundred, hundred + 99);
        return true;
    }
    uint64_t status;
    if (!str_to_u64(code, STAT_STATUS_MAX, &status))
        return false;
    *value = status_sum(statuses, (uint32_t)status, (uint32_t)status);
    return true;
}

static void note(uint32_t **statuses, uint32_t status, struct arena *arena)
{
    if (status < STAT_STATUS_MIN || status > STAT_STATUS_MAX)
        return;
    if (*statuses == NULL)
        *statuses = ARENA_ARRAY(arena, uint32_t, STATUS_COUNT);
    (*statuses)[status - STAT_STATUS_MIN]++;
}

static void add_statuses(uint32_t **statuses, const uint32_t *more, struct arena *arena)
{
    if (more == NULL)
        return;
    if (*statuses == NULL)
        *statuses = ARENA_ARRAY(arena, uint32_t, STATUS_COUNT);
    for (uint32_t i = 0; i < STATUS_COUNT; i++)
        (*statuses)[i] += more[i];
}

void cluster_stats_note_status(struct cluster_stats *stats, uint32_t status, struct arena *arena)
{
    stats->counters[STAT_CLUSTER_upstream_rq_completed]++;
    note(&stats->statuses, status, arena);
}

void cluster_stats_note_retried(struct cluster_stats *stats, uint32_t status, struct arena *arena)
{
    stats->retried_completed++;
    note(&stats->retried_statuses, status, arena);
}

void cluster_stats_forget_statuses(struct cluster_stats *stats)
{
    stats->retried_completed = 0;
    stats->statuses = stats->retried_statuses = NULL;
}

void cluster_stats_add(struct cluster_stats *stats, const struct cluster_stats *more,
                       struct arena *arena)
{
    for (uint32_t i = 0; i < STAT_CLUSTER_COUNT; i++)
        stats->counters[i] += more->counters[i];
    stats->retried_completed += more->retried_completed;
    add_statuses(&stats->statuses, more->statuses, arena);
    add_statuses(&stats->retried_statuses, more->retried_statuses, arena);
    ssl_stats_add(&stats->ssl, more->ssl, arena);
    histogram_add(&stats->connect_ms, &more->connect_ms, arena);
    histogram_add(&stats->length_ms, &more->length_ms, arena);
    histogram_add(&stats->rq_time, &more->rq_time, arena);
}

void http_stats_add(struct http_stats *stats, const struct http_stats *more, struct arena *arena)
{
    for (uint32_t i = 0; i < STAT_HTTP_COUNT; i++)
        stats->counters[i] += more->counters[i];
    histogram_add(&stats->length_ms, &more->length_ms, arena);
    histogram_add(&stats->rq_time, &more->rq_time, arena);
}

struct str stat_cluster_name(uint32_t stat)
{
    ASSERT(stat < STAT_CLUSTER_COUNT);
    return CLUSTER_NAMES[stat];
}

struct str stat_http_name(uint32_t stat)
{
    ASSERT(stat < STAT_HTTP_COUNT);
    return HTTP_NAMES[stat];
}

struct str stat_rbac_name(uint32_t stat)
{
    ASSERT(stat < STAT_RBAC_COUNT);
    return RBAC_NAMES[stat];
}

bool cluster_stats_read(const struct cluster_stats *stats, struct str name, uint64_t *value)
{
    /* Nothing here is internal, so Envoy's external.* copies equal the plain
     * ones (ENVOY.md 17.3). */
    if (str_has_prefix(name, STR("external.upstream_rq_")))
        name = str_from(name, STR("external.").len);
    for (uint32_t i = 0; i < COUNT_OF(CLUSTER_NAMES); i++) {
        if (str_eq(CLUSTER_NAMES[i], name)) {
            *value = stats->counters[i];
            return true;
        }
    }
    if (ssl_stats_read(stats->ssl, name, value))
        return true;
    struct str prefix = STR("upstream_rq_");
    if (str_has_prefix(name, prefix))
        return read_status(stats->statuses, str_from(name, prefix.len), value);
    struct str retried = STR("retry.upstream_rq_");
    if (!str_has_prefix(name, retried))
        return false;
    name = str_from(name, retried.len);
    if (!str_eq(name, STR("completed")))
        return read_status(stats->retried_statuses, name, value);
    *value = stats->retried_completed;
    return true;
}

bool http_stats_read(const struct http_stats *stats, struct str name, uint64_t *value)
{
    for (uint32_t i = 0; i < COUNT_OF(HTTP_NAMES); i++) {
        if (str_eq(HTTP_NAMES[i], name)) {
            *value = stats->counters[i];
            return true;
        }
    }
    return false;
}
