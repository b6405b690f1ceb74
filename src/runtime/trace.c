/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c: a profile's events in the trace event format (JSON), with a track for phases and one per thread. */
#include "base/str.h"
#include "runtime/exec.h"
#include "runtime/profile.h"

/* A scope may contain a user's text. */
static void put_escaped(goss__str *s, const char *text) {
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') goss__str_add(s, "\\");
        goss__str_addn(s, (unsigned char)*c < 32 ? " " : c, 1);
    }
}

static void put_track(goss__str *s, int row, int n_threads) {
    goss__str_addf(s, "{\"ph\":\"M\",\"pid\":1,\"tid\":%d,\"name\":\"thread_name\",\"args\":{\"name\":\"", row);
    if (row == n_threads)
        goss__str_add(s, "phases");
    else
        goss__str_addf(s, "thread %d", row);
    goss__str_add(s, "\"}}");
}

static void put_operation(goss__str *s, const goss_exec *e, const goss__event *v) {
    const goss_schedule *p = e->schedule;
    const goss__value *first = &p->values[p->instrs[v->first].value], *last = &p->values[p->instrs[v->last].value];
    char shape[GOSS__SHAPE_TEXT];
    goss__str_add(s, first->op->name);
    if (last != first) goss__str_addf(s, " .. %s", last->op->name);
    goss__str_addf(s, "\",\"args\":{\"shape\":\"%s\",\"phase\":%d,\"scope\":\"",
                   goss__shape_text(&p->symbols, &last->node->shape, shape, sizeof shape), first->phase);
    put_escaped(s, first->node->scope);
    goss__str_add(s, "\"}");
}

static void put_event(goss__str *s, const goss_exec *e, int row, const goss__event *v) {
    goss__str_addf(s, ",\n{\"ph\":\"X\",\"pid\":1,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f,\"name\":\"", row, v->start * 1e6,
                   v->seconds * 1e6);
    if (row == e->n_threads)
        goss__str_addf(s, "phase %u\"", v->first);
    else
        put_operation(s, e, v);
    goss__str_add(s, "}");
}

char *goss_profile_trace(const goss_exec *e) {
    const goss__profile *p = e->profile;
    if (!p || p->runs == 0) return NULL;
    goss__str s = {0};
    goss__str_add(&s, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
    for (int row = 0; row < p->n_rows; row++) {
        if (row) goss__str_add(&s, ",\n");
        put_track(&s, row, e->n_threads);
    }
    for (int row = 0; row < p->n_rows; row++)
        for (int i = 0; i < p->n_events[row]; i++)
            put_event(&s, e, row, &p->events[(size_t)row * GOSS__EVENTS + (size_t)i]);
    goss__str_add(&s, "\n]}\n");
    if (!s.failed) return s.data;
    goss__str_free(&s);
    return NULL;
}
