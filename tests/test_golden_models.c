/* SPDX-License-Identifier: Apache-2.0 */
/* Files of version 0.1.0, written before models said what their data is like: they load, adapt and predict as they did.
 *
 * tests/golden/model-1.safetensors is a hypernet trained for 20 steps on 8 classes of 8 images of 6 x 6 (`pixel`,
 * sample 0 to 7); network-1.safetensors is what that version's `adapt` made of it for classes 0 to 2, samples 100 and
 * 101; the probabilities are what its `predict` said of those images. network-2.safetensors is the same network in 8
 * bits, as the first version that could write such files wrote it, and what that version said. */
#include "gossamer/model.h"
#include "gossamer/safetensors.h"
#include "test.h"
#include "tiny_set.h"

enum { SIDE = 6, CLASSES = 3, SHOTS = 2 };
#define GOLDEN "tests/golden/"

static goss_error err;

static float pixel(int c, int sample, int i) {
    return (float)((c * 53 + (c + 2) * i * 11 + sample * 7 + i * i * (c + 1)) % 256) / 255.0f;
}

static void fill(float *out) {
    for (int n = 0; n < CLASSES * SHOTS; n++)
        for (int i = 0; i < SIDE * SIDE; i++) out[n * SIDE * SIDE + i] = pixel(n / SHOTS, 100 + n % SHOTS, i);
}

static const float said[3][CLASSES] = {
    {0.632546f, 0.171310f, 0.196144f}, {0.609872f, 0.198710f, 0.191418f}, {0.196204f, 0.663413f, 0.140383f}};

static const float said_rounded[3][CLASSES] = {
    {0.633934f, 0.171060f, 0.195006f}, {0.611060f, 0.198695f, 0.190245f}, {0.195194f, 0.665585f, 0.139221f}};

static void check_predictions(const goss_network *n, const float want[3][CLASSES]) {
    float x[CLASSES * SHOTS * SIDE * SIDE], p[CLASSES * SHOTS * CLASSES];
    fill(x);
    T_OK(goss_network_predict(n, x, CLASSES * SHOTS, p, NULL, NULL, &err));
    for (int i = 0; i < 3 * CLASSES; i++) T_NEAR(p[i], want[i / CLASSES][i % CLASSES], 2e-6);
}

TEST(a_network_of_version_1_predicts_as_it_did) {
    goss_network *n;
    T_OK(goss_network_load(GOLDEN "network-1.safetensors", &n, &err));
    T_EQ(goss_network_classes(n), CLASSES);
    T_STR(goss_network_class_name(n, 2), "2");
    T_STR(goss_network_data(n)->kind, "images");
    T_EQ(goss_network_image(n).height, SIDE);
    T_STR(goss_network_note_of(n, "support.images"), "6");
    check_predictions(n, said);
    goss_network_free(n);
}

static void same_tensors(const char *a, const char *b) {
    goss_safetensors *f, *g;
    T_OK(goss_safetensors_open(a, &f, &err));
    T_OK(goss_safetensors_open(b, &g, &err));
    T_EQ(goss_safetensors_count(f), goss_safetensors_count(g));
    for (int i = 0; i < goss_safetensors_count(f); i++) {
        const goss_file_tensor *t = goss_safetensors_at(f, i), *u = goss_safetensors_at(g, i);
        T_STR(t->name, u->name);
        T_STR(t->dtype, u->dtype);
        T_CHECK(t->rank == u->rank && memcmp(t->shape, u->shape, (size_t)t->rank * sizeof *t->shape) == 0);
        T_CHECK(t->size == u->size && memcmp(t->data, u->data, t->size) == 0);
    }
    goss_safetensors_close(f), goss_safetensors_close(g);
}

TEST(a_network_in_8_bits_predicts_as_it_did_and_is_written_as_it_was) {
    goss_network *n;
    T_OK(goss_network_load(GOLDEN "network-2.safetensors", &n, &err));
    T_EQ(goss_network_precision(n), GOSS_WEIGHTS_INT8);
    T_EQ(goss_network_bytes(n), 178);
    check_predictions(n, said_rounded);
    goss_network_free(n);
    T_OK(goss_network_load(GOLDEN "network-1.safetensors", &n, &err));
    T_OK(goss_network_set_precision(n, GOSS_WEIGHTS_INT8, &err));
    tiny_set();
    T_OK(goss_network_save(n, tiny_path("rounded"), &err));
    goss_network_free(n);
    same_tensors(tiny_path("rounded"), GOLDEN "network-2.safetensors");
}

static void draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    (void)source, (void)k;
    t->supports = CLASSES * SHOTS, t->queries = 0, t->outputs = CLASSES, t->id = -1;
    fill(t->support);
    for (int i = 0; i < t->supports; i++) t->support_target[i] = (float)(i / SHOTS);
}

TEST(a_model_of_version_1_adapts_as_it_did) {
    static const char *const names[] = {"0", "1", "2"};
    const goss_task_source source = {
        .spec = {.input_rank = 3, .input = {SIDE, SIDE, 1}, .outputs = CLASSES, .supports = CLASSES * SHOTS},
        .draw = draw};
    goss_model *m;
    goss_network *n;
    T_OK(goss_model_load(GOLDEN "model-1.safetensors", &m, &err));
    T_STR(goss_model_data(m)->kind, "images");
    T_EQ(goss_model_image(m).width, SIDE);
    T_CHECK(!goss_model_image(m).invert);
    T_STR(goss_model_note_of(m, "metrics.validation"), "0.777778");
    size_t seen;
    goss_model_samples(m, GOSS_USE_TRAIN, &seen);
    T_CHECK(seen > 0);
    T_OK(goss_model_adapt_task(m, &source, 0, names, NULL, &n, &err));
    check_predictions(n, said);
    goss_network_free(n);
    goss_model_free(m);
}

TEST_MAIN()
