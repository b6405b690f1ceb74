/* SPDX-License-Identifier: Apache-2.0 */
/* program_loop.c: verification of loops. No public builder creates a scan in one call, so that its checks are done
 * here, on the written operation. */
#include "ir/program_loop.h"

#include <stdarg.h>
#include <string.h>

#include "ops/ops.h"

typedef struct site {
    const goss_program *p;
    int operation;
    const goss__operation *o;
    goss_error *err;
} site;

static goss_status wrong(const site *s, const char *fmt, ...) GOSS_PRINTF(2, 3);
static goss_status wrong(const site *s, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const goss_status status = goss__operation_error(s->p, s->operation, s->err, fmt, args);
    va_end(args);
    return status;
}

static const goss_program_value *operand(const site *s, int64_t i) { return &s->p->values[s->o->shown.operands[i]]; }

/* ---- scan ---- */

static goss_status check_counts(const site *s, const goss__scan_attr *a) {
    const int64_t most = GOSS__MAX_IN;
    if (a->carries < 0 || a->slices < 0 || a->consts < 0 || a->carries > most || a->slices > most || a->consts > most ||
        a->carries + a->slices + a->consts != s->o->shown.n_operands)
        return wrong(s, "carries, slices and constants do not add up to its %d operands", s->o->shown.n_operands);
    if (a->axis.n != a->slices || a->piece.n != a->slices)
        return wrong(s, "axis and piece are not lists of its slices");
    if (a->stride < 1) return wrong(s, "its stride is below 1");
    int64_t steps, length;
    if (!goss__extent_most(&s->p->symbols, a->steps, &steps) ||
        !goss__extent_most(&s->p->symbols, a->length, &length) ||
        (a->stride == 1 && !goss_extent_equal(a->steps, a->length)) ||
        (a->stride > 1 && (a->steps.symbols || steps != (length - 1) / a->stride + 1)))
        return wrong(s, "its steps are not those of its length in strides of %lld", (long long)a->stride);
    if (a->y_axis.n != a->y_join.n) return wrong(s, "y_axis and y_join are not lists of what it stacks");
    return s->o->shown.name ? wrong(s, "it has no name") : GOSS_OK;
}

/* Type and shape of argument i inside, from its operand outside. False: the operand has no such slices. */
static bool inside(const site *s, const goss__scan_attr *a, int64_t i, goss_shape *shape) {
    const int64_t slice = i - a->carries;
    *shape = operand(s, i)->shape;
    if (slice < 0 || slice >= a->slices) return true;
    const int64_t axis = a->axis.item[slice], piece = a->piece.item[slice];
    if (axis < 0 || axis >= shape->rank || piece < 0) return false;
    if (!goss_extent_equal(shape->dim[axis], piece ? a->length : a->steps)) return false;
    if (piece) {
        shape->dim[axis] = goss_n(piece);
        return piece == a->stride;
    }
    for (int k = (int)axis; k + 1 < shape->rank; k++) shape->dim[k] = shape->dim[k + 1];
    shape->rank--;
    return true;
}

static goss_status check_arguments(const site *s, const goss__scan_attr *a, const goss_program *region) {
    const int n = goss__loop_arguments(a);
    if (region->n_operations < n) return wrong(s, "its region does not have %d arguments", n);
    for (int i = 0; i < region->n_operations; i++) {
        const goss__operation *o = &region->operations[i];
        if ((o->op == &goss__op_arg) != (i < n) || (i < n && GOSS__ATTR(o, arg)->index != i))
            return wrong(s, "the first %d operations of its region are the arguments 0, 1, ...", n);
        if (o->shown.name) return wrong(s, "nothing in its region may have a name: %s", o->shown.kind);
    }
    for (int i = 0; i < n; i++) {
        goss_shape shape = {0};
        if (i + 1 < n && !inside(s, a, i, &shape)) return wrong(s, "operand %d has no slices along its time axis", i);
        const goss_type type = i + 1 < n ? operand(s, i)->type : GOSS_REAL;
        if (region->values[i].type != type || !goss_shape_equal(region->values[i].shape, shape) ||
            (i < a->carries && type != GOSS_REAL))
            return wrong(s, "argument %d of its region does not have the type of operand %d", i, i);
    }
    return GOSS_OK;
}

static goss_status check_next(const site *s, const goss__scan_attr *a, const goss_program *region) {
    if (region->outputs.n != s->o->shown.n_results)
        return wrong(s, "its region has %d outputs, not one for each result", region->outputs.n);
    for (int i = 0; i < a->carries; i++) {
        const goss_program_value *next = &region->values[region->outputs.at[i].value];
        if (next->type != GOSS_REAL || !goss_shape_equal(next->shape, operand(s, i)->shape))
            return wrong(s, "carry %d changes its type", i);
    }
    return GOSS_OK;
}

/* The shape of a value of the region, stacked. False: it cannot be. */
static bool stacked_shape(const goss__scan_attr *a, int64_t y, goss_shape *shape) {
    const int axis = a->y_axis.item[y];
    if (a->y_join.item[y] > 1) return false;
    if (a->y_join.item[y]) {
        if (axis >= shape->rank || !goss_extent_is(shape->dim[axis], a->stride)) return false;
        shape->dim[axis] = a->length;
        return true;
    }
    if (axis > shape->rank || shape->rank == GOSS_MAX_RANK) return false;
    for (int i = shape->rank++; i > axis; i--) shape->dim[i] = shape->dim[i - 1];
    shape->dim[axis] = a->steps;
    return true;
}

/* The carries after the last step, and what is stacked. */
static goss_status check_results(const site *s, const goss__scan_attr *a, const goss_program *region) {
    for (int k = 0; k < s->o->shown.n_results; k++) {
        const goss_program_value *result = &s->p->values[s->o->shown.first_result + k],
                                 *inside = &region->values[region->outputs.at[k].value];
        const int64_t y = k - a->carries;
        goss_shape shape = inside->shape;
        if (inside->type != GOSS_REAL || (y >= 0 && !stacked_shape(a, y, &shape)))
            return wrong(s, "the region's output %d cannot be stacked like this", k);
        if (result->type != GOSS_REAL || !goss_shape_equal(result->shape, shape))
            return wrong(s, "its result %d has another shape", k);
    }
    return GOSS_OK;
}

static goss_status check_scan(const site *s) {
    const goss__scan_attr *a = GOSS__ATTR(s->o, scan);
    if (s->o->shown.n_regions != 1) return wrong(s, "it has one region, its body");
    const goss_program *region = s->o->shown.regions[0];
    GOSS_TRY(check_counts(s, a));
    GOSS_TRY(check_arguments(s, a, region));
    GOSS_TRY(check_next(s, a, region));
    return check_results(s, a, region);
}

static goss_status check_argument(const site *s) {
    if (s->p->depth == 0) return wrong(s, "arguments are a region's");
    return s->o->shown.n_operands == 0 ? GOSS_OK : wrong(s, "it has no operands");
}

goss_status goss__verify_loop(const goss_program *p, int operation, goss_error *err) {
    const site s = {p, operation, &p->operations[operation], err};
    if (s.o->op != &goss__op_scan && s.o->shown.n_regions > 0) return wrong(&s, "it has no regions");
    return s.o->op == &goss__op_scan ? check_scan(&s) : check_argument(&s);
}
