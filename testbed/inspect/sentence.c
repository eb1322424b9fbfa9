/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/sentence.c - each kind of event in words.
 */
#include "testbed/inspect/sentence.h"

#include "base/check.h"
#include "base/ns.h"
#include "config/yaml/duration.h"
#include "proxy/core/reason.h"

static struct str pod_of(const struct sentence_context *context, const struct endpoint *endpoint)
{
    if (endpoint == NULL)
        return STR("nobody");
    const struct world *world = context->world;
    uint32_t pod =
        world == NULL ? UINT32_MAX : world_pod_at(world, endpoint->address, endpoint->port);
    if (pod != UINT32_MAX)
        return arena_format(context->arena, "%.*s (%.*s:%u)", STR_FMT(world->pods[pod].name),
                            STR_FMT(endpoint->address), endpoint->port);
    return arena_format(context->arena, "%.*s:%u", STR_FMT(endpoint->address), endpoint->port);
}

/* Where an attempt goes. */
static struct str aim_of(const struct sentence_context *context, const struct trace_event *event)
{
    if (event->endpoint != NULL || event->cluster == NULL)
        return pod_of(context, event->endpoint);
    return event->cluster->is_inbound ? STR("the application behind it")
                                      : STR("where its client meant to go");
}

/* What the value must do. */
static struct str text_matcher_words(const struct string_matcher *match, struct arena *arena)
{
    switch (match->kind) {
    case STRING_EXACT:
        return arena_format(arena, "be \"%.*s\"", STR_FMT(match->value));
    case STRING_PREFIX:
        return arena_format(arena, "begin with \"%.*s\"", STR_FMT(match->value));
    case STRING_SUFFIX:
        return arena_format(arena, "end in \"%.*s\"", STR_FMT(match->value));
    case STRING_CONTAINS:
        return arena_format(arena, "contain \"%.*s\"", STR_FMT(match->value));
    case STRING_REGEX:
        return arena_format(arena, "match /%.*s/ as a whole", STR_FMT(match->value));
    case STRING_PRESENT:
        return STR("be there");
    }
    UNREACHABLE("string_match_kind");
}

static struct str path_verb(enum path_match_kind kind)
{
    switch (kind) {
    case PATH_PREFIX:
    case PATH_SEPARATED_PREFIX:
        return STR("begin with");
    case PATH_EXACT:
        return STR("be");
    case PATH_REGEX:
        return STR("match, as a whole,");
    }
    UNREACHABLE("path_match_kind");
}

static struct str path_words(const struct path_matcher *path, struct arena *arena)
{
    return arena_format(arena, "%.*s %.*s%s", STR_FMT(path_verb(path->kind)), STR_FMT(path->value),
                        path->is_ignoring_case ? " (ignoring case)" : "");
}

static struct str met_words(const struct trace_event *event, struct arena *arena)
{
    if (event->is_absent)
        return STR("absent");
    return arena_format(arena, "\"%.*s\"", STR_FMT(event->text));
}

/* A claim is met as JSON: "carol", ["admin","dev"], 3. */
static struct str claim_words(const struct claim_matcher *claim, const struct trace_event *event,
                              struct arena *arena)
{
    struct str name = STR_EMPTY;
    for (uint32_t i = 0; i < claim->path_count; i++)
        name = arena_format(arena, "%.*s[%.*s]", STR_FMT(name), STR_FMT(claim->path[i]));
    struct str met = event->is_absent ? STR("absent") : event->text;
    return arena_format(arena, "the token's claim %.*s is %.*s, it must %s%.*s", STR_FMT(name),
                        STR_FMT(met), claim->is_inverted ? "not " : "",
                        STR_FMT(text_matcher_words(&claim->value, arena)));
}

static struct str rejection_words(const struct trace_event *event, struct arena *arena)
{
    const struct route_match *match = &event->route->match;
    struct str met = met_words(event, arena);
    switch (event->condition) {
    case CONDITION_PATH:
        return arena_format(arena, "the path is %.*s, it must %.*s", STR_FMT(event->text),
                            STR_FMT(path_words(&match->path, arena)));
    case CONDITION_HEADER: {
        const struct header_matcher *header = &match->headers[event->index];
        return arena_format(arena, "the header %.*s is %.*s, it must %s%.*s", STR_FMT(header->name),
                            STR_FMT(met), header->is_inverted ? "not " : "",
                            STR_FMT(text_matcher_words(&header->match, arena)));
    }
    case CONDITION_QUERY: {
        const struct query_matcher *query = &match->queries[event->index];
        return arena_format(arena, "the query's %.*s is %.*s, it must %.*s", STR_FMT(query->name),
                            STR_FMT(met), STR_FMT(text_matcher_words(&query->match, arena)));
    }
    case CONDITION_CLAIM:
        return claim_words(&match->claims[event->index], event, arena);
    case CONDITION_GRPC:
        return STR("the request is not gRPC");
    case CONDITION_NONE:
    case CONDITION_RETRY_WORDS:
    case CONDITION_RETRY_LIMIT:
    case CONDITION_RETRY_BUDGET:
    case CONDITION_RETRY_BODY:
    case CONDITION_MIRROR_SHARE:
    case CONDITION_MIRROR_CLUSTER:
    case CONDITION_MIRROR_ENDPOINT:
        break;
    }
    UNREACHABLE("trace_condition");
}

static struct str rule_name(const struct route *route, struct arena *arena)
{
    if (route->name.len > 0)
        return arena_format(arena, "rule %.*s", STR_FMT(route->name));
    /* spec.http[1].match[0], as the path of what wrote it. */
    struct str path = route->rule_path;
    if (path.len == 0)
        return arena_format(arena, "rule %u", route->index);
    if (str_has_prefix(path, STR("spec.")))
        path = str_from(path, STR("spec.").len);
    return arena_format(arena, "rule %.*s", STR_FMT(path));
}

static struct str mutation_words(const struct trace_event *event, struct arena *arena)
{
    const char *side = event->index == 0 ? "request" : "response";
    if (event->number == 2)
        return arena_format(arena, "%.*s is taken off the %s", STR_FMT(event->text), side);
    return arena_format(arena, "%.*s: %.*s is %s on the %s", STR_FMT(event->text),
                        STR_FMT(event->other), event->number == 1 ? "set" : "added", side);
}

static struct str cluster_words(const struct trace_event *event, struct arena *arena)
{
    if (event->total == 0)
        return event->text;
    return arena_format(arena, "%.*s (drew %lld of %lld)", STR_FMT(event->text),
                        (long long)event->number, (long long)event->total);
}

/* The request and the choice of a route. */
static bool tell_routing(const struct sentence_context *context, const struct trace_event *event,
                         struct sentence *line)
{
    struct arena *arena = context->arena;
    if (event->kind == TRACE_REQUEST) {
        line->subject = event->text;
        line->words = event->other;
    } else if (event->kind == TRACE_NORMALIZED) {
        line->subject = STR("path");
        line->words = arena_format(arena, "normalized from %.*s to %.*s", STR_FMT(event->text),
                                   STR_FMT(event->other));
    } else if (event->kind == TRACE_VIRTUAL_HOST) {
        line->subject = STR("virtual host");
        line->words = arena_format(arena, "%.*s, by its domain \"%.*s\"",
                                   STR_FMT(event->virtual_host->name), STR_FMT(event->text));
    } else if (event->kind == TRACE_NO_VIRTUAL_HOST) {
        line->mark = SENTENCE_BAD;
        line->subject = STR("virtual host");
        line->words = arena_format(arena, "none has the domain \"%.*s\"", STR_FMT(event->text));
    } else if (event->kind == TRACE_ROUTE_REJECTED) {
        line->mark = SENTENCE_NO;
        line->subject = rule_name(event->route, arena);
        line->words = rejection_words(event, arena);
    } else if (event->kind == TRACE_ROUTE_CHOSEN) {
        line->mark = SENTENCE_YES;
        line->subject = rule_name(event->route, arena);
        line->words = STR("matches");
    } else if (event->kind == TRACE_NO_ROUTE) {
        line->mark = SENTENCE_BAD;
        line->subject = STR("rule");
        line->words = arena_format(arena, "none matches %.*s", STR_FMT(event->text));
    } else {
        return false;
    }
    return true;
}

/* What the route made of it. */
static bool tell_action(const struct sentence_context *context, const struct trace_event *event,
                        struct sentence *line)
{
    struct arena *arena = context->arena;
    if (event->kind == TRACE_CLUSTER_CHOSEN) {
        line->mark = SENTENCE_GO;
        line->subject = STR("cluster");
        line->words = cluster_words(event, arena);
    } else if (event->kind == TRACE_CLUSTER_MISSING) {
        line->mark = SENTENCE_BAD;
        line->subject = STR("cluster");
        line->words = STR("does not exist: no such host, port or subset in the mesh");
    } else if (event->kind == TRACE_HEADER_MUTATED) {
        line->subject = STR("header");
        line->words = mutation_words(event, arena);
    } else if (event->kind == TRACE_PATH_REWRITTEN || event->kind == TRACE_HOST_REWRITTEN) {
        line->subject = event->kind == TRACE_PATH_REWRITTEN ? STR("path") : STR("host");
        line->words = arena_format(arena, "rewritten from %.*s to %.*s", STR_FMT(event->text),
                                   STR_FMT(event->other));
    } else if (event->kind == TRACE_REDIRECTED) {
        line->mark = SENTENCE_GO;
        line->subject = STR("redirect");
        line->words =
            arena_format(arena, "%lld to %.*s", (long long)event->number, STR_FMT(event->text));
    } else if (event->kind == TRACE_ANSWERED_DIRECTLY) {
        line->mark = SENTENCE_GO;
        line->subject = STR("direct answer");
        line->words = arena_format(arena, "%lld", (long long)event->number);
    } else if (event->kind == TRACE_TIMEOUT_ARMED) {
        line->subject = STR("timeout");
        line->is_default = event->origin.line == 0;
        line->words = duration_text(event->number, arena);
    } else {
        return false;
    }
    return true;
}

static struct str mirror_refusal_words(const struct trace_event *event, struct arena *arena)
{
    switch (event->condition) {
    case CONDITION_MIRROR_SHARE:
        return arena_format(arena, "no copy to %.*s: the draw lets this one pass",
                            STR_FMT(event->text));
    case CONDITION_MIRROR_CLUSTER:
        return arena_format(arena, "no copy: %.*s does not exist", STR_FMT(event->text));
    case CONDITION_MIRROR_ENDPOINT:
        return arena_format(arena, "no copy: %.*s has no usable endpoint", STR_FMT(event->text));
    case CONDITION_NONE:
    case CONDITION_PATH:
    case CONDITION_HEADER:
    case CONDITION_QUERY:
    case CONDITION_CLAIM:
    case CONDITION_GRPC:
    case CONDITION_RETRY_WORDS:
    case CONDITION_RETRY_LIMIT:
    case CONDITION_RETRY_BUDGET:
    case CONDITION_RETRY_BODY:
        break;
    }
    UNREACHABLE("trace_condition");
}

static struct str access_words(const struct trace_event *event, struct arena *arena)
{
    bool is_deny = event->index == RBAC_DENY, is_dry = event->kind == TRACE_ACCESS_SHADOW;
    const char *what = event->number != 0 ? "let in" : "denied";
    struct str caller = event->other.len > 0 ? event->other : STR("a caller without a certificate");
    struct str who =
        arena_format(arena, "%s%.*s %s", is_dry ? "a dry run, which decides nothing: " : "",
                     STR_FMT(caller), is_dry ? "would be" : "is");
    if (event->index == RBAC_LOG)
        return arena_format(arena, "%.*s noted by %.*s, which decides nothing", STR_FMT(who),
                            STR_FMT(event->text));
    if (event->text.len == 0)
        return arena_format(arena, "%.*s %s: no %s%s policy has a rule for it", STR_FMT(who), what,
                            is_dry ? "dry-run " : "", is_deny ? "DENY" : "ALLOW");
    return arena_format(arena, "%.*s %s by %.*s", STR_FMT(who), what, STR_FMT(event->text));
}

/* What stands between the route and its action, and copies. */
static bool tell_filters(const struct sentence_context *context, const struct trace_event *event,
                         struct sentence *line)
{
    struct arena *arena = context->arena;
    line->subject = STR("fault");
    if (event->kind == TRACE_FAULT_DELAYED) {
        line->mark = SENTENCE_GO;
        line->words = arena_format(arena, "the request waits %.*s before it is routed",
                                   STR_FMT(duration_text(event->number, arena)));
    } else if (event->kind == TRACE_FAULT_ABORTED) {
        line->mark = SENTENCE_BAD;
        line->words =
            arena_format(arena, "the request is aborted with %lld", (long long)event->number);
    } else if (event->kind == TRACE_FAULT_MISSED) {
        line->mark = SENTENCE_NO;
        line->words = STR("the draw lets this one pass");
    } else if (event->kind == TRACE_TOKEN) {
        line->subject = STR("token");
        line->mark = event->number != 0 ? SENTENCE_YES : SENTENCE_BAD;
        line->words = event->number != 0
                          ? arena_format(arena, "it is %.*s's", STR_FMT(event->other))
                          : arena_format(arena, "refused: %.*s", STR_FMT(event->text));
    } else if (event->kind == TRACE_ACCESS) {
        line->subject = STR("access");
        line->mark = event->number != 0 ? SENTENCE_YES : SENTENCE_BAD;
        line->words = access_words(event, arena);
    } else if (event->kind == TRACE_ACCESS_SHADOW) {
        line->subject = STR("access");
        line->mark = SENTENCE_NO;
        line->words = access_words(event, arena);
    } else if (event->kind == TRACE_ACCESS_UNASKED) {
        line->subject = STR("access");
        line->mark = SENTENCE_NO;
        line->words =
            arena_format(arena, "the provider of %.*s is not asked: CUSTOM is not applied",
                         STR_FMT(event->text));
    } else if (event->kind == TRACE_CORS) {
        line->subject = STR("CORS");
        line->mark = event->number != 0 ? SENTENCE_YES : SENTENCE_NO;
        line->words = arena_format(arena, "the origin %.*s is %s", STR_FMT(event->text),
                                   event->number != 0 ? "allowed" : "not among the allowed ones");
    } else if (event->kind == TRACE_MIRRORED) {
        line->subject = STR("mirror");
        line->mark = SENTENCE_GO;
        line->words = arena_format(arena, "a copy goes to %.*s of %.*s",
                                   STR_FMT(pod_of(context, event->endpoint)), STR_FMT(event->text));
    } else if (event->kind == TRACE_MIRROR_MISSED) {
        line->subject = STR("mirror");
        line->mark = SENTENCE_NO;
        line->words = mirror_refusal_words(event, arena);
    } else {
        return false;
    }
    return true;
}

static struct str no_endpoint_words(const struct trace_event *event, struct arena *arena)
{
    if (event->cluster != NULL && event->cluster->type == CLUSTER_ORIGINAL_DST)
        return STR("the address that was dialled is nobody's here");
    if (event->total == 0)
        return STR("the cluster has none: no pod has the labels");
    if (event->index > 0)
        return arena_format(arena, "none of %lld is usable: outlier detection has ejected %u",
                            (long long)event->total, event->index);
    return arena_format(arena, "none of %lld is usable", (long long)event->total);
}

static struct str retry_refusal_words(const struct trace_event *event, struct arena *arena)
{
    switch (event->condition) {
    case CONDITION_RETRY_WORDS:
        return arena_format(arena, "none: not one of %.*s covers it", STR_FMT(event->text));
    case CONDITION_RETRY_LIMIT:
        return arena_format(arena, "none: %.*s covers it, but %lld attempt%s are all",
                            STR_FMT(event->text), (long long)event->number,
                            event->number == 1 ? "" : "s");
    case CONDITION_RETRY_BUDGET:
        return arena_format(arena, "none: %.*s covers it, but too many retries are under way",
                            STR_FMT(event->text));
    case CONDITION_RETRY_BODY:
        return arena_format(arena, "no more: the body is longer than the %lld bytes that are kept",
                            (long long)event->number);
    case CONDITION_NONE:
    case CONDITION_PATH:
    case CONDITION_HEADER:
    case CONDITION_QUERY:
    case CONDITION_CLAIM:
    case CONDITION_GRPC:
    case CONDITION_MIRROR_SHARE:
    case CONDITION_MIRROR_CLUSTER:
    case CONDITION_MIRROR_ENDPOINT:
        break;
    }
    UNREACHABLE("trace_condition");
}

static struct str ejection_words(const struct sentence_context *context,
                                 const struct trace_event *event)
{
    struct arena *arena = context->arena;
    struct str pod = pod_of(context, event->endpoint);
    if (event->number == 0)
        return arena_format(arena, "%.*s: %.*s is noticed, not enforced", STR_FMT(pod),
                            STR_FMT(event->text));
    return arena_format(arena, "%.*s is ejected for %.*s: %.*s", STR_FMT(pod),
                        STR_FMT(duration_text(event->number, arena)), STR_FMT(event->text));
}

/* Endpoints and attempts. */
static bool tell_attempt(const struct sentence_context *context, const struct trace_event *event,
                         struct sentence *line)
{
    struct arena *arena = context->arena;
    line->subject = arena_format(arena, "attempt %u", event->index);
    if (event->kind == TRACE_ENDPOINT_PICKED) {
        line->subject = STR("endpoint");
        line->words =
            arena_format(arena, "%.*s, one of %lld usable",
                         STR_FMT(pod_of(context, event->endpoint)), (long long)event->number);
    } else if (event->kind == TRACE_NO_ENDPOINT) {
        line->mark = SENTENCE_BAD;
        line->subject = STR("endpoint");
        line->words = no_endpoint_words(event, arena);
    } else if (event->kind == TRACE_ATTEMPT_OPENED) {
        line->words = arena_format(arena, "to %.*s", STR_FMT(aim_of(context, event)));
    } else if (event->kind == TRACE_ATTEMPT_CONNECTED) {
        line->words =
            event->number != 0 ? STR("on a connection that was kept") : STR("on a new connection");
    } else if (event->kind == TRACE_ATTEMPT_FAILED) {
        line->mark = SENTENCE_BAD;
        line->words = arena_format(arena, "%.*s%s%.*s", STR_FMT(failure_row(event->failure)->words),
                                   event->text.len > 0 ? ": " : "", STR_FMT(event->text));
    } else if (event->kind == TRACE_TRY_TIMEOUT_ARMED) {
        line->words = arena_format(arena, "has %.*s", STR_FMT(duration_text(event->number, arena)));
    } else if (event->kind == TRACE_RESPONSE) {
        line->words = arena_format(arena, "answered %lld", (long long)event->number);
    } else if (event->kind == TRACE_EJECTED) {
        line->mark = SENTENCE_BAD;
        line->subject = STR("outlier");
        line->words = ejection_words(context, event);
    } else if (event->kind == TRACE_TRY_TIMEOUT_FIRED) {
        line->mark = SENTENCE_BAD;
        line->words = arena_format(arena, "is given up: the %.*s of one attempt have passed",
                                   STR_FMT(duration_text(event->number, arena)));
    } else if (event->kind == TRACE_RETRY_LATER) {
        line->mark = SENTENCE_GO;
        line->subject = STR("retry");
        line->is_default = event->origin.line == 0;
        line->words = arena_format(arena, "%.*s covers it: again after %.*s", STR_FMT(event->text),
                                   STR_FMT(duration_text(event->number, arena)));
    } else if (event->kind == TRACE_RETRY_REFUSED) {
        line->mark = SENTENCE_NO;
        line->subject = STR("retry");
        line->is_default = event->origin.line == 0;
        line->words = retry_refusal_words(event, arena);
    } else {
        return false;
    }
    return true;
}

static void tell_end(const struct sentence_context *context, const struct trace_event *event,
                     struct sentence *line)
{
    struct arena *arena = context->arena;
    line->mark = SENTENCE_BAD;
    if (event->kind == TRACE_TIMEOUT_FIRED) {
        line->subject = STR("timeout");
        line->is_default = event->origin.line == 0;
        line->words =
            arena_format(arena, "%.*s have passed", STR_FMT(duration_text(event->number, arena)));
    } else if (event->kind == TRACE_LOCAL_REPLY) {
        line->mark = event->number >= 400 ? SENTENCE_BAD : SENTENCE_PLAIN;
        line->subject = STR("proxy");
        line->words = arena_format(arena, "answers %lld by itself: %.*s", (long long)event->number,
                                   STR_FMT(reason_row(event->reason)->english));
    } else if (event->kind == TRACE_CUT) {
        line->subject = STR("response");
        line->words = STR("was begun and cannot be ended: the connection is cut");
    } else if (event->kind == TRACE_CLIENT_GONE) {
        line->subject = STR("client");
        line->words = STR("has gone");
    } else {
        line->mark = SENTENCE_PLAIN;
        line->subject = STR("end");
        line->words =
            arena_format(arena, "%lld %.*s", (long long)event->number, STR_FMT(event->text));
    }
}

struct sentence sentence_of(const struct sentence_context *context, const struct trace_event *event)
{
    struct sentence line = {.origin = event->origin};
    if (tell_routing(context, event, &line) || tell_action(context, event, &line) ||
        tell_filters(context, event, &line) || tell_attempt(context, event, &line))
        return line;
    tell_end(context, event, &line);
    return line;
}
