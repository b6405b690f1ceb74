/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_data.c: gossamer data: makes data. The first argument that is a name of the table says which; everything else is
 * for its function. */
#include <string.h>

#include "data_made.h"

static const struct {
    const char *name;
    int (*make)(int argc, char **argv);
} made[] = {{"glyphs", data_glyphs}, {"machines", data_machines}, {"tables", data_tables}, {"vectors", data_vectors}};
enum { MADE = sizeof made / sizeof *made };

static const cli_verb verb = {
    .name = "data",
    .usage = "glyphs|machines|tables|vectors ... -o DIR_OR_FILE [options]",
    .doc = "Makes data: glyphs renders the characters of installed fonts; machines makes series of "
           "machines that\nwear out; tables draws random tables from the prior; vectors trains word vectors on texts. "
           "The options of each: "
           "gossamer data NAME --help.",
    .min_words = 1,
    .max_words = 1};

int cmd_data(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        for (int m = 0; m < MADE; m++)
            if (strcmp(argv[i], made[m].name) == 0) return made[m].make(argc, argv);
    if (cli_parse(&verb, argc, argv) < 0) return cli_close_stdout();
    cli_usage(&verb, "there is no data \"%s\", only glyphs, machines, tables and vectors", argv[1]);
}
