/* SPDX-License-Identifier: Apache-2.0 */
/* The layer `shifts`: features are the mean over an image and its shifted copies, outside training. */
#include "gossamer/nn.h"
#include "graph_check.h"
#include "test.h"

enum { SIDE = 6, TASKS = 2, SAMPLES = 3 };

static goss_error err;

static goss_extent n(int64_t x) { return goss_n(x); }

static goss_target *parse(const char *text) {
    goss_target *t = NULL;
    if (goss_target_parse(text, (int64_t[]){SIDE, SIDE, 1}, 3, 2, &t, &err) != GOSS_OK) printf("  %s\n", err.text);
    return t;
}

/* Numbers of `from` moved down and right by that many pixels (one of them 0), the border repeated. */
static void move_images(const double *from, double *to, int images, int down, int right) {
    for (int i = 0; i < images; i++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                int at_y = y - down, at_x = x - right;
                at_y = at_y < 0 ? 0 : at_y >= SIDE ? SIDE - 1 : at_y;
                at_x = at_x < 0 ? 0 : at_x >= SIDE ? SIDE - 1 : at_x;
                to[(i * SIDE + y) * SIDE + x] = from[(i * SIDE + at_y) * SIDE + at_x];
            }
}

typedef struct setting {
    goss_target *with, *without;
    world w;
    goss_val x;
    goss_weights *v;
} setting;

static bool open_setting(setting *s, const char *layers) {
    char text[256];
    snprintf(text, sizeof text, "shifts 2; %s", layers);
    s->with = parse(text), s->without = parse(layers);
    s->w = world_new();
    if (!s->with || !s->without) return false;
    s->x = world_normal(&s->w, "x", GOSS_SHAPE(n(TASKS), n(SAMPLES), n(SIDE), n(SIDE), n(1)));
    goss_val slab = world_normal(&s->w, "slab", GOSS_SHAPE(n(1), n(goss_layout_total(goss_target_layout(s->with)))));
    s->v = goss_weights_from_slab(goss_target_layout(s->with), slab);
    return true;
}

static void close_setting(setting *s) {
    goss_weights_free(s->v);
    goss_target_free(s->with), goss_target_free(s->without);
    world_free(&s->w);
}

TEST(features_are_the_mean_over_copies) {
    static const int by[5][2] = {{0, 0}, {2, 0}, {-2, 0}, {0, 2}, {0, -2}};
    static double copies[5][TASKS * SAMPLES * SIDE * SIDE];
    setting s;
    T_CHECK(open_setting(&s, "conv 3 3; norm layer; relu; flatten; head"));
    goss_val out[7] = {goss_target_features(s.with, s.x, s.v, NULL), goss_target_apply(s.with, s.x, s.v, NULL).logits};
    for (int i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        move_images(world_numbers(&s.w, "x"), copies[i], TASKS * SAMPLES, by[i][0], by[i][1]);
        goss_val x = world_input(&s.w, name, GOSS_REAL, goss_shape_of(s.x), copies[i]);
        out[2 + i] = goss_target_features(s.without, x, s.v, NULL);
    }
    goss_val mean = out[2];
    for (int i = 1; i < 5; i++) mean = goss_add(mean, out[2 + i]);
    mean = goss_scale(mean, 0.2);
    goss_val head = goss_linear(mean, goss_weights_get(s.v, "head.w"), goss_weights_get(s.v, "head.b"));
    if (world_compute(&s.w, GOSS_F64, (goss_val[]){out[0], mean, out[1], head}, 4) != GOSS_OK)
        T_FAIL("%s", s.w.err.text);
    T_CHECK(world_gap(s.w.out[0], s.w.out[1], s.w.numel[0]) < 1e-12);
    T_CHECK(world_gap(s.w.out[2], s.w.out[3], s.w.numel[2]) < 1e-12);
    close_setting(&s);
}

TEST(training_sees_the_image_alone) {
    setting s;
    T_CHECK(open_setting(&s, "conv 3 3; norm batch; relu; flatten; head"));
    goss_target_context c = goss_target_context_defaults();
    c.training = true;
    T_CHECK(goss_target_apply(s.with, s.x, s.v, &c).logits.id == goss_target_apply(s.without, s.x, s.v, &c).logits.id);
    T_CHECK(goss_target_apply(s.with, s.x, s.v, NULL).logits.id !=
            goss_target_apply(s.without, s.x, s.v, NULL).logits.id);
    close_setting(&s);
}

TEST(copies_of_padding_weigh_nothing) {
    const double weight[] = {1, 1, 0, 1, 0, 1};
    setting s;
    T_CHECK(open_setting(&s, "conv 3 3; norm batch; relu; flatten; head"));
    goss_target_context c = goss_target_context_defaults();
    c.sample_weight = world_input(&s.w, "weight", GOSS_REAL, GOSS_SHAPE(n(TASKS), n(SAMPLES)), weight);
    goss_val y = goss_target_apply(s.with, s.x, s.v, &c).logits;
    if (world_compute(&s.w, GOSS_F64, &y, 1) != GOSS_OK) T_FAIL("%s", s.w.err.text);
    double before[TASKS * SAMPLES * 2];
    memcpy(before, s.w.out[0], sizeof before);
    for (int i = 0; i < SIDE * SIDE; i++)
        world_numbers(&s.w, "x")[2 * SIDE * SIDE + i] += 1 + i % 3; /* task 0's third */
    T_EQ(world_run(&s.w), GOSS_OK);
    for (int i = 0; i < TASKS * SAMPLES * 2; i++)
        if (i / 2 != 2) T_NEAR(s.w.out[0][i], before[i], 1e-12);
    for (int i = 0; i < SIDE * SIDE; i++) world_numbers(&s.w, "x")[i] += 1 + i % 3; /* its first, which counts */
    T_EQ(world_run(&s.w), GOSS_OK);
    T_CHECK(fabs(s.w.out[0][2] - before[2]) > 1e-9); /* another sample of the task */
    close_setting(&s);
}

TEST(its_text_is_kept_and_checked) {
    goss_target *t = parse("shifts 1; flatten; head");
    T_CHECK(t);
    T_STR(goss_target_text(t), "shifts 1\nflatten\nhead\n");
    goss_target_free(t);
    static const char *const bad[][2] = {{"shifts", "incomplete"},
                                         {"shifts 0", "not an integer from 1"},
                                         {"shifts 1 2", "\"2\" is not expected"},
                                         {"shifts 6", "more than a map"},
                                         {"flatten; shifts 1", "requires images"},
                                         {"relu; shifts 1; flatten", "first layer"},
                                         {"shifts 1; shifts 1; flatten", "first layer"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        T_ERR(goss_target_parse(bad[i][0], (int64_t[]){SIDE, SIDE, 1}, 3, 2, &t, &err), GOSS_E_ARGUMENT, bad[i][1]);
}

TEST_MAIN()
