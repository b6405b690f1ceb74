/* SPDX-License-Identifier: Apache-2.0 */
/* Image sets from folders, zips and idx files: names, order, pixels, caches, and every way of being broken. */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include "image_world.h"

#if GOSS_HAVE_PNG
#include <png.h>
#endif

static const char *const tree_names[] = {"Greek/alpha/2_b.png", "Greek/alpha/1_a.png", "Greek/beta/1_a.png",
                                         "Latin/a/1.png", "Greek/alpha/deep/9_z.png"};
enum { TREE_NAMES = 5 };

static const char *make_tree(void) {
    const char *root = in_top("tree");
    for (int i = 0; i < TREE_NAMES; i++) {
        char path[600];
        snprintf(path, sizeof path, "%s/%s", root, tree_names[i]);
        write_png(path, 8, 8, 10 * i + 5);
    }
    write_bytes(in_top("tree/README.txt"), "not an image", 12);
    write_bytes(in_top("tree/Greek/.hidden/x.png"), "broken", 6);
    return root;
}

static void check_tree(const goss_images *s) {
    const char *const classes[] = {"Greek/alpha", "Greek/alpha/deep", "Greek/beta", "Latin/a"};
    T_EQ(goss_images_classes(s), 4);
    for (int c = 0; c < 4; c++) {
        T_STR(goss_images_class_name(s, c), classes[c]);
        T_EQ(goss_images_class_find(s, classes[c]), c);
    }
    T_EQ(goss_images_class_find(s, "Greek"), -1);
    T_EQ(goss_images_count(s), 5);
    T_STR(goss_images_name(s, 0), "Greek/alpha/1_a.png");
    T_STR(goss_images_name(s, 1), "Greek/alpha/2_b.png");
    const int values[] = {15, 5, 45, 25, 35};
    for (int i = 0; i < 5; i++) T_EQ(goss_images_pixels(s, i)[17], values[i]);
    T_EQ(goss_images_alphabets(s), 3);
    T_STR(goss_images_alphabet_name(s, goss_images_class_alphabet(s, 0)), "Greek");
    T_STR(goss_images_alphabet_name(s, goss_images_class_alphabet(s, 1)), "Greek/alpha");
    T_EQ(goss_images_face(s, 0), goss_images_face(s, 3));
    T_CHECK(goss_images_face(s, 0) != goss_images_face(s, 1));
    T_EQ(goss_images_face(s, 4), -1);
    T_EQ(goss_images_class_of(s, 1), 0);
    T_EQ(goss_images_class_of(s, 4), 3);
}

TEST(folder_tree) {
    goss_images *s;
    goss_images_options o = options(1, 8, 8);
    T_OK(goss_images_open(make_tree(), &o, &s, &err));
    check_tree(s);
    float one[64];
    goss_images_get(s, 2, one);
    T_NEAR(one[0], 45 / 255.0, 1e-6);
    goss_images_close(s);
}

TEST(zip_equals_folder_with_and_without_top_folder) {
    const char *root = make_tree();
    goss_images *s, *z, *t;
    goss_images_options o = options(1, 8, 8);
    T_OK(goss_images_open(root, &o, &s, &err));
    zip_of(in_top("plain.zip"), "", tree_names, root, TREE_NAMES);
    zip_of(in_top("top.zip"), "some/top/", tree_names, root, TREE_NAMES);
    T_OK(goss_images_open(in_top("plain.zip"), &o, &z, &err));
    check_tree(z);
    T_OK(goss_images_open(in_top("top.zip"), &o, &t, &err));
    check_tree(t);
    T_EQ(goss_images_class_find(t, "some/top/Greek/beta"), 2);
    T_CHECK(goss_images_hash(s) == goss_images_hash(z));
    goss_images_close(s), goss_images_close(z), goss_images_close(t);
}

TEST(flat_folder_is_one_class) {
    write_png(in_top("flat/a.png"), 4, 4, 3);
    write_png(in_top("flat/b"), 4, 4, 9); /* known by content */
    goss_images *s;
    goss_images_options o = options(1, 0, 0);
    T_OK(goss_images_open(in_top("flat"), &o, &s, &err));
    T_EQ(goss_images_classes(s), 1);
    T_STR(goss_images_class_name(s, 0), ".");
    T_EQ(goss_images_count(s), 2);
    T_EQ(goss_images_format(s).height, 4);
    goss_images_close(s);
}

TEST(one_thread_and_four_give_the_same_set) {
    for (int i = 0; i < 60; i++) {
        char name[60];
        snprintf(name, sizeof name, "many/c%d/%02d.png", i % 7, i);
        write_png(in_top(name), 20 + i % 5, 20, i % 3 ? -1 : i);
    }
    goss_images *a, *b;
    goss_images_options o = options(3, 13, 11);
    o.threads = 1, o.invert = GOSS_INVERT_AUTO;
    T_OK(goss_images_open(in_top("many"), &o, &a, &err));
    o.threads = 4;
    T_OK(goss_images_open(in_top("many"), &o, &b, &err));
    T_CHECK(goss_images_hash(a) == goss_images_hash(b));
    T_EQ(memcmp(goss_images_pixels(a, 0), goss_images_pixels(b, 0), 60 * 13 * 11 * 3), 0);
    goss_images_close(a), goss_images_close(b);
}

static int files_in(const char *dir) {
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) n += e->d_name[0] != '.';
    if (d) closedir(d);
    return n;
}

TEST(cache_is_reused_and_renewed) {
    const char *root = make_tree();
    goss_images *s, *again;
    goss_images_options o = options(1, 8, 8);
    T_OK(goss_images_open(root, &o, &s, &err));
    uint64_t plain = goss_images_hash(s);
    goss_images_close(s);
    o.cache_dir = in_top("cache/below");
    T_OK(goss_images_open(root, &o, &s, &err));
    check_tree(s);
    T_CHECK(goss_images_hash(s) == plain);
    T_EQ(files_in(o.cache_dir), 1);
    uint64_t before = goss__alloc_count();
    T_OK(goss_images_open(root, &o, &again, &err));
    T_CHECK(goss__alloc_count() - before < 200);
    T_EQ(files_in(o.cache_dir), 1);
    goss_images_close(again);
    /* A changed file makes a new cache with the new pixels. */
    write_png(in_top("tree/Latin/a/1.png"), 8, 8, 200);
    struct utimbuf later = {1, 2000000000};
    utime(in_top("tree/Latin/a/1.png"), &later);
    T_OK(goss_images_open(root, &o, &again, &err));
    T_EQ(goss_images_pixels(again, 4)[0], 200);
    T_EQ(goss_images_pixels(s, 4)[0], 35);
    T_EQ(files_in(o.cache_dir), 2);
    goss_images_close(s), goss_images_close(again);
}

/* As training, evaluation and adaptation ask for one set: they want other parts of a split that is not there, and what
 * one leaves to be decided the others know. */
TEST(cache_serves_whoever_asks_for_the_same_images) {
    const char *root = make_tree();
    goss_images_options o = options(1, 0, 0);
    goss_images *s;
    o.cache_dir = in_top("cache-shared"), o.invert = GOSS_INVERT_AUTO, o.split = GOSS_SPLIT_TRAIN;
    T_OK(goss_images_open(root, &o, &s, &err));
    goss_image_format f = goss_images_format(s);
    const uint64_t hash = goss_images_hash(s);
    goss_images_close(s);
    o.invert = f.invert ? GOSS_INVERT_YES : GOSS_INVERT_NO, o.height = f.height, o.width = f.width;
    for (int split = GOSS_SPLIT_ALL; split <= GOSS_SPLIT_TEST; split++) {
        o.split = (goss_split)split, o.skip_bad = split % 2;
        T_OK(goss_images_open(root, &o, &s, &err));
        T_CHECK(goss_images_hash(s) == hash);
        T_EQ(files_in(o.cache_dir), 1);
        goss_images_close(s);
    }
    /* Another format is another file. */
    o.invert = f.invert ? GOSS_INVERT_NO : GOSS_INVERT_YES;
    T_OK(goss_images_open(root, &o, &s, &err));
    T_CHECK(goss_images_hash(s) != hash);
    T_EQ(files_in(o.cache_dir), 2);
    goss_images_close(s);
}

static void first_file(const char *dir, char path[700]) {
    DIR *d = opendir(dir);
    struct dirent *e;
    while (d && (e = readdir(d)) && e->d_name[0] == '.') {
    }
    T_CHECK(d && e);
    snprintf(path, 700, "%s/%s", dir, e->d_name);
    closedir(d);
}

static void check_reopened(const char *root, const goss_images_options *o, uint64_t hash, bool damaged) {
    goss_images *s;
    listen();
    T_OK(goss_images_open(root, o, &s, &err));
    T_EQ(goss_images_pixels(s, 1)[9], 77);
    T_STR(goss_images_class_name(s, 1), "d");
    T_EQ(goss_images_class_of(s, 1), 0);
    T_CHECK(goss_images_hash(s) == hash);
    T_EQ(strstr(said, "decoding again") != NULL, damaged);
    goss_images_close(s);
}

/* Each single byte of the file, and each length. */
TEST(damaged_cache_is_made_again) {
    const char *root = in_top("one");
    write_png(in_top("one/c/1.png"), 6, 6, 200);
    write_png(in_top("one/c/2.png"), 6, 6, 77);
    write_png(in_top("one/d/1.png"), 6, 6, 30);
    goss_images_options o = options(1, 6, 6);
    o.cache_dir = in_top("cache2");
    goss_images *s;
    T_OK(goss_images_open(root, &o, &s, &err));
    uint64_t hash = goss_images_hash(s);
    goss_images_close(s);
    char path[700];
    first_file(o.cache_dir, path);
    struct stat st;
    T_EQ(stat(path, &st), 0);
    for (long at = 0; at < st.st_size; at++) {
        FILE *f = fopen(path, "r+");
        T_EQ(fseek(f, at, SEEK_SET), 0);
        int byte = fgetc(f);
        fseek(f, at, SEEK_SET);
        fputc(byte ^ 1 << at % 8, f);
        fclose(f);
        check_reopened(root, &o, hash, true);
    }
    for (long cut = 0; cut < st.st_size; cut += 13) {
        T_EQ(truncate(path, cut), 0);
        check_reopened(root, &o, hash, true);
    }
    check_reopened(root, &o, hash, false);
    T_EQ(files_in(o.cache_dir), 1);
}

TEST(invert_by_the_border) {
    uint8_t dark[100] = {0}, bright[100];
    for (int i = 0; i < 100; i++) dark[i] = i > 40 && i < 60 ? 255 : 0, bright[i] = (uint8_t)(255 - dark[i]);
    make_parents(in_top("bright/c/1.png"));
    make_parents(in_top("dark/c/1.png"));
    T_OK(goss__png_write_grey(in_top("bright/c/1.png"), bright, 10, 10, &err));
    T_OK(goss__png_write_grey(in_top("dark/c/1.png"), dark, 10, 10, &err));
    goss_images *s;
    goss_images_options o = options(1, 10, 10);
    o.invert = GOSS_INVERT_AUTO;
    for (int k = 0; k < 2; k++) {
        T_OK(goss_images_open(in_top(k ? "bright" : "dark"), &o, &s, &err));
        T_EQ(goss_images_format(s).invert, k);
        T_EQ(memcmp(goss_images_pixels(s, 0), dark, 100), 0);
        goss_image_format f = goss_images_format(s);
        float one[100];
        T_OK(goss_image_decode_file(in_top(k ? "bright/c/1.png" : "dark/c/1.png"), &f, one, &err));
        for (int i = 0; i < 100; i++) T_NEAR(one[i], dark[i] / 255.0, 1e-6);
        goss_images_close(s);
    }
}

static void fit(const uint8_t *in, int width, int height, goss_image_format f, uint8_t *out) {
    goss__fit made = {.format = f};
    goss__raster r = {.width = (size_t)width, .height = (size_t)height, .channels = 1, .orientation = 1};
    T_OK(goss__fit_begin(&made, r, &err));
    for (int y = 0; y < height; y++) goss__fit_row(&made, in + y * width);
    goss__fit_end(&made, out);
    goss__fit_free(&made);
}

/* Resizing keeps the mean when it shrinks, a constant always, and a ramp when it grows. */
TEST(resize) {
    static uint8_t in[105 * 90], out[150 * 150];
    double mean = 0, got = 0;
    for (int i = 0; i < 105 * 90; i++) in[i] = (uint8_t)(i * 7919 % 251), mean += in[i] / (105.0 * 90);
    fit(in, 105, 90, (goss_image_format){1, 28, 28, false}, out);
    for (int i = 0; i < 28 * 28; i++) got += out[i] / (28.0 * 28);
    T_NEAR(got, mean, 0.1);
    for (int y = 0; y < 90; y++)
        for (int x = 0; x < 105; x++) in[y * 105 + x] = (uint8_t)(2 * x);
    fit(in, 105, 90, (goss_image_format){1, 120, 150, false}, out);
    for (int x = 5; x < 145; x++) T_NEAR(out[60 * 150 + x], 2 * ((x + 0.5) * 105 / 150 - 0.5), 0.51);
    fit(in, 105, 90, (goss_image_format){1, 90, 105, true}, out);
    for (int i = 0; i < 105; i++) T_EQ(out[i], 255 - 2 * i);
}

/* Whatever allocation fails: a clean error, and no leak for the sanitizer to find. */
TEST(failing_allocations_are_reported) {
    const char *root = make_tree();
    for (int cached = 0; cached < 2; cached++) {
        int failures = 0;
        goss_images_options o = options(1, 8, 8);
        o.threads = 1, o.cache_dir = cached ? in_top("cache3") : NULL;
        for (uint64_t n = 1;; n++) {
            goss_images *s;
            goss__alloc_fail_at(n);
            goss_status status = goss_images_open(root, &o, &s, &err);
            goss__alloc_fail_at(0);
            goss_images_close(s);
            if (status == GOSS_OK) break;
            T_EQ(status, GOSS_E_NOMEM);
            failures++;
        }
        T_CHECK(failures > 30);
    }
}

#if GOSS_HAVE_PNG
static size_t png_bytes(int type, int depth, int interlace, uint8_t *out, size_t room) {
    FILE *f = fmemopen(out, room, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, f);
    png_set_IHDR(png, info, 16, 16, depth, type, interlace, 0, 0);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_color palette[4] = {{10, 10, 10}, {80, 80, 80}, {160, 160, 160}, {250, 250, 250}};
        png_set_PLTE(png, info, palette, 4);
    }
    png_write_info(png, info);
    int channels = type == PNG_COLOR_TYPE_RGBA ? 4 : type == PNG_COLOR_TYPE_RGB ? 3 : type == PNG_COLOR_TYPE_GA ? 2 : 1;
    uint8_t rows[16][16 * 4 * 2], *at[16];
    for (int y = 0; y < 16; y++) {
        memset(rows[y], 0, sizeof rows[y]);
        at[y] = rows[y];
        size_t n = (size_t)(16 * channels * depth / 8);
        for (size_t i = 0; i < n; i++) rows[y][i] = depth < 8 ? 0xe4 : (uint8_t)(i * 5 + (size_t)y);
        if (type == PNG_COLOR_TYPE_RGBA) /* left half transparent, right half black */
            for (int x = 0; x < 16; x++) memset(rows[y] + 4 * x, 0, 3), rows[y][4 * x + 3] = x < 8 ? 0 : 255;
    }
    png_write_image(png, at);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    long n = ftell(f);
    fclose(f);
    return (size_t)n;
}
#else
enum { PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_PALETTE, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGBA, PNG_INTERLACE_ADAM7 };
static size_t png_bytes(int type, int depth, int interlace, uint8_t *out, size_t room) { T_SKIP("needs libpng"); }
#endif

TEST(png_kinds) {
    static uint8_t bytes[20000];
    static float out[16 * 16 * 3];
    goss_image_format grey = {1, 16, 16, false}, colour = {3, 16, 16, false};
    size_t n = png_bytes(PNG_COLOR_TYPE_PALETTE, 2, 0, bytes, sizeof bytes);
    T_OK(goss_image_decode_memory(bytes, n, "palette", &grey, out, &err));
    T_NEAR(out[0], 250 / 255.0, 1e-5); /* 0xe4 = 3 2 1 0 */
    T_NEAR(out[3], 10 / 255.0, 1e-5);
    n = png_bytes(PNG_COLOR_TYPE_GRAY, 1, 0, bytes, sizeof bytes);
    T_OK(goss_image_decode_memory(bytes, n, "1 bit", &colour, out, &err));
    T_NEAR(out[0], 1, 0);
    T_NEAR(out[3 * 3 + 2], 0, 0); /* 0xe4 = 1110 0100 */
    n = png_bytes(PNG_COLOR_TYPE_RGBA, 8, 0, bytes, sizeof bytes);
    T_OK(goss_image_decode_memory(bytes, n, "alpha", &grey, out, &err));
    T_NEAR(out[0], 1, 0);
    T_NEAR(out[15], 0, 0);
    n = png_bytes(PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_ADAM7, bytes, sizeof bytes);
    T_OK(goss_image_decode_memory(bytes, n, "interlaced", &colour, out, &err));
    for (int i = 0; i < 48; i++) T_NEAR(out[48 * 4 + i], (5 * i + 4) / 255.0, 1e-5);
    n = png_bytes(PNG_COLOR_TYPE_GRAY, 16, 0, bytes, sizeof bytes);
    T_OK(goss_image_decode_memory(bytes, n, "16 bits", &grey, out, &err));
    T_NEAR(out[4], (8 * 5 * 257 + 5) / 65535.0, 1.1 / 255);
}

TEST(jpeg_grey_and_colour) {
    static float out[20 * 20 * 3];
    for (int colour = 0; colour < 2; colour++) {
        unsigned char *bytes;
        size_t n = jpeg_bytes(20, 20, colour, &bytes);
        goss_image_format f = {colour ? 3 : 1, 20, 20, false};
        T_OK(goss_image_decode_memory(bytes, n, "a jpeg", &f, out, &err));
        if (colour)
            for (int c = 0; c < 3; c++) T_NEAR(out[(10 * 20 + 10) * 3 + c], (40 + 30 + c * 50) / 255.0, 0.03);
        free(bytes);
    }
}

static uint32_t crc_of(const uint8_t *p, size_t n) {
    uint32_t c = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++) c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
    }
    return ~c;
}

static int malformed;

/* Every one must be refused with a text, from memory, from a folder (naming the file) and out of a .zip. */
static void refuse(const uint8_t *bytes, size_t n, const char *what) {
    static float out[28 * 28];
    goss_image_format f = {1, 28, 28, false};
    err.text[0] = 0;
    if (goss_image_decode_memory(bytes, n, "x.png", &f, out, &err) == GOSS_OK) T_FAIL("%s was accepted", what);
    T_CHECK(err.status == GOSS_E_FORMAT || err.status == GOSS_E_UNSUPPORTED);
    T_CHECK(strncmp(err.text, "x.png: ", 7) == 0 && strlen(err.text) > 15);
    write_bytes(in_top("bad/c/broken.png"), bytes, n);
    goss_images *s;
    err.text[0] = 0;
    goss_status status = goss_images_open(in_top("bad"), NULL, &s, &err);
    if (status == GOSS_OK || !strstr(err.text, "bad/c/broken.png")) T_FAIL("%s in a folder: %s", what, err.text);
    const char *const names[] = {"c/broken.png"};
    if (n > 0) {
        zip_of(in_top("bad.zip"), "", names, in_top("bad"), 1);
        status = goss_images_open(in_top("bad.zip"), NULL, &s, &err);
        if (status == GOSS_OK || !strstr(err.text, "bad.zip: c/broken.png")) T_FAIL("%s in a zip: %s", what, err.text);
    }
    malformed++;
}

static void refuse_png_dimensions(uint8_t *bytes, size_t n, uint32_t width, uint32_t height) {
    uint32_t v[2] = {width, height};
    for (int i = 0; i < 8; i++) bytes[16 + i] = (uint8_t)(v[i / 4] >> (24 - 8 * (i % 4)));
    uint32_t crc = crc_of(bytes + 12, 17);
    for (int i = 0; i < 4; i++) bytes[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
    refuse(bytes, n, "a PNG of impossible extent");
}

TEST(malformed_images) {
    static uint8_t png[20000], copy[20000];
    size_t n = png_bytes(PNG_COLOR_TYPE_RGB, 8, 0, png, sizeof png);
    for (size_t cut = 0; cut < n; cut += 1 + n / 15) refuse(png, cut, "a truncated PNG");
    refuse(png, n - 4, "a PNG without its last bytes");
    for (size_t at = 0; at < 40; at += 4) { /* signature, header, its checksum, the next chunk's length */
        memcpy(copy, png, n);
        copy[at] ^= 0x55;
        refuse(copy, n, "a PNG with a wrong byte");
    }
    memcpy(copy, png, n);
    copy[n / 2] ^= 0x10;
    refuse(copy, n, "a PNG with damaged pixels");
    const uint32_t extents[][2] = {{60000, 60000},   {0, 16},       {16, 0}, {0x7fffffff, 1},
                                   {0xffffffff, 16}, {30000, 1000}, {16, 17}};
    for (size_t i = 0; i < sizeof extents / sizeof *extents; i++) {
        memcpy(copy, png, n);
        refuse_png_dimensions(copy, n, extents[i][0], extents[i][1]);
    }
    unsigned char *jpeg;
    size_t m = jpeg_bytes(40, 40, true, &jpeg);
    for (size_t cut = 3; cut < m - 2; cut += 1 + m / 15) refuse(jpeg, cut, "a truncated JPEG");
    memcpy(copy, jpeg, m);
    for (size_t i = 0; i + 9 < m; i++) {
        if (copy[i] != 0xff || copy[i + 1] != 0xc0) continue;
        memset(copy + i + 5, 0xff, 4); /* 65535 x 65535 */
        refuse(copy, m, "a JPEG of impossible extent");
        memset(copy + i + 5, 0, 4);
        refuse(copy, m, "a JPEG of no extent");
        copy[i + 9] = 7;
        refuse(copy, m, "a JPEG of seven components");
        break;
    }
    for (size_t i = 0; i < m - 2; i++)
        if (jpeg[i] == 0xff && jpeg[i + 1] == 0xda) memset(jpeg + i + 20, 0xa5, m - i - 22);
    refuse(jpeg, m, "a JPEG with damaged pixels");
    free(jpeg);
    refuse((const uint8_t *)"", 0, "an empty file");
    refuse((const uint8_t *)"GIF89a..........", 16, "a GIF");
    refuse((const uint8_t *)"\xff\xd8\xff", 3, "the first bytes of a JPEG");
    T_CHECK(malformed >= 50);
}

TEST(malformed_containers) {
    goss_images *s;
    T_ERR(goss_images_open(in_top("nowhere"), NULL, &s, &err), GOSS_E_IO, "nowhere");
    T_OK(goss__mkdirs(in_top("empty"), &err));
    T_ERR(goss_images_open(in_top("empty"), NULL, &s, &err), GOSS_E_FORMAT, "no image in it");
    write_bytes(in_top("text.bin"), "hello world", 11);
    T_ERR(goss_images_open(in_top("text.bin"), NULL, &s, &err), GOSS_E_FORMAT, "is a text, not a folder, a .zip");
    const char *root = make_tree();
    zip_of(in_top("cut.zip"), "", tree_names, root, TREE_NAMES);
    struct stat st;
    stat(in_top("cut.zip"), &st);
    /* A flipped byte in the stored pixels: only the checksum, libpng's or the zip's, can tell. */
    FILE *f = fopen(in_top("cut.zip"), "r+");
    fseek(f, 60, SEEK_SET);
    int byte = fgetc(f);
    fseek(f, 60, SEEK_SET);
    fputc(byte ^ 0x41, f);
    fclose(f);
    T_ERR(goss_images_open(in_top("cut.zip"), NULL, &s, &err), GOSS_E_FORMAT, "cut.zip: Greek/alpha/2_b.png");
    for (int k = 1; k < 8; k++) {
        T_EQ(truncate(in_top("cut.zip"), st.st_size * (8 - k) / 8), 0);
        T_ERR(goss_images_open(in_top("cut.zip"), NULL, &s, &err), GOSS_E_FORMAT, "cut.zip");
    }
    goss_images_options o = options(2, 8, 8);
    T_ERR(goss_images_open(root, &o, &s, &err), GOSS_E_ARGUMENT, "2 channels");
    o = options(1, 8, -1);
    T_ERR(goss_images_open(root, &o, &s, &err), GOSS_E_ARGUMENT, "extent");
}

static void write_idx(const char *path, int dimensions, const int *extent, const uint8_t *data, size_t n) {
    uint8_t bytes[600] = {0, 0, 8, (uint8_t)dimensions};
    for (int i = 0; i < dimensions; i++) bytes[7 + 4 * i] = (uint8_t)extent[i];
    memcpy(bytes + 4 + 4 * dimensions, data, n);
    write_bytes(path, bytes, 4 + 4 * (size_t)dimensions + n);
}

TEST(idx_files) {
    uint8_t pixels[6 * 4 * 3], labels[6] = {7, 3, 7, 0, 3, 7};
    for (int i = 0; i < 72; i++) pixels[i] = (uint8_t)(i * 3);
    write_idx(in_top("idx/toy-images-idx3-ubyte"), 3, (int[]){6, 4, 3}, pixels, 72);
    goss_images *s;
    goss_images_options o = options(1, 4, 3);
    T_ERR(goss_images_open(in_top("idx/toy-images-idx3-ubyte"), &o, &s, &err), GOSS_E_IO, "toy-labels-idx1-ubyte");
    write_idx(in_top("idx/toy-labels-idx1-ubyte"), 1, (int[]){6}, labels, 6);
    T_OK(goss_images_open(in_top("idx/toy-images-idx3-ubyte"), &o, &s, &err));
    T_EQ(goss_images_classes(s), 3);
    T_STR(goss_images_class_name(s, 2), "7");
    int first, count;
    goss_images_class_range(s, 2, &first, &count);
    T_EQ(count, 3);
    T_EQ(memcmp(goss_images_pixels(s, first + 1), pixels + 2 * 12, 12), 0);
    goss_images_close(s);
    write_idx(in_top("idx/toy-labels-idx1-ubyte"), 1, (int[]){5}, labels, 5);
    T_ERR(goss_images_open(in_top("idx/toy-images-idx3-ubyte"), &o, &s, &err), GOSS_E_FORMAT, "6 images but 5 labels");
    write_idx(in_top("idx/toy-images-idx3-ubyte"), 3, (int[]){7, 4, 3}, pixels, 72);
    T_ERR(goss_images_open(in_top("idx/toy-images-idx3-ubyte"), &o, &s, &err), GOSS_E_FORMAT, "promises 100 bytes");
    write_bytes(in_top("idx/toy-images-idx3-ubyte"), "\0\0\x0d\3aaaaaaaaaaaaaaaaa", 21);
    T_ERR(goss_images_open(in_top("idx/toy-images-idx3-ubyte"), &o, &s, &err), GOSS_E_FORMAT, "not an idx file");
}

static const char *data_path(const char *name) {
    static char path[600];
    const char *dir = getenv("GOSSAMER_DATA");
    snprintf(path, sizeof path, "%s/%s", dir ? dir : "../shared/data", name);
    return path;
}

TEST(mnist) {
    const char *path = data_path("mnist/t10k-images-idx3-ubyte.gz");
    if (!goss__path_exists(path)) T_SKIP("%s is not there", path);
    goss_images *s;
    T_OK(goss_images_open(path, NULL, &s, &err));
    T_EQ(goss_images_count(s), 10000);
    T_EQ(goss_images_classes(s), 10);
    int first, count;
    goss_images_class_range(s, 0, &first, &count);
    T_EQ(count, 980); /* the test set's zeros */
    goss_images_class_range(s, 1, &first, &count);
    T_EQ(count, 1135);
    goss_images_close(s);
    /* A truncated copy is refused. */
    char *bytes;
    size_t n;
    T_OK(goss__read_file(path, 1 << 26, &bytes, &n, &err));
    write_bytes(in_top("mnist/t10k-images-idx3-ubyte.gz"), bytes, n - 1000);
    goss__free(bytes);
    T_ERR(goss_images_open(in_top("mnist/t10k-images-idx3-ubyte.gz"), NULL, &s, &err), GOSS_E_FORMAT, "gzip");
}

TEST(omniglot) {
    const char *path = data_path("omniglot/omniglot-trainval.zip");
    if (!goss__path_exists(path)) T_SKIP("%s is not there", path);
    goss_images *s;
    goss_images_options o = goss_images_options_defaults();
    o.invert = GOSS_INVERT_AUTO, o.cache_dir = in_top("omniglot");
    double began = goss__now();
    T_OK(goss_images_open(path, &o, &s, &err));
    double decoded = goss__now() - began;
    T_EQ(goss_images_count(s), 24000);
    T_EQ(goss_images_classes(s), 1200);
    T_EQ(goss_images_format(s).invert, 1);
    T_CHECK(goss_images_class_find(s, "Armenian/character01") >= 0);
    T_CHECK(goss_images_face(s, 0) != goss_images_face(s, 1));
    T_EQ(goss_images_face(s, 0), goss_images_face(s, 20));
    uint64_t hash = goss_images_hash(s);
    goss_images_close(s);
    began = goss__now();
    T_OK(goss_images_open(path, &o, &s, &err));
    T_CHECK(goss__now() - began < decoded);
    T_CHECK(goss_images_hash(s) == hash);
    goss_images_close(s);
}

int main(int argc, char **argv) {
    in_top("");
    int failed = t_main(argc, argv);
    remove_top();
    return failed;
}
