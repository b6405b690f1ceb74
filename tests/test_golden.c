/* SPDX-License-Identifier: Apache-2.0 */
/* Gossamer in f64 against numbers of PyTorch: values, gradients, gradients of gradients and a training curve. The files
 * under tests/golden were made by tools/golden/make_golden.py, which tells their format. */
#include "gossamer/compose.h"
#include "graph_check.h"

static const double BOUND = 1e-10; /* relative to 1 + the number; the files hold 12 digits */

static goss_error err;

/* ---- golden files ---- */

enum { TENSORS = 40, INPUTS = 8 };

typedef struct tensor {
    char name[16];
    goss_shape shape;
    int64_t numel;
    double *v;
} tensor;

typedef struct golden {
    tensor t[TENSORS];
    int n;
} golden;

static bool read_tensor(FILE *f, tensor *t) {
    if (fscanf(f, "%15s %d", t->name, &t->shape.rank) != 2 || t->shape.rank < 0 || t->shape.rank > GOSS_MAX_RANK)
        return false;
    t->numel = 1;
    for (int i = 0; i < t->shape.rank; i++) {
        long long d;
        if (fscanf(f, "%lld", &d) != 1 || d < 1 || d > 10000) return false;
        t->shape.dim[i] = goss_n(d);
        t->numel *= d;
    }
    t->v = malloc((size_t)t->numel * sizeof *t->v);
    for (int64_t i = 0; i < t->numel; i++)
        if (fscanf(f, "%lf", &t->v[i]) != 1) return false;
    return true;
}

static void golden_free(golden *g) {
    for (int i = 0; i < g->n; i++) free(g->t[i].v);
}

static goss_status golden_read(const char *name, golden *g) {
    char path[256], word[16];
    g->n = 0;
    snprintf(path, sizeof path, "tests/golden/%s.txt", name);
    FILE *f = fopen(path, "r");
    if (!f) return goss_error_set(&err, GOSS_E_IO, "%s: it does not open (run from the repository's root)", path);
    while (fgetc(f) != '\n') { /* the line that tells where it comes from */
        if (feof(f)) break;
    }
    bool good = true;
    while (good && fscanf(f, "%15s", word) == 1) {
        good = strcmp(word, "tensor") == 0 && g->n < TENSORS;
        if (!good) break;
        g->t[g->n] = (tensor){0};
        good = read_tensor(f, &g->t[g->n++]);
    }
    fclose(f);
    return good && g->n ? GOSS_OK : goss_error_set(&err, GOSS_E_FORMAT, "%s: tensor %d is not whole", path, g->n);
}

static const tensor *find(const golden *g, const char *name, int number) {
    char full[16];
    snprintf(full, sizeof full, number < 0 ? "%s" : "%s%d", name, number);
    for (int i = 0; i < g->n; i++)
        if (strcmp(g->t[i].name, full) == 0) return &g->t[i];
    return NULL;
}

static goss_val input(world *w, const tensor *t) { return world_input(w, t->name, GOSS_REAL, t->shape, t->v); }

/* ---- functions ---- */

typedef goss_val (*function)(goss_graph *g, const goss_val *x);
#define FN(id, ...)                                                                                                    \
    static goss_val id(goss_graph *g, const goss_val *x) { return __VA_ARGS__; }

static goss_val conv(const goss_val *x, int stride_h, int stride_w, int dil_h, int dil_w, int groups,
                     const int pad[4]) {
    goss_conv_options o = {stride_h, stride_w, dil_h, dil_w, groups, pad[0], pad[1], pad[2], pad[3]};
    return goss_conv(x[0], x[1], o);
}
#define PAD(...) ((const int[4]){__VA_ARGS__})
FN(conv_same, conv(x, 1, 1, 1, 1, 1, PAD(1, 1, 1, 1)))
FN(conv_stride, conv(x, 2, 2, 1, 1, 1, PAD(1, 0, 1, 2)))
FN(conv_dilated, conv(x, 1, 1, 2, 2, 1, PAD(2, 2, 2, 2)))
FN(conv_groups, conv(x, 1, 1, 1, 1, 2, PAD(0, 1, 1, 0)))
FN(conv_depthwise, conv(x, 1, 1, 1, 1, 3, PAD(1, 1, 1, 1)))
FN(conv_uneven, conv(x, 1, 2, 2, 1, 1, PAD(0, 1, 2, 0)))

static goss_pool_options overlap(void) { return (goss_pool_options){3, 3, 2, 2, 1, 1, 1, 1}; }
FN(max_pool, goss_max_pool(x[0], goss_pool_defaults(2)))
FN(max_pool_overlap, goss_max_pool(x[0], overlap()))
FN(avg_pool, goss_avg_pool(x[0], goss_pool_defaults(2)))
FN(avg_pool_overlap, goss_avg_pool(x[0], overlap()))

FN(layer_norm, goss_layer_norm(x[0], 1e-3, GOSS_NONE))
FN(group_norm, goss_group_norm(x[0], 2, 1e-3, GOSS_NONE))
FN(instance_norm, goss_instance_norm(x[0], 1e-3))
static goss_val batch_norm(goss_graph *g, const goss_val *x) {
    goss_val mean, var;
    goss_batch_stats(x[0], GOSS_NONE, &mean, &var);
    return goss_affine(goss_normalize(x[0], mean, var, 1e-3), x[1], x[2]);
}

FN(cross_entropy, goss_cross_entropy(x[0], x[1], 0.1, GOSS_NONE))
FN(log_softmax, goss_log_softmax(x[0]))
FN(huber, goss_huber(x[0], x[1], 0.7))
FN(gelu, goss_gelu(x[0]))
FN(silu, goss_silu(x[0]))
FN(elu, goss_elu(x[0]))
FN(leaky_relu, goss_leaky_relu(x[0], 0.1))
FN(softplus, goss_softplus(x[0]))
FN(attention, goss_attention(x[0], x[1], x[2], 2, GOSS_NONE))
FN(spd_solve, goss_spd_solve(goss_add(goss_matmul(x[0], x[0], true, false),
                                      goss_unsqueeze(goss_one_hot(goss_iota(g, goss_n(3)), goss_n(3)), 0)),
                             x[1]))

/* Loss of tanh(x w1) w2 by task. */
static goss_val net_loss(goss_val x, goss_val y, const goss_val *w) {
    goss_val out = goss_matmul(goss_tanh(goss_matmul(x, w[0], false, false)), w[1], false, false);
    return goss_mean(goss_squared_error(out, y), GOSS_AXIS(1), false);
}

static goss_val adapted(const goss_val *x, bool first_order) {
    goss_val w[2], grad[2];
    for (int i = 0; i < 2; i++) {
        goss_shape s = goss_shape_of(x[i]);
        s.dim[0] = goss_dim(x[2], 0);
        w[i] = goss_broadcast(x[i], s);
    }
    for (int step = 0; step < 2; step++) {
        if (goss_grad(net_loss(x[2], x[3], w), w, 2, grad) != GOSS_OK) return (goss_val){x[0].graph, 0};
        for (int i = 0; i < 2; i++)
            w[i] = goss_sub(w[i], goss_scale(first_order ? goss_detach(grad[i]) : grad[i], 0.3));
    }
    return net_loss(x[4], x[5], w);
}
FN(maml, adapted(x, false))
FN(maml_first_order, adapted(x, true))

static const struct {
    const char *name;
    function f;
} cases[] = {
#define CASE(f)                                                                                                        \
    { #f, f }
    CASE(conv_same),
    {"conv_shared", conv_same},
    CASE(conv_stride),
    CASE(conv_dilated),
    CASE(conv_groups),
    CASE(conv_depthwise),
    CASE(conv_uneven),
    CASE(max_pool),
    CASE(max_pool_overlap),
    CASE(avg_pool),
    CASE(avg_pool_overlap),
    CASE(layer_norm),
    CASE(group_norm),
    CASE(instance_norm),
    CASE(batch_norm),
    CASE(cross_entropy),
    CASE(log_softmax),
    CASE(huber),
    CASE(gelu),
    CASE(silu),
    CASE(elu),
    CASE(leaky_relu),
    CASE(softplus),
    CASE(attention),
    CASE(spd_solve),
    CASE(maml),
    CASE(maml_first_order),
#undef CASE
};

/* ---- comparison ---- */

static goss_status compare(const golden *file, const char *name, int number, const double *v, int64_t n) {
    const tensor *t = find(file, name, number);
    if (!t || t->numel != n)
        return goss_error_set(&err, GOSS_E_SHAPE, "%s of input %d: %lld numbers here, not so in the file", name, number,
                              (long long)n);
    double gap = world_gap(v, t->v, n);
    return gap <= BOUND ? GOSS_OK : goss_error_set(&err, GOSS_E_NUMERIC, "%s is %.3g off", t->name, gap);
}

/* y, then g and h of each input that the file has them for. */
static goss_status check_case(world *w, const golden *file, function f) {
    goss_val x[INPUTS], u[INPUTS], wrt[INPUTS], out[1 + 2 * INPUTS], s = goss_const(w->g, 0);
    int of[INPUTS], n = 0;
    for (int i = 0; i < INPUTS && find(file, "x", i); i++) {
        x[i] = input(w, find(file, "x", i));
        if (!find(file, "g", i)) continue;
        u[n] = input(w, find(file, "u", i));
        wrt[n] = x[i], of[n++] = i;
    }
    goss_scope_push(w->g, "golden");
    goss_val c = input(w, find(file, "c", -1));
    out[0] = f(w->g, x);
    GOSS_TRY(goss_vjp(out[0], c, wrt, n, out + 1));
    for (int i = 0; i < n; i++) s = goss_add(s, goss_sum_all(goss_mul(u[i], out[1 + i])));
    GOSS_TRY(goss_grad(s, wrt, n, out + 1 + n));
    GOSS_TRY(world_compute(w, GOSS_F64, out, 1 + 2 * n));
    GOSS_TRY(compare(file, "y", -1, w->out[0], w->numel[0]));
    for (int i = 0; i < n; i++) {
        GOSS_TRY(compare(file, "g", of[i], w->out[1 + i], w->numel[1 + i]));
        GOSS_TRY(compare(file, "h", of[i], w->out[1 + n + i], w->numel[1 + n + i]));
    }
    return GOSS_OK;
}

TEST(values_gradients_and_their_gradients) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        golden file;
        T_OK(golden_read(cases[i].name, &file));
        world w = world_new();
        err.text[0] = 0;
        goss_status s = check_case(&w, &file, cases[i].f);
        if (s != GOSS_OK) {
            goss_graph_status(w.g, &w.err);
            T_FAIL("%s: %s%s", cases[i].name, err.text, w.err.text);
        }
        world_free(&w);
        golden_free(&file);
    }
}

/* ---- a training curve ---- */

typedef struct trainer {
    goss_val loss, update[4];
} trainer;

/* Gradient descent with momentum 0.9 on two parameters, all in the graph. */
static trainer build_training(world *w, const golden *file) {
    goss_val x = input(w, find(file, "x", -1)), p[2], grad[2];
    const tensor *label = find(file, "label", -1);
    goss_val index = world_input(w, "label", GOSS_INDEX, GOSS_SHAPE(goss_n(1), goss_n(6)), label->v);
    p[0] = goss_param(w->g, "k", find(file, "k", -1)->shape);
    p[1] = goss_param(w->g, "w", find(file, "w", -1)->shape);
    goss_conv_options o = goss_conv_defaults();
    o.pad_top = o.pad_left = o.pad_bottom = o.pad_right = 1;
    goss_val h = goss_max_pool(goss_relu(goss_conv(x, p[0], o)), goss_pool_defaults(2));
    goss_val logits = goss_matmul(goss_flatten(h), p[1], false, false);
    trainer t = {.loss = goss_mean_all(goss_cross_entropy(logits, goss_one_hot(index, goss_n(3)), 0, GOSS_NONE))};
    if (goss_grad(t.loss, p, 2, grad) != GOSS_OK) return t;
    for (int i = 0; i < 2; i++) {
        goss_val v = goss_param(w->g, i ? "w speed" : "k speed", goss_shape_of(p[i]));
        goss_val faster = goss_add(goss_scale(v, 0.9), grad[i]);
        t.update[2 * i] = goss_assign(v, faster);
        t.update[2 * i + 1] = goss_assign(p[i], goss_sub(p[i], goss_scale(faster, 0.1)));
    }
    return t;
}

TEST(a_training_curve) {
    golden file;
    T_OK(golden_read("training", &file));
    world w = world_new();
    trainer t = build_training(&w, &file);
    T_OK(goss_graph_status(w.g, &err));
    T_OK(world_open(&w, GOSS_F64, &t.loss, 1, t.update, 4));
    world_set_param(&w, "k", find(&file, "k", -1)->v);
    world_set_param(&w, "w", find(&file, "w", -1)->v);
    double curve[20];
    for (int step = 0; step < 20; step++) {
        T_OK(world_run(&w));
        curve[step] = w.out[0][0];
    }
    T_OK(compare(&file, "curve", -1, curve, 20));
    const tensor *after = find(&file, "k_after", -1);
    for (int64_t i = 0; i < after->numel; i++) T_NEAR(world_param(&w, "k", i), after->v[i], BOUND);
    T_CHECK(curve[19] < 0.5 * curve[0]); /* it learns */
    world_free(&w);
    golden_free(&file);
}

TEST_MAIN()
