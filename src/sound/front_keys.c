/* SPDX-License-Identifier: Apache-2.0 */
/* front_keys.c: the keys of front ends and of augmentation, and a front end as a text: the keys' own, as a
 * configuration. */
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/str.h"
#include "gossamer/sound.h"
#include "io/key_row.h"

#define GOSS__SETTINGS goss_sound_front
static const goss_key keys[] = {
    GOSS__KEY_TEXT("data.pattern", pattern, "",
                   "sounds: what names of files say, as {class}_{speaker}_{take}.wav; empty: the folder is the class"),
    GOSS__KEY_INT("sound.rate", rate, "8000", 1000, 384000, "samples a second", "Recordings are resampled to this"),
    GOSS__KEY_WORD("sound.features", features, "mel", "mel|mfcc",
                   "A frame is a mel spectrum in decibels, or its first cosine coefficients"),
    GOSS__KEY_INT("sound.mels", mels, "40", 4, 512, "bands", "Of the mel spectrum"),
    GOSS__KEY_INT("sound.coefficients", coefficients, "20", 1, 512, NULL, "mfcc: coefficients of a frame"),
    GOSS__KEY_REAL("sound.window", window, "25", 1, 1000, "milliseconds", "That a frame sees"),
    GOSS__KEY_REAL("sound.hop", hop, "10", 0.5, 1000, "milliseconds", "From frame to frame"),
    GOSS__KEY_REAL("sound.low", low, "50", 0, 192000, "hertz", "Where the lowest band starts"),
    GOSS__KEY_REAL("sound.high", high, "0", 0, 192000, "hertz", "Where the highest ends; 0: half the rate"),
    GOSS__KEY_REAL("sound.range", range, "80", 1, 300, "decibels", "What is quieter than the loudest by more is equal"),
    GOSS__KEY_REAL("sound.trim", trim, "40", 0, 300, "decibels",
                   "Frames at both ends that are quieter than the loudest by more are cut; 0: none"),
    GOSS__KEY_INT("sound.frames", frames, "64", 1, 100000, "frames", "Of a sample"),
    GOSS__KEY_WORD(
        "sound.fit", fit, "stretch", "stretch|pad|ragged",
        "How a recording gets so many: interpolated; cut from its middle, silence around a shorter one; or as "
        "many as it has, up to that, with a length (sequence)"),
    GOSS__KEY_WORD(
        "sound.normalise", normal, "mean", "none|level|mean|standard",
        "Decibels / 20 above -100; above the loudest minus the range; minus each coefficient's mean; that by "
        "its deviation"),
    GOSS__KEY_WORD("sound.shape", shape, "map", "map|sequence",
                   "A sample is an image of frames x bands, or a sequence of frames"),
};
#undef GOSS__SETTINGS
#define GOSS__SETTINGS goss_sound_augment
static const goss_key augment_keys[] = {
    GOSS__KEY_REAL("augment.shift", shift, "0", 0, 10000, "milliseconds",
                   "sounds: each end of what is cut out moves by up to this"),
    GOSS__KEY_REAL("augment.gain", gain, "0", 0, 60, "decibels",
                   "sounds: louder or quieter by up to this; heard with sound.normalise = none alone"),
    GOSS__KEY_REAL("augment.noise", noise, "0", 0, 100, "decibels",
                   "sounds: white noise, the signal being this to 30 more above it; 0: none"),
    GOSS__KEY_REAL("augment.speed", speed, "0", 0, 0.5, NULL,
                   "sounds: faster and higher, or slower, by up to this share"),
    GOSS__KEY_REAL("augment.warp", warp, "0", 0, 0.5, NULL,
                   "sounds: another vocal tract: frequencies higher or lower by up to this share, at the same speed"),
    GOSS__KEY_REAL(
        "augment.voice", voice, "0", 0, 0.5, NULL,
        "sounds: another speaker for each episode: speed and vocal tract of all its recordings differ alike, "
        "by up to this share each"),
    GOSS__KEY_REAL("augment.masks", masks, "0", 0, 0.9, NULL,
                   "sounds: shares of the frames, and of the bands, that a mask each hides, at most (SpecAugment)"),
};
enum { KEYS = sizeof keys / sizeof *keys, AUGMENT_KEYS = sizeof augment_keys / sizeof *augment_keys };

const goss_key *goss_sound_keys(int *n) {
    *n = KEYS;
    return keys;
}

const goss_key *goss_sound_augment_keys(int *n) {
    *n = AUGMENT_KEYS;
    return augment_keys;
}

goss_sound_front goss_sound_front_defaults(void) {
    goss_sound_front f = {.pattern = ""};
    for (int i = 0; i < KEYS; i++) {
        goss_error err;
        const goss_status s = goss_key_parse(&keys[i], keys[i].fallback, &f, &err);
        (void)s; /* a default parses: test_sound.c */
    }
    return f;
}

static goss_status check_bands(const goss_sound_front *f, goss_error *err) {
    const double half = f->rate / 2.0, high = f->high > 0 ? f->high : half;
    if (high > half)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "sound.high = %g Hz: at sound.rate = %d there are frequencies up to %g", f->high, f->rate,
                              half);
    if (f->low >= high)
        return goss_error_set(err, GOSS_E_ARGUMENT, "sound.low = %g Hz is not below %g, where the highest band ends",
                              f->low, high);
    return GOSS_OK;
}

goss_status goss_sound_front_check(const goss_sound_front *f, goss_error *err) {
    GOSS_TRY(check_bands(f, err));
    if (f->features == GOSS_SOUND_MFCC && f->coefficients > f->mels)
        return goss_error_set(err, GOSS_E_ARGUMENT, "sound.coefficients = %d, of sound.mels = %d: at most as many",
                              f->coefficients, f->mels);
    if (f->window * f->rate < 4000 || f->hop * f->rate < 1000)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "sound.window = %g ms and sound.hop = %g ms at %d samples a second: at least 4 samples "
                              "and 1",
                              f->window, f->hop, f->rate);
    if (f->fit == GOSS_SOUND_RAGGED && f->shape != GOSS_SOUND_SEQUENCE)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "sound.fit = ragged is for sound.shape = sequence: an image has no length");
    if (strpbrk(f->pattern, "\n\r") || (*f->pattern && !strstr(f->pattern, "{class}")))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.pattern = %.100s: it has {class} somewhere, as {class}_{speaker}_{take}.wav",
                              f->pattern);
    return GOSS_OK;
}

/* ---- as a text: a line KEY=VALUE for each key ---- */

/* Word i of "a|b|c". */
static void add_word(goss__str *s, const char *choices, unsigned i) {
    for (; i > 0; i--) choices += strcspn(choices, "|") + 1;
    goss__str_addn(s, choices, strcspn(choices, "|"));
}

static void add_value(goss__str *s, const goss_key *k, const goss_sound_front *f) {
    const void *at = (const char *)f + k->field.at;
    char text[GOSS__NUMBER_TEXT];
    if (k->field.type == GOSS_FIELD_TEXT) {
        goss__str_add(s, *(const char *const *)at);
    } else if (k->field.type == GOSS_FIELD_ENUM) {
        add_word(s, k->choices, *(const unsigned *)at);
    } else if (k->field.type == GOSS_FIELD_INT) {
        goss__str_addf(s, "%d", *(const int *)at);
    } else {
        goss__number_print(*(const double *)at, text);
        goss__str_add(s, text);
    }
}

goss_status goss_sound_front_text(const goss_sound_front *f, char **text, goss_error *err) {
    goss__str s = {0};
    for (int i = 0; i < KEYS; i++) {
        goss__str_add(&s, keys[i].name), goss__str_add(&s, "=");
        add_value(&s, &keys[i], f);
        goss__str_add(&s, "\n");
    }
    *text = s.data;
    if (!s.failed) return GOSS_OK;
    goss__str_free(&s), *text = NULL;
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the text of a front end");
}

void goss_sound_text_free(char *text) { goss__free(text); }

/* A key that is not there has its default, which later versions do not change. */
static goss_status read_lines(char *text, goss_config *c, goss_error *err) {
    char *line, *value;
    while ((line = strsep(&text, "\n"))) {
        if (!*line) continue;
        if (!(value = strchr(line, '='))) return goss_error_set(err, GOSS_E_FORMAT, "line \"%.40s\"", line);
        *value++ = 0;
        GOSS_TRY(goss_config_set(c, line, value, err));
    }
    return GOSS_OK;
}

static goss_status read_front(const char *text, goss_config *c, goss_sound_front *f, goss_error *err) {
    char *copy = goss__strdup(text);
    if (!copy) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the text of a front end");
    goss_status s = read_lines(copy, c, err);
    if (s == GOSS_OK) s = goss_config_bind(c, keys, KEYS, f, err);
    if (s == GOSS_OK) s = goss_sound_front_check(f, err);
    goss__free(copy);
    if (s == GOSS_OK || s == GOSS_E_NOMEM) return s;
    return goss_error_prefix(err, GOSS_E_FORMAT, "a front end for sounds that is damaged, or of another version");
}

goss_status goss_sound_front_parse(const char *text, goss_sound_front **out, goss_error *err) {
    goss_config *c;
    *out = NULL;
    GOSS_TRY(goss_config_new(keys, KEYS, &c, err));
    goss_sound_front *f = goss__calloc(1, sizeof *f);
    goss_status s = f ? read_front(text, c, f, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for a front end");
    if (s == GOSS_OK && !(f->pattern = goss__strdup(f->pattern)))
        s = goss_error_set(err, GOSS_E_NOMEM, "no memory for a front end");
    goss_config_free(c);
    if (s == GOSS_OK)
        *out = f;
    else
        goss__free(f);
    return s;
}

void goss_sound_front_free(goss_sound_front *f) {
    if (!f) return;
    goss__free((void *)(uintptr_t)f->pattern);
    goss__free(f);
}
