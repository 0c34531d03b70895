/* PRIVATE to lib/proc: build-ids of mapped files. */
#ifndef PROC_OBJECTS_BUILD_ID_H
#define PROC_OBJECTS_BUILD_ID_H

#include "base/span.h"
#include "proc/objects.h"

/* Set *id to these bytes, of which it keeps as many as it has room for. */
void build_id_set(struct notice_id *id, const struct span *bytes);

/* True if both are equal; two without bytes are. */
bool build_id_equal(const struct notice_id *a, const struct notice_id *b);

/* True if the first mapping of obj starts at the file's start. */
bool objects_maps_start(const struct proc_objects *o, const struct proc_object *obj);

/* The build-id in memory (obj->mapped), read again until it is readable. RES_NONE: it has none;
 * RES_FAIL: memory cannot be read. */
enum res objects_mapped_build_id(struct proc_objects *o, struct proc_object *obj);

/* True if the file open at fd, which the caller keeps, and the mapped one have the same build-id.
 * False if either has none, or it is unknown. */
bool objects_same_build_id(struct proc_objects *o, struct proc_object *obj, int fd);

#endif
