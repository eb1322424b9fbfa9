/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/world/test_files.c - what -f names is read, in the order of
 * names, and what cannot be read is said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "testbed/world/files.h"

static char folder[] = "/tmp/files-XXXXXX";

static const char *const FILES[] = {"b.yaml", "a.yml",      "c.json",
                                    "d.txt",  "sub/e.yaml", ".hidden.yaml"};

static void path_of(const char *name, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/%s", folder, name);
}

static int set_up(void **state)
{
    (void)state;
    char path[256];
    if (mkdtemp(folder) == NULL)
        return -1;
    path_of("sub", path, sizeof(path));
    if (mkdir(path, 0700) != 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(FILES); i++) {
        path_of(FILES[i], path, sizeof(path));
        FILE *file = fopen(path, "w");
        if (file == NULL)
            return -1;
        (void)fprintf(file, "{\"name\": \"%s\"}\n", FILES[i]);
        (void)fclose(file);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char path[256];
    for (size_t i = 0; i < COUNT_OF(FILES); i++) {
        path_of(FILES[i], path, sizeof(path));
        (void)unlink(path);
    }
    path_of("sub", path, sizeof(path));
    (void)rmdir(path);
    return rmdir(folder);
}

static void test_patterns_name_files_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *want[4];
        enum diag_id id; /* DIAG_ID_COUNT: nothing is said */
    } rows[] = {
        {"b.yaml", {"b.yaml"}, DIAG_ID_COUNT},
        {"d.txt", {"d.txt"}, DIAG_ID_COUNT},
        {".", {"a.yml", "b.yaml", "c.json", "sub/e.yaml"}, DIAG_ID_COUNT},
        {"*.y*", {"a.yml", "b.yaml"}, DIAG_ID_COUNT},
        {"sub", {"sub/e.yaml"}, DIAG_ID_COUNT},
        {"nothing.yaml", {NULL}, DIAG_FILE_ABSENT},
        {"*.toml", {NULL}, DIAG_FILE_NO_MATCH},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena;
        struct diag_list diags;
        struct documents documents = {0};
        arena_init(&arena, 4096, 0);
        diag_list_init(&diags, &arena);
        files_read(str_of(rows[i].pattern), str_of(folder), &arena, &documents, &diags);
        for (uint32_t k = 0; k < COUNT_OF(rows[i].want) && rows[i].want[k] != NULL; k++) {
            assert_true(k < documents.count);
            const struct node *name = node_get(documents.items[k], STR("name"));
            assert_true(str_eq(name->text, str_of(rows[i].want[k])));
            assert_true(str_has_suffix(name->origin.file, str_of(rows[i].want[k])));
        }
        if (rows[i].id == DIAG_ID_COUNT) {
            assert_int_equal(diags.count, 0);
        } else {
            assert_int_equal(diags.count, 1);
            assert_int_equal(diags.items[0].id, rows[i].id);
            assert_int_equal(documents.count, 0);
        }
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns_name_files_in_order),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
