/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/client_cert.c - see client_cert.h.
 */
#include "proxy/http/client_cert.h"

#include "base/check.h"

static const struct str NAME = STR_INIT("x-forwarded-client-cert");

static struct str joined(struct arena *arena, struct str a, struct str b, struct str c)
{
    return arena_concat(arena, arena_concat(arena, a, b), c);
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* As in a URL, all but letters, digits and -._~ in %XX. */
static struct str url_encoded(struct arena *arena, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_alloc(arena, 3 * text.len + 1);
    size_t size = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_plain(c)) {
            out[size++] = c;
            continue;
        }
        out[size++] = '%';
        out[size++] = digits[(uint8_t)c >> 4];
        out[size++] = digits[(uint8_t)c & 15];
    }
    return (struct str){out, size};
}

/* Each as ";KEY=value". */
static struct str add_each(struct arena *arena, struct str out, struct str key,
                           const struct str *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        out = joined(arena, out, key, values[i]);
    return out;
}

static struct str element(enum client_cert_details details, const struct certificate *peer,
                          const struct certificate *own, struct arena *arena)
{
    struct str out = STR_EMPTY;
    if (own != NULL)
        out = add_each(arena, out, STR(";By="), own->uris, own->uri_count);
    out = joined(arena, out, STR(";Hash="), peer->hash);
    if (details == CERT_SANITIZE_SET && peer->chain_pem.len > 0)
        out =
            joined(arena, joined(arena, out, STR(";Cert=\""), url_encoded(arena, peer->chain_pem)),
                   STR("\""), STR_EMPTY);
    out =
        joined(arena, joined(arena, out, STR(";Subject=\""), peer->subject), STR("\""), STR_EMPTY);
    if (peer->uri_count == 0)
        out = arena_concat(arena, out, STR(";URI="));
    out = add_each(arena, out, STR(";URI="), peer->uris, peer->uri_count);
    out = add_each(arena, out, STR(";DNS="), peer->names, peer->name_count);
    return str_from(out, 1);
}

void client_cert_set(enum client_cert_details details, const struct certificate *peer,
                     const struct certificate *own, struct header_list *headers,
                     struct arena *arena)
{
    struct str before = STR_EMPTY;
    switch (details) {
    case CERT_SANITIZE:
        header_remove(headers, NAME);
        return;
    case CERT_APPEND_FORWARD:
    case CERT_SANITIZE_SET:
        if (peer == NULL) {
            header_remove(headers, NAME);
            return;
        }
        struct str own_element = element(details, peer, own, arena);
        if (details == CERT_APPEND_FORWARD && header_get(headers, NAME, &before) && before.len > 0)
            own_element = joined(arena, before, STR(","), own_element);
        header_set(headers, NAME, own_element);
        return;
    }
    UNREACHABLE("client_cert_details");
}
