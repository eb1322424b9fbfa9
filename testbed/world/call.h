/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/call.h - one request as a test says it, fully expanded, and
 * what came of it.
 *
 * The words are those of docs/routetest.md: `request` and what `expect` can
 * be held against.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/core/record.h"
#include "proxy/core/tls_verdict.h"
#include "proxy/core/trace.h"
#include "proxy/model/message.h"

struct call {
    uint32_t client; /* index into the world's clients */
    bool has_authority;
    struct str authority;   /* Host as sent */
    uint32_t port;          /* 0: the authority's, else the service's first */
    struct str method;      /* GET */
    struct str uri;         /* with its query */
    struct header *headers; /* in order, names as written */
    uint32_t header_count;
    struct str body;
    bool has_body_size;
    uint64_t body_size;
    bool is_chunked;
    struct header *trailers;
    uint32_t trailer_count;
    bool is_http10;
    bool has_raw;
    struct str raw;
    struct str *say; /* after a 101 */
    uint32_t say_count;
    struct str scheme; /* said in the target, in absolute form; empty: not said */
    bool has_cancel;
    bool is_cancelling_by_reset; /* else it closes in order */
    int64_t cancel_after_ns;
    struct str to;          /* POD; empty: not used */
    bool is_keeping;        /* may use, and leave open, the client's kept connection */
    int64_t start_after_ns; /* for concurrent calls: after the first one */
    /* Of its outcome nobody wants heads, bodies, or what applications saw of it: an engine
     * may leave them out. What is counted of loads stays: status, error, body_size, duration,
     * flags, pod, and of the record all that is no head. */
    bool is_counted;
    uint32_t model; /* the play's number for calls like this one (play.h); 0: none */
};

enum call_error {
    CALL_OK,
    CALL_CONNECTION_CLOSED,
    CALL_CONNECTION_RESET,
    CALL_CONNECTION_REFUSED,
    CALL_INCOMPLETE_RESPONSE,
    CALL_NO_RESPONSE,
    CALL_CANCELLED,
    CALL_TLS_HANDSHAKE,
    CALL_INVALID_RESPONSE,
};

/* A copy whose slices live in `arena` too; a body is not copied. */
struct call call_copy(const struct call *call, struct arena *arena);

/* "connection_closed", ... as in test files; "" for CALL_OK. */
struct str call_error_name(enum call_error error);

/* One request that reached an application. */
struct sighting {
    uint32_t pod;
    struct str method, uri, version;
    struct header *headers; /* in order, host among them */
    uint32_t header_count;
    struct str body; /* the first CALL_BODY_KEPT_MAX bytes */
    uint64_t body_size;
    struct header *trailers;
    uint32_t trailer_count;
    struct str server_name; /* SNI, where the application ends TLS; empty: none */
    uint32_t connection;    /* number of the application's connection, from 1 */
    bool is_mirror;         /* a copy that a proxy made */
};

#define CALL_BODY_KEPT_MAX 65536u /* enough to compare what tests write down */

/* What became of the TLS that a caller spoke itself, as its own end had it. */
struct caller_tls {
    bool is_spoken; /* on a connection that was made for this call */
    bool is_agreed; /* for the caller the handshake was over */
    enum tls_version version;
    struct str cipher, protocol; /* empty: none; of one that was agreed */
    enum tls_failure failure;    /* also when it was agreed and then refused, as in TLS 1.3 */
    bool has_server;             /* the server showed a certificate */
};

struct outcome {
    enum call_error error;
    bool has_response;
    uint32_t status;
    struct str version, reason;
    struct header *headers; /* in order, `date` among them */
    uint32_t header_count;
    struct str body; /* the first CALL_BODY_KEPT_MAX bytes */
    uint64_t body_size;
    struct header *trailers;
    uint32_t trailer_count;
    uint32_t interim[8];
    uint32_t interim_count;
    int64_t duration_ns; /* until the whole response or error */

    bool has_record;           /* the caller's proxy finished an exchange for it */
    struct record record;      /* slices in the arena given to the play */
    int64_t epoch_seconds;     /* since 1970 at time 0 of the record */
    struct str flags;          /* "UF,URX" or "-" */
    uint32_t pod;              /* of the last attempt, or of the sighting; UINT32_MAX: none */
    const struct trace *trace; /* or NULL */

    struct caller_tls tls;

    struct sighting *sightings;
    uint32_t sighting_count;
};
