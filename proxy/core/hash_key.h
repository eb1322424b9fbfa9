/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/hash_key.h - a route's hash policies: where does a request belong?
 *
 * The same key always leads to the same endpoint, by RING_HASH or MAGLEV. A
 * cookie that is missing is made, where the policy says how long it lives, and
 * goes to the client with the response. Source: ENVOY.md 5.4.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "proxy/core/record.h"
#include "proxy/model/message.h"
#include "proxy/model/policy.h"

struct hash_key_facts {
    const struct request_head *request; /* as it goes upstream */
    const struct record_downstream *downstream;
};

/* Values for set-cookie, in the exchange's arena. */
struct hash_key_cookies {
    struct str *items;
    uint32_t count, capacity;
};

/* False: the request has none of the keys. Cookies that are made are appended,
 * each time that it is asked. */
bool hash_key_find(const struct hash_policy *policies, uint32_t policy_count,
                   const struct hash_key_facts *facts, struct hash_key_cookies *cookies,
                   struct arena *arena, uint64_t *hash);
