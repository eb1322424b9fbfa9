/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/route_case.h - istio-config-validator's test files: documents
 * with `testCases:`, a second kind of test beside RouteTests.
 *
 * Nothing is played. For each request the first rule of the VirtualServices that
 * matches is found, and what it says (route, rewrite, redirect, fault, headers,
 * delegate) is held against what the case says. There is no mesh: services need not
 * exist, gateways and namespaces do not count. docs/routetest.md has the rules.
 */
#pragma once

#include "base/regex.h"
#include "config/resource/label.h"
#include "testbed/runner/route_part.h"
#include "testbed/runner/run.h"
#include "testbed/runner/suite.h"

enum route_matcher_kind {
    ROUTE_MATCHER_ANY,
    ROUTE_MATCHER_EXACT,
    ROUTE_MATCHER_PREFIX,
    ROUTE_MATCHER_REGEX
};

struct route_matcher {
    enum route_matcher_kind kind;
    struct str name; /* of a header */
    struct str value;
    const struct regex *regex;
};

/* One item of `match`: all of it must hold. */
struct route_block {
    struct route_matcher authority, uri, method;
    struct route_matcher *headers;
    uint32_t header_count;
};

struct route_rule {
    const struct node *parts[PART_COUNT]; /* as written; NULL: absent */
    struct route_block *blocks;           /* none: matches everything */
    uint32_t block_count;
    struct origin origin;
};

struct route_service {
    struct str name, namespace;
    struct text_list hosts; /* as written */
    struct route_rule *rules;
    uint32_t rule_count;
};

/* The VirtualServices of a suite, in the order of their documents. */
struct route_services {
    struct route_service *items;
    uint32_t count, capacity;
};

struct route_case {
    bool is_wanted;                              /* wantMatch */
    struct text_list authorities, methods, uris; /* every combination is a request */
    struct label *headers;
    uint32_t header_count;
    const struct node *parts[PART_COUNT];
    const struct route_services *services;
};

/* Some document of the file has testCases, and is no Kubernetes object. */
bool route_case_is_file(const struct documents *documents);

/* The documents of a file as a suite. Its VirtualServices are those of -f, else those
 * of the file's folder and below. False when it cannot be run; every reason is in
 * `diags`. */
bool route_case_suite(const struct documents *documents, struct str path,
                      const struct suite_options *options, struct arena *arena, struct suite *out,
                      struct diag_list *diags);

/* Judges the case of a test into a result that was begun (its arena, complaints). */
void route_case_judge(const struct suite_test *test, struct test_result *out);
