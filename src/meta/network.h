/* network.h: an adapted network inside. */
#ifndef GOSS_META_NETWORK_H
#define GOSS_META_NETWORK_H

#include "gossamer/model.h"
#include "meta/notes.h"

struct goss_network {
    goss_target *target; /* with a head of as many outputs as there are classes */
    goss_image_format image;
    float *slab, *statistics; /* statistics: NULL without batch norm */
    char **classes;
    int n_classes;
    goss__notes notes;
};

/* Room for slab, statistics and class names of the target that is there. */
goss_status goss__network_room(goss_network *n, int classes, goss_error *err);
#endif
