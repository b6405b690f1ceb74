/* SPDX-License-Identifier: Apache-2.0 */
/* bpe.c: byte pair encoding: merges found by counts of neighbouring symbols within words, and their application.
 * Counts are kept up to date as symbols are merged, instead of being taken again for each merge. */
#include <string.h>

#include "base/alloc.h"
#include "text/tokens.h"

/* ---- pairs of symbols -> a number ---- */

typedef struct pairs {
    uint64_t *key; /* [slots] left << 32 | right, + 1; 0: free */
    int64_t *value;
    size_t slots, n;
} pairs;

static uint64_t pair_key(int32_t left, int32_t right) { return ((uint64_t)left << 32 | (uint32_t)right) + 1; }

static size_t pair_slot(const pairs *p, uint64_t key) {
    uint64_t h = key * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(h >> 20) & (p->slots - 1);
    while (p->key[i] && p->key[i] != key) i = (i + 1) & (p->slots - 1);
    return i;
}

static void pairs_free(pairs *p) {
    goss__free(p->key), goss__free(p->value);
    *p = (pairs){0};
}

static bool pairs_widen(pairs *p) {
    pairs wider = {.slots = p->slots ? 2 * p->slots : 4096, .n = p->n};
    wider.key = goss__calloc(wider.slots, sizeof *wider.key);
    wider.value = goss__calloc(wider.slots, sizeof *wider.value);
    if (!wider.key || !wider.value) {
        pairs_free(&wider);
        return false;
    }
    for (size_t i = 0; i < p->slots; i++)
        if (p->key[i]) {
            const size_t k = pair_slot(&wider, p->key[i]);
            wider.key[k] = p->key[i], wider.value[k] = p->value[i];
        }
    pairs_free(p);
    *p = wider;
    return true;
}

/* Where the value of a pair is, 0 if it is new; NULL: out of memory. */
static int64_t *pairs_at(pairs *p, int32_t left, int32_t right) {
    if (2 * p->n >= p->slots && !pairs_widen(p)) return NULL;
    const uint64_t key = pair_key(left, right);
    const size_t i = pair_slot(p, key);
    if (!p->key[i]) p->key[i] = key, p->n++;
    return &p->value[i];
}

/* ---- merges ---- */

enum { MOST_DEPTH = 5000 };

struct goss__merges {
    int32_t *pair;  /* [2 n] */
    int32_t *depth; /* [n] of merges within merges */
    int n;
    pairs rank; /* of a pair: 1 + its merge */
};

void goss__merges_free(goss__merges *m) {
    if (!m) return;
    goss__free(m->pair), goss__free(m->depth);
    pairs_free(&m->rank);
    goss__free(m);
}

int goss__merges_count(const goss__merges *m) { return m->n; }
const int32_t *goss__merges_pairs(const goss__merges *m) { return m->pair; }

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for merges"); }

static goss_status create(int capacity, goss__merges **out, goss_error *err) {
    goss__merges *m = *out = goss__calloc(1, sizeof *m);
    if (m) m->pair = goss__calloc(2 * (size_t)capacity + 1, sizeof *m->pair);
    if (m) m->depth = goss__calloc((size_t)capacity + 1, sizeof *m->depth);
    return m && m->pair && m->depth ? GOSS_OK : no_memory(err);
}

static goss_status append(goss__merges *m, int32_t left, int32_t right, goss_error *err) {
    int64_t *rank = pairs_at(&m->rank, left, right);
    if (!rank) return no_memory(err);
    if (*rank) return goss_error_set(err, GOSS_E_FORMAT, "a pair of tokens is merged twice");
    const int32_t a = left < 256 ? 0 : m->depth[left - 256], b = right < 256 ? 0 : m->depth[right - 256];
    m->depth[m->n] = 1 + (a > b ? a : b);
    if (m->depth[m->n] > MOST_DEPTH)
        return goss_error_set(err, GOSS_E_FORMAT, "merges of tokens are nested more than %d times", MOST_DEPTH);
    m->pair[2 * m->n] = left, m->pair[2 * m->n + 1] = right;
    *rank = ++m->n;
    return GOSS_OK;
}

/* ---- fit ---- */

typedef struct word {
    int32_t first, size; /* of its symbols */
    int64_t count;
} word;

typedef struct fitting {
    word *word; /* [words] */
    int32_t words, *symbol;
    pairs count;
} fitting;

static bool count_pairs(fitting *f, const word *w, int64_t by) {
    const int32_t *s = f->symbol + w->first;
    for (int32_t i = 0; i + 1 < w->size; i++) {
        int64_t *n = pairs_at(&f->count, s[i], s[i + 1]);
        if (!n) return false;
        *n += by;
    }
    return true;
}

static bool spell(fitting *f, const goss__counts *words) {
    size_t all = 0;
    for (int32_t i = 0; i < words->n; i++) all += strlen(words->text[i]);
    f->word = goss__calloc((size_t)words->n + 1, sizeof *f->word);
    f->symbol = all < INT32_MAX ? goss__calloc(all + 1, sizeof *f->symbol) : NULL;
    if (!f->word || !f->symbol) return false;
    int32_t at = 0;
    for (int32_t i = 0; i < words->n; i++) {
        f->word[i] = (word){.first = at, .count = words->count[i]};
        for (const char *p = words->text[i]; *p; p++) f->symbol[at++] = (unsigned char)*p;
        f->word[i].size = at - f->word[i].first;
        if (!count_pairs(f, &f->word[i], f->word[i].count)) return false;
    }
    f->words = words->n;
    return true;
}

/* The most frequent pair that occurs twice; of equal ones the smallest symbols. False: there is none. */
static bool best_pair(const fitting *f, int32_t *left, int32_t *right) {
    int64_t most = 1;
    uint64_t key = 0;
    for (size_t i = 0; i < f->count.slots; i++)
        if (f->count.value[i] > most || (f->count.value[i] == most && key && f->count.key[i] < key))
            key = f->count.key[i], most = f->count.value[i];
    *left = (int32_t)((key - 1) >> 32), *right = (int32_t)((key - 1) & UINT32_MAX);
    return key != 0;
}

/* Replaces the pair in a word. Returns the number of symbols then. */
static int32_t replace(int32_t *s, int32_t n, int32_t left, int32_t right, int32_t merged) {
    int32_t kept = 0;
    for (int32_t i = 0; i < n; i++) {
        const bool hit = s[i] == left && i + 1 < n && s[i + 1] == right;
        s[kept++] = hit ? merged : s[i];
        i += hit;
    }
    return kept;
}

static bool has_pair(const int32_t *s, int32_t n, int32_t left, int32_t right) {
    for (int32_t i = 0; i + 1 < n; i++)
        if (s[i] == left && s[i + 1] == right) return true;
    return false;
}

static bool merge_everywhere(fitting *f, int32_t left, int32_t right, int32_t merged) {
    for (int32_t i = 0; i < f->words; i++) {
        word *w = &f->word[i];
        if (!has_pair(f->symbol + w->first, w->size, left, right)) continue;
        if (!count_pairs(f, w, -w->count)) return false;
        w->size = replace(f->symbol + w->first, w->size, left, right, merged);
        if (!count_pairs(f, w, w->count)) return false;
    }
    return true;
}

goss_status goss__merges_fit(const goss__counts *words, int most, goss__merges **out, goss_error *err) {
    fitting f = {0};
    goss__merges *m = NULL;
    int32_t left, right;
    *out = NULL;
    goss_status s = spell(&f, words) ? create(most, &m, err) : no_memory(err);
    while (s == GOSS_OK && m->n < most && best_pair(&f, &left, &right)) {
        s = append(m, left, right, err);
        if (s == GOSS_OK && !merge_everywhere(&f, left, right, 255 + m->n)) s = no_memory(err);
    }
    goss__free(f.word), goss__free(f.symbol);
    pairs_free(&f.count);
    if (s == GOSS_OK)
        *out = m;
    else
        goss__merges_free(m);
    return s;
}

goss_status goss__merges_from(const int32_t *pair, int n, goss__merges **out, goss_error *err) {
    goss__merges *m;
    *out = NULL;
    goss_status s = create(n, &m, err);
    for (int i = 0; s == GOSS_OK && i < n; i++) {
        const int32_t left = pair[2 * i], right = pair[2 * i + 1];
        if (left < 0 || right < 0 || left >= 256 + i || right >= 256 + i)
            s = goss_error_set(err, GOSS_E_FORMAT, "merge %d of a tokeniser is of tokens that do not exist", i + 1);
        else
            s = append(m, left, right, err);
    }
    if (s == GOSS_OK)
        *out = m;
    else
        goss__merges_free(m);
    return s;
}

/* ---- apply ---- */

/* The earliest merge that applies; -1: none. */
static int32_t next_merge(const goss__merges *m, const int32_t *s, int32_t n) {
    int64_t best = 0;
    for (int32_t i = 0; m->rank.slots && i + 1 < n; i++) {
        const size_t at = pair_slot(&m->rank, pair_key(s[i], s[i + 1]));
        if (m->rank.key[at] && (!best || m->rank.value[at] < best)) best = m->rank.value[at];
    }
    return (int32_t)best - 1;
}

goss_status goss__merges_apply(const goss__merges *m, const goss__piece *w, goss__ids *out, goss_error *err) {
    int32_t few[128], n = (int32_t)w->size + w->spaced;
    int32_t *s = n <= 128 ? few : goss__calloc((size_t)n, sizeof *s);
    if (!s) return no_memory(err);
    if (w->spaced) s[0] = ' ';
    for (size_t i = 0; i < w->size; i++) s[i + w->spaced] = (unsigned char)w->text[i];
    for (int32_t k; (k = next_merge(m, s, n)) >= 0;) n = replace(s, n, m->pair[2 * k], m->pair[2 * k + 1], 256 + k);
    for (int32_t i = 0; i < n; i++) goss__ids_add(out, GOSS__TOKEN_FIRST + s[i]);
    if (s != few) goss__free(s);
    return GOSS_OK;
}

/* From left to right. */
size_t goss__merges_bytes(const goss__merges *m, int32_t symbol, char *out, size_t size) {
    size_t n = 0;
    while (n < size && symbol >= 256) {
        n += goss__merges_bytes(m, m->pair[2 * (symbol - 256)], out + n, size - n);
        symbol = m->pair[2 * (symbol - 256) + 1];
    }
    if (n < size) out[n++] = (char)symbol;
    return n;
}
