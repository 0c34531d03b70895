/* An interpreter with a meaningless name: linked with libpython, shared or static. */
int Py_BytesMain(int argc, char **argv);

int main(int argc, char **argv)
{
	return Py_BytesMain(argc, argv);
}
