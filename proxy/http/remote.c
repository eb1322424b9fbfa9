/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/remote.c - see remote.h.
 */
#include "proxy/http/remote.h"

static bool is_v4(struct str text)
{
    uint32_t parts = 0;
    while (text.ptr != NULL) {
        uint64_t value;
        if (!str_to_u64(str_cut(&text, '.'), 255, &value))
            return false;
        parts++;
    }
    return parts == 4;
}

static bool is_v6(struct str text)
{
    size_t colons = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = str_lower_char(text.ptr[i]);
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.'))
            return false;
        colons += c == ':';
    }
    return colons >= 2 && colons <= 7;
}

/* The n-th from the right, n from 1; empty when there are not so many. */
static struct str nth_from_right(struct str list, uint32_t n)
{
    for (;;) {
        size_t comma = str_find_last(list, ',');
        if (--n == 0)
            return str_trim(comma == STR_NONE ? list : str_from(list, comma + 1));
        if (comma == STR_NONE)
            return STR_EMPTY;
        list = str_slice(list, 0, comma);
    }
}

struct str remote_address(const struct http_connection_manager *http, const struct peer_facts *peer,
                          const struct request_head *head, uint32_t *port)
{
    /* At an edge the header is believed for the trusted hops; elsewhere one
     * step further, for nothing is appended there. */
    uint32_t n = http->xff_trusted_hops + !http->is_using_remote_address;
    struct str list;
    *port = peer->remote_port;
    if (n == 0 || !header_get(&head->headers, STR("x-forwarded-for"), &list))
        return peer->remote_address;
    struct str address = nth_from_right(list, n);
    if (!is_v4(address) && !is_v6(address))
        return peer->remote_address;
    *port = 0;
    return address;
}
