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
    {"export", NULL, "envoy POD[.NS] -f PATH...",
     "a proxy's configuration for a stock Envoy to run",
     "  -f PATH               manifests; repeatable\n"
     "  -n NAMESPACE          where POD is (default)\n"
     "  --type sidecar|router a proxy that is not in the files\n"
     "  --admin ADDR[:PORT]   of Envoy's admin interface (127.0.0.1, port by the kernel)\n"
     "  --bind ADDR[:PORT]    every listener is bound there, port 0: by the kernel; else\n"
     "                        listeners stand where the mesh's redirect meets them in a pod\n"
     "  --listen NAME=ADDR:PORT   one listener, repeatable; without --bind, no other is bound\n"
     "  --access-log FILE     a line of JSON for each request\n"
     "  --profile NAME, --strict, -q\n"
     "\n"
     "Endpoints and routes are inlined. What a stock Envoy does not have is left out, and\n"
     "named on standard error.\n"
     "\n"
     "  pocketmesh export envoy productpage-v1-0 -f manifests/ --bind 127.0.0.1:0 >envoy.json\n"
     "  envoy -c envoy.json --admin-address-path admin.txt\n",
     cmd_export},
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
