/* SPDX-License-Identifier: Apache-2.0 */
/* process_open.c: asks a command what environment it is. The Arcade Learning Environment is such a command: a script of
 * our own (atari.py), which is part of the library, for the Python that has ale-py, or a program for an installed
 * library (atari_ale.cpp). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env/atari_script.h"
#include "base/alloc.h"
#include "base/text.h"
#include "env/process.h"

goss_env_process_options goss_env_process_defaults(void) {
    return (goss_env_process_options){.processes = 1, .timeout = 60};
}

/* ---- errors ---- */

goss_status goss__process_error(const goss_env_process *p, goss_status s, goss_error *err) {
    char shown[200];
    if (s == GOSS_OK || !p->command || !err) return s;
    const goss_error why = *err;
    goss__text_line(p->command, shown, sizeof shown);
    return goss_error_set(err, s, "%s (command: %s)", why.text, shown);
}

/* ---- descriptions ---- */

typedef struct description {
    goss_env_process *p;
    bool first;
    goss__str *said; /* [children] */
} description;

static goss_status take_description(void *context, goss__child *c, int i, goss_error *err) {
    description *d = context;
    char *line;
    bool ready = false;
    while (!ready && (line = goss__child_line(c))) {
        line[strcspn(line, "\r")] = 0;
        goss__str_add(&d->said[i], line), goss__str_add(&d->said[i], "\n");
        if (d->first)
            GOSS_TRY(goss__spec_line(d->p, line, &ready, err));
        else {
            GOSS_TRY(goss__said_error(line, err));
            ready = strcmp(line, "ready") == 0;
        }
    }
    c->done = ready;
    if (!ready || d->first) return GOSS_OK;
    if (d->said[i].failed) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a description");
    if (strcmp(d->said[i].data, d->p->said.data) == 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "it describes itself differently than at first");
}

goss_status goss__process_start(goss_env_process *p, goss__child *c, int n, int lives, bool first, goss_error *err) {
    int bad;
    description d = {.p = p, .first = first, .said = first ? &p->said : goss__calloc((size_t)n, sizeof *d.said)};
    if (!d.said) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a description");
    for (int i = 0; i < n; i++) goss__str_addf(&c[i].out, "gossamer-env 1 %d\n", lives / n + (i < lives % n));
    goss_status s = goss__children_talk(c, n, p->timeout, take_description, &d, &bad, err);
    for (int i = 0; !first && i < n; i++) goss__str_free(&d.said[i]);
    if (!first) goss__free(d.said);
    return goss_error_prefix(err, goss__process_error(p, s, err), "environment %s", p->name);
}

/* ---- opening ---- */

static goss_status describe(goss_env_process *p, goss_error *err) {
    goss__child c;
    goss_env_family checked;
    GOSS_TRY(
        goss_error_prefix(err, goss__child_start(&c, (const char *const *)p->words, err), "environment %s", p->name));
    const goss_status s = goss__process_start(p, &c, 1, 1, true, err);
    goss__child_stop(&c, s == GOSS_OK ? 2 : 0);
    GOSS_TRY(s);
    p->kind.name = p->name, p->kind.doc = *p->title ? p->title : "An environment in a process of its own";
    p->kind.parameter = p->parameter, p->kind.context = p, p->kind.many = &p->many;
    if (p->kind.episodes == 0) p->kind.episodes = 1;
    return goss__process_error(p, goss_env_family_own(&p->kind, &checked, err), err);
}

/* shown: the word that is named in errors; -1: none. */
static goss_status open_words(const char *name, const char *const *words, int shown, const goss_env_process_options *o,
                              goss_env_process **out, goss_error *err) {
    *out = NULL;
    if (o->processes < 1 || o->processes > 256 || !(o->timeout > 0 && o->timeout <= 1e6))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "environment %s: processes are from 1 to 256, and a timeout is above 0 "
                              "seconds",
                              name);
    goss_env_process *p = goss__calloc(1, sizeof *p);
    if (!p) return goss_error_set(err, GOSS_E_NOMEM, "no memory for an environment");
    p->processes = o->processes, p->timeout = o->timeout, p->many = goss__process_many, p->many.picture = NULL;
    snprintf(p->name, sizeof p->name, "%s", name);
    goss_status s = GOSS_OK;
    for (int i = 0; words[i] && s == GOSS_OK; i++)
        if (!(p->words[i] = goss__strdup(words[i]))) s = goss_error_set(err, GOSS_E_NOMEM, "no memory for a command");
    if (s == GOSS_OK && shown >= 0) p->command = p->words[shown];
    if (s == GOSS_OK) s = describe(p, err);
    if (s != GOSS_OK) return goss_env_process_free(p), s;
    *out = p;
    return GOSS_OK;
}

goss_status goss_env_process_open(const goss_env_process_options *o, goss_env_process **out, goss_error *err) {
    *out = NULL;
    if (!o->command || !*o->command)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "environment process: env.command is not set: the program that is the "
                              "environment, as env.command='python3 room.py'");
    return open_words("process", (const char *[]){"/bin/sh", "-c", o->command, NULL}, 2, o, out, err);
}

void goss_env_process_free(goss_env_process *p) {
    if (!p) return;
    for (size_t i = 0; i < sizeof p->words / sizeof *p->words; i++) goss__free(p->words[i]);
    goss__str_free(&p->said);
    goss__free(p);
}

const goss_env_kind *goss_env_process_kind(const goss_env_process *p) { return &p->kind; }

void goss_env_process_kill_all(void) { goss__children_kill(); }

/* ---- Atari ---- */

/* What plays games: the script for a Python, or a program for games in files. */
typedef struct player {
    const char *program, *roms; /* roms NULL: the program is a Python */
} player;

static const char *set_or(const char *variable, const char *otherwise) {
    const char *set = getenv(variable);
    return set && *set ? set : otherwise;
}

static player player_of(const goss_env_process_options *o) {
    const bool named = o->python && *o->python;
    const char *roms = o->roms && *o->roms ? o->roms : named ? NULL : set_or("GOSSAMER_ROMS", NULL);
    if (roms) return (player){set_or("GOSSAMER_ALE", "gossamer-ale"), roms};
    return (player){named ? o->python : set_or("GOSSAMER_PYTHON", "python3"), NULL};
}

/* Games are named as ale-py names its files, or in words written together. */
static bool game_name(const char *game, char *out, size_t size) {
    size_t n = 0;
    for (const char *c = game; *c; c++) {
        const bool upper = *c >= 'A' && *c <= 'Z';
        if (!goss__ascii_is_alnum(*c) && *c != '_') return false;
        if (n + 3 > size) return false;
        if (upper && n > 0 && out[n - 1] != '_') out[n++] = '_';
        out[n++] = goss__ascii_lower(*c);
    }
    out[n] = 0;
    return n > 0;
}

static goss_status explain(const player *a, goss_status s, goss_error *err) {
    if (s != GOSS_E_IO) return s;
    if (a->roms)
        return goss_error_prefix(err, GOSS_E_UNSUPPORTED,
                                 "Atari games in files (env.roms or GOSSAMER_ROMS) need gossamer-ale, which is built "
                                 "with an installed Arcade Learning Environment (GOSSAMER_ALE names it, now %s)",
                                 a->program);
    return goss_error_prefix(err, GOSS_E_UNSUPPORTED,
                             "Atari games need a Python with ale-py (pip install ale-py; env.python or GOSSAMER_PYTHON "
                             "names it, now %s)",
                             a->program);
}

/* what: a game, or "--version". */
static goss_status play(const player *a, const char *name, const char *what, const goss_env_process_options *o,
                        goss_env_process **out, goss_error *err) {
    char file[4096];
    const bool game = *what != '-';
    if (game && a->roms && snprintf(file, sizeof file, "%s/%s.bin", a->roms, what) >= (int)sizeof file)
        return goss_error_set(err, GOSS_E_ARGUMENT, "the folder of games %.60s... has too long a name", a->roms);
    const char *const script[] = {a->program, "-c", goss__atari_script, what, NULL};
    const char *const program[] = {a->program, game ? file : what, NULL};
    return explain(a, open_words(name, a->roms ? program : script, a->roms ? 0 : -1, o, out, err), err);
}

goss_status goss_env_atari_open(const char *game, const goss_env_process_options *o, goss_env_process **out,
                                goss_error *err) {
    char name[100], file[100];
    const player a = player_of(o);
    *out = NULL;
    if (!game_name(game, file, sizeof file))
        return goss_error_set(err, GOSS_E_ARGUMENT, "ale/%.60s is no game: as ale/Breakout or ale/space_invaders",
                              game);
    snprintf(name, sizeof name, "ale/%.80s", game);
    return play(&a, name, file, o, out, err);
}

goss_status goss_env_atari_version(const goss_env_process_options *options, char *out, size_t size, goss_error *err) {
    goss_env_process *p;
    goss_env_process_options o = *options;
    const player a = player_of(&o);
    o.processes = 1, o.timeout = 20;
    *out = 0;
    const goss_status s = play(&a, a.roms ? "gossamer-ale" : "ale-py", "--version", &o, &p, err);
    if (s == GOSS_OK) snprintf(out, size, "%s", goss_env_process_kind(p)->doc), goss_env_process_free(p);
    return s;
}
