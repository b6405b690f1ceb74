/* SPDX-License-Identifier: Apache-2.0 */
/* target_cells.c: the kinds of recurrent layers and of layers that are modulated at each step: parsing, printing,
 * states and tensors of each; target_recurrent.c applies them.
 *
 * Layers with several tensors name them by what they multiply: gru1.w of the input, gru1.u of the state. Inside them
 * there is no modulation site, since FiLM behind a nonlinearity could not be folded into weights: a norm or dense layer
 * behind them is one. */
#include <stdio.h>
#include <string.h>

#include "nn/target.h"

/* The words behind the numbers, of recurrent layers and of hyper layers (small > 0). */
static goss_status read_options(const goss__words *w, int from, goss__layer *l, goss_error *err) {
    for (int i = from; i < w->n; i++) {
        if (goss__word_is(w, i, "norm") && !l->normed)
            l->normed = true;
        else if (goss__word_is(w, i, "bidirectional") && !l->both)
            l->both = true;
        else if (goss__word_is(w, i, "nested") && l->low && !l->nested)
            l->nested = true;
        else if (goss__word_is(w, i, "position") && !l->position && l->small > 0)
            l->position = true;
        else if (goss__word_is(w, i, "start") && !l->start && l->small == 0)
            l->start = true;
        else if (goss__word_is(w, i, "dropout") && l->rate == 0 && l->small == 0)
            GOSS_TRY(goss__word_rate(w, ++i, &l->rate, err));
        else
            return goss__word_bad(w, i, err);
    }
    return GOSS_OK;
}

static goss_status read_recurrent(const goss__words *w, goss__layer *l, goss_error *err) {
    GOSS_TRY(goss__word_units(w, 1, GOSS__TARGET_MAX_EXTENT / 8, l, err));
    return read_options(w, 2, l, err);
}

static goss_status flow_recurrent(const goss__layer *l, goss__flow *f, goss_error *err) {
    GOSS_TRY(goss__want_steps(f, l->kind->word, err));
    f->dim[1] = l->out * (l->both ? 2 : 1);
    return GOSS_OK;
}

static const char *whole_direction(const goss__layer *l) {
    return l->both ? "its backward direction begins at the end" : NULL;
}

static int states_recurrent(const goss__layer *l, int64_t width[4]) {
    const int n = goss_cell_states(l->kind->cell);
    for (int k = 0; k < n; k++) width[k] = l->out;
    return n;
}

static void write_recurrent(const goss__layer *l, goss__str *s) {
    goss__units_write(l, s);
    goss__str_addf(s, "%s%s%s", l->normed ? " norm" : "", l->both ? " bidirectional" : "", l->start ? " start" : "");
    if (l->rate > 0) goss__str_addf(s, " dropout %.9g", l->rate);
    goss__flags_write(l, s);
}

/* A tensor of the state: what it multiplies, and what begins it (rows = 0), are the layer's own units. */
static goss_status add_state(goss_target *t, int i, const char *suffix, int64_t rows, int64_t columns,
                             goss_error *err) {
    goss_entry e = {.rank = rows ? 2 : 1,
                    .dim = {rows ? rows : columns, rows ? columns : 0},
                    .init = rows ? GOSS_INIT_LECUN : GOSS_INIT_ZEROS,
                    .role = rows ? GOSS_ROLE_WEIGHT : GOSS_ROLE_BIAS,
                    .fan_in = rows ? rows : columns,
                    .fan_out = columns,
                    .out_units = t->layers[i].units,
                    .in_units = rows ? t->layers[i].units : -1};
    return goss__layer_entry(t->layout, &t->layers[i], suffix, e, err);
}

/* The tensors of one direction. The state's bias is one of its own only where a gate multiplies it (gru). */
static goss_status declare_cell(goss_target *t, int i, const char *prefix, goss_error *err) {
    const goss_cell kind = t->layers[i].kind->cell;
    const bool own_bias = kind == GOSS_CELL_GRU, cell = kind == GOSS_CELL_LSTM;
    const int64_t in = goss__flow_channels(&t->layers[i].in_flow), units = t->layers[i].out,
                  columns = goss_cell_gates(kind) * units;
    char name[16];
#define NAMED(suffix) (snprintf(name, sizeof name, "%s%s", prefix, suffix), name)
    GOSS_TRY(goss__layer_weight(t, i, NAMED("w"), in, columns, err));
    GOSS_TRY(add_state(t, i, NAMED("u"), units, columns, err));
    GOSS_TRY(goss__layer_bias(t, i, NAMED("b"), columns, err));
    if (own_bias) GOSS_TRY(goss__layer_bias(t, i, NAMED("c"), columns, err));
    if (t->layers[i].start) GOSS_TRY(add_state(t, i, NAMED("h0"), 0, units, err));
    if (t->layers[i].start && cell) GOSS_TRY(add_state(t, i, NAMED("c0"), 0, units, err));
    if (!t->layers[i].normed) return GOSS_OK;
    GOSS_TRY(goss__layer_tensor(t, i, NAMED("gain_w"), 0, columns, GOSS_INIT_ONES, 0, GOSS_ROLE_GAIN, err));
    GOSS_TRY(goss__layer_tensor(t, i, NAMED("gain_u"), 0, columns, GOSS_INIT_ONES, 0, GOSS_ROLE_GAIN, err));
    if (!cell) return GOSS_OK;
    GOSS_TRY(goss__layer_tensor(t, i, NAMED("gain_c"), 0, units, GOSS_INIT_ONES, 0, GOSS_ROLE_GAIN, err));
    return goss__layer_tensor(t, i, NAMED("shift_c"), 0, units, GOSS_INIT_ZEROS, 0, GOSS_ROLE_SHIFT, err);
#undef NAMED
}

static goss_status declare_recurrent(goss_target *t, int i, goss_error *err) {
    GOSS_TRY(declare_cell(t, i, "", err));
    return t->layers[i].both ? declare_cell(t, i, "back.", err) : GOSS_OK;
}

/* ---- modulated at each step ---- */

static goss_status read_hyper(const goss__words *w, goss__layer *l, goss_error *err) {
    GOSS_TRY(goss__word_int(w, 1, 1, GOSS__TARGET_MAX_EXTENT / 8, &l->out, err));
    GOSS_TRY(goss__word_int(w, 2, 1, GOSS__TARGET_MAX_EXTENT / 8, &l->small, err));
    GOSS_TRY(goss__word_int(w, 3, 1, 4096, &l->codes, err));
    GOSS_TRY(read_options(w, 4, l, err));
    if (!l->both || !l->position || goss_cell_states(l->kind->cell) > 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: without a state it has no direction; leave out bidirectional",
                          w->kind);
}

static void write_hyper(const goss__layer *l, goss__str *s) {
    goss__str_addf(s, " %lld %lld %lld%s%s%s", (long long)l->out, (long long)l->small, (long long)l->codes,
                   l->position ? " position" : "", l->normed ? " norm" : "", l->both ? " bidirectional" : "");
}

/* Of the position: steps so far. */
static int states_hyper(const goss__layer *l, int64_t width[4]) {
    const int own = goss_cell_states(l->kind->cell), n = goss_hyper_recurrent_states(l->kind->cell, l->position);
    width[0] = 1;
    for (int k = 0; k < n; k++) width[l->position + k] = k < own ? l->out : l->small;
    return l->position + n;
}

/* Embeddings are 1 at the start but for little that tells their numbers apart, and so are the factors that they make:
 * an ordinary layer. Those of a small cell on a recurrent one begin at 0.1 (Ha et al. 2017). */
static double first_scale(const goss__layer *l) {
    const bool small_cell = !l->position && goss_cell_states(l->kind->cell) > 0;
    return (small_cell ? 0.1 : 1) / (double)l->codes;
}

static goss_status declare_hyper_direction(goss_target *t, int i, const char *prefix, goss_error *err) {
    const goss__layer *l = &t->layers[i];
    const goss_cell cell = l->kind->cell;
    const bool state = goss_cell_states(cell) > 0, kept = cell == GOSS_CELL_LSTM, normed = l->normed;
    const int64_t in = goss__flow_channels(&l->in_flow), units = l->out, small = l->small, codes = l->codes,
                  all = goss_cell_gates(cell), maps = (state ? 3 : 2) * all,
                  own = l->position ? small : goss_cell_gates(goss_cell_small(cell)) * small;
    const struct {
        const char *suffix;
        int64_t rows, columns;
        goss_init init;
        goss_role role;
        bool there;
    } tensor[] = {{"w", in, all * units, GOSS_INIT_LECUN, GOSS_ROLE_WEIGHT, true},
                  {"u", units, all * units, GOSS_INIT_LECUN, GOSS_ROLE_WEIGHT, state},
                  {"b", 0, all * units, GOSS_INIT_ZEROS, GOSS_ROLE_BIAS, true},
                  {"small.w", l->position ? small : in, own, GOSS_INIT_LECUN, GOSS_ROLE_WEIGHT, true},
                  {"small.h", units, own, GOSS_INIT_LECUN, GOSS_ROLE_WEIGHT, state && !l->position},
                  {"small.u", small, own, GOSS_INIT_LECUN, GOSS_ROLE_WEIGHT, !l->position},
                  {"small.b", 0, own, GOSS_INIT_ZEROS, GOSS_ROLE_BIAS, true},
                  {"embed.w", small, maps * codes, GOSS_INIT_SMALL, GOSS_ROLE_WEIGHT, true},
                  {"embed.b", 0, (maps - all) * codes, GOSS_INIT_ONES, GOSS_ROLE_BIAS, true},
                  {"scale", maps * codes, units, GOSS_INIT_CONSTANT, GOSS_ROLE_WEIGHT, true},
                  {"gain", 0, all * units, GOSS_INIT_ONES, GOSS_ROLE_GAIN, normed},
                  {"small.gain", 0, own, GOSS_INIT_ONES, GOSS_ROLE_GAIN, normed && !l->position},
                  {"gain_c", 0, units, GOSS_INIT_ONES, GOSS_ROLE_GAIN, normed && kept},
                  {"shift_c", 0, units, GOSS_INIT_ZEROS, GOSS_ROLE_SHIFT, normed && kept}};
    for (size_t k = 0; k < sizeof tensor / sizeof *tensor; k++) {
        char name[24];
        snprintf(name, sizeof name, "%s%s", prefix, tensor[k].suffix);
        if (!tensor[k].there) continue;
        GOSS_TRY(goss__layer_tensor(t, i, name, tensor[k].rows, tensor[k].columns, tensor[k].init, first_scale(l),
                                    tensor[k].role, err));
    }
    return GOSS_OK;
}

static goss_status declare_hyper(goss_target *t, int i, goss_error *err) {
    GOSS_TRY(declare_hyper_direction(t, i, "", err));
    return t->layers[i].both ? declare_hyper_direction(t, i, "back.", err) : GOSS_OK;
}

/* ---- the table ---- */

#define CELL(name, of, words, part)                                                                                    \
    {                                                                                                                  \
        .word = name, .usage = name words, .cell = of, .product = true, .keeps_padding = (of) != GOSS_CELL_DENSE,      \
        .opaque = true, .states = states_##part, .whole = whole_direction, .read = read_##part,                        \
        .flow = flow_recurrent, .write = write_##part, .declare = declare_##part, .apply = goss__apply_##part          \
    }
#define RECURRENT(name, of) CELL(name, of, " D [norm] [bidirectional] [start] [dropout P]", recurrent)
#define HYPER(name, of) CELL(name, of, " D K Z [position] [norm] [bidirectional]", hyper)

const goss__layer_kind goss__cell_kinds[GOSS__CELL_KINDS] = {
    RECURRENT("rnn", GOSS_CELL_RNN),      RECURRENT("gru", GOSS_CELL_GRU),  RECURRENT("lstm", GOSS_CELL_LSTM),
    HYPER("hyperdense", GOSS_CELL_DENSE), HYPER("hyperrnn", GOSS_CELL_RNN), HYPER("hypergru", GOSS_CELL_GRU),
    HYPER("hyperlstm", GOSS_CELL_LSTM),
};
