/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/snapshot.c - life of a snapshot, and finding things in it.
 *
 * The struct lives in its own arena: one arena is one snapshot.
 */
#include "proxy/model/snapshot.h"

#include "proxy/model/keyring.h"

#define SNAPSHOT_BLOCK_BYTES (64u * 1024) /* an ordinary mesh fits in a few */

struct snapshot *snapshot_new(void)
{
    struct arena arena;

    arena_init(&arena, SNAPSHOT_BLOCK_BYTES, 0);
    struct snapshot *snapshot = ARENA_NEW(&arena, struct snapshot);
    snapshot->arena = arena;
    atomic_init(&snapshot->holders, 1);
    map_init(&snapshot->cluster_by_name, &snapshot->arena);
    return snapshot;
}

void snapshot_hold(struct snapshot *snapshot)
{
    unsigned before = atomic_fetch_add_explicit(&snapshot->holders, 1, memory_order_relaxed);
    ASSERT(before >= 1);
}

void snapshot_drop(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    unsigned before = atomic_fetch_sub_explicit(&snapshot->holders, 1, memory_order_acq_rel);
    ASSERT(before >= 1);
    if (before > 1)
        return;
    regex_set_free(&snapshot->regexes);
    /* The arena must not lie in the memory it frees. */
    struct arena arena = snapshot->arena;
    arena_fini(&arena);
}

void snapshot_set_keyring(struct snapshot *snapshot, const struct keyring *keyring)
{
    snapshot->keyring = keyring_copy(&snapshot->arena, keyring);
}

const struct tls_word *snapshot_inbound_mode(const struct snapshot *snapshot, uint32_t port)
{
    const struct tls_word *found = NULL;
    for (uint32_t i = 0; i < snapshot->inbound_mode_count; i++) {
        const struct inbound_mode *mode = &snapshot->inbound_modes[i];
        if (mode->port == port || (mode->port == 0 && found == NULL))
            found = &mode->word;
    }
    return found;
}

void snapshot_index(struct snapshot *snapshot)
{
    map_init(&snapshot->cluster_by_name, &snapshot->arena);
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        if (map_get(&snapshot->cluster_by_name, snapshot->clusters[i].name) == MAP_NONE)
            (void)map_set(&snapshot->cluster_by_name, snapshot->clusters[i].name, i);
    }
}

const struct cluster *snapshot_cluster(const struct snapshot *snapshot, struct str name)
{
    uint32_t index = map_get(&snapshot->cluster_by_name, name);

    return index == MAP_NONE ? NULL : &snapshot->clusters[index];
}

const struct listener *snapshot_listener(const struct snapshot *snapshot, struct str address,
                                         uint32_t port)
{
    const struct listener *wildcard = NULL;

    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        const struct listener *listener = &snapshot->listeners[i];
        if (listener->port != port)
            continue;
        if (str_eq(listener->address, address))
            return listener;
        if (wildcard == NULL &&
            (str_eq(listener->address, STR("0.0.0.0")) || str_eq(listener->address, STR("::"))))
            wildcard = listener;
    }
    return wildcard;
}

const struct listener *snapshot_outbound_listener(const struct snapshot *snapshot,
                                                  struct str address, uint32_t port)
{
    const struct listener *listener = snapshot_listener(snapshot, address, port);

    /* Inbound listeners are no outbound call's, whatever their address. */
    if (listener != NULL && listener->direction == TRAFFIC_OUTBOUND)
        return listener;
    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        if (snapshot->listeners[i].is_using_original_dst &&
            snapshot->listeners[i].direction == TRAFFIC_OUTBOUND)
            return &snapshot->listeners[i];
    }
    return NULL;
}

const struct listener *snapshot_inbound_listener(const struct snapshot *snapshot, uint32_t port)
{
    const struct listener *redirected = NULL;

    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        const struct listener *listener = &snapshot->listeners[i];
        if (listener->direction != TRAFFIC_INBOUND)
            continue;
        if (listener->has_original_dst)
            redirected = listener;
        else if (listener->port == port)
            return listener;
    }
    return redirected;
}
