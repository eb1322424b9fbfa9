/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/locality.h - where endpoints are, and what that means for
 * the proxy: shares of localities, or priorities by distance.
 *
 * Source: ISTIO.md 3.6.
 */
#pragma once

#include "config/resource/destination_rule.h"
#include "config/translate/context.h"

/* An endpoint and what is known of its workload. */
struct locality_member {
    const struct label *labels;
    uint32_t label_count;
    struct str locality; /* region/zone/subzone */
    struct endpoint endpoint;
    bool is_left_out; /* its locality counts only */
};

/* The label istio-locality (region.zone.subzone), or what the machine says, as
 * region/zone/subzone. */
struct str locality_of_labels(struct translation *t, const struct label *labels,
                              uint32_t label_count);

/* The three parts, kept in the snapshot. */
struct locality locality_parse(struct translation *t, struct str text);

/* A workload's label, or what its locality says under a topology label's name;
 * ptr NULL: neither. */
struct str locality_label(struct translation *t, const struct label *labels, uint32_t label_count,
                          struct str locality, struct str name);

/* Puts the cluster's `items` (endpoint_count of them, as in `members`) in the
 * order of localities and priorities, and says which there are. */
void locality_arrange(struct translation *t, const struct policy_parts *parts,
                      const struct service *service, const struct locality_member *members,
                      struct endpoint *items, struct cluster *out);
