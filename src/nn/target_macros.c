/* SPDX-License-Identifier: Apache-2.0 */
/* target_macros.c: words that stand for several layers: blocks and whole networks, expanded to the text of layers. */
#include <stdio.h>
#include <string.h>

#include "nn/target.h"

/* The norm named by the words from `from` on, as the text after "norm"; batch by default. */
static goss_status norm_words(const goss__words *w, int from, char out[64], goss_error *err) {
    int n = 0;
    if (from >= w->n) n = snprintf(out, 64, " batch");
    for (int i = from; i < w->n; i++) {
        if (n + w->size[i] + 2 > 64) return goss__word_bad(w, i, err);
        n += snprintf(out + n, (size_t)(64 - n), " %.*s", w->size[i], w->at[i]);
    }
    return GOSS_OK;
}

/* conv with the units of `units` times `factor`, and what follows them. */
static void add_conv(goss__str *out, const goss__layer *units, int64_t factor, const char *rest, const char *norm) {
    const goss__layer l = {.out = factor * units->out, .low = factor * units->low, .step = factor * units->step};
    goss__str_add(out, "conv");
    goss__units_write(&l, out);
    goss__str_addf(out, " %s; norm%s", rest, norm);
}

static void add_block(goss__str *out, const goss__layer *units, int64_t factor, int64_t stride, bool shortcut,
                      const char *norm) {
    char first[64], across[64];
    snprintf(first, sizeof first, "3 stride %lld pad 1", (long long)stride);
    snprintf(across, sizeof across, "1 stride %lld", (long long)stride);
    goss__str_add(out, "residual { ");
    add_conv(out, units, factor, first, norm);
    goss__str_add(out, "; relu; ");
    add_conv(out, units, factor, "3 pad 1", norm);
    goss__str_add(out, " }\n");
    if (shortcut) {
        goss__str_add(out, "shortcut { ");
        add_conv(out, units, factor, across, norm);
        goss__str_add(out, " }\n");
    }
    goss__str_add(out, "relu\n");
}

static goss_status expand_block(const goss__flow *flow, const goss__words *w, goss__str *out, goss_error *err) {
    int64_t stride = 1;
    goss__layer units = {0};
    char norm[64];
    GOSS_TRY(goss__word_units(w, 1, GOSS__TARGET_MAX_EXTENT, &units, err));
    bool has_stride = goss__word_is(w, 2, "stride");
    if (has_stride) GOSS_TRY(goss__word_int(w, 3, 1, 64, &stride, err));
    GOSS_TRY(norm_words(w, has_stride ? 4 : 2, norm, err));
    add_block(out, &units, 1, stride, stride != 1 || units.out != goss__flow_channels(flow), norm);
    return GOSS_OK;
}

static goss_status expand_mlp(const goss__flow *flow, const goss__words *w, goss__str *out, goss_error *err) {
    if (flow->rank > 1) goss__str_add(out, "flatten\n");
    for (int i = 1; i < w->n; i++) {
        goss__layer units = {0};
        GOSS_TRY(goss__word_units(w, i, GOSS__TARGET_MAX_EXTENT, &units, err));
        goss__str_add(out, "dense");
        goss__units_write(&units, out);
        goss__str_add(out, "; relu\n");
    }
    goss__str_add(out, "head\n");
    return GOSS_OK;
}

static goss_status expand_conv4(const goss__flow *flow, const goss__words *w, goss__str *out, goss_error *err) {
    goss__layer units = {0};
    char norm[64];
    GOSS_TRY(goss__word_units(w, 1, GOSS__TARGET_MAX_EXTENT, &units, err));
    GOSS_TRY(norm_words(w, 2, norm, err));
    for (int i = 0; i < 4; i++) {
        add_conv(out, &units, 1, "3 pad 1", norm);
        goss__str_add(out, "; relu; pool max 2\n");
    }
    goss__str_add(out, "flatten\n");
    goss__str_add(out, "head\n");
    return GOSS_OK;
}

static goss_status expand_resnet(const goss__flow *flow, const goss__words *w, goss__str *out, goss_error *err) {
    goss__layer units = {0};
    char norm[64];
    GOSS_TRY(goss__word_units(w, 1, GOSS__TARGET_MAX_EXTENT, &units, err));
    GOSS_TRY(norm_words(w, 2, norm, err));
    add_conv(out, &units, 1, "3 pad 1", norm);
    goss__str_add(out, "; relu\n");
    for (int i = 0; i < 3; i++) add_block(out, &units, 1 << i, i ? 2 : 1, i > 0, norm);
    goss__str_add(out, "pool global\n");
    goss__str_add(out, "head\n");
    return GOSS_OK;
}

/* transformer D H [causal] [rotary] [dropout P]. Heads and the words after them are those of attention, and dropout. */
static goss_status expand_transformer(const goss__flow *flow, const goss__words *w, goss__str *out, goss_error *err) {
    int64_t d = 0;
    goss__layer heads = {0};
    char words[32] = "", dropout[48] = "";
    GOSS_TRY(goss__word_int(w, 1, 1, GOSS__TARGET_MAX_EXTENT / 4, &d, err));
    GOSS_TRY(goss__word_units(w, 2, GOSS__MAX_HEADS, &heads, err));
    for (int i = 3; i < w->n; i++) {
        if (goss__word_is(w, i, "dropout") && i + 1 < w->n && w->size[i + 1] < 24) {
            snprintf(dropout, sizeof dropout, "; dropout %.*s", w->size[i + 1], w->at[i + 1]);
            i++;
        } else if ((goss__word_is(w, i, "causal") || goss__word_is(w, i, "rotary")) && strlen(words) < 16) {
            snprintf(words + strlen(words), sizeof words - strlen(words), " %.*s", w->size[i], w->at[i]);
        } else {
            return goss__word_bad(w, i, err);
        }
    }
    if (goss__flow_channels(flow) != d) goss__str_addf(out, "dense %lld\n", (long long)d);
    goss__str_add(out, "residual { norm layer; attention");
    goss__units_write(&heads, out);
    goss__str_addf(out, "%s%s }\n", words, dropout);
    goss__str_addf(out, "residual { norm layer; dense %lld; gelu; dense %lld%s }\n", 4 * (long long)d, (long long)d,
                   dropout);
    return GOSS_OK;
}

/* The words from `from` on, as they are. */
static void add_rest(goss__str *out, const goss__words *w, int from) {
    for (int i = from; i < w->n; i++) goss__str_addf(out, " %.*s", w->size[i], w->at[i]);
}

static void add_depthwise(const goss__flow *flow, goss__str *out, const goss__words *w, int from) {
    const long long c = goss__flow_channels(flow);
    goss__str_addf(out, "conv %lld", c);
    add_rest(out, w, from);
    goss__str_addf(out, " groups %lld\n", c);
}

static goss_status expand_depthwise(const goss__flow *flow, const goss__words *w, goss__str *out, goss_error *err) {
    add_depthwise(flow, out, w, 1);
    return w->n < 2 ? goss__word_bad(w, 1, err) : GOSS_OK;
}

/* Howard et al. 2017, without the norm between the two */
static goss_status expand_separable(const goss__flow *flow, const goss__words *w, goss__str *out, goss_error *err) {
    goss__layer units = {0};
    GOSS_TRY(goss__word_units(w, 1, GOSS__TARGET_MAX_EXTENT, &units, err));
    if (w->n < 3) return goss__word_bad(w, 2, err);
    add_depthwise(flow, out, w, 2);
    goss__str_add(out, "conv");
    goss__units_write(&units, out);
    goss__str_add(out, " 1\n");
    return GOSS_OK;
}

static const goss__macro macros[] = {
    {"depthwise", "depthwise K [stride S] [pad P] [dilation D]", expand_depthwise},
    {"separable", "separable C K [stride S] [pad P] [dilation D]", expand_separable},
    {"block", "block C [stride S] [batch | layer | instance | group G]", expand_block},
    {"transformer", "transformer D H [causal] [rotary] [dropout P]", expand_transformer},
    {"mlp", "mlp D1 D2 ...", expand_mlp},
    {"conv4", "conv4 C [batch | layer | instance | group G]", expand_conv4},
    {"resnet", "resnet C [batch | layer | instance | group G]", expand_resnet},
};

const goss__macro *goss__macro_find(const goss__words *w) {
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
        if (goss__word_is(w, 0, macros[i].word)) return &macros[i];
    return NULL;
}
