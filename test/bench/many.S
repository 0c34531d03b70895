/* Of libmany.so: 200,000 functions that are in no dynamic symbol table, as LLVM's are, and as much data as an interpreter
 * has. */
	.section .note.GNU-stack,"",%progbits
	.text
	.macro one
	.type a_function_of_a_large_library_\@, %function
a_function_of_a_large_library_\@:
	.fill 8, 1, 0x90
	.size a_function_of_a_large_library_\@, 8
	.endm
	.rept 200000
	one
	.endr
	.data
	.fill 200000, 1, 1
