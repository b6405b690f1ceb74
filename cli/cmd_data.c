/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_data.c: gossamer data glyphs: renders the characters of installed fonts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "gossamer/data.h"

static double real(const cli_verb *v, const char *name, const char *text, double fallback) {
    if (!text) return fallback;
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0 && value <= 100))
        cli_usage(v, "--%s %s: a number from 0 to 100", name, text);
    return value;
}

int cmd_data(int argc, char **argv) {
    goss_glyphs_options o = goss_glyphs_options_defaults();
    const char *size = NULL, *drawings = NULL, *most = NULL, *test = NULL, *jitter = NULL, *threads = NULL,
               *seed = NULL;
    const cli_option options[] = {
        {"o", "DIR", "folder to write; created", &o.out, NULL},
        {"fonts", "DIR", "folder of .ttf and .otf files (/usr/share/fonts/truetype/noto)", &o.fonts, NULL},
        {"size", "N", "height and width of the drawings (64)", &size, NULL},
        {"drawings", "N", "drawings per character (20)", &drawings, NULL},
        {"max-characters", "N", "largest number of characters per script (60)", &most, NULL},
        {"test-scripts", "N", "scripts in test-classes.txt (20)", &test, NULL},
        {"jitter", "X", "strength of the random distortions (1)", &jitter, NULL},
        {"seed", "S", "(1)", &seed, NULL},
        {"threads", "N", "(all)", &threads, NULL},
    };
    const cli_verb v = {.name = "data",
                        .usage = "glyphs -o DIR [options]",
                        .doc = "Renders the characters of installed fonts, script by script, into "
                               "DIR/Script/uXXXX/NN_face.png, and lists the\nclasses by whole scripts in "
                               "DIR/train-classes.txt and DIR/test-classes.txt. An existing result is kept.",
                        .options = options,
                        .n_options = sizeof options / sizeof *options,
                        .min_words = 1,
                        .max_words = 1};
    if (cli_parse(&v, argc, argv) < 0) return cli_close_stdout();
    if (strcmp(argv[1], "glyphs") != 0) cli_usage(&v, "there is no data \"%s\", only glyphs", argv[1]);
    if (!o.out) cli_usage(&v, "-o is missing");
    o.size = (int)cli_int(&v, "size", size, o.size, 8, 1024);
    o.drawings = (int)cli_int(&v, "drawings", drawings, o.drawings, 1, 1000);
    o.max_characters = (int)cli_int(&v, "max-characters", most, o.max_characters, 1, 100000);
    o.test_scripts = (int)cli_int(&v, "test-scripts", test, o.test_scripts, 0, 1000);
    o.threads = (int)cli_int(&v, "threads", threads, o.threads, 0, 1024);
    o.seed = (uint64_t)cli_int(&v, "seed", seed, (int64_t)o.seed, 0, INT64_MAX);
    o.jitter = real(&v, "jitter", jitter, o.jitter);
    goss_error err;
    goss_glyphs_report r;
    cli_log_to_stderr();
    o.stop = cli_catch_signals();
    goss_status s = goss_glyphs_render(&o, &r, &err);
    cli_release_signals();
    if (s != GOSS_OK) return cli_fail(&err);
    fprintf(stderr, "%d scripts, %d characters, %d drawings; to test on: %d scripts, %d characters\n", r.scripts,
            r.characters, r.images, r.test_scripts, r.test_characters);
    fprintf(stderr, "excluded: %d blank, %d marks, %d duplicates\n", r.blank, r.marks, r.duplicates);
    cli_put_path(o.out);
    return cli_close_stdout();
}
