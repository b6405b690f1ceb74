/* SPDX-License-Identifier: Apache-2.0 */
/* test_io_safetensors.c: what is written comes back; every broken rule of the format is told apart; damage is seen. */
#include <signal.h>
#include <sys/resource.h>

#include <stdint.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/rng.h"
#include "gossamer/safetensors.h"
#include "scratch.h"
#include "test.h"

static goss_error err;
static const char *path;

static void make_path(void) {
    static char kept[200];
    snprintf(kept, sizeof kept, "%s", scratch("t.safetensors"));
    path = kept;
}

static void put_file(const char *header, const void *data, size_t n) {
    size_t len = strlen(header);
    char *buf = malloc(8 + len + n);
    for (int i = 0; i < 8; i++) buf[i] = (char)((uint64_t)len >> (8 * i));
    memcpy(buf + 8, header, len);
    if (n) memcpy(buf + 8 + len, data, n);
    T_OK(goss__write_file(path, buf, 8 + len + n, &err));
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

#define OWN(dtype, shape, off, more)                                                                                   \
    "{\"__metadata__\":{\"gossamer.container\":\"1\"},\"a\":{\"dtype\":" dtype ",\"shape\":" shape                     \
    ",\"data_offsets\":" off more "}}"

static const bad bads[] = {
    {"", "does not start with '{'", 0},
    {" {}", "does not start with '{'", 0},
    {"[]", "does not start with '{'", 0},
    {"{", "does not end with '}'", 0},
    {"{}\n", "does not end with '}'", 0},
    {"{}\t ", "does not end with '}'", 0},
    {"{,}", "header: byte", 0},
    {"{\"a\":1}", "not an object", 0},
    {"{\"a\":[]}", "not an object", 0},
    {"{} {}", "header:", 0},
    {"{\"a\":{}}", "dtype is missing", 0},
    {"{\"__metadata__\":[]}", "not an object", 0},
    {"{\"__metadata__\":{\"k\":1}}", "is not a text", 0},
    {"{\"__metadata__\":{\"k\":null}}", "is not a text", 0},
    {"{\"__metadata__\":{\"k\":\"a\",\"k\":\"b\"}}", "duplicate", 0},
    {T("\"F32\"", "[1]", "[0,4]") "x", "does not end with '}'", 4},
    {T("\"\"", "[1]", "[0,4]"), "\"\" is unknown", 4},
    {T("\"F31\"", "[3]", "[0,4]"), "3 elements of type \"F31\" cannot have 4 bytes", 4},
    {T("\"F31\"", "[1]", "[0,0]"), "cannot have 0 bytes", 0},
    {T("\"F31\"", "[0]", "[0,4]"), "0 elements of type \"F31\" cannot have 4 bytes", 4},
    {T("\"F512\"", "[1]", "[0,64]"), "cannot have 64 bytes", 64},
    {T("\"F4\"", "[3]", "[0,2]"), "does not fill whole bytes", 2},
    {T("\"F4\"", "[2]", "[0,2]"), "needs 1 bytes", 2},
    {T("\"F8_E4M3\"", "[2]", "[0,1]"), "needs 2 bytes", 1},
    {T("32", "[1]", "[0,4]"), "dtype", 4},
    {T("null", "[1]", "[0,4]"), "dtype", 4},
    {T("\"F32\"", "1", "[0,4]"), "not an array", 4},
    {T("\"F32\"", "null", "[0,4]"), "not an array", 4},
    {T("\"F32\"", "{}", "[0,4]"), "not an array", 4},
    {T("\"F32\"", "[-1]", "[0,4]"), "not a non-negative integer", 4},
    {T("\"F32\"", "[1.0]", "[0,4]"), "not a non-negative integer", 4},
    {T("\"F32\"", "[\"1\"]", "[0,4]"), "not a non-negative integer", 4},
    {T("\"F32\"", "[true]", "[0,4]"), "not a non-negative integer", 4},
    {T("\"F32\"", "[99999999999999999999]", "[0,4]"), "header:", 4},
    {T("\"F32\"", "[9223372036854775807,9223372036854775807]", "[0,4]"), "overflows", 4},
    {T("\"F32\"", "[4611686018427387904]", "[0,4]"), "overflows", 4},
    {T("\"F32\"", "[2]", "[0,4]"), "needs 8 bytes, data_offsets give 4", 4},
    {T("\"F32\"", "[1]", "[0,8]"), "exceed the 4 bytes", 4},
    {T("\"F32\"", "[1]", "[4,0]"), "are descending", 4},
    {T("\"F32\"", "[1]", "[-4,0]"), "are descending", 4},
    {T("\"F32\"", "[1]", "[0]"), "not a pair", 4},
    {T("\"F32\"", "[1]", "[0,4,4]"), "not a pair", 4},
    {T("\"F32\"", "[1]", "[0,4.0]"), "not a pair", 4},
    {T("\"F32\"", "[1]", "[\"0\",\"4\"]"), "not a pair", 4},
    {T("\"F32\"", "[1]", "{}"), "not a pair", 4},
    {T("\"F32\"", "[1]", "null"), "not a pair", 4},
    {T("\"F32\"", "[1]", "[0,18446744073709551615]"), "header:", 4},
    {T("\"F32\"", "[1]", "[4,8]"), "a hole before it", 8},
    {T("\"F32\"", "[1]", "[0,4]"), "belong to no tensor", 8},
    {"{}", "belong to no tensor", 3},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", "not a pair", 4},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "not an array", 4},
    /* Of ours: what our writer does not write. */
    {OWN("\"F31\"", "[1]", "[0,4]", ""), "\"F31\" is unknown", 4},
    {OWN("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]", ""), "rank 9", 4},
    {OWN("\"F32\"", "[1]", "[0,4]", ",\"more\":1"), "unknown key \"more\"", 4},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "duplicate", 4},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_"
     "offsets\":[0,4]}}",
     "overlaps another", 4},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_"
     "offsets\":[2,6]}}",
     "overlaps another", 6},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_"
     "offsets\":[8,12]}}",
     "a hole before it", 12},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_"
     "offsets\":[4,8]}}",
     "duplicate", 8},
    {"{\"__metadata__\":{\"gossamer.hash\":\"00\"}}", "the file is damaged", 0},
    {"{\"__metadata__\":{\"gossamer.container\":\"1\"}}", "hash is missing", 0},
    {"{\"\xff\":{}}", "header:", 0},
    {"{\"a\\u0000b\":{}}", "header:", 0},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,4,0],\"data_offsets\":[0,0]}}", "overflows", 0},
    {"{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_"
     "offsets\":[1,3]}}",
     "tensor \"a\": overlaps another from byte 114", 3},
    {"{\"a\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[0,4]}}", "needs 3 bytes", 4},
};

TEST(every_broken_rule_is_told) {
    static const char zeros[64];
    make_path();
    T_CHECK(sizeof bads / sizeof *bads >= 50);
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        goss_safetensors *f = NULL;
        put_file(bads[i].header, zeros, (size_t)bads[i].bytes);
        goss_status s = goss_safetensors_open(path, &f, &err);
        if (s != GOSS_E_FORMAT || !strstr(err.text, bads[i].says) || !strstr(err.text, path))
            T_FAIL("case %zu %s: \"%s\" does not say \"%s\"", i, bads[i].header, s ? err.text : "(accepted)",
                   bads[i].says);
    }
}

TEST(lengths_are_bounded_by_the_file) {
    goss_safetensors *f;
    make_path();
    T_OK(goss__write_file(path, "1234567", 7, &err));
    T_ERR(goss_safetensors_open(path, &f, &err), GOSS_E_FORMAT, "is a text, not a safetensors file");
    T_OK(goss__write_file(path, "\x01\x02\x03", 3, &err));
    T_ERR(goss_safetensors_open(path, &f, &err), GOSS_E_FORMAT, "3 bytes are too short");
    T_OK(goss__write_file(path, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, &err));
    T_ERR(goss_safetensors_open(path, &f, &err), GOSS_E_FORMAT, "over the limit");
    T_OK(goss__write_file(path, "\x03\0\0\0\0\0\0\0{}", 10, &err));
    T_ERR(goss_safetensors_open(path, &f, &err), GOSS_E_FORMAT, "exceed");
    T_OK(goss__write_file(path, "", 0, &err));
    T_ERR(goss_safetensors_open(path, &f, &err), GOSS_E_FORMAT, "is empty, not a safetensors file");
    T_ERR(goss_safetensors_open(scratch("none/x"), &f, &err), GOSS_E_IO, "cannot open");
    T_ERR(goss_safetensors_open(scratch_folder, &f, &err), GOSS_E_IO, "regular file");
}

/* Valid, though we would not write it: types of other writers and of later versions, no metadata as null, any rank. */
TEST(every_valid_file_opens) {
    static const struct {
        const char *header;
        int bytes;
    } good[] = {
        {T("\"F8_E4M3\"", "[2,3]", "[0,6]"), 6},
        {T("\"F8_E5M2\"", "[2,3]", "[0,6]"), 6},
        {T("\"F8_E8M0\"", "[5]", "[0,5]"), 5},
        {T("\"F4\"", "[2,3]", "[0,3]"), 3},
        {T("\"F6_E2M3\"", "[4]", "[0,3]"), 3},
        {T("\"C64\"", "[2]", "[0,16]"), 16},
        {T("\"BOOL\"", "[3]", "[0,3]"), 3},
        {T("\"U16\"", "[3]", "[0,6]"), 6},
        {T("\"F128\"", "[2]", "[0,32]"), 32},
        {T("\"E3\"", "[8]", "[0,3]"), 3},
        {T("\"NEW\"", "[0,4]", "[0,0]"), 0},
        {T("\"F32\"", "[]", "[0,4]"), 4},
        {T("\"F32\"", "[3,0,2]", "[0,0]"), 0},
        {T("\"F32\"", "[1,1,1,1,1,1,1,1,1,1,1,2]", "[0,8]"), 8},
        {"{\"__metadata__\":null,\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1},
        {"{\"__metadata__\":{},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"later\":[1]}}", 1},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[2,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],"
         "\"data_offsets\":[0,2]}}",
         2},
    };
    static const char zeros[64];
    make_path();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        goss_safetensors *f;
        const float *v;
        put_file(good[i].header, zeros, (size_t)good[i].bytes);
        if (goss_safetensors_open(path, &f, &err) != GOSS_OK) T_FAIL("%s: %s", good[i].header, err.text);
        const goss_file_tensor *t = goss_safetensors_find(f, "a");
        T_CHECK(t && (t->rank == 0 || t->shape[t->rank - 1] >= 0));
        if (strcmp(t->dtype, "F32") != 0) /* only who uses it asks for a type */
            T_ERR(goss_safetensors_floats(f, "a", 1, &v, &err), GOSS_E_FORMAT, "not F32");
        goss_safetensors_close(f);
    }
    put_file(T("\"F32\"", "[1,1,1,1,1,1,1,1,1,1,1,2]", "[0,8]"), zeros, 8);
    goss_safetensors *f;
    T_OK(goss_safetensors_open(path, &f, &err));
    T_EQ(goss_safetensors_at(f, 0)->rank, 12);
    T_EQ(goss_safetensors_at(f, 0)->shape[11], 2);
    goss_safetensors_close(f);
}

TEST(what_is_no_safetensors_file_is_named) {
    goss_safetensors *f;
    make_path();
    static const struct {
        const char *bytes, *says;
    } foreign[] = {
        {"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "is a Git LFS pointer"},
        {"<!DOCTYPE html>\n<html><body>404", "is a web page"},
        {"GGUF\3\1\1\1....", "is a GGUF model, not a safetensors file"},
        {"{\"a\": 1, \"b\": 2}", "is a JSON text"},
    };
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        T_OK(goss__write_file(path, foreign[i].bytes, strlen(foreign[i].bytes), &err));
        T_ERR(goss_safetensors_open(path, &f, &err), GOSS_E_FORMAT, foreign[i].says);
        T_CHECK(!strstr(err.text, "header of") && strncmp(err.text, path, strlen(path)) == 0);
    }
    T_OK(goss__write_file(path, "\x40\0\0\0\0\0\0\0{\"a\":{\"dtype\"", 20, &err));
    T_ERR(goss_safetensors_open(path, &f, &err), GOSS_E_FORMAT, "it is truncated"); /* ours, damaged: not "foreign" */
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
        T_ERR(goss_safetensors_open(path, &f, &err), GOSS_E_FORMAT, "");
        T_CHECK(!f);
    }
    for (size_t i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            good[i] ^= (char)(1 << bit);
            T_OK(goss__write_file(path, good, n, &err));
            goss_status s = goss_safetensors_open(path, &f, &err);
            if (s != GOSS_E_FORMAT && s != GOSS_E_UNSUPPORTED) T_FAIL("bit %d of byte %zu", bit, i);
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
    for (int k = 0; k < 5000; k++) {
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
    int failed = 0, failed_writes = 0;
    for (uint64_t n = 1; n < 200; n++) {
        goss_safetensors *f;
        goss__alloc_fail_at(n);
        goss_status s = goss_safetensors_open(path, &f, &err);
        goss__alloc_fail_at(0);
        if (s != GOSS_OK) T_EQ(s, GOSS_E_NOMEM);
        failed += s != GOSS_OK;
        goss_safetensors_close(f);
        goss__alloc_fail_at(n);
        s = write_sample();
        goss__alloc_fail_at(0);
        if (s != GOSS_OK) T_EQ(s, GOSS_E_NOMEM);
        failed_writes += s != GOSS_OK;
        T_OK(goss_safetensors_open(path, &f, &err)); /* the old file or the new one */
        goss_safetensors_close(f);
        T_EQ(scratch_count(), 1);
    }
    T_CHECK(failed > 20 && failed < 190 && failed_writes > 10 && failed_writes < 190);
}

TEST(a_failed_write_keeps_the_old_file) {
    static const float block[5000];
    struct rlimit old, small;
    goss_tensor_file *w;
    goss_safetensors *f;
    make_path();
    T_OK(write_sample());
    T_OK(goss_tensor_file_new(&w, &err));
    T_OK(goss_tensor_file_add(w, "block", "F32", 1, (int64_t[]){5000}, block, &err));
    T_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old, small.rlim_cur = 9000;
    signal(SIGXFSZ, SIG_IGN);
    T_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    goss_status s = goss_tensor_file_write(w, path, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    T_EQ(s, GOSS_E_IO);
    T_CHECK(strstr(err.text, "cannot write: File too large"));
    T_EQ(scratch_count(), 1);
    T_OK(goss_safetensors_open(path, &f, &err));
    T_CHECK(goss_safetensors_find(f, "ids") && !goss_safetensors_find(f, "block"));
    goss_safetensors_close(f);
    T_ERR(goss_tensor_file_write(w, scratch("no/such"), &err), GOSS_E_IO, "No such file");
    T_OK(goss_tensor_file_write(w, path, &err)); /* the collection is still good */
    T_OK(goss_safetensors_open(path, &f, &err));
    T_CHECK(goss_safetensors_find(f, "block"));
    goss_safetensors_close(f);
    goss_tensor_file_free(w);
}

/* Every type, added in two orders, with names that JSON must escape. */
static goss_status write_mixed(const char *to, bool backwards) {
    static const char *const types[] = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16",
                                        "I8",  "U64", "U32", "U16",  "U8",  "BOOL"};
    static const unsigned char data[64] = {1, 2, 3};
    goss_tensor_file *w;
    GOSS_TRY(goss_tensor_file_new(&w, &err));
    goss_status s = GOSS_OK;
    for (int k = 0; k < 39 && s == GOSS_OK; k++) {
        int i = backwards ? 38 - k : k;
        char name[40];
        snprintf(name, sizeof name, "layer \"%d\"\n\\\xc3\xa4/%s", i / 13, types[i % 13]);
        s = goss_tensor_file_add(w, name, types[i % 13], i / 13, (int64_t[]){3, i % 2}, data, &err);
        if (s == GOSS_OK && i % 13 == 0) s = goss_tensor_file_meta(w, name, "value\x01\x7f", &err);
    }
    if (s == GOSS_OK) s = goss_tensor_file_meta(w, "k", "old", &err);
    if (s == GOSS_OK) s = goss_tensor_file_meta(w, "k", "new", &err);
    if (s == GOSS_OK) s = goss_tensor_file_write(w, to, &err);
    goss_tensor_file_free(w);
    return s;
}

TEST(types_are_aligned_and_order_is_no_matter) {
    goss_safetensors *f;
    char *a, *b;
    size_t n, m;
    T_OK(write_mixed(scratch("a"), false));
    T_OK(write_mixed(scratch("b"), true));
    T_OK(goss__read_file(scratch("a"), 1 << 20, &a, &n, &err));
    T_OK(goss__read_file(scratch("b"), 1 << 20, &b, &m, &err));
    T_CHECK(n == m && memcmp(a, b, n) == 0);
    size_t metas = 0;
    T_OK(goss_safetensors_open(scratch("a"), &f, &err));
    T_EQ(goss_safetensors_count(f), 39);
    for (int i = 0; i < 39; i++) {
        const goss_file_tensor *t = goss_safetensors_at(f, i);
        size_t size = strchr("FIU", t->dtype[0]) ? (size_t)atoi(t->dtype + 1) / 8 : t->dtype[1] == 'F' ? 2 : 1;
        T_EQ((uintptr_t)t->data % size, 0);
        T_CHECK(goss_safetensors_find(f, t->name) == t);
    }
    T_EQ((uintptr_t)goss_safetensors_at(f, 0)->data % 64, 0);
    T_STR(goss_safetensors_meta(f, "k"), "new");
    T_STR(goss_safetensors_meta(f, "gossamer.container"), "1");
    T_EQ(strlen(goss_safetensors_meta(f, "gossamer.hash")), 32);
    for (int i = 0; i < goss_safetensors_meta_count(f); i++)
        metas += !strcmp(goss_safetensors_meta(f, goss_safetensors_meta_key(f, i)), goss_safetensors_meta_value(f, i));
    T_EQ(metas, goss_safetensors_meta_count(f));
    goss_safetensors_close(f);
    scratch_empty();
    goss__free(a), goss__free(b);
}

TEST(what_the_format_has_not_is_not_written) {
    static const float x[4];
    const int64_t two[] = {2, 2}, negative[] = {-1}, huge[] = {INT64_MAX, INT64_MAX};
    goss_tensor_file *w;
    T_OK(goss_tensor_file_new(&w, &err));
    T_OK(goss_tensor_file_add(w, "a", "F32", 2, two, x, &err));
    T_ERR(goss_tensor_file_add(w, "b", "F31", 2, two, x, &err), GOSS_E_ARGUMENT, "\"b\": type \"F31\" is unknown");
    T_ERR(goss_tensor_file_add(w, "b", "F32", 9, two, x, &err), GOSS_E_SHAPE, "rank 9");
    T_ERR(goss_tensor_file_add(w, "b", "F32", -1, two, x, &err), GOSS_E_SHAPE, "rank -1");
    T_ERR(goss_tensor_file_add(w, "b", "F32", 1, negative, x, &err), GOSS_E_SHAPE, "negative");
    T_ERR(goss_tensor_file_add(w, "b", "F32", 2, huge, x, &err), GOSS_E_SHAPE, "overflows");
    T_ERR(goss_tensor_file_add(w, "__metadata__", "F32", 2, two, x, &err), GOSS_E_ARGUMENT, "cannot be named");
    T_ERR(goss_tensor_file_add(w, "\xff", "F32", 2, two, x, &err), GOSS_E_ARGUMENT, "not UTF-8");
    T_ERR(goss_tensor_file_meta(w, "k", "\xff", &err), GOSS_E_ARGUMENT, "not UTF-8");
    T_ERR(goss_tensor_file_meta(w, "\xff", "v", &err), GOSS_E_ARGUMENT, "not UTF-8");
    T_ERR(goss_tensor_file_meta(w, "gossamer.hash", "v", &err), GOSS_E_ARGUMENT, "reserved for the writer");
    T_OK(goss_tensor_file_add(w, "a", "F32", 1, two, x, &err));
    T_ERR(goss_tensor_file_write(w, scratch("x"), &err), GOSS_E_ARGUMENT, "tensor \"a\" was added twice");
    T_CHECK(access(scratch("x"), F_OK) != 0);
    goss_tensor_file_free(w);
    goss_tensor_file_free(NULL);
}

TEST(files_of_others_open_without_a_hash) {
    goss_safetensors *f;
    const float *v;
    make_path();
    put_file(T("\"F32\"", "[1]", "[0,4]") "   ", "\0\0\x80\x3f", 4);
    T_OK(goss_safetensors_open(path, &f, &err));
    T_CHECK(!goss_safetensors_meta(f, "gossamer.hash") && goss_safetensors_meta_count(f) == 0);
    float one;
    memcpy(&one, goss_safetensors_at(f, 0)->data, 4);
    T_CHECK(one == 1);
    goss_safetensors_close(f);
    put_file("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"F32\",\"shape\":[],"
             "\"data_offsets\":[1,5]}}",
             "12345", 5);
    T_OK(goss_safetensors_open(path, &f, &err));
    T_EQ(goss_safetensors_find(f, "b")->rank, 0);
    T_ERR(goss_safetensors_floats(f, "b", 1, &v, &err), GOSS_E_FORMAT, "\"b\" is not aligned");
    T_ERR(goss_safetensors_floats(f, "b", -1, &v, &err), GOSS_E_FORMAT, "has 1 numbers, not -1");
    goss_safetensors_close(f);
    put_file("{\"__metadata__\":{\"gossamer.container\":\"2\",\"gossamer.hash\":\"\"}}", "", 0);
    T_ERR(goss_safetensors_open(path, &f, &err), GOSS_E_UNSUPPORTED, "container version \"2\"");
    put_file("{}", "", 0);
    T_OK(goss_safetensors_open(path, &f, &err));
    T_EQ(goss_safetensors_count(f), 0);
    goss_safetensors_close(f);
}

TEST_MAIN()
