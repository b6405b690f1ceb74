/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical programs: made from a graph, read through the public interface, compiled, built upon. */
#include "gossamer/compose.h"
#include "gossamer/scan.h"
#include "machine.h"
#include "program_check.h"

static goss_error err;

static goss_extent n(int64_t count) { return goss_n(count); }

/* A convolution, a mean, and a step down its gradient. */
static goss_graph *build(goss_val *loss, goss_val *update) {
    goss_graph *g = goss_graph_new();
    goss_extent t = goss_symbol(g, "T", 3);
    goss_symbol(g, "unused", 7);
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(t, n(2), n(6), n(5), n(2)));
    goss_val never = goss_input(g, "never", GOSS_REAL, GOSS_SHAPE(t));
    goss_val w = goss_param(g, "net.w", GOSS_SHAPE(n(1), n(3), n(3), n(2), n(4))), grad;
    goss_exp(never);
    goss_conv_options o = goss_conv_defaults();
    o.stride_h = 2, o.pad_top = 1;
    goss_scope_push(g, "net");
    goss_scope_push(g, "conv1");
    goss_val y = goss_conv(x, w, o);
    goss_scope_pop(g), goss_scope_pop(g);
    *loss = goss_mean_all(goss_square(goss_sub(y, goss_sum(y, GOSS_AXIS(2) | GOSS_AXIS(3), true))));
    T_CHECK(goss_grad(*loss, &w, 1, &grad) == GOSS_OK);
    *update = goss_assign(w, goss_sub(w, goss_scale(grad, 0.125)));
    return g;
}

static goss_program *make(void) {
    goss_val loss, update;
    goss_program *p = NULL;
    goss_graph *g = build(&loss, &update);
    static const char *const names[] = {"loss"};
    T_OK(goss_program_create(g, &loss, names, 1, &update, 1, &p, &err));
    goss_graph_free(g);
    return p;
}

static int find_operation(const goss_program *p, const char *kind) {
    for (int i = 0; i < goss_program_operations(p); i++)
        if (strcmp(goss_program_operation_at(p, i)->kind, kind) == 0) return i;
    T_FAIL("the program has no %s", kind);
}

TEST(a_program_holds_what_is_needed_and_says_what_it_is) {
    goss_program *p = make();
    T_EQ(goss_program_symbols(p), 2);
    T_STR(goss_program_symbol_name(p, 0), "T");
    T_EQ(goss_program_symbol_maximum(p, 1), 7);
    T_EQ(goss_program_inputs(p), 1);
    T_STR(goss_program_input_name(p, 0), "x");
    T_EQ(goss_program_find_input(p, "never"), -1);
    T_EQ(goss_program_parameters(p), 1);
    T_STR(goss_program_parameter_name(p, 0), "net.w");
    T_EQ(goss_program_find_parameter(p, "net.w"), 0);
    T_EQ(goss_program_outputs(p), 1);
    T_EQ(goss_program_find_output(p, "loss"), 0);
    const goss_program_value *x = goss_program_value_at(p, goss_program_input(p, 0)),
                             *loss = goss_program_value_at(p, goss_program_output(p, 0));
    T_CHECK(x->type == GOSS_REAL && x->shape.rank == 5 && x->shape.dim[0].symbols == 1 && loss->shape.rank == 0);
    T_STR(goss_program_operation_at(p, x->operation)->kind, "input");
    T_EQ(goss_program_updates(p), 1);
    const goss_program_operation *update = goss_program_operation_at(p, goss_program_update(p, 0));
    T_STR(update->kind, "assign");
    T_CHECK(update->n_operands == 2 && update->n_results == 0 && update->operands[0] == goss_program_parameter(p, 0));
    goss_program_free(p);
}

TEST(attributes_are_named_and_typed) {
    goss_program *p = make();
    const int conv = find_operation(p, "conv"), sum = find_operation(p, "sum"), constant = find_operation(p, "const");
    T_STR(goss_program_operation_at(p, conv)->scope, "net / conv1");
    const int stride = goss_program_attribute_find(p, conv, "stride_h");
    T_CHECK(stride >= 0 && goss_program_attribute_find(p, conv, "stride") == -1);
    T_STR(goss_program_attribute_name(p, conv, stride), "stride_h");
    T_CHECK(goss_program_attribute_type(p, conv, stride) == GOSS_ATTRIBUTE_INT);
    T_EQ(goss_program_attribute_count(p, conv, stride), 1);
    T_EQ(goss_program_attribute_int(p, conv, stride, 0), 2);
    T_EQ(goss_program_attribute_int(p, conv, goss_program_attribute_find(p, conv, "image_w"), 0), 5);
    const int axes = goss_program_attribute_find(p, sum, "axes");
    T_CHECK(goss_program_attribute_type(p, sum, axes) == GOSS_ATTRIBUTE_AXES);
    T_EQ(goss_program_attribute_count(p, sum, axes), 2);
    T_EQ(goss_program_attribute_int(p, sum, axes, 0), 2);
    T_EQ(goss_program_attribute_int(p, sum, axes, 1), 3);
    const int value = goss_program_attribute_find(p, constant, "value");
    T_CHECK(goss_program_attribute_type(p, constant, value) == GOSS_ATTRIBUTE_REAL);
    T_CHECK(goss_program_attribute_real(p, constant, value, 0) != 0);
    T_EQ(goss_program_attributes(p, find_operation(p, "square")), 0);
    goss_program_free(p);
}

TEST(what_a_program_cannot_be_made_of_is_refused) {
    goss_val loss, update;
    goss_graph *g = build(&loss, &update), *other = goss_graph_new();
    goss_program *p;
    goss_val w = goss_param(g, "net.w", GOSS_SHAPE(n(1), n(3), n(3), n(2), n(4)));
    const goss_val again[2] = {update, goss_assign(w, goss_scale(w, 2))}, elsewhere = goss_const(other, 1);
    const goss_val both[2] = {loss, loss};
    T_ERR(goss_program_create(g, &elsewhere, NULL, 1, NULL, 0, &p, &err), GOSS_E_ARGUMENT,
          "output 0 is not a value of this graph");
    T_ERR(goss_program_create(g, &loss, NULL, 1, &loss, 1, &p, &err), GOSS_E_ARGUMENT, "update 0 is a div, not an");
    T_ERR(goss_program_create(g, &update, NULL, 1, NULL, 0, &p, &err), GOSS_E_ARGUMENT, "output 0 is an assignment");
    T_ERR(goss_program_create(g, NULL, NULL, 0, again, 2, &p, &err), GOSS_E_ARGUMENT,
          "updates 0 and 1 both assign parameter net.w");
    T_ERR(goss_program_create(g, both, (const char *[]){"a", "a"}, 2, NULL, 0, &p, &err), GOSS_E_ARGUMENT,
          "outputs 0 and 1 are both named a");
    T_ERR(goss_program_create(g, &loss, (const char *[]){""}, 1, NULL, 0, &p, &err), GOSS_E_ARGUMENT, "empty name");
    const goss_val read = goss_exp(update);
    T_ERR(goss_program_create(g, &read, NULL, 1, NULL, 0, &p, &err), GOSS_E_ARGUMENT, "exp reads an assignment");
    T_CHECK(p == NULL);
    goss_exp(goss_add(w, loss)), goss_matmul(w, loss, false, false);
    T_ERR(goss_program_create(g, &loss, NULL, 1, NULL, 0, &p, &err), GOSS_E_SHAPE, "matmul");
    goss_graph_free(g), goss_graph_free(other);
}

/* ---- running ---- */

static float images[3 * 2 * 6 * 5 * 2];

typedef struct outcome {
    float loss, w[72];
} outcome;

/* Two steps of a schedule, which is taken. */
static outcome run(goss_schedule *s) {
    machine m = {.program = s};
    outcome out;
    T_OK(goss_params_new(GOSS_F32, &m.params, &err));
    T_OK(goss_params_add(m.params, s, &err));
    float *w = goss_params_data(m.params, goss_params_find(m.params, "net.w"));
    for (int i = 0; i < 72; i++) w[i] = 0.01f * (float)((i * 7) % 13 - 6);
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) images[i] = 0.1f * (float)((i * 11) % 17) - 0.8f;
    T_OK(goss_threads_new(1, &m.threads, &err));
    T_OK(goss_exec_new(s, m.params, m.threads, &m.exec, &err));
    T_OK(goss_exec_bind(m.exec, "x", images, &err));
    T_OK(goss_exec_count(m.exec, "T", 2, &err));
    for (int i = 0; i < 2; i++) T_OK(goss_exec_run(m.exec, &err));
    out.loss = *(const float *)goss_exec_output(m.exec, 0, NULL);
    memcpy(out.w, w, sizeof out.w);
    machine_free(&m);
    return out;
}

TEST(a_program_compiles_to_what_its_graph_does) {
    goss_val loss, update;
    goss_schedule *direct = NULL, *made = NULL, *read = NULL;
    goss_program *p = make();
    goss_graph *g = build(&loss, &update);
    T_OK(goss_compile(g, &loss, 1, &update, 1, NULL, &direct, &err));
    goss_graph_free(g);
    T_OK(goss_schedule_compile(p, NULL, &made, &err));
    char *text = goss_program_text(p);
    goss_program_free(p);
    p = program_of(text);
    T_OK(goss_schedule_compile(p, NULL, &read, &err));
    goss_program_free(p), goss_text_free(text);
    char *a = goss_schedule_text(direct), *b = goss_schedule_text(made), *c = goss_schedule_text(read);
    T_STR(a, b);
    T_STR(a, c);
    goss_text_free(a), goss_text_free(b), goss_text_free(c);
    const outcome first = run(direct), second = run(made), third = run(read);
    T_CHECK(first.loss != 0 && memcmp(&first, &second, sizeof first) == 0 && memcmp(&first, &third, sizeof first) == 0);
}

/* A loaded program is a graph to differentiate. */
TEST(a_program_can_be_built_upon) {
    goss_program *p = make(), *q = NULL;
    goss_graph *g;
    goss_val *v = calloc((size_t)goss_program_values(p), sizeof *v), update, grad[2];
    T_OK(goss_program_graph(p, &g, v, &update, &err));
    const goss_val loss = v[goss_program_output(p, 0)];
    const goss_val wrt[2] = {v[goss_program_parameter(p, 0)], v[goss_program_input(p, 0)]};
    T_CHECK(goss_grad(loss, wrt, 2, grad) == GOSS_OK);
    T_EQ(update.id, goss_assign(wrt[0], goss_sub(wrt[0], goss_scale(grad[0], 0.125))).id); /* the same node */
    T_OK(goss_program_create(g, grad, (const char *[]){"dw", "dx"}, 2, &update, 1, &q, &err));
    check_round_trip(q);
    goss_graph_free(g), goss_program_free(p), goss_program_free(q), free(v);
}

/* Singular values, but no vectors, of what a loop stacks, and its last carry: of T matrices [2, 3]. */
static goss_graph *build_several(goss_val out[3]) {
    goss_graph *g = goss_graph_new();
    const goss_extent t = goss_symbol(g, "T", 3);
    const goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(t, n(1), n(2), n(3))),
                   h = goss_input(g, "h", GOSS_REAL, GOSS_SHAPE(t, n(1), n(3)));
    goss_scan *s = goss_scan_begin(g, n(2), goss_scan_defaults());
    const goss_val state = goss_scan_carry(s, h), next = goss_tanh(goss_add(state, goss_scan_slice(s, x)));
    goss_scan_next(s, state, next);
    goss_scan_emit(s, next);
    goss_scan_end(s);
    out[0] = goss_singular_values(goss_scan_stacked(s, next));
    out[1] = goss_scan_last(s, state);
    T_OK(goss_grad(goss_add(goss_sum_all(goss_square(out[0])), goss_sum_all(out[1])), &x, 1, &out[2]));
    return g;
}

/* The outputs of a run on numbers. */
static void run_several(const goss_schedule *p, float out[3][18]) {
    machine m = {0};
    float x[18], h[9];
    for (int i = 0; i < 18; i++) x[i] = (float)((i * 7) % 11) / 8 - 0.5f;
    for (int i = 0; i < 9; i++) h[i] = (float)i / 8;
    T_OK(goss_threads_new(1, &m.threads, &err));
    T_OK(goss_exec_new(p, NULL, m.threads, &m.exec, &err));
    T_OK(goss_exec_bind(m.exec, "x", x, &err));
    T_OK(goss_exec_bind(m.exec, "h", h, &err));
    T_OK(goss_exec_run(m.exec, &err));
    for (int i = 0; i < 3; i++) {
        int64_t numel;
        const float *v = goss_exec_output(m.exec, i, &numel);
        memcpy(out[i], v, (size_t)numel * sizeof *v);
    }
    machine_free(&m);
}

TEST(an_operation_may_have_several_results) {
    goss_val out[3];
    goss_program *p = NULL;
    goss_graph *g = build_several(out);
    T_OK(goss_program_create(g, out, NULL, 2, NULL, 0, &p, &err));
    const goss_program_operation *scan = goss_program_operation_at(p, find_operation(p, "scan")),
                                 *svd = goss_program_operation_at(p, find_operation(p, "singular"));
    T_CHECK(scan->n_results == 2 && scan->n_regions == 1 && goss_program_outputs(scan->regions[0]) == 2);
    T_EQ(goss_program_output(p, 1), scan->first_result); /* the carry, then what is stacked */
    T_CHECK(svd->n_results == 2 && svd->n_operands == 1 && svd->operands[0] == scan->first_result + 1);
    T_EQ(goss_program_output(p, 0), svd->first_result + 1); /* the values; nothing reads the vectors */
    for (int k = 0; k < 2; k++) {
        const goss_program_value *v = goss_program_value_at(p, svd->first_result + k);
        T_CHECK(goss_program_operation_at(p, v->operation) == svd && v->result == k && v->shape.rank == 4 - k);
    }
    goss_program_free(p), goss_graph_free(g);
}

/* Results of a program are values of its graph: to differentiate, and to run. */
TEST(several_results_can_be_built_upon) {
    goss_val out[3], again[3];
    goss_schedule *direct, *read;
    goss_program *p = NULL;
    float want[3][18] = {0}, have[3][18] = {0};
    goss_graph *g = build_several(out), *back;
    T_OK(goss_program_create(g, out, NULL, 2, NULL, 0, &p, &err));
    T_OK(goss_compile(g, out, 3, NULL, 0, NULL, &direct, &err));
    goss_val *v = calloc((size_t)goss_program_values(p), sizeof *v);
    T_OK(goss_program_graph(p, &back, v, NULL, &err));
    for (int i = 0; i < goss_program_values(p); i++)
        T_CHECK(goss_valid(v[i]) && goss_shape_equal(goss_shape_of(v[i]), goss_program_value_at(p, i)->shape));
    for (int i = 0; i < 2; i++) again[i] = v[goss_program_output(p, i)];
    T_OK(goss_grad(goss_add(goss_sum_all(goss_square(again[0])), goss_sum_all(again[1])),
                   &v[goss_program_input(p, goss_program_find_input(p, "x"))], 1, &again[2]));
    T_OK(goss_compile(back, again, 3, NULL, 0, NULL, &read, &err));
    run_several(direct, want), run_several(read, have);
    T_CHECK(want[0][0] > 0 && want[2][0] != 0 && memcmp(want, have, sizeof want) == 0);
    goss_schedule_free(direct), goss_schedule_free(read);
    goss_graph_free(g), goss_graph_free(back), goss_program_free(p), free(v);
}

/* Draws of a program keep their streams, and new ones are others. */
TEST(new_draws_are_other_draws) {
    goss_graph *g = goss_graph_new(), *back;
    goss_val task = goss_input(g, "task", GOSS_INDEX, GOSS_SHAPE(n(2))), draw[2];
    goss_program *p;
    for (int i = 0; i < 2; i++) draw[i] = goss_random_normal(task, GOSS_SHAPE(n(2), n(3)));
    T_OK(goss_program_create(g, draw, NULL, 2, NULL, 0, &p, &err));
    goss_graph_free(g);
    goss_val *v = calloc((size_t)goss_program_values(p), sizeof *v);
    T_OK(goss_program_graph(p, &back, v, NULL, &err));
    const goss_val third = goss_random_normal(v[goss_program_input(p, 0)], GOSS_SHAPE(n(2), n(3)));
    for (int i = 0; i < 2; i++) T_CHECK(third.id != v[goss_program_output(p, i)].id);
    goss_graph_free(back), goss_program_free(p), free(v);
}

TEST(parameters_are_those_of_the_program) {
    goss_program *p = make();
    goss_params *params;
    T_OK(goss_params_new(GOSS_F64, &params, &err));
    T_OK(goss_params_add_program(params, p, &err));
    T_OK(goss_params_add_program(params, p, &err)); /* they are there */
    T_EQ(goss_params_count(params), 1);
    T_EQ(goss_params_numel(params, goss_params_find(params, "net.w")), 72);
    goss_program *other = program_of("gossamer.program 1\n%0 = param \"net.w\" : real[3]\nreturn %0 \"y\"\n");
    T_ERR(goss_params_add_program(params, other, &err), GOSS_E_SHAPE, "net.w is [1,3,3,2,4] in the store, but [3]");
    goss_program_free(p), goss_program_free(other), goss_params_free(params);
}

TEST_MAIN()
