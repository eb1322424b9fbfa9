/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bench.h - micro benchmarks, one function each; argv[0] is its name.
 * They print what they measured and answer with an exit code.
 */
#pragma once

int bench_sim(int argc, char **argv);
int bench_live(int argc, char **argv);
int bench_wire(int argc, char **argv);
int bench_exchange(int argc, char **argv);
int bench_lb(int argc, char **argv);
int bench_tls(int argc, char **argv);
int bench_translate(int argc, char **argv);
