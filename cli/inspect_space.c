/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_space.c: what a model's text leaves open: how many networks, from which cost to which; and of a network that
 * was chosen within such a space what was kept of it, as text, JSON and a drawing. */
#include "inspect_space.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "gossamer/file.h"
#include "gossamer/model.h"

void cli_space_free(cli_space *s) {
    goss_space_free(s->space);
    goss_target_free(s->target);
    free(s->structure);
    free(s->other);
    *s = (cli_space){0};
}

/* ---- opening ---- */

/* The text of the model's network, or of the space that a network was chosen in; NULL: neither. */
static const char *text_of(const goss_safetensors *f, bool *network) {
    const char *kind = goss_safetensors_meta(f, "gossamer.kind");
    *network = kind && strncmp(kind, "network ", strlen("network ")) == 0;
    if (*network) return goss_safetensors_meta(f, "structure.space");
    return kind && strncmp(kind, "model ", strlen("model ")) == 0 ? goss_safetensors_meta(f, "model.backbone") : NULL;
}

/* Any text with choices has one of these. */
static bool may_be_open(const char *text) {
    static const char *const signs[] = {"..", "|", "optional", "choose", "columns any"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strstr(text, signs[i])) return true;
    return false;
}

static goss_status parse(const char *text, const goss_target *like, int64_t outputs, goss_weight_precision stored,
                         cli_space *out, goss_error *err) {
    GOSS_TRY(
        goss_target_parse(text, goss_target_input(like), goss_target_input_rank(like), outputs, &out->target, err));
    GOSS_TRY(goss_space_create_stored(out->target, stored, &out->space, err));
    if (goss_space_gates(out->space) == 0) {
        cli_space_free(out); /* a plain network */
        return GOSS_OK;
    }
    out->other = malloc((size_t)goss_space_gates(out->space) * sizeof *out->other);
    return out->other ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for a structure");
}

static goss_status open_model(const char *path, const char *text, cli_space *out, goss_error *err) {
    goss_model *m = NULL;
    GOSS_TRY(goss_model_load(path, &m, err));
    const goss_target *t = goss_method_target(goss_model_method(m));
    goss_status s = parse(text, t, goss_target_outputs(t), GOSS_WEIGHTS_F32, out, err);
    goss_model_free(m);
    return s;
}

static goss_status open_network(const goss_safetensors *f, const char *path, const char *text, cli_space *out,
                                goss_error *err) {
    const char *gates = goss_safetensors_meta(f, "structure.gates");
    goss_network *n = NULL;
    if (!gates) return goss_error_set(err, GOSS_E_FORMAT, "%s: it has structure.space, but no structure.gates", path);
    GOSS_TRY(goss_network_load(path, &n, err));
    out->outputs = goss_target_outputs(goss_network_target(n));
    goss_status s = parse(text, goss_network_target(n), out->outputs, goss_network_precision(n), out, err);
    if (s == GOSS_OK && out->space) {
        out->structure = malloc((size_t)goss_space_gates(out->space) * sizeof *out->structure);
        s = out->structure ? goss_space_read(out->space, gates, out->structure, err)
                           : goss_error_set(err, GOSS_E_NOMEM, "no memory for a structure");
    }
    goss_network_free(n);
    return s == GOSS_OK ? s : goss_error_prefix(err, s, "%s: its structure", path);
}

goss_status cli_space_open(const goss_safetensors *f, const char *path, cli_space *out, goss_error *err) {
    bool network;
    const char *text = text_of(f, &network);
    *out = (cli_space){0};
    if (!text || !may_be_open(text)) return GOSS_OK;
    goss_status s = network ? open_network(f, path, text, out, err) : open_model(path, text, out, err);
    if (s != GOSS_OK) cli_space_free(out);
    return s;
}

/* The text of the structure's network, on one line. Owned: free; NULL: none. */
static char *text_within(const cli_space *s) {
    goss_target *small;
    if (goss_space_compact(s->space, s->structure, NULL, NULL, &small, NULL, NULL, NULL) != GOSS_OK) return NULL;
    char *text = strdup(goss_target_text(small));
    goss_target_free(small);
    for (char *at = text; at && (at = strchr(at, '\n')); at++)
        *at = at[1] == 0 ? 0 : at[-1] == '{' || at[1] == '}' ? ' ' : ';';
    return text;
}

/* ---- a network's text ---- */

enum { LONGEST_TEXT = 1 << 20 };

static goss_status read_text(const char *path, char **text, goss_error *err) {
    FILE *f = fopen(path, "rb");
    size_t n = 0;
    *text = f ? malloc(LONGEST_TEXT + 1) : NULL;
    if (*text) n = fread(*text, 1, LONGEST_TEXT + 1, f);
    const bool failed = !f || ferror(f);
    if (f) fclose(f);
    if (failed) return goss_error_set(err, GOSS_E_IO, "%s: cannot read: %s", path, strerror(errno));
    if (!*text) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the text of a network");
    if (n > LONGEST_TEXT || memchr(*text, 0, n))
        return goss_error_set(err, GOSS_E_FORMAT, "%s: is no text of a network", path);
    (*text)[n] = 0;
    return GOSS_OK;
}

/* "28x28x1", "40x13" or "12"; the rank, or 0. */
static int read_input(const char *text, int64_t input[3]) {
    for (int rank = 1; rank <= 3; rank++) {
        char *end;
        if (*text < '0' || *text > '9') return 0;
        input[rank - 1] = strtoll(text, &end, 10);
        if (!*end) return rank;
        if (*end != 'x') return 0;
        text = end + 1;
    }
    return 0;
}

static goss_status open_text(const char *path, const char *input, int outputs, cli_space *out, goss_error *err) {
    int64_t extent[3];
    char *text = NULL;
    const int rank = read_input(input, extent);
    if (!rank)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "--input: \"%.40s\" is not HxWxC (images), LxC (sequences) or D (features)", input);
    goss_status s = read_text(path, &text, err);
    if (s == GOSS_OK)
        s = goss_error_prefix(err, goss_target_parse(text, extent, rank, outputs, &out->target, err), "%s", path);
    free(text);
    if (s == GOSS_OK) s = goss_space_create(out->target, &out->space, err);
    out->other = s == GOSS_OK ? malloc((size_t)(goss_space_gates(out->space) + 1) * sizeof *out->other) : NULL;
    if (s == GOSS_OK && !out->other) s = goss_error_set(err, GOSS_E_NOMEM, "no memory for a structure");
    return s;
}

/* The structure becomes that of uniform shrinking. */
static goss_status shrink(cli_space *s, int64_t bytes, goss_error *err) {
    const goss_space_budget budget = {.bytes = bytes};
    if (goss_space_gates(s->space) == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--budget: the text leaves nothing open that could be shrunk");
    s->structure = malloc((size_t)goss_space_gates(s->space) * sizeof *s->structure);
    if (!s->structure) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a structure");
    return goss_error_prefix(err, goss_space_shrink(s->space, &budget, s->outputs, s->structure, err), "--budget");
}

static void print_text(const cli_space *s) {
    char *text = text_within(s);
    if (text) printf("\nmodel.backbone = %s\n", text);
    free(text);
}

static goss_status print_largest(const cli_space *s, goss_error *err) {
    char *text = goss_space_draw(s->space, s->other, s->outputs);
    if (text) printf("%s", text);
    goss_text_free(text);
    return text ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for a drawing");
}

int cli_inspect_text(const char *path, const char *input, int outputs, int64_t bytes, bool json, const char *svg) {
    cli_space s = {0};
    goss_error err;
    goss_status status = open_text(path, input, outputs, &s, &err);
    if (status == GOSS_OK && bytes > 0) status = shrink(&s, bytes, &err);
    if (status == GOSS_OK && svg) status = cli_space_draw(&s, svg, &err);
    if (status == GOSS_OK && json) {
        cli_space_json(&s);
        printf("\n");
    } else if (status == GOSS_OK) {
        goss_space_dearest(s.space, s.other);
        if (!s.structure) status = print_largest(&s, &err);
        if (status == GOSS_OK) cli_space_print(&s, 12);
        if (status == GOSS_OK && s.structure) print_text(&s);
    }
    cli_space_free(&s);
    return status == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
}

/* ---- for people ---- */

typedef void (*extreme)(const goss_space *s, float *structure);

static void print_extreme(const cli_space *s, const char *name, extreme find, int width) {
    find(s->space, s->other);
    const goss_space_figures f = goss_space_cost_of(s->space, s->other, s->outputs),
                             one = goss_space_cost_of(s->space, s->other, 1),
                             two = goss_space_cost_of(s->space, s->other, 2);
    printf("%-*s %lld bytes", width, name, (long long)f.bytes);
    if (two.bytes > one.bytes && !s->outputs) printf(" and %lld a class", (long long)(two.bytes - one.bytes));
    printf(", %lld MACs, %lld bytes of RAM\n", (long long)f.macs, (long long)f.ram);
}

void cli_space_print(const cli_space *s, int width) {
    double exact = 0;
    if (goss_space_gates(s->space) == 0) return;
    const double log10_of = goss_space_size(s->space, &exact);
    printf("%-*s ", width, "space");
    if (exact > 0 && exact < 1e7)
        printf("%.0f networks", exact);
    else
        printf("10^%.1f networks", log10_of);
    printf(", %d gates in %d groups\n", goss_space_gates(s->space), goss_space_groups(s->space));
    print_extreme(s, "cheapest", goss_space_cheapest, width);
    print_extreme(s, "dearest", goss_space_dearest, width);
    if (!s->structure) return;
    char *text = goss_space_draw(s->space, s->structure, s->outputs);
    if (text) printf("\n%s", text);
    goss_text_free(text);
}

goss_status cli_space_draw(const cli_space *s, const char *path, goss_error *err) {
    goss_space_dearest(s->space, s->other);
    char *text = goss_space_draw_svg(s->space, s->structure ? s->structure : s->other, s->outputs);
    const goss_status status = text ? goss_file_write(path, text, strlen(text), err)
                                    : goss_error_set(err, GOSS_E_NOMEM, "no memory for a drawing");
    goss_text_free(text);
    return status;
}

/* ---- JSON ---- */

static void json_figures(const char *key, const goss_space_figures *f) {
    printf(", \"%s\": {\"bytes\": %lld, \"macs\": %lld, \"ram\": %lld}", key, (long long)f->bytes, (long long)f->macs,
           (long long)f->ram);
}

static void json_extreme(const cli_space *s, const char *key, extreme find) {
    find(s->space, s->other);
    const goss_space_figures f = goss_space_cost_of(s->space, s->other, s->outputs);
    json_figures(key, &f);
}

static void json_gates(const cli_space *s) {
    printf(", \"gates\": [");
    for (int i = 0; i < goss_space_gates(s->space); i++) {
        printf("%s{\"name\": ", i ? ", " : "");
        cli_json_text(goss_space_gate(s->space, i).name);
        if (s->structure) printf(", \"open\": %s", s->structure[i] != 0 ? "true" : "false");
        printf("}");
    }
    printf("]");
}

void cli_space_json(const cli_space *s) {
    double exact = 0;
    const double log10_of = goss_space_size(s->space, &exact);
    printf("{\"text\": ");
    cli_json_text(goss_target_text(s->target));
    cli_json_number(", \"log10_networks\": ", log10_of);
    if (exact > 0) printf(", \"networks\": %.0f", exact);
    json_extreme(s, "cheapest", goss_space_cheapest);
    json_extreme(s, "dearest", goss_space_dearest);
    if (s->structure) {
        const goss_space_figures f = goss_space_cost_of(s->space, s->structure, s->outputs);
        json_figures("structure", &f);
        char *text = text_within(s);
        if (text) printf(", \"network\": "), cli_json_text(text);
        free(text);
    }
    json_gates(s);
    printf("}");
}
