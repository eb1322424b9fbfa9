/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/fuzz_resource.c - any YAML becomes resources or complaints: typed,
 * completed (pods, addresses, endpoints), judged one by one and together.
 *
 * What is held: every complaint can be printed and its place is inside the file;
 * every service, pod and Gateway of the mesh can be found again by its
 * name.
 */
#include "base/buf.h"
#include "base/check.h"
#include "config/analyze/analysis.h"
#include "config/derive/derive.h"
#include "config/resource/mesh.h"
#include "config/validate/object.h"

#include "tests/fuzz/replay.h"

static void check_diags(struct diag_list *diags, uint32_t line_count)
{
    struct buf out;

    diag_list_sort(diags);
    for (uint32_t i = 0; i < diags->count; i++) {
        buf_init(&out, 1 << 20);
        ASSERT(diags->items[i].origin.line <= line_count + 1);
        ASSERT(diag_print(&diags->items[i], false, &out) == RC_OK);
        buf_fini(&out);
    }
}

static void check_mesh(const struct mesh *mesh)
{
    for (uint32_t i = 0; i < mesh_service_count(mesh); i++)
        ASSERT(mesh_service(mesh, i)->host.len > 0);
    for (uint32_t i = 0; i < mesh_pod_count(mesh); i++) {
        const struct pod *pod = mesh_pod(mesh, i);
        ASSERT(mesh_pod_find(mesh, pod->meta.namespace, pod->meta.name) != NULL);
    }
    for (uint32_t i = 0; i < mesh_gateway_count(mesh); i++) {
        struct str namespace, name;
        struct label *labels;
        uint32_t label_count;
        mesh_gateway_at(mesh, i, &namespace, &name);
        ASSERT(mesh_gateway_selector(mesh, namespace, name, &labels, &label_count));
    }
}

static void judge(const struct documents *documents, struct arena *arena, struct diag_list *diags)
{
    struct object_list objects = {0};

    for (uint32_t i = 0; i < documents->count; i++)
        object_list_add(&objects, documents->items[i], arena, diags);
    for (uint32_t i = 0; i < objects.count; i++) {
        struct object_question asked = {.arena = arena,
                                        .diags = diags,
                                        .namespace = STR("default"),
                                        .is_strict = i % 2 == 0,
                                        .has_crd = true};
        object_judge(&objects.items[i], asked);
        object_judge_kubernetes(&objects.items[i], asked);
    }
    struct analysis analysis = {0};
    analysis_init(&analysis, arena, &objects);
    for (uint32_t i = 0; analysis_at(i) != NULL; i++)
        analysis_run(&analysis, analysis_at(i));
    analysis_sort(&analysis);
    for (uint32_t i = 0; i < analysis.finding_count; i++) {
        ASSERT(finding_code(&analysis.findings[i]).len > 0);
        ASSERT(diag_text(&analysis.findings[i].diag, arena).len > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena arena;
    struct diag_list diags;
    struct documents documents = {0};
    struct str text = {(const char *)bytes, size};
    uint32_t line_count = 1;

    for (size_t i = 0; i < size; i++)
        line_count += bytes[i] == '\n' || bytes[i] == '\r' || (bytes[i] & 0x80) != 0;
    arena_init(&arena, 65536, 0);
    diag_list_init(&diags, &arena);
    tree_read(STR("fuzz.yaml"), text, &arena, &documents, &diags);
    judge(&documents, &arena, &diags);
    struct mesh *mesh = mesh_new(&arena, &diags);
    for (uint32_t i = 0; i < documents.count; i++)
        mesh_add_document(mesh, documents.items[i]);
    mesh_complete(mesh);
    check_mesh(mesh);
    check_diags(&diags, line_count);
    arena_fini(&arena);
    return 0;
}
