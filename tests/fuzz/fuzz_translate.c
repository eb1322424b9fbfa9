/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/fuzz_translate.c - any YAML becomes what istiod would send to each
 * proxy of the mesh.
 *
 * What is held: the print nests and is whole JSON, and translating the same mesh
 * a second time gives the same bytes, whatever was translated in between.
 */
#include "base/buf.h"
#include "base/check.h"
#include "base/json.h"
#include "config/derive/derive.h"
#include "proxy/model/print.h"
#include "tests/objects/proxies.h"

#include "tests/fuzz/replay.h"

/* Enough to see each sort of proxy; an input may declare thousands of pods. */
#define PROXIES_MAX 5u
#define PRINT_BYTES_MAX ((size_t)64 << 20)

static void print_proxy(const struct mesh *mesh, const struct proxy_identity *proxy,
                        const struct profile *profile, struct buf *out)
{
    struct arena arena;
    struct diag_list diags;
    struct json json;

    arena_init(&arena, 65536, 0);
    diag_list_init(&diags, &arena);
    struct snapshot *snapshot = translate_proxy(mesh, proxy, profile, &diags);
    buf_init(out, PRINT_BYTES_MAX);
    json_init(&json, out, 0);
    print_all(snapshot, &json);
    ASSERT(!json_is_full(&json));
    ASSERT(json.depth == 0);
    snapshot_drop(snapshot);
    arena_fini(&arena);
}

static void check_proxies(const struct mesh *mesh, struct arena *arena)
{
    struct proxies proxies = proxies_of(mesh, arena);
    uint32_t count = proxies.count < PROXIES_MAX ? proxies.count : PROXIES_MAX;
    struct buf first[PROXIES_MAX];
    uint32_t profile_count = 0;

    (void)profile_at(0, &profile_count);
    for (uint32_t i = 0; i < count; i++)
        print_proxy(mesh, &proxies.items[proxies.count - 1 - i], profile_default(), &first[i]);
    for (uint32_t i = 0; i < count; i++) {
        struct buf again;
        print_proxy(mesh, &proxies.items[proxies.count - 1 - i], profile_default(), &again);
        ASSERT(str_eq(buf_str(&first[i]), buf_str(&again)));
        buf_fini(&again);
        print_proxy(mesh, &proxies.items[proxies.count - 1 - i],
                    profile_at(i % profile_count, &profile_count), &again);
        buf_fini(&again);
        buf_fini(&first[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena arena;
    struct diag_list diags;
    struct documents documents = {0};
    struct str text = {(const char *)bytes, size};

    arena_init(&arena, 65536, 0);
    diag_list_init(&diags, &arena);
    tree_read(STR("fuzz.yaml"), text, &arena, &documents, &diags);
    struct mesh *mesh = mesh_new(&arena, &diags);
    for (uint32_t i = 0; i < documents.count; i++)
        mesh_add_document(mesh, documents.items[i]);
    mesh_complete(mesh);
    check_proxies(mesh, &arena);
    arena_fini(&arena);
    return 0;
}
