/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/chain.c - first bytes to a protocol, a protocol to a chain.
 */
#include "proxy/wire/chain.h"

#include "base/check.h"
#include "proxy/http/h1_text.h"

/* Envoy's inspector looks no further; what is longer is no HTTP to it. */
#define LINE_BYTES_MAX (64u * 1024)
#define TLS_HANDSHAKE 0x16

static const struct str h2_preface = STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/* A whole line. Which methods there are is the codec's question, what is legal
 * in a target and a version is this one's, too. */
static enum chain_protocol protocol_of_line(struct str text)
{
    struct h1_first_line line = h1_text_first_line(text);
    bool is_connect = str_eq(line.first, STR("CONNECT"));
    if (!h1_text_is_token(line.first) || !h1_text_is_target(line.second, is_connect) ||
        (line.third.len > 0 && !h1_text_is_version(line.third)))
        return CHAIN_PROTOCOL_OTHER;
    /* Envoy calls everything but 1.1 by the name of 1.0. */
    return str_eq(line.third, STR("HTTP/1.1")) ? CHAIN_PROTOCOL_HTTP11 : CHAIN_PROTOCOL_HTTP10;
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

enum chain_protocol chain_inspect(struct str bytes)
{
    if (bytes.len == 0)
        return CHAIN_PROTOCOL_MORE;
    if (bytes.ptr[0] == TLS_HANDSHAKE)
        return CHAIN_PROTOCOL_TLS;
    if (str_has_prefix(bytes, h2_preface))
        return CHAIN_PROTOCOL_H2C;
    if (bytes.len < h2_preface.len && str_has_prefix(h2_preface, bytes))
        return CHAIN_PROTOCOL_MORE;
    /* The codec skips empty lines before a request; to the inspector they are
     * no request, as is everything that does not begin with a method. */
    if (!is_beginning_of_line(bytes))
        return CHAIN_PROTOCOL_OTHER;
    size_t end = str_find(bytes, '\n');
    if (end != STR_NONE && end < LINE_BYTES_MAX)
        return protocol_of_line(str_slice(bytes, 0, end));
    return bytes.len < LINE_BYTES_MAX ? CHAIN_PROTOCOL_MORE : CHAIN_PROTOCOL_OTHER;
}

static bool has_protocol(const struct filter_chain *chain, struct str name)
{
    for (uint32_t i = 0; i < chain->application_protocol_count; i++) {
        if (str_eq(chain->application_protocols[i], name))
            return true;
    }
    return false;
}

static struct str protocol_name(enum chain_protocol protocol)
{
    switch (protocol) {
    case CHAIN_PROTOCOL_HTTP10:
        return STR("http/1.0");
    case CHAIN_PROTOCOL_HTTP11:
        return STR("http/1.1");
    case CHAIN_PROTOCOL_H2C:
        return STR("h2c");
    case CHAIN_PROTOCOL_MORE:
    case CHAIN_PROTOCOL_TLS:
    case CHAIN_PROTOCOL_OTHER:
        return STR_EMPTY;
    }
    UNREACHABLE("chain_protocol");
}

/* False when the text is no IPv4 address. */
static bool read_ipv4(struct str text, uint32_t *out)
{
    struct str rest = text;
    uint32_t value = 0, count = 0;

    while (rest.ptr != NULL) {
        uint64_t part;
        if (!str_to_u64(str_cut(&rest, '.'), UINT8_MAX, &part))
            return false;
        value = value << 8 | (uint32_t)part;
        count++;
    }
    *out = value;
    return count == 4;
}

/* Of IPv6 only whole addresses match. */
static bool is_within(struct str address, struct cidr range)
{
    uint32_t one, other;

    if (!read_ipv4(address, &one) || !read_ipv4(range.address, &other))
        return str_eq(address, range.address);
    uint32_t mask = range.bits == 0 ? 0 : UINT32_MAX << (32 - range.bits);
    return (one & mask) == (other & mask);
}

/* How narrowly the chain means the address: 0 as it means all, 1 and the bits
 * of its narrowest range; UINT32_MAX: it does not mean it. */
static uint32_t narrowness(const struct filter_chain *chain, struct str address)
{
    uint32_t out = chain->destination_count == 0 ? 0 : UINT32_MAX;

    for (uint32_t i = 0; i < chain->destination_count; i++) {
        struct cidr range = chain->destinations[i];
        if (is_within(address, range) && (out == UINT32_MAX || range.bits + 1 > out))
            out = range.bits + 1;
    }
    return out;
}

/* The questions asked before the application protocol's. */
static bool is_transport_matched(const struct filter_chain *chain, struct chain_question asked)
{
    if (chain->destination_port != 0 && chain->destination_port != asked.destination_port)
        return false;
    if (narrowness(chain, asked.destination_address) == UINT32_MAX)
        return false;
    if (asked.is_tls_ended)
        return chain->is_tls;
    if (chain->is_tls || chain->server_name_count > 0)
        return false;
    if (chain->transport_protocol.len == 0)
        return true;
    struct str transport = asked.protocol == CHAIN_PROTOCOL_TLS ? STR("tls") : STR("raw_buffer");
    return str_eq(chain->transport_protocol, transport);
}

bool chain_is_inspected(const struct listener *listener)
{
    for (uint32_t i = 0; i < listener->chain_count; i++) {
        const struct filter_chain *chain = &listener->chains[i];
        if (chain->application_protocol_count > 0 || chain->server_name_count > 0)
            return true;
    }
    return false;
}

/* Addresses are asked before application protocols: chains that mean the
 * address less narrowly than another one are out. */
static uint32_t narrowest_of(struct chain_question asked)
{
    uint32_t out = 0;

    for (uint32_t i = 0; i < asked.listener->chain_count; i++) {
        const struct filter_chain *chain = &asked.listener->chains[i];
        if (!is_transport_matched(chain, asked))
            continue;
        uint32_t one = narrowness(chain, asked.destination_address);
        out = one > out ? one : out;
    }
    return out;
}

const struct filter_chain *chain_choose(struct chain_question asked)
{
    const struct listener *listener = asked.listener;
    struct str name = protocol_name(asked.protocol);
    const struct filter_chain *general = NULL; /* the first, or the first with a port */
    uint32_t narrowest = narrowest_of(asked);
    for (uint32_t i = 0; i < listener->chain_count; i++) {
        const struct filter_chain *chain = &listener->chains[i];
        if (!is_transport_matched(chain, asked) ||
            narrowness(chain, asked.destination_address) < narrowest)
            continue;
        if (name.len > 0 && has_protocol(chain, name))
            return chain;
        if (chain->application_protocol_count > 0)
            continue;
        if (general == NULL || (general->destination_port == 0 && chain->destination_port != 0))
            general = chain;
    }
    return general != NULL ? general : listener->default_chain;
}
