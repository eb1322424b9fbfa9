/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/pod_index.c - see pod_index.h.
 */
#include "config/resource/pod_index.h"

static struct str key_of(struct arena *arena, struct str namespace, const struct label *label)
{
    return arena_format(arena, "%.*s\n%.*s\n%.*s", STR_FMT(namespace), STR_FMT(label->name),
                        STR_FMT(label->value));
}

void pod_index_init(struct pod_index *out, struct arena *arena, const struct pod *pods,
                    uint32_t pod_count)
{
    uint32_t place = 0;

    for (uint32_t i = 0; i < pod_count; i++)
        place += pods[i].meta.label_count;
    *out = (struct pod_index){.arena = arena,
                              .pods = ARENA_ARRAY(arena, uint32_t, place),
                              .next = ARENA_ARRAY(arena, uint32_t, place),
                              .lengths = ARENA_ARRAY(arena, uint32_t, place)};
    map_init(&out->first, arena);
    /* From the last to the first, so that each chain is in the pods' order. */
    for (uint32_t i = pod_count; i > 0; i--) {
        const struct object_meta *meta = &pods[i - 1].meta;
        for (uint32_t k = 0; k < meta->label_count; k++) {
            place--;
            out->pods[place] = i - 1;
            out->next[place] =
                map_set(&out->first, key_of(arena, meta->namespace, &meta->labels[k]), place);
            out->lengths[place] =
                out->next[place] == MAP_NONE ? 1 : out->lengths[out->next[place]] + 1;
        }
    }
}

uint32_t pod_index_find(const struct pod_index *index, struct str namespace,
                        const struct label *labels, uint32_t label_count)
{
    uint32_t best = MAP_NONE;

    for (uint32_t i = 0; i < label_count; i++) {
        uint32_t place = map_get(&index->first, key_of(index->arena, namespace, &labels[i]));
        if (place == MAP_NONE)
            return MAP_NONE;
        if (best == MAP_NONE || index->lengths[place] < index->lengths[best])
            best = place;
    }
    return best;
}
