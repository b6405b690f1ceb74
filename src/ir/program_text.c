/* SPDX-License-Identifier: Apache-2.0 */
/* program_text.c: prints a program as text that program_parse.c reads back, one operation per line. docs/program.md has
 * the grammar. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/str.h"
#include "base/text.h"
#include "ir/program_text.h"

/* ---- words ---- */

void goss__quote(goss__str *s, const char *text, char quote) {
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        const int n = goss__utf8_length(c);
        if (*c == '\\' || (quote && *c == (unsigned char)quote))
            goss__str_addf(s, "\\%c", *c);
        else if (n == 0 || *c < 0x20 || *c == 0x7f)
            goss__str_addf(s, "\\x%02X", *c);
        else
            goss__str_addn(s, (const char *)c, (size_t)n);
        c += n > 0 ? n : 1;
    }
}

static void put_string(goss__str *s, const char *text) {
    goss__str_add(s, "\"");
    goss__quote(s, text, '"');
    goss__str_add(s, "\"");
}

static void put_type(goss__str *s, const goss_program *p, const goss_program_value *v) {
    goss__str_add(s, v->type == GOSS_INDEX ? "index" : "real");
    goss__shape_add(s, &p->symbols, &v->shape);
}

/* ---- statements ---- */

static void put_program(goss__str *s, const goss_program *p, int depth);

static void put_line(goss__str *s, int depth) { goss__str_addf(s, "%*s", 2 * depth, ""); }

static void put_values(goss__str *s, const int *values, int n) {
    for (int i = 0; i < n; i++) goss__str_addf(s, "%s%%%d", i ? ", " : "", values[i]);
}

static void put_regions(goss__str *s, const goss_program_operation *o, int depth) {
    for (int i = 0; i < o->n_regions; i++) {
        goss__str_add(s, i ? ", {\n" : " ({\n");
        put_program(s, o->regions[i], depth + 1);
        put_line(s, depth);
        goss__str_add(s, "}");
    }
    if (o->n_regions) goss__str_add(s, ")");
}

static void put_operation(goss__str *s, const goss_program *p, int i, int depth) {
    const goss__operation *op = &p->operations[i];
    const goss_program_operation *o = &op->shown;
    put_line(s, depth);
    for (int k = 0; k < o->n_results; k++) goss__str_addf(s, "%s%%%d", k ? ", " : "", o->first_result + k);
    goss__str_addf(s, "%s%s", o->n_results ? " = " : "", o->kind);
    if (o->name) {
        goss__str_add(s, " ");
        put_string(s, o->name);
    }
    if (o->n_operands) {
        goss__str_add(s, "(");
        put_values(s, o->operands, o->n_operands);
        goss__str_add(s, ")");
    }
    if (op->op->attrs) goss__str_add(s, " ");
    goss__attrs_text(s, op->op->attrs, op->attr, &p->symbols);
    for (int k = 0; k < o->n_results; k++) {
        goss__str_add(s, k ? ", " : " : ");
        put_type(s, p, &p->values[o->first_result + k]);
    }
    put_regions(s, o, depth);
    if (o->scope[0]) {
        goss__str_add(s, "  # ");
        goss__quote(s, o->scope, 0);
    }
    goss__str_add(s, "\n");
}

static void put_outputs(goss__str *s, const goss_program *p, int depth) {
    if (p->outputs.n == 0) return;
    put_line(s, depth);
    for (int i = 0; i < p->outputs.n; i++) {
        goss__str_addf(s, "%s%%%d ", i ? ", " : "return ", p->outputs.at[i].value);
        put_string(s, p->outputs.at[i].name);
    }
    goss__str_add(s, "\n");
}

static void put_program(goss__str *s, const goss_program *p, int depth) {
    for (int i = 0; i < p->n_operations; i++) put_operation(s, p, i, depth);
    put_outputs(s, p, depth);
}

char *goss_program_text(const goss_program *p) {
    goss__str s = {0};
    goss__str_addf(&s, "%s %d\n", GOSS__PROGRAM_WORD, GOSS__PROGRAM_VERSION);
    for (int i = 0; i < p->symbols.n; i++)
        goss__str_addf(&s, "symbol %s = %lld\n", p->symbols.symbol[i].name, (long long)p->symbols.symbol[i].maximum);
    put_program(&s, p, 0);
    if (!s.failed) return s.data;
    goss__str_free(&s);
    return NULL;
}

const char *goss__operation_text(const goss_program *p, int operation, char buf[GOSS__OPERATION_TEXT]) {
    const goss_program_operation *o = &p->operations[operation].shown;
    const char *scope = o->scope[0] ? ": " : "";
    if (o->n_results)
        snprintf(buf, GOSS__OPERATION_TEXT, "%.100s%s%%%d = %s", o->scope, scope, o->first_result, o->kind);
    else
        snprintf(buf, GOSS__OPERATION_TEXT, "%.100s%soperation %d, %s", o->scope, scope, operation, o->kind);
    return buf;
}

goss_status goss__operation_error(const goss_program *p, int operation, goss_error *err, const char *fmt,
                                  va_list args) {
    char what[400], where[GOSS__OPERATION_TEXT];
    goss__vformat(what, sizeof what, fmt, args);
    return goss_error_set(err, GOSS_E_FORMAT, "%s: %s", goss__operation_text(p, operation, where), what);
}
