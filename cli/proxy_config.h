/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_config.h - `pocketmesh proxy-config`: what a proxy is told, from
 * the files alone.
 */
#pragma once

/* argv[0] is the command's word. The exit code: 0 fine, 2 the input is wrong,
 * 4 the output could not be written. */
int cmd_proxy_config(int argc, char **argv);
