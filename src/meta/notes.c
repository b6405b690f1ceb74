/* SPDX-License-Identifier: Apache-2.0 */
/* notes.c: metadata and slabs of model files: what models and adapted networks have in common. */
#include "meta/notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bf16.h"
#include "base/finite.h"
#include "base/number.h"
#include "base/str.h"
#include "base/text.h"

/* ---- notes ---- */

static int find(const goss__notes *notes, const char *name) {
    for (int i = 0; i < notes->n; i++)
        if (strcmp(notes->text[2 * i], name) == 0) return i;
    return -1;
}

goss_status goss__notes_set(goss__notes *notes, const char *name, const char *value, goss_error *err) {
    int i = find(notes, name);
    goss__str text = {0};
    goss__str_add(&text, "");
    goss__utf8_add(&text, value);
    if (text.failed) goss__str_free(&text);
    char *copy = text.data, *key = i < 0 ? goss__strdup(name) : NULL;
    char **grown = i < 0 ? goss__realloc(notes->text, (size_t)(notes->n + 1) * 2 * sizeof *grown) : notes->text;
    if (grown) notes->text = grown;
    if (!copy || !grown || (i < 0 && !key)) {
        goss__free(copy), goss__free(key);
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for a note");
    }
    if (i < 0) {
        i = notes->n++;
        notes->text[2 * i] = key;
    } else {
        goss__free(notes->text[2 * i + 1]);
    }
    notes->text[2 * i + 1] = copy;
    return GOSS_OK;
}

const char *goss__notes_get(const goss__notes *notes, const char *name) {
    int i = find(notes, name);
    return i < 0 ? NULL : notes->text[2 * i + 1];
}

void goss__notes_free(goss__notes *notes) {
    for (int i = 0; i < 2 * notes->n; i++) goss__free(notes->text[i]);
    goss__free(notes->text);
    *notes = (goss__notes){0};
}

goss_status goss__notes_write(const goss__notes *notes, goss_tensor_file *file, goss_error *err) {
    for (int i = 0; i < notes->n; i++)
        GOSS_TRY(goss_tensor_file_meta(file, notes->text[2 * i], notes->text[2 * i + 1], err));
    return GOSS_OK;
}

/* ---- metadata ---- */

/* Wrong kind of file: names the command that makes the right one. */
static const char *what_instead(const char *is, const char *wanted) {
    static const struct {
        const char *is, *wanted, *text;
    } hints[] = {
        {"network", "model", ". A network only predicts; its model is the file that gossamer adapt was given"},
        {"model", "network", ". gossamer adapt MODEL --support DIR -o NET makes a network of it"},
        {"checkpoint", "model",
         ". The run's model is model.safetensors (best.safetensors until it ends) in the same folder"},
        {"agent", "model", ". An agent acts: gossamer eval and gossamer play take it"},
        {"agent", "network", ". An agent acts: gossamer eval and gossamer play take it"},
        {"model", "agent", ". gossamer train of a configuration with [env] makes agents"},
        {"network", "agent", ". gossamer train of a configuration with [env] makes agents"},
        {"checkpoint", "network", ". gossamer adapt makes a network of the run's model.safetensors"},
    };
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strncmp(is, hints[i].is, strlen(hints[i].is)) == 0 &&
            strncmp(wanted, hints[i].wanted, strlen(hints[i].wanted)) == 0)
            return hints[i].text;
    return "";
}

static const char *article(const char *noun) { return *noun && strchr("aeiou", *noun) ? "an" : "a"; }

goss_status goss__file_kind(const goss_safetensors *f, const char *kind, goss_error *err) {
    const char *is = goss_safetensors_meta(f, GOSS__KIND_KEY);
    if (!is)
        return goss_error_set(err, GOSS_E_FORMAT, "not a file of Gossamer's: its metadata lacks %s", GOSS__KIND_KEY);
    if (strcmp(is, kind) == 0) return GOSS_OK;
    size_t word = strcspn(kind, " ");
    if (strncmp(is, "agent checkpoint ", 17) == 0)
        return goss_error_set(
            err, GOSS_E_FORMAT,
            "it is the checkpoint of an agent's run; the agent is model.safetensors in the same folder");
    if (strncmp(is, kind, word + 1) == 0)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "its format is \"%.40s\"; this version reads \"%s\"", is, kind);
    return goss_error_set(err, GOSS_E_FORMAT, "it holds %s %.*s, not %s %.*s%s", article(is), (int)strcspn(is, " "), is,
                          article(kind), (int)word, kind, what_instead(is, kind));
}

goss_status goss__file_number(const goss_safetensors *f, const char *key, int64_t min, int64_t max, int64_t *out,
                              goss_error *err) {
    const char *text = goss_safetensors_meta(f, key);
    double value;
    if (!text) return goss_error_set(err, GOSS_E_FORMAT, "its metadata lacks %s", key);
    if (!goss__number_parse(text, &value) || value < (double)min || value > (double)max ||
        value != (double)(int64_t)value)
        return goss_error_set(err, GOSS_E_FORMAT, "metadata %s: \"%.40s\" is not an integer from %lld to %lld", key,
                              text, (long long)min, (long long)max);
    *out = (int64_t)value;
    return GOSS_OK;
}

/* ---- slabs ---- */

static bool tensor_name(char *out, size_t size, const char *prefix, const goss_entry *e) {
    int n = prefix ? snprintf(out, size, "%s.%s", prefix, e->name) : snprintf(out, size, "%s", e->name);
    return n > 0 && (size_t)n < size;
}

static goss_status write_tensors(goss_tensor_file *file, const char *prefix, const goss_layout *l, const char *dtype,
                                 const void *slab, size_t element, goss_error *err) {
    char name[256];
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        if (!tensor_name(name, sizeof name, prefix, e))
            return goss_error_set(err, GOSS_E_ARGUMENT, "the name of tensor \"%.60s...\" is too long for a file",
                                  e->name);
        const void *data = (const char *)slab + (size_t)goss_layout_offset(l, i) * element;
        GOSS_TRY(goss_tensor_file_add(file, name, dtype, e->rank, e->dim, data, err));
    }
    return GOSS_OK;
}

goss_status goss__slab_write(goss_tensor_file *file, const char *prefix, const goss_layout *l, const float *slab,
                             goss_error *err) {
    return write_tensors(file, prefix, l, "F32", slab, sizeof *slab, err);
}

goss_status goss__slab_write_bf16(goss_tensor_file *file, const char *prefix, const goss_layout *l,
                                  const uint16_t *slab, goss_error *err) {
    return write_tensors(file, prefix, l, "BF16", slab, sizeof *slab, err);
}

static bool is_bf16(const goss_file_tensor *t) { return strcmp(t->dtype, "BF16") == 0; }

int64_t goss__tensor_numel(const goss_file_tensor *t) {
    if (is_bf16(t)) return (int64_t)(t->size / sizeof(uint16_t));
    if (strcmp(t->dtype, "I8") == 0) return (int64_t)t->size;
    return strcmp(t->dtype, "F32") == 0 ? (int64_t)(t->size / sizeof(float)) : 0;
}

goss_status goss__same_shape(const goss_file_tensor *t, const goss_entry *e, goss_error *err) {
    bool same = t->rank == e->rank;
    for (int i = 0; same && i < e->rank; i++) same = t->shape[i] == e->dim[i];
    return same ? GOSS_OK
                : goss_error_set(err, GOSS_E_FORMAT, "tensor \"%s\" has another shape than the network described",
                                 t->name);
}

goss_status goss__tensor_read(const goss_safetensors *f, const char *name, const goss_entry *e, float *out,
                              goss_error *err) {
    const goss_file_tensor *t = goss_safetensors_find(f, name);
    const float *data = NULL;
    const bool bf16 = t && is_bf16(t);
    if (!bf16) GOSS_TRY(goss_safetensors_floats(f, name, e->numel, &data, err));
    GOSS_TRY(goss__same_shape(t, e, err));
    if (!bf16) memcpy(out, data, (size_t)e->numel * sizeof *out);
    for (int64_t i = 0; bf16 && i < e->numel; i++) {
        uint16_t half;
        memcpy(&half, (const char *)t->data + (size_t)i * sizeof half, sizeof half);
        out[i] = goss__from_bf16(half);
    }
    int64_t at = goss__first_not_finite(out, e->numel);
    if (at < 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_NUMERIC, "tensor \"%s\": number %lld is %g, which is not finite", name,
                          (long long)at, (double)out[at]);
}

goss_status goss__slab_read(const goss_safetensors *f, const char *prefix, const goss_layout *l, float *slab,
                            goss_error *err) {
    char name[256];
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        if (!tensor_name(name, sizeof name, prefix, e))
            return goss_error_set(err, GOSS_E_FORMAT, "a tensor's name is too long");
        GOSS_TRY(goss__tensor_read(f, name, e, slab + goss_layout_offset(l, i), err));
    }
    return GOSS_OK;
}
