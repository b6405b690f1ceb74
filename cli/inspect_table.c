/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_table.c: gossamer inspect DATA.csv: columns, types, roles and findings. */
#include "inspect_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct shown {
    const char *path;
    goss_table *table;
    goss_roles roles;
    goss_column_stats *stats;
    goss_finding *findings;
    int n_findings;
} shown;

/* ---- text ---- */

enum { NAME_WIDTH = 24 };

static void print_number(double v) {
    if (isnan(v))
        printf(" %11s", "-");
    else
        printf(" %11.5g", v);
}

/* The beginning of a category's name, truncated at a whole character. */
static void put_short(const char *before, const char *name) {
    enum { MOST = 20 };
    size_t n = strnlen(name, MOST + 1);
    if (n > MOST)
        for (n = MOST; n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80;) n--;
    char start[MOST + 1] = "";
    memcpy(start, name, n);
    printf("%s", before);
    cli_put_name(start, 0);
}

static void print_column(const shown *s, int c, int width) {
    const goss_table *t = s->table;
    const goss_column_stats *st = &s->stats[c];
    cli_put_name(goss_table_name(t, c), width);
    printf(" %-8s %-8s %7d %8d", goss_column_type_name(goss_table_type(t, c)), goss_column_role_name(s->roles.role[c]),
           st->missing, st->distinct);
    print_number(st->min), print_number(st->max), print_number(st->mean);
    printf("  ");
    cli_put_text(s->roles.reason[c]);
    if (goss_table_type(t, c) != GOSS_COLUMN_NUMBER) {
        printf("; ");
        for (int k = 0; k < goss_table_categories(t, c) && k < 4; k++)
            put_short(k ? ", " : "", goss_table_category(t, c, k));
        if (goss_table_categories(t, c) > 4) printf(", ...");
    }
    printf("\n");
}

static void print_role(const shown *s, const char *what, int column, bool guessed) {
    if (column < 0)
        printf("%s: none found; name it with --%s COLUMN\n", what, what);
    else {
        printf("%s: ", what);
        cli_put_name(goss_table_name(s->table, column), 0);
        printf(" (");
        cli_put_text(s->roles.reason[column]);
        printf(")%s%s%s\n", guessed ? "; another one: --" : "", guessed ? what : "", guessed ? " COLUMN" : "");
    }
}

static void print_text(const shown *s) {
    const goss_table *t = s->table;
    int width = 6;
    for (int c = 0; c < goss_table_columns(t); c++) {
        int n = (int)strlen(goss_table_name(t, c));
        if (n > width) width = n < NAME_WIDTH ? n : NAME_WIDTH;
    }
    cli_put_name(s->path, 0);
    printf(": %s; %d rows, %d columns", goss_table_format(t), goss_table_rows(t), goss_table_columns(t));
    if (goss_table_files(t) > 1) printf(", %d files", goss_table_files(t));
    printf("\n\n%-*s %-8s %-8s %7s %8s %11s %11s %11s  %s\n", width, "column", "type", "role", "missing", "distinct",
           "min", "max", "mean", "why");
    for (int c = 0; c < goss_table_columns(t); c++) print_column(s, c, width);
    printf("\n");
    print_role(s, "target", s->roles.target, s->roles.target_guessed);
    print_role(s, "task", s->roles.task, s->roles.task_guessed);
    if (s->n_findings) printf("\nTo look at:\n");
    for (int i = 0; i < s->n_findings; i++) {
        printf("  ");
        cli_put_text(s->findings[i].text);
        printf("\n");
    }
}

/* ---- JSON ---- */

static void json_number(const char *key, double v) {
    printf(", \"%s\": ", key);
    if (isfinite(v))
        printf("%.17g", v);
    else
        printf("null");
}

static void json_text(const char *before, const char *text) {
    printf("%s", before);
    cli_json_text(text);
}

static void json_column(const shown *s, int c) {
    const goss_table *t = s->table;
    const goss_column_stats *st = &s->stats[c];
    json_text("{\"name\": ", goss_table_name(t, c));
    json_text(", \"type\": ", goss_column_type_name(goss_table_type(t, c)));
    json_text(", \"type_reason\": ", goss_table_type_reason(t, c));
    json_text(", \"role\": ", goss_column_role_name(s->roles.role[c]));
    json_text(", \"role_reason\": ", s->roles.reason[c]);
    printf(", \"missing\": %d, \"distinct\": %d", st->missing, st->distinct);
    if (goss_table_type(t, c) == GOSS_COLUMN_NUMBER) {
        json_number("min", st->min), json_number("max", st->max);
        json_number("mean", st->mean), json_number("deviation", st->deviation);
    } else if (goss_table_type(t, c) == GOSS_COLUMN_CATEGORY) {
        printf(", \"categories\": [");
        for (int k = 0; k < goss_table_categories(t, c); k++) json_text(k ? ", " : "", goss_table_category(t, c, k));
        printf("]");
    }
    printf("}");
}

static void json_role(const shown *s, const char *what, int column, bool guessed) {
    printf(", \"%s\": ", what);
    if (column < 0) {
        printf("null");
        return;
    }
    json_text("{\"column\": ", goss_table_name(s->table, column));
    printf(", \"guessed\": %s}", guessed ? "true" : "false");
}

static void json_finding(const shown *s, const goss_finding *f) {
    json_text("{\"kind\": ", goss_finding_kind_name(f->kind));
    if (f->column >= 0) json_text(", \"column\": ", goss_table_name(s->table, f->column));
    if (f->other >= 0) json_text(", \"other\": ", goss_table_name(s->table, f->other));
    json_number("measure", f->measure);
    json_text(", \"text\": ", f->text);
    printf("}");
}

static void print_json(const shown *s) {
    const goss_table *t = s->table;
    json_text("{\"kind\": \"table\", \"format\": ", goss_table_format(t));
    printf(", \"rows\": %d, \"files\": %d, \"hash\": \"%016llx\"", goss_table_rows(t), goss_table_files(t),
           (unsigned long long)goss_table_hash(t, true));
    json_role(s, "target", s->roles.target, s->roles.target_guessed);
    json_role(s, "task", s->roles.task, s->roles.task_guessed);
    printf(", \"columns\": [");
    for (int c = 0; c < goss_table_columns(t); c++) {
        printf("%s", c ? ", " : "");
        json_column(s, c);
    }
    printf("], \"findings\": [");
    for (int i = 0; i < s->n_findings; i++) {
        printf("%s", i ? ", " : "");
        json_finding(s, &s->findings[i]);
    }
    printf("]}\n");
}

/* ---- both ---- */

static goss_status take_notation(cli_table_view *v, goss_error *err) {
    static const struct {
        const char *word;
        char sign;
    } signs[] = {{"tab", '\t'}, {"\t", '\t'}, {"blank", ' '}, {" ", ' '}, {",", ','}, {";", ';'}, {"|", '|'}};
    for (size_t i = 0; v->separator && i < sizeof signs / sizeof *signs; i++)
        if (strcmp(v->separator, signs[i].word) == 0) v->options.separator = signs[i].sign;
    if (v->separator && !v->options.separator)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--separator %s: one of , ; | tab and blank", v->separator);
    if (v->decimal && strcmp(v->decimal, ".") != 0 && strcmp(v->decimal, ",") != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--decimal %s: . or ,", v->decimal);
    if (v->decimal) v->options.decimal = *v->decimal;
    v->options.section = v->roles.section = "--";
    if (!v->header || strcmp(v->header, "auto") == 0) return GOSS_OK;
    if (strcmp(v->header, "yes") != 0 && strcmp(v->header, "no") != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--header %s: yes, no or auto", v->header);
    v->options.header = *v->header == 'y' ? GOSS_HEADER_YES : GOSS_HEADER_NO;
    return GOSS_OK;
}

static goss_status look(shown *s, const cli_table_view *view, goss_error *err) {
    GOSS_TRY(goss_table_open(s->path, &view->options, &s->table, err));
    GOSS_TRY(goss_table_roles(s->table, &view->roles, &s->roles, err));
    s->stats = calloc((size_t)goss_table_columns(s->table), sizeof *s->stats);
    if (!s->stats) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    for (int c = 0; c < goss_table_columns(s->table); c++)
        GOSS_TRY(goss_table_stats(s->table, c, NULL, 0, &s->stats[c], err));
    return goss_table_findings(s->table, &s->roles, &s->findings, &s->n_findings, err);
}

int cli_inspect_table(const char *path, const cli_table_view *view, bool json) {
    shown s = {.path = path};
    goss_error err;
    cli_table_view v = *view;
    if (!v.options.ignore) v.options.ignore = v.roles.ignore;
    goss_status status = take_notation(&v, &err);
    if (status == GOSS_OK) status = look(&s, &v, &err);
    if (status == GOSS_OK) (json ? print_json : print_text)(&s);
    goss_findings_free(s.findings);
    free(s.stats);
    if (s.roles.role) goss_roles_free(&s.roles);
    goss_table_close(s.table);
    return status == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
}
