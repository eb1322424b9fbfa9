/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/patients.h - endpoints whose health moves.
 */
#pragma once

#include "base/arena.h"
#include "proxy/core/health.h"

struct patients {
    atomic_uint version;
    atomic_bool *ejected;
    struct health health;
};

static inline struct patients *patients_new(struct arena *arena, uint32_t count)
{
    struct patients *patients = ARENA_NEW(arena, struct patients);
    const atomic_bool **is_ejected = ARENA_ARRAY(arena, const atomic_bool *, count);
    patients->ejected = ARENA_ARRAY(arena, atomic_bool, count);
    atomic_init(&patients->version, 1);
    for (uint32_t i = 0; i < count; i++) {
        atomic_init(&patients->ejected[i], false);
        is_ejected[i] = &patients->ejected[i];
    }
    patients->health = (struct health){.version = &patients->version, .is_ejected = is_ejected};
    return patients;
}

static inline void patients_eject(struct patients *patients, uint32_t index, bool is_ejected)
{
    atomic_store(&patients->ejected[index], is_ejected);
    atomic_fetch_add(&patients->version, 1);
}
