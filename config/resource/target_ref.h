/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/target_ref.h - targetRefs of a policy: the Gateways (of the
 * Gateway API) and Services that it is for, in place of a selector.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/resource/label.h"
#include "config/yaml/view.h"

struct target_ref {
    struct str group, kind, name;
};

struct target_refs {
    struct target_ref *items;
    uint32_t count;
};

/* targetRef and targetRefs of a spec. */
struct target_refs target_refs_read(const struct view *spec);

/* The policy is for a workload with these labels: by the Gateway it belongs to,
 * or, without targets, by the selector. */
bool target_refs_select(const struct target_refs *targets, const struct label_list *selector,
                        const struct label *labels, uint32_t label_count);
