/* SPDX-License-Identifier: Apache-2.0 */
/* What a model has seen: hashes of decoded images, kept in its file and handed on to what is made of it. */
#include "gossamer/model.h"
#include "meta/samples.h"
#include "rewrite.h"
#include "test.h"
#include "tiny_model.h"

static goss_error err;

/* Some classes of the tiny set; freed by nobody. */
static goss_class_list classes(int first, int count) {
    static int32_t ids[TINY_CLASSES];
    for (int i = 0; i < TINY_CLASSES; i++) ids[i] = i;
    return (goss_class_list){ids + first, count};
}

static goss_overlap overlap_of(const goss_model *m, goss_use use, const goss_images *set, const goss_class_list *list) {
    goss_overlap o = {.first = -2};
    if (goss_model_overlap(m, use, set, list, NULL, &o, &err) != GOSS_OK) printf("  %s\n", err.text);
    return o;
}

/* An idx set of its own: `count` images of one class. */
static goss_images *set_of(const char *name, const unsigned char *pixels, uint32_t count, bool invert) {
    char file[100];
    snprintf(file, sizeof file, "%s-labels-idx1-ubyte", name);
    FILE *g = fopen(tiny_path(file), "wb");
    snprintf(file, sizeof file, "%s-images-idx3-ubyte", name);
    const char *path = tiny_path(file);
    FILE *f = fopen(path, "wb");
    if (!f || !g) exit(99);
    tiny_head(f, 3, (const uint32_t[]){count, 2, 2});
    tiny_head(g, 1, &count);
    fwrite(pixels, 4, count, f);
    for (uint32_t i = 0; i < count; i++) fputc(0, g);
    fclose(f), fclose(g);
    goss_images_options o = goss_images_options_defaults();
    goss_images *s = NULL;
    o.height = o.width = 2, o.invert = invert ? GOSS_INVERT_YES : GOSS_INVERT_NO;
    return goss_images_open(path, &o, &s, &err) == GOSS_OK ? s : NULL;
}

TEST(content_identifies_and_flat_images_do_not) {
    static const unsigned char pixels[] = {1, 2, 3, 4, 9, 9, 9, 9, 1, 2, 3, 4, 1, 2, 3, 5, 0, 0, 0, 0};
    goss_images *set = set_of("content", pixels, 5, false), *again = set_of("elsewhere", pixels + 8, 2, false),
                *inverted = set_of("inverted", pixels, 5, true);
    T_CHECK(set && again && inverted);
    T_CHECK(goss_images_sample(set, 0) != 0 && goss_images_sample(set, 0) == goss_images_sample(set, 2));
    T_CHECK(goss_images_sample(set, 0) != goss_images_sample(set, 3));
    T_CHECK(goss_images_sample(set, 1) == 0 && goss_images_sample(set, 4) == 0 && goss_images_sample(inverted, 4) == 0);
    T_CHECK(goss_images_sample(again, 0) == goss_images_sample(set, 0)); /* whatever file and class */
    T_CHECK(goss_images_sample(inverted, 0) != goss_images_sample(set, 0));
    /* Files keep these numbers: docs/file-format.md defines them. */
    if (goss_images_sample(set, 0) != 0x75ff2f4e59919ea2u)
        T_FAIL("the hash of a known image is %016llx", (unsigned long long)goss_images_sample(set, 0));
    goss_images_close(set), goss_images_close(again), goss_images_close(inverted);
}

TEST(a_set_of_hashes_is_a_set) {
    goss__samples s = {0};
    const uint64_t hash[] = {7, 3, 0, 7, UINT64_MAX}, more[] = {5, 3};
    T_OK(goss__samples_add(&s, hash, 5, &err));
    T_EQ(s.n, 3);
    T_OK(goss__samples_add(&s, more, 2, &err));
    T_EQ(s.n, 4);
    for (size_t i = 1; i < s.n; i++) T_CHECK(s.hash[i - 1] < s.hash[i]);
    T_CHECK(goss__samples_have(&s, 5) && goss__samples_have(&s, UINT64_MAX));
    T_CHECK(!goss__samples_have(&s, 0) && !goss__samples_have(&s, 4));
    goss__samples_free(&s);
}

TEST(a_model_knows_what_it_was_trained_on) {
    goss_images *set = tiny_images(&err);
    goss_model *m = tiny_model("hypernet", NULL, &err), *back;
    goss_class_list trained = classes(2, 3), held = classes(10, 2), all = classes(0, TINY_CLASSES),
                    rest = classes(12, 9);
    T_CHECK(set && m);
    goss_overlap o = overlap_of(m, GOSS_USE_TRAIN, set, NULL);
    T_CHECK(o.images == 0 && o.complete && o.first == -1);
    T_OK(goss_model_mark(m, GOSS_USE_TRAIN, set, &trained, &err));
    T_OK(goss_model_mark(m, GOSS_USE_VALIDATE, set, &held, &err));
    T_OK(goss_model_set_bf16(m, true, &err)); /* as convert does */
    T_OK(goss_model_save(m, tiny_path("seen"), &err));
    T_OK(goss_model_load(tiny_path("seen"), &back, &err));
    static bool seen[TINY_CLASSES * TINY_DRAWINGS];
    T_OK(goss_model_overlap(back, GOSS_USE_TRAIN, set, &all, seen, &o, &err));
    T_EQ(o.images, 3 * TINY_DRAWINGS);
    T_EQ(o.classes, 3);
    T_EQ(o.first, 2 * TINY_DRAWINGS);
    T_CHECK(o.complete);
    for (int i = 0; i < TINY_CLASSES * TINY_DRAWINGS; i++)
        T_CHECK(seen[i] == (i / TINY_DRAWINGS >= 2 && i / TINY_DRAWINGS < 5));
    T_EQ(overlap_of(back, GOSS_USE_TRAIN, set, &rest).images, 0);
    T_EQ(overlap_of(back, GOSS_USE_VALIDATE, set, NULL).images, 2 * TINY_DRAWINGS);
    size_t n;
    T_CHECK(goss_model_samples(back, GOSS_USE_TRAIN, &n) && n == 3 * TINY_DRAWINGS);
    goss_model_free(m), goss_model_free(back), goss_images_close(set);
}

TEST(what_was_seen_is_handed_on) {
    goss_images *set = tiny_images(&err);
    goss_model *from = tiny_model("protonet", NULL, &err), *to = tiny_model("hypernet", NULL, &err), *upside;
    goss_class_list first = classes(0, 2), second = classes(1, 3);
    T_CHECK(set && from && to);
    T_OK(goss_model_mark(from, GOSS_USE_TRAIN, set, &first, &err));
    T_OK(goss_model_copy_values(to, from, NULL, &err));
    T_OK(goss_model_mark(to, GOSS_USE_TRAIN, set, &second, &err));
    T_EQ(overlap_of(to, GOSS_USE_TRAIN, set, NULL).classes, 4);
    T_CHECK(overlap_of(to, GOSS_USE_TRAIN, set, NULL).complete);
    /* What was seen inverted cannot be told from what is not: the file says that something is missing. */
    goss_image_format inverted = {1, TINY_SIDE, TINY_SIDE, true};
    const goss_data_spec data = goss_data_spec_images(inverted);
    T_OK(goss_model_create("hypernet", goss_model_settings(from), &data, 1, &upside, &err));
    T_ERR(goss_model_mark(upside, GOSS_USE_TRAIN, set, NULL, &err), GOSS_E_ARGUMENT, "inverted");
    T_OK(goss_model_copy_values(upside, from, NULL, &err));
    T_OK(goss_model_save(upside, tiny_path("upside"), &err));
    goss_model_free(upside);
    T_OK(goss_model_load(tiny_path("upside"), &upside, &err));
    goss_images *its;
    T_OK(goss_model_open_images(upside, tiny_set(), NULL, &its, &err));
    T_CHECK(!overlap_of(upside, GOSS_USE_TRAIN, its, NULL).complete);
    T_OK(goss_model_mark(upside, GOSS_USE_TRAIN, its, &second, &err));
    T_OK(goss_model_save(upside, tiny_path("upside"), &err));
    goss_model_free(upside);
    T_OK(goss_model_load(tiny_path("upside"), &upside, &err));
    goss_overlap o = overlap_of(upside, GOSS_USE_TRAIN, its, NULL);
    T_CHECK(!o.complete && o.classes == 3);
    goss_model_free(upside), goss_images_close(its);
    goss_model_free(from), goss_model_free(to), goss_images_close(set);
}

/* A copy with another tensor "train.samples": n numbers of that type, or none. */
static goss_status with_samples(const char *good, const char *bad, const char *dtype, const int64_t *numbers,
                                int64_t n) {
    const rewriting r = {
        .drop = "train.samples", .add = numbers ? "train.samples" : NULL, .dtype = dtype, .numbers = numbers, .n = n};
    return rewrite(good, bad, &r, &err);
}

TEST(files_without_hashes_say_that_nothing_is_known) {
    static const int64_t unsorted[] = {9, -3, 9, 0};
    goss_images *set = tiny_images(&err);
    goss_model *m = tiny_model("protonet", NULL, &err), *old;
    T_CHECK(set && m);
    T_OK(goss_model_mark(m, GOSS_USE_TRAIN, set, NULL, &err));
    T_OK(goss_model_save(m, tiny_path("new"), &err));
    T_OK(with_samples(tiny_path("new"), tiny_path("old"), NULL, NULL, 0));
    T_OK(goss_model_load(tiny_path("old"), &old, &err));
    goss_overlap o = overlap_of(old, GOSS_USE_TRAIN, set, NULL);
    T_CHECK(!o.complete && o.images == 0);
    T_OK(goss_model_save(old, tiny_path("kept"), &err)); /* not known stays not known */
    goss_model_free(old);
    T_OK(goss_model_load(tiny_path("kept"), &old, &err));
    T_CHECK(!overlap_of(old, GOSS_USE_TRAIN, set, NULL).complete);
    goss_model_free(old);
    T_OK(with_samples(tiny_path("new"), tiny_path("odd"), "I64", unsorted, 4));
    T_OK(goss_model_load(tiny_path("odd"), &old, &err)); /* of another writer: sorted here */
    size_t n;
    const uint64_t *hash = goss_model_samples(old, GOSS_USE_TRAIN, &n);
    T_CHECK(n == 2 && hash[0] == 9 && hash[1] == (uint64_t)-3);
    goss_model_free(old);
    T_OK(with_samples(tiny_path("new"), tiny_path("bad"), "F64", unsorted, 4));
    T_ERR(goss_model_load(tiny_path("bad"), &old, &err), GOSS_E_FORMAT, "train.samples");
    /* A method that learns nothing has seen nothing, whatever its file lacks. */
    goss_model *pixels = tiny_model("pixels", NULL, &err);
    T_OK(goss_model_save(pixels, tiny_path("new"), &err));
    T_OK(with_samples(tiny_path("new"), tiny_path("old"), NULL, NULL, 0));
    goss_model_free(pixels);
    T_OK(goss_model_load(tiny_path("old"), &pixels, &err));
    T_CHECK(overlap_of(pixels, GOSS_USE_TRAIN, set, NULL).complete);
    goss_model_free(pixels), goss_model_free(m), goss_images_close(set);
}

TEST_MAIN()
