/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/errand.c - calls under way, whoever made them: a batch, a
 * stream, or a stand-in that asks somebody.
 */
#include <stddef.h>

#include "base/check.h"
#include "testbed/sockets/inside.h"
#include "testbed/world/outcome.h"

struct sockets_errand *errand_new(struct sockets *sockets, enum errand_kind kind)
{
    struct errand *spare = errands_reuse(&sockets->errands, kind);
    struct sockets_errand *errand;
    if (spare != NULL) {
        errand = LIST_ITEM(spare, struct sockets_errand, base);
    } else {
        errand = ARENA_NEW(&sockets->arena, struct sockets_errand);
        errand->sockets = sockets;
        list_init(&errand->wanting);
        errands_join(&sockets->errands, &errand->base, kind);
    }
    errand->is_freed = false;
    return errand;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct sockets_errand *errand = handle->data;
    errand->has_timer = false;
    if (errand->is_freed)
        errands_give_back(&errand->sockets->errands, &errand->base);
}

/* No record will come. */
static void forget_record(struct sockets_errand *errand)
{
    if (!errand->base.is_wanting_record)
        return;
    errand->base.is_wanting_record = false;
    list_remove(&errand->wanting);
    list_init(&errand->wanting);
    errand->sockets->batch_recordless_count -= errand->base.kind == ERRAND_OF_BATCH;
}

void errand_free(struct sockets_errand *errand)
{
    forget_record(errand);
    errand->is_freed = true;
    if (errand->has_timer)
        uv_close((uv_handle_t *)&errand->timer, on_timer_closed);
    else
        errands_give_back(&errand->sockets->errands, &errand->base);
}

void errand_begin(struct sockets_errand *errand)
{
    errand->base.is_begun = true;
    errand->base.started_ns = sockets_now_ns(errand->sockets);
    sockets_begin_call(errand);
}

/* Outcome and record are there, or no record will come. */
static void finish(struct sockets_errand *errand)
{
    switch (errand->base.kind) {
    case ERRAND_OF_BATCH:
        return; /* the batch waits for what is late by itself, and frees them all */
    case ERRAND_OF_STREAM:
        errands_note_over(&errand->sockets->errands, &errand->base);
        return;
    case ERRAND_OF_HOP:
        errand_free(errand);
        return;
    }
    UNREACHABLE("errand_kind");
}

static void on_timer(uv_timer_t *timer)
{
    struct sockets_errand *errand = timer->data;
    if (errand->base.is_begun) {
        finish(errand);
    } else if (errand->base.kind == ERRAND_OF_BATCH) {
        list_push_back(&errand->sockets->due_errands, &errand->due);
        uv_stop(timer->loop); /* this turn need not sleep any more */
    } else {
        errand_begin(errand);
    }
}

static void set_timer(struct sockets_errand *errand, int64_t after_ns)
{
    if (!errand->has_timer)
        ASSERT(uv_timer_init(sockets_uv(errand->sockets), &errand->timer) == 0);
    errand->has_timer = true;
    errand->timer.data = errand;
    uv_timer_start(&errand->timer, on_timer, (uint64_t)(after_ns / NS_MS), 0);
}

void errand_start(struct sockets_errand *errand, int64_t after_ns)
{
    if (after_ns == 0)
        errand_begin(errand);
    else
        set_timer(errand, after_ns);
}

void errand_want_record(struct sockets_errand *errand)
{
    errand->base.is_wanting_record = true;
    list_push_back(&errand->sockets->wanting_errands, &errand->wanting);
    errand->sockets->batch_recordless_count += errand->base.kind == ERRAND_OF_BATCH;
}

/* Its connection was ended by a proxy of ours that has none left: what that had to say of it
 * is said. */
static bool is_beyond_record(const struct sockets_errand *errand)
{
    enum call_error error = errand->base.outcome->error;
    return errand->base.is_over && errand->base.kind == ERRAND_OF_BATCH &&
           (error == CALL_TLS_HANDSHAKE || error == CALL_CONNECTION_RESET ||
            error == CALL_CONNECTION_CLOSED) &&
           hops_is_idle(errand->sockets, errand->base.call->client);
}

void errands_forget_records(struct sockets *sockets)
{
    struct list *all = &sockets->wanting_errands;
    for (struct list *at = all->next; at != all;) {
        struct sockets_errand *errand = LIST_ITEM(at, struct sockets_errand, wanting);
        at = at->next;
        if (is_beyond_record(errand))
            forget_record(errand);
    }
}

void errand_note_over(struct sockets_errand *errand)
{
    struct sockets *sockets = errand->sockets;
    ASSERT(!errand->base.is_over);
    errand->base.is_over = true;
    if (errand->base.outcome->error == CALL_CONNECTION_REFUSED)
        forget_record(errand);
    if (errand->base.kind == ERRAND_OF_BATCH) {
        ASSERT(sockets->batch_count > 0);
        sockets->batch_count--;
        return;
    }
    if (errand->base.kind == ERRAND_OF_HOP) {
        standin_called(&errand->standin->standin, errand->base.standin_number,
                       errand->base.outcome);
        peer_turn(errand->standin);
    }
    if (errand->base.is_wanting_record)
        set_timer(errand, SOCKETS_RECORD_PATIENCE_NS);
    else
        finish(errand);
}

static struct sockets_errand *wanting(struct sockets *sockets, uint32_t client,
                                      const struct server_done *done)
{
    struct list *all = &sockets->wanting_errands;
    for (struct list *at = all->next; at != all; at = at->next) {
        struct sockets_errand *errand = LIST_ITEM(at, struct sockets_errand, wanting);
        if (errand->base.call->client == client && errand->local_port == done->remote_port &&
            (done->nth == ERRAND_ANY_NTH || errand->nth == done->nth))
            return errand;
    }
    return NULL;
}

void errands_note_record(struct sockets *sockets, uint32_t client, const struct server_done *done)
{
    struct sockets_errand *errand = wanting(sockets, client, done);
    if (errand == NULL)
        return;
    outcome_take_record(errand->base.outcome, done->record, done->trace, errand->base.arena);
    errand->base.outcome->epoch_seconds = done->epoch_seconds;
    forget_record(errand);
    if (!errand->base.is_over || errand->base.kind == ERRAND_OF_BATCH)
        return;
    uv_timer_stop(&errand->timer);
    finish(errand);
}

void errand_hop(struct peer *standin, const struct call *call)
{
    struct sockets_errand *errand = errand_new(standin->sockets, ERRAND_OF_HOP);
    errand_ask(&errand->base, call, standin->standin.number);
    errand->standin = standin;
    errand_start(errand, 0);
}

void errands_close(struct sockets *sockets)
{
    struct list *all = &sockets->errands.all;
    for (struct list *at = all->next; at != all; at = at->next) {
        struct sockets_errand *errand = LIST_ITEM(at, struct sockets_errand, base.everybody);
        if (errand->has_timer && uv_is_closing((uv_handle_t *)&errand->timer) == 0)
            uv_close((uv_handle_t *)&errand->timer, NULL);
    }
}
