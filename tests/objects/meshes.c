/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/objects/meshes.c - see meshes.h.
 */
#include "tests/objects/meshes.h"

#include "base/json.h"
#include "base/rng.h"
#include "config/derive/derive.h"
#include "proxy/model/print.h"

#define PRINT_BYTES_MAX ((size_t)256 << 20)
#define SHOWN_BYTES 160u

static bool is_of_one_name(const struct node *a, const struct node *b)
{
    struct str version_a = manifest_text(a, STR("apiVersion"));
    struct str version_b = manifest_text(b, STR("apiVersion"));

    return str_eq(str_cut(&version_a, '/'), str_cut(&version_b, '/')) &&
           str_eq(manifest_kind(a), manifest_kind(b)) &&
           str_eq(manifest_name(a), manifest_name(b)) &&
           str_eq(manifest_namespace(a), manifest_namespace(b));
}

void meshes_keep_last(struct manifests *objects)
{
    uint32_t kept_count = 0;

    for (uint32_t i = 0; i < objects->count; i++) {
        bool is_last = true;
        for (uint32_t k = i + 1; is_last && k < objects->count; k++)
            is_last = !is_of_one_name(objects->items[i], objects->items[k]);
        if (is_last)
            objects->items[kept_count++] = objects->items[i];
    }
    objects->count = kept_count;
}

bool meshes_print(const struct mesh *mesh, const struct proxy_identity *proxy, struct arena *arena,
                  struct buf *out)
{
    struct diag_list diags;
    struct json json;

    diag_list_init(&diags, arena);
    struct snapshot *snapshot = translate_proxy(mesh, proxy, profile_default(), &diags);
    buf_init(out, PRINT_BYTES_MAX);
    json_init(&json, out, 1);
    print_all(snapshot, &json);
    snapshot_drop(snapshot);
    return !json_is_full(&json);
}

static struct mesh *read_mesh(const struct node **items, uint32_t count, struct arena *arena)
{
    struct diag_list *diags = ARENA_NEW(arena, struct diag_list);

    diag_list_init(diags, arena);
    struct mesh *mesh = mesh_new(arena, diags);
    for (uint32_t i = 0; i < count; i++)
        mesh_add_document(mesh, items[i]);
    mesh_complete(mesh);
    return mesh;
}

static void shuffle(const struct node **items, uint32_t count, struct rng *rng)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t k = (uint32_t)rng_below(rng, i);
        const struct node *other = items[i - 1];
        items[i - 1] = items[k];
        items[k] = other;
    }
}

static struct str first_difference(const struct proxy_identity *proxy, struct str a, struct str b,
                                   struct arena *arena)
{
    size_t at = 0, line = 0;

    while (at < a.len && at < b.len && a.ptr[at] == b.ptr[at]) {
        line = a.ptr[at] == '\n' ? at + 1 : line;
        at++;
    }
    size_t a_end = line + SHOWN_BYTES < a.len ? line + SHOWN_BYTES : a.len;
    size_t b_end = line + SHOWN_BYTES < b.len ? line + SHOWN_BYTES : b.len;
    return arena_format(arena, "%.*s.%.*s, byte %zu:\n--- in order\n%.*s\n--- shuffled\n%.*s",
                        STR_FMT(proxy->name), STR_FMT(proxy->namespace), at,
                        STR_FMT(str_slice(a, line, a_end)), STR_FMT(str_slice(b, line, b_end)));
}

/* A proxy is looked for by what it is called: another order, another index. */
static const struct proxy_identity *find_proxy(const struct proxies *proxies,
                                               const struct proxy_identity *wanted)
{
    for (uint32_t i = 0; i < proxies->count; i++) {
        const struct proxy_identity *one = &proxies->items[i];
        if (one->type == wanted->type && str_eq(one->name, wanted->name) &&
            str_eq(one->namespace, wanted->namespace))
            return one;
    }
    return NULL;
}

static struct meshes_answer compare_once(const struct mesh *mesh, const struct proxies *wanted,
                                         const struct str *texts, struct arena *arena,
                                         struct str *difference)
{
    struct meshes_answer answer = {0};
    struct proxies got = proxies_of(mesh, arena);

    for (uint32_t i = 0; i < wanted->count; i++) {
        const struct proxy_identity *proxy = find_proxy(&got, &wanted->items[i]);
        struct buf out;
        buf_init(&out, 1);
        bool is_same = proxy != NULL;
        if (proxy != NULL) {
            buf_fini(&out);
            is_same = meshes_print(mesh, proxy, arena, &out) && str_eq(texts[i], buf_str(&out));
        }
        answer.compared_count++;
        if (!is_same && answer.differing_count++ == 0)
            *difference = first_difference(&wanted->items[i], texts[i], buf_str(&out), arena);
        buf_fini(&out);
    }
    return answer;
}

struct meshes_answer meshes_compare(const struct meshes_question *question, struct arena *arena,
                                    struct str *difference)
{
    uint32_t count = question->objects->count;
    const struct node **items = ARENA_ARRAY(arena, const struct node *, count);
    struct rng rng = rng_seeded(question->seed, STR("order of documents"));
    struct meshes_answer answer = {0};

    for (uint32_t i = 0; i < count; i++)
        items[i] = question->objects->items[i];
    struct mesh *mesh = read_mesh(items, count, arena);
    struct proxies proxies = proxies_of(mesh, arena);
    struct str *texts = ARENA_ARRAY(arena, struct str, proxies.count);
    for (uint32_t i = 0; i < proxies.count; i++) {
        struct buf out;
        (void)meshes_print(mesh, &proxies.items[i], arena, &out);
        texts[i] = arena_str(arena, buf_str(&out));
        buf_fini(&out);
    }
    for (uint32_t i = 0; i < question->shuffle_count; i++) {
        struct str here = STR_EMPTY;
        shuffle(items, count, &rng);
        struct meshes_answer one =
            compare_once(read_mesh(items, count, arena), &proxies, texts, arena, &here);
        if (answer.differing_count == 0 && one.differing_count > 0)
            *difference = here;
        answer.compared_count += one.compared_count;
        answer.differing_count += one.differing_count;
    }
    return answer;
}
