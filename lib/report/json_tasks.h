/* Tasks of event loops as JSON:
 *
 *     ,"event_loops":[{…}],"tasks":[{…,"frames":[…]},…]
 *
 * json_frames writes the frames of a task's record. */
#ifndef REPORT_JSON_TASKS_H
#define REPORT_JSON_TASKS_H

#include "base/strbuf.h"
#include "report/tasks.h"

/* Each of these appends to out, as those of json.h do. */
void json_tasks_begin(const struct py_tasks *all, struct strbuf *out);
void json_task_begin(const struct py_tasks *all, size_t i, struct strbuf *out);
void json_task_end(struct strbuf *out);
void json_tasks_end(struct strbuf *out);

#endif
