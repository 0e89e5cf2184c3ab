/* Crossings: entering a domain on the caller's thread, coming back, and what happens when somebody on the way died.
 *
 * A thread carries a list of frames, one for each open invocation; the top one runs. A frame goes through phases:
 * its domain's lock is taken, its device is quiesced and it is started where needed, then the call itself runs. A
 * fault anywhere puts the frame back to where its domain is started again, and the same call is issued once more;
 * the caller notices nothing. A domain that is killed while its callee runs is restarted when the callee is done. */
#ifndef CORE_CROSS_CROSSING_H
#define CORE_CROSS_CROSSING_H

#include "object/cpu.h"
#include "object/thread.h"

/* What the CPU does next: called at the end of every entry into the core. Sets up cpu->save for core_exit. */
void core_leave(struct cpu *cpu);
/* A program's own entry: the personality is called on its behalf. root_call_program: by the system call whose registers are saved. */
void root_call(struct thread *thread, uint16_t method, const uint64_t word[7]);
void root_call_program(struct thread *thread);
/* Core calls of the running domain. */
void crossing_call(struct cpu *cpu);
/* The transaction of the running invocation did not pass: an incident, all of it undone, the call issued again. */
void crossing_commit_failed(struct cpu *cpu);
void crossing_reply(struct cpu *cpu);
/* Does a kill that was asked for strike the domain whose core call this is? Not when the call is made again after a
 * commit that was finished by the recovery: its work is done, and the kill comes when the domain is left. */
bool crossing_is_killed(struct domain *domain);
/* All that the domain's running transaction did goes back: home ranges, staged operations, what was written ahead. */
void crossing_undo(struct cpu *cpu, struct domain *domain);
/* Puts the top frame's domain into quarantine; its caller gets the error. */
void crossing_give_up(struct cpu *cpu, const char *why);

/* A new top frame, not entered yet; frame_issue gets its domain into a state in which the call can run, and makes the CPU's
 * registers enter it. root_result, then root_finish with no frame left: the thread's root call is done. */
struct call_frame *frame_push(struct thread *thread, struct domain *domain, uint16_t method, uint64_t client);
void frame_issue(struct cpu *cpu);
/* The domain of the top frame was just reset after a fault in it: the same call once more, unless it is poison. */
void frame_reissue_after_fault(struct cpu *cpu, uint32_t is_asked_for);
void root_result(struct thread *thread, zog_status_t status, uint64_t result);
void root_finish(struct cpu *cpu, zog_status_t status);
/* An exception in the core found the CPU's thread with no frame: it goes on with what had begun. */
void root_recover(const struct cpu *cpu, struct thread *thread);

/* Core call NUMBER of the running domain, the general way (core_call.c). */
void core_call(struct cpu *cpu, uint64_t number);

#endif
