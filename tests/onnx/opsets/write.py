# SPDX-License-Identifier: Apache-2.0
"""write.py FOLDER FAMILY...: the tests of families of operators, each a folder in FOLDER/FAMILY."""
import importlib
import os
import sys

sys.dont_write_bytecode = True

import case  # noqa: E402

if __name__ == "__main__":
    for family in sys.argv[2:]:
        folder = os.path.join(sys.argv[1], family)
        os.makedirs(folder, exist_ok=True)
        importlib.import_module(family).write(case.Folder(folder))
