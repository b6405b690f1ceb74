/* SPDX-License-Identifier: Apache-2.0 */
/* Programs as text: whatever can be built is verified, printed, and read back to the same program. */
#include "base/alloc.h"
#include "machine.h"
#include "op_cases.h"
#include "program_check.h"
#include "random_generate.h"

enum { RANDOM_PROGRAMS = 300 };

static void mark(const goss_program *p, bool *seen) {
    for (int i = 0; i < goss_program_operations(p); i++) {
        const goss_program_operation *o = goss_program_operation_at(p, i);
        for (int k = 0; goss__op_all[k]; k++) seen[k] |= goss__op_all[k] == p->operations[i].op;
        for (int k = 0; k < o->n_regions; k++) mark(o->regions[k], seen);
    }
}

/* A case's output, and the gradients of orders 1 and 2 where there are such. */
static void check_case(const op_case *c, bool *seen) {
    goss_graph *g = goss_graph_new();
    goss_val x[CASE_INPUTS] = {{0}}, out[3];
    goss_error err = {0};
    goss_program *p = NULL;
    int n = 1;
    out[0] = case_build(g, c, x);
    T_NOTE("case %s", c->name);
    for (; n < 3 && !c->values_only && c->in[0].kind && goss_rank(out[0]) >= 0; n++)
        if (goss_grad(goss_sum_all(goss_square(out[n - 1])), x, 1, &out[n]) != GOSS_OK) break;
    T_OK(goss_program_create(g, out, NULL, n, NULL, 0, &p, &err));
    goss_graph_free(g);
    check_round_trip(p);
    check_graph(p);
    mark(p, seen);
    goss_program_free(p);
}

static goss_program *random_program(uint64_t seed) {
    static rp_program p;
    goss_val v[RP_STEPS], out[RP_OUT], update[RP_UPDATES];
    goss_error err = {0};
    goss_program *made = NULL;
    T_NOTE("seed %llu", (unsigned long long)seed);
    rp_generate(&p, seed);
    goss_graph *g = rp_build(&p, p.maximum, 0, v);
    for (int i = 0; i < p.n_out; i++) out[i] = v[p.out[i]];
    for (int i = 0; i < p.n_updates; i++) update[i] = v[p.update[i]];
    T_OK(goss_program_create(g, out, NULL, p.n_out, update, p.n_updates, &made, &err));
    goss_graph_free(g);
    return made;
}

TEST(every_operation_goes_through_its_text_and_back) {
    bool seen[256] = {false};
    for (int i = 0; i < CASES; i++) {
        const op_case c = case_at(i);
        check_case(&c, seen);
    }
    for (uint64_t seed = 0; seed < RANDOM_PROGRAMS; seed++) {
        goss_program *p = random_program(seed);
        check_round_trip(p);
        check_graph(p);
        mark(p, seen);
        goss_program_free(p);
    }
    for (int i = 0; goss__op_all[i]; i++)
        if (seen[i] != !goss__op_all[i]->selects)
            T_FAIL("%s program has the operation %s", seen[i] ? "a" : "no", goss__op_all[i]->name);
}

TEST(every_operation_is_documented) {
    FILE *f = fopen("docs/program.md", "r");
    static char page[100000];
    if (!f) T_FAIL("docs/program.md does not open (run from the repository's root)");
    page[fread(page, 1, sizeof page - 1, f)] = 0;
    fclose(f);
    for (int i = 0; goss__op_all[i]; i++) {
        char quoted[80];
        snprintf(quoted, sizeof quoted, "`%s`", goss__op_all[i]->name);
        if (!strstr(page, quoted)) T_FAIL("docs/program.md does not list the operation %s", goss__op_all[i]->name);
    }
}

/* ---- the text itself ---- */

#define HEAD "gossamer.program 2\n"

TEST(a_text_says_what_a_program_is) {
    goss_graph *g = goss_graph_new();
    goss_error err = {0};
    goss_program *p;
    const goss_extent t = goss_symbol(g, "T", 4), n = goss_symbol(g, "N", 3);
    const goss_val x = goss_input(g, "an \"input\"\n\\\xff", GOSS_REAL, GOSS_SHAPE(t, goss_extent_mul(goss_n(2), n)));
    goss_scope_push(g, "a # scope\t");
    const goss_val y = goss_reduce_max(goss_exp(x), GOSS_AXIS(1), true);
    goss_scope_pop(g);
    const goss_val out[3] = {y, goss_mean_all(goss_tanh(y)), goss_const(g, 0.1)};
    T_OK(goss_program_create(g, out, (const char *[]){"most", NULL, NULL}, 3, NULL, 0, &p, &err));
    goss_graph_free(g);
    char *text = goss_program_text(p);
    T_STR(text, HEAD "symbol T = 4\n"
                     "symbol N = 3\n"
                     "%0 = input \"an \\\"input\\\"\\x0A\\\\\\xFF\" : real[T,2*N]\n"
                     "%1 = exp(%0) : real[T,2*N]  # a # scope\\x09\n"
                     "%2 = reduce_max(%1) {axes=[1]} : real[T,1]  # a # scope\\x09\n"
                     "%3 = tanh(%2) : real[T,1]\n"
                     "%4 = sum(%3) {axes=[0]} : real[1,1]\n"
                     "%5 = reshape(%4) : real[]\n"
                     "%6 = extent {extent=T} : real[]\n"
                     "%7 = div(%5, %6) : real[]\n"
                     "%8 = const {value=0.1} : real[]\n"
                     "return %2 \"most\", %7 \"output1\", %8 \"output2\"\n");
    check_round_trip(p);
    T_STR(goss_program_input_name(p, 0), "an \"input\"\n\\\xff");
    goss_text_free(text), goss_program_free(p);
}

TEST(a_text_written_by_hand_is_read) {
    goss_program *p =
        program_of("\n// A comment.\r\ngossamer.program 2\n\n  symbol T=3\n  %0=input\"x\":real[ T , 2 ]\n"
                   "\t%1 = const {value = -inf} : real[]\n%2 = const{value=nan}:real[]\nreturn %0\"x\" , %1 \"y\"");
    char *text = goss_program_text(p);
    T_STR(text, HEAD "symbol T = 3\n%0 = input \"x\" : real[T,2]\n%1 = const {value=-inf} : real[]\n"
                     "%2 = const {value=nan} : real[]\nreturn %0 \"x\", %1 \"y\"\n");
    goss_text_free(text), goss_program_free(p);
}

/* ---- what is no program ---- */

#define X "%0 = input \"x\" : real[2,3]\n"
#define W "%0 = param \"w\" : real[2,3]\n"
#define PAIR "%1, %2 = singular(%0) : real[2,2], real[2]\n"
#define MAP "%0 = input \"x\" : real[1,1,4,4,2]\n"
#define POOL                                                                                                           \
    "{size_h=2, size_w=2, stride_h=2, stride_w=2, pad_top=0, pad_left=0, pad_bottom=0, pad_right=0, image_h=4, "       \
    "image_w=4}"

static const struct {
    const char *text, *says;
} mistakes[] = {
    {"", "line 1: this is not a program, which begins with \"gossamer.program 2\""},
    {"{\"a\": 1}", "this is not a program"},
    {"gossamer.programme 1\n", "this is not a program"},
    {"gossamer.program\n", "line 1: an integer is expected at the end of the line"},
    {"gossamer.program 0\n", "version 0 of the language"},
    {HEAD "symbol T\n", "line 2: '=' is expected at the end of the line"},
    {HEAD "symbol T = 0\n", "symbol T: its maximum is below 1"},
    {HEAD "symbol T = 3\nsymbol T = 4\n", "two symbols are named T"},
    {HEAD "symbol T = 9999999999999999999\n", "line 2: an integer beyond 63 bits"},
    {HEAD "%0 = input : real[2]\n", "%0 = input: it needs a name"},
    {HEAD "%0 = input \"x : real[2]\n", "line 2: a name has no closing quote"},
    {HEAD "%0 = input \"\\q\" : real[2]\n", "line 2: an escape is"},
    {HEAD "%0 = input \"\\x00\" : real[2]\n", "line 2: an escape is"},
    {HEAD "%0 = input \"x\" : complex[2]\n", "line 2: there is no type complex"},
    {HEAD "%0 = input \"x\" : real[U]\n", "line 2: there is no symbol U"},
    {HEAD "%0 = input \"x\" : real[0]\n", "line 2: an extent is at least 1"},
    {HEAD "%0 = input \"x\" : real[-1]\n", "line 2: the name of a symbol is expected, not \"-1]\""},
    {HEAD "%0 = input \"x\" : real[1,1,1,1,1,1,1,1,1]\n", "line 2: more than 8 extents"},
    {HEAD "%0 = input \"x\" : real[4194304,4194305]\n",
     "%0 = input: input: [4194304,4194305]: more than 2^44 elements"},
    {HEAD "symbol T = 1\n%0 = input \"x\" : real[T]\n",
     "%0 = input: result 0, axis 0: not an extent, or one with a symbol that"},
    {HEAD "symbol T = 3\n%0 = param \"w\" : real[T]\n", "param: a parameter's extents are numbers"},
    {HEAD "%0 = param \"w\" : index[2]\n", "a parameter is real"},
    {HEAD X "%1 = input \"x\" : real[2]\n", "two inputs and parameters are named \"x\""},
    {HEAD X "%1 = param \"x\" : real[2]\n", "two inputs and parameters are named \"x\""},
    {HEAD X "%2 = exp(%0) : real[2,3]\n", "line 3: the next value is %1, not %2"},
    {HEAD X "%1 = exp(%1) : real[2,3]\n", "line 3: %1 is not defined yet"},
    {HEAD X "%1 = exp(%-1) : real[2,3]\n", "line 3: %-1 is not defined yet"},
    {HEAD X "%1 = expo(%0) : real[2,3]\n", "line 3: there is no operation expo"},
    {HEAD X "%1 = value(%0) {number=0} : real[2,3]\n", "line 3: there is no operation value"},
    {HEAD X "%1 = over_root(%0, %0) : real[2,3]\n", "line 3: over_root has 3 operands, one result and no region"},
    {HEAD X "%1, %2 = over_root(%0, %0, %0) : real[2,3], real[2,3]\n",
     "over_root has 3 operands, one result and no region"},
    {HEAD X "%1 = over_root(%0, %0, %0) : real[2,3] ({\n%0 = input \"y\" : real[2]\nreturn %0 \"y\"\n})\n",
     "over_root has 3 operands, one result and no region"},
    {HEAD X "%1 = over_root(%0, %0, %0) : real[2,4]\n", "%1 = sqrt: its result is real[2,3], not real[2,4]"},
    {HEAD X "%1 = over_root(%0, %0, %0) : real[2,3]\n%4 = exp(%1) : real[2,3]\n", "the next value is %2, not %4"},
    {HEAD X "%1 = exp(%0, %0) : real[2,3]\n", "%1 = exp: exp: it takes 1 operand, not 2"},
    {HEAD X "%1 = exp : real[2,3]\n", "%1 = exp: exp: it takes 1 operand, not 0"},
    {HEAD X "%1 = exp(%0) : real[2,4]\n", "%1 = exp: its result is real[2,3], not real[2,4]"},
    {HEAD X "%1 = exp(%0) : index[2,3]\n", "%1 = exp: its result is real[2,3], not index[2,3]"},
    {HEAD X "%1 = exp(%0) : real[2,3]  # a / b\n%2 = exp(%1) : real[2]  # a / c\n", "a / c: %2 = exp: its result"},
    {HEAD X "%1 = exp \"e\"(%0) : real[2,3]\n", "%1 = exp: it has no name"},
    {HEAD X "%1, %2 = exp(%0) : real[2,3], real[2,3]\n", "%1 = exp: it has 2 results, not 1"},
    {HEAD X "%1, = exp(%0) : real[2,3]\n", "line 3: a value is expected after the comma"},
    {HEAD X "exp(%0)\n", "operation 1, exp: it has 0 results, not 1"},
    {HEAD X "%1 = exp(%0) : real[2,3] ({\n%0 = input \"y\" : real[2]\nreturn %0 \"y\"\n})\n",
     "%1 = exp: it has no regions"},
    {HEAD X "%1 = exp(%0) : real[2,3] ({\n", "line 4: '}' is expected at the end of the line"},
    {HEAD X "%1 = sum(%0) : real[2,1]\n", "line 3: '{' is expected, not \":\""},
    {HEAD X "%1 = sum(%0) {axes=[1] : real[2,1]\n", "line 3: '}' is expected, not \":\""},
    {HEAD X "%1 = sum(%0) {axis=[1]} : real[2,1]\n", "line 3: the next attribute is axes, not axis"},
    {HEAD X "%1 = sum(%0) {axes=[8]} : real[2,1]\n", "line 3: an axis is 0 to 7"},
    {HEAD X "%1 = sum(%0) {axes=[1,0]} : real[1,1]\n", "line 3: axes of a set are in ascending order"},
    {HEAD X "%1 = sum(%0) {axes=[2]} : real[2,3]\n", "%1 = sum: sum: [2,3]"},
    {HEAD X "%1 = sum(%0) {axes=[]} : real[2,3]\n",
     "%1 = sum: on these operands it is value: the operation would not be emitted"},
    {HEAD X "%1 = sum(%0) {axes=[1]} : real[2]\n", "%1 = sum: its result is real[2,1], not real[2]"},
    {HEAD X "%1 = permute(%0) {axes=[1]} : real[3,2]\n", "it lists every axis of its operand once"},
    {HEAD X "%1 = permute(%0) {axes=[1,1]} : real[3,2]\n", "%1 = permute: permute: [2,3]: axis 1 given at position 1"},
    {HEAD X "%1 = slice(%0) {axis=-1, start=0, count=2} : real[2,2]\n", "%1 = slice: slice: [2,3]"},
    {HEAD X "%1 = slice(%0) {axis=4294967297, start=0, count=2} : real[2,2]\n", "%1 = slice: slice: [2,3]"},
    {HEAD X "%1 = slice(%0) {axis=1, start=2, count=2} : real[2,2]\n", "2 from 2 on axis 1"},
    {HEAD X "%1 = slice(%0) {axis=1, start=0, count=3} : real[2,3]\n", "on these operands it is value"},
    {HEAD X "%1 = reshape(%0) : real[7]\n", "a different number of elements"},
    {HEAD X "%1 = reshape(%0) : real[2,3]\n", "on these operands it is value"},
    {HEAD X "%1 = matmul(%0, %0) {transpose_a=false, transpose_b=2} : real[2,2]\n",
     "line 3: true or false is expected"},
    {HEAD X "%1 = matmul(%0, %0) {transpose_a=false, transpose_b=false} : real[2,2]\n", "matmul: [2,3] x [2,3]"},
    {HEAD X "%1 = const {value=1} : real[]\n%2 = add(%0, %1) : real[2,3]\n",
     "%2 = add: its operands do not have valid shapes"},
    {HEAD X "%1 = singular(%0) : real[2,3]\n", "%1 = singular: it has 1 results, not 2"},
    {HEAD X "%1, %2 = singular(%0) : real[2,3], real[2]\n", "%1 = singular: its result is real[2,2], not real[2,3]"},
    {HEAD X "%1, %2 = singular(%0) : real[2,2], real[3]\n", "%1 = singular: its result is real[2], not real[3]"},
    {HEAD X "%1, %2 = singular(%0) : real[2,2], index[2]\n", "%1 = singular: its result is real[2], not index[2]"},
    {HEAD X "%1, %2 = singular : real[2,2], real[2]\n", "%1 = singular: singular: it takes 1 operand, not 0"},
    {HEAD "%0 = input \"x\" : real[2]\n" PAIR, "%1 = singular: singular_values: [2]: a matrix is needed"},
    {HEAD "%0 = input \"x\" : real[3,2]\n%1, %2 = singular(%0) : real[3,3], real[3]\n",
     "%1 = singular: its operands do not have valid shapes"},
    {HEAD X "%1 = singular_values(%0, %0) : real[2]\n", "in programs of this version it is a result of singular"},
    {HEAD X PAIR "%3 = gram_root(%0, %1) {eps=0} : real[2,2]\n",
     "%3 = gram_root: gram_root: it takes 3 operands, not 2"},
    {HEAD X PAIR "%3 = gram_root(%0, %2, %1) {eps=0} : real[2,2]\n",
     "operands 1 and 2 do not have the shapes of operand 0's decomposition"},
    {HEAD X PAIR "%3 = gram_root(%0, %1, %2) {eps=-1} : real[2,2]\n", "eps -1 is not a number of at least 0"},
    {HEAD X PAIR "%3 = lyapunov(%1, %1, %1, %1) {eps=0} : real[2,2]\n",
     "operands 1, 2 and 3 do not have the shapes of a decomposition and of operand 0"},
    {HEAD X "%1 = gather(%0, %0) : real[2,3,3]\n", "%1 = gather: gather: operand 1 is a real tensor"},
    {HEAD X "%1 = const {value=0x10} : real[]\n", "line 3: a number is expected, not \"0x10}\""},
    {HEAD X "%1 = const {value=1e999} : real[]\n", "line 3: a number is expected"},
    {HEAD MAP "%1 = input \"i\" : index[1,1,2,2,2]\n%2 = pool_gather(%0, %1) " POOL " : real[1,1,2,2,2]\n",
     "operand 1 is not a pool_argmax over the same windows"},
    {HEAD X "%1 = random_normal(%0, %0) {elements=1} : real[2]\n", "%1 = random_normal: random_normal: operand 1 is"},
    {HEAD X "%1 = exp(%0) : real[2,3]\nassign(%0, %1)\n", "operation 2, assign: operand 0, %0, is no parameter"},
    {HEAD W "%1 = exp(%0) : real[2,3]\nassign(%0, %1)\nassign(%0, %0)\n",
     "operation 3, assign: parameter w is assigned twice"},
    {HEAD W "assign\n", "operation 1, assign: it has no operands"},
    {HEAD W "%1 = input \"x\" : real[3]\nassign(%0, %1)\n", "shapes differ"},
    {HEAD X "return %1 \"y\"\n", "line 3: %1 is not defined yet"},
    {HEAD X "return %0\n", "line 3: a name in quotes is expected at the end of the line"},
    {HEAD X "return %0 \"\"\n", "outputs have an empty name"},
    {HEAD X "return %0 \"y\", %0 \"y\"\n", "two outputs are named \"y\""},
    {HEAD X "return %0 \"y\"\n%1 = exp(%0) : real[2,3]\n", "line 4: nothing may follow here"},
    {HEAD X "return %0 \"y\"  # scope\n", "line 3: the end of the line is expected, not \"#\""},
    {HEAD X "}\n", "line 3: nothing may follow here"},
};

TEST(mistakes_are_told_by_line_or_operation) {
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        goss_error err = {0};
        goss_program *p = NULL;
        const goss_status s = goss_program_parse(mistakes[i].text, &p, &err);
        T_NOTE("%s", mistakes[i].text);
        T_CHECK(s != GOSS_OK && p == NULL);
        if (!strstr(err.text, mistakes[i].says)) T_FAIL("\"%s\" does not say \"%s\"", err.text, mistakes[i].says);
        T_CHECK(s == GOSS_E_FORMAT || (s == GOSS_E_UNSUPPORTED && strstr(err.text, "version")));
    }
}

/* ---- texts of version 1 ---- */

#define OLD "gossamer.program 1\n"
#define OLD_PAIR                                                                                                       \
    "%1 = singular(%0) : real[2,3]\n%2 = singular_values(%0, %1) : real[2]\n"                                          \
    "%3 = singular_vectors(%0, %1) : real[2,2]\n"
#define OLD_ROOT                                                                                                       \
    OLD_PAIR "%4 = gram_root(%0, %1) {eps=0.5} : real[2,2]\n%5 = lyapunov(%4, %1, %3) {eps=0.5} : real[2,2]\n"

/* What has several results was an operation of its own there, and a value of it in which they were packed. */
TEST(results_of_version_1_become_those_of_one_operation) {
    goss_program *p = program_of(OLD X OLD_ROOT "return %2 \"values\", %5 \"x\"\n");
    char *text = goss_program_text(p);
    T_STR(text, HEAD X PAIR "%3 = gram_root(%0, %1, %2) {eps=0.5} : real[2,2]\n"
                            "%4 = lyapunov(%3, %1, %2, %1) {eps=0.5} : real[2,2]\n"
                            "return %2 \"values\", %4 \"x\"\n");
    goss_text_free(text), goss_program_free(p);
}

TEST(mistakes_of_version_1_are_told) {
    static const struct {
        const char *text, *says;
    } all[] = {
        {OLD X "%1 = singular : real[2,3]\n", "%1 = singular: singular: it takes 1 operand, not 0"},
        {OLD X "%1 = singular(%0) : real[2,3]\n%2 = singular_values(%0, %0) : real[2]\n", "its operand is no singular"},
        {OLD X "%1 = singular(%0) : real[2,3]\n%2 = singular_values(%1) : real[2]\n", "it takes 2 operands, not 1"},
        {OLD X "%1 = singular(%0) : real[2,3]\n%2 = singular_values(%0, %1) : real[3]\n",
         "its result is real[2], not real[3]"},
        {OLD X "%1, %2 = singular(%0) : real[2,2], real[2]\n", "it has 2 results, not 1"},
        {OLD X OLD_PAIR "%4 = exp(%1) : real[2,3]\n", "operand 0 is all results of singular in one"},
        {OLD X OLD_PAIR "return %1 \"y\"\n", "output y is all results of singular in one, which is not a value"},
        {OLD X "%1 = gram_root(%0, %0) {eps=0} : real[2,2]\n", "gram_root: it takes 3 operands, not 2"},
        {OLD X OLD_PAIR "%4 = exp(%0) : real[2,3] ({\n%0 = input \"y\" : real[2]\nreturn %0 \"y\"\n})\n",
         "%4 = exp: it has no regions"},
        {OLD X OLD_PAIR "%4, %5 = exp(%0) : real[2,3], real[2,3]\n", "exp: it has 2 results, not 1"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        goss_error err = {0};
        goss_program *p = NULL;
        T_NOTE("%s", all[i].text);
        T_ERR(goss_program_parse(all[i].text, &p, &err), GOSS_E_FORMAT, all[i].says);
    }
}

TEST(a_newer_language_is_unsupported) {
    goss_error err = {0};
    goss_program *p;
    T_ERR(goss_program_parse("gossamer.program 3\nwhatever\n", &p, &err), GOSS_E_UNSUPPORTED,
          "version 3 of the language; this build reads versions up to 2");
}

static int64_t numel_of(const goss_program *p, int value) {
    int64_t counts[GOSS__MAX_SYMBOLS], n = 1;
    goss__symbol_maxima(&p->symbols, counts);
    const goss_shape *s = &goss_program_value_at(p, value)->shape;
    for (int i = 0; i < s->rank; i++) n *= goss__extent_eval(s->dim[i], counts);
    return n;
}

/* A run on ones, or an error: what was verified reads and writes nothing but its own (sanitizers look). */
static void run_on_ones(const goss_program *p) {
    enum { MOST = 1 << 22, INPUTS = 64 };
    machine m = {0};
    goss_error err = {0};
    double *data[INPUTS] = {0};
    goss_schedule_options o = goss_schedule_defaults();
    int64_t all = 0;
    for (int v = 0; v < goss_program_values(p) && all <= MOST; v++) all += numel_of(p, v);
    if (all > MOST || goss_program_inputs(p) > INPUTS) return;
    o.precision = GOSS_F64;
    goss_status s = goss_schedule_compile(p, &o, &m.program, &err);
    if (s == GOSS_OK) s = goss_params_new(GOSS_F64, &m.params, &err);
    if (s == GOSS_OK) s = goss_params_add(m.params, m.program, &err);
    if (s == GOSS_OK) s = goss_threads_new(1, &m.threads, &err);
    if (s == GOSS_OK) s = goss_exec_new(m.program, m.params, m.threads, &m.exec, &err);
    for (int i = 0; i < goss_program_inputs(p) && s == GOSS_OK; i++) {
        const int64_t n = numel_of(p, goss_program_input(p, i));
        data[i] = calloc((size_t)n, sizeof *data[i]);
        for (int64_t k = 0; k < n; k++) data[i][k] = 1;
        goss_error unneeded; /* an input that no output needs is not there */
        const goss_status b = goss_exec_bind(m.exec, goss_program_input_name(p, i), data[i], &unneeded);
        T_CHECK(b == GOSS_OK || b == GOSS_E_ARGUMENT);
    }
    if (s == GOSS_OK) s = goss_exec_run(m.exec, &err);
    T_CHECK(s == GOSS_OK || err.text[0]);
    machine_free(&m);
    for (int i = 0; i < INPUTS; i++) free(data[i]);
}

/* How many damages were refused, and how many were programs still. */
typedef struct damages {
    int refused, taken;
} damages;

/* A text with a few bytes changed, left out or repeated: a program that is verified, or an error. */
static void damage(const char *text, int times, goss__rng *r, damages *d) {
    const size_t size = strlen(text);
    char *damaged = malloc(size + 64);
    for (int k = 0; k < times; k++) {
        memcpy(damaged, text, size + 1);
        const size_t at = goss__rng_below(r, (uint32_t)size), other = goss__rng_below(r, (uint32_t)size);
        const uint32_t how = goss__rng_below(r, 4);
        if (how == 0) damaged[at] = text[other];
        if (how == 1) damaged[at] = (char)('0' + goss__rng_below(r, 10));
        if (how == 2) memmove(damaged + at, damaged + at + 1, size - at);
        if (how == 3) damaged[at] = (char)(1 + goss__rng_below(r, 255));
        goss_error err = {0};
        goss_program *q = NULL;
        if (goss_program_parse(damaged, &q, &err) != GOSS_OK) {
            T_CHECK(q == NULL && err.text[0]);
            d->refused++;
            continue;
        }
        d->taken++;
        check_round_trip(q);
        run_on_ones(q);
        goss_program_free(q);
    }
    free(damaged);
}

TEST(damaged_texts_are_refused_or_are_programs) {
    enum { SEEDS = 40, DAMAGES = 150 };
    goss__rng r = goss__rng_make(5, 0);
    damages d = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        goss_program *p = random_program(seed);
        char *text = goss_program_text(p);
        damage(text, DAMAGES, &r, &d);
        goss_text_free(text), goss_program_free(p);
    }
    T_CHECK(d.refused > 1000 && d.taken > 50);
}

static const char *const old_texts[] = {
    OLD X OLD_ROOT "return %2 \"values\", %5 \"x\"\n",
    OLD "symbol N = 4\nsymbol L = 9\n%0 = input \"h\" : real[1,N,2]\n%1 = input \"x\" : real[1,N,L,2]\n"
        "%2 = scan(%0, %1) {carries=1, slices=1, consts=0, reverse=false, keep=true, stride=1, steps=L, length=L, "
        "axis=[2], piece=[0]} : real[] ({\n"
        "  %0 = arg {index=0} : real[1,N,2]\n  %1 = arg {index=1} : real[1,N,2]\n  %2 = arg {index=2} : real[]\n"
        "  %3 = permute(%0) {axes=[0,2,1]} : real[1,2,N]\n  %4 = singular(%3) : real[1,2,3]\n"
        "  %5 = singular_values(%3, %4) : real[1,2]\n  %6 = reshape(%5) : real[1,1,2]\n"
        "  %7 = broadcast(%6) : real[1,N,2]\n  %8 = add(%1, %7) : real[1,N,2]\n  return %8 \"next0\"\n})\n"
        "%3 = scan_result(%2) {kind=0, index=0, axis=0} : real[1,N,2]\n"
        "%4 = scan_result(%2) {kind=1, index=8, axis=2} : real[1,N,L,2]\nreturn %3 \"h\", %4 \"y\"\n",
};

TEST(damaged_texts_of_version_1_are_refused_or_are_programs) {
    goss__rng r = goss__rng_make(6, 0);
    damages d = {0};
    for (size_t i = 0; i < sizeof old_texts / sizeof *old_texts; i++) damage(old_texts[i], 3000, &r, &d);
    T_CHECK(d.refused > 2000 && d.taken > 200);
}

/* Each allocation of a parse fails once; returns how many there are. */
static int fail_each_allocation(const char *text) {
    int failed = 0;
    for (int k = 1;; k++) {
        goss_error err = {0};
        goss_program *q = NULL;
        goss__alloc_fail_at((uint64_t)k);
        const goss_status s = goss_program_parse(text, &q, &err);
        goss__alloc_fail_at(0);
        if (s == GOSS_OK) {
            goss_program_free(q);
            break;
        }
        if (s != GOSS_E_NOMEM) T_FAIL("allocation %d: %s\n%s", k, err.text, text);
        T_CHECK(q == NULL);
        failed++;
    }
    return failed;
}

TEST(memory_that_runs_out_is_an_error) {
    goss_program *p = random_program(7);
    char *text = goss_program_text(p);
    T_CHECK(fail_each_allocation(text) > 20);
    for (size_t i = 0; i < sizeof old_texts / sizeof *old_texts; i++) T_CHECK(fail_each_allocation(old_texts[i]) > 20);
    goss_text_free(text), goss_program_free(p);
}

TEST_MAIN()
