/* SPDX-License-Identifier: Apache-2.0 */
/* image_plan.c: which classes of a set belong to which task, from a table or from the names of folders; errors name
 * the line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "table/table.h"
#include "task/image_tasks.h"
#include "task/split.h"

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the tasks of images");
}

/* ---- classes by name ---- */

static int part_of(goss_split split) {
    return split == GOSS_SPLIT_TEST ? GOSS_PART_TEST : split == GOSS_SPLIT_VAL ? GOSS_PART_VALIDATE : GOSS_PART_TRAIN;
}

static int by_name(const void *a, const void *b) {
    const goss__named_class *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order ? order : (x->cls[0] > y->cls[0]) - (x->cls[0] < y->cls[0]);
}

/* Merges entries of equal names. */
static void merge(goss__named_classes *c) {
    int n = 0;
    for (int i = 0; i < c->n; i++) {
        goss__named_class *last = n ? &c->v[n - 1] : NULL;
        if (!last || strcmp(last->name, c->v[i].name) != 0) {
            c->v[n++] = c->v[i];
            continue;
        }
        for (int p = 0; p < GOSS__IMAGE_PARTS; p++)
            if (c->v[i].cls[p] >= 0) last->cls[p] = c->v[i].cls[p];
    }
    c->n = n;
}

goss_status goss__named_classes_of(const goss_images *set, goss__named_classes *out, goss_error *err) {
    const int n = goss_images_classes(set);
    *out = (goss__named_classes){.v = goss__calloc((size_t)n + 1, sizeof *out->v),
                                 .names = goss__calloc((size_t)n + 1, sizeof *out->names),
                                 .n = n,
                                 .parts = n > 0 && goss_images_class_split(set, 0) != GOSS_SPLIT_ALL};
    if (!out->v || !out->names) return no_memory(err);
    for (int c = 0; c < n; c++) {
        const char *name = goss_images_class_name(set, c), *below = out->parts ? strchr(name, '/') : NULL;
        const int part = part_of(goss_images_class_split(set, c));
        out->v[c] = (goss__named_class){below ? below + 1 : name, {-1, -1, -1}};
        out->v[c].cls[part] = c;
        out->has[part] = true;
    }
    qsort(out->v, (size_t)n, sizeof *out->v, by_name);
    merge(out);
    for (int c = 0; c < out->n; c++) out->names[c] = out->v[c].name;
    return GOSS_OK;
}

void goss__named_classes_free(goss__named_classes *c) {
    goss__free(c->v), goss__free(c->names);
    *c = (goss__named_classes){0};
}

int goss__named_class_find(const goss__named_classes *c, const char *name) {
    const goss__named_class key = {name, {INT32_MAX, 0, 0}};
    int low = 0, high = c->n;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (by_name(&c->v[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && strcmp(c->v[low - 1].name, name) == 0 ? low - 1 : -1;
}

/* ---- a plan that grows ---- */

/* Ensures capacity for one more element in arrays that grow by doubling. */
static bool grow(void **array, int n, size_t size) {
    if (n & (n - 1)) return true; /* capacity is the next power of two */
    void *grown = goss__realloc(*array, (n ? 2 * (size_t)n : 1) * size);
    if (grown) *array = grown;
    return grown != NULL;
}

static int add_task(goss__image_plan *p, const char *name, size_t size) {
    if (!grow((void **)&p->task, p->tasks, sizeof *p->task)) return -1;
    char *copy = goss__alloc(size + 1);
    if (!copy) return -1;
    memcpy(copy, name, size), copy[size] = 0;
    p->task[p->tasks] = copy;
    return p->tasks++;
}

/* Index of an output within its task by name; appended if it is new. */
static int output_of(goss__image_plan *p, int task, const char *name) {
    int within = 0;
    for (int i = 0; i < p->outputs; i++) {
        if (p->output_task[i] != task) continue;
        if (strcmp(p->output[i], name) == 0) return within;
        within++;
    }
    if (!grow((void **)&p->output, p->outputs, sizeof *p->output) ||
        !grow((void **)&p->output_task, p->outputs, sizeof *p->output_task))
        return -1;
    if (!(p->output[p->outputs] = goss__strdup(name))) return -1;
    p->output_task[p->outputs++] = task;
    return within;
}

static goss_status add_member(goss__image_plan *p, int task, int cls, const char *label, int64_t line,
                              goss_error *err) {
    const int output = task < 0 ? -1 : output_of(p, task, label);
    if (output < 0 || !grow((void **)&p->member, p->members, sizeof *p->member)) return no_memory(err);
    p->member[p->members++] = (goss__member){task, cls, output, line};
    return GOSS_OK;
}

void goss__image_plan_free(goss__image_plan *p) {
    for (int i = 0; i < p->tasks; i++) goss__free(p->task[i]);
    for (int i = 0; i < p->outputs; i++) goss__free(p->output[i]);
    goss__free(p->task), goss__free(p->output), goss__free(p->output_task), goss__free(p->member);
    *p = (goss__image_plan){0};
}

/* ---- folders ---- */

/* Names are sorted, so the classes of a folder are contiguous. */
static goss_status plan_folders(const goss__named_classes *classes, goss__image_plan *p, goss_error *err) {
    size_t size = 0;
    for (int c = 0; c < classes->n; c++) {
        const char *name = classes->names[c], *slash = strchr(name, '/');
        if (!slash)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "data.task = folder, but the class \"%.100s\" has no folder above it: images lie as "
                                  "TASK/CLASS/IMAGE, or data.tasks names a table of task,class",
                                  name);
        const bool same = p->tasks && size == (size_t)(slash - name) && memcmp(p->task[p->tasks - 1], name, size) == 0;
        if (!same) size = (size_t)(slash - name);
        const int task = same ? p->tasks - 1 : add_task(p, name, size);
        GOSS_TRY(add_member(p, task, c, slash + 1, 0, err));
    }
    return GOSS_OK;
}

static goss_status plan_whole(const goss__named_classes *classes, goss__image_plan *p, goss_error *err) {
    const int task = add_task(p, "all", 3);
    for (int c = 0; c < classes->n; c++) GOSS_TRY(add_member(p, task, c, classes->names[c], 0, err));
    return task < 0 ? no_memory(err) : GOSS_OK;
}

/* ---- a table ---- */

typedef struct reader {
    const goss_images *set;
    const goss__named_classes *classes;
    const goss_table *table;
    const char *path;
    int task, cls, label; /* columns; label -1: none */
} reader;

static const char *place(const reader *r, int row, char out[GOSS__PLACE]) {
    return goss__row_place(r->table, row, out);
}

static goss_status find_columns(reader *r, goss_error *err) {
    static const char *const names[] = {"task", "class", "label"};
    int *const at[] = {&r->task, &r->cls, &r->label};
    for (int i = 0; i < 3; i++) *at[i] = goss_table_find(r->table, names[i]);
    for (int i = 0; i < 2; i++)
        if (*at[i] < 0)
            return goss_error_set(err, GOSS_E_FORMAT,
                                  "%s: there is no column \"%s\": its first line is task,class or task,class,label",
                                  r->path, names[i]);
    for (int c = 0; c < goss_table_columns(r->table); c++)
        if (c != r->task && c != r->cls && c != r->label && c != goss_table_file_column(r->table))
            return goss_error_set(
                err, GOSS_E_FORMAT,
                "%s: the column \"%.80s\" is none of task, class and label, which are all that counts", r->path,
                goss_table_name(r->table, c));
    return GOSS_OK;
}

/* Names may be given with the leading folders that all classes of the set share. */
static int find_class(const reader *r, const char *name) {
    const int cls = goss__named_class_find(r->classes, name);
    if (cls >= 0 || r->classes->parts) return cls;
    const int of_set = goss_images_class_find(r->set, name);
    return of_set < 0 ? -1 : goss__named_class_find(r->classes, goss_images_class_name(r->set, of_set));
}

static goss_status unknown_class(const reader *r, int row, const char *name, goss_error *err) {
    char at[GOSS__PLACE];
    goss__str near = {0};
    goss__near_names(&near, name, r->classes->names, r->classes->n);
    goss_status s = goss_error_set(err, GOSS_E_FORMAT, "%s: the data has no class \"%.100s\"%.400s", place(r, row, at),
                                   name, near.data ? near.data : "");
    goss__str_free(&near);
    return s;
}

static int find_task(const goss__image_plan *p, const char *name) {
    for (int i = p->tasks - 1; i >= 0; i--)
        if (strcmp(p->task[i], name) == 0) return i;
    return -1;
}

static goss_status check_once(const reader *r, const goss__image_plan *p, int task, int cls, int row, goss_error *err) {
    char at[GOSS__PLACE];
    for (int i = 0; i < p->members; i++)
        if (p->member[i].task == task && p->member[i].cls == cls)
            return goss_error_set(err, GOSS_E_FORMAT,
                                  "%s: class \"%.100s\" is in task \"%.100s\" already, in line %lld", place(r, row, at),
                                  r->classes->names[cls], p->task[task], (long long)p->member[i].line);
    return GOSS_OK;
}

static goss_status read_row(const reader *r, int row, goss__image_plan *p, goss_error *err) {
    char buffer[3][GOSS_CELL_TEXT], at[GOSS__PLACE];
    const char *task_name = goss_table_text(r->table, r->task, row, buffer[0]),
               *class_name = goss_table_text(r->table, r->cls, row, buffer[1]),
               *label = r->label < 0 ? "" : goss_table_text(r->table, r->label, row, buffer[2]);
    int64_t line;
    if (!*task_name || !*class_name)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: the %s is empty", place(r, row, at),
                              *task_name ? "class" : "task");
    const int cls = find_class(r, class_name);
    if (cls < 0) return unknown_class(r, row, class_name, err);
    int task = find_task(p, task_name);
    if (task < 0) task = add_task(p, task_name, strlen(task_name));
    if (task < 0) return no_memory(err);
    GOSS_TRY(check_once(r, p, task, cls, row, err));
    goss_table_origin(r->table, row, NULL, &line);
    return add_member(p, task, cls, *label ? label : r->classes->names[cls], line, err);
}

static goss_status plan_table(const goss_images *set, const goss__named_classes *classes, const char *path,
                              goss__image_plan *p, goss_error *err) {
    goss_table_options o = goss_table_options_defaults();
    goss_table *table;
    o.header = GOSS_HEADER_YES, o.missing = "", o.categorical = "task,class,label", o.optional = true;
    GOSS_TRY(goss_table_open(path, &o, &table, err));
    reader r = {.set = set, .classes = classes, .table = table, .path = path};
    goss_status s = find_columns(&r, err);
    for (int row = 0; s == GOSS_OK && row < goss_table_rows(table); row++) s = read_row(&r, row, p, err);
    if (s == GOSS_OK && p->tasks == 0) s = goss_error_set(err, GOSS_E_FORMAT, "%s: names no task", path);
    goss_table_close(table);
    return s;
}

/* ---- all together ---- */

static int by_task(const void *a, const void *b) {
    const goss__member *x = a, *y = b;
    return x->task != y->task ? x->task - y->task : x->cls - y->cls;
}

/* Removes tasks of use 0 and renumbers the rest; outputs become contiguous by task. */
static goss_status arrange(goss__image_plan *p, const uint8_t *uses, goss_error *err) {
    int *number = goss__calloc((size_t)p->tasks + 1, sizeof *number);
    goss__image_plan kept = {0};
    goss_status s = number ? GOSS_OK : no_memory(err);
    for (int t = 0; s == GOSS_OK && t < p->tasks; t++) {
        number[t] = uses[t] ? add_task(&kept, p->task[t], strlen(p->task[t])) : -1;
        if (uses[t] && number[t] < 0) s = no_memory(err);
        for (int i = 0; s == GOSS_OK && uses[t] && i < p->outputs; i++)
            if (p->output_task[i] == t && output_of(&kept, number[t], p->output[i]) < 0) s = no_memory(err);
    }
    for (int i = 0; s == GOSS_OK && i < p->members; i++)
        if (number[p->member[i].task] >= 0) {
            p->member[i].task = number[p->member[i].task];
            p->member[kept.members++] = p->member[i];
        }
    if (s == GOSS_OK) {
        kept.member = p->member, p->member = NULL;
        qsort(kept.member, (size_t)kept.members, sizeof *kept.member, by_task);
    } else {
        kept.members = 0;
    }
    goss__image_plan_free(p);
    *p = kept;
    goss__free(number);
    return s;
}

static goss_status choose_tasks(goss__image_plan *p, const char *list, goss_error *err) {
    uint8_t *uses = goss__calloc((size_t)p->tasks + 1, 1);
    if (!uses) return no_memory(err);
    goss_status s = GOSS_OK;
    if (list && *list)
        s = goss_error_prefix(err, goss__task_list_read(list, (const char *const *)p->task, p->tasks, 1, uses, err),
                              "data.train_tasks");
    else
        memset(uses, 1, (size_t)p->tasks);
    if (s == GOSS_OK) s = arrange(p, uses, err);
    goss__free(uses);
    return s;
}

static goss_status check_outputs(const goss__image_plan *p, goss_error *err) {
    for (int t = 0, i = 0, first; t < p->tasks; t++) {
        for (first = i; i < p->outputs && p->output_task[i] == t;) i++;
        if (i - first < 2)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "task \"%.100s\" has one class (\"%.100s\"): there is nothing to tell apart; give it "
                                  "two or more, or leave it out (data.train_tasks)",
                                  p->task[t], p->output[first]);
    }
    return GOSS_OK;
}

goss_status goss__image_plan_make(const goss_images *set, const goss__named_classes *classes,
                                  const goss_image_tasks_options *o, goss__image_plan *out, goss_error *err) {
    *out = (goss__image_plan){0};
    goss_status s = o->file && *o->file
                        ? goss_error_prefix(err, plan_table(set, classes, o->file, out, err), "data.tasks")
                    : o->whole ? plan_whole(classes, out, err)
                               : plan_folders(classes, out, err);
    if (s == GOSS_OK) s = choose_tasks(out, o->tasks, err);
    if (s == GOSS_OK) s = check_outputs(out, err);
    if (s != GOSS_OK) goss__image_plan_free(out);
    return s;
}
