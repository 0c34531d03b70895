/* The interpreters of an agent's process. */
#include "pydb/agent.h"

struct py_process *agent_python(struct pydb_agent *agent)
{
	/* The process may have run since the last call, so its code objects must be read again. */
	if (agent->py != NULL)
		py_process_move(agent->py, agent->P);
	else if (py_process_create(agent->P, &agent->py, NULL) != RES_OK)
		agent->py = NULL;
	return agent->py;
}
