/* Pipes and fifos. See pipe.c. */
#ifndef LINUX_PIPE_H
#define LINUX_PIPE_H

#include "file.h"
#include "pipe_ring.h"

/* Both ends of a new pipe; flags: O_NONBLOCK. 0, -ENFILE. */
int64_t pipe_create(uint32_t flags, struct file **read_end, struct file **write_end);
/* One more open file on a pipe that exists: file is FILE_PIPE_* by its access mode. NULL: file table full. */
struct file *pipe_open(struct pipe *pipe, uint32_t flags, struct node *node);
struct pipe *pipe_of_fifo(struct node *node); /* the pipe of an open fifo, made if need be; NULL: none left */
void pipe_close(struct file *file);           /* its last reference went */
uint32_t pipe_slot(const struct pipe *pipe);
struct pipe *pipe_at(uint32_t slot_plus_1);

#endif
