/* lib/rt/cross.h on the host, where there is no core: generated stubs call the test's rt_call. */
#ifndef ZOG_RT_CROSS_H
#define ZOG_RT_CROSS_H

#include <stdint.h>
#include "zog/core.h"

zog_status_t rt_call(uint32_t cap, uint32_t method, const uint64_t in[6], uint64_t out[4]);
#define rt_cross rt_call

#endif
