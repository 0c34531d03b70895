/* Containers, by the texts of /proc/PID/cgroup that runtimes give rise to. */
#include "os/container.h"

#include <string.h>

#include "support/run_suite.h"

#define ID "4f3c2a1b9d8e7f60514233241506978877665544332211000123456789abcdef"
#define ID2 "00000000000000000000000000000000000000000000000000000000000000aa"
#define POD "1b9d8e7f-6051-4233-2415-069788776655"
#define POD_ "1b9d8e7f_6051_4233_2415_069788776655"

static const struct row {
	const char *text, *runtime, *id, *pod;
} rows[] = {
	{ "0::/system.slice/docker-" ID ".scope\n", "docker", ID, "" },
	{ "0::/docker/" ID "\n", "docker", ID, "" },
	{ "12:pids:/docker/" ID "\n11:memory:/docker/" ID "\n0::/\n", "docker", ID, "" },
	{ "13:name=systemd:/\n12:pids:/docker/" ID "\n", "docker", ID, "" },
	{ "0::/docker/" ID "/docker/" ID2 "\n", "docker", ID2, "" },
	{ "0::/docker/" ID "/system.slice/cron.service\n", "docker", ID, "" },
	{ "0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope\n", "docker", ID,
	    "" },
	{ "0::/machine.slice/libpod-" ID ".scope/container\n", "podman", ID, "" },
	{ "0::/libpod_parent/libpod-" ID "\n", "podman", ID, "" },
	{ "0::/machine.slice/libpod-conmon-" ID ".scope\n", NULL, NULL, NULL },
	{ "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_
	  ".slice/cri-containerd-" ID ".scope\n",
	    "containerd", ID, POD },
	{ "0::/kubepods.slice/kubepods-pod" POD_ ".slice/crio-" ID ".scope\n", "cri-o", ID, POD },
	{ "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" POD_ ".slice/docker-" ID
	  ".scope\n",
	    "docker", ID, POD },
	{ "11:cpu:/kubepods/burstable/pod" POD "/" ID "\n", "kubernetes", ID, POD },
	{ "0::/system.slice/containerd.service/kubepods-besteffort-pod" POD_ ".slice:cri-containerd:" ID "\n",
	    "containerd", ID, POD },
	{ "0::/ecs/0123456789abcdef/" ID "\n", NULL, ID, "" },
	{ "0::/system.slice/nerdctl-" ID ".scope\n", "containerd", ID, "" },
	{ "0::/lxc.payload.web1\n", "lxc", "web1", "" },
	{ "0::/lxc.payload.web1/system.slice/ssh.service\n", "lxc", "web1", "" },
	{ "0::/lxc.payload/web1/init.scope\n", "lxc", "web1", "" },
	{ "4:memory:/lxc/web1\n", "lxc", "web1", "" },
	{ "0::/lxc.monitor.web1\n", NULL, NULL, NULL },
	{ "0::/machine.slice/systemd-nspawn@web\\x2d1.service/payload\n", "systemd-nspawn", "web-1", "" },
	{ "1:name=systemd:/machine.slice/machine-web\\x2d1.scope\n", "systemd-nspawn", "web-1", "" },
	{ "0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope\n", NULL, NULL, NULL },
	{ "0::/\n", NULL, NULL, NULL },
	{ "0::/user.slice/user-1000.slice/session-3.scope\n", NULL, NULL, NULL },
	{ "0::/system.slice/docker.service\n", NULL, NULL, NULL },
	{ "0::/system.slice/docker-" ID "0.scope\n", NULL, NULL, NULL },
	{ "0::/system.slice/docker-4F.scope", NULL, NULL, NULL },
	{ "0::/../../docker-" ID ".scope", "docker", ID, "" },
	{ "", NULL, NULL, NULL },
	{ "0::", NULL, NULL, NULL },
	{ "\n\n/", NULL, NULL, NULL },
	{ "0::/lxc/", NULL, NULL, NULL },
	{ "0::/kubepods-pod-pod::/:a:", NULL, NULL, NULL },
	{ "0::/lxc/a\\x00b\n", "lxc", "ab", "" },
};

START_TEST(texts)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct os_container c;
		bool any = os_container_parse(row->text, &c);

		ck_assert_msg(any == (row->id != NULL), "%s: %d", row->text, any);
		if (!any)
			continue;
		ck_assert_msg((c.runtime == NULL) == (row->runtime == NULL) &&
				  (c.runtime == NULL || strcmp(c.runtime, row->runtime) == 0),
		    "%s: %s", row->text, c.runtime);
		ck_assert_msg(strcmp(c.id, row->id) == 0, "%s: %s", row->text, c.id);
		ck_assert_msg(strcmp(c.pod, row->pod) == 0, "%s: %s", row->text, c.pod);
	}
}
END_TEST

/* A name that is too long is none. */
START_TEST(long_names)
{
	char text[400] = "0::/lxc/";
	struct os_container c;
	size_t n = strlen(text);

	memset(text + n, 'x', CONTAINER_ID);
	ck_assert(!os_container_parse(text, &c));
	text[n + CONTAINER_ID - 1] = '\0';
	ck_assert(os_container_parse(text, &c));
	ck_assert_uint_eq(strlen(c.id), CONTAINER_ID - 1);
}
END_TEST

int main(void)
{
	const TTest *tests[] = { texts, long_names };

	return run_suite("os/container", tests, sizeof(tests) / sizeof(tests[0]));
}
