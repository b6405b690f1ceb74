/* SPDX-License-Identifier: Apache-2.0 */
/* kinds.c: the kinds of image files: how each is recognised by its first bytes, its decoder, and the error for kinds
 * without one.
 *
 * Which kind it is follows from the first bytes; names lie. A kind that is not read is still known, so that an error
 * can say "HEIC" where it would otherwise say "damaged". */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "data/picture.h"
#include "goss_config.h"

static bool starts(const uint8_t *data, size_t size, size_t at, const char *bytes, size_t n) {
    return size >= at + n && memcmp(data + at, bytes, n) == 0;
}
#define STARTS(at, text) starts(data, size, at, text, sizeof text - 1)
#define IS(id, condition)                                                                                              \
    static bool id(const uint8_t *data, size_t size) { return condition; }

/* A file of the ISO base media format whose major or compatible brands have one of these. */
static bool has_brand(const uint8_t *data, size_t size, const char *brands) {
    if (!STARTS(4, "ftyp")) return false;
    size_t end = data[0] || data[1] ? size : (size_t)data[2] << 8 | data[3];
    for (size_t at = 8; at + 4 <= end && at + 4 <= size; at += 4)
        for (const char *b = brands; *b; b += 4)
            if (at != 12 && memcmp(data + at, b, 4) == 0) return true;
    return false;
}

static bool holds(const uint8_t *data, size_t size, const char *text) {
    size_t n = strlen(text);
    for (size_t i = 0; i + n <= size; i++)
        if (memcmp(data + i, text, n) == 0) return true;
    return false;
}

IS(is_png, STARTS(0, "\x89PNG\r\n\x1a\n"))
IS(is_jpeg, STARTS(0, "\xff\xd8\xff"))
IS(is_webp, STARTS(0, "RIFF") && STARTS(8, "WEBP"))
IS(is_tiff, STARTS(0, "II*\0") || STARTS(0, "MM\0*") || STARTS(0, "II+\0") || STARTS(0, "MM\0+"))
/* Two letters alone are too few to know a file by: the size of the next header belongs to it. */
IS(is_bmp, STARTS(0, "BM") && size >= 18 && data[15] == 0 && data[16] == 0 && data[17] == 0 &&
               memchr("\x0c\x28\x34\x38\x40\x6c\x7c", data[14], 7))
IS(is_gif, STARTS(0, "GIF87a") || STARTS(0, "GIF89a"))
IS(is_avif, has_brand(data, size, "avifavis"))
IS(is_heic, has_brand(data, size, "heicheixheimheishevchevxmif1msf1"))
/* Then the number of pictures, which is not 0. */
IS(is_ico, (STARTS(0, "\0\0\1\0") || STARTS(0, "\0\0\2\0")) && size >= 6 && (data[4] || data[5]))
IS(is_jxl, STARTS(0, "\xff\x0a") || STARTS(0, "\0\0\0\x0cJXL \r\n\x87\n"))
IS(is_jp2, STARTS(0, "\0\0\0\x0cjP  \r\n\x87\n") || STARTS(0, "\xff\x4f\xff\x51"))
IS(is_pdf, STARTS(0, "%PDF-"))
IS(is_psd, STARTS(0, "8BPS"))
IS(is_exr, STARTS(0, "\x76\x2f\x31\x01"))
IS(is_dicom, STARTS(128, "DICM"))
IS(is_pnm, size >= 3 && data[0] == 'P' && data[1] >= '1' && data[1] <= '7' && memchr(" \t\r\n#", data[2], 5))
IS(is_svg, STARTS(0, "<svg") || ((STARTS(0, "<?xml") || STARTS(0, "\xef\xbb\xbf<?xml")) && holds(data, size, "<svg")))

#define LACKS(library) GOSS_HAVE_##library ? NULL : GOSS_##library##_GET
static const goss__kind kinds[] = {
    {"PNG", " .png .apng ", is_png, goss__png_read, LACKS(PNG)},
    {"JPEG", " .jpg .jpeg .jpe .jfif ", is_jpeg, goss__jpeg_read, LACKS(JPEG)},
    {"WebP", " .webp ", is_webp, goss__webp_read, LACKS(WEBP)},
    {"TIFF", " .tif .tiff ", is_tiff, goss__tiff_read, LACKS(TIFF)},
    {"BMP", " .bmp .dib ", is_bmp, goss__bmp_read, LACKS(STB)},
    {"GIF", " .gif ", is_gif, NULL, NULL},
    {"AVIF", " .avif .avifs ", is_avif, NULL, NULL},
    {"HEIC", " .heic .heif .hif ", is_heic, NULL, NULL},
    {"JPEG XL", " .jxl ", is_jxl, NULL, NULL},
    {"JPEG 2000", " .jp2 .j2k .jpx ", is_jp2, NULL, NULL},
    {"SVG", " .svg .svgz ", is_svg, NULL, NULL},
    {"PDF", " .pdf ", is_pdf, NULL, NULL},
    {"Photoshop", " .psd ", is_psd, NULL, NULL},
    {"OpenEXR", " .exr ", is_exr, NULL, NULL},
    {"DICOM", " .dcm .dicom ", is_dicom, NULL, NULL},
    {"Netpbm", " .pbm .pgm .ppm .pnm .pam ", is_pnm, NULL, NULL},
    {"ICO", " .ico .cur ", is_ico, NULL, NULL},
    {"TGA", " .tga ", NULL, NULL, NULL}, /* begins with nothing to know it by */
    {"camera raw", " .dng .nef .cr2 .cr3 .arw .orf .rw2 .raf ", NULL, NULL, NULL}, /* a TIFF by its first bytes */
};
enum { KINDS = sizeof kinds / sizeof *kinds };

bool goss__kind_is_read(const goss__kind *k) { return k->read && !k->get; }

const goss__kind *goss__kind_of_bytes(const uint8_t *data, size_t size) {
    if (size > GOSS__HEAD) size = GOSS__HEAD;
    for (int i = 0; i < KINDS; i++)
        if (kinds[i].is && kinds[i].is(data, size)) return &kinds[i];
    return NULL;
}

const goss__kind *goss__kind_of_name(const char *path) {
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    char ending[16];
    int n = dot ? snprintf(ending, sizeof ending, " %s ", dot) : 0;
    if (n < 4 || n >= (int)sizeof ending || strchr(dot, ' ')) return NULL;
    for (char *c = ending; *c; c++) *c = goss__ascii_lower(*c);
    for (int i = 0; i < KINDS; i++)
        if (strstr(kinds[i].endings, ending)) return &kinds[i];
    return NULL;
}

void goss__kinds_read(goss__str *s) {
    const char *comma = "";
    for (int i = 0; i < KINDS; i++)
        if (goss__kind_is_read(&kinds[i])) goss__str_addf(s, "%s%s", comma, kinds[i].name), comma = ", ";
}

goss_status goss__kind_refuse(const goss__kind *k, goss_error *err) {
    if (k->get)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s, which this build does not read (%s, or save it as PNG)",
                              k->name, k->get);
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s, which is not read: save it as PNG or JPEG", k->name);
}

goss_status goss__picture_decode(const uint8_t *data, size_t size, goss__fit *fit, uint8_t *out, goss_error *err) {
    if (size == 0) return goss_error_set(err, GOSS_E_FORMAT, "the file is empty");
    const goss__kind *k = goss__kind_of_bytes(data, size);
    const goss__known *known = k ? NULL : goss__recognise(data, size);
    if (known) {
        const char *advice = goss__known_advice(known, GOSS__IMAGES);
        return goss_error_set(err, GOSS_E_FORMAT, "%s, not an image%s%s", known->what, advice ? "; " : "",
                              advice ? advice : "");
    }
    if (!k)
        return goss_error_set(
            err, GOSS_E_FORMAT,
            "no kind of image that is known, by its first bytes (PNG, JPEG, WebP, TIFF and BMP are read)");
    if (!goss__kind_is_read(k)) return goss__kind_refuse(k, err);
    GOSS_TRY(k->read(data, size, fit, err));
    goss__fit_end(fit, out);
    return GOSS_OK;
}
