/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/ring.c - see ring.h.
 */
#include "proxy/core/ring.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/xxhash.h"

#define KEY_BYTES_MAX 512 /* a host name and a port; longer ones lose their tail */
#define DIGITS_MAX 20

/* As many points as make the lightest one's share a whole number. */
static double scale_of(double weight_min, const struct ring *ring)
{
    return fmin(ceil(weight_min * (double)ring->size_min) / weight_min, (double)RING_SIZE_MAX);
}

void ring_init(struct ring *ring, double weight_min, uint64_t size_min, struct arena *arena)
{
    *ring = (struct ring){.size_min = size_min};
    /* Never more than one point for each least share beyond the minimum; running
     * sums of fractions may round up once more. */
    double most = fmin((double)size_min + ceil(1 / weight_min), (double)RING_SIZE_MAX);
    ring->capacity = (uint64_t)most + 2;
    ring->points = ARENA_ARRAY(arena, struct ring_point, ring->capacity);
    ring->scratch = ARENA_ARRAY(arena, struct ring_point, ring->capacity);
}

/* "<key>_<number>", where "<key>_" stands in `text` already. */
static uint64_t hash_point(char *text, size_t prefix_bytes, uint64_t number)
{
    char digits[DIGITS_MAX];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; i < count; i++)
        text[prefix_bytes + i] = digits[count - 1 - i];
    return xxhash64((struct str){text, prefix_bytes + count}, 0);
}

/* By hash, byte by byte from the lowest; points of one hash keep their order. */
static void sort(struct ring *ring)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        uint64_t starts[257] = {0};
        for (uint64_t i = 0; i < ring->count; i++)
            starts[(ring->points[i].hash >> shift & 0xff) + 1]++;
        for (size_t i = 1; i < 257; i++)
            starts[i] += starts[i - 1];
        for (uint64_t i = 0; i < ring->count; i++)
            ring->scratch[starts[ring->points[i].hash >> shift & 0xff]++] = ring->points[i];
        struct ring_point *sorted = ring->scratch;
        ring->scratch = ring->points;
        ring->points = sorted;
    }
}

void ring_build(struct ring *ring, const struct hash_host *hosts, uint32_t count)
{
    ring->count = ring->points_max = ring->points_min = 0;
    if (count == 0)
        return;
    double weight_min = 1;
    for (uint32_t i = 0; i < count; i++)
        weight_min = hosts[i].weight < weight_min ? hosts[i].weight : weight_min;
    double scale = scale_of(weight_min, ring), target = 0, current = 0;
    ring->points_min = UINT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        char text[KEY_BYTES_MAX + 1 + DIGITS_MAX];
        size_t key_bytes = hosts[i].key.len < KEY_BYTES_MAX ? hosts[i].key.len : KEY_BYTES_MAX;
        memcpy(text, hosts[i].key.ptr, key_bytes);
        text[key_bytes] = '_';
        target += scale * hosts[i].weight;
        uint64_t number = 0;
        for (; current < target; current++) {
            ASSERT(ring->count < ring->capacity);
            ring->points[ring->count++] = (struct ring_point){
                .hash = hash_point(text, key_bytes + 1, number++), .endpoint = hosts[i].endpoint};
        }
        ring->points_min = number < ring->points_min ? number : ring->points_min;
        ring->points_max = number > ring->points_max ? number : ring->points_max;
    }
    sort(ring);
}

/* The first point at `hash` or after it, without a branch to guess at. After
 * the last one comes the first again. */
static uint64_t search(const struct ring *ring, uint64_t hash)
{
    const struct ring_point *base = ring->points;
    uint64_t length = ring->count;
    while (length > 1) {
        uint64_t half = length / 2;
        base += base[half - 1].hash < hash ? half : 0;
        length -= half;
    }
    uint64_t found = (uint64_t)(base - ring->points) + (base->hash < hash);
    return found == ring->count ? 0 : found;
}

uint32_t ring_find(const struct ring *ring, uint64_t hash, uint32_t again)
{
    if (ring->count == 0)
        return UINT32_MAX;
    return ring->points[(search(ring, hash) + again) % ring->count].endpoint;
}
