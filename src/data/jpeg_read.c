/* jpeg_read.c: JPEG files through libjpeg(-turbo), from memory.
 *
 * libjpeg exits the process on errors unless told otherwise, so an error manager with longjmp stands in. It calls a
 * damaged or truncated body a warning and fills in grey; here that is an error: half an image is no example to learn
 * from. Other warnings are passed over. CMYK is refused, orientation tags are not looked at. */
#include "data/picture.h"

#include "goss_config.h"

#if GOSS_HAVE_JPEG
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>

/* A progressive file may name the same pixels in any number of scans, each as costly as the whole image. */
enum { SCANS_MAX = 500 };

typedef struct reader {
    struct jpeg_error_mgr manager; /* first: libjpeg hands back a pointer to it */
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    goss_error *err;
    goss_status status;
    struct jpeg_decompress_struct jpeg;
} reader;

static void on_error(j_common_ptr cinfo) {
    reader *r = (reader *)cinfo->err;
    char text[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, text);
    r->status = goss_error_set(r->err, GOSS_E_FORMAT, "damaged JPEG: %s", text);
    longjmp(r->jump, 1);
}

static void on_message(j_common_ptr cinfo, int level) {
    if (level >= 0) return;
    int code = cinfo->err->msg_code;
    if (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_MUST_RESYNC)
        on_error(cinfo);
}

static void on_progress(j_common_ptr cinfo) {
    reader *r = (reader *)cinfo->err;
    if (r->jpeg.input_scan_number <= SCANS_MAX) return;
    r->status = goss_error_set(r->err, GOSS_E_FORMAT, "damaged JPEG: more than %d scans", SCANS_MAX);
    longjmp(r->jump, 1);
}

static goss_status read_rows(reader *r, goss__picture *out) {
    size_t row = (size_t)out->width * (size_t)out->channels;
    while (r->jpeg.output_scanline < r->jpeg.output_height) {
        JSAMPROW at = (JSAMPROW)out->bytes.data + r->jpeg.output_scanline * row;
        jpeg_read_scanlines(&r->jpeg, &at, 1);
    }
    jpeg_finish_decompress(&r->jpeg);
    return GOSS_OK;
}

static goss_status decode(reader *r, const uint8_t *data, size_t size, goss__picture *out) {
    if (setjmp(r->jump)) return r->status;
    jpeg_create_decompress(&r->jpeg);
    r->progress.progress_monitor = on_progress;
    r->jpeg.progress = &r->progress;
    jpeg_mem_src(&r->jpeg, data, (unsigned long)size);
    jpeg_read_header(&r->jpeg, TRUE);
    J_COLOR_SPACE space = r->jpeg.jpeg_color_space;
    if (space == JCS_CMYK || space == JCS_YCCK)
        return goss_error_set(r->err, GOSS_E_UNSUPPORTED, "a CMYK JPEG; save it as RGB or grey");
    r->jpeg.out_color_space = space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
    int channels = space == JCS_GRAYSCALE ? 1 : 3;
    r->status = goss__picture_reserve(out, r->jpeg.image_width, r->jpeg.image_height, channels, r->err);
    if (r->status != GOSS_OK) return r->status;
    jpeg_start_decompress(&r->jpeg);
    return read_rows(r, out);
}

goss_status goss__jpeg_read(const uint8_t *data, size_t size, goss__picture *out, goss_error *err) {
    reader r = {.err = err};
    r.jpeg.err = jpeg_std_error(&r.manager);
    r.manager.error_exit = on_error;
    r.manager.emit_message = on_message;
    goss_status status = decode(&r, data, size, out);
    jpeg_destroy_decompress(&r.jpeg);
    return status;
}
#else
goss_status goss__jpeg_read(const uint8_t *data, size_t size, goss__picture *out, goss_error *err) {
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "a JPEG, but this build has no libjpeg (install libjpeg-dev and rebuild)");
}
#endif
