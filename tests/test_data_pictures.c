/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a picture file besides pixels, and kinds of files: orientation, alpha, depth, colour spaces, formats that
 * are read, named and refused, and pictures that are larger than memory should be. */
#include <sys/resource.h>

#include "image_world.h"

#if GOSS_HAVE_PNG
#include <png.h>
#endif
#if GOSS_HAVE_TIFF
#include <tiffio.h>
#endif
#if GOSS_HAVE_WEBP
#include <webp/encode.h>
#endif

enum { W = 12, H = 8 };

/* A picture without any symmetry: bright at the top left, a bar at the bottom. */
static uint8_t value_at(int x, int y) { return (uint8_t)(y == H - 1 ? 240 : 200 - 12 * x - 5 * y); }

static const char orientation_block[] =
    "II*\0\x08\0\0\0\x02\0\x0f\x01\x02\0\x01\0\0\0x\0\0\0\x12\x01\x03\0\x01\0\0\0?\0\0\0\0\0\0\0";

/* EXIF with that orientation, big-endian where asked for, into out; returns its size. */
static size_t exif(int orientation, bool big, uint8_t *out) {
    static const char big_block[] = "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0?\0\0\0\0\0\0";
    size_t n = big ? sizeof big_block - 1 : sizeof orientation_block - 1;
    memcpy(out, big ? big_block : orientation_block, n);
    *(uint8_t *)memchr(out, '?', n) = (uint8_t)orientation;
    return n;
}

/* The picture as it is stored when it is to be seen with that orientation: value_at is what is seen. */
static inline void stored(int orientation, int *width, int *height, uint8_t *out) {
    *width = orientation >= 5 ? H : W, *height = orientation >= 5 ? W : H;
    for (int y = 0; y < *height; y++)
        for (int x = 0; x < *width; x++) {
            int mx = *width - 1 - x, my = *height - 1 - y;
            /* Where row 0 and column 0 are, by the table of EXIF. */
            const int seen[9][2] = {{0, 0}, {x, y}, {mx, y}, {mx, my}, {x, my}, {y, x}, {my, x}, {my, mx}, {y, mx}};
            out[y * *width + x] = value_at(seen[orientation][0], seen[orientation][1]);
        }
}

static void check_upright(const uint8_t *bytes, size_t n, double tolerance) {
    static float out[W * H * 3];
    for (int channels = 1; channels <= 3; channels += 2) {
        goss_image_format f = {channels, H, W, false};
        T_OK(goss_image_decode_memory(bytes, n, "picture", &f, out, &err));
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                for (int c = 0; c < channels; c++)
                    T_NEAR(255 * out[(y * W + x) * channels + c], value_at(x, y), tolerance);
    }
}

TEST(exif_orientation_is_parsed_carefully) {
    uint8_t block[100];
    for (int big = 0; big < 2; big++)
        for (int o = 0; o <= 10; o++) {
            size_t n = exif(o, big, block);
            T_EQ(goss__exif_orientation(block, n), o >= 1 && o <= 8 ? o : 1);
            for (size_t cut = 0; cut < n; cut++) {
                uint8_t *copy = malloc(cut + 1); /* the sanitizer sees a byte too many */
                memcpy(copy, block, cut);
                int got = goss__exif_orientation(copy, cut);
                T_CHECK(got == 1 || got == o);
                free(copy);
            }
        }
    memcpy(block, "II*\0\xff\xff\xff\xff", 8);
    T_EQ(goss__exif_orientation(block, 8), 1);
    memcpy(block, "II*\0\x08\0\0\0\xff\xff\x12\x01\x03\0\x02\0\0\0\x06\0", 20); /* two values */
    T_EQ(goss__exif_orientation(block, 20), 1);
}

/* ---- JPEG ---- */

#if GOSS_HAVE_JPEG
typedef struct jpeg_kind {
    J_COLOR_SPACE space;
    bool adobe, progressive, arithmetic;
    int orientation;
} jpeg_kind;

static size_t write_jpeg(const uint8_t *pixels, int width, int height, int channels, jpeg_kind k, unsigned char **out) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr e;
    uint8_t block[120] = "Exif\0";
    unsigned long size = 0;
    c.err = jpeg_std_error(&e);
    jpeg_create_compress(&c);
    *out = NULL;
    jpeg_mem_dest(&c, out, &size);
    c.image_width = (JDIMENSION)width, c.image_height = (JDIMENSION)height;
    c.input_components = channels, c.in_color_space = k.space;
    jpeg_set_defaults(&c);
    if (k.space == JCS_CMYK) jpeg_set_colorspace(&c, JCS_CMYK);
    jpeg_set_quality(&c, 100, TRUE);
    for (int i = 0; i < c.num_components; i++) c.comp_info[i].h_samp_factor = c.comp_info[i].v_samp_factor = 1;
    c.write_Adobe_marker = k.adobe, c.arith_code = k.arithmetic;
    if (k.progressive) jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    if (k.orientation)
        jpeg_write_marker(&c, JPEG_APP0 + 1, block, (unsigned)(6 + exif(k.orientation, k.orientation % 2, block + 6)));
    for (int y = 0; y < height; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + y * width * channels);
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return size;
}

TEST(a_jpeg_is_turned_as_its_exif_says) {
    uint8_t pixels[W * H];
    for (int o = 0; o <= 8; o++) {
        int width, height;
        unsigned char *bytes;
        stored(o ? o : 1, &width, &height, pixels);
        size_t n = write_jpeg(pixels, width, height, 1, (jpeg_kind){JCS_GRAYSCALE, .orientation = o}, &bytes);
        check_upright(bytes, n, 4);
        if (o > 4) { /* the set's extents are those of what is seen */
            write_bytes(in_top("turned/a/1.jpg"), bytes, n);
            goss_images *s;
            goss_images_options options = goss_images_options_defaults();
            options.height = options.width = 0;
            T_OK(goss_images_open(in_top("turned"), &options, &s, &err));
            T_EQ(goss_images_format(s).width, W);
            T_EQ(goss_images_format(s).height, H);
            goss_images_close(s);
        }
        free(bytes);
    }
}

TEST(a_turned_picture_is_resized_as_an_upright_one) {
    static float a[3 * 5], b[3 * 5];
    uint8_t pixels[W * H];
    goss_image_format f = {1, 5, 3, true};
    for (int o = 1; o <= 8; o++) {
        int width, height;
        unsigned char *bytes;
        stored(o, &width, &height, pixels);
        size_t n = write_jpeg(pixels, width, height, 1, (jpeg_kind){JCS_GRAYSCALE, .orientation = o}, &bytes);
        T_OK(goss_image_decode_memory(bytes, n, "turned", &f, o == 1 ? a : b, &err));
        for (int i = 0; i < 15 && o > 1; i++) T_NEAR(255 * a[i], 255 * b[i], 2.5);
        free(bytes);
    }
}

TEST(cmyk_becomes_rgb) {
    uint8_t pixels[8 * 8 * 4];
    static float out[8 * 8 * 3];
    goss_image_format f = {3, 8, 8, false};
    for (int adobe = 0; adobe < 2; adobe++) {
        const int ink[4] = {0, 120, 250, 60}; /* of 255, as much as is printed */
        for (int i = 0; i < 256; i++) pixels[i] = (uint8_t)(adobe ? 255 - ink[i % 4] : ink[i % 4]);
        unsigned char *bytes;
        size_t n = write_jpeg(pixels, 8, 8, 4, (jpeg_kind){JCS_CMYK, .adobe = adobe}, &bytes);
        T_OK(goss_image_decode_memory(bytes, n, "cmyk", &f, out, &err));
        for (int c = 0; c < 3; c++) T_NEAR(255 * out[60 + c], (255 - ink[c]) * (255 - 60) / 255.0, 3);
        free(bytes);
    }
}

/* Varieties that no reader here knows are called by their name, not damaged. */
TEST(unread_jpegs_are_named) {
    static const struct {
        int marker, precision;
        const char *says;
    } rows[] = {{0xc1, 12, "a JPEG of 12 bits a value, which is not read"},
                {0xc3, 8, "a lossless JPEG, which is not read"},
                {0xc5, 8, "a hierarchical JPEG, which is not read"}};
    uint8_t pixels[W * H] = {0};
    static float out[W * H];
    goss_image_format f = {1, H, W, false};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char *bytes;
        size_t n = write_jpeg(pixels, W, H, 1, (jpeg_kind){.space = JCS_GRAYSCALE}, &bytes);
        for (size_t k = 0; k + 5 < n; k++)
            if (bytes[k] == 0xff && bytes[k + 1] == 0xc0) {
                bytes[k + 1] = (uint8_t)rows[i].marker, bytes[k + 4] = (uint8_t)rows[i].precision;
                break;
            }
        T_ERR(goss_image_decode_memory(bytes, n, "x.jpg", &f, out, &err), GOSS_E_UNSUPPORTED, rows[i].says);
        T_CHECK(!strstr(err.text, "damaged"));
        free(bytes);
    }
}

TEST(progressive_jpegs_are_read_whole) {
    uint8_t pixels[W * H];
    int width, height;
    unsigned char *bytes;
    stored(1, &width, &height, pixels);
    size_t n = write_jpeg(pixels, W, H, 1, (jpeg_kind){JCS_GRAYSCALE, .progressive = true}, &bytes);
    check_upright(bytes, n, 4);
    for (size_t i = 0; i + 9 < n; i++)
        if (bytes[i] == 0xff && bytes[i + 1] == 0xc2) memcpy(bytes + i + 5, "\x20\0\x20\0", 4); /* 8192 x 8192 */
    static float out[W * H];
    goss_image_format f = {1, H, W, false};
    T_ERR(goss_image_decode_memory(bytes, n, "x.jpg", &f, out, &err), GOSS_E_FORMAT, "8192 x 8192; at most");
    free(bytes);
}
#endif

/* ---- PNG ---- */

#if GOSS_HAVE_PNG
/* Rows of 8 or 16 bits (big-endian). exif_at 1: the chunk stands in front of the pixels, 2: behind. */
static size_t write_png_of(const uint8_t *rows, int width, int height, int type, int depth, int orientation,
                           int exif_at, uint8_t *out, size_t room) {
    FILE *f = fmemopen(out, room, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    uint8_t block[100];
    size_t n = exif(orientation ? orientation : 1, orientation % 2, block);
    png_init_io(png, f);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, depth, type, 0, 0, 0);
    png_write_info(png, info);
    if (exif_at == 1) png_write_chunk(png, (png_const_bytep) "eXIf", block, n);
    size_t row = png_get_rowbytes(png, info);
    for (int y = 0; y < height; y++) png_write_row(png, rows + (size_t)y * row);
    if (exif_at == 2) png_write_chunk(png, (png_const_bytep) "eXIf", block, n);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    n = (size_t)ftell(f);
    fclose(f);
    return n;
}

TEST(a_png_is_turned_as_its_exif_says) {
    static uint8_t pixels[W * H], bytes[5000];
    for (int o = 1; o <= 8; o++)
        for (int at = 1; at <= 2; at++) {
            int width, height;
            stored(o, &width, &height, pixels);
            size_t n = write_png_of(pixels, width, height, PNG_COLOR_TYPE_GRAY, 8, o, at, bytes, sizeof bytes);
            check_upright(bytes, n, 0.6);
        }
}

/* Alpha: on white; where nothing would be seen on white, alpha is the ink. */
TEST(ink_on_transparent_ground) {
    static uint8_t pixels[H][W][4], bytes[5000];
    static float out[W * H * 3];
    for (int colour = 0; colour < 3; colour++)
        for (int channels = 1; channels <= 3; channels += 2) {
            const uint8_t ink = (const uint8_t[]){0, 255, 128}[colour];
            for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++) {
                    uint8_t alpha = x < 4 ? 0 : x < 8 ? 128 : 255;
                    memcpy(pixels[y][x], (uint8_t[]){ink, ink, ink, alpha}, 4);
                }
            goss_image_format f = {channels, H, W, false};
            size_t n = write_png_of(pixels[0][0], W, H, PNG_COLOR_TYPE_RGBA, 8, 0, 0, bytes, sizeof bytes);
            T_OK(goss_image_decode_memory(bytes, n, "ink", &f, out, &err));
            T_NEAR(out[0], 1, 0);                                                 /* the ground is white */
            T_NEAR(255 * out[5 * channels], 255 - (colour == 2 ? 64 : 128), 1.1); /* half covered */
            T_NEAR(255 * out[10 * channels], colour == 2 ? 128 : 0, 1.1);         /* white ink is seen black */
        }
    /* One dark point: then the ink is not white, and stays what it is. */
    memset(pixels, 255, sizeof pixels);
    for (int i = 0; i < 20; i++) pixels[1][i % W][3] = 0;
    memset(pixels[3][3], 0, 3);
    goss_image_format f = {1, H, W, false};
    size_t n = write_png_of(pixels[0][0], W, H, PNG_COLOR_TYPE_RGBA, 8, 0, 0, bytes, sizeof bytes);
    T_OK(goss_image_decode_memory(bytes, n, "ink", &f, out, &err));
    T_NEAR(out[4 * W], 1, 0);
    T_NEAR(out[3 * W + 3], 0, 0);
}

/* 12 bits in 16 are taken as they are stored, and that is told; full 16 bits are v / 65535 and nothing is. */
TEST(sixteen_bits) {
    static uint8_t pixels[H][W][2], bytes[5000];
    for (int full = 0; full < 2; full++) {
        for (int i = 0; i < W * H; i++) {
            int v = full ? i * 680 : i * 42;
            pixels[i / W][i % W][0] = (uint8_t)(v >> 8), pixels[i / W][i % W][1] = (uint8_t)v;
        }
        size_t n = write_png_of(pixels[0][0], W, H, PNG_COLOR_TYPE_GRAY, 16, 0, 0, bytes, sizeof bytes);
        write_bytes(in_top(full ? "deep1/a/1.png" : "deep0/a/1.png"), bytes, n);
        goss_images *s;
        goss_images_options o = options(1, H, W);
        listen();
        T_OK(goss_images_open(in_top(full ? "deep1" : "deep0"), &o, &s, &err));
        T_NEAR(goss_images_pixels(s, 0)[95], 95 * (full ? 680 : 42) / 257.0, 1);
        T_EQ(goss_images_report_of(s).dark, !full);
        T_EQ(strstr(said, "1 of 1 images of 16 bits use the lowest 12 bits only") != NULL, !full);
        goss_images_close(s);
        /* One by one, too: alone and in a folder. */
        static float out[H * W];
        static const char *const names[2][2] = {{"deep0/a/1.png", "deep0"}, {"deep1/a/1.png", "deep1"}};
        for (int folder = 0; folder < 2; folder++) {
            goss_image_files *f;
            T_OK(goss_image_files_open(in_top(names[full][folder]), &f, &err));
            goss_image_format format = {1, H, W, false};
            listen();
            T_OK(goss_image_files_decode(f, 0, &format, out, &err));
            T_EQ(strstr(said, "1.png: 16 bits, of which only the lowest 12 are used") != NULL, !full);
            goss_image_files_close(f);
        }
    }
}

/* 200 megapixels: the rows pass through, and memory does not grow with them. */
TEST(large_pictures_need_little_memory) {
    enum { SIDE = 14300 };
    static uint8_t row[SIDE / 8 + 1];
    const char *path = in_top("large.png");
    FILE *f = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, f);
    png_set_IHDR(png, info, SIDE, SIDE, 1, PNG_COLOR_TYPE_GRAY, 0, 0, 0);
    png_write_info(png, info);
    for (int y = 0; y < SIDE; y++) {
        memset(row, y < SIDE / 2 ? 0xff : 0, sizeof row);
        png_write_row(png, row);
    }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(f);
    static float out[28 * 28];
    goss_image_format format = {1, 28, 28, false};
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    T_OK(goss_image_decode_file(path, &format, out, &err));
    getrusage(RUSAGE_SELF, &after);
    for (int i = 0; i < 28 * 28; i++) T_NEAR(out[i], i < 14 * 28 ? 1 : 0, 0);
    T_CHECK(after.ru_maxrss - before.ru_maxrss < 64 * 1024); /* KiB; the picture has 195 MiB */
}
#endif

/* ---- other kinds ---- */

TEST(a_webp_is_read) {
#if GOSS_HAVE_WEBP
    uint8_t rgb[W * H * 3], *bytes;
    for (int i = 0; i < W * H * 3; i++) rgb[i] = value_at(i / 3 % W, i / 3 / W);
    size_t n = WebPEncodeLosslessRGB(rgb, W, H, 3 * W, &bytes);
    check_upright(bytes, n, 0.6);
    static float out[W * H];
    goss_image_format f = {1, H, W, false};
    for (size_t cut = 16; cut < n - 2; cut += 5)
        T_ERR(goss_image_decode_memory(bytes, cut, "x.webp", &f, out, &err), GOSS_E_FORMAT, "WebP");
    /* With EXIF: the extended form, its flags, the picture's chunk, EXIF. */
    uint8_t file[2000] = "RIFF....WEBPVP8X\x0a\0\0\0\x08\0\0\0", block[100], turned[W * H], rgb2[W * H * 3];
    int width, height;
    stored(6, &width, &height, turned);
    for (int i = 0; i < W * H * 3; i++) rgb2[i] = turned[i / 3];
    WebPFree(bytes);
    n = WebPEncodeLosslessRGB(rgb2, width, height, 3 * width, &bytes);
    size_t at = 30, m = exif(6, true, block);
    file[24] = (uint8_t)(width - 1), file[27] = (uint8_t)(height - 1);
    memcpy(file + at, bytes + 12, n - 12), at += n - 12;
    memcpy(file + at, "EXIF", 4), file[at + 4] = (uint8_t)m, memcpy(file + at + 8, block, m), at += 8 + m + m % 2;
    file[4] = (uint8_t)(at - 8), file[5] = (uint8_t)((at - 8) >> 8), file[6] = file[7] = 0;
    check_upright(file, at, 0.6);
    WebPFree(bytes);
#else
    T_SKIP("needs libwebp");
#endif
}

#if GOSS_HAVE_TIFF
static size_t write_tiff(int orientation, int bits, int format, uint8_t *out, size_t room) {
    const char *path = in_top("written.tif");
    int width, height;
    uint8_t pixels[W * H], row[W * 4];
    stored(orientation, &width, &height, pixels);
    TIFF *t = TIFFOpen(path, "w");
    T_CHECK(t != NULL);
    TIFFSetField(t, TIFFTAG_IMAGEWIDTH, width), TIFFSetField(t, TIFFTAG_IMAGELENGTH, height);
    TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, bits), TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, format), TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    TIFFSetField(t, TIFFTAG_ORIENTATION, orientation), TIFFSetField(t, TIFFTAG_COMPRESSION, COMPRESSION_LZW);
    TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 3);
    for (int y = 0; y < height; y++) {
        memset(row, 0, sizeof row);
        for (int x = 0; x < width; x++)
            if (bits == 16)
                ((uint16_t *)(void *)row)[x] = (uint16_t)(pixels[y * width + x] * 257);
            else if (bits == 8)
                row[x] = pixels[y * width + x];
        T_CHECK(TIFFWriteScanline(t, row, (uint32_t)y, 0) == 1);
    }
    TIFFClose(t);
    char *bytes;
    size_t n;
    T_OK(goss__read_file(path, room, &bytes, &n, &err));
    memcpy(out, bytes, n);
    goss__free(bytes);
    return n;
}
#endif

TEST(a_tiff_is_read) {
#if GOSS_HAVE_TIFF
    static uint8_t bytes[20000];
    static float out[W * H];
    goss_image_format f = {1, H, W, false};
    for (int o = 1; o <= 8; o++)
        for (int bits = 8; bits <= 16; bits += 8)
            check_upright(bytes, write_tiff(o, bits, SAMPLEFORMAT_UINT, bytes, sizeof bytes), 1.1);
    size_t n = write_tiff(1, 32, SAMPLEFORMAT_IEEEFP, bytes, sizeof bytes);
    T_ERR(goss_image_decode_memory(bytes, n, "x.tif", &f, out, &err), GOSS_E_UNSUPPORTED, "a TIFF that is not read");
    n = write_tiff(1, 8, SAMPLEFORMAT_UINT, bytes, sizeof bytes);
    int refused = 0;
    for (size_t cut = 4; cut < n; cut += 7) /* the directory stands last */
        refused += goss_image_decode_memory(bytes, cut, "x.tif", &f, out, &err) != GOSS_OK;
    T_CHECK(refused > (int)((n - 4) / 7) - 2);
#else
    T_SKIP("needs libtiff");
#endif
}

/* 24 bits a pixel, rows from the bottom up. */
static size_t write_bmp(uint8_t *out) {
    size_t row = (W * 3 + 3) / 4 * 4, n = 54 + row * H;
    memset(out, 0, n);
    memcpy(out, "BM", 2);
    out[2] = (uint8_t)n, out[3] = (uint8_t)(n >> 8), out[10] = 54, out[14] = 40, out[18] = W, out[22] = H, out[26] = 1;
    out[28] = 24;
    for (int i = 0; i < W * H * 3; i++)
        out[54 + (size_t)(H - 1 - i / 3 / W) * row + (size_t)(i % (3 * W))] = value_at(i / 3 % W, i / 3 / W);
    return n;
}

TEST(a_bmp_is_read) {
    if (!GOSS_HAVE_STB) T_SKIP("needs libstb");
    static uint8_t bytes[2000];
    static float out[W * H];
    goss_image_format f = {1, H, W, false};
    size_t n = write_bmp(bytes);
    check_upright(bytes, n, 0.6);
    for (size_t cut = 20; cut < n - 4; cut += 9)
        T_ERR(goss_image_decode_memory(bytes, cut, "x.bmp", &f, out, &err), GOSS_E_FORMAT, "BMP");
    bytes[30] = 1;
    T_ERR(goss_image_decode_memory(bytes, n, "x.bmp", &f, out, &err), GOSS_E_UNSUPPORTED, "run-length coded BMP");
    bytes[30] = 0;
    memset(bytes + 18, 0x7f, 8);
    T_CHECK(goss_image_decode_memory(bytes, n, "x.bmp", &f, out, &err) != GOSS_OK);
}

TEST(kinds_that_are_not_read_are_named) {
    static const struct {
        const char *bytes, *name;
        size_t n;
    } rows[] = {{"GIF89a....", "GIF, which is not read: save it as PNG or JPEG", 10},
                {"\0\0\0\x18"
                 "ftypheic\0\0\0\0mif1heic",
                 "HEIC", 24},
                {"\0\0\0\x1c"
                 "ftypmif1\0\0\0\0mif1avif....",
                 "AVIF", 28},
                {"%PDF-1.7..", "PDF", 10},
                {"<?xml version=\"1.0\"?><svg >", "SVG", 27},
                {"\xff\x0a....", "JPEG XL", 6},
                {"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000", 12},
                {"8BPS....", "Photoshop", 8},
                {"P5\n4 4\n255\n", "Netpbm", 11},
                {"hello", "a text, not an image", 5},
                {"\x81\x82\1\2\3", "no kind of image that is known", 5}};
    static float out[4];
    goss_image_format f = {1, 2, 2, false};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        err.text[0] = 0;
        T_CHECK(goss_image_decode_memory(rows[i].bytes, rows[i].n, "file", &f, out, &err) != GOSS_OK);
        if (!strstr(err.text, rows[i].name)) T_FAIL("\"%s\" does not say \"%s\"", err.text, rows[i].name);
        T_CHECK(!strstr(err.text, "damaged"));
    }
    T_STR(goss__kind_of_name("a/b.TIFF")->name, "TIFF");
    T_STR(goss__kind_of_name("x.JPeG")->name, "JPEG");
    T_STR(goss__kind_of_name("x.nef")->name, "camera raw");
    T_CHECK(!goss__kind_of_name("a.png/b") && !goss__kind_of_name("png") && !goss__kind_of_name("a.txt"));
}

int main(int argc, char **argv) {
    in_top("");
    int failed = t_main(argc, argv);
    remove_top();
    return failed;
}
