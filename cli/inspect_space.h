/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_space.h: spaces of networks in gossamer inspect. */
#ifndef GOSS_CLI_INSPECT_SPACE_H
#define GOSS_CLI_INSPECT_SPACE_H

#include "gossamer/safetensors.h"
#include "gossamer/space.h"

/* The space of a model, or the structure of a network that was chosen in one. All NULL: the file has neither. */
typedef struct cli_space {
    goss_target *target;
    goss_space *space;
    float *structure; /* of a network, or within a budget; NULL: a model */
    float *other;     /* room for another one */
    int64_t outputs;  /* of a network */
} cli_space;

goss_status cli_space_open(const goss_safetensors *f, const char *path, cli_space *out, goss_error *err);
void cli_space_free(cli_space *s);
/* gossamer inspect FILE --input HxWxC: the text of a network in a file, for such inputs: its canonical text, its costs,
 * and what it leaves open. bytes: of the network that uniform shrinking leaves within so many, its text, too; 0: of the
 * largest one. svg: a file to draw to, or NULL. Returns the exit status. */
int cli_inspect_text(const char *path, const char *input, int outputs, int64_t bytes, bool json, const char *svg);
/* How many networks there are, the cheapest and the dearest; of a network what was kept. */
void cli_space_print(const cli_space *s, int width);
/* The value of "space" in JSON. */
void cli_space_json(const cli_space *s);
/* Draws the structure, or the dearest network of a model's space, as an SVG file. */
goss_status cli_space_draw(const cli_space *s, const char *path, goss_error *err);
#endif
