/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/objects/objects.c - manifests that others wrote: none harms, each is taken
 * or refused with a place, and the order in which they come changes nothing.
 *
 *   objects [-v] [--every N] [--shuffles N] [--seed N] DATA
 *
 * DATA is a folder with public-manifests/objects.json (objects with their text) and
 * folders of manifests. Each object alone, by name (repository/path#number):
 *   read       accepted, or refused: every error has file, line, column and a text;
 *              nothing disappears without a word
 *   print      as JSON and YAML, read again: the same tree, and the same print
 *   translate  what it gives to every proxy it declares
 * Each repository, and each folder, as one mesh (of one name the last object):
 *   order      shuffled --shuffles times: the same bytes for every proxy
 *
 * --every N looks at each Nth object only, and shuffles one time. -v names what is
 * refused, with the reason. A crash or a minute without an answer ends the program
 * with the name of what it looked at. The last line counts; exit 1 when one failed.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "config/derive/derive.h"
#include "config/validate/object.h"
#include "testbed/world/files.h"
#include "testbed/world/manifest.h"
#include "tests/objects/again.h"
#include "tests/objects/meshes.h"

#define PATIENCE_S 60u
#define NAME_BYTES_MAX 300u

struct run {
    struct arena arena; /* of everything that is read; as long as the program */
    struct diag_list diags;
    struct str data;
    bool is_verbose;
    uint32_t every, shuffle_count;
    uint64_t seed;
    uint32_t accepted_count, refused_count, proxy_count, set_count, order_count;
    uint32_t passed_count, failed_count;
};

/* What is looked at, for handlers. */
static char current[NAME_BYTES_MAX];

extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void say_current(void)
{
    static const char BEGIN[] = "\nFAILED: while looking at ";
    (void)!write(STDOUT_FILENO, BEGIN, sizeof(BEGIN) - 1);
    (void)!write(STDOUT_FILENO, current, strlen(current));
    (void)!write(STDOUT_FILENO, "\n", 1);
}

static void on_signal(int number)
{
    say_current();
    _exit(number == SIGALRM ? 1 : 70);
}

static void begin(struct str name)
{
    (void)snprintf(current, sizeof(current), "%.*s", STR_FMT(name));
    (void)alarm(PATIENCE_S);
}

static void judge(struct run *run, bool is_good, const char *what)
{
    run->passed_count += is_good;
    run->failed_count += !is_good;
    if (!is_good)
        printf("FAILED: %s: %s\n", current, what);
}

static void print_errors(const struct diag_list *diags)
{
    for (uint32_t i = 0; i < diags->count; i++) {
        struct buf out;
        if (diags->items[i].severity != DIAG_ERROR)
            continue;
        buf_init(&out, 1 << 20);
        if (diag_print(&diags->items[i], false, &out) == RC_OK)
            printf("refused: %.*s", STR_FMT(buf_str(&out)));
        buf_fini(&out);
    }
}

static bool has_place(const struct diag *diag, struct arena *arena)
{
    return diag->origin.file.len > 0 && diag->origin.line > 0 && diag->origin.column > 0 &&
           diag_text(diag, arena).len > 0;
}

/* What a cluster would say of each object, and we of the mesh. */
static void check_words(struct run *run, const struct documents *documents, struct arena *arena,
                        struct diag_list *diags)
{
    struct object_list objects = {0};
    bool is_placed = true;

    for (uint32_t i = 0; i < documents->count; i++)
        object_list_add(&objects, documents->items[i], arena, diags);
    for (uint32_t i = 0; i < objects.count; i++) {
        struct object_question asked = {
            .arena = arena, .diags = diags, .namespace = STR("default"), .has_crd = true};
        object_judge(&objects.items[i], asked);
        object_judge_kubernetes(&objects.items[i], asked);
    }
    diag_list_sort(diags);
    for (uint32_t i = 0; i < diags->count; i++)
        is_placed &= diags->items[i].severity == DIAG_NOTE || has_place(&diags->items[i], arena);
    judge(run, is_placed, "a complaint without file, line, column and text");
    judge(run, objects.count > 0 || diags->error_count > 0, "gone without a word");
    run->accepted_count += diags->error_count == 0;
    run->refused_count += diags->error_count > 0;
    if (run->is_verbose)
        print_errors(diags);
}

/* A key written twice would be a complaint. */
static bool is_readable(const struct buf *print, struct arena *arena)
{
    struct documents read = {0};
    struct diag_list diags;

    diag_list_init(&diags, arena);
    tree_read(STR("print"), buf_str(print), arena, &read, &diags);
    return read.count == 1 && diags.count == 0;
}

static void check_object(struct run *run, struct str name, struct str text)
{
    struct arena arena;
    struct diag_list diags;
    struct documents documents = {0};

    begin(name);
    arena_init(&arena, 65536, 0);
    diag_list_init(&diags, &arena);
    tree_read(name, text, &arena, &documents, &diags);
    for (uint32_t i = 0; i < documents.count; i++)
        judge(run, again_is_same(documents.items[i], &arena), "printed and read again: differs");
    struct mesh *mesh = mesh_new(&arena, &diags);
    for (uint32_t i = 0; i < documents.count; i++)
        mesh_add_document(mesh, documents.items[i]);
    mesh_complete(mesh);
    struct proxies proxies = proxies_of(mesh, &arena);
    bool is_whole = true;
    for (uint32_t i = 0; i < proxies.count; i++) {
        struct buf out;
        is_whole &=
            meshes_print(mesh, &proxies.items[i], &arena, &out) && is_readable(&out, &arena);
        buf_fini(&out);
    }
    run->proxy_count += proxies.count;
    judge(run, is_whole, "a print that is not whole");
    check_words(run, &documents, &arena, &diags);
    arena_fini(&arena);
}

static void check_set(struct run *run, struct str name, const struct documents *documents)
{
    struct arena arena;
    struct str difference = STR_EMPTY;

    begin(name);
    arena_init(&arena, 65536, 0);
    struct manifests objects = manifests_of(documents, &arena);
    meshes_keep_last(&objects);
    struct meshes_question question = {
        .objects = &objects, .seed = run->seed, .shuffle_count = run->shuffle_count};
    struct meshes_answer answer = meshes_compare(&question, &arena, &difference);
    run->set_count++;
    run->order_count += answer.compared_count;
    judge(run, answer.differing_count == 0, "the order of documents changes what is sent");
    if (answer.differing_count > 0)
        printf("    %u of %u differ; first: %.*s\n", answer.differing_count, answer.compared_count,
               STR_FMT(difference));
    arena_fini(&arena);
}

static void check_public(struct run *run)
{
    struct documents file = {0}, set = {0};
    struct str path =
        arena_format(&run->arena, "%.*s/public-manifests/objects.json", STR_FMT(run->data));

    files_read(path, STR_EMPTY, &run->arena, &file, &run->diags);
    if (file.count != 1 || file.items[0]->kind != NODE_LIST) {
        judge(run, false, "objects.json cannot be read");
        return;
    }
    const struct node *all = file.items[0];
    for (uint32_t i = 0; i < all->count; i++) {
        struct str repo = manifest_text(all->items[i], STR("repo"));
        struct str text = manifest_text(all->items[i], STR("text"));
        struct str where = manifest_text(all->items[i], STR("path"));
        struct str name =
            arena_format(&run->arena, "%.*s/%.*s#%u", STR_FMT(repo), STR_FMT(where), i);
        if (i % run->every == 0) {
            check_object(run, name, text);
            tree_read(name, text, &run->arena, &set, &run->diags);
        }
        /* A repository's objects stand together in the file. */
        bool is_last =
            i + 1 == all->count || !str_eq(manifest_text(all->items[i + 1], STR("repo")), repo);
        if (is_last && set.count > 0)
            check_set(run, repo, &set);
        if (is_last)
            set = (struct documents){0};
    }
}

static void check_folders(struct run *run)
{
    static const char *const FOLDERS[] = {"istio-samples", "istio-testdata", "istio-tutorial",
                                          "gateway-api"};

    for (size_t i = 0; i < COUNT_OF(FOLDERS); i++) {
        struct documents documents = {0};
        struct str path = arena_format(&run->arena, "%.*s/%s", STR_FMT(run->data), FOLDERS[i]);
        begin(path);
        files_read(path, STR_EMPTY, &run->arena, &documents, &run->diags);
        judge(run, documents.count > 0, "a folder without manifests");
        for (uint32_t k = 0; k < documents.count; k++)
            judge(run, again_is_same(documents.items[k], &run->arena),
                  "printed and read again: differs");
        check_set(run, path, &documents);
    }
}

static bool read_words(struct run *run, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct str word = str_of(argv[i]);
        uint64_t number = 0;
        bool has_number = i + 1 < argc && str_to_u64(str_of(argv[i + 1]), UINT32_MAX, &number);
        if (str_eq(word, STR("-v"))) {
            run->is_verbose = true;
        } else if (str_eq(word, STR("--every")) && has_number && number > 0) {
            run->every = (uint32_t)number;
            run->shuffle_count = 1;
        } else if (str_eq(word, STR("--shuffles")) && has_number) {
            run->shuffle_count = (uint32_t)number;
        } else if (str_eq(word, STR("--seed")) && has_number) {
            run->seed = number;
        } else if (run->data.len == 0 && argv[i][0] != '-') {
            run->data = word;
            continue;
        } else {
            return false;
        }
        i += str_eq(word, STR("-v")) ? 0 : 1;
    }
    return run->data.len > 0;
}

int main(int argc, char **argv)
{
    struct run run = {.every = 1, .shuffle_count = 3, .seed = 1};

    if (!read_words(&run, argc, argv)) {
        fputs("usage: objects [-v] [--every N] [--shuffles N] [--seed N] DATA\n", stderr);
        return 2;
    }
    (void)signal(SIGALRM, on_signal);
    (void)signal(SIGABRT, on_signal);
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(say_current);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    arena_init(&run.arena, 1 << 20, 0);
    diag_list_init(&run.diags, &run.arena);
    check_public(&run);
    check_folders(&run);
    printf("%u objects accepted, %u refused with a reason; %u translations\n", run.accepted_count,
           run.refused_count, run.proxy_count);
    printf("%u meshes, %u translations of shuffled ones; seed %" PRIu64 "\n", run.set_count,
           run.order_count, run.seed);
    printf("%u passed, %u failed\n", run.passed_count, run.failed_count);
    arena_fini(&run.arena);
    return run.failed_count > 0 ? 1 : 0;
}
