/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/address_fault.h - what is wrong with an address or a range of them,
 * in the words of Go's net/netip, which istiod passes on.
 */
#pragma once

#include "config/yaml/view.h"

/* "10.0.0.0/8": what ParsePrefix says behind its name; empty: it is a range. The text is in
 * the view's arena. */
struct str address_fault_of_range(const struct view *view, struct str text);
