/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/bootstrap_inside.h - what the files bootstrap*.c share. Nobody else
 * includes it.
 */
#pragma once

#include "base/map.h"
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
    struct map http_clusters;     /* that routes name, with a keyring */
    /* What is being written. */
    bool is_inside_cluster; /* leads to the application itself.. */
    bool is_led_inside;     /* ..and says not where it is */
    bool is_http_cluster;
    struct str direction;              /* of a listener; empty: it does not say */
    const struct bootstrap_gate *gate; /* for which a listener is; NULL: none */
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
/* Writes the pair of an object itself, or answers false. */
typedef bool bootstrap_rewrite(struct bootstrap_job *job, struct str key,
                               const struct json_value *value);
/* A copy in which `rewrite` has its say about every pair of every object. */
void bootstrap_copy_rewriting(struct bootstrap_job *job, const struct json_value *value,
                              bootstrap_rewrite *rewrite);

/* A transport socket, or the list of those for matches, with its key. False: there is
 * nothing behind its secrets, and nothing was written. */
bool bootstrap_transport(struct bootstrap_job *job, struct str key, const struct json_value *part);
/* Fills job->http_clusters. */
void bootstrap_note_http(struct bootstrap_job *job);

/* Of job->gate, if there is one. Is the chain, of these, one that it may lead to? */
bool bootstrap_gate_takes(const struct bootstrap_job *job, const struct json_value *chains,
                          const struct json_value *chain);
/* Does the listener have a chain for it? */
bool bootstrap_gate_leads(const struct bootstrap_job *job, const struct json_value *listener);
/* A network filter before the others, where one is needed. */
void bootstrap_gate_destination(struct bootstrap_job *job);
/* "filterChainMatch": what is left to be matched. */
void bootstrap_gate_match(struct bootstrap_job *job, const struct json_value *match);
/* Has a listener's filter no part in it? */
bool bootstrap_gate_skips(const struct bootstrap_job *job, const struct json_value *filter);
/* The configuration of a filter of this type. */
void bootstrap_gate_filter(struct bootstrap_job *job, struct str type,
                           const struct json_value *config);

/* "loadAssignment": with endpoints where options->reach has them. */
void bootstrap_load(struct bootstrap_job *job, const struct json_value *load);
/* The same of the snapshot's cluster. */
void bootstrap_cluster_load(struct bootstrap_job *job, const struct cluster *cluster);

/* The same of an inbound cluster: the application. */
void bootstrap_inside_load(struct bootstrap_job *job, struct str cluster, uint32_t port);

/* "KEY": the list without filters that a stock Envoy does not know. */
void bootstrap_filters(struct bootstrap_job *job, struct str key, const struct json_value *list);
/* "listeners": all of them. */
void bootstrap_listeners(struct bootstrap_job *job);
