/* SPDX-License-Identifier: Apache-2.0 */
/* program.h: the canonical program: the meaning of a computation, independent of the graph it was built in and of any
 * machine.
 *
 * A program is a list of operations in static single assignment form (each value is the result of exactly one operation
 * and never changes), ordered so that operands precede their uses; the named inputs, parameters and outputs among its
 * values; the symbols of its extents with their maxima; and the assignments that end a run (updates). It is what
 * goss_schedule_compile compiles, what files store, and what exporters and bindings read. docs/program.md has the
 * operations, the grammar of the text and the file format.
 *
 *     for (int i = 0; i < goss_program_operations(p); i++) {
 *         const goss_program_operation *o = goss_program_operation_at(p, i);
 *         printf("%s", o->kind);
 *         for (int k = 0; k < o->n_operands; k++) printf(" %%%d", o->operands[k]);
 *         for (int a = 0; a < goss_program_attributes(p, i); a++) printf(" %s", goss_program_attribute_name(p, i, a));
 *         printf("\n");
 *     }
 *
 * Values, operations, inputs, parameters, outputs, updates and symbols are numbered from 0; an operation's operands
 * have smaller numbers than its results. Most operations have one result. An assignment has none, and two kinds have
 * several: singular (the vectors, then the values) and scan (its carries after the last step, then what it stacks, in
 * the order of its region's outputs). Everything that accessors return is borrowed from the program.
 * Threads: a program is immutable and may be read by any number of threads. */
#ifndef GOSSAMER_PROGRAM_H
#define GOSSAMER_PROGRAM_H

#include "gossamer/exec.h"
#include "gossamer/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A program, or the body of a loop as a region of one. Immutable. */
typedef struct goss_program goss_program;

/* A value: result `result` of operation `operation`. */
typedef struct goss_program_value {
    goss_type type;        /* of its elements; GOSS_REAL has the precision of the schedule */
    goss_shape shape;      /* extents in the program's symbols: byte i + 1 of an extent is symbol i */
    int operation, result; /* where it is defined */
} goss_program_value;

/* An operation. Its attributes are read by goss_program_attribute_*. */
typedef struct goss_program_operation {
    const char *kind;  /* "conv", "input", "assign" ...: docs/program.md lists them */
    const char *name;  /* of inputs, parameters and random streams; else NULL */
    const char *scope; /* where it was built: "target / fc1"; "" at the top level */
    int n_operands;
    const int *operands; /* values [n_operands] */
    int n_results;       /* 0: an update */
    int first_result;    /* its results are the values first_result .. first_result + n_results - 1, read or not */
    int n_regions;
    const goss_program *const *regions; /* nested programs [n_regions]: the body of a loop, with an output for each of
                                         * the loop's results: the next value of a carry, or a step's value to stack */
} goss_program_operation;

/* ---- creating ---- */

/* The part of a graph that outputs and updates (values of goss_assign and goss_assign_rows) need, as a program of its
 * own; the graph may be freed afterwards. names [n_outputs]: the names of the outputs, unique and not empty; NULL, or
 * NULL entries: "output0", "output1", ... by position. Errors: the graph's sticky error; GOSS_E_ARGUMENT: a value of
 * another graph, a name that is taken, an update that is not an assignment, a parameter that is assigned twice;
 * GOSS_E_UNSUPPORTED: too many nested loops; GOSS_E_NOMEM. Owns: *out, goss_program_free. */
GOSS_API GOSS_MUST_USE goss_status goss_program_create(const goss_graph *g, const goss_val *outputs,
                                                       const char *const *names, int n_outputs, const goss_val *updates,
                                                       int n_updates, goss_program **out, goss_error *err);
/* Frees a program; schedules and graphs made from it are unaffected. Not for regions, which belong to their program.
 * NULL is allowed. */
GOSS_API void goss_program_free(goss_program *p);

/* A new graph with the program's operations, to build on: differentiate an output, add a loss, compile other outputs.
 * The graph is independent of the program. values [goss_program_values(p)]: NULL, or receives the graph's value for
 * each of the program's. updates [goss_program_updates(p)]: NULL, or receives the assignments.
 * Errors: GOSS_E_NOMEM. Owns: goss_graph_free. */
GOSS_API GOSS_MUST_USE goss_status goss_program_graph(const goss_program *p, goss_graph **out, goss_val *values,
                                                      goss_val *updates, goss_error *err);

/* Verifies every invariant that docs/program.md lists: names, symbols, extents, types, attributes, and that each
 * operation's own rules yield its results. Texts and files are verified when they are read, and programs made from a
 * graph are valid by construction, so that this is for tests and tools.
 * Errors: GOSS_E_FORMAT with operation, value and what is wrong; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_program_verify(const goss_program *p, goss_error *err);

/* ---- text ---- */

/* The program as text of the newest version, which goss_program_parse reads back. Equal programs have equal texts.
 * Returns NULL if memory is
 * exhausted. Owns: goss_text_free. */
GOSS_API char *goss_program_text(const goss_program *p);
/* Parses and verifies a text of any version; what was written differently in earlier ones (docs/program.md) becomes
 * what it is now. Errors: GOSS_E_FORMAT with the line and what is wrong; GOSS_E_UNSUPPORTED: a newer
 * version of the language; GOSS_E_NOMEM. Owns: goss_program_free. */
GOSS_API GOSS_MUST_USE goss_status goss_program_parse(const char *text, goss_program **out, goss_error *err);

/* ---- files ---- */

/* Writes program and parameters as a safetensors file, atomically: the text as metadata, and a tensor for each
 * parameter of the program, under its name and in its storage format (F32, F64 or BF16). params may be NULL if the
 * program has none. Errors: GOSS_E_ARGUMENT: the store lacks a parameter; GOSS_E_SHAPE: or has it with another shape;
 * GOSS_E_NUMERIC: a value that is not finite, by name; GOSS_E_IO; GOSS_E_UNSUPPORTED: a build without xxhash;
 * GOSS_E_NOMEM. The old file is then unchanged. */
GOSS_API GOSS_MUST_USE goss_status goss_program_save(const goss_program *p, const goss_params *params, const char *path,
                                                     goss_error *err);
/* Reads and verifies such a file. params: NULL, or receives a new store with the program's parameters (f64 if the
 * file's are, else f32). Errors: GOSS_E_IO; GOSS_E_FORMAT: damaged, not a program, or tensors that are not the
 * program's parameters; GOSS_E_UNSUPPORTED: a newer format; GOSS_E_NUMERIC: a value that is not finite.
 * Owns: goss_program_free, goss_params_free. */
GOSS_API GOSS_MUST_USE goss_status goss_program_load(const char *path, goss_program **out, goss_params **params,
                                                     goss_error *err);

/* ---- compiling ---- */

/* Compiles a program: rewrites it (goss_program_rewrite), then schedules it. goss_compile does the same with part of a
 * graph. Output i of the schedule is output i of the program. options: NULL: the defaults. Errors: GOSS_E_ARGUMENT: a
 * pass that there is not; GOSS_E_SHAPE: too large at the maxima; GOSS_E_UNSUPPORTED: a parameter kept as bfloat16 that
 * an update assigns; GOSS_E_NOMEM. Owns: goss_schedule_free. */
GOSS_API GOSS_MUST_USE goss_status goss_schedule_compile(const goss_program *p, const goss_schedule_options *options,
                                                         goss_schedule **out, goss_error *err);
/* The program after the rewrite rules: the same results for less work, up to what docs/architecture.md states for each
 * rule. Inputs, parameters and outputs keep names and order. Errors: GOSS_E_NOMEM. Owns: goss_program_free. */
GOSS_API GOSS_MUST_USE goss_status goss_program_rewrite(const goss_program *p, goss_program **out, goss_error *err);
/* Adds the program's parameters to a store, as goss_params_add does those of a schedule; none is stored as bfloat16.
 * Errors: as goss_params_add. */
GOSS_API GOSS_MUST_USE goss_status goss_params_add_program(goss_params *params, const goss_program *p, goss_error *err);

/* ---- reading: an index out of range is a mistake of the caller ---- */

/* The number of symbols. */
GOSS_API int goss_program_symbols(const goss_program *p);
/* The name of symbol i, as goss_exec_count takes it. */
GOSS_API const char *goss_program_symbol_name(const goss_program *p, int i);
/* The largest count that symbol i may have. */
GOSS_API int64_t goss_program_symbol_maximum(const goss_program *p, int i);

/* The number of values. */
GOSS_API int goss_program_values(const goss_program *p);
/* One value: its type, shape and place of definition. Values are dense: no operation but their own defines them, and
 * an operation's results are consecutive. */
GOSS_API const goss_program_value *goss_program_value_at(const goss_program *p, int value);

/* The number of operations. */
GOSS_API int goss_program_operations(const goss_program *p);
/* One operation, in an order in which each can be computed. */
GOSS_API const goss_program_operation *goss_program_operation_at(const goss_program *p, int operation);

/* The number of inputs. Their order is that of their operations. */
GOSS_API int goss_program_inputs(const goss_program *p);
/* The value of input i. */
GOSS_API int goss_program_input(const goss_program *p, int i);
/* The name of input i, as goss_exec_bind takes it. */
GOSS_API const char *goss_program_input_name(const goss_program *p, int i);
/* The number of parameters. Their order is that of their operations. */
GOSS_API int goss_program_parameters(const goss_program *p);
/* The value of parameter i, as it was before the run's updates. */
GOSS_API int goss_program_parameter(const goss_program *p, int i);
/* The name of parameter i, as in a parameter store. */
GOSS_API const char *goss_program_parameter_name(const goss_program *p, int i);
/* The number of outputs. Their order is that in which they were given. */
GOSS_API int goss_program_outputs(const goss_program *p);
/* The value of output i; several outputs may have the same one. */
GOSS_API int goss_program_output(const goss_program *p, int i);
/* The name of output i; it says what the value is for, and tools address it by that name. */
GOSS_API const char *goss_program_output_name(const goss_program *p, int i);
/* The index of the output of that name; -1 if there is none. */
GOSS_API int goss_program_find_output(const goss_program *p, const char *name);
/* The index of the input of that name; -1 if there is none. */
GOSS_API int goss_program_find_input(const goss_program *p, const char *name);
/* The index of the parameter of that name; -1 if there is none. */
GOSS_API int goss_program_find_parameter(const goss_program *p, const char *name);

/* The number of updates. */
GOSS_API int goss_program_updates(const goss_program *p);
/* The operation of update i: an assign (operands: parameter, value) or an assign_rows (parameter, index, value). It has
 * no result. All updates take effect together, at the end of a run. */
GOSS_API int goss_program_update(const goss_program *p, int i);

/* ---- attributes: named and typed, of one or more elements ---- */

/* The type of an attribute's elements. */
typedef enum goss_attribute_type {
    GOSS_ATTRIBUTE_INT,    /* int64_t */
    GOSS_ATTRIBUTE_REAL,   /* double */
    GOSS_ATTRIBUTE_BOOL,   /* 0 or 1 */
    GOSS_ATTRIBUTE_EXTENT, /* a number times symbols, as in a shape */
    GOSS_ATTRIBUTE_AXES    /* axes of operand 0, in order where the order matters; their number varies */
} goss_attribute_type;

/* The number of an operation's attributes. All operations of a kind have the same attributes in the same order. */
GOSS_API int goss_program_attributes(const goss_program *p, int operation);
/* The name of attribute i: "stride_h". */
GOSS_API const char *goss_program_attribute_name(const goss_program *p, int operation, int i);
/* The type of attribute i's elements, which decides by which of the functions below they are read. */
GOSS_API goss_attribute_type goss_program_attribute_type(const goss_program *p, int operation, int i);
/* The number of attribute i's elements. It varies for AXES, and for lists of a scan with a number for each slice, or
 * for each result that it stacks. */
GOSS_API int goss_program_attribute_count(const goss_program *p, int operation, int i);
/* The index of the attribute of that name; -1 if the operation has none such. */
GOSS_API int goss_program_attribute_find(const goss_program *p, int operation, const char *name);
/* Element k of attribute i, which is an INT, a BOOL (0 or 1) or AXES. */
GOSS_API int64_t goss_program_attribute_int(const goss_program *p, int operation, int i, int k);
/* Element k of attribute i, which is a REAL. */
GOSS_API double goss_program_attribute_real(const goss_program *p, int operation, int i, int k);
/* Element k of attribute i, which is an EXTENT. */
GOSS_API goss_extent goss_program_attribute_extent(const goss_program *p, int operation, int i, int k);

#ifdef __cplusplus
}
#endif
#endif
