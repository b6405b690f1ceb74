/* cmd_predict.c: gossamer predict: classes and probabilities of image files, one line or one JSON object each. */
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "gossamer/model.h"

/* uncertainty < 0: the network is no ensemble and has none. */
static void print_json(const goss_network *n, const char *input, const float *p, int best, float uncertainty) {
    printf("{\"input\": ");
    cli_json_text(input);
    printf(", \"class\": ");
    cli_json_text(goss_network_class_name(n, best));
    printf(", \"probability\": %.6f", (double)p[best]);
    if (uncertainty >= 0) printf(", \"uncertainty\": %.6f", (double)uncertainty);
    printf(", \"probabilities\": {");
    for (int i = 0; i < goss_network_classes(n); i++) {
        printf("%s", i ? ", " : "");
        cli_json_text(goss_network_class_name(n, i));
        printf(": %.6f", (double)p[i]);
    }
    printf("}}\n");
}

static void print(const goss_network *n, const char *input, const float *p, float uncertainty, bool json) {
    int best = 0;
    for (int i = 1; i < goss_network_classes(n); i++)
        if (p[i] > p[best]) best = i;
    if (json) {
        print_json(n, input, p, best, uncertainty);
        return;
    }
    printf("%s\t%s\t%.4f", input, goss_network_class_name(n, best), (double)p[best]);
    if (uncertainty >= 0) printf("\t%.4f", (double)uncertainty);
    printf("\n");
}

/* Every image is read before the first line is written: a bad one makes the command fail as a whole. */
static goss_status predict(const goss_network *n, char **files, int count, bool json, goss_error *err) {
    goss_image_format f = goss_network_image(n);
    size_t image = (size_t)f.height * (size_t)f.width * (size_t)f.channels, classes = (size_t)goss_network_classes(n);
    float *pixels = calloc((size_t)count, image * sizeof *pixels), *p = calloc((size_t)count, classes * sizeof *p),
          *uncertainty = calloc((size_t)count, sizeof *uncertainty);
    bool ensemble = goss_network_members(n) > 1;
    goss_status s =
        pixels && p && uncertainty ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d images", count);
    for (int i = 0; i < count && s == GOSS_OK; i++)
        s = goss_image_decode_file(files[i], &f, pixels + (size_t)i * image, err);
    if (s == GOSS_OK) s = goss_network_predict(n, pixels, count, p, uncertainty, NULL, err);
    for (int i = 0; i < count && s == GOSS_OK; i++)
        print(n, files[i], p + (size_t)i * classes, ensemble ? uncertainty[i] : -1, json);
    free(pixels);
    free(p);
    free(uncertainty);
    return s;
}

int cmd_predict(int argc, char **argv) {
    bool json = false;
    const cli_option options[] = {
        {"json", NULL, "one JSON object an image: input, class, probability, probabilities", NULL, &json}};
    const cli_verb v = {
        .name = "predict",
        .usage = "NET IMAGE... [--json]",
        .doc =
            "Classifies PNG and JPEG files with a network that gossamer adapt wrote. A line an image: file, class,\n"
            "probability, with tabs between; of an ensemble the uncertainty, too: how far its networks disagree, in\n"
            "nats.",
        .options = options,
        .n_options = 1,
        .min_words = 2,
        .max_words = -1};
    int words = cli_parse(&v, argc, argv);
    if (words < 0) return cli_close_stdout();
    goss_error err;
    goss_network *n;
    if (goss_network_load(argv[1], &n, &err) != GOSS_OK) return cli_fail(&err);
    int status = predict(n, argv + 2, words - 1, json, &err) == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
    goss_network_free(n);
    return status;
}
