/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/command.h - the table of commands: help grows from it.
 */
#pragma once

#include <stdint.h>

#ifndef POCKETMESH_VERSION
#define POCKETMESH_VERSION "0.1.0"
#endif

/* Exit codes of every command (documented in `help`). */
enum exit_code {
    EXIT_CODE_FINE = 0,
    EXIT_CODE_NO = 1,           /* a test failed */
    EXIT_CODE_INPUT = 2,        /* configuration, test file or usage */
    EXIT_CODE_UNSEEN = 3,       /* something asserted was not observable, with --strict */
    EXIT_CODE_SURROUNDINGS = 4, /* port in use, no permission, output not writable */
    EXIT_CODE_BUG = 70,
};

struct command {
    const char *name, *alias;
    const char *usage;                 /* what follows the name */
    const char *summary;               /* one line */
    const char *help;                  /* lines of options and examples */
    int (*run)(int argc, char **argv); /* argv[0] is the command's word */
};

/* NULL when there is none of that name or alias. */
const struct command *command_find(const char *name);
const struct command *command_at(uint32_t index); /* NULL after the last */

int cmd_test(int argc, char **argv);
int cmd_up(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_proxy_config(int argc, char **argv);
int cmd_proxy_status(int argc, char **argv);
int cmd_resolve(int argc, char **argv);
int cmd_validate(int argc, char **argv);
int cmd_analyze(int argc, char **argv);
int cmd_mtls(int argc, char **argv);
int cmd_profile(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_help(int argc, char **argv);
