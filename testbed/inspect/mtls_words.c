/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/mtls_words.c - the words for what mtls.h finds, and what happened held
 * against it.
 */
#include "base/check.h"
#include "testbed/inspect/mtls.h"

struct str mtls_verdict_name(enum mtls_verdict verdict)
{
    switch (verdict) {
    case MTLS_PLAINTEXT:
        return STR("plaintext");
    case MTLS_TLS:
        return STR("TLS");
    case MTLS_MUTUAL:
        return STR("mutual TLS");
    case MTLS_PASSED_ON:
        return STR("passed on");
    case MTLS_REFUSED:
        return STR("refused");
    case MTLS_NOBODY:
        return STR("nobody");
    }
    UNREACHABLE("mtls_verdict");
}

struct str mtls_caller_name(const struct client_spec *spec)
{
    bool is_gateways = spec->via == VIA_GATEWAY && str_eq(spec->name, spec->gateway_name);
    return is_gateways ? STR("the caller") : spec->name;
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
    case MTLS_SERVER_REQUIRES_TLS:
    case MTLS_VERSION:
    case MTLS_CIPHER:
        return sentence;
    case MTLS_NO_SERVER:
        return meeting->greeting.server_name.len > 0
                   ? arena_format(arena, "the client calls %.*s, and %.*s",
                                  STR_FMT(meeting->greeting.server_name), STR_FMT(sentence))
                   : arena_format(arena, "the client calls nobody by name, and %.*s",
                                  STR_FMT(sentence));
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

/* --- what happened ------------------------------------------------------------ */

static struct str end_words(enum tls_failure failure, struct arena *arena)
{
    if (failure == TLS_FINE)
        return STR("it came about");
    return failure == TLS_ENDED ? STR("the connection was closed")
                                : tls_failure_text(failure, STR_EMPTY, arena);
}

/* As the caller's own end should have it. */
static enum tls_failure expected_failure(const struct mtls_meeting *meeting)
{
    if (meeting->verdict != MTLS_REFUSED)
        return TLS_FINE;
    if (meeting->reason == MTLS_SERVER_SPEAKS_PLAINTEXT)
        return TLS_WRONG_VERSION_NUMBER;
    return meeting->has_handshake ? meeting->outcome.client : TLS_ENDED;
}

static bool is_end(enum tls_failure failure)
{
    return failure == TLS_ENDED || failure == TLS_RESET;
}

/* The end of a connection comes as a FIN or an RST, and late alerts may be lost in it. */
static bool is_same_end(const struct mtls_meeting *meeting, enum tls_failure expected,
                        enum tls_failure met)
{
    bool is_late = meeting->has_handshake && meeting->outcome.is_client_early;
    return expected == met || (is_end(met) && (is_end(expected) || is_late));
}

static struct str agreement_words(struct str version, struct str cipher, struct str protocol,
                                  struct arena *arena)
{
    return arena_format(arena, "%.*s, %.*s, ALPN %.*s", STR_FMT(version), STR_FMT(cipher),
                        STR_FMT(protocol.len > 0 ? protocol : STR("none")));
}

struct str mtls_agreed_words(const struct tls_outcome *outcome, struct arena *arena)
{
    return agreement_words(tls_version_name(outcome->version), outcome->cipher, outcome->protocol,
                           arena);
}

struct str mtls_seen_words(const struct caller_tls *tls, struct arena *arena)
{
    struct str agreed = STR_EMPTY;
    if (tls->is_agreed)
        agreed = agreement_words(tls_version_name(tls->version), tls->cipher, tls->protocol, arena);
    if (tls->failure == TLS_FINE)
        return tls->is_agreed ? agreed : STR("the handshake did not end");
    return arena_format(arena, "%.*s%s%.*s", STR_FMT(agreed), tls->is_agreed ? "; then " : "",
                        STR_FMT(end_words(tls->failure, arena)));
}

static struct str caller_contradiction(const struct mtls_meeting *meeting,
                                       const struct outcome *outcome, struct arena *arena)
{
    const struct caller_tls *tls = &outcome->tls;
    enum tls_failure expected = expected_failure(meeting), met = tls->failure;
    if (!tls->is_spoken)
        return STR_EMPTY;
    bool is_over =
        outcome->error == CALL_CONNECTION_CLOSED || outcome->error == CALL_CONNECTION_RESET;
    if (met == TLS_FINE && (!tls->is_agreed || (expected != TLS_FINE && is_over)))
        met = TLS_ENDED;
    if (!is_same_end(meeting, expected, met))
        return arena_format(arena, "computed: %.*s; it was: %.*s",
                            STR_FMT(end_words(expected, arena)), STR_FMT(end_words(met, arena)));
    if (!tls->is_agreed || !meeting->has_handshake)
        return STR_EMPTY;
    struct str computed = mtls_agreed_words(&meeting->outcome, arena);
    struct str seen =
        agreement_words(tls_version_name(tls->version), tls->cipher, tls->protocol, arena);
    if (str_eq(computed, seen))
        return STR_EMPTY;
    return arena_format(arena, "computed: %.*s; it was: %.*s", STR_FMT(computed), STR_FMT(seen));
}

struct str mtls_contradiction(const struct mtls_question *asked, const struct mtls_meeting *meeting,
                              const struct outcome *outcome, struct arena *arena)
{
    if (asked->caller != NULL)
        return meeting->verdict == MTLS_PASSED_ON ? STR_EMPTY
                                                  : caller_contradiction(meeting, outcome, arena);
    if (meeting->verdict == MTLS_REFUSED && outcome->sighting_count > 0 && asked->front == NULL)
        return STR("computed: refused; the application was reached all the same");
    struct str met = outcome->has_record ? outcome->record.transport_failure : STR_EMPTY;
    bool is_its_own = asked->cluster != NULL && outcome->has_record &&
                      str_eq(outcome->record.cluster_name, asked->cluster->name) &&
                      outcome->pod == asked->pod;
    if (met.len == 0 || !is_its_own || str_eq(met, meeting->transport_failure))
        return STR_EMPTY;
    return arena_format(arena, "computed: %.*s; it was: %.*s",
                        STR_FMT(meeting->transport_failure.len > 0 ? meeting->transport_failure
                                                                   : STR("no transport failure")),
                        STR_FMT(met));
}
