/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/objects/meshes.h - the same objects in another order: the same mesh?
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "testbed/world/manifest.h"
#include "tests/objects/proxies.h"

/* Of objects of one kind, namespace and name only the last: they are related, and
 * the last one is meant to win. */
void meshes_keep_last(struct manifests *objects);

/* All that one proxy is sent, as `proxy-config all -o json` prints it; false when
 * it did not fit. The caller frees `out`. */
bool meshes_print(const struct mesh *mesh, const struct proxy_identity *proxy, struct arena *arena,
                  struct buf *out);

struct meshes_question {
    const struct manifests *objects;
    uint64_t seed;
    uint32_t shuffle_count;
};

struct meshes_answer {
    uint32_t compared_count, differing_count; /* proxies, over all shuffles */
};

/* Translates the objects in their order, then shuffled; `difference` says where the
 * first proxy differs: its name and both texts there. */
struct meshes_answer meshes_compare(const struct meshes_question *question, struct arena *arena,
                                    struct str *difference);
