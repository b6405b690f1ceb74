/* SPDX-License-Identifier: Apache-2.0 */
/* events.c: where in a stream something is to be heard: an energy detector with an adaptive level of noise.
 *
 * Frames of 10 milliseconds are looked at one after the other, whenever one is complete, so that the result does not
 * depend on how samples arrive. The samples that an event may still need are kept: a margin before the present frame,
 * and the event so far. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "gossamer/sound.h"

static const double first_noise = -40, rise = 0.03; /* decibels; a frame */

struct goss_event_finder {
    goss_event_options o;
    int frame, margin;              /* samples */
    int silence, shortest, longest; /* frames */
    double noise;
    float *kept; /* [room] samples from `first` on */
    size_t n, room;
    int64_t first;
    int64_t next;            /* the sample that the next frame starts with */
    bool inside;             /* of an event */
    int64_t start, loud;     /* the event's first sample; the end of its last loud frame */
    int frames, loud_frames; /* of the event */
};

goss_event_options goss_event_defaults(void) {
    return (goss_event_options){.above = 12, .least = -60, .silence = 200, .shortest = 60, .longest = 3, .margin = 50};
}

goss_status goss_event_finder_new(int rate, const goss_event_options *options, goss_event_finder **out,
                                  goss_error *err) {
    *out = NULL;
    if (rate < 1000) return goss_error_set(err, GOSS_E_ARGUMENT, "%d samples a second: at least 1000", rate);
    goss_event_finder *f = goss__calloc(1, sizeof *f);
    if (!f) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a stream");
    f->o = options ? *options : goss_event_defaults();
    f->frame = rate / 100, f->noise = first_noise;
    f->margin = (int)(f->o.margin * rate / 1000);
    f->silence = (int)ceil(f->o.silence / 10), f->shortest = (int)ceil(f->o.shortest / 10);
    f->longest = (int)ceil(f->o.longest * 100);
    f->room = (size_t)(2 * f->margin + (f->longest + f->silence + 4) * f->frame);
    f->kept = goss__calloc(f->room, sizeof *f->kept);
    if (f->kept) {
        *out = f;
        return GOSS_OK;
    }
    goss__free(f);
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for a stream");
}

void goss_event_finder_free(goss_event_finder *f) {
    if (!f) return;
    goss__free(f->kept);
    goss__free(f);
}

static double level_of(const float *s, int n) {
    double sum = 1e-12;
    for (int i = 0; i < n; i++) sum += (double)s[i] * (double)s[i];
    return 10 * log10(sum / n);
}

bool goss_sound_is_silent(const float *samples, size_t n, int rate, const goss_event_options *options) {
    const goss_event_options o = options ? *options : goss_event_defaults();
    const size_t frame = rate >= 100 ? (size_t)rate / 100 : 1;
    for (size_t at = 0; at < n; at += frame)
        if (level_of(samples + at, (int)(n - at < frame ? n - at : frame)) >= o.least) return false;
    return true;
}

/* Forgets what comes before the margin of the next frame, or of the event. */
static void forget(goss_event_finder *f) {
    const int64_t keep = (f->inside ? f->start : f->next - f->margin), drop = keep - f->first;
    if (drop <= 0) return;
    f->n -= (size_t)drop, f->first = keep;
    memmove(f->kept, f->kept + drop, f->n * sizeof *f->kept);
}

/* An event up to sample `end`, or as much of it as there is. */
static goss_status finish(goss_event_finder *f, int64_t end, goss_event_found found, void *context, goss_error *err) {
    const int64_t last = f->first + (int64_t)f->n, start = f->start;
    f->inside = false;
    if (f->loud_frames < f->shortest) return GOSS_OK;
    end = end < last ? end : last;
    return found(context, start, f->kept + (start - f->first), (size_t)(end - start), err);
}

static void begin(goss_event_finder *f) {
    f->inside = true, f->frames = f->loud_frames = 0;
    f->start = f->next - f->margin > f->first ? f->next - f->margin : f->first;
}

static goss_status look_at_frame(goss_event_finder *f, goss_event_found found, void *context, goss_error *err) {
    const double level = level_of(f->kept + (f->next - f->first), f->frame);
    f->noise = level < f->noise + rise ? level : f->noise + rise;
    const bool loud = level >= f->o.least && level >= f->noise + f->o.above;
    if (loud && !f->inside) begin(f);
    f->next += f->frame;
    if (!f->inside) return GOSS_OK;
    f->frames++;
    if (loud) f->loud_frames++, f->loud = f->next;
    if (f->frames >= f->longest) {
        f->noise = level; /* what does not end is noise */
        return finish(f, f->next, found, context, err);
    }
    return f->next - f->loud >= (int64_t)f->silence * f->frame ? finish(f, f->loud + f->margin, found, context, err)
                                                               : GOSS_OK;
}

goss_status goss_event_finder_push(goss_event_finder *f, const float *samples, size_t n, goss_event_found found,
                                   void *context, goss_error *err) {
    while (n > 0) {
        const size_t want = (size_t)(f->next + f->frame - f->first) - f->n, take = n < want ? n : want;
        memcpy(f->kept + f->n, samples, take * sizeof *samples);
        f->n += take, samples += take, n -= take;
        if (take < want) return GOSS_OK;
        GOSS_TRY(look_at_frame(f, found, context, err));
        forget(f);
    }
    return GOSS_OK;
}

/* What `finish` will take at least: it never ends an event before the margin of its last loud frame. */
bool goss_event_finder_within(const goss_event_finder *f, int64_t *start, const float **samples, size_t *n) {
    if (!f->inside) return false;
    const int64_t last = f->first + (int64_t)f->n, end = f->loud + f->margin;
    *start = f->start, *samples = f->kept + (f->start - f->first);
    *n = (size_t)((end < last ? end : last) - f->start);
    return true;
}

goss_status goss_event_finder_end(goss_event_finder *f, goss_event_found found, void *context, goss_error *err) {
    return f->inside ? finish(f, f->loud + f->margin, found, context, err) : GOSS_OK;
}
