/* The actions of code compiled from Python around a call: its frame is put on the chain and taken
 * off. made_frames.py passes the addresses, so that no header of Python is needed. */
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
