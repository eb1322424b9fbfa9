/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/link.c - see link.h.
 */
#include "testbed/sim/link.h"

#include <stddef.h>

#include "base/check.h"

#define FIRST_BLOCK_PARCELS 16u

static inline void push(struct parcel_queue *queue, struct parcel *parcel)
{
    parcel->next = NULL;
    if (queue->last == NULL)
        queue->first = parcel;
    else
        queue->last->next = parcel;
    queue->last = parcel;
}

static struct parcel *pop(struct parcel_queue *queue)
{
    struct parcel *parcel = queue->first;
    queue->first = parcel->next;
    if (queue->first == NULL)
        queue->last = NULL;
    return parcel;
}

__attribute__((noinline, cold)) static void add_parcels(struct links *links)
{
    ASSERT(links->block_count < COUNT_OF(links->all_parcels));
    uint32_t count = FIRST_BLOCK_PARCELS << links->block_count;
    struct parcel *parcels = ARENA_ARRAY(&links->arena, struct parcel, count);
    links->all_parcels[links->block_count] = parcels;
    links->block_parcels[links->block_count] = count;
    links->block_count++;
    for (uint32_t i = 0; i < count; i++) {
        buf_init(&parcels[i].bytes, SIZE_MAX - 1);
        parcels[i].next = i + 1 < count ? &parcels[i + 1] : links->free_parcels;
    }
    links->free_parcels = parcels;
}

/* Not sent yet; it has no bytes. */
static inline struct parcel *new_parcel(struct links *links, struct link *link, enum link_side from,
                                        enum parcel_kind kind)
{
    if (links->free_parcels == NULL)
        add_parcels(links);
    /* The one used last: its buffer is warm and has its size. */
    struct parcel *parcel = links->free_parcels;
    links->free_parcels = parcel->next;
    parcel->link = link;
    parcel->to = link_other(from);
    parcel->kind = kind;
    parcel->read = NULL;
    parcel->whole = NULL;
    parcel->size = 0;
    return parcel;
}

static inline struct parcel *send(struct links *links, struct link *link, enum link_side from,
                                  enum parcel_kind kind, int64_t now_ns)
{
    struct parcel *parcel = new_parcel(links, link, from, kind);
    parcel->due_ns = ns_add(now_ns, LINK_DELAY_NS);
    link->parcel_count++;
    push(&links->under_way, parcel);
    return parcel;
}

/* The parcel that was sent last, if these bytes can travel in it. */
static inline struct parcel *open_parcel(struct links *links, const struct link *link,
                                         enum link_side from, size_t size, int64_t now_ns)
{
    struct parcel *last = links->under_way.last;
    bool is_same = last != NULL && last->link == link && last->to != from &&
                   last->kind == PARCEL_DATA && last->size == 0 &&
                   last->due_ns == ns_add(now_ns, LINK_DELAY_NS);
    return is_same && buf_size(&last->bytes) + size <= LINK_PARCEL_BYTES_MAX ? last : NULL;
}

static void init_end(struct link_end *end)
{
    *end = (struct link_end){.is_open = true};
}

void links_init(struct links *links)
{
    *links = (struct links){0};
    arena_init(&links->arena, 16384, 0);
    list_init(&links->free_links);
}

void links_fini(struct links *links)
{
    for (uint32_t i = 0; i < links->block_count; i++) {
        for (uint32_t j = 0; j < links->block_parcels[i]; j++)
            buf_fini(&links->all_parcels[i][j].bytes);
    }
    arena_fini(&links->arena);
}

struct link *link_new(struct links *links)
{
    struct link *link;
    if (list_is_empty(&links->free_links)) {
        link = ARENA_NEW(&links->arena, struct link);
    } else {
        link = LIST_ITEM(links->free_links.next, struct link, node);
        list_remove(&link->node);
    }
    *link = (struct link){.pod = UINT32_MAX};
    list_init(&link->node);
    init_end(&link->ends[LINK_CONNECTOR]);
    init_end(&link->ends[LINK_ACCEPTOR]);
    return link;
}

bool link_is_over(const struct link *link)
{
    return !link->ends[0].is_open && !link->ends[1].is_open && link->parcel_count == 0;
}

void link_free(struct links *links, struct link *link)
{
    ASSERT(link_is_over(link));
    list_push_front(&links->free_links, &link->node);
}

void link_send(struct links *links, struct link *link, enum link_side from, enum parcel_kind kind,
               int64_t now_ns)
{
    (void)send(links, link, from, kind, now_ns);
}

void link_send_bytes(struct links *links, struct link *link, enum link_side from, struct str bytes,
                     int64_t now_ns)
{
    while (bytes.len > 0) {
        struct str piece = str_slice(bytes, 0, LINK_PARCEL_BYTES_MAX);
        struct parcel *parcel = open_parcel(links, link, from, piece.len, now_ns);
        if (parcel == NULL)
            parcel = send(links, link, from, PARCEL_DATA, now_ns);
        ASSERT(buf_append(&parcel->bytes, piece) == RC_OK);
        link->ends[from].under_way_bytes += piece.len;
        bytes = str_from(bytes, piece.len);
    }
}

/* NULL: bytes are open that it would have to join. */
static inline struct parcel *send_message(struct links *links, struct link *link,
                                          enum link_side from, size_t size, int64_t now_ns)
{
    if (open_parcel(links, link, from, 0, now_ns) != NULL)
        return NULL;
    struct parcel *parcel = send(links, link, from, PARCEL_DATA, now_ns);
    parcel->size = size;
    link->ends[from].under_way_bytes += size;
    return parcel;
}

bool link_send_read(struct links *links, struct link *link, enum link_side from,
                    const struct h1_read *read, int64_t now_ns)
{
    struct parcel *parcel = send_message(links, link, from, read->bytes.len, now_ns);
    if (parcel != NULL)
        parcel->read = read;
    return parcel != NULL;
}

bool link_send_whole(struct links *links, struct link *link, enum link_side from,
                     const struct wire_whole *whole, int64_t now_ns)
{
    if (whole->sent.size > LINK_PARCEL_BYTES_MAX)
        return false;
    struct parcel *parcel = send_message(links, link, from, whole->sent.size, now_ns);
    if (parcel != NULL)
        parcel->whole = whole;
    return parcel != NULL;
}

void link_hold(struct parcel *parcel)
{
    push(&parcel->link->ends[parcel->to].held, parcel);
}

void link_done(struct links *links, struct parcel *parcel)
{
    struct link *link = parcel->link;
    size_t size = buf_size(&parcel->bytes) + parcel->size;
    struct link_end *sender = link_peer(link, parcel->to);
    ASSERT(size <= sender->under_way_bytes);
    ASSERT(link->parcel_count > 0);
    sender->under_way_bytes -= size;
    link->parcel_count--;
    buf_clear(&parcel->bytes);
    if (parcel->whole != NULL)
        wire_whole_done(parcel->whole);
    parcel->next = links->free_parcels;
    links->free_parcels = parcel;
}

void link_resume(struct links *links, struct link_end *end, int64_t now_ns)
{
    struct parcel_queue *held = &end->held;
    if (held->first == NULL)
        return;
    for (struct parcel *parcel = held->first; parcel != NULL; parcel = parcel->next)
        parcel->due_ns = now_ns;
    held->last->next = links->under_way.first;
    if (links->under_way.last == NULL)
        links->under_way.last = held->last;
    links->under_way.first = held->first;
    *held = (struct parcel_queue){0};
}

bool link_drop_held(struct links *links, struct link_end *end)
{
    bool has_held = end->held.first != NULL;
    while (end->held.first != NULL)
        link_done(links, pop(&end->held));
    return has_held;
}
