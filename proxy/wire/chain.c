/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/chain.c - first bytes to a protocol, a protocol to a chain.
 */
#include "proxy/wire/chain.h"

#include "base/check.h"

/* A request line longer than this is no HTTP to the inspector. */
#define LINE_BYTES_MAX 8192u
#define TLS_HANDSHAKE 0x16

static const struct str h2_preface = STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

static bool is_method_char(char c)
{
    return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

static bool is_target_char(char c)
{
    return c > ' ' && c != 0x7f;
}

/* A whole line, without its end. */
static enum chain_protocol protocol_of_line(struct str line)
{
    size_t blank = str_find(line, ' ');
    size_t last = str_find_last(line, ' ');
    if (blank == STR_NONE || blank == 0 || last == blank)
        return CHAIN_PROTOCOL_OTHER;
    for (size_t i = 0; i < blank; i++) {
        if (!is_method_char(line.ptr[i]))
            return CHAIN_PROTOCOL_OTHER;
    }
    struct str version = str_from(line, last + 1);
    if (version.len != 8 || !str_has_prefix(version, STR("HTTP/")) || version.ptr[6] != '.')
        return CHAIN_PROTOCOL_OTHER;
    /* Envoy calls everything but 1.1 by the name of 1.0. */
    return version.ptr[5] == '1' && version.ptr[7] == '1' ? CHAIN_PROTOCOL_HTTP11
                                                          : CHAIN_PROTOCOL_HTTP10;
}

/* Can this be the beginning of a request line? */
static bool is_beginning_of_line(struct str bytes)
{
    size_t i = 0;
    while (i < bytes.len && is_method_char(bytes.ptr[i]))
        i++;
    if (i == bytes.len)
        return i <= 32;
    if (i == 0 || bytes.ptr[i] != ' ')
        return false;
    for (i++; i < bytes.len; i++) {
        if (!is_target_char(bytes.ptr[i]) && bytes.ptr[i] != ' ')
            return false;
    }
    return true;
}

enum chain_protocol chain_inspect(struct str bytes)
{
    /* Empty lines before a request are skipped, as the codec does. */
    while (bytes.len > 0 && (bytes.ptr[0] == '\r' || bytes.ptr[0] == '\n'))
        bytes = str_from(bytes, 1);
    if (bytes.len == 0)
        return CHAIN_PROTOCOL_MORE;
    if (bytes.ptr[0] == TLS_HANDSHAKE)
        return CHAIN_PROTOCOL_TLS;
    if (str_has_prefix(bytes, h2_preface))
        return CHAIN_PROTOCOL_H2C;
    if (bytes.len < h2_preface.len && str_has_prefix(h2_preface, bytes))
        return CHAIN_PROTOCOL_MORE;
    size_t end = 0;
    while (end < bytes.len && bytes.ptr[end] != '\r' && bytes.ptr[end] != '\n')
        end++;
    if (end > LINE_BYTES_MAX)
        return CHAIN_PROTOCOL_OTHER;
    if (end < bytes.len)
        return protocol_of_line(str_slice(bytes, 0, end));
    return is_beginning_of_line(bytes) ? CHAIN_PROTOCOL_MORE : CHAIN_PROTOCOL_OTHER;
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

/* The questions asked before the application protocol's. */
static bool is_transport_matched(const struct filter_chain *chain, struct chain_question asked)
{
    if (chain->destination_port != 0 && chain->destination_port != asked.destination_port)
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
        if (listener->chains[i].application_protocol_count > 0)
            return true;
    }
    return false;
}

const struct filter_chain *chain_choose(struct chain_question asked)
{
    const struct listener *listener = asked.listener;
    struct str name = protocol_name(asked.protocol);
    const struct filter_chain *general = NULL; /* the first, or the first with a port */
    for (uint32_t i = 0; i < listener->chain_count; i++) {
        const struct filter_chain *chain = &listener->chains[i];
        if (!is_transport_matched(chain, asked))
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
