/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/substitution_tls.c - what the two connections' TLS says. Without TLS, or a
 * certificate, or such a name in it, a value is missing.
 */
#include "base/bytes.h"
#include "proxy/core/substitution_row.h"

/* Several are parted by commas; what there is no room for is left out. */
static void list(const struct substitution_question *q, const struct str *items, uint32_t count)
{
    struct substitution_value *value = q->value;
    size_t size = 0;
    if (count == 1) {
        substitution_text_unless_empty(q, items[0]);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        size_t comma = i > 0 ? 1 : 0;
        if (size + comma + items[i].len > sizeof(value->scratch))
            break;
        if (comma > 0)
            value->scratch[size++] = ',';
        bytes_copy(value->scratch + size, items[i].ptr, items[i].len);
        size += items[i].len;
    }
    substitution_text_unless_empty(q, (struct str){value->scratch, size});
}

static void uris(const struct substitution_question *q, const struct certificate *of)
{
    if (of != NULL)
        list(q, of->uris, of->uri_count);
}

static void names(const struct substitution_question *q, const struct certificate *of)
{
    if (of != NULL)
        list(q, of->names, of->name_count);
}

static void subject(const struct substitution_question *q, const struct certificate *of)
{
    if (of != NULL)
        substitution_text_unless_empty(q, of->subject);
}

static void issuer(const struct substitution_question *q, const struct certificate *of)
{
    if (of != NULL)
        substitution_text_unless_empty(q, of->issuer_subject);
}

/* Never NULL. */
static const struct record_tls *downstream(const struct substitution_question *q)
{
    static const struct record_tls NONE;
    const struct record_tls *tls = substitution_record(q)->downstream.tls;
    return tls != NULL ? tls : &NONE;
}

static const struct record_tls *upstream(const struct substitution_question *q)
{
    static const struct record_tls NONE;
    const struct record_tls *tls = substitution_record(q)->upstream.tls;
    return tls != NULL ? tls : &NONE;
}

void substitution_read_tls_version(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, downstream(q)->version);
}

void substitution_read_tls_cipher(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, downstream(q)->cipher);
}

void substitution_read_tls_group(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, downstream(q)->group);
}

void substitution_read_peer_uris(const struct substitution_question *q)
{
    uris(q, downstream(q)->peer);
}

void substitution_read_peer_names(const struct substitution_question *q)
{
    names(q, downstream(q)->peer);
}

void substitution_read_peer_subject(const struct substitution_question *q)
{
    subject(q, downstream(q)->peer);
}

void substitution_read_peer_issuer(const struct substitution_question *q)
{
    issuer(q, downstream(q)->peer);
}

void substitution_read_peer_hash(const struct substitution_question *q)
{
    if (downstream(q)->peer != NULL)
        substitution_text_unless_empty(q, downstream(q)->peer->hash);
}

void substitution_read_own_uris(const struct substitution_question *q)
{
    uris(q, downstream(q)->own);
}

void substitution_read_own_names(const struct substitution_question *q)
{
    names(q, downstream(q)->own);
}

void substitution_read_own_subject(const struct substitution_question *q)
{
    subject(q, downstream(q)->own);
}

void substitution_read_upstream_tls_version(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, upstream(q)->version);
}

void substitution_read_upstream_tls_cipher(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, upstream(q)->cipher);
}

void substitution_read_upstream_tls_group(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, upstream(q)->group);
}

void substitution_read_upstream_server_name(const struct substitution_question *q)
{
    substitution_text_unless_empty(q, upstream(q)->server_name);
}

void substitution_read_upstream_peer_uris(const struct substitution_question *q)
{
    uris(q, upstream(q)->peer);
}

void substitution_read_upstream_peer_names(const struct substitution_question *q)
{
    names(q, upstream(q)->peer);
}

void substitution_read_upstream_peer_subject(const struct substitution_question *q)
{
    subject(q, upstream(q)->peer);
}

void substitution_read_upstream_peer_issuer(const struct substitution_question *q)
{
    issuer(q, upstream(q)->peer);
}

void substitution_read_upstream_own_uris(const struct substitution_question *q)
{
    uris(q, upstream(q)->own);
}

void substitution_read_upstream_own_names(const struct substitution_question *q)
{
    names(q, upstream(q)->own);
}
