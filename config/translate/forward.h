/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/forward.h - the action of a rule with destinations: cluster
 * or weighted clusters, rewrite, timeout, retries, mirrors.
 */
#pragma once

#include "config/translate/context.h"
#include "config/translate/mutations.h"

struct forward_question {
    const struct http_rule *rule;
    uint32_t listen_port;
    struct str namespace; /* of the VirtualService */
    struct str authority; /* set by the route's own header operations */
    enum route_semantics semantics;
    const struct path_matcher *path; /* what the route matches */
};

/* Fills `out`. A single destination's header operations are appended to the
 * route's lists. False: a regex does not compile. */
bool forward_translate(struct translation *t, const struct forward_question *question,
                       struct mutation_lists *request, struct mutation_lists *response,
                       struct forward_action *out);

/* timeout, max_grpc_timeout and retries of a route that nobody wrote. */
void forward_set_defaults(struct translation *t, bool is_in_mesh, struct forward_action *out);
