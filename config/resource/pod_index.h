/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/pod_index.h - pods by one of their labels: which pods a selector
 * may mean, without asking all of them for each service.
 */
#pragma once

#include "base/map.h"
#include "config/resource/mesh.h"

struct pod_index {
    struct arena *arena;
    struct map first;         /* "namespace\nname\nvalue" -> its first place */
    uint32_t *pods;           /* of each place (a pod's label), the pod */
    uint32_t *next, *lengths; /* the next place of the same label; how many from here on */
};

/* Borrows names of the pods; lives in the arena. */
void pod_index_init(struct pod_index *out, struct arena *arena, const struct pod *pods,
                    uint32_t pod_count);

/* The place of the first pod, in their order, with the rarest of the labels; MAP_NONE:
 * none. The others (`next`) follow; the caller looks at the other labels. */
uint32_t pod_index_find(const struct pod_index *index, struct str namespace,
                        const struct label *labels, uint32_t label_count);
