/* SPDX-License-Identifier: Apache-2.0 */
/* sound.h: recordings: reading them, their front end (log-mel or MFCC), and sets of them in classes.
 *
 * A front end turns a recording of any length into a sample of fixed size: the waveform, mono, at one rate; silence
 * trimmed from both ends; a mel spectrogram in decibels, or its cosine transform (MFCC); fitted to a number of frames;
 * normalised. It is a struct of settings, with a text that models keep, so that a recording is all that adapting and
 * predicting need. Spectrograms are those of librosa (McFee et al. 2015; Slaney's mel scale and area normalisation), to
 * rounding: tests/golden/sound.txt has their values.
 *
 *     goss_sound_front front = goss_sound_front_defaults();               // 8 kHz, 40 mels
 *     front.pattern = "{class}_{speaker}_{take}.wav";
 *     GOSS_TRY(goss_sounds_open("recordings", &front, NULL, &sounds, err));
 *     GOSS_TRY(goss_class_episodes_open(goss_sounds_set(sounds), NULL, &episodes, &source, NULL, err));
 *
 * Threads: sets are immutable and may be read by any number of threads. */
#ifndef GOSSAMER_SOUND_H
#define GOSSAMER_SOUND_H

#include <signal.h>

#include "gossamer/class_set.h"
#include "gossamer/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- waveforms ---- */

/* A mono recording. */
typedef struct goss_wave {
    float *samples; /* [n], -1 to 1 */
    size_t n;
    int rate;      /* samples per second */
    uint64_t hash; /* 64 bits of the samples as stored, at their own rate, in 16 bits; 0: silence throughout */
} goss_wave;

/* Reads a sound file: wav, flac, ogg, and what else libsndfile reads; channels are averaged; another rate than `rate`
 * (0: as it is) is resampled by band-limited interpolation (libsamplerate). Errors: GOSS_E_IO, GOSS_E_FORMAT:
 * unreadable, no sound file, empty, truncated, longer than `most` seconds (0: 600), samples that are not finite or
 * beyond 1e10; GOSS_E_UNSUPPORTED: a library that this build lacks. Owns: goss_wave_free. */
GOSS_API GOSS_MUST_USE goss_status goss_wave_read(const char *path, int rate, double most, goss_wave *out,
                                                  goss_error *err);
/* Resamples a recording in memory to another rate, by the same interpolation; its samples are replaced, its hash stays.
 * At the rate that it has already nothing is done. Errors: GOSS_E_FORMAT: a ratio of rates that cannot be resampled
 * (beyond 1 : 256); GOSS_E_UNSUPPORTED: a build without libsamplerate; GOSS_E_NOMEM; w is then unchanged. */
GOSS_API GOSS_MUST_USE goss_status goss_wave_resample(goss_wave *w, int rate, goss_error *err);
/* Frees the samples, not the struct. */
GOSS_API void goss_wave_free(goss_wave *w);

/* ---- spectrograms ---- */

/* Short-time spectra of a waveform: frame i is centred on sample i x hop, beyond the ends is silence. */
typedef struct goss_mel_options {
    int rate;             /* of the waveform */
    int fft, window, hop; /* samples: a power of two, the periodic Hann window (at most fft), the step */
    int mels;             /* bands, triangular on Slaney's mel scale, of equal area */
    double low, high;     /* hertz: of the lowest and highest band's edges */
} goss_mel_options;

/* Tables for spectrograms: window, twiddle factors, bands. Threads: immutable; scratch is the caller's. */
typedef struct goss_mel goss_mel;
/* Computes the tables. Errors: GOSS_E_ARGUMENT with what does not fit; GOSS_E_NOMEM. Owns: *out, goss_mel_free. */
GOSS_API GOSS_MUST_USE goss_status goss_mel_new(const goss_mel_options *options, goss_mel **out, goss_error *err);
/* Frees the tables; NULL is allowed. */
GOSS_API void goss_mel_free(goss_mel *m);
/* Frames of n samples: 1 + n / hop. */
GOSS_API int goss_mel_frames(const goss_mel *m, size_t n);
/* Numbers of scratch that goss_mel_power needs. */
GOSS_API size_t goss_mel_scratch(const goss_mel *m);
/* The mel power spectrum of frames first .. first + count - 1 of a waveform [n]; 16 frames take hardly longer than one.
 * Shapes: out [count, mels]; scratch [goss_mel_scratch]. */
GOSS_API void goss_mel_power(const goss_mel *m, const float *samples, size_t n, int first, int count, float *scratch,
                             float *out);
/* Powers [n] to decibels in place: 10 log10(max(1e-10, power)), then at least the largest minus `range` (infinite: no
 * bound). Returns the largest. */
GOSS_API float goss_decibels(float *power, size_t n, float range);
/* The first `coefficients` of the orthonormal cosine transform (DCT-II) of each row. Shapes: mel [frames, mels]; out
 * [frames, coefficients], may not overlap mel. Errors: GOSS_E_NOMEM (a table of cosines). */
GOSS_API GOSS_MUST_USE goss_status goss_cepstrum(const float *mel, int frames, int mels, int coefficients, float *out,
                                                 goss_error *err);

/* ---- front ends ---- */

/* What a frame holds. */
typedef enum goss_sound_features { GOSS_SOUND_MEL, GOSS_SOUND_MFCC } goss_sound_features;
/* How a recording gets its number of frames: its frames are interpolated to it (STRETCH); the middle of a longer one is
 * taken and a shorter one has silence around it (PAD); or it keeps as many as it has, up to that number, and is a
 * sequence with a length (RAGGED). */
typedef enum goss_sound_fit { GOSS_SOUND_STRETCH, GOSS_SOUND_PAD, GOSS_SOUND_RAGGED } goss_sound_fit;
/* Decibels d become, / 20: NONE: d above -100 of full scale. LEVEL: d above the loudest minus the range, whatever the
 * gain. MEAN: each coefficient minus its mean over the recording, whatever the gain and the colour of the channel
 * (cepstral mean normalisation: Atal 1974). STANDARD: and divided by its standard deviation instead of 20. */
typedef enum goss_sound_normal {
    GOSS_SOUND_NONE,
    GOSS_SOUND_LEVEL,
    GOSS_SOUND_MEAN,
    GOSS_SOUND_STANDARD
} goss_sound_normal;
/* The shape of a sample: [frames, coefficients, 1], an image, or [frames, coefficients], a sequence. */
typedef enum goss_sound_shape { GOSS_SOUND_MAP, GOSS_SOUND_SEQUENCE } goss_sound_shape;

/* How a recording becomes a sample; defaults in brackets. goss_sound_keys has ranges and explanations. */
typedef struct goss_sound_front {
    const char *pattern; /* of file names, as {class}_{speaker}_{take}.wav; "": classes are folders ("") */
    int rate;            /* (8000) samples per second */
    unsigned features;   /* goss_sound_features (MEL) */
    int mels;            /* (40) */
    int coefficients;    /* of MFCC (20) */
    double window, hop;  /* milliseconds (25, 10) */
    double low, high;    /* hertz (50, 0: half the rate) */
    double range;        /* decibels below the loudest that count (80) */
    double trim;         /* decibels below the loudest frame that are silence at the ends (40); 0: nothing is cut */
    int frames;          /* of a sample, at most (64) */
    unsigned fit;        /* goss_sound_fit (STRETCH) */
    unsigned normal;     /* goss_sound_normal (MEAN) */
    unsigned shape;      /* goss_sound_shape (MAP) */
} goss_sound_front;

/* Random changes of a recording in training, each drawn uniformly within its bounds; 0: none. */
typedef struct goss_sound_augment {
    double shift; /* milliseconds that each end of the cut moves, either way */
    double gain;  /* decibels, either way; of use with GOSS_SOUND_NONE alone */
    double noise; /* white noise: the lowest ratio of signal to noise, in decibels; drawn up to 30 above that */
    double speed; /* share by which speed and pitch change, either way: 0.1 is 0.9 to 1.1 */
    double warp;  /* share by which the frequencies of the mel spectrum change alone, as in a longer or shorter vocal
                     tract (Jaitly and Hinton 2013): 0.1 is 0.9 to 1.1 */
    double voice; /* the share by which speed and pitch change, and that by which the frequencies do, once for all
                     recordings of a task: another speaker for each, where a task is of one speaker */
    double masks; /* SpecAugment (Park et al. 2019): two masks hide up to this share of the frames and of the
                     coefficients */
} goss_sound_augment;

/* The keys [sound] and data.pattern, *n of them, for goss_config_bind to a goss_sound_front. Static storage. */
GOSS_API const goss_key *goss_sound_keys(int *n);
/* The keys [augment], *n of them, for goss_config_bind to a goss_sound_augment. Static storage. */
GOSS_API const goss_key *goss_sound_augment_keys(int *n);
/* The defaults of a front end. */
GOSS_API goss_sound_front goss_sound_front_defaults(void);
/* Checks what keys together may not be: bands above half the rate, more coefficients than mels, a window of less than 4
 * samples, lengths (RAGGED) of images, a pattern without {class}. Errors: GOSS_E_ARGUMENT names the key. */
GOSS_API GOSS_MUST_USE goss_status goss_sound_front_check(const goss_sound_front *f, goss_error *err);
/* The front end as a text that models keep, a line KEY=VALUE for each key. Errors: GOSS_E_NOMEM. Owns: *text,
 * goss_sound_text_free. */
GOSS_API GOSS_MUST_USE goss_status goss_sound_front_text(const goss_sound_front *f, char **text, goss_error *err);
/* Frees that text; NULL is allowed. */
GOSS_API void goss_sound_text_free(char *text);
/* Reads that text; a key that it lacks has its default. Errors: GOSS_E_FORMAT: damaged, or of a newer version;
 * GOSS_E_NOMEM. Owns: *out, goss_sound_front_free. */
GOSS_API GOSS_MUST_USE goss_status goss_sound_front_parse(const char *text, goss_sound_front **out, goss_error *err);
/* Frees a front end of goss_sound_front_parse, and its pattern; NULL is allowed. */
GOSS_API void goss_sound_front_free(goss_sound_front *f);
/* The shape of a sample: writes extents and returns the rank. */
GOSS_API int goss_sound_shape_of(const goss_sound_front *f, int64_t *extents);

/* ---- files ---- */

/* Whether a path holds sounds: a sound file, a folder with some below it and no images, or a csv file that lists some.
 */
GOSS_API bool goss_sounds_is(const char *path);
/* The paths of the sound files at a path: itself, those in a folder and below it in byte order, or those that a csv
 * file lists. Errors: GOSS_E_IO, GOSS_E_FORMAT: none. Owns: *paths, goss_sound_paths_free. */
GOSS_API GOSS_MUST_USE goss_status goss_sound_paths(const char *path, char ***paths, int *n, goss_error *err);
/* Frees paths [n]; NULL is allowed. */
GOSS_API void goss_sound_paths_free(char **paths, int n);

/* ---- sets of recordings ---- */

/* Recordings in memory, with their front end. */
typedef struct goss_sounds goss_sounds;

/* How a set is opened; all 0: the defaults. */
typedef struct goss_sounds_options {
    goss_sound_augment augment;        /* for copies with a random number */
    bool skip_bad;                     /* files that cannot be read are left out with a warning instead of an error */
    const volatile sig_atomic_t *stop; /* set to nonzero: give up; NULL: nothing */
} goss_sounds_options;

/* Opens a folder of sound files below which the class of a file is what front->pattern says of its path from there (a
 * placeholder {name} stands for one or more characters without '/', as few as possible; all but {class} are fields of
 * the set), or the folder that it is in where the pattern is empty or fits none; a single file; or a csv file with the
 * columns file and class, others being fields, paths from the csv file's folder. Recordings are in byte order of their
 * paths. options: NULL: defaults. Warnings go to the log: files that the pattern does not fit (left out), silent
 * recordings, equal recordings of several classes. Errors: as goss_wave_read with the file, unless skip_bad; no sound
 * file; no class. Owns: goss_sounds_close. */
GOSS_API GOSS_MUST_USE goss_status goss_sounds_open(const char *path, const goss_sound_front *front,
                                                    const goss_sounds_options *options, goss_sounds **out,
                                                    goss_error *err);
/* Frees a set; NULL is allowed. */
GOSS_API void goss_sounds_close(goss_sounds *s);
/* The set for episodes and support sets. Borrowed. */
GOSS_API const goss_class_set *goss_sounds_set(const goss_sounds *s);
/* A hash of names, classes, fields and content. */
GOSS_API uint64_t goss_sounds_hash(const goss_sounds *s);
/* Seconds of all recordings. */
GOSS_API double goss_sounds_seconds(const goss_sounds *s);
/* Files that were left out. */
GOSS_API int goss_sounds_left_out(const goss_sounds *s);

/* Samples of single waveforms. Threads: one at a time. */
typedef struct goss_sound_reader goss_sound_reader;
/* Creates a reader of a front end, which it copies. Errors: as goss_sound_front_check; GOSS_E_NOMEM. Owns:
 * goss_sound_reader_free. */
GOSS_API GOSS_MUST_USE goss_status goss_sound_reader_new(const goss_sound_front *f, goss_sound_reader **out,
                                                         goss_error *err);
/* Frees a reader; NULL is allowed. */
GOSS_API void goss_sound_reader_free(goss_sound_reader *r);
/* The sample of a waveform at the front end's rate. Shapes: x as goss_sound_shape_of; *steps: its frames, fewer than
 * those with GOSS_SOUND_RAGGED alone (may be NULL). Allocates where a waveform is longer than all before. Errors:
 * GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_sound_reader_sample(goss_sound_reader *r, const float *samples, size_t n,
                                                            float *x, int32_t *steps, goss_error *err);

/* The samples of `count` waveforms [n[i]] by the threads (NULL: the caller's alone), each as goss_sound_reader_sample
 * gives it, whatever their number. Shapes: x [count, ...] as goss_sound_shape_of; steps [count], may be NULL. Allocates
 * and Errors: as there. */
GOSS_API GOSS_MUST_USE goss_status goss_sound_reader_samples(goss_sound_reader *r, const float *const *samples,
                                                             const size_t *n, int count, float *x, int32_t *steps,
                                                             goss_threads *threads, goss_error *err);

/* Whether a frame of a sample depends on the samples around it alone, so that it can be had before a recording ends:
 * sequences of as many frames as there are (RAGGED), of which nothing is cut (trim = 0), in plain decibels (NONE). */
GOSS_API bool goss_sound_front_by_frame(const goss_sound_front *f);
/* The frames of a waveform of n samples, 1 + n / hop. */
GOSS_API int goss_sound_reader_frames(const goss_sound_reader *r, size_t n);
/* How many of these frames no further samples would change: those whose transform (goss_mel_options.fft) ends within
 * the n samples. */
GOSS_API int goss_sound_reader_settled(const goss_sound_reader *r, size_t n);
/* Frame i of a waveform of n samples: the numbers that goss_sound_reader_sample gives it, where
 * goss_sound_front_by_frame. Shapes: x [coefficients]. Allocates where the reader has read nothing before. Errors:
 * GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_sound_reader_frame(goss_sound_reader *r, const float *samples, size_t n, int i,
                                                           float *x, goss_error *err);

/* ---- streams ---- */

/* When a sound in a stream is an event; defaults in brackets. Levels are those of frames of 10 milliseconds; the level
 * of the noise follows the quietest ones, and rises by 3 decibels a second. */
typedef struct goss_event_options {
    double above;    /* decibels above the noise that are loud (12) */
    double least;    /* decibels of full scale that are never loud (-60) */
    double silence;  /* milliseconds that are not loud end an event (200) */
    double shortest; /* milliseconds that are loud in an event, at least (60) */
    double longest;  /* seconds after which it ends in any case (3) */
    double margin;   /* milliseconds before and after it that belong to it (50) */
} goss_event_options;
/* The defaults. */
GOSS_API goss_event_options goss_event_defaults(void);

/* Whether nothing in a waveform is loud: no frame reaches the `least` of the options (NULL: defaults). */
GOSS_API bool goss_sound_is_silent(const float *samples, size_t n, int rate, const goss_event_options *options);

/* Finds events in a stream of samples. What is found does not depend on how the stream is cut into calls. Threads: one
 * at a time. */
typedef struct goss_event_finder goss_event_finder;
/* Called for each event with its samples [n] from sample `start` of the stream on; borrowed. */
typedef goss_status (*goss_event_found)(void *context, int64_t start, const float *samples, size_t n, goss_error *err);
/* Creates a finder for a stream of that rate. options: NULL: defaults. Errors: GOSS_E_ARGUMENT: fewer than 1,000
 * samples per second; GOSS_E_NOMEM. Owns: *out, goss_event_finder_free. */
GOSS_API GOSS_MUST_USE goss_status goss_event_finder_new(int rate, const goss_event_options *options,
                                                         goss_event_finder **out, goss_error *err);
/* Frees a finder; NULL is allowed. */
GOSS_API void goss_event_finder_free(goss_event_finder *f);
/* Reads the next samples [n], any number; found is called for each event that ends in them. Allocates nothing. Errors:
 * those of `found`, after which the stream cannot go on. */
GOSS_API GOSS_MUST_USE goss_status goss_event_finder_push(goss_event_finder *f, const float *samples, size_t n,
                                                          goss_event_found found, void *context, goss_error *err);
/* Whether the stream is within an event, and the samples [n] of it that are certain to belong to it, from sample
 * `start` of the stream on; borrowed until the next call. Events that turn out to be too short are never found. */
GOSS_API bool goss_event_finder_within(const goss_event_finder *f, int64_t *start, const float **samples, size_t *n);
/* Ends the stream, and an event in it: found is called for it if it is long enough. Errors: those of `found`. */
GOSS_API GOSS_MUST_USE goss_status goss_event_finder_end(goss_event_finder *f, goss_event_found found, void *context,
                                                         goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
