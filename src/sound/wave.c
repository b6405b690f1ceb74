/* SPDX-License-Identifier: Apache-2.0 */
/* wave.c: sound files through libsndfile, other rates through libsamplerate. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/rng.h"
#include "goss_config.h"
#include "gossamer/sound.h"

#if GOSS_HAVE_SNDFILE
#include <sndfile.h>
#endif
#if GOSS_HAVE_SAMPLERATE
#include <samplerate.h>
#endif

void goss_wave_free(goss_wave *w) {
    goss__free(w->samples);
    *w = (goss_wave){0};
}

#if GOSS_HAVE_SNDFILE || GOSS_HAVE_SAMPLERATE
static goss_status no_memory(size_t samples, goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for a recording of %zu samples", samples);
}
#endif

/* ---- other rates ---- */

#if GOSS_HAVE_SAMPLERATE
goss_status goss_wave_resample(goss_wave *w, int rate, goss_error *err) {
    if (w->rate == rate || w->n == 0) {
        w->rate = rate;
        return GOSS_OK;
    }
    const double ratio = (double)rate / w->rate;
    const size_t room = (size_t)((double)w->n * ratio) + 64;
    if (!src_is_valid_ratio(ratio) || room > LONG_MAX / 2 || w->n > LONG_MAX / 2)
        return goss_error_set(err, GOSS_E_FORMAT, "%d samples a second cannot be made %d", w->rate, rate);
    float *out = goss__alloc(room * sizeof *out);
    if (!out) return no_memory(room, err);
    SRC_DATA d = {.data_in = w->samples,
                  .data_out = out,
                  .input_frames = (long)w->n,
                  .output_frames = (long)room,
                  .src_ratio = ratio};
    const int failed = src_simple(&d, SRC_SINC_MEDIUM_QUALITY, 1);
    if (failed) {
        goss__free(out);
        return goss_error_set(err, GOSS_E_FORMAT, "from %d to %d samples a second: %s", w->rate, rate,
                              src_strerror(failed));
    }
    goss__free(w->samples);
    w->samples = out, w->n = (size_t)d.output_frames_gen, w->rate = rate;
    return GOSS_OK;
}
#else
goss_status goss_wave_resample(goss_wave *w, int rate, goss_error *err) {
    if (w->rate == rate) return GOSS_OK;
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "%d samples a second, and %d are wanted: this build cannot resample (%s)", w->rate, rate,
                          GOSS_SAMPLERATE_GET);
}
#endif

/* ---- files ---- */

#if GOSS_HAVE_SNDFILE
/* Of the samples in 16 bits, so that lossless formats of one recording are the same. */
static uint64_t hash_of(const float *samples, size_t n, int rate) {
    enum { BLOCK = 4096 };
    int16_t block[BLOCK];
    uint64_t h = goss__hash64(&rate, sizeof rate, n);
    bool silent = true;
    for (size_t at = 0; at < n; at += BLOCK) {
        const size_t count = n - at < BLOCK ? n - at : BLOCK;
        for (size_t i = 0; i < count; i++) {
            const float v = samples[at + i] > 1 ? 1 : samples[at + i] < -1 ? -1 : samples[at + i];
            block[i] = (int16_t)lrintf(v * 32767);
            silent &= block[i] == 0;
        }
        h = goss__hash64(block, count * sizeof *block, h);
    }
    return silent ? 0 : h ? h : 1;
}

enum { CHUNK = 1 << 14, MOST_CHANNELS = 1024, MOST_SECONDS = 600 };
/* Files of floats may hold whole numbers of 32 bits; beyond that a power spectrum overflows sooner or later. */
static const float most_sample = 1e10F;

static goss_status too_long(double most, goss_error *err) {
    return goss_error_set(err, GOSS_E_FORMAT,
                          "longer than %g seconds: cut it into recordings of one word, call or event each", most);
}

static goss_status grow(goss_wave *w, size_t *room, goss_error *err) {
    const size_t more = *room ? 2 * *room : 4 * CHUNK;
    float *grown = goss__realloc(w->samples, more * sizeof *grown);
    if (!grown) return no_memory(more, err);
    w->samples = grown, *room = more;
    return GOSS_OK;
}

/* frames: scratch [CHUNK]. Channels are averaged. */
static goss_status read_all(SNDFILE *f, const SF_INFO *info, double most, float *frames, goss_wave *w,
                            goss_error *err) {
    const sf_count_t at_once = CHUNK / info->channels;
    size_t room = 0;
    for (sf_count_t n; (n = sf_readf_float(f, frames, at_once)) > 0;) {
        if ((double)w->n + (double)n > most * info->samplerate) return too_long(most, err);
        if (w->n + (size_t)n > room) GOSS_TRY(grow(w, &room, err));
        for (sf_count_t i = 0; i < n; i++) {
            float sum = 0;
            for (int c = 0; c < info->channels; c++) sum += frames[i * info->channels + c];
            sum /= (float)info->channels;
            if (!isfinite(sum)) return goss_error_set(err, GOSS_E_FORMAT, "sample %zu is not finite", w->n);
            if (fabsf(sum) > most_sample)
                return goss_error_set(err, GOSS_E_FORMAT, "sample %zu is %g, where full scale is 1: damaged?", w->n,
                                      (double)sum);
            w->samples[w->n++] = sum;
        }
    }
    if (sf_error(f)) return goss_error_set(err, GOSS_E_FORMAT, "%s", sf_strerror(f));
    /* A flac file that ends early says so by its own length. */
    if (info->frames > 0 && info->frames < INT64_MAX && (sf_count_t)w->n < info->frames)
        return goss_error_set(err, GOSS_E_FORMAT, "truncated: it has %zu of %lld samples", w->n,
                              (long long)info->frames);
    return w->n ? GOSS_OK : goss_error_set(err, GOSS_E_FORMAT, "it has no samples");
}

/* For libsndfile a wav file's samples end with the file; its header says how many bytes of them were written. Who
 * writes to a pipe cannot know, and leaves 0 or a size near the largest one. */
static goss_status check_wav(FILE *f, goss_error *err) {
    enum { UNKNOWN = 0x7ff00000 };
    struct stat st;
    uint8_t head[8];
    if (fstat(fileno(f), &st) != 0 || fseek(f, 12, SEEK_SET) != 0) return GOSS_OK;
    for (int64_t at = 12; fread(head, 1, 8, f) == 8;) {
        const uint32_t size =
            (uint32_t)head[4] | (uint32_t)head[5] << 8 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 24;
        at += 8;
        if (memcmp(head, "data", 4) == 0) {
            if (size >= UNKNOWN || at + (int64_t)size <= (int64_t)st.st_size) return GOSS_OK;
            return goss_error_set(err, GOSS_E_FORMAT, "truncated: it has %lld of %u bytes of samples",
                                  (long long)st.st_size - (long long)at, size);
        }
        at += (int64_t)size + size % 2;
        if (fseeko(f, (off_t)at, SEEK_SET) != 0) break;
    }
    return GOSS_OK;
}

static goss_status check_whole(const char *path, const SF_INFO *info, goss_error *err) {
    const int type = info->format & SF_FORMAT_TYPEMASK;
    char magic[4];
    FILE *f = type == SF_FORMAT_WAV || type == SF_FORMAT_WAVEX ? fopen(path, "rb") : NULL;
    if (!f) return GOSS_OK;
    goss_status s = GOSS_OK;
    if (fread(magic, 1, 4, f) == 4 && memcmp(magic, "RIFF", 4) == 0) s = check_wav(f, err);
    fclose(f);
    return s;
}

static goss_status read_open(SNDFILE *f, const SF_INFO *info, double most, goss_wave *w, goss_error *err) {
    if (info->channels < 1 || info->channels > MOST_CHANNELS || info->samplerate < 1)
        return goss_error_set(err, GOSS_E_FORMAT, "%d channels of %d samples a second", info->channels,
                              info->samplerate);
    float *frames = goss__alloc(CHUNK * sizeof *frames);
    if (!frames) return no_memory(CHUNK, err);
    w->rate = info->samplerate;
    const goss_status s = read_all(f, info, most, frames, w, err);
    goss__free(frames);
    return s;
}

static goss_status read_file(const char *path, double most, goss_wave *w, goss_error *err) {
    SF_INFO info = {0};
    if (goss__is_dir(path)) return goss_error_set(err, GOSS_E_IO, "is a folder");
    if (!goss__path_exists(path)) return goss_error_set(err, GOSS_E_IO, "%s", strerror(ENOENT));
    SNDFILE *f = sf_open(path, SFM_READ, &info);
    if (!f) return goss_error_set(err, GOSS_E_FORMAT, "no sound file that can be read: %s", sf_strerror(NULL));
    const goss_status s = read_open(f, &info, most, w, err);
    sf_close(f);
    return s == GOSS_OK ? check_whole(path, &info, err) : s;
}

goss_status goss_wave_read(const char *path, int rate, double most, goss_wave *out, goss_error *err) {
    *out = (goss_wave){0};
    goss_status s = read_file(path, most > 0 ? most : MOST_SECONDS, out, err);
    if (s == GOSS_OK) out->hash = hash_of(out->samples, out->n, out->rate);
    if (s == GOSS_OK && rate > 0) s = goss_wave_resample(out, rate, err);
    if (s == GOSS_OK) return s;
    goss_wave_free(out);
    return goss_error_prefix(err, s, "%s", path);
}
#else
goss_status goss_wave_read(const char *path, int rate, double most, goss_wave *out, goss_error *err) {
    (void)rate, (void)most;
    *out = (goss_wave){0};
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: this build cannot read sound files (%s)", path,
                          GOSS_SNDFILE_GET);
}
#endif
