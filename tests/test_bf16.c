/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters kept as bfloat16: what reads them computes with their numbers as floats, to the bit. */
#include <stdlib.h>

#include "base/bf16.h"
#include "base/rng.h"
#include "gossamer/compose.h"
#include "machine.h"
#include "test.h"

enum { T = 3, N = 4, K = 37, M = 70, SIZE = K * M + M + M * K, OUT = T * N * K };

static goss_error err;

/* relu(x W + b) (V + 0.1)^T + the first numbers of b: a product on an alias, a slice in a sum, one that two kinds of
 * reader have. */
static goss_graph *build(int tasks, goss_val *y) {
    goss_graph *g = goss_graph_new();
    goss_extent t = goss_symbol(g, "T", tasks), one = goss_n(1);
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(t, goss_n(N), goss_n(K)));
    goss_val w = goss_param(g, "w", GOSS_SHAPE(goss_n(SIZE)));
    goss_val first = goss_reshape(goss_slice(w, 0, 0, K * M), GOSS_SHAPE(one, goss_n(K), goss_n(M)));
    goss_val bias = goss_slice(w, 0, K * M, M), second = goss_slice(w, 0, K * M + M, M * K);
    goss_val v = goss_reshape(second, GOSS_SHAPE(one, goss_n(K), goss_n(M)));
    goss_val h =
        goss_relu(goss_add(goss_matmul(x, first, false, false), goss_reshape(bias, GOSS_SHAPE(one, one, goss_n(M)))));
    goss_val size = goss_add(goss_matmul(h, v, false, true), goss_scale(goss_sum_all(v), 0.01));
    *y = goss_add(size, goss_reshape(goss_slice(bias, 0, 0, K), GOSS_SHAPE(one, one, goss_n(K))));
    return g;
}

typedef struct outcome {
    double y[OUT];
    char text[8000];
    size_t memory;
} outcome;

static float numbers[SIZE];
static void draw(void) {
    goss__rng r = goss__rng_make(7, 0);
    for (int i = 0; i < SIZE; i++) numbers[i] = (float)(0.3 * goss__rng_normal(&r));
}
static void round_numbers(void) {
    for (int i = 0; i < SIZE; i++) numbers[i] = goss__from_bf16(goss__to_bf16(numbers[i]));
}

static void run(goss_precision precision, const char *bf16, const char *disabled, int tasks, int threads,
                outcome *out) {
    float x32[T * N * K];
    double x64[T * N * K];
    goss_val y;
    machine m;
    goss__rng r = goss__rng_make(9, 0);
    for (int i = 0; i < T * N * K; i++) x64[i] = x32[i] = (float)goss__rng_normal(&r);
    setenv("GOSSAMER_DISABLE", disabled, 1);
    goss_graph *g = build(tasks, &y);
    goss_schedule_options o = goss_schedule_defaults();
    o.precision = precision, o.bf16 = bf16;
    T_OK(machine_new(&m, g, &y, 1, NULL, 0, &o, threads, &err));
    T_CHECK(goss_params_is_bf16(m.params, 0) == (bf16 && strstr(bf16, "w")));
    goss_params_set(m.params, 0, numbers);
    T_OK(goss_exec_bind(m.exec, "x", precision == GOSS_F64 ? (void *)x64 : x32, &err));
    T_OK(goss_exec_run(m.exec, &err));
    const void *result = goss_exec_output(m.exec, 0, NULL);
    for (int i = 0; i < tasks * N * K; i++)
        out->y[i] = precision == GOSS_F64 ? ((const double *)result)[i] : (double)((const float *)result)[i];
    char *text = goss_schedule_text(m.program);
    T_CHECK(text && strlen(text) < sizeof out->text);
    snprintf(out->text, sizeof out->text, "%s", text);
    out->memory = goss_schedule_memory(m.program, 1);
    goss_text_free(text);
    machine_free(&m);
    unsetenv("GOSSAMER_DISABLE");
}

static outcome a, b;
static bool same(int tasks) { return memcmp(a.y, b.y, (size_t)(tasks * N * K) * sizeof *a.y) == 0; }

TEST(results_are_those_of_the_same_numbers_as_floats) {
    for (int tasks = 1; tasks <= T; tasks += 2) {
        draw();
        run(GOSS_F32, "w", "", tasks, 2, &a);
        T_CHECK(strstr(a.text, "matmul_bf16") && strstr(a.text, "widen"));
        run(GOSS_F32, "w", "", tasks, 1, &b);
        T_CHECK(same(tasks));
        run(GOSS_F32, "other,w", "bf16-product", tasks, 2, &b);
        T_CHECK(same(tasks) && !strstr(b.text, "matmul_bf16"));
        run(GOSS_F32, NULL, "", tasks, 2, &b);
        T_CHECK(!same(tasks)); /* unrounded */
        round_numbers();
        run(GOSS_F32, "v", "", tasks, 2, &b);
        T_CHECK(same(tasks) && !strstr(b.text, "widen"));
    }
}

TEST(doubles_read_them_too) {
    draw();
    run(GOSS_F64, "w", "", T, 2, &a);
    round_numbers();
    run(GOSS_F64, NULL, "", T, 2, &b);
    T_CHECK(same(T));
    run(GOSS_F32, NULL, "", T, 2, &b);
    for (int i = 0; i < OUT; i++) T_NEAR(a.y[i], b.y[i], 1e-4);
}

TEST(only_what_needs_floats_is_converted) {
    draw();
    run(GOSS_F32, "w", "", T, 1, &a);
    run(GOSS_F32, "w", "bf16-product", T, 1, &b);
    T_CHECK(a.memory < b.memory); /* the first matrix is never there as floats */
}

static float from_bits(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

TEST(rounds_to_the_nearest) {
    static const uint32_t from_to[][2] = {
        {0x3f800000, 0x3f80}, {0x3f807fff, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f808001, 0x3f81},
        {0x3f818000, 0x3f82}, {0xbf818000, 0xbf82}, {0x7f7fffff, 0x7f80}, {0x7f800000, 0x7f80},
        {0xff800000, 0xff80}, {0x00000001, 0x0000}, {0x80000000, 0x8000},
    };
    for (size_t i = 0; i < sizeof from_to / sizeof *from_to; i++)
        T_CHECK(goss__to_bf16(from_bits(from_to[i][0])) == from_to[i][1]);
    T_CHECK(isnan(goss__from_bf16(goss__to_bf16(from_bits(0x7f800001)))) &&
            isnan(goss__from_bf16(goss__to_bf16(from_bits(0xffffffff)))));
}

/* A program of one parameter that `bf16` keeps so, and an assignment to it if wanted. */
static goss_status compile(const char *bf16, bool assigns, goss_schedule **p) {
    goss_graph *g = goss_graph_new();
    goss_val w = goss_param(g, "w", GOSS_SHAPE(goss_n(3))), y = goss_square(w), update = goss_assign(w, y);
    goss_schedule_options o = goss_schedule_defaults();
    o.bf16 = bf16;
    goss_status s = goss_compile(g, &y, 1, &update, assigns, &o, p, &err);
    goss_graph_free(g);
    return s;
}

TEST(what_can_not_be_is_refused) {
    goss_schedule *p, *q;
    goss_params *params;
    goss_threads *th;
    goss_exec *e;
    T_CHECK(compile("w", true, &p) == GOSS_E_UNSUPPORTED && p == NULL);
    T_CHECK(strstr(err.text, "parameter w is kept as bfloat16") != NULL);
    T_OK(compile("w", false, &p));
    T_OK(compile(NULL, false, &q));
    T_OK(goss_params_new(GOSS_F32, &params, &err));
    T_OK(goss_params_add(params, p, &err));
    T_CHECK(goss_params_add(params, q, &err) == GOSS_E_ARGUMENT && strstr(err.text, "w is kept as bfloat16") != NULL);
    T_OK(goss_threads_new(1, &th, &err));
    T_CHECK(goss_exec_new(q, params, th, &e, &err) == GOSS_E_ARGUMENT && strstr(err.text, "store of its own") != NULL);
    float got[3];
    goss_params_set(params, 0, (float[]){1.5f, 0.1f, -3});
    goss_params_get(params, 0, got);
    T_CHECK(got[0] == 1.5f && got[2] == -3 && got[1] != 0.1f);
    T_NEAR(got[1], 0.1, 0.1 / 256);
    T_OK(goss_exec_new(p, params, th, &e, &err));
    T_OK(goss_exec_run(e, &err));
    for (int i = 0; i < 3; i++) T_CHECK(((const float *)goss_exec_output(e, 0, NULL))[i] == got[i] * got[i]);
    goss_exec_free(e);
    goss_threads_free(th);
    goss_params_free(params);
    goss_schedule_free(p);
    goss_schedule_free(q);
}

TEST_MAIN()
