/* SPDX-License-Identifier: Apache-2.0 */
/* file_kind.c: the kind of a file by its first bytes, for helpful errors: a model in another format, a download that
 * returned something else, an archive around the intended file. One table; kinds that fixed bytes do not identify have
 * a test function. */
#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define UNPACK "unpack it first"
#define AS_CSV "write the table as csv"
#define AS_PNG "save each image as a PNG in a folder of its class"
/* How to convert a file to what was expected. */
#define PYTORCH                                                                                                        \
    { [GOSS__MODEL] = "load it in Python and keep its tensors with safetensors.torch.save_file" }
#define NUMPY                                                                                                          \
    { [GOSS__MODEL] = "keep its arrays with safetensors.numpy.save_file", [GOSS__IMAGES] = AS_PNG }
#define HDF5                                                                                                           \
    {                                                                                                                  \
        [GOSS__MODEL] = "keep its arrays with safetensors.numpy.save_file", [GOSS__TABLE] = AS_CSV " or .npz",         \
        [GOSS__IMAGES] = AS_PNG "; if it is a table: " AS_CSV " or .npz"                                               \
    }
#define TABLE                                                                                                          \
    { [GOSS__TABLE] = AS_CSV, [GOSS__IMAGES] = AS_PNG "; if it is a table: " AS_CSV }

typedef struct bytes {
    const uint8_t *at;
    size_t n;
} bytes;

static bool has(bytes b, size_t offset, const char *magic, size_t n) {
    return b.n >= offset && b.n - offset >= n && memcmp(b.at + offset, magic, n) == 0;
}

/* Whether the name of the first entry of a .zip has this ending. */
static bool zip_begins_with(bytes b, const char *end) {
    size_t n = strlen(end);
    if (!has(b, 0, "PK\3\4", 4) || b.n < 30) return false;
    size_t name = (size_t)b.at[26] | (size_t)b.at[27] << 8;
    return name >= n && has(b, 30 + name - n, end, n);
}

static bool is_pytorch(bytes b) { return zip_begins_with(b, "/data.pkl"); }
static bool is_npz(bytes b) { return zip_begins_with(b, ".npy"); }
static bool is_office(bytes b) {
    return zip_begins_with(b, "[Content_Types].xml") ||
           (zip_begins_with(b, "mimetype") && has(b, 38, "application/vnd.oasis.", 22));
}

static bool is_pickle(bytes b) { return b.n > 2 && b.at[0] == 0x80 && b.at[1] >= 2 && b.at[1] <= 5; }

/* A protocol buffer that begins with ir_version, then a producer, opset or graph: ONNX has no magic number. */
static bool is_onnx(bytes b) {
    return b.n > 3 && b.at[0] == 8 && b.at[1] > 0 && b.at[1] < 32 && memchr("\x12\x1a\x22\x2a\x3a\x42", b.at[2], 6);
}

static bool begins_with_word(bytes b, const char *word) {
    size_t i = has(b, 0, "\xef\xbb\xbf", 3) ? 3 : 0, n = strlen(word);
    while (i < b.n && memchr(" \t\r\n", b.at[i], 4)) i++;
    if (b.n - i < n) return false;
    for (size_t k = 0; k < n; k++) { /* ASCII case is ignored */
        uint8_t c = b.at[i + k];
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != word[k]) return false;
    }
    return true;
}

static bool is_html(bytes b) { return begins_with_word(b, "<!doctype html") || begins_with_word(b, "<html"); }
static bool is_xml(bytes b) { return begins_with_word(b, "<?xml"); }

/* Starts with `first` and then, after blanks, one of `next`: {a} may be the header of a column. */
static bool opens(bytes b, char first, const char *next) {
    size_t i = has(b, 0, "\xef\xbb\xbf", 3) ? 3 : 0;
    for (int k = 0; k < 2; k++, i++) {
        while (i < b.n && memchr(" \t\r\n", b.at[i], 4)) i++;
        if (i == b.n || (k == 0 ? b.at[i] != (uint8_t)first : !strchr(next, b.at[i]) || !b.at[i])) return false;
    }
    return true;
}
static bool is_json(bytes b) { return (opens(b, '{', "\"}") || opens(b, '[', "{[")) && !memchr(b.at, 0, b.n); }
static bool is_utf16(bytes b) { return has(b, 0, "\xff\xfe", 2) || has(b, 0, "\xfe\xff", 2); }

static bool is_heif(bytes b) {
    return has(b, 4, "ftyp", 4) && (has(b, 8, "hei", 3) || has(b, 8, "hev", 3) || has(b, 8, "mif1", 4));
}
static bool is_avif(bytes b) { return has(b, 4, "ftypavi", 7); }
static bool is_wave(bytes b) { return has(b, 0, "RIFF", 4) && has(b, 8, "WAVE", 4); }
static bool is_aiff(bytes b) { return has(b, 0, "FORM", 4) && has(b, 8, "AIF", 3); }
static bool is_webp(bytes b) { return has(b, 0, "RIFF", 4) && has(b, 8, "WEBP", 4); }

/* A size, a reserved zero, the offset of the pixels. */
static bool is_bmp(bytes b) { return has(b, 0, "BM", 2) && has(b, 6, "\0\0\0\0", 4) && has(b, 11, "\0\0\0", 3); }

static bool is_zeros(bytes b) {
    size_t n = b.n < 4096 ? b.n : 4096;
    for (size_t i = 0; i < n; i++)
        if (b.at[i]) return false;
    return n >= 16;
}

/* Text: no control characters except white space, and UTF-8 except for a few bytes (of an older encoding). */
static bool is_text(bytes b) {
    size_t n = b.n < 4096 ? b.n : 4096, strange = 0;
    for (size_t i = 0; i < n; i++)
        if ((b.at[i] < 0x20 && !memchr("\t\n\r\f", b.at[i], 4)) || b.at[i] == 0x7f) return false;
    for (size_t i = 0; i + 3 < n;) {
        int length = goss__utf8_length(b.at + i);
        strange += length == 0;
        i += length ? (size_t)length : 1;
    }
    return n > 0 && strange <= n / 4;
}

#define MAGIC(text) 0, text, sizeof text - 1, NULL, false
#define TEST_BY(fn) 0, NULL, 0, fn, false
/* Magic bytes that a text may contain as well: a column called PAR1. */
#define LETTERS_AT(offset, text) offset, text, sizeof text - 1, NULL, true
#define LETTERS(text) LETTERS_AT(0, text)

/* The order matters: special kinds come before general ones. */
static const struct {
    size_t offset;
    const char *magic;
    size_t n;
    bool (*is)(bytes b);
    bool no_text;
    goss__known known;
} kinds[] = {
    {MAGIC("version https://git-lfs.github.com/spec/"),
     {.what = "a Git LFS pointer instead of the file", .advice = "run git lfs pull in its repository"}},
    {MAGIC("/annex/objects/"),
     {.what = "a git-annex pointer instead of the file", .advice = "run git annex get in its repository"}},
    {TEST_BY(is_html),
     {.what = "a web page", .advice = "a download returned an error or a login page; download it again"}},
    {TEST_BY(is_pytorch), {.what = "a PyTorch checkpoint", .convert = PYTORCH}},
    {TEST_BY(is_npz), {.what = "a NumPy archive (.npz)", .convert = NUMPY}},
    {TEST_BY(is_office),
     {.what = "an office document (.xlsx, .ods or similar)", .advice = "save its sheet as csv (UTF-8)"}},
    {MAGIC("PK\3\4"), {.what = "a .zip archive", .advice = UNPACK, .archive = true}},
    {MAGIC("PK\5\6"), {.what = "an empty .zip archive", .archive = true}},
    {TEST_BY(is_pickle), {.what = "a Python pickle (an old PyTorch checkpoint?)", .convert = PYTORCH}},
    {MAGIC("\x93NUMPY"), {.what = "a NumPy array (.npy)", .convert = NUMPY}},
    {MAGIC("\x89HDF\r\n\x1a\n"), {.what = "an HDF5 file (Keras?)", .convert = HDF5}},
    {LETTERS("GGUF"), {.what = "a GGUF model"}},
    {LETTERS_AT(4, "TFL3"), {.what = "a TensorFlow Lite model"}},
    {LETTERS("PAR1"), {.what = "a Parquet file", .convert = TABLE}},
    {LETTERS("ARROW1"), {.what = "an Arrow file", .convert = TABLE}},
    {LETTERS("MATLAB 5.0 MAT-file"), {.what = "a MATLAB file", .convert = HDF5}},
    {MAGIC("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
     {.what = "an old Excel workbook or similar", .advice = "save its sheet as csv (UTF-8)"}},
    {MAGIC("SQLite format 3\0"),
     {.what = "an SQLite database", .convert = {[GOSS__TABLE] = "export the table as csv"}}},
    {MAGIC("\x1f\x8b"), {.what = "gzip-compressed", .advice = "unpack it first: gunzip"}},
    {MAGIC("\xfd"
           "7zXZ\0"),
     {.what = "xz-compressed", .advice = "unpack it first: unxz"}},
    {MAGIC("\x28\xb5\x2f\xfd"), {.what = "zstd-compressed", .advice = "unpack it first: unzstd"}},
    {LETTERS("BZh"), {.what = "bzip2-compressed", .advice = "unpack it first: bunzip2"}},
    {MAGIC("7z\xbc\xaf\x27\x1c"), {.what = "a 7z archive", .advice = UNPACK}},
    {MAGIC("Rar!\x1a\7"), {.what = "a RAR archive", .advice = UNPACK}},
    {LETTERS_AT(257, "ustar"), {.what = "a tar archive", .advice = "unpack it first: tar xf"}},
    {MAGIC("\x89PNG\r\n\x1a\n"), {.what = "a PNG image", .results = ".png"}},
    {MAGIC("\xff\xd8\xff"), {.what = "a JPEG image"}},
    {LETTERS("GIF8"), {.what = "a GIF image"}},
    {TEST_BY(is_webp), {.what = "a WebP image"}},
    {TEST_BY(is_heif), {.what = "a HEIC image"}},
    {TEST_BY(is_avif), {.what = "an AVIF image"}},
    {TEST_BY(is_bmp), {.what = "a BMP image"}},
    {MAGIC("II*\0"), {.what = "a TIFF image"}},
    {MAGIC("MM\0*"), {.what = "a TIFF image"}},
    {TEST_BY(is_wave), {.what = "a WAV recording"}},
    {TEST_BY(is_aiff), {.what = "an AIFF recording"}},
    {LETTERS("fLaC"), {.what = "a FLAC recording"}},
    {LETTERS("OggS"), {.what = "an Ogg recording"}},
    {LETTERS("ID3"), {.what = "an MP3 recording"}},
    {MAGIC("\0\0\x08\3"), {.what = "an idx file of images"}},
    {MAGIC("\0\0\x08\1"), {.what = "an idx file of labels"}},
    {MAGIC("%PDF-"), {.what = "a PDF document"}},
    {MAGIC("\x7f"
           "ELF"),
     {.what = "a program"}},
    {TEST_BY(is_onnx), {.what = "an ONNX model, as it seems"}},
    {TEST_BY(is_xml), {.what = "an XML text", .convert = TABLE, .results = ".svg"}},
    {TEST_BY(is_json), {.what = "a JSON text", .convert = TABLE}},
    {TEST_BY(is_zeros),
     {.what = "only zeros at its start", .advice = "a copy or download was truncated; fetch it again"}},
    {TEST_BY(is_utf16), {.what = "probably a text in UTF-16", .plain = true}},
    {TEST_BY(is_text), {.what = "a text", .plain = true, .results = ".csv .svg .ini .vec"}},
};

const goss__known *goss__recognise(const void *data, size_t size) {
    static const goss__known empty = {.what = "empty", .results = ".csv .svg .ini .png .vec"};
    const bytes b = {data, size};
    if (size == 0) return &empty;
    const bool text = is_text(b);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (text && kinds[i].no_text) continue;
        if (kinds[i].is ? kinds[i].is(b) : has(b, kinds[i].offset, kinds[i].magic, kinds[i].n)) return &kinds[i].known;
    }
    return NULL;
}

const char *goss__known_advice(const goss__known *known, goss__wanted wanted) {
    if (wanted == GOSS__PICTURES) wanted = GOSS__IMAGES; /* the same advice */
    return known->convert[wanted] ? known->convert[wanted] : known->advice;
}

goss_status goss__not_a(const char *path, const goss__known *known, goss__wanted wanted, goss_error *err) {
    static const char *const names[GOSS__WANTED] = {
        [GOSS__MODEL] = "a safetensors file",
        [GOSS__TABLE] = "a table",
        [GOSS__IMAGES] = "a folder, a .zip or an idx file of images",
        [GOSS__PICTURES] = "an image, nor a folder, a .zip or an idx file of images",
    };
    const char *advice = goss__known_advice(known, wanted);
    return goss_error_set(err, GOSS_E_FORMAT, "%s: is %s, not %s%s%s", path, known->what, names[wanted],
                          advice ? "; " : "", advice ? advice : "");
}
