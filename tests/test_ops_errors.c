/* SPDX-License-Identifier: Apache-2.0 */
/* What every builder says to operands that do not fit: op, shapes, what is wrong; and that nothing after the first
 * error hides it. */
#include "ops/ops.h"
#include "test.h"

static goss_error err;

/* Tensors that the cases draw from. */
typedef struct pool {
    goss_graph *g;
    goss_val a458, a498, a491, a45, s, index, index2, image, filter, square, table, param, none, sym;
} pool;

#define TENSOR(name, ...) goss_input(g, name, GOSS_REAL, GOSS_SHAPE(__VA_ARGS__))
static goss_extent n(int64_t count) { return goss_n(count); }

static pool pool_new(void) {
    goss_graph *g = goss_graph_new();
    goss_extent T = goss_symbol(g, "T", 4), N = goss_symbol(g, "N", 3);
    return (pool){.g = g,
                  .a458 = TENSOR("a458", n(4), n(5), n(8)),
                  .a498 = TENSOR("a498", n(4), n(9), n(8)),
                  .a491 = TENSOR("a491", n(4), n(9), n(1)),
                  .a45 = TENSOR("a45", n(4), n(5)),
                  .s = goss_const(g, 2),
                  .sym = TENSOR("sym", T, N, n(3)),
                  .image = TENSOR("image", T, N, n(6), n(6), n(4)),
                  .filter = TENSOR("filter", T, n(3), n(3), n(2), n(5)),
                  .square = TENSOR("square", n(2), n(3), n(3)),
                  .table = TENSOR("table", n(7), n(3)),
                  .index = goss_input(g, "index", GOSS_INDEX, GOSS_SHAPE(n(4))),
                  .index2 = goss_input(g, "index2", GOSS_INDEX, GOSS_SHAPE(n(4), n(5))),
                  .param = goss_param(g, "param", GOSS_SHAPE(n(7), n(3))),
                  .none = {g, 0}};
}

static goss_conv_options groups(int k) {
    goss_conv_options o = goss_conv_defaults();
    o.groups = k;
    return o;
}
static goss_conv_options stride(int k) {
    goss_conv_options o = goss_conv_defaults();
    o.stride_h = k;
    return o;
}
static goss_pool_options window(int size, int pad) {
    goss_pool_options o = goss_pool_defaults(size);
    o.pad_top = pad;
    return o;
}
static goss_val many(goss_val a, int count) {
    goss_val v[80];
    for (int i = 0; i < count; i++) v[i] = a;
    return goss_concat(v, count, 0);
}
static goss_val deep(goss_graph *g) {
    goss_extent d[9] = {{1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0}};
    return goss_input(g, "deep", GOSS_REAL, goss_shape_make(9, d));
}

/* CASE(text, call): the call over `p` must give the invalid value and that text. */
#define CASES                                                                                                          \
    /* elementwise */                                                                                                  \
    CASE("mul: [4,5,8] x [4,9,8]: axis 1: extents 5 and 9", goss_mul(p.a458, p.a498))                                  \
    CASE("add: [4,5,8] x [4,5]: ranks 3 and 2", goss_add(p.a458, p.a45))                                               \
    CASE("add: [4,5,8] x [T,N,3]: axis 0: extents 4 and T", goss_add(p.a458, p.sym))                                   \
    CASE("select: [4,5,8] x [4,9,8]: axis 1", goss_select(p.s, p.a458, p.a498))                                        \
    CASE("exp: operand 1 is an index", goss_exp(p.index))                                                              \
    CASE("sub: operand 2 is an index", goss_sub(p.s, p.index))                                                         \
    /* layout */                                                                                                       \
    CASE("broadcast: [4,5]: to rank 3", goss_broadcast(p.a45, GOSS_SHAPE(n(4), n(5), n(1))))                           \
    CASE("broadcast: [4,5]: axis 1", goss_broadcast(p.a45, GOSS_SHAPE(n(4), n(6))))                                    \
    CASE("reshape: [4,5]: [7,3]", goss_reshape(p.a45, GOSS_SHAPE(n(7), n(3))))                                         \
    CASE("reshape: [T,N,3]", goss_reshape(p.sym, GOSS_SHAPE(n(12), n(3))))                                             \
    CASE("permute: [4,5]: axis 0 given at position 1", goss_permute(p.a45, (int[]){0, 0}))                             \
    CASE("permute: [4,5]: axis 2", goss_permute(p.a45, (int[]){2, 0}))                                                 \
    CASE("transpose: [4]", goss_transpose(goss_slice(goss_reshape(p.a45, GOSS_SHAPE(n(20))), 0, 0, 4)))                \
    CASE("squeeze: [4,5]: axis 1 is not 1", goss_squeeze(p.a45, 1))                                                    \
    CASE("squeeze: [4,5]: there is no axis 2", goss_squeeze(p.a45, 2))                                                 \
    CASE("unsqueeze: [4,5]: axis 4 is out of range", goss_unsqueeze(p.a45, 4))                                         \
    CASE("slice: [4,5]: there is no axis -3", goss_slice(p.a45, -3, 0, 1))                                             \
    CASE("slice: [4,5]: 4 from 2 on axis 1", goss_slice(p.a45, 1, 2, 4))                                               \
    CASE("slice: [4,5]: 1 from 9223372036854775807 on axis 1", goss_slice(p.a45, 1, INT64_MAX, 1))                     \
    CASE("slice: [4,5]: 0 from 0 on axis 0", goss_slice(p.a45, 0, 0, 0))                                               \
    CASE("slice: [T,N,3]: axis 1 must have a fixed extent", goss_slice(p.sym, 1, 0, 1))                                \
    CASE("pad: [4,5]: -1 before", goss_pad(p.a45, 0, -1, 0))                                                           \
    CASE("pad: [4,5]: 9223372036854775807 before", goss_pad(p.a45, 0, INT64_MAX, 0))                                   \
    CASE("pad: [T,N,3]: axis 0 must have a fixed extent", goss_pad(p.sym, 0, 1, 0))                                    \
    CASE("concat: [4,5,8] x [4,5]: ranks 3 and 2", goss_concat((goss_val[]){p.a458, p.a45}, 2, 0))                     \
    CASE("concat: [4,5,8] x [4,9,8]: axis 1: extents 5 and 9", goss_concat((goss_val[]){p.a458, p.a498}, 2, 0))        \
    CASE("concat: [T,N,3]: axis 0 must have a fixed extent", goss_concat((goss_val[]){p.sym, p.sym}, 2, 0))            \
    CASE("concat: [4,5]: 65 parts are over 64", many(p.a45, 65))                                                       \
    /* reductions */                                                                                                   \
    CASE("sum: [4,5]: axes 0x4 are out of range", goss_sum(p.a45, GOSS_AXIS(2), false))                                \
    CASE("reduce_max: [4,5]: axes 0x8", goss_reduce_max(p.a45, GOSS_AXIS(3), true))                                    \
    CASE("sum: operand 1 is an index", goss_mean(p.index, GOSS_AXIS(0), true))                                         \
    /* products */                                                                                                     \
    CASE("matmul: [4,5,8] x [4,9,1]: inner extents 8 and 9", goss_matmul(p.a458, p.a491, false, false))                \
    CASE("matmul: [4,5,8] x [4,5]: ranks", goss_matmul(p.a458, p.a45, false, false))                                   \
    CASE("matmul: [4,5,8] x [2,3,3]: axis 0: extents 4 and 2", goss_matmul(p.a458, p.square, false, false))            \
    CASE("spd_solve: [4,5,8]: the last two axes", goss_spd_solve(p.a458, p.a458))                                      \
    CASE("spd_solve: [2,3,3] x [4,5,8]", goss_spd_solve(p.square, p.a458))                                             \
    CASE("log_det: [4,5,8]: the last two axes", goss_log_det(p.a458))                                                  \
    CASE("singular_values: [4]: a matrix is needed",                                                                   \
         goss_singular_values(goss_slice(goss_reshape(p.a45, GOSS_SHAPE(n(20))), 0, 0, 4)))                            \
    CASE("singular_vectors: operand 1 is an index", goss_singular_vectors(p.index2))                                   \
    CASE("gram_root: eps -1 is not a number of at least 0", goss_gram_root(p.a45, -1))                                 \
    CASE("gram_root: [T,N]: one of the last two axes must have a fixed extent",                                        \
         goss_gram_root(goss_sum(p.sym, GOSS_AXIS(2), false), 0))                                                      \
    CASE("singular_values: [2000,2000]: the smaller side of a matrix is at most 1024",                                 \
         goss_singular_values(goss_full(p.g, GOSS_SHAPE(n(2000), n(2000)), 1)))                                        \
    /* convolution and pools */                                                                                        \
    CASE("conv: [4,5] x [T,3,3,2,5]", goss_conv(p.a45, p.filter, groups(2)))                                           \
    CASE("conv: [T,N,6,6,4] x [T,3,3,2,5]: 4 channels in 1 groups", goss_conv(p.image, p.filter, groups(1)))           \
    CASE("conv: [T,N,6,6,4] x [T,3,3,2,5]", goss_conv(p.image, p.filter, groups(2))) /* 5 maps in 2 groups */          \
    CASE("conv: [T,N,6,6,4] x [T,3,3,2,5]: strides", goss_conv(p.image, p.filter, stride(0)))                          \
    CASE("max_pool: [4,5]", goss_max_pool(p.a45, window(2, 0)))                                                        \
    CASE("max_pool: [T,N,6,6,4]", goss_max_pool(p.image, window(7, 0)))                                                \
    CASE("avg_pool: [T,N,6,6,4]", goss_avg_pool(p.image, window(2, 2)))                                                \
    CASE("max_pool: [T,N,6,6,4]", goss_max_pool(p.image, window(0, 0)))                                                \
    /* indexing, random, leaves */                                                                                     \
    CASE("gather: operand 1 is a real tensor", goss_gather(p.table, p.a45))                                            \
    CASE("gather: operand 1 is an index", goss_gather(p.index, p.index))                                               \
    CASE("gather: [] x [4]", goss_gather(p.s, p.index))                                                                \
    CASE("scatter_add: [4,5] x [4,5]", goss_scatter_add(p.a45, p.index2, n(0)))                                        \
    CASE("scatter_add: [7,3] x [4]", goss_scatter_add(p.table, p.index, n(3)))                                         \
    CASE("one_hot: operand 1 is a real tensor", goss_one_hot(p.a45, n(3)))                                             \
    CASE("random_uniform: [4]: it must have one id", goss_random_uniform(p.index, GOSS_SHAPE(n(5), n(2))))             \
    CASE("random_normal: [4,5]", goss_random_normal(p.index2, GOSS_SHAPE(n(4), n(2))))                                 \
    CASE("random_normal: operand 1 is a real tensor", goss_random_normal(p.a45, GOSS_SHAPE(n(4), n(5))))               \
    CASE("input image [4,5]: the name is taken by the input [T,N,6,6,4]",                                              \
         goss_input(p.g, "image", GOSS_REAL, GOSS_SHAPE(n(4), n(5))))                                                  \
    CASE("param image [4,5]: the name is taken by the input", goss_param(p.g, "image", GOSS_SHAPE(n(4), n(5))))        \
    CASE("input param [7,3]: the name is taken by the param",                                                          \
         goss_input(p.g, "param", GOSS_REAL, GOSS_SHAPE(n(7), n(3))))                                                  \
    CASE("input index [4]: the name is taken", goss_input(p.g, "index", GOSS_REAL, GOSS_SHAPE(n(4))))                  \
    CASE("input: it needs a name", goss_input(p.g, "", GOSS_REAL, GOSS_SHAPE(n(4))))                                   \
    CASE("input: axis 0 has no extent", goss_input(p.g, "empty", GOSS_REAL, GOSS_SHAPE(n(0))))                         \
    CASE("param counted: axis 0 must have a fixed extent",                                                             \
         goss_param(p.g, "counted", GOSS_SHAPE(goss_symbol(p.g, "T", 0))))                                             \
    CASE("input: rank 9 is not 0 to 8", deep(p.g))                                                                     \
    CASE("reshape: rank 9", goss_reshape(p.a45, (goss_shape){.rank = 9}))                                              \
    CASE("reshape: axis 0 has no extent", goss_reshape(p.a45, GOSS_SHAPE(n(-4), n(-5))))                               \
    CASE("broadcast: axis 1 has no extent", goss_full(p.g, GOSS_SHAPE(n(3), n(0)), 1))                                 \
    CASE("broadcast: rank -1", goss_full(p.g, (goss_shape){.rank = -1}, 1))                                            \
    CASE("iota: it has no extent", goss_iota(p.g, n(0)))                                                               \
    CASE("assign: operand 1 is not a parameter", goss_assign(p.a45, p.a45))                                            \
    CASE("assign: [7,3] x [4,5]: shapes differ", goss_assign(p.param, p.a45))                                          \
    CASE("assign_rows: [4,5]: the index must have rank 1", goss_assign_rows(p.param, p.index2, p.table))               \
    CASE("assign_rows: [7,3] x [7,3]: one row for each index", goss_assign_rows(p.param, p.index, p.table))            \
    CASE("assign_rows: [7,3] x [4,5]: axis 1: rows differ", goss_assign_rows(p.param, p.index, p.a45))                 \
    CASE("operand 2 is not a value", goss_add(p.a45, p.none))                                                          \
    CASE("operand 1 is not a value", goss_exp(p.none))

#define CASE(text, ...) text,
static const char *const texts[] = {CASES};
#undef CASE

/* One function for all: the k-th call. */
static goss_val call(pool p, size_t k) {
    size_t i = 0;
#define CASE(text, ...)                                                                                                \
    if (i++ == k) return __VA_ARGS__;
    CASES
#undef CASE
    return p.none;
}

TEST(every_misfit_is_named) {
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        pool p = pool_new();
        goss_scope_push(p.g, "net");
        goss_val v = call(p, i);
        if (goss_valid(v)) T_FAIL("%s: the call went through", texts[i]);
        err.text[0] = 0;
        if (goss_graph_status(p.g, &err) == GOSS_OK) T_FAIL("%s: no error", texts[i]);
        if (strncmp(err.text, "net: ", 5) != 0 || !strstr(err.text, texts[i]))
            T_FAIL("\"%s\" does not say \"%s\"", err.text, texts[i]);
        goss_error first = err;
        T_CHECK(!goss_valid(goss_mul(v, v)) && !goss_valid(goss_conv(v, p.a45, goss_conv_defaults())));
        goss_add(p.a458, p.a498);
        goss_graph_status(p.g, &err);
        T_STR(err.text, first.text);
        goss_graph_free(p.g);
    }
}

/* Every builder takes an invalid value of a graph, or of none, and gives one back. */
TEST(invalid_values_pass_through) {
    goss_graph *g = goss_graph_new();
    goss_val bad[2] = {goss_graph_fail(g, GOSS_E_ARGUMENT, "made to fail"), {NULL, 0}};
    for (int i = 0; i < 2; i++) {
        goss_val b = bad[i];
        goss_shape s = GOSS_SHAPE(n(2));
        int axes[] = {0};
        const goss_val out[] = {goss_add(b, b),
                                goss_exp(b),
                                goss_select(b, b, b),
                                goss_scale(b, 2),
                                goss_shift(b, 2),
                                goss_detach(b),
                                goss_broadcast(b, s),
                                goss_reshape(b, s),
                                goss_permute(b, axes),
                                goss_transpose(b),
                                goss_slice(b, 0, 0, 1),
                                goss_pad(b, 0, 1, 1),
                                goss_concat(&b, 1, 0),
                                goss_squeeze(b, 0),
                                goss_unsqueeze(b, 0),
                                goss_sum(b, 1, false),
                                goss_mean(b, 1, true),
                                goss_reduce_max(b, 1, true),
                                goss_sum_all(b),
                                goss_mean_all(b),
                                goss_matmul(b, b, false, true),
                                goss_spd_solve(b, b),
                                goss_log_det(b),
                                goss_singular_values(b),
                                goss_singular_vectors(b),
                                goss_gram_root(b, 0),
                                goss_conv(b, b, goss_conv_defaults()),
                                goss_max_pool(b, goss_pool_defaults(2)),
                                goss_avg_pool(b, goss_pool_defaults(2)),
                                goss_gather(b, b),
                                goss_scatter_add(b, b, n(3)),
                                goss_one_hot(b, n(3)),
                                goss_random_normal(b, s),
                                goss_zeros_like(b),
                                goss_assign(b, b),
                                goss_assign_rows(b, b, b)};
        for (size_t k = 0; k < sizeof out / sizeof *out; k++) T_CHECK(!goss_valid(out[k]));
        goss_val d;
        T_CHECK(goss_grad(b, &b, 1, &d) != GOSS_OK && !goss_valid(d));
    }
    T_ERR(goss_graph_status(g, &err), GOSS_E_ARGUMENT, "made to fail");
    goss_graph_free(g);
}

TEST(two_graphs_do_not_mix) {
    pool p = pool_new(), q = pool_new();
    T_CHECK(!goss_valid(goss_add(p.a45, q.a45)));
    T_ERR(goss_graph_status(p.g, &err), GOSS_E_ARGUMENT, "two graphs");
    T_OK(goss_graph_status(q.g, &err));
    goss_graph_free(p.g);
    goss_graph_free(q.g);
}

TEST_MAIN()
