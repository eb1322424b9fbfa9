/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/message.h - the heads of requests and responses.
 *
 * Header names are lower case (the codec does it once); order is the order of
 * arrival, as Envoy's header map keeps it. Host is `authority`, the target is
 * `path`; they are no entries of the list. All slices live in the exchange's
 * arena or in something that outlives it.
 *
 * "Inline" headers are those that Envoy knows by name: of these there is at
 * most one line, a second one is joined to it with "," (ENVOY.md 1.2, 2.8).
 * cookie is not joined.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct header {
    struct str name;
    struct str value;
};

struct header_list {
    struct header *items;
    uint32_t count, capacity;
    struct arena *arena; /* where the array grows */
    uint64_t marks;      /* one bit for each name that ever was in it */
    bool is_response;    /* whose header map: which names are inline in it */
};

enum http_version { HTTP_1_0, HTTP_1_1, HTTP_2 };

struct request_head {
    struct str method;
    struct str path; /* with query, as the connection manager normalized it */
    struct str authority;
    bool has_authority;
    struct str scheme; /* "http" or "https"; empty until the pipeline has set it */
    enum http_version version;
    struct header_list headers;
};

struct response_head {
    uint32_t status;
    struct str reason; /* empty: the codec writes Envoy's text for the status */
    enum http_version version;
    struct header_list headers;
};

/* A request's; set is_response for a response's. */
void header_list_init(struct header_list *list, struct arena *arena);

/* A name's bit of header_list.marks. Most questions are about names that are not
 * there; a bit that is not set answers them. Here, because of a name that is
 * written in the code the compiler knows the bit. */
static inline uint64_t header_mark(struct str name)
{
    if (name.len == 0)
        return 1;
    unsigned first = (unsigned char)name.ptr[0];
    unsigned middle = (unsigned char)name.ptr[name.len / 2];
    unsigned last = (unsigned char)name.ptr[name.len - 1];
    return UINT64_C(1) << ((first * 46 + middle * 29 + last * 11 + (unsigned)name.len * 42) & 63);
}

/* As header_find, of a name that may be there. */
uint32_t header_search(const struct header_list *list, struct str name, uint32_t from);

/* Index of the first entry at or after `from`, or UINT32_MAX. */
static inline uint32_t header_find(const struct header_list *list, struct str name, uint32_t from)
{
    return (list->marks & header_mark(name)) == 0 ? UINT32_MAX : header_search(list, name, from);
}

/* The first value; false when there is none. */
static inline bool header_get(const struct header_list *list, struct str name, struct str *value)
{
    uint32_t index = header_find(list, name, 0);
    if (index != UINT32_MAX)
        *value = list->items[index].value;
    return index != UINT32_MAX;
}

static inline bool header_is_present(const struct header_list *list, struct str name)
{
    return header_find(list, name, 0) != UINT32_MAX;
}

/* Appends another entry, whatever there is already. */
void header_append_line(struct header_list *list, struct str name, struct str value);

/* As Envoy's header map does it on arrival and for APPEND_IF_EXISTS_OR_ADD:
 * inline headers are joined with ",", others get another line. */
void header_add(struct header_list *list, struct str name, struct str value);

/* All lines of that name become one, in the place of the first; as header_add
 * would have made it, but built at once, whatever their number. */
void header_join(struct header_list *list, struct str name);

/* As Envoy's setters of inline headers: the first entry keeps its place and
 * gets the value, others go; appended when there is none. */
void header_set(struct header_list *list, struct str name, struct str value);

/* As Envoy's setCopy for OVERWRITE_IF_EXISTS_OR_ADD: inline headers in their
 * place, others removed and appended at the end. */
void header_overwrite(struct header_list *list, struct str name, struct str value);

/* As header_remove, of a name that may be there. */
uint32_t header_remove_search(struct header_list *list, struct str name);

/* Removes all entries of that name; the number removed. */
static inline uint32_t header_remove(struct header_list *list, struct str name)
{
    return (list->marks & header_mark(name)) == 0 ? 0 : header_remove_search(list, name);
}

/* Is it one of Envoy's inline headers, of requests or of responses? */
bool header_is_inline(const struct header_list *list, struct str name);

/* A copy whose array lives in `arena`, and that shares the slices. */
struct request_head *request_head_shared(const struct request_head *from, struct arena *arena);

/* A copy whose array and slices live in `arena`. */
void header_list_copy(struct header_list *out, const struct header_list *from, struct arena *arena);
void request_head_copy(struct request_head *out, const struct request_head *from,
                       struct arena *arena);
void response_head_copy(struct response_head *out, const struct response_head *from,
                        struct arena *arena);

/* Pseudo-headers included (":path", ":authority" and "host", ":method",
 * ":scheme"): what a header matcher or %REQ()% sees first. */
bool request_head_get(const struct request_head *head, struct str name, struct str *value);

/* Envoy's reason phrase for a status; "Unknown" for what it does not know. */
struct str status_reason(uint32_t status);

/* content-type is application/grpc or begins with application/grpc+. */
bool request_head_is_grpc(const struct request_head *head);
