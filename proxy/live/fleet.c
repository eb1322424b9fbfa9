/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/fleet.c - the control thread's half: what proxies there are, and
 * letters to the workers.
 */
#include "proxy/live/fleet.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/ns.h"
#include "base/rng.h"
#include "proxy/live/plan.h"
#include "proxy/live/worker.h"

#define MEMORY_BLOCK_BYTES 4096u
#define PLACES_BLOCK_BYTES 1024u
#define WHY_BYTES_MAX 256
#define SEED_NAME_BYTES_MAX 32

struct fleet {
    struct arena memory;
    struct fleet_options options;
    struct worker *workers[FLEET_WORKERS_MAX];
    struct members members;
    char why[WHY_BYTES_MAX];
    bool is_ending;
    uv_mutex_t lock; /* of the two that follow */
    uv_cond_t ended;
    uint32_t over_count; /* workers */
};

static void on_worker_over(void *user)
{
    struct fleet *fleet = user;
    uv_mutex_lock(&fleet->lock);
    bool is_last = ++fleet->over_count == fleet->options.worker_count;
    uv_cond_broadcast(&fleet->ended);
    uv_mutex_unlock(&fleet->lock);
    if (is_last && fleet->options.on_over != NULL)
        fleet->options.on_over(fleet->options.user);
}

/* All at once, and waits for each. */
static void tell_all(struct fleet *fleet, struct letter letter)
{
    for (uint32_t i = 0; i < fleet->options.worker_count; i++)
        worker_send(fleet->workers[i], letter);
    for (uint32_t i = 0; i < fleet->options.worker_count; i++)
        worker_wait(fleet->workers[i]);
}

/* One after the other. */
static void tell_each(struct fleet *fleet, struct letter letter)
{
    for (uint32_t i = 0; i < fleet->options.worker_count; i++) {
        worker_send(fleet->workers[i], letter);
        worker_wait(fleet->workers[i]);
    }
}

/* --- letters: on a worker's thread -------------------------------------- */

/* As Envoy's main thread tells all workers of a host's health. */
static void tell_others(void *user)
{
    const struct worker *own = user;
    const struct fleet *fleet = own->user;
    for (uint32_t i = 0; i < fleet->options.worker_count; i++) {
        if (fleet->workers[i] != own)
            worker_tell_ejected(fleet->workers[i]);
    }
}

static void add_server(struct worker *worker, void *user)
{
    const struct plan *plan = user;
    char name[SEED_NAME_BYTES_MAX];
    (void)snprintf(name, sizeof(name), "worker %u", worker->index);
    struct server_options options = {
        .seed = rng_derive(plan->seed, str_of(name)),
        .worker = worker->index,
        .wire = plan->facts->wire,
        .on_outlier = plan->facts->on_outlier,
        .is_literal = plan->facts->is_literal,
        .is_loopback_only = plan->facts->is_loopback_only,
        .node_address = plan->facts->node_address,
        .source_address = plan->facts->source_address,
        .inside_name = plan->facts->inside_name,
        .on_done = plan->facts->on_done,
        .user = plan->facts->user,
        .on_ejected = tell_others,
        .others = worker,
    };
    options.wire.shared = plan->shared;
    struct worker_host *host = worker_add_host(worker);
    arena_init(&host->numbers, PLACES_BLOCK_BYTES, 0);
    host->server = server_new(worker->loop, plan->config->snapshot, &options);
    if (plan->config->map != NULL)
        server_copy_map(host->server, plan->config->map);
    plan_carry_out(plan, worker, host);
}

static void replace_server(struct worker *worker, void *user)
{
    const struct plan *plan = user;
    struct worker_host *host = &worker->hosts[plan->proxy];
    plan_carry_out(plan, worker, host);
    server_replace(host->server, plan->config->snapshot, plan->shared, plan->config->map);
}

struct leave {
    uint32_t proxy;
    int64_t patience_ns;
};

static void remove_server(struct worker *worker, void *user)
{
    const struct leave *leave = user;
    worker_remove(worker, leave->proxy, leave->patience_ns);
}

static void drain(struct worker *worker, void *user)
{
    worker_drain(worker, *(const int64_t *)user);
}

static void stop(struct worker *worker, void *user)
{
    (void)user;
    worker_stop(worker);
}

struct visit {
    uint32_t proxy;
    void (*visit)(uint32_t worker, struct server *server, void *user);
    void *user;
};

static void visit_server(struct worker *worker, void *user)
{
    const struct visit *visit = user;
    struct server *server = worker_server(worker, visit->proxy);
    if (server != NULL)
        visit->visit(worker->index, server, visit->user);
}

static void forget_member(struct member *member)
{
    if (!member->is_there)
        return;
    member->is_there = false;
    shared_drop(member->shared);
    member->shared = NULL;
    member->places = NULL;
    member->place_count = 0;
    arena_fini(&member->memory);
}

static struct member *member_at(const struct fleet *fleet, uint32_t proxy)
{
    ASSERT(proxy < fleet->members.count);
    ASSERT(fleet->members.items[proxy].is_there);
    return &fleet->members.items[proxy];
}

/* --- doors ---------------------------------------------------------------- */

static void free_workers(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->options.worker_count; i++)
        worker_free(fleet->workers[i]);
    for (uint32_t i = 0; i < fleet->members.count; i++)
        forget_member(&fleet->members.items[i]);
    uv_cond_destroy(&fleet->ended);
    uv_mutex_destroy(&fleet->lock);
    struct arena memory = fleet->memory;
    arena_fini(&memory);
}

struct fleet *fleet_new(const struct fleet_options *options)
{
    ASSERT(options->worker_count >= 1 && options->worker_count <= FLEET_WORKERS_MAX);
    struct arena memory;
    arena_init(&memory, MEMORY_BLOCK_BYTES, 0);
    struct fleet *fleet = ARENA_NEW(&memory, struct fleet);
    fleet->memory = memory;
    fleet->options = *options;
    int rc = uv_mutex_init(&fleet->lock);
    ASSERT(rc == 0);
    rc = uv_cond_init(&fleet->ended);
    ASSERT(rc == 0);
    for (uint32_t i = 0; i < options->worker_count; i++) {
        fleet->workers[i] = worker_new(i);
        if (fleet->workers[i] == NULL) {
            free_workers(fleet);
            return NULL;
        }
        fleet->workers[i]->on_over = on_worker_over;
        fleet->workers[i]->user = fleet;
    }
    for (uint32_t i = 0; i < options->worker_count; i++) {
        if (worker_start(fleet->workers[i]))
            continue;
        fleet->options.worker_count = i;
        fleet->options.on_over = NULL;
        fleet_stop(fleet);
        fleet->options.worker_count = options->worker_count;
        free_workers(fleet);
        return NULL;
    }
    return fleet;
}

void fleet_free(struct fleet *fleet)
{
    if (fleet == NULL)
        return;
    fleet_stop(fleet);
    free_workers(fleet);
}

uint32_t fleet_worker_count(const struct fleet *fleet)
{
    return fleet->options.worker_count;
}

/* False: *why. */
static bool make_plan(struct fleet *fleet, struct plan *plan, struct str *why)
{
    uint32_t at;
    int error = plan_make(plan, &fleet->members, &at);
    if (error == 0)
        return true;
    const struct server_door *door = &plan->config->doors[at].door;
    (void)snprintf(fleet->why, sizeof(fleet->why), "listen on %.*s:%u: %s",
                   STR_FMT(door->bind_address), door->bind_port, strerror(error));
    *why = str_of(fleet->why);
    return false;
}

static bool is_too_late(const struct fleet *fleet, struct str *why)
{
    *why = fleet->is_ending ? STR("the workers are ending") : STR_EMPTY;
    return fleet->is_ending;
}

uint32_t fleet_add(struct fleet *fleet, const struct fleet_proxy *proxy,
                   const struct fleet_config *config, struct str *why)
{
    ASSERT(fleet_find(fleet, proxy->name) == FLEET_NONE);
    if (is_too_late(fleet, why))
        return FLEET_NONE;
    struct plan plan = {
        .worker_count = fleet->options.worker_count,
        .proxy = fleet->members.count,
        .facts = proxy,
        .config = config,
        .seed = rng_derive(fleet->options.seed, proxy->name),
    };
    if (!make_plan(fleet, &plan, why))
        return FLEET_NONE;
    plan.shared = shared_new(config->snapshot, NULL, plan.seed, loop_wall_ns());
    tell_all(fleet, (struct letter){.run = add_server, .user = &plan});
    struct member *member = ARENA_PUSH(&fleet->memory, fleet->members.items, fleet->members.count,
                                       fleet->members.capacity);
    member->is_there = true;
    member->name = arena_str(&fleet->memory, proxy->name);
    arena_init(&member->memory, PLACES_BLOCK_BYTES, 0);
    plan_finish(&plan, member);
    return plan.proxy;
}

bool fleet_replace(struct fleet *fleet, uint32_t proxy, const struct fleet_config *config,
                   struct str *why)
{
    struct member *member = member_at(fleet, proxy);
    if (is_too_late(fleet, why))
        return false;
    struct plan plan = {
        .worker_count = fleet->options.worker_count, .proxy = proxy, .config = config};
    if (!make_plan(fleet, &plan, why))
        return false;
    plan.seed = rng_derive(fleet->options.seed, member->name);
    plan.shared = shared_new(config->snapshot, member->shared, plan.seed, loop_wall_ns());
    tell_all(fleet, (struct letter){.run = replace_server, .user = &plan});
    plan_finish(&plan, member);
    return true;
}

void fleet_remove(struct fleet *fleet, uint32_t proxy, int64_t patience_ns)
{
    if (fleet->is_ending)
        return;
    struct leave leave = {.proxy = proxy, .patience_ns = patience_ns};
    forget_member(member_at(fleet, proxy));
    tell_all(fleet, (struct letter){.run = remove_server, .user = &leave});
}

uint32_t fleet_find(const struct fleet *fleet, struct str name)
{
    for (uint32_t i = 0; i < fleet->members.count; i++) {
        if (fleet->members.items[i].is_there && str_eq(fleet->members.items[i].name, name))
            return i;
    }
    return FLEET_NONE;
}

uint32_t fleet_port(const struct fleet *fleet, uint32_t proxy, uint32_t door)
{
    const struct member *member = member_at(fleet, proxy);
    ASSERT(door < member->place_count);
    return member->places[door].port;
}

void fleet_drain(struct fleet *fleet, int64_t patience_ns)
{
    if (fleet->is_ending)
        return;
    fleet->is_ending = true;
    tell_all(fleet, (struct letter){.run = drain, .user = &patience_ns});
}

void fleet_stop(struct fleet *fleet)
{
    fleet->is_ending = true;
    if (!fleet_is_over(fleet))
        tell_all(fleet, (struct letter){.run = stop});
    for (uint32_t i = 0; i < fleet->options.worker_count; i++)
        worker_join(fleet->workers[i]);
}

bool fleet_is_over(struct fleet *fleet)
{
    uv_mutex_lock(&fleet->lock);
    bool is_over = fleet->over_count == fleet->options.worker_count;
    uv_mutex_unlock(&fleet->lock);
    return is_over;
}

bool fleet_wait(struct fleet *fleet, int64_t patience_ns)
{
    uv_mutex_lock(&fleet->lock);
    /* Each worker that ends wakes us once: the time begins anew, less often
     * than there are workers. */
    bool is_late = false;
    while (fleet->over_count < fleet->options.worker_count && !is_late)
        is_late =
            uv_cond_timedwait(&fleet->ended, &fleet->lock, (uint64_t)ns_max(patience_ns, 0)) != 0;
    bool is_over = fleet->over_count == fleet->options.worker_count;
    uv_mutex_unlock(&fleet->lock);
    return is_over;
}

void fleet_visit(struct fleet *fleet, uint32_t proxy,
                 void (*visit)(uint32_t worker, struct server *server, void *user), void *user)
{
    struct visit order = {.proxy = proxy, .visit = visit, .user = user};
    tell_each(fleet, (struct letter){.run = visit_server, .user = &order});
}

struct stat_question {
    struct str cluster, name;
    uint64_t value;
    bool is_known;
};

static void add_stat(uint32_t worker, struct server *server, void *user)
{
    (void)worker;
    struct stat_question *asked = user;
    uint64_t part;
    bool is_enough = asked->is_known && stat_is_shared(asked->name);
    if (is_enough || !server_stat(server, asked->cluster, asked->name, &part))
        return;
    asked->is_known = true;
    asked->value += part;
}

bool fleet_stat(struct fleet *fleet, uint32_t proxy, struct str cluster, struct str name,
                uint64_t *value)
{
    struct stat_question asked = {.cluster = cluster, .name = name};
    fleet_visit(fleet, proxy, add_stat, &asked);
    *value = asked.value;
    return asked.is_known;
}

static void add_counts(uint32_t worker, struct server *server, void *user)
{
    (void)worker;
    struct fleet_counts *counts = user;
    counts->connections += server_connection_count(server);
    counts->exchanges += server_exchange_count(server);
    counts->sockets += server_socket_count(server);
    counts->configurations += server_engine_count(server);
}

struct fleet_counts fleet_counts(struct fleet *fleet, uint32_t proxy)
{
    struct fleet_counts counts = {0};
    for (uint32_t i = 0; i < fleet->members.count; i++) {
        if (proxy == FLEET_NONE || proxy == i)
            fleet_visit(fleet, i, add_counts, &counts);
    }
    return counts;
}
