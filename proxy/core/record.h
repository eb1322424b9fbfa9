/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/record.h - what is known of an exchange when it is over: the raw
 * material of access log, reports and tests. Slices live as long as the
 * exchange's arena.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/core/reason.h"
#include "proxy/model/cluster.h"
#include "proxy/model/listener.h"
#include "proxy/model/message.h"
#include "proxy/model/route.h"
#include "proxy/model/secret.h"

#define RECORD_FLAGS_MAX 6 /* more never come together */

/* The client's connection. */
/* What the two ends of a TLS connection agreed upon and showed each other. */
struct record_tls {
    struct str version, cipher, group; /* by Envoy's names (proxy/core/ssl_stats.h) */
    struct str server_name;            /* SNI; empty: none */
    const struct certificate *peer;    /* NULL: it showed none */
    const struct certificate *own;     /* that may be shown; NULL: none */
};

struct record_downstream {
    uint64_t connection_id;                   /* from 1, of one worker; 0: unknown */
    struct str remote_address, local_address; /* remote: as x-forwarded-for has it */
    struct str direct_address;                /* the socket's peer */
    uint32_t remote_port, local_port, direct_port;
    struct str server_name;           /* SNI; empty: none */
    const struct record_tls *tls;     /* NULL: plaintext. As long as the stream */
    const struct listener *listener;  /* NULL: unknown */
    const struct filter_chain *chain; /* NULL: none matched */
};

/* The connection of the last attempt that got one. */
struct record_upstream {
    uint64_t connection_id;   /* 0: there was none */
    struct str local_address; /* empty: unknown */
    uint32_t local_port;
    struct str address; /* where it goes, when that is no endpoint of the cluster */
    uint32_t port;
    bool is_h2;                   /* else HTTP/1.1 */
    const struct record_tls *tls; /* NULL: plaintext. As long as the stream */
};

struct record {
    /* What is counted, and what lives as long as the snapshot. */
    int64_t started_ns; /* stream creation */
    int64_t finished_ns;
    int64_t request_ended_ns;      /* the client's last byte came; 0: it did not */
    int64_t request_sent_ns;       /* the last byte of it went upstream; 0: it did not */
    int64_t response_started_ns;   /* the upstream's first byte came; 0: it did not */
    int64_t response_forwarded_ns; /* its head went downstream; 0: it did not */
    enum http_version version;
    uint32_t status;                     /* 0: no response was begun */
    uint64_t bytes_received, bytes_sent; /* bodies */
    uint32_t attempt_count;
    enum reason reason;                      /* REASON_NONE when a response was forwarded */
    int64_t backoff_ns;                      /* waits between attempts, together */
    const struct virtual_host *virtual_host; /* NULL: none */
    const struct route *route;
    const struct weighted_cluster *weighted; /* the one drawn, or NULL */
    const struct cluster *cluster;           /* NULL: none, or it does not exist */
    const struct endpoint *endpoint;         /* the last one tried */
    bool is_tcp;                             /* a session of a TCP proxy: no HTTP */
    uint32_t flag_count;

    /* Texts, heads and ends: the exchange's. */
    struct str method;
    struct str path;      /* the client's: x-envoy-original-path if rewritten */
    struct str authority; /* as sent upstream (rewritten) */
    struct str request_id;
    struct str details; /* RESPONSE_CODE_DETAILS; empty: "-" */
    struct str transport_failure;
    struct str termination;  /* why the proxy closed the client's connection; empty: "-" */
    struct str cluster_name; /* empty: the log's "-" */
    const struct request_head *request;   /* as it was last; NULL: no head was read */
    const struct response_head *response; /* as it was sent; NULL: none */
    const struct header_list *trailers;   /* of the response, as they came; NULL: none */
    struct record_downstream downstream;
    struct record_upstream upstream;
    struct str flags[RECORD_FLAGS_MAX]; /* in order of insertion; none: "-" */
};

/* What the client showed; NULL: nothing. */
static inline const struct certificate *record_peer(const struct record *record)
{
    return record->downstream.tls != NULL ? record->downstream.tls->peer : NULL;
}

/* A moment for the record, where 0 is "never". */
static inline int64_t record_moment(int64_t now_ns)
{
    return now_ns > 0 ? now_ns : 1;
}

/* Adds a flag unless it is there already. */
void record_add_flag(struct record *record, struct str flag);
/* "UF,URX", "-" ; in `arena`. */
struct str record_flags(const struct record *record, struct arena *arena);
