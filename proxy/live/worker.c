/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/worker.c - see worker.h.
 */
#include "proxy/live/worker.h"

#include "base/check.h"
#include "base/ns.h"

#define MEMORY_BLOCK_BYTES 4096u

static bool is_over(struct worker_host *host)
{
    return host->server == NULL || server_is_over(host->server);
}

static void free_host(struct worker_host *host)
{
    server_free(host->server);
    host->server = NULL;
    arena_fini(&host->numbers);
}

/* One that leaves: who has nobody left, or no time, is stopped; when everything
 * of it is closed it goes. */
static void see_off(struct worker *worker, struct worker_host *host)
{
    bool is_due = worker->is_cut || loop_now_ns(worker->loop) >= host->deadline_ns;
    if (is_due || server_socket_count(host->server) == 0)
        server_stop(host->server);
    if (!server_is_over(host->server))
        return;
    host->is_leaving = false;
    worker->leaving_count--;
    if (!worker->is_ending)
        free_host(host);
}

static void on_watch(uv_prepare_t *watch)
{
    struct worker *worker = watch->data;
    for (uint32_t i = 0; i < worker->host_count; i++) {
        if (worker->hosts[i].is_leaving)
            see_off(worker, &worker->hosts[i]);
    }
    if (worker->leaving_count > 0)
        return;
    uv_prepare_stop(watch);
    if (worker->is_ending)
        uv_stop(&worker->loop->uv);
}

static void on_deadline(uv_timer_t *timer);

/* The loop wakes for the first who must go; on_watch does the rest. */
static void set_deadline(struct worker *worker)
{
    int64_t first_ns = NS_NEVER;
    int64_t now_ns = loop_now_ns(worker->loop);
    for (uint32_t i = 0; i < worker->host_count; i++) {
        const struct worker_host *host = &worker->hosts[i];
        if (host->is_leaving && host->deadline_ns > now_ns)
            first_ns = ns_min(first_ns, host->deadline_ns);
    }
    loop_timer_set(worker->loop, &worker->deadline, first_ns, on_deadline);
}

static void on_deadline(uv_timer_t *timer)
{
    set_deadline(timer->data);
}

static struct letter take_letter(struct worker *worker)
{
    uv_mutex_lock(&worker->lock);
    struct letter letter = worker->letter;
    worker->letter = (struct letter){0};
    uv_mutex_unlock(&worker->lock);
    return letter;
}

static void on_mail(uv_async_t *mail)
{
    struct worker *worker = mail->data;
    struct letter letter = take_letter(worker);
    if (letter.run == NULL) /* libuv may call once more than was asked */
        return;
    letter.run(worker, letter.user);
    uv_sem_post(&worker->answered);
}

static void on_news(uv_async_t *news)
{
    struct worker *worker = news->data;
    for (uint32_t i = 0; i < worker->host_count; i++) {
        if (worker->hosts[i].server != NULL)
            server_leave_ejected(worker->hosts[i].server);
    }
}

void worker_tell_ejected(struct worker *worker)
{
    int rc = uv_async_send(&worker->news);
    ASSERT(rc == 0);
}

/* A letter that came at the last moment is answered too. */
static void end(struct worker *worker)
{
    uv_mutex_lock(&worker->lock);
    struct letter letter = worker->letter;
    worker->letter = (struct letter){0};
    if (letter.run != NULL)
        letter.run(worker, letter.user);
    worker->is_over = true;
    uv_mutex_unlock(&worker->lock);
    if (letter.run != NULL)
        uv_sem_post(&worker->answered);
    if (worker->on_over != NULL)
        worker->on_over(worker->user);
}

static void run(void *user)
{
    struct worker *worker = user;
    (void)uv_run(&worker->loop->uv, UV_RUN_DEFAULT);
    end(worker);
}

static void make_handles(struct worker *worker)
{
    uv_loop_t *uv = &worker->loop->uv;
    int rc = uv_async_init(uv, &worker->mail, on_mail);
    ASSERT(rc == 0); /* the loop has its descriptor already */
    rc = uv_async_init(uv, &worker->news, on_news);
    ASSERT(rc == 0);
    rc = uv_prepare_init(uv, &worker->watch);
    ASSERT(rc == 0);
    rc = uv_timer_init(uv, &worker->deadline);
    ASSERT(rc == 0);
    worker->news.data = worker->mail.data = worker->watch.data = worker->deadline.data = worker;
    rc = uv_mutex_init(&worker->lock);
    ASSERT(rc == 0);
    rc = uv_sem_init(&worker->answered, 0);
    ASSERT(rc == 0);
}

struct worker *worker_new(uint32_t index)
{
    struct loop *loop = loop_new();
    if (loop == NULL)
        return NULL;
    struct arena memory;
    arena_init(&memory, MEMORY_BLOCK_BYTES, 0);
    struct worker *worker = ARENA_NEW(&memory, struct worker);
    worker->memory = memory;
    worker->index = index;
    worker->loop = loop;
    make_handles(worker);
    return worker;
}

bool worker_start(struct worker *worker)
{
    worker->is_started = uv_thread_create(&worker->thread, run, worker) == 0;
    return worker->is_started;
}

void worker_join(struct worker *worker)
{
    if (!worker->is_started || worker->is_joined)
        return;
    int rc = uv_thread_join(&worker->thread);
    ASSERT(rc == 0);
    worker->is_joined = true;
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    ASSERT(!worker->is_started || worker->is_joined);
    for (uint32_t i = 0; i < worker->host_count; i++) {
        if (worker->hosts[i].server != NULL)
            free_host(&worker->hosts[i]);
    }
    uv_close((uv_handle_t *)&worker->mail, NULL);
    uv_close((uv_handle_t *)&worker->news, NULL);
    uv_close((uv_handle_t *)&worker->watch, NULL);
    uv_close((uv_handle_t *)&worker->deadline, NULL);
    loop_free(worker->loop);
    uv_sem_destroy(&worker->answered);
    uv_mutex_destroy(&worker->lock);
    struct arena memory = worker->memory;
    arena_fini(&memory);
}

void worker_send(struct worker *worker, struct letter letter)
{
    uv_mutex_lock(&worker->lock);
    bool is_served = worker->is_started && !worker->is_over;
    if (is_served) {
        ASSERT(worker->letter.run == NULL);
        worker->letter = letter;
        int rc = uv_async_send(&worker->mail);
        ASSERT(rc == 0);
    }
    uv_mutex_unlock(&worker->lock);
    if (is_served)
        return;
    letter.run(worker, letter.user);
    uv_sem_post(&worker->answered);
}

void worker_wait(struct worker *worker)
{
    uv_sem_wait(&worker->answered);
}

struct worker_host *worker_add_host(struct worker *worker)
{
    return ARENA_PUSH(&worker->memory, worker->hosts, worker->host_count, worker->host_capacity);
}

struct server *worker_server(const struct worker *worker, uint32_t proxy)
{
    return proxy < worker->host_count ? worker->hosts[proxy].server : NULL;
}

static void begin_leaving(struct worker *worker, struct worker_host *host, int64_t patience_ns)
{
    int64_t deadline_ns = ns_add(loop_now_ns(worker->loop), patience_ns);
    if (is_over(host))
        return;
    if (!host->is_leaving) {
        host->is_leaving = true;
        host->deadline_ns = deadline_ns;
        worker->leaving_count++;
        server_drain(host->server);
    }
    host->deadline_ns = ns_min(host->deadline_ns, deadline_ns);
}

static void begin_watching(struct worker *worker)
{
    set_deadline(worker);
    int rc = uv_prepare_start(&worker->watch, on_watch);
    ASSERT(rc == 0);
}

void worker_remove(struct worker *worker, uint32_t proxy, int64_t patience_ns)
{
    ASSERT(proxy < worker->host_count);
    begin_leaving(worker, &worker->hosts[proxy], patience_ns);
    begin_watching(worker);
}

void worker_drain(struct worker *worker, int64_t patience_ns)
{
    worker->is_ending = true;
    for (uint32_t i = 0; i < worker->host_count; i++)
        begin_leaving(worker, &worker->hosts[i], patience_ns);
    begin_watching(worker);
}

void worker_stop(struct worker *worker)
{
    worker->is_cut = true;
    worker_drain(worker, 0);
}
