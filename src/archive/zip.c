/* SPDX-License-Identifier: Apache-2.0 */
/* zip.c: one reader of .zip files for images, tables and arrays. Nothing is unpacked by the names of entries, so that
 * no name does harm. */
#include "archive/zip.h"

#include "goss_config.h"

#if GOSS_HAVE_ZIP
#include <string.h>
#include <zip.h>

#include "base/alloc.h"

struct goss__zip {
    zip_t *zip;
    char name[]; /* for errors */
};

/* ---- opening ---- */

static goss_status no_archive(const char *name, int code, goss_error *err) {
    zip_error_t e;
    if (code == ZIP_ER_MEMORY) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to open it", name);
    if (code == ZIP_ER_NOZIP || code == ZIP_ER_INCONS)
        return goss_error_set(err, GOSS_E_FORMAT,
                              "%s: damaged .zip: its directory, at the end, is missing or wrong; was it copied or "
                              "downloaded to its end?",
                              name);
    zip_error_init_with_code(&e, code);
    const goss_status s = goss_error_set(err, GOSS_E_FORMAT, "%s: damaged .zip: %s", name, zip_error_strerror(&e));
    zip_error_fini(&e);
    return s;
}

static goss_status reserve(const char *name, goss__zip **out, goss_error *err) {
    const size_t size = strlen(name) + 1;
    *out = goss__calloc(1, sizeof **out + size);
    if (!*out) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to open it", name);
    memcpy((*out)->name, name, size);
    return GOSS_OK;
}

static goss_status finish(goss__zip **z, int code, goss_error *err) {
    if ((*z)->zip) return GOSS_OK;
    const goss_status s = no_archive((*z)->name, code, err);
    goss__free(*z);
    *z = NULL;
    return s;
}

goss_status goss__zip_open(const char *path, goss__zip **out, goss_error *err) {
    int code = 0;
    GOSS_TRY(reserve(path, out, err));
    (*out)->zip = zip_open(path, ZIP_RDONLY, &code);
    return finish(out, code, err);
}

goss_status goss__zip_open_bytes(const char *name, const void *data, size_t size, goss__zip **out, goss_error *err) {
    zip_error_t e;
    GOSS_TRY(reserve(name, out, err));
    zip_error_init(&e);
    zip_source_t *source = zip_source_buffer_create(data, size, 0, &e);
    if (source) (*out)->zip = zip_open_from_source(source, ZIP_RDONLY, &e);
    if (source && !(*out)->zip) zip_source_free(source);
    const int code = zip_error_code_zip(&e);
    zip_error_fini(&e);
    return finish(out, code, err);
}

void goss__zip_close(goss__zip *z) {
    if (!z) return;
    zip_discard(z->zip);
    goss__free(z);
}

/* ---- the directory ---- */

/* What is sound and cannot be unpacked here, by the numbers of the format's specification (APPNOTE 4.4.5). */
static const char *locked(const zip_stat_t *st) {
    static const struct {
        int method;
        const char *why;
    } rows[] = {
        {9, "packed as Deflate64, which is not read: pack it anew as an ordinary .zip (Deflate), or unpack it"},
        {12, "packed with bzip2, which this libzip does not read: pack it anew as an ordinary .zip, or unpack it"},
        {14, "packed with LZMA, which this libzip does not read: pack it anew as an ordinary .zip, or unpack it"},
        {93, "packed with zstd, which this libzip does not read: pack it anew as an ordinary .zip, or unpack it"},
        {95, "packed with xz, which this libzip does not read: pack it anew as an ordinary .zip, or unpack it"}};
    if ((st->valid & ZIP_STAT_ENCRYPTION_METHOD) && st->encryption_method != ZIP_EM_NONE)
        return "encrypted: unpack it with its password";
    if (!(st->valid & ZIP_STAT_COMP_METHOD) || zip_compression_method_supported(st->comp_method, 0)) return NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].method == st->comp_method) return rows[i].why;
    return "packed by a method that is not read: pack it anew as an ordinary .zip (Deflate), or unpack it";
}

/* Some programs of Windows write their own separator; the entry says on which system it was made. */
static bool has_backslashes(zip_t *z, zip_uint64_t index) {
    zip_uint8_t system = ZIP_OPSYS_UNIX;
    zip_uint32_t attributes;
    if (zip_file_get_external_attributes(z, index, 0, &system, &attributes) != 0) return false;
    return system == ZIP_OPSYS_DOS || system == ZIP_OPSYS_WINDOWS_NTFS || system == ZIP_OPSYS_VFAT;
}

/* goss__zip_entry.path. The result is no longer than the name. */
static void tidy(const char *name, bool backslashes, char *out) {
    size_t n = 0;
    for (const char *level = name; *level;) {
        size_t size = strcspn(level, backslashes ? "/\\" : "/");
        bool is_folder = level[size] != 0;
        if (size == 2 && memcmp(level, "..", 2) == 0) {
            if (n > 0) n--;
            while (n > 0 && out[n - 1] != '/') n--;
        } else if (size > 0 && !(size == 1 && *level == '.')) {
            memcpy(out + n, level, size);
            n += size;
            if (is_folder) out[n++] = '/';
        }
        level += size + is_folder;
    }
    out[n] = 0;
}

static goss_status stat_entry(goss__zip *z, uint64_t index, zip_stat_t *st, goss_error *err) {
    const zip_uint64_t wanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_CRC | ZIP_STAT_INDEX;
    zip_stat_init(st);
    if (zip_stat_index(z->zip, index, 0, st) != 0)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: damaged .zip: entry %llu: %s", z->name,
                              (unsigned long long)index, zip_strerror(z->zip));
    if ((st->valid & wanted) == wanted) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "%s: damaged .zip: entry %llu lacks a name or size", z->name,
                          (unsigned long long)index);
}

static goss_status give(goss__zip *z, uint64_t index, goss__zip_each_fn each, void *context, goss_error *err) {
    zip_stat_t st;
    GOSS_TRY(stat_entry(z, index, &st, err));
    char *path = goss__alloc(strlen(st.name) + 1);
    if (!path) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", z->name);
    tidy(st.name, has_backslashes(z->zip, index), path);
    const goss__zip_entry entry = {
        .path = path, .index = index, .size = st.size, .checksum = st.crc, .locked = locked(&st)};
    const goss_status s = *path ? each(context, &entry, err) : GOSS_OK;
    goss__free(path);
    return s;
}

goss_status goss__zip_each(goss__zip *z, goss__zip_each_fn each, void *context, goss_error *err) {
    const zip_int64_t n = zip_get_num_entries(z->zip, 0);
    goss_status s = GOSS_OK;
    for (zip_int64_t i = 0; i < n && s == GOSS_OK; i++) s = give(z, (uint64_t)i, each, context, err);
    return s;
}

/* ---- entries ---- */

static goss_status damaged(const char *why, goss_error *err) {
    return goss_error_set(err, GOSS_E_FORMAT, "damaged in the .zip: %s", why);
}

/* The read past the last byte is what makes libzip compare the checksum. */
static goss_status read_all(zip_file_t *f, uint8_t *out, size_t size, goss_error *err) {
    size_t at = 0;
    for (;;) {
        uint8_t end;
        zip_int64_t n = zip_fread(f, at < size ? out + at : &end, at < size ? size - at : 1);
        if (n < 0) return damaged(zip_file_strerror(f), err);
        if (n == 0) break;
        if (at >= size) return damaged("longer than its directory says", err);
        at += (size_t)n;
    }
    return at < size ? damaged("shorter than its directory says", err) : GOSS_OK;
}

goss_status goss__zip_read(goss__zip *z, uint64_t index, void *out, size_t size, goss_error *err) {
    zip_stat_t st;
    zip_file_t *f = zip_fopen_index(z->zip, index, 0);
    if (!f) {
        zip_stat_init(&st);
        const char *why = zip_stat_index(z->zip, index, 0, &st) == 0 ? locked(&st) : NULL;
        return why ? goss_error_set(err, GOSS_E_UNSUPPORTED, "%s", why) : damaged(zip_strerror(z->zip), err);
    }
    const goss_status s = read_all(f, out, size, err);
    zip_fclose(f);
    return s;
}

goss_status goss__zip_unpack(goss__zip *z, uint64_t index, char **out, size_t *size, goss_error *err) {
    zip_stat_t st;
    *out = NULL;
    zip_stat_init(&st);
    if (zip_stat_index(z->zip, index, 0, &st) != 0) return damaged(zip_strerror(z->zip), err);
    /* A directory may lie about a size; deflate packs a thousandfold at best. */
    if (st.size > (uint64_t)1032 * st.comp_size + 64) return damaged("its size can not be", err);
    *size = (size_t)st.size;
    *out = goss__alloc(*size + 1);
    if (!*out) return goss_error_set(err, GOSS_E_NOMEM, "no memory to unpack it");
    const goss_status s = goss__zip_read(z, index, *out, *size, err);
    if (s == GOSS_OK) return (*out)[*size] = 0, GOSS_OK;
    goss__free(*out);
    *out = NULL;
    return s;
}

int64_t goss__zip_head(goss__zip *z, uint64_t index, void *out, size_t n) {
    zip_file_t *f = zip_fopen_index(z->zip, index, 0);
    if (!f) return -1;
    const zip_int64_t got = zip_fread(f, out, n);
    zip_fclose(f);
    return got;
}
#else
goss_status goss__zip_open(const char *path, goss__zip **out, goss_error *err) {
    *out = NULL;
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "%s: a .zip, but this build has no libzip (" GOSS_ZIP_GET ", or unpack it)", path);
}

goss_status goss__zip_open_bytes(const char *name, const void *data, size_t size, goss__zip **out, goss_error *err) {
    (void)data, (void)size;
    return goss__zip_open(name, out, err);
}

/* Nothing is ever open. */
void goss__zip_close(goss__zip *z) { (void)z; }
static goss_status nothing_open(goss_error *err) { return goss_error_set(err, GOSS_E_UNSUPPORTED, "no libzip"); }
goss_status goss__zip_each(goss__zip *z, goss__zip_each_fn each, void *context, goss_error *err) {
    return nothing_open(err);
}
goss_status goss__zip_read(goss__zip *z, uint64_t index, void *out, size_t size, goss_error *err) {
    return nothing_open(err);
}
goss_status goss__zip_unpack(goss__zip *z, uint64_t index, char **out, size_t *size, goss_error *err) {
    return nothing_open(err);
}
int64_t goss__zip_head(goss__zip *z, uint64_t index, void *out, size_t n) { return -1; }
#endif
