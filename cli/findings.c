/* SPDX-License-Identifier: Apache-2.0 */
/* findings.c: a list of findings and counts, as text and as JSON. */
#include "findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static bool grow(void **items, int n, int *room, size_t size) {
    if (n < *room) return true;
    const int more = *room ? 2 * *room : 32;
    void *grown = realloc(*items, (size_t)more * size);
    if (grown) *items = grown, *room = more;
    return grown != NULL;
}

void cli_findings_add(void *context, goss_check_level level, const char *kind, const char *text) {
    cli_findings *f = context;
    if (!grow((void **)&f->item, f->n, &f->room, sizeof *f->item)) {
        f->failed = true;
        return;
    }
    cli_finding *x = &f->item[f->n++];
    *x = (cli_finding){level, strdup(kind), strdup(text)};
    if (!x->kind || !x->text) f->failed = true, f->n--, free(x->kind), free(x->text);
}

void cli_findings_count(void *context, const char *name, int64_t value) {
    cli_findings *f = context;
    char *copy = strdup(name);
    if (!copy || !grow((void **)&f->count, f->counts, &f->count_room, sizeof *f->count)) {
        free(copy);
        f->failed = true;
        return;
    }
    f->count[f->counts++] = (cli_count){copy, value};
}

void cli_findings_free(cli_findings *f) {
    for (int i = 0; i < f->n; i++) free(f->item[i].kind), free(f->item[i].text);
    for (int i = 0; i < f->counts; i++) free(f->count[i].name);
    free(f->item), free(f->count);
    *f = (cli_findings){0};
}

int cli_findings_of(const cli_findings *f, goss_check_level level) {
    int n = 0;
    for (int i = 0; i < f->n; i++) n += f->item[i].level == level;
    return n;
}

/* ---- text ---- */

/* "train.classes" and "train.images" are on one line: train   25 classes, 500 images */
static void print_counts(const cli_findings *f) {
    size_t before = SIZE_MAX;
    const char *group = NULL;
    for (int i = 0; i < f->counts; i++) {
        const char *name = f->count[i].name, *dot = strchr(name, '.');
        const size_t n = dot ? (size_t)(dot - name) : 0;
        const bool same = group && n == before && strncmp(group, name, n) == 0;
        if (!same) printf("%s%-18.*s ", i ? "\n" : "", n ? (int)n : 4, n ? name : "data");
        printf("%s%lld ", same ? ", " : "", (long long)f->count[i].value);
        for (const char *c = dot ? dot + 1 : name; *c; c++) putchar(*c == '_' ? ' ' : *c);
        group = name, before = n;
    }
    if (f->counts) printf("\n");
}

static void print_level(const cli_findings *f, goss_check_level level, const char *title) {
    bool any = false;
    for (int i = 0; i < f->n; i++) {
        if (f->item[i].level != level || strcmp(f->item[i].kind, "doctor") == 0) continue;
        if (!any) printf("\n%s:\n", title);
        any = true;
        printf("  %s: ", f->item[i].kind);
        cli_put_text(f->item[i].text);
        printf("\n");
    }
}

static void print_doctor(const cli_findings *f) {
    bool any = false;
    for (int i = 0; i < f->n; i++) {
        if (strcmp(f->item[i].kind, "doctor") != 0) continue;
        if (!any) printf("\nDoctor:\n");
        any = true;
        printf("  ");
        cli_put_text(f->item[i].text);
        printf("\n");
    }
}

void cli_findings_print(const cli_findings *f) {
    print_counts(f);
    print_level(f, GOSS_CHECK_ERROR, "Errors");
    print_level(f, GOSS_CHECK_WARNING, "Warnings");
    print_level(f, GOSS_CHECK_INFO, "Notes");
    print_doctor(f);
    const int errors = cli_findings_of(f, GOSS_CHECK_ERROR), warnings = cli_findings_of(f, GOSS_CHECK_WARNING);
    printf("\n%d error%s, %d warning%s: %s\n", errors, errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s",
           errors ? "training cannot start" : "it can be trained");
}

/* ---- JSON ---- */

void cli_findings_json(const cli_findings *f) {
    printf("{\"errors\": %d, \"warnings\": %d, \"counts\": {", cli_findings_of(f, GOSS_CHECK_ERROR),
           cli_findings_of(f, GOSS_CHECK_WARNING));
    for (int i = 0; i < f->counts; i++) {
        printf("%s", i ? ", " : "");
        cli_json_text(f->count[i].name);
        printf(": %lld", (long long)f->count[i].value);
    }
    printf("}, \"findings\": [");
    for (int i = 0; i < f->n; i++) {
        printf("%s{\"level\": \"%s\", \"kind\": ", i ? ", " : "", goss_check_level_name(f->item[i].level));
        cli_json_text(f->item[i].kind);
        printf(", \"text\": ");
        cli_json_text(f->item[i].text);
        printf("}");
    }
    printf("]}\n");
}
