/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/bootstrap_inside.h - what bootstrap.c and bootstrap_listener.c
 * share. Nobody else includes it.
 */
#pragma once

#include "proxy/model/bootstrap.h"

struct bootstrap_job {
    const struct snapshot *snapshot;
    const struct bootstrap_options *options;
    struct json *json;
    struct arena *arena;
    struct bootstrap_notes *notes;
    const struct json_value *all;  /* what print_all wrote */
    struct bootstrap_place *bound; /* the sockets so far */
    uint32_t bound_count, bound_capacity;
    uint32_t plain_cluster_count; /* whose TLS was left out */
};

/* Says it once. */
void bootstrap_note(struct bootstrap_job *job, struct str text);
/* The text of an object's key; empty when it has none. */
struct str bootstrap_text(const struct json_value *object, struct str key);
void bootstrap_copy(struct json *json, const struct json_value *value);
/* The pairs of an object, except those whose keys are in `but`. */
void bootstrap_copy_others(struct json *json, const struct json_value *object,
                           const struct str *but, size_t but_count);
/* The object of a list whose `key` is `name`; NULL: none. */
const struct json_value *bootstrap_find(const struct json_value *list, struct str key,
                                        struct str name);
bool bootstrap_needs_secrets(const struct json_value *value);

/* "loadAssignment": with endpoints where options->reach has them. */
void bootstrap_load(struct bootstrap_job *job, const struct json_value *load);
/* The same of the snapshot's cluster. */
void bootstrap_cluster_load(struct bootstrap_job *job, const struct cluster *cluster);

/* "KEY": the list without filters that a stock Envoy does not know. */
void bootstrap_filters(struct bootstrap_job *job, struct str key, const struct json_value *list);
/* "listeners": all of them. */
void bootstrap_listeners(struct bootstrap_job *job);
