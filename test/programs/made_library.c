/* What code compiled from Python does around a call: its frame goes on the chain, and is taken off. The addresses are told
 * by made_frames.py, so that no header of Python is needed. */
typedef void *object;

object made_call(object *youngest, object *back, object frame, object call(object, object), object callable);
object made_call(object *youngest, object *back, object frame, object call(object, object), object callable)
{
	object result;

	*back = *youngest;
	*youngest = frame;
	result = call(callable, 0);
	if (*youngest == frame)
		*youngest = *back;
	return result;
}
