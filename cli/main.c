/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/main.c - finds the command and runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "bench/bench.h"
#include "cli/command.h"

/* A word this near a command's name was probably meant to be it. */
#define NEAR_DISTANCE 2u

int cmd_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("pocketmesh " POCKETMESH_VERSION " (Istio 1.31 as recorded, Envoy 1.40.0)");
    return EXIT_CODE_FINE;
}

static void print_command(const struct command *command)
{
    printf("pocketmesh %s%s%s\n  %s\n", command->name, command->usage[0] != 0 ? " " : "",
           command->usage, command->summary);
    if (command->help[0] != 0)
        printf("\n%s", command->help);
}

static void print_all(FILE *out)
{
    fputs("pocketmesh: Istio's traffic rules on a laptop, without a cluster\n\n", out);
    const struct command *command;
    for (uint32_t i = 0; (command = command_at(i)) != NULL; i++)
        fprintf(out, "  %-14s%s\n", command->name, command->summary);
    fputs("\n`pocketmesh help COMMAND` tells its options.\n"
          "Exit codes: 0 fine, 1 the answer is no, 2 the input is wrong, 3 not observable (with\n"
          "--strict), 4 the surroundings failed, 70 a bug of ours.\n",
          out);
}

static int unknown(const char *word)
{
    const struct command *command;
    fprintf(stderr, "pocketmesh: there is no command \"%s\"", word);
    for (uint32_t i = 0; (command = command_at(i)) != NULL; i++)
        if (str_edit_distance(str_of(word), str_of(command->name), NEAR_DISTANCE) <= NEAR_DISTANCE)
            fprintf(stderr, "; did you mean \"%s\"?", command->name);
    fputs("\n`pocketmesh help` lists them.\n", stderr);
    return EXIT_CODE_INPUT;
}

int cmd_help(int argc, char **argv)
{
    if (argc < 2) {
        print_all(stdout);
        return EXIT_CODE_FINE;
    }
    const struct command *command = command_find(argv[1]);
    if (command == NULL)
        return unknown(argv[1]);
    print_command(command);
    return EXIT_CODE_FINE;
}

int cmd_bench(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "sim") == 0)
        return bench_sim(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "wire") == 0)
        return bench_wire(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "live") == 0)
        return bench_live(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "lb") == 0)
        return bench_lb(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "exchange") == 0)
        return bench_exchange(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "translate") == 0)
        return bench_translate(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "tls") == 0)
        return bench_tls(argc - 1, argv + 1);
    fputs("pocketmesh bench: say which: sim, wire, live, lb, exchange, tls or translate\n", stderr);
    return EXIT_CODE_INPUT;
}

static int has_help_word(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_all(stderr);
        return EXIT_CODE_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return cmd_help(0, NULL);
    if (strcmp(argv[1], "--version") == 0)
        return cmd_version(0, NULL);
    const struct command *command = command_find(argv[1]);
    if (command == NULL)
        return unknown(argv[1]);
    if (has_help_word(argc - 1, argv + 1)) {
        print_command(command);
        return EXIT_CODE_FINE;
    }
    return command->run(argc - 1, argv + 1);
}
