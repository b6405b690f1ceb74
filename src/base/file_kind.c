/* file_kind.c: what a file is by its first bytes, for errors that help: somebody's model in another format, a download
 * that brought something else, an archive around the file that was meant. One table; what needs more than bytes at a
 * place has a test of its own. */
#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define PYTORCH "load it in Python and keep its tensors with safetensors.torch.save_file"
#define UNPACK "unpack it first"

typedef struct bytes {
    const uint8_t *at;
    size_t n;
} bytes;

static bool has(bytes b, size_t offset, const char *magic, size_t n) {
    return b.n >= offset && b.n - offset >= n && memcmp(b.at + offset, magic, n) == 0;
}

/* The name of the first entry of a .zip ends in this. */
static bool zip_begins_with(bytes b, const char *end) {
    size_t n = strlen(end);
    if (!has(b, 0, "PK\3\4", 4) || b.n < 30) return false;
    size_t name = (size_t)b.at[26] | (size_t)b.at[27] << 8;
    return name >= n && has(b, 30 + name - n, end, n);
}

static bool is_pytorch(bytes b) { return zip_begins_with(b, "/data.pkl"); }
static bool is_npz(bytes b) { return zip_begins_with(b, ".npy"); }

static bool is_pickle(bytes b) { return b.n > 2 && b.at[0] == 0x80 && b.at[1] >= 2 && b.at[1] <= 5; }

/* A protocol buffer that begins with ir_version, then a producer or an opset or a graph: nothing else says ONNX. */
static bool is_onnx(bytes b) {
    return b.n > 3 && b.at[0] == 8 && b.at[1] > 0 && b.at[1] < 32 && memchr("\x12\x1a\x22\x2a\x3a\x42", b.at[2], 6);
}

static bool begins_with_word(bytes b, const char *word) {
    size_t i = has(b, 0, "\xef\xbb\xbf", 3) ? 3 : 0, n = strlen(word);
    while (i < b.n && memchr(" \t\r\n", b.at[i], 4)) i++;
    if (b.n - i < n) return false;
    for (size_t k = 0; k < n; k++) { /* without regard to capitals, of ASCII */
        uint8_t c = b.at[i + k];
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != word[k]) return false;
    }
    return true;
}

static bool is_html(bytes b) { return begins_with_word(b, "<!doctype html") || begins_with_word(b, "<html"); }
static bool is_xml(bytes b) { return begins_with_word(b, "<?xml"); }
static bool is_json(bytes b) { return begins_with_word(b, "{") && !memchr(b.at, 0, b.n); }

static bool is_heif(bytes b) {
    return has(b, 4, "ftyp", 4) && (has(b, 8, "hei", 3) || has(b, 8, "hev", 3) || has(b, 8, "mif1", 4));
}
static bool is_avif(bytes b) { return has(b, 4, "ftypavi", 7); }
static bool is_webp(bytes b) { return has(b, 0, "RIFF", 4) && has(b, 8, "WEBP", 4); }

/* A size, a reserved zero, the offset of the pixels. */
static bool is_bmp(bytes b) { return has(b, 0, "BM", 2) && has(b, 6, "\0\0\0\0", 4) && has(b, 11, "\0\0\0", 3); }

static bool is_zeros(bytes b) {
    size_t n = b.n < 4096 ? b.n : 4096;
    for (size_t i = 0; i < n; i++)
        if (b.at[i]) return false;
    return n >= 16;
}

/* No control characters but those of texts, and UTF-8 but for a few letters (of an older encoding). */
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

#define MAGIC(text) 0, text, sizeof text - 1, NULL
#define MAGIC_AT(offset, text) offset, text, sizeof text - 1, NULL
#define TEST_BY(fn) 0, NULL, 0, fn

/* In this order: the special before the general. */
static const struct {
    size_t offset;
    const char *magic;
    size_t n;
    bool (*is)(bytes b);
    goss__known known;
} kinds[] = {
    {MAGIC("version https://git-lfs.github.com/spec/"),
     {"a Git LFS pointer, which stands for a file that was not fetched", "run git lfs pull in its repository"}},
    {TEST_BY(is_html), {"a web page", "a download brought an error or a login instead of the file; download it anew"}},
    {TEST_BY(is_pytorch), {"a PyTorch checkpoint", PYTORCH}},
    {TEST_BY(is_npz), {"a NumPy archive (.npz)", "keep its arrays with safetensors.numpy.save_file"}},
    {MAGIC("PK\3\4"), {"a .zip archive", UNPACK}},
    {MAGIC("PK\5\6"), {"an empty .zip archive", NULL}},
    {TEST_BY(is_pickle), {"a Python pickle (an old PyTorch checkpoint?)", PYTORCH}},
    {MAGIC("\x93NUMPY"), {"a NumPy array (.npy)", "keep it with safetensors.numpy.save_file"}},
    {MAGIC("\x89HDF\r\n\x1a\n"), {"an HDF5 file (Keras?)", "keep its arrays with safetensors.numpy.save_file"}},
    {MAGIC("GGUF"), {"a GGUF model", NULL}},
    {MAGIC_AT(4, "TFL3"), {"a TensorFlow Lite model", NULL}},
    {MAGIC("\x1f\x8b"), {"gzip-compressed", "unpack it first: gunzip"}},
    {MAGIC("\xfd"
           "7zXZ\0"),
     {"xz-compressed", "unpack it first: unxz"}},
    {MAGIC("\x28\xb5\x2f\xfd"), {"zstd-compressed", "unpack it first: unzstd"}},
    {MAGIC("BZh"), {"bzip2-compressed", "unpack it first: bunzip2"}},
    {MAGIC("7z\xbc\xaf\x27\x1c"), {"a 7z archive", UNPACK}},
    {MAGIC("Rar!\x1a\7"), {"a RAR archive", UNPACK}},
    {MAGIC_AT(257, "ustar"), {"a tar archive", "unpack it first: tar xf"}},
    {MAGIC("\x89PNG\r\n\x1a\n"), {"a PNG image", NULL}},
    {MAGIC("\xff\xd8\xff"), {"a JPEG image", NULL}},
    {MAGIC("GIF8"), {"a GIF image", NULL}},
    {TEST_BY(is_webp), {"a WebP image", NULL}},
    {TEST_BY(is_heif), {"a HEIC image", NULL}},
    {TEST_BY(is_avif), {"an AVIF image", NULL}},
    {TEST_BY(is_bmp), {"a BMP image", NULL}},
    {MAGIC("II*\0"), {"a TIFF image", NULL}},
    {MAGIC("MM\0*"), {"a TIFF image", NULL}},
    {MAGIC("\0\0\x08\3"), {"an idx file of images", NULL}},
    {MAGIC("\0\0\x08\1"), {"an idx file of labels", NULL}},
    {MAGIC("%PDF-"), {"a PDF document", NULL}},
    {MAGIC("\x7f"
           "ELF"),
     {"a program", NULL}},
    {MAGIC("SQLite format 3"), {"an SQLite database", NULL}},
    {TEST_BY(is_onnx), {"an ONNX model, as it seems", NULL}},
    {TEST_BY(is_xml), {"an XML text", NULL}},
    {TEST_BY(is_json), {"a JSON text", NULL}},
    {TEST_BY(is_zeros), {"nothing but zeros at its start", "a copy or a download was cut off; fetch it anew"}},
    {TEST_BY(is_text), {"a text", NULL}},
};

const goss__known *goss__recognise(const void *data, size_t size) {
    static const goss__known empty = {"empty", NULL};
    const bytes b = {data, size};
    if (size == 0) return &empty;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].is ? kinds[i].is(b) : has(b, kinds[i].offset, kinds[i].magic, kinds[i].n)) return &kinds[i].known;
    return NULL;
}

goss_status goss__not_a(const char *path, const goss__known *known, const char *wanted, goss_error *err) {
    return goss_error_set(err, GOSS_E_FORMAT, "%s: is %s, not %s%s%s", path, known->what, wanted,
                          known->advice ? "; " : "", known->advice ? known->advice : "");
}
