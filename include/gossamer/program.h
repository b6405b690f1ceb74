/* SPDX-License-Identifier: Apache-2.0 */
/* program.h: the canonical program: what a computation means, independent of the graph that it was built in and of any
 * machine.
 *
 * A program is a list of operations in an order in which each can be computed (static single assignment: every value is
 * the result of exactly one operation and never changes), the named inputs, parameters and outputs among its values,
 * the symbols of its extents with their maxima, and the assignments that end a run (updates). It is what
 * goss_schedule_compile makes a schedule of, what files keep, and what exporters and bindings read. docs/program.md has
 * the text's grammar and the file's format.
 *
 * Numbering: values, operations, inputs, parameters, outputs, updates and symbols are numbered from 0; an operation's
 * operands have smaller numbers than its results. All pointers that accessors return are borrowed from the program.
 * Threads: a program is immutable and may be read by any number of threads. */
#ifndef GOSSAMER_PROGRAM_H
#define GOSSAMER_PROGRAM_H

#include "gossamer/exec.h"
#include "gossamer/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct goss_program goss_program;

/* One value: the result number `result` of operation `operation`. */
typedef struct goss_program_value {
    goss_type type;
    goss_shape shape; /* extents in the program's symbols: byte i + 1 of an extent is symbol i */
    int operation, result;
} goss_program_value;

/* One operation. Its attributes: goss_program_attribute_*. */
typedef struct goss_program_operation {
    const char *kind;  /* "conv", "input", "assign" ...: docs/program.md lists them */
    const char *name;  /* of inputs, parameters and random streams; else NULL */
    const char *scope; /* where it was built: "target / fc1"; "" at the top */
    int n_operands;
    const int *operands; /* values [n_operands] */
    int n_results;
    int first_result; /* its results are the values first_result, first_result + 1, ... */
    int n_regions;
    const goss_program *const *regions; /* nested programs [n_regions]: the body of a loop */
} goss_program_operation;

/* ---- making ---- */

/* The part of a graph that outputs and updates (goss_assign, goss_assign_rows values) need, as a program of its own:
 * the graph may be freed afterwards. names[n_outputs]: names of the outputs, unique and not empty; NULL, or a NULL
 * among them: "output0", "output1", ... by position.
 * Errors: the graph's sticky error; GOSS_E_ARGUMENT: a value of another graph, a name that is taken, an update that is
 * no assignment, a parameter that is assigned twice; GOSS_E_NOMEM. Owns: goss_program_free. */
GOSS_API GOSS_MUST_USE goss_status goss_program_create(const goss_graph *g, const goss_val *outputs,
                                                       const char *const *names, int n_outputs, const goss_val *updates,
                                                       int n_updates, goss_program **out, goss_error *err);
GOSS_API void goss_program_free(goss_program *p); /* NULL allowed */

/* A new graph with the program's operations, to build on: differentiate an output, add a loss, compile with other
 * outputs. Values of the program and of the graph have nothing else to do with each other afterwards.
 * values[goss_program_values(p)]: NULL, or gets the graph's value for each of the program's; an assignment has none
 * (updates[goss_program_updates(p)] gets those). Errors: GOSS_E_NOMEM. Owns: goss_graph_free. */
GOSS_API GOSS_MUST_USE goss_status goss_program_graph(const goss_program *p, goss_graph **out, goss_val *values,
                                                      goss_val *updates, goss_error *err);

/* Checks every invariant that docs/program.md lists, as is done with every text and file that is read: names, symbols,
 * extents, types, attributes, and of each operation that its own rules give the results that are written down. Errors:
 * GOSS_E_FORMAT with operation, value and what is wrong; GOSS_E_NOMEM. A program that was created or read passes. */
GOSS_API GOSS_MUST_USE goss_status goss_program_verify(const goss_program *p, goss_error *err);

/* ---- text ---- */

/* The program as text that goss_program_parse reads back. Equal programs have equal texts. Owns: goss_text_free; NULL
 * if memory is out. */
GOSS_API char *goss_program_text(const goss_program *p);
/* Reads a text and verifies it. Errors: GOSS_E_FORMAT with the line and what is wrong; GOSS_E_UNSUPPORTED for a newer
 * version of the language; GOSS_E_NOMEM. Owns: goss_program_free. */
GOSS_API GOSS_MUST_USE goss_status goss_program_parse(const char *text, goss_program **out, goss_error *err);

/* ---- files ---- */

/* Writes program and parameters as a safetensors file: the text in its metadata, a tensor for each parameter of the
 * program, under its name, as the store keeps it (F32, F64 or BF16). Replaces the file at once or not at all. params
 * may be NULL where the program has no parameters. Errors: GOSS_E_ARGUMENT: a parameter that the store has not;
 * GOSS_E_SHAPE: or has with another shape; GOSS_E_NUMERIC: a number that is not finite, by name; GOSS_E_IO;
 * GOSS_E_UNSUPPORTED in a build without jansson or xxhash. */
GOSS_API GOSS_MUST_USE goss_status goss_program_save(const goss_program *p, const goss_params *params, const char *path,
                                                     goss_error *err);
/* Reads such a file. params: NULL, or gets a new store with the program's parameters (goss_params_free), f64 where the
 * file's are and f32 else. Errors: GOSS_E_IO; GOSS_E_FORMAT: damaged, no program, or tensors that are not the program's
 * parameters; GOSS_E_UNSUPPORTED: a newer format; GOSS_E_NUMERIC. Owns: goss_program_free. */
GOSS_API GOSS_MUST_USE goss_status goss_program_load(const char *path, goss_program **out, goss_params **params,
                                                     goss_error *err);

/* ---- compiling and parameters ---- */

/* Makes a schedule of a program: rewrites it (goss_program_rewrite), then plans how it runs. goss_compile does
 * the same with part of a graph. Output i of the
 * schedule is output i of the program. Errors: GOSS_E_ARGUMENT for options; GOSS_E_SHAPE for what is too large at the
 * maxima; GOSS_E_UNSUPPORTED; GOSS_E_NOMEM. Owns: goss_schedule_free. */
GOSS_API GOSS_MUST_USE goss_status goss_schedule_compile(const goss_program *p, const goss_schedule_options *options,
                                                         goss_schedule **out, goss_error *err);
/* The program as rewrite rules make it (docs/architecture.md): the same results, but for what each rule is said to
 * change, for less work. Inputs, parameters and outputs keep their names and order. goss_schedule_compile begins with
 * it. Errors: GOSS_E_NOMEM. Owns: goss_program_free. */
GOSS_API GOSS_MUST_USE goss_status goss_program_rewrite(const goss_program *p, goss_program **out, goss_error *err);
/* Adds the program's parameters to a store, as goss_params_add does those of a schedule; none is kept as bfloat16. */
GOSS_API GOSS_MUST_USE goss_status goss_params_add_program(goss_params *params, const goss_program *p, goss_error *err);

/* ---- reading: a number beyond the count is a caller's mistake ---- */

GOSS_API int goss_program_symbols(const goss_program *p);
GOSS_API const char *goss_program_symbol_name(const goss_program *p, int i);
GOSS_API int64_t goss_program_symbol_maximum(const goss_program *p, int i);

GOSS_API int goss_program_values(const goss_program *p);
GOSS_API const goss_program_value *goss_program_value_at(const goss_program *p, int value);

GOSS_API int goss_program_operations(const goss_program *p);
GOSS_API const goss_program_operation *goss_program_operation_at(const goss_program *p, int operation);

/* Inputs and parameters in the order of their operations; the value, and its name. */
GOSS_API int goss_program_inputs(const goss_program *p);
GOSS_API int goss_program_input(const goss_program *p, int i);
GOSS_API const char *goss_program_input_name(const goss_program *p, int i);
GOSS_API int goss_program_parameters(const goss_program *p);
GOSS_API int goss_program_parameter(const goss_program *p, int i);
GOSS_API const char *goss_program_parameter_name(const goss_program *p, int i);

GOSS_API int goss_program_outputs(const goss_program *p);
GOSS_API int goss_program_output(const goss_program *p, int i);
GOSS_API const char *goss_program_output_name(const goss_program *p, int i);
/* The number of the output, input or parameter of that name; -1: there is none. */
GOSS_API int goss_program_find_output(const goss_program *p, const char *name);
GOSS_API int goss_program_find_input(const goss_program *p, const char *name);
GOSS_API int goss_program_find_parameter(const goss_program *p, const char *name);

/* The operation of update i: an assign (operands: parameter, value) or an assign_rows (parameter, index, value). */
GOSS_API int goss_program_updates(const goss_program *p);
GOSS_API int goss_program_update(const goss_program *p, int i);

/* ---- attributes: named, typed, each of one or more elements ---- */

typedef enum goss_attribute_type {
    GOSS_ATTRIBUTE_INT,
    GOSS_ATTRIBUTE_REAL,
    GOSS_ATTRIBUTE_BOOL,
    GOSS_ATTRIBUTE_EXTENT,
    GOSS_ATTRIBUTE_AXES /* axes of operand 0, in order where the order matters; their number varies */
} goss_attribute_type;

/* How many attributes the operation has; all operations of one kind have the same ones, in the same order. */
GOSS_API int goss_program_attributes(const goss_program *p, int operation);
GOSS_API const char *goss_program_attribute_name(const goss_program *p, int operation, int i);
GOSS_API goss_attribute_type goss_program_attribute_type(const goss_program *p, int operation, int i);
GOSS_API int goss_program_attribute_count(const goss_program *p, int operation, int i); /* elements */
/* The number of the attribute of that name; -1: the operation has none such. */
GOSS_API int goss_program_attribute_find(const goss_program *p, int operation, const char *name);
/* Element k: of an INT, a BOOL (0 or 1) or AXES; of a REAL; of an EXTENT. */
GOSS_API int64_t goss_program_attribute_int(const goss_program *p, int operation, int i, int k);
GOSS_API double goss_program_attribute_real(const goss_program *p, int operation, int i, int k);
GOSS_API goss_extent goss_program_attribute_extent(const goss_program *p, int operation, int i, int k);

#ifdef __cplusplus
}
#endif
#endif
