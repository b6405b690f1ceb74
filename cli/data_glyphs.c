/* SPDX-License-Identifier: Apache-2.0 */
/* data_glyphs.c: gossamer data glyphs: renders the characters of installed fonts. */
#include <stdio.h>

#include "data_made.h"
#include "gossamer/data.h"

int data_glyphs(int argc, char **argv) {
    goss_glyphs_options o = goss_glyphs_options_defaults();
    const cli_option options[] = {
        CLI_TEXT("o", "DIR", &o.out, "folder to write; created"),
        CLI_TEXT("fonts", "DIR", &o.fonts, "folder of .ttf and .otf files (/usr/share/fonts/truetype/noto)"),
        CLI_INT("size", "N", &o.size, "64", 8, 1024, "height and width of the drawings"),
        CLI_INT("drawings", "N", &o.drawings, "20", 1, 1000, "drawings per character"),
        CLI_INT("max-characters", "N", &o.max_characters, "60", 1, 100000, "largest number of characters per script"),
        CLI_INT("test-scripts", "N", &o.test_scripts, "20", 0, 1000, "scripts in test-classes.txt"),
        CLI_REAL("jitter", "X", &o.jitter, "1", 0, 100, "strength of the random distortions"),
        CLI_INT("seed", "S", &o.seed, "1", 0, 9007199254740991, "of scripts and distortions"),
        CLI_INT("threads", "N", &o.threads, "", 0, 1024, "(all)"),
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
    if (!o.out) cli_usage(&v, "-o is missing");
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
