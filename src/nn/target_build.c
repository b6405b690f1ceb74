/* SPDX-License-Identifier: Apache-2.0 */
/* target_build.c: properties derived from a target's list of layers: names, biases, sites, unit groups, layouts, text.
 *
 * Unit groups are a union-find over the layers that produce units: a residual sum joins its two paths, a depthwise
 * convolution its input and output, and group 0 has the units that cannot be masked (those of the input, and those that
 * a grouped convolution mixes by position). */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/target.h"

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a network");
}

goss_status goss__flow_check(const goss__flow *f, const char *what, goss_error *err) {
    int64_t n = 1;
    for (int i = 0; i < f->rank; i++) n *= f->dim[i]; /* each at most 2^20: no overflow */
    if (n <= INT32_MAX) return GOSS_OK;
    char text[64];
    goss__flow_text(f, text);
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: a map of %s is more than 2^31 - 1 numbers a sample", what, text);
}

void goss__flow_text(const goss__flow *f, char out[64]) {
    int n = 0;
    for (int i = 0; i < f->rank; i++)
        n += snprintf(out + n, 64 - (size_t)n, i ? " x %lld" : "%lld", (long long)f->dim[i]);
}

goss_status goss__target_append(goss_target *t, const goss__layer *l, goss__flow *flow, goss_error *err) {
    if (t->n_layers == GOSS__TARGET_MAX_LAYERS)
        return goss_error_set(err, GOSS_E_ARGUMENT, "more than %d layers", GOSS__TARGET_MAX_LAYERS);
    if (t->n_layers == t->capacity) {
        int capacity = t->capacity ? 2 * t->capacity : 32;
        goss__layer *grown = goss__realloc(t->layers, (size_t)capacity * sizeof *grown);
        if (!grown) return no_memory(err);
        t->layers = grown;
        t->capacity = capacity;
    }
    goss__layer *copy = &t->layers[t->n_layers];
    *copy = *l;
    copy->in_flow = *flow;
    if (l->kind->flow) GOSS_TRY(l->kind->flow(l, flow, err));
    GOSS_TRY(goss__flow_check(flow, l->kind->word, err));
    copy->out_flow = *flow;
    t->n_layers++;
    return GOSS_OK;
}

void goss_target_free(goss_target *t) {
    if (!t) return;
    goss_layout_free(t->layout);
    goss_layout_free(t->statistics);
    goss__free(t->layers);
    goss__free(t->site_layer);
    goss__free(t->unit_layer);
    goss__free(t->unit_count);
    goss__free(t->unit_choice);
    goss__free(t->groups);
    goss__free(t->gate_inside);
    goss__free(t->text);
    goss__free(t);
}

/* ---- names, biases, ordinals ---- */

static bool is_norm(const goss_target *t, int i) { return i < t->n_layers && goss__layer_is(&t->layers[i], "norm"); }

void goss__target_name(const goss_target *t, int layer) {
    goss__layer *l = &t->layers[layer];
    int ordinal = 1;
    for (int k = 0; k < layer; k++) ordinal += t->layers[k].kind == l->kind;
    if (goss__layer_is(l, "head"))
        snprintf(l->name, sizeof l->name, "head");
    else
        snprintf(l->name, sizeof l->name, "%s%d", l->kind->word, ordinal);
}

static goss_status number_layers(goss_target *t, goss_error *err) {
    for (int i = 0; i < t->n_layers; i++) {
        goss__layer *l = &t->layers[i];
        if ((goss__layer_is(l, "shifts") || goss__layer_is(l, "columns")) && i > 0)
            return goss_error_set(err, GOSS_E_ARGUMENT, "network: %s can only be the first layer", l->kind->word);
        l->batch_norm = l->site = l->first_entry = -1;
        if (l->kind->product || l->kind->site || l->kind->declare) goss__target_name(t, i);
        l->has_bias &= is_norm(t, i + 1);
        l->bias = l->kind->product && (l->has_bias || !is_norm(t, i + 1));
        t->n_products += l->kind->product;
        t->fixed_steps |= l->kind->fixed_steps;
        l->product = t->n_products > 0 ? t->n_products - 1 : 0;
        if (is_norm(t, i) && l->norm == GOSS__NORM_BATCH) l->batch_norm = t->n_norms++;
        if (l->kind->site && !(l->kind->product && is_norm(t, i + 1))) l->site = t->n_sites++;
    }
    if (t->n_norms > GOSS_TARGET_MAX_NORMS)
        return goss_error_set(err, GOSS_E_ARGUMENT, "network: %d batch norms are more than %d", t->n_norms,
                              GOSS_TARGET_MAX_NORMS);
    t->site_layer = goss__calloc((size_t)t->n_sites, sizeof *t->site_layer);
    if (!t->site_layer) return no_memory(err);
    for (int i = 0; i < t->n_layers; i++)
        if (t->layers[i].site >= 0) t->site_layer[t->layers[i].site] = i;
    return GOSS_OK;
}

/* ---- unit groups ---- */

typedef struct units {
    int *parent; /* parent[0]: units that cannot be masked */
    int count;
    int at, repeat; /* present group and repetition */
    struct {
        const goss__layer *opener;
        int before, before_repeat, body, body_repeat;
    } stack[GOSS__TARGET_DEPTH + 2];
    int depth;
} units;

static int root(units *u, int i) {
    while (u->parent[i] != i) i = u->parent[i] = u->parent[u->parent[i]];
    return i;
}

/* The lower root is kept, so that joining with group 0 is final. */
static void join(units *u, int a, int b) {
    a = root(u, a), b = root(u, b);
    u->parent[a > b ? a : b] = a > b ? b : a;
}

static void make_units(units *u, int layer) {
    u->at = layer + 1; /* 0 is reserved */
    u->repeat = 1;
}

static void flow_opaque(units *u) {
    join(u, u->at, 0);
    u->at = 0;
    u->repeat = 1;
}

/* Dense layers and plain convolutions produce new units; a depthwise one keeps those of its input. */
static void flow_product(units *u, const goss__layer *l, int layer) {
    if (l->groups <= 1) {
        make_units(u, layer);
        if (goss__layer_is(l, "head")) u->at = 0;
    } else if (l->groups != goss__flow_channels(&l->in_flow) || l->groups != l->out) {
        flow_opaque(u);
    }
}

/* What flows here has the same units as that: they meet in a sum, or one of them is taken. */
static void meet(units *u, int other, int repeat) {
    join(u, u->at, other);
    if (u->repeat != repeat) join(u, u->at, 0); /* one of them was flattened, so that units do not correspond */
}

static void flow_marker(units *u, const goss__layer *l) {
    int top = u->depth - 1;
    if (l->kind->marks == GOSS__OPENS) {
        u->stack[u->depth].opener = l;
        u->stack[u->depth].before = u->at;
        u->stack[u->depth].before_repeat = u->repeat;
        u->stack[u->depth++].body = -1;
    } else if (l->kind->marks == GOSS__TURNS) {
        if (u->stack[top].body >= 0) meet(u, u->stack[top].body, u->stack[top].body_repeat);
        u->stack[top].body = u->at;
        u->stack[top].body_repeat = u->repeat;
        u->at = u->stack[top].before;
        u->repeat = u->stack[top].before_repeat;
    } else if (goss__layer_is(u->stack[top].opener, "beside")) {
        join(u, u->stack[top].before, 0); /* behind it are two groups in one value */
        flow_opaque(u);
        u->depth--;
    } else {
        bool turned = u->stack[top].body >= 0;
        meet(u, turned ? u->stack[top].body : u->stack[top].before,
             turned ? u->stack[top].body_repeat : u->stack[top].before_repeat);
        u->depth--;
    }
}

static void flow_units(goss_target *t, units *u) {
    for (int i = 0; i < t->n_layers; i++) {
        goss__layer *l = &t->layers[i];
        l->in_units = u->at;
        l->in_repeat = u->repeat;
        if (goss__layer_opaque(l))
            flow_opaque(u);
        else if (l->kind->product)
            flow_product(u, l, i);
        if (l->both && !goss__layer_opaque(l)) u->repeat = 2;
        if (goss__layer_columns_open(l)) make_units(u, i);
        if (!l->kind->apply) flow_marker(u, l);
        if (goss__layer_is(l, "flatten")) u->repeat *= (int)goss__flow_positions(&l->in_flow);
        l->units = u->at;
        l->repeat = u->repeat;
    }
}

/* The next group, which that layer is the first one to produce. */
static int add_units(goss_target *t, int layer, int64_t count) {
    t->unit_layer[t->n_units] = layer;
    t->unit_count[t->n_units] = count;
    return t->n_units++;
}

/* Numbers the groups in order of the layers that produce them; number: of each root, -1 so far. */
static void number_units(goss_target *t, units *u, int *number) {
    for (int i = 0; i < t->n_layers; i++) {
        goss__layer *l = &t->layers[i];
        const int r = root(u, l->units);
        l->inner = l->kind->heads && l->low ? add_units(t, i, goss__layer_heads_width(l)) : -1;
        if (r > 0 && number[r] < 0) number[r] = add_units(t, i, goss__flow_channels(&l->out_flow) / l->repeat);
        l->units = number[r];
        l->in_units = number[root(u, l->in_units)];
    }
}

static goss_status find_units(goss_target *t, goss_error *err) {
    units u = {.repeat = 1, .count = t->n_layers + 1};
    u.parent = goss__alloc((size_t)u.count * sizeof *u.parent);
    int *number = goss__calloc((size_t)u.count, sizeof *number);
    const size_t most = 2 * (size_t)u.count; /* behind each layer, and inside of it */
    t->unit_layer = goss__calloc(most, sizeof *t->unit_layer);
    t->unit_count = goss__calloc(most, sizeof *t->unit_count);
    const bool failed = !u.parent || !number || !t->unit_layer || !t->unit_count;
    if (!failed) {
        for (int i = 0; i < u.count; i++) u.parent[i] = i, number[i] = -1;
        flow_units(t, &u);
        number_units(t, &u, number);
    }
    goss__free(u.parent);
    goss__free(number);
    return failed ? no_memory(err) : GOSS_OK;
}

/* ---- layouts ---- */

goss_status goss__layer_entry(goss_layout *layout, const goss__layer *l, const char *suffix, goss_entry e,
                              goss_error *err) {
    char name[32];
    snprintf(name, sizeof name, "%s.%s", l->name, suffix);
    e.name = name;
    e.layer = l->product;
    return goss_layout_add(layout, &e, err);
}

/* A vector with the layer's channels. */
static goss_entry channel_entry(const goss__layer *l, goss_init init, goss_role role) {
    int64_t c = goss__flow_channels(&l->out_flow);
    return (goss_entry){.rank = 1,
                        .dim = {c},
                        .init = init,
                        .role = role,
                        .fan_in = c,
                        .fan_out = c,
                        .out_units = l->units,
                        .in_units = -1};
}

/* Kaiming before an activation that halves the variance; norms and pools in between are ignored. */
static goss_init weight_init(const goss_target *t, int i) {
    for (int k = i + 1; k < t->n_layers; k++) {
        if (t->layers[k].kind->product) break;
        if (t->layers[k].kind->activation) return t->layers[k].kind->gain2 > 1 ? GOSS_INIT_KAIMING : GOSS_INIT_LECUN;
    }
    return GOSS_INIT_LECUN;
}

static goss_entry weight_entry(const goss_target *t, int i) {
    const goss__layer *l = &t->layers[i];
    goss_entry e = {
        .init = weight_init(t, i), .role = GOSS_ROLE_WEIGHT, .out_units = l->units, .in_units = l->in_units};
    int64_t in = goss__flow_channels(&l->in_flow);
    if (l->kernel[0] == 0) {
        e.rank = 2;
        e.dim[0] = in, e.dim[1] = l->out;
        e.fan_in = in, e.fan_out = l->out;
        return e;
    }
    e.rank = 4;
    e.dim[0] = l->kernel[0], e.dim[1] = l->kernel[1], e.dim[2] = in / l->groups, e.dim[3] = l->out;
    e.fan_in = e.dim[0] * e.dim[1] * e.dim[2];
    e.fan_out = e.dim[0] * e.dim[1] * (l->out / l->groups);
    if (l->groups > 1) e.in_units = -1;
    return e;
}

static goss_status declare_product(goss_target *t, int i, goss_error *err) {
    goss__layer *l = &t->layers[i];
    goss_entry w = weight_entry(t, i);
    l->first_entry = goss_layout_count(t->layout);
    GOSS_TRY(goss__layer_entry(t->layout, l, "w", w, err));
    if (!l->bias) return GOSS_OK;
    goss_entry b = channel_entry(l, GOSS_INIT_ZEROS, GOSS_ROLE_BIAS);
    b.fan_in = w.fan_in, b.fan_out = w.fan_out;
    return goss__layer_entry(t->layout, l, "b", b, err);
}

static goss_status declare_norm(goss_target *t, int i, goss_error *err) {
    goss__layer *l = &t->layers[i];
    l->first_entry = goss_layout_count(t->layout);
    GOSS_TRY(goss__layer_entry(t->layout, l, "gain", channel_entry(l, GOSS_INIT_ONES, GOSS_ROLE_GAIN), err));
    GOSS_TRY(goss__layer_entry(t->layout, l, "shift", channel_entry(l, GOSS_INIT_ZEROS, GOSS_ROLE_SHIFT), err));
    if (l->batch_norm < 0) return GOSS_OK;
    GOSS_TRY(goss__layer_entry(t->statistics, l, "mean", channel_entry(l, GOSS_INIT_ZEROS, GOSS_ROLE_STATISTIC), err));
    return goss__layer_entry(t->statistics, l, "var", channel_entry(l, GOSS_INIT_ONES, GOSS_ROLE_STATISTIC), err);
}

static goss_status declare(goss_target *t, goss_error *err) {
    GOSS_TRY(goss_layout_new(&t->layout, err));
    GOSS_TRY(goss_layout_new(&t->statistics, err));
    for (int i = 0; i < t->n_layers; i++) {
        const goss__layer_kind *kind = t->layers[i].kind;
        t->layers[i].entries_from = goss_layout_count(t->layout);
        if (kind->declare)
            GOSS_TRY(kind->declare(t, i, err));
        else if (kind->product)
            GOSS_TRY(declare_product(t, i, err));
        else if (is_norm(t, i))
            GOSS_TRY(declare_norm(t, i, err));
        t->layers[i].entries = goss_layout_count(t->layout) - t->layers[i].entries_from;
    }
    return GOSS_OK;
}

/* ---- text ---- */

goss_status goss__target_write(const goss_target *t, goss__str *s) {
    for (int i = 0; i < t->n_layers; i++) {
        const goss__layer *l = &t->layers[i];
        const bool opens = l->kind->marks == GOSS__OPENS, turns = l->kind->marks == GOSS__TURNS;
        if (turns || l->kind->marks == GOSS__CLOSES) goss__str_add(s, "}\n");
        if (l->kind->marks == GOSS__CLOSES) continue;
        goss__str_add(s, l->kind->word);
        if (l->kind->write) l->kind->write(l, s);
        goss__str_add(s, opens || turns ? " {\n" : "\n");
    }
    return s->failed ? GOSS_E_NOMEM : GOSS_OK;
}

static goss_status write_text(goss_target *t, goss_error *err) {
    goss__str s = {0};
    goss_status status = goss__target_write(t, &s) == GOSS_OK ? GOSS_OK : no_memory(err);
    if (status == GOSS_OK && !(t->text = goss__strdup(s.data))) status = no_memory(err);
    goss__str_free(&s);
    return status;
}

goss_status goss__target_finish(goss_target *t, goss_error *err) {
    GOSS_TRY(number_layers(t, err));
    GOSS_TRY(find_units(t, err));
    GOSS_TRY(goss__target_choices(t, err));
    GOSS_TRY(goss_error_prefix(err, declare(t, err), "network"));
    GOSS_TRY(goss__target_number_states(t, err));
    return write_text(t, err);
}

/* ---- accessors ---- */

const char *goss_target_text(const goss_target *t) { return t->text; }
int goss_target_input_rank(const goss_target *t) { return t->input.rank; }
const int64_t *goss_target_input(const goss_target *t) { return t->input.dim; }
int64_t goss_target_outputs(const goss_target *t) { return t->outputs; }
int goss_target_layers(const goss_target *t) { return t->n_products; }
const goss_layout *goss_target_layout(const goss_target *t) { return t->layout; }
const goss_layout *goss_target_statistics(const goss_target *t) { return t->statistics; }
int goss_target_sites(const goss_target *t) { return t->n_sites; }
const char *goss_target_site_name(const goss_target *t, int i) { return t->layers[t->site_layer[i]].name; }
int goss_target_units(const goss_target *t) { return t->n_units; }
const char *goss_target_units_name(const goss_target *t, int i) { return t->layers[t->unit_layer[i]].name; }

int64_t goss_target_site_channels(const goss_target *t, int i) {
    return goss__flow_channels(&t->layers[t->site_layer[i]].out_flow);
}

int64_t goss_target_units_count(const goss_target *t, int i) { return t->unit_count[i]; }

int goss_target_gates(const goss_target *t) { return t->n_gates; }

bool goss__target_answers_steps(const goss_target *t) { return t->features.rank == 2; }
int64_t goss__target_steps(const goss_target *t) { return t->features.rank == 2 ? t->features.dim[0] : 1; }

int64_t goss_target_feature_count(const goss_target *t) {
    int64_t n = 1;
    for (int i = 0; i < t->features.rank; i++) n *= t->features.dim[i];
    return n;
}
