/* SPDX-License-Identifier: Apache-2.0 */
/* table_zip.c: files inside a .zip, through libzip. */
#include <string.h>

#include "base/alloc.h"
#include "goss_config.h"
#include "table/table_source.h"

#if GOSS_HAVE_ZIP
#include <zip.h>

static goss_status damaged(const char *path, const char *name, const char *why, goss_error *err) {
    return goss_error_set(err, GOSS_E_FORMAT, "%s%s%s: damaged in the .zip: %s", path, name ? ": " : "",
                          name ? name : "", why);
}

goss_status goss__zip_open(const goss__bytes *b, void **archive, goss_error *err) {
    zip_error_t e;
    zip_error_init(&e);
    *archive = NULL;
    zip_source_t *source = zip_source_buffer_create(b->data, b->size, 0, &e);
    if (source) *archive = zip_open_from_source(source, ZIP_RDONLY, &e);
    if (source && !*archive) zip_source_free(source);
    goss_status s = *archive ? GOSS_OK
                    : zip_error_code_zip(&e) == ZIP_ER_MEMORY
                        ? goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to open it", b->name)
                        : goss_error_set(err, GOSS_E_FORMAT, "%s: damaged .zip: %s", b->name, zip_error_strerror(&e));
    zip_error_fini(&e);
    return s;
}

void goss__zip_close(void *archive) {
    if (archive) zip_discard(archive);
}

goss_status goss__zip_list(void *archive, const char *path, goss__zip_entry entry, void *context, goss_error *err) {
    zip_int64_t n = zip_get_num_entries(archive, 0);
    for (zip_int64_t i = 0; i < n; i++) {
        zip_stat_t st;
        zip_stat_init(&st);
        if (zip_stat_index(archive, (zip_uint64_t)i, 0, &st) != 0)
            return damaged(path, NULL, zip_strerror(archive), err);
        if (!(st.valid & ZIP_STAT_NAME) || !(st.valid & ZIP_STAT_SIZE))
            return damaged(path, NULL, "an entry lacks its name or size", err);
        size_t length = strlen(st.name);
        if (length == 0 || st.name[length - 1] == '/') continue;
        if ((st.valid & ZIP_STAT_ENCRYPTION_METHOD) && st.encryption_method != ZIP_EM_NONE)
            return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: %s: encrypted; unpack it with its password", path,
                                  st.name);
        GOSS_TRY(entry(context, st.name, (uint64_t)i, st.size, err));
    }
    return GOSS_OK;
}

/* Reads on past the last byte: that makes libzip compare the checksum. */
static goss_status fill(zip_file_t *f, const char *path, const char *name, char *data, size_t size, goss_error *err) {
    size_t at = 0;
    for (;;) {
        char end;
        zip_int64_t n = zip_fread(f, at < size ? data + at : &end, at < size ? size - at : 1);
        if (n < 0) return damaged(path, name, zip_file_strerror(f), err);
        if (n == 0) break;
        if (at >= size) return damaged(path, name, "longer than its directory says", err);
        at += (size_t)n;
    }
    return at < size ? damaged(path, name, "shorter than its directory says", err) : GOSS_OK;
}

goss_status goss__zip_read(void *archive, const char *path, uint64_t index, const char *name, char **data, size_t *size,
                           goss_error *err) {
    zip_stat_t st;
    zip_stat_init(&st);
    if (zip_stat_index(archive, index, 0, &st) != 0) return damaged(path, name, zip_strerror(archive), err);
    /* A directory may lie about a size; deflate packs a thousandfold at best. */
    if (st.size > (uint64_t)1032 * st.comp_size + 64) return damaged(path, name, "its size can not be", err);
    zip_file_t *f = zip_fopen_index(archive, index, 0);
    if (!f && zip_error_code_zip(zip_get_error(archive)) == ZIP_ER_COMPNOTSUPP)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "%s: %s: packed in a way that this libzip does not read (method %d); pack it anew as an "
                              "ordinary .zip, or unpack it",
                              path, name, (int)st.comp_method);
    if (!f) return damaged(path, name, zip_strerror(archive), err);
    *size = (size_t)st.size;
    *data = goss__alloc(*size + 1);
    goss_status s = *data ? fill(f, path, name, *data, *size, err)
                          : goss_error_set(err, GOSS_E_NOMEM, "%s: %s: no memory to unpack it", path, name);
    zip_fclose(f);
    if (s != GOSS_OK) {
        goss__free(*data);
        return s;
    }
    (*data)[*size] = 0;
    return GOSS_OK;
}
#else
goss_status goss__zip_open(const goss__bytes *b, void **archive, goss_error *err) {
    *archive = NULL;
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "%s: a .zip, but this build has no libzip (" GOSS_ZIP_GET ", or unpack it)", b->name);
}
void goss__zip_close(void *archive) {}
goss_status goss__zip_list(void *archive, const char *path, goss__zip_entry entry, void *context, goss_error *err) {
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: no libzip", path);
}
goss_status goss__zip_read(void *archive, const char *path, uint64_t index, const char *name, char **data, size_t *size,
                           goss_error *err) {
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: no libzip", path);
}
#endif
