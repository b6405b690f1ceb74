/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_program.c: gossamer inspect on a file with a program: its interface and text. */
#include "inspect_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

bool cli_is_program(const goss_safetensors *f) {
    const char *kind = goss_safetensors_meta(f, "gossamer.kind");
    return kind && strncmp(kind, "program ", strlen("program ")) == 0;
}

/* ---- types ---- */

static void put_extent(const goss_program *p, goss_extent e) {
    const bool number = e.count != 1 || e.symbols == 0;
    if (number) printf("%lld", (long long)e.count);
    for (uint64_t s = e.symbols; s & 0xff; s >>= 8)
        printf("%s%s", number || s != e.symbols ? "*" : "", goss_program_symbol_name(p, (int)(s & 0xff) - 1));
}

static void put_type(const goss_program *p, int value) {
    const goss_program_value *v = goss_program_value_at(p, value);
    printf("%s[", v->type == GOSS_INDEX ? "index" : "real");
    for (int i = 0; i < v->shape.rank; i++) {
        if (i) printf(",");
        put_extent(p, v->shape.dim[i]);
    }
    printf("]");
}

/* ---- text ---- */

static void put_row(const goss_program *p, int width, const char *what, const char *name, int value) {
    printf("%-10s", what);
    cli_put_name(name, width - 10);
    printf(" ");
    put_type(p, value);
    printf("\n");
}

void cli_print_interface(const goss_program *p, int width) {
    for (int i = 0; i < goss_program_symbols(p); i++)
        printf("%-10s%-*s 1 to %lld\n", "symbol", width - 10, goss_program_symbol_name(p, i),
               (long long)goss_program_symbol_maximum(p, i));
    for (int i = 0; i < goss_program_inputs(p); i++)
        put_row(p, width, "input", goss_program_input_name(p, i), goss_program_input(p, i));
    for (int i = 0; i < goss_program_outputs(p); i++)
        put_row(p, width, "output", goss_program_output_name(p, i), goss_program_output(p, i));
    printf("%-*s %d, on %d values; %d parameters, of which %d are updated\n", width, "operations",
           goss_program_operations(p), goss_program_values(p), goss_program_parameters(p), goss_program_updates(p));
}

void cli_print_program(const goss_program *p) {
    char *text = goss_program_text(p);
    if (!text) return;
    for (char *line = text, *next; *line; line = next) {
        next = line + strcspn(line, "\n");
        if (*next) *next++ = 0;
        char *fit = goss_text_escape(line, GOSS_TEXT_LINE);
        puts(fit ? fit : "(out of memory)");
        goss_text_free(fit);
    }
    goss_text_free(text);
}

/* ---- JSON ---- */

static void json_row(const goss_program *p, const char *name, int value, bool first) {
    printf("%s{\"name\": ", first ? "" : ", ");
    cli_json_text(name);
    printf(", \"type\": \"%s\", \"shape\": [", goss_program_value_at(p, value)->type == GOSS_INDEX ? "index" : "real");
    const goss_shape *s = &goss_program_value_at(p, value)->shape;
    for (int i = 0; i < s->rank; i++) {
        printf("%s\"", i ? ", " : "");
        put_extent(p, s->dim[i]);
        printf("\"");
    }
    printf("]}");
}

static void json_rows(const goss_program *p, const char *key, int n, const char *(*name)(const goss_program *, int),
                      int (*value)(const goss_program *, int)) {
    printf(", \"%s\": [", key);
    for (int i = 0; i < n; i++) json_row(p, name(p, i), value(p, i), i == 0);
    printf("]");
}

void cli_json_program(const goss_program *p) {
    printf("{\"symbols\": {");
    for (int i = 0; i < goss_program_symbols(p); i++)
        printf("%s\"%s\": %lld", i ? ", " : "", goss_program_symbol_name(p, i),
               (long long)goss_program_symbol_maximum(p, i));
    printf("}");
    json_rows(p, "inputs", goss_program_inputs(p), goss_program_input_name, goss_program_input);
    json_rows(p, "parameters", goss_program_parameters(p), goss_program_parameter_name, goss_program_parameter);
    json_rows(p, "outputs", goss_program_outputs(p), goss_program_output_name, goss_program_output);
    printf(", \"operations\": %d, \"updates\": %d}", goss_program_operations(p), goss_program_updates(p));
}
