/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/usher.h - an HTTP proxy's client, shown to the places it asks for.
 *
 * A program with http_proxy=ADDRESS says in each request where it wants to go.
 * The usher turns what it says into what it would have said had it dialled that
 * place itself, so that the mesh's own proxy sees the ordinary connection that
 * its redirect would have caught:
 *
 *   GET http://reviews:9080/x   a connection to reviews:9080, and on it GET /x
 *   GET /x, Host: reviews:9080  the same
 *   CONNECT reviews:9080        200, then every byte is the connection's own
 *
 * Host stays as the client wrote it; Proxy-Connection and Proxy-Authorization,
 * which nobody says to a server, are gone. Several requests may follow each
 * other on one connection, each to a place of its own: the next is looked at
 * when the answer before is complete.
 *
 *   AT_HEAD ──USHER_ASK──> ASKING ──admit──> IN_EXCHANGE ──both ends──> AT_HEAD
 *      │ (same place: no question)    └────> IN_TUNNEL (CONNECT, 101)
 *      └──what cannot be understood, refuse──> IN_FAREWELL ──> OVER
 *
 * Pure: bytes in, bytes and wishes out. Messages are framed by the same parser
 * as the proxy's (h1.h), so that both agree where one ends.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "proxy/http/h1.h"
#include "proxy/http/usher_head.h"

enum usher_action_kind {
    USHER_ASK,    /* leave the place where it is; who is host:port? usher_admit or usher_refuse */
    USHER_PASS,   /* bytes to the place */
    USHER_SAY,    /* bytes of the usher's own to the client */
    USHER_FINISH, /* nothing more is said: FIN after what was written */
};

struct usher_action {
    enum usher_action_kind kind;
    struct str bytes; /* valid until the usher is told or asked something */
    struct str host;  /* USHER_ASK: without brackets and port; until the next USHER_ASK */
    uint32_t port;
};

enum usher_state {
    USHER_AT_HEAD,
    USHER_ASKING,
    USHER_IN_EXCHANGE,
    USHER_IN_TUNNEL,
    USHER_IN_FAREWELL,
    USHER_OVER,
};

/* Lives with its client's connection; slots are pooled. */
struct usher {
    enum usher_state state;
    struct h1_parser *requests, *responses;
    struct arena request_arena, response_arena;
    struct buf held;      /* what came and was not looked at yet */
    struct str input;     /* the same, as long as the carrier's buffer holds it */
    size_t scanned_bytes; /* of held: without the end of a head */
    struct buf out;       /* a head as the place shall see it, or an answer of its own */
    bool is_out_due;
    struct str method; /* of the request under way; in request_arena */
    char host_text[USHER_HOST_BYTES_MAX];
    struct str host;
    uint32_t port;
    bool is_tunnel_asked;
    bool has_place;
    bool is_request_over, is_response_over;
    bool is_interim; /* the response being read is a 1xx */
    bool is_last;    /* client or server said that nothing follows */
};

/* Once for each slot; usher_begin for each connection. */
void usher_init(struct usher *usher);
void usher_fini(struct usher *usher);
void usher_begin(struct usher *usher);

/* The client said something. `bytes` is looked at by usher_next; call usher_keep
 * before the carrier uses its buffer again. No more than LIMIT_READ_BYTES * 4
 * at once, and only while usher_wants_input. */
void usher_read(struct usher *usher, struct str bytes);
void usher_keep(struct usher *usher);
bool usher_wants_input(const struct usher *usher);

/* The next thing to do; false: nothing now. */
bool usher_next(struct usher *usher, struct usher_action *action);

/* Answers to USHER_ASK: it has a connection to the place; or it gets none, and
 * the client is told why: a status with its reason, a text for a person. */
void usher_admit(struct usher *usher);
void usher_refuse(struct usher *usher, uint32_t status, struct str text);

/* What the place says is for the client as it is; here it is read for where the
 * answer ends. Then ask usher_next again. */
void usher_note_said(struct usher *usher, struct str bytes);

/* The place closed the connection. True: between two requests, so that nothing
 * is lost and the next request makes a new one; false: the client's connection
 * ends with it. */
bool usher_note_left(struct usher *usher);
