/* SPDX-License-Identifier: Apache-2.0 */
/* cost_model.h: every number by which the schedule, its runs and the operations' cost rules decide, in one place.
 *
 * A cost is in floating-point operations (flops) as an operation's cost rule counts them, where elementwise work counts
 * one an element; sizes are in bytes, elements or items as each row says. All numbers but those marked THREADS decide
 * on shapes alone, so that results do not depend on the machine or the number of threads; those marked BITS decide in
 * which order sums are added: another value gives other bits.
 *
 * Behind each row stands the measurement that set it: machine (docs/performance.md), workload, before -> after; more of
 * most of them is in docs/performance-log.md. "Not measured" is said where no measurement is known: such a number was
 * chosen by the reason given, and no workload of bench/ is known to want another. What happens inside a kernel (tiles,
 * blocks, packing) is the kernels' own and stands there. */
#ifndef GOSS_GRAPH_COST_MODEL_H
#define GOSS_GRAPH_COST_MODEL_H

/* ---- rewrites ---- */

/* Ratio of elements. A sum over so many is summed further by itself instead of merging with the sum of it. Not
 * measured. */
enum { GOSS__COST_SMALL_SUM = 16 };

/* ---- partition: instructions into phases ---- */

/* Flops. A cheaper instruction joins a serial phase; a dearer one opens a phase of its own. Not measured: a parallel
 * region costs a few microseconds, 20,000 flops take one or two. */
#define GOSS__COST_SMALL 20000.0
/* Flops. What an instruction that joins adds to a phase's score besides its cost: many small ones count, too. Not
 * measured. */
#define GOSS__COST_JOINED 1000.0
/* Share. The score of a serial phase beside a parallel one of the same instructions. Not measured. */
#define GOSS__COST_SERIAL_SHARE 0.4
/* Items. Fewer keep few threads busy: the score of a phase of n < this many is times 1 - 0.5 / n, and an operation
 * that divides itself well (goss__op_cost.wide) is not cut into them. Not measured. */
#define GOSS__COST_FEW_ITEMS 8
/* Ratio. A number of items is preferred to one tried before only where it scores so much more: ties stay with the
 * first. Not measured. */
#define GOSS__COST_TIE 1.0001
/* Flops. From here on an operation that divides itself well stands alone rather than be cut into few items. Not
 * measured. */
#define GOSS__COST_DIVIDED 1e5

/* ---- sums over items ---- */

/* Slots of a sum over items, BITS: at most so many, halved down to the least while all of them together have more
 * bytes than this. Machine A, chunked-1m: 4 instead of 16 slots for large addends, 124 -> 54 MB at the same speed.
 * That 16 are enough for two to eight threads was not measured. */
enum { GOSS__SLOTS = 16, GOSS__SLOTS_LEAST = 4, GOSS__SLOTS_BYTES = 16 << 20 };
/* Ratio, BITS. A sum over items takes slots where those have at most so many times the bytes of what is summed: more
 * would be a longer way through memory than the operands'. Not measured. */
#define GOSS__COST_SLOTS_RATIO 2.0
/* Bytes, BITS. A result this small takes slots whatever is summed. Not measured: a page. */
#define GOSS__COST_SLOTS_FREE 4096.0

/* ---- sink: work into the phase that reads its result ---- */

/* Passes over memory of a result that leaves its phase: written, which reads its lines first, and read; and of an
 * operand that is read anew. Counted, not measured. */
#define GOSS__COST_STORED 3.0
#define GOSS__COST_READ 1.0

/* ---- rematerialise: computed where it is read instead of kept ---- */

/* Bytes. A smaller array stays in some cache from one phase to the next, and is kept. Machine A, few-shot: 140 -> 135
 * ms and 290 -> 235 MB, few-shot-support 146 -> 124, maml-conv4-1 102 -> 97; the bound itself lies between the maps of
 * these and an L2, and was not varied. */
#define GOSS__COST_FAR_BYTES 4e6
/* A convolution is cheap to compute again at so few products an output, and where its result has at least so many
 * times the channels of the image. Machine C, few-shot, 9 products, 64 channels of 1: 83 -> 75 ms and 232 -> 136 MB.
 * Neither bound was varied: a depthwise convolution, whose result is no larger than the image, is not to pass. */
enum { GOSS__COST_CHEAP_PRODUCTS = 9, GOSS__COST_CHEAP_CHANNELS = 4 };

/* ---- units and tiles ---- */

/* Bytes. What is alive of a unit at once stays in the L2 of most cores (256 KB to 2 MB). Machine A: maml-1 0.20 ->
 * 0.163 ms, maml-5 0.84 -> 0.68, by counting what is alive at once instead of all; the bound itself was not varied. */
#define GOSS__COST_UNIT_BYTES 262144
/* Units. A phase has so many if its items allow, to be shared out. Not measured. */
#define GOSS__COST_UNITS 8
/* Flops. A unit does at least so much, to be worth its dispatch. Not measured: one or two microseconds. */
#define GOSS__COST_UNIT_WORTH 20000.0
/* Ratio. A batched call does so many times the work of its set-up (goss__op_cost.setup), where there are items enough.
 * Machine A, few-shot, whose convolutions transform their filters once a call: 169 -> 145 ms. With GOSS__COST_REREAD
 * it makes a large shared matrix be read once for 96 rows: machine C, adapt-10000, 64 rows 70 ms, 96 rows 64, 128 rows
 * 63 (but chunked-1m then 92 MB instead of 54). */
#define GOSS__COST_SETUP_RATIO 128
/* Flops a weight. What packing or transforming a convolution's weights takes, or writing and adding their gradient.
 * Not measured by itself: it was chosen with the ratio above. */
#define GOSS__COST_CONV_SETUP 16.0
/* Flops an element. What reading a large shared matrix, or adding to a large result, costs a call: three quarters of
 * the arithmetic of a row. Measured with the ratio above. */
#define GOSS__COST_REREAD 1.5

/* ---- order: neighbours for chains ---- */

/* Instructions that are looked through for the next link of a chain. Not measured: it bounds compiling to linear
 * time. */
enum { GOSS__COST_LOOK_AHEAD = 64 };
/* What makes so many times fewer bytes goes before an instruction whose result has at least so many. Machine A, with
 * the loops of fused.def for norms that it makes possible: few-shot 125 -> 115 ms, maml-conv4-1 108 -> 90 (all of that
 * afternoon's changes). Neither number was varied. */
enum { GOSS__COST_AHEAD_RATIO = 16, GOSS__COST_AHEAD_BYTES = 1 << 20 };

/* ---- products of matrices ---- */

/* Elements; rows an item; items, and rows in all. A right operand of more than so many elements, which all rows share,
 * is not read anew for items of fewer rows than so few where items and rows in all are fewer than so many: the product
 * is a phase of its own, divided by columns. Machine A, adapt (25 rows times 784 x 128, 400 KB): two threads read half
 * of the matrix each, adapt-bf16 0.233 -> 0.195 ms with the conversion's change. */
enum { GOSS__COST_SHARED_LARGE = 1 << 16, GOSS__COST_SHARED_ROWS = 16, GOSS__COST_SHARED_ITEMS = 512 };
/* Columns or rows. A product is divided in blocks of so many: a multiple of every register tile. */
enum { GOSS__COST_PART = 64 };
/* THREADS. Parts a thread: few, since each reads the other operand anew and wants its own in long runs, but some,
 * since one may be held up. Machine A: adapt 0.51 -> 0.33 ms and adapt-bf16 0.37 -> 0.24, instead of 64 parts in
 * turns. */
enum { GOSS__COST_PARTS_A_THREAD = 4 };
/* Flops. A product is divided from here on; one of a single row, which waits for memory, from less. Not measured. */
enum { GOSS__COST_PARTS_WORTH = 200000, GOSS__COST_PARTS_WORTH_ROW = 50000 };

/* ---- elementwise work ---- */

/* Elements a part of elementwise work and conversions, and at most so many parts. Not measured by itself; parallel
 * phases for elementwise work from 8,000 elements on made no difference (machine C). */
enum { GOSS__COST_PART_ELEMENTS = 16384, GOSS__COST_PARTS_MOST = 64 };
/* Elements of a chain's block: what a chain reads and writes stays in the first-level cache, and a call is worth its
 * dispatch. Machine A: 512 and 2,048 made no difference. */
enum { GOSS__COST_BLOCK = 1024 };
/* Elements from which on a step joins a chain: preparing its kernel's arguments pays. It came down from 2,048 when
 * arguments began to be prepared where counts are set; no figure was kept. */
enum { GOSS__COST_CHAIN_WORTH = 256 };
/* Steps of a chain at most: a bound of the arrays on the stack, not of time. */
enum { GOSS__COST_CHAIN_STEPS = 64 };

/* ---- runs ---- */

/* Flops. A phase of less runs on the caller's thread. Not measured: twice what a unit is worth; from 8,000 numbers on
 * made no difference (machine C). */
#define GOSS__COST_PARALLEL 40000
/* Elements that a thread adds or copies at a time where slots are summed and parameters assigned, and the number of
 * such chunks from which on threads share them. Not measured: 64 KB, a part of any L2. */
enum { GOSS__COST_CHUNK = 16384, GOSS__COST_CHUNKS = 4 };

#endif
