/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/service_targets.h - the ports of the proxy's own workload
 * that services lead to: what its inbound side is made from.
 *
 * Source: ISTIO.md 5.3; istiod's ServiceTargets.
 */
#pragma once

#include "config/translate/context.h"

struct service_target {
    const struct service *service;
    uint32_t port_index;
    uint32_t target_port; /* the workload's */
};

struct service_targets {
    struct service_target *items;
    uint32_t count, capacity;
};

/* In the order of the services' age and host. Services count by their selector,
 * whether the workload is ready or not, seen by others or not; ServiceEntries
 * also by an endpoint at the proxy's address. In scratch. */
struct service_targets service_targets_find(struct translation *t);
