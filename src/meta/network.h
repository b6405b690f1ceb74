/* SPDX-License-Identifier: Apache-2.0 */
/* network.h: an adapted network inside. */
#ifndef GOSS_META_NETWORK_H
#define GOSS_META_NETWORK_H

#include "gossamer/model.h"
#include "meta/notes.h"

struct goss_network {
    goss_target *target; /* with a head of as many outputs as there are classes */
    goss_image_format image;
    int members;              /* networks of this target: more than one is an ensemble */
    float *slab, *statistics; /* [members, total]; statistics: NULL without batch norm */
    char **classes;
    int n_classes;
    goss__notes notes;
};

/* Room for slabs, statistics and class names of the target and the number of members that are there. */
goss_status goss__network_room(goss_network *n, int classes, goss_error *err);
/* Whether tensor i of the members' slabs of a layout is the same in all of them. */
bool goss__network_agrees(const goss_network *n, const goss_layout *l, const float *slab, int i);
#endif
