/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/standin.h - a pretend application's end of one connection.
 *
 * Pure: bytes and the time come in, bytes and wishes (close, reset) come out;
 * both engines play the same. It reads a request, writes down what it saw,
 * waits as long as its behaviour says, asks others if it is told to, and answers;
 * one request at a time, as a simple server does; where its behaviour says so it also
 * speaks HTTP/2 with prior knowledge.
 *
 * Usage: tell what happened, then take actions with standin_next until it
 * answers false; ask again when what was written has left. After STANDIN_CLOSE
 * or STANDIN_RESET it is over.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/ns.h"
#include "proxy/http/h1_whole.h"
#include "testbed/world/outflow.h"
#include "testbed/world/reading.h"
#include "testbed/world/sighting.h"
#include "testbed/world/world.h"

#define STANDIN_CUT_NS (100 * NS_MS)      /* between the half body and the end of *-mid-body */
#define STANDIN_RAW_RESET_NS (50 * NS_MS) /* between raw bytes and `then: reset` */
/* What may wait while an answer is under way; nobody's proxy sends ahead. */
#define STANDIN_HELD_BYTES_MAX (16u << 20)

enum standin_action_kind {
    STANDIN_WRITE,
    STANDIN_WHOLE, /* an answer as it is; only with a shelf */
    STANDIN_CLOSE,
    STANDIN_RESET,
    STANDIN_CALL, /* make this call, tell standin_called what came of it */
};

struct standin_action {
    enum standin_action_kind kind;
    struct str bytes; /* valid until the next call */
    const struct h1_read *whole;
    const struct call *call; /* valid until standin_called, or until it is over */
};

enum standin_state {
    STANDIN_IN_HEAD,
    STANDIN_IN_BODY,
    STANDIN_IN_LATENCY,
    STANDIN_IN_CALLS, /* others are asked */
    STANDIN_IN_ANSWER,
    STANDIN_IN_PAUSE,   /* between the halves of the body */
    STANDIN_IN_ENDING,  /* everything is written, then.. */
    STANDIN_IN_SILENCE, /* never: until the peer says anything */
    STANDIN_IN_ECHO,
    STANDIN_IN_STREAMS, /* HTTP/2: standin_h2.h */
    STANDIN_OVER,
};

enum standin_ending {
    STANDIN_THEN_KEEP,
    STANDIN_THEN_CLOSE,
    STANDIN_THEN_RESET,
    STANDIN_THEN_SILENCE,
    STANDIN_THEN_ECHO,
};

struct standin {
    struct world *world;
    struct sighting_log *log;
    struct answer_shelf *shelf; /* of answers that may be given whole; NULL: none is */
    uint32_t shelf_at;          /* the last one, to look there first */
    uint32_t pod;
    uint32_t number;        /* of the connection */
    struct str server_name; /* that TLS called; in server_name_text */
    char server_name_text[256];
    enum standin_state state;
    struct message_reading reading;
    struct arena scratch; /* the message under way, when nobody looks */
    struct buf held;      /* what came and is not read yet */
    struct buf out;       /* the part of the answer that is made here */
    bool is_out_given;    /* standin_next gave what stands in `out` */
    struct buf body;      /* of the request, its beginning */
    uint64_t body_bytes;
    struct reading_event head;   /* of the request under way; empty when it came whole */
    const struct h1_read *whole; /* the answer, to be given as it is; or NULL */
    struct sighting_ref seen;
    struct answer answer;
    struct call call; /* under way */
    uint32_t called_count;
    bool is_calling;
    struct outflow flow;
    enum standin_ending ending;
    int64_t ending_delay_ns;
    int64_t wake_ns;
    bool has_eof;
    bool is_spoken_to;     /* its first bytes were not HTTP/2's */
    struct standin_h2 *h2; /* of the place; NULL: it was never needed */
    bool is_stream;        /* of one that speaks HTTP/2: its request ends with standin_eof */
};

/* Slots are pooled: init and fini once, begin for each connection. `world`
 * and `log` are borrowed. */
void standin_init(struct standin *standin, struct world *world, struct sighting_log *log);
void standin_fini(struct standin *standin);

/* A connection to `pod` was accepted. */
void standin_begin(struct standin *standin, uint32_t pod, uint32_t number);
/* TLS was agreed upon; `server_name` is who was called, copied. */
void standin_secured(struct standin *standin, struct str server_name);
void standin_read(struct standin *standin, struct str bytes, int64_t now_ns);
/* A request that is here as it was sent. False: its bytes are needed, nothing was done. */
bool standin_read_whole(struct standin *standin, const struct h1_sent *sent, int64_t now_ns);
void standin_eof(struct standin *standin, int64_t now_ns);
/* The connection is gone. */
void standin_broken(struct standin *standin);

/* What came of STANDIN_CALL, asked for by connection `number`; nobody may be
 * waiting for it any more. */
void standin_called(struct standin *standin, uint32_t number, const struct outcome *outcome);

/* NS_NEVER: not at all. Early and late calls do no harm. */
int64_t standin_wake_ns(const struct standin *standin);
void standin_wake(struct standin *standin, int64_t now_ns);

bool standin_next(struct standin *standin, int64_t now_ns, struct standin_action *action);
bool standin_is_over(const struct standin *standin);
