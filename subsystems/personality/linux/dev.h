/* Character devices. */
#ifndef LINUX_DEV_H
#define LINUX_DEV_H

#include "node.h"

enum file_kind device_file_kind(uint32_t device);
bool device_is_known(uint32_t device);
struct node *dev_console(void); /* NULL: node table full */

#endif
