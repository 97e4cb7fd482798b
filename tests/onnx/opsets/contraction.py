# SPDX-License-Identifier: Apache-2.0
"""Matrix products and determinants. Oracles are NumPy and PyTorch."""
import numpy as np
import torch

rng = np.random.default_rng(21)


def f(*shape, dtype=np.float32):
    return np.array(rng.standard_normal(shape), dtype)


def i(*shape, dtype=np.int32):
    return rng.integers(-9, 9, shape).astype(dtype)


def matmuls(t):
    shapes = {
        "1_1": ((5,), (5,)),
        "1_2": ((5,), (5, 3)),
        "2_1": ((4, 5), (5,)),
        "1_3": ((5,), (2, 5, 3)),
        "3_1": ((2, 4, 5), (5,)),
        "3_2": ((2, 4, 5), (5, 3)),
        "broadcast": ((2, 1, 4, 5), (3, 5, 2)),
        "empty_k": ((2, 0), (0, 3)),
    }
    for name, (a, b) in shapes.items():
        for opset in 7, 13:
            x, y = f(*a), f(*b)
            t.op(f"matmul_{name}", "MatMul", opset, [x, y], [np.array(x @ y, np.float32)])
    x, w = f(2, 4, 5), f(5, 3)
    t.op("matmul_weight", "MatMul", 13, [x, w], [x @ w], fixed=[1])
    for dtype in np.float64, np.float16:
        x, y = f(3, 4, dtype=dtype), f(4, 2, dtype=dtype)
        t.op(f"matmul_{dtype.__name__}", "MatMul", 13, [x, y], [(x.astype(np.float64) @ y.astype(np.float64)).astype(dtype)])
    for dtype in np.int32, np.int64, np.uint32:
        x, y = i(3, 4, dtype=dtype), i(4, 2, dtype=dtype)
        t.op(f"matmul_{dtype.__name__}", "MatMul", 9, [x, y], [x @ y])


def gemms(t):
    a, b = f(3, 4), f(4, 5)
    for name, c in (("scalar", f()), ("one", f(1)), ("row", f(5)), ("row2", f(1, 5)), ("column", f(3, 1)), ("whole", f(3, 5))):
        for opset in 7, 11:
            t.op(f"gemm_{name}", "Gemm", opset, [a, b, c], [a @ b + c])
    c = f(5)
    for opset in 7, 9, 11, 13:
        wanted = np.float32(0.5) * (a @ b) + np.float32(2) * c
        t.op("gemm_scaled", "Gemm", opset, [a.T.copy(), b.T.copy(), c], [wanted], alpha=0.5, beta=2.0, transA=1, transB=1)
        t.op("gemm_linear", "Gemm", opset, [a, b.T.copy(), c], [a @ b + c], fixed=[1, 2], transB=1)
    t.op("gemm_linear_row2", "Gemm", 13, [a, b.T.copy(), c[None]], [a @ b + c], fixed=[1, 2], transB=1)
    t.op("gemm_no_c", "Gemm", 11, [a, b.T.copy()], [a @ b], fixed=[1], transB=1)
    t.op("gemm_no_beta", "Gemm", 11, [a, b.T.copy(), c], [a @ b], beta=0.0, transB=1)
    x, y, z = i(3, 4), i(5, 4), i(5)
    t.op("gemm_i32", "Gemm", 13, [x, y, z], [x @ y.T + z], transB=1)


EINSUMS = (
    ("ij,jk->ik", (3, 4), (4, 5)),
    ("ij,jk", (3, 4), (4, 5)),
    ("ji,jk->ki", (4, 3), (4, 5)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("bhid,bhjd->bhij", (2, 3, 4, 5), (2, 3, 6, 5)),
    ("bihd,bjhd->bhij", (2, 4, 3, 5), (2, 6, 3, 5)),
    ("i,j->ij", (3,), (4,)),
    ("i,i->", (3,), (3,)),
    ("i,i->i", (3,), (3,)),
    ("ij,i->ij", (3, 4), (3,)),
    ("ij,kj->", (3, 4), (2, 4)),
    ("ii->i", (4, 4)),
    ("ii", (4, 4)),
    ("iij->j", (3, 3, 2)),
    ("iji->ij", (3, 2, 3)),
    ("iii->", (3, 3, 3)),
    ("ijk->kji", (2, 3, 4)),
    ("ba", (2, 3)),
    ("ijk->j", (2, 3, 4)),
    ("...ij,...jk->...ik", (2, 3, 4, 5), (3, 5, 2)),
    ("...ij,jk->...ik", (2, 3, 4), (4, 5)),
    ("i...->...", (3, 2, 4)),
    ("...i->i...", (2, 3, 4)),
    ("b...d,de->b...e", (2, 3, 4, 5), (5, 6)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("bn,anm,bm->ba", (2, 3), (4, 3, 5), (2, 5)),
    ("a,b,c,d->abcd", (2,), (3,), (2,), (3,)),
    (" i j , j k -> i k ", (3, 4), (4, 5)),
    ("Ab,bC->AC", (3, 4), (4, 5)),
    ("abcd,cdef->abef", (2, 3, 4, 5), (4, 5, 2, 3)),
    ("...,...->...", (2, 3), (3,)),
)


def einsums(t):
    for n, (equation, *shapes) in enumerate(EINSUMS):
        values = [f(*shape) for shape in shapes]
        wanted = np.einsum(equation.replace(" ", ""), *values, dtype=np.float64)
        t.op(f"einsum_{n}", "Einsum", 12, values, [np.array(wanted, np.float32)], equation=equation)
    x, y = i(3, 4), i(4, 2)
    t.op("einsum_i32", "Einsum", 12, [x, y], [x @ y], equation="ij,jk")


def determinants(t):
    x = f(2, 3, 4, 4)
    t.op("det", "Det", 11, [x], [np.linalg.det(x)])
    t.op("det_f64", "Det", 11, [x.astype(np.float64)], [torch.linalg.det(torch.from_numpy(x.astype(np.float64))).numpy()])
    t.op("det_turned", "Det", 11, [np.float32([[0, 1], [1, 0]])], [np.array(-1, np.float32)])
    t.op("det_singular", "Det", 11, [np.float32([[1, 2], [2, 4]])], [np.array(0, np.float32)])


def write(t):
    matmuls(t)
    gemms(t)
    einsums(t)
    determinants(t)
