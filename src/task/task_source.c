/* SPDX-License-Identifier: Apache-2.0 */
/* task_source.c: what all task sources have in common: their spec. */
#include "task/task.h"

const goss_objective *goss_task_objective(const goss_task_spec *spec) {
    return spec->objective ? spec->objective : &goss__classification;
}

size_t goss_task_input_size(const goss_task_spec *spec) {
    size_t n = 1;
    for (int i = 0; i < spec->input_rank; i++) n *= (size_t)spec->input[i];
    return n;
}

int goss_task_target_size(const goss_task_spec *spec) {
    if (goss_task_objective(spec)->steps) return (int)spec->input[0];
    return goss_task_objective(spec)->classes ? 1 : spec->outputs;
}

bool goss_task_fixed_outputs(const goss_task_spec *spec) {
    return spec->shared_classes || spec->task_classes || !goss_task_objective(spec)->classes;
}

static goss_status check_number(const char *name, int64_t value, int64_t low, int64_t high, goss_error *err) {
    if (value >= low && value <= high) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "task spec: %s is %lld, not in %lld .. %lld", name, (long long)value,
                          (long long)low, (long long)high);
}

static goss_status check_scale(const goss_task_spec *spec, goss_error *err) {
    for (int w = 0; spec->scale.deviation && w < spec->outputs; w++)
        if (!(spec->scale.deviation[w] > 0))
            return goss_error_set(err, GOSS_E_ARGUMENT, "task spec: the deviation of target %d is %g, not positive", w,
                                  (double)spec->scale.deviation[w]);
    return GOSS_OK;
}

static goss_status check_items(const goss_task_spec *spec, goss_error *err) {
    GOSS_TRY(check_number("items", spec->items, 0, 1 << 24, err)); /* which a number of x tells apart */
    GOSS_TRY(check_number("item_numbers", spec->item_numbers, spec->items > 0, spec->items > 0 ? 1 << 16 : 0, err));
    if (spec->items == 0 || spec->input_rank == 1) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "task spec: items are of rows of numbers, and input_rank is %d",
                          spec->input_rank);
}

const int64_t *goss_task_network_input(const goss_task_spec *spec, int64_t out[GOSS_TASK_MAX_RANK]) {
    for (int i = 0; i < spec->input_rank; i++) out[i] = spec->input[i];
    if (spec->items > 0) out[0] += spec->item_numbers - 1;
    return out;
}

goss_status goss_task_spec_check(const goss_task_spec *spec, goss_error *err) {
    int64_t size = 1;
    GOSS_TRY(check_number("input_rank", spec->input_rank, 1, GOSS_TASK_MAX_RANK, err));
    for (int i = 0; i < spec->input_rank; i++) {
        GOSS_TRY(check_number("input", spec->input[i], 1, 1 << 30, err));
        size *= spec->input[i];
        GOSS_TRY(check_number("the number of inputs", size, 1, 1 << 30, err));
    }
    if (spec->lengths && spec->input_rank != 2)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "task spec: lengths are of sequences (steps, channels), and input_rank is %d",
                              spec->input_rank);
    if (goss_task_objective(spec)->steps && (spec->input_rank != 2 || !spec->shared_classes))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "task spec: objective %s is of sequences (input_rank 2) and classes that tasks share",
                              goss_task_objective(spec)->name);
    GOSS_TRY(check_number("outputs", spec->outputs, goss_task_objective(spec)->classes ? 2 : 1, 1 << 20, err));
    GOSS_TRY(check_number("supports", spec->supports, 0, INT32_MAX, err));
    GOSS_TRY(check_number("queries", spec->queries, 0, INT32_MAX, err));
    GOSS_TRY(check_number("descriptor", spec->descriptor, 0, 1 << 24, err));
    GOSS_TRY(check_number("ids", spec->ids, 0, INT32_MAX, err));
    GOSS_TRY(check_items(spec, err));
    if (spec->partial && (goss_task_objective(spec)->classes || goss_task_objective(spec)->among))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "task spec: targets with missing components are numbers that count by themselves, and "
                              "objective %s is not about such",
                              goss_task_objective(spec)->name);
    if (spec->task_classes && (spec->shared_classes || !goss_task_objective(spec)->classes || spec->ids == 0))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "task spec: task_classes are of tasks that have numbers (ids) and classes, and not those "
                              "that tasks share");
    return check_scale(spec, err);
}

void goss_task_source_free(goss_task_source *source) {
    if (!source) return;
    if (source->free) source->free(source->context);
    *source = (goss_task_source){0};
}
