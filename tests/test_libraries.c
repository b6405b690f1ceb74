/* SPDX-License-Identifier: Apache-2.0 */
/* A build without an optional library: what needs it is refused by name, with the package to install; nothing else is.
 * The test runs in builds with all of them, without all, and without each one (cmake/tests.cmake). */
#include "base/os.h"
#include "cli_run.h"
#include "data/picture.h"
#include "goss_config.h"
#include "gossamer/data.h"
#include "gossamer/safetensors.h"

static goss_error err;

/* There: the call is not refused for want of it. Not there: it is, and the text has the package. */
static void check(bool have, goss_status s, const char *package) {
    if (have) {
        if (s == GOSS_E_UNSUPPORTED && strstr(err.text, "this build")) T_FAIL("%s", err.text);
        return;
    }
    T_EQ(s, GOSS_E_UNSUPPORTED);
    bool the_package_is_named = strstr(err.text, package) != NULL;
    T_CHECK(the_package_is_named); /* without the text in the message: a failure that has it is a skip */
}

static const char *file_of(const char *name, const void *data, size_t n) {
    write_file(name, data, n);
    return tiny_path(name);
}

static goss_status decode(const void *data, size_t n) {
    float out[4];
    const goss_image_format f = {.channels = 1, .height = 2, .width = 2};
    return goss_image_decode_memory(data, n, "image", &f, out, &err);
}

TEST(images_need_their_decoders) {
    static const unsigned char png[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
    static const unsigned char jpeg[] = {0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1};
    check(GOSS_HAVE_PNG, decode(png, sizeof png), "libpng-dev");
    check(GOSS_HAVE_JPEG, decode(jpeg, sizeof jpeg), "libjpeg-dev");
    check(GOSS_HAVE_WEBP, decode("RIFF\x1a\0\0\0WEBPVP8L", 16), "libwebp-dev");
    check(GOSS_HAVE_TIFF, decode("II*\0\x08\0\0\0", 8), "libtiff-dev");
    check(GOSS_HAVE_STB, decode("BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", 18), "libstb-dev");
    uint8_t pixel = 3;
    check(GOSS_HAVE_PNG, goss__png_write_grey(tiny_path("a.png"), &pixel, 1, 1, &err), "libpng-dev");
    T_EQ(access(tiny_path("a.png"), F_OK) == 0, GOSS_HAVE_PNG);
}

TEST(sets_need_what_unpacks_them) {
    goss_images *set;
    static const char zip[22] = "PK\5\6"; /* an empty one */
    check(GOSS_HAVE_ZIP, goss_images_open(file_of("a.zip", zip, sizeof zip), NULL, &set, &err), "libzip-dev");
    static const unsigned char gz[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    file_of("a-labels-idx1-ubyte.gz", gz, sizeof gz);
    goss_status s = goss_images_open(file_of("a-images-idx3-ubyte.gz", gz, sizeof gz), NULL, &set, &err);
    check(GOSS_HAVE_ZLIB, s, "zlib1g-dev");
    T_OK(goss_images_open(tiny_set(), NULL, &set, &err)); /* idx as it is needs nothing */
    goss_images_close(set);
}

TEST(glyphs_need_freetype_and_png) {
    goss_glyphs_options o = goss_glyphs_options_defaults();
    o.out = tiny_path("glyphs"), o.fonts = tiny_path("");
    goss_status s = goss_glyphs_render(&o, NULL, &err);
    check(GOSS_HAVE_FREETYPE && GOSS_HAVE_PNG, s, GOSS_HAVE_FREETYPE ? "libpng-dev" : "libfreetype-dev");
}

TEST(tensor_files_need_json_and_a_hash) {
    goss_tensor_file *file;
    const float one = 1;
    const int64_t n = 1;
    T_CHECK(goss_tensor_file_new(&file, &err) == GOSS_OK);
    T_CHECK(goss_tensor_file_add(file, "x", "F32", 1, &n, &one, &err) == GOSS_OK);
    goss_status s = goss_tensor_file_write(file, tiny_path("x.safetensors"), &err);
    goss_tensor_file_free(file);
    check(GOSS_HAVE_XXHASH, s, "libxxhash-dev");
    T_EQ(access(tiny_path("x.safetensors"), F_OK) == 0, GOSS_HAVE_XXHASH);
    static const char foreign[] = "\x02\0\0\0\0\0\0\0{}";
    goss_safetensors *f = NULL;
    s = goss_safetensors_open(file_of("y.safetensors", foreign, sizeof foreign - 1), &f, &err);
    check(GOSS_HAVE_JANSSON, s, "libjansson-dev");
    goss_safetensors_close(f);
}

TEST(doctor_names_each_and_the_version_is_one) {
    char line[700];
    snprintf(line, sizeof line, "%s doctor >%s", command(), tiny_path("doctor"));
    int status = system(line);
    size_t size;
    char *text = tiny_read(tiny_path("doctor"), &size);
    T_CHECK(text && WIFEXITED(status));
    T_EQ(WEXITSTATUS(status), *GOSS_MISSING ? 1 : 0);
#define ROW(name, version, have, off, use)                                                                             \
    do {                                                                                                               \
        const char *at = strstr(text, "\n" name " ");                                                                  \
        T_CHECK(at);                                                                                                   \
        const char *end = strchr(at + 1, '\n'), *missing = strstr(at, "MISSING");                                      \
        T_EQ(missing &&missing < end, !(have) && !(off));                                                              \
        const char *switched = strstr(at, "disabled");                                                                 \
        T_EQ(switched &&switched < end, off);                                                                          \
        T_CHECK(strstr(at, (have) ? version : "none"));                                                                \
    } while (0);
    GOSS_LIBRARIES(ROW)
#undef ROW
    T_CHECK(strstr(text, "gossamer   " GOSS_VERSION "\n"));
    free(text);
    RUN(0, "--version");
    T_STR(out_text, "gossamer " GOSS_VERSION "\n");
}

TEST_MAIN()
