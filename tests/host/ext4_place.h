/* Included before everything else in the ext4 tests under the address sanitizer: its shadow memory lies where the home
 * region belongs, so the home region stands elsewhere. */
#ifndef EXT4_PLACE_H
#define EXT4_PLACE_H
#include "zog/layout.h"
#undef ZOG_HOME_BASE
#define ZOG_HOME_BASE 0x0000200000000000ul
#endif
