/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/outlier_log.h - ejections as Envoy writes them into its event log.
 *
 * Source: ENVOY.md 7.6; envoy.data.cluster.v3.OutlierDetectionEvent as proto JSON.
 */
#pragma once

#include "base/buf.h"
#include "proxy/core/outlier.h"

#define OUTLIER_LOG_LINE_BYTES_MAX 4096u

/* One line with its newline: {"type":"CONSECUTIVE_5XX","timestamp":...}. RC_FULL: the
 * buffer's limit is reached. */
enum rc outlier_log_line(const struct outlier_event *event, struct buf *out);
