/* SPDX-License-Identifier: Apache-2.0 */
/* agent_run.h: a training run of an agent: its settings and its files. */
#ifndef GOSS_RL_AGENT_RUN_H
#define GOSS_RL_AGENT_RUN_H

#include "rl/ppo.h"

typedef struct goss__agent_settings {
    const char *env, *dir;
    goss_env_process_options in_process;
    goss_env_process *process; /* that the environment is in; NULL: in none */
    int horizon;               /* 0: the kind's */
    goss_agent_options agent;
    goss__ppo_settings ppo;
    int64_t frames, log_every, validate_every;
    int validate_tasks;
    double minutes, checkpoint_minutes;
} goss__agent_settings;

/* Reads settings and the family that they name. own: a program's environment, or NULL. Owns: out->process, which
 * goss__agent_make takes. */
goss_status goss__agent_settings_read(const goss_config *c, const goss_env_kind *own, goss__agent_settings *out,
                                      goss_env_family *family, goss_error *err);
/* The agent of these settings. It owns set->process, whatever comes of it. */
goss_status goss__agent_make(goss__agent_settings *set, const goss_env_family *family, goss_agent **out,
                             goss_error *err);
/* "low..high", or one number for both. false: it is neither. */
bool goss__agent_range(const char *text, double *low, double *high);
/* The settings that a resumed run must have again, one a line. goss__free. NULL: no memory. */
char *goss__agent_identity(const goss_config *c);
/* Creates and locks the folder. Errors: it has files of others, or belongs to another run. */
goss_status goss__agent_folder(const char *dir, int *lock, goss_error *err);
/* Whether a run of these settings could begin or go on there; writes nothing. Errors: as above, or another run's. */
goss_status goss__agent_folder_check(const char *dir, const char *identity, goss_error *err);

/* What a checkpoint holds beside the store. */
typedef struct goss__agent_state {
    int64_t iteration;
    double seconds, best;
    bool has_best, finished;
} goss__agent_state;
/* DIR/checkpoint.safetensors. found: whether there is one; it must be of the same settings. */
goss_status goss__agent_checkpoint_write(const char *dir, const goss_agent *a, const goss_params *params,
                                         const goss__agent_state *s, const char *identity, goss_error *err);
goss_status goss__agent_checkpoint_read(const char *dir, goss_agent *a, goss_params *params, goss__agent_state *s,
                                        const char *identity, bool *found, goss_error *err);
#endif
