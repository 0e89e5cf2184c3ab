/* Tracing of contracts: the server of a contract tells every call and every answer, with the names and values of arguments and
 * results. Off, a call costs one comparison.
 *
 *	virtio_blk trace 3 block.transfer client=7/258 frame=51234 block=1029 direction=READ
 *	virtio_blk trace 3 block.transfer -> PENDING seen=12
 *
 * `trace NAME` to /zog/ctl: all contracts of the domain NAME, into the core's memory of traces (/zog/trace), until
 * `trace NAME off`; a restart goes on with it. `trace=CONTRACT,CONTRACT` on the boot command line: into the system log, at most
 * trace_lines lines (2,000 unless the command line says otherwise) at each start of a domain. What is shown of a request is what the
 * client sent, before the server has checked it. Texts are cut, bytes shown by their number. */
#ifndef RT_TRACE_H
#define RT_TRACE_H

#include "rt/method.h"
#include "rt/rt.h"

/* Is somebody interested? Then the next call goes by the tracer, who finds out in whom. */
static inline bool rt_is_traced(void) { return ((const struct zog_txn *)ZOG_TXN_BASE)->is_traced; }
/* At START: scratch memory starts as zeros. */
void rt_trace_start(void);
/* Tells a call; returns where to (enum zog_trace). Until rt_trace_end, rt_is_traced() is false. */
uint32_t rt_trace_begin(const struct rt_contract *contract, const struct zog_call *call, uint32_t self);
/* self: the serving domain, in whose message area the results stand. */
void rt_trace_end(const struct rt_contract *contract, const struct zog_call *call, zog_status_t status, uint32_t shown, uint32_t self);

#endif
