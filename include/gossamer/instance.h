/* SPDX-License-Identifier: Apache-2.0 */
/* instance.h: what a task got: the network that was made for it, whatever made it.
 *
 * A hypernetwork generates an instance, gradient steps on a support set move one, a closed form replaces its head, a
 * method hands one to each task of a batch, and the file of an adapted network is one whose modulation and masks are
 * folded into plain weights. Every value has Tw = 1 (all tasks alike) or T in front. */
#ifndef GOSSAMER_INSTANCE_H
#define GOSSAMER_INSTANCE_H

#include "gossamer/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GOSS_INSTANCE_SITES 64

typedef struct goss_instance {
    goss_weights *weights; /* of the target's layout, [Tw,...]. Owned */
    /* Modulation of the target's sites, [Tw,C], where it is: (1 changes nothing) times, plus; else GOSS_NONE */
    goss_val film_scale[GOSS_INSTANCE_SITES], film_shift[GOSS_INSTANCE_SITES];
    const goss_val *unit_mask;  /* as goss_target_context.unit_mask; NULL: all alive. Borrowed */
    goss_val head_w, head_b;    /* [Tw,F,W], [Tw,W]: a head of the target's, or one made for a task's classes */
    goss_weights *running;      /* statistics of batch norms that serve every set, or NULL. Owned */
    goss_norm_statistics given; /* those of the support set, where running is NULL */
    goss_val code;              /* what it was generated from, [T,E]; GOSS_NONE: it was not */
} goss_instance;

/* Frees what is owned; the struct itself is the caller's. NULL allowed. */
GOSS_API void goss_instance_free(goss_instance *instance);
/* Modulation and masks for goss_target_apply; borrowed from the instance. Whose statistics normalise is the caller's
 * to say. */
GOSS_API void goss_instance_context(const goss_instance *instance, goss_target_context *c);
/* The first task's network as one slab [1,P] of the layout of `with_head`: the target, or the same text with a head
 * behind it, of whose columns the first are taken. Modulation and masks are folded into the layers before them:
 * (w x + b) s + t = (s w) x + (s b + t). Errors: the graph's; GOSS_E_UNSUPPORTED for masks of units that a layer or
 * group norm averages over. */
GOSS_API goss_val goss_instance_slab(const goss_instance *instance, const goss_target *target,
                                     const goss_target *with_head);
/* Its statistics [1,S] of goss_target_statistics; GOSS_NONE: the target has no batch norm. */
GOSS_API goss_val goss_instance_statistics(const goss_instance *instance, const goss_target *target);

#ifdef __cplusplus
}
#endif
#endif
