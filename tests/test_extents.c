/* SPDX-License-Identifier: Apache-2.0 */
/* Extents of up to eight symbols are computed with; nine, and numbers beyond 63 bits, are errors that name the
 * operation. */
#include "base/rng.h"
#include "gossamer/exec.h"
#include "gossamer/nn.h"
#include "gossamer/scan.h"
#include "graph/node.h"
#include "test.h"

static goss_error err;

enum { MOST = GOSS_MAX_SYMBOLS };

/* One graph over symbols A, B, ... of counts 2, 3, 2, ...; its input x has them all, and a column more. */
typedef struct many {
    goss_graph *g;
    goss_extent symbol[MOST + 1], all;
    int64_t numel;
    int n;
} many;

static const char *name_of(int i) {
    static const char *const names[] = {"A", "B", "C", "D", "E", "F", "G", "H", "I"};
    return names[i];
}
static int64_t count_of(int i) { return 2 + i % 2; }
enum { COLUMNS = 3 };

static many many_new(int n) {
    many m = {.g = goss_graph_new(), .all = goss_n(1), .numel = 1, .n = n};
    for (int i = 0; i < n; i++) {
        m.symbol[i] = goss_symbol(m.g, name_of(i), count_of(i) + 1);
        m.all = goss_extent_mul(m.all, m.symbol[i]);
        m.numel *= count_of(i);
    }
    return m;
}

/* [A,B,..,G*H..,3]: what rank 8 has no room for is one extent. */
static goss_shape many_shape(const many *m, bool flat) {
    goss_shape s = {.rank = 0};
    const int apart = m->n < GOSS_MAX_RANK - 1 ? m->n : GOSS_MAX_RANK - 2;
    goss_extent rest = goss_n(1);
    for (int i = 0; i < m->n; i++) {
        if (!flat && i < apart)
            s.dim[s.rank++] = m->symbol[i];
        else
            rest = goss_extent_mul(rest, m->symbol[i]);
    }
    if (flat || apart < m->n) s.dim[s.rank++] = rest;
    s.dim[s.rank++] = goss_n(COLUMNS);
    return s;
}

typedef struct running {
    goss_schedule *program;
    goss_params *params;
    goss_threads *threads;
    goss_exec *exec;
} running;

static goss_status run_many(const many *m, const goss_val *out, int n_out, const float *x, running *r) {
    goss_schedule_options o = goss_schedule_defaults();
    GOSS_TRY(goss_compile(m->g, out, n_out, NULL, 0, &o, &r->program, &err));
    GOSS_TRY(goss_params_new(GOSS_F32, &r->params, &err));
    GOSS_TRY(goss_threads_new(2, &r->threads, &err));
    GOSS_TRY(goss_exec_new(r->program, r->params, r->threads, &r->exec, &err));
    for (int i = 0; i < m->n; i++) GOSS_TRY(goss_exec_count(r->exec, name_of(i), count_of(i), &err));
    GOSS_TRY(goss_exec_bind(r->exec, "x", x, &err));
    return goss_exec_run(r->exec, &err);
}

static void end(running *r, many *m) {
    goss_exec_free(r->exec), goss_threads_free(r->threads), goss_params_free(r->params), goss_schedule_free(r->program);
    goss_graph_free(m->g);
}

/* exp, the mean over all symbols, and X'X of x, against sums in double. */
static void check_symbols(int n) {
    many m = many_new(n);
    running r = {0};
    goss_val x = goss_input(m.g, "x", GOSS_REAL, many_shape(&m, false)), rows = goss_reshape(x, many_shape(&m, true));
    const uint32_t leading = (1u << (goss_rank(x) - 1)) - 1;
    goss_val out[3] = {goss_exp(x), goss_mean(goss_exp(x), leading, false), goss_matmul(rows, rows, true, false)};
    float *v = malloc((size_t)(m.numel * COLUMNS) * sizeof *v);
    goss__rng rng = goss__rng_make(3, (uint64_t)n);
    for (int64_t i = 0; i < m.numel * COLUMNS; i++) v[i] = (float)goss__rng_normal(&rng);
    T_OK(run_many(&m, out, 3, v, &r));
    int64_t numel;
    const float *e = goss_exec_output(r.exec, 0, &numel);
    T_EQ(numel, m.numel * COLUMNS);
    double mean[COLUMNS] = {0}, product[COLUMNS * COLUMNS] = {0};
    for (int64_t i = 0; i < m.numel; i++)
        for (int j = 0; j < COLUMNS; j++) {
            const double at = v[i * COLUMNS + j];
            T_NEAR(e[i * COLUMNS + j], exp(at), 1e-5 * exp(at));
            mean[j] += exp(at) / (double)m.numel;
            for (int k = 0; k < COLUMNS; k++) product[j * COLUMNS + k] += at * v[i * COLUMNS + k];
        }
    const float *a = goss_exec_output(r.exec, 1, &numel), *p;
    T_EQ(numel, COLUMNS);
    for (int j = 0; j < COLUMNS; j++) T_NEAR(a[j], mean[j], 1e-4 * mean[j]);
    p = goss_exec_output(r.exec, 2, &numel);
    T_EQ(numel, COLUMNS * COLUMNS);
    for (int j = 0; j < COLUMNS * COLUMNS; j++) T_NEAR(p[j], product[j], 1e-4 * (1 + fabs(product[j])));
    free(v);
    end(&r, &m);
}

TEST(five_symbols) { check_symbols(5); }
TEST(six_symbols) { check_symbols(6); }
TEST(seven_symbols) { check_symbols(7); }
TEST(eight_symbols) { check_symbols(8); }

TEST(gradients_of_many_symbols) {
    many m = many_new(6);
    running r = {0};
    goss_val x = goss_input(m.g, "x", GOSS_REAL, many_shape(&m, false)), d;
    T_OK(goss_grad(goss_mean_all(goss_square(x)), &x, 1, &d));
    float v[3 * 3 * 3 * 2 * 2 * 2 * COLUMNS];
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) v[i] = (float)i / 100 - 1;
    T_OK(run_many(&m, &d, 1, v, &r));
    int64_t numel;
    const float *y = goss_exec_output(r.exec, 0, &numel);
    T_EQ(numel, m.numel * COLUMNS);
    for (int64_t i = 0; i < numel; i++) T_NEAR(y[i], 2 * v[i] / (double)numel, 1e-7);
    end(&r, &m);
}

/* ---- what is no extent ---- */

TEST(what_is_no_extent_is_equal_to_nothing) {
    many m = many_new(MOST + 1);
    goss_extent q;
    T_CHECK(!goss_extent_valid(m.all) && !goss_extent_equal(m.all, m.all));
    T_CHECK(!goss_extent_valid(goss_extent_mul(m.all, goss_n(1))) && !goss__extent_div(m.all, m.all, &q));
    T_CHECK(!goss_extent_valid(goss_extent_mul(goss_n((int64_t)1 << 40), goss_n((int64_t)1 << 40))));
    T_CHECK(!goss_extent_valid(goss_n(0)) && !goss_extent_valid(goss_extent_mul(goss_n(0), goss_n(3))));
    T_CHECK(goss_extent_valid(m.symbol[0]));
    T_CHECK(!goss_extent_valid((goss_extent){3, 0x0900}) && !goss_extent_valid((goss_extent){3, 0x020301}));
    T_CHECK(!goss_extent_equal((goss_extent){1, 0x0201}, goss_extent_mul(m.symbol[0], m.symbol[1])));
    goss_graph_free(m.g);
}

/* Every case is one expression in a graph of its own over nine symbols; its error names the operation. */
#define N(k) goss_n((int64_t)1 << (k))
#define BYTES(symbols) ((goss_extent){3, symbols})
#define FOREIGN BYTES(11) /* the symbol of a graph that has one more */
#define CASES                                                                                                          \
    CASE("input: [A,B,C,D,E,F,G,I*H]: the number of its elements is a product of more than 8 symbols",                 \
         goss_input(m.g, "y", GOSS_REAL,                                                                               \
                    (goss_shape){8,                                                                                    \
                                 {m.symbol[0], m.symbol[1], m.symbol[2], m.symbol[3], m.symbol[4], m.symbol[5],        \
                                  m.symbol[6], goss_extent_mul(m.symbol[7], m.symbol[8])}}))                           \
    CASE("reshape: axis 0 has no extent", goss_reshape(five, GOSS_SHAPE(m.all, goss_n(1))))                            \
    CASE("reshape: [A,B,C,D,E]: [A,B,C,D,F] has a different number of elements",                                       \
         goss_reshape(five, GOSS_SHAPE(m.symbol[0], m.symbol[1], m.symbol[2], m.symbol[3], m.symbol[5])))              \
    CASE("broadcast: [A,B,C,D,H*G*F*E,I]: the number",                                                                 \
         goss_full(m.g,                                                                                                \
                   GOSS_SHAPE(m.symbol[0], m.symbol[1], m.symbol[2], m.symbol[3],                                      \
                              goss_extent_mul(goss_extent_mul(m.symbol[4], m.symbol[5]),                               \
                                              goss_extent_mul(m.symbol[6], m.symbol[7])),                              \
                              m.symbol[8]),                                                                            \
                   1))                                                                                                 \
    CASE("matmul: [D*C*B*A,I*H*G*F*E]: the number",                                                                    \
         goss_matmul(goss_reshape(four, GOSS_SHAPE(left, goss_n(1))),                                                  \
                     goss_reshape(other, GOSS_SHAPE(goss_n(1), right)), false, false))                                 \
    CASE("input: axis 1 has no extent: its symbols, 0x900, are not in the order of goss_extent_mul",                   \
         goss_input(m.g, "y", GOSS_REAL, GOSS_SHAPE(goss_n(2), BYTES(0x0900))))                                        \
    CASE("reshape: axis 0 has no extent: its symbols, 0x201, are not in the order",                                    \
         goss_reshape(five, GOSS_SHAPE(BYTES(0x0201))))                                                                \
    CASE("input: axis 0 has no extent: its symbols, 0xff, are not among the 10",                                       \
         goss_input(m.g, "y", GOSS_REAL, GOSS_SHAPE(BYTES(0xff))))                                                     \
    CASE("reshape: axis 0 has no extent: its symbols, 0xb, are not among", goss_reshape(five, GOSS_SHAPE(FOREIGN)))    \
    CASE("broadcast: axis 0 has no extent: its symbols, 0xb, are not among",                                           \
         goss_broadcast(goss_const(m.g, 1), GOSS_SHAPE(FOREIGN)))                                                      \
    CASE("broadcast: axis 0 has no extent: its symbols, 0xb, are not among", goss_full(m.g, GOSS_SHAPE(FOREIGN), 1))   \
    CASE("param: axis 0 has no extent: its symbols, 0xb, are not among", goss_param(m.g, "p", GOSS_SHAPE(FOREIGN)))    \
    CASE("iota: it has no extent: its symbols, 0xb, are not among", goss_iota(m.g, FOREIGN))                           \
    CASE("one_hot: axis 1 has no extent: its symbols, 0xb, are not among",                                             \
         goss_one_hot(goss_iota(m.g, goss_n(2)), FOREIGN))                                                             \
    CASE("scatter_add: axis 0 has no extent: its symbols, 0xb, are not among",                                         \
         goss_scatter_add(goss_full(m.g, GOSS_SHAPE(goss_n(2)), 1), goss_iota(m.g, goss_n(2)), FOREIGN))               \
    CASE("random_uniform: axis 2 has no extent: its symbols, 0xb, are not among",                                      \
         goss_random_uniform(goss_iota(m.g, goss_n(2)), GOSS_SHAPE(goss_n(2), goss_n(1), FOREIGN)))                    \
    CASE("scan: the number of steps has no extent: its symbols, 0xb, are not among",                                   \
         (goss_scan_begin(m.g, FOREIGN, goss_scan_defaults()), (goss_val){0}))                                         \
    CASE("iota: it has no extent", goss_iota(m.g, m.all))                                                              \
    CASE("one_hot: [D*C*B*A,I*H*G*F*E]: the number", goss_one_hot(goss_iota(m.g, left), right))                        \
    CASE("input: [1099511627776,1099511627776]: the number of its elements is a product",                              \
         goss_input(m.g, "y", GOSS_REAL, GOSS_SHAPE(N(40), N(40))))                                                    \
    CASE("input: [1073741824,1073741824]: more than 2^44 elements",                                                    \
         goss_input(m.g, "y", GOSS_REAL, GOSS_SHAPE(N(30), N(30))))                                                    \
    CASE("input: [L,L,L]: more than 2^44 elements", goss_input(m.g, "y", GOSS_REAL, GOSS_SHAPE(large, large, large)))  \
    CASE("iota: its numbers go beyond 2^31 - 1", goss_iota(m.g, goss_extent_mul(large, large)))                        \
    CASE("random_normal: more than 2^32 - 1 elements per sample",                                                      \
         goss_random_normal(goss_iota(m.g, goss_n(2)), GOSS_SHAPE(goss_n(2), goss_n(1), N(33))))                       \
    CASE("pad: [17592186044419]: more than 2^44",                                                                      \
         goss_pad(goss_input(m.g, "p", GOSS_REAL, GOSS_SHAPE(goss_n(3))), 0, (int64_t)1 << 44, 0))                     \
    CASE("conv: [1,2,3,3,1] x [1,1,1,1,1]: extents, strides, dilations and padding go up to 2^24",                     \
         conv(m.g, (1 << 24) + 1, 0, 1))                                                                               \
    CASE("conv: [1,2,3,3,1] x [1,1,1,1,1]: a padded image of more than 2^38 numbers", conv(m.g, 1 << 20, 1 << 20, 1))  \
    CASE("conv: [1,2,3,3,1] x [1,1,1,1,1]: extents, strides", conv(m.g, 0, 0, INT32_MAX))                              \
    CASE("max_pool: [1,2,3,3,1]: images and windows go up to 2^24",                                                    \
         goss_max_pool(image(m.g), (goss_pool_options){.size_h = 1 << 17,                                              \
                                                       .size_w = 1 << 17,                                              \
                                                       .stride_h = 1,                                                  \
                                                       .stride_w = 1,                                                  \
                                                       .pad_top = 1 << 16,                                             \
                                                       .pad_left = 1 << 16,                                            \
                                                       .pad_bottom = 1 << 16,                                          \
                                                       .pad_right = 1 << 16}))

static goss_val image(goss_graph *g) {
    return goss_input(g, "image", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(2), goss_n(3), goss_n(3), goss_n(1)));
}

static goss_val conv(goss_graph *g, int top, int left, int stride) {
    goss_conv_options o = goss_conv_defaults();
    o.pad_top = top, o.pad_left = left, o.stride_h = stride;
    return goss_conv(
        image(g), goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(1), goss_n(1), goss_n(1))), o);
}

TEST(too_many_symbols_and_too_large_numbers_are_errors) {
    static const char *const expected[] = {
#define CASE(text, expression) text,
        CASES
#undef CASE
    };
    for (int k = 0; k < (int)(sizeof expected / sizeof *expected); k++) {
        many m = many_new(MOST + 1);
        goss_extent left = goss_n(1), right = goss_n(1), large = goss_symbol(m.g, "L", 1 << 20);
        for (int i = 0; i < MOST + 1; i++) {
            goss_extent *side = i < 4 ? &left : &right;
            *side = goss_extent_mul(*side, m.symbol[i]);
        }
        goss_val four = goss_input(m.g, "four", GOSS_REAL, GOSS_SHAPE(left)),
                 other = goss_input(m.g, "other", GOSS_REAL, GOSS_SHAPE(right));
        goss_val five = goss_input(m.g, "five", GOSS_REAL,
                                   GOSS_SHAPE(m.symbol[0], m.symbol[1], m.symbol[2], m.symbol[3], m.symbol[4]));
        T_OK(goss_graph_status(m.g, &err));
        int i = 0;
        goss_val v = {0};
#define CASE(text, expression)                                                                                         \
    if (i++ == k) v = expression;
        CASES
#undef CASE
        T_CHECK(!goss_valid(v));
        T_ERR(goss_graph_status(m.g, &err), GOSS_E_SHAPE, expected[k]);
        goss_schedule *p;
        T_ERR(goss_compile(m.g, &five, 1, NULL, 0, NULL, &p, &err), GOSS_E_SHAPE, expected[k]);
        goss_graph_free(m.g);
    }
}

/* Each value has room, all together have not: an error of the compilation, not sums that wrap around. */
TEST(a_run_beyond_all_memory_does_not_compile) {
    goss_graph *g = goss_graph_new();
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(1), N(43))), v[300];
    for (int i = 0; i < 300; i++)
        v[i] = goss_permute(goss_reshape(goss_scale(x, i + 2), GOSS_SHAPE(N(20), N(23))), (int[]){1, 0});
    goss_schedule *p;
    T_OK(goss_graph_status(g, &err));
    T_ERR(goss_compile(g, v, 300, NULL, 0, NULL, &p, &err), GOSS_E_SHAPE, "more than 2^52 bytes");
    goss_graph_free(g);
}

TEST(a_network_whose_maps_cannot_be_counted_is_refused) {
    const int64_t wide[] = {1 << 20, 1 << 20, 3}, small[] = {1024, 1024, 3};
    goss_target *t;
    T_ERR(goss_target_parse("pool global\nhead", wide, 3, 5, &t, &err), GOSS_E_ARGUMENT,
          "more than 2^31 - 1 numbers a sample");
    T_ERR(goss_target_parse("conv 1048576 1\npool global\nhead", small, 3, 5, &t, &err), GOSS_E_ARGUMENT,
          "conv: a map of 1024 x 1024 x 1048576 is more than 2^31 - 1 numbers");
}

TEST_MAIN()
