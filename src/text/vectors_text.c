/* SPDX-License-Identifier: Apache-2.0 */
/* vectors_text.c: word vectors as text, in the notation of word2vec, GloVe and fastText: a word and its numbers in each
 * line. A word may have blanks: its numbers are the last ones. */
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/number.h"
#include "base/os.h"
#include "text/vectors.h"

typedef struct reading {
    const char *path;
    goss_vectors *v;
    goss__str folded;
    double *number; /* [width] */
    size_t room;    /* words */
    int line;
    long told, vectors; /* lines of vectors: by the first line (0: it does not say), and found */
} reading;

static goss_status wrong(const reading *r, goss_error *err, const char *what) {
    return goss_error_set(err, GOSS_E_FORMAT, "%s:%d: %s", r->path, r->line, what);
}

/* Fields of a line, separated by single blanks or tabs; a blank at its end counts for nothing. */
static int count_fields(const char *line) {
    int n = 0;
    for (const char *p = line; *p;) {
        p += strspn(p, " \t");
        if (!*p) break;
        n++, p += strcspn(p, " \t");
    }
    return n;
}

/* The number of the line's last `n` fields: where they begin. */
static char *last_fields(char *line, int n) {
    char *p = line + strlen(line);
    while (p > line && strchr(" \t", p[-1])) p--;
    *p = 0;
    for (; n > 0 && p > line; n--) {
        while (p > line && !strchr(" \t", p[-1])) p--;
        if (n > 1)
            while (p > line && strchr(" \t", p[-1])) p--;
    }
    return p;
}

static goss_status make_room(reading *r, goss_error *err) {
    if ((size_t)r->v->words.n < r->room) return GOSS_OK;
    const size_t room = r->room ? 2 * r->room : 1024;
    float *more = goss__realloc(r->v->word, room * (size_t)r->v->width * sizeof *more);
    if (!more) return goss_error_set(err, GOSS_E_NOMEM, "no memory for word vectors");
    r->v->word = more, r->room = room;
    return GOSS_OK;
}

/* A word and its numbers, unless an equal one was there before. */
static goss_status take(reading *r, const char *numbers, goss_error *err) {
    goss_vectors *v = r->v;
    const int known = v->words.n;
    GOSS_TRY(make_room(r, err));
    if (goss__numbers_parse(numbers, r->number, v->width) != v->width)
        return wrong(r, err, "a vector's numbers cannot be read, or there are more or fewer than in the first line");
    const int32_t k = goss__counts_add(&v->words, r->folded.data, r->folded.size, 1);
    if (k < 0) return goss_error_set(err, GOSS_E_NOMEM, "no memory for word vectors");
    for (int j = 0; k == known && j < v->width; j++) {
        const float x = (float)r->number[j];
        if (!(x - x == 0)) return wrong(r, err, "a number that is not finite");
        v->word[(size_t)k * (size_t)v->width + (size_t)j] = x;
    }
    return GOSS_OK;
}

/* The first line says the width: that of itself, or of a header of two whole numbers. */
static goss_status begin(reading *r, char *line, bool *header, goss_error *err) {
    double head[2];
    const int fields = count_fields(line);
    *header = fields == 2 && goss__numbers_parse(line, head, 2) == 2;
    if (*header && head[0] >= 1 && head[0] <= INT_MAX) r->told = (long)head[0];
    r->v->width = *header ? (head[1] >= 1 && head[1] <= GOSS__WIDTH_MOST ? (int)head[1] : 0) : fields - 1;
    if (r->v->width < 1 || r->v->width > GOSS__WIDTH_MOST)
        return wrong(r, err, "no word vectors: a word and its numbers in each line, or a .safetensors file");
    r->number = goss__calloc((size_t)r->v->width, sizeof *r->number);
    return r->number ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for word vectors");
}

typedef struct wish {
    int most;
    bool (*also)(const void *context, const char *word);
    const void *context;
} wish;

/* A word may end in a number, as "No 1"; one with a fraction is of a vector with more numbers than the first. */
static bool ends_in_fraction(char *word) {
    double x;
    const char *last = last_fields(word, 1);
    return last > word && strchr(last, '.') && goss__number_parse(last, &x);
}

static goss_status take_line(reading *r, char *line, const wish *w, goss_error *err) {
    char *numbers = last_fields(line, r->v->width);
    if (numbers == line) return wrong(r, err, "a line without a word, or with too few numbers");
    char *end = numbers;
    while (end > line && strchr(" \t", end[-1])) end--;
    *end = 0;
    r->vectors++;
    if (ends_in_fraction(line)) return wrong(r, err, "more numbers than the first line has, or tells of");
    goss_status s = goss__fold_text(r->v->fold, false, line, &r->folded, err);
    if (s != GOSS_OK) return goss_error_prefix(err, s, "%s:%d", r->path, r->line);
    if (r->folded.size == 0) return GOSS_OK;
    if (w->most && r->v->words.n >= w->most && !(w->also && w->also(w->context, r->folded.data))) return GOSS_OK;
    return take(r, numbers, err);
}

static goss_status take_all(reading *r, char *text, const wish *w, goss_error *err) {
    for (char *next; text && *text; text = next) {
        bool header = false;
        if ((next = strchr(text, '\n'))) *next++ = 0;
        r->line++;
        if (*text && text[strlen(text) - 1] == '\r') text[strlen(text) - 1] = 0;
        if (!*text) continue;
        if (!r->number) GOSS_TRY(begin(r, text, &header, err));
        if (!header) GOSS_TRY(take_line(r, text, w, err));
    }
    if (!r->v->words.n) return goss_error_set(err, GOSS_E_FORMAT, "%s: no word vectors", r->path);
    if (r->told && r->told != r->vectors)
        goss__log(GOSS_LOG_WARN, "%s: its first line tells of %ld words, and there are %ld: is it whole?", r->path,
                  r->told, r->vectors);
    return GOSS_OK;
}

static goss_status check_text(const char *path, const char *text, size_t size, goss_error *err) {
    if (!memchr(text, 0, size)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT,
                          "%s: it has zero bytes, and word vectors are read as text: have the tool that made it write "
                          "text (word2vec -binary 0; gensim: save_word2vec_format(..., binary=False))",
                          path);
}

goss_status goss__vectors_read_text(const char *path, int most, bool (*also)(const void *context, const char *word),
                                    const void *context, goss_vectors *v, goss_error *err) {
    reading r = {.path = path, .v = v};
    const wish w = {most, also, context};
    char *text = NULL;
    size_t size;
    GOSS_TRY(goss__read_file(path, (size_t)1 << 36, &text, &size, err));
    goss_status s = check_text(path, text, size, err);
    if (s == GOSS_OK) s = take_all(&r, strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text, &w, err);
    goss__free(text), goss__free(r.number);
    goss__str_free(&r.folded);
    return s;
}

/* ---- writing ---- */

goss_status goss__vectors_write_text(const goss_vectors *v, const char *path, goss_error *err) {
    goss__str s = {0};
    goss__str_addf(&s, "%d %d\n", (int)v->words.n, v->width);
    for (int32_t i = 0; i < v->words.n; i++) {
        goss__str_add(&s, v->words.text[i]);
        for (int j = 0; j < v->width; j++) {
            char number[GOSS__NUMBER_TEXT];
            goss__number_print((double)v->word[(size_t)i * (size_t)v->width + (size_t)j], number);
            goss__str_addf(&s, " %s", number);
        }
        goss__str_add(&s, "\n");
    }
    goss_status status = s.failed ? goss_error_set(err, GOSS_E_NOMEM, "no memory for the text of word vectors")
                                  : goss__write_file(path, s.data, s.size, err);
    goss__str_free(&s);
    return status;
}
