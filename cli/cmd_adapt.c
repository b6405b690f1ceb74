/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_adapt.c: gossamer adapt: a folder of labelled images becomes a network file. */
#include <stdio.h>

#include "cli.h"
#include "gossamer/file.h"
#include "gossamer/model.h"

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

static goss_status adapt(const char *model, const char *support, const char *labels, const char *out,
                         const goss_adapt_options *o, bool skip_bad, goss_error *err) {
    goss_model *m = NULL;
    goss_images *set = NULL;
    goss_network *n = NULL;
    goss_status s = goss_output_check(out, (const char *[]){model, support, labels}, 3, err);
    if (s == GOSS_OK) s = goss_model_load(model, &m, err);
    if (s == GOSS_OK) s = open_support(m, support, labels, skip_bad, &set, err);
    if (s == GOSS_OK) s = goss_model_adapt(m, set, o, &n, err);
    if (s == GOSS_OK) s = goss_network_note(n, "model.file", model, err);
    if (s == GOSS_OK) s = goss_network_save(n, out, err);
    if (s == GOSS_OK) tell(n, goss_images_count(set));
    goss_network_free(n);
    goss_images_close(set);
    goss_model_free(m);
    return s;
}

int cmd_adapt(int argc, char **argv) {
    const char *support = NULL, *labels = NULL, *out = NULL, *fine_tune = NULL, *networks = NULL;
    bool skip_bad = false;
    const cli_option options[] = {
        {"support", "DIR_OR_ZIP", "labelled images: a folder a class", &support, NULL},
        {"labels", "FILE", "idx: the file of labels, where it is not beside the images", &labels, NULL},
        {"o", "NET", "the network file to write", &out, NULL},
        {"fine-tune", "STEPS", "gradient steps on those images after generating (0)", &fine_tune, NULL},
        {"networks", "N", "size of the ensemble, for a model with hyper.noise (as it was trained)", &networks, NULL},
        {"skip-bad", NULL, "leave out images that cannot be read, with a warning", NULL, &skip_bad},
    };
    const cli_verb v = {
        .name = "adapt",
        .usage = "MODEL --support DIR_OR_ZIP -o NET [--fine-tune STEPS] [--networks N] [--skip-bad]",
        .doc =
            "Turns a few labelled images of classes that MODEL has never seen into a network that tells them apart.\n"
            "NET needs nothing else: gossamer predict NET IMAGE...",
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_words = 1,
        .max_words = 1};
    if (cli_parse(&v, argc, argv) < 0) return cli_close_stdout();
    if (!support) cli_usage(&v, "--support is missing");
    if (!out) cli_usage(&v, "-o is missing");
    out = cli_output(out);
    goss_adapt_options o = {
        .fine_tune = (int)cli_int(&v, "fine-tune", fine_tune, 0, 0, 100000),
        .networks = (int)cli_int(&v, "networks", networks, 0, 1, GOSS_METHOD_MAX_NETWORKS),
    };
    goss_error err;
    cli_log_to_stderr();
    if (adapt(argv[1], support, labels, out, &o, skip_bad, &err) != GOSS_OK) return cli_fail(&err);
    cli_put_path(out);
    return cli_close_stdout();
}
