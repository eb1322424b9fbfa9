/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/analysis.h - what is wrong with objects that are right one by
 * one: Istio's analyzers over the user's files, with Istio's codes.
 *
 * One table of analyzers, one file for each family. The files are the whole
 * cluster, unless `is_files_only`: then what only a cluster has (Pods, Services,
 * Namespaces, Secrets, Nodes) is not there, and analyzers that need it do not
 * run, as with istioctl analyze --use-kube=false. Source: ISTIO.md 9.9.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/validate/object.h"
#include "config/yaml/view.h"

struct finding {
    struct diag diag; /* text, level, and our place: file, line, column, path */
    const struct object *object;
    uint32_t line; /* the line that Istio names */
};

/* A pod that is there, or that a workload would have. */
struct analysis_pod {
    struct str namespace, name;
    const struct node *labels, *annotations, *spec;
    const struct object *object; /* the Pod or its workload */
    bool is_derived;
};

struct analysis {
    struct arena *arena;
    struct object_list objects; /* the last one of each name */
    struct analysis_pod *pods;
    uint32_t pod_count, pod_capacity;
    const struct node *mesh_config; /* NULL: defaults */
    bool is_files_only;
    int64_t now_ns;         /* since 1970: which certificates have expired */
    struct reading reading; /* of views; complains to `aside` */
    struct diag_list aside;
    struct finding *findings;
    uint32_t finding_count, finding_capacity;
    uint32_t unreadable_count; /* objects whose shape istiod could not read */
};

struct analyzer {
    struct str name; /* Istio's */
    struct str summary;
    bool needs_cluster; /* Pods, Services, Namespaces, Secrets */
    bool is_on_request; /* runs only when it is asked for */
    void (*run)(struct analysis *analysis);
};

/* The analyzer of an index, NULL behind the last one. */
const struct analyzer *analysis_at(uint32_t index);
/* Those of one name, or NULL. */
const struct analyzer *analysis_find(struct str name);

/* Takes the objects; later ones replace earlier ones of their name. Where no pod
 * has the label istio: ingressgateway, Istio's default gateway stands in. */
void analysis_init(struct analysis *analysis, struct arena *arena, const struct object_list *all);
/* After is_files_only, now_ns and mesh_config are set: runs one. */
void analysis_run(struct analysis *analysis, const struct analyzer *analyzer);
/* In Istio's order (level, code, object, text), each once. */
void analysis_sort(struct analysis *analysis);

/* IST0101 */
struct str finding_code(const struct finding *finding);
struct str finding_level(const struct finding *finding); /* Error, Warning, Info */
/* "VirtualService default/reviews" */
struct str finding_origin(const struct finding *finding, struct arena *arena);
