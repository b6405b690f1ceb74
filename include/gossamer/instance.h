/* SPDX-License-Identifier: Apache-2.0 */
/* instance.h: the network of a task, however it was obtained.
 *
 * A hypernetwork generates an instance, gradient steps on a support set update one, a closed form replaces its head, a
 * method yields one per task of a batch, and the file of an adapted network is one whose modulation and masks are
 * folded into plain weights. Every value has leading extent Tw: 1 (the same for all tasks) or T.
 *
 *     goss_target_context c = {...};                            // norms, dropout: the caller's
 *     goss_instance_context(&instance, &c);
 *     goss_val logits = goss_target_apply(target, x, instance.weights, &c);
 *
 * Symbols: T tasks; E numbers of a code; C channels of a modulation site; G gates; F features; W outputs; P, S numbers
 * of a target's layout and of its statistics.
 *
 * Errors: the graph's, which stay with it (goss_graph_status). Ownership: an instance owns its sets of weights; values
 * belong to the graph. Threads: the graph's. */
#ifndef GOSSAMER_INSTANCE_H
#define GOSSAMER_INSTANCE_H

#include "gossamer/weight_precision.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many modulation sites (goss_target_sites) an instance has room for; sites beyond are not modulated. */
#define GOSS_INSTANCE_SITES 64

/* A network per task, as values of a graph. */
typedef struct goss_instance {
    goss_weights *weights; /* of the target's layout, [Tw,...]. Owned */
    /* Factor and addend [Tw,C] of each modulation site, or GOSS_NONE */
    goss_val film_scale[GOSS_INSTANCE_SITES], film_shift[GOSS_INSTANCE_SITES];
    const goss_val *unit_mask; /* as goss_target_context.unit_mask; NULL: all ones. Borrowed */
    /* Gates [Tw,G] as goss_target_context.structure; GOSS_NONE: the largest network */
    goss_val structure;
    goss_val head_w, head_b;    /* [Tw,F,W], [Tw,W]: the target's head, or one for the classes of a task */
    goss_weights *running;      /* statistics of batch norms that serve every set, or NULL. Owned */
    goss_norm_statistics given; /* those of the support set, where running is NULL */
    goss_val code;              /* what it was generated from, [T,E]; GOSS_NONE: it was not */
} goss_instance;

/* Frees what is owned and sets it to NULL; the struct itself is the caller's. NULL allowed. */
GOSS_API void goss_instance_free(goss_instance *instance);
/* Sets modulation, masks and gates of a context for goss_target_apply, borrowed from the instance; masks and gates that
 * the instance lacks stay as they are. The caller sets the source of batch norm statistics. */
GOSS_API void goss_instance_context(const goss_instance *instance, goss_target_context *c);
/* The first task's network as one slab [1,P] of the layout of `with_head`: the target, or the same network with a head,
 * of whose columns the first ones are used. Modulation and masks are folded into the layers before them: (w x + b) s +
 * t = (s w) x + (s b + t). Errors: the graph fails, with
 * GOSS_E_UNSUPPORTED: masks of units that a layer or group norm averages over; GOSS_E_NOMEM. The structure is not
 * applied: goss_space_compact makes the smaller network from the slab. */
GOSS_API goss_val goss_instance_slab(const goss_instance *instance, const goss_target *target,
                                     const goss_target *with_head);
/* Rounds every task's network as its file of that precision has it: modulation is folded in as above, and weights
 * become goss_quantized; what the structure closes does not count for scales. F32: nothing changes. Errors: the graph
 * fails, with GOSS_E_NOMEM. */
GOSS_API void goss_instance_round(goss_instance *instance, const goss_target *target, goss_weight_precision p);
/* Means and variances of its batch norms, [1,S] in the layout of goss_target_statistics: the running ones, or else the
 * first task's of its support set. GOSS_NONE: the target has no batch norm. Errors: the graph fails: GOSS_E_NOMEM. */
GOSS_API goss_val goss_instance_statistics(const goss_instance *instance, const goss_target *target);

#ifdef __cplusplus
}
#endif
#endif
