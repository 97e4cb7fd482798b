# SPDX-License-Identifier: Apache-2.0
"""write.py FAMILY FOLDER: the tests of a family of operators, each a folder."""
import importlib
import os
import sys

sys.dont_write_bytecode = True

import case  # noqa: E402

if __name__ == "__main__":
    os.makedirs(sys.argv[2], exist_ok=True)
    importlib.import_module(sys.argv[1]).write(case.Folder(sys.argv[2]))
