/* safetensors: what is written comes back; everything that breaks a rule of the format is told apart. */
#include <stdint.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/rng.h"
#include "gossamer/safetensors.h"
#include "test.h"

static goss_error err;
static char path[64];

static void make_path(void) { snprintf(path, sizeof path, "/tmp/goss-test-%ld.safetensors", (long)getpid()); }

static void put_file(const char *header, const void *data, size_t n) {
    size_t len = strlen(header);
    char *buf = malloc(8 + len + n);
    for (int i = 0; i < 8; i++) buf[i] = (char)((uint64_t)len >> (8 * i));
    memcpy(buf + 8, header, len);
    if (n) memcpy(buf + 8 + len, data, n);
    if (goss__write_file(path, buf, 8 + len + n, &err) != GOSS_OK) abort();
    free(buf);
}

static goss_status write_sample(void) {
    static const float a[6] = {1, 2, 3, 4, 5, 6};
    static const int64_t b[2] = {7, -8};
    goss_tensor_file *w;
    GOSS_TRY(goss_tensor_file_new(&w, &err));
    goss_status s = goss_tensor_file_meta(w, "architecture", "conv4 64; \"quoted\"", &err);
    if (s == GOSS_OK) s = goss_tensor_file_meta(w, "version", "1", &err);
    if (s == GOSS_OK) s = goss_tensor_file_add(w, "w", "F32", 2, (int64_t[]){2, 3}, a, &err);
    if (s == GOSS_OK) s = goss_tensor_file_add(w, "ids", "I64", 1, (int64_t[]){2}, b, &err);
    if (s == GOSS_OK) s = goss_tensor_file_add(w, "empty", "F32", 1, (int64_t[]){0}, a, &err);
    if (s == GOSS_OK) s = goss_tensor_file_write(w, path, &err);
    goss_tensor_file_free(w);
    return s;
}

TEST(what_is_written_comes_back) {
    make_path();
    goss_safetensors *f;
    const float *v;
    T_OK(write_sample());
    T_OK(goss_safetensors_open(path, &f, &err));
    T_EQ(goss_safetensors_count(f), 3);
    T_STR(goss_safetensors_meta(f, "architecture"), "conv4 64; \"quoted\"");
    T_CHECK(goss_safetensors_meta(f, "nothing") == NULL);
    T_OK(goss_safetensors_floats(f, "w", 6, &v, &err));
    T_CHECK(v[0] == 1 && v[5] == 6 && (uintptr_t)v % 4 == 0);
    T_EQ(((const int64_t *)goss_safetensors_find(f, "ids")->data)[1], -8);
    T_ERR(goss_safetensors_floats(f, "w", 7, &v, &err), GOSS_E_FORMAT, "has 6 numbers, not 7");
    T_ERR(goss_safetensors_floats(f, "q", 7, &v, &err), GOSS_E_FORMAT, "\"q\" is missing");
    T_ERR(goss_safetensors_floats(f, "ids", 2, &v, &err), GOSS_E_FORMAT, "is I64, not F32");
    goss_safetensors_close(f);
}

TEST(the_same_content_gives_the_same_bytes) {
    char *a, *b;
    size_t n, m;
    T_OK(write_sample());
    T_OK(goss__read_file(path, 1 << 20, &a, &n, &err));
    T_OK(write_sample());
    T_OK(goss__read_file(path, 1 << 20, &b, &m, &err));
    T_CHECK(n == m && memcmp(a, b, n) == 0);
    goss__free(a), goss__free(b);
}

typedef struct bad {
    const char *header, *says;
    int bytes; /* of data */
} bad;
#define T(dtype, shape, off) "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" off "}}"

static const bad bads[] = {
    {"", "does not start with '{'", 0},
    {" {}", "does not start with '{'", 0},
    {"[]", "does not start with '{'", 0},
    {"{", "header:", 0},
    {"{\"a\":1}", "no object", 0},
    {"{\"a\":[]}", "no object", 0},
    {"{} {}", "header:", 0},
    {"{\"a\":{}}", "dtype \"(missing)\"", 0},
    {"{\"__metadata__\":[]}", "not an object", 0},
    {"{\"__metadata__\":{\"k\":1}}", "is not a text", 0},
    {"{\"__metadata__\":{\"k\":null}}", "is not a text", 0},
    {"{\"__metadata__\":{\"k\":\"a\",\"k\":\"b\"}}", "duplicate", 0},
    {T("\"F32\"", "[1]", "[0,4]") "x", "header:", 4},
    {T("\"F31\"", "[1]", "[0,4]"), "\"F31\" is unknown", 4},
    {T("\"f32\"", "[1]", "[0,4]"), "\"f32\" is unknown", 4},
    {T("32", "[1]", "[0,4]"), "dtype", 4},
    {T("null", "[1]", "[0,4]"), "dtype", 4},
    {T("\"F32\"", "1", "[0,4]"), "no array", 4},
    {T("\"F32\"", "null", "[0,4]"), "no array", 4},
    {T("\"F32\"", "{}", "[0,4]"), "no array", 4},
    {T("\"F32\"", "[-1]", "[0,4]"), "no integer from 0", 4},
    {T("\"F32\"", "[1.0]", "[0,4]"), "no integer from 0", 4},
    {T("\"F32\"", "[\"1\"]", "[0,4]"), "no integer from 0", 4},
    {T("\"F32\"", "[true]", "[0,4]"), "no integer from 0", 4},
    {T("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), "rank 9", 4},
    {T("\"F32\"", "[99999999999999999999]", "[0,4]"), "header:", 4},
    {T("\"F32\"", "[9223372036854775807,9223372036854775807]", "[0,4]"), "overflows", 4},
    {T("\"F32\"", "[4611686018427387904]", "[0,4]"), "overflows", 4},
    {T("\"F32\"", "[2]", "[0,4]"), "needs 8 bytes, data_offsets give 4", 4},
    {T("\"F32\"", "[1]", "[0,8]"), "end behind the 4 bytes", 4},
    {T("\"F32\"", "[1]", "[4,0]"), "run backwards", 4},
    {T("\"F32\"", "[1]", "[-4,0]"), "run backwards", 4},
    {T("\"F32\"", "[1]", "[0]"), "no pair", 4},
    {T("\"F32\"", "[1]", "[0,4,4]"), "no pair", 4},
    {T("\"F32\"", "[1]", "[0,4.0]"), "no pair", 4},
    {T("\"F32\"", "[1]", "[\"0\",\"4\"]"), "no pair", 4},
    {T("\"F32\"", "[1]", "{}"), "no pair", 4},
    {T("\"F32\"", "[1]", "null"), "no pair", 4},
    {T("\"F32\"", "[1]", "[0,18446744073709551615]"), "header:", 4},
    {T("\"F32\"", "[1]", "[4,8]"), "a hole before it", 8},
    {T("\"F32\"", "[1]", "[0,4]"), "belong to none", 8},
    {"{}", "belong to none", 3},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", "no pair", 4},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "no array", 4},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":1}}", "unknown key \"more\"", 4},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "duplicate", 4},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
     "overlaps another", 4},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}",
     "overlaps another", 6},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
     "a hole before it", 12},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
     "duplicate", 8},
    {"{\"__metadata__\":{\"gossamer.hash\":\"00\"}}", "the file is damaged", 0},
    {"{\"\xff\":{}}", "header:", 0},
    {"{\"a\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[0,4]}}", "needs 3 bytes", 4},
};

TEST(every_broken_rule_is_told) {
    static const char zeros[16];
    make_path();
    T_CHECK(sizeof bads / sizeof *bads >= 50);
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        goss_safetensors *f = NULL;
        put_file(bads[i].header, zeros, (size_t)bads[i].bytes);
        goss_status s = goss_safetensors_open(path, &f, &err);
        if (s != GOSS_E_FORMAT || !strstr(err.text, bads[i].says) || !strstr(err.text, path))
            T_FAIL("case %zu %s: \"%s\" does not say \"%s\"", i, bads[i].header, s ? err.text : "(accepted)", bads[i].says);
    }
}

TEST(lengths_are_bounded_by_the_file) {
    goss_safetensors *f;
    make_path();
    T_OK(goss__write_file(path, "1234567", 7, &err));
    T_ERR(goss_safetensors_open(path, &f, &err), GOSS_E_FORMAT, "too short");
    T_OK(goss__write_file(path, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, &err));
    T_ERR(goss_safetensors_open(path, &f, &err), GOSS_E_FORMAT, "over the limit");
    T_OK(goss__write_file(path, "\x03\0\0\0\0\0\0\0{}", 10, &err));
    T_ERR(goss_safetensors_open(path, &f, &err), GOSS_E_FORMAT, "end behind");
    T_OK(goss__write_file(path, "", 0, &err));
    T_ERR(goss_safetensors_open(path, &f, &err), GOSS_E_FORMAT, "too short");
    T_ERR(goss_safetensors_open("/nonexistent/x", &f, &err), GOSS_E_IO, "can not open");
    T_ERR(goss_safetensors_open("/tmp", &f, &err), GOSS_E_IO, "regular file");
}

TEST(no_cut_and_no_flip_goes_unseen) {
    char *good;
    size_t n;
    make_path();
    T_OK(write_sample());
    T_OK(goss__read_file(path, 1 << 20, &good, &n, &err));
    goss_safetensors *f;
    for (size_t cut = 0; cut < n; cut++) {
        T_OK(goss__write_file(path, good, cut, &err));
        T_CHECK(goss_safetensors_open(path, &f, &err) == GOSS_E_FORMAT);
    }
    /* A flip in the name of the hash's own key makes a file without a hash, which the format allows. */
    const char *key = memmem(good, n, "gossamer.hash", 13);
    for (size_t i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit += 3) {
            if (good + i >= key && good + i < key + 13) continue;
            good[i] ^= (char)(1 << bit);
            T_OK(goss__write_file(path, good, n, &err));
            if (goss_safetensors_open(path, &f, &err) == GOSS_OK) T_FAIL("a flip of byte %zu, bit %d is not seen", i, bit);
            good[i] ^= (char)(1 << bit);
        }
    goss__free(good);
}

TEST(no_mutation_crashes) {
    char *good;
    size_t n;
    make_path();
    T_OK(write_sample());
    T_OK(goss__read_file(path, 1 << 20, &good, &n, &err));
    char *copy = malloc(n);
    goss__rng r = goss__rng_make(1, 0);
    for (int k = 0; k < 3000; k++) {
        memcpy(copy, good, n);
        for (int i = 0; i < 4; i++) copy[goss__rng_below(&r, (uint32_t)n)] = (char)goss__rng_u32(&r);
        T_OK(goss__write_file(path, copy, n - goss__rng_below(&r, 3), &err));
        goss_safetensors *f;
        if (goss_safetensors_open(path, &f, &err) == GOSS_OK) goss_safetensors_close(f);
    }
    free(copy);
    goss__free(good);
}

TEST(failing_allocations_are_errors) {
    make_path();
    T_OK(write_sample());
    for (uint64_t n = 1; n < 20; n++) {
        goss_safetensors *f;
        goss__alloc_fail_at(n);
        goss_status s = goss_safetensors_open(path, &f, &err);
        goss__alloc_fail_at(0);
        if (s == GOSS_OK) goss_safetensors_close(f);
        else T_EQ(s, GOSS_E_NOMEM);
    }
}

TEST(a_failed_write_keeps_the_old_file) {
    make_path();
    T_OK(write_sample());
    goss__writer *w;
    T_OK(goss__writer_open(path, &w, &err));
    T_OK(goss__writer_put(w, "junk", 4, &err));
    goss__writer_abandon(w);
    goss_safetensors *f;
    T_OK(goss_safetensors_open(path, &f, &err));
    goss_safetensors_close(f);
    unlink(path);
}

TEST_MAIN()
