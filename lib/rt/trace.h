/* Tracing of contracts: `trace=NAME,NAME` on the boot command line makes the server of each contract log every call and
 * every answer, with the names and values of arguments and results. Off, a call costs two instructions more.
 *
 *	virtio_blk: trace 3 block.transfer client=7/258 frame=51234 block=1029 direction=READ
 *	virtio_blk: trace 3 block.transfer -> PENDING seen=12
 *
 * The budget is trace_lines lines (2,000 unless the command line says otherwise) at each start of the domain. What is shown of a
 * request is what the client sent, before the server has checked it. Texts are cut, bytes shown by their number. */
#ifndef RT_TRACE_H
#define RT_TRACE_H

#include "rt/method.h"
#include "rt/rt.h"

enum rt_trace_state { RT_TRACE_UNKNOWN = 0, RT_TRACE_OFF = 1, RT_TRACE_ON = 2 };
/* Logs a call; also finds out whether the contract is to be traced. */
void rt_trace_begin(const struct rt_contract *contract, const struct zog_call *call, uint8_t *state, uint32_t self);
/* self: the serving domain, in whose message area the results stand. */
void rt_trace_end(const struct rt_contract *contract, const struct zog_call *call, zog_status_t status, uint8_t state, uint32_t self);

#endif
