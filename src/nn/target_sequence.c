/* SPDX-License-Identifier: Apache-2.0 */
/* target_sequence.c: the kinds of layers on sequences [steps, channels]: parsing, printing, output shape and tensors of
 * each, but recurrent ones (target_cells.c); target_steps.c applies them. */
#include <stdio.h>
#include <string.h>

#include "nn/target.h"

goss_status goss__want_steps(const goss__flow *f, const char *what, goss_error *err) {
    char text[64];
    if (f->rank == 2) return GOSS_OK;
    goss__flow_text(f, text);
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: requires a sequence (steps x channels), but its input is %s %s",
                          what, f->rank == 3 ? "maps of" : "features:", text);
}

static goss_status int_word(const goss__words *w, int i, int64_t low, int64_t high, int *out, goss_error *err) {
    int64_t v = 0;
    GOSS_TRY(goss__word_int(w, i, low, high, &v, err));
    *out = (int)v;
    return GOSS_OK;
}

/* ---- tensors ---- */

goss_status goss__layer_tensor(goss_target *t, int i, const char *suffix, int64_t rows, int64_t columns, goss_init init,
                               double value, goss_role role, goss_error *err) {
    const goss__layer *l = &t->layers[i];
    goss_entry e = {.rank = rows ? 2 : 1,
                    .init = init,
                    .value = init == GOSS_INIT_CONSTANT ? value : 0,
                    .role = role,
                    .fan_in = rows ? rows : goss__flow_channels(&l->in_flow),
                    .fan_out = columns,
                    .out_units = l->units,
                    .in_units = rows ? l->in_units : -1};
    if (rows) e.dim[0] = rows, e.dim[1] = columns;
    if (!rows) e.dim[0] = columns;
    return goss__layer_entry(t->layout, l, suffix, e, err);
}

goss_status goss__layer_weight(goss_target *t, int i, const char *suffix, int64_t rows, int64_t columns,
                               goss_error *err) {
    return goss__layer_tensor(t, i, suffix, rows, columns, GOSS_INIT_LECUN, 0, GOSS_ROLE_WEIGHT, err);
}

goss_status goss__layer_bias(goss_target *t, int i, const char *suffix, int64_t n, goss_error *err) {
    return goss__layer_tensor(t, i, suffix, 0, n, GOSS_INIT_ZEROS, 0, GOSS_ROLE_BIAS, err);
}

/* ---- conv1d, pool1d ---- */

/* Extents along steps are those of height; width is 1. */
static goss_status read_window(const goss__words *w, int i, goss__layer *l, goss_error *err) {
    GOSS_TRY(int_word(w, i, 1, 1024, &l->kernel[0], err));
    l->kernel[1] = l->stride[0] = l->stride[1] = l->dilation[0] = l->dilation[1] = 1;
    return GOSS_OK;
}

/* Sizes of which one is chosen, as those of conv; "3x1" is none. */
static goss_status read_steps_kernel(const goss__words *w, int i, goss__layer *l, goss_error *err) {
    if (i < w->n && memchr(w->at[i], 'x', (size_t)w->size[i])) return goss__word_bad(w, i, err);
    GOSS_TRY(goss__word_kernels(w, i, l, err));
    for (int k = 0; k < GOSS__KERNELS; k++) l->kernels[k][1] = 1;
    l->kernel[1] = l->stride[0] = l->stride[1] = l->dilation[0] = l->dilation[1] = 1;
    return GOSS_OK;
}

static goss_status check_pad(goss__layer *l, bool same, goss_error *err) {
    if (same) return goss__pad_same(l, err);
    if (!l->n_kernels) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "conv1d: several sizes of a kernel need pad same");
}

static goss_status read_conv1d(const goss__words *w, goss__layer *l, goss_error *err) {
    bool same = false;
    const struct {
        const char *word;
        int low, *to;
    } option[] = {{"stride", 1, &l->stride[0]},
                  {"pad", 0, &l->pad[0]},
                  {"dilation", 1, &l->dilation[0]},
                  {"groups", 1, &l->groups}};
    GOSS_TRY(goss__word_units(w, 1, GOSS__TARGET_MAX_EXTENT, l, err));
    GOSS_TRY(read_steps_kernel(w, 2, l, err));
    l->groups = 1;
    for (int i = 3; i < w->n; i += 2) {
        if (goss__word_flag(w, i, l)) {
            i--;
            continue;
        }
        if (goss__word_is(w, i, "pad") && goss__word_is(w, i + 1, "same")) {
            same = true;
            continue;
        }
        size_t k = 0;
        while (k < sizeof option / sizeof *option && !goss__word_is(w, i, option[k].word)) k++;
        if (k == sizeof option / sizeof *option) return goss__word_bad(w, i, err);
        const int high = option[k].to == &l->groups ? GOSS__TARGET_MAX_EXTENT : 1024;
        GOSS_TRY(int_word(w, i + 1, option[k].low, high, option[k].to, err));
    }
    return check_pad(l, same, err);
}

static goss_status slide(const goss__layer *l, goss__flow *f, const char *what, goss_error *err) {
    const int64_t reach = (int64_t)l->dilation[0] * (l->kernel[0] - 1) + 1,
                  room = f->dim[0] + 2 * (int64_t)l->pad[0] - reach;
    GOSS_TRY(goss__want_steps(f, what, err));
    if (room < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: a window of %lld steps does not fit in %lld", what,
                              (long long)reach, (long long)f->dim[0]);
    f->dim[0] = room / l->stride[0] + 1;
    return GOSS_OK;
}

static const char *whole_window(const goss__layer *l) { return "its windows reach over the end of a piece"; }

static goss_status flow_conv1d(const goss__layer *l, goss__flow *f, goss_error *err) {
    GOSS_TRY(slide(l, f, "conv1d", err));
    if (f->dim[1] % l->groups || l->out % l->groups)
        return goss_error_set(err, GOSS_E_ARGUMENT, "conv1d: groups %d does not divide %lld and %lld channels",
                              l->groups, (long long)f->dim[1], (long long)l->out);
    f->dim[1] = l->out;
    return GOSS_OK;
}

static void write_unless(goss__str *s, const char *word, int value, int usual) {
    if (value != usual) goss__str_addf(s, " %s %d", word, value);
}

static void write_conv1d(const goss__layer *l, goss__str *s) {
    goss__units_write(l, s);
    for (int k = 0; k < l->n_kernels; k++) goss__str_addf(s, "%s%d", k ? "|" : " ", l->kernels[k][0]);
    if (!l->n_kernels) goss__str_addf(s, " %d", l->kernel[0]);
    write_unless(s, "stride", l->stride[0], 1);
    if (l->n_kernels) goss__str_add(s, " pad same");
    if (!l->n_kernels) write_unless(s, "pad", l->pad[0], 0);
    write_unless(s, "dilation", l->dilation[0], 1);
    write_unless(s, "groups", l->groups, 1);
    goss__flags_write(l, s);
}

static goss_status read_pool1d(const goss__words *w, goss__layer *l, goss_error *err) {
    if (!goss__word_is(w, 1, "max") && !goss__word_is(w, 1, "avg")) return goss__word_bad(w, 1, err);
    l->pool = goss__word_is(w, 1, "max") ? GOSS__POOL_MAX : GOSS__POOL_AVG;
    GOSS_TRY(read_window(w, 2, l, err));
    l->stride[0] = l->kernel[0];
    if (w->n == 3) return GOSS_OK;
    if (!goss__word_is(w, 3, "stride")) return goss__word_bad(w, 3, err);
    GOSS_TRY(int_word(w, 4, 1, 1024, &l->stride[0], err));
    return w->n > 5 ? goss__word_bad(w, 5, err) : GOSS_OK;
}

static goss_status flow_pool1d(const goss__layer *l, goss__flow *f, goss_error *err) {
    return slide(l, f, "pool1d", err);
}

static void write_pool1d(const goss__layer *l, goss__str *s) {
    goss__str_addf(s, " %s %d", l->pool == GOSS__POOL_MAX ? "max" : "avg", l->kernel[0]);
    write_unless(s, "stride", l->stride[0], l->kernel[0]);
}

/* ---- embedding, positions ---- */

static goss_status read_embedding(const goss__words *w, goss__layer *l, goss_error *err) {
    GOSS_TRY(goss__word_int(w, 1, 1, 1 << 24, &l->rows, err)); /* ids that f32 tells apart */
    GOSS_TRY(goss__word_int(w, 2, 1, GOSS__TARGET_MAX_EXTENT, &l->out, err));
    return w->n > 3 ? goss__word_bad(w, 3, err) : GOSS_OK;
}

static goss_status flow_embedding(const goss__layer *l, goss__flow *f, goss_error *err) {
    GOSS_TRY(goss__want_steps(f, "embedding", err));
    if (f->dim[1] != 1)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "embedding: requires one id a step, but its input has %lld numbers a step",
                              (long long)f->dim[1]);
    f->dim[1] = l->out;
    return GOSS_OK;
}

static void write_embedding(const goss__layer *l, goss__str *s) {
    goss__str_addf(s, " %lld %lld", (long long)l->rows, (long long)l->out);
}

static goss_status declare_embedding(goss_target *t, int i, goss_error *err) {
    if (i > 0) return goss_error_set(err, GOSS_E_ARGUMENT, "embedding: it can only be the first layer, which sees ids");
    return goss__layer_tensor(t, i, "w", t->layers[i].rows, t->layers[i].out, GOSS_INIT_NORMAL, 0, GOSS_ROLE_WEIGHT,
                              err);
}

static goss_status read_positions(const goss__words *w, goss__layer *l, goss_error *err) {
    l->sinusoidal = goss__word_is(w, 1, "sinusoidal");
    if (!l->sinusoidal && !goss__word_is(w, 1, "learned")) return goss__word_bad(w, 1, err);
    return w->n > 2 ? goss__word_bad(w, 2, err) : GOSS_OK;
}

static goss_status flow_positions(const goss__layer *l, goss__flow *f, goss_error *err) {
    return goss__want_steps(f, "positions", err);
}

static const char *whole_positions(const goss__layer *l) { return "it counts positions from the first step"; }
static bool causal_positions(const goss__layer *l) { return true; }

static void write_positions(const goss__layer *l, goss__str *s) {
    goss__str_add(s, l->sinusoidal ? " sinusoidal" : " learned");
}

/* Small at the start (variance 1 / channels), so that they do not drown what stands at the positions. */
static goss_status declare_positions(goss_target *t, int i, goss_error *err) {
    const goss__layer *l = &t->layers[i];
    goss_entry e = {.rank = 2,
                    .dim = {l->in_flow.dim[0], l->in_flow.dim[1]},
                    .init = GOSS_INIT_LECUN,
                    .role = GOSS_ROLE_BIAS,
                    .fan_in = l->in_flow.dim[1],
                    .fan_out = l->in_flow.dim[1],
                    .out_units = -1,
                    .in_units = -1};
    return l->sinusoidal ? GOSS_OK : goss__layer_entry(t->layout, l, "w", e, err);
}

/* ---- attention ---- */

static goss_status read_heads(const goss__words *w, goss__layer *l, goss_error *err) {
    GOSS_TRY(goss__word_units(w, 1, GOSS__MAX_HEADS, l, err));
    l->heads = (int)l->out;
    l->out = 0;
    return GOSS_OK;
}

static goss_status read_attention(const goss__words *w, goss__layer *l, goss_error *err) {
    GOSS_TRY(read_heads(w, l, err));
    for (int i = 2; i < w->n; i++) {
        if (goss__word_is(w, i, "causal") && !l->causal)
            l->causal = true;
        else if (goss__word_is(w, i, "rotary") && !l->rotary)
            l->rotary = true;
        else if (goss__word_is(w, i, "nested") && l->low && !l->nested)
            l->nested = true;
        else if (goss__word_is(w, i, "width") && !l->width)
            GOSS_TRY(goss__word_int(w, ++i, 1, 4096, &l->width, err));
        else
            return goss__word_bad(w, i, err);
    }
    return GOSS_OK;
}

static goss_status flow_attention(const goss__layer *l, goss__flow *f, goss_error *err) {
    GOSS_TRY(goss__want_steps(f, "attention", err));
    if (l->rotary && l->width % 2)
        return goss_error_set(err, GOSS_E_ARGUMENT, "attention: rotary positions need heads of even width, not %lld",
                              (long long)l->width);
    const int64_t unit = l->rotary ? 2 * (int64_t)l->heads : l->heads;
    if (l->width || f->dim[1] % unit == 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "attention: %lld channels do not divide into %d heads%s",
                          (long long)f->dim[1], l->heads,
                          l->rotary ? " of even width, which rotary positions need" : "");
}

static const char *whole_attention(const goss__layer *l) { return "a step sees all others"; }
static bool causal_attention(const goss__layer *l) { return l->causal; }

static void write_attention(const goss__layer *l, goss__str *s) {
    const goss__layer heads = {.out = l->heads, .low = l->low, .step = l->step};
    goss__units_write(&heads, s);
    if (goss__layer_heads_width(l) != goss__flow_channels(&l->in_flow))
        goss__str_addf(s, " width %lld", (long long)goss__layer_head_width(l));
    goss__str_addf(s, "%s%s%s", l->nested ? " nested" : "", l->causal ? " causal" : "", l->rotary ? " rotary" : "");
}

/* A tensor between the channels outside and the heads: [rows, columns], or [columns] for rows = 0. */
static goss_status add_head_tensor(goss_target *t, int i, const char *suffix, int64_t rows, int64_t columns,
                                   bool to_heads, goss_error *err) {
    const goss__layer *l = &t->layers[i];
    const goss_entry e = {.rank = rows ? 2 : 1,
                          .dim = {rows ? rows : columns, rows ? columns : 0},
                          .init = rows ? GOSS_INIT_LECUN : GOSS_INIT_ZEROS,
                          .role = rows ? GOSS_ROLE_WEIGHT : GOSS_ROLE_BIAS,
                          .fan_in = rows ? rows : goss__flow_channels(&l->in_flow),
                          .fan_out = columns,
                          .out_units = to_heads ? l->inner : -1,
                          .in_units = to_heads || !rows ? -1 : l->inner};
    return goss__layer_entry(t->layout, l, suffix, e, err);
}

/* A bias of keys would change no softmax. */
static goss_status declare_attention(goss_target *t, int i, goss_error *err) {
    const int64_t outside = goss__flow_channels(&t->layers[i].in_flow), heads = goss__layer_heads_width(&t->layers[i]);
    for (const char *part = "qkvo"; *part; part++) {
        const char w[] = {*part, '.', 'w', 0}, b[] = {*part, '.', 'b', 0};
        const bool to_heads = *part != 'o';
        const int64_t rows = to_heads ? outside : heads, columns = to_heads ? heads : outside;
        GOSS_TRY(add_head_tensor(t, i, w, rows, columns, to_heads, err));
        if (*part != 'k') GOSS_TRY(add_head_tensor(t, i, b, 0, columns, to_heads, err));
    }
    return GOSS_OK;
}

/* ---- steps ---- */

static goss_status read_steps(const goss__words *w, goss__layer *l, goss_error *err) {
    GOSS_TRY(goss__word_int(w, 1, 1, GOSS__TARGET_MAX_EXTENT, &l->rows, err));
    return w->n > 2 ? goss__word_bad(w, 2, err) : GOSS_OK;
}

static goss_status flow_steps(const goss__layer *l, goss__flow *f, goss_error *err) {
    char text[64];
    goss__flow_text(f, text);
    if (f->rank != 1)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "steps: requires features, but its input is %s; put flatten before it", text);
    if (f->dim[0] % l->rows)
        return goss_error_set(err, GOSS_E_ARGUMENT, "steps: %s features do not divide into steps of %lld", text,
                              (long long)l->rows);
    *f = (goss__flow){2, {f->dim[0] / l->rows, l->rows}};
    return GOSS_OK;
}

static void write_steps(const goss__layer *l, goss__str *s) { goss__str_addf(s, " %lld", (long long)l->rows); }

/* ---- readout ---- */

static const char *const readouts[] = {"mean", "max", "last", "attention"};

static goss_status read_readout(const goss__words *w, goss__layer *l, goss_error *err) {
    int kind = 0;
    while (kind < 4 && !goss__word_is(w, 1, readouts[kind])) kind++;
    if (kind == 4) return goss__word_bad(w, 1, err);
    l->readout = (goss__readout)kind;
    return w->n > 2 ? goss__word_bad(w, 2, err) : GOSS_OK;
}

static goss_status flow_readout(const goss__layer *l, goss__flow *f, goss_error *err) {
    GOSS_TRY(goss__want_steps(f, "readout", err));
    *f = (goss__flow){1, {f->dim[1]}};
    return GOSS_OK;
}

/* Of mean and max: what they have so far, and of how many steps. */
static int states_readout(const goss__layer *l, int64_t width[4]) {
    width[0] = l->in_flow.dim[1], width[1] = 1;
    return l->readout == GOSS__READ_MEAN || l->readout == GOSS__READ_MAX ? 2 : 0;
}

static const char *whole_readout(const goss__layer *l) {
    return l->readout == GOSS__READ_ATTENTION ? "its softmax is over all steps" : NULL;
}

static void write_readout(const goss__layer *l, goss__str *s) { goss__str_addf(s, " %s", readouts[l->readout]); }

static goss_status declare_readout(goss_target *t, int i, goss_error *err) {
    const goss__layer *l = &t->layers[i];
    goss_entry e = {.rank = 2,
                    .dim = {l->in_flow.dim[1], 1},
                    .init = GOSS_INIT_LECUN,
                    .role = GOSS_ROLE_WEIGHT,
                    .fan_in = l->in_flow.dim[1],
                    .fan_out = 1,
                    .out_units = -1,
                    .in_units = l->in_units};
    return l->readout == GOSS__READ_ATTENTION ? goss__layer_entry(t->layout, l, "w", e, err) : GOSS_OK;
}

/* ---- the table ---- */

const goss__layer_kind goss__sequence_kinds[GOSS__SEQUENCE_KINDS] = {
    {.word = "conv1d",
     .usage = "conv1d C K [stride S] [pad P] [dilation D] [groups G]",
     .whole = whole_window,
     .fixed_steps = true,
     .product = true,
     .site = true,
     .kernel_word = 2,
     .read = read_conv1d,
     .flow = flow_conv1d,
     .write = write_conv1d,
     .apply = goss__apply_conv1d},
    {.word = "pool1d",
     .usage = "pool1d max | avg K [stride S]",
     .whole = whole_window,
     .fixed_steps = true,
     .read = read_pool1d,
     .flow = flow_pool1d,
     .write = write_pool1d,
     .apply = goss__apply_pool1d},
    {.word = "embedding",
     .usage = "embedding V D",
     .product = true,
     .looks_up = true,
     .opaque = true,
     .read = read_embedding,
     .flow = flow_embedding,
     .write = write_embedding,
     .declare = declare_embedding,
     .apply = goss__apply_embedding},
    {.word = "positions",
     .usage = "positions learned | sinusoidal",
     .whole = whole_positions,
     .causal = causal_positions,
     .opaque = true,
     .read = read_positions,
     .flow = flow_positions,
     .write = write_positions,
     .declare = declare_positions,
     .apply = goss__apply_positions},
    {.word = "attention",
     .usage = "attention H [width W] [causal] [rotary]",
     .heads = true,
     .whole = whole_attention,
     .causal = causal_attention,
     .product = true,
     .opaque = true,
     .read = read_attention,
     .flow = flow_attention,
     .write = write_attention,
     .declare = declare_attention,
     .apply = goss__apply_attention},
    {.word = "steps",
     .usage = "steps C",
     .opaque = true,
     .read = read_steps,
     .flow = flow_steps,
     .write = write_steps,
     .apply = goss__apply_steps},
    {.word = "readout",
     .usage = "readout mean | max | last | attention",
     .states = states_readout,
     .whole = whole_readout,
     .by_width = true,
     .read = read_readout,
     .flow = flow_readout,
     .write = write_readout,
     .declare = declare_readout,
     .apply = goss__apply_readout},
};
