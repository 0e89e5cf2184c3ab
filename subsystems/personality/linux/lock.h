/* Advisory record locks (fcntl). See lock.c. */
#ifndef LINUX_LOCK_H
#define LINUX_LOCK_H

#include "file.h"

int64_t lock_control(struct zog_call *call, struct file *file, uint32_t command, uint64_t user_lock);
void lock_release_process(const struct node *node, const struct process *process); /* NODE NULL: all of the process */
void lock_wake(void);                        /* some lock went: waiters look again */
int64_t lock_wait(struct zog_call *call);    /* until then: SYS_WAIT, -EINTR */

#endif
