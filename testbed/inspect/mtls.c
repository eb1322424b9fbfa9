/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/mtls.c - see mtls.h.
 */
#include "testbed/inspect/mtls.h"

#include "base/check.h"
#include "config/resource/peer_authentication.h"
#include "config/translate/authn.h"

#define PLAINTEXT STR("plaintext")

struct meeting_maker {
    struct world *world;
    const struct mtls_question *asked;
    struct arena *arena;
    const struct cluster *cluster;  /* who speaks; NULL: it has no TLS to speak */
    const struct upstream_tls *tls; /* the client's; NULL: plaintext */
    struct mtls_meeting out;
};

/* --- who said it ------------------------------------------------------------ */

static struct str default_words(const struct meeting_maker *maker)
{
    return arena_format(maker->arena, "default of profile %.*s",
                        STR_FMT(maker->world->spec.profile->name));
}

/* Somebody who speaks, or not, for himself. */
static struct mtls_side caller_side(const struct meeting_maker *maker)
{
    static const struct str MODES[] = {[CALLER_TLS_SIMPLE] = STR_INIT("SIMPLE"),
                                       [CALLER_TLS_MUTUAL] = STR_INIT("MUTUAL"),
                                       [CALLER_TLS_ISTIO_MUTUAL] = STR_INIT("ISTIO_MUTUAL")};
    const struct client_spec *spec = &maker->world->clients[maker->asked->client].spec;
    struct mtls_side out = {.mode = STR("none"), .speaks = PLAINTEXT, .origin = spec->origin};
    out.by = mtls_caller_name(spec);
    if (maker->tls == NULL)
        return out;
    out.mode = MODES[spec->tls.mode];
    out.speaks = maker->tls->certificate.len > 0 ? STR("mutual TLS") : STR("TLS");
    out.origin = spec->tls.origin;
    return out;
}

static struct mtls_side client_side(const struct meeting_maker *maker)
{
    const struct cluster *cluster = maker->asked->cluster;
    struct mtls_side out = {.speaks = PLAINTEXT};
    if (maker->asked->caller != NULL || maker->asked->front != NULL)
        return caller_side(maker);
    if (cluster == NULL) {
        out.mode = STR("no sidecar");
        return out;
    }
    const struct tls_word *word = &cluster->tls_word;
    bool has_default =
        (cluster->defaults & DEFAULT_MTLS) != 0 && maker->world->spec.profile->has_auto_mtls;
    bool is_auto =
        word->mode.len == 0 && word->by.len == 0 && (cluster->tls != NULL || has_default);
    out.mode = is_auto ? STR("auto") : word->mode.len > 0 ? word->mode : STR("none");
    out.by = word->by.len > 0       ? word->by
             : !is_auto             ? default_words(maker)
             : cluster->tls != NULL ? STR("auto mTLS")
                                    : STR("auto mTLS, not all of its pods have a sidecar");
    out.origin = word->origin;
    if (maker->tls != NULL)
        out.speaks = maker->tls->certificate.len > 0 ? STR("mutual TLS") : STR("TLS");
    return out;
}

static struct str taken_words(struct str mode)
{
    if (str_eq(mode, STR("STRICT")))
        return STR("mutual TLS");
    return str_eq(mode, STR("PERMISSIVE")) ? STR("plaintext and mutual TLS") : PLAINTEXT;
}

/* Of a proxy's listener that is met: the server of a Gateway whose chain takes it. */
static struct mtls_side front_side(const struct filter_chain *chain)
{
    struct mtls_side out = {.mode = STR("no server"), .speaks = STR("nothing")};
    if (chain == NULL)
        return out;
    out.mode = chain->server.mode.len > 0 ? chain->server.mode : STR("none");
    out.by = chain->server.by;
    out.origin = chain->server.origin;
    if (chain->tls != NULL)
        out.speaks = tls_is_requiring(chain->tls)      ? STR("mutual TLS")
                     : chain->tls->authorities.len > 0 ? STR("TLS and mutual TLS")
                                                       : STR("TLS");
    else
        out.speaks = chain->kind == CHAIN_HTTP ? PLAINTEXT : STR("anything, to be passed on");
    return out;
}

static struct mtls_side server_side(const struct meeting_maker *maker)
{
    const struct world_pod *pod = &maker->world->pods[maker->asked->pod];
    struct mtls_side out = {.mode = STR("no sidecar"), .speaks = PLAINTEXT};
    if (maker->asked->is_behind)
        out.mode = STR("behind its sidecar");
    if (maker->out.listener == NULL) {
        if (pod->behaviour.tls.is_set)
            out.speaks = STR("TLS");
        return out;
    }
    const struct tls_word *word =
        snapshot_inbound_mode(world_snapshot(maker->world, pod->client), maker->asked->port);
    ASSERT(word != NULL);
    out.mode = word->mode;
    out.speaks = taken_words(word->mode);
    out.by = word->by.len > 0 ? word->by : default_words(maker);
    out.origin = word->origin;
    return out;
}

/* --- what becomes of it ----------------------------------------------------- */

static void refuse(struct meeting_maker *maker, enum mtls_reason reason, bool is_by_server)
{
    maker->out.verdict = MTLS_REFUSED;
    maker->out.reason = reason;
    maker->out.is_refused_by_server = is_by_server;
}

static void set_failure(struct meeting_maker *maker, enum tls_failure failure)
{
    struct mtls_meeting *out = &maker->out;
    struct str met = tls_met_text(failure, &out->client_party.names, out->server_party.certificate,
                                  maker->arena);
    out->transport_failure = tls_failure_text(failure, met, maker->arena);
}

static enum mtls_reason reason_of(enum tls_failure failure)
{
    if (failure == TLS_EXPIRED)
        return MTLS_CERTIFICATE_EXPIRED;
    if (failure == TLS_NOT_YET_VALID)
        return MTLS_CERTIFICATE_NOT_YET_VALID;
    if (failure == TLS_NAME_MISMATCH || failure == TLS_NAME_NOT_LISTED)
        return MTLS_CERTIFICATE_WRONG_NAME;
    if (failure == TLS_HASH_NOT_LISTED)
        return MTLS_CERTIFICATE_NOT_LISTED;
    if (failure == TLS_ISSUER_UNKNOWN)
        return MTLS_CERTIFICATE_WRONG_AUTHORITY;
    if (failure == TLS_SELF_SIGNED)
        return MTLS_CERTIFICATE_SELF_SIGNED;
    if (failure == TLS_SECRET_ABSENT)
        return MTLS_CERTIFICATE_ABSENT;
    if (failure == TLS_NO_CERTIFICATE)
        return MTLS_CERTIFICATE_REQUIRED;
    return failure == TLS_NO_SHARED_CIPHER ? MTLS_CIPHER : MTLS_VERSION;
}

/* Is it this side that found it, or did it hear of it? */
static bool is_found(enum tls_failure failure)
{
    return failure == TLS_SECRET_ABSENT || tls_alert(failure, TLS_VERSION_1_3) != 0;
}

static void judge_handshake(struct meeting_maker *maker)
{
    struct mtls_meeting *out = &maker->out;
    const struct tls_outcome *outcome = &out->outcome;
    bool is_mutual = out->client_party.certificate != NULL &&
                     (out->server_party.is_asking || out->server_party.is_requiring);
    if (outcome->client == TLS_FINE && outcome->server == TLS_FINE) {
        out->verdict = is_mutual ? MTLS_MUTUAL : MTLS_TLS;
        return;
    }
    bool is_by_client = is_found(outcome->client);
    enum tls_failure found = is_by_client ? outcome->client : outcome->server;
    refuse(maker, reason_of(found), !is_by_client);
    /* A server without a certificate leaves the greeting unread: that is a reset. */
    if (outcome->server == TLS_SECRET_ABSENT)
        set_failure(maker, TLS_RESET);
    else if (!outcome->is_client_early)
        set_failure(maker, outcome->client);
}

static void shake_hands(struct meeting_maker *maker, struct tls_party server)
{
    struct mtls_meeting *out = &maker->out;
    out->has_handshake = true;
    out->server_party = server;
    out->outcome = tls_verdict(&out->client_party, &out->server_party, 0);
    judge_handshake(maker);
}

/* What is behind the sidecar, or stands alone, hears what is left. */
static void meet_application(struct meeting_maker *maker, bool is_tls_left)
{
    const struct tls_end *end = world_pod_tls(maker->world, maker->asked->pod, false);
    if (end != NULL && is_tls_left) {
        shake_hands(maker, tls_party_downstream(&end->server, &end->keyring));
    } else if (end != NULL) {
        refuse(maker, MTLS_APPLICATION_SPEAKS_TLS, true);
    } else if (is_tls_left) {
        refuse(maker, MTLS_SERVER_SPEAKS_PLAINTEXT, false);
        set_failure(maker, TLS_WRONG_VERSION_NUMBER);
    }
}

/* As the inspector has it: in lower case. */
static struct str lower(struct str text, struct arena *arena)
{
    char *out = arena_alloc(arena, text.len);
    for (size_t i = 0; i < text.len; i++)
        out[i] = str_lower_char(text.ptr[i]);
    return (struct str){out, text.len};
}

struct chain_question mtls_chain_question(const struct world *world,
                                          const struct mtls_question *asked,
                                          const struct mtls_meeting *meeting, struct arena *arena)
{
    static const struct str HTTP[] = {STR_INIT("http/1.1")};
    const struct mtls_greeting *greeting = &meeting->greeting;
    const struct listener *listener = meeting->listener;
    uint32_t port = asked->port;
    struct chain_question question = {
        .listener = listener,
        .destination_port = port,
        .destination_address =
            asked->front != NULL ? asked->front_address : world->pods[asked->pod].address,
    };
    if (greeting->is_tls && chain_is_inspected(&listener->tls_inspector, port)) {
        question.is_tls = true;
        question.server_name = lower(greeting->server_name, arena);
        question.protocols = greeting->protocols;
        question.protocol_count = greeting->protocol_count;
    } else if (!greeting->is_tls && chain_is_inspected(&listener->http_inspector, port)) {
        question.protocols = HTTP;
        question.protocol_count = COUNT_OF(HTTP);
    }
    return question;
}

/* No chain takes it. */
static void miss(struct meeting_maker *maker)
{
    bool is_tls = maker->out.greeting.is_tls;
    if (maker->asked->front != NULL)
        refuse(maker, is_tls ? MTLS_NO_SERVER : MTLS_SERVER_REQUIRES_TLS, true);
    else
        refuse(maker, is_tls ? MTLS_NO_FILTER_CHAIN : MTLS_SERVER_REQUIRES_MTLS, true);
    if (is_tls)
        set_failure(maker, TLS_RESET);
}

/* What the chain makes of it: HTTP, or bytes that go on to somebody else. */
static void meet_behind(struct meeting_maker *maker, bool is_tls_left)
{
    struct mtls_meeting *out = &maker->out;
    if (maker->asked->front == NULL)
        meet_application(maker, is_tls_left);
    else if (out->chain->kind == CHAIN_TCP && out->chain->tls == NULL)
        out->verdict = MTLS_PASSED_ON;
}

static void meet_proxy(struct meeting_maker *maker)
{
    struct mtls_meeting *out = &maker->out;
    const struct mtls_question *asked = maker->asked;
    uint32_t proxy = asked->front != NULL ? asked->client : maker->world->pods[asked->pod].client;
    const struct keyring *keyring = world_keyring(maker->world, proxy, false);
    struct chain_question question = mtls_chain_question(maker->world, asked, out, maker->arena);
    bool is_tls = out->greeting.is_tls;
    out->chain = chain_choose(&question, NULL);
    if (asked->front != NULL)
        out->server = front_side(out->chain);
    if (out->chain == NULL) {
        miss(maker);
    } else if (out->chain->tls != NULL && is_tls) {
        shake_hands(maker, tls_party_downstream(out->chain->tls, keyring));
        if (out->verdict != MTLS_REFUSED)
            meet_behind(maker, false);
    } else if (out->chain->tls != NULL) {
        refuse(maker, MTLS_SERVER_REQUIRES_TLS, true);
    } else if (is_tls && out->chain->kind == CHAIN_HTTP) {
        refuse(maker, MTLS_SERVER_SPEAKS_PLAINTEXT, false);
        set_failure(maker, TLS_WRONG_VERSION_NUMBER);
    } else {
        meet_behind(maker, is_tls);
    }
}

static void greet(struct meeting_maker *maker)
{
    struct mtls_greeting *greeting = &maker->out.greeting;
    const struct mtls_question *asked = maker->asked;
    const struct cluster *cluster = maker->cluster;
    if (maker->tls == NULL)
        return;
    greeting->is_tls = true;
    greeting->server_name = tls_server_name(cluster, asked->host);
    enum tls_payload payload = !asked->is_http                       ? TLS_CARRIES_BYTES
                               : cluster->protocol == UPSTREAM_HTTP2 ? TLS_CARRIES_HTTP2
                                                                     : TLS_CARRIES_HTTP1;
    greeting->protocols = ARENA_ARRAY(maker->arena, struct str, TLS_PROTOCOLS_MAX);
    greeting->protocol_count = tls_protocols(cluster, payload, greeting->protocols);
    struct tls_party *party = &maker->out.client_party;
    *party = tls_party_upstream(cluster, asked->host,
                                asked->caller != NULL
                                    ? &asked->caller->keyring
                                    : world_keyring(maker->world, asked->client, false));
    party->protocols = greeting->protocols;
    party->protocol_count = greeting->protocol_count;
}

/* Whose TLS it is, if it is anybody's. */
static void find_speaker(struct meeting_maker *maker)
{
    const struct mtls_question *asked = maker->asked;
    if (asked->caller != NULL) {
        maker->cluster = &asked->caller->cluster;
        maker->tls = &asked->caller->client;
    } else if (asked->cluster != NULL && asked->front == NULL) {
        maker->cluster = asked->cluster;
        maker->tls = tls_of_endpoint(asked->cluster, asked->endpoint);
    }
}

/* A Service's port where the container's counts is the usual slip. */
static void give_hint(struct meeting_maker *maker)
{
    const struct world_pod *pod = &maker->world->pods[maker->asked->pod];
    const struct pod *resource = mesh_pod_find(maker->world->mesh, pod->namespace, pod->kube_name);
    const struct port_mtls *named =
        resource == NULL || maker->out.listener == NULL
            ? NULL
            : authn_strange_port(maker->world->mesh, resource, pod->ports, pod->port_count);
    if (named == NULL)
        return;
    maker->out.hint = arena_format(
        maker->arena,
        "port %u of portLevelMtls (%.*s:%u:%u) is none of the pod's; a container's counts there, "
        "not the Service's: here %u",
        named->port, STR_FMT(named->origin.file), named->origin.line, named->origin.column,
        maker->asked->port);
}

static void meet(struct meeting_maker *maker)
{
    greet(maker);
    if (maker->tls != NULL && maker->out.client_party.is_absent) {
        refuse(maker, MTLS_CERTIFICATE_ABSENT, false);
        set_failure(maker, TLS_SECRET_ABSENT);
    } else if (maker->out.listener != NULL) {
        meet_proxy(maker);
    } else {
        meet_application(maker, maker->tls != NULL);
    }
    bool is_about_mode = maker->out.reason == MTLS_SERVER_REQUIRES_MTLS ||
                         maker->out.reason == MTLS_SERVER_SPEAKS_PLAINTEXT;
    if (is_about_mode && maker->asked->front == NULL)
        give_hint(maker);
}

struct mtls_meeting mtls_meet(struct world *world, const struct mtls_question *asked,
                              struct arena *arena)
{
    struct meeting_maker maker = {.world = world, .asked = asked, .arena = arena};
    struct mtls_meeting *out = &maker.out;
    find_speaker(&maker);
    out->client = client_side(&maker);
    if (asked->pod == UINT32_MAX && asked->front == NULL) {
        out->verdict = MTLS_NOBODY;
        return *out;
    }
    out->listener = asked->front != NULL ? asked->front
                    : asked->is_behind
                        ? NULL
                        : world_inbound(world, asked->pod, asked->port, asked->cluster);
    if (asked->front == NULL)
        out->server = server_side(&maker);
    meet(&maker);
    return *out;
}
