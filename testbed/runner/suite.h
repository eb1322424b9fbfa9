/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/suite.h - a RouteTest file as values: the world it wants, the
 * calls it makes, what it expects. docs/routetest.md says what the words mean.
 *
 * Made by suite_read, read-only afterwards; lives in one arena. An expectation
 * that is not given is not judged.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/origin.h"
#include "base/regex.h"
#include "config/resource/label.h"
#include "config/yaml/diag.h"
#include "config/yaml/tree.h"
#include "testbed/world/call.h"
#include "testbed/world/play.h"
#include "testbed/world/world.h"

/* A string as expected: every operator that is given must hold. */
struct want_text {
    bool is_given;
    bool has_exact, has_prefix, has_contains, has_present, present;
    bool is_null; /* null: nothing may be there */
    struct str exact, prefix, contains;
    struct str pattern;
    const struct regex *regex;
    struct origin origin;
};

struct want_header {
    struct str name;
    struct want_text *lines; /* several: a list was written */
    uint32_t line_count;
    bool is_list;
    struct origin origin;
};

struct want_headers {
    bool is_given, is_exact;
    struct want_header *items;
    uint32_t count;
    struct str *absent;
    uint32_t absent_count;
    struct origin origin;
};

enum want_order { WANT_EQUAL, WANT_BELOW, WANT_AT_MOST, WANT_ABOVE, WANT_AT_LEAST, WANT_BETWEEN };

struct want_duration {
    bool is_given;
    enum want_order order;
    int64_t from_ns, to_ns;
    struct origin origin;
};

struct want_number {
    enum want_order order;
    uint64_t value;
    struct origin origin;
};

/* Any of these. */
struct want_numbers {
    struct want_number *items;
    uint32_t count;
    struct origin origin;
};

struct want_flags {
    bool is_given, is_exact; /* exact: exactly these; else any of them */
    struct str *items;
    uint32_t count;
    struct origin origin;
};

struct want_response {
    bool is_given;
    struct want_numbers status;
    struct want_text reason, body, details, transport_failure;
    struct want_headers headers, trailers;
    bool has_interim;
    uint32_t *interim;
    uint32_t interim_count;
    struct want_duration duration;
    struct want_flags flags;
    struct origin origin;
};

struct want_seen {
    struct want_text pod, workload;
    struct want_text uri, method, authority, body, server_name;
    struct want_headers headers, trailers;
    struct origin origin;
};

/* So many, or a share of so many. */
struct want_count {
    bool is_given, is_share;
    uint64_t value, of;
    double share;
    struct origin origin;
};

struct want_upstream {
    bool is_list;
    struct want_seen *items;
    uint32_t count;
    struct want_count requests;
    struct origin origin;
};

struct want_share {
    struct str key;
    enum want_order order;
    double share;   /* of shares */
    uint64_t count; /* of counts */
    struct origin origin;
};

enum want_by { BY_SUBSET, BY_WORKLOAD, BY_POD, BY_STATUS, BY_FLAGS, BY_HEADER };

struct want_distribution {
    enum want_by by;
    struct str header;
    struct want_share *shares, *counts;
    uint32_t share_count, count_count;
    bool is_closed; /* exactly: no other keys */
    bool is_exact;  /* the weights themselves, not a sample */
    bool has_tolerance;
    double tolerance;
    double confidence; /* 0.999 */
    struct origin origin;
};

struct want_hosts {
    struct str workload;
    enum want_order order;
    uint64_t value;
    struct origin origin;
};

struct want_stat {
    struct str cluster, counter;
    enum want_order order;
    uint64_t value;
    struct origin origin;
};

/* Ejections that are of this kind: exactly so many. */
struct want_event {
    bool has_kind;
    enum play_event_kind kind;
    struct want_text pod, reason;
    struct want_duration at; /* since the test began */
    struct want_number times;
    struct origin origin;
};

struct want_events {
    bool is_given; /* count 0: there were none */
    struct want_event *items;
    uint32_t count;
    struct origin origin;
};

/* What is said of the requests of a timeline that began between two moments. */
struct want_window {
    int64_t from_ns, to_ns; /* since the test began; to_ns itself is not in */
    struct want_numbers errors, requests;
    struct expect *expect; /* distributions and the response of each */
    struct origin origin;
};

/* "latency.p99 < 5ms", "errors.rate < 0.1%", "share(subset=v2) within 1% of 10%". */
enum want_quantity {
    QUANTITY_LATENCY, /* share: which percentile; 0 and 1: least and most; -1: mean */
    QUANTITY_ERROR_RATE,
    QUANTITY_ERRORS,
    QUANTITY_REQUESTS,
    QUANTITY_RATE, /* answers a second */
    QUANTITY_SHARE,
};
struct want_threshold {
    struct str text;
    enum want_quantity quantity;
    double percentile;
    uint32_t distribution; /* QUANTITY_SHARE: its place among the expectation's counts */
    struct str key;
    enum want_order order; /* WANT_BETWEEN: value +- margin */
    double value, margin;  /* of latencies: ns */
    struct origin origin;
};

/* Which limits of a cluster were met, and how much there was at once. */
enum want_breaker_limit {
    LIMIT_OF_CONNECTIONS,
    LIMIT_OF_PENDING,
    LIMIT_OF_REQUESTS,
    LIMIT_OF_RETRIES,
    LIMIT_OF_COUNT,
};
struct want_breaker {
    struct str cluster; /* host, host/subset, or Envoy's name */
    bool has_overflowed;
    bool overflowed[LIMIT_OF_COUNT];
    struct want_numbers most[LIMIT_OF_COUNT];
    struct origin origin;
};

/* How the connection to the server came about. */
struct want_tls {
    bool is_given;
    struct want_text client, server; /* a mode, or what is spoken */
    struct want_text verdict, because;
    struct want_text version; /* of a caller's: that was agreed, "TLSv1.3" */
    struct str blame;         /* [FILE:]KIND/NAME[.NAMESPACE]; empty: not said */
    struct origin blame_origin, origin;
};

struct expect {
    struct want_response response;
    bool has_error;
    enum call_error *errors; /* any of; CALL_OK: none */
    uint32_t error_count;
    struct origin error_origin;
    bool has_destination;
    struct want_text host, subset, port;
    struct want_text rule, virtual_service;
    struct want_numbers attempts;
    struct want_upstream upstream;
    struct want_upstream mirror;
    struct want_distribution *distributions;
    uint32_t distribution_count;
    struct want_hosts *hosts;
    uint32_t hosts_count;
    bool has_same_pod, same_pod;
    struct want_stat *stats;
    uint32_t stat_count;
    struct want_events events;
    struct want_window *windows;
    uint32_t window_count;
    struct want_threshold *thresholds;
    uint32_t threshold_count;
    struct want_breaker *breakers;
    uint32_t breaker_count;
    struct want_tls tls;
    struct want_tls caller_tls; /* of the TLS that a caller speaks itself */
    struct origin origin;
};

enum case_kind { CASE_REQUEST, CASE_WAIT, CASE_SET, CASE_TIMELINE };

struct set_item {
    struct str pod, workload;
    const struct node *change; /* the whole map */
    struct origin origin;
};

/* Who of the world is meant, and what is wrong on its side. */
struct inject_item;

/* So many requests a second for so long. */
struct load_stage {
    int64_t for_ns;
    double per_second;
};

/* Open: requests begin when they are due, whatever became of those before. Closed:
 * so many callers, each with one request at a time. */
struct load_spec {
    struct call *calls; /* in turn */
    uint32_t call_count;
    struct load_stage *stages;
    uint32_t stage_count;
    bool is_poisson;       /* open: gaps are drawn, else even */
    uint32_t caller_count; /* closed; 0: open */
    int64_t think_ns;      /* between an answer and the next request */
    int64_t for_ns;        /* closed */
    bool is_keeping;
};

enum timeline_kind { TIMELINE_LOAD, TIMELINE_SET, TIMELINE_REQUEST, TIMELINE_NOTHING };

struct timeline_item {
    int64_t at_ns; /* since the test began */
    enum timeline_kind kind;
    struct load_spec load;
    struct suite_case *step; /* of TIMELINE_SET and TIMELINE_REQUEST */
    struct origin origin;
};

struct suite_case {
    enum case_kind kind;
    struct call *calls; /* one for each combination */
    uint32_t call_count;
    uint32_t repeat;
    int64_t every_ns;
    bool has_keepalive, keepalive;
    bool is_concurrent;
    uint32_t concurrent_callers; /* that are alike, taking turns */
    uint32_t concurrent_count;
    int64_t concurrent_every_ns;
    int64_t wait_ns, settle_ns;
    struct set_item *sets;
    uint32_t set_count;
    struct timeline_item *timeline; /* by at_ns */
    uint32_t timeline_count;
    struct expect expect;
    struct origin origin;
};

/* A rollout, object by object: `transition`. */
struct suite_transition {
    struct documents from, to;
    struct text_list *orders; /* of "KIND/NAME"; count 0: every order */
    uint32_t order_count;
};

struct suite_test {
    struct str name;
    struct str luck_name; /* with the seed: its luck; without what a matrix adds to the name */
    const struct profile *profile; /* of a matrix; NULL: the suite's */
    bool has_seed;                 /* of a matrix */
    uint64_t seed;
    struct suite_case *cases;
    uint32_t case_count;
    const struct node *workloads; /* the file's with the test's over it, merged */
    struct documents with;        /* manifests for this test only */
    bool is_order_independent;
    const struct suite_transition *transition; /* or NULL */
    const struct route_case *route_case;       /* of a testCases file (route_case.h); else NULL */
    struct inject_item *injects;
    uint32_t inject_count;
    struct want_stat *stats;
    uint32_t stat_count;
    struct want_events events;
    struct origin origin;
};

struct suite {
    struct str path, name;
    struct world_spec spec; /* but for the workloads, which are each test's own */
    uint64_t seed;
    const struct node *workloads; /* of the file, as they stand there; or NULL */
    struct str *config;           /* its manifests, as seen from the working directory */
    uint32_t config_count;
    bool is_static; /* testCases: no engine, no luck */
    struct suite_test *tests;
    uint32_t test_count;
    struct regex_set regexes; /* suite_fini frees them */
};

struct suite_options {
    const struct documents *manifests; /* of -f, before the file's own; or NULL */
    const struct profile *profile;     /* of the command line; NULL: the file's */
    bool has_seed;
    uint64_t seed;
    bool is_world_only; /* the tests are not looked at, and may be missing */
};

/* The documents of a file (one) as a suite; `path` is the file's, from its folder
 * other files are named. False when it cannot be run; every reason is in `diags`. */
bool suite_of(const struct documents *documents, struct str path,
              const struct suite_options *options, struct arena *arena, struct suite *out,
              struct diag_list *diags);
/* The same of a file. */
bool suite_read(struct str path, const struct suite_options *options, struct arena *arena,
                struct suite *out, struct diag_list *diags);
void suite_fini(struct suite *suite);

/* The suite's world with these workloads (a test's, or the file's), more manifests
 * behind its own. What is wrong is in `diags`. */
struct world_spec suite_world_spec(const struct suite *suite, const struct node *workloads,
                                   const struct documents *with, struct arena *arena,
                                   struct diag_list *diags);
