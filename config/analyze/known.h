/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/known.h - hosts that Services and ServiceEntries give the mesh,
 * and to whom. Source: ISTIO.md 9.9, "Notes on analysis".
 */
#pragma once

#include "config/analyze/context.h"

struct known_host {
    struct str scope, fqdn;      /* "*" or a namespace */
    const struct object *object; /* a Service or a ServiceEntry */
};

struct known_list {
    struct known_host *items;
    uint32_t count, capacity;
};

struct known_list known_hosts(struct analysis *analysis);
/* Who is meant by `host` in `spec` of `namespace`; NULL: nobody. */
const struct object *known_find(const struct analysis *analysis, const struct known_list *known,
                                const struct view *spec, struct words3 namespace_and_host);
/* Its ports' numbers. */
struct text_list known_ports(struct analysis *analysis, const struct object *object);
