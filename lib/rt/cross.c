/* rt_cross as a function, for languages that read cross.h but not its assembly: Zig takes it for a declaration. */
#define rt_cross rt_cross_straight
#include "rt/cross.h"
#undef rt_cross

zog_status_t rt_cross(uint32_t cap, uint32_t method, const uint64_t in[6], uint64_t out[4]);
zog_status_t rt_cross(uint32_t cap, uint32_t method, const uint64_t in[6], uint64_t out[4])
{
	return rt_cross_straight(cap, method, in, out);
}
