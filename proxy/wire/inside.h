/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/inside.h - what the files of this folder share: the wire itself.
 *
 * Who holds whom:
 *
 *   downstream conn ──> stream ──> attempt ──> upstream conn ──> pool (core)
 *                         │  exchange (core), its arena, its trace
 *                         └──> mirrors: attempts without a stream to answer to
 *
 * Each arrow has one pointer back; whoever goes first cuts both. A turn is one
 * call of a wire_* function other than wire_next: it gets one `now`, and what
 * it had to put off (requests that waited behind an answer) is done at its end.
 */
#pragma once

#include "base/heap.h"
#include "base/list.h"
#include "base/rng.h"
#include "proxy/http/h2_memory.h"
#include "proxy/wire/date.h"
#include "proxy/wire/reign.h"
#include "proxy/wire/slot.h"
#include "proxy/wire/timer.h"
#include "proxy/wire/wire.h"
#include "proxy/wire/wish.h"

#define OWN_ADDRESSES_MAX 4u /* those behind them are kept with each connection */

struct wire {
    struct reign *reign;     /* the current one */
    struct list past_reigns; /* that somebody needs, the newest first */
    uint32_t past_reign_count;
    struct wire_options options;
    struct arena memory; /* as long as the wire */
    struct slots conns, streams, attempts;
    struct heap timers;
    struct wishes wishes;
    struct rng rng_tcp;        /* weights and balancers of TCP proxies */
    struct rng rng_ping;       /* jitter of connection_keepalive */
    struct list taken_conns;   /* their WIRE_WRITE was taken: bytes go at the next turn */
    struct list done_streams;  /* their WIRE_DONE was taken */
    struct list stirred_conns; /* of HTTP/2: what was sent has ended streams */
    struct h2_memory h2_memory;
    struct list ready_conns;   /* downstream: input waits and may be read on now */
    struct list resting_conns; /* downstream, of a past reign: to be handed over */
    struct date date;
    struct str own_addresses[OWN_ADDRESSES_MAX]; /* from which it connects: few */
    uint32_t own_address_count;
    struct facts_kept *tls_kept;
    uint32_t tls_kept_count;
    int64_t now_ns;
    int64_t epoch_seconds; /* since 1970 at time 0 */
    uint64_t conn_id;      /* the last one that was given */
    uint32_t conn_count;   /* both directions, until gone */
    uint32_t downstream_count;
    uint32_t exchange_count;
    uint32_t waiting_count; /* attempts that wait in pools */
    bool is_draining;
};
