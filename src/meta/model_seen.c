/* SPDX-License-Identifier: Apache-2.0 */
/* model_seen.c: samples that a model was trained on, by content hash. */
#include "base/alloc.h"
#include "meta/model.h"

/* The i-th of the classes; -1: there are no more. */
static int class_at(const goss_images *set, const goss_class_list *classes, int i) {
    if (i >= (classes ? classes->count : goss_images_classes(set))) return -1;
    return classes ? classes->ids[i] : i;
}

goss_status goss_model_mark(goss_model *m, goss_use use, const goss_images *set, const goss_class_list *classes,
                            goss_error *err) {
    GOSS_TRY(goss__model_fits(m, set, err));
    uint64_t *hash = goss__calloc((size_t)goss_images_count(set), sizeof *hash);
    if (!hash)
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for the hashes of %d images", goss_images_count(set));
    size_t n = 0;
    for (int i = 0, c; (c = class_at(set, classes, i)) >= 0; i++) {
        int first, count;
        goss_images_class_range(set, c, &first, &count);
        for (int k = first; k < first + count; k++) hash[n++] = goss_images_sample(set, k);
    }
    goss_status s = goss__samples_add(&m->seen[use], hash, n, err);
    goss__free(hash);
    return s;
}

goss_status goss_model_mark_samples(goss_model *m, goss_use use, const uint64_t *hash, size_t n, goss_error *err) {
    return goss__samples_add(&m->seen[use], hash, n, err);
}

const uint64_t *goss_model_samples(const goss_model *m, goss_use use, size_t *n) {
    *n = m->seen[use].n;
    return m->seen[use].hash;
}

goss_status goss_model_overlap(const goss_model *m, goss_use use, const goss_images *set,
                               const goss_class_list *classes, bool *seen, goss_overlap *out, goss_error *err) {
    const goss__samples *s = &m->seen[use];
    *out = (goss_overlap){.first = -1, .complete = !s->partial || !goss_method_trains(m->method)};
    GOSS_TRY(goss__model_fits(m, set, err));
    for (int i = 0, c; s->n > 0 && (c = class_at(set, classes, i)) >= 0; i++) {
        int first, count, found = 0;
        goss_images_class_range(set, c, &first, &count);
        for (int k = first; k < first + count; k++) {
            if (!goss__samples_have(s, goss_images_sample(set, k))) continue;
            if (out->first < 0) out->first = k;
            if (seen) seen[k] = true;
            found++;
        }
        out->images += found, out->classes += found > 0;
    }
    return GOSS_OK;
}
