/* SPDX-License-Identifier: Apache-2.0 */
/* Weights in 8 bits: the numbers that are left are near, storing them again changes nothing, a graph rounds to the same
 * bits; networks in files, and files that are no such networks. */
#include <float.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "gossamer/exec.h"
#include "gossamer/safetensors.h"
#include "meta/network.h"
#include "rewrite.h"
#include "test.h"
#include "tiny_model.h"

static goss_error err;

/* ---- numbers ---- */

static goss_entry weight(int64_t in, int64_t out) {
    return (goss_entry){.name = "w", .rank = 2, .dim = {in, out}, .role = GOSS_ROLE_WEIGHT, .numel = in * out};
}

TEST(weights_of_products_have_scales) {
    goss_entry e = weight(3, 5);
    T_EQ(goss_entry_scales(&e), 5);
    T_EQ(goss_entry_bytes(&e, GOSS_WEIGHTS_F32), 60);
    T_EQ(goss_entry_bytes(&e, GOSS_WEIGHTS_INT8), 15 + 20);
    e.role = GOSS_ROLE_BIAS; /* learned positions */
    T_EQ(goss_entry_scales(&e), 0);
    T_EQ(goss_entry_bytes(&e, GOSS_WEIGHTS_INT8), 60);
    e = weight(3, 5), e.rank = 1;
    T_EQ(goss_entry_scales(&e), 0);
    goss_weight_precision p;
    T_OK(goss_weight_precision_find("int8", &p, &err));
    T_EQ(p, GOSS_WEIGHTS_INT8);
    T_ERR(goss_weight_precision_find("int4", &p, &err), GOSS_E_ARGUMENT, "f32 or int8");
}

TEST(what_is_left_is_near) {
    enum { IN = 40, OUT = 7 };
    const goss_entry e = weight(IN, OUT);
    float w[IN * OUT], back[IN * OUT], scale[OUT];
    int8_t code[IN * OUT];
    goss__rng rng = goss__rng_make(1, 0);
    for (int i = 0; i < IN * OUT; i++) w[i] = (float)(goss__rng_normal(&rng) * pow(10, i % OUT - 3));
    for (int i = 0; i < IN; i++) w[i * OUT + 2] = 0;
    goss_entry_quantize(&e, w, code, scale);
    goss_entry_dequantize(&e, code, scale, back);
    for (int j = 0; j < OUT; j++) {
        float most = 0;
        int largest = 0;
        for (int i = 0; i < IN; i++) {
            const int at = i * OUT + j;
            most = fmaxf(most, fabsf(w[at])), largest = abs(code[at]) > largest ? abs(code[at]) : largest;
            T_CHECK(fabs((double)(back[at] - w[at])) <= 0.5001 * (double)scale[j]);
        }
        T_EQ(largest, j == 2 ? 0 : 127);
        T_NEAR(scale[j] / (j == 2 ? FLT_MIN : most / 127), 1, 1e-6);
    }
}

/* For the largest number of a column with each fraction there is: its scale is the same again, and so are its codes. */
TEST(storing_what_was_stored_changes_nothing) {
    const goss_entry e = weight(255, 1);
    float w[255], back[255], scale, again;
    int8_t code[255], twice[255];
    for (uint32_t fraction = 0; fraction < 1u << 23; fraction++) {
        const uint32_t bits = 0x3f800000u | fraction;
        float most;
        memcpy(&most, &bits, sizeof most);
        scale = most / 127;
        if (127 * scale / 127 != scale) T_FAIL("a largest weight of %.9g", (double)most);
        if (fraction % 4099 != 0) continue;
        for (int i = 0; i < 255; i++) w[i] = most * (float)(i - 127) / 127;
        goss_entry_quantize(&e, w, code, &scale);
        goss_entry_dequantize(&e, code, &scale, back);
        goss_entry_quantize(&e, back, twice, &again);
        T_CHECK(scale == again && memcmp(code, twice, sizeof code) == 0);
    }
    for (int i = 0; i < 255; i++) w[i] = (i - 127) * FLT_MIN / 8; /* below what a scale can be */
    goss_entry_quantize(&e, w, code, &scale);
    T_CHECK(scale == FLT_MIN);
    goss_entry_dequantize(&e, code, &scale, back);
    goss_entry_quantize(&e, back, twice, &again);
    T_CHECK(scale == again && memcmp(code, twice, sizeof code) == 0);
}

/* [2,IN,OUT]: the second task's rows beyond the first half are not there. */
TEST(a_graph_rounds_to_the_same_bits) {
    enum { IN = 12, OUT = 5, N = IN * OUT };
    static float w[2 * N], live[2 * IN];
    float part[N], back[N], scale[OUT];
    int8_t code[N];
    goss__rng rng = goss__rng_make(2, 0);
    for (int i = 0; i < 2 * N; i++) w[i] = (float)(goss__rng_normal(&rng) * pow(4, i % OUT));
    for (int i = 0; i < 2 * IN; i++) live[i] = i < IN + IN / 2;
    goss_graph *g = goss_graph_new();
    goss_val x = goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(goss_n(2), goss_n(IN), goss_n(OUT)));
    goss_val mask = goss_input(g, "live", GOSS_REAL, GOSS_SHAPE(goss_n(2), goss_n(IN), goss_n(1)));
    goss_val out = goss_quantized(x, mask);
    goss_schedule_options o = goss_schedule_defaults();
    goss_schedule *program;
    goss_params *params;
    goss_exec *exec;
    goss_threads *threads;
    T_OK(goss_compile(g, &out, 1, NULL, 0, &o, &program, &err));
    T_OK(goss_params_new(GOSS_F32, &params, &err));
    T_OK(goss_threads_new(1, &threads, &err));
    T_OK(goss_exec_new(program, params, threads, &exec, &err));
    T_OK(goss_exec_bind(exec, "w", w, &err));
    T_OK(goss_exec_bind(exec, "live", live, &err));
    T_OK(goss_exec_run(exec, &err));
    const float *got = goss_exec_output(exec, 0, NULL);
    for (int t = 0; t < 2; t++) {
        const goss_entry e = weight(t ? IN / 2 : IN, OUT);
        memcpy(part, w + t * N, sizeof part);
        goss_entry_quantize(&e, part, code, scale);
        goss_entry_dequantize(&e, code, scale, back);
        T_CHECK(memcmp(back, got + t * N, (size_t)e.numel * sizeof *back) == 0);
    }
    goss_exec_free(exec), goss_params_free(params), goss_schedule_free(program), goss_threads_free(threads);
    goss_graph_free(g);
    g = goss_graph_new();
    goss_quantized(goss_input(g, "b", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(3))), GOSS_NONE);
    T_ERR(goss_graph_status(g, &err), GOSS_E_SHAPE, "int8");
    goss_graph_free(g);
}

/* ---- networks ---- */

enum { SHOWN = 20 };

/* An ensemble of three whose members differ. */
static goss_network *ensemble(goss_weight_precision p) {
    goss_images *set = tiny_images(&err);
    goss_network *n;
    goss_model *m = tiny_model("hypernet", (const char *const[]){"hyper.noise=4", "method.networks=3", NULL}, &err);
    T_CHECK(m && set);
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++)
        for (int64_t k = 0; k < goss_layout_total(goss_method_param_at(goss_model_method(m), i).layout); k++)
            goss_model_values(m, i)[k] += 0.01f * (float)(k % 13);
    T_OK(goss_model_adapt(m, set, &(goss_adapt_options){.precision = p}, &n, &err));
    goss_model_free(m), goss_images_close(set);
    return n;
}

static void ask(const goss_network *n, float *p) {
    static float images[SHOWN][TINY_SIDE * TINY_SIDE];
    goss_images *set = tiny_images(&err);
    for (int i = 0; i < SHOWN; i++) goss_images_get(set, i * 7, images[i]);
    T_OK(goss_network_predict(n, images[0], SHOWN, p, NULL, NULL, &err));
    goss_images_close(set);
}

static int64_t bytes_in(const char *path, int *codes) {
    goss_safetensors *f;
    int64_t sum = 0;
    T_OK(goss_safetensors_open(path, &f, &err));
    for (int i = 0; i < goss_safetensors_count(f); i++) {
        sum += (int64_t)goss_safetensors_at(f, i)->size;
        *codes += strcmp(goss_safetensors_at(f, i)->dtype, "I8") == 0;
    }
    goss_safetensors_close(f);
    return sum;
}

TEST(a_network_in_its_file_is_the_one_that_predicts) {
    goss_network *n = ensemble(GOSS_WEIGHTS_INT8), *floats = ensemble(GOSS_WEIGHTS_F32), *back;
    static float p[SHOWN * TINY_CLASSES], q[SHOWN * TINY_CLASSES], f[SHOWN * TINY_CLASSES];
    int codes = 0, none = 0;
    size_t size = 0, again = 0;
    double off = 0;
    T_OK(goss_network_save(n, tiny_path("rounded"), &err));
    T_OK(goss_network_save(floats, tiny_path("floats"), &err));
    T_EQ(goss_network_bytes(n), bytes_in(tiny_path("rounded"), &codes));
    T_EQ(goss_network_bytes(floats), bytes_in(tiny_path("floats"), &none));
    T_CHECK(codes >= 3 && none == 0);
    T_CHECK(2 * goss_network_bytes(n) < goss_network_bytes(floats));
    T_OK(goss_network_load(tiny_path("rounded"), &back, &err));
    T_EQ(goss_network_precision(back), GOSS_WEIGHTS_INT8);
    T_CHECK(goss_network_note_of(back, "precision") == NULL);
    ask(n, p), ask(back, q), ask(floats, f);
    T_CHECK(memcmp(p, q, sizeof p) == 0);
    for (int i = 0; i < SHOWN * TINY_CLASSES; i++) off = fmax(off, fabs((double)(p[i] - f[i])));
    T_CHECK(off > 0 && off < 0.05);
    T_OK(goss_network_save(back, tiny_path("again"), &err));
    char *x = tiny_read(tiny_path("rounded"), &size), *y = tiny_read(tiny_path("again"), &again);
    T_CHECK(size == again && memcmp(x, y, size) == 0);
    free(x), free(y);
    T_OK(goss_network_set_precision(floats, GOSS_WEIGHTS_INT8, &err));
    ask(floats, f);
    T_CHECK(memcmp(p, f, sizeof p) == 0);
    T_ERR(goss_network_set_precision(floats, GOSS_WEIGHTS_F32, &err), GOSS_E_ARGUMENT, "no floats to go back to");
    goss_network_free(n), goss_network_free(floats), goss_network_free(back);
}

static void refuses(const rewriting *r, const char *why) {
    goss_network *n = NULL;
    T_OK(rewrite(tiny_path("rounded"), tiny_path("bad"), r, &err));
    if (goss_network_load(tiny_path("bad"), &n, &err) == GOSS_OK) T_FAIL("was accepted: %s", why);
    if (!strstr(err.text, why) || !strstr(err.text, tiny_path("bad"))) T_FAIL("\"%s\" does not say %s", err.text, why);
}

TEST(other_files_are_refused) {
    goss_network *n = ensemble(GOSS_WEIGHTS_INT8);
    T_OK(goss_network_save(n, tiny_path("rounded"), &err));
    goss_network_free(n);
    static const int64_t one[] = {0};
    refuses(&(rewriting){.drop = "conv1.w.scale"}, "tensors");
    refuses(&(rewriting){.drop = "conv1.w"}, "tensors");
    refuses(&(rewriting){.drop = "1:head.w.scale"}, "tensors");
    refuses(&(rewriting){.add = "conv1.w.more", .dtype = "I64", .numbers = one, .n = 1}, "tensors");
    refuses(&(rewriting){.spoil = "conv1.w.scale", .at = 3, .number = NAN}, "\"conv1.w.scale\": number 3 is nan");
    refuses(&(rewriting){.spoil = "conv1.w.scale", .at = 1, .number = 0}, "number 1 is 0, and no scale");
    refuses(&(rewriting){.spoil = "2:head.w.scale", .number = -1}, "\"2:head.w.scale\": number 0 is -1");
    refuses(&(rewriting){.spoil = "conv1.w.scale", .number = FLT_MAX}, "and no scale");
    refuses(&(rewriting){.spoil = "head.b", .number = NAN}, "\"head.b\"");
    refuses(&(rewriting){.spoil = "conv1.w", .at = 2, .number = -128}, "\"conv1.w\": number 2 is -128");
    refuses(&(rewriting){.other = "conv1.w.scale"}, "\"conv1.w.scale\" has 2 axes");
    refuses(&(rewriting){.other = "conv1.w"}, "\"conv1.w\" has another shape");
    refuses(&(rewriting){.other = "conv1.w", .as = "F8_E4M3"}, "tensors");
    refuses(&(rewriting){.key = "precision"}, "metadata precision: \"\" is not int8");
    refuses(&(rewriting){.key = "precision", .value = "int4"}, "metadata precision: \"int4\"");
    refuses(&(rewriting){.key = "gossamer.kind", .value = "network 1"}, "tensors");
    refuses(&(rewriting){.key = "gossamer.kind", .value = "network 3"},
            "\"network 3\"; this version reads \"network 2\"");
}

TEST(weights_that_no_scale_can_hold_are_refused) {
    goss_network *n = ensemble(GOSS_WEIGHTS_F32);
    T_OK(goss_network_save(n, tiny_path("floats"), &err));
    goss_network_free(n);
    T_OK(rewrite(tiny_path("floats"), tiny_path("huge"), &(rewriting){.spoil = "conv1.w", .number = FLT_MAX}, &err));
    T_OK(goss_network_load(tiny_path("huge"), &n, &err));
    T_ERR(goss_network_set_precision(n, GOSS_WEIGHTS_INT8, &err), GOSS_E_NUMERIC, "conv1.w");
    T_EQ(goss_network_precision(n), GOSS_WEIGHTS_F32);
    goss_network_free(n);
}

TEST(a_weight_that_is_not_finite_has_no_code) {
    const float bad[] = {NAN, INFINITY};
    for (int i = 0; i < 2; i++) {
        goss_network *n = ensemble(GOSS_WEIGHTS_F32);
        const goss_layout *l = goss_target_layout(n->target);
        n->slab[goss_layout_offset(l, goss_layout_find(l, "head.w")) + 2] = bad[i];
        T_ERR(goss_network_set_precision(n, GOSS_WEIGHTS_INT8, &err), GOSS_E_NUMERIC, "head.w: weight 2 is not finite");
        T_EQ(goss_network_precision(n), GOSS_WEIGHTS_F32);
        goss_network_free(n);
    }
}

TEST(failing_allocations_are_told) {
    goss_network *n = ensemble(GOSS_WEIGHTS_F32);
    bool failed = false;
    for (uint64_t k = 1; k < 1000; k++) {
        goss__alloc_fail_at(k);
        goss_status s = goss_network_set_precision(n, GOSS_WEIGHTS_INT8, &err);
        if (s == GOSS_OK) s = goss_network_save(n, tiny_path("alloc"), &err);
        goss__alloc_fail_at(0);
        if (s == GOSS_OK) break;
        failed = true;
        if (s != GOSS_E_NOMEM) T_FAIL("allocation %d failed: %s", (int)k, err.text);
    }
    T_CHECK(failed);
    goss_network_free(n);
}

TEST_MAIN()
