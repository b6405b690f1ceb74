/* SPDX-License-Identifier: Apache-2.0 */
/* jpeg_read.c: JPEG files through libjpeg(-turbo), from memory.
 *
 * libjpeg exits the process on errors unless told otherwise, so an error manager with longjmp stands in. It calls a
 * damaged or truncated body a warning and fills in grey; here that is an error: half an image is no example to learn
 * from. Other warnings are passed over. Rows go to the fit as they come; a file of several scans (progressive) has to
 * be in memory as a whole. CMYK becomes RGB by multiplication, without a profile. */
#include "data/picture.h"

#include "goss_config.h"

#if GOSS_HAVE_JPEG
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
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

/* What libjpeg refuses though it is sound; NULL: damage. Start of frame markers: ITU-T T.81, table B.1. */
static const char *unread_kind(j_common_ptr cinfo) {
    static const struct {
        int marker;
        const char *name;
    } frames[] = {{0xc3, "a lossless JPEG"},
                  {0xc5, "a hierarchical JPEG"},
                  {0xc6, "a hierarchical JPEG"},
                  {0xc7, "a lossless hierarchical JPEG"},
                  {0xcb, "a lossless JPEG in arithmetic coding"},
                  {0xcd, "a hierarchical JPEG in arithmetic coding"},
                  {0xce, "a hierarchical JPEG in arithmetic coding"},
                  {0xcf, "a lossless hierarchical JPEG in arithmetic coding"}};
    int code = cinfo->err->msg_code, detail = cinfo->err->msg_parm.i[0];
    if (code == JERR_BAD_PRECISION && (detail == 12 || detail == 16))
        return detail == 12 ? "a JPEG of 12 bits a value" : "a JPEG of 16 bits a value";
    if (code == JERR_ARITH_NOTIMPL) return "a JPEG in arithmetic coding";
    for (size_t i = 0; code == JERR_SOF_UNSUPPORTED && i < sizeof frames / sizeof *frames; i++)
        if (frames[i].marker == detail) return frames[i].name;
    return NULL;
}

static void on_error(j_common_ptr cinfo) {
    reader *r = (reader *)cinfo->err;
    char text[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, text);
    const char *unread = unread_kind(cinfo);
    if (unread)
        r->status = goss_error_set(r->err, GOSS_E_UNSUPPORTED,
                                   "%s, which is not read: save it as an ordinary JPEG of 8 bits or as PNG", unread);
    else if (cinfo->err->msg_code == JERR_OUT_OF_MEMORY)
        r->status = goss_error_set(r->err, GOSS_E_NOMEM, "libjpeg has no memory for an image");
    else
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

/* Adobe's programs store ink the other way round, and say that they wrote it. */
static void to_rgb(uint8_t *row, int width, bool inverted) {
    uint8_t *out = row;
    for (int x = 0; x < width; x++, row += 4, out += 3) {
        int light[4];
        for (int c = 0; c < 4; c++) light[c] = inverted ? row[c] : 255 - row[c];
        for (int c = 0; c < 3; c++) out[c] = (uint8_t)((light[c] * light[3] + 127) / 255);
    }
}

static int orientation_of(const struct jpeg_decompress_struct *j) {
    for (jpeg_saved_marker_ptr m = j->marker_list; m; m = m->next)
        if (m->data_length >= 6 && memcmp(m->data, "Exif\0\0", 6) == 0)
            return goss__exif_orientation(m->data, m->data_length);
    return 1;
}

static goss_status read_rows(reader *r, goss__fit *fit) {
    struct jpeg_decompress_struct *j = &r->jpeg;
    bool cmyk = j->out_color_space == JCS_CMYK;
    uint8_t *row;
    r->status = goss__fit_frame(fit, (size_t)j->output_width * (size_t)j->output_components, &row, r->err);
    if (r->status != GOSS_OK) return r->status;
    while (j->output_scanline < j->output_height) {
        JSAMPROW at = row;
        jpeg_read_scanlines(j, &at, 1);
        if (cmyk) to_rgb(row, (int)j->output_width, j->saw_Adobe_marker);
        goss__fit_row(fit, row);
    }
    jpeg_finish_decompress(j);
    return GOSS_OK;
}

static goss_status decode(reader *r, const uint8_t *data, size_t size, goss__fit *fit) {
    struct jpeg_decompress_struct *j = &r->jpeg;
    if (setjmp(r->jump)) return r->status;
    jpeg_create_decompress(j);
    r->progress.progress_monitor = on_progress;
    j->progress = &r->progress;
    jpeg_mem_src(j, data, (unsigned long)size);
    jpeg_save_markers(j, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(j, TRUE);
    J_COLOR_SPACE space = j->jpeg_color_space;
    bool grey = space == JCS_GRAYSCALE, cmyk = space == JCS_CMYK || space == JCS_YCCK;
    j->out_color_space = grey ? JCS_GRAYSCALE : cmyk ? JCS_CMYK : JCS_RGB;
    goss__raster raster = {.width = j->image_width,
                           .height = j->image_height,
                           .channels = grey ? 1 : 3,
                           .orientation = orientation_of(j),
                           .whole = jpeg_has_multiple_scans(j)};
    r->status = goss__fit_begin(fit, raster, r->err);
    if (r->status != GOSS_OK) return r->status;
    jpeg_start_decompress(j);
    return read_rows(r, fit);
}

goss_status goss__jpeg_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err) {
    reader r = {.err = err};
    r.jpeg.err = jpeg_std_error(&r.manager);
    r.manager.error_exit = on_error;
    r.manager.emit_message = on_message;
    goss_status status = decode(&r, data, size, fit);
    jpeg_destroy_decompress(&r.jpeg);
    return status;
}
#else
goss_status goss__jpeg_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err) {
    return goss__kind_refuse(goss__kind_of_bytes(data, size), err);
}
#endif
