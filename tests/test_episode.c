/* SPDX-License-Identifier: Apache-2.0 */
/* Episodes: what is drawn, that it is a pure function of seed and number, and how hard pixels alone are. */
#include "base/alloc.h"
#include "base/os.h"
#include "data/augment.h"
#include "data/picture.h"
#include "gossamer/episode.h"
#include "test.h"

static goss_error err;
static char top[300];

static void run(const char *command, const char *path) {
    char line[400];
    snprintf(line, sizeof line, "%s %s", command, path);
    T_EQ(system(line), 0);
}

/* 3 alphabets of 4, 3 and 1 classes; `drawings` a class by `faces` faces. Pixel 0 tells class and drawing. */
static goss_images *toy_set(int drawings, int faces) {
    static const int classes[] = {4, 3, 1};
    snprintf(top, sizeof top, "%s", P_tmpdir "/gossamer-test-XXXXXX");
    T_CHECK(mkdtemp(top));
    for (int a = 0, all = 0; a < 3; a++)
        for (int c = 0; c < classes[a]; c++, all++)
            for (int d = 0; d < drawings; d++) {
                char path[500];
                snprintf(path, sizeof path, "%s/a%d/c%d", top, a, c);
                T_OK(goss__mkdirs(path, &err));
                snprintf(path, sizeof path, "%s/a%d/c%d/%02d_f%d.png", top, a, c, d, d % faces);
                uint8_t pixels[16] = {0};
                pixels[0] = (uint8_t)(all * 20 + d), pixels[1] = 255;
                T_OK(goss__png_write_grey(path, pixels, 4, 4, &err));
            }
    goss_images *s;
    goss_images_options o = goss_images_options_defaults();
    o.height = o.width = 0;
    T_OK(goss_images_open(top, &o, &s, &err));
    run("rm -rf", top);
    return s;
}

/* Buffers for any episode of a sampler. */
static goss_episode episode_for(const goss_sampler *s) {
    goss_episode_limits m = goss_sampler_limits(s);
    size_t supports = (size_t)m.supports, queries = (size_t)m.queries, ways = (size_t)m.ways;
    return (goss_episode){.support_images = malloc(supports * m.image * sizeof(float)),
                          .query_images = malloc(queries * m.image * sizeof(float)),
                          .support_labels = malloc(supports * sizeof(int32_t)),
                          .query_labels = malloc(queries * sizeof(int32_t)),
                          .support_ids = malloc(supports * sizeof(int32_t)),
                          .query_ids = malloc(queries * sizeof(int32_t)),
                          .classes = malloc(ways * sizeof(int32_t)),
                          .turns = malloc(ways * sizeof(int32_t))};
}

static void episode_free(goss_episode *e) {
    free(e->support_images), free(e->query_images), free(e->support_labels), free(e->query_labels);
    free(e->support_ids), free(e->query_ids), free(e->classes), free(e->turns);
}

static bool same_episode(const goss_episode *a, const goss_episode *b, size_t image) {
    return a->ways == b->ways && a->supports == b->supports && a->queries == b->queries &&
           memcmp(a->support_images, b->support_images, (size_t)a->supports * image * sizeof(float)) == 0 &&
           memcmp(a->query_images, b->query_images, (size_t)a->queries * image * sizeof(float)) == 0 &&
           memcmp(a->support_ids, b->support_ids, (size_t)a->supports * sizeof(int32_t)) == 0 &&
           memcmp(a->query_labels, b->query_labels, (size_t)a->queries * sizeof(int32_t)) == 0 &&
           memcmp(a->turns, b->turns, (size_t)a->ways * sizeof(int32_t)) == 0;
}

static void check_episode(const goss_images *set, const goss_episode *e) {
    for (int w = 0; w < e->ways; w++)
        for (int v = 0; v < w; v++) T_CHECK(e->classes[w] != e->classes[v] || e->turns[w] != e->turns[v]);
    for (int i = 0; i < e->supports; i++) {
        T_EQ(goss_images_class_of(set, e->support_ids[i]), e->classes[e->support_labels[i]]);
        if (i > 0) T_CHECK(e->support_labels[i] >= e->support_labels[i - 1]);
        for (int j = 0; j < e->queries; j++)
            T_CHECK(e->support_ids[i] != e->query_ids[j] || e->support_labels[i] != e->query_labels[j]);
        for (int j = 0; j < i; j++)
            T_CHECK(e->support_ids[i] != e->support_ids[j] || e->support_labels[i] != e->support_labels[j]);
    }
    for (int i = 0; i < e->queries; i++)
        T_EQ(goss_images_class_of(set, e->query_ids[i]), e->classes[e->query_labels[i]]);
}

TEST(episodes_are_well_formed_and_pure) {
    goss_images *set = toy_set(10, 3);
    goss_episode_spec specs[] = {
        {.ways = 5, .shots = 2, .queries = 3},
        {.ways = 8, .shots = 1, .queries = 9, .seed = 4},
        {.ways = 20, .shots = 3, .queries = 2, .rotations = true},
        {.ways = 4, .shots = 5, .queries = 2, .min_shots = 1, .augment = 1},
        {.ways = 5, .shots = 2, .queries = 3, .distinct_faces = true},
        {.ways = 9, .shots = 1, .queries = 1, .one_alphabet = true, .augment = 1, .elastic = 1},
    };
    for (size_t k = 0; k < sizeof specs / sizeof *specs; k++) {
        goss_sampler *s, *t;
        T_OK(goss_sampler_create(set, NULL, &specs[k], &s, &err));
        T_OK(goss_sampler_create(set, NULL, &specs[k], &t, &err));
        goss_episode a = episode_for(s), b = episode_for(t);
        size_t image = goss_sampler_limits(s).image;
        int different = 0;
        for (uint64_t i = 0; i < 30; i++) {
            uint64_t before = goss__alloc_count();
            goss_sampler_draw(s, i, &a);
            T_EQ(goss__alloc_count() - before, 0);
            check_episode(set, &a);
            if (i > 0) different += !same_episode(&a, &b, image);
            goss_sampler_draw(t, 1000 - i, &b); /* what was drawn before does not matter */
            goss_sampler_draw(t, i, &b);
            T_CHECK(same_episode(&a, &b, image));
        }
        T_CHECK(different >= 28);
        episode_free(&a), episode_free(&b);
        goss_sampler_destroy(s), goss_sampler_destroy(t);
    }
    goss_images_close(set);
}

TEST(null_buffers_change_nothing) {
    goss_images *set = toy_set(6, 1);
    goss_episode_spec spec = {.ways = 3, .shots = 2, .queries = 2, .augment = 1, .elastic = 1};
    goss_sampler *s;
    T_OK(goss_sampler_create(set, NULL, &spec, &s, &err));
    goss_episode a = episode_for(s), b = episode_for(s), part = b;
    part.support_images = NULL, part.support_ids = NULL;
    goss_sampler_draw(s, 7, &a);
    goss_sampler_draw(s, 7, &part);
    T_EQ(memcmp(a.query_images, part.query_images, 6 * 16 * sizeof(float)), 0);
    /* Augmentation changes no choice. */
    goss_sampler *plain;
    spec.augment = spec.elastic = 0;
    T_OK(goss_sampler_create(set, NULL, &spec, &plain, &err));
    goss_sampler_draw(plain, 7, &b);
    T_EQ(memcmp(a.query_ids, b.query_ids, 6 * sizeof(int32_t)), 0);
    T_CHECK(memcmp(a.query_images, b.query_images, 6 * 16 * sizeof(float)) != 0);
    episode_free(&a), episode_free(&b);
    goss_sampler_destroy(s), goss_sampler_destroy(plain), goss_images_close(set);
}

TEST(every_class_and_turn_comes_equally_often) {
    goss_images *set = toy_set(3, 1);
    goss_episode_spec spec = {.ways = 6, .shots = 1, .queries = 1, .rotations = true};
    goss_sampler *s;
    T_OK(goss_sampler_create(set, NULL, &spec, &s, &err));
    goss_episode e = episode_for(s);
    int seen[8][4] = {0};
    for (uint64_t k = 0; k < 4000; k++) {
        goss_sampler_draw(s, k, &e);
        for (int w = 0; w < 6; w++) seen[e.classes[w]][e.turns[w]]++;
    }
    /* 24000 of 32: 750 each, standard deviation below 25. */
    for (int c = 0; c < 8; c++)
        for (int t = 0; t < 4; t++) T_NEAR(seen[c][t], 750, 125);
    episode_free(&e), goss_sampler_destroy(s), goss_images_close(set);
}

TEST(one_alphabet_takes_all_its_ways) {
    goss_images *set = toy_set(3, 1);
    goss_episode_spec spec = {.ways = 50, .shots = 1, .queries = 1, .one_alphabet = true};
    goss_sampler *s;
    T_OK(goss_sampler_create(set, NULL, &spec, &s, &err));
    T_EQ(goss_sampler_limits(s).ways, 4);
    goss_episode e = episode_for(s);
    int ways[5] = {0};
    for (uint64_t k = 0; k < 200; k++) {
        goss_sampler_draw(s, k, &e);
        ways[e.ways]++;
        for (int w = 1; w < e.ways; w++)
            T_EQ(goss_images_class_alphabet(set, e.classes[w]), goss_images_class_alphabet(set, e.classes[0]));
    }
    T_CHECK(ways[3] > 70 && ways[4] > 70 && ways[3] + ways[4] == 200); /* the alphabet of one class is no task */
    episode_free(&e), goss_sampler_destroy(s), goss_images_close(set);
}

TEST(faces_of_support_and_query_differ) {
    goss_images *set = toy_set(12, 4);
    goss_episode_spec spec = {.ways = 4, .shots = 5, .queries = 3, .distinct_faces = true};
    goss_sampler *s;
    T_OK(goss_sampler_create(set, NULL, &spec, &s, &err));
    goss_episode e = episode_for(s);
    for (uint64_t k = 0; k < 100; k++) {
        goss_sampler_draw(s, k, &e);
        for (int i = 0; i < e.supports; i++)
            for (int j = 0; j < e.queries; j++)
                T_CHECK(e.support_labels[i] != e.query_labels[j] ||
                        goss_images_face(set, e.support_ids[i]) != goss_images_face(set, e.query_ids[j]));
    }
    episode_free(&e), goss_sampler_destroy(s);
    /* 5 shots use up two faces of three drawings: 6 of 12 are left. */
    spec.queries = 7;
    T_ERR(goss_sampler_create(set, NULL, &spec, &s, &err), GOSS_E_ARGUMENT,
          "12 drawings in 4 faces: when 5 shots use up 6");
    goss_images_close(set);
}

TEST(what_a_sampler_really_draws_is_told) {
    goss_images *set = toy_set(6, 2), *plain = toy_set(6, 1);
    goss_episode_spec spec = {.ways = 4, .shots = 1, .queries = 1, .one_alphabet = true, .distinct_faces = true};
    goss_sampler *s;
    T_OK(goss_sampler_create(set, NULL, &spec, &s, &err));
    goss_sampler_scope scope = goss_sampler_scope_of(s);
    T_EQ(scope.classes, 7); /* the alphabet of one class is left out */
    T_EQ(scope.least_ways, 3);
    T_EQ(scope.several_faces, 7);
    T_CHECK(goss_sampler_images(s) == set && goss_sampler_spec(s).ways == 4);
    goss_sampler_destroy(s);
    T_ERR(goss_sampler_create(plain, NULL, &spec, &s, &err), GOSS_E_ARGUMENT,
          "none of the 7 classes has images of two faces");
    goss_images_close(set), goss_images_close(plain);
}

TEST(impossible_specs_are_refused_with_numbers) {
    goss_images *set = toy_set(4, 1);
    goss_sampler *s;
    goss_episode_spec spec = {.ways = 9, .shots = 1, .queries = 1};
    T_ERR(goss_sampler_create(set, NULL, &spec, &s, &err), GOSS_E_ARGUMENT, "9 ways asked for, but there are only 8");
    spec.ways = 2, spec.queries = 4;
    T_ERR(goss_sampler_create(set, NULL, &spec, &s, &err), GOSS_E_ARGUMENT,
          "has 4 drawings; 1 shots and 4 queries need 5");
    spec.queries = 1, spec.min_shots = 2;
    T_ERR(goss_sampler_create(set, NULL, &spec, &s, &err), GOSS_E_ARGUMENT, "2 shots at least but 1 at most");
    spec.min_shots = 0, spec.ways = 1;
    T_ERR(goss_sampler_create(set, NULL, &spec, &s, &err), GOSS_E_ARGUMENT, "1 ways");
    spec.ways = 2, spec.augment = NAN;
    T_ERR(goss_sampler_create(set, NULL, &spec, &s, &err), GOSS_E_ARGUMENT, "augment");
    spec.augment = 0;
    int32_t ids[] = {0, 77};
    goss_class_list list = {ids, 2};
    T_ERR(goss_sampler_create(set, &list, &spec, &s, &err), GOSS_E_ARGUMENT, "class 77");
    int32_t lonely[] = {0, 4, 7};
    list = (goss_class_list){lonely, 3};
    spec.one_alphabet = true;
    T_ERR(goss_sampler_create(set, &list, &spec, &s, &err), GOSS_E_ARGUMENT, "no alphabet has two classes");
    goss_images_close(set);
}

TEST(failing_allocations_are_reported) {
    goss_images *set = toy_set(4, 2);
    goss_episode_spec spec = {.ways = 3, .shots = 1, .queries = 1, .distinct_faces = true};
    int failures = 0;
    for (uint64_t n = 1;; n++) {
        goss_sampler *s;
        goss__alloc_fail_at(n);
        goss_status status = goss_sampler_create(set, NULL, &spec, &s, &err);
        goss__alloc_fail_at(0);
        goss_sampler_destroy(s);
        if (status == GOSS_OK) break;
        T_EQ(status, GOSS_E_NOMEM);
        failures++;
    }
    T_CHECK(failures > 3);
    goss_images_close(set);
}

TEST(quarter_turns_are_exact) {
    float in[5 * 5 * 2], out[50], back[50];
    for (int i = 0; i < 50; i++) in[i] = (float)i;
    goss__quarter_turns(in, 5, 2, 1, out);
    T_NEAR(out[0], in[4 * 2], 0); /* counter-clockwise: the top right corner comes to the top left */
    T_NEAR(out[4 * 5 * 2], in[0], 0);
    goss__quarter_turns(out, 5, 2, 3, back);
    T_EQ(memcmp(in, back, sizeof in), 0);
    goss__quarter_turns(in, 5, 2, 2, out);
    for (int i = 0; i < 25; i++) T_NEAR(out[2 * i + 1], in[2 * (24 - i) + 1], 0);
    goss__quarter_turns(in, 5, 2, -1, out);
    goss__quarter_turns(in, 5, 2, 3, back);
    T_EQ(memcmp(out, back, sizeof out), 0);
}

TEST(warps) {
    float in[20 * 20], out[400];
    for (int i = 0; i < 400; i++) in[i] = (float)(i % 20) / 20;
    goss__affine same = {.m = {1, 0, 0, 1}};
    goss__warp(in, 20, 20, 1, &same, NULL, 0, out);
    T_EQ(memcmp(in, out, sizeof in), 0);
    goss__affine left = {.m = {1, 0, 0, 1}, .shift = {2.5f, 0}};
    goss__warp(in, 20, 20, 1, &left, NULL, 0, out);
    T_NEAR(out[5 * 20 + 5], 7.5 / 20, 1e-6);
    T_NEAR(out[5 * 20 + 18], 0, 0);
    goss__warp(in, 20, 20, 1, &left, NULL, -1, out);
    T_NEAR(out[5 * 20 + 18], 19 / 20.0, 1e-6);
    /* A quarter turn by affine equals the exact one. */
    float exact[400];
    goss__affine turn = {.m = {0, -1, 1, 0}};
    goss__warp(in, 20, 20, 1, &turn, NULL, 0, out);
    goss__quarter_turns(in, 20, 1, 1, exact);
    float reverse[400];
    goss__quarter_turns(in, 20, 1, 3, reverse);
    double one = 0, other = 0;
    for (int i = 0; i < 400; i++) one += fabs(out[i] - exact[i]), other += fabs(out[i] - reverse[i]);
    T_CHECK(fmin(one, other) < 1e-3);
    /* An elastic field of no strength is none; one of some strength moves things by about that much. */
    goss__rng rng = goss__rng_make(1, 2);
    goss__elastic still = goss__elastic_draw(&rng, 5, 0), wild = goss__elastic_draw(&rng, 5, 1);
    goss__warp(in, 20, 20, 1, &same, &still, 0, out);
    T_EQ(memcmp(in, out, sizeof in), 0);
    goss__warp(in, 20, 20, 1, &same, &wild, -1, out);
    double moved = 0;
    for (int y = 0; y < 20; y++)
        for (int x = 4; x < 16; x++) moved += pow(20 * (out[y * 20 + x] - in[y * 20 + x]), 2) / 240;
    T_CHECK(moved > 0.1 && moved < 2);
}

/* Accuracy in percent of the nearest support image by L2 on pixels. */
static double nearest_neighbour(goss_sampler *s, int episodes) {
    goss_episode e = episode_for(s);
    size_t image = goss_sampler_limits(s).image;
    int right = 0, all = 0;
    for (uint64_t k = 0; k < (uint64_t)episodes; k++) {
        goss_sampler_draw(s, k, &e);
        for (int q = 0; q < e.queries; q++, all++) {
            int best = 0;
            float least = INFINITY;
            for (int i = 0; i < e.supports; i++) {
                float d = 0;
                const float *a = e.query_images + (size_t)q * image, *b = e.support_images + (size_t)i * image;
                for (size_t p = 0; p < image; p++) d += (a[p] - b[p]) * (a[p] - b[p]);
                if (d < least) least = d, best = i;
            }
            right += e.support_labels[best] == e.query_labels[q];
        }
    }
    episode_free(&e);
    return 100.0 * right / all;
}

TEST(omniglot_pixels_are_as_hard_as_known) {
    const char *dir = getenv("GOSSAMER_DATA");
    char path[500], classes[500];
    snprintf(path, sizeof path, "%s/omniglot/omniglot-trainval.zip", dir ? dir : "../shared/data");
    snprintf(classes, sizeof classes, "%s/omniglot/val-classes.txt", dir ? dir : "../shared/data");
    if (!goss__path_exists(path)) T_SKIP("%s is not there", path);
    goss_images *set;
    goss_images_options o = goss_images_options_defaults();
    o.invert = GOSS_INVERT_AUTO;
    T_OK(goss_images_open(path, &o, &set, &err));
    goss_class_list list;
    T_OK(goss_class_list_read(set, classes, &list, &err));
    T_EQ(list.count, 172);
    goss_episode_spec spec = {.ways = 5, .shots = 1, .queries = 15};
    goss_sampler *s;
    T_OK(goss_sampler_create(set, &list, &spec, &s, &err));
    double one = nearest_neighbour(s, 1000);
    printf("  nearest neighbour on pixels, 5-way 1-shot: %.2f %%\n", one);
    /* The same protocol in Python, with Pillow's box filter for the resize, gives 40.0 (bilinear 42.5, nearest 34.9).
     */
    T_CHECK(one > 38.5 && one < 41.5);
    goss_sampler_destroy(s), goss_class_list_free(&list), goss_images_close(set);
}

TEST_MAIN()
