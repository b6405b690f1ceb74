/* SPDX-License-Identifier: Apache-2.0 */
/* exec.h: from a graph to results.
 *
 * goss_schedule is the part of a graph that given outputs need, in order, compiled for one real type and a number of
 * threads' worth of parallel phases; it is immutable and independent of the graph. goss_params holds the persistent
 * tensors by name. goss_exec is a run: one slab of planned memory; running allocates nothing.
 * Results have the same bits for any number of threads. */
#ifndef GOSSAMER_EXEC_H
#define GOSSAMER_EXEC_H

#include "gossamer/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum goss_precision { GOSS_F32, GOSS_F64 } goss_precision;

typedef struct goss_schedule goss_schedule;
typedef struct goss_params goss_params;
typedef struct goss_exec goss_exec;
typedef struct goss_threads goss_threads;

typedef struct goss_schedule_options {
    goss_precision precision; /* GOSS_F32; GOSS_F64 is for checking */
    const char *bf16; /* parameters kept as bfloat16, names with commas between; NULL: none. They can not be assigned */
    bool no_reuse;    /* every tensor has memory of its own (for tests of the planner) */
    bool no_tiles;    /* each phase holds one operation (for tests of the tiling) */
    /* Passes and choices to leave out, names with commas between, besides those that the environment's
     * GOSSAMER_DISABLE names; NULL: none. docs/architecture.md lists them. */
    const char *disable;
    /* Passes after which the program (gossamer/program.h) or the schedule is printed, besides those that
     * GOSSAMER_PRINT names; "program": the program that the schedule is made from; "all": all of it. The text goes to
     * the log (goss_log_set) line by line, at GOSS_LOG_INFO. NULL: nothing. */
    const char *print;
} goss_schedule_options;
GOSS_API goss_schedule_options goss_schedule_defaults(void);

/* Compiles what is needed for the outputs (values to read after a run) and updates (goss_assign values).
 * Errors: the graph's sticky error; GOSS_E_ARGUMENT for a name in `disable` or `print` that is no pass; GOSS_E_NOMEM.
 * The graph may be freed afterwards. Free with goss_schedule_free. */
GOSS_API GOSS_MUST_USE goss_status goss_compile(goss_graph *g, const goss_val *outputs, int n_outputs,
                                                const goss_val *updates, int n_updates,
                                                const goss_schedule_options *options, goss_schedule **out,
                                                goss_error *err);
GOSS_API void goss_schedule_free(goss_schedule *p);
/* The program as text: phases, operations, shapes, offsets. Free with goss_text_free. */
GOSS_API char *goss_schedule_text(const goss_schedule *p);
GOSS_API size_t goss_schedule_memory(const goss_schedule *p, int threads); /* bytes an exec of it will hold */

/* Parameters: named dense tensors of one precision, zero at first. A program's own parameters are declared with
 * goss_params_add; several programs (train, evaluate) share one store. */
GOSS_API GOSS_MUST_USE goss_status goss_params_new(goss_precision precision, goss_params **out, goss_error *err);
GOSS_API void goss_params_free(goss_params *p);
GOSS_API goss_precision goss_params_precision(const goss_params *p);
GOSS_API GOSS_MUST_USE goss_status goss_params_add(goss_params *p, const goss_schedule *program, goss_error *err);
GOSS_API int goss_params_count(const goss_params *p);
GOSS_API const char *goss_params_name(const goss_params *p, int i);
GOSS_API int64_t goss_params_numel(const goss_params *p, int i);
GOSS_API int goss_params_rank(const goss_params *p, int i);
GOSS_API const int64_t *goss_params_shape(const goss_params *p, int i);
GOSS_API int goss_params_find(const goss_params *p, const char *name); /* -1: not there */
GOSS_API bool goss_params_is_bf16(const goss_params *p, int i);        /* kept so by goss_schedule_options */
/* Stable address of the numbers: float or double as the store's precision says, or the 16 bits of bfloat16. */
GOSS_API void *goss_params_data(const goss_params *p, int i);
/* All numbers from and to floats, whatever they are kept as. bfloat16: the nearest one. */
GOSS_API void goss_params_set(goss_params *p, int i, const float *values);
GOSS_API void goss_params_get(const goss_params *p, int i, float *values);

/* A set of threads to run on; several execs may share it, one run at a time. threads <= 0: GOSSAMER_THREADS, else all
 * usable. The threads that it makes (the caller of goss_exec_run is one more) have the caller's affinity mask; while
 * another program is on one of their processors they may be moved within it. */
GOSS_API GOSS_MUST_USE goss_status goss_threads_new(int threads, goss_threads **out, goss_error *err);
GOSS_API void goss_threads_free(goss_threads *t);
GOSS_API int goss_threads_count(const goss_threads *t);
/* The kernels in use: "avx512", "avx2", "neon" or "generic"; GOSSAMER_ISA forces one. */
GOSS_API const char *goss_kernel_variant(void);

/* Borrows program, params (NULL if it has none) and threads until goss_exec_free. Symbols start at their maxima. */
GOSS_API GOSS_MUST_USE goss_status goss_exec_new(const goss_schedule *program, goss_params *params,
                                                 goss_threads *threads, goss_exec **out, goss_error *err);
GOSS_API void goss_exec_free(goss_exec *e);
/* Binds an input by name to memory of the caller (float, double or int32, dense) that must live through the runs. */
GOSS_API GOSS_MUST_USE goss_status goss_exec_bind(goss_exec *e, const char *input, const void *data, goss_error *err);
/* Sets the run-time count of a symbol, 1 .. its maximum. Allocates nothing. */
GOSS_API GOSS_MUST_USE goss_status goss_exec_count(goss_exec *e, const char *symbol, int64_t count, goss_error *err);
GOSS_API void goss_exec_seed(goss_exec *e, uint64_t seed,
                             uint64_t step); /* for the random operations of the next runs */
/* One run. Errors: an input that is not bound, an index outside its table. */
GOSS_API GOSS_MUST_USE goss_status goss_exec_run(goss_exec *e, goss_error *err);
/* The i-th output after a run: dense, valid until the next run; a parameter as it was before the run assigned it. numel
 * may be NULL. */
GOSS_API const void *goss_exec_output(const goss_exec *e, int i, int64_t *numel);

/* What a machine does at most with a set of threads, measured in some 0.2 s. */
typedef struct goss_machine {
    int threads;
    double flops; /* operations a second of fused multiply-adds on registers alone, in the kernels' variant */
    double bytes; /* bytes a second read and written by copies that no cache holds */
} goss_machine;
/* Errors: GOSS_E_NOMEM (32 MiB a thread). */
GOSS_API GOSS_MUST_USE goss_status goss_machine_measure(goss_threads *t, goss_machine *out, goss_error *err);

/* From begin to end e's runs are timed operation by operation (a few percent slower; the bits stay). Between them, for
 * what was run so far: _text: tables by operation and by phase: time, operations a second, bytes a second, and shares
 * of what `machine` can do (NULL: without shares). Bytes of an operation are those of its operands and result, wherever
 * they lie; of a phase, those that it passes to and from others. _trace: the first events as JSON in the trace event
 * format, as Perfetto's viewer reads it. Both: free with goss_text_free; NULL without memory, or when nothing was run.
 */
GOSS_API GOSS_MUST_USE goss_status goss_profile_begin(goss_exec *e, goss_error *err);
GOSS_API char *goss_profile_text(const goss_exec *e, const goss_machine *machine);
GOSS_API char *goss_profile_trace(const goss_exec *e);
GOSS_API void goss_profile_end(goss_exec *e);
/* All of it: measures the machine, profiles so many runs, gives the tables. Free with goss_text_free. */
GOSS_API char *goss_exec_profile(goss_exec *e, int runs, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
