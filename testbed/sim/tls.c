/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/tls.c - see tls.h.
 *
 *   client ── hello ──────────> server        what is wrong already: an alert
 *          <── flight ─────────               the client checks: an alert, or
 *          ── finished ───────>               ..it is done (TLS 1.3) and speaks
 *                                             the server checks: an alert, or
 *          <── finished ───────               ..both are done (TLS 1.2)
 *          <── ticket ─────────               ..and the session may be taken up again (TLS 1.3)
 *
 * As OpenSSL's: a session of TLS 1.3 is taken up once (a new ticket follows), one of TLS 1.2
 * as long as it lasts.
 */
#include "testbed/sim/tls.h"

#include <string.h>

#include "base/check.h"
#include "proxy/wire/client_hello.h"

#define RECORD_ALERT 0x15
#define RECORD_HANDSHAKE 0x16
#define RECORD_DATA 0x17
#define RECORD_HEAD_BYTES 5u
#define RECORD_BYTES_MAX 16384u
#define MESSAGE_CLIENT_HELLO 0x01
#define MESSAGE_FLIGHT 0x02
#define MESSAGE_TICKET 0x04
#define MESSAGE_FINISHED 0x14
#define SESSION_SECONDS 7200
#define NUMBER_BYTES 4u
/* Of a greeting: record, message, version; there its random bytes begin, which here tell
 * the number. */
#define RANDOM_AT (RECORD_HEAD_BYTES + 4u + 2u)
#define RANDOM_BYTES 32u
#define ALERT_CLOSE_NOTIFY 0u
#define HELLO_BLOCK_BYTES 2048u

static const struct str MARK = STR_INIT("in virtual time"); /* of the random bytes */

/* --- records ---------------------------------------------------------------- */

static void put(struct sim_tls *tls, struct str bytes)
{
    ASSERT(buf_append(&tls->out, bytes) == RC_OK);
}

static void put_number(struct sim_tls *tls, uint32_t number, size_t size)
{
    char bytes[4];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(number >> (8 * (size - 1 - i)) & 0xff);
    put(tls, (struct str){bytes, size});
}

static void put_record(struct sim_tls *tls, uint32_t type, size_t size)
{
    put_number(tls, type, 1);
    put_number(tls, 0x0303, 2);
    put_number(tls, (uint32_t)size, 2);
}

static void put_alert(struct sim_tls *tls, uint32_t alert)
{
    put_record(tls, RECORD_ALERT, 2);
    put_number(tls, alert == ALERT_CLOSE_NOTIFY ? 1 : 2, 1);
    put_number(tls, alert, 1);
}

static void put_message(struct sim_tls *tls, uint32_t type, uint32_t number)
{
    put_record(tls, RECORD_HANDSHAKE, 1 + NUMBER_BYTES);
    put_number(tls, type, 1);
    put_number(tls, number, NUMBER_BYTES);
}

static uint32_t number_at(struct str bytes, size_t at, size_t size)
{
    uint32_t number = 0;
    for (size_t i = at; i < at + size; i++)
        number = number << 8 | (uint8_t)bytes.ptr[i];
    return number;
}

/* A whole ClientHello, as small as it gets. */
static void put_hello(struct sim_tls *tls)
{
    size_t protocols_bytes = 0;
    for (uint32_t i = 0; i < tls->party.protocol_count; i++)
        protocols_bytes += 1 + tls->party.protocols[i].len;
    size_t name_bytes = tls->server_name.len > 0 ? 9 + tls->server_name.len : 0;
    size_t alpn_bytes = protocols_bytes > 0 ? 6 + protocols_bytes : 0;
    size_t body_bytes = 2 + RANDOM_BYTES + 1 + 4 + 2 + 2 + name_bytes + alpn_bytes;
    put_record(tls, RECORD_HANDSHAKE, 4 + body_bytes);
    put_number(tls, MESSAGE_CLIENT_HELLO, 1);
    put_number(tls, (uint32_t)body_bytes, 3);
    put_number(tls, 0x0303, 2);
    put_number(tls, tls->number, NUMBER_BYTES);
    put(tls, MARK);
    for (size_t i = NUMBER_BYTES + MARK.len; i < RANDOM_BYTES; i++)
        put_number(tls, 0, 1);
    put_number(tls, 0, 1);          /* no session */
    put_number(tls, 0x00021301, 4); /* one cipher */
    put_number(tls, 0x0100, 2);     /* no compression */
    put_number(tls, (uint32_t)(name_bytes + alpn_bytes), 2);
    if (name_bytes > 0) {
        put_number(tls, 0, 2);
        put_number(tls, (uint32_t)tls->server_name.len + 5, 2);
        put_number(tls, (uint32_t)tls->server_name.len + 3, 2);
        put_number(tls, 0, 1);
        put_number(tls, (uint32_t)tls->server_name.len, 2);
        put(tls, tls->server_name);
    }
    if (alpn_bytes > 0) {
        put_number(tls, 16, 2);
        put_number(tls, (uint32_t)protocols_bytes + 2, 2);
        put_number(tls, (uint32_t)protocols_bytes, 2);
    }
    for (uint32_t i = 0; i < tls->party.protocol_count; i++) {
        put_number(tls, (uint32_t)tls->party.protocols[i].len, 1);
        put(tls, tls->party.protocols[i]);
    }
}

/* --- sessions --------------------------------------------------------------- */

static struct sim_tls *new_session(struct sim_tls_room *room)
{
    struct sim_tls *tls = NULL;
    for (uint32_t i = 0; i < room->count && tls == NULL; i++) {
        if (room->items[i]->is_free)
            tls = room->items[i];
    }
    if (tls == NULL) {
        tls = ARENA_NEW(room->arena, struct sim_tls);
        tls->number = room->count;
        *ARENA_PUSH(room->arena, room->items, room->count, room->capacity) = tls;
        buf_init(&tls->in, SIZE_MAX - 1);
        buf_init(&tls->out, SIZE_MAX - 1);
        buf_init(&tls->early_in, SIZE_MAX - 1);
        buf_init(&tls->early_out, SIZE_MAX - 1);
    }
    tls->room = room;
    tls->is_free = false;
    tls->state = TLS_STATE_HANDSHAKE;
    tls->failure = TLS_FINE;
    tls->outcome = (struct tls_outcome){0};
    tls->peer = NULL;
    tls->cluster = NULL;
    tls->socket = NULL;
    tls->is_resumed = false;
    tls->read_bytes = 0;
    buf_clear(&tls->in);
    buf_clear(&tls->out);
    buf_clear(&tls->early_in);
    buf_clear(&tls->early_out);
    return tls;
}

static void fail(struct sim_tls *tls, enum tls_failure failure)
{
    tls->state = TLS_STATE_FAILED;
    tls->failure = failure;
    tls->read_bytes = 0;
    buf_clear(&tls->in);
}

/* Tells the peer, too. */
static void refuse(struct sim_tls *tls, enum tls_failure failure, enum tls_version version)
{
    uint32_t alert = tls_alert(failure, version);
    if (alert != 0)
        put_alert(tls, alert);
    fail(tls, failure);
}

static void set_server_name(struct sim_tls *tls, struct str name)
{
    struct str kept = str_slice(name, 0, sizeof(tls->server_name_text));
    if (kept.len > 0)
        memcpy(tls->server_name_text, kept.ptr, kept.len);
    tls->server_name = (struct str){tls->server_name_text, kept.len};
}

struct sim_tls *sim_tls_connect(struct sim_tls_room *room, const struct cluster *cluster,
                                struct str host, enum tls_payload payload,
                                const struct keyring *keyring)
{
    struct sim_tls *tls = new_session(room);
    tls->is_server = false;
    tls->cluster = cluster;
    set_server_name(tls, tls_server_name(cluster, host));
    tls->party = tls_party_upstream(cluster, tls->server_name, keyring);
    tls->party.protocol_count = tls_protocols(cluster, payload, tls->protocols);
    tls->party.protocols = tls->protocols;
    if (tls->party.is_absent)
        fail(tls, TLS_SECRET_ABSENT);
    return tls;
}

struct sim_tls *sim_tls_accept(struct sim_tls_room *room, const struct downstream_tls *socket,
                               const struct keyring *keyring)
{
    struct sim_tls *tls = new_session(room);
    tls->is_server = true;
    tls->socket = socket;
    tls->server_name = STR_EMPTY;
    tls->party = tls_party_downstream(socket, keyring);
    if (tls->party.is_absent || tls->party.certificate == NULL)
        fail(tls, TLS_SECRET_ABSENT);
    return tls;
}

void sim_tls_free(struct sim_tls *tls)
{
    if (tls != NULL)
        tls->is_free = true;
}

void sim_tls_room_fini(struct sim_tls_room *room)
{
    for (uint32_t i = 0; i < room->count; i++) {
        buf_fini(&room->items[i]->in);
        buf_fini(&room->items[i]->out);
        buf_fini(&room->items[i]->early_in);
        buf_fini(&room->items[i]->early_out);
    }
}

/* --- the other side ----------------------------------------------------------- */

static const struct sim_tls *peer_at(const struct sim_tls *tls, uint32_t number)
{
    if (number >= tls->room->count || tls->room->items[number]->is_free)
        return NULL;
    const struct sim_tls *peer = tls->room->items[number];
    return peer->is_server != tls->is_server ? peer : NULL;
}

static void open(struct sim_tls *tls)
{
    tls->state = TLS_STATE_OPEN;
    sim_tls_write(tls, buf_str(&tls->early_out));
    buf_clear(&tls->early_out);
}

static bool is_late(const struct tls_outcome *outcome)
{
    return outcome->is_client_early && outcome->server != TLS_FINE;
}

/* --- sessions that go on ------------------------------------------------------ */

static struct sim_tls_known *known_of(const struct sim_tls *client, const struct sim_tls *server)
{
    struct sim_tls_room *room = client->room;
    for (uint32_t i = 0; i < room->known_count; i++) {
        struct sim_tls_known *known = &room->known[i];
        if (known->cluster == client->cluster && known->socket == server->socket &&
            str_eq(known->server_name, client->server_name))
            return known;
    }
    struct sim_tls_known *added =
        ARENA_PUSH(room->arena, room->known, room->known_count, room->known_capacity);
    *added = (struct sim_tls_known){.cluster = client->cluster,
                                    .server_name = arena_str(room->arena, client->server_name),
                                    .socket = server->socket};
    return added;
}

/* The client told of one when it called, and nobody took it up since. */
static bool resume(const struct sim_tls *client, const struct sim_tls *server,
                   enum tls_version version, int64_t now_s)
{
    struct sim_tls_known *known = known_of(client, server);
    if (known->number >= client->known_count || known->expires_s <= now_s)
        return false;
    if (version == TLS_VERSION_1_3)
        known->expires_s = 0;
    return true;
}

static void go_on(struct sim_tls *tls)
{
    tls->is_resumed = true;
    tls->outcome.client = TLS_FINE;
    tls->outcome.server = TLS_FINE;
}

/* --- the handshake ---------------------------------------------------------- */

static void take_hello(struct sim_tls *tls, struct str record)
{
    int64_t now_s = tls->now_s;
    struct client_hello hello;
    struct arena arena;
    arena_init(&arena, HELLO_BLOCK_BYTES, 0);
    bool is_right = client_hello_read(record, &arena, &hello) == CLIENT_HELLO_DONE &&
                    record.len > RANDOM_AT + RANDOM_BYTES;
    if (is_right)
        set_server_name(tls, hello.server_name);
    arena_fini(&arena);
    const struct sim_tls *client =
        is_right && str_has_prefix(str_from(record, RANDOM_AT + NUMBER_BYTES), MARK)
            ? peer_at(tls, number_at(record, RANDOM_AT, NUMBER_BYTES))
            : NULL;
    if (client == NULL) {
        refuse(tls, TLS_DECODE_ERROR, TLS_VERSION_1_2);
        return;
    }
    tls->outcome = tls_verdict(&client->party, &tls->party, now_s);
    if (resume(client, tls, tls->outcome.version, now_s))
        go_on(tls);
    /* What the client itself will find, or will hear late, comes with the flight; versions and
     * ciphers are settled before. */
    bool is_clients = !tls->is_resumed && tls_alert(tls->outcome.client, tls->outcome.version) != 0;
    if (tls->outcome.server != TLS_FINE && !is_late(&tls->outcome) && !is_clients) {
        refuse(tls, tls->outcome.server, tls->outcome.version);
        return;
    }
    if (tls->party.is_asking || tls->party.is_requiring)
        tls->peer = client->party.certificate;
    put_message(tls, MESSAGE_FLIGHT, tls->number);
}

static void take_flight(struct sim_tls *tls, uint32_t number)
{
    const struct sim_tls *server = peer_at(tls, number);
    if (server == NULL) {
        refuse(tls, TLS_DECODE_ERROR, TLS_VERSION_1_2);
        return;
    }
    tls->outcome = tls_verdict(&tls->party, &server->party, tls->now_s);
    tls->peer = server->party.certificate;
    if (server->is_resumed)
        go_on(tls);
    if (tls->outcome.client != TLS_FINE && !is_late(&tls->outcome)) {
        refuse(tls, tls->outcome.client, tls->outcome.version);
        return;
    }
    put_message(tls, MESSAGE_FINISHED, tls->number);
    if (tls->outcome.version == TLS_VERSION_1_3)
        open(tls);
}

/* The server keeps a session, and tells by which number. */
static void give_session(struct sim_tls *tls, uint32_t client_number)
{
    const struct sim_tls *client = peer_at(tls, client_number);
    uint32_t number =
        client == NULL ? UINT32_MAX : (uint32_t)(known_of(client, tls) - tls->room->known);
    bool is_old = tls->outcome.version < TLS_VERSION_1_3;
    put_message(tls, is_old ? MESSAGE_FINISHED : MESSAGE_TICKET, number);
}

static void take_session(struct sim_tls *tls, uint32_t number)
{
    struct sim_tls_room *room = tls->room;
    bool is_old = tls->outcome.version < TLS_VERSION_1_3;
    if (number >= room->known_count || (is_old && tls->is_resumed))
        return;
    room->known[number].number = room->remembered_count++;
    room->known[number].expires_s = tls->now_s + SESSION_SECONDS;
}

static void take_finished(struct sim_tls *tls, uint32_t number)
{
    if (!tls->is_server) {
        take_session(tls, number);
        open(tls);
        return;
    }
    if (tls->outcome.server != TLS_FINE) {
        refuse(tls, tls->outcome.server, tls->outcome.version);
        return;
    }
    give_session(tls, number);
    open(tls);
}

static void take_message(struct sim_tls *tls, struct str record)
{
    struct str message = str_from(record, RECORD_HEAD_BYTES);
    uint32_t type = message.len > 0 ? number_at(message, 0, 1) : 0;
    bool has_number = message.len == 1 + NUMBER_BYTES;
    uint32_t number = has_number ? number_at(message, 1, NUMBER_BYTES) : 0;
    if (tls->state == TLS_STATE_OPEN && !tls->is_server && type == MESSAGE_TICKET && has_number)
        take_session(tls, number);
    else if (tls->state != TLS_STATE_HANDSHAKE)
        refuse(tls, TLS_UNEXPECTED_MESSAGE, tls->outcome.version);
    else if (tls->is_server && type == MESSAGE_CLIENT_HELLO)
        take_hello(tls, record);
    else if (!tls->is_server && type == MESSAGE_FLIGHT && has_number)
        take_flight(tls, number);
    else if (type == MESSAGE_FINISHED && has_number)
        take_finished(tls, number);
    else
        refuse(tls, TLS_UNEXPECTED_MESSAGE, TLS_VERSION_1_2);
}

static void take_alert(struct sim_tls *tls, struct str record)
{
    uint32_t alert =
        record.len > RECORD_HEAD_BYTES + 1 ? number_at(record, RECORD_HEAD_BYTES + 1, 1) : 50;
    if (alert != ALERT_CLOSE_NOTIFY)
        fail(tls, tls_of_alert(alert));
    else if (tls->state == TLS_STATE_OPEN)
        tls->state = TLS_STATE_CLOSED;
    else
        fail(tls, TLS_UNEXPECTED_MESSAGE);
}

/* Whole records but data; false: there is none. */
static bool take_record(struct sim_tls *tls)
{
    struct str in = buf_str(&tls->in);
    if (in.len == 0 || tls->state == TLS_STATE_FAILED || tls->state == TLS_STATE_CLOSED)
        return false;
    uint32_t type = number_at(in, 0, 1);
    if (type < RECORD_ALERT || type > RECORD_DATA || (in.len > 1 && in.ptr[1] != 3)) {
        bool is_http = tls->is_server && type >= 'A' && type <= 'Z';
        refuse(tls, is_http ? TLS_HTTP_REQUEST : TLS_WRONG_VERSION_NUMBER, TLS_VERSION_1_2);
        return false;
    }
    if (in.len < RECORD_HEAD_BYTES || type == RECORD_DATA)
        return false;
    size_t size = RECORD_HEAD_BYTES + (size_t)number_at(in, 3, 2);
    if (in.len < size)
        return false;
    if (type == RECORD_HANDSHAKE)
        take_message(tls, str_slice(in, 0, size));
    else
        take_alert(tls, str_slice(in, 0, size));
    if (tls->state != TLS_STATE_FAILED)
        buf_consume(&tls->in, size);
    return true;
}

void sim_tls_feed(struct sim_tls *tls, struct str bytes, int64_t now_s)
{
    if (tls->state == TLS_STATE_FAILED || tls->state == TLS_STATE_CLOSED)
        return;
    tls->now_s = now_s;
    if (bytes.len == 0 && !tls->is_server) {
        tls->known_count = tls->room->remembered_count;
        put_hello(tls);
    }
    buf_consume(&tls->in, tls->read_bytes);
    tls->read_bytes = 0;
    ASSERT(buf_append(&tls->in, bytes) == RC_OK);
    while (take_record(tls))
        continue;
}

bool sim_tls_read(struct sim_tls *tls, struct str *bytes)
{
    buf_consume(&tls->in, tls->read_bytes);
    tls->read_bytes = 0;
    while (take_record(tls))
        continue;
    struct str in = buf_str(&tls->in);
    if (tls->state != TLS_STATE_OPEN || in.len < RECORD_HEAD_BYTES)
        return false;
    size_t size = RECORD_HEAD_BYTES + (size_t)number_at(in, 3, 2);
    if (in.len < size)
        return false;
    tls->read_bytes = size;
    *bytes = str_slice(in, RECORD_HEAD_BYTES, size);
    return true;
}

void sim_tls_write(struct sim_tls *tls, struct str bytes)
{
    if (tls->state == TLS_STATE_FAILED)
        return;
    if (tls->state == TLS_STATE_HANDSHAKE) {
        ASSERT(buf_append(&tls->early_out, bytes) == RC_OK);
        return;
    }
    while (bytes.len > 0) {
        struct str piece = str_slice(bytes, 0, RECORD_BYTES_MAX);
        put_record(tls, RECORD_DATA, piece.len);
        put(tls, piece);
        bytes = str_from(bytes, piece.len);
    }
}

void sim_tls_end(struct sim_tls *tls)
{
    if (tls->state == TLS_STATE_OPEN || tls->state == TLS_STATE_CLOSED)
        put_alert(tls, ALERT_CLOSE_NOTIFY);
}
