/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/handshake.c - see handshake.h.
 */
#include "testbed/inspect/handshake.h"

#include "base/check.h"
#include "testbed/inspect/credential.h"

#define MISSED_CHAINS_MAX 8u

struct teller {
    struct world *world;
    const struct mtls_question *asked;
    const struct mtls_meeting *meeting;
    struct arena *arena;
    struct handshake_story out;
};

struct sentence *handshake_say(struct handshake_story *story, enum sentence_mark mark,
                               const char *subject, struct str words, struct arena *arena)
{
    struct sentence *step = ARENA_PUSH(arena, story->steps, story->count, story->capacity);
    *step = (struct sentence){.mark = mark, .subject = str_of(subject), .words = words};
    return step;
}

static struct sentence *say(struct teller *teller, enum sentence_mark mark, const char *subject,
                            struct str words)
{
    return handshake_say(&teller->out, mark, subject, words, teller->arena);
}

/* Is it a gateway that is met, or whatever listener of a proxy its own caller dials? */
static bool is_front(const struct teller *teller)
{
    return teller->asked->front != NULL;
}

static struct str joined(const struct teller *teller, const struct str *items, uint32_t count)
{
    struct str out = STR_EMPTY;
    for (uint32_t i = 0; i < count; i++)
        out = arena_format(teller->arena, "%.*s%s%.*s", STR_FMT(out), i > 0 ? ", " : "",
                           STR_FMT(items[i]));
    return out;
}

/* --- who they are --------------------------------------------------------------- */

static void tell_side(struct teller *teller, const char *subject, const struct mtls_side *side,
                      const char *verb)
{
    struct str words =
        arena_format(teller->arena, "%.*s: %s %.*s%s%.*s", STR_FMT(side->mode), verb,
                     STR_FMT(side->speaks), side->by.len > 0 ? "; by " : "", STR_FMT(side->by));
    say(teller, SENTENCE_PLAIN, subject, words)->origin = side->origin;
}

static struct str range_words(const struct teller *teller, const struct tls_party *party)
{
    return arena_format(teller->arena, "%.*s to %.*s",
                        STR_FMT(tls_version_name(party->version_min)),
                        STR_FMT(tls_version_name(party->version_max)));
}

static void tell_greeting(struct teller *teller)
{
    const struct mtls_greeting *greeting = &teller->meeting->greeting;
    struct arena *arena = teller->arena;
    if (!greeting->is_tls) {
        say(teller, SENTENCE_GO, "greeting", STR("none: plaintext"));
        return;
    }
    struct str versions = range_words(teller, &teller->meeting->client_party);
    struct str protocols = joined(teller, greeting->protocols, greeting->protocol_count);
    say(teller, SENTENCE_GO, "ClientHello",
        arena_format(arena, "%.*s, SNI %.*s, ALPN %.*s", STR_FMT(versions),
                     STR_FMT(greeting->server_name.len > 0 ? greeting->server_name : STR("none")),
                     STR_FMT(protocols.len > 0 ? protocols : STR("none"))));
}

/* --- filter chains ---------------------------------------------------------------- */

static bool has_port(const struct listener *listener, uint32_t port)
{
    for (uint32_t i = 0; i < listener->chain_count; i++) {
        if (listener->chains[i].destination_port == port)
            return true;
    }
    return false;
}

static struct str wanted_words(const struct teller *teller, const struct filter_chain *chain)
{
    struct arena *arena = teller->arena;
    bool is_tls = is_front(teller) && (chain->tls != NULL || chain->server_name_count > 0);
    struct str out = chain->transport_protocol.len > 0 ? chain->transport_protocol
                     : is_tls                          ? STR("tls")
                                                       : STR("any bytes");
    if (chain->server_name_count > 0)
        out = arena_format(arena, "%.*s, SNI %.*s", STR_FMT(out),
                           STR_FMT(joined(teller, chain->server_names, chain->server_name_count)));
    if (chain->application_protocol_count > 0)
        out = arena_format(arena, "%.*s, protocol %.*s", STR_FMT(out),
                           STR_FMT(joined(teller, chain->application_protocols,
                                          chain->application_protocol_count)));
    return out;
}

static bool has_protocol(const struct filter_chain *chain, const struct mtls_greeting *greeting)
{
    for (uint32_t i = 0; i < chain->application_protocol_count; i++) {
        for (uint32_t k = 0; k < greeting->protocol_count; k++) {
            if (str_eq(chain->application_protocols[i], greeting->protocols[k]))
                return true;
        }
    }
    return chain->application_protocol_count == 0;
}

/* Would it take the connection, were there no other? */
static bool is_fit(const struct teller *teller, const struct filter_chain *chain)
{
    struct listener alone = *teller->meeting->listener;
    struct chain_question question =
        mtls_chain_question(teller->world, teller->asked, teller->meeting, teller->arena);
    alone.chains = chain;
    alone.chain_count = 1;
    alone.default_chain = NULL;
    question.listener = &alone;
    return chain_choose(&question, NULL) != NULL;
}

static struct str missed_name_words(const struct teller *teller)
{
    const struct mtls_greeting *greeting = &teller->meeting->greeting;
    if (!greeting->is_tls)
        return STR("this is plaintext, which calls nobody by name");
    if (greeting->server_name.len == 0)
        return STR("the client calls nobody by name");
    return arena_format(teller->arena, "the client calls %.*s", STR_FMT(greeting->server_name));
}

/* Why a chain that was not chosen was not. */
static struct str missed_words(const struct teller *teller, const struct filter_chain *chain)
{
    const struct mtls_greeting *greeting = &teller->meeting->greeting;
    struct str met = greeting->is_tls ? STR("tls") : STR("raw_buffer");
    if (chain->transport_protocol.len > 0 && !str_eq(chain->transport_protocol, met))
        return greeting->is_tls ? STR("this is TLS") : STR("this is plaintext");
    if (chain->server_name_count > 0 && !is_fit(teller, chain))
        return missed_name_words(teller);
    if (greeting->is_tls && !has_protocol(chain, greeting))
        return STR("the client offers none of these protocols");
    if (!greeting->is_tls && chain->application_protocol_count > 0 &&
        teller->meeting->chain == NULL)
        return STR("this is no such protocol");
    return STR("another fits better");
}

static void tell_chain(struct teller *teller, const struct filter_chain *chain)
{
    struct arena *arena = teller->arena;
    struct str wanted = wanted_words(teller, chain);
    struct str name = chain->name.len > 0 ? chain->name : STR("one without a name");
    struct origin origin = {0};
    if (is_front(teller) && chain->server.by.len > 0) {
        name = arena_format(arena, "%.*s, port %u", STR_FMT(chain->server.by),
                            teller->meeting->listener->port);
        origin = chain->origin;
    }
    if (chain != teller->meeting->chain) {
        say(teller, SENTENCE_NO, "filter chain",
            arena_format(arena, "%.*s (%.*s): %.*s", STR_FMT(name), STR_FMT(wanted),
                         STR_FMT(missed_words(teller, chain))))
            ->origin = origin;
        return;
    }
    const char *does = chain->kind == CHAIN_HTTP ? "HTTP" : "bytes";
    say(teller, SENTENCE_YES, "filter chain",
        arena_format(arena, "%.*s (%.*s) takes it: %s%s", STR_FMT(name), STR_FMT(wanted),
                     chain->tls != NULL ? "ends TLS, then " : "", does))
        ->origin = origin;
}

/* An ingress has chains for hundreds of names. */
static bool is_one_too_many(const struct teller *teller, const struct filter_chain *chain,
                            uint32_t *missed_count)
{
    if (chain == teller->meeting->chain || !is_front(teller))
        return false;
    return ++*missed_count > MISSED_CHAINS_MAX;
}

static void tell_chains(struct teller *teller)
{
    const struct listener *listener = teller->meeting->listener;
    uint32_t port = teller->asked->port;
    if (listener == NULL) {
        say(teller, SENTENCE_PLAIN, "server",
            teller->asked->is_behind
                ? STR("its sidecar ended the TLS around this one: the application is met")
                : STR("no sidecar: the application itself is met"));
        return;
    }
    uint32_t wanted = has_port(listener, port) ? port : 0, missed_count = 0;
    for (uint32_t i = 0; i < listener->chain_count; i++) {
        const struct filter_chain *chain = &listener->chains[i];
        if (chain->destination_port == wanted && chain->destination_count == 0 &&
            !is_one_too_many(teller, chain, &missed_count))
            tell_chain(teller, chain);
    }
    if (missed_count > MISSED_CHAINS_MAX)
        say(teller, SENTENCE_NO, "filter chain",
            arena_format(teller->arena, "%u more, none of which fits better",
                         missed_count - MISSED_CHAINS_MAX));
    const struct filter_chain *chosen = teller->meeting->chain;
    if (chosen == NULL)
        say(teller, SENTENCE_BAD, "filter chain",
            STR("none takes it: the connection is closed, and no HTTP is read"));
    else if (chosen == listener->default_chain)
        say(teller, SENTENCE_YES, "filter chain",
            arena_format(teller->arena, "the default one takes it: %s%s",
                         chosen->tls != NULL ? "ends TLS, then " : "",
                         chosen->kind == CHAIN_HTTP ? "HTTP" : "bytes"));
    else if (chosen->destination_port != wanted || chosen->destination_count > 0)
        tell_chain(teller, chosen);
}

/* --- certificates ------------------------------------------------------------------ */

static struct str time_words(const struct certificate *certificate)
{
    if (0 < certificate->from_s)
        return STR("not valid yet");
    return 0 > certificate->until_s ? STR("expired") : STR("valid today");
}

static struct str certificate_words(const struct teller *teller,
                                    const struct certificate *certificate)
{
    struct arena *arena = teller->arena;
    if (certificate == NULL)
        return STR("none");
    struct str uris = joined(teller, certificate->uris, certificate->uri_count);
    struct str names = joined(teller, certificate->names, certificate->name_count);
    struct str issuer = certificate->issuer.len > 0 ? certificate->issuer : STR("itself");
    bool is_ours = issuer.len > 0 && str_find(issuer, '=') == STR_NONE; /* and no subject */
    if (certificate->issuer.len > 0 && is_ours)
        issuer = arena_format(arena, "the %.*s authority", STR_FMT(issuer));
    return arena_format(arena, "%.*s%s%.*s, signed by %.*s, %.*s", STR_FMT(uris),
                        uris.len > 0 && names.len > 0 ? ", " : "", STR_FMT(names), STR_FMT(issuer),
                        STR_FMT(time_words(certificate)));
}

static struct str matcher_words(const struct teller *teller, const struct string_matcher *matcher)
{
    const char *how = matcher->kind == STRING_PREFIX   ? "what begins with "
                      : matcher->kind == STRING_SUFFIX ? "what ends in "
                                                       : "";
    return arena_format(teller->arena, "%s%.*s", how, STR_FMT(matcher->value));
}

/* What a side holds the other's certificate against. */
static struct str demand_words(const struct teller *teller, const struct tls_party *party)
{
    struct arena *arena = teller->arena;
    const struct tls_names *names = &party->names;
    struct str authorities = joined(teller, party->authorities, party->authority_count);
    struct str out = party->is_checking
                         ? arena_format(arena, "the %.*s authority", STR_FMT(authorities))
                         : STR("nothing, it is not verified");
    struct str wanted = joined(teller, names->exact, names->exact_count);
    if (names->host.len > 0)
        wanted = names->host;
    for (uint32_t i = 0; i < names->count; i++)
        wanted = arena_format(arena, "%.*s%s%.*s", STR_FMT(wanted), i > 0 ? ", " : "",
                              STR_FMT(matcher_words(teller, &names->matchers[i])));
    if (wanted.len == 0)
        return out;
    return arena_format(arena, "%.*s, for %.*s", STR_FMT(out), STR_FMT(wanted));
}

/* "the client verifies": the judge's own finding. */
static void tell_check(struct teller *teller, const char *subject, const struct tls_party *own,
                       const struct certificate *peer)
{
    enum tls_failure found = tls_check_peer(own, peer, 0);
    struct str demand = demand_words(teller, own);
    if (found == TLS_FINE && peer == NULL) {
        say(teller, SENTENCE_YES, subject, STR("nothing: no certificate is required"));
        return;
    }
    if (found == TLS_FINE) {
        say(teller, SENTENCE_YES, subject,
            arena_format(teller->arena, "against %.*s: it will do", STR_FMT(demand)));
        return;
    }
    struct str met = tls_met_text(found, &own->names, peer, teller->arena);
    say(teller, SENTENCE_BAD, subject,
        arena_format(teller->arena, "against %.*s: %.*s", STR_FMT(demand),
                     STR_FMT(tls_failure_text(found, met, teller->arena))));
}

static void tell_refusal(struct teller *teller)
{
    const struct mtls_meeting *meeting = teller->meeting;
    const struct tls_outcome *outcome = &meeting->outcome;
    bool is_server = meeting->is_refused_by_server;
    enum tls_failure found = is_server ? outcome->server : outcome->client;
    uint32_t alert = tls_alert(found, outcome->version);
    const char *finder = is_server ? "server" : "client", *other = is_server ? "client" : "server";
    struct str words = STR("no alert is sent: the connection is reset");
    if (alert != 0)
        words = arena_format(
            teller->arena, "%u from the %s; the %s hears %.*s%s", alert, finder, other,
            STR_FMT(tls_failure_text(tls_heard(found, outcome->version), STR_EMPTY, teller->arena)),
            is_server && outcome->is_client_early
                ? ", but it was done already (TLS 1.3) and has sent its request"
                : "");
    say(teller, SENTENCE_BAD, "alert", words);
}

/* What the server's transport socket calls by name. */
static void tell_credential(struct teller *teller, const char *subject, struct str name,
                            bool is_authority)
{
    struct credential found =
        credential_of(teller->world, teller->asked->client, name, is_authority, teller->arena);
    say(teller, found.is_absent ? SENTENCE_BAD : SENTENCE_PLAIN, subject, found.words)->origin =
        found.origin;
}

static void tell_credentials(struct teller *teller, const struct downstream_tls *tls)
{
    for (uint32_t i = 0; i < tls->certificate_count; i++)
        tell_credential(teller, "certificate", tls->certificates[i], false);
    if (tls->authorities.len > 0)
        tell_credential(teller, "authority", tls->authorities, true);
    const struct tls_party *server = &teller->meeting->server_party;
    say(teller, SENTENCE_PLAIN, "server asks",
        server->is_requiring && !tls->is_client_certificate_required
            ? STR("for a client's certificate, and takes nobody without, as names are listed")
        : server->is_requiring ? STR("for a client's certificate, and takes nobody without")
        : server->is_asking    ? STR("for a client's certificate; nobody needs to show one")
                               : STR("for no certificate of the client"));
}

/* What a cluster that starts TLS of its own shows and believes: Secrets, files, the system's
 * authorities. */
static void tell_origination(struct teller *teller)
{
    const struct cluster *cluster = teller->asked->cluster;
    if (is_front(teller) || teller->asked->caller != NULL || cluster == NULL ||
        cluster->tls == NULL || cluster->tls->is_mesh)
        return;
    if (cluster->tls->certificate.len > 0)
        tell_credential(teller, "certificate", cluster->tls->certificate, false);
    if (cluster->tls->root.len > 0)
        tell_credential(teller, "authority", cluster->tls->root, true);
}

static void tell_handshake(struct teller *teller)
{
    const struct mtls_meeting *meeting = teller->meeting;
    const struct tls_party *client = &meeting->client_party, *server = &meeting->server_party;
    const struct tls_outcome *outcome = &meeting->outcome;
    bool is_begun = meeting->reason != MTLS_VERSION && meeting->reason != MTLS_CIPHER &&
                    server->certificate != NULL && !server->is_absent;
    if (is_front(teller))
        tell_credentials(teller, meeting->chain->tls);
    say(teller, SENTENCE_PLAIN, "server speaks", range_words(teller, server));
    if (server->certificate == NULL || server->is_absent) {
        say(teller, SENTENCE_BAD, "certificate", STR("the server's was never delivered"));
    } else if (!is_begun) {
        say(teller, SENTENCE_BAD, "version", mtls_because(meeting, teller->arena));
    } else {
        say(teller, SENTENCE_PLAIN, "server shows", certificate_words(teller, server->certificate));
        tell_check(teller, "client verifies", client, server->certificate);
    }
    bool is_going_on = is_begun && tls_check_peer(client, server->certificate, 0) == TLS_FINE;
    if (is_going_on && (server->is_asking || server->is_requiring)) {
        say(teller, SENTENCE_PLAIN, "client shows", certificate_words(teller, client->certificate));
        tell_check(teller, "server verifies", server, client->certificate);
    } else if (is_going_on) {
        say(teller, SENTENCE_PLAIN, "client shows", STR("nothing: it is not asked"));
    }
    if (outcome->client != TLS_FINE || outcome->server != TLS_FINE)
        tell_refusal(teller);
    else
        say(teller, SENTENCE_YES, "agreed", mtls_agreed_words(outcome, teller->arena));
}

static void tell_end(struct teller *teller)
{
    const struct mtls_meeting *meeting = teller->meeting;
    struct arena *arena = teller->arena;
    if (meeting->verdict != MTLS_REFUSED) {
        say(teller, SENTENCE_YES, "verdict", mtls_verdict_name(meeting->verdict));
        return;
    }
    say(teller, SENTENCE_BAD, "verdict",
        arena_format(arena, "refused: %.*s", STR_FMT(mtls_because(meeting, arena))));
    if (meeting->hint.len > 0)
        say(teller, SENTENCE_PLAIN, "hint", meeting->hint);
    if (meeting->transport_failure.len > 0)
        say(teller, SENTENCE_BAD, "transport failure", meeting->transport_failure);
}

struct handshake_story handshake_tell(struct world *world, const struct mtls_question *asked,
                                      const struct mtls_meeting *meeting, struct arena *arena)
{
    struct teller teller = {.world = world, .asked = asked, .meeting = meeting, .arena = arena};
    bool is_client_absent = meeting->reason == MTLS_CERTIFICATE_ABSENT &&
                            !meeting->is_refused_by_server && !meeting->has_handshake;
    tell_side(&teller, "client side", &meeting->client, "speaks");
    if (meeting->greeting.is_tls)
        tell_origination(&teller);
    if (meeting->verdict == MTLS_NOBODY)
        return teller.out;
    if (!is_front(&teller))
        tell_side(&teller, "server side", &meeting->server, "takes");
    if (is_client_absent) {
        say(&teller, SENTENCE_BAD, "ClientHello", STR("none: the client's secrets are not there"));
    } else {
        tell_greeting(&teller);
        tell_chains(&teller);
        if (is_front(&teller) && meeting->chain != NULL)
            tell_side(&teller, "server side", &meeting->server, "takes");
        if (meeting->has_handshake)
            tell_handshake(&teller);
    }
    tell_end(&teller);
    return teller.out;
}
