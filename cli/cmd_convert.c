/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_convert.c: gossamer convert: stores a model's hypernetwork in another type, or sets its strengths. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "gossamer/file.h"
#include "gossamer/model.h"

/* weights, strengths: NULL: unchanged. */
static goss_status convert(const char *model, const char *out, const char *weights, const char *strengths,
                           goss_error *err) {
    goss_model *m = NULL;
    goss_status s = goss_output_check(out, GOSS_OUTPUT_MODEL, &model, 1, err);
    if (s == GOSS_OK) s = goss_model_load(model, &m, err);
    if (s == GOSS_OK && weights) s = goss_model_set_bf16(m, strcmp(weights, "bf16") == 0, err);
    if (s == GOSS_OK) s = cli_set_strengths(m, strengths, err);
    if (s == GOSS_OK) s = goss_model_save(m, out, err);
    goss_model_free(m);
    return s;
}

int cmd_convert(int argc, char **argv) {
    const char *out = NULL, *weights = NULL, *strengths = NULL;
    const cli_option options[] = {
        CLI_TEXT("o", "OUT", &out, "the model file to write"),
        CLI_TEXT("weights", "TYPE", &weights, "bf16: the hypernetwork's weights in half the bytes; f32"),
        CLI_TEXT("strength", "NAME=VALUE,...", &strengths,
                 "the strengths of regularisers that the model was conditioned on"),
    };
    const cli_verb v = {
        .name = "convert",
        .usage = "MODEL -o OUT [--weights bf16|f32] [--strength NAME=VALUE,...]",
        .doc =
            "Writes MODEL with its hypernetwork's weights in another type. As bfloat16 they take half the\nbytes, in "
            "files and in memory of adapt and eval; compare the two with\ngossamer eval MODEL --methods rounded=OUT "
            "...\n"
            "A model trained with [regularizer.NAME] weight = conditioned computes networks for all strengths:\nOUT is "
            "set to one of them.",
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_words = 1,
        .max_words = 1};
    if (cli_parse(&v, argc, argv) < 0) return cli_close_stdout();
    if (!out) cli_usage(&v, "-o is missing");
    out = cli_output(out);
    if (!weights && !strengths) cli_usage(&v, "--weights or --strength is missing");
    if (weights && strcmp(weights, "bf16") != 0 && strcmp(weights, "f32") != 0)
        cli_usage(&v, "--weights %s: neither bf16 nor f32", weights);
    goss_error err;
    if (convert(argv[1], out, weights, strengths, &err) != GOSS_OK) return cli_fail(&err);
    cli_put_path(out);
    return cli_close_stdout();
}
