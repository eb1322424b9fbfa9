/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bench_translate.c - what one proxy's configuration costs, by the size of
 * the mesh: SERVICES services (a Deployment each), as many VirtualServices and
 * DestinationRules with two subsets.
 *
 *   bench translate [SERVICES]
 *
 * "read" is YAML to trees, "resolve" trees to a whole mesh (pods, addresses,
 * endpoints), "translate" the mesh to a sidecar's snapshot. Each size has a
 * process of its own, so that its peak of memory is its own.
 */
#define _DEFAULT_SOURCE /* getrusage's maxrss */
#include "bench/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ns.h"
#include "config/derive/derive.h"
#include "config/translate/translate.h"

#define TEXT_BYTES_MAX (64u << 20)
#define ARENA_BLOCK_BYTES (64u << 10)
#define SERVICES_MAX UINT64_C(30000)
#define BYTES_OF_KB 1024u

static const uint32_t SIZES[] = {100, 1000, 10000};

static int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_SECOND + now.tv_nsec;
}

static enum rc write_workload(struct buf *out, uint32_t i)
{
    return buf_format(out,
                      "apiVersion: v1\nkind: Service\nmetadata:\n  name: s%u\n  namespace: n%u\n"
                      "spec:\n  selector:\n    app: s%u\n  ports:\n"
                      "  - name: http\n    port: 80\n    targetPort: 8080\n---\n"
                      "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: s%u-v1\n"
                      "  namespace: n%u\nspec:\n  selector:\n    matchLabels:\n      app: s%u\n"
                      "  template:\n    metadata:\n      labels:\n        app: s%u\n"
                      "        version: v1\n    spec:\n      containers:\n"
                      "      - name: app\n        image: app:1.0\n---\n",
                      i, i % 10, i, i, i % 10, i, i);
}

static enum rc write_rules(struct buf *out, uint32_t i)
{
    return buf_format(
        out,
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: s%u\n"
        "  namespace: n%u\nspec:\n  hosts:\n  - s%u\n  http:\n"
        "  - match:\n    - headers:\n        end-user:\n          exact: jason\n"
        "    route:\n    - destination:\n        host: s%u\n        subset: v2\n"
        "  - route:\n    - destination:\n        host: s%u\n        subset: v1\n"
        "      weight: 90\n    - destination:\n        host: s%u\n        subset: v2\n"
        "      weight: 10\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata:\n  name: s%u\n"
        "  namespace: n%u\nspec:\n  host: s%u\n  trafficPolicy:\n    connectionPool:\n"
        "      http:\n        http1MaxPendingRequests: 10\n  subsets:\n"
        "  - name: v1\n    labels:\n      version: v1\n"
        "  - name: v2\n    labels:\n      version: v2\n---\n",
        i, i % 10, i, i, i, i, i, i % 10, i);
}

static double ms_of(int64_t ns)
{
    return (double)ns / (double)NS_MS;
}

static int measure(uint32_t service_count)
{
    struct buf text;
    struct arena arena;
    struct diag_list diags;
    struct documents documents = {0};
    enum rc rc = RC_OK;
    buf_init(&text, TEXT_BYTES_MAX);
    for (uint32_t i = 0; i < service_count && rc == RC_OK; i++) {
        rc = write_workload(&text, i);
        if (rc == RC_OK)
            rc = write_rules(&text, i);
    }
    arena_init(&arena, ARENA_BLOCK_BYTES, 0);
    diag_list_init(&diags, &arena);
    int64_t started_ns = clock_ns();
    tree_read(STR("bench"), buf_str(&text), &arena, &documents, &diags);
    int64_t read_ns = clock_ns();
    struct mesh *mesh = mesh_new(&arena, &diags);
    for (uint32_t i = 0; i < documents.count; i++)
        mesh_add_document(mesh, documents.items[i]);
    mesh_complete(mesh);
    int64_t resolved_ns = clock_ns();
    struct proxy_identity proxy = {.type = PROXY_SIDECAR,
                                   .name = STR("client-0"),
                                   .namespace = STR("n0"),
                                   .address = STR("127.192.0.1"),
                                   .service_account = STR("default")};
    struct snapshot *snapshot = translate_proxy(mesh, &proxy, profile_default(), &diags);
    int64_t translated_ns = clock_ns();
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double read_s = (double)(read_ns - started_ns) / (double)NS_SECOND;
    printf("%6u services: read %8.1f ms (%5.1f MB/s), resolve %8.1f ms, translate %8.1f ms; "
           "%6.1f MB, %u clusters\n",
           service_count, ms_of(read_ns - started_ns), (double)buf_size(&text) / 1e6 / read_s,
           ms_of(resolved_ns - read_ns), ms_of(translated_ns - resolved_ns),
           (double)usage.ru_maxrss * BYTES_OF_KB / 1e6, snapshot->cluster_count);
    bool is_whole = rc == RC_OK && diags.error_count == 0 && documents.count == 4 * service_count &&
                    snapshot->cluster_count >= 3 * service_count;
    snapshot_drop(snapshot);
    arena_fini(&arena);
    buf_fini(&text);
    if (!is_whole)
        fputs("bench translate: that was not the whole mesh\n", stderr);
    return is_whole ? 0 : 4;
}

static int measure_apart(uint32_t service_count)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int code = measure(service_count);
        fflush(stdout);
        _exit(code);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 4;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

int bench_translate(int argc, char **argv)
{
    uint64_t service_count = 0;
    if (argc > 1 &&
        (!str_to_u64(str_of(argv[1]), SERVICES_MAX, &service_count) || service_count == 0)) {
        fputs("usage: bench translate [SERVICES]\n", stderr);
        return 2;
    }
    if (service_count != 0)
        return measure_apart((uint32_t)service_count);
    int code = 0;
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]) && code == 0; i++)
        code = measure_apart(SIZES[i]);
    return code;
}
