/* frame_inside.h - between frame.c and lists.c. */
#ifndef PROTO_FRAME_INSIDE_H
#define PROTO_FRAME_INSIDE_H

#include "proto/frame.h"
#include "proto/scan.h"

/* Decode the entry at s->p, an element of a batch, into f. 0 or negative. */
int frame_decode_bare(struct frame *f, struct scan *s);

#endif
