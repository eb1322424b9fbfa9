/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/tls.h - TLS by OpenSSL, without a socket: what came goes in, what was
 * meant and what is to be sent come out.
 *
 *   bytes of the socket ──tls_feed──> session ──tls_read───> bytes that were meant
 *   bytes for the socket <──tls_out── session <──tls_write── bytes to be sent
 *
 * Contexts (certificates, versions, ciphers) are made when a transport socket is
 * first used, and shared by all that ask for the same. OpenSSL's queue of errors
 * is read here and nowhere else; what failed is told as the pure layers tell it
 * (proxy/core/tls_verdict.h). Nothing of a key is ever said.
 *
 * One thread for a store and its sessions. OpenSSL allocates as it does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/core/tls_verdict.h"
#include "proxy/model/snapshot.h"

struct tls_store;
struct tls_session;

/* `keyring` is copied; NULL: an empty one. One thread; the store is there as long as its maker
 * and its sessions hold it. */
struct tls_store *tls_store_new(const struct keyring *keyring);
struct tls_store *tls_store_hold(struct tls_store *store);
void tls_store_drop(struct tls_store *store);
const struct keyring *tls_store_keyring(const struct tls_store *store);
/* Another configuration's transport sockets come: those of before are not asked for again. */
void tls_store_forget_sockets(struct tls_store *store);
/* Makes the contexts of a configuration now, and not when the first connection waits
 * for them. */
void tls_store_warm(struct tls_store *store, const struct snapshot *snapshot);

/* What only one of a context's sessions has. Borrowed as long as the session. */
struct tls_call {
    const struct cluster *cluster; /* its `tls` is not NULL */
    struct str host;               /* for auto_sni: of the request */
    struct str address;            /* whose session may be resumed: the endpoint's.. */
    uint32_t port;                 /* ..and its port */
    enum tls_payload payload;
};

/* The connecting and the accepting side. Never NULL; one whose secrets are absent has
 * failed already (TLS_SECRET_ABSENT). */
struct tls_session *tls_connect(struct tls_store *store, const struct tls_call *call);
struct tls_session *tls_accept(struct tls_store *store, const struct downstream_tls *tls);
void tls_free(struct tls_session *session);

enum tls_state tls_state(const struct tls_session *session);
/* Of a failed one. */
enum tls_failure tls_failed(const struct tls_session *session);
/* Envoy's words for it, in `arena`. */
struct str tls_failed_text(const struct tls_session *session, struct arena *arena);

/* Bytes that came: read until tls_read answers false before feeding again; they are
 * not needed after that. A connecting side begins with empty bytes. */
void tls_feed(struct tls_session *session, struct str bytes);
/* What was meant, valid until the next call for any session. False: no more for now. */
bool tls_read(struct tls_session *session, struct str *bytes);
/* In the handshake they wait for its end. */
void tls_write(struct tls_session *session, struct str bytes);
/* They wait for tls_write_kept, or for the end of the handshake. */
void tls_keep(struct tls_session *session, struct str bytes);
void tls_write_kept(struct tls_session *session);
/* Says that nothing more is sent. */
void tls_end(struct tls_session *session);
/* What is to be sent; then say so. */
struct str tls_out(const struct tls_session *session);
void tls_sent(struct tls_session *session, size_t size);

/* What was agreed upon, of an open session. Slices live as long as it does. */
struct tls_facts {
    enum tls_version version;
    struct str cipher, curve, sigalg; /* by Envoy's names (proxy/core/ssl_stats.h) */
    struct str protocol;              /* ALPN; empty: none */
    struct str server_name;           /* called by the client; empty: none */
    bool is_resumed;
    bool has_peer; /* the peer showed a certificate */
};
struct tls_facts tls_facts(const struct tls_session *session);
/* What it may show itself; NULL: nothing. As long as the session. */
const struct certificate *tls_own(const struct tls_session *session);
/* The peer's certificate, its words in `arena`; false: it showed none. */
bool tls_peer(const struct tls_session *session, struct certificate *out, struct arena *arena);
