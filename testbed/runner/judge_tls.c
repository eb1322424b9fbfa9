/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/judge_tls.c - `tls`: how the connection to the server came about, or why
 * it did not, and by which object.
 *
 * It is computed of what both sides are (testbed/inspect/mtls.h), for the pod that was met
 * last, and held against what happened as far as that can be seen. `callerTls`: the same of
 * the TLS that a caller speaks itself, with its gateway or whoever that passes it on to.
 */
#include "base/check.h"
#include "testbed/inspect/connections.h"
#include "testbed/runner/judge_parts.h"
#include "testbed/runner/run_inside.h"

static const struct endpoint *endpoint_of(const struct world *world, const struct cluster *cluster,
                                          uint32_t pod)
{
    for (uint32_t i = 0; i < cluster->endpoint_count; i++) {
        const struct endpoint *endpoint = &cluster->endpoints[i];
        if (world_pod_at(world, endpoint->address, endpoint->port) == pod)
            return endpoint;
    }
    return NULL;
}

static struct mtls_question question_of(struct world *world, const struct call *call,
                                        const struct outcome *outcome)
{
    struct call_target target = world_target(world, call);
    struct mtls_question asked = {.client = call->client, .pod = target.pod, .port = target.port};
    const struct snapshot *snapshot = world_snapshot(world, call->client);
    if (snapshot == NULL || !outcome->has_record)
        return asked;
    asked.pod = outcome->pod;
    asked.cluster = snapshot_cluster(snapshot, outcome->record.cluster_name);
    if (asked.cluster == NULL)
        return asked;
    asked.host = outcome->record.authority;
    asked.is_http = asked.cluster->protocol != UPSTREAM_TCP;
    if (outcome->pod == UINT32_MAX)
        asked.pod = world_pod_meant(world, call, asked.cluster, &asked.port);
    else if (asked.cluster->type == CLUSTER_ORIGINAL_DST)
        asked.port = outcome->record.upstream.port;
    else
        asked.endpoint = endpoint_of(world, asked.cluster, outcome->pod);
    if (asked.endpoint != NULL)
        asked.port = asked.endpoint->port;
    return asked;
}

/* Whose object made it so: the client's, who chose what to speak, else the server's, who
 * would not have it. Nobody's where a certificate is bad in itself. */
static const struct mtls_side *blamed(const struct mtls_meeting *meeting)
{
    /* A caller that speaks for itself is no object: its gateway's server decides. */
    bool is_object =
        meeting->client.origin.line > 0 && str_find(meeting->client.by, '/') != STR_NONE;
    switch (meeting->reason) {
    case MTLS_SERVER_REQUIRES_MTLS:
    case MTLS_SERVER_SPEAKS_PLAINTEXT:
    case MTLS_NO_FILTER_CHAIN:
    case MTLS_APPLICATION_SPEAKS_TLS:
    case MTLS_SERVER_REQUIRES_TLS:
    case MTLS_NO_SERVER:
    case MTLS_CERTIFICATE_REQUIRED:
        return is_object ? &meeting->client : &meeting->server;
    case MTLS_CERTIFICATE_WRONG_NAME:
    case MTLS_CERTIFICATE_NOT_LISTED:
    case MTLS_CERTIFICATE_WRONG_AUTHORITY:
    case MTLS_CERTIFICATE_ABSENT:
        return is_object ? &meeting->client : NULL;
    case MTLS_NOTHING:
    case MTLS_CERTIFICATE_EXPIRED:
    case MTLS_CERTIFICATE_NOT_YET_VALID:
    case MTLS_CERTIFICATE_SELF_SIGNED:
    case MTLS_VERSION:
    case MTLS_CIPHER:
        return NULL;
    }
    UNREACHABLE("mtls_reason");
}

/* KIND/NAME or KIND/NAME.NAMESPACE, behind FILE: if it is given, the end of its path. */
static bool is_named(struct str want, const struct mtls_side *side)
{
    size_t slash = str_find(want, '/'), colon = STR_NONE;
    for (size_t i = 0; i < want.len; i++) {
        if (want.ptr[i] == ':')
            colon = i;
    }
    if (colon != STR_NONE) {
        if (!str_has_suffix(side->origin.file, str_slice(want, 0, colon)))
            return false;
        want = str_from(want, colon + 1);
        slash = str_find(want, '/');
    }
    struct str whole = side->by, rest = side->by;
    struct str short_name = str_cut(&rest, '.');
    return slash != STR_NONE && (str_eq(want, whole) || str_eq(want, short_name));
}

static struct str blame_words(const struct mtls_side *side, struct arena *arena)
{
    if (side == NULL || side->by.len == 0)
        return STR("nothing");
    return arena_format(arena, "%.*s%s%.*s", STR_FMT(side->origin.file),
                        side->origin.line > 0 ? ":" : "", STR_FMT(side->by));
}

static void judge_side(const struct want_text *want, const char *where,
                       const struct mtls_side *side, struct complaints *out)
{
    if (!want->is_given || want_text_holds(want, &side->mode) ||
        want_text_holds(want, &side->speaks))
        return;
    complain(out, want->origin, str_of(where), want_text_words(want, out->scratch),
             arena_format(out->scratch, "%.*s, speaks %.*s (%.*s)", STR_FMT(side->mode),
                          STR_FMT(side->speaks), STR_FMT(mtls_source(side, out->scratch))));
}

static void judge_blame(const struct want_tls *want, const char *where,
                        const struct mtls_meeting *meeting, struct complaints *out)
{
    const struct mtls_side *side = blamed(meeting);
    if (want->blame.len == 0 || (side != NULL && is_named(want->blame, side)))
        return;
    complain(out, want->blame_origin, str_of(where), want->blame, blame_words(side, out->scratch));
}

/* What was computed and what happened are never at odds. */
static void judge_truth(const struct want_tls *want, const char *where, struct str contradiction,
                        struct complaints *out)
{
    if (contradiction.len > 0)
        complain(out, want->origin, str_of(where), STR("what was computed"), contradiction);
}

static void judge_meeting(const struct want_tls *want, const char *const *where,
                          const struct mtls_meeting *meeting, struct complaints *out)
{
    struct str verdict = mtls_verdict_name(meeting->verdict);
    struct str because = mtls_reason_word(meeting->reason);
    judge_side(&want->client, where[0], &meeting->client, out);
    judge_side(&want->server, where[1], &meeting->server, out);
    judge_text(&want->verdict, where[2], &verdict, out);
    judge_text(&want->because, where[3], because.len > 0 ? &because : NULL, out);
    judge_blame(want, where[4], meeting, out);
}

void judge_tls(const struct want_tls *want, struct world *world, const struct call *call,
               const struct outcome *outcome, struct complaints *out)
{
    static const char *const WHERE[] = {"tls.client", "tls.server", "tls.verdict", "tls.because",
                                        "tls.blame"};
    if (!want->is_given)
        return;
    struct mtls_question asked = question_of(world, call, outcome);
    struct mtls_meeting meeting = mtls_meet(world, &asked, out->scratch);
    judge_meeting(want, WHERE, &meeting, out);
    judge_truth(want, "tls", mtls_contradiction(&asked, &meeting, outcome, out->scratch), out);
}

void judge_caller_tls(const struct want_tls *want, struct world *world, const struct call *call,
                      const struct outcome *outcome, struct complaints *out)
{
    static const char *const WHERE[] = {"callerTls.client", "callerTls.server", "callerTls.verdict",
                                        "callerTls.because", "callerTls.blame"};
    if (!want->is_given)
        return;
    struct connections all = connections_of(world, call, outcome, out->scratch);
    const struct connection *own = connections_callers(&all);
    struct str version =
        outcome->tls.is_agreed ? tls_version_name(outcome->tls.version) : STR_EMPTY;
    if (own == NULL) {
        complain(out, want->origin, STR("callerTls"), STR("a caller that speaks TLS"),
                 STR("it spoke plaintext, and was understood"));
        return;
    }
    judge_meeting(want, WHERE, &own->meeting, out);
    judge_text(&want->version, "callerTls.version", version.len > 0 ? &version : NULL, out);
    for (uint32_t i = 0; i < all.count; i++)
        judge_truth(want, "callerTls", all.items[i].contradiction, out);
}
