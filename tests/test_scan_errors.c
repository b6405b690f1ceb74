/* SPDX-License-Identifier: Apache-2.0 */
/* Scans that are built wrongly, in a graph or in a program's text; indices outside of tables; allocations that fail. */
#include "base/alloc.h"
#include "gossamer/compose.h"
#include "gossamer/program.h"
#include "program_check.h"
#include "scan_net.h"

static goss_error err;

/* ---- in a program ---- */

#define LOOP                                                                                                           \
    "gossamer.program 2\n"                                                                                             \
    "symbol N = 4\nsymbol L = 9\n"                                                                                     \
    "%0 = input \"h\" : real[1,N,2]\n"                                                                                 \
    "%1 = input \"x\" : real[1,N,L,2]\n"
#define SCAN(results, operands, counts, steps, ys, types)                                                              \
    results " = scan(" operands ") {" counts ", reverse=false, keep=true, stride=1, steps=" steps ", length=" steps    \
            ", axis=[2], piece=[0]" ys "} : " types " ({\n"
#define ONE "carries=1, slices=1, consts=0"
#define STACKED(axis, join) ", y_axis=[" axis "], y_join=[" join "]"
#define BODY(first, next)                                                                                              \
    "  %0 = arg {index=0} : real[" first "]\n  %1 = arg {index=1} : real[1,N,2]\n  %2 = arg {index=2} : real[]\n"      \
    "  %3 = add(%0, %1) : real[1,N,2]\n  return " next "\n})\n"
#define LAST BODY("1,N,2", "%3 \"next0\"") "return %2 \"y\"\n"
#define BOTH BODY("1,N,2", "%3 \"next0\", %3 \"y0\"") "return %3 \"y\"\n"
#define TYPES "real[1,N,2], real[1,N,L,2]"

typedef struct loop_text {
    const char *text, *error; /* NULL: it is a program, printed as it is */
} loop_text;

static void check_loop_texts(const loop_text *all, size_t n) {
    for (size_t i = 0; i < n; i++) {
        goss_program *p = NULL;
        T_NOTE("text %zu", i);
        if (all[i].error) {
            T_ERR(goss_program_parse(all[i].text, &p, &err), GOSS_E_FORMAT, all[i].error);
            continue;
        }
        T_OK(goss_program_parse(all[i].text, &p, &err));
        char *again = goss_program_text(p);
        T_STR(again, all[i].text);
        goss_text_free(again), goss_program_free(p);
    }
}

TEST(a_loop_in_a_text_is_checked) {
    static const loop_text all[] = {
        {LOOP SCAN("%2, %3", "%0, %1", ONE, "L", STACKED("2", "0"), TYPES) BOTH, NULL},
        {LOOP SCAN("%2", "%0, %1", ONE, "L", STACKED("", ""), "real[1,N,2]") LAST, NULL},
        {LOOP SCAN("%2", "%0, %1", "carries=1, slices=1, consts=1", "L", STACKED("", ""), "real[1,N,2]") LAST,
         "carries, slices and constants do not add up to its 2 operands"},
        {LOOP SCAN("%2", "%0, %1", "carries=9223372036854775807, slices=1, consts=0", "L", STACKED("", ""),
                   "real[1,N,2]") LAST,
         "it has 1 results, not 9223372036854775807"},
        {LOOP SCAN("%2", "%0, %1", ONE, "N", STACKED("", ""), "real[1,N,2]") LAST,
         "operand 1 has no slices along its time axis"},
        {LOOP SCAN("%2", "%1, %0", ONE, "L", STACKED("", ""), "real[1,N,L,2]") LAST,
         "argument 0 of its region does not have the type"},
        {LOOP SCAN("%2", "%0, %1", ONE, "L", STACKED("", ""), "real[1,N,2]") BODY("1,N,2", "%2 \"next0\""),
         "carry 0 changes its type"},
        {LOOP SCAN("%2", "%0, %1", ONE, "L", STACKED("2", "0"), "real[1,N,2]") LAST, "it has 1 results, not 2"},
        {LOOP SCAN("%2, %3", "%0, %1", ONE, "L", STACKED("", ""), TYPES) BOTH, "it has 2 results, not 1"},
        {LOOP SCAN("%2, %3", "%0, %1", ONE, "L", STACKED("2", ""), TYPES) BOTH,
         "y_axis and y_join are not lists of what it stacks"},
        {LOOP SCAN("%2, %3", "%0, %1", ONE, "L", STACKED("2", "0"), TYPES) BODY("1,N,2", "%3 \"next0\""),
         "its region has 1 outputs, not one for each result"},
        {LOOP SCAN("%2, %3", "%0, %1", ONE, "L", STACKED("1", "0"), TYPES) BOTH, "its result 1 has another shape"},
        {LOOP SCAN("%2, %3", "%0, %1", ONE, "L", STACKED("4", "0"), TYPES) BOTH,
         "the region's output 1 cannot be stacked like this"},
        {LOOP SCAN("%2, %3", "%0, %1", ONE, "L", STACKED("2", "1"), TYPES) BOTH,
         "the region's output 1 cannot be stacked like this"},
        {LOOP SCAN("%2, %3", "%0, %1", ONE, "L", STACKED("2", "2"), TYPES) BOTH,
         "the region's output 1 cannot be stacked like this"},
        {LOOP SCAN("%2, %3", "%0, %1", ONE, "L", STACKED("256", "0"), TYPES) BOTH, "line 6: a number of this list is"},
        {LOOP SCAN("%2, %3", "%0, %1", ONE, "L", STACKED("2", "0"), "real[1,N,L], real[1,N,L,2]") BOTH,
         "its result 0 has another shape"},
        {LOOP SCAN("%2, %3", "%0, %1", ONE, "L", STACKED("2", "0"), "real[1,N,2], index[1,N,L,2]") BOTH,
         "its result 1 has another shape"},
        {LOOP SCAN("%2", "%0, %1", ONE, "L", "", "real[1,N,2]") LAST, "',' is expected"},
        {LOOP "%2 = scan_result(%1) {kind=0, index=0, axis=0} : real[1,N,2]\nreturn %2 \"y\"\n",
         "%2 = scan_result: in programs of this version it is a result of scan"},
        {LOOP "%2 = arg {index=0} : real[1,N,2]\nreturn %2 \"y\"\n", "arguments are a region's"},
    };
    check_loop_texts(all, sizeof all / sizeof *all);
}

/* ---- in a program of version 1, whose scan is a handle that scan_result reads ---- */

#define OLD_LOOP                                                                                                       \
    "gossamer.program 1\n"                                                                                             \
    "symbol N = 4\nsymbol L = 9\n"                                                                                     \
    "%0 = input \"h\" : real[1,N,2]\n"                                                                                 \
    "%1 = input \"x\" : real[1,N,L,2]\n"
#define OLD_SCAN(operands, counts, steps) SCAN("%2", operands, counts, steps, "", "real[]")
#define OLD_BODY BODY("1,N,2", "%3 \"next0\"")
#define RESULT(attr, shape) "%3 = scan_result(%2) {" attr "} : real[" shape "]\nreturn %3 \"y\"\n"
#define OLD OLD_LOOP OLD_SCAN("%0, %1", ONE, "L")

TEST(a_loop_of_version_1_is_read) {
    goss_program *p = program_of(OLD OLD_BODY "%3 = scan_result(%2) {kind=1, index=3, axis=2} : real[1,N,L,2]\n"
                                              "%4 = scan_result(%2) {kind=0, index=0, axis=0} : real[1,N,2]\n"
                                              "%5 = scan_result(%2) {kind=1, index=0, axis=0} : real[L,1,N,2]\n"
                                              "%6 = scan_result(%2) {kind=1, index=3, axis=2} : real[1,N,L,2]\n"
                                              "%7 = add(%3, %6) : real[1,N,L,2]\n"
                                              "return %7 \"y\", %4 \"h\", %5 \"states\"\n");
    char *text = goss_program_text(p);
    T_STR(text, LOOP SCAN("%2, %3, %4", "%0, %1", ONE, "L", STACKED("2,0", "0,0"),
                          "real[1,N,2], real[1,N,L,2], real[L,1,N,2]")
                    BODY("1,N,2", "%3 \"next0\", %3 \"y0\", %0 \"y1\"") "%5 = add(%3, %3) : real[1,N,L,2]\n"
                                                                        "return %5 \"y\", %2 \"h\", %4 \"states\"\n");
    goss_text_free(text), goss_program_free(p);
}

/* An operation of the body that has become two moves none of the numbers that are stacked. */
TEST(a_loop_of_version_1_stacks_values_by_their_numbers_in_the_text) {
#define RETIRED(index)                                                                                                 \
    OLD "  %0 = arg {index=0} : real[1,N,2]\n  %1 = arg {index=1} : real[1,N,2]\n  %2 = arg {index=2} : real[]\n"      \
        "  %3 = lerp_square(%0, %1, %0) : real[1,N,2]\n  %4 = add(%3, %1) : real[1,N,2]\n  return %4 \"next0\"\n})\n"  \
        "%3 = scan_result(%2) {kind=1, index=" index ", axis=2} : real[1,N,L,2]\nreturn %3 \"y\"\n"
    goss_program *p = program_of(RETIRED("4"));
    char *text = goss_program_text(p);
    if (!strstr(text, "  %5 = add(%4, %1) : real[1,N,2]\n  return %5 \"next0\", %5 \"y0\"\n")) T_FAIL("%s", text);
    goss_text_free(text), goss_program_free(p);
    T_ERR(goss_program_parse(RETIRED("5"), &p, &err), GOSS_E_FORMAT, "its index is not below");
#undef RETIRED
}

TEST(a_loop_of_version_1_is_checked) {
    static const loop_text all[] = {
        {OLD_LOOP OLD_SCAN("%0, %1", "carries=1, slices=1, consts=1", "L")
             OLD_BODY RESULT("kind=0, index=0, axis=0", "1,N,2"),
         "carries, slices and constants do not add up to its 2 operands"},
        {OLD_LOOP OLD_SCAN("%0, %1", "carries=3, slices=0, consts=0", "L")
             OLD_BODY RESULT("kind=0, index=0, axis=0", "1,N,2"),
         "carries, slices and constants do not add up to its 2 operands"},
        {OLD_LOOP OLD_SCAN("%0, %1", ONE, "N") OLD_BODY RESULT("kind=0, index=0, axis=0", "1,N,2"),
         "operand 1 has no slices along its time axis"},
        {OLD_LOOP OLD_SCAN("%1, %0", ONE, "L") OLD_BODY RESULT("kind=0, index=0, axis=0", "1,N,2"),
         "argument 0 of its region does not have the type"},
        {OLD BODY("1,N,2", "%2 \"next0\"") RESULT("kind=0, index=0, axis=0", "1,N,2"), "carry 0 changes its type"},
        {OLD OLD_BODY RESULT("kind=1, index=4, axis=2", "1,N,L,2"), "its index is not below 4"},
        {OLD OLD_BODY RESULT("kind=0, index=1, axis=0", "1,N,2"), "its index is not below 1"},
        {OLD OLD_BODY RESULT("kind=0, index=0, axis=1", "1,N,2"), "it has no axis"},
        {OLD OLD_BODY RESULT("kind=3, index=0, axis=0", "1,N,2"), "there is no kind 3"},
        {OLD OLD_BODY RESULT("kind=1, index=3, axis=1", "1,N,L,2"), "its result 1 has another shape"},
        {OLD OLD_BODY RESULT("kind=1, index=3, axis=-1", "1,N,L,2"), "there is no axis -1"},
        {OLD OLD_BODY RESULT("kind=1, index=3, axis=256", "L,1,N,2"), "there is no axis 256"},
        {OLD OLD_BODY "%3 = exp(%2) : real[]\nreturn %3 \"y\"\n", "operand 0 is all results of scan in one"},
        {OLD OLD_BODY "return %2 \"y\"\n", "output y is all results of scan in one, which is not a value"},
        {OLD OLD_BODY "%3 = scan_result(%2, %2) {kind=0, index=0, axis=0} : real[1,N,2]\n",
         "it takes 1 operand, not 2"},
        {OLD OLD_BODY "%3, %4 = scan_result(%2) {kind=0, index=0, axis=0} : real[1,N,2], real[1,N,2]\n",
         "it has 2 results, not 1"},
        {OLD OLD_BODY "scan_result(%2) {kind=0, index=0, axis=0}\n", "it has 0 results, not 1"},
        {OLD_LOOP "%2 = scan_result(%1) {kind=0, index=0, axis=0} : real[1,N,2]\nreturn %2 \"y\"\n",
         "its operand is no scan"},
        {OLD_LOOP SCAN("%2, %3", "%0, %1", ONE, "L", "", TYPES) OLD_BODY "return %3 \"y\"\n",
         "it has 2 results, not 1"},
        {LOOP SCAN("%2", "%0, %1", ONE, "L", "", "real[]") OLD_BODY, "',' is expected"},
        {OLD_LOOP "%2 = arg {index=0} : real[1,N,2]\nreturn %2 \"y\"\n", "arguments are a region's"},
    };
    check_loop_texts(all, sizeof all / sizeof *all);
}

/* A loop of version 1 whose body has `n` values that are stacked. */
static char *many_stacks(int n) {
    goss__str s = {0};
    goss__str_addf(&s, "%s",
                   OLD "  %0 = arg {index=0} : real[1,N,2]\n  %1 = arg {index=1} : real[1,N,2]\n"
                       "  %2 = arg {index=2} : real[]\n");
    for (int i = 0; i < n; i++) goss__str_addf(&s, "  %%%d = exp(%%%d) : real[1,N,2]\n", i + 3, i ? i + 2 : 0);
    goss__str_add(&s, "  return %3 \"next0\"\n})\n");
    for (int i = 0; i < n; i++)
        goss__str_addf(&s, "%%%d = scan_result(%%2) {kind=1, index=%d, axis=2} : real[1,N,L,2]\n", i + 3, i + 3);
    goss__str_addf(&s, "return %%%d \"y\"\n", n + 2);
    T_CHECK(!s.failed);
    return s.data;
}

TEST(a_loop_stacks_as_many_values_as_a_list_holds) {
    goss_program *p = NULL;
    char *most = many_stacks(GOSS__LONGEST_BYTE_LIST), *more = many_stacks(GOSS__LONGEST_BYTE_LIST + 1);
    T_OK(goss_program_parse(most, &p, &err));
    T_EQ(goss_program_values(p), 3 + GOSS__LONGEST_BYTE_LIST);
    check_round_trip(p);
    goss_program_free(p);
    T_ERR(goss_program_parse(more, &p, &err), GOSS_E_UNSUPPORTED, "a scan stacks more than 256 values");
    goss_text_free(most), goss_text_free(more);
}

/* ---- mistakes ---- */

typedef void (*mistake)(goss_graph *g, net *n);
static goss_scan *begun(goss_graph *g, net *n) { return goss_scan_begin(g, n->steps, goss_scan_defaults()); }

static void wrong_shape(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, h, goss_sum(h, GOSS_AXIS(2), true));
    goss_scan_end(s);
}
static void wrong_steps(goss_graph *g, net *n) {
    (void)goss_scan_slice(goss_scan_begin(g, goss_n(3), goss_scan_defaults()), n->x);
}
static void no_axis(goss_graph *g, net *n) { (void)goss_scan_slice(begun(g, n), goss_const(g, 1)); }
static void captured(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, h, goss_add(h, n->c0));
    goss_scan_end(s);
}
static void no_next(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    (void)goss_scan_carry(s, n->h0);
    goss_scan_end(s);
}
static void two_nexts(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, h, h);
    goss_scan_next(s, h, goss_neg(h));
}
static void no_carry(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, goss_neg(h), h);
}
static void param_inside(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, h, goss_mul(h, goss_param(h.graph, "p", GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(1)))));
    goss_scan_end(s);
}
static void draw_inside(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, h, goss_dropout(h, 0.5, goss_iota(h.graph, goss_dim(h, 0))));
    goss_scan_end(s);
}
static void emitted_outside(goss_graph *g, net *n) { goss_scan_emit(begun(g, n), n->h0); }
static void not_emitted(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, h, h);
    goss_scan_end(s);
    T_CHECK(!goss_valid(goss_scan_stacked(s, h)));
}
static void too_early(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    T_CHECK(!goss_valid(goss_scan_last(s, h)));
}
static void ended(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    goss_scan_end(s);
    (void)goss_scan_const(s, n->w);
}
static void misfit_inside(goss_graph *g, net *n) {
    goss_scope_push(g, "cell");
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, h, goss_matmul(h, goss_scan_const(s, n->w), false, false));
    goss_scan_end(s);
}
static void bad_length(goss_graph *g, net *n) {
    goss_scan_options o = goss_scan_defaults();
    o.length = n->h0;
    (void)goss_scan_begin(g, n->steps, o);
}
static void bad_keep(goss_graph *g, net *n) {
    goss_scan_options o = goss_scan_defaults();
    o.keep_every = -1;
    (void)goss_scan_begin(g, n->steps, o);
}
static void index_carry(goss_graph *g, net *n) { (void)goss_scan_carry(begun(g, n), goss_iota(g, goss_n(3))); }

TEST(mistakes_are_told) {
    static const struct {
        mistake make;
        goss_status status;
        const char *text;
    } all[] = {
        {wrong_shape, GOSS_E_SHAPE, "scan: [T,N,4] x [T,N,1]: carry 0 changes its shape"},
        {wrong_steps, GOSS_E_SHAPE, "scan: slice: [T,N,L,4]: axis 2: extent L, but 3 steps"},
        {no_axis, GOSS_E_SHAPE, "there is no time axis 2"},
        {captured, GOSS_E_ARGUMENT, "pass it in with goss_scan_const"},
        {no_next, GOSS_E_ARGUMENT, "carry 0 has no next value"},
        {two_nexts, GOSS_E_ARGUMENT, "carry 0 has two next values"},
        {no_carry, GOSS_E_ARGUMENT, "the next value of something that is not a carry"},
        {param_inside, GOSS_E_ARGUMENT, "param: not in a scan's body: make it outside"},
        {draw_inside, GOSS_E_ARGUMENT, "random_uniform: not in a scan's body"},
        {emitted_outside, GOSS_E_ARGUMENT, "not a value of the scan's body"},
        {not_emitted, GOSS_E_ARGUMENT, "result of what was not emitted"},
        {too_early, GOSS_E_ARGUMENT, "no results before goss_scan_end"},
        {ended, GOSS_E_ARGUMENT, "it has ended"},
        {misfit_inside, GOSS_E_SHAPE, "cell: matmul: "},
        {bad_length, GOSS_E_SHAPE, "one number for each sample"},
        {bad_keep, GOSS_E_ARGUMENT, "keep_every -1"},
        {index_carry, GOSS_E_ARGUMENT, "scan: carry: operand 1 is an index"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        goss_graph *g = goss_graph_new();
        net n = {.keep_every = 1};
        declare(g, &n, false);
        all[i].make(g, &n);
        T_NOTE("mistake %zu", i);
        T_ERR(goss_graph_status(g, &err), all[i].status, all[i].text);
        goss_graph_free(g);
    }
}

TEST(an_index_outside_its_table_is_told_with_its_place_in_the_body) {
    goss_graph *g = goss_graph_new();
    const goss_extent l = goss_n(4), n = goss_n(3);
    const goss_val words = goss_input(g, "words", GOSS_INDEX, GOSS_SHAPE(goss_n(1), n, l)),
                   table = goss_input(g, "table", GOSS_REAL, GOSS_SHAPE(goss_n(5), goss_n(2))),
                   h0 = goss_full(g, GOSS_SHAPE(goss_n(1), n, goss_n(2)), 0);
    goss_scope_push(g, "words");
    goss_scan *s = goss_scan_begin(g, l, goss_scan_defaults());
    const goss_val h = goss_scan_carry(s, h0), rows = goss_gather(goss_scan_const(s, table), goss_scan_slice(s, words));
    goss_scan_next(s, h, goss_add(h, rows));
    goss_scan_end(s);
    const goss_val out = goss_scan_last(s, h);
    goss_schedule *p;
    goss_threads *t;
    goss_exec *e;
    int32_t at[12] = {0, 1, 2, 3, 4, 0, 1, 2, 3, 9, 0, 1};
    float rows_of[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    T_OK(goss_compile(g, &out, 1, NULL, 0, NULL, &p, &err));
    T_OK(goss_threads_new(1, &t, &err));
    T_OK(goss_exec_new(p, NULL, t, &e, &err));
    T_OK(goss_exec_bind(e, "words", at, &err));
    T_OK(goss_exec_bind(e, "table", rows_of, &err));
    T_ERR(goss_exec_run(e, &err), GOSS_E_ARGUMENT, "words: gather: an index lies outside its table");
    at[9] = 4;
    T_OK(goss_exec_run(e, &err)); /* and is forgotten */
    T_NEAR(((const float *)goss_exec_output(e, 0, NULL))[4], 6 + 8 + 0 + 2, 1e-6);
    goss_exec_free(e), goss_threads_free(t), goss_schedule_free(p), goss_graph_free(g);
}

TEST(building_and_compiling_survive_failing_memory) {
    bool done = false;
    for (uint64_t at = 1; !done; at++) {
        goss_schedule *p = NULL;
        goss_exec *e = NULL;
        goss_threads *team;
        T_OK(goss_threads_new(1, &team, &err));
        goss__alloc_fail_at(at);
        goss_graph *g = goss_graph_new();
        goss_status s = GOSS_E_NOMEM;
        goss_val d = {0};
        if (g) {
            net n = {.keep_every = 1};
            declare(g, &n, false);
            scanned(g, &n);
            const goss_val y = goss_add(goss_sum_all(n.last_h), goss_sum_all(n.ys));
            if (goss_valid(y)) (void)goss_grad(y, &n.u, 1, &d);
            s = goss_graph_status(g, &err);
            if (s == GOSS_OK) s = goss_compile(g, &d, 1, NULL, 0, NULL, &p, &err);
            if (s == GOSS_OK) s = goss_exec_new(p, NULL, team, &e, &err);
        }
        done = s == GOSS_OK && at > 40;
        goss__alloc_fail_at(0);
        T_CHECK(s == GOSS_OK || s == GOSS_E_NOMEM);
        T_EQ(e != NULL, s == GOSS_OK);
        goss_exec_free(e), goss_threads_free(team), goss_schedule_free(p), goss_graph_free(g);
        T_CHECK(at < 5000);
    }
}

TEST_MAIN()
