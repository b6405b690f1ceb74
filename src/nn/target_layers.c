/* SPDX-License-Identifier: Apache-2.0 */
/* target_layers.c: the kinds of layers: parsing, printing and output shape of each; those of sequences are in
 * target_sequence.c.
 *
 * A new kind is a row of `kinds` and its functions; no other code depends on the kind of a layer, except for the
 * markers of a residual sum. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "nn/target.h"

/* ---- words ---- */

bool goss__word_is(const goss__words *w, int i, const char *text) {
    return i < w->n && (int)strlen(text) == w->size[i] && memcmp(w->at[i], text, (size_t)w->size[i]) == 0;
}

goss_status goss__word_bad(const goss__words *w, int i, goss_error *err) {
    if (i < w->n)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: \"%.*s\" is not expected here; write: %s", w->kind,
                              w->size[i] > 60 ? 60 : w->size[i], w->at[i], w->usage);
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: incomplete; write: %s", w->kind, w->usage);
}

/* Parses digits from p on as a number in [low, high]; returns the position after them, or NULL. */
static const char *read_number(const char *p, const char *end, int64_t low, int64_t high, int64_t *out) {
    int64_t v = 0;
    const char *start = p;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        v = 10 * v + (*p - '0');
        if (v > high) return NULL;
    }
    *out = v;
    return p == start || v < low ? NULL : p;
}

/* "LOW..HIGH" of any numbers: *from, *to. */
static bool is_range(const goss__words *w, int i, int64_t *from, int64_t *to) {
    const char *end = w->at[i] + w->size[i], *p = read_number(w->at[i], end, 0, INT32_MAX, from);
    if (!p || end - p < 3 || p[0] != '.' || p[1] != '.') return false;
    p = read_number(p + 2, end, 0, INT32_MAX, to);
    return p && (p == end || *p == '/');
}

static goss_status out_of_range(const goss__words *w, int i, int64_t low, int64_t high, goss_error *err) {
    int64_t from, to;
    if (is_range(w, i, &from, &to))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: \"%.*s\" is a range, and this number is one from %lld to %lld that cannot be left "
                              "open (whole layers can: choose { ... } or { ... }); write: %s",
                              w->kind, w->size[i] > 60 ? 60 : w->size[i], w->at[i], (long long)low, (long long)high,
                              w->usage);
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: \"%.*s\" is not an integer from %lld to %lld; write: %s", w->kind,
                          w->size[i] > 60 ? 60 : w->size[i], w->at[i], (long long)low, (long long)high, w->usage);
}

goss_status goss__word_int(const goss__words *w, int i, int64_t low, int64_t high, int64_t *out, goss_error *err) {
    if (i >= w->n) return goss__word_bad(w, i, err);
    const char *end = w->at[i] + w->size[i];
    return read_number(w->at[i], end, low, high, out) == end ? GOSS_OK : out_of_range(w, i, low, high, err);
}

/* "LOW..HIGH" or "N", both low <= N <= high; returns the position after it, or NULL. */
static const char *read_range(const char *p, const char *end, int64_t low, int64_t high, int64_t range[2]) {
    p = read_number(p, end, low, high, &range[0]);
    range[1] = range[0];
    if (p && end - p > 2 && p[0] == '.' && p[1] == '.') p = read_number(p + 2, end, range[0], high, &range[1]);
    return p;
}

/* step: what may follow the range. */
static goss_status bad_range(const goss__words *w, int i, int64_t low, int64_t high, const char *step,
                             goss_error *err) {
    int64_t from, to;
    if (is_range(w, i, &from, &to) && from > to)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: \"%.*s\" runs backwards: %lld..%lld; write: %s", w->kind,
                              w->size[i] > 60 ? 60 : w->size[i], w->at[i], (long long)to, (long long)from, w->usage);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: \"%.*s\" is not an integer from %lld to %lld, nor LOW..HIGH%s of these with LOW below "
                          "HIGH; write: %s",
                          w->kind, w->size[i] > 60 ? 60 : w->size[i], w->at[i], (long long)low, (long long)high, step,
                          w->usage);
}

goss_status goss__word_range(const goss__words *w, int i, int64_t low, int64_t high, int64_t range[2],
                             goss_error *err) {
    if (i >= w->n) return goss__word_bad(w, i, err);
    const char *end = w->at[i] + w->size[i];
    return read_range(w->at[i], end, low, high, range) == end ? GOSS_OK : bad_range(w, i, low, high, "", err);
}

goss_status goss__word_units(const goss__words *w, int i, int64_t most, goss__layer *l, goss_error *err) {
    int64_t range[2];
    if (i >= w->n) return goss__word_bad(w, i, err);
    const char *end = w->at[i] + w->size[i], *p = read_range(w->at[i], end, 1, most, range);
    if (p && p < end && range[1] > range[0]) p = *p == '/' ? read_number(p + 1, end, 1, range[1], &l->step) : NULL;
    if (p != end || (range[0] == range[1] && memchr(w->at[i], '.', (size_t)w->size[i])))
        return bad_range(w, i, 1, most, " or LOW..HIGH/STEP", err);
    l->out = range[1];
    l->low = range[1] > range[0] ? range[0] : 0;
    return GOSS_OK;
}

void goss__units_write(const goss__layer *l, goss__str *s) {
    if (l->low) goss__str_addf(s, " %lld..%lld", (long long)l->low, (long long)l->out);
    if (!l->low) goss__str_addf(s, " %lld", (long long)l->out);
    if (l->low && l->step) goss__str_addf(s, "/%lld", (long long)l->step);
}

/* Words without a value that conv and dense share. */
bool goss__word_flag(const goss__words *w, int i, goss__layer *l) {
    const bool bias = goss__word_is(w, i, "bias"), nested = l->low && goss__word_is(w, i, "nested");
    l->has_bias |= bias;
    l->nested |= nested;
    return bias || nested;
}

void goss__flags_write(const goss__layer *l, goss__str *s) {
    if (l->nested) goss__str_add(s, " nested");
    if (l->has_bias) goss__str_add(s, " bias");
}

/* "3" or "3x1" from p on; returns the position after it, or NULL. */
static const char *read_pair_at(const char *p, const char *end, int low, int pair[2]) {
    const int64_t high = 1024;
    int64_t a = 0, b = 0;
    p = read_number(p, end, low, high, &a);
    b = a;
    if (p && p < end && *p == 'x') p = read_number(p + 1, end, low, high, &b);
    pair[0] = (int)a, pair[1] = (int)b;
    return p;
}

static goss_status read_pair(const goss__words *w, int i, int low, int pair[2], goss_error *err) {
    if (i >= w->n) return goss__word_bad(w, i, err);
    const char *end = w->at[i] + w->size[i];
    return read_pair_at(w->at[i], end, low, pair) == end ? GOSS_OK : out_of_range(w, i, low, 1024, err);
}

static void write_pair(goss__str *s, const char *before, const int pair[2]) {
    goss__str_addf(s, pair[0] == pair[1] ? "%s%d" : "%s%dx%d", before, pair[0], pair[1]);
}

static void write_pair_unless(goss__str *s, const char *before, const int pair[2], int usual) {
    if (pair[0] != usual || pair[1] != usual) write_pair(s, before, pair);
}

/* ---- conv ---- */

static bool surrounds(const int a[2], const int b[2]) {
    return a[0] >= b[0] && a[1] >= b[1] && (a[0] > b[0] || a[1] > b[1]);
}

/* Sizes separated by '|', each around the one before; their number, or 0. */
static int read_sizes(const char *p, const char *end, goss__layer *l) {
    for (int n = 0; n < GOSS__KERNELS; p++) {
        p = read_pair_at(p, end, 1, l->kernels[n]);
        if (!p || (n > 0 && !surrounds(l->kernels[n], l->kernels[n - 1]))) return 0;
        n++;
        if (p == end) return n;
        if (*p != '|') return 0;
    }
    return 0;
}

/* "3", or sizes of which one is chosen: "1|3|5". */
goss_status goss__word_kernels(const goss__words *w, int i, goss__layer *l, goss_error *err) {
    if (i >= w->n) return goss__word_bad(w, i, err);
    const int n = read_sizes(w->at[i], w->at[i] + w->size[i], l);
    if (n == 0 && !memchr(w->at[i], '|', (size_t)w->size[i])) return out_of_range(w, i, 1, 1024, err);
    if (n == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: \"%.*s\": sizes of a kernel increase, and are %d at most",
                              w->kind, w->size[i] > 60 ? 60 : w->size[i], w->at[i], GOSS__KERNELS);
    memcpy(l->kernel, l->kernels[n - 1], sizeof l->kernel);
    l->n_kernels = n > 1 ? n : 0;
    return GOSS_OK;
}

/* Padding that keeps the extent at stride 1 (else extent / stride, rounded up), for every size of the kernel. */
goss_status goss__pad_same(goss__layer *l, goss_error *err) {
    for (int k = 0; k < (l->n_kernels ? l->n_kernels : 1); k++)
        for (int i = 0; i < 2; i++)
            if (l->kernels[k][i] % 2 == 0)
                return goss_error_set(err, GOSS_E_ARGUMENT, "%s: pad same needs odd kernels, not %d", l->kind->word,
                                      l->kernels[k][i]);
    for (int i = 0; i < 2; i++) l->pad[i] = l->dilation[i] * (l->kernel[i] - 1) / 2;
    return GOSS_OK;
}

static goss_status read_conv_words(const goss__words *w, goss__layer *l, bool *same, goss_error *err) {
    for (int i = 3; i < w->n; i += 2) {
        if (goss__word_flag(w, i, l)) {
            i--;
        } else if (goss__word_is(w, i, "stride")) {
            GOSS_TRY(read_pair(w, i + 1, 1, l->stride, err));
        } else if (goss__word_is(w, i, "pad")) {
            *same = goss__word_is(w, i + 1, "same");
            if (!*same) GOSS_TRY(read_pair(w, i + 1, 0, l->pad, err));
        } else if (goss__word_is(w, i, "dilation")) {
            GOSS_TRY(read_pair(w, i + 1, 1, l->dilation, err));
        } else if (goss__word_is(w, i, "groups")) {
            int64_t groups = 0;
            GOSS_TRY(goss__word_int(w, i + 1, 1, GOSS__TARGET_MAX_EXTENT, &groups, err));
            l->groups = (int)groups;
        } else {
            return goss__word_bad(w, i, err);
        }
    }
    return GOSS_OK;
}

static goss_status read_conv(const goss__words *w, goss__layer *l, goss_error *err) {
    bool same = false;
    GOSS_TRY(goss__word_units(w, 1, GOSS__TARGET_MAX_EXTENT, l, err));
    GOSS_TRY(goss__word_kernels(w, 2, l, err));
    l->stride[0] = l->stride[1] = l->dilation[0] = l->dilation[1] = l->groups = 1;
    GOSS_TRY(read_conv_words(w, l, &same, err));
    if (same) return goss__pad_same(l, err);
    if (!l->n_kernels) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "conv: several sizes of a kernel need pad same");
}

/* Output positions of a window of that extent; 0: it does not fit. */
static int64_t positions(int64_t extent, int pad, int64_t reach, int stride) {
    int64_t room = extent + 2 * (int64_t)pad - reach;
    return room < 0 ? 0 : room / stride + 1;
}

static goss_status want_image(const goss__flow *f, const char *what, goss_error *err) {
    char text[64];
    if (f->rank == 3) return GOSS_OK;
    if (f->rank == 1)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: requires images, but its input is %lld features", what,
                              (long long)f->dim[0]);
    goss__flow_text(f, text);
    return goss_error_set(
        err, GOSS_E_ARGUMENT,
        "%s: requires images, but its input is a sequence of %s; of sequences there are conv1d, pool1d "
        "and readout",
        what, text);
}

static goss_status slide(goss__flow *f, const char *what, const int pad[2], const int64_t reach[2], const int stride[2],
                         goss_error *err) {
    for (int i = 0; i < 2; i++) {
        int64_t n = positions(f->dim[i], pad[i], reach[i], stride[i]);
        if (n < 1)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "%s: a window of extent %lld does not fit in a map of %lld x %lld", what,
                                  (long long)reach[i], (long long)f->dim[0], (long long)f->dim[1]);
        if (n > GOSS__TARGET_MAX_EXTENT)
            return goss_error_set(err, GOSS_E_ARGUMENT, "%s: a map of extent %lld is too large", what, (long long)n);
        f->dim[i] = n;
    }
    return GOSS_OK;
}

static goss_status flow_conv(const goss__layer *l, goss__flow *f, goss_error *err) {
    GOSS_TRY(want_image(f, "conv", err));
    if (f->dim[2] % l->groups || l->out % l->groups)
        return goss_error_set(err, GOSS_E_ARGUMENT, "conv: groups %d does not divide %lld and %lld channels", l->groups,
                              (long long)f->dim[2], (long long)l->out);
    int64_t reach[2];
    for (int i = 0; i < 2; i++) reach[i] = (int64_t)l->dilation[i] * (l->kernel[i] - 1) + 1;
    GOSS_TRY(slide(f, "conv", l->pad, reach, l->stride, err));
    f->dim[2] = l->out;
    return GOSS_OK;
}

static void write_conv(const goss__layer *l, goss__str *s) {
    goss__units_write(l, s);
    for (int k = 0; k < l->n_kernels; k++) write_pair(s, k ? "|" : " ", l->kernels[k]);
    if (!l->n_kernels) write_pair(s, " ", l->kernel);
    write_pair_unless(s, " stride ", l->stride, 1);
    if (l->n_kernels) goss__str_add(s, " pad same");
    if (!l->n_kernels) write_pair_unless(s, " pad ", l->pad, 0);
    write_pair_unless(s, " dilation ", l->dilation, 1);
    if (l->groups != 1) goss__str_addf(s, " groups %d", l->groups);
    goss__flags_write(l, s);
}

/* ---- dense, head, flatten ---- */

static goss_status read_dense(const goss__words *w, goss__layer *l, goss_error *err) {
    GOSS_TRY(goss__word_units(w, 1, GOSS__TARGET_MAX_EXTENT, l, err));
    for (int i = 2; i < w->n; i++)
        if (!goss__word_flag(w, i, l)) return goss__word_bad(w, i, err);
    return GOSS_OK;
}

static goss_status flow_dense(const goss__layer *l, goss__flow *f, goss_error *err) {
    if (f->rank == 3)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "%s: requires features, but its input is maps of %lld x %lld x %lld; put flatten or pool global before it",
            l->kind->word, (long long)f->dim[0], (long long)f->dim[1], (long long)f->dim[2]);
    f->dim[f->rank - 1] = l->out;
    return GOSS_OK;
}

static void write_dense(const goss__layer *l, goss__str *s) {
    goss__units_write(l, s);
    goss__flags_write(l, s);
}

static const char *whole_flatten(const goss__layer *l) { return "it has a place for each step"; }

static goss_status flow_flatten(const goss__layer *l, goss__flow *f, goss_error *err) {
    if (f->rank == 1) GOSS_TRY(want_image(f, "flatten", err));
    int64_t n = goss__flow_positions(f) * goss__flow_channels(f); /* each extent at most 2^20: no overflow */
    if (n > GOSS__TARGET_MAX_EXTENT)
        return goss_error_set(err, GOSS_E_ARGUMENT, "flatten: %lld features are too many", (long long)n);
    *f = (goss__flow){1, {n}};
    return GOSS_OK;
}

/* ---- norm ---- */

static const char *const norm_words[] = {"batch", "layer", "instance", "group"};

static goss_status read_norm(const goss__words *w, goss__layer *l, goss_error *err) {
    int kind = 0;
    while (kind < 4 && !goss__word_is(w, 1, norm_words[kind])) kind++;
    if (kind == 4) return goss__word_bad(w, 1, err);
    l->norm = (goss__norm_kind)kind;
    if (l->norm != GOSS__NORM_GROUP) return w->n > 2 ? goss__word_bad(w, 2, err) : GOSS_OK;
    int64_t groups = 0;
    GOSS_TRY(goss__word_int(w, 2, 1, GOSS__TARGET_MAX_EXTENT, &groups, err));
    l->groups = (int)groups;
    return w->n > 3 ? goss__word_bad(w, 3, err) : GOSS_OK;
}

static goss_status flow_norm(const goss__layer *l, goss__flow *f, goss_error *err) {
    if (l->norm == GOSS__NORM_INSTANCE && f->rank == 1) return want_image(f, "norm instance", err);
    if (l->norm == GOSS__NORM_GROUP && goss__flow_channels(f) % l->groups)
        return goss_error_set(err, GOSS_E_ARGUMENT, "norm group: %d does not divide %lld channels", l->groups,
                              (long long)goss__flow_channels(f));
    return GOSS_OK;
}

static const char *whole_norm(const goss__layer *l) {
    return l->norm == GOSS__NORM_INSTANCE || l->norm == GOSS__NORM_GROUP ? "its statistics are of all steps" : NULL;
}

static void write_norm(const goss__layer *l, goss__str *s) {
    goss__str_addf(s, " %s", norm_words[l->norm]);
    if (l->norm == GOSS__NORM_GROUP) goss__str_addf(s, " %d", l->groups);
}

/* ---- pool, dropout ---- */

static const char *const pool_words[] = {"max", "avg", "global"};

static goss_status read_pool(const goss__words *w, goss__layer *l, goss_error *err) {
    int kind = 0;
    while (kind < 3 && !goss__word_is(w, 1, pool_words[kind])) kind++;
    if (kind == 3) return goss__word_bad(w, 1, err);
    l->pool = (goss__pool_kind)kind;
    if (l->pool == GOSS__POOL_GLOBAL) return w->n > 2 ? goss__word_bad(w, 2, err) : GOSS_OK;
    GOSS_TRY(read_pair(w, 2, 1, l->kernel, err));
    memcpy(l->stride, l->kernel, sizeof l->stride);
    if (w->n == 3) return GOSS_OK;
    if (!goss__word_is(w, 3, "stride")) return goss__word_bad(w, 3, err);
    GOSS_TRY(read_pair(w, 4, 1, l->stride, err));
    return w->n > 5 ? goss__word_bad(w, 5, err) : GOSS_OK;
}

static goss_status flow_pool(const goss__layer *l, goss__flow *f, goss_error *err) {
    GOSS_TRY(want_image(f, "pool", err));
    if (l->pool == GOSS__POOL_GLOBAL) {
        *f = (goss__flow){1, {f->dim[2]}};
        return GOSS_OK;
    }
    const int64_t reach[2] = {l->kernel[0], l->kernel[1]};
    return slide(f, "pool", (int[]){0, 0}, reach, l->stride, err);
}

static void write_pool(const goss__layer *l, goss__str *s) {
    goss__str_addf(s, " %s", pool_words[l->pool]);
    if (l->pool == GOSS__POOL_GLOBAL) return;
    write_pair(s, " ", l->kernel);
    if (memcmp(l->stride, l->kernel, sizeof l->stride) != 0) write_pair(s, " stride ", l->stride);
}

goss_status goss__word_rate(const goss__words *w, int i, double *out, goss_error *err) {
    char text[32];
    if (i >= w->n || w->size[i] >= (int)sizeof text) return goss__word_bad(w, i, err);
    memcpy(text, w->at[i], (size_t)w->size[i]);
    text[w->size[i]] = 0;
    if (!goss__number_parse(text, out) || !(*out >= 0 && *out < 1))
        return goss_error_set(err, GOSS_E_ARGUMENT, "dropout: \"%s\" is not a number in [0, 1)", text);
    return GOSS_OK;
}

static goss_status read_dropout(const goss__words *w, goss__layer *l, goss_error *err) {
    l->channels = goss__word_is(w, 2, "channels");
    if (w->n > 2 + l->channels) return goss__word_bad(w, 2, err);
    return goss__word_rate(w, 1, &l->rate, err);
}

static void write_dropout(const goss__layer *l, goss__str *s) {
    goss__str_addf(s, " %.9g%s", l->rate, l->channels ? " channels" : "");
}

/* ---- shifts ---- */

static goss_status read_shifts(const goss__words *w, goss__layer *l, goss_error *err) {
    int64_t pixels = 0;
    GOSS_TRY(goss__word_int(w, 1, 1, 1024, &pixels, err));
    l->pixels = (int)pixels;
    return w->n > 2 ? goss__word_bad(w, 2, err) : GOSS_OK;
}

static goss_status flow_shifts(const goss__layer *l, goss__flow *f, goss_error *err) {
    GOSS_TRY(want_image(f, "shifts", err));
    if (l->pixels < f->dim[0] && l->pixels < f->dim[1]) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "shifts: %d pixels are more than a map of %lld x %lld", l->pixels,
                          (long long)f->dim[0], (long long)f->dim[1]);
}

static void write_shifts(const goss__layer *l, goss__str *s) { goss__str_addf(s, " %d", l->pixels); }

/* ---- columns ---- */

/* "I" and "K..L", increasing, or "any [LOW]". */
static goss_status read_columns(const goss__words *w, goss__layer *l, goss_error *err) {
    int64_t next = 0;
    if (goss__word_is(w, 1, "any")) {
        l->low = 1;
        if (w->n > 2) GOSS_TRY(goss__word_int(w, 2, 1, GOSS__COLUMNS, &l->low, err));
        return w->n > 3 ? goss__word_bad(w, 3, err) : GOSS_OK;
    }
    if (w->n < 2) return goss__word_bad(w, 1, err);
    for (int i = 1; i < w->n; i++) {
        int64_t run[2];
        const char *end = w->at[i] + w->size[i];
        if (read_range(w->at[i], end, next, GOSS__COLUMNS - 1, run) != end)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "columns: \"%.*s\" is no column from %lld to %d: they are written in order, as I or "
                                  "I..J, counted from 0",
                                  w->size[i] > 60 ? 60 : w->size[i], w->at[i], (long long)next, GOSS__COLUMNS - 1);
        for (int64_t k = run[0]; k <= run[1]; k++) l->columns[k / 64] |= (uint64_t)1 << k % 64, l->out++;
        next = run[1] + 1;
    }
    return GOSS_OK;
}

bool goss__layer_columns_open(const goss__layer *l) { return goss__layer_is(l, "columns") && l->low > 0; }

static goss_status flow_columns(const goss__layer *l, goss__flow *f, goss_error *err) {
    int64_t needed = l->low;
    if (f->rank != 1) return goss_error_set(err, GOSS_E_ARGUMENT, "columns: the input is images, not features");
    for (int64_t k = 0; k < GOSS__COLUMNS; k++)
        if (goss__layer_has_column(l, k)) needed = k + 1;
    if (needed > f->dim[0])
        return goss_error_set(err, GOSS_E_ARGUMENT, "columns: the input has %lld columns, not %lld",
                              (long long)f->dim[0], (long long)needed);
    if (f->dim[0] > GOSS__COLUMNS)
        return goss_error_set(err, GOSS_E_ARGUMENT, "columns: %lld columns of the input are more than %d",
                              (long long)f->dim[0], GOSS__COLUMNS);
    if (!l->low) f->dim[0] = l->out;
    return GOSS_OK;
}

static void write_columns(const goss__layer *l, goss__str *s) {
    if (l->low) goss__str_addf(s, l->low > 1 ? " any %lld" : " any", (long long)l->low);
    for (int64_t i = 0, end; !l->low && i < GOSS__COLUMNS; i = end + 1) {
        for (end = i; end < GOSS__COLUMNS && goss__layer_has_column(l, end);) end++;
        if (end > i) goss__str_addf(s, end > i + 1 ? " %lld..%lld" : " %lld", (long long)i, (long long)end - 1);
    }
}

/* ---- the table ---- */

#define ACTIVATION(name, variance)                                                                                     \
    {                                                                                                                  \
        .word = #name, .usage = #name, .activation = true, .keeps_padding = true, .gain2 = variance,                   \
        .apply = goss__apply_##name                                                                                    \
    }

static const goss__layer_kind kinds[] = {
    {.word = "conv",
     .usage = "conv C K [stride S] [pad P] [dilation D] [groups G]",
     .product = true,
     .site = true,
     .kernel_word = 2,
     .read = read_conv,
     .flow = flow_conv,
     .write = write_conv,
     .apply = goss__apply_conv},
    {.word = "dense",
     .usage = "dense D",
     .product = true,
     .site = true,
     .read = read_dense,
     .flow = flow_dense,
     .write = write_dense,
     .apply = goss__apply_dense},
    {.word = "head", .usage = "head", .product = true, .flow = flow_dense, .apply = goss__apply_dense},
    {.word = "norm",
     .usage = "norm batch | layer | instance | group G",
     .whole = whole_norm,
     .site = true,
     .read = read_norm,
     .flow = flow_norm,
     .write = write_norm,
     .apply = goss__apply_norm},
    {.word = "pool",
     .usage = "pool max K [stride S] | pool avg K [stride S] | pool global",
     .read = read_pool,
     .flow = flow_pool,
     .write = write_pool,
     .apply = goss__apply_pool},
    {.word = "flatten",
     .usage = "flatten",
     .whole = whole_flatten,
     .fixed_steps = true,
     .flow = flow_flatten,
     .apply = goss__apply_flatten},
    {.word = "dropout",
     .usage = "dropout P [channels]",
     .keeps_padding = true,
     .read = read_dropout,
     .write = write_dropout,
     .apply = goss__apply_dropout},
    {.word = "shifts",
     .usage = "shifts P",
     .read = read_shifts,
     .flow = flow_shifts,
     .write = write_shifts,
     .apply = goss__apply_shifts},
    {.word = "columns",
     .usage = "columns I J K..L | columns any [LOW]",
     .read = read_columns,
     .flow = flow_columns,
     .write = write_columns,
     .apply = goss__apply_columns},
    ACTIVATION(relu, 2),
    ACTIVATION(gelu, 2),
    ACTIVATION(silu, 2),
    ACTIVATION(tanh, 1),
    ACTIVATION(elu, 2),
    ACTIVATION(leaky, 2),
    {.word = "residual", .usage = "residual { ... }", .marks = GOSS__OPENS},
    {.word = "shortcut", .usage = "shortcut { ... }", .marks = GOSS__TURNS},
    {.word = "beside", .usage = "beside { ... }", .marks = GOSS__OPENS},
    {.word = "optional", .usage = "optional { ... }", .marks = GOSS__OPENS},
    {.word = "choose", .usage = "choose { ... } or { ... }", .marks = GOSS__OPENS},
    {.word = "or", .usage = "or { ... }", .marks = GOSS__TURNS},
    {.word = "end", .usage = "}", .marks = GOSS__CLOSES},
};

/* All kinds, in the order of their numbers. */
static const struct {
    const goss__layer_kind *kind;
    int n;
} tables[] = {{kinds, sizeof kinds / sizeof *kinds},
              {goss__sequence_kinds, GOSS__SEQUENCE_KINDS},
              {goss__cell_kinds, GOSS__CELL_KINDS},
              {&goss__pairs_kind, 1}};
enum { TABLES = sizeof tables / sizeof *tables };

const goss__layer_kind *goss__layer_kind_find(const char *word, int size) {
    for (int t = 0; t < TABLES; t++)
        for (int i = 0; i < tables[t].n; i++) {
            const goss__layer_kind *k = &tables[t].kind[i];
            if ((int)strlen(k->word) == size && memcmp(k->word, word, (size_t)size) == 0) return k;
        }
    return NULL;
}

int goss__layer_kinds(void) {
    int n = 0;
    for (int t = 0; t < TABLES; t++) n += tables[t].n;
    return n;
}

int goss__layer_kind_number(const goss__layer_kind *k) {
    int before = 0;
    for (int t = 0; t < TABLES; before += tables[t++].n)
        for (int i = 0; i < tables[t].n; i++)
            if (&tables[t].kind[i] == k) return before + i;
    return -1; /* no row of any table */
}

bool goss__layer_is(const goss__layer *l, const char *word) { return strcmp(l->kind->word, word) == 0; }
bool goss__layer_keeps_input(const goss__layer *l) {
    return goss__layer_is(l, "residual") || goss__layer_is(l, "beside");
}
