/* /zog. */
#ifndef LINUX_ZOGFS_H
#define LINUX_ZOGFS_H

#include "node.h"

void zogfs_node_gone(const struct node *node); /* its path slot is free again */
bool zogfs_is_control(const struct node *node); /* /zog/ctl */

#endif
