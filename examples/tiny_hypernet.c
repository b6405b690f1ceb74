/* SPDX-License-Identifier: Apache-2.0 */
/* tiny_hypernet.c: trains a hypernetwork on one set of images and turns a few examples of other classes into a network.
 *
 *     tiny_hypernet IMAGES SUPPORT QUERY      prints how many images of QUERY the network for SUPPORT names right
 *
 * A set is a folder with a folder a class, a .zip of one or an idx file. It trains on all classes of IMAGES: those of
 * SUPPORT must not be among them (or set data.train_classes, too). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gossamer/model.h"
#include "gossamer/train.h"

static goss_error err;
static void must(goss_status status) {
    if (status != GOSS_OK) fprintf(stderr, "%s\n", err.text), exit(1);
}

int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "usage: tiny_hypernet IMAGES SUPPORT QUERY\n"), 2;
    int n, classes, right = 0;
    goss_config *run;
    const goss_key *keys = goss_train_keys(&n);
    must(goss_config_new(keys, n, &run, &err));
    must(goss_config_parse(run,
                           "[run]\ndir = tiny_run\n[model]\nbackbone = conv4 16\n[train]\nsteps = 150\nminutes = 0\n"
                           "ways = 10\n[validate]\nevery = 0\n",
                           "tiny_hypernet.c", &err));
    must(goss_config_set(run, "data.path", argv[1], &err));
    must(goss_train(run, NULL, NULL, &err)); /* leaves a folder: another call goes on from there */

    goss_model *model;
    goss_images *support, *query;
    goss_network *net; /* a plain classifier: goss_network_save makes a file of it */
    must(goss_model_load("tiny_run/model.safetensors", &model, &err));
    must(goss_model_open_images(model, argv[2], NULL, &support, &err));
    must(goss_model_open_images(model, argv[3], NULL, &query, &err));
    must(goss_model_adapt(model, support, NULL, &net, &err));

    float image[28 * 28], *p = calloc((size_t)(classes = goss_network_classes(net)), sizeof *p);
    for (int i = 0; i < goss_images_count(query); i++) {
        int best = 0;
        goss_images_get(query, i, image);
        must(goss_network_predict(net, image, 1, p, NULL, NULL, &err));
        for (int c = 1; c < classes; c++) best = p[c] > p[best] ? c : best;
        right +=
            !strcmp(goss_network_class_name(net, best), goss_images_class_name(query, goss_images_class_of(query, i)));
    }
    printf("%d of %d right\n", right, goss_images_count(query));
    free(p), goss_network_free(net), goss_images_close(support), goss_images_close(query), goss_model_free(model);
    goss_config_free(run);
}
