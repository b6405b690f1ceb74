/* SPDX-License-Identifier: Apache-2.0 */
/* Programs as files: saved with their parameters and loaded again, damaged, and of other kinds. */
#include "base/rng.h"
#include "gossamer/safetensors.h"
#include "program_check.h"
#include "scratch.h"

static goss_error err;

#define TEXT                                                                                                           \
    "gossamer.program 2\n"                                                                                             \
    "symbol T = 3\n"                                                                                                   \
    "%0 = input \"x\" : real[T,4]\n"                                                                                   \
    "%1 = param \"net.w\" : real[4,2]\n"                                                                               \
    "%2 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : real[T,2]  # net\n"                                  \
    "%3 = param \"net.scale\" : real[]\n"                                                                              \
    "%4 = broadcast(%3) : real[T,2]\n"                                                                                 \
    "%5 = mul(%2, %4) : real[T,2]\n"                                                                                   \
    "return %5 \"y\"\n"

/* A store with numbers for the program's parameters. */
static goss_params *store(const goss_program *p, goss_precision precision) {
    goss_params *params;
    goss__rng r = goss__rng_make(3, 0);
    T_OK(goss_params_new(precision, &params, &err));
    T_OK(goss_params_add_program(params, p, &err));
    for (int i = 0; i < goss_params_count(params); i++)
        for (int64_t k = 0; k < goss_params_numel(params, i); k++) {
            const double v = goss__rng_normal(&r);
            if (precision == GOSS_F64)
                ((double *)goss_params_data(params, i))[k] = v;
            else
                ((float *)goss_params_data(params, i))[k] = (float)v;
        }
    return params;
}

static bool same_numbers(const goss_params *a, const goss_params *b, size_t size) {
    if (goss_params_count(a) != goss_params_count(b)) return false;
    for (int i = 0; i < goss_params_count(a); i++) {
        const int k = goss_params_find(b, goss_params_name(a, i));
        if (k < 0 ||
            memcmp(goss_params_data(a, i), goss_params_data(b, k), (size_t)goss_params_numel(a, i) * size) != 0)
            return false;
    }
    return true;
}

static void check_precision(goss_precision precision, size_t size) {
    const char *path = scratch("p.safetensors");
    goss_program *p = program_of(TEXT), *back;
    goss_params *params = store(p, precision), *loaded;
    T_OK(goss_program_save(p, params, path, &err));
    T_OK(goss_program_load(path, &back, &loaded, &err));
    T_CHECK(goss_params_precision(loaded) == precision && same_numbers(params, loaded, size));
    char *text = goss_program_text(back);
    T_STR(text, TEXT);
    goss_text_free(text), goss_program_free(back), goss_params_free(loaded);
    T_OK(goss_program_load(path, &back, NULL, &err));
    goss_program_free(back), goss_program_free(p), goss_params_free(params);
}

TEST(a_file_holds_a_program_and_its_numbers) {
    check_precision(GOSS_F32, sizeof(float));
    check_precision(GOSS_F64, sizeof(double));
}

/* Parameters that a schedule keeps as bfloat16 are saved so, and read as the same numbers. */
TEST(bfloat16_is_kept) {
    const char *path = scratch("half.safetensors");
    goss_program *p = program_of(TEXT), *back;
    goss_schedule *s;
    goss_params *params, *loaded;
    goss_schedule_options o = goss_schedule_defaults();
    o.bf16 = "net.w";
    T_OK(goss_schedule_compile(p, &o, &s, &err));
    T_OK(goss_params_new(GOSS_F32, &params, &err));
    T_OK(goss_params_add(params, s, &err));
    const int w = goss_params_find(params, "net.w");
    float numbers[8], read[8];
    for (int i = 0; i < 8; i++) numbers[i] = 0.37f * (float)(i - 3);
    goss_params_set(params, w, numbers), goss_params_get(params, w, numbers);
    T_OK(goss_program_save(p, params, path, &err));
    T_OK(goss_program_load(path, &back, &loaded, &err));
    const int at = goss_params_find(loaded, "net.w");
    T_CHECK(!goss_params_is_bf16(loaded, at));
    goss_params_get(loaded, at, read);
    T_CHECK(memcmp(numbers, read, sizeof read) == 0);
    goss_safetensors *f;
    T_OK(goss_safetensors_open(path, &f, &err));
    T_STR(goss_safetensors_find(f, "net.w")->dtype, "BF16");
    goss_safetensors_close(f);
    goss_schedule_free(s), goss_program_free(p), goss_program_free(back);
    goss_params_free(params), goss_params_free(loaded);
}

/* ---- what cannot be saved ---- */

TEST(what_no_reader_would_take_is_not_written) {
    const char *path = scratch("none.safetensors");
    goss_program *p = program_of(TEXT), *other = program_of("gossamer.program 1\n%0 = param \"net.w\" : real[4]\n");
    goss_params *params = store(p, GOSS_F32), *of_other = store(other, GOSS_F32);
    T_ERR(goss_program_save(p, NULL, path, &err), GOSS_E_ARGUMENT, "the store has no parameter \"net.w\"");
    T_ERR(goss_program_save(p, of_other, path, &err), GOSS_E_SHAPE, "\"net.w\" has a different shape in the store");
    ((float *)goss_params_data(params, goss_params_find(params, "net.w")))[5] = INFINITY;
    T_ERR(goss_program_save(p, params, path, &err), GOSS_E_NUMERIC, "parameter \"net.w\": number 5 is not finite");
    T_CHECK(access(path, F_OK) != 0);
    ((float *)goss_params_data(params, goss_params_find(params, "net.w")))[5] = 1;
    T_ERR(goss_program_save(p, params, "/nonexistent/p.safetensors", &err), GOSS_E_IO, "/nonexistent/p.safetensors: ");
    T_CHECK(!strstr(err.text + 1, "/nonexistent/p.safetensors: "));
    goss_program_free(p), goss_program_free(other), goss_params_free(params), goss_params_free(of_other);
}

/* ---- files that are no programs ---- */

/* A file with that metadata and one tensor. */
static const char *file_with(const char *kind, const char *text, const char *name, const char *dtype, int64_t n,
                             const void *data) {
    const char *path = scratch("other.safetensors");
    goss_tensor_file *f;
    T_OK(goss_tensor_file_new(&f, &err));
    if (kind) T_OK(goss_tensor_file_meta(f, "gossamer.kind", kind, &err));
    if (text) T_OK(goss_tensor_file_meta(f, "program", text, &err));
    if (name) T_OK(goss_tensor_file_add(f, name, dtype, 1, &n, data, &err));
    T_OK(goss_tensor_file_write(f, path, &err));
    goss_tensor_file_free(f);
    return path;
}

#define ONE "gossamer.program 1\n%0 = param \"w\" : real[2]\nreturn %0 \"w\"\n"

TEST(other_files_are_refused) {
    static const double numbers[2] = {1, 2}, infinite[2] = {1, INFINITY};
    static const int32_t whole[2] = {1, 2};
    goss_program *p;
    goss_params *params;
    T_ERR(goss_program_load(file_with("model 1", ONE, "w", "F64", 2, numbers), &p, &params, &err), GOSS_E_FORMAT,
          "other.safetensors: is not a program: gossamer.kind is \"model 1\"");
    T_ERR(goss_program_load(file_with(NULL, ONE, "w", "F64", 2, numbers), &p, &params, &err), GOSS_E_FORMAT,
          "is not a program");
    T_ERR(goss_program_load(file_with("program 2", ONE, "w", "F64", 2, numbers), &p, &params, &err), GOSS_E_UNSUPPORTED,
          "is a \"program 2\"; this build reads \"program 1\"");
    T_ERR(goss_program_load(file_with("program 1", NULL, "w", "F64", 2, numbers), &p, &params, &err), GOSS_E_FORMAT,
          "its metadata lacks \"program\"");
    T_ERR(goss_program_load(file_with("program 1", "gossamer.program 1\n%0 = exp(%0) : real[]\n", NULL, NULL, 0, NULL),
                            &p, &params, &err),
          GOSS_E_FORMAT, "metadata \"program\": line 2: %0 is not defined yet");
    T_ERR(goss_program_load(file_with("program 1", ONE, NULL, NULL, 0, NULL), &p, &params, &err), GOSS_E_FORMAT,
          "there is no tensor for parameter \"w\"");
    T_ERR(goss_program_load(file_with("program 1", ONE, "w", "F64", 1, numbers), &p, &params, &err), GOSS_E_FORMAT,
          "tensor \"w\" does not have the shape of that parameter");
    T_ERR(goss_program_load(file_with("program 1", ONE, "w", "I32", 2, whole), &p, &params, &err), GOSS_E_FORMAT,
          "tensor \"w\" is I32, not F32, F64 or BF16");
    T_ERR(goss_program_load(file_with("program 1", ONE, "w", "F64", 2, infinite), &p, &params, &err), GOSS_E_NUMERIC,
          "parameter \"w\": number 1 is not finite");
    T_ERR(goss_program_load(file_with("program 1", "gossamer.program 1\n", "w", "F64", 2, numbers), &p, &params, &err),
          GOSS_E_FORMAT, "tensor \"w\" is not a parameter of the program");
    T_CHECK(p == NULL && params == NULL);
    T_ERR(goss_program_load("/nonexistent/p.safetensors", &p, NULL, &err), GOSS_E_IO, "/nonexistent/p.safetensors");
}

TEST_MAIN()
