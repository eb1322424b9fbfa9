/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/mtls.h - what becomes of one connection of the mesh, from what both
 * sides are, without making it: in which TLS mode each is and who said so, which filter
 * chain of the server's sidecar takes it, how the handshake ends.
 *
 * The parts are those that proxies use: proxy/core/chain.h and tls_verdict.h. Engines make
 * the same connection; tests hold the two against each other.
 *
 * Source: ISTIO.md 3.7, 3.8, 5.3, 6.1; ENVOY.md 9.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "proxy/core/chain.h"
#include "proxy/core/tls_verdict.h"
#include "proxy/model/listener.h"
#include "testbed/world/call.h"
#include "testbed/world/keyrings.h"
#include "testbed/world/world.h"

enum mtls_verdict {
    MTLS_PLAINTEXT, /* it comes about, in the clear */
    MTLS_TLS,       /* only the server shows a certificate */
    MTLS_MUTUAL,
    MTLS_PASSED_ON, /* by a gateway, as it is: who is behind it decides */
    MTLS_REFUSED,
    MTLS_NOBODY, /* no pod of ours is there */
};

/* Why it is refused: X(id, word, sentence). */
#define MTLS_REASONS(X)                                                                         \
    X(NOTHING, "", "")                                                                          \
    X(SERVER_REQUIRES_MTLS, "server-requires-mtls",                                             \
      "the server takes mutual TLS only, and the client speaks plaintext")                      \
    X(SERVER_SPEAKS_PLAINTEXT, "server-speaks-plaintext",                                       \
      "the client speaks TLS, and the server speaks plaintext")                                 \
    X(NO_FILTER_CHAIN, "no-filter-chain",                                                       \
      "the server takes plaintext and the mesh's own TLS, and the client speaks another")       \
    X(APPLICATION_SPEAKS_TLS, "application-speaks-tls",                                         \
      "the application wants TLS, and is spoken to in plaintext")                               \
    X(SERVER_REQUIRES_TLS, "server-requires-tls",                                               \
      "the server takes TLS only, and the client speaks plaintext")                             \
    X(NO_SERVER, "no-server", "no server of the port is there for that")                        \
    X(CERTIFICATE_EXPIRED, "certificate-expired", "it has expired")                             \
    X(CERTIFICATE_NOT_YET_VALID, "certificate-not-yet-valid", "it is not valid yet")            \
    X(CERTIFICATE_WRONG_NAME, "certificate-wrong-name", "none of its names will do")            \
    X(CERTIFICATE_NOT_LISTED, "certificate-not-listed",                                         \
      "neither its hash nor that of its key is listed")                                         \
    X(CERTIFICATE_WRONG_AUTHORITY, "certificate-wrong-authority", "its authority is not known") \
    X(CERTIFICATE_SELF_SIGNED, "certificate-self-signed", "it is self-signed")                  \
    X(CERTIFICATE_ABSENT, "certificate-absent", "its own certificate was never delivered")      \
    X(CERTIFICATE_REQUIRED, "certificate-required", "the client showed none")                   \
    X(VERSION, "no-common-version", "the two have no version of TLS in common")                 \
    X(CIPHER, "no-common-cipher", "the two have no cipher in common")

enum mtls_reason {
#define X(id, word, sentence) MTLS_##id,
    MTLS_REASONS(X)
#undef X
};

struct mtls_side {
    struct str mode;   /* "ISTIO_MUTUAL", "auto", "no sidecar"; "STRICT", ... */
    struct str speaks; /* "plaintext", "TLS", "mutual TLS"; of a server: what it takes */
    struct str by;     /* "DestinationRule/reviews.default", "default of profile istio-1.0" */
    struct origin origin;
};

/* What a connection says of itself before the chain is chosen. */
struct mtls_greeting {
    bool is_tls;
    struct str server_name;
    struct str *protocols; /* of ALPN */
    uint32_t protocol_count;
};

struct mtls_meeting {
    struct mtls_side client, server;
    struct mtls_greeting greeting;
    const struct listener *listener;  /* of the server's sidecar; NULL: it has none */
    const struct filter_chain *chain; /* that takes it; NULL: none does */
    enum mtls_verdict verdict;
    enum mtls_reason reason;
    bool is_refused_by_server; /* else by the client; of a handshake */
    bool has_handshake;
    struct tls_party client_party, server_party;
    struct tls_outcome outcome;
    struct str hint;              /* what a person may have meant; empty: nothing */
    struct str transport_failure; /* as the client's proxy logs it; empty: none */
};

/* A connection that a client opens. */
struct mtls_question {
    uint32_t client;                 /* of the world */
    const struct cluster *cluster;   /* of its proxy; NULL: it has none */
    const struct endpoint *endpoint; /* of the cluster; NULL: an original destination */
    struct str host;                 /* that is called, for auto_sni */
    uint32_t pod, port;              /* whom it meets; pod UINT32_MAX: nobody of ours */
    bool is_http;
    /* A connection of whoever calls that proxy, and no cluster's. */
    const struct tls_end *caller; /* its own TLS; NULL: it speaks none */
    const struct listener
        *front;               /* of the proxy, that it meets; NULL: the pod, as it was passed on */
    struct str front_address; /* that it dialled */
    bool is_behind;           /* it came in another's TLS: the application is met */
};

/* Words live in `arena`, the rest as long as the world. */
struct mtls_meeting mtls_meet(struct world *world, const struct mtls_question *asked,
                              struct arena *arena);

/* "client-a"; "the caller" where nobody gave it a name. */
struct str mtls_caller_name(const struct client_spec *spec);

/* What is asked of the listener that is met, to find its chain. */
struct chain_question mtls_chain_question(const struct world *world,
                                          const struct mtls_question *asked,
                                          const struct mtls_meeting *meeting, struct arena *arena);

/* "TLSv1.3, TLS_AES_128_GCM_SHA256, ALPN none": computed, and as a caller had it. */
struct str mtls_agreed_words(const struct tls_outcome *outcome, struct arena *arena);
struct str mtls_seen_words(const struct caller_tls *tls, struct arena *arena);
/* Where what happened is not what was computed: both, in words. Empty: nothing that was seen
 * speaks against it. */
struct str mtls_contradiction(const struct mtls_question *asked, const struct mtls_meeting *meeting,
                              const struct outcome *outcome, struct arena *arena);

/* Modes, who said them, and what comes of it. */
bool mtls_is_same_fate(const struct mtls_meeting *a, const struct mtls_meeting *b);

struct str mtls_verdict_name(enum mtls_verdict verdict); /* "mutual TLS" */
struct str mtls_reason_word(enum mtls_reason reason);    /* "certificate-expired" */
/* A sentence, without its full stop: "the client refuses the server's certificate: it has
 * expired". Empty unless it is refused. */
struct str mtls_because(const struct mtls_meeting *meeting, struct arena *arena);
/* "DestinationRule/reviews.default mesh.yaml:4:7". */
struct str mtls_source(const struct mtls_side *side, struct arena *arena);
/* The pair KEY of an object: mode, speaks, by, file, line, column. */
void mtls_side_json(struct str key, const struct mtls_side *side, struct json *json);
