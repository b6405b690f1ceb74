/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue_text.c: a catalogue as lines of a key and cells separated by tabs, and back. Numbers have seven digits;
 * tags of an item are one character each: 1, 0, or ? where nothing is known. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/text.h"
#include "recommend/recommend.h"

enum { MOST_ITEMS = 1 << 26, MOST_FACTORS = 64, MOST_FEATURES = 1 << 16, MOST_EMBEDDING = 1 << 16 };

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the text of a catalogue");
}

/* ---- writing ---- */

/* Bytes that are no UTF-8 are kept by an escape; those that separate cells become blanks, which only names can have. */
static void put_text(goss__str *s, const char *text) {
    const size_t at = s->size;
    goss__str_add_escaped(s, text, GOSS_TEXT_UTF8);
    for (size_t i = at; !s->failed && i < s->size; i++)
        if (s->data[i] == '\t' || s->data[i] == '\n' || s->data[i] == '\r') s->data[i] = ' ';
}

static void put_line(goss__str *s, const char *key, const char *text) {
    goss__str_addf(s, "%s\t", key);
    put_text(s, text);
    goss__str_add(s, "\n");
}

static void put_numbers(goss__str *s, const char *key, const double *v, size_t n) {
    goss__str_add(s, key);
    for (size_t i = 0; i < n; i++) goss__str_addf(s, "\t%.7g", v[i]);
    goss__str_add(s, "\n");
}

static const char *const kind_names[] = {
    [GOSS__FEATURE_TAG] = "tag", [GOSS__FEATURE_NUMBER] = "number", [GOSS__FEATURE_YEAR] = "year"};
enum { KINDS = sizeof kind_names / sizeof *kind_names };

static void put_feature(goss__str *s, const goss__feature *x) {
    goss__str_addf(s, "feature\t%s\t%.7g\t%.7g\t", kind_names[x->kind], x->mean, x->deviation);
    put_text(s, x->column);
    goss__str_add(s, "\t");
    put_text(s, x->tag ? x->tag : "");
    goss__str_add(s, "\n");
}

static void put_item(goss__str *s, const goss_catalogue *c, int item) {
    const size_t i = (size_t)item, d = (size_t)(c->factors + 1);
    const float *f = c->feature + i * (size_t)c->features;
    put_text(s, c->ids.text[item]);
    goss__str_add(s, "\t");
    put_text(s, c->name[item] ? c->name[item] : "");
    goss__str_addf(s, "\t%.0f\t%.6g\t", (double)c->count[i], c->level ? (double)c->level[i] : 0.0);
    for (int k = 0; k < c->features; k++)
        if (c->seen[k].kind == GOSS__FEATURE_TAG) goss__str_add(s, f[k] == 0 ? "?" : f[k] > 0 ? "1" : "0");
    for (int k = 0; k < c->features; k++)
        if (c->seen[k].kind != GOSS__FEATURE_TAG) goss__str_addf(s, "\t%.7g", (double)f[k]);
    for (size_t j = 0; j < d; j++) goss__str_addf(s, "\t%.7g", c->v[i * d + j]);
    for (size_t j = 0; j < d; j++) goss__str_addf(s, "\t%.4g", c->spread[i * d + j]);
    for (int k = c->first ? c->first[i] : 0; c->first && k < c->first[i + 1]; k++)
        goss__str_addf(s, "\t%d %.3f", c->rater[k], (double)c->left[k]);
    goss__str_add(s, "\n");
}

static goss_status put_ridge(goss__str *s, const goss_catalogue *c, goss_error *err) {
    char *text;
    if (!c->ridge) return GOSS_OK;
    GOSS_TRY(goss_baselines_text(c->ridge, &text, err));
    put_line(s, "ridge", text);
    goss_text_free(text);
    return GOSS_OK;
}

static goss_status put_descriptors(goss__str *s, const goss_catalogue *c, goss_error *err) {
    char *text;
    if (!c->described || c->described_in_training) return GOSS_OK;
    GOSS_TRY(goss_descriptors_text(c->described, &text, err));
    put_line(s, "descriptors", text);
    goss_text_free(text);
    return GOSS_OK;
}

goss_status goss_catalogue_text(const goss_catalogue *c, char **text, goss_error *err) {
    static const char *const column[] = {"user", "item", "rating", "time"};
    goss__str s = {0};
    const size_t d = (size_t)(c->factors + 1);
    goss__str_addf(&s, "catalogue\t1\n");
    if (c->embedding) goss__str_addf(&s, "embedding\t%d\n", c->embedding);
    goss__str_addf(&s, "kept\t%d\nsizes\t%d\t%d\t%d\nsupport\t%d\t%d\n", c->first ? c->first[c->items] : 0, c->items,
                   c->factors, c->features, c->support, c->most_support);
    put_line(&s, "objective", c->objective->name);
    put_line(&s, "metrics", c->metrics);
    put_line(&s, "order", c->order);
    if (c->clicks) goss__str_addf(&s, "clicks\t%d", c->negatives);
    if (c->clicks && !isnan(c->click)) goss__str_addf(&s, "\t%.17g", c->click);
    if (c->clicks) goss__str_add(&s, "\n");
    for (int i = 0; i < GOSS_RATINGS_COLUMNS; i++)
        if (c->column[i]) put_line(&s, column[i], c->column[i]);
    put_numbers(&s, "numbers",
                (double[]){c->mean, c->deviation, c->noise, c->user_prior, c->item_damping, c->user_damping}, 6);
    if (!isnan(c->lowest)) put_numbers(&s, "range", (double[]){c->lowest, c->highest}, 2);
    put_numbers(&s, "prior", c->prior, d);
    put_numbers(&s, "weights", c->from_features, d * (size_t)(c->features + 1));
    for (int which = 0; which < 2; which++) {
        goss__str_add(&s, which ? "scale" : "centre");
        for (int j = 0; j < GOSS__SEEN_NUMBERS + c->factors; j++)
            goss__str_addf(&s, "\t%.9g", (double)(which ? c->scale : c->centre)[j]);
        goss__str_add(&s, "\n");
    }
    for (int i = 0; i < c->features; i++) put_feature(&s, &c->seen[i]);
    goss_status status = put_ridge(&s, c, err);
    if (status == GOSS_OK) status = put_descriptors(&s, c, err);
    goss__str_add(&s, "items\n");
    for (int i = 0; i < c->items; i++) put_item(&s, c, i);
    if (status == GOSS_OK && s.failed) status = no_memory(err);
    *text = status == GOSS_OK ? s.data : NULL;
    if (status != GOSS_OK) goss__str_free(&s);
    return status;
}

/* ---- reading ---- */

/* The text, of which lines and cells are cut off from the front. */
typedef struct reader {
    char *at, *cell;  /* the next line; the next cell of this one, NULL: none */
    bool bad, memory; /* memory: there was none */
} reader;

static bool next_line(reader *r) {
    if (!*r->at) return false;
    r->cell = r->at;
    r->at += strcspn(r->at, "\n");
    if (*r->at) *r->at++ = 0;
    return true;
}

static char *next_cell(reader *r) {
    char *cell = r->cell;
    if (!cell) {
        r->bad = true;
        return "";
    }
    char *end = cell + strcspn(cell, "\t");
    r->cell = *end ? end + 1 : NULL;
    *end = 0;
    return cell;
}

static char *next_text(reader *r) {
    char *cell = next_cell(r);
    if (*cell) goss__text_unescape(cell);
    return cell;
}

static double next_number(reader *r) {
    double v = 0;
    if (!goss__number_parse(next_cell(r), &v)) r->bad = true;
    return v;
}

static int next_count(reader *r, int most) {
    const double v = next_number(r);
    if (v >= 0 && v <= most && v == floor(v)) return (int)v;
    r->bad = true;
    return 0;
}

static void next_numbers(reader *r, double *out, size_t n) {
    for (size_t i = 0; i < n && !r->bad; i++) out[i] = next_number(r);
}

static void next_floats(reader *r, float *out, size_t n) {
    for (size_t i = 0; i < n && !r->bad; i++) out[i] = (float)next_number(r);
}

static char *keep(reader *r) {
    char *own = goss__strdup(next_text(r));
    r->memory |= !own;
    return own;
}

static bool reserve(goss_catalogue *c) {
    const size_t n = (size_t)c->items + 1, d = (size_t)(c->factors + 1), m = (size_t)c->features;
    c->width = goss__catalogue_width(c);
    c->name = goss__calloc(n, sizeof *c->name);
    c->count = goss__calloc(n, sizeof *c->count), c->level = goss__calloc(n, sizeof *c->level);
    c->feature = goss__calloc(n * (m ? m : 1), sizeof *c->feature);
    c->v = goss__calloc(n * d, sizeof *c->v), c->spread = goss__calloc(n * d, sizeof *c->spread);
    c->prior = goss__calloc(d, sizeof *c->prior);
    c->from_features = goss__calloc(d * (m + 1), sizeof *c->from_features);
    c->centre = goss__calloc((size_t)c->width, sizeof *c->centre);
    c->scale = goss__calloc((size_t)c->width, sizeof *c->scale);
    c->seen = goss__calloc(m + 1, sizeof *c->seen);
    if (c->kept && !(c->first = goss__calloc(n, sizeof *c->first))) return false;
    return c->name && c->count && c->level && c->feature && c->v && c->spread && c->prior && c->from_features &&
           c->centre && c->scale && c->seen;
}

static void read_feature(reader *r, goss__feature *x) {
    const char *kind = next_cell(r);
    int k = 0;
    while (k < KINDS && strcmp(kind, kind_names[k]) != 0) k++;
    r->bad |= k == KINDS;
    x->kind = (goss__feature_kind)(k % KINDS), x->mean = next_number(r), x->deviation = next_number(r);
    r->bad |= !(x->deviation > 0);
    x->column = keep(r), x->tag = keep(r);
}

/* The rest of an item's line: "USER LEFT" a cell. */
static void read_raters(reader *r, goss_catalogue *c, int item) {
    int at = c->first[item];
    for (; !r->bad && r->cell; at++) {
        char *cell = next_cell(r), *left = strchr(cell, ' ');
        double user = 0, value = 0;
        if (left) *left++ = 0;
        r->bad |= !left || at == c->kept || !goss__number_parse(cell, &user) || !goss__number_parse(left, &value) ||
                  !(user >= 0 && user <= INT32_MAX) || (at > c->first[item] && (int32_t)user <= c->rater[at - 1]);
        if (!r->bad) c->rater[at] = (int32_t)user, c->left[at] = (float)value;
    }
    c->first[item + 1] = at;
}

static void read_item(reader *r, goss_catalogue *c, int item) {
    const size_t i = (size_t)item, d = (size_t)(c->factors + 1);
    float *f = c->feature + i * (size_t)c->features;
    const int32_t code = goss__dictionary_add(&c->ids, next_text(r));
    r->memory |= code < 0, r->bad |= code != item;
    const char *name = next_text(r);
    if (*name) r->memory |= !(c->name[item] = goss__strdup(name));
    c->count[i] = (float)next_number(r), c->level[i] = (float)next_number(r);
    const char *tags = next_cell(r);
    for (int k = 0; k < c->features; k++)
        if (c->seen[k].kind == GOSS__FEATURE_TAG) {
            r->bad |= !*tags;
            f[k] = *tags == '?' ? 0 : (float)((*tags == '1') - c->seen[k].mean);
            tags += *tags != 0;
        }
    for (int k = 0; k < c->features; k++)
        if (c->seen[k].kind != GOSS__FEATURE_TAG) f[k] = (float)next_number(r);
    next_numbers(r, c->v + i * d, d), next_numbers(r, c->spread + i * d, d);
    if (c->first) read_raters(r, c, item);
    r->bad |= r->cell != NULL;
}

static goss_status read_ridge(reader *r, goss_catalogue *c, goss_error *err) {
    goss_baselines_free(c->ridge);
    c->ridge = NULL;
    GOSS_TRY(goss_baselines_parse(next_text(r), &c->ridge, err));
    r->bad |= goss_baselines_width(c->ridge) != c->factors + c->features;
    return GOSS_OK;
}

static goss_status read_descriptors(reader *r, goss_catalogue *c, goss_error *err) {
    goss_descriptors_free(c->described);
    c->described = NULL;
    return goss_descriptors_parse(next_text(r), &c->described, err);
}

static void read_sizes(reader *r, goss_catalogue *c) {
    r->bad |= c->name != NULL;
    c->items = next_count(r, MOST_ITEMS), c->factors = next_count(r, MOST_FACTORS);
    c->features = next_count(r, MOST_FEATURES);
    /* Every item has a line: the text bounds what is reserved. */
    if (!r->bad && (size_t)c->items > strlen(r->at)) r->bad = true;
    if (!r->bad && !reserve(c)) r->memory = true;
}

/* The number of ratings that neighbours are sought among, which are behind the items; before the sizes. */
static void read_kept(reader *r, goss_catalogue *c) {
    r->bad |= c->kept > 0 || c->name;
    c->kept = next_count(r, INT32_MAX);
    if (!r->bad && (size_t)c->kept > strlen(r->at)) r->bad = true;
    if (r->bad || c->kept == 0) return;
    c->rater = goss__calloc((size_t)c->kept, sizeof *c->rater),
    c->left = goss__calloc((size_t)c->kept, sizeof *c->left);
    r->memory |= !c->rater || !c->left;
}

static void read_numbers(reader *r, goss_catalogue *c) {
    double *const to[] = {&c->mean, &c->deviation, &c->noise, &c->user_prior, &c->item_damping, &c->user_damping};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) *to[i] = next_number(r);
    r->bad |= !(c->deviation > 0 && c->noise > 0);
    c->scale_of_target[0] = (float)c->mean, c->scale_of_target[1] = (float)c->deviation;
}

/* One line before the items. */
static goss_status read_line(reader *r, goss_catalogue *c, int *features, goss_error *err) {
    static const char *const column[GOSS_RATINGS_COLUMNS] = {"user", "item", "rating", "time"};
    const char *key = next_cell(r);
    const size_t d = (size_t)(c->factors + 1), seen = (size_t)(GOSS__SEEN_NUMBERS + c->factors);
    for (int i = 0; i < GOSS_RATINGS_COLUMNS; i++)
        if (strcmp(key, column[i]) == 0 && !c->column[i]) c->column[i] = keep(r);
    if (strcmp(key, "kept") == 0) {
        read_kept(r, c);
        return GOSS_OK;
    }
    if (strcmp(key, "embedding") == 0) { /* before the sizes */
        r->bad |= c->name || c->embedding;
        c->embedding = next_count(r, MOST_EMBEDDING);
        return GOSS_OK;
    }
    if (strcmp(key, "sizes") == 0) {
        read_sizes(r, c);
        return GOSS_OK;
    }
    if (strcmp(key, "objective") == 0) return goss_objective_find(next_text(r), &c->objective, err);
    if (strcmp(key, "descriptors") == 0) return read_descriptors(r, c, err);
    if (strcmp(key, "metrics") == 0 && !c->metrics) c->metrics = keep(r);
    if (strcmp(key, "order") == 0 && !c->order) c->order = keep(r);
    if (strcmp(key, "clicks") == 0)
        c->clicks = true, c->negatives = next_count(r, 1000), c->click = r->cell ? next_number(r) : (double)NAN;
    if (strcmp(key, "support") == 0) c->support = next_count(r, 1 << 30), c->most_support = next_count(r, 1 << 30);
    if (strcmp(key, "numbers") == 0) read_numbers(r, c);
    if (strcmp(key, "range") == 0) c->lowest = next_number(r), c->highest = next_number(r);
    if (!c->name) return GOSS_OK; /* the rest needs sizes */
    if (strcmp(key, "prior") == 0) next_numbers(r, c->prior, d);
    if (strcmp(key, "weights") == 0) next_numbers(r, c->from_features, d * (size_t)(c->features + 1));
    if (strcmp(key, "centre") == 0) next_floats(r, c->centre, seen);
    if (strcmp(key, "scale") == 0) next_floats(r, c->scale, seen);
    if (strcmp(key, "feature") == 0 && *features < c->features) read_feature(r, &c->seen[(*features)++]);
    return strcmp(key, "ridge") == 0 ? read_ridge(r, c, err) : GOSS_OK;
}

static bool is_complete(const goss_catalogue *c, int features) {
    for (int j = 0; j < GOSS__SEEN_NUMBERS + c->factors; j++)
        if (!(c->scale[j] > 0)) return false;
    return c->metrics && c->order && c->objective && !c->objective->classes && c->column[GOSS_RATINGS_ITEM] &&
           c->column[GOSS_RATINGS_USER] && (c->column[GOSS_RATINGS_RATING] || c->clicks) && c->deviation > 0 &&
           features == c->features;
}

static goss_status read_all(reader *r, goss_catalogue *c, goss_error *err) {
    int features = 0, items = 0;
    bool in_items = false;
    while (!r->bad && !r->memory && next_line(r)) {
        if (in_items) {
            if (items == c->items) break;
            read_item(r, c, items++);
        } else if (strcmp(r->cell, "items") == 0) {
            in_items = true;
            if (!c->name || !is_complete(c, features)) break;
            for (int j = GOSS__SEEN_NUMBERS + c->factors; j < c->width; j++) c->scale[j] = 1;
        } else {
            GOSS_TRY(read_line(r, c, &features, err));
        }
    }
    if (r->memory) return no_memory(err);
    r->bad |= c->first && c->first[c->items] != c->kept;
    if (!r->bad && in_items && c->name && items == c->items && is_complete(c, features) && !*r->at) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "the model's catalogue of items is damaged%s", in_items ? "" : " or cut");
}

goss_status goss_catalogue_parse(const char *text, goss_catalogue **out, goss_error *err) {
    static const char head[] = "catalogue\t1\n";
    *out = NULL;
    if (!text || strncmp(text, head, sizeof head - 1) != 0)
        return goss_error_set(err, GOSS_E_FORMAT, "the model has no catalogue of items, or one of a later version");
    char *own = goss__strdup(text + sizeof head - 1);
    goss_catalogue *c = goss__calloc(1, sizeof *c);
    goss_status s = own && c ? GOSS_OK : no_memory(err);
    if (c) c->click = c->lowest = c->highest = NAN;
    if (s == GOSS_OK) s = read_all(&(reader){.at = own}, c, err);
    goss__free(own);
    if (s == GOSS_OK)
        *out = c;
    else
        goss_catalogue_free(c);
    return s;
}
