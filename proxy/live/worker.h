/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/worker.h - one thread of a fleet: a loop, a server for each proxy,
 * and a mailbox of one letter.
 *
 *   control thread                     worker's thread
 *   worker_send: letter, uv_async ───> on_mail: runs it between two events
 *   worker_wait <──────semaphore────── answered
 *
 * Beside it stands a bell that other workers ring (an ejection); it carries nothing.
 * The mailbox's lock is taken when a letter is sent and when one has come, and
 * at no other time. The first and the last part of a worker's life (before
 * worker_start, after the thread was joined) belong to the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/arena.h"
#include "proxy/live/loop.h"
#include "proxy/live/server.h"

struct worker;

/* Work to be done on the worker's thread. */
struct letter {
    void (*run)(struct worker *worker, void *user);
    void *user;
};

/* A proxy on this worker. */
struct worker_host {
    struct server *server;  /* NULL: removed, and everything of it is gone */
    struct arena numbers;   /* of the array below */
    uint32_t *door_numbers; /* by the index of the door in the configuration */
    uint32_t door_count;
    bool is_leaving;
    int64_t deadline_ns; /* while leaving */
};

struct worker {
    uint32_t index;
    struct loop *loop;
    struct arena memory;
    struct worker_host *hosts; /* by the proxy's number */
    uint32_t host_count, host_capacity;
    uint32_t leaving_count;
    bool is_ending; /* no server is freed any more: counters stay readable */
    bool is_cut;    /* now */
    uv_thread_t thread;
    bool is_started;
    bool is_joined;
    uv_async_t mail;
    uv_async_t news; /* other workers': a host was ejected */
    uv_mutex_t lock; /* of the two that follow */
    struct letter letter;
    bool is_over; /* the thread serves nobody and will not again */
    uv_sem_t answered;
    uv_prepare_t watch; /* before the loop sleeps, while somebody leaves */
    uv_timer_t deadline;
    /* The thread's last act. */
    void (*on_over)(void *user);
    void *user;
};

/* NULL: no descriptors or threads are left for it. */
struct worker *worker_new(uint32_t index);
/* False: no thread is left for it. */
bool worker_start(struct worker *worker);
/* Waits for the thread, which must be ending. */
void worker_join(struct worker *worker);
/* Joined, or never started. */
void worker_free(struct worker *worker);

/* For the control thread. One letter at a time; each is waited for. When the
 * worker is over the letter is run by the sender. */
void worker_send(struct worker *worker, struct letter letter);
void worker_wait(struct worker *worker);

/* For any thread while workers are not freed: another one ejected a host, and its
 * connections are to go. It is not waited for. */
void worker_tell_ejected(struct worker *worker);

/* For letters. */

/* The next proxy's place: numbers count from 0, on every worker alike. */
struct worker_host *worker_add_host(struct worker *worker);
/* NULL: there never was one, or it has gone. */
struct server *worker_server(const struct worker *worker, uint32_t proxy);
/* It is drained, and cut after the patience. */
void worker_remove(struct worker *worker, uint32_t proxy, int64_t patience_ns);
/* The same for all; then the worker is over. */
void worker_drain(struct worker *worker, int64_t patience_ns);
/* Everything is cut; then the worker is over. */
void worker_stop(struct worker *worker);
