/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/address.c - an address in 127.0.0.0/8 for everybody who has
 * none (docs/addresses.md).
 */
#include "base/hash.h"
#include "config/resource/mesh_types.h"

#define HOSTS_PER_NET 254u /* .0 and .255 look odd */
#define NETS_PER_STEP 256u
#define STEPS_PER_BLOCK 64u

struct str mesh_address(struct mesh *mesh, uint32_t block, struct str key)
{
    uint64_t number = hash_fnv32(key);

    for (;;) {
        uint32_t n = (uint32_t)(number % (STEPS_PER_BLOCK * NETS_PER_STEP * HOSTS_PER_NET));
        struct str address =
            arena_format(mesh->arena, "127.%u.%u.%u", block + n / (NETS_PER_STEP * HOSTS_PER_NET),
                         n / HOSTS_PER_NET % NETS_PER_STEP, n % HOSTS_PER_NET + 1);
        if (map_get(&mesh->used_addresses, address) == MAP_NONE) {
            (void)map_set(&mesh->used_addresses, address, 1);
            return address;
        }
        number++;
    }
}
