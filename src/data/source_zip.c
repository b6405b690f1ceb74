/* source_zip.c: images inside a .zip through libzip, without unpacking it to disk. An archive handle belongs to one
 * thread, so every reader opens its own. */
#include "data/source.h"

#include "goss_config.h"

#if GOSS_HAVE_ZIP
#include <string.h>
#include <zip.h>

static goss_status open_archive(const char *path, zip_t **out, goss_error *err) {
    int code = 0;
    *out = zip_open(path, ZIP_RDONLY, &code);
    if (*out) return GOSS_OK;
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

static goss_status fetch_entry(zip_t *z, goss__reader *r, const goss__item *item, goss_error *err) {
    if (item->size > GOSS__ENCODED_MAX)
        return goss_error_set(err, GOSS_E_FORMAT, "longer than %zu bytes", GOSS__ENCODED_MAX);
    GOSS_TRY(goss__scratch_need(&r->encoded, (size_t)item->size + 1, err));
    zip_file_t *f = zip_fopen_index(z, item->index, 0);
    if (!f) return goss_error_set(err, GOSS_E_FORMAT, "damaged in the .zip: %s", zip_strerror(z));
    goss_status status = read_all(f, r->encoded.data, (size_t)item->size, err);
    zip_fclose(f);
    if (status != GOSS_OK) return status;
    return goss__picture_decode(r->encoded.data, (size_t)item->size, &r->picture, err);
}

static goss_status fetch(const goss__source *s, goss__reader *r, const goss__item *item, goss_error *err) {
    zip_t *z = r->handle;
    if (!z) {
        GOSS_TRY(open_archive(s->path, &z, err));
        r->handle = z;
    }
    goss_status status = fetch_entry(z, r, item, err);
    return status == GOSS_OK ? status : goss_error_prefix(err, status, "%s: %s", s->path, item->path);
}

static void release(goss__reader *r) {
    if (r->handle) zip_discard(r->handle);
    r->handle = NULL;
}

static bool is_image(zip_t *z, zip_uint64_t index, const char *name) {
    if (goss__name_is_image(name)) return true;
    uint8_t head[8];
    zip_file_t *f = zip_fopen_index(z, index, 0);
    if (!f) return false;
    zip_int64_t n = zip_fread(f, head, sizeof head);
    zip_fclose(f);
    return n > 0 && goss__bytes_are_image(head, (size_t)n);
}

static goss_status add_entry(goss__source *s, zip_t *z, zip_uint64_t index, goss_error *err) {
    zip_stat_t st;
    zip_stat_init(&st);
    if (zip_stat_index(z, index, 0, &st) != 0)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: damaged .zip: entry %llu: %s", s->path,
                              (unsigned long long)index, zip_strerror(z));
    const zip_uint64_t wanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_CRC;
    if ((st.valid & wanted) != wanted)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: damaged .zip: entry %llu lacks a name or size", s->path,
                              (unsigned long long)index);
    const char *name = strncmp(st.name, "./", 2) == 0 ? st.name + 2 : st.name;
    size_t n = strlen(name);
    if (n == 0 || name[n - 1] == '/' || goss__name_hidden(name) || !is_image(z, index, name)) return GOSS_OK;
    return goss__source_add(s, name, (goss__item){.size = st.size, .stamp = st.crc, .index = index}, err);
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
                          "%s: a .zip, but this build has no libzip (install libzip-dev and rebuild, or unpack it)",
                          s->path);
}
#endif
