/* An interpreter under a name that says nothing: linked with libpython, shared or static. */
int Py_BytesMain(int argc, char **argv);

int main(int argc, char **argv)
{
	return Py_BytesMain(argc, argv);
}
