/* SPDX-License-Identifier: Apache-2.0 */
/* exec.h: compiling and running graphs.
 *
 * goss_schedule is the part of a graph that given outputs and updates need, compiled for one precision into parallel
 * phases; it is immutable and independent of the graph. goss_params holds the persistent tensors by name. goss_exec is
 * an instance with its memory: one slab, planned at the symbols' maxima; a run allocates nothing. Results are
 * bit-identical for any number of threads. */
#ifndef GOSSAMER_EXEC_H
#define GOSSAMER_EXEC_H

#include "gossamer/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What GOSS_REAL stands for. */
typedef enum goss_precision { GOSS_F32, GOSS_F64 } goss_precision;

/* The objects of this header, each with a section below. */
typedef struct goss_schedule goss_schedule; /* compiled, immutable */
typedef struct goss_params goss_params;     /* parameter store */
typedef struct goss_exec goss_exec;         /* executor */
typedef struct goss_threads goss_threads;   /* thread pool */

/* ---- compiling ---- */

/* How a graph is compiled. Names in lists are separated by commas. */
typedef struct goss_schedule_options {
    goss_precision precision; /* GOSS_F32; GOSS_F64 is for checking */
    const char *bf16;         /* parameters stored as bfloat16; they cannot be assigned. NULL: none */
    bool no_reuse;            /* a separate buffer for every value (tests of memory planning) */
    bool no_tiles;            /* one operation per phase (tests of partitioning) */
    /* Passes and choices of kernels to disable, besides those that the environment variable GOSSAMER_DISABLE names;
     * "all": all that are not mandatory; NULL: none. goss_passes_text lists them. goss_schedule_compile takes rewrite
     * rules, too; those of a graph, which its gradients have used, are disabled by goss_graph_disable. */
    const char *disable;
    /* Passes after which the program (gossamer/program.h) or the schedule is printed, besides those that
     * GOSSAMER_PRINT names; "program": the program that the schedule is made from; "chains": the neighbouring
     * elementwise instructions that a run fuses, when counts are set; "all": all of it. The text goes to the log
     * (goss_log_set) line by line, at GOSS_LOG_INFO. NULL: nothing. */
    const char *print;
} goss_schedule_options;
/* What rewrites, passes and kernels do, a line each: "on", "off" (by GOSSAMER_DISABLE as it is now) or "always"
 * (mandatory), a name, a description.
 * Errors: GOSS_E_ARGUMENT: GOSSAMER_DISABLE names what cannot be disabled; GOSS_E_NOMEM. Owns: goss_text_free. */
GOSS_API GOSS_MUST_USE goss_status goss_passes_text(char **out, goss_error *err);
/* f32, nothing disabled, nothing printed. */
GOSS_API goss_schedule_options goss_schedule_defaults(void);

/* Compiles what outputs (values to read after a run) and updates (values of goss_assign) need. The graph may be freed
 * afterwards. options: NULL: the defaults.
 * Errors: the graph's sticky error; GOSS_E_ARGUMENT: a name in `disable` or `print` that is unknown, or of a
 * mandatory pass or a rule; GOSS_E_NOMEM.
 * Owns: goss_schedule_free. Threads: the graph's; a schedule may be used by any number of executors and threads. */
GOSS_API GOSS_MUST_USE goss_status goss_compile(goss_graph *g, const goss_val *outputs, int n_outputs,
                                                const goss_val *updates, int n_updates,
                                                const goss_schedule_options *options, goss_schedule **out,
                                                goss_error *err);
/* Frees a schedule; its executors must be freed before. NULL is allowed. */
GOSS_API void goss_schedule_free(goss_schedule *p);
/* The schedule as text: phases, instructions, shapes, offsets. Returns NULL if memory is exhausted.
 * Owns: goss_text_free. */
GOSS_API char *goss_schedule_text(const goss_schedule *p);
/* The bytes that an executor of the schedule allocates for a number of threads. */
GOSS_API size_t goss_schedule_memory(const goss_schedule *p, int threads);

/* ---- parameters ----
 *
 * A store of named dense tensors of one precision. Several schedules (training, evaluation) share one store.
 * Parameters are numbered from 0 in the order in which they were added; an index out of range is a mistake of the
 * caller. Threads: a store may be read by several threads while none writes it or runs a schedule that assigns it. */

/* An empty store. Errors: GOSS_E_NOMEM. Owns: goss_params_free. */
GOSS_API GOSS_MUST_USE goss_status goss_params_new(goss_precision precision, goss_params **out, goss_error *err);
/* Frees a store; executors that borrow it must be freed before. NULL is allowed. */
GOSS_API void goss_params_free(goss_params *p);
/* The precision of the store. */
GOSS_API goss_precision goss_params_precision(const goss_params *p);
/* Adds the schedule's parameters that the store lacks, filled with zeros.
 * Errors: GOSS_E_SHAPE: a parameter of another shape is there; GOSS_E_ARGUMENT: or of another storage format, or the
 * precisions differ; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_params_add(goss_params *p, const goss_schedule *schedule, goss_error *err);
/* The number of parameters. */
GOSS_API int goss_params_count(const goss_params *p);
/* The name of parameter i, as goss_param was given it. Borrowed. */
GOSS_API const char *goss_params_name(const goss_params *p, int i);
/* The number of elements of parameter i: the product of its extents. */
GOSS_API int64_t goss_params_numel(const goss_params *p, int i);
/* The number of extents of parameter i; 0: one number. */
GOSS_API int goss_params_rank(const goss_params *p, int i);
/* The extents of parameter i, [goss_params_rank]. Borrowed. */
GOSS_API const int64_t *goss_params_shape(const goss_params *p, int i);
/* The index of the parameter of that name; -1 if there is none. */
GOSS_API int goss_params_find(const goss_params *p, const char *name);
/* Whether parameter i is stored as bfloat16 (goss_schedule_options.bf16). */
GOSS_API bool goss_params_is_bf16(const goss_params *p, int i);
/* The elements of parameter i: float or double, as the store's precision says, or 16-bit words of bfloat16. The address
 * never changes. Borrowed; may be written between runs. */
GOSS_API void *goss_params_data(const goss_params *p, int i);
/* Sets all elements of parameter i from values [numel], rounded to nearest where it is stored as bfloat16. */
GOSS_API void goss_params_set(goss_params *p, int i, const float *values);
/* Copies all elements of parameter i to values [numel], as floats: exact for f32 and bfloat16, rounded for f64. */
GOSS_API void goss_params_get(const goss_params *p, int i, float *values);

/* ---- threads ---- */

/* A pool of `threads` threads, the caller of goss_exec_run being one of them; <= 0: the environment variable
 * GOSSAMER_THREADS, else all processors that the process may use. Several executors may share a pool, one run at a
 * time. The pool's threads inherit the caller's affinity mask and may be moved within it while another program occupies
 * one of their processors. Errors: GOSS_E_ARGUMENT: GOSSAMER_THREADS is not a number from 1 to 1024; GOSS_E_NOMEM.
 * Owns: goss_threads_free. */
GOSS_API GOSS_MUST_USE goss_status goss_threads_new(int threads, goss_threads **out, goss_error *err);
/* Ends the threads. NULL is allowed. */
GOSS_API void goss_threads_free(goss_threads *t);
/* The number of threads, the caller's included. */
GOSS_API int goss_threads_count(const goss_threads *t);
/* The kernel variant in use: "avx512", "avx2", "neon" or "generic". GOSSAMER_ISA selects one. Static storage. */
GOSS_API const char *goss_kernel_variant(void);

/* ---- running ---- */

/* An executor. Borrows schedule, params (NULL if the schedule has none) and threads until goss_exec_free. Counts of
 * symbols start at their maxima. Errors: GOSS_E_ARGUMENT: a parameter is missing in the store; GOSS_E_NOMEM.
 * Owns: goss_exec_free. Threads: an executor belongs to one thread at a time. */
GOSS_API GOSS_MUST_USE goss_status goss_exec_new(const goss_schedule *schedule, goss_params *params,
                                                 goss_threads *threads, goss_exec **out, goss_error *err);
/* Frees the executor and its memory. NULL is allowed. */
GOSS_API void goss_exec_free(goss_exec *e);
/* Binds an input to the caller's memory (float, double or int32; dense, of the present counts), which is borrowed until
 * it is bound again or the executor is freed. Errors: GOSS_E_ARGUMENT: no input of that name. */
GOSS_API GOSS_MUST_USE goss_status goss_exec_bind(goss_exec *e, const char *input, const void *data, goss_error *err);
/* Sets the count of a symbol, from 1 to its maximum, and does the set-up that depends on shapes. Allocates nothing.
 * Errors: GOSS_E_ARGUMENT: no such symbol, or a count out of range. */
GOSS_API GOSS_MUST_USE goss_status goss_exec_count(goss_exec *e, const char *symbol, int64_t count, goss_error *err);
/* Sets seed and step of the random operations of the next runs. Equal pairs give equal draws. */
GOSS_API void goss_exec_seed(goss_exec *e, uint64_t seed, uint64_t step);
/* Runs the schedule once; then the assignments take effect. Errors: GOSS_E_ARGUMENT: an input that is not bound, an
 * index outside its table; parameters are then unchanged. */
GOSS_API GOSS_MUST_USE goss_status goss_exec_run(goss_exec *e, goss_error *err);
/* Output i after a run: dense; valid until the next run. An output that is a parameter has the value from before the
 * run's assignment. numel: receives the number of elements; may be NULL. */
GOSS_API const void *goss_exec_output(const goss_exec *e, int i, int64_t *numel);

/* ---- profiling ---- */

/* The peak rates of a machine with a pool of threads. */
typedef struct goss_machine {
    int threads;
    double flops; /* operations per second of fused multiply-adds on registers, in the kernels' variant */
    double bytes; /* bytes per second read and written by copies larger than every cache */
} goss_machine;
/* Measures them, in about 0.2 s. Errors: GOSS_E_NOMEM (32 MiB per thread). */
GOSS_API GOSS_MUST_USE goss_status goss_machine_measure(goss_threads *t, goss_machine *out, goss_error *err);

/* Starts timing e's runs by instruction (a few percent slower; results are bit-identical). Errors: GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_profile_begin(goss_exec *e, goss_error *err);
/* Of the runs since goss_profile_begin, a table by operation and one by phase: time, operations and bytes per second,
 * and their shares of the machine's peak (NULL: without shares). An operation's bytes are those of its operands and
 * results, wherever they are; a phase's are those that cross its boundary. NULL: nothing was run, or no memory.
 * Owns: goss_text_free. */
GOSS_API char *goss_profile_text(const goss_exec *e, const goss_machine *machine);
/* The first events as JSON in the trace event format, for Perfetto's viewer. NULL as above. Owns: goss_text_free. */
GOSS_API char *goss_profile_trace(const goss_exec *e);
/* Stops timing and discards what was recorded. */
GOSS_API void goss_profile_end(goss_exec *e);
/* All in one: measures the machine, profiles `runs` runs and returns the tables; NULL with err set if that fails.
 * Owns: goss_text_free. */
GOSS_API char *goss_exec_profile(goss_exec *e, int runs, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
