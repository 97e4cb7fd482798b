# SPDX-License-Identifier: Apache-2.0
"""Fourier transforms and mel weights, in the versions and forms that ONNX's own node tests leave out. The oracle is NumPy."""
import numpy as np

rng = np.random.default_rng(16)


def pairs(z):
    return np.stack((z.real, z.imag), -1).astype(np.float32)


def dft(t):
    real = rng.standard_normal((2, 6, 5, 1)).astype(np.float32)
    both = rng.standard_normal((2, 6, 5, 2)).astype(np.float32)
    r, z = real[..., 0], both[..., 0] + 1j * both[..., 1]
    forms = {
        "real": (real, {}, lambda a: np.fft.fft(r, axis=a)),
        "complex": (both, {}, lambda a: np.fft.fft(z, axis=a)),
        "inverse": (both, {"inverse": 1}, lambda a: np.fft.ifft(z, axis=a)),
        "onesided": (real, {"onesided": 1}, lambda a: np.fft.rfft(r, axis=a)),
    }
    for name, (x, attrs, y) in forms.items():
        for axis in 0, 1, 2:
            t.op(f"dft_{name}_axis_{axis}", "DFT", 17, [x], [pairs(y(axis))], axis=axis, **attrs)
            t.op(f"dft_{name}_axis_{axis}", "DFT", 20, [x, None, np.array(axis - 4)], [pairs(y(axis))], fixed=[2], **attrs)
        t.op(f"dft_{name}", "DFT", 17, [x], [pairs(y(1))], **attrs)
        t.op(f"dft_{name}", "DFT", 20, [x], [pairs(y(2))], **attrs)
    for n in 3, 8:
        t.op(f"dft_of_{n}", "DFT", 17, [real, np.array(n)], [pairs(np.fft.fft(r, n, 1))])
        t.op(f"dft_of_{n}_onesided", "DFT", 20, [real, np.array(n, np.int32)], [pairs(np.fft.rfft(r, n, 2))], onesided=1)
    t.op("dft_line", "DFT", 17, [real[0, :, 0]], [pairs(np.fft.fft(r[0, :, 0]))], axis=0)


def stft(t):
    x = rng.standard_normal((2, 20, 2)).astype(np.float32)
    window = np.hanning(8).astype(np.float32)
    z = x[..., 0] + 1j * x[..., 1]
    starts = range(0, 13, 3)

    def frames(v, w=1.0):
        return np.stack([np.fft.fft(v[:, s : s + 8] * w, axis=1) for s in starts], 1)

    step, length = np.array(3), np.array(8)
    t.op("stft_complex", "STFT", 17, [x, step, window, length], [pairs(frames(z, window))], onesided=0, fixed=[1, 2, 3])
    t.op("stft_two_sides", "STFT", 17, [x[..., :1], step, None, length], [pairs(frames(z.real))], onesided=0)
    t.op("stft_one_side", "STFT", 17, [x[..., :1], step, window], [pairs(frames(z.real, window)[..., :5])], onesided=1)


def write(t):
    dft(t)
    stft(t)
