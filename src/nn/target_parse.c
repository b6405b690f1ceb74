/* SPDX-License-Identifier: Apache-2.0 */
/* target_parse.c: a target network from its text.
 *
 * Words are separated by spaces, layers by line ends and ';', bodies are in braces. Presets and blocks are macros
 * (target_macros.c), and so are choices within a line (target_expand.c): they expand to the text of plain layers and
 * braces, which the same parser reads. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/target.h"

typedef struct parser {
    const char *p, *end;
    int line;   /* of p */
    bool macro; /* p is in the text of a macro, whose lines are not the user's */
    int depth;  /* braces and macros */
    goss_target *t;
    goss__flow *flow;
    bool *closed;   /* a head was read: nothing may follow */
    double dropout; /* after each activation; 0: none */
} parser;

/* ---- characters and words ---- */

/* "mlp 256, 64" is the same as "mlp 256 64". */
static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == ','; }

static bool ends_word(char c) { return is_blank(c) || c == '\n' || c == ';' || c == '{' || c == '}' || c == '#'; }

static void skip_blanks(parser *s) {
    while (s->p < s->end && is_blank(*s->p)) s->p++;
    if (s->p < s->end && *s->p == '#')
        while (s->p < s->end && *s->p != '\n') s->p++;
}

static void skip_separators(parser *s) {
    for (skip_blanks(s); s->p < s->end && (*s->p == '\n' || *s->p == ';'); skip_blanks(s)) s->line += *s->p++ == '\n';
}

/* The words up to the end of the line, ';' or a brace. */
static goss_status read_words(parser *s, goss__words *w, goss_error *err) {
    w->n = 0;
    for (skip_blanks(s); s->p < s->end && !ends_word(*s->p); skip_blanks(s)) {
        if (w->n == GOSS__MAX_WORDS)
            return goss_error_set(err, GOSS_E_ARGUMENT, "more than %d words in a line", GOSS__MAX_WORDS);
        const char *start = s->p;
        while (s->p < s->end && !ends_word(*s->p)) s->p++;
        w->at[w->n] = start;
        w->size[w->n++] = (int)(s->p - start);
    }
    return GOSS_OK;
}

static bool next_is(parser *s, char c) {
    skip_separators(s);
    return s->p < s->end && *s->p == c;
}

static bool next_word_is(parser *s, const char *word) {
    size_t n = strlen(word);
    skip_separators(s);
    return (size_t)(s->end - s->p) >= n && memcmp(s->p, word, n) == 0 && (s->p + n == s->end || ends_word(s->p[n]));
}

/* Prefixes an error by its line; inside a macro, by the line of the macro. */
static goss_status located(const parser *s, int line, goss_status status, goss_error *err) {
    return s->macro ? status : goss_error_prefix(err, status, "network, line %d", line);
}

/* ---- layers ---- */

static goss_status append_named(parser *s, const char *word, goss_error *err) {
    goss__layer l = {.kind = goss__layer_kind_find(word, (int)strlen(word))};
    return goss__target_append(s->t, &l, s->flow, err);
}

static goss_status append_dropout(parser *s, goss_error *err) {
    goss__layer l = {.kind = goss__layer_kind_find("dropout", 7), .rate = s->dropout, .channels = true};
    return goss__target_append(s->t, &l, s->flow, err);
}

/* The head, where there are outputs: one text serves networks with and without. */
static goss_status append_head(parser *s, goss_error *err) {
    goss__layer l = {.kind = goss__layer_kind_find("head", 4), .out = s->t->outputs};
    *s->closed = true;
    s->t->features = *s->flow;
    return l.out > 0 ? goss__target_append(s->t, &l, s->flow, err) : GOSS_OK;
}

/* No layer has a word for two things: the second one would silently win. */
static goss_status check_repeated(const goss__words *w, goss_error *err) {
    for (int i = 1; i < w->n; i++)
        for (int k = i + 1; k < w->n; k++)
            if (w->at[i][0] >= 'a' && w->at[i][0] <= 'z' && w->size[i] == w->size[k] &&
                memcmp(w->at[i], w->at[k], (size_t)w->size[i]) == 0)
                return goss_error_set(err, GOSS_E_ARGUMENT, "%s: \"%.*s\" is given twice; write: %s", w->kind,
                                      w->size[i] > 60 ? 60 : w->size[i], w->at[i], w->usage);
    return GOSS_OK;
}

static goss_status append_layer(parser *s, const goss__layer_kind *kind, goss__words *w, goss_error *err) {
    goss__layer l = {.kind = kind};
    w->kind = kind->word;
    w->usage = kind->usage;
    GOSS_TRY(check_repeated(w, err));
    if (kind->read)
        GOSS_TRY(kind->read(w, &l, err));
    else if (w->n > 1)
        return goss__word_bad(w, 1, err);
    if (strcmp(kind->word, "head") == 0) {
        if (s->depth > (int)s->macro) return goss_error_set(err, GOSS_E_ARGUMENT, "head: not allowed inside braces");
        return append_head(s, err);
    }
    GOSS_TRY(goss__target_append(s->t, &l, s->flow, err));
    return kind->activation && s->dropout > 0 ? append_dropout(s, err) : GOSS_OK;
}

static goss_status parse_body(parser *s, bool braces, goss_error *err);

static goss_status parse_braces(parser *s, const char *word, goss_error *err) {
    int line = s->line;
    if (!next_is(s, '{')) {
        goss_status status = goss_error_set(err, GOSS_E_ARGUMENT, "%s: a { must follow", word);
        return located(s, line, status, err);
    }
    s->p++;
    if (s->depth >= GOSS__TARGET_DEPTH) {
        goss_status status =
            goss_error_set(err, GOSS_E_ARGUMENT, "%s: more than %d levels of braces", word, GOSS__TARGET_DEPTH);
        return located(s, line, status, err);
    }
    s->depth++;
    goss_status status = parse_body(s, true, err);
    s->depth--;
    return status;
}

/* what: printf format of the two shapes, where they differ. */
static goss_status check_same(const goss__flow *body, const goss__flow *other, const char *what, const char *advice,
                              goss_error *err) {
    bool same = body->rank == other->rank;
    for (int i = 0; same && i < body->rank; i++) same = body->dim[i] == other->dim[i];
    if (same) return GOSS_OK;
    const goss__flow *f[2] = {body, other};
    char text[2][64];
    for (int i = 0; i < 2; i++) goss__flow_text(f[i], text[i]);
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s yields %s, the other path %s%s", what, text[0], text[1], advice);
}

static goss_status check_sum(const goss__flow *body, const goss__flow *other, bool shortcut, goss_error *err) {
    return check_same(body, other, "residual: the body", shortcut ? "" : "; add: shortcut { conv C 1 stride S }", err);
}

/* residual { ... } [shortcut { ... }] */
static goss_status parse_residual(parser *s, goss_error *err) {
    int line = s->line;
    goss__flow before = *s->flow, body;
    GOSS_TRY(append_named(s, "residual", err));
    GOSS_TRY(parse_braces(s, "residual", err));
    body = *s->flow;
    *s->flow = before;
    bool shortcut = next_word_is(s, "shortcut");
    if (shortcut) {
        s->p += strlen("shortcut");
        GOSS_TRY(append_named(s, "shortcut", err));
        GOSS_TRY(parse_braces(s, "shortcut", err));
    }
    goss_status status = check_sum(&body, s->flow, shortcut, err);
    if (status == GOSS_OK) status = append_named(s, "end", err);
    return located(s, line, status, err);
}

/* beside { ... }: its input, and behind it what the body makes of it. */
static goss_status parse_beside(parser *s, goss_error *err) {
    const int line = s->line;
    const goss__flow before = *s->flow;
    GOSS_TRY(append_named(s, "beside", err));
    GOSS_TRY(parse_braces(s, "beside", err));
    goss__flow *after = s->flow;
    bool same = after->rank == before.rank;
    for (int i = 0; same && i < after->rank - 1; i++) same = after->dim[i] == before.dim[i];
    char text[2][64];
    goss__flow_text(after, text[0]), goss__flow_text(&before, text[1]);
    goss_status status =
        same ? GOSS_OK
             : goss_error_set(err, GOSS_E_ARGUMENT,
                              "beside: the body yields %s, and stands beside its input of %s: they differ in the last "
                              "number alone",
                              text[0], text[1]);
    if (status == GOSS_OK) {
        after->dim[after->rank - 1] += before.dim[after->rank - 1];
        status = append_named(s, "end", err);
    }
    return located(s, line, status, err);
}

/* ---- choices ---- */

/* optional { ... } */
static goss_status parse_optional(parser *s, goss_error *err) {
    const int line = s->line;
    const goss__flow before = *s->flow;
    GOSS_TRY(append_named(s, "optional", err));
    GOSS_TRY(parse_braces(s, "optional", err));
    goss_status status =
        check_same(s->flow, &before, "optional: the body", "; what may be left out keeps the shape of its input", err);
    if (status == GOSS_OK) status = append_named(s, "end", err);
    return located(s, line, status, err);
}

/* choose { ... } or { ... } ... */
static goss_status parse_choose(parser *s, goss_error *err) {
    const int line = s->line;
    const goss__flow before = *s->flow;
    goss_status status = GOSS_OK;
    GOSS_TRY(append_named(s, "choose", err));
    GOSS_TRY(parse_braces(s, "choose", err));
    const goss__flow first = *s->flow;
    int n = 1;
    for (; status == GOSS_OK && next_word_is(s, "or"); n++) {
        s->p += strlen("or");
        *s->flow = before;
        GOSS_TRY(append_named(s, "or", err));
        GOSS_TRY(parse_braces(s, "or", err));
        status = check_same(s->flow, &first, "choose: an alternative", "; all alternatives yield the same shape", err);
    }
    if (status == GOSS_OK && (n < 2 || n > GOSS__CHOICE_MAX))
        status = goss_error_set(err, GOSS_E_ARGUMENT,
                                "choose: from 2 to %d alternatives, not %d; write: choose { ... } "
                                "or { ... }",
                                GOSS__CHOICE_MAX, n);
    if (status == GOSS_OK) status = append_named(s, "end", err);
    return located(s, line, status, err);
}

/* The text up to the '}' that closes the '{' before s->p, which is moved behind it. */
static goss_status take_braces(parser *s, const char **body, size_t *size, goss_error *err) {
    const char *start = s->p;
    int depth = 1;
    for (; s->p < s->end; s->p++) {
        s->line += *s->p == '\n';
        if (*s->p == '#')
            while (s->p + 1 < s->end && s->p[1] != '\n') s->p++;
        depth += (*s->p == '{') - (*s->p == '}');
        if (depth > 0) continue;
        *body = start, *size = (size_t)(s->p++ - start);
        return GOSS_OK;
    }
    return goss_error_set(err, GOSS_E_ARGUMENT, "a { without its }");
}

static goss_status parse_text(parser *s, const char *text, size_t size, goss_error *err);

static goss_status run_text(parser *s, goss__str *text, const char *what, goss_error *err) {
    goss_status status = GOSS_OK;
    if (text->failed) status = goss_error_set(err, GOSS_E_NOMEM, "out of memory for a network");
    if (status == GOSS_OK && text->size > 0) status = parse_text(s, text->data, text->size, err);
    return what ? goss_error_prefix(err, status, "%s", what) : status;
}

/* repeat LOW..HIGH { ... } */
static goss_status parse_repeat(parser *s, goss_error *err) {
    const int line = s->line;
    const char *body = NULL;
    size_t size = 0;
    int64_t range[2];
    goss__words w;
    goss__str text = {0};
    goss_status status = read_words(s, &w, err);
    w.kind = "repeat", w.usage = "repeat LOW..HIGH { ... }";
    if (status == GOSS_OK) status = goss__word_range(&w, 1, 1, GOSS__TARGET_DEPTH, range, err);
    if (status == GOSS_OK && (w.n > 2 || !next_is(s, '{'))) status = goss__word_bad(&w, 2, err);
    if (status == GOSS_OK) s->p++, status = take_braces(s, &body, &size, err);
    if (status == GOSS_OK) {
        goss__repeat_text(body, size, range[0], range[1], &text);
        status = run_text(s, &text, "repeat", err);
    }
    goss__str_free(&text);
    return located(s, line, status, err);
}

/* ---- macros ---- */

static goss_status parse_text(parser *s, const char *text, size_t size, goss_error *err) {
    parser inner = *s;
    inner.p = text;
    inner.end = text + size;
    inner.macro = true;
    inner.depth = s->depth + 1;
    return parse_body(&inner, false, err);
}

static goss_status run_macro(parser *s, const goss__macro *m, goss__words *w, goss_error *err) {
    goss__str text = {0};
    w->kind = m->word;
    w->usage = m->usage;
    goss_status status = check_repeated(w, err);
    if (status == GOSS_OK) status = m->expand(s->flow, w, &text, err);
    if (status == GOSS_OK) status = run_text(s, &text, m->word, err);
    goss__str_free(&text);
    return status;
}

/* ---- statements ---- */

/* A line whose words leave something open, as the text with braces that it stands for. */
static goss_status parse_open(parser *s, const goss__words *w, bool *is, goss_error *err) {
    goss__str text = {0};
    goss_status status = goss__words_expand(w, &text, err);
    *is = text.size > 0 || text.failed;
    if (status == GOSS_OK) status = run_text(s, &text, NULL, err);
    goss__str_free(&text);
    return status;
}

static goss_status parse_layer(parser *s, goss_error *err) {
    goss__words w;
    bool open = false;
    GOSS_TRY(read_words(s, &w, err));
    if (*s->closed)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%.*s: nothing can come after the head",
                              w.size[0] > 60 ? 60 : w.size[0], w.at[0]);
    GOSS_TRY(parse_open(s, &w, &open, err));
    if (open) return GOSS_OK;
    const goss__macro *m = goss__macro_find(&w);
    const goss__layer_kind *kind = goss__layer_kind_find(w.at[0], w.size[0]);
    if (m) return run_macro(s, m, &w, err);
    if (!kind || goss__word_is(&w, 0, "end"))
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "\"%.*s\" is not a layer; there are conv, depthwise, separable, dense, fm, norm, relu, gelu, "
            "silu, tanh, elu, leaky, pool, flatten, columns, dropout, shifts, conv1d, pool1d, rnn, "
            "gru, lstm, hyperdense, hyperrnn, hypergru, hyperlstm, embedding, positions, attention, readout, residual, "
            "beside, optional, choose, repeat, block, transformer, head, mlp, conv4, resnet",
            w.size[0] > 60 ? 60 : w.size[0], w.at[0]);
    if (goss__word_is(&w, 0, "shortcut"))
        return goss_error_set(err, GOSS_E_ARGUMENT, "shortcut: it can only follow residual { ... }");
    if (goss__word_is(&w, 0, "or"))
        return goss_error_set(err, GOSS_E_ARGUMENT, "or: it can only follow choose { ... }");
    return append_layer(s, kind, &w, err);
}

/* Layers with bodies; the word of each is skipped, but for repeat. */
static const struct {
    const char *word;
    goss_status (*parse)(parser *s, goss_error *err);
} bodies[] = {
    {"residual", parse_residual}, {"beside", parse_beside}, {"optional", parse_optional}, {"choose", parse_choose}};

static bool parse_with_body(parser *s, goss_status *status, goss_error *err) {
    if (*s->closed) return false;
    if (next_word_is(s, "repeat")) {
        *status = parse_repeat(s, err);
        return true;
    }
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        if (next_word_is(s, bodies[i].word)) {
            s->p += strlen(bodies[i].word);
            *status = bodies[i].parse(s, err);
            return true;
        }
    return false;
}

/* A layer with its body; s->p is at its first character. */
static goss_status parse_statement(parser *s, goss_error *err) {
    int line = s->line;
    if (*s->p == '{') return located(s, line, goss_error_set(err, GOSS_E_ARGUMENT, "a { that belongs to nothing"), err);
    if (*s->p == '}') return located(s, line, goss_error_set(err, GOSS_E_ARGUMENT, "a } without its {"), err);
    goss_status status;
    if (parse_with_body(s, &status, err)) return status;
    GOSS_TRY(located(s, line, parse_layer(s, err), err));
    skip_blanks(s);
    if (s->p < s->end && *s->p == '{')
        return located(s, line, goss_error_set(err, GOSS_E_ARGUMENT, "a { that belongs to nothing"), err);
    return GOSS_OK;
}

static goss_status parse_body(parser *s, bool braces, goss_error *err) {
    int line = s->line;
    for (;;) {
        skip_separators(s);
        if (s->p == s->end) {
            if (!braces) return GOSS_OK;
            return located(s, line, goss_error_set(err, GOSS_E_ARGUMENT, "a { without its }"), err);
        }
        if (braces && *s->p == '}') {
            s->p++;
            return GOSS_OK;
        }
        GOSS_TRY(parse_statement(s, err));
    }
}

static goss_status check_input(const int64_t *input, int rank, int64_t outputs, goss__flow *flow, goss_error *err) {
    if (rank < 1 || rank > 3)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "network: its input is {D}, {steps, C} or {H, W, C}, not of rank %d", rank);
    *flow = (goss__flow){.rank = rank};
    for (int i = 0; i < rank; i++) {
        if (input[i] < 1 || input[i] > GOSS__TARGET_MAX_EXTENT)
            return goss_error_set(err, GOSS_E_ARGUMENT, "network: input extent %lld is out of range",
                                  (long long)input[i]);
        flow->dim[i] = input[i];
    }
    GOSS_TRY(goss__flow_check(flow, "network: its input", err));
    if (outputs < 0 || outputs > GOSS__TARGET_MAX_EXTENT)
        return goss_error_set(err, GOSS_E_ARGUMENT, "network: %lld outputs", (long long)outputs);
    return GOSS_OK;
}

static goss_status parse_all(goss_target *t, const char *text, double dropout, goss_error *err) {
    bool closed = false;
    goss__flow flow = t->input;
    parser s = {
        .p = text, .end = text + strlen(text), .line = 1, .t = t, .flow = &flow, .closed = &closed, .dropout = dropout};
    GOSS_TRY(parse_body(&s, false, err));
    if (!closed) GOSS_TRY(goss_error_prefix(err, append_head(&s, err), "network, at its end"));
    if (t->n_layers == 0) return goss_error_set(err, GOSS_E_ARGUMENT, "network: its text has no layers");
    return goss__target_finish(t, err);
}

goss_status goss_target_parse(const char *text, const int64_t *input, int input_rank, int64_t outputs,
                              goss_target **out, goss_error *err) {
    return goss_target_parse_dropout(text, input, input_rank, outputs, 0, out, err);
}

goss_status goss_target_parse_dropout(const char *text, const int64_t *input, int input_rank, int64_t outputs,
                                      double dropout, goss_target **out, goss_error *err) {
    goss__flow flow;
    *out = NULL;
    if (!(dropout >= 0 && dropout < 1))
        return goss_error_set(err, GOSS_E_ARGUMENT, "network: dropout %g is not in [0, 1)", dropout);
    GOSS_TRY(check_input(input, input_rank, outputs, &flow, err));
    goss_target *t = goss__calloc(1, sizeof *t);
    if (!t) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a network");
    t->input = flow;
    t->outputs = outputs;
    goss_status status = parse_all(t, text, dropout, err);
    if (status == GOSS_OK)
        *out = t;
    else
        goss_target_free(t);
    return status;
}
