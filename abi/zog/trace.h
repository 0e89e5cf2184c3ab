/* Lines of the system log (second serial port) that the host tool reads. One record a line, fields "key=value"
 * separated by one space; the text stands in core/fault/incident.c and tools/zoglib/ follows it.
 *
 *   zog: incident N domain=NAME cause=WORD vector=V address=0x.. error=0x.. time_ns=T method=0x.. client=0x.. running=0|1
 *        asked=0|1 undone_ranges=R undone_ops=O rip=0x.. rsp=0x.. rbp=0x.. rax=0x.. .. trace=0x..,0x..,..
 *        (with domain, cause, vector and asked alone, and without `recovered`, when that domain has faulted by itself too often)
 *   zog: recovered N domain=NAME instructions=I      (tsc from fault entry to first reply)
 *   zog: power off status=S
 *   zog: iommu off: TEXT                             (who is trusted with all memory, and why)
 *   zog: fatal TEXT                                  (boot cannot go on: what to do)
 */
#ifndef ZOG_TRACE_H
#define ZOG_TRACE_H
#endif
