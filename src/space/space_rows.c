/* SPDX-License-Identifier: Apache-2.0 */
/* space_rows.c: a structure as rows, one a layer of the space, and as text for people. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "space/space_rows.h"

/* ---- what is said of a layer ---- */

static const goss__gate_group *group_at(const goss_space *s, int layer, goss_gate_of of) {
    for (int i = 0; i < s->t->n_groups; i++)
        if (s->t->groups[i].layer == layer && s->t->groups[i].info.of == of) return &s->t->groups[i];
    return NULL;
}

/* The gates of the units that a layer makes, also where another one that they meet in a sum came first. */
static const goss__unit_choice *units_of(const goss_space *s, const goss__layer *l) {
    const bool makes = (l->kind->product && !goss__layer_is(l, "head")) || goss__layer_columns_open(l);
    const int group = goss__layer_open_units(l);
    return makes && group >= 0 && s->t->unit_choice[group].count ? &s->t->unit_choice[group] : NULL;
}

/* What people count: units, or heads of several. */
static int64_t unit_width(const goss__layer *l) { return l->inner >= 0 ? goss__layer_head_width(l) : 1; }

static int64_t all_units(const goss_space *s, const goss__layer *l) {
    return goss_target_units_count(s->t, goss__layer_open_units(l)) / unit_width(l);
}

static int64_t living_units(const goss_space *s, const goss__layer *l, const float *structure) {
    const goss__unit_choice *c = units_of(s, l);
    int64_t places = c->core;
    for (int i = 0; i < c->count; i++) places += structure[c->gate + i] != 0 ? c->step : 0;
    return places * all_units(s, l) / c->per;
}

static void say_kernel(const goss_space *s, const goss__layer *l, const float *structure, char *out, size_t size) {
    const goss__gate_group *g = group_at(s, (int)(l - s->t->layers), GOSS_GATE_KERNEL);
    const int *now = l->kernels[goss__structure_open(structure, &g->info)];
    snprintf(out, size, "%dx%d of %dx%d", now[0], now[1], l->kernel[0], l->kernel[1]);
}

static void say_choice(const goss_space *s, int layer, const float *structure, char *out, size_t size) {
    const goss__gate_group *g = group_at(s, layer, GOSS_GATE_CHOICE);
    for (int i = 0; i < g->info.count; i++) {
        const char *name = s->names[g->info.first + i], *dot = strchr(name, '.');
        if (structure[g->info.first + i] != 0) snprintf(out, size, "%s", dot ? dot + 1 : name);
    }
}

static void say(const goss_space *s, int layer, const float *structure, goss__row *r) {
    const goss__layer *l = &s->t->layers[layer];
    char kernel[48] = "", units[64] = "";
    const goss__unit_choice *c = units_of(s, l);
    if (c)
        snprintf(units, sizeof units, "%lld of %lld", (long long)living_units(s, l, structure),
                 (long long)all_units(s, l));
    if (l->n_kernels) say_kernel(s, l, structure, kernel, sizeof kernel);
    if (!r->there)
        snprintf(r->kept, sizeof r->kept, "dropped");
    else if (goss__layer_is(l, "optional"))
        snprintf(r->kept, sizeof r->kept, "%s", structure[l->gate] != 0 ? "kept" : "dropped");
    else if (goss__layer_is(l, "choose"))
        say_choice(s, layer, structure, r->kept, sizeof r->kept);
    else
        snprintf(r->kept, sizeof r->kept, "%s%s%s", units, *units && *kernel ? ", " : "", kernel);
}

/* Every unit, or with many every stretch of them: 1 lives, 0 does not, 0.5: some do. Where a group norm makes several
 * parts lose the same units, those of one part. */
static void mark_units(const goss_space *s, const goss__layer *l, const float *structure, goss__row *r) {
    const goss__unit_choice *c = units_of(s, l);
    if (!c || !r->there) return;
    const int64_t each = unit_width(l), all = c->per / each;
    r->cells = (int)(all < GOSS__ROW_CELLS ? all : GOSS__ROW_CELLS);
    for (int k = 0; k < r->cells; k++) {
        const int64_t from = k * all / r->cells, to = (k + 1) * all / r->cells;
        int64_t open = 0;
        for (int64_t i = from; i < to; i++) {
            open += i * each < c->core || structure[c->gate + (i * each - c->core) / c->step] != 0;
        }
        r->cell[k] = open == to - from ? 1 : open ? 0.5f : 0;
    }
}

/* ---- rows ---- */

static bool add_row(goss__rows *rows, const goss__row *r) {
    goss__row *grown = goss__realloc(rows->row, (size_t)(rows->n + 1) * sizeof *grown);
    if (!grown) return false;
    rows->row = grown;
    rows->row[rows->n++] = *r;
    return true;
}

static void label(const goss__layer *l, goss__row *r) {
    goss__str words = {0};
    const bool closes = l->kind->marks == GOSS__CLOSES;
    if (l->kind->write) l->kind->write(l, &words);
    snprintf(r->label, sizeof r->label, "%s%s%s", closes ? "}" : l->kind->word, words.data ? words.data : "",
             l->kind->marks && !closes ? " {" : "");
    goss__str_free(&words);
}

static bool add_layer(const goss_space *s, int layer, const float *structure, const float *all, int64_t outputs,
                      int depth, goss__rows *rows) {
    const goss__layer *l = &s->t->layers[layer];
    goss__row r = {.depth = depth, .there = goss__structure_has(s->t, structure, l->inside)};
    label(l, &r);
    if (l->kind->marks != GOSS__CLOSES && !goss__layer_is(l, "or")) say(s, layer, structure, &r);
    mark_units(s, l, structure, &r);
    goss__space_layer_cost(s, structure, outputs, layer, &r.bytes, &r.macs);
    goss__space_layer_cost(s, all, outputs, layer, &r.all_bytes, &r.all_macs);
    return add_row(rows, &r);
}

static bool add_head(const goss_space *s, const float *structure, const float *all, int64_t outputs, goss__rows *rows) {
    goss__row r = {.there = true};
    if (s->t->outputs || outputs <= 0) return true;
    snprintf(r.label, sizeof r.label, "head of %lld", (long long)outputs);
    goss__space_layer_cost(s, structure, outputs, s->t->n_layers, &r.bytes, &r.macs);
    goss__space_layer_cost(s, all, outputs, s->t->n_layers, &r.all_bytes, &r.all_macs);
    return add_row(rows, &r);
}

bool goss__space_rows(const goss_space *s, const float *structure, int64_t outputs, goss__rows *rows) {
    float *all = goss__alloc((size_t)(s->t->n_gates + 1) * sizeof *all);
    bool ok = all != NULL;
    int depth = 0;
    *rows = (goss__rows){0};
    for (int i = 0; ok && i < s->t->n_gates; i++) all[i] = 1;
    for (int i = 0; ok && i < s->t->n_layers; i++) {
        const int marks = s->t->layers[i].kind->marks;
        depth -= marks == GOSS__TURNS || marks == GOSS__CLOSES;
        ok = add_layer(s, i, structure, all, outputs, depth, rows);
        depth += marks == GOSS__TURNS || marks == GOSS__OPENS;
    }
    ok = ok && add_head(s, structure, all, outputs, rows);
    if (ok) {
        goss_space_dearest(s, all);
        rows->all = goss_space_cost_of(s, all, outputs);
        rows->sum = goss_space_cost_of(s, structure, outputs);
    }
    goss__free(all);
    if (!ok) goss__free(rows->row);
    return ok;
}

/* ---- text ---- */

static void add_cells(goss__str *text, const goss__row *r) {
    for (int k = 0; k < r->cells; k++) goss__str_add(text, r->cell[k] == 1 ? "#" : r->cell[k] > 0 ? "+" : ".");
}

static int longest(const goss__rows *rows) {
    int width = 10;
    for (int i = 0; i < rows->n; i++) {
        const int n = 2 * rows->row[i].depth + (int)strlen(rows->row[i].label);
        if (n > width) width = n;
    }
    return width;
}

static void add_share(goss__str *text, const char *what, int64_t part, int64_t all) {
    goss__str_addf(text, "%s %lld of %lld (%.0f %%)", what, (long long)part, (long long)all,
                   all > 0 ? 100 * (double)part / (double)all : 100);
}

char *goss_space_draw(const goss_space *s, const float *structure, int64_t outputs) {
    goss__rows rows;
    goss__str text = {0};
    if (!goss__space_rows(s, structure, outputs, &rows)) return NULL;
    const int width = longest(&rows);
    goss__str_addf(&text, "%-*s  %-22s %9s %9s %11s %11s\n", width, "", "kept", "bytes", "of", "MACs", "of");
    for (int i = 0; i < rows.n; i++) {
        const goss__row *r = &rows.row[i];
        goss__str_addf(&text, "%*s%-*s  %-22s", 2 * r->depth, "", width - 2 * r->depth, r->label, r->kept);
        if (r->all_bytes || r->all_macs)
            goss__str_addf(&text, " %9lld %9lld %11lld %11lld", (long long)r->bytes, (long long)r->all_bytes,
                           (long long)r->macs, (long long)r->all_macs);
        if (r->cells) goss__str_add(&text, "  ");
        add_cells(&text, r);
        while (text.size && text.data[text.size - 1] == ' ') text.data[--text.size] = 0;
        goss__str_add(&text, "\n");
    }
    add_share(&text, "bytes", rows.sum.bytes, rows.all.bytes);
    add_share(&text, ", MACs", rows.sum.macs, rows.all.macs);
    add_share(&text, ", bytes of RAM", rows.sum.ram, rows.all.ram);
    goss__str_add(&text, "\n");
    char *copy = text.failed ? NULL : goss__strdup(text.data);
    goss__str_free(&text);
    goss__free(rows.row);
    return copy;
}
