/* The line of an operand with -o json. Every operand has one, even if nothing of it can be read. */
#ifndef PYSTACK_PRINT_JSON_H
#define PYSTACK_PRINT_JSON_H

#include <libproc.h>
#include <stdbool.h>

#include "report/deadlock.h"
#include "report/record.h"
#include "report/text_cache.h"
#include "stack/stack.h"

/* Start the line of an operand. Until print_json_end the warnings are kept for it, too. */
void print_json_begin(const char *operand);

/* Print what is known of t, the target of P, before its threads. process: its record. counting:
 * threads will be counted, not printed. */
void print_json_target(struct ps_prochandle *P, const struct stack_target *t,
    const struct record_process *process, bool counting);

/* Print a thread. read: its record could be made; failed: something of it is missing; ended: it is
 * a zombie. */
void print_json_thread(
    const struct record_thread *t, bool read, bool failed, bool ended, struct text_cache *cache);

/* The tasks of event loops, after all threads. record: of task i. */
void print_json_tasks_begin(const struct py_tasks *all);
void print_json_task(
    const struct py_tasks *all, size_t i, const struct record_thread *record, struct text_cache *cache);
void print_json_tasks_end(void);

/* A circle of threads that wait for each other. */
void print_json_deadlock(const deadlock_waits *circle);

/* Sampling has ended: taken, failed, late and skipped samples. */
void print_json_samples(const uint64_t samples[4]);

/* No more is read from t. */
void print_json_captured(const struct stack_target *t, bool core);

/* The same if it was sampled by a probe, and nothing was captured from outside. */
void print_json_probed(void);

/* End the line. complete: nothing is missing. False: memory ran out, which is not told yet. */
bool print_json_end(bool complete);

#endif
