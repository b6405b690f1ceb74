/* SPDX-License-Identifier: Apache-2.0 */
/* Unit masks of target networks: compaction, and masks that are refused. */
#include "base/alloc.h"
#include "gossamer/nn.h"
#include "graph_check.h"

#define S(...) GOSS_SHAPE(__VA_ARGS__)
#define n(x) goss_n(x)

static goss_error err;

static goss_target *parse(const char *text, int64_t h, int64_t w, int64_t c, int64_t outputs) {
    goss_target *t = NULL;
    int64_t image[] = {h, w, c};
    if (goss_target_parse(text, h ? image : &c, h ? 3 : 1, outputs, &t, &err) != GOSS_OK) printf("  %s\n", err.text);
    return t;
}

/* Applies t with (or, for NULL, without) masks to the same images; numbers of the slab and of running statistics. */
static goss_status masked_logits(const goss_target *t, const float *const *masks, const float *slab, const float *stats,
                                 world *w) {
    const goss_layout *l = goss_target_layout(t), *r = goss_target_statistics(t);
    const int64_t *in = goss_target_input(t);
    goss_val mask[64] = {{0, 0}};
    double numbers[512];
    goss_shape s = S(n(1), n(4), n(in[0]), n(in[1]), n(in[2]));
    s.rank = 2 + goss_target_input_rank(t);
    goss_val x = world_normal(w, "x", s);
    for (int i = 0; masks && i < goss_target_units(t); i++) {
        if (!masks[i]) continue;
        char name[16];
        int64_t units = goss_target_units_count(t, i);
        for (int64_t k = 0; k < units; k++) numbers[k] = masks[i][k];
        snprintf(name, sizeof name, "mask%d", i);
        mask[i] = world_input(w, name, GOSS_REAL, S(n(1), n(units)), numbers);
    }
    goss_weights *v = goss_weights_from_params(w->g, l, "w"), *running = goss_weights_from_params(w->g, r, "r");
    goss_target_context c = goss_target_context_defaults();
    c.unit_mask = masks ? mask : NULL;
    c.running = running;
    c.norm = goss_layout_count(r) ? GOSS_NORM_RUNNING : GOSS_NORM_BATCH;
    goss_val y = goss_target_apply(t, x, v, &c).logits;
    goss_weights_free(v);
    goss_weights_free(running);
    GOSS_TRY(world_open(w, GOSS_F64, &y, 1, NULL, 0));
    double *p = malloc((size_t)(goss_layout_total(l) + goss_layout_total(r) + 1) * sizeof *p);
    for (int64_t i = 0; i < goss_layout_total(l); i++) p[i] = slab[i];
    world_set_param(w, "w", p);
    for (int64_t i = 0; i < goss_layout_total(r); i++) p[i] = stats[i];
    world_set_param(w, "r", p);
    free(p);
    return world_run(w);
}

static float *normals(int64_t count, uint64_t stream) {
    float *v = malloc((size_t)(count + 1) * sizeof *v);
    goss__rng r = goss__rng_make(2, stream);
    for (int64_t i = 0; i < count; i++) v[i] = (float)(0.3 * goss__rng_normal(&r) + 0.1);
    return v;
}

/* Every third unit dies, from a place that differs by group; with pairs, two neighbours die together. */
static void make_masks(const goss_target *t, float store[64][64], const float *masks[64]) {
    for (int g = 0; g < goss_target_units(t); g++) {
        masks[g] = g % 4 == 3 ? NULL : store[g]; /* some groups stay whole */
        for (int64_t i = 0; i < goss_target_units_count(t, g); i++) store[g][i] = (i + g) % 3 != 1;
    }
}

TEST(a_compacted_network_equals_the_masked_one) {
    static const char *const texts[] = {
        "conv4 9",
        "conv4 6 layer",
        "conv 12 3; norm group 2; relu; flatten; dense 7; gelu; head", /* each group of 6 loses 2 */
        "resnet 4",
        "resnet 6 instance",
        "mlp 10 9 8",
        "conv 8 3; silu; norm batch; conv 8 3 pad 1 groups 8; norm batch; tanh; flatten; norm layer; dense 5; elu; "
        "head",
        "conv 6 3; relu; residual { conv 9 3 pad 1; norm batch; relu; conv 6 3 pad 1 }; leaky; pool avg 2; flatten; "
        "norm batch; head",
    };
    static float store[64][64];
    const float *masks[64];
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        goss_target *t = parse(texts[k], 16, 16, 2, 3), *small;
        float *slab = normals(goss_layout_total(goss_target_layout(t)), k), *small_slab = NULL, *small_stats = NULL;
        float *stats = normals(goss_layout_total(goss_target_statistics(t)), 100 + k);
        for (int64_t i = 0; i < goss_layout_total(goss_target_statistics(t)); i++) stats[i] = fabsf(stats[i]) + 0.1f;
        make_masks(t, store, masks);
        T_OK(goss_target_compact(t, masks, slab, stats, &small, &small_slab, &small_stats, &err));
        T_CHECK(goss_layout_total(goss_target_layout(small)) < goss_layout_total(goss_target_layout(t)));
        world a = world_new(), b = world_new(), whole = world_new();
        if (masked_logits(t, masks, slab, stats, &a) != GOSS_OK) T_FAIL("%s: %s", texts[k], a.err.text);
        if (masked_logits(small, NULL, small_slab, small_stats, &b) != GOSS_OK) T_FAIL("%s: %s", texts[k], b.err.text);
        if (masked_logits(t, NULL, slab, stats, &whole) != GOSS_OK) T_FAIL("%s: %s", texts[k], whole.err.text);
        if (!(world_gap(a.out[0], b.out[0], b.numel[0]) < 1e-12)) T_FAIL("%s: the two differ", texts[k]);
        T_CHECK(world_gap(whole.out[0], a.out[0], a.numel[0]) > 1e-6); /* the masks did something */
        world_free(&a), world_free(&b), world_free(&whole);
        free(slab), free(stats);
        goss_numbers_free(small_slab), goss_numbers_free(small_stats);
        goss_target_free(t), goss_target_free(small);
    }
}

TEST(masks_that_leave_no_network_are_refused) {
    goss_target *t = parse("dense 4; norm group 2; dense 3; head", 0, 0, 2, 1), *small = NULL;
    const float uneven[] = {1, 0, 1, 1}, even[] = {1, 0, 1, 0}, none[] = {0, 0, 0}, half[] = {1, 0.5f, 1};
    T_ERR(goss_target_compact(t, (const float *[]){uneven, NULL}, NULL, NULL, &small, NULL, NULL, &err),
          GOSS_E_UNSUPPORTED, "norm1");
    T_ERR(goss_target_compact(t, (const float *[]){NULL, none}, NULL, NULL, &small, NULL, NULL, &err), GOSS_E_ARGUMENT,
          "dense2: no unit");
    T_ERR(goss_target_compact(t, (const float *[]){NULL, half}, NULL, NULL, &small, NULL, NULL, &err), GOSS_E_ARGUMENT,
          "unit 1 is 0.5");
    T_CHECK(small == NULL);
    T_OK(goss_target_compact(t, (const float *[]){even, NULL}, NULL, NULL, &small, NULL, NULL, &err));
    T_STR(goss_target_text(small), "dense 2\nnorm group 2\ndense 3\nhead\n");
    goss_target_free(t);
    goss_target_free(small);
}
/* Of attention whole heads die, and those that the text leaves open alone are a group of units. */
TEST(masked_heads_leave_a_smaller_attention) {
    static const char *const texts[2] = {"dense 8; attention 1..4 causal; attention 2; readout mean; head",
                                         "dense 8; attention 1..3 width 4; attention 2; readout mean; head"};
    for (int k = 0; k < 2; k++) {
        goss_target *t, *small = NULL;
        T_OK(goss_target_parse(texts[k], (int64_t[]){5, 3}, 2, 3, &t, &err));
        const int width = k ? 4 : 2, heads = k ? 3 : 4;
        T_EQ(goss_target_units(t), 1);
        T_STR(goss_target_units_name(t, 0), "attention1");
        T_EQ(goss_target_units_count(t, 0), heads * width);
        float mask[12], *slab = normals(goss_layout_total(goss_target_layout(t)), (uint64_t)k), *small_slab;
        for (int i = 0; i < 12; i++) mask[i] = i / width != 1;
        T_OK(goss_target_compact(t, (const float *[]){mask}, slab, NULL, &small, &small_slab, NULL, &err));
        T_STR(goss_target_text(small), k ? "dense 8\nattention 2\nattention 2\nreadout mean\nhead\n"
                                         : "dense 8\nattention 3 width 2 causal\nattention 2\nreadout mean\nhead\n");
        world a = world_new(), b = world_new(), whole = world_new();
        T_OK(masked_logits(t, (const float *[]){mask}, slab, NULL, &a));
        T_OK(masked_logits(small, NULL, small_slab, NULL, &b));
        T_OK(masked_logits(t, NULL, slab, NULL, &whole));
        T_CHECK(world_gap(a.out[0], b.out[0], b.numel[0]) < 1e-12);
        T_CHECK(world_gap(whole.out[0], a.out[0], a.numel[0]) > 1e-6);
        world_free(&a), world_free(&b), world_free(&whole);
        goss_target_free(small);
        mask[width + 1] = 1, small = NULL;
        T_ERR(goss_target_compact(t, (const float *[]){mask}, slab, NULL, &small, NULL, NULL, &err), GOSS_E_UNSUPPORTED,
              "compact: head 1 of attention1 is masked in part");
        free(slab), goss_numbers_free(small_slab), goss_target_free(t);
    }
}
TEST_MAIN()
