/* SPDX-License-Identifier: Apache-2.0 */
/* space.c: a space of networks: its gates by name, and structures as vectors and as text. */
#include "space/space.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

/* ---- names ---- */

static int number_of(const goss__gate_group *g, int gate) { return gate - g->info.first; }

/* "16..23" of the units that a gate decides about; with several parts of a norm those of the first one. */
static void name_units(const goss_target *t, const goss__gate_group *g, int gate, char *out, size_t size) {
    const goss__layer *l = &t->layers[g->layer];
    const goss__unit_choice *c = &t->unit_choice[goss__layer_open_units(l)];
    const int64_t each = l->inner >= 0 ? goss__layer_head_width(l) : 1, step = c->step / each;
    const int64_t first = c->core / each + number_of(g, gate) * step, last = first + step - 1;
    const char *what = l->inner >= 0 ? "heads" : "units";
    if (first == last)
        snprintf(out, size, "%s.%s[%lld]", l->name, what, (long long)first);
    else
        snprintf(out, size, "%s.%s[%lld..%lld]", l->name, what, (long long)first, (long long)last);
}

static void name_kernel(const goss_target *t, const goss__gate_group *g, int gate, char *out, size_t size) {
    const goss__layer *l = &t->layers[g->layer];
    const int *k = l->kernels[number_of(g, gate) + 1];
    snprintf(out, size, "%s.kernel[%dx%d]", l->name, k[0], k[1]);
}

static void name_skip(const goss_target *t, const goss__gate_group *g, int gate, char *out, size_t size) {
    (void)gate;
    snprintf(out, size, "%s", t->layers[g->layer].name);
}

/* The first layer of alternative k; NULL: it is empty. */
static const goss__layer *alternative(const goss_target *t, int choose, int k) {
    int depth = 0, path = 0;
    for (int i = choose; i < t->n_layers; i++) {
        const goss__layer *l = &t->layers[i];
        depth += (l->kind->marks == GOSS__OPENS) - (l->kind->marks == GOSS__CLOSES);
        path += depth == 1 && goss__layer_is(l, "or");
        if (depth == 0 || path > k) break;
        if (path == k && !(depth == 1 && (i == choose || goss__layer_is(l, "or")))) return l;
    }
    return NULL;
}

/* "choice1.pool-max-2" */
static void name_choice(const goss_target *t, const goss__gate_group *g, int gate, char *out, size_t size) {
    const goss__layer *l = alternative(t, g->layer, number_of(g, gate));
    goss__str words = {0};
    if (l && l->kind->write) l->kind->write(l, &words);
    snprintf(out, size, "%s.%s%.30s", t->layers[g->layer].name, l ? l->kind->word : "none",
             words.data ? words.data : "");
    if (words.failed) out[0] = 0;
    goss__str_free(&words);
    for (char *p = out; *p; p++)
        if (*p == ' ') *p = '-';
}

static void name_column(const goss_target *t, const goss__gate_group *g, int gate, char *out, size_t size) {
    snprintf(out, size, "%s.%d", t->layers[g->layer].name, number_of(g, gate));
}

static void (*const name_of[])(const goss_target *t, const goss__gate_group *g, int gate, char *out,
                               size_t size) = {[GOSS_GATE_UNITS] = name_units,
                                               [GOSS_GATE_KERNEL] = name_kernel,
                                               [GOSS_GATE_SKIP] = name_skip,
                                               [GOSS_GATE_CHOICE] = name_choice,
                                               [GOSS_GATE_COLUMN] = name_column};

int goss__space_group_of(const goss_space *s, int gate) {
    int low = 0, high = s->t->n_groups - 1;
    while (low < high) {
        const int middle = (low + high + 1) / 2;
        if (s->t->groups[middle].info.first <= gate)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* Two alternatives may begin alike: "choice1.conv-8-3" and "choice1.conv-8-3#2". */
static bool name_gate(goss_space *s, int gate) {
    char name[96];
    const goss__gate_group *g = &s->t->groups[goss__space_group_of(s, gate)];
    name_of[g->info.of](s->t, g, gate, name, sizeof name - 16);
    int same = 1;
    const size_t n = strlen(name);
    if (n == 0) return false; /* no memory */
    for (int i = g->info.first; g->info.of == GOSS_GATE_CHOICE && i < gate; i++)
        same += strncmp(s->names[i], name, n) == 0 && (s->names[i][n] == 0 || s->names[i][n] == '#');
    if (same > 1) snprintf(name + n, 16, "#%d", same);
    return (s->names[gate] = goss__strdup(name)) != NULL;
}

/* ---- the space ---- */

void goss_space_free(goss_space *s) {
    if (!s) return;
    for (int i = 0; s->names && i < s->t->n_gates; i++) goss__free(s->names[i]);
    goss__free(s->names);
    goss__free(s->terms);
    goss__free(s);
}

goss_status goss_space_create(const goss_target *target, goss_space **out, goss_error *err) {
    return goss_space_create_stored(target, GOSS_WEIGHTS_F32, out, err);
}

goss_status goss_space_create_stored(const goss_target *target, goss_weight_precision stored, goss_space **out,
                                     goss_error *err) {
    *out = NULL;
    goss_space *s = goss__calloc(1, sizeof *s);
    if (!s) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a space");
    s->t = target, s->stored = stored;
    s->names = goss__calloc((size_t)target->n_gates + 1, sizeof *s->names);
    bool named = s->names != NULL;
    for (int i = 0; named && i < target->n_gates; i++) named = name_gate(s, i);
    goss_status status =
        named ? goss__space_terms(s, err) : goss_error_set(err, GOSS_E_NOMEM, "out of memory for a space");
    if (status == GOSS_OK)
        *out = s;
    else
        goss_space_free(s);
    return status;
}

const goss_target *goss_space_target(const goss_space *s) { return s->t; }
int goss_space_gates(const goss_space *s) { return s->t->n_gates; }
int goss_space_groups(const goss_space *s) { return s->t->n_groups; }
goss_space_group_info goss_space_group(const goss_space *s, int i) { return s->t->groups[i].info; }

goss_space_gate_info goss_space_gate(const goss_space *s, int i) {
    const int group = goss__space_group_of(s, i);
    return (goss_space_gate_info){s->names[i], s->t->groups[group].info.of, group};
}

/* ---- structures ---- */

static goss_status check_group(const goss_space *s, const float *structure, const goss_space_group_info *g,
                               goss_error *err) {
    const int open = goss__structure_open(structure, g);
    const char *name = s->names[g->first];
    if (g->rule == GOSS_RULE_ONE && open != 1)
        return goss_error_set(err, GOSS_E_ARGUMENT, "structure: %d of the %d alternatives from %s on are open, not 1",
                              open, g->count, name);
    if (open < g->low)
        return goss_error_set(err, GOSS_E_ARGUMENT, "structure: %d of the %d gates from %s on are open, fewer than %d",
                              open, g->count, name, g->low);
    for (int i = 1; g->rule == GOSS_RULE_NESTED && i < g->count; i++)
        if (structure[g->first + i] > structure[g->first + i - 1])
            return goss_error_set(err, GOSS_E_ARGUMENT, "structure: %s is open, but what is inside of it is not",
                                  s->names[g->first + i]);
    return GOSS_OK;
}

goss_status goss_space_check(const goss_space *s, const float *structure, goss_error *err) {
    for (int i = 0; i < s->t->n_gates; i++)
        if (structure[i] != 0 && structure[i] != 1)
            return goss_error_set(err, GOSS_E_ARGUMENT, "structure: %s is %g, neither 0 nor 1", s->names[i],
                                  (double)structure[i]);
    for (int i = 0; i < s->t->n_groups; i++) GOSS_TRY(check_group(s, structure, &s->t->groups[i].info, err));
    return GOSS_OK;
}

char *goss_space_write(const goss_space *s, const float *structure) {
    goss__str text = {0};
    goss__str_add(&text, "");
    for (int i = 0; i < s->t->n_groups; i++) {
        const goss_space_group_info *g = &s->t->groups[i].info;
        if (i) goss__str_add(&text, ".");
        for (int k = 0; k < g->count; k++) goss__str_add(&text, structure[g->first + k] != 0 ? "1" : "0");
    }
    char *copy = text.failed ? NULL : goss__strdup(text.data);
    goss__str_free(&text);
    return copy;
}

static goss_status bad_text(const char *what, goss_error *err) {
    return goss_error_set(err, GOSS_E_FORMAT, "structure: the text %s", what);
}

goss_status goss_space_read(const goss_space *s, const char *text, float *structure, goss_error *err) {
    for (int i = 0; i < s->t->n_groups; i++) {
        const goss_space_group_info *g = &s->t->groups[i].info;
        if (i && *text++ != '.') return bad_text("has another number of gates or groups than the space", err);
        for (int k = 0; k < g->count; k++, text++) {
            if (*text == '.' || !*text) return bad_text("has another number of gates or groups than the space", err);
            if (*text != '0' && *text != '1') return bad_text("has other characters than 0, 1 and '.'", err);
            structure[g->first + k] = (float)(*text - '0');
        }
    }
    if (*text) return bad_text("has another number of gates or groups than the space", err);
    goss_status status = goss_space_check(s, structure, err);
    return status == GOSS_E_ARGUMENT ? goss_error_prefix(err, GOSS_E_FORMAT, "text") : status;
}

/* ---- the smaller network ---- */

goss_status goss_space_compact(const goss_space *s, const float *structure, const float *slab, const float *statistics,
                               goss_target **out, float **out_slab, float **out_statistics, goss_error *err) {
    GOSS_TRY(goss_space_check(s, structure, err));
    return goss__target_shrink(s->t, NULL, s->t->n_gates ? structure : NULL, slab, statistics, out, out_slab,
                               out_statistics, err);
}
