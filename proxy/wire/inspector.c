/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/inspector.c - see inspector.h.
 */
#include "proxy/wire/inspector.h"

#include "base/check.h"
#include "proxy/core/chain.h"
#include "proxy/http/h1_text.h"

/* Envoy's inspector looks no further; what is longer is no HTTP to it. */
#define LINE_BYTES_MAX (64u * 1024)
#define TLS_HANDSHAKE 0x16
/* Envoy's TLS inspector says nothing before it has a record's head. */
#define TLS_HEAD_BYTES 5u

static const struct str h2_preface = STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/* A whole line. Which methods there are is the codec's question, what is legal
 * in a target and a version is this one's, too. */
static enum inspected protocol_of_line(struct str text)
{
    struct h1_first_line line = h1_text_first_line(text);
    bool is_connect = str_eq(line.first, STR("CONNECT"));
    if (!h1_text_is_token(line.first) || !h1_text_is_target(line.second, is_connect) ||
        (line.third.len > 0 && !h1_text_is_version(line.third)))
        return INSPECTED_OTHER;
    /* Envoy calls everything but 1.1 by the name of 1.0. */
    return str_eq(line.third, STR("HTTP/1.1")) ? INSPECTED_HTTP11 : INSPECTED_HTTP10;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Can this be the beginning of a request line? It is known from the method. */
static bool is_beginning_of_line(struct str bytes)
{
    size_t size = 0;
    while (size < bytes.len && !is_blank(bytes.ptr[size]))
        size++;
    return h1_text_is_token(str_slice(bytes, 0, size));
}

static enum inspected look_for_http(struct str bytes)
{
    if (str_has_prefix(bytes, h2_preface))
        return INSPECTED_H2C;
    if (bytes.len < h2_preface.len && str_has_prefix(h2_preface, bytes))
        return INSPECTED_MORE;
    /* The codec skips empty lines before a request; to the inspector they are
     * no request, as is everything that does not begin with a method. */
    if (!is_beginning_of_line(bytes))
        return INSPECTED_OTHER;
    size_t end = str_find(bytes, '\n');
    if (end != STR_NONE && end < LINE_BYTES_MAX)
        return protocol_of_line(str_slice(bytes, 0, end));
    return bytes.len < LINE_BYTES_MAX ? INSPECTED_MORE : INSPECTED_OTHER;
}

/* As the HTTP inspector tells it; empty: nothing. */
static struct str protocol_name(enum inspected what)
{
    switch (what) {
    case INSPECTED_HTTP10:
        return STR("http/1.0");
    case INSPECTED_HTTP11:
        return STR("http/1.1");
    case INSPECTED_H2C:
        return STR("h2c");
    case INSPECTED_MORE:
    case INSPECTED_TLS:
    case INSPECTED_OTHER:
        return STR_EMPTY;
    }
    UNREACHABLE("inspected");
}

enum inspected inspector_look(const struct inspection *asked, struct str bytes)
{
    const struct listener *listener = asked->listener;
    bool is_tls_met = chain_is_inspected(&listener->tls_inspector, asked->destination_port);
    bool is_http_met = chain_is_inspected(&listener->http_inspector, asked->destination_port);

    if (asked->peer->is_tls)
        return is_tls_met ? INSPECTED_TLS : INSPECTED_OTHER;
    if (!is_tls_met && !is_http_met)
        return INSPECTED_OTHER;
    if (bytes.len == 0 || (is_tls_met && bytes.len < TLS_HEAD_BYTES))
        return INSPECTED_MORE;
    if (is_tls_met && bytes.ptr[0] == TLS_HANDSHAKE)
        return INSPECTED_TLS;
    return is_http_met ? look_for_http(bytes) : INSPECTED_OTHER;
}

const struct filter_chain *inspector_choose(const struct inspection *asked, enum inspected what)
{
    struct str name = protocol_name(what);
    const struct peer_facts *peer = asked->peer;
    bool is_hello_met = what == INSPECTED_TLS;
    struct chain_question question = {
        .listener = asked->listener,
        .destination_address = asked->destination_address,
        .destination_port = asked->destination_port,
        .is_tls = what == INSPECTED_TLS,
        .server_name = is_hello_met ? peer->server_name : STR_EMPTY,
        .protocols = is_hello_met ? peer->protocols : &name,
        .protocol_count = is_hello_met ? peer->protocol_count : name.len > 0,
    };

    return chain_choose(&question, NULL);
}
