/* SPDX-License-Identifier: Apache-2.0 */
/* image_adapt.c: gossamer adapt with a folder of labelled images. */
#include <stdio.h>

#include "data_kinds.h"

static void tell(const goss_network *n, int images) {
    char members[64] = "a network";
    if (goss_network_members(n) > 1)
        snprintf(members, sizeof members, "an ensemble of %d networks", goss_network_members(n));
    fprintf(stderr, "%d images of %d classes became %s of %lld weights\n", images, goss_network_classes(n), members,
            (long long)goss_layout_total(goss_target_layout(goss_network_target(n))));
}

/* Of a tree with train/ and test/ above its classes only train/ is shown. */
static goss_status open_support(const goss_model *m, const char *path, const char *labels, bool skip_bad,
                                goss_images **out, goss_error *err) {
    goss_images_options o = goss_images_options_defaults();
    o.split = GOSS_SPLIT_TRAIN, o.skip_bad = skip_bad, o.labels = labels;
    GOSS_TRY(goss_model_open_images(m, path, &o, out, err));
    return goss_images_need_classes(*out, path, 2, err);
}

goss_status adapt_images(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err) {
    goss_images *set = NULL;
    goss_status s = open_support(m, q->support, q->labels, q->skip_bad, &set, err);
    if (s == GOSS_OK) s = goss_model_adapt(m, set, &q->o, out, err);
    if (s == GOSS_OK) tell(*out, goss_images_count(set));
    goss_images_close(set);
    return s;
}
