# SPDX-License-Identifier: Apache-2.0
"""What is measured: models, and the cases made of them."""
import dataclasses
import fnmatch


@dataclasses.dataclass(frozen=True)
class Model:
    """A model for all parties: our file with its arguments, what builds it in torch_models.py, and what is fed."""

    name: str
    family: str
    file: str  # from the top of the tree; None: what PyTorch exports
    module: str
    data: str  # a function of inputs.py
    arguments: tuple = ()
    loss: str = "softmax_ce"
    images: bool = False  # PyTorch may keep them channels last
    exported: bool = False  # we infer from PyTorch's ONNX file, in which batch norms are folded, as ONNX Runtime does

    @property
    def input(self):
        return {"tokens": "tokens", "activations": "x"}.get(self.data, "image")


@dataclasses.dataclass(frozen=True)
class Case:
    model: Model
    kind: str  # "train" or "infer": a step; "epoch": 60,000 images, from files
    batch: int
    optimizer: str = ""  # of training
    tiny: bool = False  # takes part in --quick

    def __str__(self):
        words = [self.kind, self.model.name, f"b{self.batch}"]
        return "-".join(words + [self.optimizer] if self.optimizer else words)

    @property
    def entry(self):
        return "eval" if self.kind == "infer" else "train"

    @property
    def rate(self):
        return {"sgd": 0.01, "adamw": 0.001}[self.optimizer]


_APP = "apps/{}/model.cfg".format
_ENCODER = ("features=256", "blocks=4", "length=128", "vocabulary=1000", "dropout=0")

LOGREG = Model("logreg", "logreg", _APP("logreg"), "LogReg", "images")
MLP = Model("mlp", "MLP", _APP("ffn_mnist"), "Mlp", "images", ("hidden=512",))
LENET = Model("lenet", "LeNet", _APP("lenet"), "LeNet", "images", images=True)
CNN = Model("cnn", "CNN", "bench/models/cnn.cfg", "Cnn", "images", images=True, exported=True)
RESNET18 = Model("resnet18", "ResNet", "bench/models/resnet18.cfg", "resnet18", "colours", images=True, exported=True)
RESNET50 = Model("resnet50", "ResNet", None, "resnet50", "pictures224", images=True, exported=True)
ENCODER = Model("encoder", "transformer", _APP("encoder"), "Encoder", "tokens", _ENCODER)
GPT = Model("gpt", "transformer", "bench/models/gpt.cfg", "gpt", "activations", loss="mse")

CASES = [
    Case(LOGREG, "train", 1, "sgd"),
    Case(LOGREG, "train", 64, "sgd", tiny=True),
    Case(LOGREG, "train", 1024, "sgd"),
    Case(MLP, "train", 64, "sgd", tiny=True),
    Case(MLP, "train", 64, "adamw"),
    Case(MLP, "train", 256, "sgd"),
    Case(MLP, "train", 256, "adamw"),
    Case(LENET, "train", 64, "sgd", tiny=True),
    Case(LENET, "train", 256, "sgd"),
    Case(CNN, "train", 64, "sgd", tiny=True),
    Case(RESNET18, "train", 32, "sgd"),
    Case(ENCODER, "train", 8, "adamw", tiny=True),
    Case(GPT, "train", 1, "adamw"),
    *(Case(model, "infer", batch, tiny=model is LENET) for model in (LOGREG, MLP, LENET, CNN, RESNET18) for batch in (1, 64)),
    Case(RESNET50, "infer", 1),
    Case(ENCODER, "infer", 1),
    Case(ENCODER, "infer", 8),
    Case(GPT, "infer", 1),
    *(Case(model, "epoch", batch, "sgd") for model in (MLP, LENET) for batch in (64, 256)),
]


def chosen(patterns, quick):
    """Cases whose names match one of the patterns ("train-*"); all, or the tiny ones, without patterns."""
    if patterns:
        return [case for case in CASES if any(fnmatch.fnmatchcase(str(case), pattern) for pattern in patterns)]
    return [case for case in CASES if case.tiny or not quick]
