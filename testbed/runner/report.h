/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/report.h - verdicts for people (text) and machines (TAP,
 * JUnit, JSON), written into a buffer as tests end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "config/yaml/diag.h"
#include "testbed/runner/run.h"

enum report_format { REPORT_TEXT, REPORT_TAP, REPORT_JUNIT, REPORT_JSON };

struct report {
    enum report_format format;
    bool has_colour;
    bool is_quiet; /* text: only failures and the count */
    struct str engine_name;
    struct str rerun; /* of the command line: " -f mesh.yaml"; */
    struct buf *out;
    /* TAP, JUnit and JSON end with its warnings, each once; NULL: they are told elsewhere. */
    const struct diag_list *warnings;
    struct json json;
    uint32_t passed_count, failed_count;
    uint32_t unseen_count; /* not observable: neither passed nor failed */
    uint32_t suite_count;
};

void report_begin(struct report *report, uint32_t test_count);
void report_suite(struct report *report, const struct suite *suite, uint32_t test_count);
void report_test(struct report *report, const struct suite *suite, const struct test_result *result,
                 int64_t took_ns);
void report_suite_end(struct report *report);
void report_end(struct report *report);
