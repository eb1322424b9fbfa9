/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/want_read.h - readers for the small words of expectations and
 * requests, used by the other readers here.
 */
#pragma once

#include "config/yaml/view.h"
#include "testbed/runner/suite.h"

/* The text of any scalar, numbers and booleans as written; a complaint and
 * nothing for a list or map. Absent: `otherwise`. */
struct str want_scalar(const struct view *view, struct str otherwise);

/* One character is one byte: what YAML has as UTF-8, on the wire in Latin-1. */
struct str want_bytes(const struct view *view, struct str otherwise);

/* A field that may be null and then says so: the node is there. */
struct view want_nullable(const struct view *view, struct str name);

/* A value, or a list of values: how many, and each. */
uint32_t want_list_count(const struct view *view);
struct view want_list_item(const struct view *view, uint32_t index);

void want_text_read(const struct view *view, struct regex_set *regexes, struct want_text *out);
void want_headers_read(const struct view *headers, const struct view *absent,
                       struct regex_set *regexes, struct want_headers *out);
void want_duration_read(const struct view *view, struct want_duration *out);
/* 200, "<500", ">=3"; a list is any of. */
void want_numbers_read(const struct view *view, struct want_numbers *out);
void want_number_read(const struct view *view, struct want_number *out);
/* "90%" or 0.9 as a fraction of one. */
double want_percent(const struct view *view, struct str text);
/* Takes "<", "<=", ">", ">=" off the front of `text`. */
enum want_order want_order_cut(struct str *text);

/* Headers to be sent: names as written, a list is several lines, {size: N} and
 * {count: N}. */
struct header *want_sent_headers(const struct view *view, uint32_t *count);

/* `expect` of a case. */
void expect_read(const struct view *view, struct regex_set *regexes, struct expect *out);
/* `expect` beside `cases`: what is said of the whole test. */
void expect_whole_read(const struct view *view, struct regex_set *regexes, struct suite_test *out);
/* What is said over time: `windows`, `thresholds`, `breaker`. */
void over_time_read(const struct view *view, struct regex_set *regexes, struct expect *out);
/* `distribution`'s `by`. */
enum want_by want_by_read(const struct view *view, struct str text, struct str *header);
/* One that could not fail is an error. */
void distribution_read(const struct view *view, struct want_distribution *out);
int64_t want_moment_ns(const struct view *view, struct str text);
/* {CLUSTER: {counter: N}}; appended to stats. */
void stats_read(const struct view *view, struct want_stat **stats, uint32_t *count);

/* `request` (or a list of them) into calls, every combination of its lists. */
struct call_defaults {
    uint32_t client;
    bool has_authority;
    struct str authority;
    uint32_t port;
};
struct call *calls_read(const struct view *view, const struct call_defaults *defaults,
                        uint32_t *count);

/* `load` of a timeline or a test. */
void load_read(const struct view *view, const struct call_defaults *defaults,
               struct load_spec *out);

/* A workload's map (merged) as a spec; one pod's behaviour from a merged map. */
void workload_spec_read(const struct view *view, struct workload_spec *out);
struct behaviour behaviour_spec_read(const struct view *view);
void act_read(const struct view *view, enum answer_act *out);
/* 20ms, {uniform: 10ms..30ms} or {p50: 20ms, p99: 180ms, max: 1s}. */
void latency_read(const struct view *view, struct latency *out);
/* `inject`: what is wrong on whose side. Injections of one pod stand together. */
struct inject_item {
    struct str pod, workload;
    struct injection injection;
    struct origin origin;
};
struct inject_item *injects_read(const struct view *view, uint32_t *count);
void client_spec_read(const struct view *view, struct client_spec *out);

/* `over`'s entries over `base`'s, one level deep; either may be NULL. */
const struct node *nodes_merged(const struct node *base, const struct node *over,
                                struct arena *arena);
/* The same for maps of maps: each map of `over` is merged over its namesake. */
const struct node *nodes_merged_deep(const struct node *base, const struct node *over,
                                     struct arena *arena);
/* `base` without the keys, a NULL-terminated list. */
const struct node *node_without(const struct node *base, const char *const *keys,
                                struct arena *arena);
