/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/syntax.h - may a name, host, regex, header or duration be
 * written so? Each check complains at the view where it stands.
 *
 * Source: ISTIO.md 9.2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "config/resource/label.h"
#include "config/yaml/view.h"

#define SYNTAX_REGEX_CHARS_MAX 1024u /* Istio's own limit */

/* RFC 1123: letters, digits and '-', at most 63, an alphanumeric at both ends. */
bool syntax_is_label(struct str text);
/* The same, lower case only: what Kubernetes takes as a name part. */
bool syntax_is_header_name(struct str text); /* an HTTP token */

void syntax_check_name(const struct view *view, struct str text, struct str what);
/* A full name; wildcards in the first label when asked. Addresses are checked
 * by the caller. */
void syntax_check_domain(const struct view *view, struct str host);
void syntax_check_wildcard_domain(const struct view *view, struct str host);
void syntax_check_port(const struct view *view, int64_t port);
/* Compiles it as RE2 would. */
void syntax_check_regex(const struct view *view, struct str pattern);
/* At least 1 ms, in whole milliseconds. */
void syntax_check_duration(const struct view *view, int64_t ns);
/* A field that is such a duration; 0 where nothing is said. */
int64_t syntax_duration_ns(const struct view *parent, struct str name);
/* A field that is a count of protobuf's int32; 0 where nothing is said. */
uint32_t syntax_count(const struct view *parent, struct str name);
/* The format string of a header operation: %COMMAND(args)%, %%. */
void syntax_check_header_value(const struct view *view, struct str value);
void syntax_check_labels(const struct view *map, const struct label_list *labels);
/* exportTo: ".", "*" or names; "~" only for services. */
void syntax_check_export_to(const struct view *list, const struct text_list *texts,
                            struct str namespace);
