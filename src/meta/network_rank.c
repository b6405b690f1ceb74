/* SPDX-License-Identifier: Apache-2.0 */
/* network_rank.c: a network of rows within a number of bytes: the layers whose size depends on the task, the first one
 * (by its inputs) and the head (by its outputs), become products of two of lower rank.
 *
 * The first layer's outputs x w + b are projected onto the directions in which they vary most: on the rows that the
 * network was made of, and as if inputs were independent, in shares of D / (D + N) of D inputs and N rows (few rows say
 * little of how inputs go together). An output counts as much as its weights in the next layer; one that is far beyond
 * what activations tell apart, as of a column that was constant in the rows that attention read, counts as smaller.
 * Means are kept, so that a projection moves no output on average. The head is projected likewise, with features of
 * equal variance; what adds the same to all classes says nothing. Where a layer has no more directions than are kept,
 * nothing is lost: the first layer of the method "tables" has but those of its fitted units and of the columns that it
 * ranks.
 *
 * Of all pairs of ranks within the budget that which loses the least is taken, as shares of variance. Of an ensemble as
 * many members stay as lose next to nothing, one at least: fewer whole networks say more than many halves. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "kernel/kernel.h"
#include "meta/network.h"

enum { MOST_ROWS = 1024 };
static const double least_share = 1e-3; /* of an output's weight, of an input's deviation */
static const double far = 10;           /* an output that activations do not tell from a larger one */
static const double nothing = 0.01;     /* lost by each member */

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for ranks"); }

/* ---- directions ---- */

/* Those of a layer's outputs in one member, the one that varies most first. */
typedef struct directions {
    int n;
    double *variance, *vector; /* [n]; [n,n], a direction a row */
    float *unit;               /* [n] what an output is multiplied by before */
} directions;

static void free_directions(directions *d) {
    goss__free(d->variance), goss__free(d->vector), goss__free(d->unit);
    *d = (directions){0};
}

typedef struct ordered {
    double variance;
    int at;
} ordered;

static int by_variance(const void *a, const void *b) {
    const ordered *x = a, *y = b;
    if (x->variance != y->variance) return x->variance > y->variance ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Of outputs [n, rows], an output a row, times their units. */
static goss_status find_directions(const float *outputs, int rows, directions *d, goss_error *err) {
    const goss__kernels *k = goss__kernels_best();
    const size_t n = (size_t)d->n;
    double *a = goss__alloc((2 * n * n + n + (3 + GOSS__GRAM_COLUMNS) * n) * sizeof *a);
    ordered *order = goss__calloc(n, sizeof *order);
    d->variance = goss__calloc(n, sizeof *d->variance), d->vector = goss__calloc(n * n, sizeof *d->vector);
    goss_status s = a && order && d->variance && d->vector ? GOSS_OK : no_memory(err);
    if (s == GOSS_OK) {
        double *vectors = a + n * n, *value = vectors + n * n;
        k->gram(a, outputs, d->n, rows, value + n);
        if (!k->sym_eig(a, d->n, value, vectors, value + n))
            s = goss_error_set(err, GOSS_E_NUMERIC, "ranks: weights are not finite");
        for (size_t i = 0; i < n; i++) order[i] = (ordered){s == GOSS_OK ? fmax(value[i], 0) : 0, (int)i};
        qsort(order, n, sizeof *order, by_variance);
        for (size_t i = 0; s == GOSS_OK && i < n; i++) {
            d->variance[i] = order[i].variance;
            memcpy(d->vector + i * n, vectors + (size_t)order[i].at * n, n * sizeof *vectors);
        }
    }
    goss__free(a), goss__free(order);
    return s;
}

/* Share of the variance that the first `rank` directions lack; 0: they have all but rounding. */
static double lost(const directions *d, int rank) {
    double all = 0, rest = 0;
    for (int i = 0; i < d->n; i++) all += d->variance[i], rest += i < rank ? 0 : d->variance[i];
    return all > 0 && rest > 1e-12 * all ? rest / all : 0;
}

/* ---- the first layer ---- */

typedef struct inputs {
    const float *x; /* [rows, n] */
    int rows, n;
    double *mean, *deviation; /* [n] */
} inputs;

static goss_status open_inputs(inputs *in, goss_error *err) {
    in->mean = goss__calloc(2 * (size_t)in->n, sizeof *in->mean);
    if (!in->mean) return no_memory(err);
    in->deviation = in->mean + in->n;
    for (int i = 0; i < in->rows; i++)
        for (int j = 0; j < in->n; j++) in->mean[j] += (double)in->x[i * in->n + j] / in->rows;
    for (int i = 0; i < in->rows; i++)
        for (int j = 0; j < in->n; j++)
            in->deviation[j] += pow((double)in->x[i * in->n + j] - in->mean[j], 2) / in->rows;
    for (int j = 0; j < in->n; j++) in->deviation[j] = fmax(sqrt(in->deviation[j]), least_share);
    return GOSS_OK;
}

/* How much each of the first layer's outputs counts: the norm of its weights in the next product, if that reads them.
 * Of classes what differs between them. */
static void weigh_units(const goss_network *n, const float *slab, directions *d) {
    const goss_layout *l = goss_target_layout(n->target);
    const goss_entry *e = goss_layout_count(l) > 2 ? goss_layout_entry(l, 2) : NULL;
    const bool read = e && e->role == GOSS_ROLE_WEIGHT && e->rank == 2 && e->dim[0] == d->n;
    const bool classes = read && strcmp(e->name, "head.w") == 0 && goss_network_classes(n) > 0;
    double most = 0;
    for (int u = 0; u < d->n; u++) {
        double sum = read ? 0 : 1, mean = 0;
        const float *w = read ? slab + e->offset + u * e->dim[1] : NULL;
        for (int64_t c = 0; classes && c < e->dim[1]; c++) mean += (double)w[c] / (double)e->dim[1];
        for (int64_t c = 0; read && c < e->dim[1]; c++) sum += pow((double)w[c] - mean, 2);
        d->unit[u] = (float)sqrt(sum);
        most = fmax(most, (double)d->unit[u]);
    }
    for (int u = 0; u < d->n; u++) d->unit[u] = most > 0 ? fmaxf(d->unit[u], (float)(most * least_share)) : 1;
}

/* to[unit, row] of rows that weigh x by `factor`, and of what each input alone does. */
static void put_outputs(const inputs *in, const float *w, const directions *d, int row, double *sum, int rows,
                        float *to) {
    const int own = row - in->rows;
    const double share = (double)in->n / (in->n + in->rows);
    memset(sum, 0, (size_t)d->n * sizeof *sum);
    for (int j = own < 0 ? 0 : own; j < (own < 0 ? in->n : own + 1); j++) {
        const double x = own < 0 ? sqrt((1 - share) / in->rows) * ((double)in->x[row * in->n + j] - in->mean[j])
                                 : sqrt(share) * in->deviation[j];
        for (int u = 0; x != 0 && u < d->n; u++) sum[u] += x * (double)w[(int64_t)j * d->n + u];
    }
    for (int u = 0; u < d->n; u++) to[(int64_t)u * rows + row] = (float)sum[u];
}

static void apply_units(directions *d, int rows, float *outputs) {
    for (int u = 0; u < d->n; u++) {
        double square = 0;
        float *of = outputs + (int64_t)u * rows;
        for (int i = 0; i < rows; i++) square += (double)of[i] * (double)of[i];
        if (square > far * far) d->unit[u] *= (float)(far / sqrt(square));
        for (int i = 0; i < rows; i++) of[i] *= d->unit[u];
    }
}

static goss_status first_directions(const goss_network *n, const inputs *in, const float *slab, directions *d,
                                    goss_error *err) {
    const int rows = in->rows + in->n;
    d->n = (int)goss_layout_entry(goss_target_layout(n->target), 0)->dim[1];
    d->unit = goss__calloc((size_t)d->n, sizeof *d->unit);
    float *outputs = goss__alloc((size_t)d->n * (size_t)rows * sizeof *outputs);
    double *sum = goss__calloc((size_t)d->n, sizeof *sum);
    goss_status s = d->unit && outputs && sum ? GOSS_OK : no_memory(err);
    if (s == GOSS_OK) weigh_units(n, slab, d);
    for (int i = 0; s == GOSS_OK && i < rows; i++) put_outputs(in, slab, d, i, sum, rows, outputs);
    if (s == GOSS_OK) apply_units(d, rows, outputs);
    if (s == GOSS_OK) s = find_directions(outputs, rows, d, err);
    goss__free(outputs), goss__free(sum);
    return s;
}

/* ---- the head ---- */

static goss_status head_directions(const goss_network *n, const float *head, int features, directions *d,
                                   goss_error *err) {
    d->n = (int)goss_target_outputs(n->target);
    d->unit = goss__calloc((size_t)d->n, sizeof *d->unit);
    float *outputs = goss__alloc((size_t)d->n * (size_t)features * sizeof *outputs);
    goss_status s = d->unit && outputs ? GOSS_OK : no_memory(err);
    for (int c = 0; s == GOSS_OK && c < d->n; c++) d->unit[c] = 1;
    for (int f = 0; s == GOSS_OK && f < features; f++) {
        double mean = 0;
        for (int c = 0; goss_network_classes(n) && c < d->n; c++) mean += (double)head[f * d->n + c] / d->n;
        for (int c = 0; c < d->n; c++) outputs[c * features + f] = (float)((double)head[f * d->n + c] - mean);
    }
    if (s == GOSS_OK) s = find_directions(outputs, features, d, err);
    goss__free(outputs);
    return s;
}

/* ---- ranks within a budget ---- */

/* 0: the layer stays as it is. */
typedef struct ranks {
    int first, head;
} ranks;

typedef struct narrowing {
    goss_network *network;
    int members; /* that stay */
    bool all;    /* of them do, and the budget is that of each */
    goss_weight_precision stored;
    inputs in;
    const goss_entry *w, *head; /* of the first layer and of the head */
    int64_t rest;               /* bytes of all other tensors of a member */
    directions *first, *last;   /* [members] */
} narrowing;

/* Bytes of [in,out], or of [in,rank], [rank] and [rank,out]. */
static int64_t layer_bytes(const narrowing *a, const goss_entry *e, int rank) {
    goss_entry in = *e, out = *e, bias = {.rank = 1, .role = GOSS_ROLE_BIAS, .numel = rank};
    if (rank == 0) return goss_entry_bytes(e, a->stored);
    in.dim[1] = rank, in.numel = in.dim[0] * rank;
    out.dim[0] = rank, out.numel = out.dim[1] * rank;
    return goss_entry_bytes(&in, a->stored) + goss_entry_bytes(&bias, a->stored) + goss_entry_bytes(&out, a->stored);
}

/* What the budget is compared with. */
static int64_t bytes_of(const narrowing *a, ranks r) {
    const int64_t each = a->rest + layer_bytes(a, a->w, r.first) + layer_bytes(a, a->head, r.head);
    return a->all ? each : each * a->members;
}

/* Of a member, on average. */
static double loss_of(const narrowing *a, ranks r) {
    double sum = 0;
    for (int k = 0; k < a->members; k++) {
        if (r.first) sum += lost(&a->first[k], r.first);
        if (r.head) sum += lost(&a->last[k], r.head);
    }
    return sum / a->members;
}

/* The last rank is that of the layer as it is. */
static int rank_at(int i, int all) { return i == all ? 0 : i; }

/* Returns what is lost, infinite where nothing is within the budget; *smallest: the bytes of the least there is. */
static double choose_ranks(const narrowing *a, int64_t budget, ranks *out, int64_t *smallest) {
    double least = INFINITY;
    int64_t bytes = INT64_MAX;
    *smallest = INT64_MAX;
    for (int i = 1; i <= a->first->n; i++)
        for (int j = 1; j <= a->last->n; j++) {
            const ranks r = {rank_at(i, a->first->n), rank_at(j, a->last->n)};
            const int64_t now = bytes_of(a, r);
            *smallest = now < *smallest ? now : *smallest;
            if (now > budget) continue;
            const double loss = loss_of(a, r);
            if (loss < least || (loss == least && now < bytes)) least = loss, bytes = now, *out = r;
        }
    return least;
}

static goss_status choose(narrowing *a, int64_t budget, ranks *out, goss_error *err) {
    int64_t smallest;
    double loss = choose_ranks(a, budget, out, &smallest);
    while (a->members > 1 && loss > nothing && !a->all) {
        a->members--;
        loss = choose_ranks(a, budget, out, &smallest);
    }
    if (isfinite(loss)) return GOSS_OK;
    return goss_error_set(
        err, GOSS_E_ARGUMENT,
        "a budget of %lld bytes: with %lld inputs and %lld outputs the smallest network has %lld bytes",
        (long long)budget, (long long)a->w->dim[0], (long long)a->head->dim[1], (long long)smallest);
}

/* ---- the network of these ranks ---- */

/* w [in,out] becomes left [in,rank] and right [rank,out], with w = left right up to what is lost. */
static void split_weight(const directions *d, const float *w, int64_t in, int rank, float *left, float *right) {
    for (int64_t i = 0; i < in; i++)
        for (int k = 0; k < rank; k++) {
            double sum = 0;
            for (int u = 0; u < d->n; u++)
                sum += (double)w[i * d->n + u] * (double)d->unit[u] * d->vector[(int64_t)k * d->n + u];
            left[i * rank + k] = (float)sum;
        }
    for (int k = 0; k < rank; k++)
        for (int u = 0; u < d->n; u++)
            right[k * d->n + u] = (float)(d->vector[(int64_t)k * d->n + u] / (double)d->unit[u]);
}

/* Codes of the mean input are 0, and its outputs are what they were. */
static void split_first(const narrowing *a, const directions *d, int rank, const float *w, const float *b, float *to) {
    const int64_t in = a->w->dim[0];
    float *bias = to + in * rank, *right = bias + rank, *out = right + rank * d->n;
    split_weight(d, w, in, rank, to, right);
    for (int k = 0; k < rank; k++) {
        double sum = 0;
        for (int64_t i = 0; i < in; i++) sum -= a->in.mean[i] * (double)to[i * rank + k];
        bias[k] = (float)sum;
    }
    for (int u = 0; u < d->n; u++) {
        double sum = (double)b[u];
        for (int64_t i = 0; i < in; i++) sum += a->in.mean[i] * (double)w[i * d->n + u];
        out[u] = (float)sum;
    }
}

static void split_head(const directions *d, int features, int rank, const float *w, float *to) {
    float *bias = to + (int64_t)features * rank;
    split_weight(d, w, features, rank, to, bias + rank);
    memset(bias, 0, (size_t)rank * sizeof *bias);
}

/* Tensors are in the order of the text, each layer's weight before its bias. */
static void split_member(const narrowing *a, ranks r, int member, const float *from, float *to) {
    const goss_layout *l = goss_target_layout(a->network->target);
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        const float *w = from + e->offset;
        if (e == a->w && r.first) {
            split_first(a, &a->first[member], r.first, w, w + e->numel, to);
            to += (e->dim[0] + 1 + e->dim[1]) * r.first + e->dim[1];
            i++; /* its bias is there, too */
        } else if (e == a->head && r.head) {
            split_head(&a->last[member], (int)e->dim[0], r.head, w, to);
            to += (e->dim[0] + 1 + e->dim[1]) * r.head;
        } else {
            memcpy(to, w, (size_t)e->numel * sizeof *to);
            to += e->numel;
        }
    }
}

/* The text with a linear layer before the first layer, and one before the head. */
static goss_status parse_split(const narrowing *a, ranks r, goss_target **out, goss_error *err) {
    const char *text = goss_target_text(a->network->target);
    const size_t all = strlen(text), head = strlen("head\n");
    goss__str s = {0};
    if (r.first) goss__str_addf(&s, "dense %d\n", r.first);
    goss__str_addf(&s, "%.*s", (int)(all - head), text);
    if (r.head) goss__str_addf(&s, "dense %d\n", r.head);
    goss__str_add(&s, "head\n");
    const goss_status status = s.failed ? no_memory(err)
                                        : goss_target_parse(s.data, goss_target_input(a->network->target), 1,
                                                            goss_target_outputs(a->network->target), out, err);
    goss__str_free(&s);
    return status;
}

static goss_status note_rank(goss_network *n, const char *name, int rank, int all, goss_error *err) {
    char text[40];
    snprintf(text, sizeof text, "%d of %d", rank, all);
    return rank ? goss_network_note(n, name, text, err) : GOSS_OK;
}

static goss_status note_ranks(goss_network *n, const narrowing *a, ranks r, int members, goss_error *err) {
    GOSS_TRY(note_rank(n, GOSS__RANK_FIRST, r.first, a->first->n, err));
    GOSS_TRY(note_rank(n, GOSS__RANK_HEAD, r.head, a->last->n, err));
    return note_rank(n, GOSS__RANK_MEMBERS, a->members < members ? a->members : 0, members, err);
}

static goss_status split(const narrowing *a, ranks r, goss_error *err) {
    goss_network *n = a->network;
    goss_target *small = NULL;
    GOSS_TRY(parse_split(a, r, &small, err));
    const int64_t before = goss_layout_total(goss_target_layout(n->target)),
                  after = goss_layout_total(goss_target_layout(small));
    float *slab = goss__alloc_aligned((size_t)a->members * (size_t)after * sizeof *slab);
    if (!slab) {
        goss_target_free(small);
        return no_memory(err);
    }
    for (int k = 0; k < a->members; k++) split_member(a, r, k, n->slab + k * before, slab + k * after);
    goss_target_free(n->target), goss__free(n->slab);
    n->target = small, n->slab = slab;
    return GOSS_OK;
}

/* ---- all ---- */

static goss_status measure(narrowing *a, goss_error *err) {
    goss_network *n = a->network;
    const int64_t total = goss_layout_total(goss_target_layout(n->target));
    a->first = goss__calloc((size_t)n->members, sizeof *a->first);
    a->last = goss__calloc((size_t)n->members, sizeof *a->last);
    if (!a->first || !a->last) return no_memory(err);
    GOSS_TRY(open_inputs(&a->in, err));
    for (int k = 0; k < n->members; k++) {
        const float *slab = n->slab + k * total;
        GOSS_TRY(first_directions(n, &a->in, slab, &a->first[k], err));
        GOSS_TRY(head_directions(n, slab + a->head->offset, (int)a->head->dim[0], &a->last[k], err));
    }
    return GOSS_OK;
}

static void close_all(narrowing *a) {
    for (int k = 0; a->first && k < a->network->members; k++) free_directions(&a->first[k]);
    for (int k = 0; a->last && k < a->network->members; k++) free_directions(&a->last[k]);
    goss__free(a->first), goss__free(a->last), goss__free(a->in.mean);
}

goss_status goss__network_narrow(goss_network *n, const float *x, int rows, const goss__rank_limit *limit,
                                 goss_error *err) {
    const goss_weight_precision stored = limit->stored;
    const goss_layout *l = goss_target_layout(n->target);
    narrowing a = {
        .network = n, .members = n->members, .all = limit->each, .stored = stored, .w = goss_layout_entry(l, 0)};
    a.head = goss_layout_entry(l, goss_layout_find(l, "head.w"));
    a.in = (inputs){.x = x, .rows = rows < MOST_ROWS ? rows : MOST_ROWS, .n = (int)a.w->dim[0]};
    for (int i = 0; i < goss_layout_count(l); i++) a.rest += goss_entry_bytes(goss_layout_entry(l, i), stored);
    a.rest -= goss_entry_bytes(a.w, stored) + goss_entry_bytes(a.head, stored);
    if (bytes_of(&a, (ranks){0, 0}) <= limit->bytes) return GOSS_OK;
    ranks r = {0, 0};
    const int members = n->members;
    goss_status s = measure(&a, err);
    if (s == GOSS_OK) s = choose(&a, limit->bytes, &r, err);
    if (s == GOSS_OK) s = split(&a, r, err);
    if (s == GOSS_OK) s = note_ranks(n, &a, r, members, err);
    close_all(&a);
    if (s == GOSS_OK) n->members = a.members;
    return s;
}
