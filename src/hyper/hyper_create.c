/* SPDX-License-Identifier: Apache-2.0 */
/* hyper_create.c: creating a hypernetwork: settings, refused combinations, and the layout of its own weights. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "hyper/hyper.h"

/* ---- refused combinations ---- */

static const goss_hyper_refusal refusals[] = {
    {"class head x task id", "a class's weights come from its examples, and a task id has none"},
    {"class head x descriptor", "a class's weights come from its examples, and a descriptor has none"},
    {"class head x input", "a class's weights come from its examples, not from the input that is to be classified"},
    {"class head x noise", "a class's weights come from its examples, and noise has none"},
    {"class head x graph", "a class's weights come from its examples, and a graph of operations has none"},
    {"class head x fixed head", "outputs mean the same in all tasks, and the network has a head for them: let "
                                "rules generate that (head.*=full), or leave them out"},
    {"class head x hidden layer", "only the head has one row per class; write head=class"},
    {"film x layer without a site", "FiLM acts behind norms, and behind conv and dense layers without one; give this "
                                    "tensor another generator in front "
                                    "of the pattern"},
    {"own x no task id", "a task's own numbers are a row of its number; add id to the condition"},
    {"own x input", "every sample would have a network of its own, and its numbers are a task's"},
    {"own x replace", "a task's own numbers are added to a base; combine by delta or scale"},
    {"batch norm x input", "every sample has its own network, so a batch has one sample; use layer or group norm"},
    {"graph x input", "a graph describes the network of a task, and every sample would have its own"},
    {"conditioner x nothing generated", "every tensor is shared, so that the condition would change nothing; "
                                        "generate some, as with head=class"},
};

const goss_hyper_refusal *goss_hyper_refusals(int *count) {
    *count = (int)(sizeof refusals / sizeof *refusals);
    return refusals;
}

goss_status goss__hyper_refuse(const char *cell, goss_error *err) {
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (strcmp(refusals[i].cell, cell) == 0)
            return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: %s", cell, refusals[i].reason);
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s", cell);
}

/* The weights of a class are generated from its support samples, which must be a condition, and cannot depend on the
 * input. */
static goss_status check_class_head(const goss_hyper *h, goss_error *err) {
    static const struct {
        unsigned bit;
        const char *cell;
    } with[] = {{GOSS_CONDITION_TASK, "class head x task id"},
                {GOSS_CONDITION_DESCRIPTOR, "class head x descriptor"},
                {GOSS_CONDITION_INPUT, "class head x input"},
                {GOSS_CONDITION_NOISE, "class head x noise"},
                {GOSS_CONDITION_GRAPH, "class head x graph"}};
    const unsigned c = h->options.conditioner;
    if (!h->class_head || (c & GOSS_CONDITION_SUPPORT && !(c & GOSS_CONDITION_INPUT))) return GOSS_OK;
    const unsigned culprit = c & GOSS_CONDITION_INPUT ? GOSS_CONDITION_INPUT : c;
    for (size_t i = 0; i < sizeof with / sizeof *with; i++)
        if (culprit & with[i].bit) return goss__hyper_refuse(with[i].cell, err);
    return GOSS_OK;
}

static goss_status check_own(const goss_hyper *h, goss_error *err) {
    const unsigned c = h->options.conditioner;
    if (h->own == 0) return GOSS_OK;
    if (!(c & GOSS_CONDITION_TASK)) return goss__hyper_refuse("own x no task id", err);
    if (c & GOSS_CONDITION_INPUT) return goss__hyper_refuse("own x input", err);
    return h->options.combine == GOSS_COMBINE_REPLACE ? goss__hyper_refuse("own x replace", err) : GOSS_OK;
}

static goss_status check_cells(const goss_hyper *h, goss_error *err) {
    const unsigned c = h->options.conditioner;
    GOSS_TRY(check_class_head(h, err));
    GOSS_TRY(check_own(h, err));
    if (h->class_head && goss_target_outputs(h->target) > 0) return goss__hyper_refuse("class head x fixed head", err);
    if (c & GOSS_CONDITION_INPUT && goss_layout_count(goss_target_statistics(h->target)) > 0)
        return goss__hyper_refuse("batch norm x input", err);
    if (c & GOSS_CONDITION_INPUT && c & GOSS_CONDITION_GRAPH) return goss__hyper_refuse("graph x input", err);
    const unsigned seen_by_layers = GOSS_CONDITION_TASK | GOSS_CONDITION_DESCRIPTOR | GOSS_CONDITION_GRAPH;
    if (!h->layers && (!h->class_head || c & seen_by_layers))
        return goss__hyper_refuse("conditioner x nothing generated", err);
    return GOSS_OK;
}

/* ---- settings ---- */

goss_hyper_options goss_hyper_defaults(void) {
    return (goss_hyper_options){.conditioner = GOSS_CONDITION_SUPPORT,
                                .combine = GOSS_COMBINE_DELTA,
                                .train_base = true,
                                .alpha = 1,
                                .hidden = 64,
                                .embedding = 64,
                                .layer_embedding = 16,
                                .chunk = 1024,
                                .rounds = 4,
                                .gate_weight = 1,
                                .attention = 4,
                                .class_delta = true,
                                .class_hidden = 128,
                                .class_scale = true};
}

static goss_status check_number(const char *name, int64_t value, int64_t low, int64_t high, goss_error *err) {
    if (value >= low && value <= high) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "hyper: %s is %lld, not in %lld .. %lld", name, (long long)value,
                          (long long)low, (long long)high);
}

static goss_status check_graph(const goss_hyper_options *o, int layers, goss_error *err) {
    if (!(o->conditioner & GOSS_CONDITION_GRAPH)) return GOSS_OK;
    GOSS_TRY(check_number("nodes", o->nodes, 1, 1 << 16, err));
    GOSS_TRY(check_number("node_numbers", o->node_numbers, 1, 1 << 16, err));
    GOSS_TRY(check_number("rounds", o->rounds, 0, 64, err));
    for (int i = 0; o->node_of && i < layers; i++)
        GOSS_TRY(check_number("a layer's node", o->node_of[i], 0, o->nodes - 1, err));
    return GOSS_OK;
}

static goss_status check_options(const goss_hyper_options *o, goss_error *err) {
    GOSS_TRY(check_number("conditioner", o->conditioner, 1, GOSS_CONDITION_ALL, err));
    GOSS_TRY(check_number("combine", o->combine, 0, GOSS_COMBINE_SCALE, err));
    GOSS_TRY(check_number("hidden", o->hidden, 1, 1 << 16, err));
    GOSS_TRY(check_number("embedding", o->embedding, 1, 1 << 16, err));
    GOSS_TRY(check_number("layer_embedding", o->layer_embedding, 1, 1 << 16, err));
    GOSS_TRY(check_number("chunk", o->chunk, 1, 1 << 24, err));
    GOSS_TRY(check_number("class_hidden", o->class_hidden, 1, 1 << 16, err));
    GOSS_TRY(check_number("features", o->features, 0, 1 << 24, err));
    GOSS_TRY(check_number("targets", o->targets, 0, 1 << 24, err));
    if (o->conditioner & GOSS_CONDITION_TASK) GOSS_TRY(check_number("tasks", o->tasks, 1, INT32_MAX, err));
    if (o->conditioner & GOSS_CONDITION_DESCRIPTOR)
        GOSS_TRY(check_number("descriptor", o->descriptor, 1, 1 << 24, err));
    GOSS_TRY(check_number("noise", o->noise, 0, 1 << 16, err));
    GOSS_TRY(check_number("gates", o->gates, 0, 1 << 16, err));
    GOSS_TRY(check_number("gate_features", o->gate_features, 0, 1 << 16, err));
    if (o->gate_features > 0) GOSS_TRY(check_number("gate_first", o->gate_first, 1, o->gate_features, err));
    GOSS_TRY(check_number("budget", o->budget, 0, 64, err));
    GOSS_TRY(check_number("attention", o->attention, 0, 64, err));
    if (o->attention > 0 && o->embedding % o->attention != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "hyper: %d heads of attention do not divide an embedding of %d",
                              o->attention, o->embedding);
    if (!(o->temperature >= 0)) return goss_error_set(err, GOSS_E_ARGUMENT, "hyper: temperature is not positive");
    return GOSS_OK;
}

/* ---- layout ---- */

goss_status goss__hyper_add(goss_hyper *h, int64_t rows, int64_t columns, goss_init init, int64_t fan_in,
                            goss_error *err, const char *fmt, ...) {
    char name[128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    goss_entry e = {.name = name,
                    .rank = rows > 0 ? 2 : 1,
                    .dim = {rows > 0 ? rows : columns, columns},
                    .init = init,
                    .fan_in = fan_in,
                    .fan_out = columns,
                    .role = rows > 0 ? GOSS_ROLE_WEIGHT : GOSS_ROLE_BIAS,
                    .out_units = -1,
                    .in_units = -1};
    return goss_layout_add(h->layout, &e, err);
}

static goss_status plan(goss_hyper *h, goss_error *err) {
    GOSS_TRY(goss_layout_new(&h->layout, err));
    if (h->layers) {
        GOSS_TRY(goss__hyper_plan_code(h, err));
        GOSS_TRY(goss__hyper_plan_generators(h, err));
    }
    return h->class_head ? goss__hyper_plan_head(h, err) : GOSS_OK;
}

/* A norm's tensors have the layer number of the product before it; a site is named after its norm or its product. */
static goss_status find_sites(goss_hyper *h, goss_error *err) {
    const goss_layout *l = goss_target_layout(h->target);
    int sites = goss_target_sites(h->target);
    GOSS_TRY(check_number("number of modulation sites of the target", sites, 0, GOSS_HYPER_MAX_SITES, err));
    for (int i = 0; i < sites; i++) {
        const char *site = goss_target_site_name(h->target, i);
        size_t n = strlen(site);
        h->site_layer[i] = -1;
        for (int k = 0; k < goss_layout_count(l); k++) {
            const goss_entry *e = goss_layout_entry(l, k);
            if (strncmp(e->name, site, n) == 0 && e->name[n] == '.') h->site_layer[i] = e->layer;
        }
    }
    return GOSS_OK;
}

static goss_status take_nodes(goss_hyper *h, const goss_hyper_options *o, goss_error *err) {
    const size_t layers = (size_t)goss_target_layers(h->target);
    GOSS_TRY(check_graph(o, (int)layers, err));
    h->options.node_of = NULL;
    if (!(o->conditioner & GOSS_CONDITION_GRAPH) || !o->node_of) return GOSS_OK;
    h->node_of = goss__calloc(layers + 1, sizeof *h->node_of);
    if (!h->node_of) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a hypernetwork");
    memcpy(h->node_of, o->node_of, layers * sizeof *h->node_of);
    h->options.node_of = h->node_of;
    return GOSS_OK;
}

static goss_status build(goss_hyper *h, const goss_hyper_options *o, goss_error *err) {
    GOSS_TRY(check_options(o, err));
    const goss_layout *l = goss_target_layout(h->target);
    h->rules = goss__strdup(o->rules ? o->rules : "head=class; *=shared");
    h->choice = goss__calloc((size_t)goss_layout_count(l) + 1, sizeof *h->choice);
    if (!h->rules || !h->choice) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a hypernetwork");
    h->options = *o;
    h->options.rules = h->rules;
    GOSS_TRY(take_nodes(h, o, err));
    h->features = (int)goss_target_feature_count(h->target);
    if (h->options.features == 0) h->options.features = h->features;
    if (o->conditioner & GOSS_CONDITION_NOISE && o->noise == 0) h->options.noise = 16;
    h->input = 1;
    for (int i = 0; i < goss_target_input_rank(h->target); i++) h->input *= (int)goss_target_input(h->target)[i];
    if (h->options.temperature == 0) h->options.temperature = 1 / __builtin_sqrt((double)h->features);
    GOSS_TRY(find_sites(h, err));
    GOSS_TRY(goss__hyper_read_rules(h, err));
    h->layers |= o->gates > 0;
    GOSS_TRY(check_cells(h, err));
    return plan(h, err);
}

goss_status goss_hyper_create(const goss_target *target, const goss_hyper_options *options, goss_hyper **out,
                              goss_error *err) {
    goss_hyper_options defaults = goss_hyper_defaults();
    goss_hyper *h = goss__calloc(1, sizeof *h);
    *out = NULL;
    if (!h) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a hypernetwork");
    h->target = target;
    goss_status status = build(h, options ? options : &defaults, err);
    if (status != GOSS_OK) {
        goss_hyper_free(h);
        return status;
    }
    *out = h;
    return GOSS_OK;
}

void goss_hyper_free(goss_hyper *h) {
    if (!h) return;
    goss_layout_free(h->layout);
    goss__free(h->choice);
    goss__free(h->rules);
    goss__free(h->node_of);
    goss__free(h);
}

const goss_target *goss_hyper_target(const goss_hyper *h) { return h->target; }
const goss_hyper_options *goss_hyper_settings(const goss_hyper *h) { return &h->options; }
goss_generator goss_hyper_generator(const goss_hyper *h, int entry) { return h->choice[entry].kind; }
int64_t goss_hyper_own(const goss_hyper *h) { return h->own; }
bool goss_hyper_class_head(const goss_hyper *h) { return h->class_head; }
bool goss_hyper_generates_layers(const goss_hyper *h) { return h->layers; }
const goss_layout *goss_hyper_layout(const goss_hyper *h) { return h->layout; }
