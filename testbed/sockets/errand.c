/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/errand.c - calls under way, whoever made them: a batch, a
 * stream, or a stand-in that asks somebody.
 */
#include <stddef.h>

#include "base/check.h"
#include "testbed/sockets/inside.h"
#include "testbed/world/outcome.h"

#define ARENA_BLOCK_BYTES 4096u

static struct sockets_errand *fresh(struct sockets *sockets)
{
    struct sockets_errand *errand = ARENA_NEW(&sockets->arena, struct sockets_errand);
    errand->sockets = sockets;
    list_init(&errand->node);
    list_init(&errand->wanting);
    arena_init(&errand->own_arena, ARENA_BLOCK_BYTES, 0);
    list_push_back(&sockets->all_errands, &errand->everybody);
    return errand;
}

struct sockets_errand *errand_new(struct sockets *sockets, enum errand_kind kind)
{
    struct sockets_errand *errand;
    if (list_is_empty(&sockets->free_errands)) {
        errand = fresh(sockets);
    } else {
        errand = LIST_ITEM(list_first(&sockets->free_errands), struct sockets_errand, node);
        list_remove(&errand->node);
        list_init(&errand->node);
    }
    errand->kind = kind;
    errand->is_freed = false;
    errand->is_begun = false;
    errand->is_wanting_record = false;
    errand->is_over = false;
    if (kind == ERRAND_OF_BATCH)
        return errand;
    errand->own_outcome = (struct outcome){0};
    errand->call = &errand->own_call;
    errand->outcome = &errand->own_outcome;
    errand->arena = &errand->own_arena;
    return errand;
}

static void give_back(struct sockets_errand *errand)
{
    if (errand->own_arena.used_bytes > 0)
        arena_reset(&errand->own_arena);
    list_push_front(&errand->sockets->free_errands, &errand->node);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct sockets_errand *errand = handle->data;
    errand->has_timer = false;
    if (errand->is_freed)
        give_back(errand);
}

void errand_free(struct sockets_errand *errand)
{
    errand_forget_record(errand);
    errand->is_freed = true;
    if (errand->has_timer)
        uv_close((uv_handle_t *)&errand->timer, on_timer_closed);
    else
        give_back(errand);
}

static void begin(struct sockets_errand *errand)
{
    errand->is_begun = true;
    errand->started_ns = sockets_now_ns(errand->sockets);
    sockets_begin_call(errand);
}

/* Outcome and record are there, or no record will come. */
static void finish(struct sockets_errand *errand)
{
    switch (errand->kind) {
    case ERRAND_OF_BATCH:
        return; /* the batch waits for what is late by itself, and frees them all */
    case ERRAND_OF_STREAM:
        list_push_back(&errand->sockets->done_errands, &errand->node);
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
    if (!errand->is_begun)
        begin(errand);
    else
        finish(errand);
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
        begin(errand);
    else
        set_timer(errand, after_ns);
}

void errand_want_record(struct sockets_errand *errand)
{
    errand->is_wanting_record = true;
    list_push_back(&errand->sockets->wanting_errands, &errand->wanting);
    errand->sockets->batch_recordless_count += errand->kind == ERRAND_OF_BATCH;
}

void errand_forget_record(struct sockets_errand *errand)
{
    if (!errand->is_wanting_record)
        return;
    errand->is_wanting_record = false;
    list_remove(&errand->wanting);
    list_init(&errand->wanting);
    errand->sockets->batch_recordless_count -= errand->kind == ERRAND_OF_BATCH;
}

void errand_note_over(struct sockets_errand *errand)
{
    struct sockets *sockets = errand->sockets;
    ASSERT(!errand->is_over);
    errand->is_over = true;
    if (errand->outcome->error == CALL_CONNECTION_REFUSED)
        errand_forget_record(errand);
    if (errand->kind == ERRAND_OF_BATCH) {
        ASSERT(sockets->batch_count > 0);
        sockets->batch_count--;
        return;
    }
    if (errand->kind == ERRAND_OF_HOP) {
        standin_called(&errand->standin->standin, errand->standin_number, errand->outcome);
        peer_turn(errand->standin);
    }
    if (errand->is_wanting_record)
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
        if (errand->call->client == client && errand->local_port == done->remote_port &&
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
    outcome_take_record(errand->outcome, done->record, done->trace, errand->arena);
    errand->outcome->epoch_seconds = done->epoch_seconds;
    errand_forget_record(errand);
    if (!errand->is_over || errand->kind == ERRAND_OF_BATCH)
        return;
    uv_timer_stop(&errand->timer);
    finish(errand);
}

void errand_hop(struct peer *standin, const struct call *call)
{
    struct sockets_errand *errand = errand_new(standin->sockets, ERRAND_OF_HOP);
    errand->own_call = call_copy(call, &errand->own_arena);
    errand->standin = standin;
    errand->standin_number = standin->standin.number;
    errand_start(errand, 0);
}

void errands_close(struct sockets *sockets)
{
    for (struct list *at = sockets->all_errands.next; at != &sockets->all_errands; at = at->next) {
        struct sockets_errand *errand = LIST_ITEM(at, struct sockets_errand, everybody);
        if (errand->has_timer && uv_is_closing((uv_handle_t *)&errand->timer) == 0)
            uv_close((uv_handle_t *)&errand->timer, NULL);
    }
}

void errands_fini(struct sockets *sockets)
{
    for (struct list *at = sockets->all_errands.next; at != &sockets->all_errands; at = at->next)
        arena_fini(&LIST_ITEM(at, struct sockets_errand, everybody)->own_arena);
}
