# SPDX-License-Identifier: Apache-2.0
"""Sessions of Spatialflow for NumPy, through the C API."""
import ctypes as c
import os

import numpy as np

build = os.environ["SF_BUILD_DIR"]
lib = c.CDLL(os.path.join(build, ".libs", "libspatialflow.so.0"))

DTYPES = ["float32", "float64", None, "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"]
ROLES = ["prediction", "loss", "other"]
OPTIMIZER, FORWARD, ALL_PHASES = 3, 1, 7


class Shape(c.Structure):
    _fields_ = [("rank", c.c_int32), ("dim", c.c_int64 * 8)]

    def tuple(self):
        return tuple(self.dim[:self.rank])


class Tensor(c.Structure):
    _fields_ = [("data", c.c_void_p), ("dtype", c.c_int), ("shape", Shape), ("strides", c.c_int64 * 8),
                ("release", c.c_void_p), ("user_data", c.c_void_p)]


class Port(c.Structure):
    _fields_ = [("name", c.c_char_p), ("dtype", c.c_int), ("shape", Shape), ("role", c.c_int)]


class Options(c.Structure):
    _fields_ = [("backend", c.c_char_p), ("n_threads", c.c_int), ("f64", c.c_bool), ("exact_firing", c.c_bool), ("backend_options", c.c_void_p)]


class ImportOptions(c.Structure):
    _fields_ = [("frontend", c.c_char_p), ("batch_size", c.c_int64), ("seed", c.c_uint64), ("args", c.c_void_p), ("dims", c.c_void_p),
                ("known", c.c_void_p), ("n_known", c.c_size_t), ("loss", c.c_char_p), ("loss_output", c.c_char_p), ("classes_axis", c.c_int64), ("target", c.c_char_p),
                ("freeze", c.c_void_p), ("feed", c.c_void_p)]


class CompileOptions(c.Structure):
    _fields_ = [("level", c.c_char_p), ("arch", c.c_char_p), ("precision", c.c_char_p), ("inference", c.c_bool), ("optimizer", c.c_char_p),
                ("optimizer_options", c.c_void_p), ("clip_norm", c.c_double), ("groups", c.c_void_p), ("num_rdu_tiles", c.c_int),
                ("seed", c.c_uint64), ("set", c.c_void_p), ("progress", c.c_void_p), ("explain", c.c_void_p), ("note", c.c_void_p),
                ("user_data", c.c_void_p)]


class Plugin(c.Structure):
    _fields_ = [("head", c.c_uint32 * 4), ("name", c.c_char_p), ("version", c.c_char_p), ("summary", c.c_char_p), ("option_size", c.c_uint32),
                ("reserved", c.c_uint32), ("options", c.c_void_p), ("ops", c.c_void_p)]


class Hyper(c.Structure):
    _fields_ = [("step", c.c_int64), ("seed", c.c_uint64), ("lr", c.c_double), ("names", c.c_void_p), ("values", c.c_void_p)]


class Error(c.Structure):
    _fields_ = [("domain", c.c_uint32), ("code", c.c_int), ("message", c.c_char_p)]


lib.sf_tensor.restype = Tensor
lib.sf_tensor.argtypes = [c.c_int, Shape, c.c_void_p]
for name, kinds in (("plugins_load", [c.c_int, c.c_char_p, c.c_void_p]), ("option_values_new", [c.c_void_p]),
                    ("pef_open", [c.c_char_p, c.c_void_p]), ("import", [c.c_char_p, c.c_void_p, c.c_void_p]),
                    ("compile", [c.c_void_p, c.c_void_p, c.c_void_p]), ("session_open", [c.c_void_p, c.c_void_p, c.c_void_p])):
    function = getattr(lib, "sf_" + name)
    function.restype, function.argtypes = c.c_void_p, kinds
lib.sf_option_set.restype, lib.sf_option_set.argtypes = c.c_bool, [c.c_void_p, c.c_char_p, c.c_char_p, c.c_char_p, c.c_void_p]
for name, kinds in (("input", [c.c_void_p, c.c_char_p, c.c_size_t, c.c_void_p]), ("output", [c.c_void_p, c.c_char_p, c.c_size_t, c.c_void_p]),
                    ("state", [c.c_void_p, c.c_size_t, c.c_void_p]), ("read", [c.c_void_p, c.c_char_p, c.c_void_p, c.c_void_p]),
                    ("write", [c.c_void_p, c.c_char_p, c.c_void_p, c.c_void_p]),
                    ("step", [c.c_void_p, c.c_char_p, c.c_uint, c.c_void_p, c.c_void_p, c.c_void_p, c.c_void_p])):
    function = getattr(lib, "sf_session_" + name)
    function.restype, function.argtypes = c.c_bool, kinds


def view(array):
    """The SfTensor of a dense array, which has to outlive it."""
    assert array.flags.c_contiguous
    return lib.sf_tensor(DTYPES.index(array.dtype.name), Shape(array.ndim, (c.c_int64 * 8)(*array.shape)), array.ctypes.data)


def call(function, *arguments):
    error = c.POINTER(Error)()
    result = function(*arguments, c.byref(error))
    if not result:
        raise RuntimeError(error.contents.message.decode())
    return result


def optimizer_options(name, options):
    plugin = c.cast(call(lib.sf_plugins_load, OPTIMIZER, name.encode()), c.POINTER(Plugin))
    values = lib.sf_option_values_new(plugin.contents.options)
    for option, value in options.items():
        call(lib.sf_option_set, values, option.replace("_", "-").encode(), repr(value).encode(), b"options")
    return values


def compile_file(path, optimizer, options, **wanted):
    """A PEF in memory of a model file; `wanted` are fields of ImportOptions."""
    module = call(lib.sf_import, path.encode(), c.byref(ImportOptions(seed=1, **wanted)))
    return call(lib.sf_compile, module, c.byref(CompileOptions(optimizer=optimizer.encode(), optimizer_options=optimizer_options(optimizer, options))))


def compile_model(model, batch, arguments, optimizer, options):
    """A PEF in memory of the starter model of that name."""
    path = os.path.join(os.environ["SF_SOURCE_DIR"], "apps", model, "model.cfg")
    listed = (c.c_char_p * (len(arguments) + 1))(*(argument.encode() for argument in arguments))
    return compile_file(path, optimizer, options, batch_size=batch, args=c.cast(listed, c.c_void_p))


def open_file(path):
    """The PEF in a file."""
    return call(lib.sf_pef_open, path.encode())


class Session:
    def __init__(self, pef, backend="rdu", f64=False, n_threads=0, entry="train"):
        self.handle = call(lib.sf_session_open, pef, c.byref(Options(backend=backend.encode(), f64=f64, n_threads=n_threads)))
        self.dtype, self.entry = "float64" if f64 else "float32", entry.encode()
        self.inputs = self._ports(lib.sf_session_input, self.entry)
        self.outputs = self._ports(lib.sf_session_output, self.entry)
        self.states = {name: shape for name, shape, _ in self._ports(lib.sf_session_state)}

    def _ports(self, function, *arguments):
        found, port = [], Port()
        while function(self.handle, *arguments, len(found), c.byref(port)):
            found.append((port.name.decode(), port.shape.tuple(), ROLES[port.role] if function is lib.sf_session_output else None))
        return found

    def read(self, name):
        array = np.empty(self.states[name], self.dtype)
        call(lib.sf_session_read, self.handle, name.encode(), c.byref(view(array)))
        return array

    def write(self, name, array):
        array = np.ascontiguousarray(array, self.dtype).reshape(self.states[name])
        call(lib.sf_session_write, self.handle, name.encode(), c.byref(view(array)))

    def _call(self, arrays, role, lr):
        """(a callable that runs the entry once, what it fills: the first output of that role, its Hyper)"""
        at = [role_of for _, _, role_of in self.outputs].index(role)
        arrays, wanted = [np.ascontiguousarray(array) for array in arrays], np.zeros(self.outputs[at][1], self.dtype)
        inputs, outputs = (Tensor * len(arrays))(*(view(array) for array in arrays)), (Tensor * len(self.outputs))()
        outputs[at] = view(wanted)
        hyper, phases = Hyper(step=0, seed=1, lr=lr), ALL_PHASES if self.entry == b"train" else FORWARD
        error = c.POINTER(Error)()
        given, kept = (self.handle, self.entry, phases, inputs, outputs, c.byref(hyper), c.byref(error)), (arrays, wanted)

        def run(function=lib.sf_session_step, given=given, kept=kept):
            hyper.step += 1
            if not function(*given):
                raise RuntimeError(error.contents.message.decode())

        return run, wanted, hyper

    def bind(self, arrays, lr=0.0):
        """A callable that takes a step over these arrays, with nothing to prepare when it is called."""
        return self._call(arrays, "loss" if self.entry == b"train" else "prediction", lr)[0]

    def step(self, arrays, step, lr):
        """One training step; returns the loss before it."""
        run, loss, hyper = self._call(arrays, "loss", lr)
        hyper.step = step - 1
        run()
        return float(loss)

    def infer(self, arrays):
        """The model's answer."""
        run, prediction, _ = self._call(arrays, "prediction", 0.0)
        run()
        return prediction
