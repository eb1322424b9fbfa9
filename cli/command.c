/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/command.c - what there is, in the order in which help shows it.
 */
#include "cli/command.h"

#include <stddef.h>
#include <string.h>

#include "base/check.h"

static const struct command COMMANDS[] = {
    {"test", NULL, "PATH...", "run RouteTest files",
     "  --engine sim|live|envoy   virtual time (default), sockets on loopback, or those with a\n"
     "                        real Envoy for each proxy: $ENVOY, `envoy` on PATH, or\n"
     "                        build/envoy/envoy (`make envoy`)\n"
     "  -f PATH               manifests for every file, before its own config; repeatable\n"
     "  --filter REGEX        only tests whose name has a match\n"
     "  --jobs N              N tests at once; verdicts stay in their order\n"
     "  --access-log FORMAT   show what the caller's proxy logs of each request: istio,\n"
     "                        envoy, json, a text with %COMMANDS%, or a JSON object\n"
     "  --profile NAME        pocketmesh, istio-latest, istio-1.0; wins over the file's\n"
     "  --seed N              wins over the file's\n"
     "  -o text|tap|junit|json\n"
     "  --strict              warnings are errors; what is not observable ends with 3\n"
     "  --color auto|always|never, -q (failures only), -v\n"
     "\n"
     "A folder stands for its *.yaml and *.yml files of kind RouteTest, and for those with\n"
     "testCases (istio-config-validator's), which are held against the VirtualServices of -f, "
     "else\n"
     "of their folder.\n",
     cmd_test},
    {"up", NULL, "[TESTFILE] -f PATH...", "serve the mesh on this machine, until Ctrl-C",
     "  -f PATH               manifests: a file, a folder, a pattern, or - ; repeatable\n"
     "  --from CLIENT         only these may be played: a pod, a workload, a client of TESTFILE\n"
     "  --gateway NAME=ADDR   the address (and :PORT) of a gateway, such as 127.0.0.1:8080\n"
     "  -n NAMESPACE          of names without one (default)\n"
     "  --watch               edits of the files are put into force; SIGHUP does it once\n"
     "  --allow-external      names and addresses outside of the mesh may be dialled\n"
     "  --workers N           threads of the proxies (1)\n"
     "  --access-log FILE     a line for each request; - standard output, off none (as the\n"
     "                        MeshConfig's accessLogFile says, else off)\n"
     "  --access-log-format F istio (default), envoy, json, a text with %COMMANDS%, a JSON object\n"
     "  --outlier-log FILE    a line of JSON for each ejection, as Envoy's event log; - standard "
     "output\n"
     "  --certs DIR           where the mesh's authority is kept for the next time, with ca.pem "
     "for\n"
     "                        curl --cacert, client.pem and client-key.pem for gateways that ask\n"
     "                        for a certificate, and those of all service accounts\n"
     "  --admin ADDRESS:PORT  Envoy's admin interface for all proxies: 127.0.0.1:15000, or :0\n"
     "  --profile NAME, --seed N, -o table|json, --strict, --color WHEN, -q\n"
     "\n"
     "Stand-ins answer for every pod, as TESTFILE's spec.workloads say, else with 200. When it\n"
     "says ready, a program of yours joins as one of the pods of the table:\n"
     "\n"
     "  http_proxy=http://ADDRESS my-program\n"
     "  curl -x ADDRESS http://reviews:9080/\n"
     "\n"
     "Ctrl-C lets requests end (10 s at most), a second one cuts them. Exit codes: 0 all ended,\n"
     "1 requests were cut off, 2 the input is wrong, 4 something cannot be listened on.\n",
     cmd_up},
    {"explain", NULL, "-f PATH... URL", "one request: which rule won, why, and where it went",
     "  -f PATH               manifests: a file, a folder, a pattern, or - ; repeatable\n"
     "  --from CLIENT         a Deployment or pod of the manifests, or NAMESPACE/GATEWAY\n"
     "  -n NAMESPACE          of the client (default)\n"
     "  -X METHOD             GET\n"
     "  -H 'NAME: VALUE'      repeatable\n"
     "  -d BODY               a body; the method is then POST\n"
     "  --repeat N            N requests, and how they were spread\n"
     "  --world FILE          a RouteTest: its manifests, clients and how its pods behave\n"
     "  --engine sim|live     virtual time (default), or sockets on loopback\n"
     "  --profile NAME, --seed N, -o text|json, --strict, --color WHEN, -q\n"
     "\n"
     "Of a URL with https://, whose caller speaks TLS itself, to a gateway:\n"
     "  --tls MODE            SIMPLE (default); MUTUAL shows a certificate, ISTIO_MUTUAL one of\n"
     "                        the mesh, as a sidecar does\n"
     "  --cert FAULT          what is wrong with it: expired, not-yet-valid, wrong-san, wrong-ca,\n"
     "                        self-signed, none, or right; MUTUAL unless --tls says otherwise\n"
     "  --sni NAME|none       whom it calls (the URL's host)\n"
     "  --min-tls, --max-tls 1.2|1.3\n"
     "\n"
     "Connections to sidecars, or with TLS, are told as handshakes; then what the server's\n"
     "sidecar made of the request.\n"
     "\n"
     "  pocketmesh explain -f manifests/ http://reviews:9080/x -H 'end-user: jason'\n"
     "  pocketmesh explain -f manifests/ --from istio-system/public https://shop.example.com/\n",
     cmd_explain},
    {"mtls", NULL, "-f PATH...", "clients x services: who meets whom in which TLS mode, and why",
     "  -f PATH               manifests: a file, a folder, a pattern, or - ; repeatable\n"
     "  --from CLIENT         only this one: a workload, NAME.NAMESPACE, or \"(no sidecar)\";\n"
     "                        repeatable\n"
     "  --to SERVICE          only this one: NAME, NAME.NAMESPACE or a host\n"
     "  -n NAMESPACE          of names without one (default)\n"
     "  --world FILE          a RouteTest: its manifests, clients, workloads and their faults\n"
     "  --engine sim|live|envoy   what the caller sees: in virtual time (default), by real\n"
     "                        handshakes on loopback, or those of real Envoys (help test)\n"
     "  --profile NAME, --seed N, -o table|json, --strict, --color WHEN, -q (refused only)\n"
     "\n"
     "Each workload of the manifests is a client, and one that has no sidecar. VirtualServices\n"
     "and other routes are left out: each client calls the service itself. Exit codes: 0 all\n"
     "come about, 1 some are refused, 2 the input is wrong, 4 nothing can be played.\n"
     "\n"
     "  pocketmesh mtls -f manifests/ --profile istio-1.0\n",
     cmd_mtls},
    {"proxy-config", "pc", "listener|route|cluster|endpoint|secret|all POD[.NS] -f PATH...",
     "what istiod would send to a proxy, as istioctl shows it",
     "  -f PATH               manifests: a file, a folder, a pattern, or - ; repeatable\n"
     "  -n NAMESPACE          where POD is (default)\n"
     "  -o short|json|yaml    a table (short), or what istiod sends\n"
     "  listener --address --port --type, route --name, cluster --fqdn --port --subset\n"
     "  --direction, endpoint --address --port --cluster --status\n"
     "                        only what has this, as istioctl compares it; all: each of them\n"
     "  --verbose=false       short tables of listeners and routes\n"
     "  --type sidecar|router, --labels NAME=VALUE,..., --ip ADDRESS, --service-account NAME\n"
     "                        a proxy that is not in the files, or as it would be\n"
     "  --mesh-config FILE    Istio's MeshConfig; else the ConfigMap istio of istio-system\n"
     "  --profile NAME, --strict, --color WHEN, -q (the table alone)\n"
     "\n"
     "  pocketmesh proxy-config routes reviews-v1-0 -f manifests/ --name 9080\n",
     cmd_proxy_config},
    {"proxy-status", "ps", "-f PATH...", "the proxies of the mesh, and what each subscribes to",
     "  -f PATH               manifests; repeatable\n"
     "  -n NAMESPACE          only proxies there\n"
     "  --verbosity 1         a column for each kind of resource\n"
     "  --profile NAME, --strict, -q\n",
     cmd_proxy_status},
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
     "  --certificates DIR    TLS, with certificates, keys and roots in DIR/POD.NS/, signed by\n"
     "                        authorities that are kept in DIR: exports to one DIR fit together\n"
     "  --profile NAME, --strict, -q\n"
     "\n"
     "Endpoints and routes are inlined. What a stock Envoy does not have is left out, and\n"
     "named on standard error, as is TLS without --certificates.\n"
     "\n"
     "  pocketmesh export envoy productpage-v1-0 -f manifests/ --bind 127.0.0.1:0 >envoy.json\n"
     "  envoy -c envoy.json --admin-address-path admin.txt\n",
     cmd_export},
    {"resolve", NULL, "", "JSON lines in, JSON lines out: where calls are led",
     "  --profile NAME        istio-latest, unless said\n"
     "\n"
     "A line of standard input is a question, a line of standard output its answer:\n"
     "\n"
     "  {\"id\": \"1\", \"yaml\": \"DOCUMENTS\", \"mesh\": \"MESHCONFIG\", \"want\": "
     "[\"routes\"],\n"
     "   \"proxies\": [{\"name\": \"p-0\", \"namespace\": \"default\", \"type\": \"sidecar\",\n"
     "                \"labels\": {}, \"ips\": [\"127.128.0.1\"]}],\n"
     "   \"calls\": {\"p-0\": [{\"mode\": \"outbound\", \"host\": \"reviews\", \"port\": 9080,\n"
     "                        \"path\": \"/\", \"protocol\": \"http\", \"tls\": \"plaintext\"}]}}\n"
     "\n"
     "want: listeners, routes, clusters, endpoints. mode: outbound, inbound, gateway. protocol: "
     "http,\n"
     "http2, tcp. tls: plaintext, tls, mtls; also address, sni, alpn, headers. A call's result "
     "names\n"
     "listener, filter chain, route table, virtual host, route and cluster, or an error.\n",
     cmd_resolve},
    {"validate", NULL, "FILE...", "would a cluster take these objects?",
     "  FILE                  a file, a folder, a pattern, or -; also -f FILE\n"
     "  -n NAMESPACE          of objects that name none (default)\n"
     "  --webhook-only        what istiod's webhook says; not the CRDs' schema\n"
     "  -o text|json\n"
     "  --strict              warnings are errors\n"
     "  --color auto|always|never, -q (errors only)\n"
     "\n"
     "Every kind of Istio's is judged in Istio's words, all errors at once, with file, line and\n"
     "path. Exit code 1 when an object is invalid, 2 when a file cannot be read.\n",
     cmd_validate},
    {"analyze", NULL, "FILE...", "what is wrong between objects, with Istio's codes",
     "  FILE                  a file, a folder, a pattern, or -; also -f FILE\n"
     "  --analyzer NAME       only this one; repeatable (--list-analyzers, -L)\n"
     "  --suppress 'CODE=KIND NAME[.NS]', -S   repeatable; * stands for any text\n"
     "  --fail-on Error|Warning|Info           exit code 1 from this level on (Error)\n"
     "  --output-threshold LEVEL               what is shown (Info)\n"
     "  -n NAMESPACE          of objects that name none; only findings there\n"
     "  -A                    objects that name no namespace have none, as with istioctl -A\n"
     "  --use-kube=false      the files are no whole cluster: nothing that needs Pods, Services,\n"
     "                        Namespaces or Secrets is judged, as with istioctl\n"
     "  --mesh-config FILE    MeshConfig; else the ConfigMap istio of istio-system\n"
     "  -o log|json|yaml, --color auto|always|never, -q\n",
     cmd_analyze},
    {"profile", "profiles", "[NAME...]", "what each profile decides where nobody wrote anything",
     "  -o text|json\n"
     "\n"
     "`--profile NAME` of other commands picks one. explain and proxy-config say which values\n"
     "came from it.\n",
     cmd_profile},
    {"bench", NULL, "sim|wire|live|lb|exchange|tls|translate [OPTIONS]", "micro benchmarks",
     "  sim   [REQUESTS [SEED [WAY]]]   whole requests in virtual time, and the trace's hash;\n"
     "                            WAY: load, bytes, calls, or day (100 a second); else all\n"
     "  wire  [REQUESTS]          the proxy alone, between buffers\n"
     "  live  [SECONDS]           a mesh on sockets, for a load generator from outside\n"
     "  lb    [PICKS [SEED]]      what one pick of an endpoint costs, policy by policy\n"
     "  exchange [EXCHANGES]      a request with nothing configured, and with everything idle\n"
     "  tls   [HANDSHAKES]        handshakes, whole and resumed, and records, for each side\n"
     "  translate [SERVICES]      manifests to one proxy's configuration, by the size of the "
     "mesh\n",
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
