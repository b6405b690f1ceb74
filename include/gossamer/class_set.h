/* SPDX-License-Identifier: Apache-2.0 */
/* class_set.h: a set of samples in classes, of any kind, and few-shot tasks over it.
 *
 * A kind of data (sounds: sound.h) fills in a goss_class_set: what there is, and a function that writes one sample.
 * Beside its class a sample may have fields: named properties such as the speaker of a recording. An episode is drawn
 * from all samples, or within one value of a field: all recordings of an episode are then of one speaker, and so is
 * what tells its classes apart. Images have a sampler of their own (episode.h), with rotations and faces.
 *
 *     goss_class_episodes e = goss_class_episodes_defaults();             // 5-way 1-shot
 *     e.group = goss_class_set_field(set, "speaker");
 *     GOSS_TRY(goss_class_episodes_open(set, NULL, &e, &source, err));
 *     ...                                                                 // task k is episode k
 *     goss_task_source_free(&source); */
#ifndef GOSSAMER_CLASS_SET_H
#define GOSSAMER_CLASS_SET_H

#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A property of samples besides their class; values are numbered in byte order of their names. */
typedef struct goss_class_field {
    const char *name;        /* "speaker" */
    int values;              /* how many different ones there are */
    const char *const *text; /* [values] their names */
    const int32_t *of;       /* [samples] value of each sample; -1: not known */
} goss_class_field;

/* The random numbers of a copy of a sample. */
typedef struct goss_class_random {
    uint64_t sample; /* another one for each copy; 0: not augmented */
    uint64_t task;   /* common to all copies of a task: what is drawn from it changes them alike */
} goss_class_random;

/* Samples in classes. A struct of the kind of data that fills it in; everything is its. Immutable. */
typedef struct goss_class_set goss_class_set;
struct goss_class_set {
    int samples, classes, fields;      /* how many there are of each */
    int input_rank;                    /* of a sample's x, as in goss_task_spec */
    int64_t input[GOSS_TASK_MAX_RANK]; /* its extents */
    bool lengths;                      /* samples are sequences of different lengths, as in goss_task_spec */
    const char *things;                /* "recordings": what messages call samples */
    const char *const *class_name;     /* [classes], in byte order */
    const char *const *sample_name;    /* [samples] the file, or what else identifies it to the user */
    const int32_t *class_of;           /* [samples] number of each sample's class */
    const uint64_t *hash;          /* [samples] of the content, by which models record what they have seen; 0: none */
    const goss_class_field *field; /* [fields] in any order */
    /* Writes x of a sample. random.sample 0: as it is; else augmented, a pure function of (sample, random). scratch: as
     * many bytes as scratch_size, 64-byte aligned. Returns the number of steps, where samples have lengths; otherwise
     * its result means nothing. Allocates nothing and cannot fail. Threads: any, with scratch of their own. */
    int (*copy)(const goss_class_set *set, int sample, goss_class_random random, void *scratch, float *x);
    size_t scratch_size; /* bytes; 0: none */
    void *context;       /* of the kind of data, for copy() */
    /* copy() of sample -1 writes silence: a sample of nothing but noise, another one for each random number. */
    bool silence;
};

/* The number of the field of that name; -1: none. */
GOSS_API int goss_class_set_field(const goss_class_set *set, const char *name);
/* The same where the user named the field: *field receives its number. about: the setting that names it, with which an
 * error's text begins. Errors: GOSS_E_ARGUMENT: no such field, with the ones that there are. */
GOSS_API GOSS_MUST_USE goss_status goss_class_set_find_field(const goss_class_set *set, const char *name,
                                                             const char *about, int *field, goss_error *err);
/* Sets use[i] = value for the samples whose field has one of the comma-separated values ("speaker=theo,lucas"), or that
 * are of one of the classes ("class=six,seven"); the others stay as they are, so that choices can be combined. Shapes:
 * use [samples]. Errors: GOSS_E_ARGUMENT: not FIELD=VALUE,..., or no such field or value, with those there are;
 * GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_class_set_choose(const goss_class_set *set, const char *field_is_values,
                                                         bool *use, bool value, goss_error *err);
/* The same for the classes of a text file, a name a line; blank lines and lines that begin with # are skipped. Errors:
 * GOSS_E_IO; GOSS_E_FORMAT: the file has zero bytes; GOSS_E_ARGUMENT, with file and line: a class that the set lacks;
 * GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_class_set_read_classes(const goss_class_set *set, const char *path, bool *use,
                                                               bool value, goss_error *err);

/* What episodes are like; defaults in brackets. */
typedef struct goss_class_episodes {
    int ways, shots, queries; /* (5, 1, 15) classes; support samples and queries of each, never the same sample */
    int group; /* a field: all samples of an episode have one value of it, those without are in none; -1: any (-1) */
    /* Classes beside the ways that an episode has queries of, but no support samples: their target is -1 and their
     * weight 0, so that they count in no metric; they are for judging whether a network can tell that it does not know
     * (0). They come behind the other queries. */
    int unknown;
    /* Further queries of silence, behind those, with target -1 and weight 0 (0). For sets that have silence. */
    int silence;
    bool augment;  /* support samples and queries are augmented (false) */
    uint64_t seed; /* of the draws (0) */
} goss_class_episodes;
/* The defaults. */
GOSS_API goss_class_episodes goss_class_episodes_defaults(void);

/* What episodes are drawn from, for reports. */
typedef struct goss_class_scope {
    int samples, classes, groups; /* that episodes can have; groups: 1 without a field */
    int least, most;              /* fewest and most classes of a group */
    int left_out; /* groups with fewer than ways + unknown classes of shots + queries samples: none is drawn from */
} goss_class_scope;

/* A source of episodes over the samples of `use` (NULL: all; copied). Task k is episode k, a pure function of (set,
 * use, options, k); support_rows and query_rows are samples of the set. Classes with fewer than shots + queries samples
 * in a group are none of its classes. scope: NULL, or receives what there is. Errors: GOSS_E_ARGUMENT: an option out of
 * range, silence of a set without it, or, with the numbers: no group has ways + unknown classes of shots + queries
 * samples; GOSS_E_NOMEM. Borrows the set. Owns: goss_task_source_free. query_rows of silence are -1. Threads: one draw
 * at a time, whose samples are copied by goss_task.threads, at most as many as there are processors. */
GOSS_API GOSS_MUST_USE goss_status goss_class_episodes_open(const goss_class_set *set, const bool *use,
                                                            const goss_class_episodes *options, goss_task_source *out,
                                                            goss_class_scope *scope, goss_error *err);
/* One task whose support set is all samples as they are, without queries: what a network is adapted to. Errors:
 * GOSS_E_ARGUMENT: fewer than two classes; GOSS_E_NOMEM. Borrows the set. Owns: goss_task_source_free. */
GOSS_API GOSS_MUST_USE goss_status goss_class_support_open(const goss_class_set *set, goss_task_source *out,
                                                           goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
