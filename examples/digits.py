#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains a model file on handwritten digits through the C API: digits.py [apps/digits [libspatialflow.so]]"""
import ctypes as c
import gzip
import pathlib
import sys

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "apps/digits")
sf = c.CDLL(sys.argv[2] if len(sys.argv) > 2 else "libspatialflow.so.0")
F32, U8, ALL_PHASES, LOSS = 0, 8, 7, 1


def struct(**fields):
    return type("Struct", (c.Structure,), {"_fields_": list(fields.items())})


Shape = struct(rank=c.c_int32, dim=c.c_int64 * 8)
Tensor = struct(data=c.c_void_p, dtype=c.c_int, shape=Shape, strides=c.c_int64 * 8, release=c.c_void_p, user_data=c.c_void_p)
Port = struct(name=c.c_char_p, dtype=c.c_int, shape=Shape, role=c.c_int)
Hyper = struct(step=c.c_int64, seed=c.c_uint64, lr=c.c_double, names=c.c_void_p, values=c.c_void_p)
Error = struct(domain=c.c_uint32, code=c.c_int, message=c.c_char_p)

error = c.POINTER(Error)()
for name in ("sf_import", "sf_compile", "sf_session_open"):
    getattr(sf, name).restype = c.c_void_p
sf.sf_tensor.restype, sf.sf_tensor.argtypes = Tensor, [c.c_int, Shape, c.c_void_p]


def check(result):
    return result or sys.exit("digits.py: " + error.contents.message.decode())


def tensor(shape, dtype, data):
    return sf.sf_tensor(dtype, Shape(len(shape), (c.c_int64 * 8)(*shape)), data)


def rows(name, header):
    return gzip.open(folder / "data" / name).read()[header:]


images, labels = rows("train-images-idx3-ubyte.gz", 16), rows("train-labels-idx1-ubyte.gz", 8)
module = check(sf.sf_import(str(folder / "model.cfg").encode(), None, c.byref(error)))
options = (c.c_uint64 * 16)()  # SfCompileOptions of zeros: the defaults
pef = check(sf.sf_compile(c.c_void_p(module), options, c.byref(error)))
session = check(sf.sf_session_open(c.c_void_p(pef), None, c.byref(error)))
outputs, loss, port = (Tensor * 8)(), c.c_float(), Port()
for i in range(8):
    if sf.sf_session_output(c.c_void_p(session), b"train", c.c_size_t(i), c.byref(port)) and port.role == LOSS:
        outputs[i] = tensor((), F32, c.addressof(loss))
for step in range(1, 401):
    at = 32 * (step % (len(labels) // 32))
    x = (c.c_float * 2048)(*(v / 16 for v in images[64 * at:64 * (at + 32)]))
    t = (c.c_uint8 * 32)(*labels[at:at + 32])
    batch = (Tensor * 2)(tensor((32, 1, 8, 8), F32, c.addressof(x)), tensor((32,), U8, c.addressof(t)))
    hyper = Hyper(step=step, lr=0.1)
    check(sf.sf_session_step(c.c_void_p(session), b"train", c.c_uint(ALL_PHASES), batch, outputs, c.byref(hyper), c.byref(error)))
    if step in (1, 100, 200, 300, 400):
        print(f"step {step}  loss {loss.value:.4f}")
