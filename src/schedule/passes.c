/* SPDX-License-Identifier: Apache-2.0 */
/* passes.c: the table of the scheduler's passes, which turn ordered values (compile.c) into phases, instructions and
 * offsets. docs/architecture.md describes them.
 *
 * A pass with a switch can be disabled (GOSSAMER_DISABLE, goss_schedule_options.disable). Switches of choices within a
 * pass (fuse-sum, batch, winograd ...) are read there. pass_list.c lists all of them. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "schedule/loop.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory"); }

/* ---- adapters of passes that cannot fail, or choose between two ---- */

static goss_status place(goss__builder *b, goss_error *err) { return goss__place_values(b->p), GOSS_OK; }
static goss_status keep_bf16(goss__builder *b, goss_error *err) { return goss__keep_bf16(b->p, err); }
static goss_status fuse(goss__builder *b, goss_error *err) { return goss__fuse(b->p, err); }
static goss_status partition(goss__builder *b, goss_error *err) {
    return goss__find_readers(b) && goss__partition(b) ? GOSS_OK : no_memory(err);
}
static goss_status sink(goss__builder *b, goss_error *err) {
    return b->p->options.no_tiles || goss__sink(b) ? GOSS_OK : no_memory(err);
}
static goss_status merge_copies(goss__builder *b, goss_error *err) { return goss__merge_copies(b->p), GOSS_OK; }
static goss_status place_private(goss__builder *b, goss_error *err) { return goss__place_private(b->p), GOSS_OK; }
static goss_status size_units(goss__builder *b, goss_error *err) { return goss__size_phases(b), GOSS_OK; }
static goss_status place_unshared(goss__builder *b, goss_error *err) {
    if (b->p->options.no_reuse) goss__place_unshared(b->p); /* only now, so that units have their usual size */
    return GOSS_OK;
}
static goss_status place_ranges(goss__builder *b, goss_error *err) { return goss__place_ranges(b), GOSS_OK; }
static goss_status add_in_slots(goss__builder *b, goss_error *err) { return goss__add_in_slots(b->p), GOSS_OK; }
static goss_status in_place(goss__builder *b, goss_error *err) {
    if (!b->p->options.no_reuse) goss__assign_in_place(b->p);
    return GOSS_OK;
}
static goss_status plan_bodies(goss__builder *b, goss_error *err) { return goss__plan_bodies(b->p, err); }
/* Bodies of all scans, as far as possible without items. */
static goss_status compile_bodies(goss__builder *b, goss_error *err) {
    for (uint32_t v = 0; v < b->p->n_values; v++) {
        if (b->p->values[v].op != &goss__op_scan) continue;
        GOSS_TRY(goss__copy_body(b->p, v, err));
        GOSS_TRY(goss__run_passes(b->p->values[v].loop->body, NULL, err));
    }
    return GOSS_OK;
}
static goss_status plan_memory(goss__builder *b, goss_error *err) { return goss__plan_memory(b->p, err); }

/* ---- the table ---- */

#define ALWAYS GOSS__PASS_COUNT
#define INSIDE GOSS__PASS_INSIDE

static const goss__schedule_pass passes[] = {
    {"place", place, ALWAYS, "place.c: where each value is stored; aliases and views cost nothing"},
    {"bf16", keep_bf16, ALWAYS, "bf16.c: parameters kept as bfloat16 get their conversions"},
    {"fuse", fuse, GOSS__PASS_FUSE, "fuse.c: prologues and epilogues become part of their roots (fusion.c)"},
    {"bodies", compile_bodies, ALWAYS, "loop.c: bodies of loops, by the passes up to here and `measure`"},
    {"measure", goss__measure, ALWAYS, "partition.c: bytes and costs at the symbols' maxima"},
    {"constants", goss__list_constants, ALWAYS, "partition.c: what is computed once, when counts are set"},
    {"partition", partition, ALWAYS, "partition.c: instructions into phases with a parallel axis each"},
    {"sink", sink, GOSS__PASS_SINK, "sink.c: cheap work moves into the phase that reads its result"},
    {"merge-copies", merge_copies, GOSS__PASS_MERGE_COPIES,
     "rematerialise.c: rematerialised copies of one phase become one"},
    {"order", goss__order_phases, INSIDE, "order.c: instructions in each phase, readers next to operands"},
    {"place-private", place_private, ALWAYS, "place.c: what only its phase reads moves to the thread's arena"},
    {"size", size_units, ALWAYS, "granularity.c: items of units, batched instructions, tiles"},
    {"place-unshared", place_unshared, ALWAYS, "place.c: under no_reuse, private values get memory of their own"},
    {"ranges", place_ranges, GOSS__PASS_RANGES, "ranges.c: slices and parts of concatenations are not copied"},
    {"slots", add_in_slots, GOSS__PASS_SLOTS, "slots.c: products add to sums over items without another pass"},
    {"in-place", in_place, GOSS__PASS_IN_PLACE, "in_place.c: parameters are updated where they are stored"},
    {"plan-bodies", plan_bodies, ALWAYS, "loop_plan.c: bodies of loops for the units of their phases"},
    {"plan-memory", plan_memory, ALWAYS, "plan_memory.c: offsets in slab, constants and arena"},
};
enum { PASSES = sizeof passes / sizeof *passes };

const goss__schedule_pass *goss__schedule_pass_at(int i) { return i < PASSES ? &passes[i] : NULL; }

static goss_status run_pass(const goss__schedule_pass *pass, goss__builder *b, bool *ran, goss_error *err) {
    *ran = pass->off >= ALWAYS || !goss__has_pass(b->p->off, (goss__pass)pass->off);
    return *ran ? pass->run(b, err) : GOSS_OK;
}

/* ---- printing ---- */

#define PROGRAM ((uint64_t)1 << 63)                                /* the scheduled program */
#define AFTER(program_pass) ((uint64_t)1 << (40 + (program_pass))) /* the program after a pass */
#define CHAINS ((uint64_t)1 << 62) /* what runs fuse of elementwise instructions (runtime/chain_print.c) */

/* The bit of a printable name; 0: unknown. */
static uint64_t bit_of(const char *name, size_t n) {
    if (goss__is_name("all", name, n)) return UINT64_MAX;
    if (goss__is_name("program", name, n)) return PROGRAM;
    if (goss__is_name("chains", name, n)) return CHAINS;
    for (int i = 0; goss__program_pass_at(i); i++)
        if (goss__is_name(goss__program_pass_at(i)->name, name, n)) return AFTER(i);
    for (int i = 0; i < PASSES; i++)
        if (goss__is_name(passes[i].name, name, n)) return (uint64_t)1 << i;
    return 0;
}

static goss_status unknown(const char *name, size_t n, const char *source, goss_error *err) {
    goss__str names = {0};
    for (int i = 0; goss__program_pass_at(i); i++) goss__str_addf(&names, " %s", goss__program_pass_at(i)->name);
    for (int i = 0; i < PASSES; i++) goss__str_addf(&names, " %s", passes[i].name);
    const goss_status s =
        names.failed
            ? no_memory(err)
            : goss_error_set(err, GOSS_E_ARGUMENT, "%s: no pass is called \"%.*s\"; there are all program chains%s",
                             source, n > 60 ? 60 : (int)n, name, names.data);
    goss__str_free(&names);
    return s;
}

/* Adds the names of a list. */
static goss_status add_printed(uint64_t *set, const char *list, const char *source, goss_error *err) {
    const char *name;
    for (size_t n; goss__name_next(&list, &name, &n);) {
        if (!bit_of(name, n)) return unknown(name, n, source, err);
        *set |= bit_of(name, n);
    }
    return GOSS_OK;
}

/* Logs a text line by line, and frees it. */
static goss_status print(char *text, goss_error *err) {
    if (!text) return no_memory(err);
    for (char *line = text, *next; *line; line = next) {
        next = line + strcspn(line, "\n");
        if (*next) *next++ = 0;
        goss__log(GOSS_LOG_INFO, "%s", line);
    }
    goss_text_free(text);
    return GOSS_OK;
}

/* The passes of a body before the items of its loop are known: rows up to "constants". */
static goss_status run_first(goss__builder *b, goss_error *err) {
    bool ran;
    for (int i = 0; i < PASSES && passes[i].run != goss__list_constants; i++)
        GOSS_TRY(run_pass(&passes[i], b, &ran, err));
    return goss__list_constants(b, err);
}

goss_status goss__passes_printed(const goss_schedule_options *o, uint64_t *printed, goss_error *err) {
    *printed = 0;
    GOSS_TRY(add_printed(printed, getenv("GOSSAMER_PRINT"), "GOSSAMER_PRINT", err));
    return add_printed(printed, o->print, "print", err);
}

goss_status goss__print_program(void *printed, const goss__program_pass *pass, const goss_program *p, goss_error *err) {
    int i = 0;
    while (goss__program_pass_at(i) != pass) i++;
    if (!(*(const uint64_t *)printed & AFTER(i))) return GOSS_OK;
    goss__log(GOSS_LOG_INFO, "program after %s (%s)", pass->name, pass->what);
    return print(goss_program_text(p), err);
}

static goss_status run_all(goss__builder *b, const goss_program *from, goss_error *err) {
    uint64_t printed;
    GOSS_TRY(goss__passes_printed(&b->p->options, &printed, err));
    if (printed & PROGRAM) GOSS_TRY(print(goss_program_text(from), err));
    b->p->print_chains = (printed & CHAINS) != 0;
    for (int i = 0; i < PASSES; i++) {
        bool ran;
        GOSS_TRY(run_pass(&passes[i], b, &ran, err));
        if (!ran || !(printed >> i & 1)) continue;
        goss__log(GOSS_LOG_INFO, "schedule after %s (%s)", passes[i].name, passes[i].what);
        GOSS_TRY(print(goss_schedule_text(b->p), err));
    }
    return GOSS_OK;
}

goss_status goss__run_passes(goss_schedule *p, const goss_program *from, goss_error *err) {
    const size_t n = p->n_values + 1u;
    goss__builder b = {.p = p};
    b.done = goss__calloc(n, 1), b.in_phase = goss__calloc(n, 1);
    b.order = goss__calloc(n, sizeof *b.order), b.best = goss__calloc(n, sizeof *b.best);
    b.cuts = goss__calloc(GOSS__MAX_IN, sizeof *b.cuts), b.cost = goss__calloc(n, sizeof *b.cost);
    b.setup = goss__calloc(n, sizeof *b.setup), b.moved = goss__calloc(n, 1);
    p->instrs = goss__arena_alloc(&p->arena, n * sizeof *p->instrs);
    p->phases = goss__arena_alloc(&p->arena, n * sizeof *p->phases);
    const bool ok =
        b.done && b.in_phase && b.order && b.best && b.cuts && b.cost && b.setup && b.moved && p->instrs && p->phases;
    const goss_status s = !ok ? no_memory(err) : p->is_body ? run_first(&b, err) : run_all(&b, from, err);
    for (uint32_t v = 0; ok && v < p->n_values; v++) p->cost += b.cost[v];
    goss__free(b.done), goss__free(b.in_phase), goss__free(b.order), goss__free(b.best);
    goss__free(b.cuts), goss__free(b.cost), goss__free(b.setup), goss__free(b.moved);
    goss__free(b.readers_from), goss__free(b.readers);
    return s;
}
