# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime as a party: inference with the model that PyTorch exported, inputs and outputs bound ahead."""
import onnxruntime

import party


class Inferrer:
    def __init__(self, task):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = task.threads, 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(task.path("model.onnx"), options, providers=["CPUExecutionProvider"])
        name = self.session.get_inputs()[0].name
        self.bindings = []
        for batch in task.batches():
            binding = self.session.io_binding()
            binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(batch[name]))
            binding.bind_output("output")
            self.bindings.append(binding)

    def about(self):
        return {"how": "all graph optimisations, inputs and outputs bound"}

    def check(self):
        found = {}
        for i, binding in enumerate(self.bindings):
            self.session.run_with_iobinding(binding)
            found[f"output.{i}"] = binding.copy_outputs_to_cpu()[0]
        return [], found

    def steps(self):
        return [lambda binding=binding: self.session.run_with_iobinding(binding) for binding in self.bindings]


party.serve(Inferrer)
