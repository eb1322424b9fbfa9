/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/object.h - a Kubernetes object as a tree: what it is called,
 * of which kind it is, and whether Istio's webhook would take it.
 *
 * Unlike config/resource nothing becomes typed: every kind of Istio's can be
 * judged, those that pocketmesh does not act on as well.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/origin.h"
#include "base/str.h"
#include "config/yaml/diag.h"
#include "config/yaml/tree.h"
#include "config/yaml/view.h"

struct object_kind;

/* Trees and slices are the documents'. */
struct object {
    struct str group, version, kind;
    struct str namespace, name; /* as written; the namespace may be empty */
    const struct node *root, *spec, *labels, *annotations;
    struct origin origin;
    uint32_t document_line;          /* where its document (or list item) begins */
    const struct object_kind *istio; /* NULL: none of Istio's kinds */
};

struct object_list {
    struct object *items;
    uint32_t count, capacity;
};

/* Adds a document, or each item of a List. What has no kind is said. */
void object_list_add(struct object_list *list, const struct node *document, struct arena *arena,
                     struct diag_list *diags);

/* The value of an annotation, or an empty text with *found false. */
struct str object_annotation(const struct object *object, struct str name, bool *found);

/* Some version of the kind is the object's. */
bool object_is(const struct object *object, struct str group, struct str kind);

struct object_question {
    struct arena *arena;
    struct diag_list *diags; /* what is wrong; errors and warnings in Istio's words */
    struct str namespace;    /* the object's, or what takes its place */
    bool is_strict;          /* unknown fields are errors, as in istioctl validate */
    bool has_crd;            /* the CRDs' schema judges, too */
};

/* Its spec has the shape of its kind, unknown fields aside: istiod can read it. */
bool object_is_readable(const struct object *object, struct arena *arena);
/* Judges an object of Istio's kinds; others are fine. */
void object_judge(const struct object *object, struct object_question asked);
/* Services' port names and Deployments' labels, as istioctl validate has it. */
void object_judge_kubernetes(const struct object *object, struct object_question asked);
