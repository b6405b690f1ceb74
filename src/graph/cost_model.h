/* SPDX-License-Identifier: Apache-2.0 */
/* cost_model.h: the thresholds of the schedule, of the executor and of the operations' cost rules.
 *
 * Costs are in floating-point operations (flops) as counted by an operation's cost rule, one per element for
 * elementwise work; sizes are in bytes, elements or items as each row says. Decisions depend on shapes alone, except
 * for rows marked THREADS, so that results do not depend on the machine or the number of threads; rows marked BITS
 * determine the order of summation: another value gives other bits.
 *
 * Each row states the measurement that set it: machine (docs/performance.md), workload, before -> after;
 * docs/performance-log.md has more. "Varied": other values were measured by bench/thresholds.py on machine B, two
 * threads. Plans are how the 24 workloads of bench/ are computed; ratios are times with the other value to those with
 * this one; the log has all of them and their intervals. Parameters inside a kernel (tiles, blocks, packing) belong to
 * the kernels. */
#ifndef GOSS_GRAPH_COST_MODEL_H
#define GOSS_GRAPH_COST_MODEL_H

/* ---- rewrites ---- */

/* Ratio of elements. A sum that reduces this much is not merged with a sum of it. Varied, 4 and 64: other plans of the
 * 4 workloads with batch norm, 0.98 to 1.04, all within noise. */
enum { GOSS__COST_SMALL_SUM = 16 };

/* ---- partition: instructions into phases ---- */

/* Flops. A cheaper instruction joins a serial phase; a more expensive one opens a new phase: a parallel region costs a
 * few microseconds, 20,000 flops take one or two. Varied, 5,000 and 80,000: 16 and 10 other plans; slower beyond noise
 * one of 11 (5,000: transformer-lowrank 1.13) and none of 8, faster none. */
#define GOSS__COST_SMALL 20000.0
/* Flops. Added to a phase's score for each instruction besides its cost, so that many small ones count.
 * Varied, 250 and 4,000: no other plan, and 3, which are no faster (1.00 to 1.05). */
#define GOSS__COST_JOINED 1000.0
/* Factor of the score of a serial phase relative to a parallel one of the same instructions. Varied, 0.2 and 0.8: 2 and
 * 7 other plans, 0.95 to 1.04, all within noise. */
#define GOSS__COST_SERIAL_SHARE 0.4
/* Items. Fewer occupy few threads: the score of a phase of n items below this is multiplied by 1 - 0.5 / n, and an
 * operation that divides well (goss__op_cost.wide) is not sliced into them. Varied: with 4, few-shot, which has 4
 * episodes, takes 1.28 times as long and 236 MB instead of 143; with 16, few-shot-support has another plan, 1.02. */
#define GOSS__COST_FEW_ITEMS 8
/* Ratio. A number of items replaces one tried before only if its score is higher by this factor: equal scores
 * differ by rounding. Varied, 1 and 1.05: no other plan, and 2 (adapt 1.02, within noise). */
#define GOSS__COST_TIE 1.0001
/* Flops. From here on an operation that divides well gets a phase of its own instead of being sliced into few items.
 * Varied, 25,000 and 400,000: no other plan. */
#define GOSS__COST_DIVIDED 1e5

/* ---- sums over items ---- */

/* Slots of the sums over items of a phase, BITS: the maximum, halved down to the minimum while together they exceed
 * this many bytes. Machine A, chunked-1m: 4 instead of 16 slots for large addends, 124 -> 54 MB at the same speed;
 * machine C, transformer-lowrank, all sums together instead of each alone: 102 -> 66 MB at the same speed. Whether 16
 * suffice for two to eight threads was not measured. */
enum { GOSS__SLOTS = 16, GOSS__SLOTS_LEAST = 4, GOSS__SLOTS_BYTES = 16 << 20 };
/* Ratio, BITS. A sum over items uses slots if they have at most this many times the bytes of the addends; otherwise
 * their memory traffic would exceed that of the operands. Varied, 1 and 4: 3 and 6 other plans, 0.96 to 1.02, all
 * within noise. */
#define GOSS__COST_SLOTS_RATIO 2.0
/* Bytes, BITS. A result up to this size always uses slots: a page. Varied, 1,024 and 16,384: 4 and 12 other plans,
 * 1.00 to 1.05, none faster, few-shot slower beyond noise with 16,384. */
#define GOSS__COST_SLOTS_FREE 4096.0

/* ---- sink: work into the phase that reads its result ---- */

/* Passes over memory of a result that leaves its phase: a write, which first reads the lines, and a read; and of an
 * operand that is read again. Counted. Varied, 2 and 5, 0.5 and 2: no other plan. */
#define GOSS__COST_STORED 3.0
#define GOSS__COST_READ 1.0

/* ---- rematerialise: recompute where a value is read instead of storing it ---- */

/* Bytes. A smaller array stays in some cache between phases and is stored. Machine A, few-shot: 140 -> 135 ms and 290
 * -> 235 MB, few-shot-support 146 -> 124, maml-conv4-1 102 -> 97; the bound itself lies between the maps of these and
 * an L2, and was not timed; 1e6 and 1.6e7 give 8 other plans each. */
#define GOSS__COST_FAR_BYTES 4e6
/* A convolution is cheap to rematerialise with at most this many products per output, and if its result has at least
 * this many times the channels of the image. Machine C, few-shot, 9 products, 64 channels of 1: 83 -> 75 ms and 232 ->
 * 136 MB. The bounds exclude a depthwise convolution, whose result is no larger than the image; 27 products, and 2 and
 * 16 channels, give no other plan. */
enum { GOSS__COST_CHEAP_PRODUCTS = 9, GOSS__COST_CHEAP_CHANNELS = 4 };

/* ---- units and tiles ---- */

/* Bytes. The live values of a unit fit the L2 of most cores (256 KB to 2 MB). Machine A: maml-1 0.20 -> 0.163 ms,
 * maml-5 0.84 -> 0.68, by counting live values instead of all; the bound itself was not timed; half and twice it
 * give 14 and 8 other plans. */
#define GOSS__COST_UNIT_BYTES 262144
/* Units per phase, if there are enough items, for load balancing, and tiles of one without sums over items. Varied, 4
 * and 16: 19 and 20 other plans. 4: lstm-64 0.96 (but 24 MB instead of 20) and hyper-mlp 0.99, generated-conv4 1.07 and
 * lstm-generated 1.01; 16: hyper-mlp 1.07, maml-1 1.06; others within noise. More than two threads were not measured,
 * and 4 units occupy no more than 4. */
#define GOSS__COST_UNITS 8
/* Rows, BITS. A unit has at least this many, where the bytes above allow, if it runs a loop whose steps multiply rows
 * by a matrix that all items share: a step reads the matrix and dispatches some twenty small instructions once for all
 * of them. Machine C under load, an update of the recurrent agent of configs/cartpole.ini (concat) with 8 lives a
 * minibatch, one thread: 1 row 353 ms, 4 rows 175, 8 rows 180, which would leave a second core idle. */
#define GOSS__COST_LOOP_ROWS 4
/* Flops. The minimum of a unit, to be worth its dispatch: one or two microseconds. Varied, 5,000: 3 other plans, 0.99
 * and 1.01, within noise; 80,000: 3 other plans, not timed. */
#define GOSS__COST_UNIT_WORTH 20000.0
/* Ratio. The work of a batched call to its set-up (goss__op_cost.setup), if there are enough items. Machine A,
 * few-shot, whose convolutions transform their filters once per call: 169 -> 145 ms. Together with GOSS__COST_REREAD a
 * large shared matrix is read once per 96 rows: machine C, adapt-10000, 64 rows 70 ms, 96 rows 64, 128 rows 63 (but
 * chunked-1m then 92 MB instead of 54). */
#define GOSS__COST_SETUP_RATIO 128
/* Flops per weight of packing or transforming a convolution's weights, or of writing and accumulating their gradient.
 * Chosen with the ratio above. Varied, 8 and 32: 3 and 2 other plans; few-shot 1.05 and 1.03, the former beyond noise,
 * speech-adapt 0.99 and 1.00. */
#define GOSS__COST_CONV_SETUP 16.0
/* Flops per element of reading a large shared matrix, or of accumulating into a large result, per call: three quarters
 * of the arithmetic of a row. Measured with the ratio above. */
#define GOSS__COST_REREAD 1.5

/* ---- order: neighbours for chains ---- */

/* Instructions that are searched for the next link of a chain: it bounds compile time to linear. Varied, 16
 * and 256: 14 and 5 other plans, 1.01 to 1.07, all within noise. */
enum { GOSS__COST_LOOK_AHEAD = 64 };
/* An instruction with this many times fewer bytes is hoisted before one whose result has at least this many bytes.
 * Machine A, with the loops of fused.def for norms that this enables: few-shot 125 -> 115 ms, maml-conv4-1 108 -> 90
 * (all of that afternoon's changes). Neither number was timed; a quarter and four times of either
 * give 3 to 7 other plans. */
enum { GOSS__COST_AHEAD_RATIO = 16, GOSS__COST_AHEAD_BYTES = 1 << 20 };

/* ---- products of matrices ---- */

/* Elements; rows per item; items, and total rows. A shared right operand with more elements than this is not read again
 * for each item if items have fewer rows than this and items and total rows are fewer than these: the product is a
 * phase of its own, divided by columns. Machine A, adapt (25 rows times 784 x 128, 400 KB): two threads read half of
 * the matrix each, adapt-bf16 0.233 -> 0.195 ms with the conversion's change. */
enum { GOSS__COST_SHARED_LARGE = 1 << 16, GOSS__COST_SHARED_ROWS = 16, GOSS__COST_SHARED_ITEMS = 512 };
/* Columns or rows. The granularity at which a product is divided: a multiple of every register tile. */
enum { GOSS__COST_PART = 64 };
/* THREADS. Parts per thread: few, since each reads the other operand again and its own in long runs, but several, for
 * load balancing. Machine A: adapt 0.51 -> 0.33 ms and adapt-bf16 0.37 -> 0.24, instead of 64 interleaved parts. */
enum { GOSS__COST_PARTS_A_THREAD = 4 };
/* Flops. A product is divided from here on; a row-vector product, which is bound by memory, from less. Varied,
 * 50,000 and 800,000: 2 and 9 other plans, 0.99 to 1.05, all within noise. Row vectors, 12,500 and 200,000: no other
 * plan, and 2, adapt 1.05 and adapt-bf16 1.02, the latter beyond noise. */
enum { GOSS__COST_PARTS_WORTH = 200000, GOSS__COST_PARTS_WORTH_ROW = 50000 };

/* ---- elementwise work ---- */

/* Elements per part of elementwise work and conversions, and the maximal number of parts. Varied, 4,096 and
 * 65,536, and 16 and 256: no other plan. Parallel phases for elementwise work from 8,000 elements on made no difference
 * (machine C). */
enum { GOSS__COST_PART_ELEMENTS = 16384, GOSS__COST_PARTS_MOST = 64 };
/* Elements of a chain's block: its operands and results fit the L1 cache, and a call is worth its dispatch. Machine A:
 * 512 and 2,048 made no difference. */
enum { GOSS__COST_BLOCK = 1024 };
/* Elements from which on a step joins a chain, so that preparing its kernel's arguments pays. It was 2,048 before
 * arguments were prepared when counts are bound; no figure was kept. */
enum { GOSS__COST_CHAIN_WORTH = 256 };
/* Maximal steps of a chain: bounds arrays on the stack. */
enum { GOSS__COST_CHAIN_STEPS = 64 };

/* ---- runs ---- */

/* Flops. A phase with less runs on the caller's thread: twice the minimum of a unit. Varied, 10,000 and 160,000: 1 and
 * 3 other plans, 0.99 to 1.05, all within noise. */
#define GOSS__COST_PARALLEL 40000
/* Elements per chunk when slots are summed and parameters assigned, and the number of chunks from which on this runs in
 * parallel: 64 KB, a fraction of any L2. Varied, 4,096 and 65,536; 2 and 16 chunks: lstm-64 and few-shot 0.95 to 1.02,
 * all within noise. */
enum { GOSS__COST_CHUNK = 16384, GOSS__COST_CHUNKS = 4 };

#endif
