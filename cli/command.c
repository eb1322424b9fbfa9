/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/command.c - what there is, in the order in which help shows it.
 */
#include "cli/command.h"

#include <stddef.h>
#include <string.h>

#include "base/check.h"
#include "cli/proxy_config.h"

static const struct command COMMANDS[] = {
    {"test", NULL, "PATH...", "run RouteTest files",
     "  --engine sim|live     virtual time (default), or sockets on loopback\n"
     "  -f PATH               manifests for every file, before its own config; repeatable\n"
     "  --filter REGEX        only tests whose name has a match\n"
     "  --access-log FORMAT   show what the caller's proxy logs of each request: istio,\n"
     "                        envoy, json, a text with %COMMANDS%, or a JSON object\n"
     "  --profile NAME        pocketmesh, istio-latest, istio-1.0; wins over the file's\n"
     "  --seed N              wins over the file's\n"
     "  -o text|tap|junit|json\n"
     "  --strict              warnings are errors\n"
     "  --color auto|always|never, -q (failures only), -v\n"
     "\n"
     "A folder stands for its *.yaml and *.yml files of kind RouteTest.\n",
     cmd_test},
    {"explain", NULL, "-f PATH... URL", "one request: which rule won, why, and where it went",
     "  -f PATH               manifests: a file, a folder, a pattern, or - ; repeatable\n"
     "  --from CLIENT         a Deployment or pod of the manifests, or NAMESPACE/GATEWAY\n"
     "  -n NAMESPACE          of the client (default)\n"
     "  -X METHOD             GET\n"
     "  -H 'NAME: VALUE'      repeatable\n"
     "  -d BODY               a body; the method is then POST\n"
     "  --repeat N            N requests, and how they were spread\n"
     "  --engine sim|live     virtual time (default), or sockets on loopback\n"
     "  --profile NAME, --seed N, -o text|json, --strict, --color WHEN, -q\n"
     "\n"
     "  pocketmesh explain -f manifests/ http://reviews:9080/x -H 'end-user: jason'\n",
     cmd_explain},
    {"proxy-config", "pc", "listener|route|cluster|endpoint|all POD[.NS] -f PATH...",
     "what istiod would send to a proxy, as istioctl shows it",
     "  -f PATH               manifests; repeatable\n"
     "  -o table|json\n"
     "  --profile NAME, --strict\n",
     cmd_proxy_config},
    {"bench", NULL, "sim|wire|live [OPTIONS]", "micro benchmarks",
     "  sim   [REQUESTS [SEED]]   whole requests in virtual time, and the trace's hash\n"
     "  wire  [REQUESTS]          the proxy alone, between buffers\n"
     "  live  [SECONDS]           a mesh on sockets, for a load generator from outside\n",
     cmd_bench},
    {"version", NULL, "", "the version", "", cmd_version},
    {"help", NULL, "[COMMAND]", "this", "", cmd_help},
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(COMMANDS); i++)
        if (strcmp(COMMANDS[i].name, name) == 0 ||
            (COMMANDS[i].alias != NULL && strcmp(COMMANDS[i].alias, name) == 0))
            return &COMMANDS[i];
    return NULL;
}

const struct command *command_at(uint32_t index)
{
    return index < COUNT_OF(COMMANDS) ? &COMMANDS[index] : NULL;
}
