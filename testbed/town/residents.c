/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/residents.c - see residents.h.
 */
#include "testbed/town/residents.h"

#include <errno.h>

#include "base/check.h"
#include "base/list.h"
#include "base/ns.h"
#include "proxy/live/address_map.h"
#include "proxy/live/socket.h"
#include "testbed/world/sighting.h"
#include "testbed/world/standin.h"

#define MEMORY_BLOCK_BYTES (64u * 1024)
#define NAME_BLOCK_BYTES 128u
#define BACKLOG 1024 /* as the proxies' */
/* Bytes that wait for the kernel before a stand-in is asked for more. */
#define UNSENT_BYTES_MAX (256u * 1024)

/* Where a pod can be reached. A place is used again after it was closed. */
struct resident_door {
    struct residents *residents;
    uv_tcp_t tcp;
    char address_text[ADDRESS_TEXT_BYTES_MAX];
    struct str address;
    uint32_t port;
    struct arena memory; /* of the name */
    struct str name;     /* of one whose port the kernel gave; else empty */
    struct era *era;     /* held while it is open */
    uint32_t pod;
    bool is_open, is_closing;
};

/* A connection's place. */
struct resident {
    struct residents *residents;
    struct socket socket;
    uv_timer_t timer;
    struct standin standin;
    struct era *era;            /* held while it is connected */
    struct resident_door *door; /* by which it came; NULL: that is closed */
    struct str pending;         /* of the stand-in's last bytes: not given to the socket yet */
    size_t unsent_bytes;        /* given, and not taken by the kernel */
    struct tls_session *tls;    /* NULL: it speaks plaintext */
};

struct residents {
    struct arena memory;
    struct loop *loop;
    struct sighting_log log; /* closed: nobody looks */
    struct resident_door **doors;
    uint32_t door_count, door_capacity;
    struct resident **residents;
    uint32_t resident_count, resident_capacity;
    struct list idle;
    uint32_t number;       /* of the last connection */
    uint32_t open_count;   /* connections */
    uint32_t handle_count; /* doors and timers, until libuv has let go of them */
};

static struct resident *resident_of(struct socket *socket)
{
    return socket->owner;
}

static int64_t now_of(const struct resident *resident)
{
    return loop_now_ns(resident->residents->loop);
}

static void give(struct resident *resident, struct str bytes)
{
    size_t sent_bytes;
    if (bytes.len == 0 || socket_is_ending(&resident->socket))
        return;
    if (socket_write(&resident->socket, bytes, &sent_bytes)) {
        resident->unsent_bytes += bytes.len - sent_bytes;
    } else {
        standin_broken(&resident->standin);
        resident->pending = STR_EMPTY;
    }
}

/* What TLS has to say. */
static void give_tls(struct resident *resident)
{
    struct str out = tls_out(resident->tls);
    give(resident, out);
    tls_sent(resident->tls, out.len);
}

static void say_pending(struct resident *resident)
{
    while (resident->pending.len > 0 && resident->unsent_bytes < UNSENT_BYTES_MAX) {
        struct str piece = str_slice(resident->pending, 0, UNSENT_BYTES_MAX);
        resident->pending = str_from(resident->pending, piece.len);
        if (resident->tls == NULL) {
            give(resident, piece);
            continue;
        }
        tls_write(resident->tls, piece);
        give_tls(resident);
    }
}

/* May the stand-in speak? */
static bool is_open(const struct resident *resident)
{
    if (socket_is_ending(&resident->socket) || resident->pending.len > 0 ||
        resident->unsent_bytes >= UNSENT_BYTES_MAX)
        return false;
    return resident->tls == NULL || tls_state(resident->tls) == TLS_STATE_OPEN ||
           tls_state(resident->tls) == TLS_STATE_CLOSED;
}

static void close_politely(struct resident *resident)
{
    if (resident->tls != NULL) {
        tls_end(resident->tls);
        give_tls(resident);
    }
    socket_close(&resident->socket);
}

static void on_timer(uv_timer_t *timer);

/* Takes what the stand-in has to say, as far as there is room. */
static void turn(struct resident *resident)
{
    struct standin_action action;
    say_pending(resident);
    while (is_open(resident) && standin_next(&resident->standin, now_of(resident), &action)) {
        switch (action.kind) {
        case STANDIN_WRITE:
            resident->pending = action.bytes;
            say_pending(resident);
            break;
        case STANDIN_CLOSE:
            close_politely(resident);
            break;
        case STANDIN_RESET:
            socket_abort(&resident->socket);
            break;
        case STANDIN_WHOLE:
            UNREACHABLE("it has no shelf");
        case STANDIN_CALL:
            UNREACHABLE("in a mesh that stays no stand-in has a proxy to ask with");
        }
    }
    if (socket_is_ending(&resident->socket))
        return;
    /* What it has said must not move before the socket has it. */
    if (resident->pending.len > 0)
        socket_pause(&resident->socket);
    else
        socket_resume(&resident->socket);
    loop_timer_set(resident->residents->loop, &resident->timer, standin_wake_ns(&resident->standin),
                   on_timer);
}

static void on_timer(uv_timer_t *timer)
{
    struct resident *resident = timer->data;
    standin_wake(&resident->standin, now_of(resident));
    turn(resident);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct resident *resident = handle->data;
    resident->residents->handle_count--;
}

/* Ciphertext came, or (empty) it is to begin. */
static void read_tls(struct resident *resident, struct str bytes)
{
    bool was_shaking_hands = tls_state(resident->tls) == TLS_STATE_HANDSHAKE;
    struct str plain;
    if (tls_state(resident->tls) == TLS_STATE_CLOSED)
        return;
    tls_feed(resident->tls, bytes);
    if (was_shaking_hands && tls_state(resident->tls) == TLS_STATE_OPEN)
        standin_secured(&resident->standin, tls_facts(resident->tls).server_name);
    while (tls_read(resident->tls, &plain))
        standin_read(&resident->standin, plain, now_of(resident));
    give_tls(resident);
    if (tls_state(resident->tls) == TLS_STATE_FAILED) {
        standin_broken(&resident->standin);
        socket_close(&resident->socket);
    } else if (tls_state(resident->tls) == TLS_STATE_CLOSED) {
        standin_eof(&resident->standin, now_of(resident));
    }
}

/* Between two requests it goes on with what its door stands for now. */
static void follow_door(struct resident *resident)
{
    const struct resident_door *door = resident->door;
    struct standin *standin = &resident->standin;
    bool is_shaking_hands =
        resident->tls != NULL && tls_state(resident->tls) == TLS_STATE_HANDSHAKE;
    if (resident->era == NULL || door == NULL || door->era == resident->era ||
        standin->state != STANDIN_IN_HEAD || is_shaking_hands)
        return;
    era_hold(door->era);
    era_drop(resident->era);
    resident->era = door->era;
    standin->world = door->era->world;
    standin->pod = door->pod;
}

static void on_read(struct socket *socket, struct str bytes)
{
    struct resident *resident = resident_of(socket);
    follow_door(resident);
    if (resident->tls != NULL)
        read_tls(resident, bytes);
    else
        standin_read(&resident->standin, bytes, now_of(resident));
    turn(resident);
}

static void on_read_ended(struct socket *socket)
{
    struct resident *resident = resident_of(socket);
    if (resident->tls != NULL && tls_state(resident->tls) == TLS_STATE_HANDSHAKE) {
        socket_close(socket);
        return;
    }
    if (resident->tls == NULL || tls_state(resident->tls) == TLS_STATE_OPEN)
        standin_eof(&resident->standin, now_of(resident));
    turn(resident);
}

static void on_wrote(struct socket *socket, size_t size)
{
    struct resident *resident = resident_of(socket);
    ASSERT(size <= resident->unsent_bytes);
    resident->unsent_bytes -= size;
    turn(resident);
}

static void on_broke(struct socket *socket)
{
    standin_broken(&resident_of(socket)->standin);
}

static void on_gone(struct socket *socket)
{
    struct resident *resident = resident_of(socket);
    struct residents *residents = resident->residents;
    uv_timer_stop(&resident->timer);
    tls_free(resident->tls);
    resident->tls = NULL;
    era_drop(resident->era);
    resident->era = NULL;
    residents->open_count--;
    list_push_front(&residents->idle, &socket->node);
}

static const struct socket_events events = {
    .read = on_read,
    .read_ended = on_read_ended,
    .wrote = on_wrote,
    .broke = on_broke,
    .gone = on_gone,
};

static struct resident *take_place(struct residents *residents)
{
    struct list *first = list_first(&residents->idle);
    struct resident *resident;
    if (first != NULL) {
        resident = LIST_ITEM(first, struct resident, socket.node);
        list_remove(first);
    } else {
        resident = ARENA_NEW(&residents->memory, struct resident);
        resident->residents = residents;
        socket_init(&resident->socket, residents->loop, &events);
        resident->socket.owner = resident;
        standin_init(&resident->standin, NULL, &residents->log);
        int rc = uv_timer_init(&residents->loop->uv, &resident->timer);
        ASSERT(rc == 0);
        resident->timer.data = resident;
        residents->handle_count++;
        *ARENA_PUSH(&residents->memory, residents->residents, residents->resident_count,
                    residents->resident_capacity) = resident;
    }
    resident->pending = STR_EMPTY;
    resident->unsent_bytes = 0;
    residents->open_count++;
    return resident;
}

static void on_door_connection(uv_stream_t *stream, int status)
{
    struct resident_door *door = stream->data;
    struct residents *residents = door->residents;
    if (status < 0)
        return;
    struct resident *resident = take_place(residents);
    resident->door = door;
    resident->era = door->era;
    era_hold(resident->era);
    if (!socket_accept(&resident->socket, stream))
        return;
    resident->tls = era_accept_tls(door->era, door->pod);
    resident->standin.world = door->era->world;
    standin_begin(&resident->standin, door->pod, ++residents->number);
    socket_start_reading(&resident->socket);
    turn(resident);
}

static void on_door_closed(uv_handle_t *handle)
{
    struct resident_door *door = handle->data;
    door->is_closing = false;
    door->residents->handle_count--;
}

static void close_door(struct resident_door *door)
{
    if (!door->is_open)
        return;
    door->is_open = false;
    door->is_closing = true;
    for (uint32_t i = 0; i < door->residents->resident_count; i++)
        if (door->residents->residents[i]->door == door)
            door->residents->residents[i]->door = NULL;
    era_drop(door->era);
    door->era = NULL;
    uv_close((uv_handle_t *)&door->tcp, on_door_closed);
}

static struct resident_door *find_door(const struct residents *residents,
                                       const struct resident_place *place)
{
    for (uint32_t i = 0; i < residents->door_count; i++) {
        struct resident_door *door = residents->doors[i];
        bool is_it = door->is_open && str_eq(door->name, place->name) &&
                     str_eq(door->address, place->address);
        if (is_it && (place->name.len > 0 || door->port == place->port))
            return door;
    }
    return NULL;
}

static struct resident_door *new_door(struct residents *residents)
{
    for (uint32_t i = 0; i < residents->door_count; i++) {
        if (!residents->doors[i]->is_open && !residents->doors[i]->is_closing)
            return residents->doors[i];
    }
    struct resident_door *door = ARENA_NEW(&residents->memory, struct resident_door);
    door->residents = residents;
    arena_init(&door->memory, NAME_BLOCK_BYTES, 0);
    *ARENA_PUSH(&residents->memory, residents->doors, residents->door_count,
                residents->door_capacity) = door;
    return door;
}

/* 0, or an errno. */
static int listen_at(struct resident_door *door, const struct sockaddr_storage *place)
{
    struct residents *residents = door->residents;
    int rc = uv_tcp_init(&residents->loop->uv, &door->tcp);
    ASSERT(rc == 0);
    door->tcp.data = door;
    residents->handle_count++;
    rc = uv_tcp_bind(&door->tcp, (const struct sockaddr *)place, 0);
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&door->tcp, BACKLOG, on_door_connection);
    struct sockaddr_storage got;
    int size = sizeof(got);
    if (rc == 0)
        rc = uv_tcp_getsockname(&door->tcp, (struct sockaddr *)&got, &size);
    if (rc == 0) {
        door->address = address_text(&got, door->address_text, &door->port);
        return 0;
    }
    door->is_closing = true;
    uv_close((uv_handle_t *)&door->tcp, on_door_closed);
    return -rc;
}

struct residents *residents_new(struct loop *loop)
{
    struct arena memory;
    arena_init(&memory, MEMORY_BLOCK_BYTES, 0);
    struct residents *residents = ARENA_NEW(&memory, struct residents);
    residents->memory = memory;
    residents->loop = loop;
    sighting_log_init(&residents->log);
    list_init(&residents->idle);
    return residents;
}

void residents_free(struct residents *residents)
{
    if (residents == NULL)
        return;
    for (uint32_t i = 0; i < residents->door_count; i++)
        close_door(residents->doors[i]);
    for (uint32_t i = 0; i < residents->resident_count; i++) {
        struct resident *resident = residents->residents[i];
        if (resident->era != NULL)
            socket_abort(&resident->socket);
    }
    while (residents->open_count > 0)
        loop_turn(residents->loop);
    for (uint32_t i = 0; i < residents->resident_count; i++)
        uv_close((uv_handle_t *)&residents->residents[i]->timer, on_timer_closed);
    while (residents->handle_count > 0)
        loop_turn(residents->loop);
    for (uint32_t i = 0; i < residents->resident_count; i++) {
        socket_fini(&residents->residents[i]->socket);
        standin_fini(&residents->residents[i]->standin);
    }
    for (uint32_t i = 0; i < residents->door_count; i++)
        arena_fini(&residents->doors[i]->memory);
    struct arena memory = residents->memory;
    arena_fini(&memory);
}

int residents_open(struct residents *residents, struct resident_place *place, struct era *era,
                   uint32_t pod)
{
    struct sockaddr_storage where;
    struct resident_door *door = find_door(residents, place);
    ASSERT(place->address.len < ADDRESS_TEXT_BYTES_MAX);
    if (!address_parse(place->address, place->port, &where))
        return EINVAL;
    if (door == NULL) {
        door = new_door(residents);
        int error = listen_at(door, &where);
        if (error != 0)
            return error;
        arena_reset(&door->memory);
        door->name = arena_str(&door->memory, place->name);
        door->is_open = true;
    }
    place->port = door->port;
    era_hold(era);
    era_drop(door->era);
    door->era = era;
    door->pod = pod;
    return 0;
}

void residents_follow(struct residents *residents)
{
    for (uint32_t i = 0; i < residents->resident_count; i++)
        follow_door(residents->residents[i]);
}

void residents_keep_only(struct residents *residents, const struct era *era)
{
    for (uint32_t i = 0; i < residents->door_count; i++) {
        if (residents->doors[i]->era != era)
            close_door(residents->doors[i]);
    }
    residents_follow(residents);
}
