/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/libyaml.h - all of YAML, by libyaml, and what is wrong with a text
 * in its words and with a cure.
 */
#pragma once

#include "config/yaml/piece.h"

/* Appends the piece's documents. */
void libyaml_read(const struct piece *piece, struct builder *builder, struct documents *out);
