# SPDX-License-Identifier: Apache-2.0
"""generate.py FOLDER [SEED]: writes the ONNX project's own node and simple tests to FOLDER/node and FOLDER/simple."""
import sys

import numpy as np

# What onnx 1.12 still takes from NumPy, and NumPy 1.24 has no more.
for name, kind in {"bool": bool, "int": int, "float": float, "object": object, "str": str, "complex": complex}.items():
    if name not in vars(np):
        setattr(np, name, kind)

from onnx.backend.test import cmd_tools  # noqa: E402

np.random.seed(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
sys.argv = ["generate", "generate-data", "-o", sys.argv[1]]
cmd_tools.main()
