/* SPDX-License-Identifier: Apache-2.0 */
/* source_zip.c: images inside a .zip through libzip, without unpacking it to disk. An archive handle belongs to one
 * thread, so every reader opens its own. */
#include "data/source.h"

#include "goss_config.h"

#if GOSS_HAVE_ZIP
#include <string.h>
#include <zip.h>

#include "base/alloc.h"

static goss_status open_archive(const char *path, zip_t **out, goss_error *err) {
    int code = 0;
    *out = zip_open(path, ZIP_RDONLY, &code);
    if (*out) return GOSS_OK;
    if (code == ZIP_ER_NOZIP || code == ZIP_ER_INCONS)
        return goss_error_set(err, GOSS_E_FORMAT,
                              "%s: damaged .zip: its directory, at the end, is missing or wrong; was it copied or "
                              "downloaded to its end?",
                              path);
    zip_error_t e;
    zip_error_init_with_code(&e, code);
    goss_status status = goss_error_set(err, GOSS_E_FORMAT, "%s: damaged .zip: %s", path, zip_error_strerror(&e));
    zip_error_fini(&e);
    return status;
}

/* Reads all of an entry. The read past the last byte is what makes libzip compare the checksum. */
static goss_status read_all(zip_file_t *f, uint8_t *out, size_t size, goss_error *err) {
    size_t at = 0;
    for (;;) {
        uint8_t end;
        zip_int64_t n = zip_fread(f, at < size ? out + at : &end, at < size ? size - at : 1);
        if (n < 0) return goss_error_set(err, GOSS_E_FORMAT, "damaged in the .zip: %s", zip_file_strerror(f));
        if (n == 0) break;
        if (at >= size)
            return goss_error_set(err, GOSS_E_FORMAT, "damaged in the .zip: longer than its directory says");
        at += (size_t)n;
    }
    if (at < size) return goss_error_set(err, GOSS_E_FORMAT, "damaged in the .zip: shorter than its directory says");
    return GOSS_OK;
}

static goss_status fetch_entry(zip_t *z, goss__reader *r, const goss__item *item, uint8_t *out, goss_error *err) {
    if (item->size > GOSS__ENCODED_MAX)
        return goss_error_set(err, GOSS_E_FORMAT, "longer than %zu bytes", GOSS__ENCODED_MAX);
    GOSS_TRY(goss__scratch_need(&r->encoded, (size_t)item->size + 1, err));
    zip_file_t *f = zip_fopen_index(z, item->index, 0);
    if (!f) return goss_error_set(err, GOSS_E_FORMAT, "damaged in the .zip: %s", zip_strerror(z));
    goss_status status = read_all(f, r->encoded.data, (size_t)item->size, err);
    zip_fclose(f);
    if (status != GOSS_OK) return status;
    return goss__picture_decode(r->encoded.data, (size_t)item->size, &r->fit, out, err);
}

static goss_status fetch(const goss__source *s, goss__reader *r, const goss__item *item, uint8_t *out,
                         goss_error *err) {
    zip_t *z = r->handle;
    if (!z) {
        GOSS_TRY(open_archive(s->path, &z, err));
        r->handle = z;
    }
    goss_status status = fetch_entry(z, r, item, out, err);
    return status == GOSS_OK ? status : goss_error_prefix(err, status, "%s: %s", s->path, item->path);
}

static void release(goss__reader *r) {
    if (r->handle) zip_discard(r->handle);
    r->handle = NULL;
}

typedef struct entry {
    zip_t *zip;
    zip_uint64_t index;
} entry;

static int64_t head(void *context, uint8_t *out) {
    const entry *e = context;
    zip_file_t *f = zip_fopen_index(e->zip, e->index, 0);
    if (!f) return -1;
    zip_int64_t n = zip_fread(f, out, GOSS__HEAD);
    zip_fclose(f);
    return n;
}

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

/* The name as a path below the top: "." and empty levels go, ".." goes with the level before it. Nothing is unpacked,
 * so no name does harm. The result is no longer than the name. */
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

static goss_status add_file(goss__source *s, zip_t *z, const zip_stat_t *st, const char *path, goss_error *err) {
    goss__item item = {.size = st->size, .stamp = st->crc, .index = st->index};
    const char *why = locked(st);
    const goss__kind *k = goss__kind_of_name(path);
    if (why && k && goss__kind_is_read(k))
        item.flaw = GOSS__LOCKED, item.why = why;
    else
        GOSS_TRY(goss__source_classify(s, path, head, &(entry){z, st->index}, &item, err));
    return goss__source_add(s, path, item, err);
}

static goss_status add_entry(goss__source *s, zip_t *z, zip_uint64_t index, goss_error *err) {
    zip_stat_t st;
    zip_stat_init(&st);
    if (zip_stat_index(z, index, 0, &st) != 0)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: damaged .zip: entry %llu: %s", s->path,
                              (unsigned long long)index, zip_strerror(z));
    const zip_uint64_t wanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_CRC | ZIP_STAT_INDEX;
    if ((st.valid & wanted) != wanted)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: damaged .zip: entry %llu lacks a name or size", s->path,
                              (unsigned long long)index);
    char *path = goss__alloc(strlen(st.name) + 1);
    if (!path) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", s->path);
    tidy(st.name, has_backslashes(z, index), path);
    size_t n = strlen(path);
    goss_status status = GOSS_OK;
    /* A folder of its own is noted: if nothing else lies in it, it is an empty class. */
    if (n > 0 && path[n - 1] == '/' && !goss__name_hidden(path))
        status = goss__source_add(s, path, (goss__item){.flaw = GOSS__FOLDER, .index = index}, err);
    else if (n > 0 && !goss__name_hidden(path))
        status = add_file(s, z, &st, path, err);
    goss__free(path);
    return status;
}

goss_status goss__source_zip(goss__source *s, goss_error *err) {
    s->fetch = fetch, s->release = release;
    zip_t *z;
    GOSS_TRY(open_archive(s->path, &z, err));
    goss_status status = GOSS_OK;
    zip_int64_t n = zip_get_num_entries(z, 0);
    for (zip_int64_t i = 0; i < n && status == GOSS_OK; i++) status = add_entry(s, z, (zip_uint64_t)i, err);
    zip_discard(z);
    return status;
}
#else
goss_status goss__source_zip(goss__source *s, goss_error *err) {
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "%s: a .zip, but this build has no libzip (" GOSS_ZIP_GET ", or unpack it)", s->path);
}
#endif
