"""Frames that no activation of the loop runs, like those of Nuitka and pyexpat: made by PyFrame_New, with a line of
their own, and linked to the thread by C code (made_library.c) during its calls. The innermost one has called os.read
itself and, like Nuitka's, has its own type.
Arguments: the truth file, the library."""
import ctypes
import functools
import os
import sys
import truth

VERSION = sys.version_info[:2]
LINE = 700
WORD = ctypes.sizeof(ctypes.c_void_p)
# struct _ts: frame, cframe or current_frame (Include/cpython/pystate.h); _PyCFrame.current_frame.
YOUNGEST = 16 if VERSION < (3, 4) else 24 if VERSION < (3, 11) else 56 if VERSION < (3, 13) else 72
IN_CFRAME = {(3, 11): 8, (3, 12): 0}
# f_back, or _PyInterpreterFrame.previous and frame_obj; f_lineno and f_trace.
BACK = 24 if VERSION < (3, 11) else 48 if VERSION < (3, 12) else 8
OBJECT = 40 if VERSION < (3, 12) else 48
LINENO = 124 if VERSION < (3, 7) else 108 if VERSION < (3, 10) else 100 if VERSION < (3, 11) else 40
TRACE = 80

api, library = ctypes.pythonapi, ctypes.PyDLL(sys.argv[2])
api.PyThreadState_Get.restype = ctypes.c_void_p
api.PyFrame_New.restype = ctypes.py_object
api.PyFrame_New.argtypes = [ctypes.c_void_p] + 3 * [ctypes.py_object]
library.made_call.restype = ctypes.py_object
library.made_call.argtypes = 4 * [ctypes.c_void_p] + [ctypes.py_object]


def word_at(address):
    return ctypes.c_void_p.from_address(address)


def code_of(name):
    names = {}
    exec("def %s():\n    pass\n" % name, names)
    return names[name].__code__


def own_type(frame):
    """Give an object a copy of its type with another name."""
    kept.append(ctypes.create_string_buffer(ctypes.string_at(id(type(frame)), type.__basicsize__)))
    kept.append(ctypes.create_string_buffer(b"compiled_frame"))
    word_at(ctypes.addressof(kept[-2]) + 3 * WORD).value = ctypes.addressof(kept[-1])  # tp_name
    word_at(id(frame) + WORD).value = ctypes.addressof(kept[-2])


def compiled(name, line, callable):
    tstate = api.PyThreadState_Get()
    frame = api.PyFrame_New(tstate, code_of(name), globals(), globals())
    kept.append(frame)
    address = id(frame)
    ctypes.c_int.from_address(address + LINENO).value = line
    youngest = tstate + YOUNGEST
    if VERSION in IN_CFRAME:
        youngest = word_at(youngest).value + IN_CFRAME[VERSION]
    if VERSION < (3, 10):  # f_lineno is used only if there is a trace function
        word_at(address + TRACE).value = id(None)
        kept.append(ctypes.pythonapi.Py_IncRef(ctypes.py_object(None)))
    if VERSION >= (3, 11):
        word_at(word_at(address + 24).value + OBJECT).value = address
        address = word_at(address + 24).value
    made.append((frame.f_code, line, "+"))
    if name == "compiled_leaf":
        own_type(frame)
    call = ctypes.cast(api.PyObject_CallObject, ctypes.c_void_p).value
    return functools.partial(library.made_call, youngest, address + BACK, address, call, callable)


def inner():
    me = sys._getframe()
    leaf = compiled("compiled_leaf", LINE + 1, functools.partial(os.read, truth._never, 1))
    frames = [made[1], (me.f_code, me.f_lineno + 2, "+"), made[0], (module.f_code, module.f_lineno, "+")]
    truth.publish_frames(frames)
    leaf()


kept, made, module = [], [], sys._getframe()
compiled("compiled_outer", LINE, inner)()
