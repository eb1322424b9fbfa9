/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/mtls.c - see mtls.h.
 */
#include "testbed/inspect/mtls.h"

#include "base/check.h"
#include "proxy/core/chain.h"
#include "testbed/world/keyrings.h"

#define PLAINTEXT STR("plaintext")

struct meeting_maker {
    struct world *world;
    const struct mtls_question *asked;
    struct arena *arena;
    const struct upstream_tls *tls; /* the client's; NULL: plaintext */
    struct mtls_meeting out;
};

/* --- who said it ------------------------------------------------------------ */

static struct str default_words(const struct meeting_maker *maker)
{
    return arena_format(maker->arena, "default of profile %.*s",
                        STR_FMT(maker->world->spec.profile->name));
}

static struct mtls_side client_side(const struct meeting_maker *maker)
{
    const struct cluster *cluster = maker->asked->cluster;
    struct mtls_side out = {.speaks = PLAINTEXT};
    if (cluster == NULL) {
        out.mode = STR("no sidecar");
        return out;
    }
    const struct tls_word *word = &cluster->tls_word;
    bool is_auto = word->mode.len == 0 && word->by.len == 0 && cluster->tls != NULL;
    out.mode = is_auto ? STR("auto") : word->mode.len > 0 ? word->mode : STR("none");
    out.by = word->by.len > 0 ? word->by : is_auto ? STR("auto mTLS") : default_words(maker);
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

static struct mtls_side server_side(const struct meeting_maker *maker)
{
    const struct world_pod *pod = &maker->world->pods[maker->asked->pod];
    struct mtls_side out = {.mode = STR("no sidecar"), .speaks = PLAINTEXT};
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

static const struct filter_chain *choose_chain(const struct meeting_maker *maker)
{
    static const struct str HTTP[] = {STR_INIT("http/1.1")};
    const struct mtls_greeting *greeting = &maker->out.greeting;
    const struct listener *listener = maker->out.listener;
    uint32_t port = maker->asked->port;
    struct chain_question question = {
        .listener = listener,
        .destination_port = port,
        .destination_address = maker->world->pods[maker->asked->pod].address,
    };
    if (greeting->is_tls && chain_is_inspected(&listener->tls_inspector, port)) {
        question.is_tls = true;
        question.server_name = greeting->server_name;
        question.protocols = greeting->protocols;
        question.protocol_count = greeting->protocol_count;
    } else if (!greeting->is_tls && chain_is_inspected(&listener->http_inspector, port)) {
        question.protocols = HTTP;
        question.protocol_count = COUNT_OF(HTTP);
    }
    return chain_choose(&question, NULL);
}

static void meet_sidecar(struct meeting_maker *maker)
{
    struct mtls_meeting *out = &maker->out;
    const struct world_pod *pod = &maker->world->pods[maker->asked->pod];
    const struct keyring *keyring = world_keyring(maker->world, pod->client, false);
    bool is_tls = out->greeting.is_tls;
    out->chain = choose_chain(maker);
    if (out->chain == NULL) {
        refuse(maker, is_tls ? MTLS_NO_FILTER_CHAIN : MTLS_SERVER_REQUIRES_MTLS, true);
        if (is_tls)
            set_failure(maker, TLS_RESET);
    } else if (out->chain->tls != NULL && is_tls) {
        shake_hands(maker, tls_party_downstream(out->chain->tls, keyring));
        if (out->verdict != MTLS_REFUSED)
            meet_application(maker, false);
    } else if (is_tls && out->chain->kind == CHAIN_HTTP) {
        refuse(maker, MTLS_SERVER_SPEAKS_PLAINTEXT, false);
        set_failure(maker, TLS_WRONG_VERSION_NUMBER);
    } else {
        meet_application(maker, is_tls);
    }
}

static void greet(struct meeting_maker *maker)
{
    struct mtls_greeting *greeting = &maker->out.greeting;
    const struct cluster *cluster = maker->asked->cluster;
    if (maker->tls == NULL)
        return;
    greeting->is_tls = true;
    greeting->server_name = tls_server_name(cluster, maker->asked->host);
    enum tls_payload payload = !maker->asked->is_http                ? TLS_CARRIES_BYTES
                               : cluster->protocol == UPSTREAM_HTTP2 ? TLS_CARRIES_HTTP2
                                                                     : TLS_CARRIES_HTTP1;
    greeting->protocols = ARENA_ARRAY(maker->arena, struct str, TLS_PROTOCOLS_MAX);
    greeting->protocol_count = tls_protocols(cluster, payload, greeting->protocols);
    struct tls_party *party = &maker->out.client_party;
    *party = tls_party_upstream(cluster, maker->asked->host,
                                world_keyring(maker->world, maker->asked->client, false));
    party->protocols = greeting->protocols;
    party->protocol_count = greeting->protocol_count;
}

struct mtls_meeting mtls_meet(struct world *world, const struct mtls_question *asked,
                              struct arena *arena)
{
    struct meeting_maker maker = {.world = world, .asked = asked, .arena = arena};
    struct mtls_meeting *out = &maker.out;
    if (asked->cluster != NULL)
        maker.tls = tls_of_endpoint(asked->cluster, asked->endpoint);
    out->client = client_side(&maker);
    if (asked->pod == UINT32_MAX) {
        out->verdict = MTLS_NOBODY;
        return *out;
    }
    out->listener = world_inbound(world, asked->pod, asked->port, asked->cluster);
    out->server = server_side(&maker);
    greet(&maker);
    if (maker.tls != NULL && out->client_party.is_absent) {
        refuse(&maker, MTLS_CERTIFICATE_ABSENT, false);
        set_failure(&maker, TLS_SECRET_ABSENT);
    } else if (out->listener != NULL) {
        meet_sidecar(&maker);
    } else {
        meet_application(&maker, maker.tls != NULL);
    }
    return *out;
}

/* --- words ------------------------------------------------------------------ */

struct str mtls_verdict_name(enum mtls_verdict verdict)
{
    switch (verdict) {
    case MTLS_PLAINTEXT:
        return PLAINTEXT;
    case MTLS_TLS:
        return STR("TLS");
    case MTLS_MUTUAL:
        return STR("mutual TLS");
    case MTLS_REFUSED:
        return STR("refused");
    case MTLS_NOBODY:
        return STR("nobody");
    }
    UNREACHABLE("mtls_verdict");
}

static const struct {
    struct str word, sentence;
} REASONS[] = {
#define X(id, word, sentence) [MTLS_##id] = {STR_INIT(word), STR_INIT(sentence)},
    MTLS_REASONS(X)
#undef X
};

struct str mtls_reason_word(enum mtls_reason reason)
{
    return REASONS[reason].word;
}

struct str mtls_because(const struct mtls_meeting *meeting, struct arena *arena)
{
    struct str sentence = REASONS[meeting->reason].sentence;
    bool is_server = meeting->is_refused_by_server;
    switch (meeting->reason) {
    case MTLS_NOTHING:
    case MTLS_SERVER_REQUIRES_MTLS:
    case MTLS_SERVER_SPEAKS_PLAINTEXT:
    case MTLS_NO_FILTER_CHAIN:
    case MTLS_APPLICATION_SPEAKS_TLS:
    case MTLS_VERSION:
    case MTLS_CIPHER:
        return sentence;
    case MTLS_CERTIFICATE_ABSENT:
        return arena_format(arena, "the %s has nothing to show or to check by: %.*s",
                            is_server ? "server" : "client", STR_FMT(sentence));
    case MTLS_CERTIFICATE_REQUIRED:
        return arena_format(arena, "the server wants a certificate: %.*s", STR_FMT(sentence));
    case MTLS_CERTIFICATE_EXPIRED:
    case MTLS_CERTIFICATE_NOT_YET_VALID:
    case MTLS_CERTIFICATE_WRONG_NAME:
    case MTLS_CERTIFICATE_NOT_LISTED:
    case MTLS_CERTIFICATE_WRONG_AUTHORITY:
    case MTLS_CERTIFICATE_SELF_SIGNED:
        return arena_format(arena, "the %s refuses the %s's certificate: %.*s",
                            is_server ? "server" : "client", is_server ? "client" : "server",
                            STR_FMT(sentence));
    }
    UNREACHABLE("mtls_reason");
}

static bool is_same_side(const struct mtls_side *a, const struct mtls_side *b)
{
    return str_eq(a->mode, b->mode) && str_eq(a->speaks, b->speaks) && str_eq(a->by, b->by) &&
           a->origin.line == b->origin.line && a->origin.column == b->origin.column &&
           str_eq(a->origin.file, b->origin.file);
}

bool mtls_is_same_fate(const struct mtls_meeting *a, const struct mtls_meeting *b)
{
    return is_same_side(&a->client, &b->client) && is_same_side(&a->server, &b->server) &&
           a->verdict == b->verdict && a->reason == b->reason &&
           a->is_refused_by_server == b->is_refused_by_server &&
           str_eq(a->transport_failure, b->transport_failure);
}

struct str mtls_source(const struct mtls_side *side, struct arena *arena)
{
    if (side->origin.line == 0)
        return side->by;
    return arena_format(arena, "%.*s %.*s:%u:%u", STR_FMT(side->by), STR_FMT(side->origin.file),
                        side->origin.line, side->origin.column);
}

void mtls_side_json(struct str key, const struct mtls_side *side, struct json *json)
{
    json_key(json, key);
    json_begin_object(json);
    json_key_str(json, STR("mode"), side->mode);
    json_key_str(json, STR("speaks"), side->speaks);
    if (side->by.len > 0)
        json_key_str(json, STR("by"), side->by);
    if (side->origin.line != 0) {
        json_key_str(json, STR("file"), side->origin.file);
        json_key_i64(json, STR("line"), side->origin.line);
        json_key_i64(json, STR("column"), side->origin.column);
    }
    json_end_object(json);
}
