/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/conn.c - bytes out, wishes, a timer; no HTTP.
 */
#include "proxy/wire/conn.h"

#include "base/ns.h"
#include "proxy/http/h2.h"
#include "proxy/model/limits.h"

/* One turn writes at most a read's bytes, a head and a direct response on top
 * of what waits; and who speaks HTTP/2 may send a window's worth ahead. */
#define OUT_BYTES_MAX                                                      \
    (LIMIT_CONNECTION_BUFFER_BYTES + LIMIT_CONNECTION_BUFFER_SLACK_BYTES + \
     LIMIT_DIRECT_RESPONSE_BYTES + LIMIT_EXCHANGE_ARENA_BYTES + LIMIT_H2_STREAM_WINDOW_BYTES)
#define IN_BYTES_MAX (LIMIT_CONNECTION_BUFFER_BYTES + LIMIT_CONNECTION_BUFFER_SLACK_BYTES)
/* An idle place keeps no more than this in each buffer. */
#define KEPT_BYTES_MAX (64u * 1024)
#define FACTS_BLOCK_BYTES 256u

static void wish(struct conn *conn, enum wire_action_kind kind, bool is_abrupt)
{
    wishes_add(&conn->wire->wishes, (struct wish){.kind = kind,
                                                  .is_abrupt = is_abrupt,
                                                  .conn = conn,
                                                  .generation = conn->generation});
}

static void forget_bytes(struct buf *buf)
{
    buf_clear(buf);
    if (buf->capacity > KEPT_BYTES_MAX)
        buf_shrink(buf);
}

/* A place that was never used before. */
static void make(struct conn *conn, struct wire *wire, uint32_t number)
{
    conn->wire = wire;
    conn->number = number;
    buf_init(&conn->out, OUT_BYTES_MAX);
    buf_init(&conn->in, IN_BYTES_MAX);
    list_init(&conn->taken);
    list_init(&conn->down.ready);
    list_init(&conn->down.streams);
    list_init(&conn->up.attempts);
    list_init(&conn->stirred);
    timer_init(&conn->timer, TIMER_CONN);
    timer_init(&conn->age, TIMER_CONN_AGE);
    timer_init(&conn->meeting, TIMER_CONN_MEETING);
    timer_init(&conn->ping, TIMER_CONN_PING);
    arena_init(&conn->facts, FACTS_BLOCK_BYTES, 0);
}

static void stop_timers(struct conn *conn)
{
    timer_fini(&conn->wire->timers, &conn->timer);
    timer_fini(&conn->wire->timers, &conn->age);
    timer_fini(&conn->wire->timers, &conn->meeting);
    timer_fini(&conn->wire->timers, &conn->ping);
}

struct conn *conn_take(struct reign *reign, enum conn_side side)
{
    struct wire *wire = reign->wire;
    if (wire->conn_count >= wire->options.connections_max)
        return NULL;
    uint32_t number;
    struct conn *conn = slots_take(&wire->conns, &number);
    if (conn->wire == NULL)
        make(conn, wire, number);
    ASSERT(conn->state == CONN_FREE);
    ASSERT(conn->unsent_bytes == 0);
    conn->reign = reign_hold(reign);
    conn->side = side;
    conn->id = ++wire->conn_id;
    conn->tally = (struct tally){.began_ns = wire->now_ns};
    conn->state = side == CONN_UPSTREAM ? CONN_CONNECTING : CONN_OPEN;
    conn->speech = SPEECH_UNKNOWN;
    wire->conn_count++;
    if (side == CONN_DOWNSTREAM)
        wire->downstream_count++;
    return conn;
}

void conn_give(struct conn *conn)
{
    struct wire *wire = conn->wire;
    ASSERT(conn->state != CONN_FREE);
    ASSERT(conn->down.stream == NULL);
    ASSERT(list_is_empty(&conn->down.streams));
    ASSERT(conn->up.attempt == NULL);
    ASSERT(list_is_empty(&conn->up.attempts));
    ASSERT(conn->session == NULL);
    wire->conn_count--;
    if (conn->side == CONN_DOWNSTREAM)
        wire->downstream_count--;
    stop_timers(conn);
    list_remove(&conn->taken);
    list_remove(&conn->down.ready);
    list_remove(&conn->stirred);
    forget_bytes(&conn->out);
    forget_bytes(&conn->in);
    h1_parser_free(conn->parser);
    h2_free(conn->h2);
    arena_reset(&conn->facts);
    conn->parser = NULL;
    conn->h2 = NULL;
    conn->tls = NULL;
    conn->is_tls_own = false;
    conn->state = CONN_FREE;
    reign_drop(conn->reign);
    conn->reign = NULL;
    conn->generation++;
    conn->is_paused = false;
    conn->is_write_wished = false;
    conn->is_read_ended = false;
    conn->whole = NULL;
    conn->counted_bytes = conn->taken_bytes = conn->unsent_bytes = 0;
    conn->down = (struct conn_downstream){0};
    list_init(&conn->down.streams);
    list_init(&conn->down.ready);
    conn->up = (struct conn_upstream){0};
    list_init(&conn->up.attempts);
    slots_give(&wire->conns, conn->number);
}

void conn_fini(struct conn *conn)
{
    if (conn->wire == NULL)
        return;
    buf_fini(&conn->out);
    buf_fini(&conn->in);
    h1_parser_free(conn->parser);
    h2_free(conn->h2);
    arena_fini(&conn->facts);
}

void conn_set_reign(struct conn *conn, struct reign *reign)
{
    reign_drop(conn->reign);
    conn->reign = reign_hold(reign);
}

bool conn_is_of_past(const struct conn *conn)
{
    return conn->reign != conn->wire->reign;
}

bool conn_is_open(const struct conn *conn)
{
    return conn->state == CONN_OPEN;
}

void conn_written(struct conn *conn)
{
    size_t size = buf_size(&conn->out);
    ASSERT(size >= conn->counted_bytes);
    conn->unsent_bytes += size - conn->counted_bytes;
    conn->counted_bytes = size;
    if (size > conn->taken_bytes && !conn->is_write_wished) {
        conn->is_write_wished = true;
        wish(conn, WIRE_WRITE, false);
    }
}

void conn_write(struct conn *conn, struct str bytes)
{
    enum rc rc = buf_append(&conn->out, bytes);
    ASSERT(rc == RC_OK);
    conn_written(conn);
}

void conn_flush_h2(struct conn *conn)
{
    if (conn->state != CONN_OPEN && conn->state != CONN_LINGERING)
        return;
    h2_flush(conn->h2, &conn->out, conn->taken_bytes + LIMIT_CONNECTION_BUFFER_BYTES);
    conn_written(conn);
    list_remove(&conn->stirred);
    if (h2_has_news(conn->h2))
        list_push_back(&conn->wire->stirred_conns, &conn->stirred);
}

bool conn_takes_whole(const struct conn *conn)
{
    return conn->wire->options.is_giving_wholes && conn->h2 == NULL && conn->whole == NULL &&
           !conn->is_write_wished && buf_size(&conn->out) == conn->taken_bytes;
}

void conn_write_whole(struct conn *conn, struct wire_whole *whole)
{
    ASSERT(conn_takes_whole(conn));
    ASSERT(whole->stream != NULL);
    conn->whole = whole;
    conn->unsent_bytes += whole->sent.size;
    wish(conn, WIRE_WHOLE, false);
}

struct wire_whole *conn_take_whole(struct conn *conn)
{
    struct wire_whole *whole = conn->whole;
    conn->whole = NULL;
    if (whole == NULL)
        return NULL;
    tally_sent(&conn->tally, whole->sent.size);
    conn_note_sent(conn, whole->sent.size);
    if (conn->side == CONN_DOWNSTREAM)
        queued_note_sent(&conn->down.queued, whole->sent.size);
    return whole;
}

static void note_taken(struct conn *conn)
{
    list_remove(&conn->taken);
    list_push_back(&conn->wire->taken_conns, &conn->taken);
}

struct str conn_take_input(struct conn *conn)
{
    conn->is_input_taken = true;
    note_taken(conn);
    return buf_str(&conn->in);
}

struct str conn_take_bytes(struct conn *conn)
{
    struct str bytes = str_from(buf_str(&conn->out), conn->taken_bytes);
    conn->is_write_wished = false;
    conn->taken_bytes += bytes.len;
    note_taken(conn);
    tally_sent(&conn->tally, bytes.len);
    return bytes;
}

void conn_forget_taken(struct conn *conn)
{
    if (conn->is_input_taken)
        buf_clear(&conn->in);
    conn->is_input_taken = false;
    buf_consume(&conn->out, conn->taken_bytes);
    conn->counted_bytes -= conn->taken_bytes;
    conn->taken_bytes = 0;
    if (buf_size(&conn->out) == 0 && conn->out.capacity > KEPT_BYTES_MAX)
        buf_shrink(&conn->out);
}

void conn_note_sent(struct conn *conn, size_t size)
{
    ASSERT(size <= conn->unsent_bytes);
    conn->unsent_bytes -= size;
}

void conn_keep_input(struct conn *conn, struct str bytes)
{
    if (bytes.len == 0)
        return;
    enum rc rc = buf_append(&conn->in, bytes);
    ASSERT(rc == RC_OK); /* the carrier reads on although it was paused */
    if (buf_size(&conn->in) >= LIMIT_READ_BYTES)
        conn_pause(conn);
}

bool conn_is_full(const struct conn *conn)
{
    return conn->unsent_bytes >= LIMIT_CONNECTION_BUFFER_BYTES;
}

bool conn_has_room(const struct conn *conn)
{
    return conn->unsent_bytes <= LIMIT_CONNECTION_BUFFER_BYTES / 2;
}

void conn_pause(struct conn *conn)
{
    if (conn->is_paused || !conn_is_open(conn))
        return;
    conn->is_paused = true;
    wish(conn, WIRE_PAUSE, false);
}

void conn_resume(struct conn *conn)
{
    if (!conn->is_paused || (!conn_is_open(conn) && conn->state != CONN_LINGERING))
        return;
    conn->is_paused = false;
    wish(conn, WIRE_RESUME, false);
}

void conn_shutdown(struct conn *conn)
{
    if (conn_is_open(conn))
        wish(conn, WIRE_SHUTDOWN, false);
}

static void close_now(struct conn *conn, bool is_abrupt)
{
    if (conn->state == CONN_CLOSING || conn->state == CONN_BROKEN)
        return;
    ASSERT(conn->state != CONN_FREE);
    conn->state = CONN_CLOSING;
    stop_timers(conn);
    wish(conn, WIRE_CLOSE, is_abrupt);
}

void conn_close(struct conn *conn)
{
    close_now(conn, false);
}

void conn_abort(struct conn *conn)
{
    close_now(conn, true);
}

void conn_linger(struct conn *conn, int64_t grace_ns)
{
    if (!conn_is_open(conn))
        return;
    conn->state = CONN_LINGERING;
    conn->down.grace_ns = grace_ns;
    conn_resume(conn); /* else its FIN would not be seen */
    conn_set_timer(conn, ns_add(conn->wire->now_ns, grace_ns));
}

void conn_note_broken(struct conn *conn)
{
    ASSERT(conn->state != CONN_FREE);
    conn->state = CONN_BROKEN;
    stop_timers(conn);
}

void conn_set_timer(struct conn *conn, int64_t due_ns)
{
    timer_set(&conn->wire->timers, &conn->timer, due_ns);
}

void conn_stop_timer(struct conn *conn)
{
    timer_stop(&conn->timer);
}

void conn_set_age(struct conn *conn, int64_t duration_ns)
{
    if (duration_ns > 0)
        conn_set_age_due(conn, ns_add(conn->wire->now_ns, duration_ns));
}

void conn_set_age_due(struct conn *conn, int64_t due_ns)
{
    timer_set(&conn->wire->timers, &conn->age, due_ns);
}
