/* container.h on Linux. Paths of control groups, /proc/PID/cgroup:
 *
 *   docker             …/docker-ID.scope                  …/docker/ID
 *   podman             …/libpod-ID.scope[/container]      …/libpod_parent/libpod-ID
 *   Kubernetes         …/kubepods-burstable-podUID.slice/cri-containerd-ID.scope     (or crio-ID)
 *                      …/kubepods/burstable/podUID/ID     …-podUID.slice:cri-containerd:ID
 *   LXC                …/lxc.payload.NAME                 …/lxc.payload/NAME         …/lxc/NAME
 *   systemd-nspawn     …/systemd-nspawn@NAME.service      …/machine-NAME.scope
 *
 * An ID has 64 hexadecimal digits. systemd writes dashes of names as \x2d, and those of UIDs as
 * underscores. Each line is ID:CONTROLLERS:PATH; a process has the same container in all. */
#include "os/container.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "proc/live/live.h"

enum { ID_DIGITS = 64, UID_CHARS = 36, CGROUP_MAX = 1 << 16 };

/* A component of a path, or a part of it; not terminated. */
struct part {
	const char *at;
	size_t n;
};

static bool is_id(struct part p)
{
	size_t n = 0;

	while (n < p.n && isxdigit((unsigned char)p.at[n]) && !isupper((unsigned char)p.at[n]))
		n++;
	return n == ID_DIGITS && p.n == n;
}

/* Remove `text` from the start, or the end, of *p. */
static bool cut_start(struct part *p, const char *text)
{
	size_t n = strlen(text);

	if (p->n < n || memcmp(p->at, text, n) != 0)
		return false;
	*p = (struct part){ p->at + n, p->n - n };
	return true;
}

static bool cut_end(struct part *p, const char *text)
{
	size_t n = strlen(text);

	if (p->n < n || memcmp(p->at + p->n - n, text, n) != 0)
		return false;
	p->n -= n;
	return true;
}

static bool part_is(struct part p, const char *text)
{
	return cut_start(&p, text) && p.n == 0;
}

/* Set the id to p, with its escapes \xNN undone. */
static bool set_id(struct os_container *out, const char *runtime, struct part p)
{
	size_t n = 0;

	if (p.n == 0 || p.n >= CONTAINER_ID)
		return false;
	while (p.n > 0) {
		char hex[3] = "";

		if (p.n >= 4 && p.at[0] == '\\' && p.at[1] == 'x' && isxdigit((unsigned char)p.at[2]) &&
		    isxdigit((unsigned char)p.at[3])) {
			memcpy(hex, p.at + 2, 2);
			out->id[n] = (char)strtoul(hex, NULL, 16);
			p = (struct part){ p.at + 4, p.n - 4 };
		} else {
			out->id[n] = *p.at;
			p = (struct part){ p.at + 1, p.n - 1 };
		}
		n += out->id[n] != '\0';
	}
	out->id[n] = '\0';
	out->runtime = runtime;
	return true;
}

/* PREFIX-ID.scope, PREFIX-ID */
static bool take_prefixed(struct part p, struct os_container *out)
{
	static const struct {
		const char *prefix, *runtime;
	} rows[] = { { "docker-", "docker" }, { "libpod-", "podman" }, { "cri-containerd-", "containerd" },
		{ "crio-", "cri-o" }, { "nerdctl-", "containerd" } };

	(void)cut_end(&p, ".scope");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct part id = p;

		if (cut_start(&id, rows[i].prefix) && is_id(id))
			return set_id(out, rows[i].runtime, id);
	}
	return false;
}

/* What precedes an id that is a component of its own. */
static const char *runtime_of(struct part parent, const struct os_container *out)
{
	if (part_is(parent, "docker"))
		return "docker";
	return out->pod[0] != '\0' ? "kubernetes" : NULL;
}

static void take_pod(struct part p, struct os_container *out)
{
	const char *pod;

	(void)cut_end(&p, ".slice");
	if (cut_start(&p, "kubepods")) {
		pod = memmem(p.at, p.n, "-pod", 4);
		if (pod == NULL)
			return;
		p = (struct part){ pod + 4, (size_t)(p.at + p.n - pod) - 4 };
	} else if (!cut_start(&p, "pod"))
		return;
	if (p.n != UID_CHARS && p.n != UID_CHARS - 4)
		return;
	for (size_t i = 0; i < p.n; i++) {
		if (!isxdigit((unsigned char)p.at[i]) && p.at[i] != '-' && p.at[i] != '_')
			return;
		out->pod[i] = p.at[i];
		if (p.at[i] == '_')
			out->pod[i] = '-';
	}
	out->pod[p.n] = '\0';
}

/* kubepods-besteffort-podUID.slice:cri-containerd:ID */
static bool take_colons(struct part p, struct os_container *out)
{
	const char *last = memrchr(p.at, ':', p.n);
	const char *before = last == NULL ? NULL : memrchr(p.at, ':', (size_t)(last - p.at));
	struct part id;

	if (before == NULL)
		return false;
	id = (struct part){ last + 1, (size_t)(p.at + p.n - last) - 1 };
	if (!is_id(id))
		return false;
	take_pod((struct part){ p.at, (size_t)(before - p.at) }, out);
	return set_id(
	    out, memmem(before, (size_t)(last - before), "crio", 4) != NULL ? "cri-o" : "containerd", id);
}

/* Names instead of ids. */
static bool take_named(struct part p, struct part parent, struct os_container *out)
{
	struct part name = p;

	if (cut_start(&name, "lxc.payload."))
		return set_id(out, "lxc", name);
	if (part_is(parent, "lxc") || part_is(parent, "lxc.payload"))
		return set_id(out, "lxc", p);
	if (cut_start(&name, "systemd-nspawn@") && cut_end(&name, ".service"))
		return set_id(out, "systemd-nspawn", name);
	name = p;
	/* A virtual machine has a scope of its own as well. */
	if (cut_start(&name, "machine-") && cut_end(&name, ".scope"))
		return !cut_start(&(struct part){ name.at, name.n }, "qemu") &&
		       set_id(out, "systemd-nspawn", name);
	return false;
}

static bool take_component(struct part p, struct part parent, struct os_container *out)
{
	take_pod(p, out);
	if (take_prefixed(p, out) || take_colons(p, out))
		return true;
	if (is_id(p))
		return set_id(out, runtime_of(parent, out), p);
	return take_named(p, parent, out);
}

bool os_container_parse(const char *cgroup, struct os_container *out)
{
	bool any = false;

	*out = (struct os_container){ .runtime = NULL };
	while (!any && *cgroup != '\0') {
		size_t line = strcspn(cgroup, "\n");
		const char *end = cgroup + line, *at = memchr(cgroup, '/', line);
		struct part parent = { "", 0 };

		/* Inside of another one the last one counts. */
		while (at != NULL) {
			const char *next = memchr(at + 1, '/', (size_t)(end - at) - 1);
			struct part p = { at + 1, (size_t)((next == NULL ? end : next) - at) - 1 };

			any |= take_component(p, parent, out);
			parent = p;
			at = next;
		}
		cgroup = *end == '\n' ? end + 1 : end;
	}
	return any;
}

enum res os_container(struct ps_prochandle *P, bool always, struct os_container *out)
{
	const struct live *live = live_of(P);
	OWNED(mem_release) char *text = NULL;
	size_t n;

	/* Pgrab has read this. A container without a pid namespace of its own is rare. */
	if (live == NULL || (!always && (live->status.inner == 0 || live->status.inner == live->pid)))
		return RES_NONE;
	if (fileio_slurp(live->dir, "cgroup", CGROUP_MAX, &text, &n) != 0)
		return RES_NONE;
	return os_container_parse(text, out) ? RES_OK : RES_NONE;
}
